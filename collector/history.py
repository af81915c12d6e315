"""The history: every record as a row of a time series, for curves and for the ledger's last column.

It stands behind the store's spool: slow or down, it delays nothing but itself. Writing is idempotent,
so a batch of which nobody knows whether it arrived is simply written again.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from collector.commands import SystemTrouble
from collector.database import Kind, NotOurs, connect, transaction
from collector.records import Spooled
from collector.series import POSITION, TEXT_SUFFIX, Row, field_of, row_of
from collector.store import Store
from config.endpoint import sqlite_path
from config.words import Edge, Lane

T = TypeVar("T")
BATCH_ROWS = 500
RECENT_ROWS_MAX = 5_000
IDLE_S = 0.5  # how long an empty spool is left alone
BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
HISTORY = Kind(
    "history",
    0x43414C48,
    1,
    """
    CREATE TABLE series (
        number INTEGER PRIMARY KEY, group_id TEXT NOT NULL, gateway TEXT NOT NULL, building TEXT NOT NULL,
        device TEXT NOT NULL, lane TEXT NOT NULL, epoch TEXT NOT NULL,
        UNIQUE (device, group_id, gateway, building, lane, epoch)
    );
    CREATE TABLE fields (
        series INTEGER NOT NULL, name TEXT NOT NULL, time_ns INTEGER NOT NULL, value NOT NULL,
        PRIMARY KEY (series, name, time_ns)
    ) WITHOUT ROWID;
    """,
)

log = logging.getLogger(__name__)


class HistoryDown(Exception):
    """The history cannot be reached or cannot write now: try again later."""


class HistoryRefused(Exception):
    """The history will not take (part of) what it was given, however often it is tried."""


class History(Protocol):
    """What every history does. All raise HistoryDown; only `write` raises HistoryRefused."""

    async def write(self, rows: Sequence[Row]) -> None:
        """Write rows; the same rows again change nothing. After HistoryRefused some may be written."""

    async def count(self, edge: Edge, epoch: str, lane: Lane) -> int:
        """How many records of a lane of a journal are in the history."""

    async def recent(self, device: str, point: str, since_ms: int) -> list[tuple[int, float | str]]:
        """The newest values of a point as (UTC ms, value), oldest first, at most RECENT_ROWS_MAX."""

    async def close(self) -> None:
        """Let go of files and connections."""


async def open_history(url: str, read_only: bool = False) -> History:
    """`sqlite:PATH`, `influxdb://host:port/database` or `influxdb2://host:port/org/bucket`; EndpointError for others.

    A server need not answer now; a file must be usable (HistoryRefused), and be there if it is only to be read.
    """
    if path := sqlite_path(url):
        history = SqliteHistory(path, read_only)
        await history.open()
        return history
    from collector.influx import open_influx  # its HTTP client is only needed here

    return open_influx(url)


class SqliteHistory:
    """A file of its own beside the store: small communities need no server."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "history")

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
            "SELECT count(*) FROM fields JOIN series ON series.number = series"
            " WHERE name = ? AND (group_id, gateway, epoch, lane) = (?, ?, ?, ?)"
        )
        rows = await self._all(sql, (POSITION, edge.group, edge.node, epoch, lane))
        return int(rows[0][0])

    async def recent(self, device: str, point: str, since_ms: int) -> list[tuple[int, float | str]]:
        """See `History.recent`."""
        field = field_of(point)
        sql = (
            "SELECT time_ns / 1000000, value FROM fields WHERE series IN (SELECT number FROM series WHERE device = ?)"
            " AND name IN (?, ?) AND time_ns >= ? ORDER BY time_ns DESC LIMIT ?"
        )
        rows = await self._all(sql, (device, field, field + TEXT_SUFFIX, since_ms * 1_000_000, RECENT_ROWS_MAX))
        return [(at_ms, value) for at_ms, value in reversed(rows)]

    async def close(self) -> None:
        """See `History.close`."""
        await asyncio.to_thread(self._close)

    async def _all(self, sql: str, values: tuple[str | int, ...]) -> list[tuple[int, float | str]]:
        return await self._run(lambda: self._opened().execute(sql, values).fetchall())

    async def _run(self, work: Callable[[], T]) -> T:
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
            for row in rows:
                series = self._series(row)
                connection.executemany(
                    "INSERT OR REPLACE INTO fields (series, name, time_ns, value) VALUES (?, ?, ?, ?)",
                    [(series, name, row.time_ns, value) for name, value in row.fields.items()],
                )

        transaction(self._opened(), write)

    def _series(self, row: Row) -> int:
        key = tuple(row.tags.get(tag, "") for tag in ("group", "gateway", "building", "device", "lane", "epoch"))
        columns = "group_id, gateway, building, device, lane, epoch"
        self._opened().execute(f"INSERT OR IGNORE INTO series ({columns}) VALUES (?, ?, ?, ?, ?, ?)", key)
        found = self._opened().execute(f"SELECT number FROM series WHERE ({columns}) = (?, ?, ?, ?, ?, ?)", key)
        return int(found.fetchone()[0])

    def _close(self) -> None:
        self._thread.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Drain:
    """Carries the store's spool into the history, alarms first. A history that is down becomes trouble."""

    def __init__(self, store: Store, history: History, report: Callable[[SystemTrouble], Awaitable[object]]) -> None:
        self._store = store
        self._history = history
        self._report = report
        self.down: str | None = None  # why the history cannot be written now
        self._told: bool | None = None  # what the engine knows; after a start it may remember an old trouble
        self.written = 0
        self.refused = 0

    async def run(self) -> None:
        """Until cancelled. Raises StoreFailed."""
        failures = 0
        while True:
            try:
                carried = await self.carry()
            except HistoryDown as error:
                await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                failures += 1
                await self._say(str(error))
                continue
            if carried:
                failures = 0
                await self._say(None)
            if carried < BATCH_ROWS:
                await asyncio.sleep(IDLE_S)

    async def carry(self) -> int:
        """Carry one batch; returns how many rows left the spool. Raises HistoryDown or StoreFailed."""
        batch = await self._store.spool(BATCH_ROWS)
        if batch:
            await self._write(batch)
        return len(batch)

    async def _write(self, batch: Sequence[Spooled]) -> None:
        """Write a batch; one that is refused is halved until the rows that are to blame stand alone."""
        rows = [row for each in batch if (row := row_of(each.record)) is not None]
        try:
            if rows:
                await self._history.write(rows)
        except HistoryRefused as error:
            if len(batch) == 1:
                self.refused += 1
                log.warning("the history refused a record of %s: %s", batch[0].record.report.edge.node, error)
                await self._store.refuse(batch[0].number, str(error))
                return
            half = len(batch) // 2
            await self._write(batch[:half])
            await self._write(batch[half:])
            return
        self.written += len(batch)
        await self._store.drained([each.number for each in batch])

    async def _say(self, down: str | None) -> None:
        self.down = down
        if self._told != (down is not None):
            self._told = down is not None
            log.info("history: %s", down or "can be written")
            await self._report(SystemTrouble("history", self._told, down or "can be written"))
