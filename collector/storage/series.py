"""A record as the history keeps it: one row of one series, the same for every history. Pure.

What the collector itself figures out has measurements of its own, see `collector/figures/`.

Series tags: group, gateway, building, device, lane, epoch; an absent one is left out. Fields: `position`
(the journal's), every numeric or boolean point as a float, text with the suffix `_text`, and
`<point>_quality` where the quality is not good. Time is ms * 10^6 + position % 10^6: two changes in one
millisecond both stay, and a repeat overwrites itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collector.storage.records import Record
from config.words import Quality, Reading

MEASUREMENT = "reading"
POSITION = "position"
TEXT_SUFFIX = "_text"
# Names a series has already; a point of that name gets a suffix.
_TAKEN = {POSITION, "time", "group", "gateway", "building", "device", "lane", "epoch"}


@dataclass(frozen=True, slots=True)
class Row:
    """One moment of one series."""

    tags: Mapping[str, str]
    time_ns: int
    fields: Mapping[str, float | int | str]
    measurement: str = MEASUREMENT


def field_of(point: str) -> str:
    """The field of a point's number; its text stands in the field with `TEXT_SUFFIX`."""
    return f"{point}_value" if point in _TAKEN else point


def row_of(record: Record) -> Row | None:
    """The row of a record; None for a best-effort report without any value."""
    report = record.report
    fields: dict[str, float | int | str] = {}
    for reading in report.readings:
        fields.update(_fields_of(reading))
    if report.position is not None:
        fields[POSITION] = report.position
    tags = {
        "group": report.edge.group,
        "gateway": report.edge.node,
        "building": record.building,
        "device": report.device,
        "lane": report.lane,
        "epoch": report.epoch,
    }
    time_ns = report.at_ms * 1_000_000 + (report.position or 0) % 1_000_000
    return Row({name: tag for name, tag in tags.items() if tag}, time_ns, fields) if fields else None


def interval_of(since_ms: int, until_ms: int, intervals: int) -> int:
    """How long an interval is if a span has so many, in whole ms."""
    return max(1, -(-(until_ms - since_ms + 1) // intervals))


def thinned(
    first: tuple[int, float], last: tuple[int, float], extremes: Iterable[tuple[int, float, float]], interval_ms: int
) -> list[tuple[int, float]]:
    """A span by the extremes of its intervals (its begin in UTC ms, lowest, highest), with its true ends.

    When in its interval an extreme was is not known: one stands at the begin, the other at the end of it, in the order
    that moves less.
    """
    values, before = [first], first[1]
    for begin_ms, low, high in extremes:
        nearer = (low, high) if abs(low - before) <= abs(high - before) else (high, low)
        times = (max(begin_ms, first[0]), min(begin_ms + interval_ms - 1, last[0]))
        values += zip(times, nearer, strict=True)
        before = nearer[1]
    return [*values, last]


def _fields_of(reading: Reading) -> dict[str, float | int | str]:
    name, value = field_of(reading.name), reading.value
    fields: dict[str, float | int | str] = {}
    if reading.quality is not Quality.GOOD:
        fields[f"{name}_quality"] = int(reading.quality)
    if isinstance(value, bytes):
        fields[name + TEXT_SUFFIX] = value.hex()
    elif isinstance(value, str):
        fields[name + TEXT_SUFFIX] = value
    elif value is not None and math.isfinite(value):
        fields[name] = float(value)
    return fields
