"""Figures of equipment: elevators, what is under pressure, smoke chambers. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

from collector.engine import Engine
from collector.equipment.chamber import Chamber
from collector.equipment.duedates import Inspection, Task, dates
from collector.equipment.liftlog import LiftLog, figures
from collector.equipment.service import LEVELS, AlarmLink, ServiceDone, age_years, due_on, last_done, rank
from collector.equipment.signals import signal_number
from collector.equipment.smoke import judge_drift
from collector.equipment.trend import MONTH_DAYS
from collector.figures.places import name_of_device, of_building, of_device
from collector.figures.shapes import Plain, figure, moment_ns, named
from collector.storage.series import Row
from config.profile import SignalName
from config.site import Device, Site

HOUR_MS = 3_600_000
HYDRANT, EXTINGUISHER = "hydrant", "extinguisher"


def equipment_rows(site: Site, engine: Engine, device: Device, pre_alarms: Mapping[str, int], now: int) -> list[Row]:
    """What there is to tell of one device beside `device_row`. `pre_alarms`: how many have risen of each chamber."""
    profile = site.profiles[device.profile]
    rows: list[Row] = []
    if profile.category == "lift":
        rows.append(_elevator(site, engine, device, now))
    elif profile.category == "pressure":
        rows.append(_cylinder(site, engine, device, now))
    for number in (None, *(each.number for each in device.detectors)):
        chamber = engine.chambers.chamber(device.id, number)
        if chamber is not None:
            rows.append(_detector(site, engine, device, chamber, pre_alarms.get(chamber.member, 0), now))
    return rows


def device_row(site: Site, device: Device, online: bool | None, state: int, now: int) -> Row:
    """Any device of the site. `state` as of a building, of its own conditions."""
    return figure(
        "device",
        moment_ns(now),
        of_device(site, device),
        {**named(name_of_device(site, device), device.id), "profile": device.profile, "online": online, "state": state},
    )


def _elevator(site: Site, engine: Engine, device: Device, now: int) -> Row:
    today, log = site.local(now).date(), engine.kept(LiftLog).get(device.id)
    done = [each for each in engine.kept(ServiceDone).values() if each.device == device.id]
    lasts = {level: last_done(device, done, level) for level in LEVELS}
    due = [(due_on(last, level) - today).days for level, last in lasts.items() if last is not None]
    link = engine.kept(AlarmLink).get(device.id)
    commissioned = device.lift.commissioned if device.lift is not None else None
    fields: dict[str, Plain] = {
        **named(name_of_device(site, device), device.id),
        "age_years": None if commissioned is None else age_years(commissioned, today),
        "maintenance_rank": rank(site, device, done, log, now),
        "service_due_days": min(due, default=None),
        "alarm_link_age_h": None if link is None else max(0, now - link.proved_at_ms) / HOUR_MS,
    }
    if log is not None:
        found = figures(log, now)
        down_ms = log.down_ms + (0 if log.down_since_ms is None else max(0, now - log.down_since_ms))
        fields |= {
            "trips": log.trips,
            "door_cycles": log.door_cycles,
            "run_h": log.run_s / 3600,
            "faults": log.faults,
            "entrapments": log.entrapments,
            "down_h": down_ms / HOUR_MS,
            "availability": found.availability,
            "faults_per_thousand_trips": found.faults_per_thousand_trips,
            "mean_time_between_failures_h": found.mean_time_between_failures_h,
        }
    return figure("elevator", moment_ns(now), of_device(site, device), fields)


def _cylinder(site: Site, engine: Engine, device: Device, now: int) -> Row:
    upkeep, profile = device.upkeep, site.profiles[device.profile]
    contents = None if upkeep is None else upkeep.contents
    cylinder = engine.cylinders.cylinder(device.id)
    values = engine.devices[device.id].values
    limits = [limit for register in profile.points.values() for limit in (register.limits or {}).values()]
    fields: dict[str, Plain] = {
        **named(name_of_device(site, device), device.id),
        "pressure_kpa": signal_number(profile, values, SignalName.PRESSURE_KPA),
        "low_kpa": max((each.value for each in limits if each.when == "below"), default=None),
        "high_kpa": min((each.value for each in limits if each.when == "above"), default=None),
        **_due(device, engine, site.local(now).date()),
    }
    if cylinder is not None and upkeep is not None:
        leak = cylinder.leak(upkeep, now)
        slope, around = leak.slope_kpa_per_month, leak.uncertainty_kpa_per_month
        below = engine.cylinders.below_on(cylinder, leak, now)
        fields |= {
            "pressure_20c_kpa": _finite(cylinder.now(now).kpa),
            "slope_kpa_per_day": None if slope is None else slope / MONTH_DAYS,
            "slope_low_kpa_per_day": None if slope is None or around is None else (slope - around) / MONTH_DAYS,
            "slope_high_kpa_per_day": None if slope is None or around is None else (slope + around) / MONTH_DAYS,
            "days_until_low": None if below is None else leak.days_until(below[0].value),
            "days_of_data": leak.days_of_data,
        }
    kind = HYDRANT if contents == HYDRANT else EXTINGUISHER
    return figure("cylinder", moment_ns(now), of_device(site, device) | {"kind": kind}, fields)


def _detector(site: Site, engine: Engine, device: Device, chamber: Chamber, pre_alarms: int, now: int) -> Row:
    drift, level = judge_drift(chamber.days), engine.chambers.level(chamber)
    number = chamber.detector
    # A panel's loop may go on into another building.
    place = next((each.place for each in device.detectors if each.number == number), device.place)
    there = of_building(site, place.building) | {"detector": None if number is None else str(number)}
    return figure(
        "detector",
        moment_ns(now),
        {"device": device.id, "gateway": site.gateway_of[device.id]} | there,
        {
            **named(name_of_device(site, device, number), chamber.member),
            "clean_air_db_m": _finite(chamber.clean_db_m),
            "drift_percent_per_month": drift.percent_per_month,
            "contamination_percent": _finite(chamber.percent),
            "contamination_level": None if level is None else int(level),
            "pre_alarms": pre_alarms,
            "service_due_days": drift.clean_in_days,
            "inspection_due_days": _due(device, engine, site.local(now).date())["inspection_due_days"],
        },
    )


def _due(device: Device, engine: Engine, today: date) -> dict[str, Plain]:
    """Days until its dates; below 0 once they have passed."""
    days = {task: (on - today).days for task, on in dates(device, engine.kept(Inspection).get(device.id))}
    return {
        "inspection_due_days": days.get(Task.INSPECTION),
        "replacement_due_days": days.get(Task.REPLACEMENT),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
