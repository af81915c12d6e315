"""The history: every record as a row of a time series, for curves and for the ledger's last column.

It stands behind the store's spool: slow or down, it delays nothing but itself. Writing is idempotent,
so a batch of which nobody knows whether it arrived is simply written again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from collector.commands import SystemTrouble
from collector.storage.records import Spooled
from collector.storage.series import Row, row_of
from collector.storage.store import Store
from config import logs
from config.words import Edge, Lane

BATCH_ROWS = 500
RECENT_ROWS_MAX = 5_000
CURVE_INTERVALS = 5_000  # of a span with more values than can be told one by one: two minutes of a week
DAY_NS = 86_400 * 1_000_000_000
LATE_NS = 29 * 3_600 * 1_000_000_000  # an hour less than what is rolled up again by itself
LATE_DAYS_MAX = 400
IDLE_S = 0.5  # how long an empty spool is left alone
BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
log = logs.of(__name__)


class HistoryDown(Exception):
    """The history cannot be reached or cannot write now: try again later."""


class HistoryRefused(Exception):
    """The history will not take (part of) what it was given, however often it is tried."""


class FiguresWait(HistoryDown):
    """The history has no place for the collector's own figures yet: `callpoint history init` makes it."""


class Figures(Protocol):
    """Where the collector's own figures go. All raise HistoryDown, and FiguresWait; only `write` HistoryRefused.

    `waits`: why there is no place for them, as it was known last; None if there is.
    """

    waits: str | None

    async def write(self, rows: Sequence[Row]) -> None:
        """Write rows of `collector/figures/`; the same again change nothing. After HistoryRefused some are written."""

    async def told_until(self) -> int | None:
        """Until when everything that has ended is told, UTC ms; None: nothing was told here yet.

        Raises FiguresWait also where there is no database yet.
        """

    async def tell_until(self, at_ms: int) -> None:
        """Note it."""

    async def open_measures(self) -> list[Row]:
        """The rows of measures that had not ended when they were told last."""

    async def pre_alarms(self) -> dict[str, int]:
        """How many pre-alarms were counted last of each smoke chamber, by its member's name."""

    async def roll_up(self, day: int) -> None:
        """Work out again the hourly values of a day (UTC, since 1970), for records that came late."""

    async def count_expiring(self) -> int:
        """Count and note the records of the days that will soon be dropped, for the ledger; returns how many days."""


class History(Protocol):
    """What every history does. All raise HistoryDown; only `write` raises HistoryRefused."""

    @property
    def figures(self) -> Figures | None:
        """Where figures go; None for a file: nobody would read them there."""

    async def write(self, rows: Sequence[Row]) -> None:
        """Write rows; the same rows again change nothing. After HistoryRefused some may be written."""

    async def count(self, edge: Edge, epoch: str, lane: Lane) -> int:
        """How many records of a lane of a journal are in the history."""

    async def recent(
        self, device: str, point: str, since_ms: int, until_ms: int | None = None
    ) -> list[tuple[int, float | str]]:
        """The newest values of a point as (UTC ms, value), oldest first, at most RECENT_ROWS_MAX.

        Both ends belong to the span; without an end it is everything since.
        """

    async def curve(self, device: str, point: str, since_ms: int, until_ms: int) -> list[tuple[int, float]]:
        """The numbers of a point in a span, both ends included, as (UTC ms, value), oldest first.

        Every one, if they are no more than RECENT_ROWS_MAX; else the first and the last, and of each of
        CURVE_INTERVALS the lowest and the highest, so that no peak is lost, and an interval without any stays empty.
        """

    async def close(self) -> None:
        """Let go of files and connections."""


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
        self.late_days: set[int] = set()  # UTC days of which records came so late that nobody rolls them up again

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
                node = batch[0].record.report.edge.node
                text = f"the history refused a record of {node}: {error}"
                log.warning("history-refused", text, gateway=node, device=batch[0].record.report.device, error=error)
                await self._store.refuse(batch[0].number, str(error))
                return
            half = len(batch) // 2
            await self._write(batch[:half])
            await self._write(batch[half:])
            return
        self.written += len(batch)
        self._note_late(rows)
        await self._store.drained([each.number for each in batch])

    def _note_late(self, rows: Sequence[Row]) -> None:
        late_ns = time.time_ns() - LATE_NS
        self.late_days |= {row.time_ns // DAY_NS for row in rows if 0 < row.time_ns < late_ns}
        while len(self.late_days) > LATE_DAYS_MAX:
            self.late_days.remove(min(self.late_days))

    async def _say(self, down: str | None) -> None:
        self.down = down
        if self._told != (down is not None):
            self._told = down is not None
            if down is None:
                log.info("history-up", "history: can be written")
            else:
                log.warning("history-down", f"history: {down}", error=down)
            await self._report(SystemTrouble("history", self._told, down or "can be written"))
