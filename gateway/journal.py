"""The durable, bounded, two-lane record of everything that is not yet acknowledged.

A record is in a synced transaction before anyone may publish it; a position is never used twice,
also after everything was acknowledged; what is dropped is counted, telemetry before alarms, oldest
first. The upper methods write and belong to one thread; those under "reading" belong to another.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from config import logs
from config.sparkplug import DataType
from config.wire import Lane, check_value
from gateway.catalogue import Key, LaneAccount
from gateway.record import Draft, Record, body_of, readings_from
from gateway.statefile import TABLE, JournalCorrupt, JournalFull, StateFile

log = logs.of(__name__)

BYTES_MAX = 512 * 1024 * 1024  # pages in use, beside the bound on records
MARGIN_BYTES = 1024 * 1024  # room for one transaction before the bound is kept again; beyond it the disk counts as full
RESERVE_BYTES = 1024 * 1024  # given up when the disk is full, so that alarms can still be written
DROP_MAX = 200  # records dropped at once


class Journal:
    """One gateway's journal."""

    def __init__(self, path: Path, records_max: int, bytes_max: int = BYTES_MAX) -> None:
        """Open or create. Raises JournalCorrupt, or OSError where the folder cannot be used."""
        self._file = StateFile(path)
        self._records_max, self._bytes_max = records_max, bytes_max
        self._file.limit(bytes_max + MARGIN_BYTES)
        self._reserve = path.with_suffix(".reserve")
        self._next = {lane: self.last(lane) + 1 for lane in Lane}
        self._rows = sum(counts.in_journal for counts in self.account().values())
        self._keep_reserve()

    def close(self) -> None:
        """Close the file; what was appended is on disk already."""
        self._file.close()

    @property
    def epoch(self) -> str:
        """This file's own id: positions mean something only together with it."""
        return self._file.epoch

    def next_bd_seq(self) -> int:
        """See StateFile.next_bd_seq. Raises JournalFull, JournalCorrupt."""
        try:
            return self._file.next_bd_seq()
        except JournalFull:
            self._make_room()
            return self._file.next_bd_seq()

    def aliases(self, metrics: Mapping[Key, DataType]) -> dict[Key, tuple[int, DataType]]:
        """See StateFile.aliases."""
        floor = {lane: counts.floor for lane, counts in self.account().items()}
        return self._file.aliases(metrics, floor, {lane: self._next[lane] - 1 for lane in Lane})

    def append(self, drafts: Sequence[Draft], boot: str, lost: int = 0) -> list[Record]:
        """Write drafts in one synced transaction and give them their positions. Raises JournalFull, JournalCorrupt.

        `lost` earlier reports could not wait for the disk; on a full disk alarms still go in, at the cost of
        the reserve and of telemetry. Either is declared: counted as appended and dropped.
        """
        try:
            records = self._append(drafts, boot, lost)
        except JournalFull:
            self._make_room()
            alarms = [draft for draft in drafts if draft.lane is Lane.ALARM]
            records = self._append(alarms, boot, lost + len(drafts) - len(alarms))
        self._bound()
        return records

    def forget(self, ranges: Iterable[tuple[Lane, int, int]]) -> None:
        """Delete what the host has committed. Raises JournalFull.

        A deletion lost in a crash does no harm: the record is sent again and skipped as a repeat.
        """
        with self._file.transaction() as db:
            for lane, first, last in ranges:
                done = db.execute(f"DELETE FROM {TABLE[lane]} WHERE position BETWEEN ? AND ?", (first, last))
                self._rows -= done.rowcount

    def correct(self, boot: str, offset_ms: int, published: Mapping[Lane, Sequence[tuple[int, int]]]) -> int:
        """The clock of this boot is known now: stamp its records anew, but for those already published."""
        corrected = 0
        with self._file.transaction() as db:
            boot_id = _number(db, "boot", boot)
            for lane, table in TABLE.items():
                kept = " AND NOT position BETWEEN ? AND ?" * len(published[lane])
                numbers = [number for pair in published[lane] for number in pair]
                query = f"UPDATE {table} SET at_ms = mono_ms + ? WHERE boot = ?{kept}"
                corrected += db.execute(query, (offset_ms, boot_id, *numbers)).rowcount
        return corrected

    # --- reading --------------------------------------------------------------------------------------

    def records(self, lane: Lane, first: int, last: int) -> list[Record]:
        """Records of a range of positions, oldest first."""
        query = (
            f"SELECT position, device.name, at_ms, checksum, body FROM {TABLE[lane]} JOIN device"
            " ON device.id = device WHERE position BETWEEN ? AND ? ORDER BY position"
        )
        with self._file.sound():
            rows = self._file.reader.execute(query, (first, last)).fetchall()
        try:
            return [
                Record(lane, position, device or None, at_ms, checksum, readings_from(body))
                for position, device, at_ms, checksum, body in rows
            ]
        except ValueError as error:
            raise JournalCorrupt(f"a record of {lane.value} {first} to {last}: {error}") from error

    def stored(self, lane: Lane) -> tuple[int, int] | None:
        """First and last position on disk, or None."""
        with self._file.sound():
            query = f"SELECT min(position), max(position) FROM {TABLE[lane]}"
            first, last = self._file.reader.execute(query).fetchone()
        return None if first is None else (first, last)

    def last(self, lane: Lane) -> int:
        """The last position ever given in this epoch; 0 if none."""
        with self._file.sound():
            row = self._file.reader.execute("SELECT next FROM lane WHERE name = ?", (lane.value,)).fetchone()
        return int(row[0]) - 1

    def owing(self, devices: Iterable[str]) -> set[str]:
        """Those of the devices that have records here."""
        query = " UNION ALL ".join(
            f"SELECT 1 FROM {table} JOIN device ON device.id = device WHERE device.name = :name"
            for table in TABLE.values()
        )
        with self._file.sound():
            read = self._file.reader.execute
            return {name for name in devices if read(f"{query} LIMIT 1", {"name": name}).fetchone()}

    def account(self) -> dict[Lane, LaneAccount]:
        """The counts of both lanes; what is in the journal is counted from its rows."""
        found = {}
        for lane, table in TABLE.items():
            query = (
                f"SELECT coalesce((SELECT min(position) FROM {table}), next), appended, dropped,"
                f" (SELECT count(*) FROM {table}) FROM lane WHERE name = ?"
            )
            with self._file.sound():
                found[lane] = LaneAccount(*self._file.reader.execute(query, (lane.value,)).fetchone())
        return found

    # --- inside ---------------------------------------------------------------------------------------

    def _append(self, drafts: Sequence[Draft], boot: str, skipped: int) -> list[Record]:
        """`skipped` reports before these could not be written: positions of the telemetry lane stand for them."""
        following = dict(self._next)
        following[Lane.TELEMETRY] += skipped
        records: list[Record] = []
        with self._file.transaction() as db:
            boot_id = _number(db, "boot", boot)
            for draft in drafts:
                position = following[draft.lane]
                following[draft.lane] += 1
                check = check_value(draft.device, draft.lane, position, draft.readings)
                device_id = _number(db, "device", draft.device or "")
                row = (position, device_id, boot_id, draft.at_ms, draft.mono_ms, check, body_of(draft.readings))
                db.execute(f"INSERT INTO {TABLE[draft.lane]} VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                records.append(Record(draft.lane, position, draft.device, draft.at_ms, check, draft.readings))
            for lane in Lane:
                added = following[lane] - self._next[lane]
                lost = skipped if lane is Lane.TELEMETRY else 0
                db.execute(
                    "UPDATE lane SET next = ?, appended = appended + ?, dropped = dropped + ? WHERE name = ?",
                    (following[lane], added, lost, lane.value),
                )
        self._next = following
        self._rows += len(records)
        return records

    def _make_room(self) -> None:
        """The disk is full: give up the reserve and the oldest telemetry for what is more important."""
        log.error("disk-full", "the disk is full: giving up the journal's reserve and its oldest telemetry")
        self._reserve.unlink(missing_ok=True)
        self._drop(Lane.TELEMETRY, DROP_MAX)

    def _bound(self) -> None:
        """Keep both bounds. Alarms go only when no telemetry is left."""
        while self._rows > self._records_max or self._bytes() > self._bytes_max:
            # Some more than the excess, so that a full journal does not drop with every record.
            some = max(self._rows - self._records_max, 1 + self._rows // 50)
            if not self._drop(Lane.TELEMETRY, min(some, DROP_MAX)) and not self._drop(Lane.ALARM, 1):
                return

    def _bytes(self) -> int:
        pages, free, size = (
            self._file.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _drop(self, lane: Lane, count: int) -> int:
        table = TABLE[lane]
        query = f"DELETE FROM {table} WHERE position IN (SELECT position FROM {table} ORDER BY position LIMIT ?)"
        with self._file.transaction() as db:
            dropped = db.execute(query, (count,)).rowcount
            db.execute("UPDATE lane SET dropped = dropped + ? WHERE name = ?", (dropped, lane.value))
        self._rows -= dropped
        if dropped:
            text = f"the journal is full: dropped the oldest {dropped} of the {lane.value} lane"
            log.warning("records-dropped", text, lane=lane.value, count=dropped)
        return dropped

    def _keep_reserve(self) -> None:
        """Hold real blocks of the disk, not a hole in a file."""
        try:
            if not self._reserve.exists():
                with self._reserve.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError as error:
            text = f"no room for the journal's reserve of {RESERVE_BYTES} bytes: {error}"
            log.warning("no-reserve", text, error=error)
            self._reserve.unlink(missing_ok=True)


def _number(db: sqlite3.Connection, table: str, name: str) -> int:
    row = db.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()
    if row is None:
        return int(db.execute(f"INSERT INTO {table} (name) VALUES (?)", (name,)).lastrowid or 0)
    return int(row[0])
