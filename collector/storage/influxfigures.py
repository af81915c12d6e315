"""The collector's own figures in InfluxDB, in the policy `figures`; what is known of them in `forever`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from collector.storage.expiry import Expiry, Write
from collector.storage.history import FiguresWait, HistoryDown
from collector.storage.influxql import Influx, QueryRefused, Series, identifier
from collector.storage.policies import DAY_MS, DAY_S, TOLD, hourly_flux_between, hourly_select
from collector.storage.series import Row
from config.figures import FIGURES, FOREVER, HOURLY, RAW

UNTIL = "until_ms"
ROLL_UP_WITHIN_S = 600.0  # one day of a large community on a small server
_WAITING = "there is no place for the collector's own figures: run `callpoint history init` once"


class RunsFlux(Protocol):
    """A 2.x server."""

    async def run_flux(self, script: str) -> None:
        """Run a script that writes what it finds. Raises HistoryDown."""


class InfluxFigures:
    """See `Figures`."""

    def __init__(self, influx: Influx, write_to: Write, expiry: Expiry, flux: RunsFlux | None) -> None:
        """`flux`: who runs it on 2.x, where InfluxQL cannot write; None on 1.x."""
        self._flux = flux
        self._influx = influx
        self._write_to = write_to
        self._expiry = expiry
        self.waits: str | None = None

    async def write(self, rows: Sequence[Row]) -> None:
        """See `Figures.write`."""
        await self._write(FIGURES, rows)

    async def told_until(self) -> int | None:
        """See `Figures.told_until`."""
        series = await self._query(f"SELECT {UNTIL} FROM {identifier(FOREVER)}.{TOLD}", may_be_missing=False)
        return int(series[0].values[-1][1]) if series else None

    async def tell_until(self, at_ms: int) -> None:
        """See `Figures.tell_until`."""
        await self._write(FOREVER, [Row({}, 1, {UNTIL: at_ms}, TOLD)])

    async def open_measures(self) -> list[Row]:
        """See `Figures.open_measures`."""
        query = f'SELECT * FROM {identifier(FIGURES)}."measure" WHERE "open" = 1 GROUP BY *'
        found = []
        for series in await self._query(query, epoch="ns"):
            for row in series.rows():
                time_ns = row.pop("time")
                fields = {name: value for name, value in row.items() if value is not None}
                tags = {name: tag for name, tag in series.tags.items() if tag}
                found.append(Row(tags, time_ns, fields, "measure"))
        return found

    async def pre_alarms(self) -> dict[str, int]:
        """See `Figures.pre_alarms`."""
        query = f'SELECT last("pre_alarms") FROM {identifier(FIGURES)}."detector" GROUP BY "device", "detector"'
        found = {}
        for series in await self._query(query):
            device, number = series.tags.get("device", ""), series.tags.get("detector", "")
            found[f"{device}:{number}" if number else device] = int(series.values[0][1])
        return found

    async def count_expiring(self) -> int:
        """See `Figures.count_expiring`."""
        try:
            return await self._expiry.count_expiring(time.time_ns() // 1_000_000)
        except QueryRefused as error:
            raise HistoryDown(str(error)) from error

    async def roll_up(self, day: int) -> None:
        """See `Figures.roll_up`."""
        if self._flux is not None:
            begin = datetime.fromtimestamp(day * DAY_S, UTC)
            await self._flux.run_flux(hourly_flux_between(self._influx.database, begin, begin + timedelta(days=1)))
            return
        source, target = (f"{identifier(self._influx.database)}.{identifier(policy)}" for policy in (RAW, HOURLY))
        span = f" WHERE time >= {day * DAY_MS}ms AND time < {(day + 1) * DAY_MS}ms"
        await self._query(
            hourly_select(source, target, span), method="POST", within_s=ROLL_UP_WITHIN_S, may_be_missing=False
        )

    async def _write(self, policy: str, rows: Sequence[Row]) -> None:
        try:
            await self._write_to(policy, rows)
        except HistoryDown as error:
            self._look(error)
            raise
        self.waits = None

    async def _query(self, query: str, method: str = "GET", **how: Any) -> list[Series]:
        try:
            return await self._influx.query(query, method, **how)
        except (QueryRefused, HistoryDown) as error:
            self._look(error)
            raise HistoryDown(str(error)) from error

    def _look(self, error: Exception) -> None:
        """Raises FiguresWait if a policy or bucket is what is missing."""
        if "not found" in str(error):
            self.waits = _WAITING
            raise FiguresWait(_WAITING) from error
