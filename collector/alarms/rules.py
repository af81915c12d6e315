"""Reading x rule -> condition: bits, undeclared bits, limits with hysteresis.

A rule only judges a good value. An absent or bad one is None, so that it neither raises nor clears: quality is
a trouble of its own, never a fire and never normal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from collector.equipment.keepers import keepers
from config.profile import UNKNOWN_BITS, Condition, Initiating, Kind, Limit, Point, Register, SignalName
from config.site import Device, Site
from config.words import Quality, Reading

_KIND_OF_CATEGORY: Mapping[str, Kind] = {
    "fire-panel": Kind.FIRE,
    "smoke-detector": Kind.FIRE,
    "pressure": Kind.EQUIPMENT,
    "lift": Kind.ENTRAPMENT,
    "other": Kind.EQUIPMENT,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition that one point can be in. `limit` None: the point is itself the condition's flag."""

    key: str
    device: str
    point: str
    building: str
    condition: Condition
    kind: Kind
    detector: int | None = None  # the panel's detector number
    limit: Limit | None = None
    unit: str | None = None
    is_word: bool = False  # the value is a word of undeclared bits, to be quoted as such
    initiating: Initiating = Initiating.AUTOMATIC
    tell: tuple[str, ...] = ()  # who is told of it where it is no call-out; none: who is responsible for the building

    @property
    def member(self) -> str:
        """How zones name what raises it: the device, or the panel's numbered detector."""
        return self.device if self.detector is None else f"{self.device}:{self.detector}"

    def judge(self, reading: Reading, active: bool) -> bool | None:
        """True: the condition holds; False: it does not; None: this reading cannot say. `active` is for hysteresis."""
        value = reading.value
        if value is None or reading.quality is not Quality.GOOD or isinstance(value, (str, bytes)):
            return None
        if self.limit is None:
            return bool(value)
        if isinstance(value, bool) or value != value:  # NaN is no number, and so no value
            return None
        edge = self.limit.clear if active else self.limit.value
        return value < edge if self.limit.when == "below" else value > edge

    def quote(self, reading: Reading) -> str:
        """What the source said, for people."""
        value = reading.value
        if self.is_word and isinstance(value, int):
            return f"0x{value & 0xFFFF:04X}"
        if isinstance(value, bool):
            return "1" if value else "0"
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{text} {self.unit}" if self.unit else text


Rules = Mapping[str, tuple[Rule, ...]]


def rules_of(site: Site, device: Device) -> Rules:
    """All points of a device, by name, each with its rules; a point that is only a value has none.

    The limits on a gas charge's pressure are not among them: they are judged at 20 °C, see `limits_at_20c`.
    """
    category, gas = site.profiles[device.profile].category, _gas_point(site, device)
    return {
        point.name: () if point.name == gas else _rules_of_point(site, device, point, category)
        for point in site.points(device)
    }


def limits_at_20c(site: Site, device: Device) -> tuple[Rule, ...]:
    """The limits on the pressure of a gas charge, which follows the temperature: for what it would be at 20 °C."""
    category, gas = site.profiles[device.profile].category, _gas_point(site, device)
    points = [point for point in site.points(device) if point.name == gas]
    return tuple(rule for point in points for rule in _rules_of_point(site, device, point, category))


def _gas_point(site: Site, device: Device) -> str | None:
    """The point with the pressure of a gas charge; None where there is none, or water or CO2 makes the pressure."""
    source = site.profiles[device.profile].signals.get(SignalName.PRESSURE_KPA)
    return source.point if source is not None and device.upkeep is not None and device.upkeep.is_gas else None


def _rules_of_point(site: Site, device: Device, point: Point, category: str) -> tuple[Rule, ...]:
    building = site.place(device, point).building
    key = f"{device.id}:{point.name}"
    unit = point.register.unit
    rules = []
    if point.condition.is_flag:
        kind = _kind(point.condition, point.kind, category)
        word = point.bit == UNKNOWN_BITS
        initiating = _initiating(device, point)
        rule = Rule(key, device.id, point.name, building, point.condition, kind, point.detector, is_word=word)
        rules.append(replace(rule, initiating=initiating))
    for name, limit in _limits(point.register, point).items():
        kind = _kind(limit.condition, limit.kind, category)
        rules.append(
            Rule(f"{key}:{name}", device.id, point.name, building, limit.condition, kind, point.detector, limit, unit)
        )
    tell = keepers(site, device) if category == "lift" else ()  # of what is no call-out
    return tuple(rule if rule.kind is Kind.ENTRAPMENT else replace(rule, tell=tell) for rule in rules)


def _initiating(device: Device, point: Point) -> Initiating:
    """As the profile says, but for a detector that the site knows as a manual call point."""
    manual = any(each.number == point.detector and each.type == "manual-call-point" for each in device.detectors)
    return Initiating.MANUAL if manual else point.initiating


def _limits(register: Register, point: Point) -> Mapping[str, Limit]:
    """Limits belong to the register's whole value, not to the bits taken from it."""
    return register.limits or {} if point.bit is None else {}


def _kind(condition: Condition, kind: Kind | None, category: str) -> Kind:
    """What an incident of this condition is about. A trouble is always a fault, so that it cannot join a fire."""
    if condition is Condition.TROUBLE:
        return Kind.FAULT
    return kind or _KIND_OF_CATEGORY[category]
