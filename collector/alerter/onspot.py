"""What somebody who goes wants to know beside what and where: a sketch, the evidence, water near, curves, notes.

The same for a phone's page and for the board's. Nothing here keeps a page waiting or from being shown: a history or
store that does not answer at once leaves its part out, and says so.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

from collector.alarms.incident import Incident
from collector.alarms.route import Mode
from collector.alerter.curves import SPAN_MS, CurveShown, worth_drawing
from collector.alerter.front import Front
from collector.alerter.models import ConditionShown
from collector.alerter.plots import read_curves
from collector.alerter.sightings import Sighting, sightings_in
from collector.alerter.sketch import sketch
from collector.drawings.coordinates import to_gcj02
from collector.messages.onsite import evidence, water
from collector.storage.store import StoreFailed
from config.people import Language
from config.profile import Kind
from config.site import Building

HISTORY_WITHIN_S = 0.5
SIGHTINGS_SHOWN_MAX = 40
STORY_MAX = 1_000  # lines of the timeline that are looked through


async def on_spot(
    front: Front, incident: Incident, conditions: list[ConditionShown], language: Language, curves_max: int
) -> dict[str, Any]:
    """The facts of the template `onspot.html`. `conditions`: the incident's, worst first."""
    site, around = front.desk.site, front.desk.engine.alarms.values()
    alarms = [each for each in (front.desk.engine.alarms.get(shown.key) for shown in conditions) if each is not None]
    fire = incident.kind is Kind.FIRE
    real = incident.route.mode is not Mode.DRILL
    building, now = site.buildings.get(incident.building), front.clock()
    curves, sightings = await asyncio.gather(
        curves_in(front, conditions, language, curves_max if incident.open else 0, (now - SPAN_MS, now)),
        sightings_of(front, incident, SIGHTINGS_SHOWN_MAX),
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


async def curves_in(
    front: Front, conditions: list[ConditionShown], language: Language, at_most: int, span: tuple[int, int]
) -> list[CurveShown]:
    """The curves of what an incident is about, in a span (UTC ms); what cannot be read at once says so."""
    chosen = worth_drawing(front.desk.site, [each.key for each in conditions], at_most) if at_most else []
    return await read_curves(front, chosen, language, span, HISTORY_WITHIN_S)


async def sightings_of(front: Front, incident: Incident, at_most: int) -> list[Sighting]:
    """The newest notes and photos of an incident, newest first; none if the store does not answer."""
    if not incident.notes and not incident.photos:
        return []
    try:
        entries = await front.desk.store.entries(incident.id, STORY_MAX)
        kept = await front.photos.known(incident.id)
    except StoreFailed:
        return []
    shown = [front.view.entry(each) for each in entries]
    return sightings_in(shown, incident, kept)[::-1][:at_most]
