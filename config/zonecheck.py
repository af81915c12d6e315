"""What a zone and its verification cannot see alone: members that exist and stand together, and enough of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from config.document import Document, Key
from config.profile import Condition, Initiating, Kind, Point, Profile, points_of
from config.site import Device, SiteFile
from config.zone import Count, CrossZone, Retard, Zone

Path = tuple[Key, ...]
Members = Mapping[str, tuple[str, bool]]  # member -> its building, and whether it is an automatic fire detector


def check_zones(file: SiteFile, profiles: Mapping[str, Profile | None], document: Document) -> None:
    """Note every member and every verification that cannot work as it is written."""
    devices = [device for gateway in file.gateways for bus in gateway.buses for device in bus.devices]
    members = dict(_members(devices, profiles))
    zones, buildings = {zone.id: zone for zone in file.zones}, {building.id for building in file.buildings}
    verified: dict[str, str] = {}
    for i, zone in enumerate(file.zones):
        path: Path = ("zones", i)
        if zone.building in buildings:
            _check_members(zone, path, members, document)
        if zone.verification is None:
            continue
        for j, member in enumerate(zone.members):
            other = verified.setdefault(member, zone.id)
            if other != zone.id:
                expected = f"one zone that verifies it; {other!r} does already"
                document.mistake((*path, "members", j), repr(member), expected)
        _check_times(zone, (*path, "verification"), document)
        _check_enough(zone, (*path, "verification"), zones, members, document)


def _members(
    devices: Iterable[Device], profiles: Mapping[str, Profile | None]
) -> Iterable[tuple[str, tuple[str, bool]]]:
    """Everything that can be a member: each device, and each detector of a panel."""
    for device in devices:
        profile = profiles.get(device.profile)
        yield device.id, (device.place.building, profile is None or _detects_fire(points_of(profile)))
        for detector in device.detectors:
            automatic = detector.type != "manual-call-point"
            if automatic and profile is not None:
                theirs = (point for point in points_of(profile, [detector.number]) if point.detector is not None)
                automatic = _detects_fire(theirs)
            yield f"{device.id}:{detector.number}", (detector.place.building, automatic)


def _detects_fire(points: Iterable[Point]) -> bool:
    return any(
        (
            point.condition is Condition.ALARM
            and point.kind in (Kind.FIRE, None)
            and point.initiating is Initiating.AUTOMATIC
        )
        or any(
            limit.condition is Condition.ALARM and limit.kind is Kind.FIRE
            for limit in (point.register.limits or {}).values()
        )
        for point in points
    )


def _check_members(zone: Zone, path: Path, members: Members, document: Document) -> None:
    seen: set[str] = set()
    for j, member in enumerate(zone.members):
        here = (*path, "members", j)
        if member in seen:
            document.mistake(here, repr(member), "each member once")
        elif member not in members:
            document.mistake(here, repr(member), 'a device of this site, or "<panel>:<number>" of a detector it lists')
        elif members[member][0] != zone.building:
            document.mistake(here, f"{member!r} in {members[member][0]!r}", f"members in building {zone.building!r}")
        seen.add(member)


def _check_times(zone: Zone, path: Path, document: Document) -> None:
    how = zone.verification
    assert how is not None
    if how.loud_after_s > how.investigate_s:
        expected = f"at most investigate_s, {how.investigate_s:g} s: who answers is to have no less time"
        document.mistake((*path, "loud_after_s"), f"{how.loud_after_s:g} s", expected)
    if isinstance(how, Retard) and how.retard_s > how.investigate_s:
        expected = f"at most investigate_s, {how.investigate_s:g} s: it is loud then anyway"
        document.mistake((*path, "retard_s"), f"{how.retard_s:g} s", expected)


def _check_enough(zone: Zone, path: Path, zones: Mapping[str, Zone], members: Members, document: Document) -> None:
    """As many independent detectors as the method needs to confirm a fire."""
    how, own = zone.verification, _independent(zone, members)
    if not own:
        if all(member in members for member in zone.members):  # else it is named already
            found = "a zone without an automatic fire detector"
            document.mistake(path, found, "no verification: a manual call point is never verified")
        return
    if isinstance(how, Count) and len(own) < how.count:
        found = f"{how.count} of {len(own)} detectors"
        document.mistake((*path, "count"), found, f"at least {how.count} automatic detectors in the zone")
    if not isinstance(how, CrossZone):
        return
    if how.other is None:
        if len(own) < 2:
            found = "cross-zone in a zone with one detector"
            document.mistake((*path, "method"), found, "two independent detectors, here or in an 'other' zone")
        return
    other = zones.get(how.other)
    here = (*path, "other")
    if how.other == zone.id:
        document.mistake(here, repr(how.other), "another zone; without 'other' two detectors of this one confirm")
    elif other is not None and other.building != zone.building:
        document.mistake(here, f"{how.other!r} in {other.building!r}", f"a zone of building {zone.building!r}")
    elif other is not None and set(other.members) & set(zone.members):
        shared = sorted(set(other.members) & set(zone.members))[0]
        document.mistake(here, f"{how.other!r}, which shares {shared!r}", "a zone with detectors of its own")
    elif other is not None and not _independent(other, members):
        document.mistake(here, f"{how.other!r} without an automatic fire detector", "a zone that can confirm a fire")


def _independent(zone: Zone, members: Members) -> set[str]:
    """The automatic detectors of a zone; a panel beside its own detectors is none of its own."""
    found = {member for member in zone.members if member in members and members[member][1]}
    return found - {member.partition(":")[0] for member in found if ":" in member}
