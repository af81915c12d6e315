"""What the store does inside one transaction of SQLite. Each function gets a connection and knows no thread or file.

The counts of the ledger are kept here: what leaves a table on purpose is added to its lane's books in the
same transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

from pydantic import ValidationError

from collector.state import Restored
from collector.storage.commits import journal_numbers
from collector.storage.kept import Kept
from collector.storage.records import Attempt, LedgerRow, Recalled, Spooled, StoredLane
from collector.storage.tables import ALARM, INCIDENT, ISLANDS, KEPT_ADAPTERS, NOTICE, read_record
from config import logs
from config.words import PULSE, Edge, Lane, Report

RECENT_ATTEMPTS_MAX = 20_000
ATTEMPTS_KEEP = 500  # of a notice, the newest: a channel may be down for months, a repeat may go on as long
ATTEMPTS_DUE_MAX = 20  # of a notice, the newest: whoever sends it asks only for these
RECENT_MAX = 5_000  # records of a lane between two accounts of its gateway
ACCOUNT_AGE_MS = 10_000  # a gateway counts its file at least this often; its word may be so old when it is heard

log = logs.of(__name__)


def shorten_spool(connection: sqlite3.Connection, surplus: int) -> int:
    """Drop rows from a full spool, telemetry before alarms, oldest first, and book them. Returns how many went."""
    rows = connection.execute("SELECT number FROM spool ORDER BY urgent, number LIMIT ?", (surplus,)).fetchall()
    return _book(connection, "lost", [number for (number,) in rows])


def refuse_spooled(connection: sqlite3.Connection, number: int, reason: str, refused_max: int) -> int:
    """Set a row aside that the history would not take, and book it; the newest `refused_max` are kept to look at.

    Returns how many rows left the spool.
    """
    row = connection.execute("SELECT body FROM spool WHERE number = ?", (number,)).fetchone()
    if row is None:
        return 0
    cursor = connection.execute("INSERT INTO refused (reason, body) VALUES (?, ?)", (reason, row[0]))
    connection.execute("DELETE FROM refused WHERE number <= ?", ((cursor.lastrowid or 0) - refused_max,))
    return _book(connection, "refused", [number])


def _book(connection: sqlite3.Connection, column: str, numbers: Sequence[int]) -> int:
    """Take rows out of the spool and count them in their lanes' `column`."""
    for number in numbers:
        connection.execute(
            f"UPDATE lanes SET {column} = {column} + 1"
            " WHERE (journal, lane) = (SELECT journal, lane FROM spool WHERE number = ?)",
            (number,),
        )
    return delete_spooled(connection, numbers)


def delete_spooled(connection: sqlite3.Connection, numbers: Sequence[int]) -> int:
    """Take rows out of the spool; returns how many were there."""
    cursor = connection.execute(
        "DELETE FROM spool WHERE number IN (SELECT value FROM json_each(?))", (json.dumps(numbers),)
    )
    return cursor.rowcount


def write_attempt(connection: sqlite3.Connection, attempt: Attempt) -> None:
    """Note a try; one that was handed over counts towards its notice's `due`. Only the newest of very many are kept."""
    connection.execute(
        "INSERT INTO attempts (notice, sending, channel, at_ms, handed_over_at_ms, error, permanent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        astuple(attempt),
    )
    if attempt.handed_over_at_ms is not None:
        connection.execute(
            "UPDATE notices SET handed_over = max(handed_over, ?) WHERE id = ?", (attempt.sending, attempt.notice)
        )
    connection.execute(
        "DELETE FROM attempts WHERE notice = ? AND number <="
        " (SELECT number FROM attempts WHERE notice = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (attempt.notice, attempt.notice, ATTEMPTS_KEEP),
    )
    if attempt.permanent:  # the engine forgets the notices of a closed incident: nobody else would end this one
        connection.execute(
            "UPDATE notices SET superseded_at_ms = ? WHERE id = ? AND superseded_at_ms IS NULL"
            " AND incident IN (SELECT id FROM incidents WHERE closed_at_ms IS NOT NULL)",
            (attempt.at_ms, attempt.notice),
        )


def write_attempts(connection: sqlite3.Connection, attempts: Sequence[Attempt]) -> None:
    """See `write_attempt`, in this order."""
    for attempt in attempts:
        write_attempt(connection, attempt)


def read_attempt(row: Sequence[Any]) -> Attempt:
    """A row of the attempts without its number."""
    return replace(Attempt(*row), permanent=bool(row[-1]))


