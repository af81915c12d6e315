"""The book of people, teams and posts under /api/v1/book: changed entry by entry, or as spreadsheets.

Every change says what it was made from (If-Match with the etag), so that of two editors the second is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request
from starlette.responses import Response

from collector.access.actor import Actor, Right
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.bookrights import may_change, may_see
from collector.alerter.bookshapes import (
    BUILDING,
    CELL,
    CONTACTS,
    PERSON,
    PREVIEW,
    TEAM,
    BuildingEntries,
    BuildingEntry,
    CellEntries,
    CellEntry,
    ContactsEntry,
    FaultShown,
    PersonEntries,
    PersonEntry,
    PreviewShown,
    TeamEntries,
    TeamEntry,
)
from collector.alerter.front import Front, InFront
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs
from collector.book.book import named
from collector.book.columns import Table, header_rows, rows_of
from collector.book.entries import (
    COMMUNITY,
    REMOVABLE,
    BuildingPost,
    CellPost,
    Change,
    Contacts,
    Section,
    Value,
    digest,
    key_of,
)
from collector.book.importing import Preview, preview
from collector.book.sheet import NotASheet, write_sheet
from collector.commands import ChangeBook
from config.people import Person, Team

router = APIRouter(prefix="/api/v1/book", dependencies=[needs(Right.SEE)], tags=["book"])
IfMatch = Annotated[str | None, Header(max_length=100, description='the etag as seen, in quotes, or "*"')]
IfNone = Annotated[str | None, Header(max_length=100, description='"*": only if there is none yet')]
ToFolder = Annotated[bool, Query(description="not removed, but back to what the site folder says")]
_WRITING = (*CHANGING, 412, 428)
PersonBody = Annotated[Person, Body(openapi_examples={"person": {"value": PERSON["value"]}})]
TeamBody = Annotated[Team, Body(openapi_examples={"team": {"value": TEAM["value"]}})]
CellPostBody = Annotated[CellPost, Body(openapi_examples={"cell": {"value": CELL["value"]}})]
BuildingPostBody = Annotated[BuildingPost, Body(openapi_examples={"building": {"value": BUILDING["value"]}})]
ContactsBody = Annotated[Contacts, Body(openapi_examples={"contacts": {"value": CONTACTS["value"]}})]
LISTS = {Section.PERSON: "people", Section.TEAM: "teams", Section.CELL: "grid", Section.BUILDING: "buildings"}


# --- entries --------------------------------------------------------------------------------------


def shown(front: Front, section: Section, name: str, value: Value) -> dict[str, Any]:
    """An entry as its shape's fields."""
    key = key_of(section, name)
    wrong = [named(each) for each in front.desk.engine.book.mistakes() if each.file == key]
    source = "book" if key in front.desk.engine.book.entries else "folder"
    return {"id": name, "etag": digest(value), "source": source, "warnings": wrong, "value": value}


def entries_of(front: Front, actor: Actor, section: Section) -> list[dict[str, Any]]:
    """Every entry of a section that is theirs to see."""
    book, roll = front.desk.engine.book, front.desk.engine.roll
    names = [item.id for item in getattr(book.file, LISTS[section])]
    seen = [name for name in names if may_see(actor, roll, section, name)]
    values = ((name, book.value(section, name)) for name in seen)
    return [shown(front, section, name, value) for name, value in values if value is not None]


def entry_of(front: Front, actor: Actor, section: Section, name: str) -> dict[str, Any]:
    """One entry. Raises Rejected 404 for one that is not there or not theirs to see."""
    value = front.desk.engine.book.value(section, name)
    if value is None or not may_see(actor, front.desk.engine.roll, section, name):
        raise Rejected(404, "unknown-entry", f"there is no {key_of(section, name)[:100]!r}")
    return shown(front, section, name, value)


