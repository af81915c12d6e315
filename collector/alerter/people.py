"""People and how they can be reached, under /api/v1."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from collector.access.actor import Right
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.erasing import erase_person
from collector.alerter.front import Front, InFront
from collector.alerter.models import ByPerson
from collector.alerter.openapi import answers
from collector.alerter.peopleshapes import (
    ERASED,
    PEOPLE,
    PERSON,
    EraseAsked,
    Erased,
    PeopleList,
    PersonShown,
    ReachShown,
)
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs
from collector.calls.reach import DAY_MS, LastTest, Reached, addresses, fault_of, is_proven, proof_days
from collector.commands import TestReach
from collector.messages.phrases import PHRASES
from config.people import Person

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.SEE)])


@router.get("/people", tags=["people"], responses=answers(200, PEOPLE, *READING))
async def people(front: InFront) -> PeopleList:
    """Everybody who can be called in your buildings, and whether they can be reached."""
    shown, knows = [], front.knows()
    for number, person in enumerate(front.desk.site.people.values()):
        if number % 50 == 49:
            await asyncio.sleep(0)  # a long list must not hold an alarm up
        if knows(person.id):
            shown.append(_person(front, person))
    return PeopleList(people=shown)


@router.post(
    "/people/{person_id}/test",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, PERSON, *CHANGING),
)
async def test(front: InFront, person_id: Id, body: ByPerson) -> PersonShown:
    """Send a test message over each of a person's channels; `person` asks for it: they, a leader, or a contact."""
    person = front.desk.site.people.get(person_id)
    if person is None:
        raise Rejected(404, "unknown-person", f"the site has no person {person_id!r}")
    await front.act(TestReach(person_id, body.person))
    return _person(front, person)


@router.post(
    "/people/{person_id}/erase",
    dependencies=[needs(Right.PEOPLE)],
    tags=["people"],
    responses=answers(200, ERASED, *CHANGING),
)
async def erase(front: InFront, actor: InActor, person_id: Id, body: EraseAsked) -> Erased:
    """Erase a person for good, also one who is no longer listed: off the list, and out of every row of the store.

    Refused while the site folder names them or something open does. Numbers stay, under a name that leads to nobody.
    Asked again after a failure, it goes on where it stopped.
    """
    rows = await erase_person(front, actor, person_id, body.asked_by)
    return Erased(rows=sum(rows.values()), tables=rows)


def _person(front: Front, person: Person) -> PersonShown:
    site, view, now = front.desk.site, front.view, front.clock()
    known, tested = front.desk.engine.kept(Reached), front.desk.engine.kept(LastTest).get(person.id)
    fault = fault_of(site, known, person.id, now)
    return PersonShown(
        id=person.id,
        name=person.name,
        teams=[team.id for team in site.teams.values() if person.id in (team.leader, *team.members)],
        language=site.language_of(person),
        channels=[
            ReachShown(
                channel=channel,
                rings=rings,
                works=reached is None or reached.works,
                proven=reached is not None and is_proven(reached, proof_days(site) * DAY_MS, now),
                delivered_at=None if reached is None else view.maybe(reached.delivered_at_ms),
                failed_at=None if reached is None else view.maybe(reached.failed_at_ms),
                error=None if reached is None else reached.error or None,
            )
            for channel, rings, reached in addresses(site, known, person.id)
        ],
        fault=fault,
        fault_text=None if fault is None else {language: say.faults[fault] for language, say in PHRASES.items()},
        tested_at=None if tested is None else view.stamp(tested.at_ms),
    )
