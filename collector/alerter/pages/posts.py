"""The pages of posts: who answers for each grid cell and building, and for the community as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alerter.book import entry_of
from collector.alerter.bookrights import may_change, may_see
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.pages.bookforms import Wrong, building_of, cell_of, contacts_of, named_person
from collector.alerter.pages.people import ON_A_PAGE, done_of, made, saved, warnings_of
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs
from collector.book.entries import COMMUNITY, BuildingPost, CellPost, Change, Contacts, Section, Value, key_of

SECTIONS = {"cells": Section.CELL, "buildings": Section.BUILDING, "contacts": Section.CONTACTS}

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.PEOPLE)])


@router.api_route("/grid", methods=["GET", "HEAD"])
async def grid(request: Request, front: InFront, actor: InActor, q: str = "", page: int = 1) -> Response:
    """Cells and buildings with who answers for them, a hundred on a page, by what is searched for."""
    roll, words = front.desk.engine.roll, q[:100].casefold().split()
    rows: list[dict[str, Any]] = []
    for cell in roll.grid.values():
        who = roll.people[cell.person].name
        row = {"kind": "cells", "id": cell.id, "name": cell.name, "who": [who], "level": cell.level}
        if may_see(actor, roll, Section.CELL, cell.id):
            rows.append(row)
    for place in roll.buildings.values():
        if may_see(actor, roll, Section.BUILDING, place.id):
            team = roll.teams[place.team].name if place.team in roll.teams else ""
            manager = roll.people[place.manager].name if place.manager in roll.people else ""
            whose = [each for each in (team, manager) if each]
            rows.append({"kind": "buildings", "id": place.id, "name": place.name, "who": whose, "level": 0})
    found = [row for row in rows if all(word in _text_of(row) for word in words)]
    pages = max(1, -(-len(found) // ON_A_PAGE))
    page = min(max(1, page), pages)
    return front.pages.page(
        "grid.html",
        front.language(request),
        front.now(),
        rows=found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE],
        contacts=[roll.people[each].name for each in roll.contacts],
        found=len(found),
        q=q[:100],
        page=page,
        pages=pages,
        whole=actor.buildings is None,
        done=done_of(request),
    )


@router.api_route("/grid/{kind}/{name}", methods=["GET", "HEAD"])
async def post(request: Request, front: InFront, actor: InActor, kind: str, name: str) -> Response:
    """One post and its form."""
    section = _section(kind)
    entry_of(front, actor, section, name)
    return _post_page(request, front, actor, section, name)


@router.post("/grid/{kind}/{name}")
async def change_post(request: Request, front: InFront, actor: InActor, kind: str, name: str) -> Response:
    """Save, or go back to the folder's, by the button that was pressed."""
    section = _section(kind)
    entry_of(front, actor, section, name)
    form, book, wrong = await read_form(request, actor), front.desk.engine.book, Wrong(front.language(request))
    brought = form.get("seen")
    seen = brought if isinstance(brought, str) and brought else None
    if form.get("action") == "folder":
        back = [Change(section, name, to_folder=True, expected=seen)]
        if await made(front, actor, back, section, name, wrong):
            return RedirectResponse(f"/grid/{kind}/{quote(name)}?done=back", 303)
    else:
        read = {Section.CELL: cell_of, Section.BUILDING: building_of, Section.CONTACTS: contacts_of}[section]
        if await saved(front, actor, section, name, read(form, book, wrong), seen, wrong):
            return RedirectResponse(f"/grid/{kind}/{quote(name)}?done=saved", 303)
    return _post_page(request, front, actor, section, name, form, wrong)


def _section(kind: str) -> Section:
    if kind not in SECTIONS:
        raise Rejected(404, "not-found", "there is no such kind of post")
    return SECTIONS[kind]


def _text_of(row: Mapping[str, Any]) -> str:
    return " ".join([row["id"], row["name"], *row["who"]]).casefold()


def _post_page(
    request: Request,
    front: Front,
    actor: Actor,
    section: Section,
    name: str,
    form: Mapping[str, Any] | None = None,
    wrong: Wrong | None = None,
) -> Response:
    book, roll = front.desk.engine.book, front.desk.engine.roll
    place = roll.buildings.get(name) if section is Section.BUILDING else None
    cell = roll.grid.get(name) if section is Section.CELL else None
    value = book.value(section, name)
    return front.pages.page(
        "post.html",
        front.language(request),
        front.now(),
        422 if wrong else 200,
        section=section.value,
        id=name,
        place=place,
        cell=cell,
        teams=list(roll.teams.values()),
        community=name == COMMUNITY,
        typed=_typed(front, value) if form is None else {key: form[key] for key in form},
        seen=form.get("seen", "") if form is not None else book.digest_of(section, name),
        in_book=key_of(section, name) in book.entries,
        wrong=wrong.of if wrong is not None else {},
        warnings=warnings_of(front, request, section, name),
        editable=may_change(actor, roll, [Change(section, name)]),
        done=done_of(request),
    )


def _typed(front: Front, value: Value | None) -> dict[str, str]:
    book = front.desk.engine.book
    if isinstance(value, CellPost):
        return {"person": named_person(book, value.person)}
    if isinstance(value, Contacts):
        return {"people": "\n".join(named_person(book, each) for each in value.people)}
    if isinstance(value, BuildingPost):
        return {
            "manager": named_person(book, value.manager) if value.manager is not None else "",
            "team": value.team or "",
            "neighbours": "\n".join(value.neighbours),
            "gate_code": value.gate_code or "",
            "access": value.access,
        }
    return {}
