"""`callpoint history init` and `rollup`: which server it is, what is done there, and what is said of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from collector.storage.buckets import BucketInitialiser
from collector.storage.histories import open_history
from collector.storage.history import HistoryDown, HistoryRefused
from collector.storage.influx import InfluxHistory
from collector.storage.initialise import Initialiser, Unfit, guarded
from collector.storage.moving import Mover
from collector.storage.policies import DAY_MS, Days
from config.endpoint import EndpointError, sqlite_path

OK, FAILED, USAGE = 0, 1, 2


async def run_init(url: str, days: Days, dry_run: bool, drop_autogen: bool) -> int:
    """Make what is missing and move what lies elsewhere. 0: all is there, 1: it could not be made, 2: wrong use."""

    async def make(history: InfluxHistory) -> None:
        if history.bucket is not None:
            await BucketInitialiser(history, history.bucket, days, dry_run, print).run()
            return
        await Initialiser(history, days, dry_run, print).run()
        await Mover(history, dry_run, drop_autogen, print, _progress).run()

    return await _on_server("init", url, make)


async def run_rollup(url: str, since: datetime) -> int:
    """Work the hourly values out again from this day on. 0, 1 or 2 as above."""

    first, last = int(since.timestamp() * 1000) // DAY_MS, time.time_ns() // 1_000_000 // DAY_MS
    if first > last:
        print(f"callpoint history rollup: --since {since:%Y-%m-%d} has not come yet", file=sys.stderr)
        return USAGE

    async def roll_up(history: InfluxHistory) -> None:
        for day in range(first, last + 1):
            await history.figures.roll_up(day)
            _progress("rolled up", day - first + 1, last - first + 1)
        print(f"hourly values of {last - first + 1} days worked out again")

    return await _on_server("rollup", url, roll_up)


async def _on_server(what: str, url: str, work: Callable[[InfluxHistory], Awaitable[None]]) -> int:
    try:
        if path := sqlite_path(url):
            print(f"{path}: a history in a file needs nothing made; it keeps every record until it has 4 GB")
            return OK
        history = await open_history(url)
    except EndpointError as error:
        print(f"callpoint history {what}: {error}", file=sys.stderr)
        return USAGE
    assert isinstance(history, InfluxHistory)  # what is no file
    try:
        await guarded(lambda: work(history))
        return OK
    except (Unfit, HistoryDown, HistoryRefused) as error:
        print(f"callpoint history {what}: {error}", file=sys.stderr)
        return FAILED
    finally:
        await history.close()


def _progress(what: str, done: int, of: int) -> None:
    """A bar on a terminal; nothing where nobody looks."""
    if sys.stderr.isatty():
        width = 30 * done // max(1, of)
        print(f"\r{what} [{'#' * width}{' ' * (30 - width)}] {done}/{of} days", end="", file=sys.stderr, flush=True)
        if done == of:
            print(file=sys.stderr)
