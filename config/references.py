"""What one model cannot see alone: ids that must exist, be unique, or make sense together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from config.document import Document, Key
from config.liftcheck import check_lifts
from config.peoplecheck import check_people, people_references
from config.profile import Profile
from config.site import KindPlan, RtuBus, SiteFile
from config.supervision import check_supervision
from config.upkeepcheck import check_upkeep
from config.zone import CrossZone
from config.zonecheck import check_zones

Path = tuple[Key, ...]
LOWEST_FLOOR = -10  # a floor below the street; Place allows no lower


def check_references(file: SiteFile, profiles: Mapping[str, Profile | None], document: Document) -> None:
    """Note every dangling, repeated or contradictory reference of a site; None is a profile with its own mistakes."""
    ids = {
        "cell": _ids("grid", file.grid, document),
        "person": _ids("people", file.people, document),
        "team": _ids("teams", file.teams, document),
        "building": _ids("buildings", file.buildings, document),
        "gateway": _ids("gateways", file.gateways, document),
        "zone": _ids("zones", file.zones, document),
        "fire station": _ids("fire_stations", file.fire_stations, document),
        "channel": set(file.channels),
        "profile": set(profiles),
    }
    for path, kind, wanted in (*_references(file), *people_references(file)):
        if wanted not in ids[kind]:
            document.mistake(path, repr(wanted), _known(kind, ids[kind]))
    _check_grid(file, document)
    _check_roads(file, document)
    check_people(file, document)
    _check_installation(file, profiles, document)
    _check_plan(file, document)
    check_upkeep(file, profiles, document)
    check_lifts(file, profiles, document)
    check_supervision(file, document)
    check_zones(file, profiles, document)


def _references(file: SiteFile) -> Iterator[tuple[Path, str, str]]:
    """Every id that stands somewhere as a reference: where, what kind, which."""
    for i, cell in enumerate(file.grid):
        yield ("grid", i, "person"), "person", cell.person
        if cell.parent is not None:
            yield ("grid", i, "parent"), "cell", cell.parent
    for i, person in enumerate(file.people):
        for j, address in enumerate(person.channels):
            yield ("people", i, "channels", j, "channel"), "channel", address.channel
    for i, team in enumerate(file.teams):
        yield ("teams", i, "leader"), "person", team.leader
        for j, member in enumerate(team.members):
            yield ("teams", i, "members", j), "person", member
    for i, person_id in enumerate(file.contacts):
        yield ("contacts", i), "person", person_id
    for i, building in enumerate(file.buildings):
        yield ("buildings", i, "cell"), "cell", building.cell
        if building.manager is not None:
            yield ("buildings", i, "manager"), "person", building.manager
        if building.team is not None:
            yield ("buildings", i, "team"), "team", building.team
        for j, neighbour in enumerate(building.neighbours):
            yield ("buildings", i, "neighbours", j), "building", neighbour
    for i, zone in enumerate(file.zones):
        yield ("zones", i, "building"), "building", zone.building
        if isinstance(zone.verification, CrossZone) and zone.verification.other is not None:
            yield ("zones", i, "verification", "other"), "zone", zone.verification.other
    for path, device in _devices(file):
        yield (*path, "profile"), "profile", device.profile
        yield (*path, "place", "building"), "building", device.place.building
        for k, detector in enumerate(device.detectors):
            yield (*path, "detectors", k, "place", "building"), "building", detector.place.building


def _devices(file: SiteFile) -> Iterator[tuple[Path, Any]]:
    for i, gateway in enumerate(file.gateways):
        for j, bus in enumerate(gateway.buses):
            for k, device in enumerate(bus.devices):
                yield ("gateways", i, "buses", j, "devices", k), device


def _ids(section: str, items: Iterable[Any], document: Document) -> set[str]:
    """The ids of a section; a repeated one is a mistake, as is one that differs only by case (Sparkplug advises)."""
    seen: dict[str, str] = {}
    for i, item in enumerate(items):
        other = seen.get(item.id.casefold())
        if other is not None:
            document.mistake((section, i, "id"), repr(item.id), f"an id of its own; {other!r} stands above")
        seen.setdefault(item.id.casefold(), item.id)
    return {item.id for item in items}


def _known(kind: str, ids: set[str]) -> str:
    known = ", ".join(sorted(ids)[:8]) + (", …" if len(ids) > 8 else "")
    return f"the id of a {kind} of this site ({known or 'there is none'})"


def _check_grid(file: SiteFile, document: Document) -> None:
    levels = {cell.id: cell.level for cell in file.grid}
    for i, cell in enumerate(file.grid):
        if cell.level == 1 and cell.parent is not None:
            document.mistake(("grid", i, "parent"), repr(cell.parent), "no parent on level 1")
        elif cell.level > 1 and cell.parent is None:
            document.mistake(("grid", i), "no parent", f"the level-{cell.level - 1} cell it belongs to")
        elif cell.parent is not None and levels.get(cell.parent, cell.level - 1) != cell.level - 1:
            found = f"{cell.parent!r} of level {levels[cell.parent]}"
            document.mistake(("grid", i, "parent"), found, f"a cell of level {cell.level - 1}")
    for i, building in enumerate(file.buildings):
        if levels.get(building.cell, 3) != 3:
            found = f"{building.cell!r} of level {levels[building.cell]}"
            document.mistake(("buildings", i, "cell"), found, "a cell of level 3")


def _check_roads(file: SiteFile, document: Document) -> None:
    for name, channel in file.channels.items():
        path = ("channels", name)
        if channel.type == "smtp" and (channel.host is None or channel.sender is None):
            document.mistake(path, "no host or sender", "host and sender for an smtp channel")
        if channel.type == "webhook" and channel.url is None and channel.url_env is None:
            document.mistake(path, "no url", "url, or url_env where the URL holds a secret")


def _check_installation(file: SiteFile, profiles: Mapping[str, Profile | None], document: Document) -> None:
    floors = {building.id: building.floors for building in file.buildings}
    seen: dict[str, str] = {}
    buses: set[str] = set()
    ports: set[tuple[str, str]] = set()
    for i, gateway in enumerate(file.gateways):
        for j, bus in enumerate(gateway.buses):
            path: Path = ("gateways", i, "buses", j)
            if bus.id in buses:
                document.mistake((*path, "id"), repr(bus.id), "an id that no other bus of the site has")
            buses.add(bus.id)
            if isinstance(bus, RtuBus):
                if (gateway.id, bus.port) in ports:
                    document.mistake((*path, "port"), repr(bus.port), "a serial port of its own for each bus")
                ports.add((gateway.id, bus.port))
            units: dict[int, str] = {}
            for k, device in enumerate(bus.devices):
                here = (*path, "devices", k)
                if seen.setdefault(device.id.casefold(), device.id) is not device.id:
                    document.mistake((*here, "id"), repr(device.id), "an id that no other device of the site has")
                if units.setdefault(device.unit, device.id) is not device.id:
                    taken = units[device.unit]
                    document.mistake((*here, "unit"), str(device.unit), f"a unit of its own; {taken!r} has it")
                _check_device(device, here, profiles.get(device.profile), floors, document)


def _check_device(
    device: Any, path: Path, profile: Profile | None, floors: Mapping[str, int], document: Document
) -> None:
    places = [((*path, "place"), device.place)]
    numbers: set[int] = set()
    for k, detector in enumerate(device.detectors):
        places.append(((*path, "detectors", k, "place"), detector.place))
        if detector.number in numbers:
            document.mistake((*path, "detectors", k, "number"), str(detector.number), "each detector once")
        numbers.add(detector.number)
    for where, place in places:
        top = floors.get(place.building)
        if top is not None and not LOWEST_FLOOR <= place.floor <= top:
            document.mistake(
                (*where, "floor"), str(place.floor), f"a floor of building {place.building!r}, up to {top}"
            )
    if profile is None:
        return
    if device.detectors and not profile.detector_points:
        document.mistake((*path, "detectors"), f"detectors on a {profile.profile}", "none; this profile has no loop")
    if profile.detector_points and not device.detectors:
        document.mistake(path, "a panel without detectors", "the detectors on its loop", warning=True)
    if profile.category == "lift" and not device.registration:
        document.mistake(path, "no registration", "the lift's registration number")


def _check_plan(file: SiteFile, document: Document) -> None:
    plans: list[tuple[Path, KindPlan]] = [(("plan", "default"), file.plan.default)]
    plans += [(("plan", "kinds", kind.value), plan) for kind, plan in file.plan.kinds.items()]
    for path, plan in plans:
        times = [ring.after_s for ring in plan.rings]
        for k, (before, after) in enumerate(itertools.pairwise(times)):
            if after < before:
                expected = f"rings in order of time; the one before is at {before:g} s"
                document.mistake((*path, "rings", k + 1, "after_s"), f"{after:g} s", expected)
    for i, team in enumerate(file.teams):
        if not team.members:
            document.mistake(("teams", i), "a team of its leader alone", "members to call", warning=True)
