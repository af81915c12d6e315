"""What an edge session asks of its shell. Effects are data; the shell carries them out in order."""

from __future__ import annotations

from dataclasses import dataclass

from config.words import Commit, Edge, Lane, Reading, Report


@dataclass(frozen=True, slots=True)
class Presence:
    """An edge node (`device` None) or one of its devices came or went."""

    edge: Edge
    device: str | None
    online: bool
    cause: str  # in words: "birth", "death certificate", "not born again after its node" …


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
class Floor:
    """A gateway's word that nothing below `position` will come any more: what is missing there is declared dropped."""

    edge: Edge
    epoch: str
    lane: Lane
    position: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What a gateway counted in its own journal file; None: it did not say."""

    edge: Edge
    epoch: str
    lane: Lane
    appended: int | None
    dropped: int | None
    in_journal: int | None
    heard_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway says of itself that no journal keeps: figures of its buses, its version, a diagnosis.

    `born`: it came with the node's birth; `answers` then says whether the gateway can be asked about its devices.
    """

    edge: Edge
    readings: tuple[Reading, ...]
    at_ms: int  # the gateway's own clock
    heard_ms: int
    born: bool = False
    answers: bool = False


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


Effect = Judge | Repeat | Floor | Counts | Presence | Owing | AskRebirth | Acknowledge | Told | Trouble | Count
