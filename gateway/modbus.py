"""Modbus TCP and RTU behind Link, over pymodbus. Only the four reads exist here, and a guard on the bytes agrees.

pymodbus sends and receives; which bytes answer a question is decided here, because RTU has no
transaction ids: a late answer, another unit's answer or noise must never be taken for values.
"""

from __future__ import annotations

import asyncio
import gc
import termios
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import ModbusPDU

from config.profile import Table
from config.site import RtuBus, TcpBus
from gateway.link import EXCEPTIONS, DeviceRefused, LinkDown, LinkGarbled, LinkTimeout, TargetSilent

READS = (1, 2, 3, 4)  # the only function codes that may leave this process
CONNECT_TIMEOUT_S = 3.0
LIBRARY_TIMEOUT_S = 30.0  # the library's own, beyond every profile's: the time-outs that count are ours
BITS_PER_CHARACTER = 11  # start, 8 data, parity or a second stop bit, stop
FRAME_BYTES_MAX = 256  # Modbus over serial line, §2.5.1
DRAIN_MIN_S = 0.1  # what a USB adapter or a busy machine may hold back
DRAIN_MAX_S = 1.0  # a line that never falls silent must not stop the bus
BUFFER_BYTES_MAX = 1024
LISTENING_BYTES_MAX = 65_536  # while somebody listens: five seconds of a line that is never silent at 115200 baud
LATE_S = 10.0  # how long an answer on a serial line may still come to a question given up
LATE_MAX = 8  # of one unit and shape; the schedule's back-off asks no more often within LATE_S
UNIT_SILENT_EXCEPTIONS = (10, 11)  # a converter answers in place of a unit that does not (Modbus application, §7)
UNANSWERED_MAX = 5  # questions in a row on one TCP connection; then it is opened anew

Client = AsyncModbusTcpClient | AsyncModbusSerialClient
Ear = Callable[[bool, bytes], None]  # sent by us?, the bytes; each byte once


class WriteForbidden(RuntimeError):
    """Something tried to send another function code than a read: a bug, and never sent."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked; `transaction` is 0 on a serial line."""

    unit: int
    function: int
    payload_bytes: int
    transaction: int = 0


def guard(packet: bytes, function_at: int) -> bytes:
    """The packet itself if it is a read, else WriteForbidden."""
    if len(packet) <= function_at or packet[function_at] not in READS:
        raise WriteForbidden(f"refused to send {packet.hex(' ')}: not a read")
    return packet


def rtu_answer(heard: bytes, question: Question) -> bytes:
    """The one sound frame within the bytes heard that answers the question; empty if it is not there (yet)."""
    head = bytes([question.unit, question.function, question.payload_bytes])
    refusal = bytes([question.unit, question.function | 0x80])
    for start in range(len(heard)):
        if heard.startswith(head, start):
            end = start + len(head) + question.payload_bytes + 2
        elif heard.startswith(refusal, start):
            end = start + 5
        else:
            continue
        frame = heard[start:end]
        if end <= len(heard) and FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
            return frame
    return b""


def tcp_answer(heard: bytes, question: Question) -> bytes:
    """The same for Modbus TCP: frames of other transactions or units are passed over."""
    start = 0
    while len(heard) - start >= 9:
        frame_end = start + 6 + int.from_bytes(heard[start + 4 : start + 6], "big")
        frame = heard[start:frame_end]
        expected = question.transaction.to_bytes(2, "big") + b"\0\0"
        if frame.startswith(expected) and frame[6] == question.unit:
            sound = frame[7:9] == bytes([question.function, question.payload_bytes])
            if sound and len(frame) == 9 + question.payload_bytes:
                return frame
            if frame[7] == question.function | 0x80 and len(frame) == 9:
                return frame
        start = max(frame_end, start + 7)
    return b""


