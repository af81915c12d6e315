"""The pages of people and teams: who there is, who can be reached, and forms that change it. All without a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alerter.book import change, entry_of
from collector.alerter.bookrights import may_change, may_see
from collector.alerter.bookwords import fault_words
from collector.alerter.catalogue import say
from collector.alerter.erasing import erase_person
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.pages.bookforms import (
    DAYS,
    SPARE,
    Wrong,
    check,
    named_person,
    new_id,
    person_of,
    team_of,
    without,
)
from collector.alerter.peopleshapes import AskedBy
from collector.alerter.problems import Rejected, status_of
from collector.alerter.rights import InActor, needs
from collector.book.bounds import SHIFTS_MAX
from collector.book.entries import Change, Section, Value, key_of
from collector.calls.reach import DAY_MS, Reached, addresses, fault_of, is_proven, proof_days
from collector.commands import Refused, TestReach
from collector.messages.phrases import PHRASES
from config.people import Person, Skill, Team

ON_A_PAGE = 100
FIELDS_MAX = 40 + SHIFTS_MAX * (len(DAYS) + 8)
DONE = ("saved", "removed", "erased", "tested", "imported", "back")

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.SEE)])


@router.api_route("/people", methods=["GET", "HEAD"])
async def people(request: Request, front: InFront, actor: InActor, q: str = "", page: int = 1) -> Response:
    """Everybody whom this actor may see, a hundred on a page, by what is searched for."""
    roll = front.desk.engine.roll
    may = [person for person in roll.people.values() if may_see(actor, roll, Section.PERSON, person.id)]
    if not may and not actor.may(Right.PEOPLE):
        raise Rejected(403, "not-authorised", "this needs the right 'people', or to lead a team")
    found = [person for person in may if _fits(front, person, q[:100])]
    pages = max(1, -(-len(found) // ON_A_PAGE))
    page = min(max(1, page), pages)
    language = front.language(request)
    return front.pages.page(
        "people.html",
        language,
        front.now(),
        rows=[_row(front, person, language) for person in found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]],
        teams=[team for team in roll.teams.values() if may_see(actor, roll, Section.TEAM, team.id)],
        found=len(found),
        q=q[:100],
        page=page,
        pages=pages,
        keeps=actor.may(Right.PEOPLE),
        done=done_of(request),
    )


@router.api_route("/new-person", methods=["GET", "HEAD"], dependencies=[needs(Right.PEOPLE)])
async def new_person(request: Request, front: InFront, actor: InActor) -> Response:
    """An empty form."""
    return _person_page(request, front, actor, None)


@router.post("/new-person", dependencies=[needs(Right.PEOPLE)])
async def add_person(request: Request, front: InFront, actor: InActor) -> Response:
    """Add somebody; their id is made here."""
    form = await read_form(request, actor, fields_max=FIELDS_MAX)
    wrong, name = Wrong(front.language(request)), new_id(front.desk.engine.book, "p")
    value = person_of(form, name, wrong)
    if await saved(front, actor, Section.PERSON, name, value, "none", wrong):
        return RedirectResponse(f"/people/{quote(name)}?done=saved", 303)
    return _person_page(request, front, actor, None, form, wrong)


@router.api_route("/people/{name}", methods=["GET", "HEAD"])
async def person(request: Request, front: InFront, actor: InActor, name: str) -> Response:
    """One person: who can reach them how, and the form."""
    entry_of(front, actor, Section.PERSON, name)
    return _person_page(request, front, actor, name)


@router.post("/people/{name}")
async def change_person(request: Request, front: InFront, actor: InActor, name: str) -> Response:
    """Save, test, remove, or go back to the folder's, by the button that was pressed."""
    entry_of(front, actor, Section.PERSON, name)
    form = await read_form(request, actor, fields_max=FIELDS_MAX)
    wrong, action = Wrong(front.language(request)), form.get("action")
    here = f"/people/{quote(name)}"
    if action == "test":
        if await _tested(front, actor, name, wrong):
            return RedirectResponse(f"{here}?done=tested", 303)
    elif action == "remove":
        if await made(front, actor, without(front.desk.engine.book, name), Section.PERSON, name, wrong):
            return RedirectResponse("/people?done=removed", 303)
    elif action == "erase":
        if await _erased(front, actor, name, form, wrong):
            return RedirectResponse("/people?done=erased", 303)
    elif action == "folder":
        back = [Change(Section.PERSON, name, to_folder=True, expected=_seen(form))]
        if await made(front, actor, back, Section.PERSON, name, wrong):
            there = front.desk.engine.book.value(Section.PERSON, name) is not None
            return RedirectResponse(f"{here}?done=back" if there else "/people?done=removed", 303)
    elif await saved(front, actor, Section.PERSON, name, person_of(form, name, wrong), _seen(form), wrong):
        return RedirectResponse(f"{here}?done=saved", 303)
    return _person_page(request, front, actor, name, form, wrong)


