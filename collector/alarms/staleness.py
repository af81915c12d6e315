"""Points that are no longer told though their device still speaks: each has a deadline of its own.

A telemetry point is told at every heartbeat at least, changed or not, so that its absence means something. A point
of the alarm lane is told when it changes: there its device's own silence speaks, and a read that fails is told at once.
One trouble for each device names all of its stale points; it returns when the last of them is told again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.agenda import ms_of
from collector.alarms.conditions import Conditions, ours
from collector.alarms.heard import DeviceState
from collector.alarms.rules import Rule
from collector.state import State
from config.profile import Condition, Kind
from config.site import Bus, Device, Site
from config.words import Lane, Quality, Report

# A busy bus reads late, a block that is refused is asked again after 30 s, a record may be lost and sent again.
STALE_GRACE_MS = 60_000
LOOK_EVERY_MS = 5_000  # a device with many deadlines is not looked at more often for them
LISTED = ", "  # between the points in the trouble's value


class Staleness:
    """The deadlines of all points. `devices` are the watch's; their `stale` is kept in the trouble's own value."""

    def __init__(self, site: Site, state: State, conditions: Conditions, devices: Mapping[str, DeviceState]) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        shared: dict[tuple[str, float, tuple[int, ...]], Mapping[str, int]] = {}
        for _, bus, device in site.installed():
            what = (device.profile, bus.slow_period_s, tuple(detector.number for detector in device.detectors))
            if what not in shared:
                shared[what] = allowed_ms_of(site, bus, device)
            known = devices[device.id]
            known.allowed_ms = shared[what]
            alarm = state.alarms.get(f"{device.id}:stale")
            if alarm is not None:
                known.stale = {name for name in (alarm.value or "").split(LISTED) if name in known.allowed_ms}

    def told(self, device: DeviceState, report: Report, now: int) -> None:
        """A live report arrived. What is stale stays so at a birth: that only says what was read last."""
        for reading in report.readings:
            if reading.name in device.allowed_ms:
                device.told_at_ms[reading.name] = now
        birth = report.position is None and report.epoch is not None
        if device.stale and not birth:
            names = {reading.name for reading in report.readings}
            if not device.stale.isdisjoint(names):
                device.stale -= names
                self._tell(device, now)

    def gone(self, device: DeviceState, now: int) -> None:
        """The device is silent altogether: that is the trouble, not its points."""
        if device.stale:
            device.stale.clear()
            self._tell(device, now)

    def look(self, device: DeviceState, now: int) -> int:
        """Judge every deadline of a device that speaks; returns when to look again."""
        late, next_at = late_points(device.told_at_ms, device.allowed_ms, device.patient_from_ms, now)
        fresh = [name for name in late if name not in device.stale]
        for name in fresh:
            heard = device.values.get(name)
            if heard is not None:
                cause = f"not told for more than {device.allowed_ms[name] // 1000} s"
                device.values[name] = heard._replace(reading=replace(heard.reading, quality=Quality.STALE, cause=cause))
        if fresh:
            device.stale.update(fresh)
            self._tell(device, now)
        return max(next_at, now + LOOK_EVERY_MS)

    def _tell(self, device: DeviceState, now: int) -> None:
        key, value = f"{device.device}:stale", LISTED.join(sorted(device.stale))
        alarm = self._state.alarms.get(key)
        if not value:
            self._conditions.cleared(key, ours(now), now)
        elif alarm is not None and alarm.source_active:
            self._state.put_alarm(replace(alarm, value=value))
        else:
            building = self._site.devices[device.device].place.building
            rule = Rule(key, device.device, "stale", building, Condition.TROUBLE, Kind.FAULT)
            self._conditions.raised(rule, value, ours(now), now)


def allowed_ms_of(site: Site, bus: Bus, device: Device) -> Mapping[str, int]:
    """How long each telemetry point of a device may go untold: its heartbeat, met at a read, and some grace."""
    return {
        point.name: ms_of(point.register.heartbeat_s + (point.register.period_s or bus.slow_period_s)) + STALE_GRACE_MS
        for point in site.points(device)
        if point.lane is Lane.TELEMETRY
    }


def late_points(
    told_at_ms: Mapping[str, int], allowed_ms: Mapping[str, int], patient_from_ms: int, now: int
) -> tuple[list[str], int]:
    """The points whose deadline has passed, and the next deadline of the others (far away if there is none)."""
    late: list[str] = []
    next_at: int | None = None
    for name, told_ms in told_at_ms.items():
        deadline = max(told_ms, patient_from_ms) + allowed_ms[name]
        if deadline <= now:
            late.append(name)
        elif next_at is None or deadline < next_at:
            next_at = deadline
    return late, now + max(allowed_ms.values(), default=0) if next_at is None else next_at
