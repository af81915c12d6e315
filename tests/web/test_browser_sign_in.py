"""Signing in and out in a real browser, with the headers that it sends by itself. Without JavaScript."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from collector.access.accounts import Account, Area
from collector.access.actor import TOKEN, Role
from tests.web.live import Live
from tests.web.scene import Scene

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize(("locale", "enter", "out"), [("zh-CN", "登录", "退出登录"), ("en", "Sign in", "Sign out")])
def test_a_link_signs_a_phone_in_and_it_stays_so_over_a_restart(
    browser: Browser, tmp_path: Path, locale: str, enter: str, out: str
) -> None:
    live = Live(tmp_path, listen_host="0.0.0.0")
    live.start()
    try:

        async def link(stage: Scene) -> str:
            register = stage.app.state.front.register
            await register.add(Account("wang", "王芳", Role.MANAGER, area=Area(whole=True)), TOKEN)
            return str(await register.hand_link("wang", TOKEN))

        context = browser.new_context(locale=locale, java_script_enabled=False, viewport={"width": 320, "height": 640})
        page = context.new_page()
        page.goto(f"{live.url}/sign-in/link/{live.do(link)}?next=/accounts")
        page.locator("form[action^='/sign-in/link'] button").click()
        assert page.url == f"{live.url}/accounts"

        live.stop()
        live.start()
        page.goto(f"{live.url}/accounts/new")
        page.fill("#id", "li")
        page.locator("button[value=save]").click()
        assert re.search(r"/sign-in/link/[\w-]+", page.content())

        page.goto(f"{live.url}/account")
        page.locator("#menu > summary").click()
        page.get_by_role("button", name=out, exact=True).click()
        assert page.url == f"{live.url}/sign-in"
        page.goto(f"{live.url}/accounts")
        assert page.url == f"{live.url}/sign-in?next=%2Faccounts"
        assert page.get_by_role("heading", name=enter, exact=True).count() == 1
        context.close()
    finally:
        live.stop()


def test_a_page_of_another_site_can_change_nothing_in_a_signed_in_browser(browser: Browser, tmp_path: Path) -> None:
    """A form elsewhere that posts here, in the browser of somebody who is signed in: SameSite, Origin and the form's
    own word each stop it.
    """
    live = Live(tmp_path, listen_host="0.0.0.0")
    live.start()
    try:

        async def cookie(stage: Scene) -> Any:
            return (await stage.sign_in(Role.MANAGER))["Cookie"].partition("=")[2]

        context = browser.new_context()
        context.add_cookies([{"name": "callpoint", "value": live.do(cookie), "url": live.url, "sameSite": "Lax"}])
        page = context.new_page()
        page.goto(f"{live.url}/accounts")
        assert page.url == f"{live.url}/accounts"
        form = f"""<form method="post" action="{live.url}/accounts/new"><input name="id" value="spy">
            <input name="role" value="viewer"><input name="area" value="whole"><button>go</button></form>"""
        page.route("http://localhost:1/", lambda route: route.fulfill(body=form, content_type="text/html"))
        page.goto("http://localhost:1/")
        with page.expect_navigation() as navigation:
            page.locator("button").click()

        async def spy(stage: Scene) -> bool:
            return await stage.app.state.front.register.account("spy") is not None

        assert navigation.value is not None and navigation.value.status == 403
        assert not live.do(spy)
        context.close()
    finally:
        live.stop()