@router.api_route("/new-team", methods=["GET", "HEAD"], dependencies=[needs(Right.PEOPLE)])
async def new_team(request: Request, front: InFront, actor: InActor) -> Response:
    """An empty form."""
    return _team_page(request, front, actor, None)


@router.post("/new-team", dependencies=[needs(Right.PEOPLE)])
async def add_team(request: Request, front: InFront, actor: InActor) -> Response:
    """Add a team; its id is made here."""
    form, book = await read_form(request, actor, fields_max=FIELDS_MAX), front.desk.engine.book
    wrong, name = Wrong(front.language(request)), new_id(book, "team")
    if await saved(front, actor, Section.TEAM, name, team_of(form, name, book, wrong), "none", wrong):
        return RedirectResponse(f"/teams/{quote(name)}?done=saved", 303)
    return _team_page(request, front, actor, None, form, wrong)


@router.api_route("/teams/{name}", methods=["GET", "HEAD"])
async def team(request: Request, front: InFront, actor: InActor, name: str) -> Response:
    """One team with its members and shifts."""
    entry_of(front, actor, Section.TEAM, name)
    return _team_page(request, front, actor, name)


@router.post("/teams/{name}")
async def change_team(request: Request, front: InFront, actor: InActor, name: str) -> Response:
    """Save, remove, or go back to the folder's, by the button that was pressed."""
    entry_of(front, actor, Section.TEAM, name)
    form, book = await read_form(request, actor, fields_max=FIELDS_MAX), front.desk.engine.book
    wrong, action = Wrong(front.language(request)), form.get("action")
    if action in ("remove", "folder"):
        gone = [Change(Section.TEAM, name, to_folder=action == "folder", expected=_seen(form))]
        if await made(front, actor, gone, Section.TEAM, name, wrong):
            there = front.desk.engine.book.value(Section.TEAM, name) is not None
            return RedirectResponse(f"/teams/{quote(name)}?done=back" if there else "/people?done=removed", 303)
    elif await saved(front, actor, Section.TEAM, name, team_of(form, name, book, wrong), _seen(form), wrong):
        return RedirectResponse(f"/teams/{quote(name)}?done=saved", 303)
    return _team_page(request, front, actor, name, form, wrong)


# --- shared with the pages of posts -------------------------------------------------------------------


async def saved(
    front: Front, actor: Actor, section: Section, name: str, value: Value | None, seen: str | None, wrong: Wrong
) -> bool:
    """Put a value that a form brought; False with what is wrong noted."""
    if value is None or wrong:
        return False
    return await made(front, actor, [Change(section, name, value, expected=seen)], section, name, wrong)


async def made(front: Front, actor: Actor, changes: list[Change], section: Section, name: str, wrong: Wrong) -> bool:
    """Make changes; False with what is wrong noted, beside the fields of this entry."""
    check(front.desk.engine.book, changes, section, name, wrong)
    if wrong:
        return False
    try:
        await change(front, actor, changes)
    except Refused as refused:
        if status_of(refused) == 403:
            raise
        wrong.refused(refused)
    return not wrong


def done_of(request: Request) -> str | None:
    """What a redirect says has just been done; only what has words."""
    done = request.query_params.get("done")
    return done if done in DONE else None


