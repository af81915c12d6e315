"""The store keeps what it said it kept, and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Answer, Entry, Incident, Response
from collector.calls.dispatch import Notice, Reason
from collector.session.effects import Counts, Floor
from collector.state import Decision
from collector.storage.records import Attempt, Batch, Recalled, Record, StoredLane
from collector.storage.store import Limits, Store, StoreFailed, StoreRefused, open_store
from config.endpoint import EndpointError
from config.profile import Condition, Kind
from config.sparkplug import DataType
from config.words import Committed, Edge, Lane, Quality, Reading, Report

EDGE = Edge("community", "gw-1")
SMALL = Limits(reserve_bytes=4096)


def record(
    position: int | None, lane: Lane | None = Lane.ALARM, epoch: str = "e1", **said: bool | float | str
) -> Record:
    """A record of a device whose stamp follows its position."""
    types = {bool: DataType.BOOLEAN, float: DataType.DOUBLE, str: DataType.STRING}
    readings = tuple(Reading(name, value, types[type(value)]) for name, value in (said or {"smoke": True}).items())
    check = None if position is None else position * 7
    report = Report(EDGE, "sd-1", lane, epoch, position, check, 1000 + (position or 0), False, readings)
    return Record(report, "b-1", 2000)


def alarm(key: str = "sd-1:smoke", phase: Phase = Phase.ACTIVE) -> Alarm:
    return Alarm(
        key,
        "sd-1",
        "smoke",
        "b-1",
        Condition.ALARM,
        Kind.FIRE,
        phase,
        "on",
        1,
        2,
        epoch="e1",
        position=4,
        incident="i-1",
    )


def incident(id: str = "i-1", closed_at_ms: int | None = None) -> Incident:
    response = Response("li", Answer.GOING, 5)
    return Incident(id, "b-1", Kind.FIRE, 1, 1, True, ("sd-1:smoke",), (response,), ("li",), closed_at_ms=closed_at_ms)


def notice(id: str = "n-1", incident: str = "i-1", **changes: int) -> Notice:
    return Notice(id, incident, "li", 0, Reason.OWN_TEAM, 0, 1, 1, 2, 3, True, **changes)


@asynccontextmanager
async def opened(path: Path, limits: Limits = SMALL) -> AsyncIterator[Store]:
    store = await open_store(f"sqlite:{path}", limits)
    try:
        yield store
    finally:
        await store.close()


def test_what_was_committed_is_restored_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        entry = Entry(1, "incident-opened", "i-1", facts=(("kind", "fire"),))
        decision = Decision((alarm(),), (incident(), incident("i-0", 9)), (notice(), notice("n-0", "i-0")), (entry,))
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch((decision,)))
            await store.commit(Batch((Decision(alarms=(alarm("sd-2:smoke", Phase.NORMAL),)),)))
        async with opened(tmp_path / "s") as store:
            restored = await store.restore()
            assert restored.incidents == (incident(),)
            assert restored.notices == (notice(),)
            assert restored.alarms == (alarm(),)
            assert restored.last_id == "n-1"
            assert await store.entries("i-1", 10) == [entry]
            assert await store.entries(None, 10) == [entry]
            assert await store.incident("i-0") == incident("i-0", 9)
            assert await store.incident("i-9") is None
            assert [each.id for each in await store.incidents(10)] == ["i-1", "i-0"]

    asyncio.run(main())


def test_a_failed_batch_leaves_nothing_behind(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch(records=(record(1),)))
            too_large = record(2**70)
            with pytest.raises((StoreFailed, OverflowError)):
                await store.commit(Batch((Decision(incidents=(incident(),)),), (record(2), too_large)))
            assert await store.incidents(10) == []
            assert [lane.islands for lane in await store.lanes()] == [((1, 1),)]
            assert store.spooled == 1 == len(await store.spool(10))

    asyncio.run(main())


def test_the_account_of_a_lane_is_rebuilt_from_rows(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch(records=tuple(record(p) for p in (3, 4, 7, 9, 10))))
            await store.commit(Batch(records=(record(1, Lane.TELEMETRY), record(1, epoch="e2"))))
        async with opened(tmp_path / "s") as store:
            lanes = {(lane.epoch, lane.lane): lane for lane in await store.lanes()}
            assert lanes["e1", Lane.ALARM].settled.committed() == Committed(0, ((3, 4), (7, 7), (9, 10)))
            assert lanes["e1", Lane.TELEMETRY].settled.committed() == Committed(1)
            assert lanes["e2", Lane.ALARM].settled.committed() == Committed(1)
            await store.commit(Batch(floors=(Floor(EDGE, "e1", Lane.ALARM, 7),)))
            (lane,) = [lane for lane in await store.lanes() if (lane.epoch, lane.lane) == ("e1", Lane.ALARM)]
            assert lane.settled.committed() == Committed(7, ((9, 10),))
            assert (lane.count, lane.missing) == (5, 4)

    asyncio.run(main())


def test_a_repeat_is_stored_and_spooled_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch(records=(record(1), record(1))))
            await store.commit(Batch(records=(record(1), record(2))))
            assert [each.record for each in await store.spool(10)] == [record(1), record(2)]
            assert await store.recall(record(2).report) is Recalled.SAME
            assert await store.recall(replace(record(2).report, check=1)) is Recalled.OTHER
            assert await store.recall(record(3).report) is Recalled.NEVER
            assert await store.recall(record(2, epoch="e2").report) is Recalled.NEVER

    asyncio.run(main())


def test_a_record_comes_out_of_the_spool_as_it_went_in(tmp_path: Path) -> None:
    readings = (
        Reading("on", True, DataType.BOOLEAN),
        Reading("count", 2**63, DataType.UINT64),
        Reading("level", -1.5, DataType.DOUBLE),
        Reading("text", "烟 \x00 \u2028", DataType.STRING),
        Reading("raw", b"\x00\xff", DataType.BYTES),
        Reading("gone", None, DataType.DOUBLE, Quality.STALE, "no answer"),
    )
    odd = Record(Report(EDGE, None, None, None, None, None, 5, True, readings), None, 9)

    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch(records=(odd,)))
            assert [each.record for each in await store.spool(10)] == [odd]

    asyncio.run(main())


def test_the_spool_gives_alarms_first_and_drops_telemetry_first(tmp_path: Path) -> None:
    async def main() -> None:
        limits = Limits(spool_rows_max=4, reserve_bytes=4096)
        async with opened(tmp_path / "s", limits) as store:
            await store.commit(Batch(records=tuple(record(p, Lane.TELEMETRY) for p in (1, 2, 3))))
            await store.commit(Batch(records=tuple(record(p) for p in (1, 2, 3))))
            spool = [(each.record.report.lane, each.record.report.position) for each in await store.spool(10)]
            assert spool == [(Lane.ALARM, 1), (Lane.ALARM, 2), (Lane.ALARM, 3), (Lane.TELEMETRY, 3)]
            lost = {row.lane: (row.committed, row.spooled, row.lost) for row in await store.ledger_rows()}
            assert lost == {Lane.TELEMETRY: (3, 1, 2), Lane.ALARM: (3, 3, 0)}

            first, second, *_ = await store.spool(10)
            await store.drained([first.number])
            await store.refuse(second.number, "a string where a number was")
            assert store.spooled == 2
            rows = {row.lane: (row.spooled, row.lost, row.refused) for row in await store.ledger_rows()}
            assert rows[Lane.ALARM] == (1, 0, 1)

    asyncio.run(main())


def test_the_spool_is_counted_right_while_it_fills_and_drains_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            for position in range(1, 40, 2):
                waiting = [each.number for each in await store.spool(1)]
                more = Batch(records=(record(position), record(position + 1)))
                await asyncio.gather(store.drained(waiting), store.commit(more))
                assert store.spooled == len(await store.spool(100))

    asyncio.run(main())


def test_pruning_is_counted_and_a_pruned_position_is_not_stored_again(tmp_path: Path) -> None:
    async def main() -> None:
        limits = Limits(lane_records_keep=3, reserve_bytes=4096)
        async with opened(tmp_path / "s", limits) as store:
            await store.commit(Batch(records=tuple(record(p) for p in (2, 3, 4, 5, 6, 7, 8, 20))))
            assert await store.prune() == 0  # nothing is settled while position 1 is missing
            await store.commit(Batch(floors=(Floor(EDGE, "e1", Lane.ALARM, 3),)))
            assert await store.prune() == 4  # 2 to 5 go, the newest three settled stay
            await store.commit(Batch(records=(record(4),)))
            assert await store.recall(record(4).report) is Recalled.SAME
            (lane,) = await store.lanes()
            assert lane.settled.committed() == Committed(8, ((20, 20),))
            assert (lane.count, lane.missing) == (8, 1)
            (row,) = await store.ledger_rows()
            assert (row.committed, row.spooled, row.missing) == (8, 8, 1)

    asyncio.run(main())


def test_old_closed_incidents_go_with_all_that_is_theirs_and_open_ones_stay(tmp_path: Path) -> None:
    async def main() -> None:
        limits = Limits(incidents_keep=1, entries_keep=2, reserve_bytes=4096)
        async with opened(tmp_path / "s", limits) as store:
            incidents = (incident("i-0"), incident("i-1", 5), incident("i-2", 6))
            notices = (notice("n-0", "i-0"), notice("n-1", "i-1"), notice("n-2", "i-2"))
            entries = tuple(Entry(n, "x", incident) for n, incident in enumerate(["i-1", "i-2", None, None, None]))
            over, open_one = alarm("sd-1:fire#i-1", Phase.NORMAL), alarm("sd-1:smoke")
            others = replace(alarm("sd-2:fire", Phase.NORMAL), incident="i-2")
            await store.commit(Batch((Decision((over, open_one, others), incidents, notices, entries),)))
            await store.record_attempt(Attempt("n-1", 1, "mail", 1, 2))
            await store.prune()
            assert [each.id for each in await store.incidents(10)] == ["i-2", "i-0"]
            assert [entry.at_ms for entry in await store.entries(None, 10)] == [1, 3, 4]
            assert await store.notices("i-1") == [] == await store.attempts("n-1")
            assert await store.notices("i-2") == [notice("n-2", "i-2")]
        kept = sqlite3.connect(tmp_path / "s")
        assert kept.execute("SELECT key FROM alarms ORDER BY key").fetchall() == [("sd-1:smoke",), ("sd-2:fire",)]
        kept.close()

    asyncio.run(main())


def test_the_story_of_an_incident_that_is_open_for_months_has_a_bound(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s", Limits(story_keep=3, reserve_bytes=4096)) as store:
            incidents = (incident("i-0"), incident("i-1"))
            entries = (*(Entry(n, "x", "i-0") for n in range(5)), Entry(9, "x", "i-1"))
            await store.commit(Batch((Decision((), incidents, (), entries),)))
            await store.prune()
            assert [entry.at_ms for entry in await store.entries("i-0", 10)] == [2, 3, 4]
            assert [entry.at_ms for entry in await store.entries("i-1", 10)] == [9]

    asyncio.run(main())


def test_a_notice_is_due_until_as_many_sendings_were_handed_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch((Decision(notices=(notice(),)),)))
            assert await store.notices_due() == [notice()]
            failed = Attempt("n-1", 1, "mail", 10, None, "no route", False)
            await store.record_attempt(failed)
            assert await store.notices_due() == [notice()]
            await store.record_attempt(Attempt("n-1", 1, "mail", 20, 21))
            await store.record_attempt(Attempt("n-1", 1, "mail", 22, 23))  # the twin after a crash
            assert await store.notices_due() == []
            await store.commit(Batch((Decision(notices=(notice(due=2),)),)))
            assert await store.notices_due() == [notice(due=2)]
            await store.commit(Batch((Decision(notices=(notice(due=2, superseded_at_ms=30),)),)))
            assert await store.notices_due() == []
            assert (await store.attempts("n-1"))[0] == failed

    asyncio.run(main())


def test_a_gateways_counts_are_kept_and_a_silence_about_one_does_not_erase_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch(counts=(Counts(EDGE, "e1", Lane.ALARM, 9, 1, 2, 100),)))
            await store.commit(Batch(counts=(Counts(EDGE, "e1", Lane.ALARM, 12, None, None, 105),)))
            (row,) = await store.ledger_rows()
            assert (row.appended, row.dropped, row.in_journal, row.heard_ms) == (12, 1, 2, 105)
            assert row.committed == 0 and row.in_history is None

    asyncio.run(main())


def test_a_setting_is_made_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "s") as store:
            assert await store.setting("secret", lambda: "first") == "first"
        async with opened(tmp_path / "s") as store:
            assert await store.setting("secret", lambda: "second") == "first"
        assert (tmp_path / "s").stat().st_mode & 0o077 == 0

    asyncio.run(main())


def test_a_store_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    async def refusal(url: str, read_only: bool = False) -> str:
        with pytest.raises((StoreRefused, StoreFailed, EndpointError)) as caught:
            await open_store(url, SMALL, read_only)
        return str(caught.value)

    async def main() -> None:
        assert "SQLite only" in await refusal("postgresql://db/callpoint")
        assert "PATH" in await refusal("sqlite:")
        assert "no such file" in await refusal(f"sqlite:{tmp_path}/none", read_only=True)
        (tmp_path / "text").write_text("not a database, not at all, and long enough to be told from one" * 20)
        assert "cannot be read" in await refusal(f"sqlite:{tmp_path}/text")
        with sqlite3.connect(tmp_path / "foreign") as foreign:
            foreign.execute("CREATE TABLE cats (name)")
        foreign.close()
        assert "something else" in await refusal(f"sqlite:{tmp_path}/foreign")
        async with opened(tmp_path / "s"):
            assert "another collector" in await refusal(f"sqlite:{tmp_path}/s")
            reader = await open_store(f"sqlite:{tmp_path}/s", read_only=True)
            assert await reader.ledger_rows() == []
            await reader.close()
        newer = sqlite3.connect(tmp_path / "s")
        newer.execute("PRAGMA user_version = 99")
        newer.close()
        assert "schema 99" in await refusal(f"sqlite:{tmp_path}/s")
        if os.getuid():
            assert "ermission" in await refusal("sqlite:/proc/none/s")

    asyncio.run(main())


STREAM = """
import asyncio, sys
from collector.storage.records import Batch
from tests.unit.test_store import record, open_store, SMALL
async def main():
    store = await open_store("sqlite:" + sys.argv[1], SMALL)
    position = (await store.lanes() or [None])[0]
    position = 0 if position is None else position.settled.upto
    while True:
        await store.commit(Batch(records=(record(position + 1), record(position + 2))))
        position += 2
        print(position, flush=True)
