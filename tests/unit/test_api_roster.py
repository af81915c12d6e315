"""Duty rosters and absences over the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.scene import BEARER, Scene, scene, web_data

AWAY = {"person": "ned", "by": "ned", "from_at": "2026-03-02T14:00:00+08:00", "until_at": "2026-03-02T18:00:00+08:00"}


def played(folder: Path, play: Callable[[Scene], Awaitable[Any]], data: dict[str, Any] | None = None) -> Any:
    async def run() -> Any:
        async with scene(folder, data=data) as stage:
            return await play(stage)

    return asyncio.run(run())


def _site_data() -> dict[str, Any]:
    data = web_data()
    data["teams"][1]["shifts"] = [
        {"id": "day", "hours": {"from": "08:00", "until": "20:00"}, "groups": [["sam"]]},
        {"id": "night", "hours": {"from": "20:00", "until": "08:00"}, "groups": [["sue"]]},
    ]
    span = {"from": "2026-03-02T00:00+08:00", "until": "2026-03-09T00:00+08:00"}
    data["absences"] = [{"person": "sue", **span, "substitute": "greg", "reason": "home"}]
    return data


def test_the_roster_says_who_is_on_duty_now_and_who_comes_next(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return (await stage.client.get("/api/v1/roster")).json()

    north, south = played(tmp_path, play, _site_data())["teams"]

    assert [each["id"] for each in north["on_duty"]] == ["nora", "ned", "nick"] and north["coming"] == []
    assert [each["id"] for each in south["on_duty"]] == ["sam"]
    assert [each["id"] for each in south["away"]] == ["sue"]
    assert [(duty["shift"], [each["id"] for each in duty["people"]]) for duty in south["coming"]] == [
        ("night", ["greg"]),
        ("day", ["sam"]),
    ]
    assert south["coming"][0]["begins_at"] == "2026-03-02T20:00:00+08:00"


def test_an_absence_is_said_shown_and_taken_back(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        said = await stage.client.post("/api/v1/absences", json=AWAY | {"reason": "to the doctor"}, headers=BEARER)
        assert said.status_code == 201, said.text
        absence = said.json()
        assert (absence["holds"], absence["declared"], absence["said_by"]["id"]) == (True, False, "ned")
        listed = (await stage.client.get("/api/v1/absences")).json()["absences"]
        assert [(each["person"]["id"], each["declared"]) for each in listed] == [("sue", True), ("ned", False)]
        roster = (await stage.client.get("/api/v1/roster")).json()
        assert [each["id"] for each in roster["teams"][0]["on_duty"]] == ["nora", "nick"]

        path = f"/api/v1/absences/{absence['id']}/end"
        back = await stage.client.post(path, json={"person": "ned"}, headers=BEARER)
        again = await stage.client.post(path, json={"person": "ned"}, headers=BEARER)

        assert [each["person"]["id"] for each in back.json()["absences"]] == ["sue"]
        assert (again.status_code, again.json()["reason"]) == (404, "unknown-absence")

    played(tmp_path, play, _site_data())


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"by": "sam"}, 409, "not-authorised"),
        ({"person": "nobody", "by": "carl"}, 409, "unknown-person"),
        ({"until_at": "2026-03-02T13:00:00+08:00"}, 409, "impossible-time"),
        ({"until_at": "2099-03-02T13:00:00+08:00"}, 409, "impossible-time"),
        ({"swap": True}, 409, "no-substitute"),
        ({"until_at": "2026-03-02T18:00:00"}, 422, "invalid"),
        ({"reason": "x" * 201}, 422, "invalid"),
        ({"more": 1}, 422, "invalid"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(
    tmp_path: Path, change: dict[str, Any], status: int, reason: str
) -> None:
    async def play(stage: Scene) -> Any:
        return await stage.client.post("/api/v1/absences", json=AWAY | change, headers=BEARER)

    answer = played(tmp_path, play)

    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_an_absence_needs_the_token(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return await stage.client.post("/api/v1/absences", json=AWAY)

    assert played(tmp_path, play).status_code == 401


def test_an_incident_shows_who_can_do_what_and_which_skill_is_missing(tmp_path: Path) -> None:
    data = _site_data()
    data["people"][1]["skills"] = ["first-aid"]
    data["plan"]["kinds"]["fire"]["needs"] = {"hydrant": 1}

    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        path, body = f"/api/v1/incidents/{incident.id}/answers", {"person": "ned", "answer": "going"}
        return (await stage.client.post(path, json=body, headers=BEARER)).json()

    shown = played(tmp_path, play, data)

    assert (shown["coming"], shown["skills_missing"]) == (1, ["hydrant"])
    assert [(each["person"]["id"], each["skills"]) for each in shown["responses"]] == [("ned", ["first-aid"])]
