"""The store: one transaction per batch of decisions, on disk before anyone hears of it.

SQLite with one writer thread, whose order is the order of the calls, and one reader thread with a
connection of its own. Nothing here blocks the event loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from collector.alarms.incident import Entry, Incident
from collector.calls.dispatch import Notice
from collector.state import Restored
from collector.storage import auditlog, statements
from collector.storage.commits import write_batch
from collector.storage.database import Kind, NotOurs, Reserve, connect, may_be_full, transaction
from collector.storage.records import Attempt, Batch, LedgerRow, Recalled, Record, Spooled, StoredLane
from collector.storage.tables import ENTRY, INCIDENT, NOTICE, SCHEMA, UPGRADES
from config.endpoint import sqlite_path
from config.words import Lane, Report

T = TypeVar("T")
STORE = Kind("state store", 0x43414C4C, 3, SCHEMA, UPGRADES)  # "CALL"
PRUNE_ROWS_MAX = 5_000  # per transaction, so that an alarm never waits long behind the housekeeping


class StoreRefused(ValueError):
    """The store cannot be used as asked: the operator's to mend, no use in trying again. str() says what and why."""


class StoreFailed(Exception):
    """A transaction could not be carried out: the disk's fault, and it may pass. Nothing of it is in the store."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a store. Whatever goes beyond them is counted in the ledger."""

    spool_rows_max: int = 500_000  # about 150 MB of waiting history
    lane_records_keep: int = 10_000  # stored positions per lane that keep their check value
    incidents_keep: int = 20_000
    entries_keep: int = 100_000  # entries that belong to no incident
    story_keep: int = 10_000  # entries of an incident that is open
    refused_keep: int = 1_000
    audit_keep: int = 200_000  # rows of the audit log
    pulses_keep: int = 20  # notices of a gateway's pulse
    reserve_bytes: int = 16 * 1024 * 1024  # freed when the disk is full, so that a fire can still be recorded


async def open_store(url: str, limits: Limits | None = None, read_only: bool = False) -> Store:
    """The store at `sqlite:PATH` or `sqlite:///absolute/path`. Raises StoreRefused or StoreFailed."""
    path = sqlite_path(url)
    if path is None:
        raise StoreRefused(f"state URL {url!r}: this version keeps its state in SQLite only, expected sqlite:PATH")
    store = Store(path, limits or Limits(), read_only)
    try:
        await store.open()
    except BaseException:
        await store.close()
        raise
    return store


