"""The pages of people, teams, posts and spreadsheets, as somebody without a script uses them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from collector.calls.dispatch import Reason
from tests.web.scene import BEARER, SPIKED, Scene, scene

PAGE = BEARER | {"Accept": "text/html"}
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def played(folder: Path, play: Callable[[Scene], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with scene(folder) as stage:
            return await play(stage)

    return asyncio.run(run())


async def page(stage: Scene, path: str, language: str = "en") -> str:
    path += f"{'&' if '?' in path else '?'}lang={language}"
    answer = await stage.client.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return answer.text


async def sends(stage: Scene, path: str, fields: dict[str, str], seen_at: str | None = None) -> Any:
    """Send a form as its page made it; `seen_at`: what it brought is of that page's present state."""
    hidden = dict(FIELD.findall(await page(stage, seen_at or path)))
    return await stage.client.post(path, data=hidden | fields, headers=PAGE | {"Accept-Language": "en"})


def wrong_in(text: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'<p class="wrong"[^>]*>([^<]*)</p>', text)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "path",
    [
        "/people",
        "/people/nora",
        "/new-person",
        "/teams/north",
        "/new-team",
        "/grid",
        "/grid/cells/yard",
        "/grid/buildings/b-1",
        "/grid/contacts/community",
        "/book/people",
        "/book/teams",
        "/book/cells",
        "/book/buildings",
    ],
)
def test_every_page_opens_is_small_and_escapes_names(tmp_path: Path, path: str, language: str) -> None:
    async def play(stage: Scene) -> str:
        return await page(stage, path, language)

    text = played(tmp_path, play)
    assert SPIKED not in text
    assert len(text.encode()) < 30_000
    assert "<script" not in text.replace("</script", "")  # nothing here needs one
    labels = set(re.findall(r'<label for="([^"]+)"', text))
    assert labels <= set(re.findall(r'id="([^"]+)"', text))


