"""What every request passes: the guard, a bound on its body, and headers that keep browsers careful."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.alerter.front import Front
from collector.alerter.guard import COOKIE, Visit
from collector.alerter.pages.look import LOOK, look_of
from collector.alerter.present import PRESENT
from collector.alerter.problems import problem

BODY_BYTES_MAX = 64 * 1024
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Threshold:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, front: Front) -> None:
        self._app = app
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge, bound and mark one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        marked = _marked(send)
        visit, now = _visit(scope, headers), self._front.clock()
        turned = self._front.guard.judge(visit, now)
        if turned is not None:
            if turned.status == 401 and _is_page(scope, headers):
                await RedirectResponse(f"/enter?next={scope['path']}", 303)(scope, receive, marked)
                return
            challenge = {"WWW-Authenticate": "Bearer"} if turned.status == 401 else None
            await problem(turned.status, turned.reason, turned.sentence, headers=challenge)(scope, receive, marked)
            return
        actor = self._front.guard.actor(visit, now)
        scope.setdefault("state", {})["actor"] = actor
        PRESENT.set(actor)
        LOOK.set(look_of(scope["path"], scope["query_string"], headers.get("cookie", "")))
        await self._app(scope, _bounded(receive), marked)


def _bounded(receive: Receive) -> Receive:
    """A body is counted as it comes, whatever it says of its length."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_BYTES_MAX:
            raise HTTPException(413, f"the body is larger than {BODY_BYTES_MAX} bytes", {"Connection": "close"})
        return message

    return counting


def _marked(send: Send) -> Send:
    """Responses with our headers, where they do not bring their own."""

    async def marking(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return marking


def _visit(scope: Scope, headers: Headers) -> Visit:
    client = scope.get("client")
    return Visit(
        method=scope["method"],
        path=scope["path"],
        client=client[0] if client else None,
        host=headers.get("host"),
        origin=headers.get("origin"),
        fetch_site=headers.get("sec-fetch-site"),
        authorization=headers.get("authorization"),
        cookie=_cookie(headers.get("cookie", "")),
    )


def _cookie(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _is_page(scope: Scope, headers: Headers) -> bool:
    """A person's browser that opens a page; its script and programs get the 401 itself."""
    navigates = headers.get("sec-fetch-mode", "navigate") == "navigate"
    return scope["method"] in ("GET", "HEAD") and navigates and "text/html" in headers.get("accept", "")
