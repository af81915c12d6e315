"""Trends, inspections and what is due, under /api/v1."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from collector.access.actor import Right
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.front import Front, InFront
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rights import needs
from collector.alerter.upkeepshapes import (
    DUE_LIST,
    INSPECTION,
    TREND,
    DueList,
    DueShown,
    InspectionDone,
    InspectionShown,
    PressureTrendShown,
    SmokeTrendShown,
    TrendShown,
)
from collector.alerter.upkeepwords import drift_words, leak_words
from collector.commands import Inspected
from collector.equipment.chamber import Chamber
from collector.equipment.cylinder import Cylinder
from collector.equipment.duedates import Due, Inspection, Standing, inspected_on
from collector.equipment.smoke import judge_drift
from config.site import Device

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.SEE)])


@router.get("/devices/{device_id}/trend", tags=["devices"], responses=answers(200, TREND, *READING, 404, 422))
async def trend(
    front: InFront,
    device_id: Id,
    detector: Annotated[int | None, Query(ge=0, le=199, description="of a panel: the detector's number")] = None,
) -> TrendShown:
    """What changes slowly: an extinguisher's pressure at 20 °C, or the dirt in a smoke detector."""
    device, engine = _installed(front, device_id), front.desk.engine
    cylinder, chamber = engine.cylinders.cylinder(device_id), engine.chambers.chamber(device_id, detector)
    if cylinder is not None and detector is None:
        return _pressure(front, device, cylinder)
    if chamber is None:
        raise Rejected(404, "no-trend", f"device {device_id!r} has nothing here of which a trend could be told")
    return _smoke(front, chamber)


@router.get("/due", tags=["devices"], responses=answers(200, DUE_LIST, *READING, 422))
async def due(front: InFront, days: Annotated[int, Query(ge=0, le=3660, description="so far ahead")] = 90) -> DueList:
    """Inspections and replacements that are due within so many days, and all that are overdue."""
    now = front.clock()
    until = front.desk.site.local(now).date() + timedelta(days=days)
    found = [each for each in front.desk.engine.due_dates.due(now) if each.on <= until and _seen(front, each.device)]
    return DueList(due=[_due(front, each) for each in found])


@router.get("/devices/{device_id}/inspection", tags=["devices"], responses=answers(200, INSPECTION, *READING, 404, 422))
async def inspection(front: InFront, device_id: Id) -> InspectionShown:
    """When a device was inspected last, and what is due of it."""
    return inspection_of(front, _installed(front, device_id))


@router.post(
    "/devices/{device_id}/inspection",
    dependencies=[needs(Right.MEASURE)],
    tags=["people"],
    responses=answers(200, INSPECTION, *CHANGING),
)
async def inspect(front: InFront, device_id: Id, body: InspectionDone) -> InspectionShown:
    """A person has inspected a device. Repeating it changes nothing."""
    device = _installed(front, device_id)
    await front.act(Inspected(device_id, body.person, body.on))
    return inspection_of(front, device)


def _seen(front: Front, device_id: str) -> bool:
    device = front.desk.site.devices.get(device_id)
    return device is not None and front.sees(device.place.building)


def _installed(front: Front, device_id: str) -> Device:
    device = front.desk.site.devices.get(device_id)
    if device is None or not front.sees(device.place.building):
        raise Rejected(404, "unknown-device", f"the site has no device {device_id!r}")
    return device


def _pressure(front: Front, device: Device, cylinder: Cylinder) -> TrendShown:
    assert device.upkeep is not None  # or it would be no cylinder
    now, cylinders = front.clock(), front.desk.engine.cylinders
    present, leak = cylinder.now(now), cylinder.leak(device.upkeep, now)
    below = cylinders.below_on(cylinder, leak, now)
    shown = PressureTrendShown(
        pressure_kpa=cylinder.pressure_kpa,
        temperature_c=cylinder.temperature_c,
        pressure_at_20c_kpa=_rounded(present.kpa),
        at_20c_from_kpa=_rounded(present.low_kpa),
        at_20c_to_kpa=_rounded(present.high_kpa),
        cause=present.cause,
        verdict=leak.verdict,
        slope_kpa_per_month=_rounded(leak.slope_kpa_per_month),
        uncertainty_kpa_per_month=_rounded(leak.uncertainty_kpa_per_month),
        days_of_data=leak.days_of_data,
        days_needed=leak.days_needed,
        below_limit_kpa=None if below is None else below[0].value,
        below_limit_on=None if below is None else below[1],
    )
    words = leak_words(leak, None if below is None else (below[0].value, below[1]))
    return TrendShown(device=device.id, detector=None, text=words, pressure=shown, smoke=None)


def _smoke(front: Front, chamber: Chamber) -> TrendShown:
    now, chambers = front.clock(), front.desk.engine.chambers
    drift, level, clean_by = judge_drift(chamber.days), chambers.level(chamber), chambers.clean_by(chamber, now)
    shown = SmokeTrendShown(
        obscuration_db_m=chamber.value,
        clean_air_db_m=_rounded(chamber.clean_db_m, 4),
        learnt=chamber.is_learnt,
        rising_since=front.view.maybe(chamber.since_ms),
        contamination_percent=_rounded(chamber.percent),
        own_drift_percent=chamber.own_percent,
        level=None if level is None else level.name.lower().replace("_", "-"),
        percent_per_month=_rounded(drift.percent_per_month, 2),
        uncertainty_per_month=_rounded(drift.uncertainty_per_month, 2),
        days_of_data=drift.days_of_data,
        days_needed=drift.days_needed,
        clean_by=clean_by,
    )
    words = drift_words(level, drift, clean_by)
    return TrendShown(device=chamber.device, detector=chamber.detector, text=words, pressure=None, smoke=shown)


def inspection_of(front: Front, device: Device) -> InspectionShown:
    """When a device was inspected last, by whom, and what is due of it."""
    engine = front.desk.engine
    told = engine.kept(Inspection).get(device.id)
    last = inspected_on(device, told)
    by_person = told is not None and told.on == last
    return InspectionShown(
        device=device.id,
        inspected_on=last,
        inspected_by=front.view.who(told.person) if told is not None and by_person else None,
        due=[_due(front, each) for each in engine.due_dates.due(front.clock()) if each.device == device.id],
    )


def _due(front: Front, due: Due) -> DueShown:
    building = front.desk.site.devices[due.device].place.building
    where = front.view.where(building, due.device)
    return DueShown(device=due.device, where=where, task=due.task, on=due.on, standing=Standing(due.standing))


def _rounded(value: float | None, digits: int = 1) -> float | None:
    """None also for a bound that is not known."""
    return None if value is None or not math.isfinite(value) else round(value, digits)
