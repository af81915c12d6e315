"""The pages of accounts, of one's own account, and of the audit log: by form, as a browser without JavaScript."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from collector.access.accounts import Account, Area
from collector.access.actor import TOKEN as TOKEN_ACTOR
from collector.access.actor import Role
from tests.web.scene import BEARER, SPIKED, Scene, eventually, scene

Play = Callable[[Scene], Awaitable[Any]]
PASSWORD = "four words of rain and plum"
NEW = {"id": "Wang Fang", "title": "", "role": "leader", "person": "", "area": "whole", "buildings": ""}


def played(folder: Path, play: Play, **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, **{"listen_host": "0.0.0.0", **more}) as stage:
            return await play(stage)

    return asyncio.run(run())


async def post(stage: Scene, headers: dict[str, str], path: str, **form: str) -> Any:
    return await stage.client.post(path, headers=headers, data={"csrf": stage.csrf, **form})


def test_an_account_is_added_and_its_link_signs_in_once(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        manager = await stage.sign_in(Role.MANAGER)
        made = await post(stage, manager, "/accounts/new", **NEW)
        link = re.search(r"/sign-in/link/[\w-]+", made.text)
        assert link is not None
        first = await stage.client.post(link[0])
        stage.client.cookies.clear()
        again = await stage.client.post(link[0])
        return made, first, again, (await stage.client.get("/accounts", headers=manager)).text

    made, first, again, page = played(tmp_path, play)

    assert (made.status_code, first.status_code, again.status_code) == (200, 303, 410)
    assert "wang fang" in page


@pytest.mark.parametrize(
    ("field", "typed", "word"),
    [
        ("id", "", "account-wrong-bad-name"),
        ("id", "token", "account-wrong-name-taken"),
        ("id", "a:b", "account-wrong-bad-name"),
        ("id", "x" * 200, "account-wrong-bad-name"),
        ("role", "emperor", "account-wrong"),
        ("role", "engineer", "account-wrong-not-authorised"),
        ("role", "", "account-wrong-role-needed"),
        ("person", "nobody", "account-wrong-no-such-person"),
        ("area", "moon", "account-wrong"),
        ("buildings", "b-1 b-99", "account-wrong-no-such-building"),
        ("buildings", SPIKED, "account-wrong-no-such-building"),
    ],
)
def test_a_mistake_is_named_beside_its_field_and_nothing_is_kept(
    tmp_path: Path, field: str, typed: str, word: str
) -> None:
    from collector.locale.catalogues import say

    async def play(stage: Scene) -> Any:
        manager = {**await stage.sign_in(Role.MANAGER), "Accept-Language": "en"}
        before = len(await stage.app.state.front.register.accounts())
        answer = await post(stage, manager, "/accounts/new", **{**NEW, field: typed})
        return answer, len(await stage.app.state.front.register.accounts()) - before

    answer, more = played(tmp_path, play)

    assert answer.status_code in (403, 422) and more == 0
    assert say("en", word) in answer.text
    assert "<script>alert" not in answer.text


def test_a_manager_of_one_building_rules_there_only(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await stage.sign_in(Role.LEADER, name="far", area=Area(buildings=("b-3",)))
        await stage.sign_in(Role.LEADER, name="near", area=Area(buildings=("b-1",)))
        manager = await stage.sign_in(Role.MANAGER, name="m", area=Area(buildings=("b-1",)))
        listed = (await stage.client.get("/accounts", headers=manager)).text
        far = await post(stage, manager, "/accounts/far", action="disable")
        near = await post(stage, manager, "/accounts/near", action="disable")
        wide = await post(stage, manager, "/accounts/near", action="save", **{**NEW, "role": "leader"})
        own = await post(stage, manager, "/accounts/m", action="save", **{**NEW, "role": "manager"})
        return listed, far.status_code, near.status_code, wide.status_code, own.status_code

    listed, far, near, wide, own = played(tmp_path, play)

    assert "near" in listed and "/accounts/far" not in listed
    assert (far, near, wide) == (404, 303, 403)
    assert own == 422  # nobody widens their own rights


def test_a_shut_account_is_signed_out_and_nobody_shuts_their_own(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        leader = await stage.sign_in(Role.LEADER, name="lena")
        manager = await stage.sign_in(Role.MANAGER, name="m")
        own = await post(stage, manager, "/accounts/m", action="disable")
        shut = await post(stage, manager, "/accounts/lena", action="disable")
        after = await stage.client.get("/api/v1/incidents", headers=leader)
        opened = await post(stage, manager, "/accounts/lena", action="enable")
        return own.status_code, shut.status_code, after.status_code, opened.status_code

    assert played(tmp_path, play) == (422, 303, 401, 303)


def test_a_password_is_set_and_signs_the_other_devices_out(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        other = await stage.sign_in(person="ned")
        mine = await stage.sign_in(person="ned")

        async def give(again: str, password: str, present: str = "") -> int:
            form = {"action": "password", "password": password, "again": again, "present": present}
            return (await post(stage, mine, "/account", **form)).status_code

        statuses = [
            await give("other", PASSWORD),
            await give("short", "short"),
            await give(PASSWORD, PASSWORD),
            await give(PASSWORD + "!", PASSWORD + "!"),
            await give(PASSWORD + "!", PASSWORD + "!", PASSWORD),
        ]
        after = [(await stage.client.get("/account", headers=each)).status_code for each in (other, mine)]
        name = (await stage.app.state.front.register.account_of("ned")).id
        signed = await stage.client.post("/sign-in/password", data={"name": name, "password": PASSWORD + "!"})
        return statuses, after, signed.status_code

    assert played(tmp_path, play) == ([422, 422, 303, 422, 303], [401, 200], 303)


def test_a_leader_signs_out_a_lost_phone_of_their_team_and_of_no_other(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        lost, other = await stage.sign_in(person="ned"), await stage.sign_in(person="sue")
        leader = await stage.sign_in(person="nora")
        page = await stage.client.get("/people/ned/devices", headers=leader)
        out = await post(stage, leader, "/people/ned/devices")
        not_theirs = await post(stage, leader, "/people/sue/devices")
        after = [(await stage.client.get("/api/v1/incidents", headers=each)).status_code for each in (lost, other)]
        return page.status_code, out.status_code, not_theirs.status_code, after

    assert played(tmp_path, play) == (200, 303, 403, [401, 200])


def test_ones_own_devices_are_listed_and_signed_out(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        other, mine = await stage.sign_in(person="ned"), await stage.sign_in(person="ned")
        strangers = await stage.sign_in(person="sue")
        theirs = strangers["Cookie"].partition("=")[2].partition(".")[0]
        mine_csrf = await stage.client.get("/account", headers=mine)
        found = re.search(r'name="csrf" value="(\w+)"', mine_csrf.text)
        assert found is not None
        stage.csrf = found[1]
        await post(stage, mine, "/account", action="sign-out", device=theirs)
        await post(stage, mine, "/account", action="sign-out-others")
        return [(await stage.client.get("/account", headers=each)).status_code for each in (other, mine, strangers)]

    assert played(tmp_path, play) == [401, 200, 200]


def test_the_audit_log_says_who_has_changed_what_and_how_it_was_before(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        leader = await stage.sign_in(person="nora")
        path = "/api/v1/disablements"
        body = {"person": "nora", "scope": "device", "target": "smoke-2", "why": "new head", "minutes": 60}
        made = (await stage.client.post(path, json=body, headers=leader)).json()
        await stage.client.post(f"{path}/{made['id']}/renewal", json={"person": "nora", "minutes": 120}, headers=leader)
        await stage.client.post(f"{path}/{made['id']}/end", json={"person": "nora"}, headers=leader)
        await stage.client.post(path, json={**body, "target": "nothing"}, headers=leader)  # refused: no change, no row
        manager = await stage.sign_in(Role.MANAGER, name="m")
        await post(stage, manager, "/accounts/new", **NEW)
        asked = {"headers": manager}
        rows = (await stage.client.get("/api/v1/audit?about=disablement", **asked)).json()["changes"]
        accounts = (await stage.client.get("/api/v1/audit?who=m&about=account-added", **asked)).json()["changes"]
        page = (await stage.client.get("/audit?who=nora", **asked)).text
        return made["id"], rows, accounts, page

    name, rows, accounts, page = played(tmp_path, play)
    ended, renewed, disabled = rows

    assert [each["what"] for each in rows] == ["enable", "renew-disablement", "disable"]
    assert {each["person"] for each in rows} == {"nora"} and {each["building"] for each in rows} == {"b-1"}
    assert {each["target"] for each in rows} == {f"disablement:{name}"}
    assert (disabled["before"], disabled["after"]["target"]) == (None, "smoke-2")
    assert renewed["before"] == disabled["after"] and ended["before"] == renewed["after"]
    assert renewed["after"]["length_ms"] == 2 * disabled["after"]["length_ms"]
    assert ended["after"] is None
    assert accounts[0]["after"]["id"] == "wang fang" and accounts[0]["after"]["password"] is None
    assert "new head" in page


@pytest.mark.parametrize("title", ["token", "command line"])
def test_whoever_calls_themselves_as_a_program_stands_in_the_log_with_their_account(tmp_path: Path, title: str) -> None:
    async def play(stage: Scene) -> str:
        register = stage.app.state.front.register
        await register.add(Account("sly", title, Role.MANAGER, area=Area(whole=True)), TOKEN_ACTOR)
        sly = await stage.sign_in(Role.MANAGER, name="sly")
        await post(stage, sly, "/accounts/new", **NEW)
        return str((await stage.client.get("/audit?who=sly&lang=en", headers=sly)).text)

    page = played(tmp_path, play)
    assert f'<strong>{title}</strong> <span class="quiet">sly</span>' in page


def test_the_log_of_a_building_is_for_who_sees_it_and_escaped(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        for target in ("smoke-1", "smoke-3"):  # in b-1, in b-2
            body = {"person": "carl", "scope": "device", "target": target, "why": SPIKED, "minutes": 60}
            answer = await stage.client.post("/api/v1/disablements", json=body, headers=BEARER)
            assert answer.status_code == 201
        manager = await stage.sign_in(Role.MANAGER, area=Area(buildings=("b-2",)))
        rows = (await stage.client.get("/api/v1/audit", headers=manager)).json()["changes"]
        return rows, (await stage.client.get("/audit", headers=manager)).text

    rows, page = played(tmp_path, play)

    assert [each["facts"]["target"] for each in rows] == ["smoke-3"]
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_an_answer_by_link_is_in_the_log_with_who_gave_it(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        await stage.client.post(stage.path(incident.id, "nora"), data={"answer": "stand-down"})
        return (await stage.client.get("/api/v1/audit?about=stand-down", headers=BEARER)).json()["changes"]

    (row,) = played(tmp_path, play)

    assert (row["account"], row["person"], row["building"]) == ("link", "nora", "b-1")


def test_what_is_not_committed_is_not_in_the_log(tmp_path: Path) -> None:
    """The row is in the transaction of the change: neither without the other."""

    async def play(stage: Scene) -> Any:
        store = stage.desk.store
        await store.write(
            lambda connection: connection.execute(
                "CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
        body = {"person": "carl", "scope": "device", "target": "smoke-1", "why": "x", "minutes": 60}
        answer = await stage.client.post("/api/v1/disablements", json=body, headers=BEARER)
        await store.write(lambda connection: connection.execute("DROP TRIGGER no"))

        async def anew() -> bool:
            return not stage.desk.failing or bool(stage.desk.engine.alarms)

        await eventually(anew)
        kept = await store.read(
            lambda connection: connection.execute("SELECT count(*) FROM kept WHERE kind = 'disablement'").fetchone()
        )
        return answer.status_code, kept

    assert played(tmp_path, play) == (503, (0,))


def test_the_api_tells_of_tokens_and_never_their_secret(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        engineer = await stage.sign_in(Role.ENGINEER)
        wanted = {"name": "display", "rights": ["see"], "days": 30}
        made = (await stage.client.post("/api/v1/tokens", json=wanted, headers=engineer)).json()
        beyond = await stage.client.post("/api/v1/tokens", json={**wanted, "rights": ["accounts"]}, headers=engineer)
        listed = (await stage.client.get("/api/v1/tokens", headers=engineer)).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        works = (await stage.client.get("/api/v1/incidents", headers=bearer)).status_code
        await stage.client.post(f"/api/v1/tokens/{made['id']}/end", headers=engineer)
        ended = (await stage.client.get("/api/v1/incidents", headers=bearer)).status_code
        return made, beyond.status_code, listed, works, ended

    made, beyond, listed, works, ended = played(tmp_path, play)

    assert (beyond, works, ended) == (403, 200, 401)
    assert [each["id"] for each in listed["tokens"]] == [made["id"]]
    assert made["token"].split("_", 2)[2] not in json.dumps(listed)


TOKEN_FORM = {"name": "display", "right-see": "on", "buildings": "b-1", "person": "", "days": "30", "action": "add"}


def test_a_token_is_made_by_form_shown_once_and_ended(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        engineer = await stage.sign_in(Role.ENGINEER)
        made = await post(stage, engineer, "/tokens", **TOKEN_FORM)
        secret = re.search(r"<code>(cp_[^<]+)</code>", made.text)
        assert secret is not None, made.text
        bearer = {"Authorization": f"Bearer {secret[1]}"}
        stage.client.cookies.clear()
        reads = await stage.client.get("/api/v1/incidents", headers=bearer)
        listed = (await stage.client.get("/tokens", headers=engineer)).text
        ((token, _),) = await stage.app.state.front.register.tokens()
        ended = await post(stage, engineer, "/tokens", action="end", token=token.id)
        stage.client.cookies.clear()
        after = await stage.client.get("/api/v1/incidents", headers=bearer)
        again = await post(stage, engineer, "/tokens", action="end", token=token.id)
        return reads.status_code, secret[1] in listed, "display" in listed, ended.status_code, after.status_code, again

    reads, shown_again, listed, ended, after, again = played(tmp_path, play)

    assert (reads, shown_again, listed, ended, after) == (200, False, True, 303, 401)
    assert again.status_code == 422 and 'class="wrong"' in again.text


@pytest.mark.parametrize(
    ("field", "typed", "status"),
    [
        ("name", "", 422),
        ("name", "x" * 81, 422),
        ("right-see", "", 422),
        ("days", "0", 422),
        ("days", "731", 422),
        ("days", "一年", 422),
        ("days", "9" * 40, 422),
        ("buildings", "b-1 nowhere", 422),
        ("person", "nobody", 422),
        ("person", "nora", 403),
        ("right-accounts", "on", 403),
    ],
)
def test_a_token_that_cannot_be_made_is_said_beside_its_field(
    tmp_path: Path, field: str, typed: str, status: int
) -> None:
    async def play(stage: Scene) -> Any:
        engineer = await stage.sign_in(Role.ENGINEER)
        answer = await post(stage, engineer, "/tokens", **{**TOKEN_FORM, field: typed})
        return answer, await stage.app.state.front.register.tokens()

    answer, tokens = played(tmp_path, play)

    assert answer.status_code == status and 'class="wrong"' in answer.text
    assert not tokens


def test_an_engineer_of_one_building_neither_sees_nor_ends_tokens_of_more(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        engineer = await stage.sign_in(Role.ENGINEER)
        await post(stage, engineer, "/tokens", **{**TOKEN_FORM, "name": "of all", "buildings": ""})
        await post(stage, engineer, "/tokens", **{**TOKEN_FORM, "name": "of one"})
        ids = {token.name: token.id for token, _ in await stage.app.state.front.register.tokens()}
        stage.client.cookies.clear()
        limited = await stage.sign_in(Role.ENGINEER, area=Area(buildings=("b-1",)), name="limited")
        page = (await stage.client.get("/tokens", headers=limited)).text
        api = (await stage.client.get("/api/v1/tokens", headers=limited)).json()
        far = await stage.client.post(f"/api/v1/tokens/{ids['of all']}/end", headers=limited)
        near = await post(stage, limited, "/tokens", action="end", token=ids["of one"])
        return page, [each["name"] for each in api["tokens"]], far.status_code, near.status_code

    page, listed, far, near = played(tmp_path, play)

    assert "of one" in page and "of all" not in page and listed == ["of one"]
    assert (far, near) == (404, 303)
