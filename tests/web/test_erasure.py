"""Who is erased is nowhere in the store's files any more, and what has happened keeps its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callpoint import main
from collector.alarms.incident import Answer
from collector.calls.roster import Away
from collector.commands import Answered, Noted, Reset, SayAway
from collector.storage.photos import Photos
from collector.storage.records import Attempt
from tests.web.live import Live
from tests.web.scene import BEARER, START_MS, TOKEN, Scene
from tests.web.test_book_pages import page, played, sends

NAME, PHONE, PERSON = "欧阳娜塔莎", "13877712345", "p-1"
ERASE = {"action": "erase", "asked-by": "themselves", "sure": "on"}


async def joins(stage: Scene) -> None:
    fields = {"name": NAME, "channel-0": "phone", "to-0": PHONE, "home": "b-1", "skill-first-aid": "on"}
    answer = await sends(stage, "/new-person", fields)
    assert answer.status_code == 303, answer.text
    seen = json.loads((await stage.client.get("/api/v1/book/teams/north", headers=BEARER)).text)
    team = seen["value"] | {"members": [*seen["value"]["members"], PERSON]}
    changed = await stage.client.put(
        "/api/v1/book/teams/north", json=team, headers=BEARER | {"If-Match": f'"{seen["etag"]}"'}
    )
    assert changed.status_code == 200, changed.text


async def lives(stage: Scene) -> str:
    """They are called, go, write, photograph, sign in, are away; then all is over."""
    await joins(stage)
    await stage.sign_in(person=PERSON)
    stage.client.cookies.clear()
    incident = await stage.fire()
    for person, answer in ((PERSON, Answer.GOING), ("nora", Answer.ARRIVED)):
        await stage.desk.act(Answered(incident.id, person, answer))
    await stage.desk.act(Noted(incident.id, PERSON, f"I am {NAME}, call me: {PHONE}"))
    notices = await stage.desk.store.notices(incident.id)
    theirs = [each for each in notices if each.person == PERSON]
    assert theirs
    tries = [Attempt(each.id, 1, "phone", START_MS, error=f"busy: {PHONE}") for each in theirs]
    await stage.desk.store.record_attempts(tries)
    await Photos(stage.desk.store).keep(incident.id, "photo-1", PERSON, START_MS, b"jpeg")
    await stage.desk.act(SayAway(PERSON, PERSON, START_MS, START_MS + 3_600_000, substitute="nora"))
    return incident.id


async def ends(stage: Scene, incident: str) -> None:
    stage.gateway_is_back()
    stage.hear(value=False)
    await stage.desk.act(Reset(incident, "nora"))
    await stage.desk.settle()


def whole_file(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("state.db*")))


def test_nothing_of_who_was_erased_is_in_any_byte_of_the_stores_files(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[bytes, bytes]:
        incident = await lives(stage)
        await ends(stage, incident)
        before = whole_file(tmp_path)
        answer = await sends(stage, f"/people/{PERSON}", ERASE)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == "/people?done=erased"
        assert "erased" in await page(stage, "/people?done=erased")
        return before, whole_file(tmp_path)

    before, after = played(tmp_path, play)
    ids = f'"{PERSON}"'.encode()
    for told in (NAME.encode(), PHONE.encode(), ids, NAME.encode("unicode_escape")):
        assert told not in after
    assert NAME.encode() in before and PHONE.encode() in before and ids in before


def test_an_incident_keeps_its_numbers_under_a_name_that_leads_to_nobody(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[list[Any], list[Any], Any]:
        incident = await lives(stage)
        await ends(stage, incident)
        store = stage.desk.store
        before = [await store.notices(incident), await store.incident(incident)]
        await sends(stage, f"/people/{PERSON}", ERASE)
        assert (await stage.client.get(f"/incident/{incident}/report", headers=BEARER)).status_code == 200
        return before, [await store.notices(incident), await store.incident(incident)], stage.desk.kept(Away)

    before, after, away = played(tmp_path, play)
    assert len(before[0]) == len(after[0])
    assert [each.reason for each in before[0]] == [each.reason for each in after[0]]
    renamed = {each.person for each in after[1].responses} - {each.person for each in before[1].responses}
    assert len(renamed) == 1 and renamed.pop().startswith("erased-")
    assert [each.answer for each in after[1].responses] == [each.answer for each in before[1].responses]
    assert not away


def test_the_request_is_in_the_audit_log_without_the_name(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[Any]:
        await ends(stage, await lives(stage))
        await sends(stage, f"/people/{PERSON}", ERASE)

        def rows(connection: Any) -> list[Any]:
            sql = "SELECT target, facts FROM audit WHERE what = 'person-erased'"
            return list(connection.execute(sql).fetchall())

        return list(await stage.desk.store.read(rows))

    ((target, facts),) = played(tmp_path, play)
    assert target.startswith("person:erased-")
    said = json.loads(facts)
    assert said["asked-by"] == "themselves" and said["notices"] >= 1 and said["sessions"] == 1


def test_who_is_called_right_now_cannot_be_erased(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[Any, str]:
        await lives(stage)
        answer = await sends(stage, f"/people/{PERSON}", ERASE)
        return answer, await page(stage, f"/people/{PERSON}")

    answer, text = played(tmp_path, play)
    assert answer.status_code in (409, 422) or answer.status_code == 200
    assert "has not ended" in answer.text
    assert NAME in text, "they are still on the list"


def test_whom_the_site_folder_names_is_not_erased_behind_its_back(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[Any, bool]:
        answer = await sends(stage, "/people/sam", ERASE)
        return answer, "sam" in stage.desk.engine.roll.people

    answer, listed = played(tmp_path, play)
    assert "site folder still names" in answer.text and listed


@pytest.mark.parametrize("fields", [{"sure": "on"}, {"asked-by": "themselves"}, {"asked-by": "me", "sure": "on"}])
def test_an_erasure_wants_to_know_who_asked_and_whether_it_is_meant(tmp_path: Path, fields: dict[str, str]) -> None:
    async def play(stage: Scene) -> tuple[Any, bool]:
        await joins(stage)
        answer = await sends(stage, f"/people/{PERSON}", {"action": "erase"} | fields)
        return answer, PERSON in stage.desk.engine.roll.people

    answer, listed = played(tmp_path, play)
    assert listed and 'class="wrong"' in answer.text


def test_a_restart_in_the_middle_is_mended_by_asking_again(tmp_path: Path) -> None:
    async def begin(stage: Scene) -> None:
        await ends(stage, await lives(stage))
        book = stage.desk.engine.book
        from collector.alerter.pages.bookforms import without
        from collector.commands import ChangeBook

        await stage.desk.act(ChangeBook(tuple(without(book, PERSON)), "mona"))

    async def again(stage: Scene) -> int:
        answer = await stage.client.post(
            f"/api/v1/people/{PERSON}/erase", json={"asked_by": "authority"}, headers=BEARER
        )
        assert answer.status_code == 200, answer.text
        return int(answer.json()["rows"])

    played(tmp_path, begin)
    assert played(tmp_path, again) > 0
    assert NAME.encode() not in whole_file(tmp_path) and f'"{PERSON}"'.encode() not in whole_file(tmp_path)


def test_the_command_has_the_running_collector_erase_somebody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def begin(stage: Scene) -> None:
        await ends(stage, await lives(stage))

    played(tmp_path, begin)
    monkeypatch.setenv("CALLPOINT_API_TOKEN", TOKEN)
    server = Live(tmp_path)
    server.start()
    try:
        command = ["person", "erase", PERSON, "--url", server.url]
        assert main([*command, "--asked-by", "themselves"]) == 0
        assert "erased" in capsys.readouterr().out
        assert main(["person", "erase", "sam", "--url", server.url, "--asked-by", "authority"]) == 1
        assert "site folder" in capsys.readouterr().err
        assert main(command) == 2, "nobody has said who asked"
        monkeypatch.setenv("CALLPOINT_API_TOKEN", "another")
        assert main([*command, "--asked-by", "themselves"]) == 1
    finally:
        server.stop()
    assert NAME.encode() not in whole_file(tmp_path)
    assert main([*command, "--asked-by", "themselves"]) == 2, "no collector runs"


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1", "ftp://127.0.0.1"])
def test_a_wrong_address_of_the_collector_is_said_in_words(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLPOINT_API_TOKEN", TOKEN)
    assert main(["person", "erase", "sam", "--url", url, "--asked-by", "authority"]) == 2
    assert url in capsys.readouterr().err
