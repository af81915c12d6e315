"""The board, for a desk and for the wall, its static files, and the map of the site."""

from __future__ import annotations

import gzip

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from collector.access.actor import Right
from collector.alerter.front import InFront
from collector.alerter.pages.look import LOOK, Look
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs

SQUEEZED_FROM = 4096  # bytes; less is not worth the time
SQUEEZE = 4  # gzip's level: a board of 986 buildings in 2 ms

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def board(request: Request, front: InFront, actor: InActor) -> Response:
    """The whole page; its script then keeps it live. `view=wall`, or the theme for the wall: nobody touches it."""
    language = front.language(request)
    glance = await front.glances.of(actor, language)
    wall = request.query_params.get("view", LOOK.get(Look()).theme) == "wall"
    page = front.pages.page(
        "board.html",
        language,
        front.now(),
        community=front.desk.site.community.name,
        wall=wall,
        blocks=Markup("".join(glance.text(None))),
        glance=glance.id,
    )
    return _squeezed(request, page)


@router.api_route("/fragment/board", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def fragment(request: Request, front: InFront, actor: InActor) -> Response:
    """For the script: what is different from the rendering that it `have`s, everything if that is forgotten."""
    language = front.language(request)
    glance = await front.glances.of(actor, language)
    before = front.glances.known(actor, language, request.query_params.get("have", ""))
    blocks = Markup("".join(glance.text(before)))
    text = front.pages.text("board_fragment.html", language, front.now(), blocks=blocks, glance=glance.id)
    return _squeezed(request, HTMLResponse(text))


@router.api_route("/map", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def site_map(front: InFront) -> Response:
    """The picture of the community that the site brings along. As an image it runs nothing, opened alone neither."""
    drawn, picture = front.desk.site.community.map, front.desk.site.map_picture
    if drawn is None or picture is None:
        raise Rejected(404, "not-found", "the site has no map")
    headers = {
        "Cache-Control": "private, max-age=3600",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return Response(picture, headers=headers, media_type="image/svg+xml" if drawn.file.endswith("svg") else "image/png")


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static(front: InFront, name: str) -> Response:
    """A style sheet, the script or the icon."""
    found = front.pages.static(name)
    if found is None:
        raise Rejected(404, "not-found", f"there is no file {name[:80]!r}")
    return found


def _squeezed(request: Request, response: Response) -> Response:
    """A long page in fewer bytes, for who takes them: a slow line is the rule on a phone."""
    body = bytes(response.body)
    if len(body) >= SQUEEZED_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        response.body = gzip.compress(body, SQUEEZE)
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response
