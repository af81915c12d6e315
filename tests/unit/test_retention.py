"""Promises of the housekeeping: what is over its time goes, nothing else does, and a wrong clock costs nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.access.audit import Change
from collector.alarms.alarm import Phase
from collector.alarms.incident import Entry
from collector.alarms.route import Mode, Route
from collector.state import Decision
from collector.storage.photos import Photos
from collector.storage.records import Attempt, Batch
from collector.storage.retention import BATCH_ROWS_MAX, DAY_MS, Housekeeper, rules
from collector.storage.store import Store
from config.profile import Kind
from config.retention import Retention
from tests.unit.test_store import alarm, incident, notice, opened
from tests.web.scene import Clock

YEAR_MS = 365 * DAY_MS
NOW_MS = 20 * YEAR_MS
BRIEF = Retention(incidents_days=1000, troubles_days=300, notes_days=200, photos_days=100, log_days=300, audit_days=500)


async def days(keeper: Housekeeper, clock: Clock, number: int = 2) -> None:
    """So many days of housekeeping; the first only says when it was."""
    for _ in range(number):
        await keeper.keep()
        clock.now_ms += DAY_MS


def lines_of(folder: Path, table: str, columns: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "s")
    rows = connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
    connection.close()
    return rows


def ago(number: int) -> int:
    return NOW_MS - number * DAY_MS


async def fill(store: Store) -> None:
    fires = (incident("old", ago(1100)), incident("young", ago(900)), incident("open"))
    trouble = replace(incident("trouble", ago(400)), kind=Kind.FAULT)
    drill = replace(incident("drill", ago(400)), route=Route(Mode.DRILL, "d-1"))
    noted = replace(incident("noted", ago(250)), notes=1)
    entries = (
        *(Entry(ago(2000), "x", each.id) for each in fires),
        Entry(ago(250), "noted", "noted", person="li", facts=(("text", "smoke at Wang's"),)),
        Entry(ago(50), "noted", "open", person="li", facts=(("text", "still burning"),)),
        Entry(ago(400), "log-old"),
        Entry(ago(200), "log-young"),
    )
    alarms = (
        replace(alarm("sd-1:fire#old", Phase.NORMAL), incident="old"),
        replace(alarm("sd-2:fire"), incident="old"),  # latched beyond its incident
    )
    notices = tuple(notice(f"n-{each.id}", each.id) for each in fires)
    decision = Decision(alarms, (*fires, trouble, drill, noted), notices, entries)
    changes = tuple(Change(ago(day), "token", None, "token", "person", "li", {}, None) for day in (600, 400))
    await store.commit(Batch((decision,), changes=changes))
    await store.record_attempts([Attempt(f"n-{each.id}", 1, "mail", 1, 2) for each in fires])
    for name, day in (("open", 900), ("young", 900), ("noted", 150), ("trouble", 50)):
        await Photos(store).keep(name, f"p-{name}", "li", ago(day), b"jpeg")


def test_what_is_over_its_time_goes_with_all_that_is_its_own_and_nothing_else_does(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock(NOW_MS)
        async with opened(tmp_path / "s") as store:
            await fill(store)
            keeper = Housekeeper(store, BRIEF, clock)
            await days(keeper, clock)
            assert dict(keeper.counts) == {
                **{"incidents": 1, "troubles": 2, "notes": 1, "log": 1, "audit": 1},
                "photos": 2,  # the trouble's went with it, whatever its age
            }
            assert sorted(each.id for each in await store.incidents(10)) == ["noted", "open", "young"]
            (note,) = await store.entries("noted", 10)
            assert (note.event, note.person, note.facts) == ("noted", "li", ())
            assert [each.facts for each in await store.entries("open", 10)][-1] == (("text", "still burning"),)
            assert await store.notices("old") == [] == await store.attempts("n-old")

    asyncio.run(main())
    assert lines_of(tmp_path, "notices", "id") == [("n-open",), ("n-young",)]
    assert lines_of(tmp_path, "attempts", "notice") == [("n-open",), ("n-young",)]
    assert lines_of(tmp_path, "alarms", "key") == [("sd-2:fire",)]
    assert lines_of(tmp_path, "photos", "id") == [("p-open",)]
    assert lines_of(tmp_path, "audit", "at_ms") == [(ago(400),)]
    assert [event for (event,) in lines_of(tmp_path, "entries", "json_extract(body, '$.event')")].count("log-old") == 0


def test_a_clock_that_ran_away_removes_nothing_on_its_first_day(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock(ago(899))
        async with opened(tmp_path / "s") as store:
            await store.commit(Batch((Decision(incidents=(incident("young", ago(900)),)),)))
            keeper = Housekeeper(store, BRIEF, clock)
            await days(keeper, clock, 3)
            clock.now_ms += 30 * YEAR_MS
            await keeper.keep()
            clock.now_ms -= 30 * YEAR_MS  # somebody has seen to it
            await days(keeper, clock, 3)
            assert sum(keeper.counts.values()) == 0
            assert [each.id for each in await store.incidents(10)] == ["young"]

    asyncio.run(main())


def test_it_is_done_once_a_day_whatever_was_restarted_and_in_small_transactions(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock(NOW_MS)
        async with opened(tmp_path / "s") as store:
            many = tuple(incident(f"i-{number:04}", ago(1100)) for number in range(3 * BATCH_ROWS_MAX + 1))
            await store.commit(Batch((Decision(incidents=many[:-1]),)))
            keeper = Housekeeper(store, BRIEF, clock)
            await days(keeper, clock)
            assert keeper.counts["incidents"] == 3 * BATCH_ROWS_MAX
            await store.commit(Batch((Decision(incidents=many[-1:]),)))
            clock.now_ms -= DAY_MS // 2
            again = Housekeeper(store, BRIEF, clock)
            await again.keep()
            assert sum(again.counts.values()) == 0
            clock.now_ms += DAY_MS
            await again.keep()
            assert dict(again.counts) == {"incidents": 1}

    asyncio.run(main())


def test_a_rule_that_would_keep_nothing_is_no_rule() -> None:
    assert [rule.what for rule in rules(Retention())] == ["incidents", "troubles", "notes", "photos", "log", "audit"]
    with pytest.raises(ValidationError, match="incidents_days"):
        Retention(incidents_days=7)
