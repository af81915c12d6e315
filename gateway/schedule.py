"""What a bus asks next, and when: alarm lane first, telemetry in the leftover time.

A unit that does not answer is asked less and less, and all such units together at most once per
cycle of the bus (a cycle: every live unit's most urgent block was asked once). Times are monotonic ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from config.wire import Lane
from gateway.blocks import Block

MISSES_BEFORE_LOST = 3  # one lost answer is noise on the line, three in a row are a fault
BACK_OFF_FIRST_MS = 250
BACK_OFF_MAX_MS = 15_000  # how long a unit that came back may go unseen
MISFIT_RETRY_MS = 30_000  # exceptions 1 to 3 say that the profile does not fit: asking soon again is pointless
MISFIT_EXCEPTIONS = (1, 2, 3)
BUSY_EXCEPTIONS = (5, 6)  # it has no time now: noise like one lost answer, a fault if it goes on
LATE_ANSWER_MS = 1000  # how long an answer may still come to a question given up


@dataclass(slots=True, eq=False)
class Task:
    """One block of one device with its due time."""

    device: str
    block: Block
    due_ms: int
    misses: int = 0  # in a row

    @property
    def is_lost(self) -> bool:
        """True once the block's points have no value any more."""
        return self.misses >= MISSES_BEFORE_LOST


@dataclass(slots=True, eq=False)
class _Unit:
    tasks: list[Task]  # the first is its pulse: the most urgent block
    misses: int = 0  # in a row, over all blocks
    missed: Task | None = None  # the last that was not answered
    probe_ms: int = 0
    heard: bool = False  # since the start or the last loss

    @property
    def is_live(self) -> bool:
        """False for a unit that is not known to answer: asking it may cost a time-out."""
        return self.heard and not self.misses


@dataclass(slots=True)
class _Turn:
    """Lets something wait until every live unit's pulse has been asked once since its last turn."""

    owed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """How it stands with one unit. `next_ms`: when it is asked next, unless others come first."""

    live: bool
    misses: int
    next_ms: int
    tasks: tuple[Task, ...]


