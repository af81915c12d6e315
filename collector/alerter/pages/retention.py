"""What is kept, for how long, and why: for everybody who is in it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right
from collector.alerter.front import InFront
from collector.alerter.rights import needs
from collector.storage.retention import rules

router = APIRouter(include_in_schema=False)


@router.api_route("/kept", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def kept(request: Request, front: InFront) -> Response:
    """A row for each rule of the site's plan, and what has no rule because it ends by itself."""
    rows = [(rule.what, rule.days) for rule in rules(front.desk.site.plan.retention)]
    return front.pages.page("kept.html", front.language(request), front.now(), rows=rows)
