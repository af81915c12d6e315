"""Drills and response times under /api/v1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from collector.access.actor import Right
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.drillshapes import (
    DRILL,
    DRILLS,
    RESPONSE_TIMES,
    CallTimed,
    DrilledBuilding,
    DrillList,
    DrillShown,
    DrillWanted,
    ResponseTimesList,
    SubjectTimed,
)
from collector.alerter.front import Front, InFront
from collector.alerter.models import ByPerson
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, must, needs
from collector.calls.drill import Drill
from collector.calls.responsetimes import SUBJECTS, Call, ResponseTimes
from collector.calls.roster import members
from collector.commands import EndDrill, StartDrill
from config.people import Person, Team
from config.site import Building, Site

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.SEE)])


@router.get("/drills", tags=["drills"], responses=answers(200, DRILLS, *READING))
async def drills(front: InFront) -> DrillList:
    """Drills under way, and those that have just ended."""
    found = [each for each in front.desk.engine.kept(Drill).values() if any(map(front.sees, each.buildings))]
    return DrillList(drills=[_drill(front, each) for each in sorted(found, key=lambda each: each.id, reverse=True)])


@router.post(
    "/drills",
    dependencies=[needs(Right.MEASURE)],
    tags=["drills"],
    status_code=201,
    responses=answers(201, DRILL, *CHANGING),
)
async def start(front: InFront, actor: InActor, body: DrillWanted) -> DrillShown:
    """Call people out as if it were real, plainly marked as a drill. For leaders, managers and contacts."""
    for each in body.buildings:
        must(actor, Right.MEASURE, each)
    command = StartDrill(body.person, tuple(body.buildings), body.kind, body.minutes, body.note)
    decision = await front.act(command)
    (drill,) = (each for each in decision.kept if isinstance(each, Drill))
    return _drill(front, drill)


@router.post(
    "/drills/{drill_id}/end",
    dependencies=[needs(Right.MEASURE)],
    tags=["drills"],
    responses=answers(200, DRILL, *CHANGING),
)
async def end(front: InFront, actor: InActor, drill_id: Id, body: ByPerson) -> DrillShown:
    """End a drill in all its buildings; everybody called is told."""
    running = front.desk.engine.kept(Drill).get(drill_id)
    for each in running.buildings if running is not None else ():
        must(actor, Right.MEASURE, each)
    await front.act(EndDrill(drill_id, body.person))
    found = front.desk.engine.kept(Drill).get(drill_id)
    if found is None:
        raise Rejected(404, "unknown-drill", f"there is no drill {drill_id!r}")
    return _drill(front, found)


@router.get("/response-times", tags=["people"], responses=answers(200, RESPONSE_TIMES, *READING, 422))
async def response_times(
    front: InFront, mode: Annotated[Literal["live", "drill"] | None, Query(description="only these")] = None
) -> ResponseTimesList:
    """How fast people, teams and buildings answer, go and arrive: those of your buildings."""
    kept = [each for each in front.desk.engine.kept(ResponseTimes).values() if mode in (None, each.mode.value)]
    site, knows = front.desk.site, front.knows()
    kept = [each for each in kept if _is_seen(front, site, each, knows)]
    kept.sort(key=lambda each: (SUBJECTS.index(each.what), each.subject, each.mode))
    return ResponseTimesList(subjects=[_subject(front, each) for each in kept])


def _is_seen(front: Front, site: Site, times: ResponseTimes, knows: Callable[[str], bool]) -> bool:
    if times.what == "building":
        return front.sees(times.subject)
    if times.what == "team":
        team = site.teams.get(times.subject)
        return front.actor.buildings is None or (team is not None and all(map(knows, members(team))))
    return knows(times.subject)


def _drill(front: Front, drill: Drill) -> DrillShown:
    view, site = front.view, front.desk.site
    incidents = {each.building: each.id for each in front.desk.engine.incidents.values() if each.route.id == drill.id}
    return DrillShown(
        id=drill.id,
        kind=drill.kind,
        person=view.who(drill.person),
        note=drill.note,
        started_at=view.stamp(drill.started_at_ms),
        ends_at=view.stamp(drill.ends_at_ms),
        ended_at=view.maybe(drill.ended_at_ms),
        buildings=[
            DrilledBuilding(
                building=each,
                building_name=site.buildings[each].name if each in site.buildings else each,
                incident=incidents.get(each),
            )
            for each in drill.buildings
        ],
    )


def _subject(front: Front, times: ResponseTimes) -> SubjectTimed:
    return SubjectTimed(
        what=times.what,
        id=times.subject,
        name=_name(front.desk.site, times),
        mode=times.mode,
        calls=times.calls,
        called=times.called,
        answered=times.answered,
        cannot=times.cannot,
        silent=times.silent,
        answer_s=_seconds(times.typical_ms("answer_ms")),
        going_s=_seconds(times.typical_ms("going_ms")),
        arrived_s=_seconds(times.typical_ms("arrived_ms")),
        quorum_s=_seconds(times.typical_ms("quorum_ms")),
        latest=[_call(front, each) for each in times.latest],
    )


def _name(site: Site, times: ResponseTimes) -> str:
    """The subject's name; its id once it has left the site."""
    kinds: Mapping[str, Mapping[str, Person | Team | Building]] = {
        "person": site.people,
        "team": site.teams,
        "building": site.buildings,
    }
    named = kinds[times.what].get(times.subject)
    return times.subject if named is None else named.name


def _call(front: Front, call: Call) -> CallTimed:
    return CallTimed(
        incident=call.incident,
        told_at=front.view.stamp(call.told_at_ms),
        called=call.called,
        answered=call.answered,
        cannot=call.cannot,
        answer_s=_seconds(call.answer_ms),
        going_s=_seconds(call.going_ms),
        arrived_s=_seconds(call.arrived_ms),
        quorum_s=_seconds(call.quorum_ms),
    )


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
