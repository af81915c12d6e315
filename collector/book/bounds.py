"""Bounds of what is put into the book: it comes from forms and spreadsheets, and goes into mail headers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from collector.book.entries import BookEntry, BuildingPost, Contacts, Section
from config.document import Document, Key
from config.people import Person, Team
from config.site import SiteFile

NAME_MAX = 80  # characters
ADDRESS_MAX = 500
NOTE_MAX = 500
CHANNELS_MAX = 10  # of one person
MEMBERS_MAX = 500
SHIFTS_MAX = 20
GROUPS_MAX = 60
NEIGHBOURS_MAX = 20
CONTACTS_MAX = 50
PEOPLE_MAX = 20_000
ENTRIES_MAX = 50_000
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")  # turn the text around them


def is_plain(text: str) -> bool:
    """True for one line without control characters, or any that turn the direction of what follows."""
    return not any(unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") or char in _TURNING for char in text)


def check_bounds(file: SiteFile, entries: Mapping[str, BookEntry], document: Document) -> None:
    """Note everything in the entries that is too long, too many, or would break a line of a message."""
    if len(file.people) > PEOPLE_MAX:
        document.mistake(("people",), f"{len(file.people)} people", f"at most {PEOPLE_MAX}")
    if len(entries) > ENTRIES_MAX:
        document.mistake(("(file)",), f"{len(entries)} entries", f"at most {ENTRIES_MAX}")
    lists = {
        Section.PERSON: "people",
        Section.TEAM: "teams",
        Section.BUILDING: "buildings",
        Section.CONTACTS: "contacts",
    }
    places: dict[tuple[Section, str], tuple[Key, ...]] = {(Section.CONTACTS, "community"): ("contacts",)}
    for section in (Section.PERSON, Section.TEAM, Section.BUILDING):
        for number, item in enumerate(getattr(file, lists[section])):
            places[section, item.id] = (lists[section], number)
    for entry in entries.values():
        here = places.get((entry.section, entry.name))
        if here is not None:
            for field, found, expected in _of(entry, file):
                document.mistake((*here, *field), found, expected)


def _of(entry: BookEntry, file: SiteFile) -> Iterator[tuple[tuple[Key, ...], str, str]]:
    value = entry.value
    if isinstance(value, Person):
        yield from _of_person(value, file)
    elif isinstance(value, Team):
        yield from _line(("name",), value.name, NAME_MAX)
        yield from _many(("members",), value.members, MEMBERS_MAX)
        yield from _many(("shifts",), value.shifts, SHIFTS_MAX)
        for number, shift in enumerate(value.shifts):
            yield from _many(("shifts", number, "groups"), shift.groups, GROUPS_MAX)
        if len(set(value.members)) < len(value.members):
            yield ("members",), "somebody twice", "each member once"
    elif isinstance(value, BuildingPost):
        yield from _line(("gate_code",), value.gate_code or "-", NAME_MAX)
        yield from _line(("access",), value.access.replace("\n", " ") or "-", NOTE_MAX)
        yield from _many(("neighbours",), value.neighbours, NEIGHBOURS_MAX)
    elif isinstance(value, Contacts):
        yield from _many((), value.people, CONTACTS_MAX)


def _of_person(person: Person, file: SiteFile) -> Iterator[tuple[tuple[Key, ...], str, str]]:
    yield from _line(("name",), person.name, NAME_MAX)
    yield from _many(("channels",), person.channels, CHANNELS_MAX)
    seen: set[tuple[str, str]] = set()
    for number, address in enumerate(person.channels):
        yield from _line(("channels", number, "to"), address.to or "-", ADDRESS_MAX)
        if (address.channel, address.to) in seen:
            yield ("channels", number), "the same address twice", "each address once"
        seen.add((address.channel, address.to))
        channel = file.channels.get(address.channel)
        if channel is not None and channel.type == "smtp" and address.to and not _is_mail(address.to):
            yield ("channels", number, "to"), repr(address.to[:NAME_MAX]), "a mail address such as li@example.org"


def _is_mail(text: str) -> bool:
    """One address and nothing else, in the shape that every mail server takes."""
    name, _, host = text.rpartition("@")
    return bool(name) and "." in host and not any(char.isspace() or char in ',;<>()"' for char in text)


def _line(field: tuple[Key, ...], text: str, longest: int) -> Iterator[tuple[tuple[Key, ...], str, str]]:
    if not text.strip() or text != text.strip() or not is_plain(text):
        yield field, repr(text[:40]), "one line of text without spaces around it"
    elif len(text) > longest:
        yield field, f"{len(text)} characters", f"at most {longest}"


def _many(field: tuple[Key, ...], items: tuple[object, ...], most: int) -> Iterator[tuple[tuple[Key, ...], str, str]]:
    if len(items) > most:
        yield field, f"{len(items)}", f"at most {most}"
