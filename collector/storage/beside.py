"""A second connection to a store that a collector may be using: for commands that read or write little.

SQLite's WAL lets both write in turn, each waiting for the other for some seconds; a command's transaction takes
milliseconds, so an alarm never waits for it to be felt. The collector asks the file for accounts at every request and
holds nothing of them in memory, so it obeys at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from collector.storage.database import NotOurs, connect, transaction
from collector.storage.store import STORE, StoreFailed, StoreRefused
from config.endpoint import sqlite_path

T = TypeVar("T")


class Beside:
    """The store at a URL, made if there is none yet. Raises StoreRefused, StoreFailed. Close it."""

    def __init__(self, url: str) -> None:
        path = sqlite_path(url)
        if path is None:
            raise StoreRefused(f"state URL {url!r}: this version keeps its state in SQLite only, expected sqlite:PATH")
        self.path: Path = path
        try:
            if path.exists() and path.stat().st_size > 0:
                connect(path, STORE, read_only=True).close()  # a collector brings an older file along, not a command
            self._connection = connect(path, STORE)
        except NotOurs as error:
            raise StoreRefused(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(f"state store {path}: {error}") from error

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """See `Store.read`."""
        return self._do(lambda: query(self._connection))

    async def write(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        """See `Store.write`."""
        return self._do(lambda: transaction(self._connection, statement))

    async def note(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        """See `Store.note`."""
        return await self.write(statement)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _do(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error as error:
            raise StoreFailed(f"state store {self.path}: {error}") from error
