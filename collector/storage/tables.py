"""The tables of the SQLite store, and how a record, a decision and what is kept stand in it as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import TypeAdapter

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Entry, Incident
from collector.alarms.measures import Disablement, WalkTest
from collector.book.entries import BookEntry
from collector.calls.callout import Told
from collector.calls.digest import Pace, Untold
from collector.calls.dispatch import Notice
from collector.calls.drill import Drill
from collector.calls.preflight import Checked
from collector.calls.pulse import Pulsed
from collector.calls.reach import LastTest, Reached
from collector.calls.responsetimes import ResponseTimes
from collector.calls.roster import Away, Unmanned
from collector.equipment.chamber import Rise, SmokeTrend
from collector.equipment.cylinder import PressureTrend
from collector.equipment.duedates import Inspection
from collector.equipment.elevator import Course
from collector.equipment.liftlog import LiftLog
from collector.equipment.rescue import Rescue
from collector.equipment.service import AlarmLink, ServiceDone
from collector.storage.kept import Kept
from collector.storage.records import Record
from config.sparkplug import DataType
from config.words import Edge, Lane, Quality, Reading, Report

# What version 3 has brought: who may sign in, and who has changed what. Nothing of it is the engine's business.
# Secrets are here as hashes only (`collector/access/secret.py`).
VERSION_3 = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, person TEXT, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS accounts_of ON accounts (person) WHERE person IS NOT NULL;
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, secret TEXT NOT NULL, device TEXT NOT NULL, made_at_ms INTEGER NOT NULL,
    seen_at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (account);
CREATE TABLE IF NOT EXISTS sign_ins (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, link TEXT NOT NULL UNIQUE, code TEXT, made_at_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, used_at_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sign_ins_of ON sign_ins (account, made_at_ms);
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, secret TEXT NOT NULL, used_at_ms INTEGER, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, account TEXT NOT NULL, person TEXT, name TEXT NOT NULL,
    what TEXT NOT NULL, target TEXT NOT NULL, building TEXT, facts TEXT NOT NULL, before TEXT, after TEXT
);
CREATE INDEX IF NOT EXISTS audit_at ON audit (at_ms);
CREATE INDEX IF NOT EXISTS audit_of ON audit (account, number);
CREATE INDEX IF NOT EXISTS audit_about ON audit (target, number);
CREATE TABLE IF NOT EXISTS subscriptions (
    id TEXT PRIMARY KEY, person TEXT NOT NULL, account TEXT NOT NULL, session TEXT NOT NULL, device TEXT NOT NULL,
    endpoint TEXT NOT NULL, p256dh TEXT NOT NULL, auth TEXT NOT NULL, made_at_ms INTEGER NOT NULL, ok_at_ms INTEGER,
    failed_at_ms INTEGER, failures INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subscriptions_of ON subscriptions (person);
CREATE TABLE IF NOT EXISTS photos (
    incident TEXT NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, at_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
    body BLOB NOT NULL, UNIQUE (incident, id)
);
CREATE INDEX IF NOT EXISTS photos_at ON photos (at_ms, bytes);
"""
SCHEMA = (
    """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alarms (key TEXT PRIMARY KEY, phase TEXT NOT NULL, incident TEXT, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE incidents (id TEXT PRIMARY KEY, closed_at_ms INTEGER, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX incidents_open ON incidents (id) WHERE closed_at_ms IS NULL;
CREATE TABLE notices (
    id TEXT PRIMARY KEY, incident TEXT NOT NULL, due INTEGER NOT NULL, handed_over INTEGER NOT NULL DEFAULT 0,
    superseded_at_ms INTEGER, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX notices_of ON notices (incident);
CREATE INDEX notices_due ON notices (id) WHERE superseded_at_ms IS NULL AND handed_over < due;
CREATE TABLE attempts (
    number INTEGER PRIMARY KEY, notice TEXT NOT NULL, sending INTEGER NOT NULL, channel TEXT NOT NULL,
    at_ms INTEGER NOT NULL, handed_over_at_ms INTEGER, error TEXT, permanent INTEGER NOT NULL
);
CREATE INDEX attempts_of ON attempts (notice);
CREATE TABLE entries (number INTEGER PRIMARY KEY, incident TEXT, body TEXT NOT NULL);
CREATE INDEX entries_of ON entries (incident, number);
CREATE TABLE journals (
    number INTEGER PRIMARY KEY, group_id TEXT NOT NULL, node TEXT NOT NULL, epoch TEXT NOT NULL,
    UNIQUE (group_id, node, epoch)
);
CREATE TABLE lanes (
    journal INTEGER NOT NULL, lane TEXT NOT NULL, floor INTEGER NOT NULL DEFAULT 1,
    pruned INTEGER NOT NULL DEFAULT 0, pruned_upto INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,
    appended INTEGER, dropped INTEGER, in_journal INTEGER, heard_ms INTEGER,
    PRIMARY KEY (journal, lane)
) WITHOUT ROWID;
CREATE TABLE records (
    journal INTEGER NOT NULL, lane TEXT NOT NULL, position INTEGER NOT NULL, check_value INTEGER,
    device TEXT, at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
    PRIMARY KEY (journal, lane, position)
) WITHOUT ROWID;
CREATE TABLE spool (
    number INTEGER PRIMARY KEY AUTOINCREMENT, urgent INTEGER NOT NULL, journal INTEGER, lane TEXT, body TEXT NOT NULL
);
CREATE INDEX spool_order ON spool (urgent DESC, number);
CREATE TABLE refused (number INTEGER PRIMARY KEY, reason TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE kept (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
"""
    + VERSION_3
)
# What brings a file of the version before to this one, by the version it has.
UPGRADES: Mapping[int, str] = {
    1: "CREATE TABLE kept (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id))"
    " WITHOUT ROWID;",
    2: VERSION_3,
}

