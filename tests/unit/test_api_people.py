"""Who can be reached, over the API: never an address, and a test for whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from collector.calls.dispatch import Reason
from collector.commands import Delivered, NotDelivered
from tests.web.scene import BEARER, START_MS, Scene, scene, web_data


def played(folder: Path, play: Callable[[Scene], Awaitable[Any]], data: dict[str, Any] | None = None) -> Any:
    async def run() -> Any:
        async with scene(folder, data=data) as stage:
            return await play(stage)

    return asyncio.run(run())


def _site() -> dict[str, Any]:
    data = web_data()
    data["channels"]["phone"] = {"type": "console", "rings": True}
    for person in data["people"]:
        if person["id"] == "nick":
            person["channels"] = [{"channel": "phone", "to": "13800000000"}, {"channel": "mail", "to": "n@example.org"}]
    return data


def test_the_list_of_people_says_who_can_be_reached_and_shows_no_address(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        stage.desk.tell(Delivered("n-1", "nick", 0, START_MS - 5_000))
        for age_s in (3, 2, 1):
            error = "550 n@example.org is unknown here"
            stage.desk.tell(NotDelivered("n-2", "nick", 1, START_MS - age_s * 1000, error))
        return await stage.client.get("/api/v1/people")

    answer = played(tmp_path, play, _site())

    people = {person["id"]: person for person in answer.json()["people"]}
    assert "13800000000" not in answer.text and "n@example.org" not in answer.text
    phone, mail = people["nick"]["channels"]
    assert (phone["channel"], phone["rings"], phone["works"], phone["proven"]) == ("phone", True, True, True)
    assert (mail["works"], mail["proven"], mail["error"]) == (False, False, "550 … is unknown here")
    assert people["nick"]["fault"] is None
    assert people["nora"]["fault"] == "no-ring" and people["nora"]["fault_text"]["zh"] == "没有能让手机响铃的渠道"
    assert people["nora"]["teams"] == ["north"]


def test_a_test_goes_over_each_channel_of_a_person_and_needs_the_token(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        path, body = "/api/v1/people/nick/test", {"person": "nora"}
        without = await stage.client.post(path, json=body)
        first = await stage.client.post(path, json=body, headers=BEARER)
        again = await stage.client.post(path, json=body, headers=BEARER)
        stranger = await stage.client.post("/api/v1/people/sue/test", json=body, headers=BEARER)
        nobody = await stage.client.post("/api/v1/people/nobody/test", json=body, headers=BEARER)
        return without, first, again, stranger, nobody, await stage.desk.store.notices_due()

    without, first, again, stranger, nobody, due = played(tmp_path, play, _site())

    assert without.status_code == 401
    assert first.status_code == 200 and first.json()["tested_at"] is not None
    assert (again.status_code, again.json()["reason"]) == (409, "tested-lately")
    assert (stranger.status_code, stranger.json()["reason"]) == (409, "not-authorised")
    assert (nobody.status_code, nobody.json()["reason"]) == (404, "unknown-person")
    assert [(notice.person, notice.channel, notice.reason) for notice in due] == [
        ("nick", 0, Reason.TEST),
        ("nick", 1, Reason.TEST),
    ]