asyncio.run(main())
"""


def test_nothing_that_was_committed_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    committed = 0
    for kill_after in (1, 7, 23):
        child = subprocess.Popen(
            [sys.executable, "-c", STREAM, str(tmp_path / "s")],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert child.stdout is not None
        for _ in range(kill_after):
            committed = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        committed = int((child.stdout.read().split() or [committed])[-1])
        child.stdout.close()
        child.wait()

        async def lane_and_spool() -> tuple[StoredLane, int]:
            async with opened(tmp_path / "s") as store:
                (lane,) = await store.lanes()
                return lane, store.spooled

        lane, spooled = asyncio.run(lane_and_spool())
        assert lane.settled.upto in (committed, committed + 2)  # the last commit may not have been told
        assert not lane.settled.has_hole
        assert spooled == lane.count == lane.settled.upto


FULL_DISK = """
import asyncio, sys
from pathlib import Path
from collector.state import Decision
from collector.storage.records import Batch
from collector.storage.store import Limits, StoreFailed
from config.words import Lane
from tests.unit.test_store import incident, opened, record
folder = Path(sys.argv[1])
async def main():
    async with opened(folder / "s", Limits(reserve_bytes=2_000_000)) as store:
        ballast = folder / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            print("full")
        little = "INSERT INTO refused (reason, body) VALUES ('x', ?)"
        try:
            while True:
                await store.note(lambda connection: connection.execute(little, ("x" * 20000,)) and None)
        except StoreFailed as error:
            assert "full" in str(error), error
        assert not store.short_of_space, "what matters little took the room that is kept for alarms"
        position = 0
        while not store.short_of_space:
            position += 1
            kept = await store.commit(Batch(records=(record(position, Lane.TELEMETRY, text="x" * 2000),)))
            assert len(kept) == 1 and position < 10_000
        decision = Decision(incidents=(incident(),))
        kept = await store.commit(Batch((decision,), (record(1), record(position + 1, Lane.TELEMETRY))))
        assert [each.report.lane for each in kept] == [Lane.ALARM], kept
        assert await store.incident("i-1") == incident()
        try:
            while True:
                position += 1
                await store.commit(Batch(records=(record(position, text="x" * 20000),)))
        except StoreFailed as error:
            assert "full" in str(error), error
        ballast.unlink()
        await store.commit(Batch(records=(record(position),)))
    async with opened(folder / "s", Limits(reserve_bytes=2_000_000)) as store:
        assert not store.short_of_space
        assert len(await store.commit(Batch(records=(record(position + 1, Lane.TELEMETRY),)))) == 1
        print("recorded")
asyncio.run(main())
"""


def test_a_fire_is_recorded_on_a_full_disk_and_telemetry_stays_with_its_gateway(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=8m tmpfs "{tmp_path}" && exec "{sys.executable}" -c "$0" "{tmp_path}"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("a small disk of its own needs unshare with user namespaces")
    done = subprocess.run(
        [*command, mount, FULL_DISK],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.split() == ["full", "recorded"], done.stderr
