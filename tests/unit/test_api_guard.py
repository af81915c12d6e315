"""Who may read and who may change, by where the collector listens and what the request brings."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.alerter.guard import COOKIE_VALID_S, Guard, Pace, Visit, is_loopback, is_loopback_url
from tests.web.scene import BEARER, START_MS, TOKEN, Clock, Scene, scene

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


LOCAL, PUBLIC, WITHOUT = Guard(TOKEN, local=True), Guard(TOKEN, local=False), Guard(None, local=True)
RIGHT, WRONG = f"Bearer {TOKEN}", f"Bearer {TOKEN}x"
FAR = {"client": "192.0.2.7", "host": "board.example"}
CHANGE = {"method": "POST", "path": "/api/v1/incidents/i/reset"}


@pytest.mark.parametrize(
    ("guard", "asked", "reason"),
    [
        # reading on this machine is free, under a loopback name only
        (LOCAL, visit(), None),
        (LOCAL, visit(host="localhost:8080"), None),
        (LOCAL, visit(host="[::1]:8080", client="::1"), None),
        (LOCAL, visit(host="evil.example"), "not-local"),
        (LOCAL, visit(host=None), "not-local"),
        (LOCAL, visit(host="127.0.0.1.evil.example"), "not-local"),
        (LOCAL, visit(client="192.0.2.7"), "not-local"),
        # changing needs the token, also here
        (LOCAL, visit(**CHANGE), "token-needed"),
        (LOCAL, visit(**CHANGE, authorization=WRONG), "token-needed"),
        (LOCAL, visit(**CHANGE, authorization=f"Basic {TOKEN}"), "token-needed"),
        (LOCAL, visit(**CHANGE, authorization="Bearer"), "token-needed"),
        (LOCAL, visit(**CHANGE, authorization=RIGHT), None),
        (LOCAL, visit(**CHANGE, authorization=f"bearer {TOKEN}"), None),
        (LOCAL, visit(**CHANGE, authorization=RIGHT, origin=f"http://{HERE}"), None),
        (LOCAL, visit(**CHANGE, authorization=RIGHT, origin="http://evil.example"), "cross-site"),
        (LOCAL, visit(**CHANGE, authorization=RIGHT, origin="null"), "cross-site"),
        (LOCAL, visit(**CHANGE, authorization=RIGHT, origin="http://["), "cross-site"),
        (LOCAL, visit(**CHANGE, authorization=RIGHT, fetch_site="cross-site"), "cross-site"),
        (LOCAL, visit(**CHANGE, authorization=RIGHT, fetch_site="same-site"), "cross-site"),
        (LOCAL, visit(**CHANGE, authorization=RIGHT, fetch_site="same-origin"), None),
        # an answer link brings its own right
        (LOCAL, visit("POST", "/a/x.y", origin="null", fetch_site="cross-site"), None),
        (PUBLIC, visit("POST", "/a/x.y", **FAR), None),
        # in public, reading needs the token too
        (PUBLIC, visit(**FAR), "token-needed"),
        (PUBLIC, visit(path="/api/v1/incidents", **FAR), "token-needed"),
        (PUBLIC, visit(path="/events", **FAR), "token-needed"),
        (PUBLIC, visit(path="/metrics", **FAR), "token-needed"),
        (PUBLIC, visit(), "token-needed"),  # a proxy on this machine looks like this machine
        (PUBLIC, visit(**FAR, authorization=RIGHT), None),
        (PUBLIC, visit(**FAR, cookie=PUBLIC.make_cookie(START_MS)), None),
        (PUBLIC, visit(path="/api/v1/health", **FAR), None),
        (PUBLIC, visit(path="/static/frame.css", **FAR), None),
        (PUBLIC, visit(path="/enter", **FAR), None),
        (PUBLIC, visit(path="/api/v1/health/../incidents", **FAR), "token-needed"),
        # the cookie reads, it never changes
        (PUBLIC, visit(**CHANGE, **FAR, cookie=PUBLIC.make_cookie(START_MS)), "token-needed"),
        (PUBLIC, visit(**CHANGE, **FAR, authorization=RIGHT), None),
        # no token was made: loopback only
        (WITHOUT, visit(), None),
        (WITHOUT, visit(**CHANGE), None),
        (WITHOUT, visit(**CHANGE, origin="http://evil.example"), "cross-site"),
        (WITHOUT, visit(**CHANGE, fetch_site="cross-site"), "cross-site"),
        (WITHOUT, visit(**FAR), "loopback-only"),
        (WITHOUT, visit(path="/a/x.y", **FAR), "loopback-only"),
        (WITHOUT, visit(host="evil.example"), "loopback-only"),
    ],
)
def test_the_guard_lets_in_whom_it_should(guard: Guard, asked: Visit, reason: str | None) -> None:
    turned = guard.judge(asked, START_MS)

    assert (turned.reason if turned else None) == reason


def test_a_cookie_ends_with_its_time_and_with_the_token() -> None:
    cookie = PUBLIC.make_cookie(START_MS)

    assert PUBLIC.knows_cookie(cookie, START_MS + COOKIE_VALID_S * 1000 - 2000)
    assert not PUBLIC.knows_cookie(cookie, START_MS + COOKIE_VALID_S * 1000 + 1000)
    assert not Guard("another token", local=False).knows_cookie(cookie, START_MS)
    assert not PUBLIC.knows_cookie(cookie + "x", START_MS)
    assert not WITHOUT.knows_cookie(WITHOUT.make_cookie(START_MS), START_MS)


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

    assert (board.status_code, board.headers["location"]) == (303, "/enter?next=/")
    assert (api.status_code, api.json()["reason"]) == (401, "token-needed")
    assert api.headers["www-authenticate"] == "Bearer"
    assert health.status_code == 200


def test_signing_in_gives_a_cookie_that_reads_and_leads_to_the_page_asked_for(tmp_path: Path) -> None:
    form = {"token": f" {TOKEN} ", "next": "/incident/abc", "lang": "en"}
    wrong, right, board, change = _play(
        tmp_path,
        ("POST", "/enter", {"data": {**form, "token": "guess"}}),
        ("POST", "/enter", {"data": form}),
        ("GET", "/", {}),
        ("POST", "/api/v1/incidents/x/reset", {"json": {"person": "nora"}}),
        listen_host="0.0.0.0",
    )

    assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
    assert "That is not the token" in wrong.text
    assert (right.status_code, right.headers["location"]) == (303, "/incident/abc?lang=en")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert board.status_code == 200
    assert change.status_code == 401


@pytest.mark.parametrize("following", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\r\nb", ""])
def test_signing_in_never_leads_away(tmp_path: Path, following: str) -> None:
    form = {"token": TOKEN, "next": following, "lang": "zh"}
    (right,) = _play(tmp_path, ("POST", "/enter", {"data": form}), listen_host="0.0.0.0")

    assert right.headers["location"] == "/?lang=zh"


def test_guessing_the_token_is_slowed_down(tmp_path: Path) -> None:
    guess = ("POST", "/enter", {"data": {"token": "guess"}})
    answers = _play(tmp_path, *([guess] * 11), listen_host="0.0.0.0")

    assert [each.status_code for each in answers] == [403] * 10 + [429]


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
        assert answer.headers["referrer-policy"] == "no-referrer"


async def _link(stage: Scene) -> str:
    assert isinstance(stage.clock, Clock)
    return stage.path((await stage.fire()).id, "nora")
