"""What a person sees: a phone without JavaScript answers, and the board on the wall follows. In Debian's Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from collector.commands import Delivered
from config.loader import load_site
from tests.web.live import Live
from tests.web.scene import Scene

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
ROOT = Path(__file__).resolve().parents[2]
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
PATIENCE_MS = 15_000
# The lowest contrast of any text with what is behind it (WCAG 2 formula), with that text.
LOWEST_CONTRAST = """() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = (c) => 0.2126 * part(c.r) + 0.7152 * part(c.g) + 0.0722 * part(c.b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.a === 1) return colour;
    }
    return parse("rgb(255, 255, 255)");
  };
  let lowest = [99, ""];
  for (const element of document.querySelectorAll("body *")) {
    const said = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
    if (!said || !element.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < lowest[0]) lowest = [ratio, said];
  }
  return lowest;
}"""

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
    collector = Live(tmp_path)
    collector.start()
    yield collector
    collector.stop()


@contextmanager
def opened(browser: Browser, url: str, **more: Any) -> Iterator[Page]:
    """A page with a profile of its own; fails if the page itself complained."""
    options = {"viewport": DESKTOP, "locale": "en", **more}
    context = browser.new_context(**options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.goto(url)
    yield page
    assert complaints == []
    context.close()


async def _fire(stage: Scene) -> str:
    return (await stage.fire()).id


async def _fault(stage: Scene) -> None:
    stage.hear("smoke-3", "fault")
    await stage.desk.settle()


async def _second_fire(stage: Scene) -> str:
    return (await stage.fire("smoke-3")).id


async def _everything(stage: Scene) -> str:
    """Something of every kind, so that every colour and badge is on the page."""
    stage.gateway_is_back()
    for point in ("fault", "disabled", "pre_alarm", "supervisory"):
        stage.hear("smoke-2", point)
    stage.hear("smoke-2", "test", True)
    stage.hear("ext-1", "pressure_kpa", 900.5)
    stage.hear("lift-1", "trapped")
    stage.hear("lift-1", "trapped", False)
    incident = await stage.fire()
    for person, answer in (("ned", "going"), ("sam", "cannot"), ("nick", "arrived")):
        await stage.client.post(stage.path(incident.id, person), data={"answer": answer})
    return incident.id


def _answer_path(live: Live, incident: str, person: str) -> str:
    async def path(stage: Scene) -> str:
        return stage.path(incident, person)

    return live.url + live.do(path)


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_phone_without_javascript_answers_and_the_board_follows_without_a_reload(
    browser: Browser, live: Live
) -> None:
    with opened(browser, f"{live.url}/?lang=zh") as board:
        expect(board.locator("#pill")).to_have_text("实时", timeout=PATIENCE_MS)
        board.evaluate("window.neverReloaded = true")
        incident = live.do(_fire)
        card = board.locator(f"#i-{incident}")
        expect(card).to_contain_text("Plum Court", timeout=PATIENCE_MS)
        expect(card).to_contain_text("5楼 502室")
        expect(card).to_contain_text("还没有人回复")

        link = _answer_path(live, incident, "sam")
        with opened(browser, link, viewport=PHONE, java_script_enabled=False, locale="zh-CN") as phone:
            expect(phone.locator("body")).to_contain_text("4711#")
            phone.get_by_role("button", name="我去", exact=True).click()
            expect(phone.locator(".mine")).to_contain_text("您已回复：正在前往")

        expect(card.locator(".going")).to_contain_text("桑梅", timeout=PATIENCE_MS)
        assert board.evaluate("window.neverReloaded") is True


def test_the_board_sounds_each_class_in_its_own_way_once_somebody_turned_it_on(browser: Browser, live: Live) -> None:
    with opened(browser, f"{live.url}/?lang=en") as board:
        expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
        button = board.get_by_role("button", name="Sound: off")
        button.focus()
        board.keyboard.press("Enter")
        button = board.get_by_role("button", name="Sound: on")
        expect(button).to_have_attribute("aria-pressed", "true")

        live.do(_fault)
        expect(button).to_have_attribute("data-played", "trouble", timeout=PATIENCE_MS)
        live.do(_fire)
        expect(button).to_have_attribute("data-played", "alarm", timeout=PATIENCE_MS)

        button.click()
        expect(board.get_by_role("button", name="Sound: off")).to_have_attribute("aria-pressed", "false")


def test_the_board_says_that_the_connection_is_lost_and_recovers_after_a_restart(browser: Browser, live: Live) -> None:
    with opened(browser, f"{live.url}/?lang=en") as board:
        expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
        first = live.do(_fire)
        expect(board.locator(f"#i-{first}")).to_be_visible(timeout=PATIENCE_MS)

        live.stop()
        expect(board.locator("#lost")).to_contain_text("Connection lost for", timeout=PATIENCE_MS)
        expect(board.locator(f"#i-{first}")).to_be_visible()  # what was known stays, marked as old

        live.start()
        expect(board.locator("#lost")).to_be_hidden(timeout=PATIENCE_MS)
        expect(board.locator("#pill")).to_have_text("Live")
        second = live.do(_second_fire)
        expect(board.locator(f"#i-{second}")).to_be_visible(timeout=PATIENCE_MS)
        expect(board.locator(f"#i-{first}")).to_be_visible()


def test_focus_and_marked_text_stay_when_the_board_changes(browser: Browser, live: Live) -> None:
    incident = live.do(_fire)
    with opened(browser, f"{live.url}/?lang=en") as board:
        expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
        board.locator(f"#a-{incident}").focus()
        second = live.do(_second_fire)
        expect(board.locator(f"#i-{second}")).to_be_visible(timeout=PATIENCE_MS)
        expect(board.locator(f"#a-{incident}")).to_be_focused()
        expect(board.locator("#announcer")).to_contain_text("Fire: b-2")


def test_a_page_works_from_the_keyboard_with_a_focus_that_is_seen(browser: Browser, live: Live) -> None:
    live.do(_fire)
    with opened(browser, f"{live.url}/?lang=en") as board:
        board.keyboard.press("Tab")
        expect(board.locator(".skip")).to_be_in_viewport()
        for _ in range(2):  # the language, and the incident's details
            board.keyboard.press("Tab")
            assert board.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_wider_than_a_narrow_phone(browser: Browser, live: Live, language: str) -> None:
    incident = live.do(_everything)
    pages = ["/", f"/incident/{incident}", "/enter", _answer_path(live, incident, "nora").removeprefix(live.url)]
    for path in pages:
        with opened(browser, f"{live.url}{path}?lang={language}", viewport={"width": 320, "height": 640}) as page:
            assert page.evaluate("document.documentElement.clientWidth") == 320
            assert _fits(page), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(browser: Browser, live: Live, scheme: str) -> None:
    incident = live.do(_everything)
    link = _answer_path(live, incident, "ned").removeprefix(live.url)
    for path in ("/", f"/incident/{incident}", "/enter", link, link[:-1]):
        with opened(browser, f"{live.url}{path}?lang=en", color_scheme=scheme) as page:
            ratio, text = page.evaluate(LOWEST_CONTRAST)
            assert ratio >= 4.5, (path, text, ratio)


def test_the_board_is_whole_without_javascript(browser: Browser, live: Live) -> None:
    incident = live.do(_fire)
    with opened(browser, f"{live.url}/?lang=en", java_script_enabled=False) as board:
        expect(board.locator(f"#i-{incident}")).to_contain_text("floor 5")
        expect(board.locator("#pill")).to_have_text("Not updating by itself")


def test_the_stream_of_events_tells_a_change_and_ends_with_the_server(live: Live) -> None:
    seen: list[str] = []
    with httpx.stream("GET", f"{live.url}/events", timeout=PATIENCE_MS / 1000) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            seen.append(line)
            if line == "event: beat" and len(seen) < 10:
                live.do(_fire)
            if line.startswith('data: {"change"') and sum(each.startswith("id: ") for each in seen) >= 2:
                live.stop()

    assert seen[0] == "retry: 2000"
    numbers = [int(line.removeprefix("id: ")) for line in seen if line.startswith("id: ")]
    assert numbers == sorted(set(numbers))


@pytest.mark.skipif("CALLPOINT_SCREENSHOTS" not in os.environ, reason="writes into docs/ only when asked to")
def test_pictures_for_the_readme(browser: Browser, tmp_path: Path) -> None:
    live = Live(tmp_path, site=load_site(ROOT / "config/sites/demo"))
    live.start()
    try:
        incident = live.do(_demo)
        tall = {"width": 1280, "height": 1000}
        with opened(browser, f"{live.url}/?lang=en", viewport=tall, device_scale_factor=2) as board:
            expect(board.locator("#pill")).to_have_text("Live", timeout=PATIENCE_MS)
            board.screenshot(path=ROOT / "docs/board.png")
        with opened(browser, f"{live.url}/?lang=zh&view=wall", viewport={"width": 1920, "height": 1080}) as wall:
            expect(wall.locator("#loud > .incident")).to_have_count(1, timeout=PATIENCE_MS)
            wall.screenshot(path=ROOT / "docs/wall.png")
        link = _answer_path(live, incident, "wang-fang")
        with opened(browser, link, viewport=PHONE, device_scale_factor=2, java_script_enabled=False) as phone:
            phone.screenshot(path=ROOT / "docs/answer.png")
    finally:
        live.stop()


async def _demo(stage: Scene) -> str:
    """The demo community with a kitchen fire that two people have answered, and a low extinguisher."""
    for gateway in stage.desk.site.gateways:
        stage.gateway_is_back(gateway)
    now = stage.clock()
    usual = {"temperature_c": 18.4, "obscuration_db_m": 0.02, "pressure_kpa": 1210.0, "mains_v": 228.6}
    usual |= {"service_mode": 0, "door": 0, "speed_m_s": 0.0}
    for device in stage.desk.site.devices.values():
        for point in stage.desk.site.points(device):
            if point.detector is None and point.name in usual:
                stage.hear(device.id, point.name, usual[point.name])
    for person in stage.desk.site.people:
        stage.desk.tell(Delivered("", person, 0, now - 3_600_000))
    stage.hear("extinguisher-b1-1", "low", at_ms=now - 2_700_000)
    incident = await stage.fire("smoke-b3-502", at_ms=now - 134_000)
    for person, answer in (("li-guoqiang", "going"), ("zhao-lei", "arrived"), ("chen-jie", "cannot")):
        await stage.client.post(stage.path(incident.id, person), data={"answer": answer})
    return incident.id


@pytest.mark.parametrize("width", [320, 390])
def test_the_state_of_a_device_does_not_cover_its_place(browser: Browser, live: Live, width: int) -> None:
    with opened(browser, f"{live.url}/?lang=en", viewport={"width": width, "height": 800}) as board:
        for row in board.locator("#buildings li").all():
            place, state = row.locator(".what").bounding_box(), row.locator(".how .badge").first.bounding_box()
            assert place is not None and state is not None
            beside = place["x"] + place["width"] <= state["x"] or state["y"] >= place["y"] + place["height"]
            assert beside, row.inner_text()
