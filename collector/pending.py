"""What waits to be committed, in portions that are small enough for what comes behind them.

A fire is committed with its portion, and in a storm it waits for those before: a portion is closed when it holds
`PORTION_RECORDS` records. How much may wait altogether is another bound, `WAITING_RECORDS_MAX`: while a store hangs,
everything up to it is still judged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from collector.access.audit import Change
from collector.session.effects import Counts, Floor
from collector.state import Decision
from collector.storage.records import Batch, Record
from config.site import Roll

PORTION_RECORDS = 250
WAITING_RECORDS_MAX = 2_000


@dataclass(slots=True)
class Portion:
    """What one transaction will hold, and who waits for it."""

    decisions: list[Decision] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    since_s: float | None = None  # loop time of the first entry; None: there is none
    urgent: bool = False
    roll: Roll | None = None  # people, teams and posts at its end; None while it is being filled

    def add(self, later: Portion) -> None:
        """What came after it."""
        self.decisions += later.decisions
        self.records += later.records
        self.floors += later.floors
        self.counts += later.counts
        self.changes += later.changes
        self.waiting += later.waiting
        self.roll = later.roll

    def batch(self) -> Batch:
        """As the store takes it."""
        return Batch(
            tuple(self.decisions), tuple(self.records), tuple(self.floors), tuple(self.counts), tuple(self.changes)
        )


class Pending:
    """The portions, oldest first. The last is being filled; those before it are closed, and are due at once."""

    def __init__(self) -> None:
        self._portions = deque([Portion()])

    def __iter__(self) -> Iterator[Portion]:
        return iter(self._portions)

    @property
    def filling(self) -> Portion:
        """Where what is new goes."""
        return self._portions[-1]

    @property
    def oldest(self) -> Portion:
        """What is committed next; the one that is being filled, if no other waits."""
        return self._portions[0]

    @property
    def empty(self) -> bool:
        """True if nothing waits."""
        return self.oldest.since_s is None

    @property
    def is_behind(self) -> bool:
        """True while a closed portion waits."""
        return len(self._portions) > 1

    @property
    def is_full(self) -> bool:
        """True while no more should be brought."""
        return sum(len(portion.records) for portion in self._portions) >= WAITING_RECORDS_MAX

    def close_if_full(self, roll: Roll) -> bool:
        """Begin another portion if this one holds enough; `roll` is the engine's now. True if it was closed."""
        if len(self.filling.records) < PORTION_RECORDS:
            return False
        self.filling.urgent, self.filling.roll = True, roll
        self._portions.append(Portion())
        return True

    def take(self) -> Portion:
        """Take the oldest out, to be committed."""
        taken = self._portions.popleft()
        if not self._portions:
            self._portions.append(Portion())
        return taken

    def take_all(self) -> Portion:
        """Take everything out, as one portion: the oldest, with the others behind it."""
        taken = self.take()
        while not self.empty:
            taken.add(self.take())
        return taken
