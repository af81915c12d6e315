"""Who is on duty and who is away, under /api/v1."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from collector.access.actor import Right
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.front import Front, InFront
from collector.alerter.models import ByPerson, Who
from collector.alerter.openapi import answers
from collector.alerter.rights import needs
from collector.alerter.rostershapes import (
    ABSENCE,
    ABSENCES,
    ROSTER,
    AbsenceList,
    AbsenceShown,
    AbsenceWanted,
    DutyShown,
    RosterShown,
    TeamShown,
)
from collector.calls.roster import Away, Duty, members
from collector.commands import Back, SayAway

HOUR_MS = 3_600_000

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.SEE)])


@router.get("/roster", tags=["people"], responses=answers(200, ROSTER, *READING, 422))
async def roster(
    front: InFront,
    hours: Annotated[int, Query(ge=1, le=336, description="how far ahead the coming shifts are listed")] = 24,
) -> RosterShown:
    """Who is on duty now in each team of your buildings, who is not, and the shifts to come."""
    site, known, now, knows = front.desk.site, front.desk.engine.roster, front.clock(), front.knows()
    coming: dict[str, list[Duty]] = {}
    for duty in known.coming(now, now + hours * HOUR_MS):
        coming.setdefault(duty.team, []).append(duty)
    return RosterShown(
        at=front.view.stamp(now),
        teams=[
            TeamShown(
                id=team.id,
                name=team.name,
                leader=front.view.who(team.leader),
                on_duty=_all(front, known.on_duty(team.id, now)),
                off_duty=_all(front, known.off_duty(team.id, now)),
                away=_all(front, [person for person in members(team) if known.away(person, now)]),
                coming=[_duty(front, duty) for duty in coming.get(team.id, ())],
            )
            for team in site.teams.values()
            if all(map(knows, members(team))) or front.actor.person in members(team)
        ],
    )


@router.get("/absences", tags=["people"], responses=answers(200, ABSENCES, *READING))
async def absences(front: InFront) -> AbsenceList:
    """Who of your buildings is away now or will be, as declared by the site or said since."""
    now, knows = front.clock(), front.knows()
    found = front.desk.engine.roster.absences()
    return AbsenceList(absences=[_absence(front, each) for each in found if each.until_ms > now and knows(each.person)])


@router.post(
    "/absences",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    status_code=201,
    responses=answers(201, ABSENCE, *CHANGING),
)
async def away(front: InFront, body: AbsenceWanted) -> AbsenceShown:
    """Somebody will not be there, or somebody else takes their duty: they are not called meanwhile."""
    command = SayAway(
        body.person, body.by, _ms(body.from_at), _ms(body.until_at), body.substitute, body.reason, body.swap
    )
    decision = await front.act(command)
    (said,) = (each for each in decision.kept if isinstance(each, Away))
    return _absence(front, said)


@router.post(
    "/absences/{absence_id}/end",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, ABSENCES, *CHANGING),
)
async def back(front: InFront, absence_id: Id, body: ByPerson) -> AbsenceList:
    """Somebody is back, or does not go. The answer is what is left."""
    await front.act(Back(absence_id, body.person))
    return await absences(front)


def _all(front: Front, people: list[str]) -> list[Who]:
    return [front.view.who(person) for person in people]


def _duty(front: Front, duty: Duty) -> DutyShown:
    begins_at, ends_at = front.view.stamp(duty.begins_ms), front.view.stamp(duty.ends_ms)
    return DutyShown(shift=duty.shift, begins_at=begins_at, ends_at=ends_at, people=_all(front, list(duty.people)))


def _absence(front: Front, away: Away) -> AbsenceShown:
    view, declared = front.view, not away.said_by
    return AbsenceShown(
        id=away.id,
        person=view.who(away.person),
        from_at=view.stamp(away.from_ms),
        until_at=view.stamp(away.until_ms),
        holds=away.holds(front.clock()),
        substitute=view.who(away.substitute) if away.substitute is not None else None,
        swap=away.swap,
        reason=away.reason,
        declared=declared,
        said_by=None if declared else view.who(away.said_by),
        said_at=None if declared else view.stamp(away.said_at_ms),
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
