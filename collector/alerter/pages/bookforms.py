"""What the forms of the book bring back: as values, or with every mistake named beside its field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from collector.alerter.bookwords import fault_words
from collector.alerter.catalogue import knows, say
from collector.book.book import Book
from collector.book.entries import BuildingPost, CellPost, Change, Contacts, Section, Value, key_of
from collector.commands import Refused
from config.people import Language, Person, Skill, Team

SPARE = 2  # blank rows for channels
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "day-off")
_NAMED = re.compile(r".*\((?P<id>[^()]+)\)\s*")
_SEPARATED = re.compile(r"[\n;；,，、]")


@dataclass(slots=True)
class Wrong:
    """Mistakes by field ("" for the whole), each a sentence in the reader's language."""

    language: Language
    of: dict[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.of)

    def note(self, where: str, found: str, expected: str) -> None:
        """One more, in words."""
        self.say(where, fault_words(self.language, found, expected))

    def say(self, where: str, text: str) -> None:
        """One more, that has its words already."""
        self.of.setdefault(where, []).append(text)

    def take(self, error: ValidationError) -> None:
        """Everything that a model found wrong."""
        known = set(self.of)
        for each in error.errors(include_url=False, include_context=False):
            path = [str(part) for part in each["loc"]]
            where = ".".join(path[:2]) if path and path[0] == "shifts" else ".".join(path[:1])
            if where in known:
                continue  # it is named already, and better
            shown = repr(each["input"])[:60] if isinstance(each["input"], str) else ""
            self.note(where, shown, each["msg"].removeprefix("Value error, ").removeprefix("Input should be "))

    def refused(self, error: Refused) -> None:
        """What the engine says; its reason has words."""
        key = f"refused-{error.reason}"
        self.say("", say(self.language, key if knows(key) else "refused-other"))


def check(book: Book, changes: Iterable[Change], section: Section, name: str, wrong: Wrong) -> None:
    """Note what would be refused: beside its field where it is one of this entry, else above the form."""
    for mistake in book.changed(changes).mistakes():
        if mistake.warning:
            continue
        if mistake.file == key_of(section, name):
            wrong.note(_field(mistake.key), mistake.found, mistake.expected)
        else:
            where, words = mistake.file.partition("/")[2] or mistake.file, fault_words
            wrong.say("", f"{where}: {words(wrong.language, mistake.found, mistake.expected)}")


def person_of(form: Mapping[str, Any], name: str, wrong: Wrong) -> Person | None:
    """A person; None with what is wrong noted."""
    channels = []
    for number in range(max(_rows(form, "channel"), _rows(form, "to"))):
        channel, to = _text(form, f"channel-{number}"), _text(form, f"to-{number}")
        if channel:
            channels.append({"channel": channel, "to": to})
        elif to:
            wrong.note("channels", repr(to[:40]), "the channel that it is for")
    if not channels:
        wrong.note("channels", "", "at least one channel")
    skills = [skill for skill in Skill if _text(form, f"skill-{skill.value}")]
    data = {
        "id": name,
        "name": _text(form, "name"),
        "language": _text(form, "language") or None,
        "home": _id_in(_text(form, "home")) or None,
        "skills": skills,
        "channels": channels,
    }
    found = _made(Person, data, wrong)
    return found if isinstance(found, Person) else None


def team_of(form: Mapping[str, Any], name: str, book: Book, wrong: Wrong) -> Team | None:
    """A team with its shifts; people by id, by name, or as "name (id)"."""
    shifts: list[dict[str, Any]] = []
    for number in range(_rows(form, "shift")):
        shift = _text(form, f"shift-{number}")
        if not shift:
            continue
        lines = [line for line in _text(form, f"groups-{number}").split("\n") if line.strip()]
        groups = [_people(book, line, f"shifts.{len(shifts)}", wrong) for line in lines]
        days = [day for day in DAYS if _text(form, f"day-{number}-{day}")]
        hours = {"from": _text(form, f"from-{number}"), "until": _text(form, f"until-{number}"), "days": days}
        turn, first = _text(form, f"turn-{number}"), _text(form, f"first-{number}")
        data = {"id": shift, "hours": hours, "groups": groups, "turn_days": turn or 1, "first_day": first or None}
        shifts.append(data)
    leader = _people(book, _text(form, "leader"), "leader", wrong)
    if len(leader) != 1:
        wrong.note("leader", "", "one leader")
    members = _people(book, _text(form, "members"), "members", wrong)
    people: dict[str, Any] = {"id": name, "leader": (leader or [""])[0], "members": members}
    found = None if wrong else _made(Team, people | {"name": _text(form, "name"), "shifts": shifts}, wrong)
    return found if isinstance(found, Team) else None


