"""The page of rosters: absences and swaps by forms, without a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from collector.alerter.pages.rosters import time_of
from collector.calls.roster import Away
from collector.commands import NotDelivered
from collector.locale.catalogues import say
from tests.web.live import Live
from tests.web.scene import SPIKED, Scene, web_data
from tests.web.test_browser import opened
from tests.web.test_measure_pages import browser, cookie_of, live, needs_chromium, played, sees, sends, wrong_in

__all__ = ["browser", "live"]

WANTED = {"person": "ned", "what": "away", "from": "2026-03-02T08:00", "until": "2026-03-04T20:00", "reason": "a trip"}
PATH = "/rosters/absences"


def said(stage: Scene) -> list[Away]:
    return list(stage.desk.engine.kept(Away).values())


def test_a_responder_is_away_and_back_by_forms(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        assert (await sends(stage, PATH, WANTED, "ned")).headers["location"] == "/rosters?done=away"
        (away,) = said(stage)
        assert (away.person, away.said_by, away.until_ms - away.from_ms) == ("ned", "ned", 60 * 3_600_000)
        shown = await sees(stage, "/rosters?done=away")
        assert "a trip" in shown and "Away: Ned" in shown and "Asia/Shanghai" in shown and SPIKED not in shown
        assert (await sends(stage, f"{PATH}/{away.id}/end", {}, "ned")).status_code == 303
        assert said(stage) == []
        again = await sends(stage, f"{PATH}/{away.id}/end", {}, "ned")
        assert again.status_code == 409 and "There is no such absence." in again.text

    played(tmp_path, play)


def test_a_leader_swaps_for_the_team_and_others_only_for_themselves(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        swap = WANTED | {"what": "swap", "substitute": "nick"}
        for person in ("nick", "sam"):
            refused = await sends(stage, PATH, swap, person)
            assert refused.status_code == 422 and 'id="wrong-person"' in refused.text
        assert said(stage) == []
        assert (await sends(stage, PATH, swap, "nora")).status_code == 303
        (away,) = said(stage)
        assert (away.swap, away.substitute, away.said_by) == (True, "nick", "nora")
        other = await sends(stage, f"{PATH}/{away.id}/end", {}, "sam", language="zh")
        assert other.status_code == 409 and "只有本人、本队队长或应急联系人" in other.text
        assert said(stage) == [away]

    played(tmp_path, play)


def test_two_weeks_of_shifts_name_who_is_on_duty_and_say_where_nobody_is(tmp_path: Path) -> None:
    data = web_data()
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    hours = {"from": "19:00", "until": "07:00", "days": days}
    data["teams"][0]["shifts"] = [{"id": "night", "hours": hours, "groups": [["ned"]]}]

    async def play(stage: Scene) -> tuple[str, int]:
        await sends(stage, PATH, WANTED, "ned")
        text = await sees(stage, "/rosters")
        return text, text.count("<time datetime=")

    text, shown = played(tmp_path, play, data=data)
    assert shown == 14
    assert "Mon, Mar 2 19:00–07:00" in text and "Sun, Mar 15 19:00–07:00" in text
    assert (
        text.count("Nobody on duty") == 1 + 3 and text.count("<strong>Ned") == 11 + 1
    )  # now and three nights; eleven nights and the absence


def test_who_cannot_be_reached_is_marked_in_every_shift_with_why(tmp_path: Path) -> None:
    data = web_data()
    hours = {"from": "07:00", "until": "19:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
    data["teams"][0]["shifts"] = [{"id": "day", "hours": hours, "groups": [["ned"]]}]

    async def play(stage: Scene) -> str:
        for channel in range(len(stage.desk.site.people["ned"].channels)):
            failed = NotDelivered("n", "ned", channel, stage.clock(), "unknown number", permanent=True)
            await stage.desk.act(failed)
        return str(await sees(stage, "/rosters"))

    text = played(tmp_path, play, data=data)
    mark = f'Ned <small class="quiet">({say("en", "reach-fails")})</small>'
    assert text.count(mark) > 5  # now, and in the shifts to come


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": "2026-02-29T08:00"}, "from"),
        ({"until": "soon"}, "until"),
        ({"until": "2026-03-01T08:00"}, "until"),
        ({"what": "swap"}, "substitute"),
        ({"substitute": "ned"}, "substitute"),
        ({"reason": "x" * 201}, "reason"),
    ],
)
def test_a_mistake_stands_beside_its_field(tmp_path: Path, change: dict[str, str], field: str) -> None:
    async def play(stage: Scene) -> Any:
        answer = await sends(stage, PATH, WANTED | change, "ned")
        assert said(stage) == []
        return answer

    answer = played(tmp_path, play)
    assert answer.status_code == 422 and f'id="wrong-{field}"' in answer.text and wrong_in(answer.text)
    assert field == "reason" or 'value="a trip"' in answer.text


def test_a_time_that_the_clocks_leave_out_is_no_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert time_of("2026-03-29T02:30", berlin) is None
    assert time_of("2026-03-29T03:30", berlin) == 1_774_747_800_000
    assert time_of("2026-10-25 02:30", berlin) == 1_792_888_200_000  # comes twice: the first
    assert time_of("0001-01-01T00:00", berlin) is None


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(("language", "save", "end"), [("zh", "登记", "取消"), ("en", "Save it", "Take back")])
def test_a_narrow_phone_without_a_script_swaps_a_duty(
    live: Live, browser: Browser, language: str, save: str, end: str
) -> None:
    more = {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False}
    name, _, value = cookie_of(live, "nora")["Cookie"].partition("=")
    with opened(browser, f"{live.url}/look?lang={language}&next=/", **more) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": live.url}])
        page.goto(f"{live.url}/rosters")
        tomorrow = live.do(_tomorrow)
        page.locator("#person").select_option("ned")
        page.locator("#what").select_option("swap")
        page.locator("#from").fill(f"{tomorrow}T08:00")
        page.locator("#until").fill(f"{tomorrow}T20:00")
        page.locator("#substitute").select_option("nick")
        page.get_by_role("button", name=save, exact=True).click()
        expect(page.locator("#absences")).to_contain_text("Nick")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.locator("#absences").get_by_role("button", name=end).click()
        expect(page.locator("#absences")).not_to_contain_text("Nick")


async def _tomorrow(stage: Scene) -> str:
    return f"{stage.desk.site.local(stage.clock() + 86_400_000):%Y-%m-%d}"
