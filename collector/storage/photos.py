"""The photos of incidents, in the store: one file to be backed up, and none of them without its row.

All together are bounded. The oldest go first; the timeline still says that there was one.
"""

from __future__ import annotations

import sqlite3
from functools import partial

from collector.storage.store import Store

BYTES_MAX = 400_000_000  # of all photos together: about a thousand


class Photos:
    """Every method awaits the store and raises StoreFailed."""

    def __init__(self, store: Store, bytes_max: int = BYTES_MAX) -> None:
        self._store = store
        self._bytes_max = bytes_max

    async def keep(self, incident: str, photo: str, person: str, at_ms: int, jpeg: bytes) -> None:
        """Add one; the same id of the same incident again changes nothing."""
        row = (incident, photo, person, at_ms, len(jpeg), jpeg)
        await self._store.write(partial(_keep, row=row, bytes_max=self._bytes_max))

    async def get(self, incident: str, photo: str) -> bytes | None:
        """A photo as JPEG; None if there is none, or none any more."""
        return await self._store.read(partial(_get, incident=incident, photo=photo))

    async def known(self, incident: str) -> frozenset[str]:
        """The ids of an incident's photos that are still here."""
        return await self._store.read(partial(_known, incident=incident))

    async def forget(self, incident: str, photo: str) -> None:
        """Drop one."""
        await self._store.write(partial(_forget, incident=incident, photo=photo))


def _keep(connection: sqlite3.Connection, row: tuple[str, str, str, int, int, bytes], bytes_max: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO photos (incident, id, person, at_ms, bytes, body) VALUES (?, ?, ?, ?, ?, ?)", row
    )
    surplus = connection.execute("SELECT sum(bytes) FROM photos").fetchone()[0] - bytes_max
    if surplus > 0:
        connection.execute(
            "DELETE FROM photos WHERE rowid IN (SELECT rowid FROM (SELECT rowid, sum(bytes) OVER"
            " (ORDER BY at_ms, rowid ROWS UNBOUNDED PRECEDING) - bytes AS before FROM photos) WHERE before < ?)",
            (surplus,),
        )


def _get(connection: sqlite3.Connection, incident: str, photo: str) -> bytes | None:
    row = connection.execute("SELECT body FROM photos WHERE incident = ? AND id = ?", (incident, photo)).fetchone()
    return None if row is None else bytes(row[0])


def _known(connection: sqlite3.Connection, incident: str) -> frozenset[str]:
    return frozenset(each for (each,) in connection.execute("SELECT id FROM photos WHERE incident = ?", (incident,)))


def _forget(connection: sqlite3.Connection, incident: str, photo: str) -> None:
    connection.execute("DELETE FROM photos WHERE incident = ? AND id = ?", (incident, photo))
