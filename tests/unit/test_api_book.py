"""The book over the API: who may change what, that two editors do not overwrite each other, and spreadsheets whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from collector.access.actor import RIGHTS, Actor, Right, Role
from collector.alerter.bookrights import buildings_of, may_change, may_see
from collector.book.entries import COMMUNITY, BuildingPost, CellPost, Change, Contacts, Section, put
from collector.book.sheet import BYTES_MAX
from config.people import Person
from tests.sites import small_site
from tests.web.scene import BEARER, Scene, scene

NED = {"id": "ned", "name": "Ned", "channels": [{"channel": "phone", "to": "138"}]}
ANY = BEARER | {"If-Match": "*"}
NEW = BEARER | {"If-None-Match": "*"}


def played(folder: Path, play: Callable[[Scene], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with scene(folder) as stage:
            return await play(stage)

    return asyncio.run(run())


def test_a_person_is_read_changed_and_known_after_a_restart(tmp_path: Path) -> None:
    async def change(stage: Scene) -> None:
        seen = await stage.client.get("/api/v1/book/people/ned", headers=BEARER)
        assert seen.json()["source"] == "folder"
        answer = await stage.client.put(
            "/api/v1/book/people/ned", json=NED, headers=BEARER | {"If-Match": seen.headers["etag"]}
        )
        assert answer.status_code == 200, answer.text
        assert (answer.json()["source"], answer.json()["value"]["channels"][0]["to"]) == ("book", "138")
        assert answer.headers["etag"] != seen.headers["etag"]
        assert any("rings" in warning for warning in answer.json()["warnings"])

    async def look(stage: Scene) -> Any:
        return (await stage.client.get("/api/v1/book/people/ned", headers=BEARER)).json()

    played(tmp_path, change)
    assert played(tmp_path, look)["value"]["channels"] == [{"channel": "phone", "to": "138"}]


def test_of_two_editors_the_second_is_told(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[int]:
        etag = (await stage.client.get("/api/v1/book/people/ned", headers=BEARER)).headers["etag"]
        headers = BEARER | {"If-Match": etag}
        both = [
            stage.client.put("/api/v1/book/people/ned", json=NED | {"name": name}, headers=headers) for name in "ab"
        ]
        return sorted(answer.status_code for answer in await asyncio.gather(*both))

    assert played(tmp_path, play) == [200, 412]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "reason"),
    [
        ("PUT", "people/ned", NED, BEARER, 428, "no-precondition"),
        ("PUT", "people/ned", NED, NEW, 412, "changed-meanwhile"),
        ("PUT", "people/ned", NED, BEARER | {"If-Match": '"other"'}, 412, "changed-meanwhile"),
        ("PUT", "people/sue", NED, ANY, 422, "bad-book"),
        ("PUT", "people/ned", NED | {"home": "b-9"}, ANY, 422, "bad-book"),
        ("PUT", "people/ned", NED | {"name": "x" * 200}, ANY, 422, "bad-book"),
        ("PUT", "people/ned", NED | {"age": 7}, ANY, 422, "invalid"),
        ("PUT", "people/a%2Fb", NED, ANY, 404, "not-found"),
        ("GET", "people/nobody", None, BEARER, 404, "unknown-entry"),
        ("DELETE", "people/nobody", None, ANY, 404, "unknown-entry"),
        ("DELETE", "people/nora", None, ANY, 422, "bad-book"),
        ("DELETE", "people/ned", None, BEARER, 428, "no-precondition"),
        ("DELETE", "teams/north", None, ANY, 422, "bad-book"),
        ("PUT", "cells/attic", {"person": "ned"}, ANY, 404, "unknown-entry"),
        ("PUT", "cells/yard", {"person": "nobody"}, ANY, 422, "bad-book"),
        ("PUT", "buildings/b-1", {"team": "nobody"}, ANY, 422, "bad-book"),
        ("PUT", "contacts", {"people": []}, ANY, 422, "invalid"),
        ("PUT", "people/ned", NED, {"If-Match": "*"}, 401, "token-needed"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    tmp_path: Path, method: str, path: str, body: Any, headers: dict[str, str], status: int, reason: str
) -> None:
    async def play(stage: Scene) -> Any:
        answer = await stage.client.request(method, f"/api/v1/book/{path}", json=body, headers=headers)
        assert stage.desk.site.roll == small_site(stage.desk.site.file.model_dump(by_alias=True)).roll
        return answer

    answer = played(tmp_path, play)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text


def test_everything_of_the_book_can_be_put_and_taken_back(tmp_path: Path) -> None:
    team = {"id": "west", "name": "West", "leader": "gina", "members": ["ned"]}
    bodies = {
        "people/p-1": NED | {"id": "p-1"},
        "teams/west": team,
        "cells/yard": {"person": "greg"},
        "buildings/b-2": {"team": "west", "neighbours": ["b-1"], "gate_code": "1#"},
        "contacts": {"people": ["gina", "carl"]},
    }

    async def play(stage: Scene) -> None:
        for path, body in bodies.items():
            answer = await stage.client.put(f"/api/v1/book/{path}", json=body, headers=ANY)
            assert answer.status_code == 200, answer.text
        assert stage.desk.site.buildings["b-2"].team == "west"
        assert stage.desk.site.contacts == ("gina", "carl")
        for path in ("buildings/b-2", "cells/yard", "teams/west", "people/p-1"):
            answer = await stage.client.delete(f"/api/v1/book/{path}", headers=ANY)
            assert answer.status_code == 204, answer.text
        assert "west" not in stage.desk.site.teams
        assert stage.desk.site.grid["yard"].person == "grace"
        lists = [await stage.client.get(f"/api/v1/book/{name}", headers=BEARER) for name in ("teams", "cells")]
        assert [len(each.json()["entries"]) for each in lists] == [2, 3]

    played(tmp_path, play)


def test_a_change_is_in_the_audit_log(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await stage.client.put("/api/v1/book/people/ned", json=NED, headers=ANY)
        return await stage.desk.store.read(
            lambda c: c.execute("SELECT what, target, before, after FROM audit").fetchall()
        )

    ((what, target, before, after),) = played(tmp_path, play)
    assert (what, target) == ("change-book", "book-entry:person/ned")
    assert "console" in before and "138" not in before, "what the folder said"
    assert "138" in after


# --- spreadsheets ---------------------------------------------------------------------------------


def test_a_spreadsheet_is_seen_first_and_then_imported_whole(tmp_path: Path) -> None:
    content = "姓名,渠道1,地址1\n李梅,phone,139\nNed,phone,138\n".encode("gbk")

    async def play(stage: Scene) -> None:
        path = "/api/v1/book/csv/people"
        seen = (await stage.client.post(path, content=content, headers=BEARER)).json()
        assert (seen["new"], seen["changed"], seen["imported"]) == (["p-1"], ["ned"], False)
        assert "p-1" not in stage.desk.site.people
        asked = {"file": seen["file"], "book": seen["book"]}
        other = await stage.client.post(path, content=content + b"\n", params=asked, headers=BEARER)
        assert other.status_code == 412
        done = await stage.client.post(path, content=content, params=asked, headers=BEARER)
        assert done.json()["imported"] is True, done.text
        assert stage.desk.site.people["p-1"].name == "李梅"
        again = await stage.client.post(path, content=content, params=asked, headers=BEARER)
        assert again.status_code == 412, "the book is another one now"
        exported = await stage.client.get(path, headers=BEARER)
        back = (await stage.client.post(path, content=exported.content, headers=BEARER)).json()
        assert (back["faults"], back["new"], back["changed"], back["missing"]) == ([], [], [], [])

    played(tmp_path, play)


def test_a_file_with_one_mistake_changes_nothing(tmp_path: Path) -> None:
    content = b"name,channel_1,address_1\nLi,phone,138\nWang,phone,1.38E+10\n"

    async def play(stage: Scene) -> None:
        path = "/api/v1/book/csv/people"
        seen = (await stage.client.post(path, content=content, headers=BEARER)).json()
        assert [(fault["line"], fault["column"]) for fault in seen["faults"]] == [(3, "address_1")]
        asked = {"file": seen["file"], "book": seen["book"]}
        answer = await stage.client.post(path, content=content, params=asked, headers=BEARER)
        assert (answer.status_code, answer.json()["reason"]) == (422, "bad-book")
        assert "p-1" not in stage.desk.site.people

    played(tmp_path, play)


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 422, "no-table"),
        (b"PK\x03\x04\x00", 422, "no-table"),
        (b"x" * (BYTES_MAX + 1), 422, "no-table"),
        (b"x" * (BYTES_MAX + 100_000), 413, "too-large"),
    ],
)
def test_what_is_no_spreadsheet_is_told(tmp_path: Path, content: bytes, status: int, reason: str) -> None:
    async def play(stage: Scene) -> Any:
        return await stage.client.post("/api/v1/book/csv/people", content=content, headers=BEARER)

    answer = played(tmp_path, play)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_elsewhere_a_body_is_as_small_as_ever(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return await stage.client.put("/api/v1/book/people/ned", content=b"x" * 100_000, headers=ANY)

    assert played(tmp_path, play).status_code == 413


# --- rights ---------------------------------------------------------------------------------------

ROLL = small_site().roll


def actor(role: Role, *buildings: str, person: str | None = None) -> Actor:
    return Actor("a", "A", RIGHTS[role], person, role, frozenset(buildings) if buildings else None)


def moved(home: str) -> Change:
    return put("sue", Person.model_validate(NED | {"id": "sue", "home": home}))


@pytest.mark.parametrize(
    ("section", "name", "about"),
    [
        (Section.PERSON, "ned", {"b-1"}),
        (Section.PERSON, "mona", {"b-1"}),
        (Section.PERSON, "gina", {"b-1", "b-2", "b-3"}),
        (Section.TEAM, "south", {"b-3"}),
        (Section.CELL, "yard", {"b-1", "b-2", "b-3"}),
        (Section.BUILDING, "b-2", {"b-2"}),
        (Section.CONTACTS, COMMUNITY, None),
    ],
)
def test_every_entry_is_about_its_buildings(section: Section, name: str, about: set[str] | None) -> None:
    assert buildings_of(ROLL, section, name) == about


@pytest.mark.parametrize(
    ("who", "change", "allowed"),
    [
        (actor(Role.MANAGER), put(COMMUNITY, Contacts(people=("carl",))), True),
        (actor(Role.MANAGER, "b-3"), put(COMMUNITY, Contacts(people=("carl",))), False),
        (actor(Role.MANAGER, "b-3"), moved("b-3"), True),
        (actor(Role.MANAGER, "b-3"), moved("b-1"), False),
        (actor(Role.MANAGER, "b-3"), Change(Section.PERSON, "ned"), False),
        (actor(Role.MANAGER, "b-3"), put("b-3", BuildingPost()), True),
        (actor(Role.MANAGER, "b-3"), put("yard", CellPost(person="ned")), False),
        (actor(Role.LEADER, person="sam"), moved("b-3"), False),
        (actor(Role.ENGINEER), moved("b-3"), False),
    ],
)
def test_who_keeps_the_book_of_some_buildings_changes_nothing_of_others(
    who: Actor, change: Change, allowed: bool
) -> None:
    assert may_change(who, ROLL, [change]) is allowed


def test_a_leader_sees_the_numbers_of_their_own_team_alone() -> None:
    sam = actor(Role.LEADER, person="sam")

    assert may_see(sam, ROLL, Section.PERSON, "sue") and may_see(sam, ROLL, Section.TEAM, "south")
    assert not may_see(sam, ROLL, Section.PERSON, "ned") and not may_see(sam, ROLL, Section.TEAM, "north")
    assert not may_see(actor(Role.RESPONDER, person="sam"), ROLL, Section.PERSON, "sue")
    assert not may_see(actor(Role.MANAGER, "b-3"), ROLL, Section.PERSON, "ned")
    assert Right.PEOPLE not in sam.rights
