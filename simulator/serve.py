"""Real Modbus servers fed from a world: TCP on a loopback port, RTU on a pseudo-terminal.

Written by hand instead of with the gateway's own Modbus library, so that the two ends check each other, and because
a library's server cannot keep silent, answer late or garble.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.faults import Fault, spoil
from simulator.models import Registers
from simulator.responder import ILLEGAL_FUNCTION, TARGET_DOES_NOT_ANSWER, WRITES, exception, respond

LOOPBACK = "127.0.0.1"
CONNECTIONS_MAX = 16  # per TCP bus; a real converter has fewer
FRAME_BYTES_MAX = 256  # RTU ADU, and close to the 260 of TCP
SILENCE_S = 0.02  # ends a frame of unknown length; far above t3.5, a pty has no such timing


@dataclass(frozen=True, slots=True)
class Unit:
    """A simulated device on a bus."""

    device: str
    keeps_silent: bool  # see simulator.models.KEEPS_SILENT


class Units:
    """All units of one bus: who answers what, with which fault."""

    def __init__(
        self,
        units: Mapping[int, Unit],
        registers: Callable[[str], Registers],
        on_write: Callable[[str, int], None],
        chance: Callable[[], float],
    ) -> None:
        self._units = units
        self._registers = registers
        self._on_write = on_write
        self.chance = chance
        self.faults: dict[str, Fault] = {}

    def keeps_silent(self, number: int) -> bool:
        """True for a unit that neither answers exceptions nor checks a request's CRC."""
        return number in self._units and self._units[number].keeps_silent

    def knows(self, number: int) -> bool:
        """Whether there is such a unit."""
        return number in self._units

    def fault(self, number: int) -> Fault | None:
        """The fault of a unit, None if it is well."""
        return self.faults.get(self._units[number].device)

    def answer(self, number: int, pdu: bytes) -> bytes | None:
        """A unit's answer, before any fault. Whoever tries to write is reported and refused."""
        unit = self._units[number]
        if pdu[0] in WRITES:
            self._on_write(unit.device, pdu[0])
            return None if unit.keeps_silent else exception(pdu, ILLEGAL_FUNCTION)
        return respond(pdu, self._registers(unit.device), unit.keeps_silent)


class TcpServer:
    """Modbus TCP on a loopback port of its own choosing."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Listen; after `close`, on the same port again."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._connections:
            writer.transport.abort()
        if self._handlers:
            await asyncio.wait(self._handlers)

    def address(self) -> dict[str, Any]:
        """Where this bus is, as the gateway's override file says it."""
        return {"type": "tcp", "host": LOOPBACK, "port": self.port}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections.add(writer)
        self._handlers.add(task)
        try:
            while True:
                header = await reader.readexactly(7)
                length = int.from_bytes(header[4:6], "big")
                if header[2:4] != b"\0\0" or not 2 <= length <= FRAME_BYTES_MAX:
                    break  # not Modbus: there is no way to find the next frame
                self._reply(header, await reader.readexactly(length - 1), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._connections.discard(writer)
            self._handlers.discard(task)
            writer.close()

    def _reply(self, header: bytes, pdu: bytes, writer: asyncio.StreamWriter) -> None:
        number = header[6]
        fault = None
        answer: bytes | None = exception(pdu, TARGET_DOES_NOT_ANSWER)
        if self.units.knows(number):
            answer, fault = self.units.answer(number, pdu), self.units.fault(number)
        if answer is None:
            return
        frame = header[:4] + (len(answer) + 1).to_bytes(2, "big") + bytes([number]) + answer
        for delay_s, data in spoil(fault, frame, serial=False, chance=self.units.chance()):
            asyncio.get_running_loop().call_later(delay_s, _write_if_open, writer, data)


def _write_if_open(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


class RtuLine:
    """Modbus RTU on a pseudo-terminal. The slave's side stays open here, so that a master may come and go."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.lost_bytes = 0  # nobody read them and the terminal's buffer was full
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._buffer = b""
        self._silence: asyncio.TimerHandle | None = None
        self._connected = False

    async def open(self) -> None:
        """Listen on the line."""
        if not self._connected:
            asyncio.get_running_loop().add_reader(self._master, self._on_bytes)
            self._connected = True

    async def close(self) -> None:
        """Cut the line: what a master sends from now on gets no answer. The terminal stays."""
        if self._connected:
            asyncio.get_running_loop().remove_reader(self._master)
            self._connected = False
        if self._silence is not None:
            self._silence.cancel()
        self._buffer = b""

    def remove(self) -> None:
        """Give the terminal back; the line cannot be opened again."""
        os.close(self._master)
        os.close(self._slave)

    def address(self) -> dict[str, Any]:
        """Where this bus is, as the gateway's override file says it."""
        return {"type": "rtu", "port": self.path}

    def _on_bytes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._buffer += os.read(self._master, 4096)
        while (length := request_length(self._buffer)) is not None and len(self._buffer) >= length:
            frame, self._buffer = self._buffer[:length], self._buffer[length:]
            if crc16(frame[:-2]) != frame[-2:] and not self.units.keeps_silent(frame[0]):
                self._buffer = b""  # out of step: whatever else has come belongs to the same noise
                break
            self._reply(frame)
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(SILENCE_S, self._on_silence)

    def _on_silence(self) -> None:
        """Silence ends a frame: answer one of unknown length, drop one that broke off."""
        frame, self._buffer = self._buffer, b""
        if request_length(frame) is None and len(frame) >= 4 and crc16(frame[:-2]) == frame[-2:]:
            self._reply(frame)

    def _reply(self, frame: bytes) -> None:
        number = frame[0]
        if not self.units.knows(number):
            return
        answer = self.units.answer(number, frame[1:-2])
        if answer is None:
            return
        reply = bytes([number]) + answer
        reply += crc16(reply)
        for delay_s, data in spoil(self.units.fault(number), reply, serial=True, chance=self.units.chance()):
            asyncio.get_running_loop().call_later(delay_s, self._write, data)

    def _write(self, data: bytes) -> None:
        if not self._connected:
            return
        written = 0
        with contextlib.suppress(BlockingIOError):
            written = os.write(self._master, data)
        self.lost_bytes += len(data) - written


def request_length(frame: bytes) -> int | None:
    """How long the request that begins here is, CRC included; None if only silence can tell (or more bytes)."""
    if len(frame) < 2:
        return None
    if 1 <= frame[1] <= 6:
        return 8
    if frame[1] in (15, 16) and len(frame) > 6:
        return 9 + frame[6]
    return None


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first as it travels."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")
