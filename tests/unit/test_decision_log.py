"""The log of decisions is looked through so many lines at a time, and nothing is passed over between two pages."""

from __future__ import annotations

import sqlite3

from collector.alarms.incident import Entry
from collector.storage.decisionlog import Wanted, find_decisions
from collector.storage.tables import ENTRY, SCHEMA


def log_of(*entries: Entry) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    connection.executemany(
        "INSERT INTO entries (incident, body) VALUES (?, ?)",
        [(entry.incident, ENTRY.dump_json(entry).decode()) for entry in entries],
    )
    return connection


def test_a_rare_line_far_back_is_found_page_by_page_and_each_page_is_bounded() -> None:
    rare = Entry(1, "device-online", device="far")
    log = log_of(rare, *(Entry(at, "device-offline", device="near") for at in range(2, 96)), rare)
    wanted, found, pages = Wanted(building="b-far"), [], 0
    before: int | None = None
    while pages == 0 or before is not None:
        lines, before = find_decisions(log, Wanted(wanted.building, before=before), {"b-far": ["far"]}, 10, 20)
        found += [line.number for line in lines]
        pages += 1

    assert found == [96, 1] and pages == 5


def test_an_empty_log_has_no_older_page() -> None:
    assert find_decisions(log_of(), Wanted(), {}, 10) == ([], None)


def test_a_page_that_is_just_full_leads_to_the_rest() -> None:
    log = log_of(*(Entry(at, "device-offline", device="near") for at in range(1, 6)))

    first, before = find_decisions(log, Wanted(), {}, 3)
    rest, end = find_decisions(log, Wanted(before=before), {}, 3)

    assert [line.number for line in (*first, *rest)] == [5, 4, 3, 2, 1] and end is None


def test_some_events_are_left_out_and_buildings_that_nobody_may_see_too() -> None:
    log = log_of(Entry(1, "said-away", person="sue"), Entry(2, "device-online", device="a"), Entry(3, "clock-set-back"))

    everything = find_decisions(log, Wanted(without=("said-away",)), {}, 10)[0]
    some = find_decisions(log, Wanted(buildings=frozenset({"b"})), {"b": ["a"]}, 10)[0]

    assert [line.entry.event for line in everything] == ["clock-set-back", "device-online"]
    assert [line.entry.event for line in some] == ["device-online"], "what belongs to no building is not theirs"
