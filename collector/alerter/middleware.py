"""What every request passes: the guard, a bound on its body, and headers that keep browsers careful."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.alerter.front import Front
from collector.alerter.guard import Turned, Visit
from collector.alerter.pages.look import LOOK, look_of
from collector.alerter.pictures import PHOTO_BYTES_MAX
from collector.alerter.present import PRESENT
from collector.alerter.problems import problem, said
from collector.book.sheet import BYTES_MAX as SHEET_BYTES_MAX
from collector.storage.store import StoreFailed

BODY_BYTES_MAX = 64 * 1024
_SHEETS = re.compile(r"/api/v1/book/csv/[a-z]+|/book/[a-z]+")  # where a spreadsheet is sent
_PHOTOS = re.compile(r"/(a|incident)/[^/]+/photo")  # where a photo is sent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
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
        front, visit = self._front, self._visit(scope, headers)
        LOOK.set(look_of(scope["path"], scope["query_string"], headers.get("cookie", "")))
        turned, cookie = front.guard.judge_place(visit), None
        if turned is None:
            try:
                entry = await front.door.entry(visit)
            except StoreFailed as error:
                turned = Turned(503, "store-failed", f"who asks cannot be read now; nothing was changed ({error})")
            else:
                cookie = entry.cookie
                turned = front.guard.judge(visit, entry.actor)
                if entry.fault is not None and not visit.open:
                    turned = Turned(401, "bad-token", f"this token is {entry.fault}")
                scope.setdefault("state", {}).update(actor=entry.actor, session=entry.session)
                PRESENT.set(entry.actor)
        marked = _marked(send, cookie)
        if turned is None:
            await self._app(scope, _bounded(receive, body_bytes_max(scope["path"])), marked)
        else:
            if visit.authorization or visit.cookie or not _is_page(headers):  # else somebody who is yet to sign in
                front.refusals.note("request", turned.reason, visit.client, f"{visit.method} {visit.path[:80]!r}")
            await _turned_away(turned, scope, headers, front)(scope, receive, marked)

    def _visit(self, scope: Scope, headers: Headers) -> Visit:
        client = scope.get("client")
        return Visit(
            method=scope["method"],
            path=scope["path"],
            client=client[0] if client else None,
            host=headers.get("host"),
            origin=headers.get("origin"),
            fetch_site=headers.get("sec-fetch-site"),
            authorization=headers.get("authorization"),
            cookie=self._front.door.read(headers.get("cookie", "")),
            proof=headers.get("x-callpoint-form"),
        )


def _turned_away(turned: Turned, scope: Scope, headers: Headers, front: Front) -> Response:
    """A browser that opens a page is led to the sign-in; everything else is told why not, a browser in its language."""
    if turned.status == 401 and _is_page(headers):
        asked = f"{scope['path']}?{scope['query_string'].decode('latin-1')}".removesuffix("?")
        following = f"?{urlencode({'next': asked})}" if scope["method"] in ("GET", "HEAD") else ""
        return RedirectResponse(f"/sign-in{following}", 303)
    challenge = {"WWW-Authenticate": "Bearer"} if turned.status == 401 else None
    answer = problem(turned.status, turned.reason, turned.sentence, headers=challenge)
    return said(Request(scope), answer, "not-read" if turned.reason == "store-failed" else turned.reason, front)


def is_photo(path: str) -> bool:
    """True for where a photo is sent: it is large, and takes its time over a slow line."""
    return _PHOTOS.fullmatch(path) is not None


def body_bytes_max(path: str) -> int:
    """How large the body of a request may be: a spreadsheet or a photo is larger than what people type."""
    if is_photo(path):
        return PHOTO_BYTES_MAX + BODY_BYTES_MAX
    return SHEET_BYTES_MAX + BODY_BYTES_MAX if _SHEETS.fullmatch(path) else BODY_BYTES_MAX


def _bounded(receive: Receive, most: int) -> Receive:
    """A body is counted as it comes, whatever it says of its length."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413, f"the body is larger than {most} bytes", {"Connection": "close"})
        return message

    return counting


def _marked(send: Send, cookie: str | None) -> Send:
    """Responses with our headers, where they do not bring their own, and a cookie where there is one to be set."""

    async def marking(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if cookie is not None and "set-cookie" not in headers:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return marking


def _is_page(headers: Headers) -> bool:
    """A person's browser that opens a page; its script and programs get the 401 itself."""
    navigates = headers.get("sec-fetch-mode", "navigate") == "navigate"
    return navigates and "text/html" in headers.get("accept", "")
