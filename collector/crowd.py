"""A made-up community as large as one wants, and what its devices say, for the benches. Same seed, same crowd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from config.profile import Profile
from config.site import Device, Site, SiteFile
from config.sparkplug import DataType
from config.words import Edge, Lane, Reading, Report

HEADS = 6  # smoke detectors of a building; with them a hydrant and an elevator
BUILDINGS_TOGETHER = 10  # that share a gateway, a team and a grid cell
CHANGES_SHARE = 0.05  # of all reports; the others change no condition
FIRES_SHARE = 0.02  # of the changes
LOW_SHARE = 0.08  # of the changes: a hydrant's pressure; the others are faults of detectors


Addresses = Callable[[int, str], list[dict[str, str]]]


def crowd_site(
    buildings: int,
    profiles: Mapping[str, Profile],
    team: int = 3,
    channels: Mapping[str, dict[str, Any]] | None = None,
    addresses: Addresses = lambda _number, _person: [{"channel": "sink"}],
) -> Site:
    """The community of `crowd_file`, with the shipped profiles."""
    return Site(SiteFile.model_validate(crowd_file(buildings, team, channels, addresses)), dict(profiles))


def crowd_file(
    buildings: int,
    team: int = 3,
    channels: Mapping[str, dict[str, Any]] | None = None,
    addresses: Addresses = lambda _number, _person: [{"channel": "sink"}],
) -> dict[str, Any]:
    """What the site folder of so many buildings would say. Every person has one channel, `sink`, which rings.

    `team`: how many people a team has. `channels` and `addresses`, by the number of a person and their id: others.
    """
    groups = range((buildings + BUILDINGS_TOGETHER - 1) // BUILDINGS_TOGETHER)
    people = [f"p-{group}-{number}" for group in groups for number in range(team)] + ["street"]
    return {
        "community": {"id": "crowd", "name": {"en": "Crowd"}, "timezone": "Asia/Shanghai", "language": "en"},
        "grid": [
            {"id": "street", "level": 1, "name": "street", "person": "street"},
            {"id": "quarter", "level": 2, "parent": "street", "name": "quarter", "person": "street"},
            *({"id": f"cell-{g}", "level": 3, "parent": "quarter", "name": "c", "person": f"p-{g}-0"} for g in groups),
        ],
        "people": [
            {"id": name, "name": name, "channels": addresses(number, name)} for number, name in enumerate(people)
        ],
        "teams": [
            {"id": f"team-{g}", "name": "t", "leader": f"p-{g}-0", "members": [f"p-{g}-{n}" for n in range(1, team)]}
            for g in groups
        ],
        "contacts": ["street"],
        "channels": channels or {"sink": {"type": "console", "rings": True}},
        "plan": {
            "default": {"rings": [{"call": "team", "after_s": 0}, {"call": "grid-3", "after_s": 60}]},
            "device_silent_after_s": 120,
            "group_troubles_s": 2,  # the bench waits for it
            "preflight": None,
        },
        "buildings": [_building(number) for number in range(buildings)],
        "gateways": [_gateway(group, buildings) for group in groups],
    }


def _building(number: int) -> dict[str, Any]:
    group = number // BUILDINGS_TOGETHER
    place = {"address": f"lane {number}", "latitude": 30.3, "longitude": 120.15, "floors": 7}
    return {"id": f"b-{number}", "name": f"b-{number}", **place, "cell": f"cell-{group}", "team": f"team-{group}"}


def _gateway(group: int, buildings: int) -> dict[str, Any]:
    numbers = range(group * BUILDINGS_TOGETHER, min((group + 1) * BUILDINGS_TOGETHER, buildings))
    devices = [device for number in numbers for device in _devices(number)]
    bus = {"id": f"bus-{group}", "type": "tcp", "host": "192.0.2.1", "devices": devices}
    return {"id": f"gw-{group}", "silent_after_s": 120, "buses": [bus]}


def _devices(building: int) -> list[dict[str, Any]]:
    names = [(f"head-{building}-{number}", "sm-1") for number in range(HEADS)]
    names += [(f"hydrant-{building}", "pressure-transmitter-a"), (f"lift-{building}", "lift-box")]
    base = building % BUILDINGS_TOGETHER * len(names)
    devices: list[dict[str, Any]] = [
        {"id": name, "profile": profile, "unit": base + i + 1, "place": {"building": f"b-{building}", "floor": i}}
        for i, (name, profile) in enumerate(names)
    ]
    devices[-1] |= {"registration": f"{31103301052020000000 + building}", "lift": {"commissioned": "2020-09-21"}}
    return devices


class Crowd:
    """What the devices of a site say, report by report."""

    def __init__(self, site: Site, seed: int = 1) -> None:
        self._site = site
        self._random = Random(seed)
        self._positions: Counter[tuple[str, Lane]] = Counter()
        self._active: set[str] = set()
        devices = list(site.devices.values())
        self._heads = [device for device in devices if device.profile == "sm-1"]
        self._hydrants = [device for device in devices if device.profile == "pressure-transmitter-a"]
        self._devices = devices

    def reports(self, count: int, at_ms: int, every_ms: int) -> Iterator[Report]:
        """Everyday life: heartbeats in turn, and among them the share of reports that change a condition."""
        for number in range(count):
            now = at_ms + number * every_ms
            if self._random.random() < CHANGES_SHARE:
                yield self._change(now)
            else:
                yield self._heartbeat(self._devices[number % len(self._devices)], now)

    def storm(self, troubles: int, fires: int, at_ms: int) -> list[Report]:
        """So many detectors faulty at once, and evenly among them fires, each in another building."""
        if troubles + fires > len(self._heads):
            raise ValueError(f"expected at most {len(self._heads) - fires} troubles, found {troubles}")
        heads = self._random.sample(self._heads, len(self._heads))
        burning = list({head.place.building: head for head in heads}.values())[:fires]
        faulty = [head for head in heads if head not in burning][:troubles]
        reports = [self._flag(head, "fault", True, at_ms) for head in faulty]
        for number, head in enumerate(burning, 1):
            reports.insert(number * troubles // (fires + 1), self._flag(head, "fire", True, at_ms))
        return reports

    def _heartbeat(self, device: Device, at_ms: int) -> Report:
        if device.profile == "sm-1":
            noise = self._random.random()
            return self._report(
                device,
                Lane.TELEMETRY,
                at_ms,
                Reading("obscuration_db_m", 0.01 * noise, DataType.DOUBLE),
                Reading("temperature_c", 20 + noise, DataType.DOUBLE),
            )
        if device.profile == "lift-box":
            return self._flag(device, "door_open", self._random.random() < 0.5, at_ms)  # no condition, only a state
        return self._pressure(device, 90.0 if device.id in self._active else 300.0, at_ms)

    def _change(self, at_ms: int) -> Report:
        """A condition of a device chosen at random rises or, if it holds, ends."""
        share = self._random.random()
        if share < LOW_SHARE:
            device = self._random.choice(self._hydrants)
            return self._pressure(device, 90.0 if self._turn(device.id) else 300.0, at_ms)
        device = self._random.choice(self._heads)
        point = "fire" if share < LOW_SHARE + FIRES_SHARE else "fault"
        return self._flag(device, point, self._turn(f"{device.id}:{point}"), at_ms)

    def _turn(self, key: str) -> bool:
        self._active ^= {key}
        return key in self._active

    def _flag(self, device: Device, point: str, value: bool, at_ms: int) -> Report:
        return self._report(device, Lane.ALARM, at_ms, Reading(point, value, DataType.BOOLEAN))

    def _pressure(self, device: Device, kpa: float, at_ms: int) -> Report:
        return self._report(device, Lane.TELEMETRY, at_ms, Reading("pressure_kpa", kpa, DataType.DOUBLE))

    def _report(self, device: Device, lane: Lane, at_ms: int, *readings: Reading) -> Report:
        gateway = self._site.gateway_of[device.id]
        self._positions[gateway, lane] += 1
        edge, position = Edge(self._site.community.id, gateway), self._positions[gateway, lane]
        return Report(edge, device.id, lane, "crowd", position, position, at_ms, False, readings)
