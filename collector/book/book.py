"""The book: what the site folder says of people, teams and posts, with the entries over it, checked as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from collector.book.bounds import check_bounds
from collector.book.entries import (
    COMMUNITY,
    REMOVABLE,
    BookEntry,
    BuildingPost,
    CellPost,
    Change,
    Contacts,
    Section,
    Value,
    digest,
    entry_of,
    key_of,
)
from collector.storage.kept import Kept
from config.document import Document, Mistake
from config.people import Absence, Person, Team
from config.rollcheck import check_roll
from config.site import Building, Cell, SiteFile

_SECTION_OF_LIST = {
    "people": Section.PERSON,
    "teams": Section.TEAM,
    "grid": Section.CELL,
    "buildings": Section.BUILDING,
    "contacts": Section.CONTACTS,
}


@dataclass(frozen=True)
class Book:
    """Never changed: `changed` makes another one. `entries` by their id, see `key_of`."""

    seed: SiteFile
    entries: Mapping[str, BookEntry]

    @cached_property
    def file(self) -> SiteFile:
        """The site folder as it would read with the entries in it. Not checked."""
        people = {person.id: person for person in self.seed.people}
        teams = {team.id: team for team in self.seed.teams}
        for entry in self.entries.values():
            if entry.section is Section.PERSON:
                people.pop(entry.name, None) if entry.person is None else people.update({entry.name: entry.person})
            elif entry.section is Section.TEAM:
                teams.pop(entry.name, None) if entry.team is None else teams.update({entry.name: entry.team})
        posts = self._entry(Section.CONTACTS, COMMUNITY)
        changed = {
            "people": tuple(people.values()),
            "teams": tuple(teams.values()),
            "grid": tuple(map(self._cell, self.seed.grid)),
            "buildings": tuple(map(self._building, self.seed.buildings)),
            "contacts": self.seed.contacts if posts is None or posts.contacts is None else posts.contacts.people,
            "absences": tuple(_absences(self.seed.absences, people)),
        }
        return self.seed.model_copy(update=changed)

    def value(self, section: Section, name: str) -> Value | None:
        """What stands under this id now, None if nothing does."""
        return self._values.get(key_of(section, name))

    def folder_value(self, section: Section, name: str) -> Value | None:
        """What the site folder says under this id."""
        return folder_value(self.seed, section, name)

    def digest_of(self, section: Section, name: str) -> str:
        """See `digest`."""
        return digest(self.value(section, name))

    @cached_property
    def digest(self) -> str:
        """Tells two books apart, whichever way they came to be so."""
        whole = hashlib.sha256()
        for key in sorted(self._values):
            whole.update(f"{key}={digest(self._values[key])};".encode())
        return whole.hexdigest()[:20]

    def changed(self, changes: Iterable[Change], by: str = "", at_ms: int = 0) -> Book:
        """The book after these changes, in their order. An entry that says what the folder says is none."""
        entries, folder = dict(self.entries), _values_of(self.seed)
        for change in changes:
            key = key_of(change.section, change.name)
            reserved = change.section is Section.PERSON and change.value is None  # their id is never somebody else's
            same = folder.get(key) == change.value and not (reserved and key not in folder)
            if change.to_folder or same:
                entries.pop(key, None)
            else:
                entries[key] = entry_of(change, by, at_ms)
        return Book(self.seed, entries)

    def mistakes(self) -> list[Mistake]:
        """Everything that is wrong, and (`warning`) what works worse than it looks. `file` is the entry's key."""
        return self._mistakes

    @cached_property
    def _mistakes(self) -> list[Mistake]:
        document = Document()
        for section, items in _SECTION_OF_LIST.items():
            for number, item in enumerate(getattr(self.file, section) if section != "contacts" else ()):
                document.places[(section, number)] = (key_of(items, item.id), 0)
        document.places[("contacts",)] = (key_of(Section.CONTACTS, COMMUNITY), 0)
        document.places[("plan",)] = ("plan", 0)
        document.places[("gateways",)] = ("installation", 0)
        check_roll(self.file, document)
        check_bounds(self.file, self.entries, document)
        return sorted(set(document.mistakes))

    def touched_by(self, keys: Iterable[str]) -> set[str]:
        """Everybody whom these entries name: who may belong to a ring because of them."""
        found: set[str] = set()
        teams = {team.id: team for team in self.file.teams}
        homes = {building.id: building for building in self.file.buildings}
        for key in keys:
            found.update(_people_in(self._values.get(key), teams, homes))
        return found

    # --- inside ---------------------------------------------------------------------------------------

    @cached_property
    def _values(self) -> dict[str, Value]:
        return _values_of(self.file)

    def _entry(self, section: Section, name: str) -> BookEntry | None:
        return self.entries.get(key_of(section, name))

    def _cell(self, cell: Cell) -> Cell:
        entry = self._entry(Section.CELL, cell.id)
        if entry is None or entry.cell is None:
            return cell
        return cell.model_copy(update={"person": entry.cell.person})

    def _building(self, building: Building) -> Building:
        entry = self._entry(Section.BUILDING, building.id)
        if entry is None or entry.building is None:
            return building
        return building.model_copy(update={name: getattr(entry.building, name) for name in BuildingPost.model_fields})


