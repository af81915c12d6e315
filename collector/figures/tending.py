"""What a history on a server needs from time to time: its old records counted, and late ones rolled up again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from collector.storage.history import Figures, HistoryDown
from config import logs

COUNT_EVERY_S, TEND_EVERY_S = 43_200.0, 600.0
WAITING_MAX = 500  # rows; while more wait, a backlog is still coming
log = logs.of(__name__)


async def tend(
    figures: Figures, waiting: Callable[[], int], late_days: set[int], every_s: float = TEND_EVERY_S
) -> None:
    """Until cancelled. For a large community either takes minutes, of the server and not of this process.

    `waiting`: how many rows wait for the history; `late_days`, as `Drain` notes them, are taken out once it is done.
    """
    count_at_s, said = 0.0, ""
    while True:
        try:
            if (at_s := asyncio.get_running_loop().time()) >= count_at_s:
                await figures.count_expiring()
                count_at_s = at_s + COUNT_EVERY_S
            while late_days and waiting() < WAITING_MAX:
                day = min(late_days)
                late_days.discard(day)  # what comes of it meanwhile is noted anew
                try:
                    await figures.roll_up(day)
                except HistoryDown:
                    late_days.add(day)
                    raise
        except HistoryDown as error:
            if str(error) != said:
                said = str(error)
                log.info("history-untended", f"not counted or rolled up: {logs.without_addresses(said)}")
        await asyncio.sleep(every_s)
