"""The page of what is disabled and what is tested: who, why, until when, and what a walk test has shown."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.alerter.front import InFront
from collector.alerter.measures import disablements_shown, walk_tests_shown

router = APIRouter(include_in_schema=False)


@router.api_route("/measures", methods=["GET", "HEAD"])
async def measures(request: Request, front: InFront) -> Response:
    """Everything at a glance; changing is the API's."""
    return front.pages.page(
        "measures.html",
        front.language(request),
        front.now(),
        disablements=disablements_shown(front),
        tests=walk_tests_shown(front),
    )
