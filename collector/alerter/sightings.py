"""Notes and photos from the spot, as people see them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from collector.alarms.incident import Incident
from collector.alerter.models import EntryShown, Who


@dataclass(frozen=True, slots=True)
class Sighting:
    """A note or a photo. `photo` None: a note; `number` counts the photos; `kept`: it can still be looked at."""

    at: datetime
    who: Who | None
    text: str
    photo: str | None
    number: int
    kept: bool

    @property
    def name(self) -> str:
        """Of whoever saw it; "" if nobody is known."""
        return self.who.name if self.who is not None else ""


def sightings_in(entries: Sequence[EntryShown], incident: Incident, kept: Collection[str]) -> list[Sighting]:
    """Those of an incident's timeline, in its order. `kept`: the ids of the photos that are still there."""
    found = []
    for each in entries:
        if each.event not in ("noted", "photographed"):
            continue
        photo = each.facts.get("photo")
        number = incident.photos.index(photo) + 1 if photo in incident.photos else 0
        found.append(Sighting(each.at, each.person, each.facts.get("text", ""), photo, number, photo in kept))
    return found
