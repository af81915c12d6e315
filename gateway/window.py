"""One lane's way from the journal to the host: what to send next, what is in flight, what is committed.

Live records pass the backlog; what is not committed in time goes again. The number in flight is
bounded, so a slow host slows the sender and not memory. Positions, not records, are kept of the
backlog: it stays on disk until there is room. Times are monotonic milliseconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from config.wire import Committed
from gateway.record import Record

LIVE_MAX = 256  # fresh records kept in memory; more go the way of the backlog
RESERVED_FOR_LIVE = 16  # places in flight that the backlog may not take
LOAD_MAX = 64  # records fetched from disk at once
RESEND_MAX_MS = 60_000


class Spans:
    """A set of positions as ascending, disjoint, closed ranges."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Add first..last."""
        if first > last:
            return
        if self.ranges and self.ranges[-1][1] + 1 == first:  # the common case: the next position
            self.ranges[-1] = (self.ranges[-1][0], last)
            return
        kept = []
        for low, high in self.ranges:
            if high + 1 < first or last + 1 < low:
                kept.append((low, high))
            else:
                first, last = min(first, low), max(last, high)
        self.ranges = sorted([*kept, (first, last)])

    def remove(self, first: int, last: int) -> None:
        """Remove first..last."""
        left = []
        for low, high in self.ranges:
            if low < first:
                left.append((low, min(high, first - 1)))
            if high > last:
                left.append((max(low, last + 1), high))
        self.ranges = left if first <= last else self.ranges

    def covers(self, first: int, last: int) -> bool:
        """True if every position of first..last is in the set; also where that is none."""
        return first > last or any(low <= first and last <= high for low, high in self.ranges)


@dataclass(slots=True)
class _Flight:
    record: Record
    resend_ms: int
    tries: int


