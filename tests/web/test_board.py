"""The board over days: a server that is killed and comes back, a new version, thousands of changes, a wall."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from collector.alerter.pages.look import THEMES, look_of
from collector.crowd import crowd_site
from config.loader import load_site
from config.sitemap import SiteMap
from tests.sites import small_site
from tests.web.live import Live
from tests.web.scene import BEARER, Scene, web_data
from tests.web.test_browser import CHROMIUM, DESKTOP, LOWEST_CONTRAST, PATIENCE_MS, browser, live, opened

__all__ = ["browser", "live"]  # pytest's fixtures

ROOT = Path(__file__).resolve().parents[2]
WALL = {"width": 1920, "height": 1080}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 500"><path fill="#eee" d="M0 0h1000v500H0z"/></svg>'
SERVER = """
import sys, time
from pathlib import Path
from tests.web.live import Live
server = Live(Path(sys.argv[1]), port=int(sys.argv[2]))
server.start()
print(server.url, flush=True)
for line in sys.stdin:
    server.do(lambda stage: stage.fire(line.strip()))
    print("fire", flush=True)
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt install chromium"),
]


class Collector:
    """A web side in a process of its own, which can be killed."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder), str(port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._said()
        self.port = int(self.url.rpartition(":")[2])

    def fire(self, device: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{device}\n")
        self.process.stdin.flush()
        assert self._said() == "fire"

    def kill(self) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.communicate()

    def _said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def test_a_board_goes_on_by_itself_after_the_server_was_killed_and_started_anew(
    browser: Browser, tmp_path: Path
) -> None:
    first = Collector(tmp_path)
    second = None
    try:
        with opened(browser, f"{first.url}/?lang=en") as board:
            expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
            board.evaluate("window.neverReloaded = true")
            first.fire("smoke-1")
            expect(board.locator("#loud > .incident")).to_have_count(1, timeout=PATIENCE_MS)

            first.kill()
            expect(board.locator("#lost")).to_contain_text("Connection lost for", timeout=PATIENCE_MS)
            expect(board.locator("#loud > .incident")).to_have_count(1)

            second = Collector(tmp_path, first.port)
            expect(board.locator("#lost")).to_be_hidden(timeout=2 * PATIENCE_MS)
            second.fire("smoke-3")
            expect(board.locator("#loud > .incident")).to_have_count(2, timeout=PATIENCE_MS)
            assert board.evaluate("window.neverReloaded") is True
    finally:
        for each in (first, second):
            if each is not None:
                each.kill()


def test_a_board_loads_itself_anew_when_the_server_has_other_pages(browser: Browser, live: Live) -> None:
    with opened(browser, f"{live.url}/?lang=en") as board:
        expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
        board.evaluate("window.neverReloaded = true")
        live.stop()
        live.start()

        async def updated(stage: Scene) -> None:
            stage.app.state.front.pages.version = "another"

        live.do(updated)
        expect(board.locator("body")).to_have_attribute("data-version", "another", timeout=3 * PATIENCE_MS)
        assert board.evaluate("window.neverReloaded") is None


def test_thousands_of_changes_leave_nothing_behind_in_the_page(browser: Browser, live: Live) -> None:
    with opened(browser, f"{live.url}/?lang=en") as board:
        expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
        devtools = board.context.new_cdp_session(board)
        whole = board.evaluate("""async () => {
            const text = await (await fetch("/fragment/board?lang=en")).text();
            const many = (n) => text.replace("<ul class=\\"rows\\" id=\\"quiet\\">", (head) => head + Array.from(
                { length: n % 40 }, (_, i) => `<li id="x-${n}-${i}">${n} <time datetime="2026-03-02T14:00:00+08:00"
                data-age="ago">14:00</time></li>`).join(""));
            window.settled = (from, to) => {
                for (let n = from; n < to; n += 1) {
                    settle(document.getElementById("board"),
                        new DOMParser().parseFromString(many(n), "text/html").getElementById("board"));
                    tick();
                }
            };
            return text.length;
        }""")
        assert whole > 1_000

        def nodes(begin: int, end: int) -> int:
            board.evaluate(f"settled({begin}, {end})")
            devtools.send("HeapProfiler.collectGarbage")
            return int(devtools.send("Memory.getDOMCounters")["nodes"])

        before, after = nodes(1, 201), nodes(201, 2_001)
        assert after < before * 1.1 + 200


def test_the_wall_shows_everything_without_being_touched(browser: Browser, tmp_path: Path) -> None:
    wall = Live(tmp_path, site=crowd_site(120, load_site(ROOT / "config/sites/demo").profiles))
    wall.start()
    try:

        async def fires(stage: Scene) -> None:
            for number in range(0, 120, 12):
                await stage.fire(f"head-{number}-1")

        wall.do(fires)
        with opened(browser, f"{wall.url}/?lang=en&view=wall", viewport=WALL) as page:
            cards = page.locator("#loud > .incident")
            expect(cards).to_have_count(10)
            room = page.evaluate(
                "[document.documentElement.scrollHeight, innerHeight, document.documentElement.scrollWidth]"
            )
            assert room[0] <= room[1] and room[2] <= WALL["width"]
            size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('#loud .place')).fontSize)")
            assert size >= 36  # of 1080 lines
            seen: set[str] = set()

            def look() -> bool:
                shown = page.evaluate(_WHOLE)
                assert shown[0] == first, shown  # the most urgent never leaves
                seen.update(shown)
                return len(seen) == 10

            first = cards.first.get_attribute("id")
            for _ in range(60):
                if look():
                    break
                page.wait_for_timeout(1_000)
            assert len(seen) == 10
    finally:
        wall.stop()


# The cards that are whole on the screen.
_WHOLE = """() => {
  const list = document.getElementById("loud").getBoundingClientRect();
  const whole = ({ top, bottom }) => top >= list.top - 1 && bottom <= list.bottom + 1;
  const cards = [...document.querySelectorAll("#loud > .incident")];
  return cards.filter((card) => whole(card.getBoundingClientRect())).map((card) => card.id);
}"""


def test_a_theme_is_chosen_without_javascript_and_stays(browser: Browser, live: Live) -> None:
    with opened(browser, f"{live.url}/?lang=en", java_script_enabled=False, color_scheme="light") as page:
        light = _background(page)
        page.get_by_role("link", name="dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert _background(page) != light
        page.goto(f"{live.url}/devices")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("link", name="wall").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "wall")
        page.goto(f"{live.url}/")
        expect(page.locator("body.wall")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_of_the_wall_and_the_desk_stands_out(browser: Browser, live: Live, theme: str) -> None:
    async def something(stage: Scene) -> None:
        await stage.fire()
        stage.hear("smoke-2", "fault")

    live.do(something)
    with opened(browser, f"{live.url}/look?theme={theme}&next=/", viewport=DESKTOP) as page:
        ratio, text = page.evaluate(LOWEST_CONTRAST)
        assert ratio >= 4.5, (theme, text, ratio)


def test_the_sound_button_never_claims_more_than_the_browser_allows(browser: Browser, live: Live) -> None:
    with opened(browser, f"{live.url}/?lang=en") as board:
        board.get_by_role("button", name="Sound: off").click()
        expect(board.get_by_role("button", name="Sound: on")).to_be_visible()
        board.evaluate("sounds.look()")
        fresh = board.context.new_page()
        fresh.goto(f"{live.url}/?lang=en")
        says = fresh.locator("#sound")
        running = fresh.evaluate("new AudioContext().state") == "running"
        expect(says).to_have_text("Sound: on" if running else "Sound: press once")
        fresh.keyboard.press("Shift")
        fresh.mouse.click(5, 300)
        expect(says).to_have_text("Sound: on")


def test_a_sites_own_map_carries_its_buildings(browser: Browser, tmp_path: Path) -> None:
    site = small_site(web_data())
    drawn = SiteMap(file="map.svg", width=1000, height=500, north=30.1, south=29.9, west=119.9, east=120.1)
    site.community = site.community.model_copy(update={"map": drawn})
    site.map_picture = SVG
    there = Live(tmp_path, site=site)
    there.start()
    try:
        picture = httpx.get(f"{there.url}/map", headers=BEARER)
        assert (
            picture.headers["content-type"] == "image/svg+xml"
            and "sandbox" in picture.headers["content-security-policy"]
        )
        with opened(browser, f"{there.url}/?lang=en") as board:
            expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
            expect(board.locator("#cells a.spot")).to_have_count(len(site.buildings))

            async def fire(stage: Scene) -> str:
                return (await stage.fire()).building

            building = there.do(fire)
            burning = board.locator(f"#t-{building}.alarm")
            expect(burning).to_be_visible(timeout=PATIENCE_MS)
            expect(burning).to_have_accessible_name("Plum Court: Alarm")
    finally:
        there.stop()


@pytest.mark.parametrize(
    ("path", "query", "here"),
    [
        ("/", b"", "/"),
        ("/devices", b"page=2&lang=zh", "/devices?page=2"),
        ("//evil.example", b"", "/"),
        ("/a/%0d%0aSet-Cookie", b"", "/a/%0d%0aSet-Cookie"),
        ("/\\evil.example", b"", "/"),
        ("/x", b"\xff\xfe=\xff", "/x?%C3%BF%C3%BE=%C3%BF"),
    ],
)
def test_a_page_leads_back_to_itself_only(path: str, query: bytes, here: str) -> None:
    assert look_of(path, query, "callpoint-theme=<script>").here == here
    assert look_of(path, query, "callpoint-theme=<script>").theme == "system"


def _background(page: Page) -> Any:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")
