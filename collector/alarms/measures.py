"""What people take out of the live call-out for a time: disablements and walk tests, and what each of them covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from collector.alarms.incident import detector_of
from collector.alarms.rules import Rule
from collector.storage.kept import Kept
from config.profile import Kind
from config.site import Site

MINUTE_MS = 60_000
DISABLED_MINUTES_MAX = 24 * 60
TEST_MINUTES_MAX = 120
WATCHED = ("silent", "quality")  # what a walk test takes nothing of: a device must not fall silent unnoticed


class Scope(StrEnum):
    """What a disablement is of."""

    DEVICE = "device"  # or one numbered detector of a panel
    ZONE = "zone"
    BUILDING = "building"


@dataclass(frozen=True, slots=True)
class Disablement(Kept):
    """New conditions of its target are recorded and not called out until `until_ms`.

    `target` is the id of a device, zone or building, or "<panel>:<detector number>"; `building` is where it is told.
    `until_ms` is never further ahead than `length_ms`, whatever becomes of the clock.
    """

    NUMBERED: ClassVar[bool] = True
    scope: Scope
    target: str
    building: str
    person: str  # who disabled it or renewed it last
    why: str
    from_ms: int
    until_ms: int
    length_ms: int  # as long was asked for, the last time
    watch: str | None = None  # who is told of an alarm meanwhile; None: the device's own, else leader and manager
    warned: bool = False  # that it ends soon

    @property
    def key(self) -> str:
        """The key of its own condition."""
        return f"{self.target}:{self.word}" if self.scope is Scope.DEVICE else f"{self.source}:{self.word}"

    @property
    def source(self) -> str:
        """The device of its own condition: a real one, else the zone or building in a form that no device's id has."""
        return self.target.partition(":")[0] if self.scope is Scope.DEVICE else f"{self.scope}/{self.target}"

    @property
    def word(self) -> str:
        """The last part of the key, by which people's words for it are found."""
        return f"disabled-{self.scope}"

    @property
    def warn_at_ms(self) -> int:
        """When people are told that it ends: ten minutes before, or half its time if that is less."""
        return self.until_ms - min(10 * MINUTE_MS, self.length_ms // 2)

    @property
    def next_at_ms(self) -> int:
        """When something is due: the announcement, or the end."""
        return self.until_ms if self.warned else self.warn_at_ms


@dataclass(frozen=True, slots=True)
class Proof:
    """A tested device or detector that has given an alarm."""

    member: str
    at_ms: int  # when this collector first heard it


@dataclass(frozen=True, slots=True)
class WalkTest(Kept):
    """The alarms of its members go to the tester alone. One that has ended is kept for its result."""

    NUMBERED: ClassVar[bool] = True
    person: str
    members: tuple[str, ...]  # as zones name them: a device, or "<panel>:<detector number>"
    from_ms: int
    until_ms: int
    length_ms: int
    proofs: tuple[Proof, ...] = ()
    ended_ms: int | None = None

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self.ended_ms is None


def disables(site: Site, item: Disablement, rule: Rule) -> bool:
    """True if the disablement takes this condition aside. Those of gateways and of the system are no device's."""
    if rule.kind is Kind.DISABLEMENT or rule.device not in site.devices:
        return False
    if item.scope is Scope.BUILDING:
        return rule.building == item.target
    if item.scope is Scope.DEVICE:
        return item.target in (rule.device, rule.member)
    zone = site.zones.get(item.target)
    return zone is not None and (rule.device in zone.members or rule.member in zone.members)


def under_test(site: Site, item: WalkTest, rule: Rule) -> bool:
    """True if the walk test takes this condition: of its devices' own points, never their silence."""
    if rule.kind is Kind.DISABLEMENT or rule.device not in site.devices or rule.point in WATCHED:
        return False
    return item.running and (rule.device in item.members or rule.member in item.members)


def exists(site: Site, scope: Scope, target: str) -> bool:
    """True if the site has such a device, detector, zone or building."""
    if scope is Scope.BUILDING:
        return target in site.buildings
    return target in site.zones if scope is Scope.ZONE else target in _detectors(site, target.partition(":")[0])


def building_of(site: Site, scope: Scope, target: str) -> str:
    """The building of what exists."""
    if scope is Scope.BUILDING:
        return target
    if scope is Scope.ZONE:
        return site.zones[target].building
    device, _, number = target.partition(":")
    places = {str(each.number): each.place for each in site.devices[device].detectors}
    return places.get(number, site.devices[device].place).building


def buildings_covered(site: Site, scope: Scope, target: str) -> set[str]:
    """Every building that something of it stands in: a panel has detectors elsewhere. None for what is gone."""
    if scope is Scope.BUILDING:
        return {target} & site.buildings.keys()
    zone = site.zones.get(target)
    members = (target,) if scope is Scope.DEVICE else zone.members if zone is not None else ()
    parts = {part for member in members for part in (member, *_detectors(site, member))}
    return {building_of(site, Scope.DEVICE, part) for part in parts if exists(site, Scope.DEVICE, part)}


def to_prove(site: Site, members: tuple[str, ...]) -> list[str]:
    """What is to give an alarm in a walk test of these: each device, and of a panel each of its detectors."""
    found: dict[str, None] = {}
    for member in members:
        theirs = [each for each in _detectors(site, member) if each != member]
        found |= dict.fromkeys(theirs or [member])
    return list(found)


def member_of(device: str, point: str) -> str:
    """The member that raised a condition."""
    number = detector_of(point)
    return device if number is None else f"{device}:{number}"


@dataclass(frozen=True, slots=True)
class Untils:
    """Device -> until when it is disabled or tested as a whole, UTC ms; the last end where there are several."""

    disabled_ms: Mapping[str, int] = field(default_factory=dict)
    tested_ms: Mapping[str, int] = field(default_factory=dict)


NOT_ASIDE = Untils()


def untils(site: Site, disablements: Iterable[Disablement], tests: Iterable[WalkTest]) -> Untils:
    """For the people who look at devices."""
    disabled: dict[str, int] = {}
    for item in disablements:
        for device in devices_of(site, item):
            disabled[device] = max(item.until_ms, disabled.get(device, 0))
    running = [test for test in tests if test.running]
    return Untils(disabled, {device: test.until_ms for test in running for device in test.members})


def devices_of(site: Site, item: Disablement) -> Iterable[str]:
    """What a disablement is of, as members: devices, or one detector of a panel."""
    if item.scope is Scope.BUILDING:
        return [device.id for device in site.devices.values() if device.place.building == item.target]
    if item.scope is Scope.ZONE:
        return site.zones[item.target].members if item.target in site.zones else ()
    return (item.target,)


def _detectors(site: Site, device: str) -> Iterator[str]:
    """A device and its detectors, as members; nothing for what is no device of the site."""
    installed = site.devices.get(device)
    if installed is not None:
        yield device
        yield from (f"{device}:{each.number}" for each in installed.detectors)
