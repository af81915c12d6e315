"""What one commit writes, inside one transaction of SQLite: everything of a batch, in few statements.

A thing that has changed several times within the batch is written as it is at its end.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from collector.state import Decision
from collector.storage.auditlog import write_changes
from collector.storage.database import insert, portions
from collector.storage.kept import Forgotten, Kept
from collector.storage.records import Batch, Record
from collector.storage.tables import ALARM, ENTRY, INCIDENT, KEPT_ADAPTERS, KEPT_NAMES, NOTICE, write_record
from config.words import Edge, Lane

_Journal = tuple[Edge, str]  # with its epoch
_Key = tuple[int, str, int]  # the journal's number, lane, position


def write_batch(connection: sqlite3.Connection, batch: Batch) -> int:
    """Write everything; returns how many rows went into the spool. A record that is stored already changes nothing."""
    _write_decisions(connection, batch.decisions)
    named = [(floor.edge, floor.epoch) for floor in batch.floors]
    named += [(counts.edge, counts.epoch) for counts in batch.counts]
    reports = [record.report for record in batch.records]
    named += [(each.edge, each.epoch) for each in reports if each.epoch is not None and each.position is not None]
    journals = journal_numbers(connection, named)
    spooled = _write_records(connection, batch.records, journals)
    for floor in batch.floors:
        journal = journals[floor.edge, floor.epoch]
        connection.execute(
            "INSERT INTO lanes (journal, lane, floor) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET floor = max(floor, excluded.floor)",
            (journal, floor.lane, floor.position),
        )
    for counts in batch.counts:
        journal = journals[counts.edge, counts.epoch]
        connection.execute(
            "INSERT INTO lanes (journal, lane, appended, dropped, in_journal, heard_ms) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET appended = coalesce(excluded.appended, appended),"
            " dropped = coalesce(excluded.dropped, dropped), in_journal = coalesce(excluded.in_journal, in_journal),"
            " heard_ms = excluded.heard_ms",
            (journal, counts.lane, counts.appended, counts.dropped, counts.in_journal, counts.heard_ms),
        )
    write_changes(connection, batch.changes)
    return spooled


def journal_numbers(connection: sqlite3.Connection, wanted: Collection[_Journal]) -> dict[_Journal, int]:
    """The number of each journal; a new one gets its row."""
    journals = list(dict.fromkeys(wanted))
    keys = [(edge.group, edge.node, epoch) for edge, epoch in journals]
    insert(connection, "INSERT OR IGNORE INTO journals (group_id, node, epoch)", keys)
    numbers: dict[_Journal, int] = {}
    for some in portions(list(enumerate(keys))):
        places = ", ".join(["(?, ?, ?, ?)"] * len(some))
        (found,) = connection.execute(  # in one row: each row is a turn to wait for, see `insert`
            f"WITH wanted (place, g, n, e) AS (VALUES {places}) SELECT json_group_array(json_array(place, number))"
            " FROM wanted JOIN journals ON (group_id, node, epoch) = (g, n, e)",
            [value for place, key in some for value in (place, *key)],
        ).fetchone()
        numbers |= {journals[place]: number for place, number in json.loads(found)}
    return numbers


def _write_decisions(connection: sqlite3.Connection, decisions: Sequence[Decision]) -> None:
    alarms = {alarm.key: alarm for decision in decisions for alarm in decision.alarms}
    insert(
        connection,
        "INSERT OR REPLACE INTO alarms (key, phase, incident, body)",
        [(each.key, each.phase, each.incident, ALARM.dump_json(each).decode()) for each in alarms.values()],
    )
    incidents = {incident.id: incident for decision in decisions for incident in decision.incidents}
    insert(
        connection,
        "INSERT OR REPLACE INTO incidents (id, closed_at_ms, body)",
        [(each.id, each.closed_at_ms, INCIDENT.dump_json(each).decode()) for each in incidents.values()],
    )
    notices = {notice.id: notice for decision in decisions for notice in decision.notices}
    insert(
        connection,
        "INSERT INTO notices (id, incident, due, superseded_at_ms, body)",
        [
            (each.id, each.incident, each.due, each.superseded_at_ms, NOTICE.dump_json(each).decode())
            for each in notices.values()
        ],
        "ON CONFLICT DO UPDATE SET incident = excluded.incident, due = excluded.due,"
        " superseded_at_ms = excluded.superseded_at_ms, body = excluded.body",
    )
    insert(
        connection,
        "INSERT INTO entries (incident, body)",
        [(entry.incident, ENTRY.dump_json(entry).decode()) for decision in decisions for entry in decision.entries],
    )
    _write_kept(connection, (item for decision in decisions for item in decision.kept))


def _write_kept(connection: sqlite3.Connection, items: Iterable[Kept | Forgotten]) -> None:
    bodies: dict[tuple[str, str], str | None] = {}
    for item in items:
        if isinstance(item, Forgotten):
            bodies[KEPT_NAMES[item.what], item.id] = None
        else:
            name = KEPT_NAMES[type(item)]
            bodies[name, item.id] = KEPT_ADAPTERS[name].dump_json(item).decode()
    for name, thing in (key for key, body in bodies.items() if body is None):
        connection.execute("DELETE FROM kept WHERE (kind, id) = (?, ?)", (name, thing))
    insert(
        connection,
        "INSERT OR REPLACE INTO kept (kind, id, body)",
        [(name, thing, body) for (name, thing), body in bodies.items() if body is not None],
    )


def _write_records(connection: sqlite3.Connection, records: Sequence[Record], journals: Mapping[_Journal, int]) -> int:
    keys = [_key_of(record, journals) for record in records]
    known = _known(connection, [key for key in keys if key is not None])
    fresh: dict[_Key, Record] = {}
    spool: list[tuple[bool, int | None, Lane | None, str]] = []
    for key, record in zip(keys, records, strict=True):
        if key is not None:
            if key in known or key in fresh:
                continue
            fresh[key] = record
        lane = record.report.lane
        spool.append((lane is Lane.ALARM, None if key is None else key[0], lane, write_record(record)))
    insert(
        connection,
        "INSERT INTO records (journal, lane, position, check_value, device, at_ms, received_ms)",
        [
            (*key, record.report.check, record.report.device, record.report.at_ms, record.received_ms)
            for key, record in fresh.items()
        ],
    )
    lanes = dict.fromkeys((journal, lane) for journal, lane, _ in fresh)
    insert(connection, "INSERT OR IGNORE INTO lanes (journal, lane)", list(lanes))
    insert(connection, "INSERT INTO spool (urgent, journal, lane, body)", spool)
    return len(spool)


def _key_of(record: Record, journals: Mapping[_Journal, int]) -> _Key | None:
    report = record.report
    if report.epoch is None or report.lane is None or report.position is None:
        return None
    return journals[report.edge, report.epoch], report.lane, report.position


def _known(connection: sqlite3.Connection, keys: Sequence[_Key]) -> set[_Key]:
    """Those that are stored, or were and are only counted now."""
    (found,) = connection.execute(
        "SELECT json_group_array(json_array(journal, lane, position)) FROM"
        " (SELECT json_extract(value, '$[0]') AS journal, json_extract(value, '$[1]') AS lane,"
        " json_extract(value, '$[2]') AS position FROM json_each(?)) AS heard"
        " WHERE EXISTS (SELECT 1 FROM records WHERE (records.journal, records.lane, records.position)"
        " = (heard.journal, heard.lane, heard.position))"
        " OR EXISTS (SELECT 1 FROM lanes WHERE (lanes.journal, lanes.lane) = (heard.journal, heard.lane)"
        " AND pruned_upto >= heard.position)",
        (json.dumps(keys),),
    ).fetchone()
    return {(journal, lane, position) for journal, lane, position in json.loads(found)}
