"""One bus: its owner task asks what the schedule says, and puts what is worth a record into the journal."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from config import logs
from config.busfigures import BusFigures
from config.diagnosis import CAUSE_CHARACTERS_MAX, ERRORS_MAX, Diagnosis, ReadBlock, ReadError
from config.profile import Point, Profile, Table
from config.site import Device, RtuBus, TcpBus
from config.sparkplug import DataType
from config.wire import Lane, Quality, Reading
from gateway.blocks import Block, blocks_of, smaller
from gateway.catalogue import bus_online, device_online
from gateway.clock import Clock
from gateway.decode import decode_point
from gateway.link import DeviceRefused, Link, LinkDown, LinkError, LinkGarbled
from gateway.record import Draft
from gateway.report import Reporter
from gateway.schedule import Schedule, Task
from gateway.tally import Outcome, Tally

log = logs.of(__name__)

REOPEN_FIRST_S = 0.5
REOPEN_MAX_S = 15.0
SPLIT_EXCEPTIONS = (2, 3)  # an address or a number of registers that the device does not have


class Node:
    """The gateway's own conditions: devices, buses, clock, journal. False is a trouble, with its cause in words."""

    def __init__(self, clock: Clock, put: Callable[[Sequence[Draft]], None], names: Sequence[str]) -> None:
        self._clock, self._put = clock, put
        self._readings = {name: Reading(name, None, DataType.BOOLEAN, Quality.STALE, "not known yet") for name in names}

    @property
    def present(self) -> tuple[Reading, ...]:
        """All of them, for a birth."""
        return tuple(self._readings.values())

    def say(self, name: str, value: bool, cause: str | None = None, **subject: str) -> None:
        """Journal a condition of the gateway if it changed. `subject`: what it is about, for the log."""
        reading = Reading(name, value, DataType.BOOLEAN, cause=cause)
        if self._readings[name] == reading:
            return
        self._readings[name] = reading
        level, event = (logging.INFO, "condition-well") if value else (logging.WARNING, "condition-trouble")
        text = f"{name}: {cause or ('yes' if value else 'no')}"
        log.tell(level, event, text, None, condition=name, error=None if value else cause, **subject)
        self._put([Draft(Lane.ALARM, None, self._clock.utc_ms(), self._clock.mono_ms(), (reading,))])


@dataclass(frozen=True, slots=True)
class Failed:
    """A question that brought no values."""

    mono_ms: int
    block: Block
    cause: str


