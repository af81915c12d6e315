"""Removes what is over its time (`plan.retention`), a little at a time, and counts it.

A clock that has run away must not cost the records of years: after a longer pause, or when the time has gone back,
a day passes before anything is removed.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from collector.storage.store import Store
from config.profile import Kind
from config.retention import Retention

DAY_MS = 86_400_000
PAUSE_MS_MAX = 7 * DAY_MS  # between two days of housekeeping; beyond it the clock is doubted for a day
BATCH_ROWS_MAX = 50  # in one transaction: an alarm that comes meanwhile waits for no more
DAY_ROWS_MAX = 20_000  # of one rule in one day
LONG = (Kind.FIRE, Kind.ENTRAPMENT, Kind.WATER)
_LOOKED_AT = "retention-looked-at-ms"
# All that belongs to an incident. An alarm that is not normal stays, whatever it has belonged to.
_WITH_INCIDENT = (
    "DELETE FROM attempts WHERE notice IN (SELECT id FROM notices WHERE incident = ?)",
    "DELETE FROM notices WHERE incident = ?",
    "DELETE FROM entries WHERE incident = ?",
    "DELETE FROM photos WHERE incident = ?",
    "DELETE FROM alarms WHERE phase = 'normal' AND incident = ?",
    "DELETE FROM incidents WHERE id = ?",
)


Keys = list[tuple[str | int, ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is removed after how many days. `what` names its message and its counter.

    `find` looks through the file beside what is being written (before UTC ms -> keys); `remove` takes a few of them.
    """

    what: str
    days: int
    find: Callable[..., Keys]
    remove: Callable[..., None]


def rules(retention: Retention) -> tuple[Rule, ...]:
    """All rules, in the order in which they are carried out."""
    long = ", ".join(f"'{kind.value}'" for kind in LONG)
    drill = "coalesce(json_extract(body, '$.route.mode') = 'drill', 0)"
    weighty = f"(json_extract(body, '$.kind') IN ({long}) AND NOT {drill})"
    old = "SELECT id FROM incidents WHERE closed_at_ms < ? AND"
    old_note = (
        "SELECT entries.number FROM incidents JOIN entries ON entries.incident = incidents.id"
        " WHERE incidents.closed_at_ms < ? AND json_extract(incidents.body, '$.notes') > 0"
        " AND json_extract(entries.body, '$.event') = 'noted' AND json_array_length(entries.body, '$.facts') > 0"
    )
    old_photo = (
        "SELECT photos.rowid FROM photos LEFT JOIN incidents ON incidents.id = photos.incident"
        " WHERE photos.at_ms < ?1 AND (incidents.id IS NULL OR incidents.closed_at_ms < ?1)"
    )
    old_line = (  # lines come in the order of time
        f"SELECT number FROM (SELECT number, body FROM entries WHERE incident IS NULL ORDER BY number"
        f" LIMIT {DAY_ROWS_MAX}) WHERE json_extract(body, '$.at_ms') < ?"
    )
    old_change = "SELECT number FROM audit WHERE at_ms < ?"
    blank = "UPDATE entries SET body = json_set(body, '$.facts', json('[]')) WHERE number = ?"

    def rule(what: str, days: int, find: str, *remove: str) -> Rule:
        return Rule(what, days, partial(_find, sql=find), partial(_remove, statements=remove))

    return (
        rule("incidents", retention.incidents_days, f"{old} {weighty}", *_WITH_INCIDENT),
        rule("troubles", retention.troubles_days, f"{old} NOT {weighty}", *_WITH_INCIDENT),
        rule("notes", retention.notes_days, old_note, blank),
        rule("photos", retention.photos_days, old_photo, "DELETE FROM photos WHERE rowid = ?"),
        rule("log", retention.log_days, old_line, "DELETE FROM entries WHERE number = ?"),
        rule("audit", retention.audit_days, old_change, "DELETE FROM audit WHERE number = ?"),
    )


class Housekeeper:
    """Once a day. `counts`: rule -> how much it has removed since the start."""

    def __init__(self, store: Store, retention: Retention, clock: Callable[[], int]) -> None:
        self._store = store
        self._rules = rules(retention)
        self._clock = clock
        self._removed = Counter[str]()

    @property
    def counts(self) -> Mapping[str, int]:
        """What was removed since the start, by the rule."""
        return self._removed

    async def keep(self) -> None:
        """Remove what is over its time, if this has not been done today. Raises StoreFailed."""
        now = self._clock()
        before = await self._store.read(_looked_at)
        if before is not None and 0 <= now - before < DAY_MS:
            return
        await self._store.write(partial(_look, now=now))
        if before is None or not 0 <= now - before <= PAUSE_MS_MAX:
            return
        for rule in self._rules:
            keys = await self._store.read(partial(rule.find, before_ms=now - rule.days * DAY_MS))
            for begin in range(0, len(keys), BATCH_ROWS_MAX):
                some = keys[begin : begin + BATCH_ROWS_MAX]
                await self._store.write(partial(rule.remove, keys=some))
                self._removed[rule.what] += len(some)


def _looked_at(connection: sqlite3.Connection) -> int | None:
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (_LOOKED_AT,)).fetchone()
    return None if row is None else int(row[0])


def _look(connection: sqlite3.Connection, now: int) -> None:
    connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (_LOOKED_AT, str(now)))


def _find(connection: sqlite3.Connection, before_ms: int, sql: str) -> Keys:
    return connection.execute(f"{sql} LIMIT {DAY_ROWS_MAX}", (before_ms,)).fetchall()


def _remove(connection: sqlite3.Connection, keys: Keys, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.executemany(statement, keys)
