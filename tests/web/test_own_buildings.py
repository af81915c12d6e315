"""What belongs to one building is neither told nor changed in the name of another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from collector.access.accounts import Area, answers_for, people_of
from collector.access.actor import Role
from tests.sites import small_site
from tests.web.scene import BEARER, Scene, scene


def played(folder: Path, play: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, listen_host="0.0.0.0") as stage:
            return await play(stage)

    return asyncio.run(run())


def test_a_building_concerns_exactly_who_answers_for_it_and_the_contacts() -> None:
    site = small_site()
    for building in site.buildings:
        answering = {each for each in site.people if building in answers_for(site, each)}
        assert people_of(site, frozenset({building})) == answering | set(site.contacts)


def test_who_is_away_and_how_fast_people_are_is_told_in_their_own_buildings_alone(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        day = {"from_at": "2026-03-03T00:00:00+08:00", "until_at": "2026-03-05T00:00:00+08:00", "reason": "hospital"}
        for person in ("ned", "sam"):
            said = {"person": person, "by": person, **day}
            assert (await stage.client.post("/api/v1/absences", headers=BEARER, json=said)).status_code == 201
        drill = {"person": "carl", "buildings": ["b-1", "b-3"], "kind": "fire", "minutes": 10}
        started = (await stage.client.post("/api/v1/drills", headers=BEARER, json=drill)).json()
        await stage.client.post(f"/api/v1/drills/{started['id']}/end", headers=BEARER, json={"person": "carl"})

        async def told(headers: dict[str, str]) -> list[set[str]]:
            async def read(path: str) -> Any:
                return (await stage.client.get(f"/api/v1/{path}", headers=headers)).json()

            return [
                {each["id"] for each in (await read("people"))["people"]},
                {each["id"] for each in (await read("roster"))["teams"]},
                {each["person"]["id"] for each in (await read("absences"))["absences"]},
                {each["id"] for each in (await read("response-times"))["subjects"]},
            ]

        viewer = await stage.sign_in(Role.VIEWER, area=Area(buildings=("b-3",)))
        return await told(viewer), await told(BEARER), stage.desk.site

    (people, teams, away, timed), everything, site = played(tmp_path, play)

    known = people_of(site, frozenset({"b-3"}))
    assert (people, teams, away) == (known, {"south"}, {"sam"})
    assert "ned" not in known and {"sam", "sue", "carl"} <= known
    assert "b-3" in timed and not timed & {"b-1", "north", "nora", "ned", "nick"}
    assert {"ned", "north", "b-1"} <= set.union(*everything)


def test_a_token_for_one_building_measures_nothing_in_another(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        made = {"name": "panel", "rights": ["see", "measure"], "buildings": ["b-2"], "person": "carl", "days": 30}
        token = (await stage.client.post("/api/v1/tokens", json=made, headers=BEARER)).json()["token"]
        mine = {"Authorization": f"Bearer {token}"}

        async def sent(path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
            return await stage.client.post(f"/api/v1/{path}", json={"person": "carl", **body}, headers=headers)

        device = {"scope": "device", "why": "paint", "minutes": 60}
        tested = {"minutes": 30}
        drill = {"kind": "fire", "minutes": 10}
        shut = (await sent("disablements", BEARER, **device, target="smoke-1")).json()["id"]
        walk = (await sent("walk-tests", BEARER, **tested, devices=["smoke-2"])).json()["id"]
        under_way = (await sent("drills", BEARER, **drill, buildings=["b-3"])).json()["id"]
        there = [
            await sent("disablements", mine, **device, target="smoke-2"),
            await sent(f"disablements/{shut}/renewal", mine, minutes=60),
            await sent(f"disablements/{shut}/end", mine),
            await sent("walk-tests", mine, **tested, devices=["smoke-1"]),
            await sent(f"walk-tests/{walk}/end", mine),
            await sent("drills", mine, **drill, buildings=["b-2", "b-1"]),
            await sent(f"drills/{under_way}/end", mine),
        ]
        here = await sent("disablements", mine, **device, target="smoke-3")
        return [each.status_code for each in there], here.status_code

    assert played(tmp_path, play) == ([403] * 7, 201)


def test_a_manager_of_one_building_looks_at_no_phone_of_another(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        manager = await stage.sign_in(Role.MANAGER, area=Area(buildings=("b-3",)))
        before = (await stage.client.get("/people/ned/devices", headers=manager)).status_code
        await stage.sign_in(person="ned")
        return before, (await stage.client.get("/people/ned/devices", headers=manager)).status_code

    assert played(tmp_path, play) == (403, 403)