def warnings_of(front: Front, request: Request, section: Section, name: str) -> list[str]:
    """What works worse than it looks, in the reader's words."""
    key, language = key_of(section, name), front.language(request)
    found = [each for each in front.desk.engine.book.mistakes() if each.file == key]
    return [fault_words(language, each.found, each.expected) for each in found]


# --- inside -------------------------------------------------------------------------------------------


def _seen(form: Mapping[str, Any]) -> str | None:
    """The digest of what the form was made from."""
    seen = form.get("seen")
    return seen if isinstance(seen, str) and seen else None


async def _tested(front: Front, actor: Actor, name: str, wrong: Wrong) -> bool:
    """Send a test; who is nobody on the site's list has nobody to ask for it."""
    if actor.person is None and not actor.speaks_for_all:
        wrong.say("", _refusal(wrong, "not-yourself"))
        return False
    try:
        await front.act(TestReach(name, actor.person or name))
    except Refused as refused:
        wrong.refused(refused)
    return not wrong


async def _erased(front: Front, actor: Actor, name: str, form: Mapping[str, Any], wrong: Wrong) -> bool:
    """Erase somebody, if the form says that it is meant and who has asked for it."""
    asked = form.get("asked-by")
    if asked not in list(AskedBy):
        wrong.say("asked-by", say(wrong.language, "book/erase-who"))
    if not form.get("sure"):
        wrong.say("sure", say(wrong.language, "book/erase-not-sure"))
    if wrong:
        return False
    try:
        await erase_person(front, actor, name, AskedBy(str(asked)))
    except Refused as refused:
        wrong.refused(refused)
    return not wrong


def _refusal(wrong: Wrong, reason: str) -> str:
    kept = Wrong(wrong.language)
    kept.refused(Refused(reason, reason))
    return kept.of[""][0]


def _fits(front: Front, person: Person, q: str) -> bool:
    """True if what is searched for stands in a name, an id, a building, a team or an address of theirs."""
    words = q.casefold().split()
    if not words:
        return True
    roll = front.desk.engine.roll
    home = roll.buildings.get(person.home or "")
    text = [person.name, person.id, *(address.to for address in person.channels)]
    text += [home.name, home.id] if home is not None else []
    text += [team.name for team in roll.teams.values() if person.id in (team.leader, *team.members)]
    whole = " ".join(text).casefold()
    return all(word in whole for word in words)


def _row(front: Front, person: Person, language: Any) -> dict[str, Any]:
    site, known = front.desk.site, front.desk.engine.kept(Reached)
    fault = fault_of(site, known, person.id, front.clock()) if person.id in site.people else None
    home = site.buildings.get(person.home or "")
    return {
        "id": person.id,
        "name": person.name,
        "home": home.name if home is not None else "",
        "teams": [team.name for team in site.teams.values() if person.id in (team.leader, *team.members)],
        "fault": None if fault is None else PHRASES[language].faults[fault],
    }


