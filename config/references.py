"""What one model cannot see alone: ids that must exist, be unique, or make sense together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from config.document import Document, Key
from config.liftcheck import check_lifts
from config.peoplecheck import check_people, people_references
from config.profile import Profile
from config.rollcheck import check_grid, check_teams, ids_of, known, roll_references
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
        "cell": ids_of("grid", file.grid, document),
        "person": ids_of("people", file.people, document),
        "team": ids_of("teams", file.teams, document),
        "building": ids_of("buildings", file.buildings, document),
        "gateway": ids_of("gateways", file.gateways, document),
        "zone": ids_of("zones", file.zones, document),
        "fire station": ids_of("fire_stations", file.fire_stations, document),
        "channel": set(file.channels),
        "profile": set(profiles),
    }
    for path, kind, wanted in (*roll_references(file), *_references(file), *people_references(file)):
        if wanted not in ids[kind]:
            document.mistake(path, repr(wanted), known(kind, ids[kind]))
    check_grid(file, document)
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


def _check_roads(file: SiteFile, document: Document) -> None:
    for name, channel in file.channels.items():
        path = ("channels", name)
        if channel.type == "smtp" and (channel.host is None or channel.sender is None):
            document.mistake(path, "no host or sender", "host and sender for an smtp channel")
        if channel.type == "webhook" and channel.url is None and channel.url_env is None:
            document.mistake(path, "no url", "url, or url_env where the URL holds a secret")
    _check_push(file, document)


def _check_push(file: SiteFile, document: Document) -> None:
    url = file.plan.board_url
    pushing = [name for name, channel in file.channels.items() if channel.type == "webpush"]
    for name in pushing:
        channel, path = file.channels[name], ("channels", name)
        if channel.rings:
            expected = "rings: false, for nobody can rely on it: most phones in mainland China are not woken by it"
            document.mistake((*path, "rings"), "true", expected)
        if channel.sender is not None and not channel.sender.startswith(("mailto:", "https://")):
            document.mistake((*path, "sender"), repr(channel.sender), "a mailto: or https: URL")
        if name != pushing[0]:
            document.mistake(path, "a second webpush channel", "one, which is every phone of a person")
    # Browsers offer push to pages of a secure context only: https, or this machine itself (W3C Secure Contexts §3.1).
    if pushing and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        expected = "an https URL, for browsers allow no push on another"
        document.mistake(("plan", "board_url"), repr(url), expected, warning=True)


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
    check_teams(file, document)
