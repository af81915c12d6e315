"""The rows of a file on their way to entries: each cell understood, or a fault with its line and column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from collector.book.book import Book
from collector.book.columns import COLUMNS, LANGUAGES, LEADER, MEMBER, SKILLS_ZH, Column, Table, columns_of
from collector.book.entries import COMMUNITY, BuildingPost, CellPost, Change, Contacts, Section, Value, key_of, put
from collector.book.sheet import Row, Sheet
from config.people import Address, Language, Person, Skill, Team
from config.site import Building, Cell
from config.wire import is_name

PAIRS_MAX = 20
_SHORTENED = re.compile(r"\d(?:\.\d+)?[eE]\+\d+")  # 13800138000 as a spreadsheet shows it: 1.38E+10
_LISTED = re.compile(r"[;；,，、/]")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with the file. `line` 0: with the file as a whole."""

    line: int
    column: str
    found: str
    expected: str


@dataclass(slots=True)
class Rows:
    """One file on its way to values, by id."""

    book: Book
    table: Table
    sheet: Sheet
    faults: list[Fault] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)  # by the entry's key
    at: dict[str, int] = field(default_factory=dict)  # column -> where it stands
    _names: dict[str, dict[str, str]] = field(default_factory=dict)  # what -> id -> name
    _ids_of_name: dict[str, list[str]] = field(default_factory=dict)
    _next_number: int = 1

    @property
    def section(self) -> Section:
        """What the table's rows are of."""
        return {
            Table.PEOPLE: Section.PERSON,
            Table.TEAMS: Section.TEAM,
            Table.CELLS: Section.CELL,
            Table.BUILDINGS: Section.BUILDING,
            Table.CONTACTS: Section.CONTACTS,
        }[self.table]

    def read(self) -> None:
        """Everything, or as much as has no faults."""
        self._read_headers()
        if self.faults:
            return
        file = self.book.file
        lists: dict[str, tuple[Person | Team | Cell | Building, ...]]
        lists = {"person": file.people, "team": file.teams, "cell": file.grid, "building": file.buildings}
        self._names = {what: {item.id: item.name for item in items} for what, items in lists.items()}
        for person in file.people:
            self._ids_of_name.setdefault(person.name, []).append(person.id)
        self._check_strays()
        if self.table is Table.TEAMS:
            self._read_teams()
            return
        if self.table is Table.CONTACTS:
            self._read_contacts()
            return
        readers = {Table.PEOPLE: self._person, Table.CELLS: self._cell, Table.BUILDINGS: self._building}
        for row in self.sheet.rows:
            self._read_row(row, readers[self.table](row))

    def changes(self) -> list[Change]:
        """A change for each value of the file."""
        return [put(name, value) for name, value in self.values.items()]

    def missing(self) -> list[str]:
        """What the book has and the file has not."""
        if self.section is Section.CONTACTS:
            return []  # the file is the whole list
        lists = {Section.PERSON: "people", Section.TEAM: "teams", Section.CELL: "grid", Section.BUILDING: "buildings"}
        return [item.id for item in getattr(self.book.file, lists[self.section]) if item.id not in self.values]

    # --- headers --------------------------------------------------------------------------------------

    def _read_headers(self) -> None:
        known: dict[str, Column] = {}
        for column in columns_of(self.table, PAIRS_MAX):
            known |= {_plain(column.name): column, _plain(column.chinese): column}
        for number, header in enumerate(self.sheet.headers):
            found = known.get(_plain(header))
            if found is None and header:
                expected = "one of " + ", ".join(f"{each.name} ({each.chinese})" for each in columns_of(self.table))
                self.faults.append(Fault(1, header[:40], "a column of another kind", expected))
            elif found is not None and found.name in self.at:
                self.faults.append(Fault(1, header[:40], "the column twice", "it once"))
            elif found is not None:
                self.at[found.name] = number
        for column in COLUMNS[self.table]:
            if column.wanted and column.name not in self.at:
                self.faults.append(Fault(1, column.name, "no such column", f"{column.name} or {column.chinese}"))

    def _check_strays(self) -> None:
        for row in self.sheet.rows:
            for number, cell in enumerate(row.cells):
                if cell and not (number < len(self.sheet.headers) and self.sheet.headers[number]):
                    self._fault(row, str(number + 1), repr(cell[:40]), "no cell where there is no header")

    # --- rows -----------------------------------------------------------------------------------------

    def _read_row(self, row: Row, read: tuple[str, Value] | None) -> None:
        if read is None:
            return
        name, value = read
        if name in self.values:
            self._fault(row, self._key_column, repr(name), f"each once; it stands in line {self._line_of(name)} too")
            return
        self.values[name] = value
        self.lines[key_of(self.section, name)] = row.line

    @property
    def _key_column(self) -> str:
        return {Table.PEOPLE: "id", Table.TEAMS: "team", Table.CELLS: "cell", Table.BUILDINGS: "building"}[self.table]

    def _line_of(self, name: str) -> int:
        return self.lines[key_of(self.section, name)]

    def _person(self, row: Row) -> tuple[str, Value] | None:
        before_faults, name = len(self.faults), self._cell_of(row, "name")
        if not name:
            self._fault(row, "name", "nothing", "a name; of a merged cell only the first row has one")
            return None
        person_id = self._cell_of(row, "id") or self._id_of(row, name)
        if not person_id or not self._is_id(row, "id", person_id):
            return None
        old = self.book.value(Section.PERSON, person_id)
        known = old if isinstance(old, Person) else None
        if known is None:
            self._has_zeros(row, "id", person_id, (each.id for each in self.book.file.people))
        language = known.language if known else None
        if "language" in self.at:
            language = self._language(row)
        home = known.home if known else None
        if "home" in self.at:
            home = self._one(row, "home", self._names["building"], "a building")
        skills = known.skills if known else ()
        if "skills" in self.at:
            skills = self._skills(row)
        channels = known.channels if known else ()
        if "channel_1" in self.at:
            channels = self._channels(row, known)
        if not channels and len(self.faults) == before_faults:
            self._fault(row, "channel_1", "no channel", "at least one channel")
        if len(self.faults) > before_faults:
            return None
        return person_id, Person(
            id=person_id, name=name, language=language, channels=channels, skills=skills, home=home
        )

    def _id_of(self, row: Row, name: str) -> str:
        """Of a row without an id: whoever is named so already; a new one for somebody new; "" for a fault."""
        known = self._ids_of_name.get(name, [])
        if len(known) > 1:
            self._fault(row, "id", "nothing", f"an id: there are {len(known)} people of this name")
            return ""
        if known:
            return known[0]
        taken = {entry.name for entry in self.book.entries.values()} | self.values.keys()
        taken |= {person.id for person in self.book.file.people}
        while f"p-{self._next_number}" in taken:
            self._next_number += 1
        return f"p-{self._next_number}"

    def _channels(self, row: Row, known: Person | None) -> tuple[Address, ...]:
        found = []
        for number in range(1, PAIRS_MAX + 1):
            channel, to = self._cell_of(row, f"channel_{number}"), self._cell_of(row, f"address_{number}")
            if not channel:
                if to:
                    self._fault(row, f"channel_{number}", "nothing beside an address", "the channel that it is for")
                continue
            if channel not in self.book.file.channels:
                expected = "a channel of the site: " + ", ".join(self.book.file.channels)
                self._fault(row, f"channel_{number}", repr(channel[:40]), expected)
            elif _SHORTENED.fullmatch(to):
                expected = "all its digits: format the column as text before you type or paste numbers"
                self._fault(row, f"address_{number}", to, expected)
            elif (lost := _lost(to, known, channel)) is not None:
                self._fault(row, f"address_{number}", to, f"{lost}, as before: the spreadsheet has lost its beginning")
            else:
                found.append(Address(channel=channel, to=to))
        return tuple(found)

    def _skills(self, row: Row) -> tuple[Skill, ...]:
        words = {skill.value: skill for skill in Skill} | {word: skill for skill, word in SKILLS_ZH.items()}
        found = []
        for word in _split(self._cell_of(row, "skills")):
            if word in words:
                found.append(words[word])
            else:
                self._fault(row, "skills", repr(word[:40]), "of these: " + ", ".join(words))
        return tuple(dict.fromkeys(found))

    def _language(self, row: Row) -> Language | None:
        word = self._cell_of(row, "language").lower()
        if word and word not in LANGUAGES:
            self._fault(row, "language", repr(word[:40]), "zh, en or nothing")
        return "en" if LANGUAGES.get(word) == "en" else "zh" if word else None

    def _cell(self, row: Row) -> tuple[str, Value] | None:
        cell = self._one(row, "cell", self._names["cell"], "a cell", wanted=True)
        person = self._person_in(row, "person", wanted=True)
        return None if cell is None or person is None else (cell, CellPost(person=person))

    def _building(self, row: Row) -> tuple[str, Value] | None:
        before, names = len(self.faults), self._names["building"]
        building = self._one(row, "building", names, "a building", wanted=True)
        if building is None:
            return None
        known = self.book.value(Section.BUILDING, building)
        fields = dict(known) if isinstance(known, BuildingPost) else {}
        if "manager" in self.at:
            fields["manager"] = self._person_in(row, "manager")
        if "team" in self.at:
            fields["team"] = self._one(row, "team", self._names["team"], "a team")
        if "neighbours" in self.at:
            near = [
                self._known(row, "neighbours", word, names, "a building")
                for word in _split(self._cell_of(row, "neighbours"))
            ]
            fields["neighbours"] = tuple(each for each in near if each is not None)
        if "gate_code" in self.at:
            fields["gate_code"] = self._cell_of(row, "gate_code") or None
        if "access" in self.at:
            fields["access"] = self._cell_of(row, "access")
        return None if len(self.faults) > before else (building, BuildingPost(**fields))

    def _read_teams(self) -> None:
        """Rows of one team belong together, also when its cell was merged and is blank below the first."""
        team, names, leaders = "", dict[str, str](), dict[str, str]()
        members: dict[str, list[str]] = {}
        for row in self.sheet.rows:
            team = self._cell_of(row, "team") or team
            person, role = self._person_in(row, "person", wanted=True), self._cell_of(row, "role").lower()
            if not team:
                self._fault(row, "team", "nothing", "a team; below it, blank means the same team")
            if role not in (*LEADER, *MEMBER):
                self._fault(row, "role", repr(role[:40]), f"{LEADER[0]} ({LEADER[1]}) or {MEMBER[0]} ({MEMBER[1]})")
            if not team or person is None or not self._is_id(row, "team", team):
                continue
            self.lines.setdefault(key_of(Section.TEAM, team), row.line)
            names[team] = self._cell_of(row, "team_name") or names.get(team, "")
            if person in members.get(team, []) or leaders.get(team) == person:
                self._fault(row, "person", repr(person), "each person once in a team")
            elif role in LEADER and team in leaders:
                self._fault(row, "role", "a second leader", f"one; {leaders[team]!r} stands above")
            elif role in LEADER:
                leaders[team] = person
            else:
                members.setdefault(team, []).append(person)
        for key, line in self.lines.items():
            self._add_team(key.partition("/")[2], line, names, leaders, members)

    def _read_contacts(self) -> None:
        """The whole list in its order, each once."""
        people: list[str] = []
        for row in self.sheet.rows:
            person = self._person_in(row, "person", wanted=True)
            self.lines.setdefault(key_of(Section.CONTACTS, COMMUNITY), row.line)
            if person in people:
                self._fault(row, "person", repr(person), "each person once")
            elif person is not None:
                people.append(person)
        if people:
            self.values[COMMUNITY] = Contacts(people=tuple(people))

    def _add_team(
        self,
        team: str,
        line: int,
        names: Mapping[str, str],
        leaders: Mapping[str, str],
        members: Mapping[str, list[str]],
    ) -> None:
        if team not in leaders:
            self.faults.append(Fault(line, "role", f"no leader of {team!r}", "one leader"))
            return
        old = self.book.value(Section.TEAM, team)
        known = old if isinstance(old, Team) else None
        name = names[team] or (known.name if known else team)
        shifts = known.shifts if known else ()
        people = tuple(members.get(team, ()))
        # A leader may stand among the members as well: that alone is no change.
        if known is not None and (leaders[team], set(people)) == (known.leader, set(known.members) - {known.leader}):
            people = known.members
        self.values[team] = Team(id=team, name=name, leader=leaders[team], members=people, shifts=shifts)

    # --- cells ----------------------------------------------------------------------------------------

    def _cell_of(self, row: Row, column: str) -> str:
        number = self.at.get(column)
        return row.cells[number] if number is not None and number < len(row.cells) else ""

    def _person_in(self, row: Row, column: str, wanted: bool = False) -> str | None:
        return self._one(row, column, self._names["person"], "a person", wanted)

    def _one(self, row: Row, column: str, names: Mapping[str, str], what: str, wanted: bool = False) -> str | None:
        word = self._cell_of(row, column)
        if not word:
            if wanted:
                self._fault(row, column, "nothing", f"the id or name of {what}")
            return None
        return self._known(row, column, word, names, what)

    def _known(self, row: Row, column: str, word: str, names: Mapping[str, str], what: str) -> str | None:
        """An id by itself, or by a name that only one has."""
        if word in names:
            return word
        named_so = [each for each, name in names.items() if name == word]
        if len(named_so) == 1:
            return named_so[0]
        if not self._has_zeros(row, column, word, names):
            several = f"an id: {len(named_so)} are named so" if named_so else f"the id or name of {what} of this site"
            self._fault(row, column, repr(word[:40]), several)
        return None

    def _has_zeros(self, row: Row, column: str, word: str, ids: Iterable[str]) -> bool:
        """Notes it if a spreadsheet has made the number 7 of the id 007."""
        padded = [each for each in ids if word.isdecimal() and each.isdecimal() and each.lstrip("0") == word != each]
        if padded:
            expected = f"{padded[0]!r}: the spreadsheet has lost the zeros before it; format the column as text"
            self._fault(row, column, repr(word), expected)
        return bool(padded)

    def _is_id(self, row: Row, column: str, text: str) -> bool:
        fine = is_name(text) and len(text) <= 64 and ":" not in text
        if not fine:
            self._fault(row, column, repr(text[:40]), "an id of 1 to 64 characters without + / # and :")
        return fine

    def _fault(self, row: Row, column: str, found: str, expected: str) -> None:
        self.faults.append(Fault(row.line, column, found, expected))


def _plain(header: str) -> str:
    return re.sub(r"[\s_\-*（）()]", "", header).lower()


def _split(text: str) -> list[str]:
    return [word.strip() for word in _LISTED.split(text) if word.strip()]


def _lost(to: str, known: Person | None, channel: str) -> str | None:
    """What an address was before a spreadsheet took its zeros or its plus away; None if it has not."""
    theirs = [each.to for each in known.channels if each.channel == channel] if known is not None else []
    return next((each for each in theirs if to.isdecimal() and each != to and each.lstrip("+0") == to), None)
