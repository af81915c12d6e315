"""Drills, response times and pulses as programs and people see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from collector.alarms.incident import Answer
from collector.alerter.drillshapes import DrillList, DrillShown, ResponseTimesList
from collector.calls.drill import Drill
from collector.commands import Answered, PulseHandedOver, PulseStored
from config.pulse import BEAT, CHANGED_AT_S
from config.sparkplug import DataType
from config.words import PULSE, Edge, Lane, Reading, Report
from tests.sites import GROUP
from tests.web.scene import BEARER, Clock, Scene, eventually, scene

WANTED = {"person": "nora", "buildings": ["b-1"], "kind": "fire", "minutes": 30, "note": "yearly"}


def played(folder: Path, play: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with scene(folder) as stage:
            stage.gateway_is_back("gw-1")
            stage.gateway_is_back("gw-2")
            await play(stage)

    asyncio.run(run())


async def board_says(stage: Scene, text: str) -> bool:
    return text in (await stage.client.get("/fragment/board?lang=en")).text


async def started(stage: Scene) -> DrillShown:
    answer = await stage.client.post("/api/v1/drills", json=WANTED, headers=BEARER)
    assert answer.status_code == 201, answer.text
    return DrillShown.model_validate_json(answer.content)


def test_a_drill_is_started_shown_and_ended(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        drill = await started(stage)
        (building,) = drill.buildings
        assert (drill.person.id, drill.note, building.building, drill.ended_at) == ("nora", "yearly", "b-1", None)
        incident = (await stage.client.get(f"/api/v1/incidents/{building.incident}")).json()
        assert incident["mode"] == "drill" and incident["conditions"][0]["condition"] == "alarm"
        assert {notice["person"]["id"] for notice in incident["notices"]} == {"nora", "ned", "nick"}

        ended = await stage.client.post(f"/api/v1/drills/{drill.id}/end", json={"person": "nora"}, headers=BEARER)
        assert ended.status_code == 200 and ended.json()["ended_at"] is not None
        (listed,) = DrillList.model_validate_json((await stage.client.get("/api/v1/drills")).content).drills
        assert listed.buildings[0].incident is None
        closed = (await stage.client.get(f"/api/v1/incidents/{building.incident}")).json()
        assert closed["open"] is False and closed["conditions"][0]["condition"] == "alarm"

    played(tmp_path, play)


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"person": "ned"}, 409, "not-authorised"),
        ({"person": "nobody"}, 409, "unknown-person"),
        ({"buildings": ["b-9"]}, 409, "unknown-building"),
        ({"buildings": []}, 422, "invalid"),
        ({"minutes": 121}, 422, "invalid"),
        ({"kind": "water"}, 409, "bad-drill"),
        ({"note": "x" * 201}, 422, "invalid"),
        ({"more": 1}, 422, "invalid"),
    ],
)
def test_a_drill_that_may_not_be_is_refused_in_words(
    tmp_path: Path, change: dict[str, Any], status: int, reason: str
) -> None:
    async def play(stage: Scene) -> None:
        answer = await stage.client.post("/api/v1/drills", json=WANTED | change, headers=BEARER)

        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        assert not stage.desk.engine.kept(Drill)

    played(tmp_path, play)


def test_nobody_starts_or_ends_a_drill_without_the_token(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        assert (await stage.client.post("/api/v1/drills", json=WANTED)).status_code == 401
        drill = await started(stage)
        assert (await stage.client.post(f"/api/v1/drills/{drill.id}/end", json={"person": "nora"})).status_code == 401
        unknown = await stage.client.post("/api/v1/drills/none/end", json={"person": "nora"}, headers=BEARER)
        assert (unknown.status_code, unknown.json()["reason"]) == (404, "unknown-drill")

    played(tmp_path, play)


def test_response_times_are_shown_apart_for_drills(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        assert isinstance(stage.clock, Clock)
        drill = await started(stage)
        stage.clock.now_ms += 12_000
        await stage.desk.act(Answered(drill.buildings[0].incident or "", "ned", Answer.GOING))
        await stage.client.post(f"/api/v1/drills/{drill.id}/end", json={"person": "nora"}, headers=BEARER)

        answer = await stage.client.get("/api/v1/response-times?mode=drill")
        found = {(each.what, each.id): each for each in ResponseTimesList.model_validate_json(answer.content).subjects}
        assert [each.what for each in found.values()] == ["person"] * 3 + ["team", "building"]
        assert found["person", "ned"].going_s == 12.0 and found["person", "nora"].silent == 1
        assert (found["team", "north"].called, found["building", "b-1"].name) == (3, "Plum Court")
        assert (await stage.client.get("/api/v1/response-times?mode=live")).json() == {"subjects": []}
        assert (await stage.client.get("/api/v1/response-times?mode=all")).status_code == 422

    played(tmp_path, play)


def test_the_board_shows_a_drill_apart_and_counts_it_nowhere(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await started(stage)

        page = (await stage.client.get("/?lang=en")).text
        assert 'id="drills"' in page and 'id="calm"' in page
        metrics = (await stage.client.get("/metrics")).text
        assert 'callpoint_incidents_open{kind="fire"} 0\n' in metrics and "callpoint_drills_open 1\n" in metrics
        assert 'callpoint_conditions{class="alarm"} 0\n' in metrics

        stage.hear("smoke-3")
        assert await eventually(lambda: board_says(stage, "Real, not a drill"))  # once it is committed

    played(tmp_path, play)


@pytest.mark.parametrize(("language", "words"), [("en", "This is a drill: do not call 119."), ("zh", "请勿拨打119")])
def test_the_pages_of_a_drill_say_what_it_is_and_offer_no_emergency_call(
    tmp_path: Path, language: str, words: str
) -> None:
    async def play(stage: Scene) -> None:
        incident = (await started(stage)).buildings[0].incident or ""
        link = f"{stage.path(incident, 'nora')}?lang={language}"

        for path in (link, f"/incident/{incident}?lang={language}"):
            assert words in (await stage.client.get(path)).text
        page = (await stage.client.get(link)).text
        assert "tel:119" not in page and 'value="stand-down"' in page

        pressed = await stage.client.post(link, data={"answer": "stand-down"})
        assert pressed.status_code == 303
        over = (await stage.client.get(link)).text
        assert not stage.desk.engine.incidents and words in over
        assert "不必再去" not in over and "nobody needs to come" not in over

    played(tmp_path, play)


def test_a_pulse_is_shown_with_its_time_in_health_and_metrics(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        assert isinstance(stage.clock, Clock)
        parts = {part["name"]: part for part in (await stage.client.get("/api/v1/health")).json()["parts"]}
        assert parts["pulse:gw-1"]["text"] == "not supervised: no pulse has come" and parts["pulse:gw-1"]["ok"]

        readings = (
            Reading(BEAT, 4, DataType.INT64),
            Reading(CHANGED_AT_S, stage.clock() // 1000 + 2, DataType.INT64),
        )
        stage.clock.now_ms += 2_500
        at_ms = stage.clock()
        stage.desk.hear(Report(Edge(GROUP, "gw-1"), PULSE, Lane.ALARM, "e", 1, 0, at_ms, False, readings), keep=True)
        stage.desk.tell(PulseStored("gw-1", 4))
        stage.clock.now_ms += 1_000
        stage.desk.tell(PulseHandedOver("gw-1", 4))

        parts = {part["name"]: part for part in (await stage.client.get("/api/v1/health")).json()["parts"]}
        assert parts["pulse:gw-1"]["ok"] and parts["pulse:gw-1"]["text"].startswith("beat 4 took 1.")
        metrics = (await stage.client.get("/metrics")).text
        assert 'callpoint_pulse_well{gateway="gw-1"} 1\n' in metrics and "callpoint_pulse_seconds{" in metrics

    played(tmp_path, play)
