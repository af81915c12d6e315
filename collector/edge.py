"""The host's side of a Sparkplug session, one per edge node: order, aliases, staleness, what is missing.

The session only says what to do: its methods return effects, in the order in which the shell carries
them out. An alarm is judged on arrival, whatever is missing before it; a return to normal waits for the
earlier positions of its lane. A position counts as committed only once the shell says so (`stored`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from config.wire import Commit, Committed, Edge, Lane, Report


@dataclass(frozen=True, slots=True)
class Presence:
    """An edge node (`device` None) or one of its devices came or went, at receipt time."""

    edge: Edge
    device: str | None
    online: bool
    at_ms: int
    cause: str  # birth, death certificate, silence, connection to the broker lost


@dataclass(frozen=True, slots=True)
class Owing:
    """Whether an edge node still owes records of its alarm lane: until it has paid, nothing of it may be reset."""

    edge: Edge
    owes: bool


@dataclass(frozen=True, slots=True)
class Judge:
    """Give `report` to the engine: `engine.feed(report, now, complete)`.

    `complete` False: earlier records are missing, only what rises may count. `keep`: the report is one
    journalled (or best-effort) record to be stored in the same transaction as the decision; once that is
    committed, call `stored`. Without `keep` it leaves no row of its own.
    """

    report: Report
    complete: bool
    keep: bool


@dataclass(frozen=True, slots=True)
class Repeat:
    """A position that counts already, but whose check value is no longer in memory: ask the store.

    Same check value: call `stored` again, so that the sender hears it. Another check value: call
    `mismatch`. No such row (it was booked as dropped and came after all): treat as `Judge(report, True, True)`.
    """

    report: Report


@dataclass(frozen=True, slots=True)
class Dropped:
    """Positions first..last never arrived and lie below their lane's floor: book them as declared dropped."""

    edge: Edge
    epoch: str
    lane: Lane
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class AskRebirth:
    """Send the NCMD that asks for births. Already paced; `why` is for the log."""

    edge: Edge
    why: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Send this commit to the edge node. Already paced: alarms at once, telemetry at most once a second."""

    edge: Edge
    commit: Commit


@dataclass(frozen=True, slots=True)
class Trouble:
    """Hand to the engine as `SystemTrouble(part, active, text)`."""

    part: str
    active: bool
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """Add one to the counter of this name: seq-gap, data-before-birth, unknown-alias, misfit, repeat …"""

    name: str


Effect = Judge | Repeat | Dropped | Presence | Owing | AskRebirth | Acknowledge | Trouble | Count


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a session is, in ms."""

    reorder_ms: int = 2_000  # a seq gap may close by itself for so long
    rebirth_ms: int = 10_000  # at most one rebirth request in this time, doubled while nothing comes
    rebirth_max_ms: int = 300_000
    commit_ms: int = 1_000  # telemetry is acknowledged at most this often


@dataclass(slots=True)
class LaneCounts:
    """A gateway's own counts of one lane, as it last declared them; None where it has not."""

    appended: int | None = None
    dropped: int | None = None
    in_journal: int | None = None


class EdgeSession:
    """One edge node as the host sees it. Not thread-safe; no clock: `now` is UTC ms at receipt.

    `restored` is what the store has committed, by epoch and lane. `may_return(report)` says whether a
    report holds something that could end a condition (the engine's `may_return`).

    hear(message, now)          Birth, Data or Death of this edge -> effects
    ask(now)                    births are wanted (start of the collector, broker connection back) -> effects
    wake(now), wake_at()        reorder timer, paced requests and acknowledgements
    stored(reports, now)        these kept reports are committed -> effects (Acknowledge when due)
    mismatch(report)            the store's check value differs from this repeat's -> effects
    epoch, counts, online       read side, for the ledger and the page
    """
