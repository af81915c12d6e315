"""The report of an incident: a page to be printed, and the same as PDF."""

from __future__ import annotations

import asyncio
from functools import partial
from sqlite3 import Connection

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right, Role
from collector.alerter.api import detail
from collector.alerter.curves import span_of_report
from collector.alerter.front import Front, InFront
from collector.alerter.incidentreport import Figure, Report, write
from collector.alerter.onspot import STORY_MAX, curves_in, sightings_of
from collector.alerter.paper import PressBusy
from collector.alerter.problems import Rejected
from collector.alerter.rights import needs
from collector.alerter.sketch import sketch
from collector.storage.store import StoreFailed
from config.people import Language

CURVES_MAX = 8

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.SEE)])


@router.api_route("/incident/{incident_id}/report", methods=["GET", "HEAD"])
async def page(request: Request, front: InFront, incident_id: str) -> Response:
    """For A4 and for a screen. `names=no`: without people's names and without what they have written."""
    language = front.language(request)
    try:
        report = await _report(request, front, incident_id, language)
    except Rejected:
        return front.pages.plain(language, front.now(), 404, "not-found", "not-found-text")
    except StoreFailed:
        return front.pages.plain(language, front.now(), 503, "not-read", "not-read-text")
    return front.pages.page(
        "report.html",
        language,
        front.now(),
        report=report,
        id=incident_id,
        named=_named(request, front),
        may_name=_may_name(front),
    )


@router.api_route("/incident/{incident_id}/report.pdf", methods=["GET", "HEAD"])
async def paper(request: Request, front: InFront, incident_id: str) -> Response:
    """The same, as a file."""
    language = front.language(request)
    try:
        report = await _report(request, front, incident_id, language)
        content = await front.press.print(report, language, await _photos(front, incident_id, report))
    except Rejected:
        return front.pages.plain(language, front.now(), 404, "not-found", "not-found-text")
    except PressBusy:
        return front.pages.plain(language, front.now(), 503, "report-busy", "report-busy-text")
    except StoreFailed:
        return front.pages.plain(language, front.now(), 503, "not-read", "not-read-text")
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="incident-{incident_id}.pdf"'}
    return Response(content, headers=headers, media_type="application/pdf")


async def _report(request: Request, front: Front, incident_id: str, language: Language) -> Report:
    shown = await detail(front, incident_id)  # first: it says who may see it
    found = await front.incident(incident_id)
    if found is None:
        raise Rejected(404, "unknown-incident", f"there is no incident {incident_id!r}")
    lines = await front.desk.store.read(partial(_counted, incident=incident_id))
    span = span_of_report(found.cause_at_ms, found.closed_at_ms, front.clock())
    curves, sightings = await asyncio.gather(
        curves_in(front, shown.conditions, language, CURVES_MAX, span), sightings_of(front, found, STORY_MAX)
    )
    around = front.desk.engine.alarms.values() if found.open else ()  # of what is over, today's troubles say nothing
    floors = sketch(front.desk.site, found.building, shown.conditions, around, language)
    figures = [Figure(floors.title, floors.svg, "; ".join(floors.lines))] if floors is not None else []
    figures += [Figure(each.title, each.svg, each.text) for each in curves]
    named = _named(request, front)
    return write(front.desk.site, found, shown, lines, front.now(), language, named, figures, list(reversed(sightings)))


async def _photos(front: Front, incident_id: str, report: Report) -> dict[str, bytes]:
    """The JPEGs of a report. Raises StoreFailed."""
    found = {each.id: await front.photos.get(incident_id, each.id) for each in report.photos}
    return {photo: jpeg for photo, jpeg in found.items() if jpeg is not None}


def _may_name(front: Front) -> bool:
    """Whoever is a viewer of the board sees what happened, and takes no list of names home."""
    return front.actor.role is not Role.VIEWER


def _named(request: Request, front: Front) -> bool:
    return _may_name(front) and request.query_params.get("names") != "no"


def _counted(connection: Connection, incident: str) -> dict[str, int]:
    """How many lines of each event the timeline of an incident has: a page shows the newest only."""
    sql = "SELECT json_extract(body, '$.event'), count(*) FROM entries WHERE incident = ? GROUP BY 1"
    return dict(connection.execute(sql, (incident,)).fetchall())
