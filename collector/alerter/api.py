"""REST under /api/v1: what the engine knows, and the commands of people. Errors are problem details."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from collector.access.actor import Right
from collector.alarms.measures import Disablement, Untils, WalkTest, untils
from collector.alerter import examples
from collector.alerter.front import Front, InFront
from collector.alerter.models import (
    LONGEST_ID,
    AnswerGiven,
    ByPerson,
    DeviceList,
    DeviceShown,
    IncidentDetail,
    IncidentList,
    LedgerList,
    LedgerShown,
    PointHistory,
    ValueThen,
)
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rescues import rescues_of
from collector.alerter.rights import needs
from collector.alerter.view import by_device
from collector.commands import Acknowledge, Answered, Command, FalseAlarm, NeedMore, Reset, StandDown
from collector.storage.history import HistoryDown
from collector.storage.ledger import balance, notes
from config.site import Device

ENTRIES_MAX = 1000
READING = (401, 403, 503)  # the problems that any operation may end in
CHANGING = (400, *READING, 404, 409, 413, 422)

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.SEE)])
Id = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.get("/incidents", tags=["incidents"], responses=answers(200, examples.INCIDENT_LIST, *READING, 422))
async def incidents(
    front: InFront,
    state: Annotated[Literal["open", "all"], Query(description="open ones, or also closed ones")] = "open",
    limit: Annotated[int, Query(ge=1, le=500, description="at most so many")] = 100,
) -> IncidentList:
    """Incidents, newest first."""
    if state == "all":
        found = front.seen(await front.desk.store.incidents(limit))
    else:
        open_ones = front.seen(front.desk.engine.incidents.values())
        found = sorted(open_ones, key=lambda incident: incident.id, reverse=True)[:limit]
    return IncidentList(incidents=[front.view.incident(each, front.desk.engine.alarms) for each in found])


@router.get("/incidents/{incident_id}", tags=["incidents"], responses=answers(200, examples.DETAIL, *READING, 404, 422))
async def incident(front: InFront, incident_id: Id) -> IncidentDetail:
    """One incident with its conditions, answers, notices with their attempts, and timeline."""
    return await detail(front, incident_id)


@router.post(
    "/incidents/{incident_id}/answers",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, examples.DETAIL, *CHANGING),
)
async def answer(front: InFront, incident_id: Id, body: AnswerGiven) -> IncidentDetail:
    """A person says going, arrived or cannot. Repeating it changes nothing."""
    return await _act(front, incident_id, Answered(incident_id, body.person, body.answer))


@router.post(
    "/incidents/{incident_id}/acknowledgement",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, examples.DETAIL, *CHANGING),
)
async def acknowledge(front: InFront, incident_id: Id, body: ByPerson) -> IncidentDetail:
    """A person has seen it: repeats to them stop."""
    return await _act(front, incident_id, Acknowledge(incident_id, body.person))


@router.post(
    "/incidents/{incident_id}/reset",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, examples.DETAIL, *CHANGING),
)
async def reset(front: InFront, incident_id: Id, body: ByPerson) -> IncidentDetail:
    """Unlatch what is back to normal. For leader, manager or somebody who has arrived; never while in alarm."""
    return await _act(front, incident_id, Reset(incident_id, body.person))


@router.post(
    "/incidents/{incident_id}/stand-down",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, examples.DETAIL, *CHANGING),
)
async def stand_down(front: InFront, incident_id: Id, body: ByPerson) -> IncidentDetail:
    """The leader ends the call-out: nobody else is called."""
    return await _act(front, incident_id, StandDown(incident_id, body.person))


@router.post(
    "/incidents/{incident_id}/false-alarm",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, examples.DETAIL, *CHANGING),
)
async def false_alarm(front: InFront, incident_id: Id, body: ByPerson) -> IncidentDetail:
    """A person says it is a false alarm. From somebody there it ends the call; from anybody else it is shown."""
    return await _act(front, incident_id, FalseAlarm(incident_id, body.person))


@router.post(
    "/incidents/{incident_id}/need-more",
    dependencies=[needs(Right.ANSWER)],
    tags=["people"],
    responses=answers(200, examples.DETAIL, *CHANGING),
)
async def need_more(front: InFront, incident_id: Id, body: ByPerson) -> IncidentDetail:
    """Somebody who is going or there needs more people: the next are called at once, though enough were going."""
    return await _act(front, incident_id, NeedMore(incident_id, body.person))


@router.get("/devices", tags=["devices"], responses=answers(200, examples.DEVICE_LIST, *READING))
async def devices(front: InFront) -> DeviceList:
    """Every device with its state; the values of a panel's detectors are at the device itself."""
    engine, now = front.desk.engine, front.clock()
    alarms, aside = by_device(engine.alarms.values()), aside_of(front)
    shown = []
    for number, each in enumerate(front.desk.site.devices.values()):
        if number % 50 == 49:
            await asyncio.sleep(0)  # a long list must not hold an alarm up
        if front.sees(each.place.building):
            shown.append(
                front.view.device(each, engine.devices.get(each.id), alarms.get(each.id, []), now, False, aside)
            )
    return DeviceList(devices=shown)


