"""What people on the spot note and photograph: lines of the incident's timeline. Nobody is told of them by themselves.

A photo's picture is no business of the engine's: it is kept beside (`collector/storage/photos.py`), under the id that
stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.alarms.incident import Incident
from collector.commands import Noted, Photographed, Refused
from collector.part import Handler, Part
from collector.state import State
from config.site import Site

NOTE_CHARACTERS_MAX = 1_000
NOTES_MAX = 200  # of one incident
PHOTOS_MAX = 30


class Sightings(Part):
    """Carries out Noted and Photographed."""

    def __init__(self, site: Site, state: State) -> None:
        self._site = site
        self._state = state

    def handlers(self) -> Mapping[type, Handler]:
        """Noted, Photographed."""
        return {Noted: self._noted, Photographed: self._photographed}

    def _noted(self, command: Noted, now: int) -> None:
        incident = self._incident(command)
        text = tidy(command.text)
        if not 1 <= len(text) <= NOTE_CHARACTERS_MAX:
            raise Refused("bad-note", f"A note has 1 to {NOTE_CHARACTERS_MAX} characters, this one has {len(text)}.")
        if incident.notes >= NOTES_MAX:
            raise Refused("too-many-notes", f"This incident has {NOTES_MAX} notes already.")
        self._state.put_incident(replace(incident, notes=incident.notes + 1))
        self._state.log(now, "noted", incident=incident.id, person=command.person, facts=(("text", text),))

    def _photographed(self, command: Photographed, now: int) -> None:
        incident = self._incident(command)
        if command.photo in incident.photos:
            return
        if len(incident.photos) >= PHOTOS_MAX:
            raise Refused("too-many-photos", f"This incident has {PHOTOS_MAX} photos already.")
        self._state.put_incident(replace(incident, photos=(*incident.photos, command.photo)))
        facts = (("photo", command.photo),)
        self._state.log(now, "photographed", incident=incident.id, person=command.person, facts=facts)

    def _incident(self, command: Noted | Photographed) -> Incident:
        incident = self._state.incidents.get(command.incident)
        if incident is None and command.incident in self._state.closed:
            raise Refused("closed", "This incident is closed.")
        if incident is None:
            raise Refused("unknown-incident", "There is no open incident with this id.")
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        return incident


def tidy(text: str) -> str:
    """Text without what no page can show (control characters, halves of characters), and without outer spaces."""
    whole = text.encode("utf-8", "ignore").decode()
    return "".join(each for each in whole.replace("\r\n", "\n") if each == "\n" or each.isprintable()).strip()
