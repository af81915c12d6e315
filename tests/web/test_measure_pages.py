"""The pages of disablements and walk tests, as somebody without a script uses them; and a browser that has one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from collector.access.actor import Role
from collector.alarms.measures import Disablement, WalkTest
from tests.sites import site_data
from tests.web.live import Live
from tests.web.scene import SPIKED, Clock, Scene, scene, web_data
from tests.web.test_browser import ARGUMENTS, CHROMIUM, LOWEST_CONTRAST, opened

WANTED = {"building": "b-1", "target": "device:smoke-1", "why": "detector replaced", "minutes": "60", "watch": "ned"}
TEST = {"building": "b-1", "devices": ["smoke-1", "smoke-2"], "minutes": "30"}


def played(folder: Path, play: Callable[[Scene], Awaitable[Any]], **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, **more) as stage:
            return await play(stage)

    return asyncio.run(run())


async def sends(
    stage: Scene,
    path: str,
    fields: dict[str, Any],
    person: str = "nora",
    role: Role | None = None,
    language: str = "en",
) -> Any:
    """Send a form as somebody who is signed in: with their own account, or one of a role."""
    headers = await stage.sign_in(role, person) | {"Accept": "text/html", "Accept-Language": language}
    return await stage.client.post(f"{path}?lang={language}", data={"csrf": stage.csrf, **fields}, headers=headers)


async def sees(stage: Scene, path: str, person: str = "nora", language: str = "en") -> str:
    headers = await stage.sign_in(None, person) | {"Accept": "text/html"}
    answer = await stage.client.get(f"{path}{'&' if '?' in path else '?'}lang={language}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def wrong_in(text: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'<p class="wrong" id[^>]*>([^<]*)</p>', text)]


def disabled(stage: Scene) -> list[Disablement]:
    return list(stage.desk.engine.kept(Disablement).values())


def walk_tests(stage: Scene) -> list[WalkTest]:
    return list(stage.desk.engine.kept(WalkTest).values())


def test_a_leader_disables_renews_and_ends_by_forms(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        answer = await sends(stage, "/measures/disable", WANTED)
        assert (answer.status_code, answer.headers["location"]) == (303, "/measures?done=disabled")
        (item,) = disabled(stage)
        assert (item.person, item.watch, item.length_ms) == ("nora", "ned", 3_600_000)
        shown = await sees(stage, "/measures?done=disabled")
        assert "detector replaced" in shown and "Watched by: Ned" in shown and "It ends by itself in time" in shown
        assert (await sends(stage, f"/measures/{item.id}/renew", {"minutes": "240"})).status_code == 303
        assert disabled(stage)[0].length_ms == 4 * 3_600_000
        assert (await sends(stage, f"/measures/{item.id}/end", {})).status_code == 303
        assert disabled(stage) == []

    played(tmp_path, play)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": ""}, "Please choose"),
        ({"target": "device:nothing"}, "Please choose"),
        ({"target": "street:b-1"}, "Please choose"),
        ({"why": "   "}, "Say why"),
        ({"why": "x" * 300}, "Say why"),
        ({"minutes": "9999"}, "Please choose"),
        ({"minutes": "soon"}, "Please choose"),
        ({"watch": "nobody"}, "not on the list"),
    ],
)
def test_a_mistake_stands_beside_its_field_and_what_was_typed_stays(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    async def play(stage: Scene) -> Any:
        answer = await sends(stage, "/measures/disable", WANTED | {"why": "new cables"} | change)
        assert disabled(stage) == []
        return answer

    answer = played(tmp_path, play)
    (field,) = change
    assert answer.status_code == 422
    assert f'aria-describedby="wrong-{field}' in answer.text and f'id="wrong-{field}"' in answer.text
    assert any(words in each for each in wrong_in(answer.text)) or field == "watch"
    assert 'value="new cables"' in answer.text or field == "why"


def test_what_is_disabled_twice_is_said_beside_the_target(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await sends(stage, "/measures/disable", WANTED)
        return [(await sends(stage, "/measures/disable", WANTED, language=each)).text for each in ("en", "zh")]

    en, zh = played(tmp_path, play)
    assert wrong_in(en) == ["This is disabled already: renew that instead."]
    assert wrong_in(zh) == ["这里已经屏蔽，请续期。"]


def test_what_somebody_else_has_just_ended_is_a_sentence_on_the_page(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await sends(stage, "/measures/disable", WANTED)
        (item,) = disabled(stage)
        await sends(stage, f"/measures/{item.id}/end", {}, person="mona")
        return [
            await sends(stage, f"/measures/{item.id}/{each}", {"minutes": "60"}, language="zh")
            for each in ("end", "renew")
        ]

    for answer in played(tmp_path, play):
        assert answer.status_code == 409 and "没有这项屏蔽，可能已经解除。" in answer.text


def test_who_may_not_disable_is_shown_no_form_and_cannot_send_one(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await sends(stage, "/measures/disable", WANTED)
        (item,) = disabled(stage)
        responder = await sees(stage, "/measures", person="ned")
        refused = await sends(stage, f"/measures/{item.id}/end", {}, person="ned")
        other = await sends(stage, f"/measures/{item.id}/end", {}, person="sam")  # leads another building's team
        engineer = await sends(stage, "/measures/disable", WANTED, "gina", Role.ENGINEER)
        forged = await stage.client.post(
            f"/measures/{item.id}/end", data={"csrf": "made-up"}, headers=await stage.sign_in(None, "nora")
        )
        return responder, refused, other, engineer, forged, len(disabled(stage))

    responder, refused, other, engineer, forged, left = played(tmp_path, play)
    assert "<select" not in responder and "/measures/disable" not in responder
    assert refused.status_code == 403 and forged.status_code == 403
    assert other.status_code in (403, 409) and engineer.status_code == 422
    assert left == 1


def test_a_walk_test_begins_follows_and_ends_by_forms(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        answer = await sends(stage, "/measures/walk-test", TEST)
        assert answer.status_code == 303, answer.text
        page = answer.headers["location"]
        assert "No device has given an alarm yet" in await sees(stage, page)
        stage.hear("smoke-1")
        await stage.desk.settle()
        shown = await sees(stage, page)
        assert "1 of 2 have given an alarm" in shown and "gave an alarm at 14:03:22" in shown and SPIKED not in shown
        assert (await sends(stage, f"{page}/end", {})).status_code == 303
        assert [each.running for each in walk_tests(stage)] == [False]
        again = await sends(stage, f"{page}/end", {})
        assert again.status_code == 409 and "There is no such walk test any more." in again.text

    played(tmp_path, play)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"devices": []}, "devices"),
        ({"devices": ["nothing"]}, "devices"),
        ({"zone": "nowhere"}, "devices"),
        ({"minutes": "500"}, "minutes"),
    ],
)
def test_a_walk_test_that_cannot_be_says_why(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    async def play(stage: Scene) -> Any:
        answer = await sends(stage, "/measures/walk-test", TEST | change)
        assert walk_tests(stage) == []
        return answer

    answer = played(tmp_path, play)
    assert answer.status_code == 422 and f'id="wrong-{field}"' in answer.text


def test_a_walk_test_in_anothers_building_is_refused(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        everywhere = TEST | {"devices": ["panel-1"]}
        return [
            await sends(stage, "/measures/walk-test", everywhere),
            await sends(stage, "/measures/walk-test", everywhere, "ned", Role.LEADER),
            walk_tests(stage),
        ]

    own, whole, tests = played(tmp_path, play)
    assert own.status_code == 403  # their account is of their building
    assert (
        whole.status_code == 422 and whole.text.count("an emergency contact can do this") == 2
    )  # the account sees all, they do not
    assert tests == []


def test_a_zone_and_a_whole_building_can_be_chosen(tmp_path: Path) -> None:
    data = web_data()
    data["zones"] = [{"id": "kitchens", "name": "Kitchens", "building": "b-1", "members": ["smoke-1", "smoke-2"]}]

    async def play(stage: Scene) -> Any:
        form = await sees(stage, "/measures/disable?building=b-1")
        first = await sends(stage, "/measures/disable", WANTED | {"target": "zone:kitchens"})
        second = await sends(stage, "/measures/disable", WANTED | {"target": "building:b-1"})
        third = await sends(stage, "/measures/walk-test", TEST | {"zone": "kitchens", "devices": []})
        return form, first.status_code, second.status_code, third.status_code

    form, *statuses = played(tmp_path, play, data=data)
    assert statuses == [303, 303, 303]
    assert 'value="zone:kitchens"' in form and 'value="building:b-1"' in form and SPIKED not in form


def test_all_goes_on_after_a_restart_of_the_collector(tmp_path: Path) -> None:
    clock = Clock()

    async def begin(stage: Scene) -> None:
        await sends(stage, "/measures/disable", WANTED | {"target": "device:ext-1"})
        await sends(stage, "/measures/walk-test", TEST)

    async def look(stage: Scene) -> tuple[str, str]:
        return await sees(stage, "/measures"), await sees(stage, f"/measures/walk-tests/{walk_tests(stage)[0].id}")

    played(tmp_path, begin, clock=clock)
    clock.now_ms += 60_000
    overview, test = played(tmp_path, look, clock=clock)
    assert "detector replaced" in overview and "0 of 2 have given an alarm" in test


# --- in a browser -------------------------------------------------------------------------------------

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    collector = Live(tmp_path, data=site_data())
    collector.start()
    yield collector
    collector.stop()


def cookie_of(live: Live, person: str) -> dict[str, str]:
    async def cookie(stage: Scene) -> str:
        return (await stage.sign_in(None, person))["Cookie"]

    return {"Cookie": live.do(cookie)}


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(
    ("language", "again", "disable", "end", "nothing"),
    [("zh", "下一步", "屏蔽", "解除屏蔽", "没有屏蔽"), ("en", "Go on", "Disable", "End it", "Nothing is disabled")],
)
def test_a_phone_without_a_script_disables_and_ends(
    live: Live, browser: Browser, language: str, again: str, disable: str, end: str, nothing: str
) -> None:
    more = {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False}
    name, _, value = cookie_of(live, "nora")["Cookie"].partition("=")
    with opened(browser, f"{live.url}/look?lang={language}&next=/", **more) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": live.url}])
        page.goto(f"{live.url}/measures/disable")
        page.locator("#building").select_option("b-1")
        page.get_by_role("button", name=again).click()
        page.locator("#target").select_option("device:smoke-1")
        page.locator("#why").fill("新探头")
        page.get_by_role("button", name=disable, exact=True).click()
        expect(page.get_by_role("status")).to_be_visible()
        expect(page.locator("#disablements")).to_contain_text("新探头")
        page.get_by_role("button", name=end).click()
        expect(page.locator("#disablements")).to_contain_text(nothing)


@pytest.mark.browser
@needs_chromium
def test_what_has_been_tested_appears_without_loading_the_page_again(live: Live, browser: Browser) -> None:
    name, _, value = cookie_of(live, "nora")["Cookie"].partition("=")
    with opened(browser, f"{live.url}/look?lang=en&next=/") as page:
        page.context.add_cookies([{"name": name, "value": value, "url": live.url}])
        page.goto(f"{live.url}/measures/walk-test?building=b-1")
        for device in ("smoke-1", "smoke-2"):
            page.locator(f'input[value="{device}"]').check()
        page.get_by_role("button", name="Begin the test").click()
        expect(page.locator("#h-tested")).to_have_text("0 of 2 have given an alarm")

        async def alarm(stage: Scene) -> None:
            stage.hear("smoke-2")
            await stage.desk.settle()

        live.do(alarm)
        expect(page.locator("#h-tested")).to_have_text("1 of 2 have given an alarm", timeout=15_000)
        page.get_by_role("button", name="End the test").click()
        expect(page.get_by_text("Ended")).to_be_visible()


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_forms_are_readable_on_a_narrow_phone(live: Live, browser: Browser, scheme: Any) -> None:
    async def begin(stage: Scene) -> None:
        await sends(stage, "/measures/disable", WANTED)
        await sends(stage, "/measures/walk-test", TEST | {"devices": ["smoke-2"]})

    live.do(begin)
    name, _, value = cookie_of(live, "nora")["Cookie"].partition("=")
    more = {"viewport": {"width": 320, "height": 640}, "color_scheme": scheme}
    with opened(browser, f"{live.url}/look?lang=zh&next=/", **more) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": live.url}])
        for path in ("/measures", "/measures/disable?building=b-1", "/measures/walk-test?building=b-1"):
            page.goto(live.url + path)
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
            ratio, text = page.evaluate(LOWEST_CONTRAST)
            assert ratio >= 4.5, text
