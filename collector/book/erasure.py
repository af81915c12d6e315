"""What the engine holds of somebody who is to be erased: it goes, or bears a name that leads back to nobody.

Law gives people this right (PIPL art. 47, GDPR art. 17). What has happened stays: who was called by which rule and how
fast they answered is what a community accounts for a fire with, and a number in it must not change. So a pseudonym
stands in their place, made at random and written down nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from collector.alarms.measures import Disablement, WalkTest
from collector.book.entries import BookEntry, Section, key_of
from collector.book.keeper import Bookkeeper
from collector.calls.digest import Pace, Untold
from collector.calls.drill import Drill
from collector.calls.roster import Away
from collector.commands import ErasePerson, Refused
from collector.equipment.duedates import Inspection
from collector.equipment.rescue import Rescue
from collector.equipment.service import ServiceDone
from collector.part import Handler, Part
from collector.state import State
from collector.storage.kept import Kept
from config.site import Site

# Where a kept thing names a person.
PERSON_FIELDS: Mapping[type[Kept], tuple[str, ...]] = {
    Away: ("person", "said_by", "substitute"),
    BookEntry: ("by",),
    Disablement: ("person",),
    Drill: ("person",),
    Inspection: ("person",),
    Rescue: ("arrived_by", "freed_by"),
    ServiceDone: ("person",),
    WalkTest: ("person",),
}
_OF_ONE: tuple[type[Kept], ...] = (Pace,)  # kept under the person's own id


class Erasures(Part):
    """Carries out the engine's part of an erasure; the store's rows are `collector.storage.erasure`'s."""

    def __init__(self, site: Site, state: State, book: Bookkeeper) -> None:
        self._site = site
        self._state = state
        self._book = book

    def handlers(self) -> Mapping[type, Handler]:
        """See `Part`."""
        return {ErasePerson: self._erase}

    def check(self, person: str) -> None:
        """Raise Refused while somebody cannot be erased: the site folder names them, or something open does."""
        site, state = self._site, self._state
        if self._book.book.folder_value(Section.PERSON, person) is not None:
            raise Refused("in-folder", f"The site folder names {person}: take them out of its files first.")
        others = (site.buildings, site.devices, site.gateways, site.teams, site.grid, site.channels)
        if any(person in names for names in others):
            raise Refused("shared-id", f"{person} is the id of something else too: the two could not be told apart.")
        if any(notice.person == person for notice in state.notices.values()):
            raise Refused("called-now", f"{person} is called to something that is still open: first it has to end.")
        if any(_names(incident, person) for incident in state.incidents.values()):
            raise Refused("called-now", f"{person} is named in something that is still open: first it has to end.")
        now_so: tuple[type[Kept], ...] = (Disablement, Untold)
        if any(_names(item, person) for what in now_so for item in state.kept(what).values()):
            raise Refused("called-now", f"{person} has taken something out of service: first it has to end.")

    def _erase(self, command: ErasePerson, now: int) -> None:
        person, pseudonym = command.person, command.pseudonym
        self.check(person)
        if person in self._site.people:
            raise Refused("still-listed", f"{person} is still on the list of people.")
        for away in list(self._state.kept(Away).values()):
            if away.person == person:
                self._state.forget(away)
        for what in _OF_ONE:
            own = self._state.kept(what).get(person)
            if own is not None:
                self._state.forget(own)
        removed = self._state.kept(BookEntry).get(key_of(Section.PERSON, person))
        if removed is not None:
            self._book.drop(removed)
        for what, fields in PERSON_FIELDS.items():
            for item in list(self._state.kept(what).values()):
                named = {field: pseudonym for field in fields if getattr(item, field) == person}
                if named:
                    self._state.keep(replace(item, **named))
        self._state.log(now, "person-erased", facts=[("person", pseudonym)])


def _names(item: object, person: str) -> bool:
    """Whether the id stands anywhere in it, by itself."""
    return re.search(rf"(?<![\w-]){re.escape(person)}(?![\w-])", str(item)) is not None
