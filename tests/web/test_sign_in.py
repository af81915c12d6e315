"""Signing in: by a message to one's own address, by password; and everything that must not sign anybody in."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from collector.access.accounts import Account, Area
from collector.access.actor import TOKEN as TOKEN_ACTOR
from collector.access.actor import Right, Role
from collector.access.passwords import Passwords
from collector.access.rows import prune_access
from collector.access.sessions import SENT_PER_HOUR_MAX, SESSION_MS, SIGN_IN_MS, Token
from collector.alerter.signing import place_of
from collector.messages.message import Words
from tests.web.scene import START_MS, Clock, Scene, eventually, scene

PASSWORD = "four words of rain and plum"
MINUTE_MS = 60_000
Sent = tuple[str, Words, str, int]
Play = Callable[[Scene, list[Sent]], Awaitable[Any]]


def played(folder: Path, play: Play, **more: Any) -> Any:
    """In public, where nothing is shown to who has not signed in."""

    async def run() -> Any:
        sent: list[Sent] = []

        async def deliver(*message: Any) -> bool:
            sent.append(message)
            return True

        async with scene(folder, deliver=deliver, **{"listen_host": "0.0.0.0", **more}) as stage:
            return await play(stage, sent)

    return asyncio.run(run())


async def ask(stage: Scene, typed: str, sent: list[Sent]) -> Sent:
    """Ask for a message and give it once it is sent."""
    before = len(sent)
    answer = await stage.client.post("/sign-in/send", data={"name": typed})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/code?next=%2F")
    await eventually(lambda: _longer(sent, before))
    return sent[-1]


async def _longer(sent: list[Sent], than: int) -> bool:
    return len(sent) > than


def code_in(message: Sent) -> str:
    found = re.search(r"\d{4} \d{4}", message[1].short)
    assert found is not None
    return found[0]


def path_in(message: Sent) -> str:
    return message[2][message[2].index("/sign-in/") :]


async def reads(stage: Scene) -> int:
    return (await stage.client.get("/api/v1/incidents")).status_code


def counted(stage: Scene) -> dict[str, int]:
    return dict(stage.app.state.front.refusals.counts)


def test_a_code_to_ones_own_address_signs_in_once(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        before = await reads(stage)
        message = await ask(stage, "ned", sent)
        right = await stage.client.post("/sign-in/code", data={"code": code_in(message), "next": "/drills"})
        after = await reads(stage)
        stage.client.cookies.delete("callpoint")
        again = await stage.client.post("/sign-in/code", data={"code": code_in(message)})
        return before, message, right, after, again, counted(stage)

    before, message, right, after, again, refused = played(tmp_path, play)

    assert (before, after) == (401, 200)
    assert message[0] == "ned" and "Give it to nobody" in message[1].body
    assert (right.status_code, right.headers["location"]) == (303, "/drills")
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/;" in cookie
    assert again.status_code == 403 and "set-cookie" not in again.headers
    assert refused["code-forged"] + refused.get("code-replayed", 0) == 1


def test_a_link_shows_a_button_and_the_button_uses_it_up(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        path = path_in(await ask(stage, "ned", sent))
        looked = [await stage.client.get(path) for _ in range(3)]  # as mail scanners do
        nobody = await reads(stage)
        pressed = await stage.client.post(path)
        somebody = await reads(stage)
        stage.client.cookies.clear()
        return looked, nobody, pressed, somebody, await stage.client.post(path), await reads(stage), counted(stage)

    looked, nobody, pressed, somebody, again, after, refused = played(tmp_path, play)

    assert {each.status_code for each in looked} == {200}
    assert not any("set-cookie" in each.headers for each in looked)
    assert (nobody, pressed.status_code, somebody) == (401, 303, 200)
    assert (again.status_code, after, refused["link-replayed"]) == (410, 401, 1)


def test_two_devices_at_once_cannot_both_use_a_link(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        path = path_in(await ask(stage, "ned", sent))
        stage.client.cookies.clear()
        answers = await asyncio.gather(*(stage.client.post(path, headers={"Cookie": ""}) for _ in range(5)))
        return sorted(each.status_code for each in answers)

    assert played(tmp_path, play) == [303, 410, 410, 410, 410]


def test_a_person_whose_name_somebody_else_has_taken_still_signs_in(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        await stage.sign_in(Role.VIEWER, name="ned")
        signed = await stage.client.post(path_in(await ask(stage, "ned", sent)))
        register = stage.app.state.front.register
        return signed.status_code, await register.account_of("ned"), await register.account("ned")

    status, theirs, other = played(tmp_path, play)

    assert status == 303
    assert (theirs.person, other.person) == ("ned", None)
    assert theirs.id != other.id and other.role is Role.VIEWER


@pytest.mark.parametrize("typed", ["", "\x00", "🔥" * 90, "<script>", "a\r\nBcc: x", "\u202eabc", "x" * 60_000, "%"])
@pytest.mark.parametrize("path", ["/sign-in/send", "/sign-in/code", "/sign-in/password", "/sign-in/link/x"])
def test_garbage_in_a_form_signs_nobody_in_and_breaks_nothing(tmp_path: Path, path: str, typed: str) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        body = "&".join(f"{name}={quote(typed)}" for name in ("name", "code", "password"))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        given = await stage.client.post(path, content=body, headers=form)
        raw = await stage.client.post(path, content=b"name=\xff\xfe&code=%ff%fe&password=%", headers=form)
        return given, raw, sent

    for answer in (found := played(tmp_path, play))[:2]:
        assert answer.status_code in (303, 403, 413), answer.text
        assert "<script>alert" not in answer.text
    assert found[2] == []


def test_a_link_or_code_is_good_for_ten_minutes(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene, sent: list[Sent]) -> Any:
        message = await ask(stage, "ned", sent)
        clock.now_ms += SIGN_IN_MS
        code = await stage.client.post("/sign-in/code", data={"code": code_in(message)})
        return code, await stage.client.post(path_in(message)), counted(stage)

    code, link, refused = played(tmp_path, play, clock=clock)

    assert (code.status_code, link.status_code) == (403, 410)
    assert (refused["code-expired"], refused["link-expired"]) == (1, 1)


def test_a_code_is_of_no_use_to_another_browser(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        message = await ask(stage, "ned", sent)
        stage.client.cookies.clear()
        return await stage.client.post("/sign-in/code", data={"code": code_in(message)})

    assert played(tmp_path, play).status_code == 403


def test_after_five_wrong_codes_the_right_one_is_too_late(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        message = await ask(stage, "ned", sent)
        wrong = [(await stage.client.post("/sign-in/code", data={"code": "00000000"})).status_code for _ in range(5)]
        right = await stage.client.post("/sign-in/code", data={"code": code_in(message)})
        return wrong, right.status_code, counted(stage)

    wrong, right, refused = played(tmp_path, play)

    assert (wrong, right) == ([403] * 5, 403)
    assert (refused["code-forged"], refused["code-tried-out"]) == (5, 1)


def test_who_is_on_the_list_is_told_to_nobody(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        known = await stage.client.post("/sign-in/send", data={"name": "ned"})
        unknown = await stage.client.post("/sign-in/send", data={"name": "somebody else"})
        await eventually(lambda: _longer(sent, 0))
        pages = [await stage.client.get(each.headers["location"]) for each in (known, unknown)]
        return known, unknown, pages, sent

    known, unknown, pages, sent = played(tmp_path, play)

    assert known.status_code == unknown.status_code == 303
    assert known.headers["location"] == unknown.headers["location"]
    assert "callpoint-asked" in unknown.headers["set-cookie"]
    assert pages[0].text == pages[1].text
    assert [each[0] for each in sent] == ["ned"]


def test_a_stranger_who_asks_in_somebodys_name_does_not_use_up_their_messages(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        elsewhere = httpx.ASGITransport(stage.app, client=("2001:db8::1", 1))
        async with httpx.AsyncClient(transport=elsewhere, base_url=str(stage.client.base_url)) as stranger:
            for number in range(5):
                await stranger.post("/sign-in/send", data={"name": "ned"}, headers={"Origin": str(stranger.base_url)})
                await eventually(lambda number=number: _asked(stage, sent, number + 1))
        assert len(sent) == 3
        return code_in(await ask(stage, "ned", sent))

    assert played(tmp_path, play)


async def _asked(stage: Scene, sent: list[Sent], times: int) -> bool:
    return len(sent) + counted(stage).get("sign-in-too-many", 0) >= times


def test_however_many_ask_a_person_gets_so_many_messages_an_hour(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        for number in range(12):
            elsewhere = httpx.ASGITransport(stage.app, client=(f"192.0.2.{number}", 1))
            async with httpx.AsyncClient(transport=elsewhere, base_url=str(stage.client.base_url)) as other:
                await other.post("/sign-in/send", data={"name": "ned"}, headers={"Origin": str(other.base_url)})
                await eventually(lambda number=number: _asked(stage, sent, number + 1))
        return len(sent)

    assert played(tmp_path, play) == SENT_PER_HOUR_MAX


@pytest.mark.parametrize(
    ("client", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a proxy", "a proxy"),
    ],
)
def test_one_home_is_one_place(client: str, place: str) -> None:
    assert place_of(client) == place


def test_from_one_place_there_are_three_messages_an_hour_each_over_their_next_channel(
    tmp_path: Path,
) -> None:
    clock = Clock()

    async def play(stage: Scene, sent: list[Sent]) -> Any:
        for _ in range(3):
            await ask(stage, "ned", sent)
        await stage.client.post("/sign-in/send", data={"name": "ned"})
        await eventually(lambda: _refused_many(stage))
        clock.now_ms += 61 * MINUTE_MS
        await ask(stage, "ned", sent)
        return [each[3] for each in sent]

    assert played(tmp_path, play, clock=clock) == [0, 1, 2, 0]


async def _refused_many(stage: Scene) -> bool:
    return counted(stage).get("sign-in-too-many", 0) == 1


def test_an_address_that_asks_again_and_again_is_slowed_down(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        return [
            (await stage.client.post("/sign-in/send", data={"name": f"who {number}"})).status_code
            for number in range(12)
        ]

    assert played(tmp_path, play) == [303] * 10 + [429] * 2


def _with_password(stage: Scene, name: str, **more: Any) -> Awaitable[Account]:
    async def add() -> Account:
        kept = await Passwords().hash(PASSWORD)
        account = Account(name, name, Role.LEADER, area=Area(whole=True), password=kept, **more)
        return await stage.app.state.front.register.add(account, TOKEN_ACTOR)

    return add()


def test_a_password_signs_in_and_a_wrong_one_slows_the_next_try_down(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene, sent: list[Sent]) -> Any:
        await _with_password(stage, "lena")

        async def give(name: str, password: str) -> int:
            return (await stage.client.post("/sign-in/password", data={"name": name, "password": password})).status_code

        wrong = [await give("lena", f"wrong {number}") for number in range(6)]
        unknown = [await give("nobody", f"wrong {number}") for number in range(6)]
        too_soon = await give("LENA ", PASSWORD)
        clock.now_ms += 11_000
        right = await give("LENA ", PASSWORD)
        return wrong, unknown, too_soon, right, await reads(stage)

    wrong, unknown, too_soon, right, read = played(tmp_path, play, clock=clock)

    assert wrong == unknown == [403] * 5 + [429]
    assert (too_soon, right, read) == (429, 303, 200)


def test_a_hundred_wrong_passwords_leave_only_the_link(tmp_path: Path) -> None:
    """NIST SP 800-63B-4 sec. 3.2.2."""

    async def play(stage: Scene, sent: list[Sent]) -> Any:
        await _with_password(stage, "lena", person="ned", failures=100)
        given = await stage.client.post("/sign-in/password", data={"name": "lena", "password": PASSWORD})
        link = await stage.client.post(path_in(await ask(stage, "ned", sent)))
        after = await stage.client.post("/sign-in/password", data={"name": "lena", "password": PASSWORD, "csrf": ""})
        return given.status_code, link.status_code, after.status_code

    given, link, after = played(tmp_path, play)

    assert (given, link) == (403, 303)
    assert after == 403  # a form without this session's own word


def test_a_session_survives_a_restart_and_slides(tmp_path: Path) -> None:
    clock = Clock()

    async def begin(stage: Scene, sent: list[Sent]) -> dict[str, str]:
        return await stage.sign_in(person="ned")

    headers = played(tmp_path, begin, clock=clock)

    async def use(stage: Scene, sent: list[Sent]) -> tuple[int, bool]:
        answer = await stage.client.get("/api/v1/incidents", headers=headers)
        return answer.status_code, "set-cookie" in answer.headers

    clock.now_ms = START_MS + SESSION_MS - 1
    assert played(tmp_path, use, clock=clock) == (200, True)
    clock.now_ms += SESSION_MS - 1
    assert played(tmp_path, use, clock=clock) == (200, True)
    clock.now_ms += 1
    assert played(tmp_path, use, clock=clock) == (200, False)
    clock.now_ms += SESSION_MS
    assert played(tmp_path, use, clock=clock) == (401, True)  # the cookie is taken away


def test_what_can_sign_nobody_in_any_more_is_dropped(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene, sent: list[Sent]) -> Any:
        await ask(stage, "ned", sent)
        await stage.sign_in(person="sue")
        store, gone = stage.desk.store, []
        for later_ms in (0, 2 * 86_400_000, SESSION_MS):
            now = clock.now_ms + later_ms
            gone.append(await store.write(lambda connection, now=now: prune_access(connection, now)))  # type: ignore[misc]
        return gone

    assert played(tmp_path, play, clock=clock) == [0, 1, 1]


@pytest.mark.parametrize("cookie", ["x", "x.y", "a" * 5000, ".", "é", "0" * 16 + "." + "A" * 43, '"', "a=b; c"])
def test_a_forged_cookie_is_nobody_and_counted(tmp_path: Path, cookie: str) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        raw = f"callpoint={cookie}".encode()
        return (await stage.client.get("/api/v1/incidents", headers={b"Cookie": raw})).status_code, counted(stage)

    status, refused = played(tmp_path, play)

    assert status == 401
    assert refused["request-token-needed"] == 1


def test_the_secret_of_one_session_does_not_fit_another(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        mine, theirs = await stage.sign_in(person="ned"), await stage.sign_in(Role.MANAGER)
        name = theirs["Cookie"].partition(".")[0]
        mixed = {"Cookie": f"{name}.{mine['Cookie'].partition('.')[2]}"}
        return (await stage.client.get("/api/v1/incidents", headers=mixed)).status_code, counted(stage)

    status, refused = played(tmp_path, play)

    assert (status, refused["session-forged"]) == (401, 1)


def test_over_https_the_cookie_is_for_https_alone(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        return (await stage.client.post(path_in(await ask(stage, "ned", sent)))).headers["set-cookie"]

    from tests.web.scene import web_data

    data = web_data()
    data["plan"]["board_url"] = "https://board.example"
    cookie = played(tmp_path, play, data=data)

    assert cookie.startswith("__Host-callpoint=") and "; Secure" in cookie and "Path=/;" in cookie


def test_signing_out_ends_the_session_itself(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        headers = await stage.sign_in(person="ned")
        without = await stage.client.post("/sign-out", headers=headers)
        still = await stage.client.get("/api/v1/incidents", headers=headers)
        out = await stage.client.post("/sign-out", headers=headers, data={"csrf": stage.csrf})
        return without.status_code, still.status_code, out, await stage.client.get("/api/v1/incidents", headers=headers)

    without, still, out, after = played(tmp_path, play)

    assert (without, still) == (403, 200)
    assert (out.status_code, after.status_code) == (303, 401)
    assert "max-age=0" in out.headers["set-cookie"].lower()


def test_no_secret_is_kept_that_would_sign_anybody_in(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        message = await ask(stage, "ned", sent)
        headers = await stage.sign_in(Role.ENGINEER)
        register = stage.app.state.front.register
        token = Token("t1", "a script", (Right.SEE,), None, None, START_MS, "token", START_MS + 1000)
        given = await register.add_token(token, TOKEN_ACTOR)
        return message, headers["Cookie"], given

    message, cookie, token = played(tmp_path, play)
    file = sqlite3.connect(tmp_path / "state.db")
    dump = "\n".join(file.iterdump())
    file.close()

    secrets = [
        path_in(message).rpartition("/")[2],
        code_in(message).replace(" ", ""),
        cookie.partition(".")[2],
        token.split("_", 2)[2],
    ]
    assert all(len(each) >= 8 for each in secrets)
    assert not [each for each in secrets if each in dump]


def test_a_token_does_what_it_says_and_no_more(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene, sent: list[Sent]) -> Any:
        await stage.fire()
        register = stage.app.state.front.register
        token = Token("t1", "a display", (Right.SEE,), ("b-2",), None, START_MS, "token", START_MS + 86_400_000)
        given = await register.add_token(token, TOKEN_ACTOR)
        bearer = {"Authorization": f"Bearer {given}"}

        async def status(path: str, headers: dict[str, str]) -> httpx.Response:
            return await stage.client.get(path, headers=headers)

        seen = (await status("/api/v1/incidents", bearer)).json()["incidents"]
        ledger = await status("/api/v1/ledger", bearer)
        drill = await stage.client.post("/api/v1/drills", headers=bearer, json={})
        forged = await status("/api/v1/incidents", {"Authorization": f"Bearer {given}x"})
        clock.now_ms += 86_400_000
        expired = await status("/api/v1/incidents", bearer)
        return seen, ledger.status_code, drill.status_code, forged, expired, counted(stage)

    seen, ledger, drill, forged, expired, refused = played(tmp_path, play, clock=clock)

    assert seen == []  # the fire is in b-1
    assert (ledger, drill) == (403, 403)
    assert (forged.status_code, forged.json()["reason"]) == (401, "bad-token")
    assert expired.status_code == 401
    assert (refused["token-forged"], refused["token-expired"]) == (1, 1)


@pytest.mark.parametrize("following", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\r\nb", ""])
def test_signing_in_never_leads_away(tmp_path: Path, following: str) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        path = path_in(await ask(stage, "ned", sent))
        return (await stage.client.post(path, data={"next": following})).headers["location"]

    assert played(tmp_path, play) == "/"


def test_a_stranger_is_led_to_the_sign_in_and_back_to_what_they_wanted(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        away = await stage.client.get("/incident/abc?x=1", headers={"Accept": "text/html"})
        return away, await stage.client.get(away.headers["location"])

    away, page = played(tmp_path, play)

    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Fincident%2Fabc%3Fx%3D1")
    assert 'name="next" value="/incident/abc?x=1"' in page.text


def test_who_leaves_the_site_or_is_disabled_is_out_at_once(tmp_path: Path) -> None:
    async def play(stage: Scene, sent: list[Sent]) -> Any:
        from dataclasses import replace

        headers = await stage.sign_in(Role.LEADER, name="lena")
        register = stage.app.state.front.register
        link = await register.hand_link("lena", TOKEN_ACTOR)
        await register.change("lena", TOKEN_ACTOR, lambda each: replace(each, disabled_at_ms=1), "account-disabled")
        after = await stage.client.get("/api/v1/incidents", headers=headers)
        return after.status_code, (await stage.client.post(f"/sign-in/link/{link}")).status_code

    assert played(tmp_path, play) == (401, 403)
