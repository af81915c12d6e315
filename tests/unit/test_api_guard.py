"""Who may read and who may change, by where the collector listens and what the request brings."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.access.actor import TOKEN as TOKEN_ACTOR
from collector.access.actor import Actor, Right
from collector.alerter.guard import Guard, Pace, Visit, is_loopback, is_loopback_url
from tests.web.scene import BEARER, TOKEN, Clock, Scene, scene

HERE = "127.0.0.1:8080"


def visit(method: str = "GET", path: str = "/", **more: str | None) -> Visit:
    seen: dict[str, str | None] = {
        "client": "127.0.0.1",
        "host": HERE,
        "origin": None,
        "fetch_site": None,
        "authorization": None,
        "cookie": None,
        **more,
    }
    return Visit(method=method, path=path, **seen)


GUARDS = {"local": Guard(TOKEN, local=True), "public": Guard(TOKEN, local=False), "tokenless": Guard(None, local=True)}
FAR = {"client": "192.0.2.7", "host": "board.example"}
CHANGE = {"method": "POST", "path": "/api/v1/incidents/i/reset"}
FORM = {"method": "POST", "path": "/measures"}
WHO = Actor("li", "Li", frozenset({Right.SEE}), csrf="word")  # has signed in


def judged(where: str, asked: Visit, actor: Actor | None = None) -> str | None:
    guard = GUARDS[where]
    turned = guard.judge_place(asked) or guard.judge(asked, actor or guard.anybody())
    return turned.reason if turned else None


@pytest.mark.parametrize(
    ("where", "asked", "actor", "reason"),
    [
        # looking on this machine is free, under a loopback name only
        ("local", visit(), None, None),
        ("local", visit(host="localhost:8080"), None, None),
        ("local", visit(host="[::1]:8080", client="::1"), None, None),
        ("local", visit(host="evil.example"), None, "not-local"),
        ("local", visit(host=None), None, "not-local"),
        ("local", visit(host="127.0.0.1.evil.example"), None, "not-local"),
        ("local", visit(client="192.0.2.7"), None, "not-local"),
        ("local", visit(client="192.0.2.7"), WHO, "not-local"),
        # changing needs somebody, also here
        ("local", visit(**CHANGE), None, "token-needed"),
        ("local", visit(**CHANGE), TOKEN_ACTOR, None),
        ("local", visit(**CHANGE, origin=f"http://{HERE}"), TOKEN_ACTOR, None),
        ("local", visit(**CHANGE, origin="http://evil.example"), TOKEN_ACTOR, "cross-site"),
        ("local", visit(**CHANGE, origin="null"), TOKEN_ACTOR, "cross-site"),
        ("local", visit(**CHANGE, origin="null", fetch_site="same-origin"), TOKEN_ACTOR, None),
        ("local", visit(**CHANGE, origin="http://["), TOKEN_ACTOR, "cross-site"),
        ("local", visit(**CHANGE, fetch_site="cross-site"), TOKEN_ACTOR, "cross-site"),
        ("local", visit(**CHANGE, fetch_site="same-site"), TOKEN_ACTOR, "cross-site"),
        ("local", visit(**CHANGE, fetch_site="same-origin"), TOKEN_ACTOR, None),
        # what a session changes through the API proves that it comes from a page of ours
        ("public", visit(**CHANGE, **FAR), WHO, "cross-site"),
        ("public", visit(**CHANGE, **FAR, proof="guess"), WHO, "cross-site"),
        ("public", visit(**CHANGE, **FAR, proof="word"), WHO, None),
        ("public", visit(**CHANGE, **FAR, origin="https://board.example"), WHO, None),
        ("public", visit(**CHANGE, **FAR, origin="https://evil.example", proof="word"), WHO, "cross-site"),
        ("public", visit(**CHANGE, **FAR, fetch_site="same-origin"), WHO, None),
        # a form brings its proof in a field, which is looked at where the form is read
        ("public", visit(**FORM, **FAR), WHO, None),
        ("public", visit(**FORM, **FAR, origin="null"), WHO, "cross-site"),
        ("public", visit(**FORM, **FAR), None, "token-needed"),
        # an answer link brings its own right
        ("local", visit("POST", "/a/x.y", origin="null", fetch_site="cross-site"), None, None),
        ("public", visit("POST", "/a/x.y", **FAR), None, None),
        # signing in is open, and not for other sites' pages
        ("public", visit("POST", "/sign-in/code", **FAR), None, None),
        ("public", visit("POST", "/sign-in/code", **FAR, origin="https://evil.example"), None, "cross-site"),
        # in public, looking needs somebody too
        ("public", visit(**FAR), None, "token-needed"),
        ("public", visit(path="/api/v1/incidents", **FAR), None, "token-needed"),
        ("public", visit(path="/events", **FAR), None, "token-needed"),
        ("public", visit(path="/metrics", **FAR), None, "token-needed"),
        ("public", visit(), None, "token-needed"),  # a proxy on this machine looks like this machine
        ("public", visit(**FAR), WHO, None),
        ("public", visit(**FAR), TOKEN_ACTOR, None),
        ("public", visit(path="/api/v1/health", **FAR), None, None),
        ("public", visit(path="/static/frame.css", **FAR), None, None),
        ("public", visit(path="/sign-in", **FAR), None, None),
        ("public", visit(path="/sign-in/link/x", **FAR), None, None),
        ("public", visit(path="/sign-ins", **FAR), None, "token-needed"),
        ("public", visit(path="/api/v1/health/../incidents", **FAR), None, "token-needed"),
        # no token was made: loopback only
        ("tokenless", visit(), None, None),
        ("tokenless", visit(**CHANGE), None, None),
        ("tokenless", visit(**CHANGE, origin="http://evil.example"), None, "cross-site"),
        ("tokenless", visit(**CHANGE, fetch_site="cross-site"), None, "cross-site"),
        ("tokenless", visit(**FAR), None, "loopback-only"),
        ("tokenless", visit(path="/a/x.y", **FAR), None, "loopback-only"),
        ("tokenless", visit(host="evil.example"), None, "loopback-only"),
    ],
)
def test_the_guard_lets_in_whom_it_should(where: str, asked: Visit, actor: Actor | None, reason: str | None) -> None:
    assert judged(where, asked, actor) == reason


@pytest.mark.parametrize(
    ("authorization", "bearer"),
    [("Bearer x", "x"), ("bearer  x ", "x"), ("Basic x", None), ("Bearer", ""), (None, None), ("", None)],
)
def test_a_token_is_read_from_its_header_alone(authorization: str | None, bearer: str | None) -> None:
    assert visit(authorization=authorization).bearer == bearer


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("localhost.example", False),
        ("", False),
        (None, False),
    ],
)
def test_loopback_is_told_from_everything_else(host: str | None, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_board_url_that_others_can_reach_makes_the_board_public() -> None:
    assert is_loopback_url("http://127.0.0.1:8080")
    assert not is_loopback_url("https://board.example")


def test_a_pace_is_kept_per_key_and_in_bounds() -> None:
    pace = Pace(2, 60.0, keys_max=3)

    assert [pace.allows("a", at) for at in (0, 1, 2, 59_999)] == [True, True, False, False]
    assert pace.allows("b", 3)
    assert pace.allows("a", 60_000)
    assert all(pace.allows(f"key {number}", 60_001) for number in range(100))
    assert pace.allows("a", 60_002)  # forgotten: the keys are bounded


def _play(folder: Path, *requests: tuple[str, str, dict[str, Any]], **more: Any) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        async with scene(folder, **more) as stage:
            return [await stage.client.request(method, path, **options) for method, path, options in requests]

    return asyncio.run(run())


def test_a_board_for_the_world_shows_nothing_before_the_token(tmp_path: Path) -> None:
    page = {"headers": {"Accept": "text/html"}}
    board, api, health = _play(
        tmp_path,
        ("GET", "/", page),
        ("GET", "/api/v1/incidents", {}),
        ("GET", "/api/v1/health", {}),
        listen_host="0.0.0.0",
    )

    assert (board.status_code, board.headers["location"]) == (303, "/sign-in?next=%2F")
    assert (api.status_code, api.json()["reason"]) == (401, "token-needed")
    assert api.headers["www-authenticate"] == "Bearer"
    assert health.status_code == 200


def test_a_wrong_token_is_refused_even_where_looking_is_free(tmp_path: Path) -> None:
    wrong, right = _play(
        tmp_path,
        ("GET", "/api/v1/incidents", {"headers": {"Authorization": f"Bearer {TOKEN}x"}}),
        ("GET", "/api/v1/incidents", {"headers": BEARER}),
    )

    assert (wrong.status_code, wrong.json()["reason"], right.status_code) == (401, "bad-token", 200)


def test_a_name_that_is_not_ours_is_not_answered(tmp_path: Path) -> None:
    (answer,) = _play(tmp_path, ("GET", "/api/v1/incidents", {"headers": {"Host": "evil.example"}}))

    assert (answer.status_code, answer.json()["reason"]) == (403, "not-local")


def test_without_a_token_changes_work_on_this_machine(tmp_path: Path) -> None:
    async def run() -> int:
        async with scene(tmp_path, token=None) as stage:
            incident = await stage.fire()
            path = f"/api/v1/incidents/{incident.id}/answers"
            return (await stage.client.post(path, json={"person": "nora", "answer": "going"})).status_code

    assert asyncio.run(run()) == 200


def test_every_answer_carries_headers_that_keep_browsers_careful(tmp_path: Path) -> None:
    async def run() -> list[httpx.Response]:
        async with scene(tmp_path) as stage:
            paths = ["/", "/nothing", "/api/v1/incidents", "/static/board.js", await _link(stage)]
            answers = [await stage.client.get(path) for path in paths]
            return [
                *answers,
                await stage.client.post("/api/v1/incidents/x/reset", headers={"Origin": "null", **BEARER}),
            ]

    for answer in asyncio.run(run()):
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


async def _link(stage: Scene) -> str:
    assert isinstance(stage.clock, Clock)
    return stage.path((await stage.fire()).id, "nora")
