"""How a browser wants its pages to look: its language and its theme, kept in two cookies that say nothing else.

Choosing is a plain link to `/look`, so that it works without JavaScript and before signing in. It changes nothing
but that browser's own cookies.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response

THEMES = ("system", "light", "dark", "wall")  # wall: dark and large, and the board is the wall display
LANGUAGE_COOKIE, THEME_COOKIE = "callpoint-language", "callpoint-theme"
KEPT_S = 365 * 86400
QUERY_FIELDS_MAX = 20
_HERE = re.compile(r"/(?!/)[A-Za-z0-9._~/?=&%+-]{0,300}")

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Look:
    """What one request says of it. `here`: the page that is asked for, without a language in its query."""

    theme: str = "system"
    here: str = "/"

    @property
    def schemes(self) -> str:
        """What the browser may colour its own parts in."""
        return {"system": "light dark", "light": "light"}.get(self.theme, "dark")


LOOK: ContextVar[Look] = ContextVar("look")  # of the request at hand


def look_of(path: str, query: bytes, cookies: str) -> Look:
    """From a request's path, query and Cookie header; what is unknown or strange is left out."""
    theme = cookie_parser(cookies).get(THEME_COOKIE, "")
    pairs = parse_qsl(query.decode("latin-1"))[:QUERY_FIELDS_MAX]
    asked = urlencode([(name, value) for name, value in pairs if name != "lang"])
    return Look(theme if theme in THEMES else "system", own_page(f"{path}?{asked}" if asked else path))


def own_page(following: str) -> str:
    """A page of ours, never somebody else's."""
    return following if _HERE.fullmatch(following) else "/"


@router.api_route("/look", methods=["GET", "HEAD"])
async def choose(request: Request) -> Response:
    """Keep `lang` or `theme` in a cookie and go back to `next`."""
    asked = request.query_params
    response = RedirectResponse(own_page(asked.get("next", "/")), 303)
    wanted = ((LANGUAGE_COOKIE, asked.get("lang"), ("zh", "en")), (THEME_COOKIE, asked.get("theme"), THEMES))
    for cookie, value, known in wanted:
        if value is not None and value in known:
            response.set_cookie(cookie, value, KEPT_S, secure=request.url.scheme == "https", samesite="lax")
    return response