# Name in the store -> class; a name is never given to another class.
KEPT: Mapping[str, type[Kept]] = {
    "untold": Untold,
    "pace": Pace,
    "away": Away,
    "checked": Checked,
    "reached": Reached,
    "tested": LastTest,
    "unmanned": Unmanned,
    "disablement": Disablement,
    "drill": Drill,
    "pulse": Pulsed,
    "response-times": ResponseTimes,
    "lift-course": Course,
    "lift-log": LiftLog,
    "lift-service": ServiceDone,
    "lift-alarm-link": AlarmLink,
    "rescue": Rescue,
    "walk-test": WalkTest,
    "pressure-trend": PressureTrend,
    "smoke-trend": SmokeTrend,
    "smoke-rise": Rise,
    "inspection": Inspection,
    "told": Told,
    "book": BookEntry,
}

ALARM = TypeAdapter(Alarm)
INCIDENT = TypeAdapter(Incident)
NOTICE = TypeAdapter(Notice)
ENTRY = TypeAdapter(Entry)
KEPT_ADAPTERS: Mapping[str, TypeAdapter[Kept]] = {name: TypeAdapter(what) for name, what in KEPT.items()}
KEPT_NAMES: Mapping[type[Kept], str] = {what: name for name, what in KEPT.items()}

# A lane's stored positions, merged into islands: consecutive positions keep the same distance to their rank.
ISLANDS = """
SELECT min(position), max(position) FROM (
    SELECT position, position - row_number() OVER (ORDER BY position) AS island
    FROM records WHERE journal = ? AND lane = ?
) GROUP BY island ORDER BY 1
"""


def write_record(record: Record) -> str:
    """A record as one line of JSON."""
    report = record.report
    said = [[r.name, int(r.datatype), _plain(r), int(r.quality), r.cause] for r in report.readings]
    return json.dumps(
        [
            [report.edge.group, report.edge.node, report.epoch],
            [report.lane, report.position, report.check],
            [report.device, record.building, report.at_ms, record.received_ms, report.historical],
            said,
        ],
        separators=(",", ":"),
    )


def read_record(text: str) -> Record:
    """The inverse of `write_record`."""
    (group, node, epoch), (lane, position, check), (device, building, at_ms, received_ms, historical), said = (
        json.loads(text)
    )
    readings = tuple(
        Reading(
            name,
            bytes.fromhex(value) if datatype == DataType.BYTES and value is not None else value,
            DataType(datatype),
            Quality(quality),
            cause,
        )
        for name, datatype, value, quality, cause in said
    )
    lane = None if lane is None else Lane(lane)
    report = Report(Edge(group, node), device, lane, epoch, position, check, at_ms, historical, readings)
    return Record(report, building, received_ms)


def _plain(reading: Reading) -> bool | int | float | str | None:
    return reading.value.hex() if isinstance(reading.value, bytes) else reading.value