@router.get("/devices/{device_id}", tags=["devices"], responses=answers(200, examples.DEVICE, *READING, 404, 422))
async def device(front: InFront, device_id: Id) -> DeviceShown:
    """One device with all its values."""
    engine, installed = front.desk.engine, _installed(front, device_id)
    alarms = by_device(engine.alarms.values()).get(device_id, [])
    return front.view.device(installed, engine.devices.get(device_id), alarms, front.clock(), True, aside_of(front))


@router.get(
    "/devices/{device_id}/history",
    tags=["devices"],
    responses=answers(200, examples.POINT_HISTORY, *READING, 404, 422),
)
async def history(
    front: InFront,
    device_id: Id,
    point: Annotated[str, Query(min_length=1, max_length=LONGEST_ID, description="as in the device's values")],
    minutes: Annotated[int, Query(ge=1, le=44_640, description="how far back")] = 60,
) -> PointHistory:
    """What one point of a device said, from the history. 503 while the history is down."""
    installed = _installed(front, device_id)
    found = next((each for each in front.desk.site.points(installed) if each.name == point), None)
    if found is None:
        raise Rejected(404, "unknown-point", f"device {device_id!r} has no point {point!r}")
    try:
        values = await front.desk.history.recent(device_id, point, front.clock() - minutes * 60_000)
    except HistoryDown as error:
        raise Rejected(503, "history-down", f"the history cannot be read now; try again ({error})") from error
    return PointHistory(
        device=device_id,
        point=point,
        text=found.text,
        unit=found.register.unit,
        values=[ValueThen(at=front.view.stamp(at_ms), value=value) for at_ms, value in values],
    )


def aside_of(front: Front) -> Untils:
    """Which devices are disabled or tested now, and until when."""
    engine = front.desk.engine
    return untils(front.desk.site, engine.kept(Disablement).values(), engine.kept(WalkTest).values())


def _installed(front: Front, device_id: str) -> Device:
    installed = front.desk.site.devices.get(device_id)
    if installed is None or not front.sees(installed.place.building):
        raise Rejected(404, "unknown-device", f"the site has no device {device_id!r}")
    return installed


@router.get(
    "/ledger", tags=["system"], dependencies=[needs(Right.TECHNICAL)], responses=answers(200, examples.LEDGER, *READING)
)
async def ledger(front: InFront) -> LedgerList:
    """The account of every gateway and lane, from journal to history, by independent counts."""
    return LedgerList(
        rows=[
            LedgerShown(
                gateway=row.gateway,
                lane=row.lane.value,
                appended=row.appended,
                dropped=row.dropped,
                in_journal=row.in_journal,
                committed=row.committed,
                in_history=row.in_history,
                spooled=row.spooled,
                journal=row.epoch,
                mistakes=balance(row),
                notes=notes(row),
            )
            for row in await front.desk.ledger()
        ]
    )


async def detail(front: Front, incident_id: str) -> IncidentDetail:
    """Everything about an incident. Raises Rejected if there is none for whoever asks."""
    found = await front.incident(incident_id)
    store = front.desk.store
    told = [] if found is None else await store.notices(incident_id)
    called = front.actor.person is not None and any(notice.person == front.actor.person for notice in told)
    if found is None or not (called or front.seen([found])):
        raise Rejected(404, "unknown-incident", f"there is no incident {incident_id!r}")
    notices = [(notice, await store.attempts(notice.id)) for notice in told]
    entries = await store.entries(incident_id, ENTRIES_MAX)
    shown = front.view.detail(found, front.desk.engine.alarms, notices, entries)
    return shown.model_copy(update={"rescues": rescues_of(front, found)})


async def _act(front: Front, incident_id: str, command: Command) -> IncidentDetail:
    found = await front.incident(incident_id)
    if found is None or not front.seen([found]):
        raise Rejected(404, "unknown-incident", f"there is no incident {incident_id!r}")
    await front.act(command)
    return await detail(front, incident_id)
