"""Groups what the buses report into synced transactions: alarms at once, telemetry within a second.

Nothing is handed on before it is on disk. All writing is done by one thread, so that a slow card
holds up neither the buses nor the broker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from config import logs
from config.wire import Lane
from gateway.catalogue import LaneAccount
from gateway.clock import Clock
from gateway.journal import Journal
from gateway.record import Draft, Record
from gateway.statefile import JournalFull
from gateway.window import Spans

log = logs.of(__name__)

TELEMETRY_GROUP_S = 1.0
FULL_RETRY_S = 1.0
COUNT_PACE_S = 0.5
DRAFTS_MAX = 20_000  # waiting for a disk that does not write; then the oldest telemetry is lost, and counted
BATCH_MAX = 500
Range = tuple[Lane, int, int]
Answer = TypeVar("Answer")


class Recorder:
    """The way into the journal, and the only one."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        on_synced: Callable[[Sequence[Record]], None],
        on_counted: Callable[[Mapping[Lane, LaneAccount]], None],
        on_trouble: Callable[[str | None, int], None],
    ) -> None:
        """`on_synced` gets records that are on disk.

        `on_trouble` gets the cause why nothing can be written and how many alarm-lane reports wait, or None and 0.
        """
        self._journal, self._clock = journal, clock
        self._on_synced, self._on_counted, self._on_trouble = on_synced, on_counted, on_trouble
        self._drafts: deque[Draft] = deque()
        self._acked = {lane: Spans() for lane in Lane}  # committed, still to be deleted; a host may repeat itself
        self._work = asyncio.Event()
        self._urgent = asyncio.Event()
        self._changed = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._writer = ThreadPoolExecutor(1, "journal-write")
        self._reader = ThreadPoolExecutor(1, "journal-read")
        self._lost = 0  # drafts that never reached the disk, to be declared with the next transaction

    def put(self, drafts: Sequence[Draft]) -> None:
        """Take reports; they are handed to `on_synced` in this order once they are on disk."""
        self._drafts.extend(drafts)
        while len(self._drafts) > DRAFTS_MAX:
            oldest = next((draft for draft in self._drafts if draft.lane is Lane.TELEMETRY), self._drafts[0])
            self._drafts.remove(oldest)
            self._lost += 1
        if any(draft.lane is Lane.ALARM for draft in drafts):
            self._urgent.set()
        self._work.set()

    def forget(self, ranges: Sequence[Range]) -> None:
        """The host has committed these: delete them with the next transaction."""
        for lane, first, last in ranges:
            self._acked[lane].add(first, last)
        self._work.set()

    async def read(self, query: Callable[[], Answer]) -> Answer:
        """Run one reading method of the journal in its own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, query)

    async def write(self, change: Callable[[], Answer]) -> Answer:
        """Run one writing method of the journal in its own thread, after what is being written."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, change)

    async def run(self) -> None:
        """Write and count until cancelled. Raises JournalCorrupt."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_forever())
            group.create_task(self._count_forever())

    async def flush(self) -> None:
        """Write everything that waits now. Raises JournalCorrupt."""
        async with self._flushing:
            self._work.clear()
            self._urgent.clear()
            while self._drafts or any(spans.ranges for spans in self._acked.values()):
                try:
                    await self._write_some()
                except JournalFull as error:
                    log.error("journal-not-written", f"the journal cannot be written: {error}", error=error)
                    waiting = sum(draft.lane is Lane.ALARM for draft in self._drafts)
                    self._on_trouble(f"the journal cannot be written: {error}", waiting)
                    await asyncio.sleep(FULL_RETRY_S)

    async def count(self) -> None:
        """Hand on what the journal counts now."""
        self._changed.clear()
        self._on_counted(await self.read(self._journal.account))

    def close(self) -> None:
        """End both threads after what they are doing."""
        self._writer.shutdown()
        self._reader.shutdown()

    async def _write_forever(self) -> None:
        while True:
            await self._work.wait()
            # Telemetry and acknowledgements gather; an alarm ends the wait.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), TELEMETRY_GROUP_S)
            await self.flush()

    async def _count_forever(self) -> None:
        """Counting rows takes its time on a full journal: it never stands between an alarm and the disk."""
        while True:
            await self._changed.wait()
            await self.count()
            await asyncio.sleep(COUNT_PACE_S)

    def _next_batch(self) -> list[Draft]:
        """Alarms of the whole queue first, so that a long queue of telemetry does not hold them up."""
        ordered = sorted(self._drafts, key=lambda draft: draft.lane is not Lane.ALARM)
        self._drafts = deque(ordered[BATCH_MAX:])
        return ordered[:BATCH_MAX]

    async def _write_some(self) -> None:
        """One transaction of what waits, and one of what may go. What fails waits on. Raises JournalFull."""
        if self._drafts:
            batch, lost = self._next_batch(), self._lost
            try:
                records = await self.write(partial(self._journal.append, batch, self._clock.boot, lost))
            except JournalFull:
                self._drafts.extendleft(reversed(batch))
                raise
            self._lost -= lost
            self._on_trouble(None, 0)
            self._on_synced(records)
        if acked := [(lane, first, last) for lane, spans in self._acked.items() for first, last in spans.ranges]:
            await self.write(partial(self._journal.forget, acked))
            for lane, first, last in acked:
                self._acked[lane].remove(first, last)
        self._changed.set()
