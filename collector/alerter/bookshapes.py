"""The shapes of the book under /api/v1/book, with their examples. Addresses are in them: only for who keeps it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from collector.alerter.models import Shape
from collector.book.columns import Table
from collector.book.entries import BuildingPost, CellPost, Contacts
from config.people import Person, Team


class _Shown(Shape):
    """An entry with what tells it apart from another of the same id: to be sent back as If-Match."""

    id: str
    etag: str
    source: Literal["folder", "book"] = Field(description="book: put at run time, over what the site folder says")
    warnings: list[str] = Field(description="what works worse than it looks: told, not refused")


class PersonEntry(_Shown):
    """A person with their addresses."""

    value: Person


class TeamEntry(_Shown):
    """A team with its shifts."""

    value: Team


class CellEntry(_Shown):
    """Who is responsible for a grid cell."""

    value: CellPost


class BuildingEntry(_Shown):
    """Who answers for a building, and the way in."""

    value: BuildingPost


class ContactsEntry(_Shown):
    """The emergency contacts."""

    value: Contacts


class PersonEntries(Shape):
    """In the order of the site, then of the book."""

    entries: list[PersonEntry]


class TeamEntries(Shape):
    """In the order of the site, then of the book."""

    entries: list[TeamEntry]


class CellEntries(Shape):
    """In the order of the site."""

    entries: list[CellEntry]


class BuildingEntries(Shape):
    """In the order of the site."""

    entries: list[BuildingEntry]


class FaultShown(Shape):
    """One thing wrong with a file; line 0: with the file as a whole."""

    line: int
    column: str
    found: str
    expected: str


class PreviewShown(Shape):
    """What a file would do, or, once imported, has done. With faults, nothing. Lists are of ids."""

    table: Table
    file: str = Field(description="the digest of the file, to be sent back to import it")
    book: str = Field(description="of the book that it was compared with, to be sent back as well")
    rows: int
    encoding: str
    faults: list[FaultShown]
    faults_more: int
    new: list[str]
    changed: list[str]
    unchanged: int
    missing: list[str] = Field(description="in the book and not in the file")
    removed: list[str]
    warnings: list[str]
    imported: bool


_ENTRY: dict[str, Any] = {"id": "", "etag": "5f0c6d2b7a1e4c3d9b80", "source": "book", "warnings": []}
PERSON: dict[str, Any] = _ENTRY | {
    "id": "li-mei",
    "value": {
        "id": "li-mei",
        "name": "李梅",
        "language": None,
        "channels": [{"channel": "voice", "to": "+8613800000000"}],
        "skills": ["first-aid"],
        "home": "b-2",
    },
}
TEAM: dict[str, Any] = _ENTRY | {
    "id": "team-3",
    "value": {"id": "team-3", "name": "三号楼微型消防站", "leader": "li-mei", "members": ["wang-fang"], "shifts": []},
}
CELL: dict[str, Any] = _ENTRY | {"id": "cell-3", "value": {"person": "li-mei"}}
BUILDING: dict[str, Any] = _ENTRY | {
    "id": "b-3",
    "value": {"manager": None, "team": "team-3", "neighbours": ["b-2"], "gate_code": "4471#", "access": "单元门在南侧"},
}
CONTACTS: dict[str, Any] = _ENTRY | {"id": "community", "value": {"people": ["li-mei"]}}
PREVIEW: dict[str, Any] = {
    "table": "people",
    "file": "9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de",
    "book": "5f0c6d2b7a1e4c3d9b80",
    "rows": 2,
    "encoding": "gb18030",
    "faults": [
        {
            "line": 3,
            "column": "address_1",
            "found": "1.38E+10",
            "expected": "all its digits: format the column as text before you type or paste numbers",
        }
    ],
    "faults_more": 0,
    "new": [],
    "changed": ["li-mei"],
    "unchanged": 0,
    "missing": ["wang-fang"],
    "removed": [],
    "warnings": [],
    "imported": False,
}
