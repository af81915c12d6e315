"""The answer page: what a called person sees and presses, on any phone, without JavaScript.

The signed link is all it needs. Looking never changes anything, because chat and mail programs open links by
themselves: only a pressed button (POST) does, and pressing it again is harmless.
"""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.alarms.alarm import LATCHING, Phase
from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.alerter.catalogue import say
from collector.alerter.front import Front, InFront
from collector.alerter.links import AnswerLink, LinkRefused
from collector.alerter.onspot import on_spot
from collector.alerter.pages.overview import card_of
from collector.alerter.replies import STATUS_OF_LINK, by_link, command_of, note_refused, sentence_of
from collector.alerter.rescues import rescues_of
from collector.calls.authority import may_decide
from collector.calls.dispatch import leaders
from collector.calls.remarks import CALLS
from collector.commands import Refused
from collector.locale.catalogues import texts
from collector.messages.message import HEARD_LATER_MS
from collector.storage.store import StoreFailed
from config.people import Language, Person

CONDITIONS_SHOWN_MAX = 5
CURVES_MAX = 1  # a slow line carries a page of 30 kB

router = APIRouter(include_in_schema=False)


@router.api_route("/a/{token:path}", methods=["GET", "HEAD"])
async def look(request: Request, front: InFront, token: str) -> Response:
    """The page; changes nothing."""
    found = await opened(request, front, token)
    return found if isinstance(found, Response) else await page(request, front, *found)


@router.post("/a/{token:path}")
async def press(request: Request, front: InFront, token: str) -> Response:
    """A button was pressed: do it, then show the page as it is now."""
    found = await opened(request, front, token)
    if isinstance(found, Response):
        return found
    incident, person = found
    language = front.language(request, front.desk.site.language_of(person))
    if not front.answer_pace.allows(f"{incident.id} {person.id}", front.clock()):
        return plain(front, language, 429, "too-many", again=True)
    form = await request.form(max_files=0, max_fields=4)
    command = command_of(str(form.get("answer", "")), incident.id, person.id)
    if command is None:
        return plain(front, language, 400, "bad-answer", again=True)
    try:
        await front.desk.act(command, by=by_link(person))
    except Refused as refused:
        now_so = await front.incident(incident.id) or incident
        language = front.language(request, front.desk.site.language_of(person))
        return await page(request, front, now_so, person, sentence_of(refused, language), 409)
    except StoreFailed:
        return plain(front, language, 503, "not-saved", again=True)
    return RedirectResponse(f"{request.url.path}?lang={language}", 303)


async def opened(request: Request, front: Front, token: str) -> tuple[Incident, Person] | Response:
    """What the link opens, or the page that says why it does not."""
    try:
        link: AnswerLink = front.links.read(token, front.clock())
    except LinkRefused as refused:
        note_refused(request, front, refused)
        return plain(front, front.language(request), STATUS_OF_LINK[refused.reason], f"link-{refused.reason.value}")
    person = front.desk.site.people.get(link.person)
    try:
        incident = await front.incident(link.incident)
    except StoreFailed:
        return plain(front, front.language(request), 503, "not-read", again=True)
    if person is None or incident is None:
        return plain(front, front.language(request), 404, "link-gone")
    return incident, person


async def page(
    request: Request,
    front: Front,
    incident: Incident,
    person: Person,
    refused: str | None = None,
    status: int = 200,
    note: str = "",
) -> Response:
    """The page as it is now. `refused`: what was not done and why, `note`: what was typed and is not kept yet."""
    site = front.desk.site
    language = front.language(request, site.language_of(person))
    card = card_of(front.view.incident(incident, front.desk.engine.alarms))
    mine = next((each for each in incident.responses if each.person == person.id), None)
    building = site.buildings.get(incident.building)
    device = site.devices.get(card.worst.device)
    return front.pages.whole_page(
        "answer.html",
        language,
        front.now(),
        status,
        incident=card.incident,
        drill=incident.route.mode is Mode.DRILL,
        person=person.name,
        worst=card.worst,
        conditions=card.conditions[:CONDITIONS_SHOWN_MAX],
        more=max(0, len(card.conditions) - CONDITIONS_SHOWN_MAX),
        since=card.since,
        late=abs(incident.opened_at_ms - incident.cause_at_ms) > HEARD_LATER_MS,
        together=len(front.desk.engine.told_with(incident.id, person.id)),
        mine=mine.answer.value if mine else None,
        mine_before=mine is not None and mine.call < incident.call,
        mine_at=front.view.stamp(mine.at_ms) if mine else None,
        registration=device.registration if device else None,
        gate_code=building.gate_code if building else None,
        access=building.access if building else "",
        refused=refused,
        note=note,
        base=request.url.path.removesuffix("/note").removesuffix("/photo"),
        **await on_spot(front, incident, card.conditions, language, CURVES_MAX),
        kept_words=kept_words(language),
        rescues=rescues_of(front, incident),
        **offered(front, incident, person),
    )


def kept_words(language: Language) -> str:
    """What the script of an answer says, as JSON."""
    return json.dumps(texts(language, "kept/"), ensure_ascii=False)


def offered(front: Front, incident: Incident, person: Person) -> dict[str, bool]:
    """Which of the leader's buttons are worth showing; whether they may be used is for the engine to say."""
    site, alarms = front.desk.site, front.desk.engine.alarms
    leading, managers, drill = set(site.contacts), set[str | None](), incident.route.mode is Mode.DRILL
    decide = {person.id} if may_decide(site, incident.building, person.id) else set()
    if incident.building in site.buildings:
        own, others = leaders(site, incident.building)
        leading, managers = {*own, *others}, {site.buildings[incident.building].manager}
    arrived = {each.person for each in incident.responses if each.answer is Answer.ARRIVED}
    latched = [alarms[key] for key in incident.alarms if key in alarms and alarms[key].condition in LATCHING]
    here = incident.open and incident.condition in CALLS
    going = {each.person for each in incident.responses if each.answer is not Answer.CANNOT}
    aside = incident.route.mode in (Mode.DISABLED, Mode.WALK_TEST) and bool(latched)  # who has the link was told of it
    resettable = bool(latched) and all(alarm.phase is Phase.AWAITING_RESET for alarm in latched)
    return {
        "may_stand_down": incident.open and incident.stood_down_by is None and person.id in leading,
        "may_say_false": here and not drill and incident.false_alarm_by is None and person.id in arrived,
        "may_need_more": here and (aside or person.id in decide | going),
        "may_free": person.id in arrived,
        "may_reset": incident.open and resettable and person.id in leading | managers | arrived,
    }


def plain(front: Front, language: Language, status: int, key: str, again: bool = False) -> Response:
    title, text = say(language, key), say(language, f"{key}-text")
    return front.pages.whole_page(
        "answer_plain.html", language, front.now(), status, title=title, text=text, again=again
    )
