"""What who goes needs besides what and where: the evidence, the way in, water and extinguishers, what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from collector.alarms.alarm import Alarm
from collector.alarms.extent import extent_of
from collector.alarms.incident import Incident
from collector.alarms.route import Mode
from collector.locale.catalogues import say as catalogued
from collector.messages.advice import advice
from collector.messages.evidence import is_confirmed, witnesses
from collector.messages.nearby import near
from collector.messages.phrases import PHRASES
from collector.messages.wording import alarm_place, condition_words, moment, one_line, place_brief, place_words
from config.people import Language
from config.profile import Kind
from config.site import Site

WITNESSES_SHOWN_MAX = 4
BUILDINGS_SHOWN_MAX = 5


def for_responders(
    site: Site, incident: Incident, alarms: Sequence[Alarm], around: Collection[Alarm], language: Language, now: int
) -> list[str]:
    """The lines, as they are needed in time. `alarms`: the incident's, worst first; `around`: all there are."""
    fire = incident.kind is Kind.FIRE and incident.route.mode is not Mode.DRILL
    lines = evidence(site, alarms, language, now) if fire else []
    lines += getting_in(site, incident.building, language)
    if incident.kind is Kind.FIRE:
        lines += water(site, incident.building, alarms, around, language)
    condition = alarms[0].condition if alarms else incident.condition
    return lines + list(advice(incident.kind, condition, language))


def getting_in(site: Site, building_id: str, language: Language) -> list[str]:
    """The gate code and how to get in."""
    building, say = site.buildings.get(building_id), PHRASES[language]
    if building is None:
        return []
    lines = [say.gate_code.format(text=one_line(building.gate_code))] if building.gate_code else []
    return lines + ([say.access.format(text=one_line(building.access, 300))] if building.access else [])


def unwatched(site: Site, alarms: Sequence[Alarm], language: Language) -> list[str]:
    """Which buildings nobody watches while these troubles last."""
    say, names, devices = PHRASES[language], dict[str, None](), 0
    for alarm in alarms:
        extent = extent_of(site, alarm.device, alarm.point) if alarm.source_active else None
        if extent is not None:
            devices += extent.devices
            names.update(dict.fromkeys(site.buildings[each].name for each in extent.buildings))
    if not names:
        return []
    shown = [one_line(name, 40) for name in list(names)[:BUILDINGS_SHOWN_MAX]]
    if len(names) > BUILDINGS_SHOWN_MAX:
        shown.append(catalogued(language, "notice/more_buildings", n=len(names) - BUILDINGS_SHOWN_MAX))
    return [say.unwatched.format(devices=devices, buildings=len(names), names=say.listed.join(shown))]


def evidence(site: Site, alarms: Sequence[Alarm], language: Language, now: int) -> list[str]:
    """Which sources say so, each with its place and time; or that there is only one detector so far."""
    say, found = PHRASES[language], witnesses(site, alarms)
    if not found:
        return []
    said = []
    for alarm in found[:WITNESSES_SHOWN_MAX]:
        place = alarm_place(site, alarm)
        what = condition_words(site, alarm.key, alarm.device, alarm.point, language)
        at = moment(alarm.raised_at_ms, now, site.zone) or say.unknown_time
        said.append(" ".join(filter(None, [place_brief(place, language) if place else "", what, at])))
    if len(found) > WITNESSES_SHOWN_MAX:
        said.append(say.more.format(count=len(found) - WITNESSES_SHOWN_MAX))
    how = say.confirmed_by if is_confirmed(site, alarms) else say.unconfirmed
    return [how.format(text=say.listed.join(said))]


def water(
    site: Site, building: str, alarms: Sequence[Alarm], around: Collection[Alarm], language: Language
) -> list[str]:
    """The hydrants and extinguishers near it, and what is wrong with them."""
    say, place = PHRASES[language], alarm_place(site, alarms[0]) if alarms else None
    found = near(site, building, place.floor if place is not None else 1, around)
    lines = []
    for hydrant, line in ((True, say.hydrants), (False, say.extinguishers)):
        said = []
        for each in (each for each in found if each.hydrant is hydrant):
            elsewhere = each.device.place.building != building
            name = one_line(site.buildings[each.device.place.building].name, 40) if elsewhere else ""
            known = each.condition
            state = say.well if known is None else condition_words(site, known.key, known.device, known.point, language)
            where = " ".join(filter(None, [name, place_words(each.device.place, language)]))
            said.append(where + say.brackets.format(text=state))
        if said:
            lines.append(line.format(text=say.listed.join(said)))
    return lines
