"""The way into the journal: alarms at once and first, telemetry grouped, nothing handed on before it is on disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

from config.sparkplug import DataType
from config.words import Lane, Quality, Reading
from gateway.catalogue import LaneAccount
from gateway.clock import Clock
from gateway.journal import Journal
from gateway.record import Draft, Record
from gateway.recorder import DRAFTS_MAX, TELEMETRY_GROUP_S, Recorder
from tests.gateway_parts import draft

ALARM, TELEMETRY = Lane.ALARM, Lane.TELEMETRY


class Bench:
    """A recorder on a real journal; what it handed on, and whether the disk had it by then."""

    def __init__(self, path: Path, bytes_max: int = 10**8) -> None:
        self.journal = Journal(path, 10**6, bytes_max)
        self.other = Journal(path, 10**6, bytes_max)  # another pair of eyes on the same file
        self.synced: list[list[Record]] = []
        self.counts: list[Mapping[Lane, LaneAccount]] = []
        self.troubles: list[str | None] = []
        self.waiting = 0
        self.recorder = Recorder(self.journal, Clock(), self.on_synced, self.counts.append, self.on_trouble)

    def on_trouble(self, cause: str | None, waiting: int) -> None:
        self.troubles.append(cause)
        self.waiting = waiting

    def on_synced(self, records: Sequence[Record]) -> None:
        for record in records:
            assert self.other.records(record.lane, record.position, record.position) == [record]
        self.synced.append(list(records))

    def run(self, trial: Callable[[], Awaitable[None]]) -> None:
        async def inside() -> None:
            task = asyncio.create_task(self.recorder.run())
            await trial()
            task.cancel()
            await asyncio.wait({task})
            self.recorder.close()

        asyncio.run(inside())

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():  # noqa: ASYNC110 - conditions of plain data, looked at from outside
                await asyncio.sleep(0.005)


def test_an_alarm_is_on_disk_at_once_and_takes_waiting_telemetry_along(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal.db")

    async def trial() -> None:
        bench.recorder.put([draft(TELEMETRY)])
        bench.recorder.put([draft(TELEMETRY), draft(ALARM)])
        started_s = time.monotonic()
        await bench.until(lambda: bool(bench.synced))
        assert time.monotonic() - started_s < TELEMETRY_GROUP_S, "it waited as if it were telemetry"

    bench.run(trial)

    (batch,) = bench.synced
    assert [(record.lane, record.position) for record in batch] == [(ALARM, 1), (TELEMETRY, 1), (TELEMETRY, 2)]


def test_telemetry_of_one_second_is_one_transaction(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal.db")

    async def trial() -> None:
        for _ in range(10):
            bench.recorder.put([draft(TELEMETRY)])
            await asyncio.sleep(0.02)
        assert bench.synced == []
        await bench.until(lambda: bool(bench.synced))

    bench.run(trial)

    assert [len(batch) for batch in bench.synced] == [10]


def test_committed_records_leave_the_disk_and_the_counts_follow(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal.db")

    async def trial() -> None:
        bench.recorder.put([draft(ALARM)] * 5)
        await bench.until(lambda: bool(bench.synced))
        bench.recorder.forget([(ALARM, 1, 4)])
        await bench.until(lambda: bool(bench.counts) and bench.counts[-1][ALARM].in_journal == 1)

    bench.run(trial)

    assert bench.counts[-1][ALARM] == LaneAccount(floor=5, appended=5, dropped=0, in_journal=1)


def test_a_host_that_repeats_its_commits_costs_neither_memory_nor_deletions(tmp_path: Path) -> None:
    """Also while the disk takes nothing: what waits is a range, however often it was said."""
    bench = Bench(tmp_path / "journal.db")
    forgotten: list[int] = []

    class Counting(Journal):
        def forget(self, ranges: Iterable[tuple[Lane, int, int]]) -> None:
            found = list(ranges)
            forgotten.append(len(found))
            super().forget(found)

    bench.recorder.close()
    journal = Counting(tmp_path / "journal.db", 10**6)
    bench.recorder = Recorder(journal, Clock(), bench.on_synced, bench.counts.append, bench.on_trouble)

    async def trial() -> None:
        bench.recorder.put([draft(ALARM)] * 50)
        await bench.until(lambda: bool(bench.synced))
        for upto in range(1, 51):
            bench.recorder.forget([(ALARM, 1, upto)])
        await bench.until(lambda: bool(bench.counts) and bench.counts[-1][ALARM].in_journal == 0)

    bench.run(trial)

    assert forgotten == [1]


def test_a_file_that_another_holds_locked_is_tried_again_and_nothing_is_lost(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal.db")
    thief = sqlite3.connect(tmp_path / "journal.db", isolation_level=None, check_same_thread=False)

    async def trial() -> None:
        thief.execute("BEGIN IMMEDIATE")
        bench.recorder.put([draft(ALARM)])
        await bench.until(lambda: bool(bench.troubles))
        thief.execute("ROLLBACK")
        await bench.until(lambda: bool(bench.synced))

    bench.run(trial)
    thief.close()

    assert bench.troubles[0] is not None and "locked" in bench.troubles[0]
    assert bench.troubles[-1] is None


def test_what_cannot_be_written_now_is_a_trouble_and_waits(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal.db", bytes_max=300_000)
    huge = Draft(ALARM, "d", 0, 0, (Reading("note", None, DataType.INT32, Quality.BAD, "x" * 3_000_000),))

    async def trial() -> None:
        bench.recorder.put([huge])
        await bench.until(lambda: bool(bench.troubles))
        bench.recorder.put([draft(ALARM)])

    bench.run(trial)

    assert bench.troubles[0] is not None and "cannot be written" in bench.troubles[0]
    assert bench.waiting == 1
    assert bench.synced == []


def test_a_disk_that_does_not_write_costs_the_oldest_telemetry_and_it_is_declared(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "journal.db")

    async def trial() -> None:
        bench.recorder.put([draft(ALARM, device=f"d{index}") for index in range(3)])
        bench.recorder.put([draft(TELEMETRY)] * DRAFTS_MAX)
        await bench.recorder.flush()
        await bench.recorder.count()

    asyncio.run(trial())
    bench.recorder.close()

    counts = bench.counts[-1]
    assert (counts[ALARM].appended, counts[ALARM].dropped) == (3, 0)
    assert (counts[TELEMETRY].appended, counts[TELEMETRY].dropped) == (DRAFTS_MAX, 3)
    assert counts[TELEMETRY].in_journal == DRAFTS_MAX - 3
