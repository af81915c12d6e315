"""Report by exception: what of a device's readings is worth a record.

Telemetry: past the deadband, a change of quality, or the heartbeat. Alarm lane: every change, no
deadband, nothing coalesced. Times are monotonic milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from config.profile import Point
from config.wire import Lane, Quality, Reading
from gateway.decode import absent


class Reporter:
    """One device's memory of what it has reported, and of what it reads now."""

    def __init__(self, points: Sequence[Point], period_s: Mapping[str, float]) -> None:
        """`period_s` says how often each point is read: a heartbeat may not wait for the read after its time."""
        self._points = {point.name: point for point in points}
        self._period_s = period_s
        self._now = {point.name: absent(point, "not read yet") for point in points}
        self._reported: dict[str, tuple[Reading, int]] = {}
        self._spoke_ms: int | None = None  # when anything of this device was last reported
        # A device with conditions only would fall silent while all is well: its first word is its pulse.
        quiet = all(point.lane is Lane.ALARM for point in points)
        self._pulse = points[0].name if quiet and points else None

    @property
    def present(self) -> tuple[Reading, ...]:
        """What every point reads now, for a birth."""
        return tuple(self._now.values())

    def take(self, readings: Iterable[Reading], mono_ms: int) -> dict[Lane, tuple[Reading, ...]]:
        """New readings -> what to report of them, per lane; lanes with nothing to say are absent."""
        reports: dict[Lane, list[Reading]] = {}
        for reading in readings:
            self._now[reading.name] = reading
            point = self._points[reading.name]
            if self._worth_a_report(point, reading, mono_ms):
                self._reported[reading.name] = (reading, mono_ms)
                self._spoke_ms = mono_ms
                reports.setdefault(point.lane, []).append(reading)
        return {lane: tuple(found) for lane, found in reports.items()}

    def lose(
        self, points: Iterable[Point], cause: str, quality: Quality, mono_ms: int
    ) -> dict[Lane, tuple[Reading, ...]]:
        """A read failed: its points have no value now."""
        return self.take([absent(point, cause, quality) for point in points], mono_ms)

    @property
    def has_pulse(self) -> bool:
        """True for a device whose first word is repeated as its heartbeat."""
        return self._pulse is not None

    def _worth_a_report(self, point: Point, reading: Reading, mono_ms: int) -> bool:
        if point.name not in self._reported:
            return True
        last, last_ms = self._reported[point.name]
        if (reading.quality, reading.cause) != (last.quality, last.cause):
            return True
        if point.lane is Lane.ALARM:
            if point.name == self._pulse and self._spoke_ms is not None:
                return reading.value != last.value or self._heartbeat_due(point, self._spoke_ms, mono_ms)
            return reading.value != last.value
        return _moved(point, last, reading) or self._heartbeat_due(point, last_ms, mono_ms)

    def _heartbeat_due(self, point: Point, last_ms: int, mono_ms: int) -> bool:
        next_read_ms = mono_ms + self._period_s[point.name] * 1000
        return next_read_ms >= last_ms + point.register.heartbeat_s * 1000


def _moved(point: Point, last: Reading, reading: Reading) -> bool:
    """Past the deadband since the last report (a slow drift adds up); without a deadband any change."""
    new, old, deadband = reading.value, last.value, point.register.deadband
    if deadband > 0 and isinstance(new, int | float) and isinstance(old, int | float) and not isinstance(new, bool):
        return abs(new - old) >= deadband
    return new != old
