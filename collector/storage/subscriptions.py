"""Which phones take push messages for whom: what each browser gave us to reach it (RFC 8030), in the store.

A subscription belongs to a person and to the session in which it was made: with the session its messages end, so that
a lost phone that is signed out is told nothing more.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from collector.storage.store import Store

PER_PERSON_MAX = 8  # the oldest go
_COLUMNS = "id, person, account, session, device, endpoint, p256dh, auth, made_at_ms, ok_at_ms, failed_at_ms, failures"
# A session that has ended takes its phone with it; what was subscribed without one stands for itself.
_LIVES = "(session = '' OR session IN (SELECT id FROM sessions))"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One browser of a person. `p256dh` and `auth`: its keys, base64url (RFC 8291 §2); stamps are UTC ms."""

    id: str
    person: str
    account: str
    session: str  # "" where there was none
    device: str  # what the browser calls itself, for people
    endpoint: str
    p256dh: str
    auth: str
    made_at_ms: int
    ok_at_ms: int | None = None
    failed_at_ms: int | None = None
    failures: int = 0  # since the last success


def id_of(endpoint: str) -> str:
    """The same for the same browser; tells nothing of its endpoint, which is a secret of its own."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:16]


class Subscriptions:
    """Every method awaits the store and raises StoreFailed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, person: str) -> list[Subscription]:
        """A person's, oldest first, without those whose session has ended."""
        return await self._store.read(partial(_of, person=person))

    async def keep(self, subscription: Subscription) -> None:
        """Add it, or put it in the place of the same browser's before, whoever's that was."""
        await self._store.write(partial(_keep, subscription=subscription))

    async def forget(self, subscription: str, person: str | None = None) -> bool:
        """Drop one; with `person` only if it is theirs. False if there is none."""
        return await self._store.write(partial(_forget, subscription=subscription, person=person))

    async def note(self, subscription: str, at_ms: int, ok: bool) -> None:
        """A push service has taken a message for it, or has not."""
        await self._store.write(partial(_note, subscription=subscription, at_ms=at_ms, ok=ok))


def _of(connection: sqlite3.Connection, person: str) -> list[Subscription]:
    sql = f"SELECT {_COLUMNS} FROM subscriptions WHERE person = ? AND {_LIVES} ORDER BY made_at_ms, id"
    return [_read(row) for row in connection.execute(sql, (person,))]


def _keep(connection: sqlite3.Connection, subscription: Subscription) -> None:
    each = subscription
    connection.execute(f"DELETE FROM subscriptions WHERE NOT {_LIVES}")
    connection.execute(
        f"INSERT OR REPLACE INTO subscriptions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(each.id, each.person, each.account, each.session, each.device, each.endpoint, each.p256dh, each.auth),
            *(each.made_at_ms, each.ok_at_ms, each.failed_at_ms, each.failures),
        ),
    )
    connection.execute(
        "DELETE FROM subscriptions WHERE person = ? AND id NOT IN"
        " (SELECT id FROM subscriptions WHERE person = ? ORDER BY made_at_ms DESC, id LIMIT ?)",
        (each.person, each.person, PER_PERSON_MAX),
    )


def _forget(connection: sqlite3.Connection, subscription: str, person: str | None) -> bool:
    sql = "DELETE FROM subscriptions WHERE id = ? AND (? IS NULL OR person = ?)"
    return connection.execute(sql, (subscription, person, person)).rowcount > 0


def _note(connection: sqlite3.Connection, subscription: str, at_ms: int, ok: bool) -> None:
    change = "ok_at_ms = ?, failures = 0" if ok else "failed_at_ms = ?, failures = failures + 1"
    connection.execute(f"UPDATE subscriptions SET {change} WHERE id = ?", (at_ms, subscription))


def _read(row: Sequence[Any]) -> Subscription:
    return Subscription(*row)
