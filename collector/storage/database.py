"""SQLite files of ours: opened, told from other people's, written in transactions, and given room on a full disk."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
FILL_AGAIN_AFTER_S = 10.0
ROWS_TOGETHER = 64  # in one statement; with ten columns that is within what any SQLite takes


class NotOurs(ValueError):
    """The file cannot be used: absent, of something else, or of a newer version. str() says which."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file of ours is: raise `version` with every change of a table, and bring older files along.

    `upgrades`: by the version that a file has, the statements that bring it to the next.
    """

    what: str  # for people
    application_id: int
    version: int
    schema: str
    upgrades: Mapping[int, str] = field(default_factory=dict)


def connect(path: Path, kind: Kind, read_only: bool = False) -> sqlite3.Connection:
    """Open a file, or make it (for its owner alone: it may hold secrets). Raises NotOurs, OSError, sqlite3.Error.

    What a transaction wrote is on the disk when it ends (WAL, synchronous=FULL).
    """
    if read_only and not path.exists():
        raise NotOurs(f"{kind.what} {path}: there is no such file")
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
    uri = path.absolute().as_uri() + ("?mode=ro" if read_only else "")
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        _check(connection, path, kind, read_only)
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what was erased is not in the file's free space either
            connection.execute("PRAGMA journal_size_limit = 67108864")
            if _pragma(connection, "application_id") == 0:
                connection.executescript(
                    f"BEGIN; {kind.schema} PRAGMA application_id = {kind.application_id};"
                    f" PRAGMA user_version = {kind.version}; COMMIT;"
                )
            while (version := _pragma(connection, "user_version")) < kind.version:
                upgrade = f"BEGIN; {kind.upgrades[version]} PRAGMA user_version = {version + 1}; COMMIT;"
                connection.executescript(upgrade)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path, kind: Kind, read_only: bool) -> None:
    try:
        owner, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise NotOurs(f"{kind.what} {path} cannot be read: {error}") from error
    if (owner, version, tables) == (0, 0, 0) or (owner, version) == (kind.application_id, kind.version):
        return
    if owner != kind.application_id:
        raise NotOurs(f"{kind.what} {path} is a database of something else")
    if version < kind.version and version in kind.upgrades:
        if not read_only:
            return
        raise NotOurs(f"{kind.what} {path} is of an older version: start the collector once, which brings it along")
    known = f"this version of Callpoint knows {kind.version}"
    raise NotOurs(f"{kind.what} {path} has schema {version}, {known}: update it, or restore a backup of its own")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def transaction(connection: sqlite3.Connection, statement: Callable[[sqlite3.Connection], T]) -> T:
    """Everything that `statement` does, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = statement(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def insert(connection: sqlite3.Connection, head: str, rows: Sequence[Sequence[Any]], tail: str = "") -> None:
    """`head` VALUES all of `rows` `tail`, in as few statements as can be; nothing for no rows.

    With every statement SQLite lets the program's other threads on, and ours waits until they let it on again: while
    the program is busy, a statement for each row makes a short transaction a long one.
    """
    for some in portions(rows):
        places = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        connection.execute(f"{head} VALUES {places} {tail}", [value for row in some for value in row])


def portions(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in portions of 64, 32, 16 … 1: few statements, and few texts of them, which SQLite has read before."""
    done, together = 0, ROWS_TOGETHER
    while done < len(rows):
        while together > len(rows) - done:
            together //= 2
        yield rows[done : done + together]
        done += together


def may_be_full(error: sqlite3.Error | OSError) -> bool:
    """True if the error may come from a disk without room: SQLite does not always say so plainly."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # an error of the module itself has none
        return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """Space on the disk that is set aside beside a file, to be freed when it is full. `spent`: there is none now."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self.spent = True
        self._path = path
        self._size_bytes = size_bytes
        self._again_at = 0.0

    def fill(self) -> None:
        """Set the space aside, if there is room again."""
        if time.monotonic() < self._again_at:
            return
        try:
            with self._path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
            self.spent = False
        except OSError:
            self.spend()

    def spend(self) -> bool:
        """Free the space; False if there was none to free."""
        was_there = self._path.exists()
        self._path.unlink(missing_ok=True)
        self.spent = True
        self._again_at = time.monotonic() + FILL_AGAIN_AFTER_S
        return was_there
