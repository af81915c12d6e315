"""The engineer's pages in Debian's Chromium: a call of the API is tried out from its page, offline."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from collector.access.actor import Role
from config.loader import load_site
from tests.servers import wait_until
from tests.web.live import Live
from tests.web.scene import Scene
from tests.web.test_browser import ARGUMENTS, CHROMIUM, DESKTOP, PATIENCE_MS, PHONE, ROOT

MINUTES_SHOWN = 4
LOADED_WITHIN_MS = 60_000  # a program of 1.7 MB that reads a description of 69 calls, on a busy machine

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    collector = Live(tmp_path, site=load_site(ROOT / "config/sites/demo"))
    collector.start()
    yield collector
    collector.stop()


async def _engineer(stage: Scene) -> str:
    return (await stage.sign_in(Role.ENGINEER))["Cookie"]


def opened(browser: Browser, live: Live, path: str, **more: object) -> Page:
    """A page that an engineer has signed in for."""
    name, _, value = live.do(_engineer).partition("=")
    context = browser.new_context(**{"viewport": DESKTOP, "locale": "en", **more})  # type: ignore[arg-type]
    context.add_cookies([{"name": name, "value": value, "url": live.url}])
    page = context.new_page()
    page.goto(f"{live.url}{path}")
    return page


def test_a_call_is_tried_out_by_an_engineer_with_their_own_session_and_no_other_host(
    browser: Browser, live: Live
) -> None:
    page = opened(browser, live, "/gateways")
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.get_by_role("link", name="API", exact=True).click()
    call = page.locator('.opblock-post:has([data-path="/api/v1/tokens"])')
    call.locator(".opblock-summary-control").click(timeout=LOADED_WITHIN_MS)
    call.get_by_role("button", name="Try it out").click()
    call.locator("textarea").fill('{"name": "a trial", "rights": ["see"], "days": 1}')
    call.get_by_role("button", name="Execute").click()

    expect(call.locator(".live-responses-table .response-col_status").last).to_have_text(
        re.compile("20[01]"), timeout=PATIENCE_MS
    )
    assert all(url.startswith((f"{live.url}/", "data:")) for url in asked), asked
    assert complaints == []
    page.goto(f"{live.url}/tokens?lang=en")
    expect(page.get_by_text("a trial").first).to_be_visible()
    page.context.close()


@pytest.mark.skipif("CALLPOINT_SCREENSHOTS" not in os.environ, reason="writes into docs/ only when asked to")
def test_pictures_of_a_real_gateway_that_runs_for_some_minutes(browser: Browser, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "callpoint.py", "demo", "--story", "discharge", "--listen", f"127.0.0.1:{port}"]
    with (tmp_path / "demo.log").open("wb") as log:
        demo = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def minutes() -> int:
        with suppress(httpx.HTTPError):
            shown = httpx.get(f"{url}/api/v1/gateways/gw-east", timeout=5)
            return len(shown.json()["lines"][0]["minutes"]) if shown.is_success else 0
        return 0

    try:
        wait_until(lambda: minutes() >= MINUTES_SHOWN, "the gateway has told its figures", 60 * (MINUTES_SHOWN + 2))
        wide, device = {"width": 1100, "height": 1000}, "/device/smoke-b3-502/technical?ask=1"
        for path, name, size, language in (
            ("/gateway/gw-east", "gateway", wide, "en"),
            (device, "technical", wide, "en"),
            ("/gateway/gw-east", "gateway-phone", PHONE, "zh"),
        ):
            page = browser.new_context(viewport=size).new_page()  # type: ignore[arg-type]
            page.goto(f"{url}{path}{'&' if '?' in path else '?'}lang={language}")
            page.screenshot(path=ROOT / f"docs/{name}.png")
            page.context.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
