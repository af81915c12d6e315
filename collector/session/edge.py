"""The host's side of a Sparkplug session, one per edge node: order, aliases, staleness, what is missing.

The session only says what to do: its methods return effects, in the order in which the shell carries
them out. An alarm is judged on arrival, whatever is missing before it; a return to normal waits for the
earlier positions of its lane. A position counts as committed only once the shell says so (`stored`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from collector.session.account import Positions
from collector.session.effects import (
    AskRebirth,
    Count,
    Effect,
    Judge,
    Presence,
    Told,
    Trouble,
)
from collector.session.journal import Journal
from config.busfigures import is_bus_figure
from config.diagnosis import ANSWER, ANSWERED, ASK, REFUSED, VERSION
from config.sparkplug import DataType, WireError
from config.wire import CLOCK, UnknownMetric, resolve
from config.words import Birth, Data, Death, Declared, Edge, Lane, Reading, Report

DEVICES_MAX = 2_000  # of one edge node
OF_ITSELF = {ANSWER, ANSWERED, REFUSED, VERSION}  # beside the figures of its buses
SEQ_BEHIND_MAX = 64  # a seq so far behind the expected one is a late or repeated message, further is a gap


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a session is, in ms."""

    reorder_ms: int = 2_000  # a seq gap may close by itself for so long
    rebirth_ms: int = 10_000  # at most one rebirth request in this time, doubled while nothing comes
    rebirth_max_ms: int = 300_000
    commit_ms: int = 1_000  # telemetry is acknowledged at most this often


@dataclass(slots=True)
class _Born:
    """A node or device that has a birth: what its aliases stand for. `online` False after its death."""

    aliases: Mapping[int, Declared]
    online: bool


