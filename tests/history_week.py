"""A made-up week of the demo's community in a real InfluxDB, for whoever tests what is drawn from it.

    with influxd() as server:
        week = fill_week(server.port)

`week.url` is the collector's `--history`; `week.since_ms` and `week.until_ms` are its ends, UTC. It takes some seconds.
`python -m tests.history_week URL [DAYS]` fills a server of one's own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from collector.storage.histories import open_history
from collector.storage.influx import InfluxHistory
from config.loader import load_site
from config.site import Site
from tests.madeup_past import MadeUp, fill

DEMO = Path(__file__).resolve().parents[1] / "config" / "sites" / "demo"
DAY_MS = 86_400_000
SEED = 20_261_130


@dataclass(frozen=True, slots=True)
class Week:
    """Where it is, and what is in it."""

    url: str
    site: Site
    since_ms: int
    until_ms: int
    lines: int


def fill_week(
    port: int,
    database: str = "callpoint",
    *,
    days: int = 7,
    seed: int = SEED,
    site: Site | None = None,
    until_ms: int | None = None,
) -> Week:
    """Run `history init` on a server of this machine and fill it up to now. Prints its seed."""
    return asyncio.run(_fill(f"influxdb://127.0.0.1:{port}/{database}", site or load_site(DEMO), days, seed, until_ms))


async def _fill(url: str, site: Site, days: int, seed: int, until_ms: int | None) -> Week:
    until_ms = time.time_ns() // 1_000_000 if until_ms is None else until_ms
    since_ms = until_ms - days * DAY_MS
    print(f"a made-up past of {days} days, seed {seed}")
    history = await open_history(url)
    assert isinstance(history, InfluxHistory)
    try:
        lines = await fill(history, MadeUp(site, since_ms, until_ms, seed))
    finally:
        await history.close()
    return Week(url, site, since_ms, until_ms, lines)


if __name__ == "__main__":
    print(asyncio.run(_fill(sys.argv[1], load_site(DEMO), int((sys.argv[2:] or ["7"])[0]), SEED, None)).lines, "lines")
