"""The audit log's rows in SQLite. Each function gets a connection, inside a transaction where it writes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from collector.access.audit import Change, LoggedChange, said

_COLUMNS = "at_ms, account, person, name, what, target, building, facts, before, after"


@dataclass(frozen=True, slots=True)
class Sought:
    """What of the log is wanted. `buildings` None: of all and of none; else only changes in these.

    `who` and `about` are found anywhere in the account, person or name; in what was done, to what, or its facts.
    """

    who: str = ""
    about: str = ""
    from_ms: int | None = None
    until_ms: int | None = None
    before_number: int | None = None
    buildings: frozenset[str] | None = None


def write_changes(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Add rows."""
    connection.executemany(
        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(each.at_ms, each.account, each.person, each.name, each.what, each.target, each.building),
                *(said(each), each.before, each.after),
            )
            for each in changes
        ],
    )


def find_changes(connection: sqlite3.Connection, sought: Sought, limit: int) -> list[LoggedChange]:
    """The newest rows that are sought, newest first."""
    wanted, values = ["1"], list[Any]()
    for column, text in (
        ("account || ' ' || coalesce(person, '') || ' ' || name", sought.who),
        ("what || ' ' || target || ' ' || facts", sought.about),
    ):
        if text:
            wanted.append(f"instr(lower({column}), lower(?))")
            values.append(text)
    for condition, value in (
        ("at_ms >= ?", sought.from_ms),
        ("at_ms < ?", sought.until_ms),
        ("number < ?", sought.before_number),
    ):
        if value is not None:
            wanted.append(condition)
            values.append(value)
    if sought.buildings is not None:
        wanted.append("building IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(sought.buildings)))
    rows = connection.execute(
        f"SELECT number, {_COLUMNS} FROM audit WHERE {' AND '.join(wanted)} ORDER BY number DESC LIMIT ?",
        (*values, limit),
    )
    return [_read(row) for row in rows]


def prune_changes(connection: sqlite3.Connection, keep: int) -> None:
    """Drop the oldest rows beyond the newest `keep`."""
    connection.execute(
        "DELETE FROM audit WHERE number <= (SELECT number FROM audit ORDER BY number DESC LIMIT 1 OFFSET ?)", (keep,)
    )


def _read(row: Sequence[Any]) -> LoggedChange:
    number, at_ms, account, person, name, what, target, building, facts, before, after = row
    return LoggedChange(at_ms, account, person, name, what, target, json.loads(facts), building, before, after, number)
