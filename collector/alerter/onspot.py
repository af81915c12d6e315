"""What somebody who goes wants to know beside what and where: a sketch, the evidence, water near, curves, notes.

The same for a phone's page and for the board's. Nothing here keeps a page waiting or from being shown: a history or
store that does not answer at once leaves its part out, and says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from collector.alarms.incident import Incident
from collector.alarms.route import Mode
from collector.alerter.catalogue import say
from collector.alerter.curves import SPAN_MS, CurveShown, curve_of, worth_drawing
from collector.alerter.front import Front
from collector.alerter.models import ConditionShown, EntryShown
from collector.alerter.sketch import sketch
from collector.drawings.coordinates import to_gcj02
from collector.messages.onsite import evidence, water
from collector.storage.history import HistoryDown
from collector.storage.store import StoreFailed
from config.people import Language
from config.profile import Kind
from config.site import Building

HISTORY_WITHIN_S = 0.5
SIGHTINGS_SHOWN_MAX = 40
STORY_MAX = 1_000  # lines of the timeline that are looked through


@dataclass(frozen=True, slots=True)
class Sighting:
    """A note or a photo. `photo` None: a note; `number` counts the photos; `kept`: it can still be looked at."""

    at: datetime
    name: str
    text: str
    photo: str | None
    number: int
    kept: bool


async def on_spot(
    front: Front, incident: Incident, conditions: list[ConditionShown], language: Language, curves_max: int
) -> dict[str, Any]:
    """The facts of the template `onspot.html`. `conditions`: the incident's, worst first."""
    site, around = front.desk.site, front.desk.engine.alarms.values()
    alarms = [each for each in (front.desk.engine.alarms.get(shown.key) for shown in conditions) if each is not None]
    fire = incident.kind is Kind.FIRE
    real = incident.route.mode is not Mode.DRILL
    building = site.buildings.get(incident.building)
    curves, sightings = await asyncio.gather(
        _curves(front, conditions, language, curves_max if incident.open else 0), _sightings(front, incident)
    )
    return {
        "sketch": sketch(site, incident.building, conditions, around, language),
        "evidence": evidence(site, alarms, language, front.clock()) if fire and real and incident.open else [],
        "water": water(site, incident.building, alarms, around, language) if fire and incident.open else [],
        "curves": curves,
        "sightings": sightings,
        "routes": routes_to(building) if building is not None else [],
    }


def routes_to(building: Building) -> list[tuple[str, str]]:
    """Links that a phone opens itself, as (message, URL). Amap's map is in GCJ-02, the others take WGS-84."""
    latitude, longitude = f"{building.latitude:.6f}", f"{building.longitude:.6f}"
    north, east = to_gcj02(building.latitude, building.longitude)
    amap = urlencode(
        {"position": f"{east:.6f},{north:.6f}", "name": building.name, "coordinate": "gaode", "callnative": "1"}
    )
    label = quote(building.name, safe="")
    osm = f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=18/{latitude}/{longitude}"
    return [
        ("route-app", f"geo:{latitude},{longitude}?q={latitude},{longitude}({label})"),
        ("route-amap", f"https://uri.amap.com/marker?{amap}"),
        ("route-osm", osm),
    ]


async def _curves(front: Front, conditions: list[ConditionShown], language: Language, at_most: int) -> list[CurveShown]:
    now, found = front.clock(), []

    def clock(at_ms: int) -> str:
        return front.view.stamp(at_ms).strftime("%H:%M")

    chosen = worth_drawing(front.desk.site, [each.key for each in conditions], at_most) if at_most else []
    try:
        async with asyncio.timeout(HISTORY_WITHIN_S):
            for device, point in chosen:
                # What was told before still holds at the beginning of the half hour: a heartbeat further back.
                since_ms = now - SPAN_MS - int(point.register.heartbeat_s * 1000)
                values = await front.desk.history.recent(device.id, point.name, since_ms)
                found.append(curve_of(device, point, values, now, clock, language))
    except (TimeoutError, HistoryDown):
        for device, point in chosen[len(found) :]:
            text = say(language, "curve-unreadable", what=point.text[language])
            found.append(CurveShown(device.id, point.text[language], "", text))
    return found


async def _sightings(front: Front, incident: Incident) -> list[Sighting]:
    """The notes and photos of an incident, newest first."""
    if not incident.notes and not incident.photos:
        return []
    try:
        entries = await front.desk.store.entries(incident.id, STORY_MAX)
        kept = await front.photos.known(incident.id)
    except StoreFailed:
        return []
    shown = [front.view.entry(each) for each in entries if each.event in ("noted", "photographed")]
    return [_sighting(each, incident, kept) for each in reversed(shown)][:SIGHTINGS_SHOWN_MAX]


def _sighting(entry: EntryShown, incident: Incident, kept: frozenset[str]) -> Sighting:
    photo, name = entry.facts.get("photo"), entry.person.name if entry.person else ""
    number = incident.photos.index(photo) + 1 if photo in incident.photos else 0
    return Sighting(entry.at, name, entry.facts.get("text", ""), photo, number, photo in kept)
