"""Signing in to a public board: the token once in a form, then a signed cookie that allows reading only."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.alerter.front import Front, InFront
from collector.alerter.guard import COOKIE, COOKIE_VALID_S
from config.people import Language

_OWN_PAGE = re.compile(r"/(incident/[A-Za-z0-9._-]{1,64})?")

router = APIRouter(include_in_schema=False)


@router.api_route("/enter", methods=["GET", "HEAD"])
async def enter(request: Request, front: InFront) -> Response:
    """Asks for the token."""
    return _form(front, front.language(request), request.query_params.get("next", "/"), 200)


@router.post("/enter")
async def entered(request: Request, front: InFront) -> Response:
    """Right: a cookie, and on to the page that was asked for. Wrong: the form again, at a bounded pace."""
    form = await request.form()
    token, following, asked = (str(form.get(name, "")) for name in ("token", "next", "lang"))
    language: Language = "en" if asked == "en" else "zh" if asked == "zh" else front.language(request)
    client = request.client.host if request.client else ""
    if not front.sign_in_pace.allows(client, front.clock()):
        return front.pages.plain(language, front.now(), 429, "too-many", "too-many-text")
    if not front.guard.is_token(token.strip()):
        return _form(front, language, following, 403)
    response = RedirectResponse(f"{_own(following)}?lang={language}", 303)
    secure = request.url.scheme == "https"
    cookie = front.guard.make_cookie(front.clock())
    response.set_cookie(COOKIE, cookie, COOKIE_VALID_S, secure=secure, httponly=True, samesite="strict")
    return response


def _form(front: Front, language: Language, following: str, status: int) -> Response:
    facts = {"next": _own(following), "wrong": status != 200}
    return front.pages.page("enter.html", language, front.now(), status, **facts)


def _own(following: str) -> str:
    """A page of ours, never somebody else's."""
    return following if _OWN_PAGE.fullmatch(following) else "/"
