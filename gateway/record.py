"""A journal record: one report of one device in one lane, with names and not aliases.

Names outlive a change of configuration; the check value is made once, from what the record says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from config.sparkplug import DataType
from config.wire import Lane, Quality, Reading


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that has no position yet. `at_ms` is UTC, `mono_ms` counts since boot."""

    lane: Lane
    device: str | None
    at_ms: int
    mono_ms: int
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A report as the journal keeps it. `check` covers what it says, not when."""

    lane: Lane
    position: int
    device: str | None
    at_ms: int
    check: int
    readings: tuple[Reading, ...]


def body_of(readings: tuple[Reading, ...]) -> str:
    """Readings as the journal's text. Bytes never occur: no profile has them."""
    rows = [[r.name, int(r.datatype), r.value, int(r.quality), r.cause] for r in readings]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def readings_from(body: str) -> tuple[Reading, ...]:
    """The journal's text as readings. Raises ValueError where it is not what `body_of` writes."""
    return tuple(
        Reading(name, value, DataType(datatype), Quality(quality), cause)
        for name, datatype, value, quality, cause in json.loads(body)
    )
