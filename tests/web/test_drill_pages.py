"""The pages of drills, as somebody without a script uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from collector.access.actor import Role
from collector.calls.drill import Drill
from tests.web.live import Live
from tests.web.scene import SPIKED, Scene
from tests.web.test_browser import LOWEST_CONTRAST, opened
from tests.web.test_measure_pages import browser, cookie_of, live, needs_chromium, played, sees, sends, wrong_in

__all__ = ["browser", "live"]

WANTED = {"buildings": ["b-1"], "kind": "fire", "minutes": "30", "note": "yearly exercise"}


def drills(stage: Scene) -> list[Drill]:
    return list(stage.desk.engine.kept(Drill).values())


def test_a_leader_starts_follows_and_ends_a_drill_by_forms(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        form = await sees(stage, "/drills/start")
        assert "phones will really ring" in form and "Called first:" in form and "Ned" in form and SPIKED not in form
        answer = await sends(stage, "/drills/start", WANTED)
        assert answer.status_code == 303, answer.text
        page = answer.headers["location"]
        (drill,) = drills(stage)
        assert (drill.person, drill.note, drill.ends_at_ms - drill.started_at_ms) == (
            "nora",
            "yearly exercise",
            1_800_000,
        )
        (incident,) = stage.desk.engine.incidents.values()
        shown = await sees(stage, page)
        assert "3 people told" in shown and "yearly exercise" in shown and SPIKED not in shown
        await stage.client.post(stage.path(incident.id, "ned"), data={"answer": "going"})
        assert "Ned: " in await sees(stage, page)
        assert (await sends(stage, f"{page}/end", {})).status_code == 303
        assert drills(stage)[0].ended_at_ms is not None
        again = await sends(stage, f"{page}/end", {}, language="zh")
        assert again.status_code == 409 and "没有正在进行的这次演练。" in again.text
        results = await sees(stage, "/drills")
        assert "Response times in drills" in results and "<svg" in results and "1 / 3" in results

    played(tmp_path, play)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"buildings": []}, "buildings"),
        ({"buildings": ["b-99"]}, "buildings"),
        ({"kind": "flood"}, "kind"),
        ({"minutes": "0"}, "minutes"),
        ({"note": "x" * 201}, "note"),
    ],
)
def test_a_mistake_stands_beside_its_field_and_nobody_is_called(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    async def play(stage: Scene) -> Any:
        answer = await sends(stage, "/drills/start", WANTED | change)
        assert drills(stage) == [] and not stage.desk.engine.incidents
        return answer

    answer = played(tmp_path, play)
    assert answer.status_code == 422
    assert f'id="wrong-{field}"' in answer.text and f'aria-describedby="wrong-{field}' in answer.text
    assert field == "note" or 'value="yearly exercise"' in answer.text


def test_no_drill_starts_over_a_real_alarm_nor_over_another_drill(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await sends(stage, "/drills/start", WANTED)
        twice = await sends(stage, "/drills/start", WANTED)
        await stage.fire()
        return wrong_in(twice.text), wrong_in((await sends(stage, "/drills/start", WANTED, language="zh")).text)

    twice, burning = played(tmp_path, play)
    assert twice == ["A drill is already running in one of these buildings."]
    assert burning == ["其中一栋楼正在真实报警。"]


def test_who_may_not_drill_neither_starts_nor_ends_one(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        page = (await sends(stage, "/drills/start", WANTED)).headers["location"]
        responder = await sees(stage, page, person="ned"), await sees(stage, "/drills", person="ned")
        answers = [
            await sends(stage, "/drills/start", WANTED, "ned"),
            await sends(stage, f"{page}/end", {}, "ned"),
            await sends(stage, f"{page}/end", {}, "greg", Role.ENGINEER),
            await sends(stage, "/drills/start", WANTED | {"buildings": ["b-3"]}),
        ]
        return responder, [each.status_code for each in answers], drills(stage)

    (drill, listed), statuses, left = played(tmp_path, play)
    assert "End the drill" not in drill and "/drills/start" not in listed
    assert statuses == [403, 403, 409, 403]
    assert [each.ended_at_ms for each in left] == [None]


def test_the_times_of_people_are_for_leaders_and_for_themselves(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        page = (await sends(stage, "/drills/start", WANTED)).headers["location"]
        (incident,) = stage.desk.engine.incidents.values()
        await stage.client.post(stage.path(incident.id, "nick"), data={"answer": "going"})
        await sends(stage, f"{page}/end", {})
        return await sees(stage, "/drills"), await sees(stage, "/drills", person="ned")

    leader, responder = played(tmp_path, play)
    assert '<th scope="row">Nick</th>' in leader and '<th scope="row">Ned</th>' in leader
    assert '<th scope="row">Nick</th>' not in responder and '<th scope="row">Ned</th>' in responder


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(
    ("language", "start", "end", "ended"),
    [("zh", "开始并呼叫", "结束演练", "结束"), ("en", "Start and ring", "End the drill", "Ended")],
)
def test_a_narrow_phone_without_a_script_runs_a_drill(
    live: Live, browser: Browser, language: str, start: str, end: str, ended: str
) -> None:
    more = {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False}
    name, _, value = cookie_of(live, "nora")["Cookie"].partition("=")
    with opened(browser, f"{live.url}/look?lang={language}&next=/", **more) as page:
        page.context.add_cookies([{"name": name, "value": value, "url": live.url}])
        page.goto(f"{live.url}/drills/start")
        page.locator('input[value="b-1"]').check()
        page.get_by_role("button", name=start).click()
        page.get_by_role("button", name=end).click()
        expect(page.locator("#follow")).to_contain_text(ended)
        page.goto(f"{live.url}/drills")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        ratio, text = page.evaluate(LOWEST_CONTRAST)
        assert ratio >= 4.5, text
