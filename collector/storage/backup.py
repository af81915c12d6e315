"""A copy of everything the collector keeps, taken while it runs, and put back.

One gzipped tar: `manifest.json` (what it is of, and each file's size and SHA-256), the state store, the history if it
is a file, and the site folder. The stores are copied inside one read
transaction each, so that the copy is of one moment however much is written meanwhile. It holds the installation's
secrets and people's addresses: it is made readable for its owner alone.

What was acknowledged to a gateway after the copy was made is in no journal any more. The gateway says so by the floor
of its lanes, and the ledger counts it as lost: it does not hold up what comes after it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from collector.storage.database import NotOurs, connect
from collector.storage.historyfile import HISTORY
from collector.storage.store import STORE
from config.endpoint import EndpointError, default_state, history_beside, sqlite_path

FORMAT = 1
MANIFEST, STATE, HISTORY_FILE, SITE = "manifest.json", "state.db", "history.db", "site"
_PAGES = 2_000  # of a database, between two words about the progress
_BLOCK = 1 << 20
OK, FAILED, USAGE = 0, 1, 2

Progress = Callable[[str, float], None]  # what is being done, and how much of it (0 to 1)


class BackupError(Exception):
    """It cannot be done; nothing was left half done. str() says why, and whose it is to mend."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds. `files`: name -> (bytes, SHA-256). `open_incidents`: of the copied store."""

    format: int
    made_at: str  # ISO 8601 with offset
    schema: int
    open_incidents: int
    files: dict[str, tuple[int, str]]


