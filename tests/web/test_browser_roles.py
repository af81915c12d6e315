"""In a real browser: what was changed by a form stands in the log, and nobody sees more than their role has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from collector.access.accounts import Area
from collector.access.actor import Role
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


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    collector = Live(tmp_path_factory.mktemp("collector"), listen_host="0.0.0.0")
    collector.start()
    yield collector
    collector.stop()


def page_of(browser: Browser, live: Live, language: str, *, area: Area | None = None, **who: object) -> Page:
    """A page of a browser in which somebody has signed in, without JavaScript."""

    async def cookie(stage: Scene) -> str:
        more = {} if area is None else {"area": area}
        return (await stage.sign_in(**who, **more))["Cookie"]  # type: ignore[arg-type]

    name, _, value = live.do(cookie).partition("=")
    locale = {"zh": "zh-CN", "en": "en"}[language]
    context: BrowserContext = browser.new_context(locale=locale, java_script_enabled=False)
    context.add_cookies([{"name": name, "value": value, "url": live.url, "sameSite": "Lax"}])
    return context.new_page()


@pytest.mark.parametrize(
    ("language", "save", "log", "details", "field"),
    [("zh", "保存", "操作记录", "详情", "姓名或名称"), ("en", "Save", "Audit log", "Details", "Name")],
)
def test_what_a_manager_changes_by_a_form_is_in_the_log_with_before_and_after(
    browser: Browser, live: Live, language: str, save: str, log: str, details: str, field: str
) -> None:
    page = page_of(browser, live, language, role=Role.MANAGER, name=f"boss-{language}")
    page.goto(f"{live.url}/people/ned")
    before = page.locator("#name").input_value()
    page.locator("#name").fill(f"Ned 内德 {language}")
    page.get_by_role("button", name=save, exact=True).first.click()
    page.goto(f"{live.url}/audit?who=boss-{language}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(log)
    row = page.locator("li[id^=row-]").first
    expect(row).to_contain_text(f"boss-{language}")
    row.get_by_text(details, exact=True).click()
    changed = row.locator("dl > div").filter(has=page.get_by_text(field, exact=True))
    expect(changed).to_contain_text(f"{before} → Ned 内德 {language}")
    assert "Section." not in row.inner_text()  # nothing of how it is made
    page.context.close()


@pytest.mark.parametrize(("language", "refused"), [("zh", "没有这项权限"), ("en", "not yours")], ids=["zh", "en"])
@pytest.mark.parametrize(
    ("role", "person", "leads_to", "never"),
    [
        (Role.VIEWER, None, {"/"}, {"/people", "/accounts", "/audit", "/tokens"}),
        (None, "ned", {"/", "/me", "/rosters"}, {"/accounts", "/tokens"}),
        (None, "nora", {"/", "/me", "/rosters", "/drills", "/measures"}, {"/tokens"}),
    ],
    ids=["viewer", "responder", "leader"],
)
def test_each_sees_the_links_of_their_role_and_is_told_in_words_at_any_other(
    browser: Browser,
    live: Live,
    language: str,
    refused: str,
    role: Role | None,
    person: str | None,
    leads_to: set[str],
    never: set[str],
) -> None:
    page = page_of(browser, live, language, role=role, person=person)
    page.goto(f"{live.url}/")
    links = {each.get_attribute("href") or "" for each in page.locator("header a, nav a").all()}
    there = {each.partition("?")[0] for each in links}
    assert leads_to <= there and not never & there, there
    for path in sorted(never):
        answer = page.goto(f"{live.url}{path}?lang={language}")
        assert answer is not None and answer.status == 403, path
        expect(page.locator("main")).to_contain_text(refused)
    page.context.close()


def test_a_leader_of_one_building_reads_nothing_of_another(browser: Browser, live: Live) -> None:
    async def burn(stage: Scene) -> list[str]:
        return [(await stage.fire(device)).id for device in ("smoke-1", "smoke-3")]

    here, there = live.do(burn)

    async def place(stage: Scene) -> tuple[str, str]:
        return tuple(stage.desk.engine.incidents[each].building for each in (here, there))  # type: ignore[return-value]

    mine, other = live.do(place)
    assert mine != other
    page = page_of(browser, live, "en", role=Role.LEADER, area=Area(buildings=(mine,)), name="one")
    page.goto(f"{live.url}/")
    expect(page.locator(f"a[href*='/incident/{here}']").first).to_be_attached()
    expect(page.locator(f"a[href*='/incident/{there}']")).to_have_count(0)
    answer = page.goto(f"{live.url}/incident/{there}")
    assert answer is not None and answer.status == 404
    page.context.close()
