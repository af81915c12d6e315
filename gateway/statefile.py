"""The gateway's one SQLite file: opening it, its schema, and what is kept beside the records (epoch, bdSeq, aliases).

Every transaction is synced (WAL, synchronous=FULL). A file that cannot be read is set aside by the
caller and a new one begins with a new epoch.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from config.sparkplug import DataType
from config.wire import Lane
from gateway.catalogue import Key

SCHEMA = 1
CHECK_BYTES_MAX = 64 * 1024 * 1024  # a larger file is not checked page by page at start: a Pi would take minutes
LOCKED_WAIT_S = 1.0  # nobody else has any business in this file
TABLE = {Lane.ALARM: "alarm", Lane.TELEMETRY: "telemetry"}


class JournalCorrupt(Exception):
    """The file is damaged. `set_aside` it and open a new one; retrying with this one is pointless."""


class JournalFull(Exception):
    """The disk takes nothing more (full, failing, read-only as a worn-out card, or locked by another): try later."""


_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FULL = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),  # somebody looks at it with a tool of his own
)


class StateFile:
    """Two connections to one file: `db` writes, `reader` reads; each belongs to one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create. Raises JournalCorrupt, or OSError where the folder cannot be used."""
        self.path = path
        with ExitStack() as opened:
            try:
                self.db = opened.enter_context(closing(_connect(path)))
                with self.sound():
                    self._prepare()
                self.reader = opened.enter_context(closing(_connect(path)))
                with self.sound():
                    (epoch,) = self.db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
            except sqlite3.OperationalError as error:
                raise OSError(f"{path}: {error}") from error
            except sqlite3.DatabaseError as error:
                raise JournalCorrupt(f"{path}: {error}") from error
            # A connection left open on a file that is set aside would take its successor's log along when it closes.
            opened.pop_all()
        self.epoch = str(epoch)

    def close(self) -> None:
        """Close both connections; whatever was committed is on disk already."""
        self.reader.close()
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One synced transaction; rolled back if anything is raised."""
        with self.sound():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            finally:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Turns what shows a damaged file into JournalCorrupt, and a full disk into JournalFull."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _CORRUPT:
                raise JournalCorrupt(f"{self.path}: {error}") from error
            if code in _FULL:
                raise JournalFull(f"{self.path}: {error}") from error
            raise

    def limit(self, bytes_max: int) -> None:
        """The file never grows beyond this: a transaction that would make it is refused as on a full disk."""
        (page_bytes,) = self.db.execute("PRAGMA page_size").fetchone()
        self.db.execute(f"PRAGMA max_page_count = {bytes_max // page_bytes}")

    def next_bd_seq(self) -> int:
        """The bdSeq of the next CONNECT, 0 to 255 (`topics-nbirth-bdseq-increment`), synced before it is used."""
        with self.transaction() as db:
            (value,) = db.execute("SELECT value FROM meta WHERE key = 'bd_seq'").fetchone()
            bd_seq = (int(value) + 1) % 256
            db.execute("UPDATE meta SET value = ? WHERE key = 'bd_seq'", (str(bd_seq),))
        return bd_seq

    def aliases(
        self, metrics: Mapping[Key, DataType], floor: Mapping[Lane, int], last: Mapping[Lane, int]
    ) -> dict[Key, tuple[int, DataType]]:
        """Aliases of these metrics, made where they are new, and of retired ones whose records may still be sent.

        An alias is never given to a second metric within the epoch. `floor` and `last` are each lane's
        lowest stored and last given position.
        """
        with self.transaction() as db:
            known: dict[Key, tuple[int, DataType, int | None, int | None]] = {
                (device or None, name): (alias, DataType(datatype), until_alarm, until_telemetry)
                for device, name, alias, datatype, until_alarm, until_telemetry in db.execute("SELECT * FROM alias")
            }
            found: dict[Key, tuple[int, DataType]] = {}
            following = max((row[0] for row in known.values()), default=0) + 1
            for key, datatype in metrics.items():
                if key not in known:
                    found[key], following = (following, datatype), following + 1
                else:
                    found[key] = (known[key][0], datatype)
                if key not in known or known[key][1:] != (datatype, None, None):
                    row = (key[0] or "", key[1], found[key][0], int(datatype))
                    db.execute("INSERT OR REPLACE INTO alias VALUES (?, ?, ?, ?, NULL, NULL)", row)
            for key, (alias, datatype, until_alarm, until_telemetry) in known.items():
                if key in metrics:
                    continue
                if until_alarm is None or until_telemetry is None:
                    until_alarm, until_telemetry = last[Lane.ALARM], last[Lane.TELEMETRY]
                    db.execute(
                        "UPDATE alias SET until_alarm = ?, until_telemetry = ? WHERE device = ? AND name = ?",
                        (until_alarm, until_telemetry, key[0] or "", key[1]),
                    )
                if floor[Lane.ALARM] <= until_alarm or floor[Lane.TELEMETRY] <= until_telemetry:
                    found[key] = (alias, datatype)
        return found

    def _prepare(self) -> None:
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA):
            raise JournalCorrupt(f"{self.path}: schema {version}, expected {SCHEMA}")
        if version == 0:
            with self.transaction() as db:
                _create(db)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the file's own name must survive a power cut too
            finally:
                os.close(folder)
        if self.path.stat().st_size <= CHECK_BYTES_MAX:
            (verdict,) = self.db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise JournalCorrupt(f"{self.path}: {verdict}")


def set_aside(path: Path, at_ms: int) -> Path:
    """Rename a damaged file with its companions, so that a new one can begin and this one can be examined."""
    kept = path.with_name(f"{path.name}.damaged-{at_ms}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


def _create(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    db.execute("INSERT INTO meta VALUES ('epoch', ?), ('bd_seq', '-1')", (secrets.token_hex(8),))
    db.execute("CREATE TABLE boot (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL)")
    db.execute("CREATE TABLE device (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL)")
    db.execute(
        "CREATE TABLE lane (name TEXT PRIMARY KEY, next INTEGER NOT NULL,"
        " appended INTEGER NOT NULL, dropped INTEGER NOT NULL)"
    )
    db.execute(
        "CREATE TABLE alias (device TEXT NOT NULL, name TEXT NOT NULL, alias INTEGER UNIQUE NOT NULL,"
        " datatype INTEGER NOT NULL, until_alarm INTEGER, until_telemetry INTEGER, PRIMARY KEY (device, name))"
    )
    for lane, table in TABLE.items():
        db.execute("INSERT INTO lane VALUES (?, 1, 0, 0)", (lane.value,))
        db.execute(
            f"CREATE TABLE {table} (position INTEGER PRIMARY KEY, device INTEGER NOT NULL, boot INTEGER NOT NULL,"
            " at_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, checksum INTEGER NOT NULL, body TEXT NOT NULL)"
        )
        # It finds a device's records, and makes counting rows cheap: it is far smaller than the table.
        db.execute(f"CREATE INDEX {table}_device ON {table} (device)")
    db.execute(f"PRAGMA user_version = {SCHEMA}")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=LOCKED_WAIT_S, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA journal_size_limit = 4194304")
    db.execute("PRAGMA cache_size = -1024")
    return db
