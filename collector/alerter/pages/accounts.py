"""The pages of accounts: who may sign in, as what, where; a link to sign in; shutting somebody out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from collector.access.accounts import Account, Area, BadAccount, buildings_of, may_rule, role_of, tidy_name
from collector.access.actor import RIGHTS, Actor, Right, Role
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs

NAME_CHARACTERS_MAX = 80
AREA_IDS_MAX = 200

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.ACCOUNTS)])


@dataclass(frozen=True, slots=True)
class Row:
    """An account of the list. `where` None: the whole community."""

    account: Account
    role: Role | None
    person: str | None
    where: int | None
    mine: bool  # to change


@router.api_route("/accounts", methods=["GET", "HEAD"])
async def accounts(request: Request, front: InFront, actor: InActor) -> Response:
    """Everybody who has an account; who is only on the site's list gets one when they first sign in."""
    site, rows = front.desk.site, []
    for each in await front.register.accounts():
        theirs, known = buildings_of(site, each), site.people.get(each.person or "")
        if actor.buildings is None or (theirs is not None and theirs & actor.buildings):
            name = known.name if known is not None else None
            where = None if theirs is None else len(theirs)
            rows.append(Row(each, role_of(site, each), name, where, may_rule(actor, site, each)))
    return front.pages.page(
        "accounts.html", front.language(request), front.now(), rows=rows, done=request.query_params.get("done", "")
    )


@router.api_route("/accounts/new", methods=["GET", "HEAD"])
async def new(request: Request, front: InFront, actor: InActor) -> Response:
    """The form of a new account."""
    return _form(request, front, actor, None, _typed_of(None))


@router.post("/accounts/new")
async def add(request: Request, front: InFront, actor: InActor) -> Response:
    """Add it, and show the link that signs in to it, this once."""
    typed = _typed(await read_form(request, actor, fields_max=12))
    try:
        account = _changed(front, Account(tidy_name(typed["id"]), ""), typed)
        account = await front.register.add(account, actor)
        link = await front.register.hand_link(account.id, actor)
    except BadAccount as bad:
        return _form(request, front, actor, None, typed, bad)
    return _link(request, front, account, link)


@router.api_route("/accounts/{name}", methods=["GET", "HEAD"])
async def one(request: Request, front: InFront, actor: InActor, name: str) -> Response:
    """One account, its devices, and its form."""
    account = await _account(front, actor, name)
    return await _one(request, front, actor, account, _typed_of(account))


@router.post("/accounts/{name}")
async def change(request: Request, front: InFront, actor: InActor, name: str) -> Response:
    """By the button that was pressed: save, link, sign-out, disable or enable."""
    form = await read_form(request, actor, fields_max=12)
    account, typed, pressed = await _account(front, actor, name), _typed(form), form.get("action")
    now = front.clock()
    try:
        if pressed == "link":
            return _link(request, front, account, await front.register.hand_link(account.id, actor))
        if pressed == "sign-out":
            _check_rules(front, actor, account)
            await front.register.sign_out(account.id, actor)
        elif pressed in ("disable", "enable"):
            at_ms, what = (now, "account-disabled") if pressed == "disable" else (None, "account-enabled")
            await front.register.change(account.id, actor, lambda each: replace(each, disabled_at_ms=at_ms), what)
        elif pressed == "save":
            await front.register.change(account.id, actor, partial(_changed, front, typed=typed), "account-changed")
        else:
            raise BadAccount("action", "bad-action", "one of the buttons of the page")
    except BadAccount as bad:
        return await _one(request, front, actor, account, typed, bad)
    return RedirectResponse(f"/accounts?done={quote(str(pressed))}", 303)


async def _account(front: Front, actor: Actor, name: str) -> Account:
    found = await front.register.account(name[:200])
    if found is not None and actor.buildings is not None:
        theirs = buildings_of(front.desk.site, found)
        found = found if theirs is not None and theirs & actor.buildings else None
    if found is None:
        raise Rejected(404, "not-found", f"there is no account {name[:80]!r}")
    return found


