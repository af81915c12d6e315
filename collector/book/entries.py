"""What the book holds: a person, a team, or who answers for a cell, a building and the community, as it was put last.

An entry lies over what the site folder says under the same section and id; what has no entry is the folder's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from collector.storage.kept import Kept
from config.people import Id, Person, Team
from config.profile import Strict

COMMUNITY = "community"  # the id of the one entry of the section `contacts`


class Section(StrEnum):
    """What an entry is of."""

    PERSON = "person"
    TEAM = "team"
    CELL = "cell"
    BUILDING = "building"
    CONTACTS = "contacts"


class CellPost(Strict):
    """Who is responsible for a grid cell."""

    person: Id


class BuildingPost(Strict):
    """Who answers for a building, and what may change about the way in. Fields as in `config.site.Building`."""

    manager: Id | None = None
    team: Id | None = None
    neighbours: tuple[Id, ...] = ()
    gate_code: str | None = None
    access: str = ""


class Contacts(Strict):
    """The community's emergency contacts, in order."""

    people: Annotated[tuple[Id, ...], Field(min_length=1)]


Value = Person | Team | CellPost | BuildingPost | Contacts
SECTION_OF: dict[type[Value], Section] = {
    Person: Section.PERSON,
    Team: Section.TEAM,
    CellPost: Section.CELL,
    BuildingPost: Section.BUILDING,
    Contacts: Section.CONTACTS,
}
REMOVABLE = (Section.PERSON, Section.TEAM)  # cells and buildings are the installation's


@dataclass(frozen=True, slots=True)
class BookEntry(Kept):
    """One entry; its id is `key_of` its section and id. Without a value it is removed, whatever the folder says."""

    section: Section
    name: str  # the id of the person, team, cell or building
    person: Person | None = None
    team: Team | None = None
    cell: CellPost | None = None
    building: BuildingPost | None = None
    contacts: Contacts | None = None
    by: str = ""  # who put it: a person's id or the name of an account
    at_ms: int = 0

    @property
    def value(self) -> Value | None:
        """What stands here, None for one that is removed."""
        return self.person or self.team or self.cell or self.building or self.contacts


@dataclass(frozen=True, slots=True)
class Change:
    """One entry is to be so from now on. `value` None: removed; `to_folder`: what the folder says, whatever that is.

    `expected`: the `digest` of what whoever changes it has seen; None: whatever it is.
    """

    section: Section
    name: str
    value: Value | None = None
    to_folder: bool = False
    expected: str | None = None


def key_of(section: Section, name: str) -> str:
    """Under which an entry is kept. No id has a stroke in it."""
    return f"{section.value}/{name}"


def put(name: str, value: Value, expected: str | None = None) -> Change:
    """The change that puts a value in its section."""
    return Change(SECTION_OF[type(value)], name, value, expected=expected)


def entry_of(change: Change, by: str, at_ms: int) -> BookEntry:
    """A change as it is kept."""
    value, key = change.value, key_of(change.section, change.name)
    return BookEntry(
        key,
        change.section,
        change.name,
        person=value if isinstance(value, Person) else None,
        team=value if isinstance(value, Team) else None,
        cell=value if isinstance(value, CellPost) else None,
        building=value if isinstance(value, BuildingPost) else None,
        contacts=value if isinstance(value, Contacts) else None,
        by=by,
        at_ms=at_ms,
    )


def digest(value: Value | None) -> str:
    """Tells two values of an entry apart; "none" for what is not there."""
    if value is None:
        return "none"
    return hashlib.sha256(value.model_dump_json(by_alias=True).encode()).hexdigest()[:20]
