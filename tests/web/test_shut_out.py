"""Who is let in when something else fails, and who is not though they once were; each refusal leaves its trace."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from collector.access.actor import Role
from collector.access.sessions import SEEN_EVERY_MS, SESSION_MS
from collector.locale.catalogues import say
from tests.web.scene import BEARER, Clock, Scene, scene


def played(folder: Path, play: Any, **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, **{"listen_host": "0.0.0.0", **more}) as stage:
            return await play(stage)

    return asyncio.run(run())


async def shown(stage: Scene, headers: dict[str, str]) -> int:
    return (await stage.client.get("/api/v1/incidents", headers=headers)).status_code


def _execute(sql: str, connection: sqlite3.Connection) -> None:
    connection.execute(sql)


def test_a_store_that_cannot_be_written_shuts_out_nobody_who_is_signed_in(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene) -> Any:
        engineer = await stage.sign_in(Role.ENGINEER)
        wanted = {"name": "display", "rights": ["see"], "days": 30}
        made = (await stage.client.post("/api/v1/tokens", json=wanted, headers=engineer)).json()
        for table in ("sessions", "tokens"):
            trigger = f"CREATE TRIGGER no_{table} BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
            await stage.desk.store.write(partial(_execute, trigger))
        clock.now_ms += 2 * SEEN_EVERY_MS
        bearer = {"Authorization": f"Bearer {made['token']}"}
        return await shown(stage, engineer), await shown(stage, bearer)

    assert played(tmp_path, play, clock=clock) == (200, 200)


def test_the_tokens_of_who_is_shut_out_are_good_no_more_and_again_when_they_are_back(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        engineer = await stage.sign_in(Role.ENGINEER, name="eve")
        wanted = {"name": "display", "rights": ["see"], "days": 30}
        made = (await stage.client.post("/api/v1/tokens", json=wanted, headers=engineer)).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        found = [await shown(stage, bearer)]
        for pressed in ("disable", "enable"):
            await stage.client.post("/accounts/eve", data={"action": pressed}, headers=BEARER)
            found.append(await shown(stage, bearer))
        return found, stage.app.state.front.refusals.counts["token-closed"]

    assert played(tmp_path, play) == ([200, 401, 200], 1)


def test_an_odd_cookie_of_something_else_on_this_host_signs_nobody_out(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        own = (await stage.sign_in(Role.VIEWER))["Cookie"]
        odd = ('a={"b": 1}', "名=值", "x[1]=2", "lonely", "é=1")
        sent = [{b"Cookie": f"{each}; {own}; {each}".encode()} for each in odd]
        return [(await stage.client.get("/api/v1/incidents", headers=each)).status_code for each in sent]

    assert played(tmp_path, play) == [200] * 5


def test_an_answer_that_a_phone_sends_by_itself_is_in_the_log(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        await stage.client.post(f"{stage.path(incident.id, 'ned')}/answer", json={"answer": "going"})
        return (await stage.client.get("/api/v1/audit?who=ned", headers=BEARER)).json()["changes"]

    (row,) = played(tmp_path, play)

    assert (row["account"], row["person"], row["what"], row["building"]) == ("link", "ned", "answered", "b-1")


def test_a_forged_or_expired_answer_link_is_refused_and_counted(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        good = stage.path(incident.id, "ned")
        forged = good[:-43] + stage.path(incident.id, "nora")[-43:]
        clock.now_ms += 2 * 3_600_000
        found = []
        for path in (forged, good, "/a/none"):
            found.append((await stage.client.get(path)).status_code)
            found.append((await stage.client.post(f"{path}/answer", json={"answer": "going"})).status_code)
        counts = stage.app.state.front.refusals.counts
        return found, [counts[f"answer-link-{each}"] for each in ("forged", "expired", "malformed")]

    assert played(tmp_path, play, clock=clock) == ([403, 403, 410, 410, 400, 400], [2, 2, 2])


def test_each_refusal_is_in_the_log_by_what_it_was_and_why_and_never_with_the_secret(
    tmp_path: Path, caplog: Any
) -> None:
    clock = Clock()

    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        link, own = stage.path(incident.id, "ned"), await stage.sign_in(person="ned")
        token = {"Authorization": "Bearer cp_" + "x" * 40}
        name, _, cookie = own["Cookie"].partition("=")
        number, _, secret = cookie.partition(".")
        nora = (await stage.sign_in(person="nora"))["Cookie"].partition("=")[2].partition(".")
        statuses = [await shown(stage, token)]
        statuses.append(await shown(stage, own | {"Cookie": f"{name}={number}.{nora[2]}"}))  # another's secret
        statuses.append((await stage.client.get(f"{link[:-43]}{stage.path(incident.id, 'nora')[-43:]}")).status_code)
        statuses.append((await stage.client.post("/sign-in/code", data={"code": "1234 5678"})).status_code)
        statuses.append((await stage.client.post("/sign-in/link/" + "y" * 43)).status_code)
        body = {"name": "ned", "password": "wrong"}
        statuses.append((await stage.client.post("/sign-in/password", data=body)).status_code)
        clock.now_ms += SESSION_MS + 1
        statuses.append(await shown(stage, own))
        return statuses, (token["Authorization"][7:], secret, nora[2], link)

    with caplog.at_level("WARNING"):
        statuses, secrets = played(tmp_path, play, clock=clock)
    assert statuses[:3] == [401, 401, 403] and statuses[6] == 401 and all(400 <= each < 500 for each in statuses)
    for words in ("token forged", "session forged", "answer-link forged", "code forged", "link forged"):
        assert f"refused: {words} from 127.0.0.1" in caplog.text, words
    assert "refused: password forged" in caplog.text and "refused: session expired" in caplog.text
    assert not [each for each in secrets if each in caplog.text]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_browser_that_is_turned_away_is_told_why_on_a_page_and_a_program_by_a_problem(
    tmp_path: Path, language: str
) -> None:
    async def play(stage: Scene) -> None:
        ned = await stage.sign_in(person="ned")
        stranger = ned | {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        accepts = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": language}
        page = await stage.client.post(f"/people/ned?lang={language}", headers=stranger | accepts, data={"name": "x"})
        assert page.status_code == 403 and page.headers["content-type"].startswith("text/html")
        assert say(language, "refused-cross-site") in page.text
        problem = await stage.client.post("/people/ned", headers=stranger, data={"name": "x"})
        assert (problem.status_code, problem.json()["reason"]) == (403, "cross-site")
        problem = await stage.client.post("/api/v1/tokens", headers=stranger | accepts, json={})
        assert problem.headers["content-type"] == "application/problem+json"
        no = {"Authorization": "Bearer cp_none"}
        asked = await stage.client.get("/api/v1/incidents", headers=no)
        assert (asked.status_code, asked.headers["www-authenticate"]) == (401, "Bearer")

    played(tmp_path, play)
