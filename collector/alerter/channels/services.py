"""Connections to push services, kept open a moment so that a call to many phones does not greet its service for each.

One client for each service by name, because a connection is vouched for by the certificate of the name for which it
was opened, and many services share addresses. Which address a letter goes to is looked at anew for each of them: a
connection is used again only for the very address that has just been found to be public.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

SERVICES_MAX = 16  # browsers' makers have fewer than that; what a stranger's endpoint names crowds out the oldest idle
CONNECTIONS_MAX = 32  # to one service, at once
IDLE_S = 5.0
BODY_BYTES_MAX = 8_192  # of an answer, read so that its connection can be used again
BODY_WITHIN_S = 1.0


@dataclass(slots=True)
class _Service:
    client: httpx.AsyncClient
    using: int = 0


class PushServices:
    """For one event loop. `timeout`: of one request, and of waiting for a connection that is free."""

    def __init__(self, timeout: httpx.Timeout) -> None:
        self._timeout = timeout
        self._context = ssl.create_default_context()
        self._services: OrderedDict[tuple[str, str, int | None], _Service] = OrderedDict()

    @property
    def count(self) -> int:
        """How many services have a client now."""
        return len(self._services)

    async def post(
        self, url: httpx.URL, address: str, content: bytes, headers: Mapping[str, str]
    ) -> tuple[int, str | None]:
        """Status and Retry-After of the answer of `url`'s host at this address. Raises httpx.HTTPError, OSError."""
        there, name = url.copy_with(host=address), {"sni_hostname": url.host}
        async with (
            self._client(url) as client,
            client.stream("POST", there, content=content, headers=dict(headers), extensions=name) as response,
        ):
            await _read_out(response)
            return response.status_code, response.headers.get("Retry-After")

    async def close(self) -> None:
        """Let go of all that are idle."""
        await self._let_go(0)

    @asynccontextmanager
    async def _client(self, url: httpx.URL) -> AsyncIterator[httpx.AsyncClient]:
        key = (url.scheme, url.host, url.port)
        service = self._services.get(key)
        if service is None:
            service = self._services[key] = _Service(self._made())
        self._services.move_to_end(key)
        service.using += 1
        try:
            await self._let_go(SERVICES_MAX)
            yield service.client
        finally:
            service.using -= 1

    async def _let_go(self, keep: int) -> None:
        """Close the longest unused that nobody uses, while there are more than so many."""
        idle = [key for key, service in self._services.items() if not service.using]
        for key in idle[: max(0, len(self._services) - keep)]:
            gone = self._services.pop(key, None)
            if gone is not None:
                await gone.client.aclose()

    def _made(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._timeout,
            verify=self._context,
            trust_env=False,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=IDLE_S),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # nothing of one letter goes with the next
        )


async def _read_out(response: httpx.Response) -> None:
    """What stands in the answer beside its status is not needed, and a failure in it changes nothing."""
    taken = 0
    with suppress(httpx.HTTPError, OSError):
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in response.aiter_raw():
                taken += len(chunk)
                if taken > BODY_BYTES_MAX:
                    return
