"""`callpoint book`: spreadsheets out of, and into, a collector that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.live import Live
from tests.web.scene import TOKEN, Scene

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "collector").mkdir()
    collector = Live(tmp_path / "collector")
    collector.start()
    yield collector
    collector.stop()


def book(live: Live, *words: str, given: bytes = b"", token: str = TOKEN) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(ROOT / "callpoint.py"), "book", *words, "--url", live.url]
    surroundings = os.environ | {"CALLPOINT_API_TOKEN": token}
    return subprocess.run(command, input=given, capture_output=True, timeout=60, check=False, env=surroundings)


def names(live: Live) -> dict[str, str]:
    async def look(stage: Scene) -> dict[str, str]:
        return {person.id: person.name for person in stage.desk.engine.book.file.people}

    return live.do(look)


def test_what_was_exported_is_changed_in_a_spreadsheet_previewed_and_imported(live: Live, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    assert book(live, "export", "people", str(file)).returncode == 0
    assert file.read_bytes() == book(live, "export", "people", "-").stdout
    table = file.read_bytes().decode("utf-8-sig").replace("桑梅", "桑小梅")
    file.write_bytes(table.encode("gbk"))  # as a spreadsheet here saves it

    seen = book(live, "import", "people", str(file), "--preview")
    assert seen.returncode == 0 and b"changed: 1" in seen.stdout and b"nothing imported yet" in seen.stdout
    assert "桑小梅" not in names(live).values()
    done = book(live, "import", "people", "-", given=file.read_bytes())
    assert done.returncode == 0 and b"imported" in done.stdout
    assert "桑小梅" in names(live).values()


def test_a_file_with_mistakes_changes_nothing_and_each_is_told_by_its_line(live: Live, tmp_path: Path) -> None:
    before, file = names(live), tmp_path / "people.csv"
    file.write_text("id,name,channel_1,address_1\nnew,New,phone,1\nodd,,phone,1\nold,Old,smoke-signal,1\n")
    done = book(live, "import", "people", str(file))
    assert done.returncode == 1
    told = done.stderr.decode()
    assert f"{file}:3: name: found nothing" in told and f"{file}:4: channel_1: found 'smoke-signal'" in told
    assert names(live) == before


def test_the_emergency_contacts_are_a_list_to_be_put_in_another_order(live: Live) -> None:
    async def contacts(stage: Scene) -> tuple[str, ...]:
        return stage.desk.engine.book.file.contacts

    assert live.do(contacts) != ("ned", "nora")
    assert book(live, "import", "contacts", "-", given=b"person\nned\nnora\n").returncode == 0
    assert live.do(contacts) == ("ned", "nora")
    assert book(live, "export", "contacts", "-").stdout.decode("utf-8-sig").split() == ["person", "ned", "nora"]


@pytest.mark.parametrize(
    ("words", "token", "code", "told"),
    [
        (("export", "people", "-"), "wrong", 1, "http://127.0.0.1"),
        (("import", "people", "/nowhere/people.csv"), TOKEN, 2, "/nowhere/people.csv: No such file"),
        (("export", "people", "/nowhere/people.csv"), TOKEN, 2, "/nowhere/people.csv: No such file"),
        (("export", "people", "-", "--preview"), TOKEN, 2, "--preview is not for it"),
        (("export", "lifts", "-"), TOKEN, 2, "invalid choice"),
        (("import", "people", "-"), TOKEN, 1, "callpoint book"),
    ],
)
def test_what_cannot_be_done_is_told_in_words(
    live: Live, words: tuple[str, ...], token: str, code: int, told: str
) -> None:
    done = book(live, *words, token=token)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in done.stderr.decode() and "Traceback" not in done.stderr.decode()


def test_no_collector_is_told_with_where_it_was_looked_for(live: Live) -> None:
    live.stop()
    done = book(live, "export", "people", "-")
    assert done.returncode == 2 and live.url in done.stderr.decode()
