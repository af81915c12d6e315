"""Promises of the elevators' part of the REST API and of the pages, on a real desk and store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from tests.web.scene import BEARER, START_MS, Clock, Scene, scene, web_data

Play = Callable[[Scene], Awaitable[Any]]


def lift_data() -> dict[str, Any]:
    data = web_data()
    data["people"].append({"id": "cora", "name": "Cora", "channels": [{"channel": "console"}]})
    device = next(each for each in data["gateways"][0]["buses"][0]["devices"] if each["id"] == "lift-1")
    device |= {"registration": "3110-7", "lift": {"contractor": "cora", "commissioned": "2009-07-01"}}
    return data


def played(folder: Path, play: Play, **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, data=lift_data(), **more) as stage:
            return await play(stage)

    return asyncio.run(run())


async def post(stage: Scene, path: str, **body: Any) -> httpx.Response:
    return await stage.client.post(f"/api/v1/{path}", json=body, headers=BEARER)


def test_an_entrapment_shows_its_rescue_and_ends_by_the_word_of_somebody_on_site(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene) -> Any:
        stage.gateway_is_back()
        incident = await stage.fire("lift-1", point="trapped")
        clock.now_ms += 600_000
        (rescue,) = (await stage.client.get(f"/api/v1/incidents/{incident.id}")).json()["rescues"]
        early = await post(stage, f"incidents/{incident.id}/freed", person="nora")
        await post(stage, f"incidents/{incident.id}/answers", person="cora", answer="arrived")
        stage.hear("lift-1", "trapped", False)
        locked = await post(stage, f"incidents/{incident.id}/reset", person="cora")
        freed = await post(stage, f"incidents/{incident.id}/freed", person="cora")
        reset = await post(stage, f"incidents/{incident.id}/reset", person="cora")
        log = (await stage.client.get("/api/v1/devices/lift-1/elevator")).json()["log"]
        return rescue, early, locked, freed, reset, log

    rescue, early, locked, freed, reset, log = played(tmp_path, play, clock=clock)

    assert (rescue["registration"], rescue["left_s"], rescue["arrived_at"], rescue["missed"]) == (
        "3110-7",
        1200.0,
        None,
        False,
    )
    assert (early.status_code, early.json()["reason"]) == (409, "not-arrived")
    assert (locked.status_code, locked.json()["reason"]) == (409, "not-freed")
    assert freed.json()["rescues"][0]["freed_by"]["id"] == "cora"
    assert reset.json()["open"] is False
    assert [(each["arrived_s"], each["freed_s"]) for each in log["rescues"]] == [(600.0, 600.0)]


def test_elevators_are_listed_by_how_urgently_they_want_care(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return (await stage.client.get("/api/v1/elevators")).json()["elevators"]

    (lift,) = played(tmp_path, play)

    assert (lift["device"], lift["age_years"], lift["rank"], lift["contractor"]["id"]) == ("lift-1", 16, 1, "cora")
    assert [each["due_on"] for each in lift["services"]] == [None] * 4


def test_a_service_is_told_and_outlives_a_restart(tmp_path: Path) -> None:
    async def tell(stage: Scene) -> Any:
        done = {"level": "quarter", "on": "2026-03-01", "person": "cora"}
        later = await post(stage, "devices/lift-1/services", **(done | {"on": "2026-03-03"}))
        other = await post(stage, "devices/smoke-1/services", **done)
        return later, other, await post(stage, "devices/lift-1/services", **done)

    async def look(stage: Scene) -> Any:
        return (await stage.client.get("/api/v1/devices/lift-1/elevator")).json()

    later, other, told = played(tmp_path, tell)
    again = played(tmp_path, look)

    assert (later.status_code, later.json()["reason"]) == (409, "not-yet")
    assert (other.status_code, other.json()["reason"]) == (404, "no-elevator")
    assert [each["due_on"] for each in told.json()["services"]] == ["2026-03-16", "2026-06-01", None, None]
    assert (again["services"], again["served"]) == (told.json()["services"], told.json()["served"])


def test_the_answer_page_shows_the_rescue_and_offers_its_end_to_who_has_arrived(tmp_path: Path) -> None:
    clock = Clock(START_MS)

    async def play(stage: Scene) -> Any:
        incident = await stage.fire("lift-1", point="trapped")
        path = stage.path(incident.id, "ned")
        clock.now_ms += 300_000
        before = (await stage.client.get(path)).text
        await stage.client.post(path, data={"answer": "arrived"})
        there = (await stage.client.get(path)).text
        pressed = await stage.client.post(path, data={"answer": "freed:lift-1"})
        return before, there, pressed, (await stage.client.get(path)).text

    before, there, pressed, after = played(tmp_path, play, clock=clock)

    assert "25 min left" in before and "freed:lift-1" not in before
    assert "freed:lift-1" in there
    assert pressed.status_code == 303
    assert "free at" in after and "freed:lift-1" not in after
