"""The page of the log of decisions, with the reason of each, and the page of the ledger."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right
from collector.alarms.incident import PRIORITY
from collector.alerter.decisions import decisions_of
from collector.alerter.front import InFront
from collector.alerter.models import LONGEST_ID
from collector.alerter.rights import needs
from collector.storage.decisionlog import Wanted
from collector.storage.ledger import COLUMNS, faults, remarks
from config.profile import Condition

LINES_ON_PAGE = 50

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.TECHNICAL)])


@router.api_route("/decisions", methods=["GET", "HEAD"])
async def decisions(request: Request, front: InFront) -> Response:
    """Filtered by building, incident, person and class; the newest first."""
    asked = {name: request.query_params.get(name, "")[:LONGEST_ID].strip() for name in ("incident", "person")}
    building, condition = (request.query_params.get(name, "") for name in ("building", "class"))
    buildings = [each for each in front.desk.site.buildings.values() if front.sees(each.id)]
    building = building if any(each.id == building for each in buildings) else ""
    condition = condition if condition in {each.value for each in PRIORITY} else ""
    before = request.query_params.get("before", "")
    wanted = Wanted(
        building or None,
        asked["incident"] or None,
        asked["person"] or None,
        Condition(condition) if condition else None,
        int(before) if before.isascii() and before.isdigit() and 0 < len(before) < 16 else None,
    )
    found = await decisions_of(front, wanted, LINES_ON_PAGE)
    chosen = {**asked, "building": building, "class": condition}
    return front.pages.page(
        "decisions.html",
        front.language(request),
        front.now(),
        lines=found.decisions,
        chosen=chosen,
        buildings=buildings,
        classes=[each.value for each in PRIORITY],
        older=urlencode({**{name: value for name, value in chosen.items() if value}, "before": found.before})
        if found.before is not None
        else None,
    )


@router.api_route("/ledger", methods=["GET", "HEAD"])
async def ledger(request: Request, front: InFront) -> Response:
    """The account of every report, as `callpoint ledger` gives it."""
    rows = await front.desk.ledger()
    rows.sort(key=lambda row: (not faults(row), row.gateway, row.lane.value))
    return front.pages.page(
        "ledger.html",
        front.language(request),
        front.now(),
        rows=[(row, faults(row), remarks(row)) for row in rows],
        columns=COLUMNS[2:],
        wrong=sum(bool(faults(row)) for row in rows),
    )
