"""What puts a fire out near it: the hydrants and extinguishers that are watched, and whether they are well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from collector.alarms.alarm import Alarm
from collector.alarms.incident import PRIORITY
from config.site import Device, Site

SHOWN_MAX = 2  # of each


@dataclass(frozen=True, slots=True)
class Near:
    """A hydrant or an extinguisher. `condition` None: nothing is known to be wrong with it."""

    device: Device
    hydrant: bool
    condition: Alarm | None


def near(site: Site, building: str, floor: int, alarms: Iterable[Alarm]) -> list[Near]:
    """The nearest hydrants and then extinguishers of a building, by floor; a neighbour's where it has none."""
    worst: dict[str, Alarm] = {}
    for alarm in sorted((each for each in alarms if each.condition in PRIORITY), key=_rank):
        worst.setdefault(alarm.device, alarm)
    found = []
    for hydrant in (True, False):
        of_kind = [device for device in site.devices.values() if _is_one(site, device, hydrant)]
        place = site.buildings.get(building)
        for name in (building, *(place.neighbours if place is not None else ())):
            here = sorted(
                (device for device in of_kind if device.place.building == name),
                key=lambda device: abs(device.place.floor - floor) if device.place.building == building else 0,
            )
            if here:
                found += [Near(device, hydrant, worst.get(device.id)) for device in here[:SHOWN_MAX]]
                break
    return found


def _is_one(site: Site, device: Device, hydrant: bool) -> bool:
    contents = device.upkeep.contents if device.upkeep is not None else None
    return site.profiles[device.profile].category == "pressure" and (contents == "hydrant") is hydrant


def _rank(alarm: Alarm) -> int:
    return PRIORITY.index(alarm.condition)
