"""A desk with its store and history on disk, the small community, and the web side before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from collector.access.accounts import Account, Area
from collector.access.actor import TOKEN as TOKEN_ACTOR
from collector.access.actor import Role
from collector.access.register import Register
from collector.access.secret import csrf_of
from collector.alarms.incident import Incident
from collector.alerter.app import make_app
from collector.alerter.channels.push import WebPushChannel
from collector.alerter.channels.sealing import Voucher
from collector.alerter.links import Links
from collector.desk import Desk
from collector.session.effects import Owing, Presence
from collector.storage.histories import open_history
from collector.storage.store import open_store
from collector.storage.subscriptions import Subscriptions
from config.site import Site
from config.sparkplug import DataType
from config.words import Edge, Quality, Reading, Report
from tests.push import CONTACT, VAPID_PRIVATE
from tests.sites import site_data, small_site
from tests.web.gatewayline import GatewayLine

EVERYWHERE = Area(whole=True)
TOKEN = "a-token-made-at-first-start"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
START_MS = 1_772_431_402_125  # 2026-03-02 14:03:22.125 in Shanghai
LINK_VALID_S = 3600.0
WITHIN_S = 10.0
SPIKED = "<script>alert('x')</script>\"&"  # whoever shows this unescaped runs it


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def web_data() -> dict[str, Any]:
    """The small community with what a runner needs, and with names that would break a careless page."""
    data = site_data()
    first = data["buildings"][0]
    first |= {"name": "Plum Court", "address": "1 Plum Lane", "gate_code": "4711#", "access": f"North door {SPIKED}"}
    device = data["gateways"][0]["buses"][0]["devices"][0]
    device["place"] |= {"flat": "502", "note": f"kitchen {SPIKED}"}
    data["people"][0]["name"] = f"Nora {SPIKED}"
    data["people"][1]["language"] = "en"
    data["people"][2]["name"] = "桑梅"
    return data


@dataclass
class Scene:
    """Everything a test touches."""

    desk: Desk
    links: Links
    app: FastAPI
    clock: Callable[[], int]
    client: httpx.AsyncClient
    line: GatewayLine
    csrf: str = ""  # of whoever signed in last

    def hear(self, device: str = "smoke-1", point: str = "fire", value: Any = True, **more: Any) -> None:
        """A device says this, now."""
        datatype = {float: DataType.DOUBLE, int: DataType.INT32}.get(type(value), DataType.BOOLEAN)
        gateway = self.desk.site.gateway_of.get(device, "gw-1")
        reading = Reading(point, value, datatype, more.get("quality", Quality.GOOD), more.get("cause"))
        edge = Edge(self.desk.site.community.id, gateway)
        at_ms = more.get("at_ms", self.clock())
        self.desk.hear(Report(edge, device, None, None, None, None, at_ms, False, (reading,)))

    async def fire(self, device: str = "smoke-1", **more: Any) -> Incident:
        """A detector sees fire; returns the incident once it is on disk."""
        self.hear(device, **more)
        building = self.desk.site.devices[device].place.building
        found = next(each for each in self.desk.engine.incidents.values() if each.building == building)
        await eventually(lambda: self.desk.store.incident(found.id))
        return found

    def gateway_is_back(self, name: str = "gw-1") -> None:
        """A birth of a gateway that owes nothing."""
        edge = Edge(self.desk.site.community.id, name)
        self.desk.hear(Presence(edge, None, True, "birth"))
        self.desk.hear(Owing(edge, False))

    async def sign_in(
        self, role: Role | None = None, person: str | None = None, area: Area = EVERYWHERE, name: str = ""
    ) -> dict[str, str]:
        """The headers of a browser that somebody has signed in with; `self.csrf` is what their forms bring back.

        Without a role it is the account that the book makes of a person.
        """
        register: Register = self.app.state.front.register
        name = name or f"{role or 'own'}-{person or 'nobody'}"
        account = Account(name, name, role, person, area if role is not None else Area())
        known = None if person is None else await register.account_of(person)
        if known is None:
            known = await register.account(account.id) or await register.add(account, TOKEN_ACTOR)
        cookie = (await register.begin(known.id, "a test", "test")).cookie
        self.csrf = csrf_of(cookie.partition(".")[2])
        return {"Cookie": f"{self.app.state.front.door.name}={cookie}", "Origin": str(self.client.base_url).rstrip("/")}

    def path(self, incident: str, person: str, at_ms: int | None = None) -> str:
        """The path of a person's answer link."""
        url = self.links.answer_url(incident, person, self.clock() if at_ms is None else at_ms)
        return url.removeprefix(self.desk.site.plan.board_url)


@asynccontextmanager
async def scene(
    folder: Path,
    *,
    data: dict[str, Any] | None = None,
    site: Site | None = None,
    token: str | None = TOKEN,
    listen_host: str = "127.0.0.1",
    clock: Callable[[], int] | None = None,
    **more: Any,
) -> AsyncIterator[Scene]:
    """The whole scene; whatever was on disk in `folder` goes on."""
    clock = clock or Clock()
    site = site or small_site(data or web_data())
    store = await open_store(f"sqlite:{folder}/state.db")
    history = await open_history(f"sqlite:{folder}/history.db")
    desk = Desk(site, store, history, await store.restore(), clock)
    links = Links("a-secret", site.plan.board_url, LINK_VALID_S)
    web_push = WebPushChannel(Subscriptions(store), Voucher(VAPID_PRIVATE, CONTACT), clock, local=True)
    line = GatewayLine(site, clock, desk.counters)
    more = {"diagnoses": line.diagnoses, **more}
    app = make_app(desk, links, token, clock, listen_host=listen_host, web_push=web_push, **more)
    running = asyncio.create_task(desk.run())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            yield Scene(desk, links, app, clock, client, line)
    finally:
        running.cancel()
        await asyncio.wait([running])
        await history.close()
        await store.close()


async def eventually(found: Callable[[], Awaitable[Any]]) -> Any:
    """What `found` gives, once it gives something."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            if result := await found():
                return result
            await asyncio.sleep(0.005)
