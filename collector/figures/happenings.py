"""Rows that are of one thing each: an incident, a call, a rescue, a measure. Told again whenever it changes. Pure.

The time of such a row is when the thing began, its tags never change: telling it again overwrites it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from collector.alarms.alarm import first_key
from collector.alarms.incident import Incident, detector_of
from collector.alarms.measures import Disablement, Scope, WalkTest, building_of, buildings_covered, devices_of
from collector.calls.dispatch import Notice, Reason
from collector.calls.drill import Drill
from collector.calls.responsetimes import MODES, call_of, first_told
from collector.calls.roster import members
from collector.equipment.liftlog import LiftLog
from collector.equipment.rescue import Rescue, limit_ms
from collector.figures.places import name_of_building, name_of_device, of_building, of_device
from collector.figures.shapes import figure, thing_ns
from collector.locale.catalogues import say
from collector.messages.phrases import PHRASES
from collector.messages.wording import condition_words, place_brief
from collector.storage.series import Row
from config.people import Team
from config.profile import Condition, Initiating
from config.site import Place, Site
from config.words import DRILL, SYSTEM

MEASURE_KINDS = {Disablement: "disablement", WalkTest: "walk-test", Drill: "drill"}
Measure = Disablement | WalkTest | Drill


# --- incidents and calls ------------------------------------------------------------------------------


def is_told(incident: Incident) -> bool:
    """False for the incident behind a message that only tries a channel out: it is of a person, and nothing is."""
    return incident.condition is not Condition.TEST


def incident_row(site: Site, incident: Incident, notices: Sequence[Notice], now: int) -> Row:
    """An incident as it is now. `notices`: all of it, oldest first."""
    told = first_told(notices)
    call = call_of(incident, told) if told else None
    ended = incident.closed_at_ms
    false_alarm = incident.false_alarm_by is not None
    # Who looks at a first hit alone is asked, but nobody is called out.
    called_out = any(each.expects_answer and each.reason is not Reason.FIRST_HIT for each in notices)
    tags = of_building(site, incident.building) | {"kind": incident.kind.value, "mode": incident.route.mode.value}
    return figure(
        "incident",
        thing_ns(incident.opened_at_ms, incident.id),
        tags,
        {
            "id": incident.id,
            "title": title_of(site, incident),
            "teams": ", ".join(team.name for team, _ in _teams_told(site, told)),
            "cause": cause_of(site, incident) if false_alarm else None,
            "open": incident.open,
            "ended_ms": ended,
            "duration_s": ((now if ended is None else ended) - incident.opened_at_ms) / 1000,
            "false_alarm": false_alarm,
            "called_out": called_out,
            "called": None if call is None else call.called,
            "answered": None if call is None else call.answered,
            "cannot": None if call is None else call.cannot,
            "first_answer_s": None if call is None else _s(call.answer_ms),
            "quorum_s": None if call is None else _s(call.quorum_ms),
            "arrival_s": None if call is None else _s(call.arrived_ms),
        },
    )


def call_rows(site: Site, incident: Incident, notices: Sequence[Notice]) -> Iterator[Row]:
    """What became of a call-out, for each team of which somebody was asked to come."""
    if incident.route.mode not in MODES:
        return
    told = first_told(notices)
    for team, theirs in _teams_told(site, told):
        call = call_of(incident, theirs)
        tags = {"team": team.id, "kind": incident.kind.value, "mode": incident.route.mode.value}
        yield figure(
            "call",
            thing_ns(call.told_at_ms, incident.id),
            of_building(site, incident.building) | tags,
            {
                "id": incident.id,
                "team_name": team.name,
                "called": call.called,
                "answered": call.answered,
                "cannot": call.cannot,
                "first_answer_s": _s(call.answer_ms),
                "going_s": _s(call.going_ms),
                "arrival_s": _s(call.arrived_ms),
                "quorum_s": _s(call.quorum_ms),
            },
        )


def _teams_told(site: Site, told: Mapping[str, int]) -> list[tuple[Team, dict[str, int]]]:
    """The teams of which somebody was asked to come, with whom and when, the first asked first."""
    theirs = [(team, {each: told[each] for each in members(team) if each in told}) for team in site.teams.values()]
    return sorted((each for each in theirs if each[1]), key=lambda each: min(each[1].values()))


def title_of(site: Site, incident: Incident) -> str:
    """What, and where: building, floor and flat."""
    language = site.community.language
    what = PHRASES[language].kinds[incident.kind]
    place = _place_of(site, incident)
    where = "" if place is None else place_brief(place, language)
    return " ".join(filter(None, (what, name_of_building(site, incident.building), where)))


def cause_of(site: Site, incident: Incident) -> str:
    """What gave the first of its alarms: `manual-call-point`, or the category of the device's profile."""
    device, point = _source_of(incident)
    installed = site.devices.get(device)
    if installed is None:
        return device if device in (DRILL, SYSTEM) else "other"
    number = detector_of(point)
    manual = any(each.number == number and each.type == "manual-call-point" for each in installed.detectors)
    declared = site.own_points[installed.profile].get(point)
    if manual or (declared is not None and declared.initiating is Initiating.MANUAL):
        return "manual-call-point"
    return site.profiles[installed.profile].category


