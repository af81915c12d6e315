"""Promises of `callpoint person export`: all that is held on somebody, nothing of others, no secret."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from callpoint import main
from collector.alarms.incident import Answer
from collector.commands import Answered
from collector.person import HELD_IN
from collector.storage.erasure import tables
from collector.storage.photos import Photos
from collector.storage.records import Attempt
from tests.web.scene import START_MS, Scene
from tests.web.test_pages import played

PASSWORD = "a-password-that-nobody-may-read"


async def happened(stage: Scene) -> None:
    incident = await stage.fire()
    notices = await stage.desk.store.notices(incident.id)
    for person, answer in (("ned", Answer.GOING), ("sam", Answer.CANNOT)):
        await stage.desk.act(Answered(incident.id, person, answer))
    tries = [Attempt(each.id, 1, "sms", START_MS, error=f"not taken for {each.person}") for each in notices]
    await stage.desk.store.record_attempts(tries)
    await Photos(stage.desk.store).keep(incident.id, "p-1", "ned", START_MS, b"jpeg")
    await stage.sign_in(person="ned")
    await stage.desk.settle()


def exported(folder: Path, person: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["person", "export", person, "--state", f"sqlite:{folder}/state.db"])
    return code, capsys.readouterr().out


def test_all_of_a_person_is_in_it_and_nothing_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people: list[str] = []

    async def play(stage: Scene) -> None:
        await happened(stage)
        people.extend(stage.desk.site.people)

    played(tmp_path, play)
    code, text = exported(tmp_path, "ned", capsys)
    found: dict[str, Any] = json.loads(text)

    assert code == 0
    (incident,) = found["incidents"]
    assert [(each["person"], each["answer"]) for each in incident["responses"]] == [("ned", "going")]
    assert found["notices"] and {each["body"]["person"] for each in found["notices"]} == {"ned"}
    assert {each["error"] for each in found["attempts"]} == {"not taken for ned"}
    assert "answered" in {each["body"]["event"] for each in found["timeline"]}
    assert [each["id"] for each in found["photos"]] == ["p-1"]
    assert [each["body"]["person"] for each in found["accounts"]] == ["ned"] and len(found["sessions"]) == 1
    assert not [each for each in people if each != "ned" and f'"{each}"' in text]


def test_no_secret_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets: list[str] = []

    async def play(stage: Scene) -> None:
        await happened(stage)

        def read(connection: Any) -> None:
            secrets.extend(row[0] for row in connection.execute("SELECT secret FROM sessions"))

        await stage.desk.store.read(read)
        body = "json_set(body, '$.password', ?)"
        await stage.desk.store.write(lambda c: c.execute(f"UPDATE accounts SET body = {body}", (PASSWORD,)) and None)

    played(tmp_path, play)
    code, text = exported(tmp_path, "ned", capsys)
    assert code == 0 and len(secrets) == 1
    assert secrets[0] not in text and PASSWORD not in text


def test_somebody_of_whom_nothing_is_held_is_said_to_be_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played(tmp_path, happened)
    assert exported(tmp_path, "nobody", capsys) == (1, "")
    assert main(["person", "export", "sam", "--state", f"sqlite:{tmp_path}/none.db"]) == 2


def test_an_export_has_whatever_an_erasure_looks_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played(tmp_path, happened)
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        named = {table for table, _, _ in tables(connection)}
    assert named == HELD_IN.keys(), "a table that came later: say what an export calls it"
    found = json.loads(exported(tmp_path, "ned", capsys)[1])
    assert {name for name in HELD_IN.values() if name} == found.keys() - {"person", "note", "site"}
