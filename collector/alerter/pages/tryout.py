"""The description of the API as a page on which every call can be tried, without the internet.

Swagger UI comes as files of a Python package. The page runs with the rights of whoever has signed in, and what a
call changes passes the same guard as from anywhere else.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right
from collector.alerter.front import InFront
from collector.alerter.problems import Rejected
from collector.alerter.rights import needs

_TYPES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
# The page's own: Swagger UI draws its symbols from data in its style sheet.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.TECHNICAL)])


@router.api_route("/api/v1/docs", methods=["GET", "HEAD"])
async def page(request: Request, front: InFront) -> Response:
    """The page."""
    shown = front.pages.page("tryout.html", front.language(request), front.now())
    shown.headers["Content-Security-Policy"] = _CSP
    return shown


@router.api_route("/api/v1/docs/{name}", methods=["GET", "HEAD"])
async def file(request: Request, name: str) -> Response:
    """A file of Swagger UI."""
    if name not in _TYPES:
        raise Rejected(404, "not-found", f"there is no file {name[:80]!r}")
    squeezed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Cache-Control": "private, max-age=86400", "Vary": "Accept-Encoding"}
    if squeezed:
        headers["Content-Encoding"] = "gzip"
    return Response(_content(name, squeezed), headers=headers, media_type=_TYPES[name])


@cache
def _content(name: str, squeezed: bool) -> bytes:
    content = (files("fastapi_swagger") / "resources" / name).read_bytes()
    return gzip.compress(content) if squeezed else content
