"""The journal's promises: synced before it returns, no position reused, bounded, honest about what it dropped."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from config.sparkplug import DataType
from config.wire import check_value
from config.words import Lane, Quality, Reading
from gateway.journal import Journal
from gateway.record import Draft, body_of, readings_from
from gateway.statefile import JournalCorrupt, JournalFull, set_aside
from tests.gateway_parts import draft

BOOT = "boot-1"
ALARM, TELEMETRY = Lane.ALARM, Lane.TELEMETRY
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def positions(journal: Journal, lane: Lane = ALARM) -> list[int]:
    return [record.position for record in journal.records(lane, 1, 10**9)]


def balances(journal: Journal, committed: dict[Lane, int]) -> bool:
    return all(
        counts.appended == counts.dropped + counts.in_journal + committed.get(lane, 0)
        for lane, counts in journal.account().items()
    )


def long_draft(lane: Lane, length: int) -> Draft:
    return Draft(lane, "d", 0, 0, (Reading("note", None, DataType.INT32, Quality.BAD, "x" * length),))


def test_a_record_comes_back_as_it_was_written(path: Path) -> None:
    readings = (
        Reading("fire", True, DataType.BOOLEAN),
        Reading("level", 12.3, DataType.DOUBLE),
        Reading("count", 2**40, DataType.INT64),
        Reading("lost", None, DataType.INT32, Quality.STALE, "no answer within 300 ms"),
        Reading("名字", None, DataType.DOUBLE, Quality.BAD, "unit code 6 is not in the profile"),
    )
    journal = Journal(path, 1000)
    (written,) = journal.append([Draft(ALARM, "smoke-1", 5, 6, readings)], BOOT)
    journal.close()

    (read,) = Journal(path, 1000).records(ALARM, 1, 1)

    assert read == written and read.readings == readings
    assert read.check == check_value("smoke-1", ALARM, 1, readings)
    assert readings_from(body_of(readings)) == readings


def test_each_lane_counts_its_own_positions_from_one(path: Path) -> None:
    journal = Journal(path, 1000)

    written = journal.append([draft(ALARM), draft(TELEMETRY), draft(ALARM, device=None)], BOOT)

    assert [(record.lane, record.position) for record in written] == [(ALARM, 1), (TELEMETRY, 1), (ALARM, 2)]
    assert written[2].device is None and journal.records(ALARM, 2, 2)[0].device is None


def test_a_position_is_never_used_twice_even_after_everything_was_acknowledged(path: Path) -> None:
    journal = Journal(path, 1000)
    journal.append([draft()] * 5, BOOT)
    journal.forget([(ALARM, 1, 5)])
    journal.close()

    journal = Journal(path, 1000)

    assert journal.stored(ALARM) is None and journal.last(ALARM) == 5
    assert [record.position for record in journal.append([draft()], BOOT)] == [6]
    assert journal.account()[ALARM].floor == 6


def test_the_epoch_belongs_to_the_file(path: Path, tmp_path: Path) -> None:
    first = Journal(path, 1000)
    again = Journal(path, 1000)
    other = Journal(tmp_path / "other.db", 1000)

    assert first.epoch == again.epoch != other.epoch


def test_the_oldest_telemetry_goes_first_and_every_loss_is_counted(path: Path) -> None:
    journal = Journal(path, records_max=100)
    journal.append([draft(ALARM)] * 50, BOOT)
    for _ in range(40):
        journal.append([draft(TELEMETRY)] * 5, BOOT)

    account = journal.account()
    assert account[ALARM].in_journal == 50 and account[ALARM].dropped == 0
    assert account[TELEMETRY].in_journal <= 50 and account[TELEMETRY].appended == 200
    assert positions(journal, TELEMETRY)[-1] == 200
    assert account[TELEMETRY].floor == positions(journal, TELEMETRY)[0]
    assert balances(journal, {})


def test_alarms_are_dropped_only_when_no_telemetry_is_left(path: Path) -> None:
    journal = Journal(path, records_max=10)
    journal.append([draft(TELEMETRY)] * 5, BOOT)
    journal.append([draft(ALARM)] * 30, BOOT)

    account = journal.account()
    assert account[TELEMETRY].in_journal == 0 and account[TELEMETRY].dropped == 5
    assert positions(journal) == list(range(21, 31))
    assert account[ALARM].floor == 21 and account[TELEMETRY].floor == 6
    assert balances(journal, {})


def test_the_journal_is_bounded_in_bytes_too(path: Path) -> None:
    journal = Journal(path, records_max=10**6, bytes_max=400_000)
    for _ in range(20):
        journal.append([long_draft(TELEMETRY, 1000)] * 50, BOOT)

    assert journal.account()[TELEMETRY].in_journal < 400
    assert path.stat().st_size < 1_000_000
    assert positions(journal, TELEMETRY)[-1] == 1000
    assert balances(journal, {})


def test_reports_that_could_not_wait_for_the_disk_are_declared(path: Path) -> None:
    journal = Journal(path, 1000)

    (written,) = journal.append([draft(TELEMETRY)], BOOT, lost=3)

    account = journal.account()[TELEMETRY]
    assert written.position == 4
    assert (account.appended, account.dropped, account.in_journal, account.floor) == (4, 3, 1, 4)


def test_on_a_full_disk_alarms_still_go_in_and_the_lost_telemetry_is_declared(path: Path) -> None:
    journal = Journal(path, 10**6, bytes_max=300_000)

    for _ in range(5):
        written = journal.append([draft(TELEMETRY), long_draft(TELEMETRY, 3_000_000), draft(ALARM)], BOOT)
        assert [record.lane for record in written] == [ALARM]

    account = journal.account()
    assert account[ALARM].in_journal == 5 and account[ALARM].dropped == 0
    assert (account[TELEMETRY].appended, account[TELEMETRY].dropped) == (10, 10)
    assert not path.with_suffix(".reserve").exists(), "the reserve was given up"
    assert balances(journal, {})


def test_a_disk_that_takes_not_even_an_alarm_is_said_and_nothing_is_half_written(path: Path) -> None:
    journal = Journal(path, 10**6, bytes_max=300_000)
    journal.append([draft(ALARM)], BOOT)

    with pytest.raises(JournalFull):
        journal.append([draft(ALARM), long_draft(ALARM, 3_000_000)], BOOT)

    assert positions(journal) == [1]
    assert [record.position for record in journal.append([draft(ALARM)], BOOT)] == [2]
    assert balances(journal, {})


def test_aliases_are_kept_and_never_given_to_a_second_metric(path: Path) -> None:
    journal = Journal(path, 1000)
    first = journal.aliases({("a", "x"): DataType.INT32, ("a", "y"): DataType.INT32})
    journal.close()
    journal = Journal(path, 1000)

    second = journal.aliases({("a", "y"): DataType.INT32, ("b", "x"): DataType.INT32, (None, "z"): DataType.BOOLEAN})
    third = journal.aliases({("a", "x"): DataType.DOUBLE})

    assert second["a", "y"] == first["a", "y"]
    assert third["a", "x"] == (first["a", "x"][0], DataType.DOUBLE), "a metric that returns has its alias again"
    numbers = [alias for alias, _ in {**first, **second}.values()]
    assert len(set(numbers)) == len(numbers) == 4


def test_retired_metrics_stay_until_the_records_of_their_time_have_drained(path: Path) -> None:
    journal = Journal(path, 1000)
    both = {("a", "x"): DataType.INT32, ("a", "old"): DataType.INT32}
    journal.aliases(both)
    journal.append([draft(ALARM, "a")] * 3, BOOT)

    assert set(journal.aliases({("a", "x"): DataType.INT32})) == set(both)
    journal.append([draft(ALARM, "a")], BOOT)  # of the new configuration
    journal.forget([(ALARM, 1, 2)])
    assert set(journal.aliases({("a", "x"): DataType.INT32})) == set(both)
    journal.forget([(ALARM, 3, 3)])

    assert set(journal.aliases({("a", "x"): DataType.INT32})) == {("a", "x")}


def test_bdseq_counts_on_over_restarts_and_wraps(path: Path) -> None:
    journal = Journal(path, 1000)
    assert [journal.next_bd_seq() for _ in range(3)] == [0, 1, 2]
    journal.close()
    journal = Journal(path, 1000)

    following = [journal.next_bd_seq() for _ in range(254)]

    assert following[:2] == [3, 4] and following[-2:] == [255, 0]


def test_a_clock_learned_later_corrects_this_boots_unsent_records_only(path: Path) -> None:
    journal = Journal(path, 1000)
    journal.append([draft(mono_ms=1000)], "boot-0")
    journal.append([draft(mono_ms=2000), draft(mono_ms=3000), draft(TELEMETRY, mono_ms=4000)], BOOT)

    corrected = journal.correct(BOOT, 1_800_000_000_000, {ALARM: [(2, 2)], TELEMETRY: []})

    assert corrected == 2
    assert [record.at_ms for record in journal.records(ALARM, 1, 3)] == [
        1_700_000_000_000,
        1_700_000_000_000,
        1_800_000_003_000,
    ]
    assert journal.records(TELEMETRY, 1, 1)[0].at_ms == 1_800_000_004_000
    assert journal.records(ALARM, 3, 3)[0].check == check_value("smoke-1", ALARM, 3, draft().readings)


def test_the_journal_knows_which_devices_it_still_owes(path: Path) -> None:
    journal = Journal(path, 1000)
    journal.append([draft(ALARM, "a"), draft(TELEMETRY, "b"), draft(ALARM, None)], BOOT)
    journal.forget([(ALARM, 1, 1)])

    assert journal.owing(["a", "b", "c"]) == {"b"}


@pytest.mark.parametrize("damage", ["noise", "other", "page", "schema"])
def test_a_damaged_file_is_set_aside_and_a_new_epoch_begins(path: Path, damage: str) -> None:
    journal = Journal(path, 1000)
    journal.append([draft(TELEMETRY)] * 500, BOOT)
    epoch = journal.epoch
    journal.close()
    data = bytearray(path.read_bytes())
    if damage == "noise":
        path.write_bytes(os.urandom(len(data)))
    elif damage == "other":
        path.write_bytes(b"this is not a database at all, but somebody's notes" * 100)
    elif damage == "page":
        data[4096 * 8 : 4096 * 14] = os.urandom(4096 * 6)
        path.write_bytes(bytes(data))
    else:
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA user_version = 99")
        other.close()

    with pytest.raises(JournalCorrupt):
        Journal(path, 1000)
    kept = set_aside(path, 1_700_000_000_000)

    assert kept.exists() and not path.exists()
    assert Journal(path, 1000).epoch != epoch


APPENDER = """
import sys
from pathlib import Path
from gateway.journal import Journal
from tests.gateway_parts import draft
from config.words import Lane
journal = Journal(Path(sys.argv[1]), 10**6)
while True:
    for record in journal.append([draft(Lane.ALARM), draft(Lane.TELEMETRY)], "boot"):
        print(record.lane.value, record.position, record.check, flush=True)
    journal.forget([(Lane.TELEMETRY, 1, record.position - 3)])
"""


def test_a_kill_in_the_middle_of_appending_loses_nothing_that_was_synced_and_reuses_no_position(path: Path) -> None:
    claimed: dict[tuple[str, int], int] = {}
    for turn in range(3):
        before = max((position for lane, position in claimed if lane == "alarm"), default=0)
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for count, line in enumerate(process.stdout):
            lane, position, check = line.split()
            assert (lane, int(position)) not in claimed, "a position was given twice"
            claimed[lane, int(position)] = int(check)
            if count == 40 + 13 * turn:
                process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        journal = Journal(path, 10**6)
        found = {record.position: record.check for record in journal.records(ALARM, 1, 10**9)}
        assert found.items() >= {p: c for (lane, p), c in claimed.items() if lane == "alarm"}.items()
        assert max(found) > before
        claimed |= {("alarm", position): check for position, check in found.items()}
        telemetry = journal.records(TELEMETRY, 1, 10**9)
        claimed |= {("telemetry", record.position): record.check for record in telemetry}
        account = journal.account()
        assert account[ALARM].appended == account[ALARM].in_journal == max(found)
        journal.close()
