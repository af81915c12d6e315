"""However the same words are cut into commits, the store holds the same afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Entry, Incident
from collector.calls.dispatch import Notice, Reason
from collector.calls.roster import Away
from collector.session.effects import Counts, Floor
from collector.state import Decision
from collector.storage.commits import journal_numbers, write_batch
from collector.storage.database import ROWS_TOGETHER, connect, insert, portions, transaction
from collector.storage.kept import Forgotten
from collector.storage.records import Batch, Record
from collector.storage.store import STORE
from config.profile import Condition, Kind
from config.sparkplug import DataType
from config.words import Edge, Lane, Reading, Report

TABLES = {
    "alarms": "SELECT * FROM alarms ORDER BY key",
    "incidents": "SELECT * FROM incidents ORDER BY id",
    "notices": "SELECT * FROM notices ORDER BY id",
    "entries": "SELECT incident, body FROM entries ORDER BY number",
    "kept": "SELECT * FROM kept ORDER BY kind, id",
    "records": "SELECT group_id, node, epoch, lane, position, check_value, device, at_ms, received_ms FROM records"
    " JOIN journals ON number = journal ORDER BY 1, 2, 3, 4, 5",
    "lanes": "SELECT group_id, node, epoch, lanes.lane, floor, appended, dropped, in_journal, heard_ms FROM lanes"
    " JOIN journals ON number = journal ORDER BY 1, 2, 3, 4",
    "spool": "SELECT urgent, lane, body FROM spool ORDER BY number",
}
ODD = ("gw-1", "gw'2", 'gw"3', "网关", "gw-5?", "")  # names are data, whatever stands in them


def file(folder: Path, name: str) -> sqlite3.Connection:
    return connect(folder / name, STORE)


def held(connection: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {name: connection.execute(sql).fetchall() for name, sql in TABLES.items()}


def decision(random: Random, now: int) -> Decision:
    """Something changes of a few things that change again and again."""
    number = random.randrange(8)
    phase = random.choice(list(Phase))
    alarm = Alarm(
        *(f"sd-{number}:fire", f"sd-{number}", "fire", "b-1", Condition.ALARM, Kind.FIRE, phase, f"{now}", now, now)
    )
    incident = Incident(f"i-{number}", "b-1", Kind.FIRE, now, now, True, (alarm.key,))
    notice = Notice(f"n-{number}", incident.id, "li", 0, Reason.OWN_TEAM, 0, 1, now, now, now, True)
    away = Away(f"a-{number}", "li", now, now + 1, "li", now, None, "", False)
    entries = tuple(Entry(now, f"said-{each}", incident.id, None, None, ()) for each in range(random.randrange(3)))
    return Decision(
        alarms=(alarm,) if random.random() < 0.6 else (),
        incidents=(replace(incident, closed_at_ms=random.choice((None, now))),) if random.random() < 0.6 else (),
        notices=(replace(notice, due=random.randrange(1, 4)),) if random.random() < 0.6 else (),
        entries=entries,
        kept=(random.choice((away, Forgotten(Away, away.id))),) if random.random() < 0.6 else (),
    )


def record(random: Random, now: int) -> Record:
    """Positions repeat themselves, within a commit and after it; some records are in no journal."""
    edge, lane = Edge("community", random.choice(ODD)), random.choice(list(Lane))
    position = random.choice((None, random.randrange(1, 30)))
    reading = Reading("fire", True, DataType.BOOLEAN)
    report = Report(edge, random.choice(ODD), lane, random.choice(("e1", "e2")), position, now, now, False, (reading,))
    return Record(report, "b-1", now)


def batch(random: Random, now: int) -> Batch:
    edge = Edge("community", random.choice(ODD))
    return Batch(
        decisions=(decision(random, now),),
        records=tuple(record(random, now) for _ in range(random.randrange(4))),
        floors=(Floor(edge, "e1", Lane.ALARM, random.randrange(9)),) if random.random() < 0.2 else (),
        counts=(Counts(edge, "e2", Lane.ALARM, random.choice((None, now)), 1, 2, now),)
        if random.random() < 0.2
        else (),
    )


def together(batches: Iterable[Batch]) -> Batch:
    """One batch of many, in their order."""
    found = Batch()
    for each in batches:
        found = Batch(
            found.decisions + each.decisions,
            found.records + each.records,
            found.floors + each.floors,
            found.counts + each.counts,
        )
    return found


def cut(random: Random, batches: Sequence[Batch]) -> list[Batch]:
    places = sorted({0, len(batches), *(random.randrange(len(batches)) for _ in range(random.randrange(6)))})
    return [together(batches[begin:end]) for begin, end in pairwise(places)]


@pytest.mark.parametrize("seed", range(12))
def test_however_it_is_cut_into_commits_the_store_holds_the_same(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    batches = [batch(random, 1_000 + number) for number in range(150)]
    one_by_one, at_once, in_some = (file(tmp_path, name) for name in ("one-by-one", "at-once", "in-some"))

    for connection, portions_ in (
        (one_by_one, batches),
        (at_once, [together(batches)]),
        (in_some, cut(random, batches)),
    ):
        spooled = 0
        for each in portions_:
            spooled += transaction(connection, partial(write_batch, batch=each))
        assert spooled == connection.execute("SELECT count(*) FROM spool").fetchone()[0]

    assert held(at_once) == held(one_by_one)
    assert held(in_some) == held(one_by_one)
    assert all(held(one_by_one).values())


def test_what_was_handed_over_stays_so_when_its_notice_changes(tmp_path: Path) -> None:
    connection = file(tmp_path, "state.db")
    notice = Notice("n-1", "i-1", "li", 0, Reason.OWN_TEAM, 0, 1, 1, 1, 1, True)
    write_batch(connection, Batch((Decision(notices=(notice,)),)))
    connection.execute("UPDATE notices SET handed_over = 1")

    write_batch(connection, Batch((Decision(notices=(replace(notice, due=2),)),)))

    assert connection.execute("SELECT due, handed_over FROM notices").fetchall() == [(2, 1)]


def test_a_position_that_was_pruned_is_not_stored_again(tmp_path: Path) -> None:
    connection = file(tmp_path, "state.db")
    given = [
        Record(Report(Edge("g", "n"), "d", Lane.ALARM, "e", position, 1, 1, False, ()), None, 1)
        for position in (3, 4, 5)
    ]
    write_batch(connection, Batch(records=(given[0],)))
    connection.execute("DELETE FROM records")
    connection.execute("UPDATE lanes SET pruned = 4, pruned_upto = 4")

    assert write_batch(connection, Batch(records=tuple(given))) == 1
    assert connection.execute("SELECT position FROM records").fetchall() == [(5,)]


def test_every_journal_has_one_number_however_odd_its_name_is(tmp_path: Path) -> None:
    connection = file(tmp_path, "state.db")
    odd = [
        (Edge("g", f"{name}{number}"), epoch) for name in ODD for number in range(40) for epoch in ("e", "e\x00", "")
    ]

    numbers = journal_numbers(connection, odd + odd)

    assert len(set(numbers.values())) == len(numbers) == len(odd)
    assert journal_numbers(connection, odd[::-1]) == numbers
    assert journal_numbers(connection, []) == {}


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 200, 1_000])
def test_many_rows_go_in_few_statements_and_in_their_order(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, a, b)")
    run: list[str] = []
    connection.set_trace_callback(lambda sql: run.append(sql) if sql.startswith("INSERT") else None)
    rows = [(number, None if number % 3 else f"'{number}\x00") for number in range(count)]

    insert(connection, "INSERT INTO t (a, b)", rows)

    assert connection.execute("SELECT a, b FROM t ORDER BY number").fetchall() == rows
    assert len(run) <= count // ROWS_TOGETHER + 6
    assert [each for some in portions(rows) for each in some] == rows