def _check_rules(front: Front, actor: Actor, account: Account) -> None:
    if account.id != actor.account and not may_rule(actor, front.desk.site, account):
        raise BadAccount("role", "not-authorised", "no rights or buildings beyond your own")


def _changed(front: Front, account: Account, typed: dict[str, str]) -> Account:
    """The account as the form wants it. Raises BadAccount that names the field."""
    site = front.desk.site
    if typed["role"] not in ("", *Role):
        raise BadAccount("role", "bad-role", "one of the roles")
    if typed["person"] and typed["person"] not in site.people:
        raise BadAccount("person", "no-such-person", "the id of somebody on the site's list, or nothing")
    if not typed["role"] and not typed["person"]:
        raise BadAccount("role", "role-needed", "a role, or a person whose role the site's list says")
    named = [each for each in re.split(r"[\s,;，；、]+", typed["buildings"]) if each]
    unknown = [each for each in named if each not in site.buildings and each not in site.grid]
    if unknown or len(named) > AREA_IDS_MAX:
        raise BadAccount("buildings", "no-such-building", "ids of buildings and grid cells of the site")
    if typed["area"] not in ("own", "whole"):
        raise BadAccount("area", "bad-area", "one of the two")
    area = Area(
        whole=typed["area"] == "whole",
        buildings=tuple(each for each in named if each in site.buildings),
        cells=tuple(each for each in named if each in site.grid and each not in site.buildings),
    )
    person = typed["person"] or None
    title = " ".join(typed["title"].split()) or (site.people[person].name if person else account.id)
    role = Role(typed["role"]) if typed["role"] else None
    return replace(account, name=title[:NAME_CHARACTERS_MAX], role=role, person=person, area=area)


def _typed(form: FormData) -> dict[str, str]:
    found = {}
    for field in ("id", "title", "role", "person", "area", "buildings"):
        value = form.get(field, "")
        found[field] = value.strip()[: 8000 if field == "buildings" else 200] if isinstance(value, str) else ""
    return found


def _typed_of(account: Account | None) -> dict[str, str]:
    if account is None:
        return {"id": "", "title": "", "role": "responder", "person": "", "area": "own", "buildings": ""}
    return {
        "id": account.id,
        "title": account.name,
        "role": account.role or "",
        "person": account.person or "",
        "area": "whole" if account.area.whole else "own",
        "buildings": " ".join((*account.area.buildings, *account.area.cells)),
    }


async def _one(
    request: Request,
    front: Front,
    actor: Actor,
    account: Account,
    typed: dict[str, str],
    bad: BadAccount | None = None,
) -> Response:
    sessions = [(each.device, front.view.stamp(each.seen_at_ms)) for each in await front.register.sessions(account.id)]
    rule = account.id == actor.account or may_rule(actor, front.desk.site, account)
    return _form(request, front, actor, account, typed, bad, sessions=sessions, rule=rule)


def _form(
    request: Request,
    front: Front,
    actor: Actor,
    account: Account | None,
    typed: dict[str, str],
    bad: BadAccount | None = None,
    **facts: Any,
) -> Response:
    status = 200 if bad is None else 403 if bad.reason == "not-authorised" else 422
    facts = {"sessions": [], "rule": True, **facts}
    return front.pages.page(
        "account.html",
        front.language(request),
        front.now(),
        status,
        account=account,
        typed=typed,
        roles=[each.value for each in Role if RIGHTS[each] <= actor.rights],
        bad=bad,
        **facts,
    )


def _link(request: Request, front: Front, account: Account, link: str) -> Response:
    """The link, this once: it is kept nowhere, so it stands in no address and a page of it is asked for anew."""
    url = f"{front.desk.site.plan.board_url.rstrip('/')}/sign-in/link/{link}"
    return front.pages.page("accountlink.html", front.language(request), front.now(), account=account, url=url)
