"""Every metric of the node and its devices with its alias: what births declare and DATA may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from config.busfigures import metrics_of_bus
from config.diagnosis import ANSWER, ANSWERED, REFUSED, VERSION
from config.profile import Point
from config.sparkplug import DataType
from config.wire import CLOCK, Declared, Lane, Quality, Reading
from config.words import PULSE

Key = tuple[str | None, str]  # device (None: the node itself) and metric name
COUNTS = ("Appended", "Dropped", "InJournal")
# The node's own conditions: False, with its cause in words, is a trouble.
JOURNAL_WRITABLE = "Journal/Writable"
COMMITS_ACCEPTED = "Journal/CommitsAccepted"
_WHOLE = (DataType.INT32, DataType.INT64)


def device_online(device: str) -> str:
    """The node's metric that says whether a device answers."""
    return f"Device/{device}/Online"


def bus_online(bus: str) -> str:
    """The node's metric that says whether a bus can be used at all."""
    return f"Bus/{bus}/Online"


@dataclass(frozen=True, slots=True)
class LaneAccount:
    """One lane's own counts, from the journal file; `floor` is the lowest position it may still send."""

    floor: int
    appended: int
    dropped: int
    in_journal: int

    def readings(self, lane: Lane) -> list[Reading]:
        """The counts as the node's metrics."""
        numbers = (self.appended, self.dropped, self.in_journal)
        counts = [Reading(lane.count_metric(name), n, DataType.UINT64) for name, n in zip(COUNTS, numbers, strict=True)]
        return [Reading(lane.floor_metric, self.floor, DataType.UINT64), *counts]


def conditions_of(devices: Iterable[str], buses: Iterable[str]) -> list[str]:
    """The names of the node's own conditions."""
    return [CLOCK, JOURNAL_WRITABLE, COMMITS_ACCEPTED, *map(bus_online, buses), *map(device_online, devices)]


def metrics_of(devices: Mapping[str, Iterable[Point]], buses: Sequence[str]) -> dict[Key, DataType]:
    """All metrics that a gateway with these devices may ever send, and their types."""
    metrics: dict[Key, DataType] = {}
    for device in (None, *devices):
        for lane in Lane:
            metrics[device, lane.metric] = metrics[device, lane.floor_metric] = DataType.UINT64
    for lane in Lane:
        for count in COUNTS:
            metrics[None, lane.count_metric(count)] = DataType.UINT64
    metrics |= {(None, name): DataType.BOOLEAN for name in conditions_of(devices, buses)}
    for bus in buses:
        if bus != PULSE:  # no line of the site
            metrics |= {(None, name): datatype for name, datatype in metrics_of_bus(bus).items()}
    metrics |= dict.fromkeys([(None, VERSION), (None, ANSWER)], DataType.STRING)
    metrics |= dict.fromkeys([(None, ANSWERED), (None, REFUSED)], DataType.UINT64)
    for device, points in devices.items():
        metrics |= {(device, point.name): point.datatype for point in points}
    return metrics


class Catalogue:
    """Metrics and aliases of one run. Retired metrics are in it until their records have drained."""

    def __init__(self, aliases: Mapping[Key, tuple[int, DataType]]) -> None:
        self._declared: dict[str | None, dict[int, Declared]] = {None: {}}
        self._aliases: dict[str | None, dict[str, int]] = {None: {}}
        for (device, name), (alias, datatype) in aliases.items():
            self._declared.setdefault(device, {})[alias] = Declared(name, datatype)
            self._aliases.setdefault(device, {})[name] = alias

    @property
    def devices(self) -> list[str]:
        """All devices, retired ones too."""
        return [device for device in self._declared if device is not None]

    def declared(self, device: str | None) -> Mapping[int, Declared]:
        """Alias -> metric."""
        return self._declared[device]

    def aliases(self, device: str | None) -> Mapping[str, int]:
        """Metric name -> alias."""
        return self._aliases[device]

    def birth_readings(self, device: str | None, known: Iterable[Reading], away: bool) -> tuple[Reading, ...]:
        """Present values of everything declared, for a birth; what is not known is null and stale."""
        present = {reading.name: reading for reading in known}
        readings = []
        for declared in self._declared[device].values():
            reading = present.get(declared.name)
            if reading is None and declared.name.startswith("Journal/"):
                continue  # positions and floors are no readings
            if reading is None or (away and reading.value is not None):
                cause = "the device is away; its history follows" if away else "no longer configured"
                reading = Reading(declared.name, None, declared.datatype, Quality.STALE, cause)
            readings.append(reading)
        return tuple(readings)

    def as_declared(self, device: str | None, reading: Reading) -> Reading:
        """A recorded reading under the type that its metric has now; a value that no longer fits is named, not sent."""
        now = self._declared[device][self._aliases[device][reading.name]].datatype
        if now is reading.datatype or reading.value is None:
            return reading if now is reading.datatype else replace(reading, datatype=now)
        if reading.datatype in _WHOLE and (now is DataType.DOUBLE or (now, reading.datatype) == _WHOLE[::-1]):
            return replace(reading, datatype=now)
        cause = f"{reading.value!r} was recorded as {reading.datatype.name}; the metric is now {now.name}"
        return Reading(reading.name, None, now, Quality.BAD, cause)
