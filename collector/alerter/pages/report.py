"""The report of an incident: a page to be printed, and the same as PDF."""

from __future__ import annotations

from functools import partial
from sqlite3 import Connection

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right, Role
from collector.alerter.api import detail
from collector.alerter.front import Front, InFront
from collector.alerter.incidentreport import Report, write
from collector.alerter.paper import PressBusy
from collector.alerter.problems import Rejected
from collector.alerter.rights import needs
from collector.storage.store import StoreFailed
from config.people import Language

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
        content = await front.press.print(report, language)
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
    return write(front.desk.site, found, shown, lines, front.now(), language, named=_named(request, front))


def _may_name(front: Front) -> bool:
    """Whoever is a viewer of the board sees what happened, and takes no list of names home."""
    return front.actor.role is not Role.VIEWER


def _named(request: Request, front: Front) -> bool:
    return _may_name(front) and request.query_params.get("names") != "no"


def _counted(connection: Connection, incident: str) -> dict[str, int]:
    """How many lines of each event the timeline of an incident has: a page shows the newest only."""
    sql = "SELECT json_extract(body, '$.event'), count(*) FROM entries WHERE incident = ? GROUP BY 1"
    return dict(connection.execute(sql, (incident,)).fetchall())