class EdgeSession:
    """One edge node as the host sees it. No clock: `now` is UTC ms at receipt.

    `restored` is what the store has committed, by epoch and lane. `may_return(report)` says whether a
    report holds something that could end a condition (the engine's `may_return`). Every method that
    returns effects expects them to be carried out in order.
    """

    def __init__(
        self,
        edge: Edge,
        restored: Mapping[tuple[str, Lane], Positions],
        may_return: Callable[[Report], bool],
        pace: Pace = Pace(),
    ) -> None:
        self.edge = edge
        self._pace = pace
        self._journal = Journal(edge, restored, may_return, pace.commit_ms)
        self._node: _Born | None = None
        self._bd_seq: int | None = None
        self._devices: dict[str, _Born] = {}
        self._unborn: set[str] = set()  # were there before the node's birth and have not been born again
        self._unborn_until: int | None = None
        self._seq_next: int | None = None
        self._seq_missing: set[int] = set()
        self._reorder_until: int | None = None
        self._rebirth_why: str | None = None  # births are wanted
        self._rebirth_after = 0  # not before this time
        self._rebirth_wait_ms = pace.rebirth_ms
        self._misfit = True  # as may still be known of it from before a restart: its first birth takes that back

    @property
    def epoch(self) -> str | None:
        """The journal in use; None: not born yet, or a node without a journal of ours."""
        return self._journal.epoch

    # --- what the shell calls -------------------------------------------------------------------------

    def hear(self, message: Birth | Data | Death, now: int) -> list[Effect]:
        """A message of this edge node, in whatever order it came."""
        effects: list[Effect] = []
        if isinstance(message, Data):
            self._data(message, now, effects)
        elif isinstance(message, Birth):
            self._birth(message, now, effects)
        else:
            self._death(message, now, effects)
        if self._node is not None:
            self._journal.say_owing(effects)
        return effects

    def ask(self, now: int, why: str) -> list[Effect]:
        """Births are wanted: the collector has started, or its own connection to the broker was away."""
        effects: list[Effect] = []
        self._seq_next, self._reorder_until = None, None
        self._seq_missing.clear()
        self._want_rebirth(why, now, effects)
        return effects

    def wake(self, now: int) -> list[Effect]:
        """A time of `wake_at` has come; early or late calls do no harm."""
        effects: list[Effect] = []
        if self._reorder_until is not None and now >= self._reorder_until:
            self._reorder_until = None
            self._seq_missing.clear()
            self._want_rebirth("a gap in seq did not close", now, effects)
        if self._unborn_until is not None and now >= self._unborn_until:
            cause = "not born again after its node"
            effects += [Presence(self.edge, device, False, cause) for device in sorted(self._unborn)]
            self._unborn.clear()
            self._unborn_until = None
        if self._rebirth_why is not None and now >= self._rebirth_after:
            self._want_rebirth(self._rebirth_why, now, effects)
        self._journal.wake(now, effects)
        return effects

    def wake_at(self) -> int | None:
        """When `wake` has something to do, None if nothing is waiting."""
        times = (
            self._reorder_until,
            self._unborn_until,
            self._rebirth_after if self._rebirth_why is not None else None,
            self._journal.wake_at(),
        )
        return min((at for at in times if at is not None), default=None)

    def stored(self, reports: Iterable[Report], now: int) -> list[Effect]:
        """These kept reports are committed, or were found committed: acknowledge them when due."""
        effects: list[Effect] = []
        self._journal.stored(reports, now, effects)
        return effects

    def mismatch(self, report: Report) -> list[Effect]:
        """A repeat says something else than what is committed under its position: trouble, but never a lost fire."""
        effects: list[Effect] = []
        self._journal.mismatch(report, effects)
        return effects

    # --- births and deaths ----------------------------------------------------------------------------

    def _birth(self, birth: Birth, now: int, effects: list[Effect]) -> None:
        if birth.device is None:
            self._node_birth(birth, now, effects)
        elif not self._device_birth(birth, now, effects):
            return
        self._journal.take_floors(birth.floors or {}, effects)
        readings = self._without_account(birth.readings, now, effects)
        if birth.device is None and self.epoch is not None:
            answers = any(declared.name == ASK for declared in birth.aliases.values())
            readings = self._without_told(readings, birth.at_ms, now, effects, born=True, answers=answers)
        if birth.clock_synchronized is not None:
            readings += (Reading(CLOCK, birth.clock_synchronized, DataType.BOOLEAN),)
        report = Report(birth.edge, birth.device, None, self.epoch, None, None, birth.at_ms, False, readings)
        # With a journal, the journal tells what has returned; a birth only shows what is active now.
        effects.append(Judge(report, complete=self.epoch is None, keep=False))

    def _node_birth(self, birth: Birth, now: int, effects: list[Effect]) -> None:
        self._node, self._bd_seq = _Born(birth.aliases, True), birth.bd_seq
        self._journal.born(birth.epoch, effects)
        self._unborn |= {device for device, born in self._devices.items() if born.online}
        self._unborn_until = now + self._pace.rebirth_ms if self._unborn else None
        self._devices.clear()
        self._seq_next, self._reorder_until = (birth.seq + 1) % 256, None
        self._seq_missing.clear()
        self._rebirth_why, self._rebirth_wait_ms = None, self._pace.rebirth_ms
        if self._misfit:
            self._misfit = False
            effects.append(Trouble(f"gateway:{self.edge.node}:record", False, "the gateway has been born anew"))
        effects.append(Presence(self.edge, None, True, "birth"))

    def _device_birth(self, birth: Birth, now: int, effects: list[Effect]) -> bool:
        assert birth.device is not None
        self._follow(birth.seq, now, effects)
        if self._node is None:
            effects.append(Count("birth-before-node"))
            self._want_rebirth("a device was born before its node", now, effects)
            return False
        if birth.device not in self._devices and len(self._devices) >= DEVICES_MAX:
            effects.append(Count("too-many-devices"))
            return False
        # A device that is gone but owes records is born with null values, only to drain its history.
        online = not birth.readings or any(reading.value is not None for reading in birth.readings)
        self._devices[birth.device] = _Born(birth.aliases, online)
        self._unborn.discard(birth.device)
        cause = "birth" if online else "born without any value"
        effects.append(Presence(self.edge, birth.device, online, cause))
        return True

    def _death(self, death: Death, now: int, effects: list[Effect]) -> None:
        if death.device is not None:
            if death.seq is not None:
                self._follow(death.seq, now, effects)
            if (born := self._devices.get(death.device)) is not None:
                born.online = False
            self._unborn.discard(death.device)
            effects.append(Presence(self.edge, death.device, False, "death certificate"))
        elif self._node is None or death.bd_seq != self._bd_seq:
            effects.append(Count("stale-death"))
        else:
            self._node.online = False
            self._seq_next, self._reorder_until, self._rebirth_why = None, None, None
            self._seq_missing.clear()
            self._unborn.clear()
            self._unborn_until = None
            effects.append(Presence(self.edge, None, False, "death certificate"))

    # --- data -----------------------------------------------------------------------------------------

    def _data(self, data: Data, now: int, effects: list[Effect]) -> None:
        self._follow(data.seq, now, effects)
        born = self._node if data.device is None else self._devices.get(data.device)
        if born is None:
            effects.append(Count("data-before-birth"))
            self._want_rebirth(f"data before the birth of {data.device or 'the node'}", now, effects)
            return
        if self._node is not None and not self._node.online:
            effects.append(Count("data-after-death"))
            self._want_rebirth("data of a node that counts as dead", now, effects)
        try:
            report = resolve(data, born.aliases, self.epoch)
        except UnknownMetric as error:
            effects.append(Count("unknown-alias"))
            self._want_rebirth(str(error), now, effects)
            return
        except WireError as error:
            self._misfit = True
            effects += [Count("misfit"), Trouble(f"gateway:{self.edge.node}:record", True, str(error))]
            return
        if self.epoch is None:  # best effort: without an epoch a position means nothing
            report = replace(report, lane=None, position=None, check=None)
        if report.position is not None:
            self._journal.take(report, now, effects)
        elif data.device is None and self.epoch is not None:
            readings = self._without_account(report.readings, now, effects)
            readings = self._without_told(readings, report.at_ms, now, effects)
            effects.append(Judge(replace(report, readings=readings), complete=True, keep=False))
        elif born.online:
            effects.append(Judge(report, complete=True, keep=True))
        else:
            effects.append(Count("data-after-death"))
            self._want_rebirth(f"data after the death of {data.device or 'the node'}", now, effects)

    def _without_account(self, readings: tuple[Reading, ...], now: int, effects: list[Effect]) -> tuple[Reading, ...]:
        """The readings that are not the journal's own account, which is taken in."""
        others = tuple(reading for reading in readings if not self._journal.take_account(reading, now, effects))
        if len(others) < len(readings):
            self._journal.say_counts(now, effects)
        return others

    def _without_told(
        self, readings: tuple[Reading, ...], at_ms: int, now: int, effects: list[Effect], **birth: bool
    ) -> tuple[Reading, ...]:
        """The readings that are for the engine; what the gateway says of itself beside them is no report."""
        told = tuple(reading for reading in readings if _is_of_itself(reading))
        effects.append(Told(self.edge, told, at_ms, now, **birth))
        return tuple(reading for reading in readings if not _is_of_itself(reading)) if told else readings

    # --- seq, rebirth, acknowledgement ----------------------------------------------------------------

    def _follow(self, seq: int, now: int, effects: list[Effect]) -> None:
        """Follow the node's seq: a gap may close by itself within the reorder time, then births are wanted."""
        if self._seq_next is None:
            return
        ahead = (seq - self._seq_next) % 256
        if ahead == 0:
            self._seq_next = (seq + 1) % 256
        elif ahead < 256 - SEQ_BEHIND_MAX:
            effects.append(Count("seq-gap"))
            self._seq_missing.update((self._seq_next + i) % 256 for i in range(ahead))
            self._seq_next = (seq + 1) % 256
            if self._reorder_until is None:
                self._reorder_until = now + self._pace.reorder_ms
        else:
            effects.append(Count("seq-late"))
            self._seq_missing.discard(seq)
            if not self._seq_missing:
                self._reorder_until = None

    def _want_rebirth(self, why: str, now: int, effects: list[Effect]) -> None:
        self._rebirth_why = why
        if now >= self._rebirth_after:
            effects.append(AskRebirth(self.edge, why))
            self._rebirth_after = now + self._rebirth_wait_ms
            self._rebirth_wait_ms = min(self._rebirth_wait_ms * 2, self._pace.rebirth_max_ms)


def _is_of_itself(reading: Reading) -> bool:
    return reading.name in OF_ITSELF or is_bus_figure(reading.name)
