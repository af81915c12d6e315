"""Elevators under /api/v1: the list by urgency, one with its log, a service told, and the end of a rescue."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter

from collector.access.actor import Right
from collector.alerter import examples
from collector.alerter.api import CHANGING, READING, Id, detail
from collector.alerter.elevatorshapes import (
    ELEVATOR,
    ELEVATORS,
    ElevatorList,
    ElevatorShown,
    FreedSaid,
    LogShown,
    RescuedShown,
    ServiceDue,
    ServiceSaid,
    ServiceShown,
)
from collector.alerter.front import Front, InFront
from collector.alerter.models import IncidentDetail
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rescues import shown
from collector.alerter.rights import needs
from collector.commands import Freed, Serviced
from collector.equipment.keepers import contractor_of
from collector.equipment.liftlog import LiftLog, figures
from collector.equipment.rescue import Rescue, limit_ms
from collector.equipment.service import LEVELS, ServiceDone, age_years, due_on, last_done, rank
from config.site import Device
from config.upkeep import Service

HOUR_MS = 3_600_000

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.SEE)])


@router.get("/elevators", tags=["elevators"], responses=answers(200, ELEVATORS, *READING))
async def elevators(front: InFront) -> ElevatorList:
    """Every elevator, the one that wants care most urgently first; of equals the oldest."""
    return ElevatorList(elevators=elevators_shown(front))


def elevators_shown(front: Front) -> list[ElevatorShown]:
    """Those that whoever makes the request may see, in that order."""
    site = front.desk.site
    lifts = [each for each in site.devices.values() if site.profiles[each.profile].category == "lift"]
    lifts = [each for each in lifts if front.sees(each.place.building)]
    found = [elevator_of(front, each) for each in lifts]
    found.sort(key=lambda each: (-each.rank, each.commissioned or date.max, each.device))
    return found


@router.get("/devices/{device_id}/elevator", tags=["elevators"], responses=answers(200, ELEVATOR, *READING, 404, 422))
async def elevator(front: InFront, device_id: Id) -> ElevatorShown:
    """One elevator: its log, its rescues, its maintenance."""
    return elevator_of(front, _lift(front, device_id))


@router.post(
    "/devices/{device_id}/services",
    dependencies=[needs(Right.MEASURE)],
    tags=["elevators"],
    responses=answers(200, ELEVATOR, *CHANGING),
)
async def serviced(front: InFront, device_id: Id, body: ServiceSaid) -> ElevatorShown:
    """A service was done. For the contractor, a leader or the manager; telling it again changes nothing."""
    device = _lift(front, device_id)
    await front.act(Serviced(device_id, body.level, body.on, body.person))
    return elevator_of(front, device)


@router.post(
    "/incidents/{incident_id}/freed",
    dependencies=[needs(Right.ANSWER)],
    tags=["elevators"],
    responses=answers(200, examples.DETAIL, *CHANGING),
)
async def freed(front: InFront, incident_id: Id, body: FreedSaid) -> IncidentDetail:
    """Somebody on site says that the people in an elevator are free. Without it an entrapment cannot be reset."""
    found = await front.incident(incident_id)
    if found is None or not front.seen([found]):
        raise Rejected(404, "unknown-incident", f"there is no incident {incident_id!r}")
    await front.act(Freed(incident_id, body.person, body.device))
    return await detail(front, incident_id)


def _lift(front: Front, device_id: str) -> Device:
    site = front.desk.site
    device = site.devices.get(device_id)
    if device is None or not front.sees(device.place.building):
        raise Rejected(404, "unknown-device", f"the site has no device {device_id!r}")
    if site.profiles[device.profile].category != "lift":
        raise Rejected(404, "no-elevator", f"device {device_id!r} is no elevator")
    return device


def elevator_of(front: Front, device: Device) -> ElevatorShown:
    """An elevator with its log, its rescues and its maintenance."""
    view, site, engine, now = front.view, front.desk.site, front.desk.engine, front.clock()
    today = site.local(now).date()
    done = [each for each in engine.kept(ServiceDone).values() if each.device == device.id]
    log = engine.kept(LiftLog).get(device.id)
    contractor = contractor_of(site, device.id)
    commissioned = device.lift.commissioned if device.lift is not None else None
    return ElevatorShown(
        device=device.id,
        registration=device.registration,
        where=view.where(device.place.building, device.id),
        contractor=None if contractor is None else view.who(contractor),
        commissioned=commissioned,
        age_years=None if commissioned is None else age_years(commissioned, today),
        rank=rank(site, device, done, log, now),
        rescue_s=limit_ms(site, device.id) / 1000,
        rescues=[shown(front, each) for each in engine.kept(Rescue).values() if each.device == device.id],
        services=[_due(device, done, level, today) for level in LEVELS],
        served=[
            ServiceShown(level=each.level, on=each.on, by=view.who(each.person), said_at=view.stamp(each.said_at_ms))
            for each in sorted(done, key=lambda each: (each.on, each.said_at_ms), reverse=True)
        ],
        log=None if log is None else _log(front, log, now),
    )


def _due(device: Device, done: list[ServiceDone], level: Service, today: date) -> ServiceDue:
    last = last_done(device, done, level)
    due = None if last is None else due_on(last, level)
    return ServiceDue(level=level, last_on=last, due_on=due, days_left=None if due is None else (due - today).days)


def _log(front: Front, log: LiftLog, now: int) -> LogShown:
    view, found = front.view, figures(log, now)
    down_ms = log.down_ms + (0 if log.down_since_ms is None else max(0, now - log.down_since_ms))
    return LogShown(
        since=view.stamp(log.since_ms),
        trips=log.trips,
        door_cycles=log.door_cycles,
        run_h=log.run_s / 3600,
        jumps=log.jumps,
        faults=log.faults,
        down_h=down_ms / HOUR_MS,
        entrapments=log.entrapments,
        faults_per_thousand_trips=found.faults_per_thousand_trips,
        mean_time_between_failures_h=found.mean_time_between_failures_h,
        availability=found.availability,
        rescues=[
            RescuedShown(
                raised_at=view.stamp(each.raised_at_ms),
                arrived_s=(each.arrived_at_ms - each.raised_at_ms) / 1000,
                freed_s=(each.freed_at_ms - each.raised_at_ms) / 1000,
                freed_by=view.who(each.freed_by),
            )
            for each in log.rescues
        ],
    )
