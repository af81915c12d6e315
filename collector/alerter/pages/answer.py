"""The answer page: what a called person sees and presses, on any phone, without JavaScript.

The signed link is all it needs. Looking never changes anything, because chat and mail programs open links by
themselves: only a pressed button (POST) does, and pressing it again is harmless.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alarms.alarm import LATCHING, Phase
from collector.alarms.incident import Answer, Incident, Word
from collector.alarms.route import Mode
from collector.alerter.catalogue import knows, say
from collector.alerter.front import Front, InFront
from collector.alerter.links import AnswerLink, LinkFault, LinkRefused
from collector.alerter.pages.board import card_of
from collector.alerter.rescues import rescues_of
from collector.calls.authority import may_decide
from collector.calls.dispatch import leaders
from collector.calls.remarks import CALLS
from collector.commands import Answered, Command, FalseAlarm, Freed, NeedMore, Refused, Reset, StandDown
from collector.messages.message import HEARD_LATER_MS
from collector.storage.store import StoreFailed
from config.people import Language, Person
from config.site import Building

CONDITIONS_SHOWN_MAX = 5
FREED = "freed:"  # before the elevator's id, what the button says
_STATUS = {LinkFault.MALFORMED: 400, LinkFault.FORGED: 403, LinkFault.EXPIRED: 410}

router = APIRouter(include_in_schema=False)


@router.api_route("/a/{token:path}", methods=["GET", "HEAD"])
async def look(request: Request, front: InFront, token: str) -> Response:
    """The page; changes nothing."""
    opened = await _open(request, front, token)
    return opened if isinstance(opened, Response) else _page(request, front, *opened, None)


@router.post("/a/{token:path}")
async def press(request: Request, front: InFront, token: str) -> Response:
    """A button was pressed: do it, then show the page as it is now."""
    opened = await _open(request, front, token)
    if isinstance(opened, Response):
        return opened
    incident, person = opened
    language = front.language(request, front.desk.site.language_of(person))
    if not front.answer_pace.allows(f"{incident.id} {person.id}", front.clock()):
        return _plain(front, language, 429, "too-many", again=True)
    form = await request.form(max_files=0, max_fields=4)
    command = _command(str(form.get("answer", "")), incident, person)
    if command is None:
        return _plain(front, language, 400, "bad-answer", again=True)
    try:
        await front.desk.act(command, by=by_link(person))
    except Refused as refused:
        now_so = await front.incident(incident.id) or incident
        return _page(request, front, now_so, person, refused)
    except StoreFailed:
        return _plain(front, language, 503, "not-saved", again=True)
    return RedirectResponse(f"{request.url.path}?lang={language}", 303)


def by_link(person: Person) -> Actor:
    """Whoever holds somebody's answer link: it is all they need, and all they have."""
    return Actor("link", person.name, frozenset({Right.ANSWER}), person=person.id, buildings=frozenset())


async def _open(request: Request, front: Front, token: str) -> tuple[Incident, Person] | Response:
    """What the link opens, or the page that says why it does not."""
    try:
        link: AnswerLink = front.links.read(token, front.clock())
    except LinkRefused as refused:
        return _plain(front, front.language(request), _STATUS[refused.reason], f"link-{refused.reason.value}")
    person = front.desk.site.people.get(link.person)
    try:
        incident = await front.incident(link.incident)
    except StoreFailed:
        return _plain(front, front.language(request), 503, "not-read", again=True)
    if person is None or incident is None:
        return _plain(front, front.language(request), 404, "link-gone")
    return incident, person


def _command(pressed: str, incident: Incident, person: Person) -> Command | None:
    if pressed == "stand-down":
        return StandDown(incident.id, person.id)
    if pressed == "reset":
        return Reset(incident.id, person.id)
    if pressed.startswith(FREED):
        return Freed(incident.id, person.id, pressed.removeprefix(FREED))
    if pressed == Word.FALSE_ALARM:
        return FalseAlarm(incident.id, person.id)
    if pressed == Word.NEED_MORE:
        return NeedMore(incident.id, person.id)
    return Answered(incident.id, person.id, Answer(pressed)) if pressed in set(Answer) else None


def _page(request: Request, front: Front, incident: Incident, person: Person, refused: Refused | None) -> Response:
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
        200 if refused is None else 409,
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
        routes=_routes(building) if building else [],
        refused=_refusal(refused, language) if refused else None,
        rescues=rescues_of(front, incident),
        **_offered(front, incident, person),
    )


def _offered(front: Front, incident: Incident, person: Person) -> dict[str, bool]:
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
        "may_say_false": here and not drill and incident.false_alarm_by is None and person.id in decide | arrived,
        "may_need_more": here and (aside or person.id in decide | going),
        "may_free": person.id in arrived,
        "may_reset": incident.open and resettable and person.id in leading | managers | arrived,
    }


def _refusal(refused: Refused, language: Language) -> str:
    key = f"refused-{refused.reason}"
    return say(language, key if knows(key) else "refused-other")


def _plain(front: Front, language: Language, status: int, key: str, again: bool = False) -> Response:
    title, text = say(language, key), say(language, f"{key}-text")
    return front.pages.whole_page(
        "answer_plain.html", language, front.now(), status, title=title, text=text, again=again
    )


def _routes(building: Building) -> list[tuple[str, str]]:
    """Links that a phone opens itself; coordinates are WGS-84, and Amap is told so."""
    latitude, longitude = f"{building.latitude:.6f}", f"{building.longitude:.6f}"
    label = quote(building.name, safe="")
    amap = urlencode(
        {"position": f"{longitude},{latitude}", "name": building.name, "coordinate": "wgs84", "callnative": "1"}
    )
    osm = f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=18/{latitude}/{longitude}"
    return [
        ("route-app", f"geo:{latitude},{longitude}?q={latitude},{longitude}({label})"),
        ("route-amap", f"https://uri.amap.com/marker?{amap}"),
        ("route-osm", osm),
    ]