class ModbusLink:
    """One bus. See Link for the contract. `ear` is told every byte, also those that answer nothing."""

    def __init__(self, bus: TcpBus | RtuBus, ear: Ear | None = None) -> None:
        self._bus = bus
        self._ear = ear
        self._unread = b""  # what the library still holds of the bytes that the ear was told
        self._client: Client | None = None
        self._question: Question | None = None
        self._heard = 0  # bytes since the question
        self._last_byte_s = 0.0  # loop time at which the line was last busy
        self._unanswered_in_row = 0
        # Serial line only: (unit, function, bytes) -> address and loop time of questions given up.
        self._given_up: dict[tuple[int, int, int], deque[tuple[int, float]]] = {}
        self._quiet_s = 0.0  # how long it must be silent before the next question
        if isinstance(bus, RtuBus):
            character_s = BITS_PER_CHARACTER / bus.baud
            self._character_s = character_s
            self._gap_s = max(3.5 * character_s, 0.00175)  # t3.5; fixed above 19200 baud
            self._drain_s = max(FRAME_BYTES_MAX * character_s, DRAIN_MIN_S)
            self.where = f"serial port {bus.port}"
        else:
            self._character_s = self._gap_s = self._drain_s = 0.0
            self.where = f"{bus.host}:{bus.port}"

    async def open(self) -> None:
        """Connect or open the port. Raises LinkDown."""
        self.close()
        if isinstance(self._bus, RtuBus) and not await asyncio.to_thread(Path(self._bus.port).exists):
            raise LinkDown(f"{self.where} is missing")
        self._client = new_client(self._bus, self.trace)
        self._client.ctx.max_buffer_size = BUFFER_BYTES_MAX if self._ear is None else LISTENING_BYTES_MAX
        connected: bool | None
        try:
            connected = await asyncio.wait_for(self._client.connect(), CONNECT_TIMEOUT_S)
        except TimeoutError:
            connected = False
        except termios.error:  # an adapter that cannot do this speed or parity
            connected = None
        if connected is None:
            gc.collect()  # the library leaves the port half opened, and locked, in the frames of its error
        if not connected:
            self.close()
            raise LinkDown(f"{self.where} cannot be opened")

    async def read(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> tuple[int, ...]:
        """`count` registers (0..65535) or bits (0, 1) of one unit. Raises a LinkError.

        An RTU frame does not say which address it answers. A unit answers in order: where late answers about
        other addresses of the same shape may still come, the question is asked once more for each of them.
        """
        shape = (unit, table.function_code, (count + 7) // 8 if table.is_bits else 2 * count)
        now_s = asyncio.get_running_loop().time()
        late = [(asked, at_s) for asked, at_s in self._given_up.pop(shape, ()) if now_s - at_s < LATE_S]
        try:
            if any(asked != address for asked, _ in late):
                for _ in range(len(late)):
                    await self._ask(unit, table, address, count, timeout_s)
                late = []
            return await self._ask(unit, table, address, count, timeout_s)
        except (LinkTimeout, LinkGarbled):
            late.append((address, now_s))
            raise
        finally:
            if late and isinstance(self._bus, RtuBus):
                self._given_up[shape] = deque(late, LATE_MAX)

    async def _ask(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> tuple[int, ...]:
        if self._client is None or not self._client.connected:
            await self.open()
        client = self._client
        assert client is not None
        await self._silence()
        payload_bytes = (count + 7) // 8 if table.is_bits else 2 * count
        self._question = Question(unit, table.function_code, payload_bytes)
        self._heard = 0
        call = {
            Table.COIL: client.read_coils,
            Table.DISCRETE: client.read_discrete_inputs,
            Table.HOLDING: client.read_holding_registers,
            Table.INPUT: client.read_input_registers,
        }[table]
        # The time that the bytes themselves need on a slow line is not the device's.
        wire_s = (8 + 5 + payload_bytes) * self._character_s
        try:
            answer = await asyncio.wait_for(call(address, count=count, device_id=unit), timeout_s + wire_s)
        except TimeoutError:
            raise self._failure(client, timeout_s) from None
        except ModbusException as error:
            raise LinkDown(f"{self.where}: {error.string}") from error
        finally:
            self._question = None
        self._unanswered_in_row = 0
        return _values(answer, table, count)

    def close(self) -> None:
        """Give the line back."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _failure(self, client: Client, timeout_s: float) -> LinkDown | LinkTimeout | LinkGarbled:
        if not client.connected:
            return LinkDown(f"{self.where} was closed by the other side")
        self._quiet_s = self._drain_s
        self._last_byte_s = asyncio.get_running_loop().time()
        self._unanswered_in_row += 1
        tcp = isinstance(self._bus, TcpBus)
        if tcp and (self._heard or self._unanswered_in_row >= UNANSWERED_MAX):
            self.close()  # a stream out of step, or gone without a word, is only in step again from its beginning
        if not self._heard:
            return LinkTimeout(f"no answer within {timeout_s * 1000:.0f} ms")
        return LinkGarbled(f"no sound answer within {timeout_s * 1000:.0f} ms, {self._heard} bytes heard")

    async def _silence(self) -> None:
        """Wait for the pause between frames; after a question given up, until a late answer has passed."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + DRAIN_MAX_S
        while True:
            wait_s = self._last_byte_s + max(self._quiet_s, self._gap_s) - loop.time()
            if wait_s <= 0 or loop.time() >= until_s:
                break
            await asyncio.sleep(wait_s)
        self._quiet_s = 0.0

    def trace(self, sending: bool, data: bytes) -> bytes:
        """Every byte passes here: out through the guard, in through the search for the answer."""
        rtu = isinstance(self._bus, RtuBus)
        self._last_byte_s = asyncio.get_running_loop().time()
        if sending:
            self._last_byte_s += len(data) * self._character_s
            if not rtu and self._question is not None:
                transaction = int.from_bytes(data[:2], "big")
                asked = self._question
                self._question = Question(asked.unit, asked.function, asked.payload_bytes, transaction)
            self._tell(True, data)
            return guard(data, 1 if rtu else 7)
        answer = b""
        if self._question is not None:
            self._heard = len(data)
            answer = rtu_answer(data, self._question) if rtu else tcp_answer(data, self._question)
        self._tell(False, data, len(answer))
        return answer

    def _tell(self, sending: bool, data: bytes, taken: int = 0) -> None:
        """The library hands over all that it holds, again and again, until so many bytes are taken from it."""
        if self._ear is None:
            return
        fresh = data if sending or not data.startswith(self._unread) else data[len(self._unread) :]
        self._unread = b"" if sending else data[taken:]
        self._ear(sending, fresh)


def new_client(bus: TcpBus | RtuBus, trace: Callable[[bool, bytes], bytes]) -> Client:
    """Library retries and reconnects are off: the schedule knows better when to ask again."""
    if isinstance(bus, TcpBus):
        return AsyncModbusTcpClient(
            bus.host, port=bus.port, timeout=LIBRARY_TIMEOUT_S, retries=0, reconnect_delay=0, trace_packet=trace
        )
    return AsyncModbusSerialClient(
        bus.port,
        baudrate=bus.baud,
        parity=bus.parity,
        stopbits=bus.stop_bits,
        timeout=LIBRARY_TIMEOUT_S,
        retries=0,
        reconnect_delay=0,
        trace_packet=trace,
    )


def _values(answer: ModbusPDU, table: Table, count: int) -> tuple[int, ...]:
    """The frame was chosen by unit, function and byte count; so the number of values is right, or it is a refusal."""
    if answer.isError():
        code = answer.exception_code
        if code in UNIT_SILENT_EXCEPTIONS:
            raise TargetSilent(f"exception {code} {EXCEPTIONS[code]}")
        raise DeviceRefused(code)
    found = tuple(int(value) for value in (answer.bits if table.is_bits else answer.registers))
    if len(found) < count:
        raise LinkGarbled(f"{len(found)} values, expected {count}")
    return found[:count]
