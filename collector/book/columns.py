"""The tables of the book as spreadsheets: their columns, in Chinese and English, and an entry as a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from collector.book.book import Book
from config.people import Skill

ADDRESSES = 4  # pairs of columns that a template has; as many as a person may have are read
SKILLS_ZH: Mapping[Skill, str] = {Skill.HYDRANT: "消火栓", Skill.FIRST_AID: "急救", Skill.LIFT_RELEASE: "电梯救援"}
LEADER, MEMBER = ("leader", "队长"), ("member", "队员")
LANGUAGES = {"zh": "zh", "中文": "zh", "en": "en", "english": "en", "英文": "en", "英语": "en"}


class Table(StrEnum):
    """What one file is of."""

    PEOPLE = "people"
    TEAMS = "teams"  # a row for each leader and member
    CELLS = "cells"
    BUILDINGS = "buildings"
    CONTACTS = "contacts"  # the community's emergency contacts, in order


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its names; `wanted`: a file without it cannot be read."""

    name: str
    chinese: str
    wanted: bool = False


_PEOPLE = (
    Column("id", "编号"),
    Column("name", "姓名", wanted=True),
    Column("language", "语言"),
    Column("home", "楼栋"),
    Column("skills", "技能"),
)
COLUMNS: Mapping[Table, tuple[Column, ...]] = {
    Table.PEOPLE: _PEOPLE,
    Table.TEAMS: (
        Column("team", "队伍", wanted=True),
        Column("team_name", "队伍名称"),
        Column("person", "人员", wanted=True),
        Column("role", "职务", wanted=True),
    ),
    Table.CELLS: (
        Column("cell", "网格", wanted=True),
        Column("cell_name", "网格名称"),
        Column("person", "负责人", wanted=True),
    ),
    Table.BUILDINGS: (
        Column("building", "楼栋", wanted=True),
        Column("building_name", "楼名"),
        Column("manager", "物业负责人"),
        Column("team", "队伍"),
        Column("neighbours", "邻楼"),
        Column("gate_code", "门禁密码"),
        Column("access", "进入说明"),
    ),
    Table.CONTACTS: (Column("person", "人员", wanted=True),),
}


def columns_of(table: Table, addresses: int = ADDRESSES) -> tuple[Column, ...]:
    """All columns; people have numbered pairs of channel and address, in the order of trying."""
    pairs: list[Column] = []
    if table is Table.PEOPLE:
        for number in range(1, addresses + 1):
            pairs += [Column(f"channel_{number}", f"渠道{number}"), Column(f"address_{number}", f"地址{number}")]
    return (*COLUMNS[table], *pairs)


def rows_of(book: Book, table: Table, chinese: bool = False) -> Iterator[Sequence[str]]:
    """The header and every entry, as they are now."""
    most = max((len(person.channels) for person in book.file.people), default=0)
    columns = columns_of(table, max(ADDRESSES, most))
    yield [column.chinese if chinese else column.name for column in columns]
    if table is Table.PEOPLE:
        for person in book.file.people:
            skills = ";".join(SKILLS_ZH[skill] if chinese else skill.value for skill in person.skills)
            row = [person.id, person.name, person.language or "", person.home or "", skills]
            row += [text for address in person.channels for text in (address.channel, address.to)]
            yield [*row, *[""] * (len(columns) - len(row))]
    elif table is Table.TEAMS:
        for team in book.file.teams:
            yield [team.id, team.name, team.leader, LEADER[chinese]]
            yield from ([team.id, team.name, each, MEMBER[chinese]] for each in team.members if each != team.leader)
    elif table is Table.CELLS:
        yield from ([cell.id, cell.name, cell.person] for cell in book.file.grid)
    elif table is Table.CONTACTS:
        yield from ([person] for person in book.file.contacts)
    else:
        for place in book.file.buildings:
            near = ";".join(place.neighbours)
            row = [place.id, place.name, place.manager or "", place.team or "", near, place.gate_code or ""]
            yield [*row, place.access]


def header_rows(table: Table, chinese: bool) -> Iterator[Sequence[str]]:
    """A template: the header alone."""
    yield [column.chinese if chinese else column.name for column in columns_of(table)]
