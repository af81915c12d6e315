"""One contract for every Link: the fake of the tests, Modbus TCP over a socket and Modbus RTU over a serial line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from config.profile import Table
from config.site import RtuBus, TcpBus
from gateway.link import DeviceRefused, Link, LinkDown, LinkTimeout
from gateway.modbus import ModbusLink
from tests.fake_link import FakeLink
from tests.slaves import crc, rtu_slave, serial_line, tcp_slave

DEVICE = {"id": "d", "profile": "p", "unit": 1, "place": {"building": "b", "floor": 1}}
WORDS = {1: {0: 10, 1: 11, 2: 12}, 2: {0: 20}}
TIMEOUT_S = 0.15


@dataclass
class Trial:
    """A link to units 1 and 2; unit 9 does not exist, and unit 2 refuses address 7 with exception 2."""

    link: Link
    break_line: Callable[[], None]


def pdu_of(request: bytes) -> bytes | None:
    """What the slave says to unit, function, address and count; None is silence."""
    unit, function = request[0], request[1]
    first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    if unit not in WORDS:
        return None
    if (unit, first) == (2, 7):
        return bytes([function | 0x80, 2])
    words = [WORDS[unit].get(address, 0) for address in range(first, first + count)]
    return bytes([function, 2 * count]) + b"".join(word.to_bytes(2, "big") for word in words)


@asynccontextmanager
async def fake() -> AsyncIterator[Trial]:
    link = FakeLink(WORDS)
    link.refusing[2, 7] = 2
    yield Trial(link, lambda: setattr(link, "down", True))


@asynccontextmanager
async def tcp() -> AsyncIterator[Trial]:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        if broken:
            return [(0, b"")]  # closes
        pdu = pdu_of(request[6:])
        return [] if pdu is None else [(0, request[:4] + (len(pdu) + 1).to_bytes(2, "big") + request[6:7] + pdu)]

    broken: list[bool] = []
    async with tcp_slave(script) as slave:
        bus = {"id": "bus", "type": "tcp", "host": "127.0.0.1", "port": slave.port, "devices": [DEVICE]}
        link = ModbusLink(TcpBus.model_validate(bus))
        yield Trial(link, lambda: broken.append(True))
        link.close()


@asynccontextmanager
async def rtu() -> AsyncIterator[Trial]:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        pdu = pdu_of(request)
        if pdu is None:
            return []
        frame = request[:1] + pdu
        return [(0, frame + crc(frame))]

    with serial_line() as line:
        async with rtu_slave(line.slave, script):
            bus = {"id": "bus", "type": "rtu", "port": line.master, "baud": 115200, "devices": [DEVICE]}
            link = ModbusLink(RtuBus.model_validate(bus))
            yield Trial(link, line.cut)
            link.close()


Maker = Callable[[], AbstractAsyncContextManager[Trial]]
LINKS = [
    pytest.param(fake, id="fake"),
    pytest.param(tcp, id="tcp"),
    pytest.param(rtu, id="rtu", marks=pytest.mark.servers),
]


def run(make: Maker, trial: Callable[[Trial], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with make() as made:
            await trial(made)

    asyncio.run(inside())


@pytest.mark.parametrize("make", LINKS)
def test_it_reads_what_is_there_and_opens_by_itself(make: Maker) -> None:
    async def trial(made: Trial) -> None:
        assert await made.link.read(1, Table.INPUT, 0, 3, TIMEOUT_S) == (10, 11, 12)
        assert await made.link.read(2, Table.INPUT, 0, 1, TIMEOUT_S) == (20,)

    run(make, trial)


@pytest.mark.parametrize("make", LINKS)
def test_a_unit_that_is_silent_is_a_time_out_and_the_next_is_answered(make: Maker) -> None:
    async def trial(made: Trial) -> None:
        with pytest.raises(LinkTimeout, match="no answer within 150 ms"):
            await made.link.read(9, Table.INPUT, 0, 1, TIMEOUT_S)
        assert await made.link.read(1, Table.INPUT, 2, 1, TIMEOUT_S) == (12,)

    run(make, trial)


@pytest.mark.parametrize("make", LINKS)
def test_a_refusal_is_the_devices_own_word(make: Maker) -> None:
    async def trial(made: Trial) -> None:
        with pytest.raises(DeviceRefused) as caught:
            await made.link.read(2, Table.INPUT, 7, 1, TIMEOUT_S)
        assert caught.value.code == 2

    run(make, trial)


@pytest.mark.parametrize("make", LINKS)
def test_a_line_that_breaks_is_down(make: Maker) -> None:
    async def trial(made: Trial) -> None:
        await made.link.open()
        made.break_line()
        with pytest.raises(LinkDown):
            await made.link.read(1, Table.INPUT, 0, 1, TIMEOUT_S)

    run(make, trial)


@pytest.mark.parametrize("make", LINKS)
def test_a_closed_link_can_be_opened_again(make: Maker) -> None:
    async def trial(made: Trial) -> None:
        await made.link.open()
        made.link.close()
        await made.link.open()
        assert await made.link.read(1, Table.INPUT, 0, 1, TIMEOUT_S) == (10,)

    run(make, trial)
