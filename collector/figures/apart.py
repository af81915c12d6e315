"""Runs what no call waits for: a fault of it is told and counted, and ends nothing that does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from config import logs

AGAIN_AFTER_S = 600.0  # a fault that stays costs little, and does not fill the log
log = logs.of(__name__)


async def apart(
    name: str, part: Callable[[], Awaitable[None]], counters: Counter[str], again_after_s: float = AGAIN_AFTER_S
) -> None:
    """Until cancelled. Begins `part` again a while after each fault, counted as `<name>-faults`."""
    while True:
        try:
            await part()
        except Exception as error:  # noqa: BLE001 - no call waits for this part: its fault must not end the collector
            counters[f"{name}-faults"] += 1
            log.critical("part-fault", f"{name} begins again after a fault of its own", fault=error, of_part=name)
        await asyncio.sleep(again_after_s)
