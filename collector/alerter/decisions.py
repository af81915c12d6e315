"""The log of decisions over the API: what was decided, newest first, with the reason of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from collector.access.actor import Right
from collector.alerter import technicalexamples as examples
from collector.alerter.front import Front, InFront
from collector.alerter.models import LONGEST_ID
from collector.alerter.openapi import answers
from collector.alerter.rights import needs
from collector.alerter.technicalshapes import DecisionList, DecisionShown
from collector.messages.reasons import sentence
from collector.storage.decisionlog import Line, Wanted, find_decisions
from collector.storage.records import INT64_MAX
from config.profile import Condition

READING = (401, 403, 503)
LINES_MAX = 200
TURNS_MAX = 10  # at the store's reader for one answer: others, an alarm's sender among them, come in between
# What is about people and not about the installation: for who may see rosters.
ABOUT_PEOPLE = ("said-away", "said-back", "reach-tested", "left-the-book", "person-erased", "book-changed")

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.TECHNICAL)])
OfId = Query(max_length=LONGEST_ID)


@router.get("/decisions", tags=["system"], responses=answers(200, examples.DECISION_LIST, *READING, 422))
async def decisions(
    front: InFront,
    building: Annotated[str | None, OfId] = None,
    incident: Annotated[str | None, OfId] = None,
    person: Annotated[str | None, OfId] = None,
    condition: Annotated[
        Condition | None, Query(alias="class", description="the highest class of the incident it belongs to")
    ] = None,
    before: Annotated[int | None, Query(ge=1, le=INT64_MAX, description="read on from here")] = None,
    limit: Annotated[int, Query(ge=1, le=LINES_MAX, description="at most so many")] = 50,
) -> DecisionList:
    """What the engine has decided, across all incidents, with the reason of each decision; newest first."""
    return await decisions_of(front, Wanted(building, incident, person, condition, before), limit)


async def decisions_of(front: Front, wanted: Wanted, limit: int) -> DecisionList:
    """Those of what is wanted that are for whoever asks. Raises StoreFailed."""
    actor = front.actor
    wanted = Wanted(
        wanted.building,
        wanted.incident,
        wanted.person,
        wanted.condition,
        wanted.before,
        actor.buildings,
        () if actor.may(Right.ROSTER) else ABOUT_PEOPLE,
    )
    devices_in: dict[str, list[str]] = {}
    for device in front.desk.site.devices.values():
        devices_in.setdefault(device.place.building, []).append(device.id)
    knows = front.knows()
    if wanted.person is not None and not knows(wanted.person):
        return DecisionList(decisions=[], before=None)
    lines, before = list[Line](), wanted.before
    for _ in range(TURNS_MAX):
        rest = partial(find_decisions, wanted=replace(wanted, before=before), devices_in=devices_in)
        found, before = await front.desk.store.read(partial(rest, limit=limit - len(lines)))
        lines += found
        if before is None or len(lines) == limit:
            break
    return DecisionList(decisions=[_shown(front, line, knows) for line in lines], before=before)


def _shown(front: Front, line: Line, knows: Callable[[str], bool]) -> DecisionShown:
    entry = line.entry
    if entry.person is not None and not knows(entry.person):
        entry = replace(entry, person=None)
    shown = front.view.entry(entry)
    device = front.desk.site.devices.get(entry.device or "")
    return DecisionShown(
        **shown.model_dump(),
        number=line.number,
        incident=entry.incident,
        building=line.building or (device.place.building if device else None),
        sentence=sentence(entry),
    )