class Store:
    """See `open_store`. Every method that touches the disk is awaited; writes happen in the order they were called."""

    def __init__(self, path: Path, limits: Limits, read_only: bool) -> None:
        self.path = path
        self.limits = limits
        self.spooled = 0  # rows that wait for the history
        self._read_only = read_only
        self._reserve = Reserve(path.with_name(path.name + ".reserve"), limits.reserve_bytes)
        self._lock: int | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._write_thread = ThreadPoolExecutor(1, "store-write")
        self._read_thread = ThreadPoolExecutor(1, "store-read")

    @property
    def short_of_space(self) -> bool:
        """True if the reserve is spent: telemetry is not stored until there is room again."""
        return self._reserve.spent

    async def open(self) -> None:
        """Open or create the file. Raises StoreRefused or StoreFailed."""
        if not self._read_only:
            await self._run(self._write_thread, self._open_writer)
        await self._run(self._read_thread, self._open_reader)

    async def close(self) -> None:
        """Finish what was begun and let go of the file."""
        await asyncio.to_thread(self._close)

    # --- writing ------------------------------------------------------------------------------------

    async def commit(self, batch: Batch) -> tuple[Record, ...]:
        """Write a batch in one transaction and return the records that are in the store now.

        These are all of the batch, but for telemetry while the disk is short of space: that stays
        unacknowledged and with its gateway. Raises StoreFailed; then nothing is written.
        """
        return await self._run(self._write_thread, lambda: self._commit(batch))

    async def record_attempt(self, attempt: Attempt) -> None:
        """Keep a try of the notifier. Raises StoreFailed."""
        await self.record_attempts([attempt])

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Keep tries of the notifier, all or none. Raises StoreFailed."""
        await self._write(partial(statements.write_attempts, attempts=attempts))

    async def drained(self, numbers: list[int]) -> None:
        """Take rows that the history has out of the spool."""
        await self._unspool(partial(statements.delete_spooled, numbers=numbers))

    async def refuse(self, number: int, reason: str) -> None:
        """Set a row of the spool aside that the history will never take."""
        keep = self.limits.refused_keep
        refuse = partial(statements.refuse_spooled, number=number, reason=reason, refused_max=keep)
        await self._unspool(refuse)

    async def setting(self, name: str, make: Callable[[], str]) -> str:
        """A value made once, at first start, and kept: a secret, an id."""

        def read_or_make(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)", (name, make()))
            return str(connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0])

        return await self._write(read_or_make)

    async def prune(self) -> int:
        """Drop what is older than the bounds keep; returns the number of record rows that went."""
        limits, pruned = self.limits, 0
        for lane in await self.lanes():
            prune = partial(statements.prune_records, lane=lane, keep=limits.lane_records_keep, at_most=PRUNE_ROWS_MAX)
            while went := await self._write(prune):
                pruned += went
        await self._write(
            partial(statements.prune_incidents, keep=limits.incidents_keep, entries_keep=limits.entries_keep)
        )
        await self._write(partial(statements.prune_long_stories, keep=limits.story_keep))
        await self._write(partial(statements.prune_pulses, keep=limits.pulses_keep))
        await self.write(partial(auditlog.prune_changes, keep=limits.audit_keep))
        return pruned

    async def write(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        """What `statement` does, in one transaction after all that was asked for before. Raises StoreFailed."""
        return await self._write(statement)

    async def note(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        """The same for what matters little: on a full disk it fails, and takes nothing of the room kept for alarms."""
        return await self._run(self._write_thread, lambda: transaction(self._opened(self._writer), statement))

    async def empty_log(self) -> bool:
        """Bring all of the write-ahead log into the file and empty it; False if a reader is in the way just now."""
        return await self._run(self._write_thread, self._checkpoint)

    async def _write(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        return await self._run(self._write_thread, lambda: self._transact(statement))

    async def _unspool(self, statement: Callable[[sqlite3.Connection], int]) -> None:
        def take_out() -> None:  # counted on the one thread that also counts what comes in
            gone = self._transact(statement)
            self.spooled -= gone

        await self._run(self._write_thread, take_out)

    # --- reading ------------------------------------------------------------------------------------

    async def restore(self) -> Restored:
        """What is open, for the engine: open incidents, their notices, and every alarm that is not normal."""
        return await self._read(statements.restored)

    async def lanes(self) -> list[StoredLane]:
        """Every lane of every journal heard so far."""
        return await self._read(statements.stored_lanes)

    async def recall(self, report: Report) -> Recalled:
        """Whether a journalled report that came again is in the store, and says the same there."""
        return await self._read(lambda connection: statements.recall(connection, report))

    async def incident(self, incident: str) -> Incident | None:
        """An incident, open or closed."""
        row = await self._one("SELECT body FROM incidents WHERE id = ?", (incident,))
        return None if row is None else INCIDENT.validate_json(row[0])

    async def incidents(self, limit: int) -> list[Incident]:
        """The newest incidents, newest first."""
        rows = await self._all("SELECT body FROM incidents ORDER BY id DESC LIMIT ?", (limit,))
        return [INCIDENT.validate_json(body) for (body,) in rows]

    async def entries(self, incident: str | None, limit: int) -> list[Entry]:
        """The newest lines of the timeline, oldest first: of one incident, or (None) of everything."""
        if incident is None:
            rows = await self._all("SELECT body FROM entries ORDER BY number DESC LIMIT ?", (limit,))
        else:
            sql = "SELECT body FROM entries WHERE incident = ? ORDER BY number DESC LIMIT ?"
            rows = await self._all(sql, (incident, limit))
        return [ENTRY.validate_json(body) for (body,) in reversed(rows)]

    async def notices(self, incident: str) -> list[Notice]:
        """All notices of an incident, oldest first."""
        rows = await self._all("SELECT body FROM notices WHERE incident = ? ORDER BY id", (incident,))
        return [NOTICE.validate_json(body) for (body,) in rows]

    async def notices_due(self) -> list[Notice]:
        """The notices that want more sendings than were handed over, oldest first."""
        rows = await self._all(
            "SELECT body FROM notices WHERE superseded_at_ms IS NULL AND handed_over < due ORDER BY id", ()
        )
        return [NOTICE.validate_json(body) for (body,) in rows]

    async def attempts(self, notice: str) -> list[Attempt]:
        """The tries of a notice, oldest first; of very many the newest."""
        rows = await self._all(
            "SELECT notice, sending, channel, at_ms, handed_over_at_ms, error, permanent"
            " FROM attempts WHERE notice = ? ORDER BY number",
            (notice,),
        )
        return [statements.read_attempt(row) for row in rows]

    async def attempts_due(self) -> dict[str, list[Attempt]]:
        """The newest tries of the notices of `notices_due`, by notice, oldest first."""
        return await self._read(statements.attempts_due)

    async def attempts_since(self, since_ms: int) -> list[tuple[str, str, int]]:
        """Channel, person and time of the tries since then, oldest first; only the newest of very many."""
        return await self._read(partial(statements.attempts_since, since_ms=since_ms))

    async def spool(self, limit: int) -> list[Spooled]:
        """The next rows for the history: alarms first, oldest first."""
        return await self._read(lambda connection: statements.spooled_rows(connection, limit))

    async def ledger_rows(self) -> list[LedgerRow]:
        """The account of every lane, without what the history holds."""
        return await self._read(statements.ledger_rows)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What `query` finds. Raises StoreFailed."""
        return await self._read(query)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await self._run(self._read_thread, lambda: query(self._opened(self._reader)))

    async def _one(self, sql: str, values: tuple[Any, ...]) -> Any:
        return await self._read(lambda connection: connection.execute(sql, values).fetchone())

    async def _all(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        return await self._read(lambda connection: connection.execute(sql, values).fetchall())

    # --- on the threads -----------------------------------------------------------------------------

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work)
        except NotOurs as error:
            raise StoreRefused(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(f"state store {self.path}: {error}") from error

    def _opened(self, connection: sqlite3.Connection | None) -> sqlite3.Connection:
        if connection is None:
            raise StoreFailed(f"state store {self.path} is closed")
        return connection

    def _open_writer(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreRefused(f"state store {self.path} is in use by another collector") from error
        try:
            self._writer = connect(self.path, STORE)
        except (sqlite3.Error, OSError) as error:
            if not (may_be_full(error) and self._reserve.spend()):  # a full disk may not even let a file be opened
                raise
            self._writer = connect(self.path, STORE)
        self.spooled = self._writer.execute("SELECT count(*) FROM spool").fetchone()[0]
        self._reserve.fill()

    def _open_reader(self) -> None:
        self._reader = connect(self.path, STORE, read_only=True)

    def _close(self) -> None:
        self._write_thread.shutdown(wait=True)
        self._read_thread.shutdown(wait=True)
        for connection in (self._reader, self._writer):
            if connection is not None:
                with suppress(sqlite3.Error):  # the last checkpoint may fail on a full disk; the log holds it all
                    connection.close()
        self._reader = self._writer = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _commit(self, batch: Batch) -> tuple[Record, ...]:
        records = batch.records
        if self._reserve.spent:
            self._reserve.fill()
        if self._reserve.spent:
            records = tuple(record for record in records if record.report.lane is Lane.ALARM)
        kept = replace(batch, records=records)

        def write(connection: sqlite3.Connection) -> int:
            more = write_batch(connection, kept)
            surplus = self.spooled + more - self.limits.spool_rows_max
            return more - (statements.shorten_spool(connection, surplus) if surplus > 0 else 0)

        self.spooled += self._transact(write)
        return records

    def _checkpoint(self) -> bool:
        busy = self._opened(self._writer).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    def _transact(self, statement: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return transaction(self._opened(self._writer), statement)
        except sqlite3.Error as error:
            if not (may_be_full(error) and self._reserve.spend()):
                raise
            return transaction(self._opened(self._writer), statement)
