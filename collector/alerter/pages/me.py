"""The home page of somebody who is called: what they are called to, their duty, what would ring, and their phones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Right
from collector.alerter.catalogue import say
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.models import IncidentShown
from collector.alerter.phones import forget, offers_push, push_of, send_test, shown
from collector.alerter.phoneshapes import PhoneShown
from collector.alerter.problems import Rejected
from collector.alerter.replies import sentence_of
from collector.alerter.rights import InActor, needs
from collector.calls.reach import DAY_MS, Reached, addresses, fault_of, is_proven, proof_days
from collector.calls.roster import members
from collector.commands import Refused, TestReach
from collector.locale.catalogues import texts
from collector.messages.phrases import PHRASES
from collector.storage.store import StoreFailed
from config.people import Language, Person

COMING_DAYS = 14
CALLS_SHOWN_MAX = 20

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.ANSWER)])


@dataclass(frozen=True, slots=True)
class Call:
    """An open incident that somebody was told of. `asked`: their answer is still waited for."""

    incident: IncidentShown
    path: str
    asked: bool
    mine: str | None


@dataclass(frozen=True, slots=True)
class Duty:
    """One team of theirs. `next_from` and `next_until`: their next shift; None: none within two weeks."""

    team: str
    leads: bool
    on_duty: bool
    shifts: bool
    next_from: datetime | None
    next_until: datetime | None


@dataclass(frozen=True, slots=True)
class Road:
    """One way to reach them, in the order of trying."""

    channel: str
    push: bool
    rings: bool
    works: bool
    proven_at: datetime | None
    proven: bool


@router.api_route("/me", methods=["GET", "HEAD"])
async def me(request: Request, front: InFront, actor: InActor) -> Response:
    """The page; it works without JavaScript, but for allowing messages on this phone, which a browser asks for."""
    return await _page(request, front, actor.person)


@router.post("/me/test")
async def test(request: Request, front: InFront, actor: InActor) -> Response:
    """A test message over each of one's channels."""
    await read_form(request, actor)
    language = front.language(request)
    if actor.person is None:
        return await _page(request, front, None)
    try:
        await front.act(TestReach(actor.person, actor.person))
    except Refused as refused:
        return await _page(request, front, actor.person, 409, sentence_of(refused, language))
    return RedirectResponse("/me?done=test#roads", 303)


@router.post("/me/phones/{phone}/{wish}")
async def phone(request: Request, front: InFront, actor: InActor, phone: str, wish: str) -> Response:
    """Remove a phone, or send a test message to it."""
    await read_form(request, actor)
    language = front.language(request)
    if actor.person is None or wish not in ("remove", "test"):
        return front.pages.plain(language, front.now(), 404, "not-found", "not-found-text")
    try:
        if wish == "remove":
            await forget(front, actor.person, phone)
        else:
            await send_test(front, actor.person, phone)
    except Rejected as rejected:
        key = f"refused-{rejected.reason}"
        return await _page(request, front, actor.person, rejected.status, say(language, key))
    return RedirectResponse(f"/me?done=phone-{wish}#phones", 303)


async def _page(request: Request, front: Front, person: str | None, status: int = 200, wrong: str = "") -> Response:
    language, known = front.language(request), front.desk.site.people.get(person or "")
    if known is None:
        return front.pages.plain(language, front.now(), 404, "me-nobody", "me-nobody-text")
    try:
        phones = await _phones(front, known.id)
    except StoreFailed:
        return front.pages.plain(language, front.now(), 503, "not-read", "not-read-text")
    done = request.query_params.get("done", "")
    return front.pages.page(
        "me.html",
        language,
        front.now(),
        status,
        person=known,
        calls=_calls(front, known.id),
        duties=_duties(front, known.id),
        away_until=_away_until(front, known.id),
        roads=_roads(front, known),
        fault=_fault(front, known.id, language),
        phones=phones,
        script_words=json.dumps(texts(language, "phone/"), ensure_ascii=False),
        push_key=push_of(front).public_key if offers_push(front) else "",
        has_push=any(front.desk.site.channels[each.channel].type == "webpush" for each in known.channels),
        done=done if done in ("test", "phone-remove", "phone-test") else "",
        wrong=wrong,
    )


async def _phones(front: Front, person: str) -> list[PhoneShown]:
    if not offers_push(front):
        return []
    return [shown(front, each) for each in await push_of(front).subscriptions.of(person)]


def _calls(front: Front, person: str) -> list[Call]:
    """What they are called to and have not answered first, then what they were told of, the newest first."""
    engine, now = front.desk.engine, front.clock()
    told: dict[str, bool] = {}
    for notice in engine.notices.values():
        if notice.person == person and notice.incident in engine.incidents:
            asks = notice.expects_answer and notice.superseded_at_ms is None
            told[notice.incident] = told.get(notice.incident, False) or asks
    found = []
    for incident in (engine.incidents[each] for each in told):
        said = next((each for each in incident.responses if each.person == person and each.call == incident.call), None)
        path = urlsplit(front.links.answer_url(incident.id, person, now)).path
        card = front.view.incident(incident, engine.alarms)
        found.append(Call(card, path, told[incident.id] and said is None, said.answer.value if said else None))
    newest = sorted(found, key=lambda each: each.incident.id, reverse=True)
    return sorted(newest, key=lambda each: (not each.asked, not each.incident.full_call))[:CALLS_SHOWN_MAX]


def _duties(front: Front, person: str) -> list[Duty]:
    site, roster, now = front.desk.site, front.desk.engine.roster, front.clock()
    coming = sorted(roster.coming(now, now + COMING_DAYS * DAY_MS), key=lambda duty: duty.begins_ms)
    found = []
    for team in site.teams.values():
        theirs = [duty for duty in coming if duty.team == team.id and person in duty.people]
        on_duty = person in roster.on_duty(team.id, now)
        if person not in members(team) and not theirs and not on_duty:
            continue
        following = next((duty for duty in theirs if duty.begins_ms > now), None)
        found.append(
            Duty(
                team=team.name,
                leads=team.leader == person,
                on_duty=on_duty,
                shifts=bool(team.shifts),
                next_from=None if following is None else front.view.stamp(following.begins_ms),
                next_until=None if following is None else front.view.stamp(following.ends_ms),
            )
        )
    return found


def _away_until(front: Front, person: str) -> datetime | None:
    roster, now = front.desk.engine.roster, front.clock()
    return front.view.stamp(roster.back_at(person, now)) if roster.away(person, now) else None


def _roads(front: Front, person: Person) -> list[Road]:
    site, now = front.desk.site, front.clock()
    proof_ms = proof_days(site) * DAY_MS
    return [
        Road(
            channel=channel,
            push=site.channels[channel].type == "webpush",
            rings=rings,
            works=reached is None or reached.works,
            proven_at=None if reached is None else front.view.maybe(reached.delivered_at_ms),
            proven=reached is not None and is_proven(reached, proof_ms, now),
        )
        for channel, rings, reached in addresses(site, front.desk.engine.kept(Reached), person.id)
    ]


def _fault(front: Front, person: str, language: Language) -> str | None:
    fault = fault_of(front.desk.site, front.desk.engine.kept(Reached), person, front.clock())
    return None if fault is None else PHRASES[language].faults[fault]