@dataclass(slots=True)
class Polled:
    """A device on the bus with what it answered last."""

    device: Device
    profile: Profile
    points: tuple[Point, ...]
    blocks: tuple[Block, ...]
    reporter: Reporter
    words: dict[tuple[Table, int], int] = field(default_factory=dict)
    answers: dict[Block, tuple[int, ...]] = field(default_factory=dict)
    # For whoever asks what is wrong with it: what came last, and when; and the newest failures.
    heard: dict[Block, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    failures: deque[Failed] = field(default_factory=lambda: deque(maxlen=ERRORS_MAX))


def polled(device: Device, profile: Profile, points: tuple[Point, ...], bus: TcpBus | RtuBus) -> Polled:
    """A device ready to be asked at its bus's pace."""
    blocks = blocks_of(points, profile, bus.fast_period_s, bus.slow_period_s)
    period_s = {point.name: block.period_s for block in blocks for point in block.points}
    return Polled(device, profile, points, blocks, Reporter(points, period_s))


class Poller:
    """The one task that owns a link."""

    def __init__(
        self,
        bus: TcpBus | RtuBus,
        link: Link,
        devices: Mapping[str, Polled],
        clock: Clock,
        node: Node,
        put: Callable[[Sequence[Draft]], None],
    ) -> None:
        self._bus, self._link, self._devices = bus, link, devices
        self._clock, self._node, self._put = clock, node, put
        self._schedule = Schedule({name: found.blocks for name, found in devices.items()}, clock.mono_ms())
        self._tally = Tally(clock.mono_ms())
        self.settled = asyncio.Event()  # every device was heard or given up once

    @property
    def bus(self) -> str:
        """The bus's id."""
        return self._bus.id

    def figures(self) -> BusFigures:
        """How the bus does now."""
        return self._tally.figures(self._schedule.units, self._schedule.dead, self._clock.mono_ms())

    def diagnosis(self, device: str) -> Diagnosis | None:
        """What is known of a device without asking it anything; None for one of another bus."""
        found = self._devices.get(device)
        if found is None:
            return None
        offset_ms, plan = self._clock.offset_ms(), self._schedule.plan_of(device)
        tasks = () if plan is None else plan.tasks
        return Diagnosis(
            device=device,
            told_ms=self._clock.utc_ms(),
            bus=self._bus.id,
            unit=found.device.unit,
            live=None if plan is None else plan.live,
            misses=None if plan is None else plan.misses,
            next_ms=None if plan is None else plan.next_ms + offset_ms,
            blocks=tuple(_block_told(task, found.heard.get(task.block), offset_ms) for task in tasks),
            errors=tuple(_error_told(failed, offset_ms) for failed in reversed(found.failures)),
        )

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            while True:
                try:
                    await self._poll()
                except Exception as error:  # noqa: BLE001 - a fault met on one bus must not silence the others
                    text = f"bus {self._bus.id} begins again after a fault of the gateway's own"
                    log.critical("bus-fault", text, fault=error, bus=self._bus.id)
                    self._down(f"the gateway met a fault of its own: {type(error).__name__}")
                    await asyncio.sleep(REOPEN_MAX_S)
        finally:
            self._link.close()

    async def _poll(self) -> None:
        await self._reopen()
        while True:
            if not self._schedule.unsettled:
                self.settled.set()
            now_ms = self._clock.mono_ms()
            task = self._schedule.next(now_ms)
            if task is not None:
                await self._ask(task)
            else:
                await asyncio.sleep(max((self._schedule.wake_at() or 0) - now_ms, 1) / 1000)

    async def _ask(self, task: Task) -> None:
        found, block = self._devices[task.device], task.block
        timeout_s = found.profile.response_timeout_s
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            values = await self._link.read(found.device.unit, block.table, block.address, block.count, timeout_s)
        except DeviceRefused as refusal:
            self._note(task, Outcome.REFUSED, loop.time() - began_s, str(refusal))
            if self._schedule.refused(task, refusal.code, self._clock.mono_ms()):
                self._node.say(device_online(task.device), True, device=task.device, bus=self._bus.id)
            if refusal.code in SPLIT_EXCEPTIONS and (parts := smaller(block)):
                self._split(task, parts, refusal)
            elif task.is_lost:
                self._lose(found, [block], str(refusal), Quality.BAD)
        except LinkDown as error:
            self._note(task, Outcome.LOST, loop.time() - began_s, str(error))
            self._missed(task, str(error))
            await self._reopen()
        except LinkError as error:
            garbled = isinstance(error, LinkGarbled)
            self._note(task, Outcome.GARBLED if garbled else Outcome.TIMEOUT, loop.time() - began_s, str(error))
            self._missed(task, str(error))
        else:
            self._note(task, Outcome.ANSWER, loop.time() - began_s)
            if self._schedule.answered(task, self._clock.mono_ms()):
                self._node.say(device_online(task.device), True, device=task.device, bus=self._bus.id)
            self._take(found, block, values)

    def _note(self, task: Task, outcome: Outcome, took_s: float, cause: str | None = None) -> None:
        """Remember what a question came to, for the figures and for whoever asks what is wrong."""
        now_ms, found = self._clock.mono_ms(), self._devices[task.device]
        self._tally.note(outcome, took_s * 1000, now_ms)
        if cause is not None:
            found.failures.append(Failed(now_ms, task.block, cause[:CAUSE_CHARACTERS_MAX]))
        elif task.block is found.blocks[0]:
            self._tally.pulse(task.device, now_ms)

    def _split(self, task: Task, parts: tuple[Block, ...], refusal: DeviceRefused) -> None:
        """Some part of the block is not there: the device's other values must not be lost with it."""
        found, block = self._devices[task.device], task.block
        where = f"{block.table.value} {block.address} to {block.address + block.count - 1}"
        text = f"{task.device}: {where}: {refusal}, asked in {len(parts)} smaller reads from now on"
        log.warning("read-split", text, device=task.device, bus=self._bus.id, error=refusal)
        at = found.blocks.index(block)
        found.blocks = (*found.blocks[:at], *parts, *found.blocks[at + 1 :])
        found.heard.pop(block, None)
        self._schedule.split(task, parts, self._clock.mono_ms())

    def _take(self, found: Polled, block: Block, values: tuple[int, ...]) -> None:
        found.heard[block] = self._clock.mono_ms(), values
        settled = block.lane is Lane.ALARM and not found.reporter.has_pulse and block.stands_alone
        if settled and found.answers.get(block) == values:
            return  # nothing moved: most answers of most buses, four times a second
        found.answers[block] = values
        found.words.update({(block.table, block.address + index): value for index, value in enumerate(values)})
        readings = [decode_point(point, found.words, found.profile.points) for point in block.points]
        self._record(found, found.reporter.take(readings, self._clock.mono_ms()))

    def _missed(self, task: Task, cause: str) -> None:
        found = self._devices[task.device]
        if self._schedule.missed(task, self._clock.mono_ms()):
            self._tally.away(task.device)
            self._lose(found, found.blocks, cause)
            self._node.say(device_online(task.device), False, cause, device=task.device, bus=self._bus.id)
        elif task.is_lost:
            self._lose(found, [task.block], cause)

    def _lose(self, found: Polled, blocks: Sequence[Block], cause: str, quality: Quality = Quality.STALE) -> None:
        for block in blocks:
            found.answers.pop(block, None)
            for address in range(block.address, block.address + block.count):
                found.words.pop((block.table, address), None)
        points = [point for block in blocks for point in block.points]
        self._record(found, found.reporter.lose(points, cause, quality, self._clock.mono_ms()))

    def _record(self, found: Polled, reports: Mapping[Lane, tuple[Reading, ...]]) -> None:
        at_ms, mono_ms = self._clock.utc_ms(), self._clock.mono_ms()
        if reports:
            self._put([Draft(lane, found.device.id, at_ms, mono_ms, said) for lane, said in reports.items()])

    async def _reopen(self) -> None:
        """Open the line, however long it takes; a line that stays closed is a trouble of every device on it."""
        wait_s = REOPEN_FIRST_S
        while True:
            try:
                await self._link.open()
            except LinkDown as error:
                self._down(str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, REOPEN_MAX_S)
            else:
                self._node.say(bus_online(self._bus.id), True, bus=self._bus.id)
                return

    def _down(self, cause: str) -> None:
        for name in self._schedule.lose_all(self._clock.mono_ms()):
            self._tally.away(name)
            self._lose(self._devices[name], self._devices[name].blocks, cause)
            self._node.say(device_online(name), False, cause, device=name, bus=self._bus.id)
        self._node.say(bus_online(self._bus.id), False, cause, bus=self._bus.id)
        self.settled.set()


def _block_told(task: Task, heard: tuple[int, tuple[int, ...]] | None, offset_ms: int) -> ReadBlock:
    block = task.block
    return ReadBlock(
        table=block.table.value,
        address=block.address,
        count=block.count,
        lane=block.lane.value,
        period_s=block.period_s,
        due_ms=task.due_ms + offset_ms,
        misses=task.misses,
        heard_ms=None if heard is None else heard[0] + offset_ms,
        words=None if heard is None else heard[1],
    )


def _error_told(failed: Failed, offset_ms: int) -> ReadError:
    block = failed.block
    return ReadError(
        at_ms=failed.mono_ms + offset_ms,
        table=block.table.value,
        address=block.address,
        count=block.count,
        cause=failed.cause,
    )