async def change(front: Front, actor: Actor, changes: Iterable[Change], expected: str | None = None) -> None:
    """Make changes that are theirs to make. Raises Rejected 403, or Refused."""
    made = tuple(changes)
    if not may_change(actor, front.desk.engine.roll, made):
        raise Rejected(403, "not-authorised", "this needs the right 'people' in every building that it is about")
    await front.act(ChangeBook(made, actor.person or actor.account, expected))


def _expected(match: str | None, none: str | None) -> str | None:
    """The digest that a request was made from. Raises Rejected 428 for one that does not say."""
    if none is not None and none.strip() == "*":
        return digest(None)
    if match is None:
        raise Rejected(428, "no-precondition", "a change needs If-Match with the etag seen, or If-None-Match: *")
    return None if match.strip() == "*" else match.strip().removeprefix("W/").strip('"')


async def _put(
    front: Front, actor: Actor, response: Response, section: Section, name: str, value: Value, expected: str | None
) -> dict[str, Any]:
    await change(front, actor, [Change(section, name, value, expected=expected)])
    now = front.desk.engine.book.value(section, name) or value
    response.headers["ETag"] = f'"{digest(now)}"'
    return shown(front, section, name, now)


async def _get(front: Front, actor: Actor, response: Response, section: Section, name: str) -> dict[str, Any]:
    entry = entry_of(front, actor, section, name)
    response.headers["ETag"] = f'"{entry["etag"]}"'
    return entry


async def _delete(
    front: Front, actor: Actor, section: Section, name: str, to_folder: bool, match: str | None
) -> Response:
    back = to_folder or section not in REMOVABLE
    await change(front, actor, [Change(section, name, to_folder=back, expected=_expected(match, None))])
    return Response(status_code=204)


_GONE: dict[int | str, dict[str, Any]] = answers(204, {}, *_WRITING) | {204: {"description": "Done", "content": {}}}


@router.get("/people", responses=answers(200, {"entries": [PERSON]}, *READING))
async def people(front: InFront, actor: InActor) -> PersonEntries:
    """Everybody, with their addresses; of those in your buildings, or in the team that you lead."""
    return PersonEntries(entries=[PersonEntry(**each) for each in entries_of(front, actor, Section.PERSON)])


@router.get("/people/{name}", responses=answers(200, PERSON, *READING, 404, 422))
async def person(front: InFront, actor: InActor, response: Response, name: Id) -> PersonEntry:
    """One person, with their addresses."""
    return PersonEntry(**await _get(front, actor, response, Section.PERSON, name))


@router.put("/people/{name}", responses=answers(200, PERSON, *_WRITING))
async def put_person(
    front: InFront,
    actor: InActor,
    response: Response,
    name: Id,
    body: PersonBody,
    if_match: IfMatch = None,
    if_none_match: IfNone = None,
) -> PersonEntry:
    """Put a person, new or changed. The whole is checked as `callpoint check` does; a call under way follows."""
    expected = _expected(if_match, if_none_match)
    return PersonEntry(**await _put(front, actor, response, Section.PERSON, name, body, expected))


@router.delete("/people/{name}", status_code=204, responses=_GONE)
async def remove_person(
    front: InFront, actor: InActor, name: Id, if_match: IfMatch = None, to_folder: ToFolder = False
) -> Response:
    """Remove a person who has no team and no post any more."""
    return await _delete(front, actor, Section.PERSON, name, to_folder, if_match)


@router.get("/teams", responses=answers(200, {"entries": [TEAM]}, *READING))
async def teams(front: InFront, actor: InActor) -> TeamEntries:
    """Every team with its shifts."""
    return TeamEntries(entries=[TeamEntry(**each) for each in entries_of(front, actor, Section.TEAM)])


@router.get("/teams/{name}", responses=answers(200, TEAM, *READING, 404, 422))
async def team(front: InFront, actor: InActor, response: Response, name: Id) -> TeamEntry:
    """One team."""
    return TeamEntry(**await _get(front, actor, response, Section.TEAM, name))


