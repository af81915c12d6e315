"""The page of rosters: who is on duty now and in the next two weeks, who is away, and forms for absences and swaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alerter.api import Id
from collector.alerter.catalogue import say
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.pages.bookforms import Wrong
from collector.alerter.pages.tried import text_in, tried
from collector.alerter.rights import InActor, needs
from collector.alerter.roster import absences as absences_of
from collector.alerter.roster import roster
from collector.alerter.rostershapes import TeamShown
from collector.calls.absences import REASON_MAX
from collector.calls.authority import leads
from collector.calls.reach import Fault, Reached, fault_of
from collector.calls.roster import members
from collector.commands import Back, SayAway
from config.people import Team

HOURS = 14 * 24
DONE = ("away", "back")
_BESIDE = {"impossible-time": "until", "no-substitute": "substitute", "unknown-person": "substitute"}
_WORDS = {"not-authorised": "absence-not-yours", "no-substitute": "substitute-needed"}

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.SEE)])


@router.api_route("/rosters", methods=["GET", "HEAD"])
async def rosters(request: Request, front: InFront, actor: InActor) -> Response:
    """Every team that this actor may see."""
    return await _page(request, front, actor, {})


@router.post("/rosters/absences", dependencies=[needs(Right.ANSWER)])
async def away(request: Request, front: InFront, actor: InActor) -> Response:
    """Somebody is away, or another takes their duty."""
    form = await read_form(request, actor)
    wrong, site = Wrong(front.language(request)), front.desk.site
    person, substitute, reason = text_in(form, "person"), text_in(form, "substitute"), text_in(form, "reason")
    if person not in _speaks_for(front, actor):
        wrong.say("person", say(wrong.language, "absence-not-yours"))
    times: dict[str, int] = {}
    for field in ("from", "until"):
        at_ms = time_of(text_in(form, field), site.zone)
        if at_ms is None:
            wrong.say(field, say(wrong.language, "no-such-time", zone=str(site.zone)))
        else:
            times[field] = at_ms
    if len(reason) > REASON_MAX:
        wrong.say("reason", say(wrong.language, "absence-reason-long", most=REASON_MAX))
    if not wrong:
        swap = text_in(form, "what") == "swap"
        command = SayAway(person, actor.person or "", times["from"], times["until"], substitute or None, reason, swap)
        if await tried(front, command, wrong, _BESIDE, _WORDS) is not None:
            return RedirectResponse("/rosters?done=away", 303)
    return await _page(request, front, actor, form, wrong)


@router.post("/rosters/absences/{name}/end", dependencies=[needs(Right.ANSWER)])
async def back(request: Request, front: InFront, actor: InActor, name: Id) -> Response:
    """Somebody is back, or does not go."""
    await read_form(request, actor)
    wrong = Wrong(front.language(request))
    if await tried(front, Back(name, actor.person or ""), wrong, {}, _WORDS) is not None:
        return RedirectResponse("/rosters?done=back", 303)
    return await _page(request, front, actor, {}, wrong, 409)


def time_of(text: str, zone: tzinfo) -> int | None:
    """UTC ms of a date and time as people of the zone say them; None for what is none, or falls into a gap of it.

    Of a time that comes twice, when clocks are set back, the first.
    """
    try:
        said = datetime.fromisoformat(text.replace("T", " "))
    except ValueError:
        return None
    if said.tzinfo is not None or not 1971 <= said.year <= 2999:
        return None
    meant = said.replace(tzinfo=zone).astimezone(UTC)
    if meant.astimezone(zone).replace(tzinfo=None) != said:
        return None
    return round(meant.timestamp() * 1000)


# --- inside -------------------------------------------------------------------------------------------


def _teams(front: Front, actor: Actor) -> list[Team]:
    """Those that answer for a building which the actor sees, and their own."""
    site = front.desk.site
    seen = {each.team for each in site.buildings.values() if front.sees(each.id)}
    return [
        team
        for team in site.teams.values()
        if actor.buildings is None or team.id in seen or actor.person in members(team)
    ]


def _speaks_for(front: Front, actor: Actor) -> list[str]:
    """Whose absences the actor may say: their own; with the right, those of teams that they lead."""
    if actor.person is None or not actor.may(Right.ANSWER):
        return []
    found = {actor.person: None}
    if actor.may(Right.ROSTER):
        for team in front.desk.site.teams.values():
            if leads(front.desk.site, team.id, actor.person):
                found |= dict.fromkeys(members(team))
    return list(found)


async def _page(
    request: Request,
    front: Front,
    actor: Actor,
    typed: Mapping[str, Any],
    wrong: Wrong | None = None,
    status: int = 422,
) -> Response:
    site, teams, theirs = front.desk.site, _teams(front, actor), _speaks_for(front, actor)
    shown = {team.id: team for team in (await roster(front, HOURS)).teams}
    people = {person for team in teams for person in members(team)} | set(theirs)
    done = request.query_params.get("done", "")
    substitutes = [each for team in teams for each in members(team)]
    return front.pages.page(
        "rosters.html",
        front.language(request),
        front.now(),
        status if wrong else 200,
        teams=[shown[team.id] for team in teams if team.id in shown],
        doubts=_doubts(front, shown.values()),
        absences=[each for each in (await absences_of(front)).absences if each.person.id in people],
        theirs=[(each, site.people[each].name) for each in theirs if each in site.people],
        substitutes=[(each, site.people[each].name) for each in dict.fromkeys(substitutes)],
        speaks_for=theirs,
        zone=str(site.zone),
        reason_most=REASON_MAX,
        typed={key: text_in(typed, key) for key in typed},
        wrong=wrong.of if wrong is not None else {},
        done=done if done in DONE else "",
    )


def _doubts(front: Front, teams: Iterable[TeamShown]) -> dict[str, str]:
    """Of whoever is on duty now or in a shift to come: why they cannot be reached, by person.

    That an address was not proven lately stands on the board: here it would be behind nearly every name.
    """
    engine, now = front.desk.engine, front.clock()
    shifts = [each for team in teams for each in (team.on_duty, *(duty.people for duty in team.coming))]
    people, known = {who.id for shift in shifts for who in shift}, engine.kept(Reached)
    faults = ((person, fault_of(front.desk.site, known, person, now)) for person in people)
    return {person: fault.value for person, fault in faults if fault not in (None, Fault.NO_PROOF)}
