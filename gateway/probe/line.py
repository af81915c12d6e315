"""A bus that is looked at: asks one question at a time, and accounts for every byte that is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from config.profile import Table
from config.site import RtuBus, TcpBus
from gateway.blocks import Block, smaller
from gateway.link import DeviceRefused, LinkDown, LinkError, LinkGarbled, TargetSilent
from gateway.modbus import ModbusLink
from gateway.probe.course import Ask, Outcome
from gateway.probe.overheard import Overheard, Piece
from gateway.probe.ports import why_closed, why_used
from gateway.probe.sample import Sample

REFUSALS_OF_A_PART = (2, 3)  # an address or a number of registers that the device does not have
REOPEN_AFTER_S = 1.0  # a converter that hangs up is left alone for so long
HANG_UPS_MAX = 5  # in a row; then it is no bus to be asked
HANGS_UP = "It takes only one master and has it, or it lets in certain addresses alone, or it speaks no Modbus TCP"


@dataclass(frozen=True, slots=True)
class Pace:
    """How politely a bus is asked, in s."""

    timeout_s: float = 0.3
    pause_s: float = 0.05  # between an answer and the next question: one maker wants 35 ms
    listen_s: float = 2.0  # before the first question on a serial line; 0: not at all


class LineClosed(Exception):
    """The bus cannot be opened, or is gone; str() says why and what to do."""


class MasterHeard(Exception):
    """Somebody else asks on this line, or seems to in a way that is not understood: nothing more is asked."""


class Line:
    """One bus. Reads only; stops as soon as another master is heard."""

    def __init__(self, bus: TcpBus | RtuBus, pace: Pace) -> None:
        self.bus, self.pace = bus, pace
        self.overheard = Overheard(serial=isinstance(bus, RtuBus))
        self._pieces: list[Piece] = []
        self._link = ModbusLink(bus, self._hear)
        self._asked_s = 0.0  # loop time of the last answer or time-out
        self._hang_ups = 0
        self.took_ms = 0  # of the last question

    async def open(self, listening: Callable[[], None] = lambda: None) -> None:
        """Open the bus and, on a serial line, listen before talking; `listening` tells that. Raises LineClosed,
        MasterHeard."""
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # we say ourselves what a bus does
        if isinstance(self.bus, RtuBus) and (used := await asyncio.to_thread(why_used, self.bus.port)):
            raise LineClosed(used)  # opening it would set its speed anew under whoever locks nothing
        try:
            await self._link.open()
        except LinkDown as error:
            raise LineClosed(await why_closed(self.bus) or str(error)) from error
        if isinstance(self.bus, RtuBus) and self.pace.listen_s:
            listening()
            await self.listen(self.pace.listen_s)
            self.stop_for_a_master()
            if self.overheard.is_used:
                raise MasterHeard

    async def listen(self, for_s: float) -> None:
        """Say nothing for a while, and account for what is heard."""
        await asyncio.sleep(for_s)
        self._account()

    def stop_for_a_master(self) -> None:
        """Raises MasterHeard once another one was heard."""
        if self.overheard.masters:
            raise MasterHeard

    async def ask(self, unit: int, ask: Ask) -> Outcome:
        """One question, and what came of it. Raises LineClosed, MasterHeard."""
        garbled = self.overheard.garbled_answers
        try:
            words = await self.read(unit, ask.table, ask.address, 1)
        except DeviceRefused as refusal:
            return Outcome("refuses", str(refusal), code=refusal.code, took_ms=self.took_ms)
        except TargetSilent as error:
            return Outcome("converter", str(error))
        except LinkGarbled as error:
            # Our own echo, or what another unit has said, is no answer of this one.
            return Outcome("garbled" if self.overheard.garbled_answers > garbled else "silent", str(error))
        except LinkError as error:
            return Outcome("silent", str(error))
        return Outcome("answers", words=words, took_ms=self.took_ms)

    async def read(self, unit: int, table: Table, address: int, count: int) -> tuple[int, ...]:
        """Registers or bits. Raises a LinkError but LinkDown, LineClosed, MasterHeard."""
        loop = asyncio.get_running_loop()
        wait_s = self._asked_s + self.pace.pause_s - loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        self._account()
        self.stop_for_a_master()
        started_s = loop.time()
        try:
            words = await self._link.read(unit, table, address, count, self.pace.timeout_s)
        except LinkDown as error:
            await self._hung_up(error)
            raise LinkError("the connection was closed instead of an answer") from error
        finally:
            self._asked_s = loop.time()
            self.took_ms = round((self._asked_s - started_s) * 1000)
            self._account()
        self._hang_ups = 0
        return words

    async def sample(self, unit: int, blocks: Iterable[Block], into: Sample) -> None:
        """Read blocks as a gateway would, in smaller parts where a part is refused. Raises LineClosed, MasterHeard."""
        for block in blocks:
            if into.asked(block.table, block.address, block.count):
                continue
            try:
                words = await self._read_twice(unit, block.table, block.address, block.count)
            except DeviceRefused as refusal:
                parts = smaller(block) if refusal.code in REFUSALS_OF_A_PART else ()
                if parts:
                    await self.sample(unit, parts, into)
                elif block.count > 1 and refusal.code in REFUSALS_OF_A_PART:
                    await self.singles(unit, [(block.table, block.address + n) for n in range(block.count)], into)
                else:
                    cells = range(block.address, block.address + block.count)
                    into.refused.update({(block.table, address): refusal.code for address in cells})
            except LinkError:
                cells = range(block.address, block.address + block.count)
                into.silent.update((block.table, address) for address in cells)
            else:
                into.words.update({(block.table, block.address + n): word for n, word in enumerate(words)})
        into.silent.difference_update(into.words)

    async def range(self, unit: int, table: Table, address: int, count: int, into: Sample) -> None:
        """Read a range; where a part is refused, find out which. Raises LineClosed, MasterHeard.

        At most about twice as many questions as there are addresses.
        """
        cells = [(table, each) for each in range(address, address + count)]
        try:
            words = await self._read_twice(unit, table, address, count)
        except DeviceRefused as refusal:
            if count == 1 or refusal.code not in REFUSALS_OF_A_PART:
                into.refused.update(dict.fromkeys(cells, refusal.code))
                return
            half = count // 2
            await self.range(unit, table, address, half, into)
            await self.range(unit, table, address + half, count - half, into)
        except LinkError:
            into.silent.update(cells)
        else:
            into.words.update(zip(cells, words, strict=True))

    async def singles(self, unit: int, cells: Iterable[tuple[Table, int]], into: Sample) -> None:
        """Read addresses one by one, those not asked yet. Raises LineClosed, MasterHeard."""
        for table, address in cells:
            if into.knows(table, address):
                continue
            try:
                (into.words[table, address],) = await self._read_twice(unit, table, address, 1)
            except DeviceRefused as refusal:
                into.refused[table, address] = refusal.code
            except LinkError:
                into.silent.add((table, address))

    async def _read_twice(self, unit: int, table: Table, address: int, count: int) -> tuple[int, ...]:
        """As `read`; an answer that noise has spoilt is asked for once more."""
        try:
            return await self.read(unit, table, address, count)
        except LinkGarbled:
            return await self.read(unit, table, address, count)

    def wait_at_least(self, timeout_s: float) -> None:
        """From now on: what a profile says of its device."""
        self.pace = replace(self.pace, timeout_s=max(self.pace.timeout_s, timeout_s))

    def close(self) -> None:
        """Give the bus back."""
        self._link.close()

    async def _hung_up(self, error: LinkDown) -> None:
        self._hang_ups += 1
        why = await why_closed(self.bus)
        if why or isinstance(self.bus, RtuBus) or self._hang_ups >= HANG_UPS_MAX:
            raise LineClosed(why or f"{error}, {self._hang_ups} times in a row. {HANGS_UP}") from error
        await asyncio.sleep(REOPEN_AFTER_S)

    def _hear(self, sent: bool, data: bytes) -> None:
        self._pieces.append(Piece(asyncio.get_running_loop().time(), sent, data))

    def _account(self) -> None:
        pieces, self._pieces = self._pieces, []
        self.overheard.take(pieces)