@router.put("/teams/{name}", responses=answers(200, TEAM, *_WRITING))
async def put_team(
    front: InFront,
    actor: InActor,
    response: Response,
    name: Id,
    body: TeamBody,
    if_match: IfMatch = None,
    if_none_match: IfNone = None,
) -> TeamEntry:
    """Put a team, new or changed, with all its members and shifts."""
    expected = _expected(if_match, if_none_match)
    return TeamEntry(**await _put(front, actor, response, Section.TEAM, name, body, expected))


@router.delete("/teams/{name}", status_code=204, responses=_GONE)
async def remove_team(
    front: InFront, actor: InActor, name: Id, if_match: IfMatch = None, to_folder: ToFolder = False
) -> Response:
    """Remove a team that no building has any more."""
    return await _delete(front, actor, Section.TEAM, name, to_folder, if_match)


@router.get("/cells", responses=answers(200, {"entries": [CELL]}, *READING))
async def cells(front: InFront, actor: InActor) -> CellEntries:
    """Who is responsible for each grid cell."""
    return CellEntries(entries=[CellEntry(**each) for each in entries_of(front, actor, Section.CELL)])


@router.put("/cells/{name}", responses=answers(200, CELL, *_WRITING))
async def put_cell(
    front: InFront, actor: InActor, response: Response, name: Id, body: CellPostBody, if_match: IfMatch = None
) -> CellEntry:
    """Give a cell to another person."""
    return CellEntry(**await _put(front, actor, response, Section.CELL, name, body, _expected(if_match, None)))


@router.delete("/cells/{name}", status_code=204, responses=_GONE)
async def back_cell(front: InFront, actor: InActor, name: Id, if_match: IfMatch = None) -> Response:
    """Back to whom the site folder names."""
    return await _delete(front, actor, Section.CELL, name, True, if_match)


@router.get("/buildings", responses=answers(200, {"entries": [BUILDING]}, *READING))
async def buildings(front: InFront, actor: InActor) -> BuildingEntries:
    """Who answers for each building, and the way in."""
    return BuildingEntries(entries=[BuildingEntry(**each) for each in entries_of(front, actor, Section.BUILDING)])


@router.put("/buildings/{name}", responses=answers(200, BUILDING, *_WRITING))
async def put_building(
    front: InFront, actor: InActor, response: Response, name: Id, body: BuildingPostBody, if_match: IfMatch = None
) -> BuildingEntry:
    """Change a building's manager, team, neighbours, gate code and access note, all of them."""
    return BuildingEntry(**await _put(front, actor, response, Section.BUILDING, name, body, _expected(if_match, None)))


@router.delete("/buildings/{name}", status_code=204, responses=_GONE)
async def back_building(front: InFront, actor: InActor, name: Id, if_match: IfMatch = None) -> Response:
    """Back to what the site folder says."""
    return await _delete(front, actor, Section.BUILDING, name, True, if_match)


@router.get("/contacts", responses=answers(200, CONTACTS, *READING, 404))
async def contacts(front: InFront, actor: InActor, response: Response) -> ContactsEntry:
    """The community's emergency contacts, in order."""
    return ContactsEntry(**await _get(front, actor, response, Section.CONTACTS, COMMUNITY))


@router.put("/contacts", responses=answers(200, CONTACTS, *_WRITING))
async def put_contacts(
    front: InFront, actor: InActor, response: Response, body: ContactsBody, if_match: IfMatch = None
) -> ContactsEntry:
    """Name other emergency contacts. For who keeps the book of the whole community."""
    expected = _expected(if_match, None)
    return ContactsEntry(**await _put(front, actor, response, Section.CONTACTS, COMMUNITY, body, expected))


# --- spreadsheets ---------------------------------------------------------------------------------

_SHEET = "id,name,channel_1,address_1\r\nli-mei,李梅,voice,'+8613800000000\r\n"
_CSV_BODY = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}, "example": _SHEET}}}
}
_CSV: dict[int | str, dict[str, Any]] = answers(200, {}, *READING, 422) | {
    200: {"content": {"text/csv": {"example": _SHEET}}}
}


