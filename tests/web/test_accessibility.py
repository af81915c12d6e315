"""Every page for everybody: WCAG 2.2 AA by axe-core in Chromium, narrow and wide, light and dark, by keyboard alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from collector.alerter.pages.look import THEME_COOKIE
from tests.web.everypage import Found, every_page, without_example
from tests.web.live import Live
from tests.web.scene import BEARER, Scene
from tests.web.test_browser import ARGUMENTS

CHROMIUM = shutil.which("chromium")
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = (320, 1280)
ZOOMED = {"width": 640, "height": 400}  # a window of 1280 by 800 at 200 %
STOPS_MAX = 5  # a field of a date and time has a stop for each of its parts
WRONG = """async (rules) => {
  const found = await axe.run(document, {runOnly: rules, resultTypes: ["violations"]});
  const why = (node) => node.any.concat(node.all, node.none).map((each) => each.message).join("; ");
  const shown = (each) => each.nodes.slice(0, 3).map((node) => `${each.id}: ${node.target.join(" ")} ${why(node)}`);
  return found.violations.flatMap(shown);
}"""
# What runs over the right edge, innermost only; nothing when the page itself does not scroll sideways.
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const over = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1);
  const inner = over.filter((e) => !over.some((o) => o !== e && e.contains(o)));
  return inner.slice(0, 3).map((e) => e.outerHTML.slice(0, 160)).concat(over.length ? [] : ["the page itself"]);
}"""
MARK = """() => {
  const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  const seen = (e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex >= 0;
  const group = (e) => [...document.getElementsByName(e.name)];
  const spared = (e) => e.type === "radio" && group(e).some((o) => o.checked && o !== e);  // arrows reach it
  const usable = [...document.querySelectorAll(all)].filter((e) => seen(e) && !spared(e));
  const PARTS = ["outlineStyle", "outlineWidth", "boxShadow", "borderColor", "backgroundColor", "textDecorationLine"];
  const look = (e) => PARTS.map((part) => getComputedStyle(e)[part]).join();
  window.looked = new Map(usable.map((e) => [e, look(e)]));
  window.reached = new Set();
  window.faint = [];
  document.addEventListener("focusin", (event) => {
    const e = event.target;
    window.reached.add(e);
    if (window.looked.has(e) && window.looked.get(e) === look(e)) window.faint.push(e.outerHTML.slice(0, 160));
  });
  return usable.length;
}"""
MISSED = "() => [...window.looked.keys()].filter((e) => !window.reached.has(e)).map((e) => e.outerHTML.slice(0, 160))"

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


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    collector = Live(tmp_path_factory.mktemp("everypage"))
    collector.start()
    yield collector
    collector.stop()


@pytest.fixture(scope="module")
def found(live: Live) -> Found:
    return live.do(every_page)


@pytest.fixture(scope="module")
def contexts(browser: Browser, live: Live, found: Found) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Signed in as a manager, and bearing the token."""
    signed_in, bearing = browser.new_context(), browser.new_context(extra_http_headers=BEARER)
    name, value = found.cookie
    signed_in.add_cookies([{"name": name, "value": value, "url": live.url}])
    yield signed_in, bearing
    signed_in.close()
    bearing.close()


def shown(live: Live, found: Found, contexts: tuple[BrowserContext, BrowserContext], path: str, language: str) -> Page:
    page = contexts[path in found.borne].new_page()
    page.goto(f"{live.url}{path}{'&' if urlsplit(path).query else '?'}lang={language}")
    return page


def test_every_route_of_a_page_is_looked_at(live: Live, found: Found) -> None:
    async def missing(stage: Scene) -> set[str]:
        return without_example(stage, found)

    assert live.do(missing) == set()
    assert len(found.paths) > 20


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_breaks_wcag_narrow_or_wide_light_or_dark(
    live: Live, found: Found, contexts: Any, language: str
) -> None:
    wrong = []
    for path in found.paths:
        page = shown(live, found, contexts, path, language)
        page.evaluate(AXE)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                wrong += [f"{path} {width} {scheme} {each}" for each in page.evaluate(WRONG, RULES)]
        page.close()

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("theme", ["light", "dark", "wall"])
def test_the_board_keeps_to_it_in_every_theme_that_somebody_chooses(browser: Browser, live: Live, theme: str) -> None:
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, color_scheme="light")
    context.add_cookies([{"name": THEME_COOKIE, "value": theme, "url": live.url}])
    page = context.new_page()
    page.goto(f"{live.url}/?lang=zh")
    page.evaluate(AXE)
    wrong = page.evaluate(WRONG, RULES)
    context.close()

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_scrolls_sideways_on_a_narrow_phone_or_zoomed(
    live: Live, found: Found, contexts: Any, language: str
) -> None:
    wrong = []
    for path in found.paths:
        page = shown(live, found, contexts, path, language)
        for size in ({"width": WIDTHS[0], "height": 640}, ZOOMED):
            page.set_viewport_size(size)
            wrong += [f"{path} {size['width']} {each}" for each in page.evaluate(TOO_WIDE)]
        page.close()

    assert not wrong, "\n".join(wrong)


def test_everything_is_reached_by_keyboard_and_shows_where_the_focus_is(
    live: Live, found: Found, contexts: Any
) -> None:
    wrong = []
    for path in found.paths:
        page = shown(live, found, contexts, path, "en")
        tabs = page.evaluate(MARK) * STOPS_MAX + 5
        while tabs > 0 and page.evaluate(MISSED):
            page.keyboard.press("Tab")
            tabs -= 1
        wrong += [f"{path} not reached: {each}" for each in page.evaluate(MISSED)]
        wrong += [f"{path} focus not seen: {each}" for each in page.evaluate("() => window.faint")]
        page.close()

    assert not wrong, "\n".join(wrong)


def test_an_error_of_accessibility_is_found(browser: Browser, tmp_path: Path) -> None:
    """The measures themselves work: each finds what it is for."""
    page = browser.new_page(viewport={"width": 320, "height": 640})
    page.set_content(
        "<html lang=en><title>x</title><main><input style='width:600px'><p style='color:#ccc'>faint"
        "<a href='#' style='outline:none'>x</a>"
    )
    page.evaluate(AXE)
    axe = page.evaluate(WRONG, RULES)
    page.evaluate(MARK)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")

    assert {each.partition(":")[0] for each in axe} >= {"label", "color-contrast"}
    assert len(page.evaluate(TOO_WIDE)) == 1
    assert len(page.evaluate("() => window.faint")) == 1
    page.close()
