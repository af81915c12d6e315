"""What an elevator did over the years: trips, door cycles, hours, faults, rescues; and the figures made of them.

Counters of a device may wrap, or begin again when a box is changed: what cannot be true counts as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from collector.alarms.alarm import Alarm
from collector.alarms.heard import DeviceState
from collector.alarms.incident import Incident
from collector.equipment.elevator import Word
from collector.equipment.rescue import Rescue
from collector.equipment.signals import signal_number
from collector.part import Part
from collector.state import State
from collector.storage.kept import Kept
from config.profile import Condition, Kind, SignalName
from config.site import Site
from config.words import Report

WRITE_AFTER_MS = 600_000  # counts are written so often; the device's own counters lose nothing meanwhile
RESCUES_MAX = 20
WRAP = 1 << 32
# A count faster than this is a changed box: of a trip and of a door cycle at least so many seconds each.
_FASTEST = {SignalName.TRIPS: 1 / 4, SignalName.DOOR_CYCLES: 1 / 3, SignalName.RUN_TIME_S: 1.1}
_SLACK = 60  # counted more, since what is told lies a while back
_NO_FAULT = (Word.FIREMAN, Word.OUT_OF_SERVICE)


@dataclass(frozen=True, slots=True)
class Rescued:
    """One rescue that has ended. Stamps are UTC ms."""

    raised_at_ms: int
    arrived_at_ms: int
    freed_at_ms: int
    freed_by: str


@dataclass(frozen=True, slots=True)
class LiftLog(Kept):
    """The log of one elevator; `id` is the device. A fault lasts from its first condition to the end of its last."""

    since_ms: int  # when this log began
    trips: int = 0
    door_cycles: int = 0
    run_s: int = 0
    read: dict[str, int] = field(default_factory=dict)  # the device's own counters as they were last read
    read_at_ms: int = 0
    jumps: int = 0  # counts that could not be true
    faults: int = 0
    in_fault: bool = False
    down_ms: int = 0
    down_since_ms: int | None = None
    entrapments: int = 0  # that have ended
    rescues: tuple[Rescued, ...] = ()  # the newest
    written_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a log says. None where there is nothing to divide by yet."""

    faults_per_thousand_trips: float | None
    mean_time_between_failures_h: float | None
    availability: float | None  # the share of the log's time without a fault and in service


def figures(log: LiftLog, now: int) -> Figures:
    """The figures of a log at this time."""
    span = now - log.since_ms
    down = log.down_ms + (max(0, now - log.down_since_ms) if log.down_since_ms is not None else 0)
    return Figures(
        log.faults * 1000 / log.trips if log.trips else None,
        max(0, span - down) / 3_600_000 / log.faults if log.faults else None,
        min(1.0, max(0.0, 1 - down / span)) if span > 0 else None,
    )


def counted(before: int, after: int, elapsed_ms: int, fastest: float) -> int | None:
    """How far a counter has come; None if that cannot be. `fastest`: counts a second."""
    most = max(0, elapsed_ms) / 1000 * fastest + _SLACK
    for more in (after - before, after - before + WRAP):
        if 0 <= more <= most:
            return more
    return None


class LiftLogs(Part):
    """Keeps the log of every elevator."""

    def __init__(self, site: Site, state: State, now: int) -> None:
        self._site = site
        self._state = state
        lifts = [d.id for d in site.devices.values() if site.profiles[d.profile].category == "lift"]
        kept = state.kept(LiftLog)
        self._logs = {device: kept.get(device) or LiftLog(device, now) for device in lifts}

    def hears(self, device: str) -> bool:
        """See `Part`."""
        return device in self._logs

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """Its counters may have moved."""
        log = self._logs[device.device]
        if not log.written_at_ms:  # a log begins with the first word of its elevator
            log = replace(log, since_ms=now)
        profile = self._site.profiles[self._site.devices[device.device].profile]
        read = dict(log.read)
        more: dict[SignalName, int] = {}
        jumps = log.jumps
        for name, fastest in _FASTEST.items():
            value = signal_number(profile, device.values, name)
            if value is None or value < 0:
                continue
            step = counted(read[name], int(value), now - log.read_at_ms, fastest) if name in read else 0
            more[name], jumps, read[name.value] = step or 0, jumps + (step is None), int(value)
        if read == log.read and log.written_at_ms:
            return
        log = replace(
            log,
            trips=log.trips + more.get(SignalName.TRIPS, 0),
            door_cycles=log.door_cycles + more.get(SignalName.DOOR_CYCLES, 0),
            run_s=log.run_s + more.get(SignalName.RUN_TIME_S, 0),
            read=read,
            read_at_ms=now,
            jumps=jumps,
        )
        self._put(log, now, soon=False)

    def decided(self, now: int) -> None:
        """A fault of an elevator may have begun or ended."""
        for incident in self._state.changed_incidents:
            if incident.kind in (Kind.EQUIPMENT, Kind.ENTRAPMENT):
                for device in dict.fromkeys(key.partition(":")[0] for key in incident.alarms):
                    if device in self._logs:
                        self._observe(self._logs[device], now)

    def rescued(self, rescue: Rescue, now: int) -> None:
        """Somebody on site has said that people are free."""
        log = self._logs.get(rescue.device)
        if log is None or rescue.freed_at_ms is None or rescue.freed_by is None:
            return
        arrived_at = rescue.arrived_at_ms if rescue.arrived_at_ms is not None else rescue.freed_at_ms
        ended = Rescued(rescue.raised_at_ms, arrived_at, rescue.freed_at_ms, rescue.freed_by)
        rescues = (*log.rescues, ended)[-RESCUES_MAX:]
        self._put(replace(log, entrapments=log.entrapments + 1, rescues=rescues), now, soon=True)

    # --- inside ---------------------------------------------------------------------------------------

    def _observe(self, log: LiftLog, now: int) -> None:
        alarms = self._held(log.id)
        fault = any(_is_fault(alarm) for alarm in alarms)
        down = fault or any(alarm.point == Word.OUT_OF_SERVICE for alarm in alarms)
        begun = min((alarm.raised_at_ms for alarm in alarms), default=now)
        after = replace(log, in_fault=fault, faults=log.faults + (fault and not log.in_fault))
        if down and log.down_since_ms is None:
            after = replace(after, down_since_ms=max(min(begun, now), log.since_ms))
        elif not down and log.down_since_ms is not None:
            after = replace(after, down_ms=log.down_ms + max(0, now - log.down_since_ms), down_since_ms=None)
        if after != log:
            self._put(after, now, soon=True)

    def _held(self, device: str) -> list[Alarm]:
        building = self._site.devices[device].place.building
        found: list[Incident | None] = [
            self._state.open_incident(building, kind) for kind in (Kind.EQUIPMENT, Kind.ENTRAPMENT)
        ]
        return [
            alarm
            for incident in found
            if incident is not None
            for alarm in self._state.alarms_of(incident)
            if alarm.device == device and alarm.source_active
        ]

    def _put(self, log: LiftLog, now: int, soon: bool) -> None:
        """Counts may wait for the store; what happened may not."""
        if soon or now - log.written_at_ms >= WRITE_AFTER_MS or now < log.written_at_ms:
            log = replace(log, written_at_ms=now)
            self._state.keep(log)
        self._logs[log.id] = log


def _is_fault(alarm: Alarm) -> bool:
    """True for what the maintenance company would count: not a pressed key, not a mode, not a date."""
    counts = alarm.condition in (Condition.ALARM, Condition.SUPERVISORY)
    return counts and alarm.point not in _NO_FAULT and not alarm.point.startswith("lift-service-")