def whole_community(actor: Actor) -> None:
    """Raise Rejected 403 for who does not keep the book of the whole community: a file is of all of it."""
    if not actor.may(Right.PEOPLE) or actor.buildings is not None:
        raise Rejected(403, "not-authorised", "a spreadsheet needs the right 'people' in the whole community")


@router.get("/csv/{table}", responses=_CSV, response_class=Response)
async def export(
    front: InFront,
    actor: InActor,
    table: Table,
    template: Annotated[bool, Query(description="the header alone")] = False,
    chinese: Annotated[bool, Query(description="headers in Chinese")] = False,
) -> Response:
    """A table as a spreadsheet opens it: UTF-8 with a byte order mark, no cell that is a formula."""
    whole_community(actor)
    return exported(front, table, template, chinese)


def exported(front: Front, table: Table, template: bool, chinese: bool) -> Response:
    """The file of `export`."""
    rows = header_rows(table, chinese) if template else rows_of(front.desk.engine.book, table, chinese)
    name = f"{table.value}-template.csv" if template else f"{table.value}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write_sheet(rows), headers=headers, media_type="text/csv; charset=utf-8")


@router.post("/csv/{table}", responses=answers(200, PREVIEW, *CHANGING, 412), openapi_extra=_CSV_BODY)
async def import_csv(
    request: Request,
    front: InFront,
    actor: InActor,
    table: Table,
    remove_missing: Annotated[bool, Query(description="remove who is not in the file; people and teams only")] = False,
    file: Annotated[str | None, Query(max_length=64, description="of the preview: import it")] = None,
    book: Annotated[str | None, Query(max_length=64, description="of the preview")] = None,
) -> PreviewShown:
    """What a file would change. With `file` and `book` of that answer: import the same file, all of it or nothing."""
    whole_community(actor)
    content = await request.body()
    seen = await previewed(front, table, content, remove_missing)
    if file is None:
        return _preview_shown(seen, imported=False)
    if file != seen.file or book != seen.book:
        raise Rejected(412, "changed-meanwhile", "the file or the book is not that of the preview: look at it again")
    await import_all(front, actor, seen)
    return _preview_shown(seen, imported=True)


async def previewed(front: Front, table: Table, content: bytes, remove_missing: bool) -> Preview:
    """See `preview`; beside the loop, which an alarm may need meanwhile. Raises Rejected 422 for what is no table."""
    known = front.desk.engine.book
    known.mistakes()
    try:
        return await asyncio.to_thread(preview, known, table, content, remove_missing)
    except NotASheet as error:
        raise Rejected(422, "no-table", str(error)) from error


async def import_all(front: Front, actor: Actor, seen: Preview) -> None:
    """Make all changes of a preview, or none. Raises Rejected 422 for one with faults, Refused for another book."""
    if seen.faults:
        first = seen.faults[0]
        said = f"line {first.line}, {first.column}: found {first.found}, expected {first.expected}"
        raise Rejected(422, "bad-book", f"{said}; {len(seen.faults) + seen.faults_more - 1} more")
    if seen.changes:
        await change(front, actor, seen.changes, seen.book)


def _preview_shown(seen: Preview, imported: bool) -> PreviewShown:
    faults = [FaultShown(line=f.line, column=f.column, found=f.found, expected=f.expected) for f in seen.faults]
    return PreviewShown(
        table=seen.table,
        file=seen.file,
        book=seen.book,
        rows=seen.rows,
        encoding=seen.encoding,
        faults=faults,
        faults_more=seen.faults_more,
        new=list(seen.new),
        changed=list(seen.changed),
        unchanged=seen.unchanged,
        missing=list(seen.missing),
        removed=list(seen.removed),
        warnings=list(seen.warnings),
        imported=imported,
    )
