"""How far a trouble reaches: what is not watched while a gateway, a bus or the broker is away, and who is to know."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from collector.calls.dispatch import responsible
from config.site import Bus, Device, Site


@dataclass(frozen=True, slots=True)
class Extent:
    """What is not watched meanwhile. `buildings`: those with most devices first."""

    devices: int
    buildings: tuple[str, ...]


def extent_of(site: Site, device: str, point: str) -> Extent | None:
    """Of a condition's device and point; None for one that takes nothing else along."""
    if device == "system":
        found = list(site.devices.values()) if point == "broker" else []
    elif device in site.gateways and (point == "silent" or point.startswith("Bus/")):
        buses = site.gateways[device].buses
        found = [each for bus in buses if point == "silent" or is_of_bus(point, bus) for each in bus.devices]
    else:
        found = []
    return Extent(len(found), _buildings(found)) if found else None


def is_of_bus(point: str, bus: Bus) -> bool:
    """True for a gateway's point that says that this bus is down, or that no device on it answers."""
    return point == f"Bus/{bus.id}/Online" or (point == f"Bus/{bus.id}/Silent" and len(bus.devices) > 1)


def told_of(site: Site, device: str, point: str) -> tuple[str, ...]:
    """All who are responsible for a building that is not watched meanwhile; () for what stays in its building."""
    extent = extent_of(site, device, point)
    if extent is None:
        return ()
    contacts = site.contacts if device == "system" else ()
    others = [person for building in extent.buildings for person, _ in responsible(site, building)]
    return tuple(dict.fromkeys([*contacts, *others]))


def _buildings(devices: list[Device]) -> tuple[str, ...]:
    """Every building that has a device, or a detector of a panel, among these."""
    places = Counter(device.place.building for device in devices)
    for device in devices:
        places.update({detector.place.building for detector in device.detectors} - {device.place.building})
    return tuple(building for building, _ in places.most_common())
