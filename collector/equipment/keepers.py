"""Who keeps an elevator in order, and so is told of what is wrong with it though nobody is in danger."""

from __future__ import annotations

from collector.calls.dispatch import leaders
from config.site import Device, Site


def contractor_of(site: Site, device: str) -> str | None:
    """The person of the maintenance company, None where the site names nobody."""
    installed = site.devices.get(device)
    contractor = installed.lift.contractor if installed is not None and installed.lift is not None else None
    return contractor if contractor in site.people else None


def keepers(site: Site, device: Device) -> tuple[str, ...]:
    """The contractor and the building's manager; without a manager its leaders; none where there is no contractor.

    None means whoever is responsible for the building.
    """
    contractor = contractor_of(site, device.id)
    if contractor is None:
        return ()
    building = site.buildings[device.place.building]
    if building.manager is not None:
        return tuple(dict.fromkeys((contractor, building.manager)))
    own, others = leaders(site, building.id)
    return tuple(dict.fromkeys((contractor, *(own or others))))