class Schedule:
    """The bus's plan: ask `next`, do it, say `answered`, `refused` or `missed`; for None sleep to `wake_at`."""

    def __init__(self, blocks: Mapping[str, Sequence[Block]], now_ms: int) -> None:
        self._units = {
            device: _Unit([Task(device, block, now_ms) for block in found], probe_ms=now_ms)
            for device, found in blocks.items()
            if found
        }
        self._probe, self._telemetry = _Turn(), _Turn()

    def next(self, now_ms: int) -> Task | None:
        """The task to do now. A due alarm block waits for one probe and one telemetry read a cycle at most."""
        away = min((unit for unit in self._units.values() if not unit.is_live), key=_by_probe, default=None)
        if away is not None and not self._probe.owed and away.probe_ms <= now_ms:
            return self._probe_of(away)
        due = [task for task in self._live() if task.due_ms <= now_ms]
        alarms = [task for task in due if task.block.lane is Lane.ALARM]
        telemetry = [task for task in due if task.block.lane is Lane.TELEMETRY]
        if telemetry and (not alarms or not self._telemetry.owed):
            self._owe(self._telemetry)
            return min(telemetry, key=_by_due)
        return min(alarms, key=_by_due, default=None)

    def wake_at(self) -> int | None:
        """When `next` may have something. None only for a bus without devices."""
        times = [task.due_ms for task in self._live()]
        if not self._probe.owed or not times:
            times += [unit.probe_ms for unit in self._units.values() if not unit.is_live]
        return min(times, default=None)

    def answered(self, task: Task, now_ms: int) -> bool:
        """The device answered. True if it was lost or never heard before: it is back."""
        task.misses = 0
        task.due_ms = max(task.due_ms + round(task.block.period_s * 1000), now_ms)
        return self._is_alive(task)

    def refused(self, task: Task, exception: int, now_ms: int) -> bool:
        """The device answered with a Modbus exception: it lives. True if it is back.

        `task.is_lost` says whether the block has no values any more: a device may be busy twice.
        """
        task.misses = task.misses + 1 if exception in BUSY_EXCEPTIONS else max(task.misses + 1, MISSES_BEFORE_LOST)
        wait_ms = MISFIT_RETRY_MS if exception in MISFIT_EXCEPTIONS else _back_off_ms(task.misses)
        task.due_ms = now_ms + wait_ms
        return self._is_alive(task)

    def split(self, task: Task, blocks: Sequence[Block], now_ms: int) -> None:
        """Ask these in place of one that the device refuses."""
        tasks = self._units[task.device].tasks
        at = tasks.index(task)
        tasks[at : at + 1] = [Task(task.device, block, now_ms) for block in blocks]

    def missed(self, task: Task, now_ms: int) -> bool:
        """No (sound) answer. True if the device is lost by this; `task.is_lost` says it of the block."""
        unit = self._units[task.device]
        was_silent = task.is_lost
        task.misses += 1
        task.due_ms = now_ms + _back_off_ms(task.misses)
        for other in unit.tasks:
            # An answer that comes late must not be taken for the answer to another question of the same shape.
            if other is not task and (other.block.table, other.block.count) == (task.block.table, task.block.count):
                other.due_ms = max(other.due_ms, now_ms + LATE_ANSWER_MS)
        self._served(task)
        self._owe(self._probe)  # the living come before the next that may not answer
        if was_silent and not unit.misses:
            return False  # a block known to be silent says nothing about the unit, whose others answer
        unit.misses += 1
        unit.missed = task
        unit.probe_ms = now_ms + _back_off_ms(unit.misses)
        self._forgive(task.device)
        if unit.misses == MISSES_BEFORE_LOST:
            unit.heard = False
            return True
        return False

    def lose_all(self, now_ms: int) -> list[str]:
        """The link is down: every device is lost. Returns those that were not lost before."""
        lost = [device for device, unit in self._units.items() if unit.misses < MISSES_BEFORE_LOST]
        for unit in self._units.values():
            unit.misses = max(unit.misses, MISSES_BEFORE_LOST)
            unit.probe_ms = now_ms
            unit.heard = False
            for task in unit.tasks:
                task.misses, task.due_ms = 0, now_ms
        self._probe.owed.clear()
        self._telemetry.owed.clear()
        return lost

    @property
    def unsettled(self) -> bool:
        """True until every device has answered or been given up once."""
        return any(not unit.heard and unit.misses < MISSES_BEFORE_LOST for unit in self._units.values())

    @property
    def units(self) -> int:
        """How many units there are to ask."""
        return len(self._units)

    @property
    def dead(self) -> int:
        """How many of them do not answer."""
        return sum(unit.misses >= MISSES_BEFORE_LOST for unit in self._units.values())

    def plan_of(self, device: str) -> UnitPlan | None:
        """How it stands with a device; None for one of which nothing is asked."""
        unit = self._units.get(device)
        if unit is None:
            return None
        next_ms = min(task.due_ms for task in unit.tasks) if unit.is_live else unit.probe_ms
        return UnitPlan(unit.is_live, unit.misses, next_ms, tuple(unit.tasks))

    def _live(self) -> Iterable[Task]:
        return (task for unit in self._units.values() if unit.is_live for task in unit.tasks)

    def _probe_of(self, unit: _Unit) -> Task:
        """First the same question again, then the pulse: one block that is never answered must not hide the others."""
        return unit.missed if unit.misses == 1 and unit.missed is not None else unit.tasks[0]

    def _is_alive(self, task: Task) -> bool:
        self._served(task)
        unit = self._units[task.device]
        was_away = not unit.heard
        unit.misses, unit.heard = 0, True
        return was_away

    def _owe(self, turn: _Turn) -> None:
        """Begin a cycle. Blocks that are failing are asked by their own back-off and hold up no cycle."""
        healthy = {
            device: unit.tasks[0].block.lane
            for device, unit in self._units.items()
            if unit.is_live and not unit.tasks[0].misses
        }
        alarms = {device for device, lane in healthy.items() if lane is Lane.ALARM}
        turn.owed = alarms if alarms or turn is self._telemetry else set(healthy)

    def _served(self, task: Task) -> None:
        if task is self._units[task.device].tasks[0]:
            self._forgive(task.device)

    def _forgive(self, device: str) -> None:
        self._probe.owed.discard(device)
        self._telemetry.owed.discard(device)


def _by_due(task: Task) -> int:
    return task.due_ms


def _by_probe(unit: _Unit) -> int:
    return unit.probe_ms


def _back_off_ms(misses: int) -> int:
    return min(BACK_OFF_FIRST_MS << min(misses - 1, 10), BACK_OFF_MAX_MS)