def fitting(seed: SiteFile, entries: Mapping[str, BookEntry]) -> tuple[Book, list[Mistake]]:
    """The book, without the entries that no longer fit the folder, which may have changed; and why they do not.

    What is left out stays kept, for a folder that it fits again.
    """
    book, wrong = Book(seed, entries), list[Mistake]()
    while book.entries:
        found = [mistake for mistake in book.mistakes() if not mistake.warning]
        if not found:
            break
        wrong += found
        guilty = {mistake.file for mistake in found} & book.entries.keys()
        if not guilty:  # what is missing was removed here, and is named by what is the folder's
            guilty = {key for key, entry in book.entries.items() if entry.value is None}
        left = {key: entry for key, entry in book.entries.items() if key not in guilty}
        book = Book(seed, left if guilty else {})
    unknown = [key for key, entry in entries.items() if entry.section not in REMOVABLE and not _stands(book, entry)]
    wrong += [Mistake(key, 0, "id", repr(entries[key].name), "one that the site folder has") for key in unknown]
    return book, wrong


def entry_of_folder(seed: SiteFile, key: str) -> BookEntry | None:
    """What the site folder says under a key, as an entry; None if it says nothing."""
    section, _, name = key.partition("/")
    value = folder_value(seed, Section(section), name)
    return None if value is None else entry_of(Change(Section(section), name, value), "", 0)


def folder_value(seed: SiteFile, section: Section, name: str) -> Value | None:
    """One value of the folder, without making all of them: an import asks for thousands."""
    if section is Section.PERSON:
        return next((person for person in seed.people if person.id == name), None)
    if section is Section.TEAM:
        return next((team for team in seed.teams if team.id == name), None)
    if section is Section.CELL:
        return next((CellPost(person=cell.person) for cell in seed.grid if cell.id == name), None)
    if section is Section.BUILDING:
        return next((post_of(building) for building in seed.buildings if building.id == name), None)
    return Contacts(people=seed.contacts) if name == COMMUNITY else None


def entries_in(kept: Iterable[Kept]) -> dict[str, BookEntry]:
    """The entries among what a store has kept."""
    return {item.id: item for item in kept if isinstance(item, BookEntry)}


def named(mistake: Mistake) -> str:
    """A mistake in one sentence, with the entry and field it is about."""
    field = mistake.key
    for section in _SECTION_OF_LIST:
        if field.startswith(f"{section}["):
            field = field.partition("]")[2].lstrip(".")
    return f"{mistake.file}{': ' + field if field else ''}: found {mistake.found}, expected {mistake.expected}"


def _stands(book: Book, entry: BookEntry) -> bool:
    return book.folder_value(entry.section, entry.name) is not None


def _values_of(file: SiteFile) -> dict[str, Value]:
    return dict(_each_value(file))


def _each_value(file: SiteFile) -> Iterator[tuple[str, Value]]:
    for person in file.people:
        yield key_of(Section.PERSON, person.id), person
    for team in file.teams:
        yield key_of(Section.TEAM, team.id), team
    for cell in file.grid:
        yield key_of(Section.CELL, cell.id), CellPost(person=cell.person)
    for building in file.buildings:
        yield key_of(Section.BUILDING, building.id), post_of(building)
    yield key_of(Section.CONTACTS, COMMUNITY), Contacts(people=file.contacts)


def post_of(building: Building) -> BuildingPost:
    """What the book holds of a building."""
    return BuildingPost(**{name: getattr(building, name) for name in BuildingPost.model_fields})


def _absences(absences: Iterable[Absence], people: Mapping[str, Person]) -> Iterator[Absence]:
    """The folder's absences of those who are left; nobody takes a duty who is not there any more."""
    for absence in absences:
        there = absence.substitute is None or absence.substitute in people
        if absence.person not in people or (absence.swap and not there):
            continue
        yield absence if there else absence.model_copy(update={"substitute": None})


def _people_in(value: Value | None, teams: Mapping[str, Team], homes: Mapping[str, Building]) -> Iterator[str]:
    """Everybody whom one entry puts somewhere."""
    if isinstance(value, Person):
        yield value.id
    elif isinstance(value, Team):
        yield from (value.leader, *value.members)
    elif isinstance(value, CellPost):
        yield value.person
    elif isinstance(value, Contacts):
        yield from value.people
    elif isinstance(value, BuildingPost):
        near = [homes[other].team for other in value.neighbours if other in homes]
        for team in (value.team, *near):
            if team is not None and team in teams:
                yield from (teams[team].leader, *teams[team].members)
        if value.manager is not None:
            yield value.manager
