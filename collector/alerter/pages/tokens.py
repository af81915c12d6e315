"""The page of API tokens: which there are, a form for a new one, and the button that ends one."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from collector.access.accounts import BadAccount
from collector.access.actor import Actor, Right
from collector.access.sessions import TOKEN_DAYS_MAX, Token, may_end
from collector.alerter.access import make_token
from collector.alerter.accessshapes import TokenWanted
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.models import LONGEST_ID
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs

NAME_CHARACTERS_MAX = 80
AREA_IDS_MAX = 1_000
DAYS_PROPOSED = 365

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.TOKENS)])


@router.api_route("/tokens", methods=["GET", "HEAD"])
async def tokens(request: Request, front: InFront, actor: InActor) -> Response:
    """The list, and the form."""
    return await _page(request, front, actor, _typed(None))


@router.post("/tokens")
async def change(request: Request, front: InFront, actor: InActor) -> Response:
    """Add a token and show it this once, or end one, by the button that was pressed."""
    form = await read_form(request, actor, fields_max=12 + len(Right))
    if form.get("action") == "end":
        name = form.get("token")
        if not await front.register.end_token(name if isinstance(name, str) else "", actor):
            return await _page(request, front, actor, _typed(None), BadAccount("token", "no-token", "one of the list"))
        return RedirectResponse("/tokens?done=ended", 303)
    typed = _typed(form)
    try:
        token, secret = await make_token(front, actor, _wanted(typed))
    except BadAccount as bad:
        return await _page(request, front, actor, typed, bad)
    return await _page(request, front, actor, _typed(None), made=token, secret=secret)


def _wanted(typed: dict[str, Any]) -> TokenWanted:
    """What the form wants. Raises BadAccount that names the field."""
    days, named = typed["days"], [each for each in re.split(r"[\s,;，；、]+", typed["buildings"]) if each]
    if not 0 < len(typed["name"]) <= NAME_CHARACTERS_MAX:
        raise BadAccount("name", "name-needed", "1 to 80 characters")
    if not typed["rights"]:
        raise BadAccount("rights", "right-needed", "at least one")
    if not (days.isascii() and days.isdigit() and len(days) < 6 and 1 <= int(days) <= TOKEN_DAYS_MAX):
        raise BadAccount("days", "bad-days", f"1 to {TOKEN_DAYS_MAX}")
    if len(named) > AREA_IDS_MAX:
        raise BadAccount("buildings", "no-such-building", "ids of buildings of the site")
    return TokenWanted(
        name=typed["name"],
        rights=[Right(each) for each in typed["rights"]],
        buildings=named or None,
        person=typed["person"][:LONGEST_ID] or None,
        days=int(days),
    )


def _typed(form: FormData | None) -> dict[str, Any]:
    """What was typed, each in one line; unknown rights are left out."""
    if form is None:
        return {"name": "", "rights": [Right.SEE.value], "buildings": "", "person": "", "days": str(DAYS_PROPOSED)}
    lines = {
        name: " ".join(text.split()) if isinstance(text := form.get(name), str) else ""
        for name in ("name", "buildings", "person", "days")
    }
    return {**lines, "rights": [each.value for each in Right if form.get(f"right-{each}")]}


async def _page(
    request: Request,
    front: Front,
    actor: Actor,
    typed: dict[str, Any],
    bad: BadAccount | None = None,
    made: Token | None = None,
    secret: str | None = None,
) -> Response:
    if bad is not None and bad.reason == "too-many-tokens":
        raise Rejected(409, bad.reason, str(bad))
    done = request.query_params.get("done")
    return front.pages.page(
        "tokens.html",
        front.language(request),
        front.now(),
        200 if bad is None else 403 if bad.reason == "not-authorised" else 422,
        rows=[
            (token, front.view.stamp(token.until_ms), None if used is None else front.view.stamp(used))
            for token, used in await front.register.tokens()
            if may_end(actor, token)
        ],
        rights=[each.value for each in Right if each in actor.rights],
        typed=typed,
        bad=bad,
        made=made,
        secret=secret,
        done=done == "ended",
    )
