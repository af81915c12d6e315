"""What people see of an alarm that is verified, and how they say that it is false or that they need more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.scene import BEARER, Scene, scene, web_data
from tests.web.test_pages import Balanced

LOUD_AT = "14:04:22"  # sixty seconds after the scene's time


def _played(folder: Path, play: Callable[[Scene], Awaitable[Any]]) -> Any:
    data = web_data()
    zone = {"id": "stairs", "name": "Stairs 1", "building": "b-1", "members": ["smoke-1", "smoke-2"]}
    data["zones"] = [zone | {"verification": {"method": "cross-zone"}}]

    async def run() -> Any:
        async with scene(folder, data=data) as stage:
            return await play(stage)

    return asyncio.run(run())


async def _says(stage: Scene, incident: str, what: str, **body: str) -> Any:
    return await stage.client.post(f"/api/v1/incidents/{incident}/{what}", json=body, headers=BEARER)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "One detector alone, being verified"), ("zh", "单个探测器报警，正在核实")],
)
def test_every_page_says_that_it_is_verified_and_when_it_becomes_loud(
    tmp_path: Path, language: str, words: str
) -> None:
    async def play(stage: Scene) -> list[str]:
        incident = await stage.fire()
        paths = [f"/?lang={language}", f"/incident/{incident.id}?lang={language}"]
        paths.append(stage.path(incident.id, "nora") + f"?lang={language}")
        return [(await stage.client.get(path, headers=BEARER)).text for path in paths]

    pages = _played(tmp_path, play)

    for page in pages:
        assert words in page and LOUD_AT in page
        Balanced(page)


def test_the_api_tells_what_a_first_hit_waits_for_and_why_it_became_loud(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[Any]:
        incident = await stage.fire()
        path = f"/api/v1/incidents/{incident.id}"
        before = (await stage.client.get(path, headers=BEARER)).json()
        await stage.fire("smoke-2")
        return [before, (await stage.client.get(path, headers=BEARER)).json()]

    before, after = (shown["first_hit"] for shown in _played(tmp_path, play))

    assert before | {"since": None} == {
        "stage": "waiting",
        "zone": "stairs",
        "zone_name": "Stairs 1",
        "members": ["smoke-1"],
        "since": None,
        "loud_at": before["since"].replace("14:03", "14:04"),
        "cause": None,
    }
    assert (after["stage"], after["loud_at"], after["cause"]) == ("loud", None, "second-device")


def test_a_remark_that_is_not_obeyed_is_shown_and_one_that_is_ends_the_call(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[Any]:
        incident = (await stage.fire()).id
        far = await _says(stage, incident, "false-alarm", person="ned")
        await _says(stage, incident, "answers", person="ned", answer="arrived")
        there = await _says(stage, incident, "false-alarm", person="ned")
        page = await stage.client.get(f"/incident/{incident}?lang=en", headers=BEARER)
        return [far.json(), there.json(), page.text]

    far, there, page = _played(tmp_path, play)

    assert far["first_hit"]["stage"] == "waiting" and far["false_alarm_by"] is None
    assert [(said["person"]["id"], said["obeyed"]) for said in far["remarks"]] == [("ned", False)]
    assert there["first_hit"]["stage"] == "set-aside" and there["false_alarm_by"]["id"] == "ned"
    assert "not on site: the call goes on" in page and "ended as a false alarm by" in page


def test_who_may_not_ask_for_more_people_is_told_so(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[Any]:
        incident = (await stage.fire()).id
        stranger = await _says(stage, incident, "need-more", person="sue")
        leader = await _says(stage, incident, "need-more", person="nora")
        return [stranger, leader]

    stranger, leader = _played(tmp_path, play)

    assert (stranger.status_code, stranger.json()["reason"]) == (409, "not-authorised")
    assert leader.json()["full_call"] and leader.json()["first_hit"]["cause"] == "more-needed"


def test_the_phone_of_who_is_there_can_end_it_or_call_for_more(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[str]:
        incident = (await stage.fire()).id
        path = stage.path(incident, "ned") + "?lang=en"
        pages = [(await stage.client.get(path)).text]
        for pressed in ("going", "arrived", "false-alarm"):
            await stage.client.post(path, data={"answer": pressed})
            pages.append((await stage.client.get(path)).text)
        return pages

    called, going, arrived, ended = _played(tmp_path, play)

    more, false = 'value="need-more"', 'value="false-alarm"'
    assert more not in called and false not in called
    assert more in going and false not in going
    assert more in arrived and false in arrived
    assert false not in ended and "being verified" not in ended
