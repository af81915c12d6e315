"""The tries of a notice: when the next one is due, and how they are kept, many in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from collector.storage.records import Attempt
from collector.storage.store import StoreFailed
from config import logs

BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
RECORD_AGAIN_S = 1.0

log = logs.of(__name__)


def failures_of(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The failed tries since the last hand-over, oldest first."""
    start = next((i for i in range(len(attempts), 0, -1) if attempts[i - 1].handed_over_at_ms is not None), 0)
    return list(attempts[start:])


def next_try_ms(attempts: Sequence[Attempt], now: int) -> int | None:
    """When to try next, None for never again. A stamp in the future is of a clock set back: try now."""
    failed = failures_of(attempts)
    if not failed:
        return now
    last = failed[-1]
    if last.permanent:
        return None
    wait_ms = int(BACK_OFF_S[min(len(failed), len(BACK_OFF_S)) - 1] * 1000)
    return now if last.at_ms > now else last.at_ms + wait_ms


class Recorder:
    """Keeps tries by `write`, all that have come meanwhile together. A crash repeats only those not kept yet."""

    def __init__(self, write: Callable[[Sequence[Attempt]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[tuple[Attempt, asyncio.Future[None]]] = []
        self._stirred = asyncio.Event()
        self.waiting = 0  # tries that are not kept yet

    async def keep(self, attempt: Attempt) -> None:
        """Returns once it is kept, however long the store takes: what went out unrecorded would go out again."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((attempt, kept))
        self._stirred.set()
        self.waiting += 1
        try:
            await kept
        finally:
            self.waiting -= 1

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            together, self._waiting = self._waiting, []
            while together:
                try:
                    await self._write([attempt for attempt, _ in together])
                    break
                except StoreFailed as error:
                    text = f"{len(together)} tries of notices are not recorded yet: {error}"
                    log.error("tries-not-recorded", text, count=len(together), error=error)
                    await asyncio.sleep(RECORD_AGAIN_S)
            for _, kept in together:
                if not kept.done():
                    kept.set_result(None)
