"""A backup is of one moment, is complete or refused, and never takes the place of what is there."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from callpoint import main
from collector.storage.backup import BackupError, back_up, keep_newest, read_manifest, restore, run_backup
from collector.storage.database import connect
from collector.storage.historyfile import HISTORY
from collector.storage.store import STORE

ROOT = Path(__file__).resolve().parents[2]


def silent(_what: str, _done: float) -> None:
    """Nobody looks at the progress."""


@pytest.fixture
def community(tmp_path: Path) -> Path:
    """A folder with a store, a history and a site."""
    folder = tmp_path / "there"
    store = connect(folder / "collector.db", STORE)
    store.execute("INSERT INTO settings VALUES ('token', 'secret')")
    store.execute("INSERT INTO incidents VALUES ('i-1', NULL, '{}'), ('i-2', 5, '{}')")
    store.close()
    connect(folder / "history.db", HISTORY).close()
    (folder / "site").mkdir()
    (folder / "site" / "people.yaml").write_text("people: []\n", encoding="utf-8")
    return folder


def taken(folder: Path, archive: Path) -> Path:
    back_up(folder / "collector.db", folder / "history.db", folder / "site", archive, silent)
    return archive


def settings(state: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(state)
    try:
        return connection.execute("SELECT name, value FROM settings").fetchall()
    finally:
        connection.close()


def rewritten(archive: Path, change: Callable[[str, bytes], bytes | None], *more: tuple[str, bytes]) -> Path:
    """The archive with its files changed; None leaves one out."""
    target = archive.with_name("changed.tar.gz")
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        held = [(member.name, file.read()) for member in old if (file := old.extractfile(member))]
        for name, content in [*held, *more]:
            changed = change(name, content)
            if changed is not None:
                info = tarfile.TarInfo(name)
                info.size = len(changed)
                new.addfile(info, io.BytesIO(changed))
    return target


def test_what_was_backed_up_comes_back(community: Path, tmp_path: Path) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    new = tmp_path / "new"
    aside = restore(archive, new / "collector.db", new / "history.db", new / "site", False, silent)
    assert aside is None
    assert settings(new / "collector.db") == [("token", "secret")]
    assert (new / "site" / "people.yaml").read_text(encoding="utf-8") == "people: []\n"
    connect(new / "history.db", HISTORY).close()
    connect(new / "collector.db", STORE).close()


def test_a_backup_says_what_it_is_of_and_is_for_its_owner_alone(community: Path, tmp_path: Path) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    manifest = read_manifest(archive)
    assert manifest.open_incidents == 1
    assert set(manifest.files) == {"state.db", "history.db", "site/people.yaml"}
    assert archive.stat().st_mode & 0o077 == 0


def test_a_backup_is_of_one_moment_while_the_store_is_written_to(community: Path, tmp_path: Path) -> None:
    """Each transaction writes two rows that belong together: a copy never has one of them alone."""
    state, stop, written = community / "collector.db", threading.Event(), threading.Event()

    def write() -> None:
        connection = connect(state, STORE)
        number = 0
        while not stop.is_set():
            number += 1
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO settings VALUES (?, ?)", (f"a{number}", "x" * 3000))
            connection.execute("INSERT INTO settings VALUES (?, ?)", (f"b{number}", "x" * 3000))
            connection.execute("COMMIT")
            if number == 50:
                written.set()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        for number in range(5):
            taken(community, tmp_path / f"copy-{number}.tar.gz")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        new = tmp_path / f"new-{number}"
        restore(tmp_path / f"copy-{number}.tar.gz", new / "collector.db", None, None, False, silent)
        names = [name for name, _ in settings(new / "collector.db")]
        firsts = {name[1:] for name in names if name.startswith("a")}
        assert firsts == {name[1:] for name in names if name.startswith("b")}
        assert len(firsts) >= 50


def test_a_backup_is_never_written_over_another(community: Path, tmp_path: Path) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    before = archive.read_bytes()
    with pytest.raises(BackupError, match="never written over"):
        taken(community, archive)
    assert archive.read_bytes() == before


def test_a_backup_that_fails_leaves_nothing_behind(community: Path, tmp_path: Path) -> None:
    (community / "collector.db").write_bytes(b"no database")
    target = tmp_path / "backups"
    with pytest.raises(BackupError, match="not backed up"):
        taken(community, target / "copy.tar.gz")
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 10, 300, -300])
def test_a_file_cut_short_is_refused_and_nothing_changes(community: Path, tmp_path: Path, cut: int) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(BackupError):
        restore(archive, tmp_path / "new" / "collector.db", None, None, False, silent)
    assert not (tmp_path / "new" / "collector.db").exists()


def test_a_damaged_file_is_named_and_refused(community: Path, tmp_path: Path) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    changed = rewritten(archive, lambda name, content: content[:-1] + b"?" if name == "state.db" else content)
    with pytest.raises(BackupError, match=r"state\.db is damaged"):
        restore(changed, tmp_path / "new" / "collector.db", None, None, False, silent)
    assert not (tmp_path / "new" / "collector.db").exists()


def test_a_missing_file_is_named(community: Path, tmp_path: Path) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    changed = rewritten(archive, lambda name, content: None if name == "state.db" else content)
    with pytest.raises(BackupError, match=r"state\.db is not in it"):
        restore(changed, tmp_path / "new" / "collector.db", None, None, False, silent)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "site/../../evil", "more.txt"])
def test_nothing_is_written_that_the_list_does_not_name_or_outside_its_folder(
    community: Path, tmp_path: Path, name: str
) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")

    def listed(held: str, content: bytes) -> bytes:
        if held != "manifest.json" or name == "more.txt":
            return content
        said = json.loads(content)
        said["files"][name] = [4, hashlib.sha256(b"evil").hexdigest()]
        return json.dumps(said).encode()

    changed = rewritten(archive, listed, (name, b"evil"))
    with pytest.raises(BackupError, match="was changed"):
        restore(changed, tmp_path / "new" / "collector.db", None, tmp_path / "new" / "site", False, silent)
    assert not (tmp_path / "evil").exists() and not Path("/tmp/evil").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"files": 3}', b'{"files": {"a": 1}}', b"\xff"])
def test_what_is_no_backup_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "odd.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    with pytest.raises(BackupError, match="is not a backup"):
        read_manifest(archive)


def test_a_newer_backup_asks_for_an_update(community: Path, tmp_path: Path) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    newer = rewritten(
        archive,
        lambda name, content: (
            json.dumps({**json.loads(content), "schema": 999}).encode() if name == "manifest.json" else content
        ),
    )
    with pytest.raises(BackupError, match="update this one first"):
        read_manifest(newer)


def test_what_is_there_is_moved_aside_only_when_asked(community: Path, tmp_path: Path) -> None:
    archive, state = taken(community, tmp_path / "copy.tar.gz"), community / "collector.db"
    connection = connect(state, STORE)
    connection.execute("INSERT INTO settings VALUES ('later', 'yes')")
    connection.close()
    with pytest.raises(BackupError, match="--force"):
        restore(archive, state, community / "history.db", None, False, silent)
    assert ("later", "yes") in settings(state)
    aside = restore(archive, state, community / "history.db", None, True, silent)
    assert settings(state) == [("token", "secret")]
    assert aside is not None and ("later", "yes") in settings(aside / "collector.db")


def test_a_running_collector_is_not_restored_under(community: Path, tmp_path: Path) -> None:
    archive = taken(community, tmp_path / "copy.tar.gz")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR); fcntl.flock(f, fcntl.LOCK_EX);"
            " print('held', flush=True); sys.stdin.read()",
            str(community / "collector.db.lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(BackupError, match="stop it first"):
            restore(archive, community / "collector.db", None, None, True, silent)
    finally:
        holder.communicate()


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        (tmp_path / f"callpoint-2026010{day}T000000Z.tar.gz").touch()
    (tmp_path / "holiday.tar.gz").touch()
    removed = keep_newest(tmp_path, "callpoint", 2)
    assert len(removed) == 3
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["callpoint-20260104T000000Z.tar.gz", "callpoint-20260105T000000Z.tar.gz", "holiday.tar.gz"]


def test_the_commands_take_each_others_file(community: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "xdg")}

    def callpoint(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "callpoint.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    (tmp_path / "backups").mkdir()
    made = callpoint("backup", str(tmp_path / "backups"), "--state", f"sqlite:{community / 'collector.db'}")
    assert made.returncode == 0, made.stderr
    assert "1 open incidents" in made.stdout and "secrets" in made.stdout and made.stderr == ""
    (archive,) = (tmp_path / "backups").iterdir()
    put_back = callpoint("restore", str(archive))
    assert put_back.returncode == 0, put_back.stderr
    assert settings(tmp_path / "xdg" / "callpoint" / "collector.db") == [("token", "secret")]
    assert callpoint("restore", str(archive)).returncode == 1
    assert callpoint("restore", str(tmp_path / "absent")).returncode == 1
    assert callpoint("backup", str(tmp_path / "x"), "--state", "postgres://x").returncode == 2


def test_keeping_some_needs_a_folder(community: Path, tmp_path: Path) -> None:
    assert run_backup(str(tmp_path / "one.tar.gz"), f"sqlite:{community / 'collector.db'}", None, None, 3) == 2
    assert not (tmp_path / "one.tar.gz").exists()


def test_a_folder_that_is_not_there_is_made_for_its_owner_alone(community: Path, tmp_path: Path) -> None:
    into = tmp_path / "backups" / "daily"

    assert main(["backup", f"{into}/", "--state", f"sqlite:{community / 'collector.db'}"]) == 0

    (made,) = into.iterdir()
    assert made.name.startswith("callpoint-") and made.name.endswith(".tar.gz")
    assert into.stat().st_mode & 0o077 == 0
