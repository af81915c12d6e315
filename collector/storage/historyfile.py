"""The history in a SQLite file: values by series, name and time, bounded."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from collector.storage.database import Kind, NotOurs, connect, insert, transaction
from collector.storage.history import CURVE_INTERVALS, RECENT_ROWS_MAX, HistoryDown, HistoryRefused
from collector.storage.series import POSITION, TEXT_SUFFIX, Row, field_of, interval_of, thinned
from config import logs
from config.words import Edge, Lane

T = TypeVar("T")
BYTES_MAX = 4 << 30  # about a year of a thousand points; a larger community keeps its history in InfluxDB
DAY_NS = 86_400 * 1_000_000_000
_NS_MAX = 2**63 - 1
HISTORY = Kind(
    "history",
    0x43414C48,  # "CALH"
    1,
    """
    CREATE TABLE series (
        number INTEGER PRIMARY KEY, group_id TEXT NOT NULL, gateway TEXT NOT NULL, building TEXT NOT NULL,
        device TEXT NOT NULL, lane TEXT NOT NULL, epoch TEXT NOT NULL,
        pruned INTEGER NOT NULL DEFAULT 0,
        UNIQUE (device, group_id, gateway, building, lane, epoch)
    );
    CREATE TABLE fields (
        series INTEGER NOT NULL, name TEXT NOT NULL, time_ns INTEGER NOT NULL, value NOT NULL,
        PRIMARY KEY (series, name, time_ns)
    ) WITHOUT ROWID;
    """,
)

log = logs.of(__name__)


class SqliteHistory:
    """A file of its own beside the store: small communities need no server.

    Beyond `bytes_max` the oldest days are dropped; how many records they held stays counted.
    """

    def __init__(self, path: Path, read_only: bool = False, bytes_max: int = BYTES_MAX) -> None:
        self.path = path
        self._bytes_max = bytes_max
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(1, "history")

    @property
    def figures(self) -> None:
        """See `History.figures`."""
        return None

    async def open(self) -> None:
        """Open or create the file. Raises HistoryRefused if it is not ours."""
        try:
            await self._run(self._open)
        except BaseException:
            await self.close()
            raise

    async def write(self, rows: Sequence[Row]) -> None:
        """See `History.write`."""
        await self._run(lambda: self._write(rows))

    async def count(self, edge: Edge, epoch: str, lane: Lane) -> int:
        """See `History.count`."""
        sql = (
            "SELECT coalesce(sum(pruned + (SELECT count(*) FROM fields WHERE series = number AND name = ?)), 0)"
            " FROM series WHERE (group_id, gateway, epoch, lane) = (?, ?, ?, ?)"
        )
        rows = await self._all(sql, (POSITION, edge.group, edge.node, epoch, lane))
        return int(rows[0][0])

    async def recent(
        self, device: str, point: str, since_ms: int, until_ms: int | None = None
    ) -> list[tuple[int, float | str]]:
        """See `History.recent`."""
        field = field_of(point)
        sql = (
            "SELECT time_ns / 1000000, value FROM fields WHERE series IN (SELECT number FROM series WHERE device = ?)"
            " AND name IN (?, ?) AND time_ns >= ? AND time_ns < ? ORDER BY time_ns DESC LIMIT ?"
        )
        # Two changes within one millisecond lie a few ns apart.
        before_ns = _NS_MAX if until_ms is None else (until_ms + 1) * 1_000_000
        span = (since_ms * 1_000_000, before_ns, RECENT_ROWS_MAX)
        rows = await self._all(sql, (device, field, field + TEXT_SUFFIX, *span))
        return [(at_ms, value) for at_ms, value in reversed(rows)]

    async def curve(self, device: str, point: str, since_ms: int, until_ms: int) -> list[tuple[int, float]]:
        """See `History.curve`."""
        return await self._run(lambda: self._curve(device, field_of(point), since_ms, until_ms))

    def _curve(self, device: str, field: str, since_ms: int, until_ms: int) -> list[tuple[int, float]]:
        told = (
            "FROM fields WHERE series IN (SELECT number FROM series WHERE device = ?) AND name = ?"
            " AND time_ns >= ? AND time_ns < ?"
        )
        span = (device, field, since_ms * 1_000_000, (until_ms + 1) * 1_000_000)
        rows = self._opened().execute(
            f"SELECT time_ns / 1000000, value {told} ORDER BY time_ns LIMIT ?", (*span, RECENT_ROWS_MAX + 1)
        )
        values: list[tuple[int, float]] = rows.fetchall()
        if len(values) <= RECENT_ROWS_MAX:
            return values
        newest = f"SELECT time_ns / 1000000, value {told} ORDER BY time_ns DESC LIMIT 1"
        interval_ms = interval_of(since_ms, until_ms, CURVE_INTERVALS)
        extremes = self._opened().execute(
            f"SELECT time_ns / 1000000 / ? * ?, min(value), max(value) {told} GROUP BY 1 ORDER BY 1",
            (interval_ms, interval_ms, *span),
        )
        return thinned(values[0], self._opened().execute(newest, span).fetchone(), extremes, interval_ms)

    async def close(self) -> None:
        """See `History.close`."""
        self._closed = True  # its thread takes nothing more
        await asyncio.to_thread(self._close)

    async def _all(self, sql: str, values: tuple[str | int, ...]) -> list[tuple[int, float | str]]:
        return await self._run(lambda: self._opened().execute(sql, values).fetchall())

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise HistoryDown(f"history {self.path} is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (NotOurs, OverflowError) as error:
            raise HistoryRefused(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            raise HistoryDown(f"history {self.path}: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise HistoryDown(f"history {self.path} is closed")
        return self._connection

    def _open(self) -> None:
        self._connection = connect(self.path, HISTORY, self._read_only)

    def _write(self, rows: Sequence[Row]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            known: dict[tuple[str, ...], int] = {}
            fields = [
                (self._series(row, known), name, row.time_ns, value)
                for row in rows
                for name, value in row.fields.items()
            ]
            insert(connection, "INSERT OR REPLACE INTO fields (series, name, time_ns, value)", fields)

        transaction(self._opened(), write)
        while self._bytes() > self._bytes_max and transaction(self._opened(), self._prune):
            pass

    def _bytes(self) -> int:
        """What the rows take; free pages of the file are used again."""
        numbers = [self._opened().execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")]
        return int((numbers[0] - numbers[1]) * self._opened().execute("PRAGMA page_size").fetchone()[0])

    def _prune(self, connection: sqlite3.Connection) -> int:
        """Drop the oldest day there is; returns how many values went. One day of all series is left at least."""
        first, last = connection.execute("SELECT min(time_ns), max(time_ns) FROM fields").fetchone()
        if first is None or last - first <= DAY_NS:
            return 0
        until = first + DAY_NS
        connection.execute(
            "UPDATE series SET pruned = pruned +"
            " (SELECT count(*) FROM fields WHERE series = number AND name = ? AND time_ns < ?)",
            (POSITION, until),
        )
        went = connection.execute("DELETE FROM fields WHERE time_ns < ?", (until,)).rowcount
        text = f"the history has reached {self._bytes_max} bytes: its oldest day is dropped, {went} values"
        log.warning("history-pruned", text, count=went)
        return went

    def _series(self, row: Row, known: dict[tuple[str, ...], int]) -> int:
        key = tuple(row.tags.get(tag, "") for tag in ("group", "gateway", "building", "device", "lane", "epoch"))
        if key in known:
            return known[key]
        columns = "group_id, gateway, building, device, lane, epoch"
        self._opened().execute(f"INSERT OR IGNORE INTO series ({columns}) VALUES (?, ?, ?, ?, ?, ?)", key)
        found = self._opened().execute(f"SELECT number FROM series WHERE ({columns}) = (?, ?, ?, ?, ?, ?)", key)
        known[key] = int(found.fetchone()[0])
        return known[key]

    def _close(self) -> None:
        self._thread.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
