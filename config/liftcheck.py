"""What `check` says of elevators: who keeps them, how old they are, and whether an entrapment can be judged at all."""

from __future__ import annotations

from collections.abc import Mapping

from config.document import Document, Key
from config.profile import Profile
from config.site import SiteFile
from config.upkeep import judges_entrapment


def check_lifts(file: SiteFile, profiles: Mapping[str, Profile | None], document: Document) -> None:
    """Note what is missing or wrong about every elevator of a site."""
    people = {person.id for person in file.people}
    for i, gateway in enumerate(file.gateways):
        for j, bus in enumerate(gateway.buses):
            for k, device in enumerate(bus.devices):
                path: tuple[Key, ...] = ("gateways", i, "buses", j, "devices", k)
                profile, lift = profiles.get(device.profile), device.lift
                if lift is not None and lift.contractor is not None and lift.contractor not in people:
                    document.mistake((*path, "lift", "contractor"), repr(lift.contractor), "the id of a person")
                if profile is None:
                    continue
                if profile.category != "lift":
                    if lift is not None:
                        document.mistake((*path, "lift"), f"lift on a {profile.profile}", "none; this is no elevator")
                    continue
                if lift is None or lift.commissioned is None:
                    document.mistake(path, "no lift.commissioned", "the day it was put into service", warning=True)
                if not judges_entrapment(profile):
                    expected = "signals for moving, level, door and person; without them only the box's own flag counts"
                    document.mistake((*path, "profile"), repr(profile.profile), expected, warning=True)