def test_somebody_is_added_found_and_called(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        fields = {"name": "李梅", "channel-0": "phone", "to-0": "13800000000", "home": "b-1", "skill-first-aid": "on"}
        answer = await sends(stage, "/new-person", fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/people/p-1?done=saved")
        shown = await page(stage, "/people/p-1?done=saved")
        assert "李梅" in shown and "13800000000" in shown and "Saved." in shown
        found = await stage.client.get("/people", params={"q": "李 plum"}, headers=PAGE)
        assert "/people/p-1" in found.text and "/people/sue" not in found.text
        members = {"name": "North", "leader": "nora", "members": "Ned (ned)\n李梅\n"}
        assert (await sends(stage, "/teams/north", members)).status_code == 303
        incident = await stage.fire()
        told = {each.person: each.reason for each in await stage.desk.store.notices(incident.id)}
        assert told["p-1"] is Reason.OWN_TEAM and "nick" not in told

    played(tmp_path, play)


def test_a_mistake_is_named_beside_its_field_and_what_was_typed_stays(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        fields = {"name": "Ned", "channel-0": "phone", "to-0": "138", "home": "b-99"}
        return await sends(stage, "/people/ned", fields)

    answer = played(tmp_path, play)
    assert answer.status_code == 422
    assert 'aria-describedby="wrong-home hint-home"' in answer.text and 'id="wrong-home"' in answer.text
    assert 'value="b-99"' in answer.text and 'value="138"' in answer.text
    assert any("no such building" in each for each in wrong_in(answer.text))


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/people/ned", {"name": "", "channel-0": "phone"}, "one line"),
        ("/people/ned", {"name": "x" * 200, "channel-0": "phone"}, "at most 80"),
        ("/people/ned", {"name": "a\u202eb", "channel-0": "phone"}, "one line"),
        ("/people/ned", {"name": "Ned", "channel-0": "phone", "to-0": "1\r\nBcc: x"}, "one line"),
        ("/people/ned", {"name": "Ned"}, "At least one way"),
        ("/people/ned", {"name": "Ned", "to-0": "138"}, "Choose the channel"),
        ("/people/ned", {"name": "Ned", "channel-0": "pigeon"}, "no such channel"),
        ("/teams/north", {"name": "N", "leader": "nobody", "members": ""}, "Nobody of this site"),
        ("/teams/north", {"name": "N", "leader": "nora", "shift-0": "day", "from-0": "7", "until-0": "8"}, "07:00"),
        (
            "/teams/north",
            {
                "name": "N",
                "leader": "nora",
                "shift-0": "day",
                "from-0": "07:00",
                "until-0": "08:00",
                "groups-0": "mona",
            },
            "must lead the team",
        ),
        (
            "/teams/north",
            {
                "name": "N",
                "leader": "nora",
                "members": "ned",
                "shift-0": "day",
                "from-0": "07:00",
                "until-0": "08:00",
                "groups-0": "nora\nned",
            },
            "first day is needed",
        ),
        ("/grid/cells/yard", {"person": "nobody"}, "Nobody of this site"),
        ("/grid/cells/yard", {"person": ""}, "Nobody of this site"),
        ("/grid/buildings/b-1", {"team": "nobody"}, "no such team"),
        ("/grid/buildings/b-1", {"neighbours": "b-99"}, "no such building"),
        ("/grid/contacts/community", {"people": " "}, "Nobody of this site"),
    ],
)
def test_every_mistake_is_told_in_words(tmp_path: Path, path: str, fields: dict[str, str], words: str) -> None:
    async def play(stage: Scene) -> Any:
        before = stage.desk.site.roll
        answer = await sends(stage, path, fields)
        assert stage.desk.site.roll == before
        return answer

    answer = played(tmp_path, play)
    assert answer.status_code == 422
    assert any(words in each for each in wrong_in(answer.text)), wrong_in(answer.text)


def test_a_shift_is_made_kept_and_taken_away_by_the_form(tmp_path: Path) -> None:
    shift = {
        "name": "North",
        "leader": "nora",
        "members": "ned\nnick",
        "shift-0": "night",
        "from-0": "19:00",
        "until-0": "07:00",
        "day-0-workday": "on",
        "groups-0": "nora, ned\nned, nick",
        "turn-0": "7",
        "first-0": "2026-01-05",
    }

    async def play(stage: Scene) -> None:
        assert (await sends(stage, "/teams/north", shift)).status_code == 303
        (made,) = stage.desk.site.teams["north"].shifts
        assert (made.id, made.turn_days, made.groups) == ("night", 7, (("nora", "ned"), ("ned", "nick")))
        shown = await page(stage, "/teams/north")
        assert "At some hours nobody is on duty." in shown
        typed = dict(re.findall(r'<input id="([\w-]+)"[^>]*? value="([^"]*)"', shown))
        areas = dict(re.findall(r'<textarea id="([\w-]+)"[^>]*>([^<]*)</textarea>', shown))
        again = {key: unescape(value) for key, value in (typed | areas).items()} | {"day-0-workday": "on"}
        assert (await sends(stage, "/teams/north", again)).status_code == 303
        assert stage.desk.site.teams["north"].shifts == (made,), "a form that is sent back as it came changes nothing"
        assert (await sends(stage, "/teams/north", shift | {"shift-0": ""})).status_code == 303
        assert stage.desk.site.teams["north"].shifts == ()

    played(tmp_path, play)


def test_somebody_leaves_with_their_teams_but_not_with_their_posts(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        left = await sends(stage, "/people/ned", {"action": "remove"})
        assert (left.status_code, left.headers["location"]) == (303, "/people?done=removed")
        assert "ned" not in stage.desk.site.people
        assert stage.desk.site.teams["north"].members == ("nick",)
        leads = await sends(stage, "/people/nora", {"action": "remove"})
        assert leads.status_code == 422
        assert "north" in leads.text and "nora" in stage.desk.site.people

    played(tmp_path, play)


def test_back_to_the_folder_and_a_test(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await sends(stage, "/people/ned", {"name": "Edward", "channel-0": "phone"})
        assert stage.desk.site.people["ned"].name == "Edward"
        back = await sends(stage, "/people/ned", {"action": "folder"})
        assert back.headers["location"].endswith("done=back")
        assert stage.desk.site.people["ned"].name == "Ned"
        tested = await sends(stage, "/people/ned", {"action": "test"})
        assert tested.headers["location"].endswith("done=tested")
        twice = await sends(stage, "/people/ned", {"action": "test"})
        assert twice.status_code == 422 and 'role="alert"' in twice.text

    played(tmp_path, play)


def test_of_two_forms_the_second_is_told(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        hidden = dict(FIELD.findall(await page(stage, "/people/ned")))
        await sends(stage, "/people/ned", {"name": "First", "channel-0": "phone"})
        data = hidden | {"name": "Second", "channel-0": "phone"}
        answer = await stage.client.post("/people/ned", data=data, headers=PAGE)
        assert stage.desk.site.people["ned"].name == "First"
        return answer

    answer = played(tmp_path, play)
    assert answer.status_code == 422
    assert 'value="Second"' in answer.text


def test_posts_change_by_their_forms(tmp_path: Path) -> None:
    building = {
        "team": "south",
        "manager": "Greg",
        "neighbours": "b-2\nb-3",
        "gate_code": "99#",
        "access": "South\r\ndoor",
    }

    async def play(stage: Scene) -> None:
        assert (await sends(stage, "/grid/buildings/b-1", building)).status_code == 303
        place = stage.desk.site.buildings["b-1"]
        assert (place.team, place.manager, place.neighbours) == ("south", "greg", ("b-2", "b-3"))
        assert place.access == "South\ndoor"
        assert (await sends(stage, "/grid/cells/yard", {"person": "gina"})).status_code == 303
        assert (await sends(stage, "/grid/contacts/community", {"people": "gina\ncarl"})).status_code == 303
        assert stage.desk.site.contacts == ("gina", "carl")
        assert "Gina" in await page(stage, "/grid")

    played(tmp_path, play)


# --- spreadsheets ---------------------------------------------------------------------------------


async def uploads(stage: Scene, table: str, content: bytes, **fields: str) -> Any:
    hidden = dict(FIELD.findall(await page(stage, f"/book/{table}")))
    files = {"file": ("people.csv", content, "text/csv")}
    return await stage.client.post(f"/book/{table}", data=hidden | fields, files=files, headers=PAGE)


def test_a_spreadsheet_is_previewed_and_imported_once(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        template = await stage.client.get("/book/people/file", params={"template": "true", "lang": "zh"}, headers=PAGE)
        header = template.content.decode("utf-8-sig").splitlines()[0]
        assert header.startswith("编号,姓名,语言,楼栋,技能,渠道1,地址1")
        content = f"{header}\r\n,李梅,,b-2,急救,phone,139\r\n".encode("gb18030")
        seen = await uploads(stage, "people", content)
        assert seen.status_code == 200 and "p-1" in seen.text
        assert "p-1" not in stage.desk.site.people
        (name,) = re.findall(r'name="preview" value="([^"]+)"', seen.text)
        done = await stage.client.post("/book/people/apply", data={"preview": name}, headers=PAGE)
        assert (done.status_code, done.headers["location"]) == (303, "/book/people?done=imported")
        assert stage.desk.site.people["p-1"].home == "b-2"
        again = await stage.client.post("/book/people/apply", data={"preview": name}, headers=PAGE)
        assert again.status_code == 409

    played(tmp_path, play)


def test_a_spreadsheet_with_mistakes_names_them_by_line_and_offers_no_import(tmp_path: Path) -> None:
    content = "姓名,渠道1,地址1\n李梅,phone,139\n王芳,phone,1.38E+10\n<script>,pigeon,1\n".encode()

    async def play(stage: Scene) -> Any:
        return await uploads(stage, "people", content)

    answer = played(tmp_path, play)
    assert answer.status_code == 422
    assert "<td>3</td><td>address_1</td>" in answer.text and "<td>4</td><td>channel_1</td>" in answer.text
    assert 'name="preview"' not in answer.text


def test_a_preview_of_a_book_that_has_changed_since_is_not_imported(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        seen = await uploads(stage, "cells", b"cell,person\nyard,greg\n")
        (name,) = re.findall(r'name="preview" value="([^"]+)"', seen.text)
        await sends(stage, "/grid/cells/block", {"person": "gina"})
        answer = await stage.client.post("/book/cells/apply", data={"preview": name}, headers=PAGE)
        assert stage.desk.site.grid["yard"].person == "grace"
        return answer

    assert played(tmp_path, play).status_code == 409


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04\x00\x00", b"a,b\n\xff\xff\n"])
def test_a_file_that_is_no_table_is_told_in_words(tmp_path: Path, content: bytes) -> None:
    async def play(stage: Scene) -> Any:
        return await uploads(stage, "people", content)

    answer = played(tmp_path, play)
    assert answer.status_code == 422
    assert "CSV" in answer.text and 'role="alert"' in answer.text


def test_who_removes_what_is_missing_sees_it_first(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await sends(stage, "/new-person", {"name": "Li", "channel-0": "phone"})
        exported = (await stage.client.get("/book/people/file", headers=PAGE)).content
        without = b"\r\n".join(line for line in exported.split(b"\r\n") if not line.startswith(b"p-1"))
        seen = await uploads(stage, "people", without, remove_missing="on")
        assert seen.status_code == 200 and "p-1" in seen.text
        (name,) = re.findall(r'name="preview" value="([^"]+)"', seen.text)
        assert "p-1" in stage.desk.site.people
        await stage.client.post("/book/people/apply", data={"preview": name}, headers=PAGE)
        assert "p-1" not in stage.desk.site.people

    played(tmp_path, play)