def cell_of(form: Mapping[str, Any], book: Book, wrong: Wrong) -> CellPost | None:
    """Who is responsible for a cell."""
    people = _people(book, _text(form, "person"), "person", wrong)
    if len(people) != 1:
        wrong.note("person", "", "the id or name of a person")
    return None if wrong else CellPost(person=people[0])


def building_of(form: Mapping[str, Any], book: Book, wrong: Wrong) -> BuildingPost | None:
    """Who answers for a building, and the way in."""
    manager = _people(book, _text(form, "manager"), "manager", wrong)
    team = _text(form, "team")
    near = [_id_in(each) for each in _SEPARATED.split(_text(form, "neighbours")) if each.strip()]
    data = {
        "manager": manager[0] if manager else None,
        "team": team or None,
        "neighbours": near,
        "gate_code": _text(form, "gate_code") or None,
        "access": _text(form, "access"),
    }
    found = None if wrong else _made(BuildingPost, data, wrong)
    return found if isinstance(found, BuildingPost) else None


def contacts_of(form: Mapping[str, Any], book: Book, wrong: Wrong) -> Contacts | None:
    """The emergency contacts."""
    people = _people(book, _text(form, "people"), "people", wrong)
    if not people:
        wrong.note("people", "", "the id or name of a person")
    return None if wrong else Contacts(people=tuple(dict.fromkeys(people)))


def without(book: Book, person: str) -> list[Change]:
    """The changes that remove a person, and before that take them out of the teams that they are only a member of."""
    changes = []
    for team in book.file.teams:
        if person in team.members and team.leader != person:
            shifts = []
            for shift in team.shifts:
                groups = [tuple(each for each in group if each != person) for group in shift.groups]
                left = tuple(group for group in groups if group)
                shifts.append(shift.model_copy(update={"groups": left}) if left else shift)
            members = tuple(each for each in team.members if each != person)
            value = team.model_copy(update={"members": members, "shifts": tuple(shifts)})
            changes.append(Change(Section.TEAM, team.id, value))
    return [*changes, Change(Section.PERSON, person)]


def new_id(book: Book, beginning: str) -> str:
    """An id that nobody has or had."""
    file, number = book.file, 1
    taken = {entry.name for entry in book.entries.values()}
    taken |= {each.id for each in file.people} | {each.id for each in file.teams}
    while f"{beginning}-{number}" in taken:
        number += 1
    return f"{beginning}-{number}"


def named_person(book: Book, person: str) -> str:
    """How a form shows a person, so that it can be read back."""
    value = book.value(Section.PERSON, person)
    plain = isinstance(value, Person) and not _SEPARATED.search(value.name)
    return f"{value.name} ({person})" if isinstance(value, Person) and plain else person


# --- inside -------------------------------------------------------------------------------------------


def _made(model: type[Value], data: dict[str, Any], wrong: Wrong) -> Value | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        wrong.take(error)
        return None


def _people(book: Book, text: str, where: str, wrong: Wrong) -> list[str]:
    """The ids of people in a text; who is not known, or has the name of another, is a mistake."""
    found = []
    for word in (each.strip() for each in _SEPARATED.split(text)):
        if not word:
            continue
        given = _id_in(word)
        named_so = [each.id for each in book.file.people if each.name == word]
        if book.value(Section.PERSON, given) is not None:
            found.append(given)
        elif len(named_so) == 1:
            found.append(named_so[0])
        else:
            wrong.note(where, repr(word[:40]), "an id" if named_so else "the id or name of a person")
    return found


def _id_in(text: str) -> str:
    match = _NAMED.fullmatch(text.strip())
    return match["id"].strip() if match else text.strip()


def _text(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name, "")
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def _rows(form: Mapping[str, Any], name: str) -> int:
    """How many numbered rows a form has."""
    numbers = [int(key.rpartition("-")[2]) for key in form if re.fullmatch(rf"{name}-\d{{1,3}}", key)]
    return max(numbers, default=-1) + 1


def _field(key: str) -> str:
    """people[3].channels[0].to -> channels; teams[1].shifts[2].groups[0][1] -> shifts.2"""
    path = re.sub(r"^[a-z_]+(?:\[\d+\])?\.?", "", key)
    match = re.match(r"shifts\[(\d+)\]", path)
    return f"shifts.{match[1]}" if match else re.split(r"[.\[]", path)[0]
