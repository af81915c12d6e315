"""What a site says of extinguishers and detectors that cannot be meant, or cannot be seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from config.document import Document, Key
from config.profile import Profile, SignalName
from config.site import Device, SiteFile
from config.upkeep import Upkeep

AHEAD = timedelta(days=1)  # the site's own day may be another than that of UTC


def check_upkeep(
    file: SiteFile, profiles: Mapping[str, Profile | None], document: Document, today: date | None = None
) -> None:
    """Note dates that cannot be meant, and pressures that do not tell what is expected of them."""
    today = today or datetime.now(UTC).date()
    for i, gateway in enumerate(file.gateways):
        for j, bus in enumerate(gateway.buses):
            for k, device in enumerate(bus.devices):
                path: tuple[Key, ...] = ("gateways", i, "buses", j, "devices", k, "upkeep")
                if device.upkeep is not None:
                    _check_dates(device.upkeep, path, document, today)
                _check_contents(device, profiles.get(device.profile), path, document)


def _check_dates(upkeep: Upkeep, path: tuple[Key, ...], document: Document, today: date) -> None:
    if upkeep.replace_by is not None and upkeep.replace_by < today - AHEAD:
        found = f"{upkeep.replace_by}, which has passed"
        document.mistake((*path, "replace_by"), found, "a date to come, once it has been replaced", warning=True)
    for name, day in (("inspected", upkeep.inspected), ("charged", upkeep.charged)):
        if day is not None and day > today + AHEAD:
            document.mistake((*path, name), f"{day}, which is still to come", "a day that has been", warning=True)


def _check_contents(device: Device, profile: Profile | None, path: tuple[Key, ...], document: Document) -> None:
    if profile is None or SignalName.PRESSURE_KPA not in profile.signals:
        return
    upkeep = device.upkeep or Upkeep()
    point = profile.points.get(profile.signals[SignalName.PRESSURE_KPA].point)
    own = profile.signals.get(SignalName.PRESSURE_AT_20C_KPA)
    own_point = None if own is None else profile.points.get(own.point)
    limits = [name for each in (point, own_point) if each is not None for name in each.limits or {}]
    if upkeep.contents == "co2" and limits:
        found = f"co2 with limits on its pressure ({', '.join(limits)})"
        expected = "a scale: CO2 stands over its own liquid, and its pressure does not show how much is left"
        document.mistake((*path, "contents"), found, expected, warning=True)
    elif upkeep.is_gas and SignalName.TEMPERATURE_C not in profile.signals and own is None:
        found = f"a {profile.profile} without a temperature"
        expected = "one with a temperature: without it no leak is seen, and low only in any weather"
        document.mistake((*path, "contents"), found, expected, warning=True)
    elif upkeep.contents is None and own is not None:
        expected = "what is in it, or no leak is seen: powder, water, foam, clean-agent, co2 or hydrant"
        document.mistake(path, "no contents", expected, warning=True)
