"""My account: the devices that are signed in, a password, a language. And a lost phone of somebody of one's team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from collector.access.accounts import Account, BadAccount, account_of_person, may_rule
from collector.access.actor import Actor, Right
from collector.access.passwords import CHARACTERS_MIN, check_password
from collector.access.sessions import Session
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs
from collector.calls.authority import leads
from config.people import Language

LANGUAGES: dict[str, Language | None] = {"": None, "zh": "zh", "en": "en"}

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.SEE)])


@router.api_route("/account", methods=["GET", "HEAD"])
async def mine(request: Request, front: InFront, actor: InActor) -> Response:
    """For who has signed in; a token and this machine itself have no account."""
    account = await front.register.account(actor.account) if actor.role is not None else None
    if account is None:
        return RedirectResponse("/sign-in", 303)
    return await _mine(request, front, account)


@router.post("/account")
async def change(request: Request, front: InFront, actor: InActor) -> Response:
    """By the button that was pressed: sign one device out, all others, set or remove a password, a language."""
    form = await read_form(request, actor, fields_max=8)
    session, account = request.state.session, await front.register.account(actor.account)
    if session is None or account is None:
        return RedirectResponse("/sign-in", 303)
    pressed, register = _text(form, "action"), front.register
    try:
        if pressed == "sign-out":
            await register.sign_out(account.id, actor, only=_text(form, "device"))
        elif pressed == "sign-out-others":
            await register.sign_out(account.id, actor, but=session.id)
        elif pressed == "password":
            await _set_password(front, actor, account, session, form)
        elif pressed == "no-password":
            gone = replace(account, password=None)
            await register.change(account.id, actor, lambda _: gone, "password-removed")
        elif pressed == "language" and _text(form, "language") in LANGUAGES:
            spoken = replace(account, language=LANGUAGES[_text(form, "language")])
            await register.change(account.id, actor, lambda _: spoken, "language-changed")
        else:
            raise BadAccount("action", "bad-action", "one of the buttons of the page")
    except BadAccount as bad:
        return await _mine(request, front, account, bad)
    return RedirectResponse(f"/account?done={pressed}", 303)


async def _set_password(front: Front, actor: Actor, account: Account, session: Session, form: FormData) -> None:
    """The present one is asked for again, so that a phone left lying about gives nobody a lasting key."""
    given, community = _text(form, "password"), front.desk.site.community
    if account.password is not None:
        present = _text(form, "present")
        if not front.sign_in_pace.allows(f"present {account.id}", front.clock()):
            raise BadAccount("present", "password-too-fast", "a minute's patience")
        if not await front.signing.passwords.matches(present, account.password):
            raise BadAccount("present", "password-present", "the password that you have now")
    if given != _text(form, "again"):
        raise BadAccount("again", "password-again", "the same twice")
    check_password(given, (account.id, account.name, community.id, *community.name.values()))
    kept = replace(account, password=await front.signing.passwords.hash(given), failures=0)
    await front.register.change(account.id, actor, lambda _: kept, "password-set")
    await front.register.sign_out(account.id, actor, but=session.id)


async def _mine(request: Request, front: Front, account: Account, bad: BadAccount | None = None) -> Response:
    return front.pages.page(
        "myaccount.html",
        front.language(request),
        front.now(),
        200 if bad is None else 422,
        account=account.public,
        devices=_devices(front, await front.register.sessions(account.id), request.state.session),
        bad=bad,
        done=request.query_params.get("done", ""),
        characters_min=CHARACTERS_MIN,
    )


def _devices(front: Front, sessions: Sequence[Session], this: Session | None) -> list[dict[str, object]]:
    return [
        {
            "id": each.id,
            "name": each.device,
            "seen_at": front.view.stamp(each.seen_at_ms),
            "this": this is not None and each.id == this.id,
        }
        for each in sessions
    ]


# --- a lost phone ---------------------------------------------------------------------------------------------------


@router.api_route("/people/{person}/devices", methods=["GET", "HEAD"], dependencies=[needs(Right.ROSTER)])
async def devices(request: Request, front: InFront, actor: InActor, person: str) -> Response:
    """The devices of somebody whose leader or manager asks."""
    account = await _theirs(front, actor, person)
    sessions = [] if account is None else await front.register.sessions(account.id)
    return front.pages.page(
        "devicesof.html",
        front.language(request),
        front.now(),
        person=front.view.who(person),
        devices=_devices(front, sessions, request.state.session),
        done=request.query_params.get("done", ""),
    )


@router.post("/people/{person}/devices", dependencies=[needs(Right.ROSTER)])
async def lost(request: Request, front: InFront, actor: InActor, person: str) -> Response:
    """A phone is lost: it is signed out, and nothing more is pushed to it. Without one named, all of them."""
    form = await read_form(request, actor, fields_max=4)
    account = await _theirs(front, actor, person)
    if account is not None:
        await front.register.sign_out(account.id, actor, only=_text(form, "device") or None)
    return RedirectResponse(f"/people/{person}/devices?done=sign-out", 303)


async def _theirs(front: Front, actor: Actor, person: str) -> Account | None:
    """The account of a person; None if they have never signed in. Raises Rejected for who may not ask."""
    site = front.desk.site
    if person not in site.people:
        raise Rejected(404, "not-found", f"the site has no person {person[:80]!r}")
    account = await front.register.account_of(person)
    teams = [team.id for team in site.teams.values() if person in (team.leader, *team.members)]
    leading = actor.person is not None and any(leads(site, team, actor.person) for team in teams)
    would_be = account or account_of_person(site, person, 0)
    ruling = actor.may(Right.ACCOUNTS) and would_be is not None and may_rule(actor, site, would_be)
    if not (leading or ruling or actor.speaks_for_all or actor.person == person):
        raise Rejected(403, "not-authorised", "this is for the person, their team's leader, or who rules their account")
    return account


def _text(form: FormData, field: str) -> str:
    value = form.get(field, "")
    return value[:200] if isinstance(value, str) else ""