def _source_of(incident: Incident) -> tuple[str, str]:
    """Device and point of the first of its conditions."""
    device, _, rest = first_key(incident.alarms[0]).partition(":") if incident.alarms else ("", "", "")
    return device, rest.partition(":")[0]


def _place_of(site: Site, incident: Incident) -> Place | None:
    device, point = _source_of(incident)
    installed = site.devices.get(device)
    if installed is None:
        return None
    number = detector_of(point)
    return next((each.place for each in installed.detectors if each.number == number), installed.place)


# --- rescues ------------------------------------------------------------------------------------------


def rescue_rows(site: Site, logs: Iterable[LiftLog], under_way: Iterable[Rescue], now: int) -> Iterator[Row]:
    """Every rescue that is under way, and the newest that have ended, of each elevator."""
    for log in logs:
        for each in log.rescues:
            yield from _rescue(site, log.id, each.raised_at_ms, each.arrived_at_ms, each.freed_at_ms, now)
    for rescue in under_way:
        yield from _rescue(site, rescue.device, rescue.raised_at_ms, rescue.arrived_at_ms, rescue.freed_at_ms, now)


def _rescue(
    site: Site, device_id: str, raised_ms: int, arrived_ms: int | None, freed_ms: int | None, now: int
) -> Iterator[Row]:
    device = site.devices.get(device_id)
    if device is None:
        return
    limit, took_ms = limit_ms(site, device_id), (now if arrived_ms is None else arrived_ms) - raised_ms
    within = None if arrived_ms is None and took_ms <= limit else took_ms <= limit  # None: there is still time
    yield figure(
        "rescue",
        thing_ns(raised_ms, device_id),
        of_device(site, device),
        {
            "name": name_of_device(site, device),
            "arrived_s": None if arrived_ms is None else (arrived_ms - raised_ms) / 1000,
            "freed_s": None if freed_ms is None else (freed_ms - raised_ms) / 1000,
            "limit_s": limit / 1000,
            "within_limit": within,
        },
    )


# --- measures -----------------------------------------------------------------------------------------


def measure_rows(site: Site, measure: Measure, ended_ms: int | None) -> Iterator[Row]:
    """What people have taken out of the call-out for a time, or exercise: a row for each building of it."""
    if isinstance(measure, Disablement):
        began, until = measure.from_ms, measure.until_ms
        buildings = buildings_covered(site, measure.scope, measure.target) or {measure.building}
        devices: int | None = len(list(devices_of(site, measure)))
        what = condition_words(site, measure.key, measure.source, measure.word, site.community.language)
    elif isinstance(measure, WalkTest):
        began, until, devices = measure.from_ms, measure.until_ms, len(measure.members)
        known = [each for each in measure.members if each.partition(":")[0] in site.devices]
        buildings = {building_of(site, Scope.DEVICE, each) for each in known}
        what = say(site.community.language, "walk-tests")
    else:
        began, until, devices, buildings = measure.started_at_ms, measure.ends_at_ms, None, set(measure.buildings)
        what = say(site.community.language, "sort-drill")
    for building in sorted(buildings):
        yield figure(
            "measure",
            thing_ns(began, f"{measure.id}{building}"),
            of_building(site, building) | {"kind": MEASURE_KINDS[type(measure)]},
            {
                "id": measure.id,
                "title": f"{what} {name_of_building(site, building)}",
                "open": ended_ms is None,
                "ended_ms": ended_ms,
                "until_ms": until,
                "devices": devices,
            },
        )


def ended_row(row: Row, now: int) -> Row:
    """The row of a measure that was open, told again: it has ended by its time, or at the latest now.

    Whoever wrote it, maybe a newer version: only a row with all of its tags takes its place.
    """
    until_ms = float(row.fields.get("until_ms", now))
    return replace(row, fields={**row.fields, "open": 0.0, "ended_ms": min(until_ms, float(now))})


def ended_at(measure: Measure) -> int | None:
    """When a measure that is still kept has ended; None while it runs."""
    if isinstance(measure, WalkTest):
        return measure.ended_ms
    return measure.ended_at_ms if isinstance(measure, Drill) else None


def _s(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
