"""The log of decisions in SQLite: the lines of all timelines, filtered, newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from collector.alarms.incident import Entry
from collector.storage.tables import ENTRY
from config.profile import Condition

SCANNED_MAX = 5_000  # lines looked through at once: an alarm's sender, who reads the store too, waits for no more


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the log is wanted; None: no matter which. `buildings` None: of all and of none, else only of these.

    A line is of a building by its incident, or by its device (`devices_in`: building -> its devices).
    """

    building: str | None = None
    incident: str | None = None
    person: str | None = None
    condition: Condition | None = None  # the highest class of its incident
    before: int | None = None
    buildings: frozenset[str] | None = None
    without: Collection[str] = ()  # events that are not for whoever asks


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with its place in the log."""

    number: int
    entry: Entry
    building: str | None  # of its incident


def find_decisions(
    connection: sqlite3.Connection,
    wanted: Wanted,
    devices_in: dict[str, list[str]],
    limit: int,
    scanned_max: int = SCANNED_MAX,
) -> tuple[list[Line], int | None]:
    """At most `limit` lines, newest first, and where to read on (`before`); None when there is nothing older."""
    last = (wanted.before if wanted.before is not None else _newest(connection) + 1) - 1
    from_number = last - scanned_max
    conditions, values = ["e.number <= ?", "e.number > ?"], list[Any]([last, from_number])
    if wanted.incident is not None:
        conditions[1:], values[1:] = ["e.incident = ?"], [wanted.incident]
        from_number = 0
    if wanted.person is not None:
        conditions.append("json_extract(e.body, '$.person') = ?")
        values.append(wanted.person)
    if wanted.condition is not None:
        conditions.append("json_extract(i.body, '$.condition') = ?")
        values.append(wanted.condition.value)
    if wanted.without:
        conditions.append("json_extract(e.body, '$.event') NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(wanted.without)))
    for places in (None if wanted.building is None else [wanted.building], wanted.buildings):
        if places is not None:
            devices = [device for place in places for device in devices_in.get(place, ())]
            conditions.append(
                "CASE WHEN e.incident IS NULL"
                " THEN json_extract(e.body, '$.device') IN (SELECT value FROM json_each(?))"
                " ELSE json_extract(i.body, '$.building') IN (SELECT value FROM json_each(?)) END"
            )
            values += [json.dumps(devices), json.dumps(sorted(places))]
    rows = connection.execute(
        "SELECT e.number, e.body, json_extract(i.body, '$.building') FROM entries e"
        f" LEFT JOIN incidents i ON i.id = e.incident WHERE {' AND '.join(conditions)}"
        " ORDER BY e.number DESC LIMIT ?",
        (*values, limit),
    ).fetchall()
    lines = [Line(number, ENTRY.validate_json(body), building) for number, body, building in rows]
    if len(lines) == limit:
        return lines, lines[-1].number
    return lines, from_number + 1 if from_number > 0 else None


def _newest(connection: sqlite3.Connection) -> int:
    (newest,) = connection.execute("SELECT coalesce(max(number), 0) FROM entries").fetchone()
    return int(newest)
