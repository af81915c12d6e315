"""`callpoint bench page`: everybody is called over real sockets, by good channels and broken ones, and the board of
986 buildings shows it, in Chromium and on fifty open event streams.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import shutil
import socket
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from collector import bench
from collector.alerter.app import Server, make_app
from collector.alerter.channels import Channel, make_channels
from collector.alerter.channels.push import WebPushChannel
from collector.alerter.channels.sealing import Voucher, encode
from collector.alerter.events import SUBSCRIBERS_OF_ONE_MAX
from collector.alerter.links import Links
from collector.benchsinks import Ports, Sinks, sinks
from collector.crowd import Crowd, crowd_site
from collector.desk import Desk
from collector.storage.store import Store
from collector.storage.subscriptions import Subscription, Subscriptions, id_of
from config.profile import Profile
from config.site import Site

RUNS = 5
HEALTHY_MAX_MS = 1_000
BROKEN_MAX_MS = 10_000
PAINT_MAX_MS = 1_000
STREAM_MAX_MS = 500
WITHIN_S = 60.0
ASKED_EVERY_S = 0.02
TROUBLES = 200  # on the board that is painted, with three fires
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
# When the page has been on the screen: two frames after everything that it asked for is there.
PAINTED = """addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(() => {
  window.painted = performance.now(); })));"""


async def page_figures(
    profiles: Mapping[str, Profile], people: int, runs: int = RUNS, buildings: int = bench.BUILDINGS
) -> dict[str, Any]:
    """All four figures. Raises TimeoutError where somebody is not told at all."""
    with sinks() as there:
        healthy = [await _called(profiles, people, there, broken=False) for _ in range(runs)]
        broken = [await _called(profiles, people, there, broken=True) for _ in range(runs)]
    return {
        "people": people,
        "runs": runs,
        "webhooks_all_told_p50_ms": round(statistics.median(healthy)),  # since the fire was heard
        "webhooks_all_told_max_ms": round(max(healthy)),
        "target_webhooks_ms": HEALTHY_MAX_MS,
        "broken_all_told_p50_ms": round(statistics.median(broken)),
        "broken_all_told_max_ms": round(max(broken)),
        "target_broken_ms": BROKEN_MAX_MS,
        **await _board_figures(crowd_site(buildings, profiles), runs),
    }


# --- calls ----------------------------------------------------------------------------------------------


async def _called(profiles: Mapping[str, Profile], people: int, there: Sinks, broken: bool) -> float:
    """One fire that calls everybody at once; returns after how many ms the last of them was told."""
    await asyncio.to_thread(there.forget)
    site = _site(profiles, people, there.ports, broken)
    async with AsyncExitStack() as opened:
        store = await bench.opened_store(opened)
        desk = await bench.started(opened, site, store, await _channels(opened, site, store, there.ports))
        (report,) = Crowd(site).storm(0, 1, bench.clock())
        began_s = time.time()
        desk.hear(report, keep=True)
        async with asyncio.timeout(WITHIN_S):
            while await asyncio.to_thread(there.count) < people:  # noqa: ASYNC110 - the servers are another process
                await asyncio.sleep(ASKED_EVERY_S)
        return (max((await asyncio.to_thread(there.taken)).values()) - began_s) * 1000


def _site(profiles: Mapping[str, Profile], people: int, ports: Ports, broken: bool) -> Site:
    """A building whose team has so many people. Broken: a fifth of them each over mail, over push, and over three
    webhooks that fail every fifth time, refuse, or never answer; each with a second address that is well.
    """

    def hook(port: int) -> dict[str, Any]:
        return {"type": "webhook", "url": f"http://127.0.0.1:{port}/"}

    def addresses(number: int, person: str) -> list[dict[str, str]]:
        names = roads[number % len(roads)] if broken else ("hook",)
        return [{"channel": name, "to": f"{person}@example.org" if name == "mail" else person} for name in names]

    roads = (("mail", "push"), ("push", "mail"), ("fifth", "mail"), ("refused", "push"), ("silent", "mail"))
    channels = {"hook": hook(ports.web), "fifth": hook(ports.fifth)}
    channels |= {"refused": hook(ports.refused), "silent": hook(ports.silent)}
    channels["mail"] = {
        "type": "smtp",
        "host": "127.0.0.1",
        "port": ports.mail,
        "security": "none",
        "sender": "c@x.org",
    }
    channels["push"] = {"type": "webpush"}
    return crowd_site(1, profiles, people, channels, addresses)


async def _channels(opened: AsyncExitStack, site: Site, store: Store, ports: Ports) -> Mapping[str, Channel]:
    """As the site says; everybody who has the push channel has a phone that takes it."""
    known = Subscriptions(store)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    public = encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    auth = encode(secrets.token_bytes(16))
    for person in site.people.values():
        if any(address.channel == "push" for address in person.channels):
            endpoint = f"http://127.0.0.1:{ports.web}/push/{person.id}"
            phone = Subscription(id_of(endpoint), person.id, "", "", "bench", endpoint, public, auth, bench.clock())
            await known.keep(phone)
    ours = base64.urlsafe_b64encode(secrets.token_bytes(31)).rstrip(b"=").decode()
    web_push = WebPushChannel(known, Voucher(ours, "mailto:c@x.org"), bench.clock, local=True)
    opened.push_async_callback(web_push.services.close)
    return make_channels(site, web_push)


# --- the board ------------------------------------------------------------------------------------------


async def _board_figures(site: Site, runs: int) -> dict[str, Any]:
    """The board of a large community: painted by a browser, and told to many that look at it."""
    async with AsyncExitStack() as opened:
        store = await bench.opened_store(opened)
        desk = await bench.started(opened, site, store, {"sink": bench.Sink()})
        for report in Crowd(site).storm(min(TROUBLES, 4 * len(site.buildings)), 3, bench.clock()):
            desk.hear(report, keep=True)
        await asyncio.sleep(1.0)  # everybody is told, and the board is as it stays
        token = secrets.token_urlsafe(16)
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = int(listener.getsockname()[1])
        app = make_app(desk, Links(token, f"http://127.0.0.1:{port}", 3600.0), token, bench.clock)
        server = Server(app)
        serving = asyncio.create_task(server.serve([listener]))
        painted = await _painted(f"http://127.0.0.1:{port}", token, runs)
        streams = [await _streamed(desk, port, token, seed) for seed in range(runs)]
        server.should_exit = True
        await serving
    told, shown = [stream[0] for stream in streams], [stream[1] for stream in streams]
    return {
        "buildings": len(site.buildings),
        "board_painted_p50_ms": None if painted is None else round(statistics.median(painted)),
        "board_painted_max_ms": None if painted is None else round(max(painted)),
        "target_painted_ms": PAINT_MAX_MS if painted is not None else "left out: no Chromium, or no playwright",
        "streams": SUBSCRIBERS_OF_ONE_MAX,
        "change_told_to_all_p50_ms": round(statistics.median(told)),
        "change_told_to_all_max_ms": round(max(told)),
        "target_change_told_ms": STREAM_MAX_MS,
        "change_fetched_by_all_p50_ms": round(statistics.median(shown)),
    }


async def _painted(url: str, token: str, runs: int) -> Sequence[float] | None:
    """How long a browser that has never been here needs until the whole board is on its screen; None without one."""
    chromium = shutil.which("chromium")
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError:
        return None
    if chromium is None:
        return None
    found = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        for _ in range(runs + 1):
            context = await browser.new_context(extra_http_headers={"Authorization": f"Bearer {token}"})
            page = await context.new_page()
            await page.add_init_script(PAINTED)
            await page.goto(url)
            while (painted_ms := await page.evaluate("window.painted")) is None:  # noqa: ASYNC110 - a browser's
                await asyncio.sleep(ASKED_EVERY_S)
            found.append(float(painted_ms))
            await context.close()
        await browser.close()
    return found[1:]  # the first one warms the browser up


async def _streamed(desk: Desk, port: int, token: str, seed: int) -> tuple[float, float]:
    """After how many ms all streams have told of a fire, and all who listen have fetched what is different."""
    head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    readers = [await asyncio.open_connection("127.0.0.1", port, limit=4 * 2**20) for _ in range(SUBSCRIBERS_OF_ONE_MAX)]
    try:
        for reader, writer in readers:
            writer.write(f"GET /events {head}\r\n".encode())
            await reader.readuntil(b"event: change")
            await reader.readuntil(b"\n\n")
        have = await _fetched(port, head, "")
        fires = Crowd(desk.site, seed + 100).storm(0, 1, bench.clock())
        began_s = time.perf_counter()
        for report in fires:
            desk.hear(report, keep=True)

        async def follow(reader: asyncio.StreamReader) -> tuple[float, float]:
            await reader.readuntil(b"event: change")
            told_s = time.perf_counter()
            await _fetched(port, head, have)
            return told_s - began_s, time.perf_counter() - began_s

        async with asyncio.timeout(WITHIN_S):
            times = await asyncio.gather(*(follow(reader) for reader, _ in readers))
    finally:
        for _, writer in readers:
            writer.close()
    return max(told for told, _ in times) * 1000, max(shown for _, shown in times) * 1000


async def _fetched(port: int, head: str, have: str) -> str:
    """The board's blocks that are different; returns which rendering that is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 2**20)
    writer.write(f"GET /fragment/board?have={have} {head}Connection: close\r\n\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    return text.partition('data-glance="')[2].partition('"')[0]
