"""What the store has of incidents that are over and of journals, read a little at a time: for the figures."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from collector.alarms.incident import Incident
from collector.calls.dispatch import Notice
from collector.storage.tables import INCIDENT, NOTICE
from config.words import Edge, Lane

INCIDENTS_MAX = 50  # in one reading: an alarm's sender waits for no more


@dataclass(frozen=True, slots=True)
class Past:
    """An incident that is over, with all its notices, oldest first."""

    incident: Incident
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class NewestLane:
    """A lane of a gateway's newest journal, by what the gateway counted last. `journal`: its number in the store."""

    edge: Edge
    journal: int
    lane: Lane
    appended: int | None
    dropped: int | None
    in_journal: int | None
    pruned: int


def closed_since(connection: sqlite3.Connection, since_ms: int) -> list[str]:
    """The ids of the incidents that were closed since then, oldest first."""
    rows = connection.execute("SELECT id FROM incidents WHERE closed_at_ms >= ? ORDER BY id", (since_ms,))
    return [name for (name,) in rows]


def past_incidents(connection: sqlite3.Connection, names: list[str]) -> list[Past]:
    """These incidents, at most INCIDENTS_MAX, those that are still there."""
    found = []
    for name in names[:INCIDENTS_MAX]:
        row = connection.execute("SELECT body FROM incidents WHERE id = ?", (name,)).fetchone()
        if row is not None:
            bodies = connection.execute("SELECT body FROM notices WHERE incident = ? ORDER BY id", (name,))
            notices = tuple(NOTICE.validate_json(body) for (body,) in bodies)
            found.append(Past(INCIDENT.validate_json(row[0]), notices))
    return found


def newest_lanes(connection: sqlite3.Connection) -> list[NewestLane]:
    """The lanes of the newest journal of each gateway."""
    rows = connection.execute(
        "SELECT group_id, node, journal, lane, appended, dropped, in_journal, pruned"
        " FROM lanes JOIN journals ON journals.number = journal"
        " WHERE journal IN (SELECT max(number) FROM journals GROUP BY group_id, node)"
    )
    return [NewestLane(Edge(group, node), journal, Lane(lane), *more) for group, node, journal, lane, *more in rows]


def committed(connection: sqlite3.Connection, lane: NewestLane) -> int:
    """How many records of a lane were ever stored."""
    sql = "SELECT count(*) FROM records WHERE journal = ? AND lane = ?"
    return lane.pruned + int(connection.execute(sql, (lane.journal, lane.lane)).fetchone()[0])
