"""Every route of the app, and every role: what each may open, so that a new route without a right fails here."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from collector.access.accounts import Account, Area
from collector.access.actor import LOCAL, RIGHTS, Right, Role
from collector.access.actor import TOKEN as TOKEN_ACTOR
from collector.alerter.guard import OPEN
from collector.alerter.rights import Needed
from tests.web.scene import Scene, scene

OPEN_BESIDE = {"/sign-out", "/api/v1/openapi.json"}  # who has signed in may; and what the API is, is no secret
NARROWER = {"/people"}  # for the right to people, or who leads a team: the book's tests
ROLES = [None, *Role]


def routes(stage: Scene) -> list[tuple[str, str, frozenset[Right]]]:
    """Method, path and the rights that it needs, of every route."""
    found = []
    for route in _flat(stage.app.routes):
        if isinstance(route, APIRoute):
            rights = frozenset(
                each.call.right for each in route.dependant.dependencies if isinstance(each.call, Needed)
            )
            found += [(method, route.path, rights) for method in sorted(route.methods) if method != "HEAD"]
    return found


def _flat(routes: Any) -> list[Any]:
    """The app keeps the routers that it was given."""
    found = []
    for route in routes:
        router = getattr(route, "original_router", None)
        found += _flat(router.routes) if router is not None else [route]
    return found


def played(folder: Path, play: Any, **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, **{"listen_host": "0.0.0.0", **more}) as stage:
            return await play(stage)

    return asyncio.run(run())


def test_every_route_says_which_right_it_needs_or_is_open_to_all(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return routes(stage)

    found = played(tmp_path, play)
    without = {path for _, path, rights in found if not rights and not OPEN.fullmatch(path)} - OPEN_BESIDE

    assert len(found) > 60
    assert without == set()


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_is_its_own_and_nothing_else(tmp_path: Path, role: Role | None) -> None:
    """Asked with ids that are not there: whoever has the right is told so, and everybody else that it is not theirs."""

    async def play(stage: Scene) -> Any:
        headers = {} if role is None else await stage.sign_in(role, "ned" if role is not Role.VIEWER else None)
        wrong = []
        for method, path, rights in routes(stage):
            if path == "/events" or path == "/sign-out":
                continue  # a stream without an end; and who signs out is out
            asked = re.sub(r"\{[^}]+\}", "none", path)
            given: dict[str, Any] = {} if method == "GET" else {"data": {"csrf": stage.csrf}}
            if path.startswith("/api/") and method != "GET":
                given = {"json": {}}
            status = (await stage.client.request(method, asked, headers=headers, **given)).status_code
            expected = _expected(role, path, rights)
            if path in NARROWER and expected is None:
                continue
            fits = status == expected if expected is not None else status not in (401, 403) or OPEN.fullmatch(path)
            if not fits or status >= 500:
                wrong.append((method, path, sorted(rights), status))
        return wrong

    assert played(tmp_path, play) == []


def _expected(role: Role | None, path: str, rights: frozenset[Right]) -> int | None:
    """401 for a stranger, 403 without the right, None for anything else."""
    if OPEN.fullmatch(path):
        return None
    if role is None:
        return 401
    return None if rights <= RIGHTS[role] else 403


def test_at_the_machine_itself_looking_is_free_and_changing_is_not(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        wrong = []
        for method, path, rights in routes(stage):
            if path == "/events" or path in NARROWER or OPEN.fullmatch(path):
                continue
            asked = re.sub(r"\{[^}]+\}", "none", path)
            status = (await stage.client.request(method, asked)).status_code
            expected = 401 if method != "GET" else 403 if not rights <= LOCAL.rights else None
            if (expected is not None and status != expected) or (expected is None and status in (401, 403)):
                wrong.append((method, path, sorted(rights), status))
        return wrong

    assert played(tmp_path, play, listen_host="127.0.0.1") == []


def test_people_see_their_own_buildings_and_what_they_are_called_to(tmp_path: Path) -> None:
    from collector.access.accounts import Area

    async def play(stage: Scene) -> Any:
        here, there = await stage.fire("smoke-1"), await stage.fire("smoke-3")  # in b-1, in b-2
        mona = await stage.sign_in(person="mona")  # manages b-1
        viewer = await stage.sign_in(Role.VIEWER, area=Area(buildings=("b-3",)))

        async def seen(headers: dict[str, str]) -> Any:
            listed = (await stage.client.get("/api/v1/incidents", headers=headers)).json()["incidents"]
            devices = (await stage.client.get("/api/v1/devices", headers=headers)).json()["devices"]
            one = [
                (await stage.client.get(f"/api/v1/{path}", headers=headers)).status_code
                for path in (f"incidents/{here.id}", f"incidents/{there.id}", "devices/smoke-1", "devices/smoke-3")
            ]
            page = (await stage.client.get("/", headers=headers)).text
            return (
                {each["where"]["building"] for each in listed},
                {each["where"]["building"] for each in devices},
                one,
                page,
            )

        return await seen(mona), await seen(viewer)

    (incidents, devices, one, page), (nothing, other_devices, none, other_page) = played(tmp_path, play)

    assert (incidents, devices, one) == ({"b-1"}, {"b-1"}, [200, 404, 200, 404])
    assert (nothing, other_devices, none) == (set(), {"b-3"}, [404, 404, 404, 404])
    assert "Plum Court" in page and "Plum Court" not in other_page


def test_nobody_answers_for_somebody_else(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        headers = await stage.sign_in(person="ned")
        path = f"/api/v1/incidents/{incident.id}/answers"

        async def answer(person: str) -> Any:
            return await stage.client.post(path, json={"person": person, "answer": "going"}, headers=headers)

        return await answer("nora"), await answer("ned")

    other, own = played(tmp_path, play)

    assert (other.status_code, other.json()["reason"]) == (403, "not-yourself")
    assert own.status_code == 200


def test_a_form_of_another_site_changes_nothing(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        headers = await stage.sign_in(Role.MANAGER)
        form = {"id": "spy", "role": "viewer", "area": "own", "csrf": stage.csrf}
        foreign = {**headers, "Origin": "https://evil.example"}
        silent = {"Cookie": headers["Cookie"]}
        answers = [
            (await stage.client.post("/accounts/new", headers=each, data=data)).status_code
            for each, data in (
                (foreign, form),
                (headers, {**form, "csrf": "guess"}),
                (silent, {**form, "csrf": ""}),
                ({**silent, "Sec-Fetch-Site": "cross-site"}, form),
            )
        ]
        before = await stage.app.state.front.register.account("spy")
        await stage.client.post("/accounts/new", headers=headers, data=form)
        return answers, before, await stage.app.state.front.register.account("spy")

    answers, before, after = played(tmp_path, play)

    assert (answers, before) == ([403] * 4, None)
    assert after is not None


@pytest.mark.parametrize("role", Role)
def test_the_navigation_leads_everybody_to_pages_that_are_theirs(tmp_path: Path, role: Role) -> None:
    async def play() -> None:
        async with scene(tmp_path) as stage:
            register, door = stage.app.state.front.register, stage.app.state.front.door
            await register.add(Account("mona", "Mona", role, "nora", Area(whole=True)), TOKEN_ACTOR)
            session = await register.begin("mona", "a phone", "in a test")
            stage.client.cookies.set(door.name, session.cookie)
            front = await stage.client.get("/?lang=en")
            navigation = front.text.partition("<nav")[2].partition("</nav>")[0]
            paths = re.findall(r'href="([^"]+)"', navigation)
            assert {"/", "/devices", "/elevators"} <= set(paths)
            assert ("/accounts" in paths) == (role is Role.MANAGER)
            for path in paths:
                assert (await stage.client.get(path)).status_code == 200, path

    asyncio.run(play())