class Window:
    """One lane. `published` may have covered everything up to `published_upto` in an earlier run."""

    def __init__(self, stored: tuple[int, int] | None, last: int, in_flight_max: int, resend_ms: int) -> None:
        """`stored` is the first and last position on disk, `last` the last ever given; `resend_ms` 0 never re-sends."""
        self.floor = last + 1 if stored is None else stored[0]  # the lowest position still in the journal
        self._in_flight_max = in_flight_max
        self._resend_ms = resend_ms
        self._backlog = Spans()  # on disk, to be sent; what is in `_loaded` is not in it any more
        if stored is not None:
            self._backlog.add(*stored)
        self._published = Spans()
        self._published.add(1, last)  # an earlier run may have published all of its positions
        self._live: deque[Record] = deque()
        self._loaded: deque[Record] = deque()
        self._in_flight: dict[int, _Flight] = {}
        self._open = False

    @property
    def in_flight(self) -> int:
        """How many records wait for their commit."""
        return len(self._in_flight)

    @property
    def published_ranges(self) -> list[tuple[int, int]]:
        """Positions that have, or in an earlier run may have, been published."""
        return list(self._published.ranges)

    def open(self, now_ms: int) -> None:
        """A session begins, or the host asked for a rebirth: whatever is in flight may be lost, so it is due again."""
        self._open = True
        for flight in self._in_flight.values():
            flight.resend_ms, flight.tries = now_ms, 0

    def close(self) -> None:
        """The session is over: fresh records become backlog."""
        self._open = False
        self.shelve()

    def shelve(self) -> None:
        """Put what is in memory and not yet sent back to the disk's account (its stamps may have been corrected)."""
        for record in (*self._live, *self._loaded):
            self._backlog.add(record.position, record.position)
        self._live.clear()
        self._loaded.clear()

    def appended(self, record: Record) -> None:
        """The journal has synced a new record."""
        if not self._open:
            self._backlog.add(record.position, record.position)
            return
        self._live.append(record)
        if len(self._live) > LIVE_MAX:
            oldest = self._live.popleft()
            self._backlog.add(oldest.position, oldest.position)

    def wanted(self) -> tuple[int, int] | None:
        """The range of positions to fetch from disk now, at most LOAD_MAX wide."""
        if not self._open or self._loaded or not self._backlog.ranges or not self._room_for_backlog():
            return None
        first, last = self._backlog.ranges[0]
        return first, min(last, first + LOAD_MAX - 1)

    def fetched(self, first: int, last: int, records: Iterable[Record]) -> None:
        """What the disk holds of first..last; what is missing there was dropped and will never be sent."""
        if not self._open:
            return
        self._backlog.remove(first, last)
        self._loaded.extend(record for record in records if record.position >= self.floor)

    def live(self, sendable: Callable[[Record], bool], displaces: bool) -> Record | None:
        """The next fresh record. `displaces`: if the window is full, the one sent longest ago waits again on disk."""
        if not self._live or (len(self._in_flight) >= self._in_flight_max and not displaces):
            return None
        record = _take_first(self._live, sendable)
        if record is not None and len(self._in_flight) >= self._in_flight_max:
            oldest = next(iter(self._in_flight))
            del self._in_flight[oldest]
            self._backlog.add(oldest, oldest)
        return record

    def overdue(self, sendable: Callable[[Record], bool], now_ms: int) -> Record | None:
        """A record in flight that was not committed in time, to be sent again.

        Where older ones wait in the backlog it goes back among them: a host may commit nothing before
        it has those, and it must not keep them from being sent.
        """
        for position, flight in list(self._in_flight.items()):
            if flight.resend_ms > now_ms or not sendable(flight.record):
                continue
            if not self._older_waits(position):
                return flight.record
            del self._in_flight[position]
            self._backlog.add(position, position)
        return None

    def old(self, sendable: Callable[[Record], bool]) -> Record | None:
        """The next record of the backlog, oldest first."""
        return _take_first(self._loaded, sendable) if self._loaded and self._room_for_backlog() else None

    def published(self, record: Record, now_ms: int) -> None:
        """The record went to the broker."""
        known = self._in_flight.pop(record.position, None)  # again at the end: the order is that of sending
        tries = known.tries + 1 if known is not None else 0
        wait_ms = min(self._resend_ms << min(tries, 10), RESEND_MAX_MS) if self._resend_ms else 1 << 62
        self._in_flight[record.position] = _Flight(record, now_ms + wait_ms, tries)
        self._published.add(record.position, record.position)

    def handed_over(self, position: int) -> None:
        """The broker has the record, and nobody acknowledges here: that is all there is to wait for."""
        self._in_flight.pop(position, None)

    def committed(self, committed: Committed) -> list[tuple[int, int]] | None:
        """Ranges that may leave the disk; None if the host claims what was never published, and nothing is obeyed."""
        ranges = [(self.floor, committed.upto), *committed.ranges]
        ranges = [(max(first, self.floor), last) for first, last in ranges if last >= self.floor]
        if not all(self._published.covers(first, last) for first, last in ranges):
            return None
        for first, last in ranges:
            self._forget(first, last)
        return ranges

    def raise_floor(self, floor: int) -> None:
        """Nothing below `floor` is in the journal any more: committed, or dropped."""
        if floor > self.floor:
            self._forget(self.floor, floor - 1)
            self.floor = floor
            self._published.add(1, floor - 1)  # one range instead of the many that a commit could still name

    def unsent(self, upto: int) -> bool:
        """True while a record at or below `upto` has not been published in this session or before it."""
        waiting = [(record.position, record.position) for record in (*self._live, *self._loaded)]
        return any(
            first <= upto and not self._published.covers(first, min(last, upto))
            for first, last in (*waiting, *self._backlog.ranges)
        )

    def is_drained(self) -> bool:
        """True if nothing waits: not to be sent, and not to be committed."""
        return not (self._live or self._loaded or self._in_flight or self._backlog.ranges)

    def resend_at(self, sendable: Callable[[Record], bool]) -> int | None:
        """When the next record in flight is due again."""
        return min(
            (flight.resend_ms for flight in self._in_flight.values() if sendable(flight.record)),
            default=None,
        )

    def waiting_devices(self, now_ms: int) -> set[str]:
        """Devices whose records would be sent now."""
        due = [flight.record for flight in self._in_flight.values() if flight.resend_ms <= now_ms]
        return {record.device for record in (*self._live, *self._loaded, *due) if record.device is not None}

    def _forget(self, first: int, last: int) -> None:
        self._backlog.remove(first, last)
        for position in [position for position in self._in_flight if first <= position <= last]:
            del self._in_flight[position]
        for queue in (self._live, self._loaded):
            for record in [record for record in queue if first <= record.position <= last]:
                queue.remove(record)

    def _older_waits(self, position: int) -> bool:
        ranges, loaded = self._backlog.ranges, self._loaded
        return bool(ranges and ranges[0][0] < position) or any(record.position < position for record in loaded)

    def _room_for_backlog(self) -> bool:
        return len(self._in_flight) < self._in_flight_max - RESERVED_FOR_LIVE


def _take_first(queue: deque[Record], sendable: Callable[[Record], bool]) -> Record | None:
    for index, record in enumerate(queue):
        if sendable(record):
            del queue[index]
            return record
    return None