def _person_page(
    request: Request,
    front: Front,
    actor: Actor,
    name: str | None,
    form: Mapping[str, Any] | None = None,
    wrong: Wrong | None = None,
) -> Response:
    language, roll, book = front.language(request), front.desk.engine.roll, front.desk.engine.book
    value = None if name is None else book.value(Section.PERSON, name)
    known = value if isinstance(value, Person) else None
    site, now = front.desk.site, front.clock()
    reached = []
    if name is not None and name in site.people:
        for channel, rings, each in addresses(site, front.desk.engine.kept(Reached), name):
            proven = each is not None and is_proven(each, proof_days(site) * DAY_MS, now)
            at = None if each is None else front.view.maybe(each.delivered_at_ms)
            works = each is None or each.works
            reached.append({"channel": channel, "rings": rings, "works": works, "proven": proven, "at": at})
    addressed = [(address.channel, address.to) for address in known.channels] if known is not None else []
    theirs = [team for team in roll.teams.values() if name in (team.leader, *team.members)]
    mine = name is None or may_change(actor, roll, [Change(Section.PERSON, name)])
    return front.pages.page(
        "person.html",
        language,
        front.now(),
        422 if wrong else 200,
        id=name,
        row=None if known is None else _row(front, known, language),
        reached=reached,
        teams=theirs,
        channels=list(site.channels),
        buildings=[each for each in roll.buildings.values() if actor.sees(each.id)],
        skills=list(Skill),
        typed=_typed_person(known, addressed) if form is None else {key: form[key] for key in form},
        lines=range(len(addressed) + SPARE),
        seen=form.get("seen", "") if form is not None else book.digest_of(Section.PERSON, name or ""),
        in_book=name is not None and key_of(Section.PERSON, name) in book.entries,
        in_folder=name is not None and book.folder_value(Section.PERSON, name) is not None,
        wrong=wrong.of if wrong is not None else {},
        warnings=[] if name is None else warnings_of(front, request, Section.PERSON, name),
        editable=actor.may(Right.PEOPLE) and mine,
        erasable=actor.may(Right.PEOPLE) and actor.buildings is None,
        asked_by=list(AskedBy),
        testable=name is not None and (actor.person is not None or actor.speaks_for_all),
        done=done_of(request),
    )


def _typed_person(known: Person | None, addressed: list[tuple[str, str]]) -> dict[str, str]:
    if known is None:
        return {}
    typed = {"name": known.name, "language": known.language or "", "home": known.home or ""}
    typed |= {f"skill-{skill.value}": "on" for skill in known.skills}
    for number, (channel, to) in enumerate(addressed):
        typed |= {f"channel-{number}": channel, f"to-{number}": to}
    return typed


def _team_page(
    request: Request,
    front: Front,
    actor: Actor,
    name: str | None,
    form: Mapping[str, Any] | None = None,
    wrong: Wrong | None = None,
) -> Response:
    book, roll = front.desk.engine.book, front.desk.engine.roll
    value = None if name is None else book.value(Section.TEAM, name)
    known = value if isinstance(value, Team) else None
    people = [known.leader, *known.members] if known is not None else []
    language = front.language(request)
    rows = [_row(front, roll.people[each], language) for each in dict.fromkeys(people) if each in roll.people]
    mine = name is None or may_change(actor, roll, [Change(Section.TEAM, name)])
    shifts = len(known.shifts) if known is not None else 0
    return front.pages.page(
        "team.html",
        language,
        front.now(),
        422 if wrong else 200,
        id=name,
        team=known,
        rows=rows,
        places=[place for place in roll.buildings.values() if name is not None and place.team == name],
        typed=_typed_team(front, known) if form is None else {key: form[key] for key in form},
        lines=range(min(SHIFTS_MAX, shifts + 1)),
        days=DAYS,
        seen=form.get("seen", "") if form is not None else book.digest_of(Section.TEAM, name or ""),
        in_book=name is not None and key_of(Section.TEAM, name) in book.entries,
        in_folder=name is not None and book.folder_value(Section.TEAM, name) is not None,
        wrong=wrong.of if wrong is not None else {},
        warnings=[] if name is None else warnings_of(front, request, Section.TEAM, name),
        editable=actor.may(Right.PEOPLE) and mine,
        done=done_of(request),
    )


def _typed_team(front: Front, known: Team | None) -> dict[str, str]:
    if known is None:
        return {}
    book = front.desk.engine.book
    members = "\n".join(named_person(book, each) for each in known.members)
    typed = {"name": known.name, "leader": named_person(book, known.leader), "members": members}
    for number, shift in enumerate(known.shifts):
        groups = "\n".join(", ".join(named_person(book, each) for each in group) for group in shift.groups)
        typed |= {
            f"shift-{number}": shift.id,
            f"from-{number}": shift.hours.start.strftime("%H:%M"),
            f"until-{number}": shift.hours.end.strftime("%H:%M"),
            f"turn-{number}": str(shift.turn_days),
            f"first-{number}": str(shift.first_day or ""),
            f"groups-{number}": groups,
        }
        typed |= {f"day-{number}-{day}": "on" for day in shift.hours.days}
    return typed
