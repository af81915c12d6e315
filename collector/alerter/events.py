"""Server-sent events: a short word whenever something changed, and a beat in between that proves the line.

`hello` comes first: which version of the pages this server has, so that one that stays open can load itself anew.
`change`: an incident or a condition, look at once; it also comes first after every connection. `values`: only what
devices measure, which may wait. Both carry a number that rises, as id and as {"change": number}.

A subscriber fetches what it wants to know; the stream itself carries no data of the site.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from collector.access.actor import Right
from collector.alerter.front import Front, InFront
from collector.alerter.problems import Rejected
from collector.alerter.rights import needs

SUBSCRIBERS_MAX = 200
SUBSCRIBERS_OF_ONE_MAX = 50  # of one address; behind a proxy that is not on this machine, all have the proxy's
BEAT_S = 5.0
RETRY_MS = 2000

Waited = set[asyncio.Future[Any]]

router = APIRouter()


@router.get("/events", dependencies=[needs(Right.SEE)], include_in_schema=False)
async def events(front: InFront, request: Request) -> Response:
    """`change`, `values`, and `beat` with the server's time at once and every five seconds of silence."""
    client = request.client.host if request.client is not None else ""
    if front.subscribers.total() >= SUBSCRIBERS_MAX:
        front.subscribers_refused += 1
        raise Rejected(503, "too-many-subscribers", f"{SUBSCRIBERS_MAX} pages are listening already")
    if front.subscribers[client] >= SUBSCRIBERS_OF_ONE_MAX:
        front.subscribers_refused += 1
        raise Rejected(503, "too-many-subscribers", f"{SUBSCRIBERS_OF_ONE_MAX} pages of this address listen already")
    return _Stream(front, client)


class _Stream(Response):
    """Runs until the reader leaves or the server closes."""

    media_type = "text/event-stream"

    def __init__(self, front: Front, client: str) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._front = front
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        self._front.subscribers[self._client] += 1
        ending: Waited = {asyncio.ensure_future(_left(receive)), asyncio.ensure_future(self._front.closing.wait())}
        try:
            await self._speak(send, ending)
        finally:
            self._front.subscribers -= Counter({self._client: 1})  # and whoever has none left is forgotten
            for each in ending:
                each.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _speak(self, send: Send, ending: Waited) -> None:
        front, shown = self._front, 0
        async with front.desk.subscribe() as changes:
            hello = _event("hello", {"version": front.pages.version})
            await _say(send, f"retry: {RETRY_MS}\n{hello}{self._beat()}")
            while True:
                following = asyncio.ensure_future(anext(changes))
                try:
                    done = await _any({following, *ending})
                    while not done:
                        await _say(send, self._beat())
                        done = await _any({following, *ending})
                finally:
                    following.cancel()
                if done & ending:
                    return
                number, before, shown = following.result(), shown, front.news.number()
                name = "values" if shown == before else "change"
                await _say(send, f"id: {number}\n{_event(name, {'change': number})}")

    def _beat(self) -> str:
        now = self._front.now()
        return _event("beat", {"at": now.isoformat(), "clock": now.strftime("%H:%M:%S")})


async def _any(awaited: Waited) -> Waited:
    """What has happened; nothing if it is time for a beat."""
    done, _ = await asyncio.wait(awaited, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
    return done


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _event(name: str, data: Mapping[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
