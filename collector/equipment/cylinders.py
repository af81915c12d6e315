"""Every gas-charged extinguisher: its limits at 20 °C, its slow leak, a sensor that is stuck.

Limits and sensors are judged with every live report, the slope of the days six times a day. As often, and each at a
time of its own so that a thousand write evenly, what is known of a cylinder is kept.
"""

from __future__ import annotations

from datetime import date

from collector.alarms.alarm import Alarm
from collector.alarms.conditions import Conditions, ours
from collector.alarms.heard import DeviceState
from collector.alarms.rules import Rule
from collector.equipment.cylinder import Cylinder, PressureTrend
from collector.equipment.pressure import Estimate, Leak, Verdict
from collector.equipment.trend import DAY_MS
from collector.part import Part
from collector.state import State
from config.profile import Condition, Kind, Limit, SignalName
from config.site import Device, Site
from config.words import Report

LEAKING, STUCK = "pressure_falling", "pressure_stuck"
AHEAD_MS = 3_600_000  # a source whose clock runs further ahead makes no trend
FORECAST_DAYS_MAX = 3650


class Cylinders(Part):
    """All of a site's gas-charged extinguishers that have a sensor."""

    def __init__(self, site: Site, state: State, conditions: Conditions) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        kept = state.kept(PressureTrend)
        self._cylinders = {
            device.id: Cylinder(site, device, device.upkeep.charged, kept.get(device.id, PressureTrend(device.id)))
            for device in site.devices.values()
            if device.upkeep is not None and device.upkeep.is_gas and _has_pressure(site, device)
        }
        for trend in [trend for trend in kept.values() if trend.id not in site.devices]:
            state.forget(trend)

    def cylinder(self, device: str) -> Cylinder | None:
        """The cylinder of a device; None if it is none."""
        return self._cylinders.get(device)

    def has_source(self, alarm: Alarm) -> bool:
        """See `Part`."""
        cylinder = self._cylinders.get(alarm.device)
        if cylinder is None:
            return False
        rules = (*cylinder.limits, self._falling(alarm.device), self._stuck(alarm.device))
        what = (alarm.key, alarm.condition, alarm.kind, alarm.building)
        return any((rule.key, rule.condition, rule.kind, rule.building) == what for rule in rules)

    def hears(self, device: str) -> bool:
        """See `Part`."""
        return device in self._cylinders

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """See `Part`."""
        cylinder = self._cylinders[device.device]
        if report.at_ms > now + AHEAD_MS or not cylinder.hear(report) or report.historical:
            return
        self._judge_limits(cylinder, cylinder.now(report.at_ms), now)
        self._judge_sensor(cylinder, report.at_ms, now)
        if cylinder.new_slot(report.at_ms):
            self._judge_leak(cylinder, report.at_ms, now)
            self._state.keep(cylinder.kept())

    def below_on(self, cylinder: Cylinder, leak: Leak, at_ms: int) -> tuple[Limit, date] | None:
        """The next limit that it will be below at this rate, and when; None if none is known or it is far away."""
        found = None
        for limit in self._low_limits(cylinder):
            days = leak.days_until(limit.value)
            if days is not None and days <= FORECAST_DAYS_MAX and (found is None or limit.value > found[0].value):
                found = limit, self._site.local(at_ms + round(days * DAY_MS)).date()
        return found

    # --- inside ---------------------------------------------------------------------------------------

    def _judge_limits(self, cylinder: Cylinder, found: Estimate, now: int) -> None:
        """A limit is passed, and it is over, only if it surely is: by both bounds."""
        for rule in cylinder.limits:
            limit, alarm = rule.limit, self._state.alarms.get(rule.key)
            if limit is None:
                continue
            below = limit.when == "below"
            if alarm is not None and alarm.source_active:
                if found.low_kpa >= limit.clear if below else found.high_kpa <= limit.clear:
                    self._conditions.cleared(rule.key, ours(now), now)
            elif found.high_kpa < limit.value if below else found.low_kpa > limit.value:
                kpa = cylinder.pressure_kpa if found.kpa is None else found.kpa
                self._conditions.raised(rule, f"{kpa or 0.0:.0f} kPa; {found.cause}", ours(now), now)

    def _judge_sensor(self, cylinder: Cylinder, at_ms: int, now: int) -> None:
        stuck, key = cylinder.is_stuck(at_ms), f"{cylinder.device}:{STUCK}"
        if stuck and key not in self._state.alarms:
            rule = self._stuck(cylinder.device)
            self._conditions.raised(rule, f"{cylinder.pressure_kpa or 0.0:.0f} kPa", ours(now), now)
        elif stuck is False and key in self._state.alarms:
            self._conditions.cleared(key, ours(now), now)

    def _judge_leak(self, cylinder: Cylinder, at_ms: int, now: int) -> None:
        device = self._site.devices[cylinder.device]
        assert device.upkeep is not None
        leak, rule = cylinder.leak(device.upkeep, at_ms), self._falling(cylinder.device)
        if leak.verdict is Verdict.LEAK:
            if rule.key not in self._state.alarms and not self._device_says_so(cylinder.device):
                self._conditions.raised(rule, self._rate(cylinder, leak, at_ms), ours(now), now)
        elif leak.clearly_over and rule.key in self._state.alarms:
            self._conditions.cleared(rule.key, ours(now), now)

    def _rate(self, cylinder: Cylinder, leak: Leak, at_ms: int) -> str:
        """How fast, and by when it will be too low: what `phrases.values_of_source` make a sentence of."""
        rate = f"{leak.slope_kpa_per_month:.0f} ± {leak.uncertainty_kpa_per_month:.0f} kPa"
        below = self.below_on(cylinder, leak, at_ms)
        return rate if below is None else f"{rate}; {below[0].value:g} kPa; {below[1]}"

    def _device_says_so(self, device: str) -> bool:
        """True while the device's own word for a leak stands: nobody is told the same twice."""
        source = self._site.profiles[self._site.devices[device].profile].signals.get(SignalName.LEAKING)
        alarm = None if source is None else self._state.alarms.get(f"{device}:{source.point}")
        return alarm is not None and alarm.source_active

    def _low_limits(self, cylinder: Cylinder) -> list[Limit]:
        """The limits below which it is no more use: its own at 20 °C, or those of the device's own figure."""
        registers = self._site.profiles[self._site.devices[cylinder.device].profile].points
        own = [point for point, name in cylinder.signals.items() if name is SignalName.PRESSURE_AT_20C_KPA]
        limits = [rule.limit for rule in cylinder.limits if rule.limit is not None]
        limits += [limit for point in own if point in registers for limit in (registers[point].limits or {}).values()]
        return [limit for limit in limits if limit.when == "below"]

    def _falling(self, device: str) -> Rule:
        return self._rule(device, LEAKING, Condition.SUPERVISORY, Kind.EQUIPMENT)

    def _stuck(self, device: str) -> Rule:
        return self._rule(device, STUCK, Condition.TROUBLE, Kind.FAULT)

    def _rule(self, device: str, word: str, condition: Condition, kind: Kind) -> Rule:
        building = self._site.devices[device].place.building
        return Rule(f"{device}:{word}", device, word, building, condition, kind)


def _has_pressure(site: Site, device: Device) -> bool:
    signals = site.profiles[device.profile].signals
    return SignalName.PRESSURE_KPA in signals or SignalName.PRESSURE_AT_20C_KPA in signals
