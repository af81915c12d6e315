"""How many records a history holds and has held, though their policy lets the old ones go: for the ledger.

The history counts its own rows; nothing is taken from the store. A few days before a day's records may be dropped
they are counted once more and the count is noted in the policy `forever`. Of a day that may be gone the greater of
the two counts: what is there, and what was. Of a day that must still be there only what is there counts, so that rows
which vanish before their time are missed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector.storage.influxql import Influx, QueryRefused, identifier, where
from collector.storage.policies import AUTOGEN, COUNTED, DAY_MS, DAY_S
from collector.storage.series import MEASUREMENT, POSITION, Row
from config.figures import FOREVER, RAW

AHEAD_DAYS = 3  # a day is counted so long before it may be dropped; a collector that is away for less misses none
COUNT_WITHIN_S = 120.0  # of one day of all gateways: ten million records of a large community
LANE_TAGS = ("group", "gateway", "epoch", "lane")
_PART = re.compile(r"(\d+)([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_END = "'2200-01-01T00:00:00Z'"  # grouped by time, a query ends now by itself: a gateway's clock may be ahead
RECORDS = "records"

Write = Callable[[str | None, Sequence[Row]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a server keeps one policy. `days` None: always."""

    days: float | None
    shard_days: float
    default: bool


Keepings = Callable[[], Awaitable[Mapping[str, Keeping]]]


class Expiry:
    """Counts the records of a database. `keepings` tells its policies; none where that is not known."""

    def __init__(self, influx: Influx, write_to: Write, keepings: Keepings) -> None:
        self._influx = influx
        self._write_to = write_to
        self._keepings = keepings

    async def count(self, lane: Mapping[str, str], now: int) -> int:
        """How many records of a lane (its tags) there are or have been. Raises HistoryDown or QueryRefused."""
        keepings = await self._keepings()
        raw, before = keepings.get(RAW), keepings.get(AUTOGEN)
        expires = raw is not None and raw.default and raw.days is not None
        if not expires and (before is None or before.default):
            return await self._total(lane)
        days = await self._by_day(MEASUREMENT, lane)
        if before is not None and not before.default:  # not moved yet, see `history init`
            days |= await self._by_day(f"{identifier(AUTOGEN)}.{MEASUREMENT}", lane)
        if raw is not None and expires:
            may_be_gone = _first_kept(raw, now)
            noted = await self.noted(lane)
            days |= Counter({day: count for day, count in noted.items() if day <= may_be_gone})
        return days.total()

    async def count_expiring(self, now: int) -> int:
        """Count and note the days that may soon be dropped; returns of how many days there was something."""
        raw = (await self._keepings()).get(RAW)
        if raw is None or not raw.default or raw.days is None:
            return 0
        first_kept = _first_kept(raw, now)
        days = range(first_kept - int(raw.shard_days) - 1, first_kept + AHEAD_DAYS + 1)
        return sum([await self.note_day(day, MEASUREMENT) for day in days])

    async def note_day(self, day: int, source: str) -> bool:
        """Count a day's records in `source` (as quoted for FROM) and note what is more than was noted before."""
        span = f"time >= {day * DAY_MS}ms AND time < {(day + 1) * DAY_MS}ms"
        tags = ", ".join(identifier(tag) for tag in LANE_TAGS)
        counting = f"SELECT COUNT({identifier(POSITION)}) FROM {source} WHERE {span} GROUP BY {tags}"
        found = await self._influx.query(counting, within_s=COUNT_WITHIN_S)
        if not found:
            return False
        before: dict[tuple[str, ...], int] = {}
        noting = f"SELECT {RECORDS} FROM {identifier(FOREVER)}.{COUNTED} WHERE {span} GROUP BY {tags}"
        for series in await self._influx.query(noting):
            before[tuple(series.tags.values())] = int(series.values[0][1])
        rows = []
        for series in found:
            count = int(series.values[0][1])
            if count > before.get(tuple(series.tags.values()), 0):
                lane = {name: tag for name, tag in series.tags.items() if tag}
                rows.append(Row(lane, day * DAY_MS * 1_000_000, {RECORDS: count}, COUNTED))
        if rows:
            await self._write_to(FOREVER, rows)
        return True

    async def noted(self, lane: Mapping[str, str]) -> Counter[int]:
        """Day -> how many records of a lane were counted before they may have been dropped."""
        query = f"SELECT {RECORDS} FROM {identifier(FOREVER)}.{COUNTED} WHERE {where(lane)}"
        try:
            series = await self._influx.query(query)
        except QueryRefused:  # there is no such policy: nothing was ever noted
            return Counter()
        return Counter({row[0] // DAY_MS: int(row[1]) for each in series for row in each.values})

    async def _total(self, lane: Mapping[str, str]) -> int:
        query = f"SELECT COUNT({identifier(POSITION)}) FROM {MEASUREMENT} WHERE {where(lane)}"
        series = await self._influx.query(query)
        return int(series[0].values[0][1]) if series else 0

    async def _by_day(self, source: str, lane: Mapping[str, str]) -> Counter[int]:
        query = (
            f"SELECT COUNT({identifier(POSITION)}) FROM {source} WHERE {where(lane)} AND time < {_END}"
            " GROUP BY time(1d) fill(none)"
        )
        series = await self._influx.query(query)
        return Counter({row[0] // DAY_MS: int(row[1]) for each in series for row in each.values})


def keeping_of(row: Mapping[str, Any]) -> Keeping:
    """A row of SHOW RETENTION POLICIES."""
    duration_s, shard_s = seconds_of(row["duration"]), seconds_of(row["shardGroupDuration"])
    return Keeping(duration_s / DAY_S if duration_s else None, shard_s / DAY_S, bool(row["default"]))


def seconds_of(text: str) -> int:
    """A duration as InfluxDB prints it, "2160h0m0s"; "0s" is for ever."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _first_kept(raw: Keeping, now: int) -> int:
    """The first day of which nothing may have been dropped yet but what a clock may be off."""
    assert raw.days is not None
    return int((now - raw.days * DAY_MS) // DAY_MS) + 1
