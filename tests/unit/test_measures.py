"""Promises of the API and pages of disablements and walk tests, and of what each of them covers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.alarms.measures import Disablement, Scope, WalkTest, disables, to_prove, under_test, untils
from collector.alarms.route import Mode
from collector.alarms.rules import Rule, rules_of
from collector.alarms.watch import trouble_rule
from collector.alerter.strip import marks
from config.site import Site
from tests.sites import site_data, small_site
from tests.web.scene import BEARER, SPIKED, START_MS, Clock, Scene, eventually, scene, web_data

Play = Callable[[Scene], Awaitable[Any]]
DISABLE = {"person": "nora", "scope": "device", "target": "smoke-1", "why": f"painting {SPIKED}", "minutes": 60}
PAGES = ("/", "/fragment/board", "/measures")


def played(folder: Path, play: Play, **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, **more) as stage:
            return await play(stage)

    return asyncio.run(run())


async def post(stage: Scene, path: str, **body: Any) -> httpx.Response:
    return await stage.client.post(f"/api/v1/{path}", json=body, headers=BEARER)


def with_zone() -> Site:
    data = site_data()
    data["zones"] = [{"id": "stairs", "name": "Stairs", "building": "b-1", "members": ["smoke-1", "panel-1:2"]}]
    return small_site(data)


# --- what is covered ------------------------------------------------------------------------------


def _rule(site: Site, device: str, point: str) -> Rule:
    return rules_of(site, site.devices[device])[point][0]


@pytest.mark.parametrize(
    ("scope", "target", "covered"),
    [
        (Scope.DEVICE, "smoke-1", {"smoke-1", "smoke-1:silent"}),
        (Scope.DEVICE, "panel-1", {"panel-1", "panel-1:2", "panel-1:3"}),
        (Scope.DEVICE, "panel-1:2", {"panel-1:2"}),
        (Scope.ZONE, "stairs", {"smoke-1", "smoke-1:silent", "panel-1:2"}),
        (Scope.ZONE, "attic", set()),
        (Scope.BUILDING, "b-1", {"smoke-1", "smoke-1:silent", "smoke-2"}),
        (Scope.BUILDING, "b-3", {"panel-1", "panel-1:2", "panel-1:3"}),
    ],
)
def test_a_disablement_covers_its_devices_and_never_a_gateway_or_the_system(
    scope: Scope, target: str, covered: set[str]
) -> None:
    site = with_zone()
    item = Disablement("1", scope, target, "b-1", "nora", "why", 0, 1, 1)
    rules = {
        "smoke-1": _rule(site, "smoke-1", "fire"),
        "smoke-2": _rule(site, "smoke-2", "fault"),
        "panel-1": _rule(site, "panel-1", "fire"),
        "panel-1:2": _rule(site, "panel-1", "detector/2/fire"),
        "panel-1:3": _rule(site, "panel-1", "detector/3/fire"),
        "smoke-1:silent": trouble_rule("smoke-1:silent", "smoke-1", "silent", "b-1"),
        "gw-1": trouble_rule("gw-1:silent", "gw-1", "silent", "b-1"),
        "system": trouble_rule("system:broker", "system", "broker", "b-1"),
    }

    assert {name for name, rule in rules.items() if disables(site, item, rule)} == covered


@pytest.mark.parametrize(
    ("members", "covered"),
    [
        (("smoke-1",), {"smoke-1"}),
        (("panel-1",), {"panel-1", "panel-1:2"}),
        (("panel-1:2",), {"panel-1:2"}),
    ],
)
def test_a_walk_test_covers_its_devices_own_points_and_never_their_silence(
    members: tuple[str, ...], covered: set[str]
) -> None:
    site = with_zone()
    rules = {
        "smoke-1": _rule(site, "smoke-1", "fire"),
        "panel-1": _rule(site, "panel-1", "fire"),
        "panel-1:2": _rule(site, "panel-1", "detector/2/fire"),
        "silent": trouble_rule("smoke-1:silent", "smoke-1", "silent", "b-1"),
        "quality": trouble_rule("smoke-1:quality", "smoke-1", "quality", "b-1"),
    }
    running, ended = WalkTest("1", "nora", members, 0, 1, 1), WalkTest("1", "nora", members, 0, 1, 1, (), 1)

    assert {name for name, rule in rules.items() if under_test(site, running, rule)} == covered
    assert not any(under_test(site, ended, rule) for rule in rules.values())


def test_what_is_to_be_proved_names_each_detector_once() -> None:
    assert to_prove(with_zone(), ("panel-1:2", "panel-1", "smoke-1")) == [
        "panel-1:2",
        "panel-1:1",
        "panel-1:3",
        "smoke-1",
    ]


def test_a_device_shows_the_last_end_of_what_covers_it() -> None:
    site = with_zone()
    items = [
        Disablement("1", Scope.DEVICE, "smoke-1", "b-1", "nora", "why", 0, 100, 100),
        Disablement("2", Scope.BUILDING, "b-1", "b-1", "nora", "why", 0, 900, 900),
        Disablement("3", Scope.ZONE, "stairs", "b-1", "nora", "why", 0, 300, 300),
    ]

    found = untils(site, items, [WalkTest("4", "nora", ("smoke-2",), 0, 50, 50)])

    assert (found.disabled_ms["smoke-1"], found.disabled_ms["smoke-2"]) == (900, 900)
    assert found.tested_ms == {"smoke-2": 50}


# --- the API --------------------------------------------------------------------------------------


def test_a_disablement_is_made_listed_renewed_and_ended(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        made = await post(stage, "disablements", **DISABLE, watch="ned")
        name = made.json()["id"]
        listed = (await stage.client.get("/api/v1/disablements")).json()["disablements"]
        renewed = await post(stage, f"disablements/{name}/renewal", person="mona", minutes=120)
        ended = await post(stage, f"disablements/{name}/end", person="nora")
        again = await post(stage, f"disablements/{name}/end", person="nora")
        return made, listed, renewed, ended, again, (await stage.client.get("/api/v1/disablements")).json()

    made, listed, renewed, ended, again, left = played(tmp_path, play)

    assert made.status_code == 201 and listed == [made.json()]
    assert (made.json()["where"]["flat"], made.json()["watch"]["id"]) == ("502", "ned")
    assert renewed.json()["person"]["id"] == "mona" and renewed.json()["ends_at"] > made.json()["ends_at"]
    assert ended.status_code == 200 and ended.json()["ended_at"] is not None
    assert (again.status_code, again.json()["reason"]) == (404, "unknown-disablement")
    assert left == {"disablements": []}


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"person": "ned"}, 409, "not-authorised"),
        ({"target": "smoke-9"}, 409, "unknown-target"),
        ({"why": "  "}, 409, "no-reason"),
        ({"minutes": 1441}, 422, "invalid"),
        ({"minutes": 0}, 422, "invalid"),
        ({"scope": "street"}, 422, "invalid"),
        ({"why": "x" * 201}, 422, "invalid"),
        ({"for": "ever"}, 422, "invalid"),
    ],
)
def test_a_disablement_that_cannot_be_is_refused_with_its_reason(
    tmp_path: Path, change: dict[str, Any], status: int, reason: str
) -> None:
    refused = played(tmp_path, lambda stage: post(stage, "disablements", **(DISABLE | change)))

    assert (refused.status_code, refused.json()["reason"]) == (status, reason)


def test_whoever_changes_something_needs_the_token(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[int]:
        paths = ("disablements", "disablements/1/renewal", "disablements/1/end", "walk-tests", "walk-tests/1/end")
        return [(await stage.client.post(f"/api/v1/{path}", json=DISABLE)).status_code for path in paths]

    assert played(tmp_path, play) == [401] * 5


def test_a_walk_test_shows_what_was_tested_and_what_was_not_also_after_its_end(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        made = await post(stage, "walk-tests", person="nora", devices=["smoke-1", "smoke-2"], minutes=30)
        stage.hear("smoke-1")
        stage.hear("smoke-1", value=False)
        ended = await post(stage, f"walk-tests/{made.json()['id']}/end", person="nora")
        listed = (await stage.client.get("/api/v1/walk-tests")).json()["walk_tests"]
        return made, ended, listed, (await stage.client.get("/measures?lang=en")).text

    made, ended, listed, page = played(tmp_path, play)

    assert made.status_code == 201 and len(made.json()["not_tested"]) == 2
    assert listed == [ended.json()] and ended.json()["ended_at"] is not None
    assert [each["member"] for each in ended.json()["tested"]] == ["smoke-1"]
    assert [each["member"] for each in ended.json()["not_tested"]] == ["smoke-2"]
    assert "1 of 2 have given an alarm" in page and "No alarm from: smoke-2" in page


def test_a_device_says_until_when_it_is_disabled_or_tested(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await post(stage, "disablements", **DISABLE)
        await post(stage, "walk-tests", person="nora", devices=["smoke-2"], minutes=30)
        devices = (await stage.client.get("/api/v1/devices")).json()["devices"]
        one = (await stage.client.get("/api/v1/devices/smoke-1")).json()
        return {each["id"]: each for each in devices}, one

    devices, one = played(tmp_path, play)

    assert devices["smoke-1"]["disabled_until"] == one["disabled_until"] == "2026-03-02T15:03:22.125000+08:00"
    assert devices["smoke-2"]["tested_until"] is not None and devices["smoke-2"]["disabled_until"] is None
    assert devices["ext-1"]["disabled_until"] is None


# --- the pages ------------------------------------------------------------------------------------


def test_every_page_counts_what_is_disabled_tested_and_drilled_with_the_first_end(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        before = [(await stage.client.get(path)).text for path in PAGES]
        await post(stage, "disablements", **DISABLE)
        await post(stage, "disablements", **(DISABLE | {"target": "ext-1", "minutes": 30}))
        await post(stage, "walk-tests", person="nora", devices=["smoke-2"], minutes=20)
        fire = await stage.fire("smoke-3")
        link = stage.path(fire.id, "sam")
        paths = (*PAGES, f"/incident/{fire.id}", link)
        after = [(await stage.client.get(path, params={"lang": "en"})).text for path in paths]
        zh = (await stage.client.get("/measures", params={"lang": "zh"})).text
        sign_in = (await stage.client.get("/enter?lang=en")).text
        return before, after, zh, sign_in

    before, after, zh, sign_in = played(tmp_path, play)

    assert not any('id="strip"' in page for page in before)
    board, fragment, *others = after
    for page in (board, fragment):
        assert page.count("<span>Until ") == 3 and "<span>Until 14:23:22</span>" in page  # each with its end
    for page in others:
        assert "disabled: 2" in page and "1 walk test" in page and "the first ends at 14:23:22" in page, page
    assert not any(SPIKED in page for page in after)
    assert "已屏蔽 2 处" in zh
    assert "disabled: 2" not in sign_in


def test_a_fire_on_a_disabled_device_is_shown_and_not_as_a_call_out(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await post(stage, "disablements", **DISABLE)
        stage.hear("smoke-1")
        (fire,) = (each for each in stage.desk.engine.incidents.values() if each.route.mode is Mode.DISABLED)
        await eventually(lambda: stage.desk.store.incident(fire.id))
        pages = [(await stage.client.get(path, params={"lang": "en"})).text for path in ("/", f"/incident/{fire.id}")]
        return pages, (await stage.client.get(stage.path(fire.id, "nora"), params={"lang": "en"})).text

    (board, incident), answer = played(tmp_path, play)

    assert 'class="incident fire' not in board and 'id="beside"' in board
    assert all("Disabled: no team is called" in page for page in (board, incident, answer))
    assert "<span>Until 15:03:22</span>" in board


def test_the_page_names_who_why_and_until_when_in_both_languages(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await post(stage, "disablements", **DISABLE, watch="ned")
        await post(stage, "disablements", person="carl", scope="building", target="b-3", why="repair", minutes=5)
        return [(await stage.client.get("/measures", params={"lang": each})).text for each in ("zh", "en")]

    zh, en = played(tmp_path, play, data=web_data())

    assert "整栋楼" in zh and "至 15:03:22" in zh and "看护人：Ned" in zh
    assert "Whole building" in en and "Until 15:03:22" in en and "painting" in en and "Watched by: Ned" in en
    assert en.index("repair") < en.index("painting")  # what ends first stands first


def test_marks_go_on_after_a_restart_of_the_collector(tmp_path: Path) -> None:
    async def first(stage: Scene) -> None:
        await post(stage, "disablements", **DISABLE)
        await post(stage, "walk-tests", person="nora", devices=["smoke-2"], minutes=20)

    async def second(stage: Scene) -> Any:
        front = stage.app.state.front
        return [(mark.word, mark.count) for mark in marks(stage.desk.engine, front.view)]

    played(tmp_path, first)

    assert played(tmp_path, second, clock=Clock(START_MS + 1000)) == [("disabled", 1), ("walk-test", 1)]