def attempts_due(connection: sqlite3.Connection) -> dict[str, list[Attempt]]:
    """The newest tries of the notices that want more sendings than were handed over, by notice, oldest first."""
    rows = connection.execute(
        "SELECT notice, sending, channel, at_ms, handed_over_at_ms, error, permanent FROM notices JOIN attempts"
        " ON number IN (SELECT number FROM attempts WHERE notice = id ORDER BY number DESC LIMIT ?)"
        " WHERE superseded_at_ms IS NULL AND handed_over < due ORDER BY number",
        (ATTEMPTS_DUE_MAX,),
    )
    found: dict[str, list[Attempt]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(read_attempt(row))
    return found


def attempts_since(connection: sqlite3.Connection, since_ms: int) -> list[tuple[str, str, int]]:
    """Channel, person and time of the newest tries, oldest first."""
    rows = connection.execute(
        "SELECT channel, json_extract(body, '$.person'), at_ms FROM"
        " (SELECT * FROM attempts ORDER BY number DESC LIMIT ?) AS newest JOIN notices ON notices.id = notice"
        " WHERE at_ms >= ? ORDER BY at_ms",
        (RECENT_ATTEMPTS_MAX, since_ms),
    )
    return [(channel, person, at_ms) for channel, person, at_ms in rows]


def _read_kept(name: str, body: str) -> Kept | None:
    """A kept thing; None for one that this version cannot read: better to start without it than not at all."""
    if name not in KEPT_ADAPTERS:
        return None
    try:
        return KEPT_ADAPTERS[name].validate_json(body)
    except ValidationError as error:
        log.error("kept-unreadable", f"kept {name} cannot be read and counts as absent: {error}", name=name)
        return None


def restored(connection: sqlite3.Connection) -> Restored:
    """What is open: open incidents, their notices, and every alarm that is not normal."""
    incidents = connection.execute("SELECT body FROM incidents WHERE closed_at_ms IS NULL ORDER BY id")
    notices = connection.execute(
        "SELECT notices.body FROM notices JOIN incidents ON incidents.id = incident"
        " WHERE closed_at_ms IS NULL ORDER BY notices.id"
    )
    alarms = connection.execute("SELECT body FROM alarms WHERE phase <> 'normal' ORDER BY key")
    kept = connection.execute("SELECT kind, body FROM kept ORDER BY kind, id")
    last = connection.execute(
        "SELECT max(id) FROM (SELECT id FROM incidents UNION ALL SELECT id FROM notices)"
    ).fetchone()
    return Restored(
        alarms=tuple(ALARM.validate_json(body) for (body,) in alarms),
        incidents=tuple(INCIDENT.validate_json(body) for (body,) in incidents),
        notices=tuple(NOTICE.validate_json(body) for (body,) in notices),
        last_id=last[0] or "",
        kept=tuple(item for name, body in kept if (item := _read_kept(name, body)) is not None),
    )


def stored_lanes(connection: sqlite3.Connection) -> list[StoredLane]:
    """Every lane of every journal, oldest journal first."""
    lanes = connection.execute(
        "SELECT journal, lane, floor, pruned, pruned_upto, group_id, node, epoch"
        " FROM lanes JOIN journals ON journals.number = journal ORDER BY group_id, node, journal, lane"
    ).fetchall()
    found = []
    for journal, lane, floor, pruned, pruned_upto, group, node, epoch in lanes:
        islands = tuple(connection.execute(ISLANDS, (journal, lane)))
        # What is pruned is settled, as what lies below the floor is.
        found.append(StoredLane(Edge(group, node), epoch, Lane(lane), max(floor, pruned_upto + 1), pruned, islands))
    return found


def recall(connection: sqlite3.Connection, report: Report) -> Recalled:
    """What is known of a report's position. A pruned one can no longer be compared and counts as the same."""
    key = (report.edge.group, report.edge.node, report.epoch, report.lane)
    lane = connection.execute(
        "SELECT journal, pruned_upto FROM lanes JOIN journals ON journals.number = journal"
        " WHERE (group_id, node, epoch, lane) = (?, ?, ?, ?)",
        key,
    ).fetchone()
    if lane is None:
        return Recalled.NEVER
    row = connection.execute(
        "SELECT check_value FROM records WHERE journal = ? AND lane = ? AND position = ?",
        (lane[0], report.lane, report.position),
    ).fetchone()
    if row is None:
        return Recalled.SAME if report.position is not None and report.position <= lane[1] else Recalled.NEVER
    return Recalled.SAME if row[0] == report.check else Recalled.OTHER


def ledger_rows(connection: sqlite3.Connection) -> list[LedgerRow]:
    """The account of every lane, without what the history holds."""
    connection.execute("BEGIN")  # one moment for all the counts
    try:
        lanes = stored_lanes(connection)
        books = {
            (Edge(group, node), epoch, lane): counted
            for group, node, epoch, lane, *counted in connection.execute(
                "SELECT group_id, node, epoch, lane, appended, dropped, in_journal, heard_ms, lost, refused,"
                " coalesce(spooled, 0), (SELECT count(*) FROM (SELECT received_ms FROM records WHERE"
                " (journal, lane) = (lanes.journal, lanes.lane) ORDER BY position DESC LIMIT ?)"
                " WHERE received_ms > heard_ms - ?) FROM lanes JOIN journals ON journals.number = journal"
                " LEFT JOIN (SELECT journal, lane, count(*) AS spooled FROM spool GROUP BY journal, lane)"
                " USING (journal, lane)",
                (RECENT_MAX, ACCOUNT_AGE_MS),
            )
        }
    finally:
        connection.execute("COMMIT")
    rows = []
    for lane in lanes:
        appended, dropped, in_journal, heard_ms, lost, refused, spooled, since = books[lane.edge, lane.epoch, lane.lane]
        rows.append(
            LedgerRow(
                gateway=lane.edge.node,
                lane=lane.lane,
                appended=appended,
                dropped=dropped,
                in_journal=in_journal,
                committed=lane.count,
                in_history=None,
                group=lane.edge.group,
                epoch=lane.epoch,
                missing=lane.missing,
                spooled=spooled,
                lost=lost,
                refused=refused,
                heard_ms=heard_ms,
                since=since,
            )
        )
    return rows


def prune_records(connection: sqlite3.Connection, lane: StoredLane, keep: int, at_most: int) -> int:
    """Drop a lane's oldest settled record rows beyond the newest `keep`, and count them. Returns how many went."""
    (journal,) = journal_numbers(connection, [(lane.edge, lane.epoch)]).values()
    row = connection.execute(
        "SELECT max(position) FROM (SELECT position FROM records"
        " WHERE journal = ? AND lane = ? AND position <= ? ORDER BY position LIMIT ?)",
        (journal, lane.lane, lane.settled.upto - keep, at_most),
    ).fetchone()
    if row[0] is None:
        return 0
    cursor = connection.execute(
        "DELETE FROM records WHERE journal = ? AND lane = ? AND position <= ?", (journal, lane.lane, row[0])
    )
    connection.execute(
        "UPDATE lanes SET pruned = pruned + ?, pruned_upto = ? WHERE journal = ? AND lane = ?",
        (cursor.rowcount, row[0], journal, lane.lane),
    )
    return cursor.rowcount


def prune_incidents(connection: sqlite3.Connection, keep: int, entries_keep: int) -> None:
    """Drop the oldest closed incidents beyond the newest `keep` with all that belongs to them."""
    old = "SELECT id FROM incidents WHERE closed_at_ms IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?"
    their_notices = f"SELECT id FROM notices WHERE incident IN ({old})"
    connection.execute(f"DELETE FROM attempts WHERE notice IN ({their_notices})", (keep,))
    connection.execute(f"DELETE FROM notices WHERE incident IN ({old})", (keep,))
    connection.execute(f"DELETE FROM entries WHERE incident IN ({old})", (keep,))
    connection.execute(f"DELETE FROM alarms WHERE phase = 'normal' AND incident IN ({old})", (keep,))
    connection.execute(f"DELETE FROM incidents WHERE id IN ({old})", (keep,))
    connection.execute(
        "DELETE FROM entries WHERE incident IS NULL AND number <= (SELECT number FROM entries"
        " WHERE incident IS NULL ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (entries_keep,),
    )


def prune_long_stories(connection: sqlite3.Connection, keep: int) -> None:
    """Drop the oldest lines of each open incident beyond the newest `keep`: one may be open for months."""
    opened = connection.execute("SELECT id FROM incidents WHERE closed_at_ms IS NULL").fetchall()
    connection.executemany(
        "DELETE FROM entries WHERE incident = ? AND number <= (SELECT number FROM entries"
        " WHERE incident = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
        [(incident, incident, keep) for (incident,) in opened],
    )


def prune_pulses(connection: sqlite3.Connection, keep: int) -> None:
    """Drop the oldest notices of each gateway's pulse beyond the newest `keep`, with their attempts."""
    old = (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY incident ORDER BY id DESC) AS age FROM notices"
        f" WHERE incident LIKE '{PULSE}:%') WHERE age > ?"
    )
    connection.execute(f"DELETE FROM attempts WHERE notice IN ({old})", (keep,))
    connection.execute(f"DELETE FROM notices WHERE id IN ({old})", (keep,))


def spooled_rows(connection: sqlite3.Connection, limit: int) -> list[Spooled]:
    """The next rows for the history: alarms first, oldest first."""
    rows = connection.execute("SELECT number, body FROM spool ORDER BY urgent DESC, number LIMIT ?", (limit,))
    return [Spooled(number, read_record(body)) for number, body in rows]
