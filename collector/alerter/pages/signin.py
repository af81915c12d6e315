"""Signing in, without JavaScript: by a code or link to one's own address, by password, or by the site's provider.

Opening a link changes nothing, because mail and chat programs open links by themselves: its button does.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from collector.access.register import SignedIn
from collector.access.secret import new_secret
from collector.access.sessions import SIGN_IN_MS, Fault, SignInRefused, device_name
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.pages.look import own_page
from collector.alerter.provider import UNDER_WAY_MS, ProviderFailed
from collector.alerter.rights import InActor
from collector.alerter.signing import TooFast
from config.people import Language

ASKED_COOKIE = "callpoint-asked"
PROVIDER_COOKIE = "callpoint-provider"
TYPED_CHARACTERS_MAX = 200

router = APIRouter(include_in_schema=False)


@router.api_route("/enter", methods=["GET", "HEAD"])
async def enter(request: Request) -> Response:
    """Where signing in was once."""
    return RedirectResponse(f"/sign-in?{urlencode({'next': own_page(request.query_params.get('next', '/'))})}", 303)


@router.api_route("/sign-in", methods=["GET", "HEAD"])
async def sign_in(request: Request, front: InFront) -> Response:
    """Who are you? And three ways to show it."""
    return _page(request, front)


@router.post("/sign-in/send")
async def send(request: Request, front: InFront, actor: InActor) -> Response:
    """A link and a code go to the person's own address, if there is such a person; the answer is the same."""
    form = await read_form(request, actor, fields_max=4)
    asked = new_secret()
    try:
        front.signing.ask(_typed(form, "name"), asked, _client(request))
    except TooFast:
        return _page(request, front, 429, form=form, wrong="too-many-text", at="name")
    response = RedirectResponse(f"/sign-in/code?{urlencode({'next': own_page(_typed(form, 'next'))})}", 303)
    response.set_cookie(
        ASKED_COOKIE,
        asked,
        SIGN_IN_MS // 1000,
        path="/sign-in",
        secure=front.door.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.api_route("/sign-in/code", methods=["GET", "HEAD"])
async def code(request: Request, front: InFront) -> Response:
    """Asks for the code that was sent."""
    return _code_page(request, front)


@router.post("/sign-in/code")
async def code_given(request: Request, front: InFront, actor: InActor) -> Response:
    """The code from the message, in the browser that asked for it."""
    form = await read_form(request, actor, fields_max=4)
    if not front.sign_in_pace.allows(_client(request), front.clock()):
        return _code_page(request, front, 429, "too-many-text", form)
    given = "".join(each for each in _typed(form, "code") if each.isdecimal())
    try:
        signed = await front.register.use_code(
            request.cookies.get(ASKED_COOKIE, "")[:200], _ascii(given), _device(request)
        )
    except SignInRefused as refused:
        front.refusals.note("code", refused.fault, _client(request))
        return _code_page(request, front, 403, f"code-{_told(refused.fault)}", form)
    return _signed_in(front, signed, _typed(form, "next"))


@router.post("/sign-in/password")
async def password(request: Request, front: InFront, actor: InActor) -> Response:
    """Name and password."""
    form = await read_form(request, actor, fields_max=4)
    try:
        signed = await front.signing.password(
            _typed(form, "name"), _typed(form, "password"), _client(request), _device(request)
        )
    except TooFast as fast:
        return _page(request, front, 429, form=form, wrong="password-wait", at="password", wait=fast.wait_s)
    except SignInRefused:
        return _page(request, front, 403, form=form, wrong="password-wrong", at="password")
    return _signed_in(front, signed, _typed(form, "next"))


@router.api_route("/sign-in/link/{link}", methods=["GET", "HEAD"])
async def link(request: Request, front: InFront, link: str) -> Response:
    """A button; looking changes nothing and says nothing of the link."""
    following = own_page(request.query_params.get("next", "/"))
    return front.pages.page("signinlink.html", front.language(request), front.now(), link=link, following=following)


@router.post("/sign-in/link/{link}")
async def link_used(request: Request, front: InFront, actor: InActor, link: str) -> Response:
    """Use the link up."""
    form = await read_form(request, actor, fields_max=4)
    if not front.sign_in_pace.allows(_client(request), front.clock()):
        return front.pages.plain(front.language(request), front.now(), 429, "too-many", "too-many-text")
    try:
        signed = await front.register.use_link(link, _device(request))
    except SignInRefused as refused:
        front.refusals.note("link", refused.fault, _client(request))
        key = f"sign-in-{_told(refused.fault)}"
        status = 410 if refused.fault in (Fault.EXPIRED, Fault.REPLAYED) else 403
        return front.pages.plain(front.language(request), front.now(), status, key, f"{key}-text")
    return _signed_in(front, signed, _typed(form, "next"))


@router.api_route("/sign-in/provider", methods=["GET", "HEAD"])
async def to_provider(request: Request, front: InFront) -> Response:
    """Off to the site's own provider."""
    if front.provider is None:
        return RedirectResponse("/sign-in", 303)
    try:
        beginning = await front.provider.begin(own_page(request.query_params.get("next", "/")))
    except ProviderFailed as failed:
        return _provider_failed(request, front, failed)
    response = RedirectResponse(beginning.url, 303)
    response.set_cookie(
        PROVIDER_COOKIE,
        beginning.cookie,
        UNDER_WAY_MS // 1000,
        path="/sign-in/provider",
        secure=front.door.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.api_route("/sign-in/provider/back", methods=["GET"])
async def from_provider(request: Request, front: InFront) -> Response:
    """Back from it. The account is the one of this identity; at the first time, the one of its name."""
    if front.provider is None:
        return RedirectResponse("/sign-in", 303)
    said = request.query_params
    if not front.sign_in_pace.allows(_client(request), front.clock()):
        return front.pages.plain(front.language(request), front.now(), 429, "too-many", "too-many-text")
    try:
        if "error" in said:
            raise ProviderFailed(f"the provider refuses: {said['error'][:60]!r}")
        kept, state, code = request.cookies.get(PROVIDER_COOKIE, ""), said.get("state", ""), said.get("code", "")
        identity = await front.provider.finish(kept[:2000], state[:200], code[:2000], said.get("iss"))
        signed = await front.signing.identified(identity.key, identity.name, _device(request))
    except ProviderFailed as failed:
        return _provider_failed(request, front, failed)
    except SignInRefused as refused:
        front.refusals.note("provider", refused.fault, _client(request))
        return front.pages.plain(front.language(request), front.now(), 403, "provider-unknown", "provider-unknown-text")
    response = _signed_in(front, signed, identity.following)
    response.delete_cookie(PROVIDER_COOKIE, "/sign-in/provider")
    return response


@router.post("/sign-out")
async def sign_out(request: Request, front: InFront, actor: InActor) -> Response:
    """This device, from now on."""
    await read_form(request, actor, fields_max=2)
    session = request.state.session
    response = RedirectResponse("/sign-in", 303)
    if session is not None:
        await front.register.sign_out(session.account, actor, only=session.id)
        response.headers.append("Set-Cookie", front.door.no_cookie())
    return response


def _signed_in(front: Front, signed: SignedIn, following: str) -> Response:
    response = RedirectResponse(own_page(following), 303)
    response.headers.append("Set-Cookie", front.door.cookie(signed.cookie))
    response.delete_cookie(ASKED_COOKIE, "/sign-in")
    return response


def _provider_failed(request: Request, front: Front, failed: ProviderFailed) -> Response:
    key = "provider-down" if failed.down else "provider-refused"
    front.refusals.note("provider", "down" if failed.down else "refused", _client(request), str(failed)[:200])
    status = 503 if failed.down else 403
    response = front.pages.plain(front.language(request), front.now(), status, key, f"{key}-text")
    response.delete_cookie(PROVIDER_COOKIE, "/sign-in/provider")
    return response


def _page(
    request: Request,
    front: Front,
    status: int = 200,
    *,
    form: FormData | None = None,
    wrong: str | None = None,
    at: str = "",
    wait: int = 0,
) -> Response:
    following = _typed(form, "next") if form is not None else request.query_params.get("next", "/")
    return front.pages.page(
        "signin.html",
        front.language(request),
        front.now(),
        status,
        following=own_page(following),
        name=_typed(form, "name") if form is not None else "",
        wrong=wrong,
        at=at,
        wait=wait,
        provider=front.provider.name if front.provider is not None else None,
    )


def _code_page(
    request: Request, front: Front, status: int = 200, wrong: str | None = None, form: FormData | None = None
) -> Response:
    following = _typed(form, "next") if form is not None else request.query_params.get("next", "/")
    language: Language = front.language(request)
    return front.pages.page(
        "signincode.html", language, front.now(), status, following=own_page(following), wrong=wrong
    )


def _told(fault: Fault) -> str:
    """What people are told of a fault: a disabled account and a link that is none of ours look the same."""
    return "expired" if fault is Fault.EXPIRED else "used" if fault is Fault.REPLAYED else "wrong"


def _typed(form: FormData, field: str) -> str:
    value = form.get(field, "")
    return value[:TYPED_CHARACTERS_MAX] if isinstance(value, str) else ""


def _ascii(digits: str) -> str:
    """Digits of any script, as a Chinese keyboard may give them, in plain ones."""
    return "".join(str(int(each)) for each in digits)


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _device(request: Request) -> str:
    return device_name(request.headers.get("user-agent", ""))
