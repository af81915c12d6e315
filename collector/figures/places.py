"""Where a figure belongs: the tags of a building or device, and what people call it. Pure."""

from __future__ import annotations

from collector.messages.wording import one_line, place_brief
from config.site import Device, Site

LEVELS = 3  # of the grid


def of_building(site: Site, building: str) -> dict[str, str | None]:
    """The tags of what is in a building; "" is the community as a whole."""
    tags: dict[str, str | None] = {"group": site.community.id, "building": building or None}
    place = site.buildings.get(building)
    cell = None if place is None else site.grid.get(place.cell)
    for _ in range(LEVELS):
        if cell is None:
            break
        tags[f"cell_{cell.level}"] = cell.id
        cell = None if cell.parent is None else site.grid.get(cell.parent)
    return tags


def of_device(site: Site, device: Device) -> dict[str, str | None]:
    """The tags of a device."""
    return of_building(site, device.place.building) | {"device": device.id, "gateway": site.gateway_of[device.id]}


def name_of_building(site: Site, building: str) -> str:
    """As people call it; "" is the community as a whole."""
    language = site.community.language
    place = site.buildings.get(building)
    if place is not None:
        return one_line(place.name)
    names = site.community.name
    return one_line(building or names.get(language) or next(iter(names.values()), ""))


def name_of_device(site: Site, device: Device, detector: int | None = None) -> str:
    """Building, floor and flat. Not the note of a place, which may say who lives there."""
    place = next((each.place for each in device.detectors if each.number == detector), device.place)
    return f"{name_of_building(site, place.building)} {place_brief(place, site.community.language)}".strip()
