"""The page of all elevators: which wants care first, who is in one, how well they run, when they are due."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right
from collector.alerter.elevators import elevators_shown
from collector.alerter.front import InFront
from collector.alerter.pages.devices import rows_of
from collector.alerter.rights import needs

router = APIRouter(include_in_schema=False)


@router.api_route("/elevators", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def elevators(request: Request, front: InFront) -> Response:
    """The most urgent first, as in the API."""
    language, site = front.language(request), front.desk.site
    shown = elevators_shown(front)
    rows = rows_of(front, [site.devices[each.device] for each in shown], language)
    pairs = list(zip(shown, rows, strict=True))
    return front.pages.page("elevators.html", language, front.now(), elevators=pairs)
