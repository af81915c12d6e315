"""What a gateway measures of its own buses, and the node's metrics that tell it: `Bus/<id>/Requests` and so on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from config.sparkplug import DataType
from config.words import Quality, Reading

_PREFIX = "Bus/"


@dataclass(frozen=True, slots=True)
class BusFigures:
    """Counts since the gateway's start; everything from `latency_p50_ms` on is of its last minute.

    A request that the line itself was lost under is in none of the counts of answers. `cycle_s`: between two answers
    to a unit's most urgent question. `busy`: the share of the time in which a question was under way, 0 to 1.
    None: there was nothing to measure.
    """

    requests: int
    answers: int
    timeouts: int
    garbled: int  # something came, but no sound answer
    refused: int  # the unit answered with a Modbus exception
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    cycle_s: float | None
    busy: float | None
    units: int
    units_dead: int


_COUNTS = ("requests", "answers", "timeouts", "garbled", "refused", "units", "units_dead")
_METRICS = {each.name: "".join(word.capitalize() for word in each.name.split("_")) for each in fields(BusFigures)}
_TYPES = {name: DataType.UINT64 if name in _COUNTS else DataType.DOUBLE for name in _METRICS}
_FIELDS = {metric: name for name, metric in _METRICS.items()}


def metrics_of_bus(bus: str) -> dict[str, DataType]:
    """The metrics that a birth declares for a bus."""
    return {f"{_PREFIX}{bus}/{metric}": _TYPES[name] for name, metric in _METRICS.items()}


def readings_of_bus(bus: str, figures: BusFigures) -> tuple[Reading, ...]:
    """The figures as the node's readings."""
    return tuple(
        Reading(f"{_PREFIX}{bus}/{metric}", value, _TYPES[name])
        if (value := getattr(figures, name)) is not None
        else Reading(f"{_PREFIX}{bus}/{metric}", None, _TYPES[name], Quality.STALE, "nothing to measure")
        for name, metric in _METRICS.items()
    )


def is_bus_figure(metric: str) -> bool:
    """True for the name of a node's metric that tells a figure of a bus."""
    prefix, _, rest = metric.partition("/")
    return prefix == "Bus" and rest.rpartition("/")[2] in _FIELDS


def figures_of(readings: Iterable[Reading]) -> dict[str, BusFigures]:
    """Bus -> its figures, of those buses of which every count is there and is a number that can be."""
    said: dict[str, dict[str, float | int]] = {}
    for reading in readings:
        bus, _, metric = reading.name.removeprefix(_PREFIX).rpartition("/")
        name, value = _FIELDS.get(metric), reading.value
        if bus and name is not None and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            said.setdefault(bus, {})[name] = value
    return {
        bus: BusFigures(**{name: found.get(name) for name in _METRICS})  # type: ignore[arg-type]
        for bus, found in said.items()
        if all(isinstance(found.get(name), int) for name in _COUNTS)
    }
