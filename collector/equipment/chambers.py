"""Every smoke chamber, alone or on a panel's loop: a rise that comes before the alarm, and dirt that comes for weeks.

A rise counts if it stands for 45 s above the clean air of the last day; it is told as a pre-alarm, and returns by
itself. While it stands, and while the detector itself says fire or pre-alarm, the baseline is frozen; after a day
without a fire it is dirt, and the baseline begins anew. Only live reports rise; a backlog fills its own days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from collector.agenda import Agenda
from collector.alarms.alarm import Alarm
from collector.alarms.conditions import Conditions, ours
from collector.alarms.heard import DeviceState
from collector.alarms.rules import Rule
from collector.equipment.chamber import Chamber, Rise, SmokeTrend
from collector.equipment.signals import meaning
from collector.equipment.smoke import (
    FREEZE_MAX_MS,
    LEAST_DB_M,
    MOST_DB_M,
    MOST_OWN_PERCENT,
    RISE_MS,
    Level,
    judge_drift,
)
from collector.equipment.trend import DAY_MS
from collector.part import Part
from collector.state import State
from config.profile import Condition, Kind, Signal, SignalName
from config.site import Device, Site
from config.words import Report

RISING = "smoke_rising"
WORDS: Mapping[Level, str] = {
    Level.LOW_CHAMBER: "chamber_low",
    Level.DIRTY1: "chamber_dirty_soon",
    Level.DIRTY2: "chamber_dirty_now",
}
# The device's own words that say as much or more.
_OWN: Mapping[Level, tuple[SignalName, ...]] = {
    Level.LOW_CHAMBER: (SignalName.LOW_CHAMBER,),
    Level.DIRTY1: (SignalName.DIRTY_SOON, SignalName.DIRTY_NOW),
    Level.DIRTY2: (SignalName.DIRTY_NOW,),
}
AHEAD_MS = 3_600_000  # a source whose clock runs further ahead makes no trend
GROUPED_MS = 3_000  # a value that is over may still be on its way for so long
MOVED_DB_M = 0.002  # a baseline that moved by this is kept
FORECAST_DAYS_MAX = 3650


@dataclass(frozen=True, slots=True)
class _Source:
    """A point of a chamber."""

    chamber: Chamber
    signal: Signal
    is_obscuration: bool
    least: float  # what is to be believed
    most: float


class Chambers(Part):
    """All smoke chambers of a site whose profiles say where their obscuration is."""

    def __init__(self, site: Site, state: State, conditions: Conditions, devices: Mapping[str, DeviceState]) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._devices = devices
        self._chambers: dict[str, Chamber] = {}
        self._sources: dict[str, dict[str, _Source]] = {}
        self._fire_keys: dict[str, list[str]] = {}  # member -> its own conditions of fire and pre-alarm
        self._own_keys: dict[tuple[str, Level], list[str]] = {}  # its own conditions that say as much as a level
        self._freezing: dict[str, tuple[str, ...]] = {}  # all of these that may freeze a baseline
        self._agenda: Agenda[str] = Agenda()
        trends, rises = state.kept(SmokeTrend), state.kept(Rise)
        for device in site.devices.values():
            self._install(device, trends)
        for member, chamber in self._chambers.items():
            self._freezing[member] = (*self._fire_keys.get(member, ()), *self._own_keys[member, Level.LOW_CHAMBER])
            if member in rises:
                chamber.resume(rises[member])
        for gone in [each for each in (*trends.values(), *rises.values()) if each.id not in self._chambers]:
            state.forget(gone)

    def chamber(self, device: str, detector: int | None = None) -> Chamber | None:
        """A chamber; None if the device, or this detector of it, is none."""
        return self._chambers.get(device if detector is None else f"{device}:{detector}")

    def level(self, chamber: Chamber) -> Level | None:
        """How dirty it is, and None while that is not known."""
        return chamber.level(self._told_level(chamber))

    def has_source(self, alarm: Alarm) -> bool:
        """See `Part`."""
        point = alarm.key.removeprefix(f"{alarm.device}:")
        number, word = _split(point)
        chamber = self._chambers.get(alarm.device if number is None else f"{alarm.device}:{number}")
        if chamber is None or word not in (RISING, *WORDS.values()):
            return False
        rule = self._rule(chamber, word)
        return (rule.condition, rule.kind, rule.building) == (alarm.condition, alarm.kind, alarm.building)

    def hears(self, device: str) -> bool:
        """See `Part`."""
        return device in self._sources

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """See `Part`."""
        sources = self._sources[device.device]
        if report.at_ms > now + AHEAD_MS:
            return
        for reading in report.readings:
            source = sources.get(reading.name)
            if source is None:
                continue
            value, chamber = meaning(source.signal, reading), source.chamber
            if value is not None and not source.least <= value <= source.most:
                value = None
            if not source.is_obscuration:
                chamber.own_percent = chamber.own_percent if value is None or report.historical else value
            elif value is None:
                chamber.value = chamber.value if report.historical else None
            elif report.historical:
                chamber.learn_late(value, report.at_ms)
            else:
                self._live(chamber, value, report.at_ms, now)

    def wake(self, now: int) -> None:
        """See `Part`."""
        for member in self._agenda.due(now):
            chamber = self._chambers[member]
            state = self._devices.get(chamber.device)
            if chamber.since_ms is not None and chamber.value is not None and state is not None and state.online:
                self._raise(chamber, now)

    def wake_at(self) -> int | None:
        """See `Part`."""
        return self._agenda.next_at()

    def clean_by(self, chamber: Chamber, now: int) -> date | None:
        """The day by which it should be cleaned, by its drift; None if it does not drift, or not for years."""
        days = judge_drift(chamber.days).clean_in_days
        if days is None or days > FORECAST_DAYS_MAX:
            return None
        return self._site.local(now + round(days * DAY_MS)).date()

    # --- a rise ---------------------------------------------------------------------------------------

    def _live(self, chamber: Chamber, value: float, at_ms: int, now: int) -> None:
        chamber.hear(value, at_ms)
        if chamber.since_ms is None:
            if chamber.is_above(clearing=False):
                self._begin(chamber, at_ms, now)
            elif not self._is_frozen(chamber, now):
                self._learn(chamber, value, at_ms, now)
            return
        since_ms = chamber.since_ms = min(chamber.since_ms, at_ms)  # the source's clock may have been set back
        told = f"{chamber.device}:{_point(chamber, RISING)}" in self._state.alarms
        if not chamber.is_above(clearing=told):
            self._end(chamber, now)
        elif at_ms - since_ms >= FREEZE_MAX_MS:
            chamber.learn_anew()
            self._end(chamber, now)
        elif not told and at_ms - since_ms >= RISE_MS:
            self._raise(chamber, now)

    def _begin(self, chamber: Chamber, at_ms: int, now: int) -> None:
        self._state.keep(chamber.begin(at_ms))
        self._agenda.set(chamber.member, now + RISE_MS + GROUPED_MS)

    def _end(self, chamber: Chamber, now: int) -> None:
        if chamber.since_ms is not None:
            self._state.forget(chamber.end(chamber.since_ms))
        self._agenda.set(chamber.member, None)
        self._conditions.cleared(f"{chamber.device}:{_point(chamber, RISING)}", ours(now), now)

    def _raise(self, chamber: Chamber, now: int) -> None:
        """Tell of it, unless the detector itself has."""
        rule = self._rule(chamber, RISING)
        if rule.key not in self._state.alarms and not self._said_by_device(chamber):
            value = f"{chamber.value or 0.0:.3f} dB/m; {chamber.clean_db_m or 0.0:.3f} dB/m"
            self._conditions.raised(rule, value, ours(now), now)

    def _said_by_device(self, chamber: Chamber) -> bool:
        """True while a fire of the detector is open, or its own pre-alarm holds."""
        found = self._own_alarms(chamber)
        return any(alarm.condition is Condition.ALARM or alarm.source_active for alarm in found)

    def _is_frozen(self, chamber: Chamber, now: int) -> bool:
        """True while the detector says fire or pre-alarm, for a day at most, or that it sees nothing."""
        if self._state.alarms.keys().isdisjoint(self._freezing[chamber.member]):
            return False
        if self._level_said_by_device(chamber, Level.LOW_CHAMBER):
            return True
        found = self._own_alarms(chamber)
        return any(alarm.source_active and now - alarm.raised_at_ms < FREEZE_MAX_MS for alarm in found)

    def _own_alarms(self, chamber: Chamber) -> list[Alarm]:
        alarms = self._state.alarms
        return [alarms[key] for key in self._fire_keys.get(chamber.member, ()) if key in alarms]

    # --- dirt -----------------------------------------------------------------------------------------

    def _learn(self, chamber: Chamber, value: float, at_ms: int, now: int) -> None:
        before = chamber.means
        if chamber.learn(value, at_ms):
            self._judge(chamber, now)
            self._state.keep(chamber.kept())
        elif chamber.means is not before:
            kept = chamber.kept_db_m
            if kept is None or abs((chamber.clean_db_m or 0.0) - kept) > MOVED_DB_M:
                self._state.keep(chamber.kept())

    def _judge(self, chamber: Chamber, now: int) -> None:
        """Raise the trouble of its level, end those of the others."""
        level = self.level(chamber)
        if level is None:
            return
        for each, word in WORDS.items():
            rule = self._rule(chamber, word)
            holds = each is level and not self._level_said_by_device(chamber, each)
            if holds and rule.key not in self._state.alarms:
                shown = f"{max(chamber.percent or 0.0, chamber.own_percent or 0.0):.0f} %"
                by = self.clean_by(chamber, now)
                self._conditions.raised(rule, shown if by is None else f"{shown}; {by}", ours(now), now)
            elif not holds and rule.key in self._state.alarms:
                self._conditions.cleared(rule.key, ours(now), now)

    def _told_level(self, chamber: Chamber) -> Level:
        keys = {level: f"{chamber.device}:{_point(chamber, word)}" for level, word in WORDS.items()}
        return next((level for level, key in keys.items() if key in self._state.alarms), Level.OK)

    def _level_said_by_device(self, chamber: Chamber, level: Level) -> bool:
        found = (self._state.alarms.get(key) for key in self._own_keys.get((chamber.member, level), ()))
        return any(alarm is not None and alarm.source_active for alarm in found)

    # --- inside ---------------------------------------------------------------------------------------

    def _install(self, device: Device, trends: Mapping[str, SmokeTrend]) -> None:
        profile = self._site.profiles[device.profile]
        source = profile.signals.get(SignalName.OBSCURATION_DB_M)
        if source is None:
            return
        on_loop = source.point not in profile.points
        numbers = [each.number for each in device.detectors if each.type in ("smoke", "other")] if on_loop else [None]
        for number in numbers:
            member = device.id if number is None else f"{device.id}:{number}"
            chamber = Chamber(device.id, number, profile.alarm_db_m, trends.get(member))
            self._chambers[member] = chamber
            for level, names in _OWN.items():
                points = [profile.signals[name].point for name in names if name in profile.signals]
                self._own_keys[member, level] = [f"{device.id}:{_point(chamber, point)}" for point in points]
            for name in (SignalName.OBSCURATION_DB_M, SignalName.DRIFT_PERCENT):
                if name in profile.signals:
                    smoke = name is SignalName.OBSCURATION_DB_M
                    least, most = (LEAST_DB_M, MOST_DB_M) if smoke else (0.0, MOST_OWN_PERCENT)
                    found = _Source(chamber, profile.signals[name], smoke, least, most)
                    self._sources.setdefault(device.id, {})[_point(chamber, found.signal.point)] = found

        for rule in (rule for rules in self._devices[device.id].rules.values() for rule in rules):
            if rule.condition in (Condition.ALARM, Condition.PRE_ALARM):
                self._fire_keys.setdefault(rule.member, []).append(rule.key)

    def _rule(self, chamber: Chamber, word: str) -> Rule:
        device = self._site.devices[chamber.device]
        place = next((each.place for each in device.detectors if each.number == chamber.detector), device.place)
        condition, kind = (Condition.PRE_ALARM, Kind.FIRE) if word == RISING else (Condition.TROUBLE, Kind.FAULT)
        point = _point(chamber, word)
        return Rule(f"{device.id}:{point}", device.id, point, place.building, condition, kind, chamber.detector)


def _point(chamber: Chamber, name: str) -> str:
    """A point of the device itself, or of the panel's detector."""
    return name if chamber.detector is None else f"detector/{chamber.detector}/{name}"


def _split(point: str) -> tuple[int | None, str]:
    """The inverse: the detector's number and the name."""
    parts = point.split("/")
    if len(parts) == 3 and parts[0] == "detector" and parts[1].isdecimal():
        return int(parts[1]), parts[2]
    return None, point
