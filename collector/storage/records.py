"""What the store keeps, as data: shared by store, desk, notifier and pages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from collector.access.audit import Change
from collector.session.account import Positions
from collector.session.effects import Counts, Floor
from collector.state import Decision
from config.words import Edge, Lane, Report

INT64_MAX = 2**63 - 1  # what a store's integer column holds
STAMP_MS_MAX = INT64_MAX // 1_000_000 - 1  # a stamp that still fits into a series' nanoseconds (the year 2262)


@dataclass(frozen=True, slots=True)
class Record:
    """A report to be kept. `building` None: of the gateway itself, or of a device that the site does not know."""

    report: Report
    building: str | None
    received_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that one transaction writes."""

    decisions: tuple[Decision, ...] = ()
    records: tuple[Record, ...] = ()
    floors: tuple[Floor, ...] = ()
    counts: tuple[Counts, ...] = ()
    changes: tuple[Change, ...] = ()  # for the audit log


@dataclass(frozen=True, slots=True)
class StoredLane:
    """What the store holds of one lane of one journal.

    `islands` are its stored positions, merged and ascending; what lies below `floor` is settled, stored or not.
    `pruned` positions below the floor were stored and are only counted now.
    """

    edge: Edge
    epoch: str
    lane: Lane
    floor: int
    pruned: int
    islands: tuple[tuple[int, int], ...]

    @property
    def settled(self) -> Positions:
        """What counts as committed: what is stored, and all that lies below the floor."""
        return Positions(self.islands, self.floor)

    @property
    def count(self) -> int:
        """How many positions were ever stored."""
        return self.pruned + sum(last - first + 1 for first, last in self.islands)

    @property
    def missing(self) -> int:
        """How many positions were given up by their gateway and never stored here."""
        upto = self.settled.upto
        return upto - self.pruned - sum(last - first + 1 for first, last in self.islands if last <= upto)


class Recalled(StrEnum):
    """What the store knows of a position that came again."""

    SAME = "same"  # it is stored with this check value, or was long ago
    OTHER = "other"  # it is stored with another check value
    NEVER = "never"  # it was given up by its gateway and never stored


@dataclass(frozen=True, slots=True)
class Spooled:
    """A record on its way to the history. `number` is its place in the spool."""

    number: int
    record: Record


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand one sending of a notice over to a channel. `handed_over_at_ms` None: it failed with `error`."""

    notice: str
    sending: int  # 1-based: which of the notice's `due` sendings
    channel: str  # the site's channel id
    at_ms: int
    handed_over_at_ms: int | None = None
    error: str | None = None
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The account of one lane of one journal, from independent counts; None where a count is not known.

    `appended`, `dropped` and `in_journal` are the gateway's word, counted from its file and heard at `heard_ms`;
    `committed` is counted from stored rows and `in_history` from the history. The others are the store's own
    books: `missing` below the floor were never heard here, `spooled` wait for the history, `lost` left the
    full spool unwritten, `refused` are rows the history would not take. `since` came after the gateway
    may have counted; `due` is what the history had to hold when its counting began (None: all that is committed).
    """

    gateway: str
    lane: Lane
    appended: int | None
    dropped: int | None
    in_journal: int | None
    committed: int
    in_history: int | None
    group: str = ""
    epoch: str = ""
    missing: int = 0
    spooled: int = 0
    lost: int = 0
    refused: int = 0
    heard_ms: int | None = None
    since: int = 0
    due: int | None = None