def back_up(state: Path, history: Path | None, site: Path | None, archive: Path, progress: Progress) -> Manifest:
    """Copy a store (that may be in use) into a new file `archive`. Raises BackupError."""
    if archive.exists():
        raise BackupError(f"{archive} exists: a backup is never written over another")
    partial = archive.with_name(f".{archive.name}.{os.getpid()}")
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".callpoint-", dir=archive.parent) as folder:
            copies = _copies(state, history, site, Path(folder), progress)
            manifest = _manifest(Path(folder) / STATE, copies)
            _pack(partial, manifest, copies, progress)
        os.link(partial, archive)  # never over a file that has come meanwhile
        _sync(archive.parent)
    except FileExistsError as error:
        raise BackupError(f"{archive} exists: a backup is never written over another") from error
    except (NotOurs, sqlite3.Error, OSError, tarfile.TarError) as error:
        raise BackupError(f"not backed up: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def read_manifest(archive: Path) -> Manifest:
    """What an archive says of itself. Raises BackupError."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            member = tar.next()
            file = tar.extractfile(member) if member is not None and member.name == MANIFEST else None
            said: dict[str, Any] = json.loads(b"" if file is None else file.read(_BLOCK))
        files = {str(name): (int(size), str(digest)) for name, (size, digest) in said["files"].items()}
        manifest = Manifest(said["format"], said["made_at"], said["schema"], said["open_incidents"], files)
    except (OSError, EOFError, tarfile.TarError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupError(f"{archive} is not a backup of Callpoint, or is damaged at its beginning") from error
    if manifest.format != FORMAT or manifest.schema > STORE.version:
        raise BackupError(f"{archive} was made by a newer version of Callpoint: update this one first")
    return manifest


def restore(
    archive: Path, state: Path, history: Path | None, site: Path | None, force: bool, progress: Progress
) -> Path | None:
    """Put an archive back where a collector will find it. Returns where what was there before is now, if anything was.

    Everything is unpacked and compared with its checksums first. A store that is there is refused without `force`,
    one in use always. `site` None: the site folder stays in the archive. Raises BackupError.
    """
    manifest = read_manifest(archive)
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        with _alone(state), tempfile.TemporaryDirectory(prefix=".callpoint-", dir=state.parent) as folder:
            unpacked = Path(folder)
            _unpack(archive, manifest, unpacked, progress)
            targets = _targets(unpacked, state, history, site)
            present = [target for _, target in targets if target.exists()]
            if present and not force:
                names = ", ".join(str(each) for each in present)
                raise BackupError(f"{names} is there already: with --force it is moved aside")
            aside = _move_aside(state, [*present, *_side_files(present)])
            for source, target in targets:
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
            for folder_path in {target.parent for _, target in targets}:
                _sync(folder_path)
            return aside
    except (OSError, EOFError, tarfile.TarError) as error:
        raise BackupError(f"not restored: {error}") from error


def keep_newest(folder: Path, stem: str, keep: int) -> list[Path]:
    """Remove all but the newest `keep` archives of a folder, by the time in their names. Returns what was removed."""
    found = sorted(folder.glob(f"{stem}-*.tar.gz"), reverse=True)
    for old in found[keep:]:
        old.unlink()
    return found[keep:]


# --- inside -------------------------------------------------------------------------------------------


def _copies(state: Path, history: Path | None, site: Path | None, folder: Path, progress: Progress) -> dict[str, Path]:
    """Name in the archive -> the file to be packed."""
    copies = {STATE: folder / STATE}
    with connect(state, STORE, read_only=True) as source:
        _copy(source, copies[STATE], lambda done: progress("state", done))
    source.close()
    if history is not None and history.exists():
        copies[HISTORY_FILE] = folder / HISTORY_FILE
        with connect(history, HISTORY, read_only=True) as source:
            _copy(source, copies[HISTORY_FILE], lambda done: progress("history", done))
        source.close()
    if site is not None:
        found = (path for path in sorted(site.rglob("*")) if path.is_file() and not path.is_symlink())
        copies.update((f"{SITE}/{path.relative_to(site).as_posix()}", path) for path in found)
    return copies


def _copy(source: sqlite3.Connection, copy: Path, progress: Callable[[float], None]) -> None:
    """One moment of a database: an open read transaction keeps what others write out of it."""
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    target = sqlite3.connect(copy)
    try:
        source.backup(target, pages=_PAGES, progress=lambda _, left, total: progress(1 - left / max(total, 1)))
        found = target.execute("PRAGMA quick_check").fetchone()[0]
        if found != "ok":
            raise BackupError(f"the copy of {copy.name} is damaged ({found}): the disk, or the store itself")
    finally:
        target.close()
        source.execute("ROLLBACK")


def _manifest(state: Path, copies: dict[str, Path]) -> Manifest:
    connection = sqlite3.connect(state)
    try:
        open_incidents = connection.execute("SELECT count(*) FROM incidents WHERE closed_at_ms IS NULL").fetchone()[0]
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()
    files = {name: (path.stat().st_size, _digest(path)) for name, path in copies.items()}
    made_at = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return Manifest(FORMAT, made_at, schema, open_incidents, files)


def _pack(partial: Path, manifest: Manifest, copies: dict[str, Path], progress: Progress) -> None:
    total, done = sum(size for size, _ in manifest.files.values()) or 1, 0
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
            text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False).encode()
            head = tarfile.TarInfo(MANIFEST)
            head.size, head.mode = len(text), 0o600
            tar.addfile(head, io.BytesIO(text))
            for name, path in copies.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.mtime = manifest.files[name][0], 0o600, int(path.stat().st_mtime)
                with path.open("rb") as content:
                    tar.addfile(info, content)
                done += info.size
                progress("packing", done / total)
        file.flush()
        os.fsync(file.fileno())


def _unpack(archive: Path, manifest: Manifest, folder: Path, progress: Progress) -> None:
    """Every file that the manifest names, checked; nothing that it does not name."""
    total, done, missing = sum(size for size, _ in manifest.files.values()) or 1, 0, set(manifest.files)
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            if member.name == MANIFEST:
                continue
            if not member.isfile() or member.name not in missing or not _is_inside(member.name):
                raise BackupError(f"{archive} holds {member.name!r}, which its list does not name: it was changed")
            content = tar.extractfile(member)
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                while content is not None and (block := content.read(_BLOCK)):
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            if (target.stat().st_size, _digest(target)) != tuple(manifest.files[member.name]):
                raise BackupError(f"{archive}: {member.name} is damaged; nothing was put back")
            missing.remove(member.name)
            done += member.size
            progress("unpacking", done / total)
    if missing:
        raise BackupError(
            f"{archive} is cut short: {', '.join(sorted(missing)[:3])} is not in it; nothing was put back"
        )


def _targets(unpacked: Path, state: Path, history: Path | None, site: Path | None) -> list[tuple[Path, Path]]:
    wanted = [(unpacked / STATE, state)]
    if history is not None:
        wanted.append((unpacked / HISTORY_FILE, history))
    if site is not None:
        wanted.append((unpacked / SITE, site))
    return [(source, target) for source, target in wanted if source.exists()]


def _side_files(present: list[Path]) -> list[Path]:
    """A write-ahead log of the old file would be applied to the new one."""
    found = [path.with_name(path.name + suffix) for path in present for suffix in ("-wal", "-shm")]
    return [path for path in found if path.exists()]


def _move_aside(state: Path, old: list[Path]) -> Path | None:
    if not old:
        return None
    aside = state.with_name(f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    aside.mkdir(mode=0o700)
    for path in old:
        path.rename(aside / path.name)
    return aside


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """No collector has this store open, and none opens it meanwhile."""
    lock = os.open(state.with_name(state.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BackupError(f"a collector is using {state}: stop it first") from error
    finally:
        os.close(lock)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- commands -----------------------------------------------------------------------------------------


def run_backup(to: str, state_url: str | None, history_url: str | None, site: Path | None, keep: int | None) -> int:
    """`callpoint backup`. A folder gets a file named by the time; 0: done, 1: not done, 2: wrong use.

    `to` that ends with "/" is a folder, and made if there is none.
    """
    target = Path(to)
    try:
        state, history = _files(state_url, history_url)
        into_folder = target.is_dir() or to.endswith("/")
        if keep is not None and not into_folder:
            raise EndpointError(f"--keep needs a folder to keep them in, {to} is none")
        if site is not None and not site.is_dir():
            raise EndpointError(f"--site {site}: expected a site folder")
        if into_folder:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold secrets
        archive = target / f"callpoint-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz" if into_folder else target
        manifest = back_up(state, history, site, archive, _show)
        removed = keep_newest(target, "callpoint", keep) if keep is not None else []
    except EndpointError as error:
        print(f"callpoint backup: {error}", file=sys.stderr)
        return USAGE
    except (BackupError, OSError) as error:
        print(f"callpoint backup: {error}", file=sys.stderr)
        return FAILED
    size = sum(size for size, _ in manifest.files.values())
    print(f"{archive}: {len(manifest.files)} files, {size} bytes, {manifest.open_incidents} open incidents")
    print("it holds the installation's secrets and people's addresses: keep it where only you can read it")
    if history is None:
        print("the history is on a server of its own and is not in it: back that up there")
    for old in removed:
        print(f"removed {old}")
    return OK


def run_restore(archive: Path, state_url: str | None, history_url: str | None, site: Path | None, force: bool) -> int:
    """`callpoint restore`. 0: done, 1: not done and nothing changed, 2: wrong use."""
    try:
        state, history = _files(state_url, history_url)
        manifest = read_manifest(archive)
        aside = restore(archive, state, history, site, force, _show)
    except EndpointError as error:
        print(f"callpoint restore: {error}", file=sys.stderr)
        return USAGE
    except BackupError as error:
        print(f"callpoint restore: {error}", file=sys.stderr)
        return FAILED
    print(f"{state}: as it was at {manifest.made_at}, with {manifest.open_incidents} open incidents")
    if manifest.open_incidents:
        print("what was closed since then is open again and its calls go on: close it on the board once it is up")
    print("what gateways have handed over since then is not in it: `callpoint ledger` counts it, once they are back")
    if aside is not None:
        print(f"what was there before is in {aside}")
    if site is None and any(name.startswith(f"{SITE}/") for name in manifest.files):
        print("the site folder was left in the backup: --site DIR puts it back as well")
    return OK


def _files(state_url: str | None, history_url: str | None) -> tuple[Path, Path | None]:
    state_url = state_url or default_state()
    state = sqlite_path(state_url)
    if state is None:
        raise EndpointError(f"state URL {state_url!r}: expected sqlite:PATH")
    return state, sqlite_path(history_url or history_beside(state_url))


def _show(what: str, done: float) -> None:
    """A line that counts up, for people at a terminal only."""
    if sys.stderr.isatty():
        with suppress(OSError):
            print(f"\r{what}: {done:4.0%} ", end="\n" if done >= 1 else "", file=sys.stderr, flush=True)
