"""Modbus RTU over a real serial line (socat) against a slave made of bytes: late, wrong, cut and noisy answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from config.profile import Table
from config.site import RtuBus
from gateway.link import DeviceRefused, LinkDown, LinkGarbled, LinkTimeout
from gateway.modbus import ModbusLink
from tests.slaves import Script, Slave, rtu, rtu_slave, serial_line

pytestmark = pytest.mark.servers
TIMEOUT_S = 0.15


def bus(port: str, baud: int = 115200) -> RtuBus:
    device = {"id": "d", "profile": "p", "unit": 1, "place": {"building": "b", "floor": 1}}
    return RtuBus.model_validate({"id": "bus", "type": "rtu", "port": port, "baud": baud, "devices": [device]})


def on_line(script: Script, trial: Callable[[ModbusLink, Slave], Awaitable[None]], baud: int = 115200) -> Slave:
    """Run a trial with an open link on one end of a line and a slave on the other."""

    async def both(master: str, end: str) -> Slave:
        async with rtu_slave(end, script) as slave:
            link = ModbusLink(bus(master, baud))
            await link.open()
            try:
                await trial(link, slave)
            finally:
                link.close()
            return slave

    with serial_line() as line:
        return asyncio.run(both(line.master, line.slave))


async def read(link: ModbusLink, address: int = 0, unit: int = 1, count: int = 2) -> tuple[int, ...]:
    return await link.read(unit, Table.INPUT, address, count, TIMEOUT_S)


def values_of(request: bytes) -> bytes:
    """A truthful answer: the value of a register is its own address."""
    first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    words = b"".join(address.to_bytes(2, "big") for address in range(first, first + count))
    return rtu((request[:2] + bytes([2 * count]) + words).hex())


def test_values_arrive_and_the_request_on_the_line_is_exactly_a_read() -> None:
    async def trial(link: ModbusLink, slave: Slave) -> None:
        assert await read(link, address=0x0102) == (0x0102, 0x0103)

    slave = on_line(lambda request: [(0, values_of(request))], trial)

    assert slave.requests == [rtu("01 04 01 02 00 02")]


def test_an_answer_in_pieces_is_put_together() -> None:
    async def trial(link: ModbusLink, slave: Slave) -> None:
        assert await read(link, address=7) == (7, 8)

    on_line(lambda r: [(0, values_of(r)[:1]), (0.02, values_of(r)[1:4]), (0.02, values_of(r)[4:])], trial)


def test_silence_is_a_time_out_that_says_how_long() -> None:
    async def trial(link: ModbusLink, slave: Slave) -> None:
        with pytest.raises(LinkTimeout, match="no answer within 150 ms"):
            await read(link)

    on_line(lambda request: [], trial)


def test_a_late_answer_is_never_taken_for_the_answer_to_the_next_question() -> None:
    async def trial(link: ModbusLink, slave: Slave) -> None:
        with pytest.raises(LinkTimeout):
            await read(link, address=0x10)
        # Same unit, same function, same length: nothing in the late frame tells it from the answer.
        assert await read(link, address=0x20) == (0x20, 0x21)

    late_s = TIMEOUT_S + 0.05  # at 9600 baud the line is left alone for 293 ms after a question given up
    on_line(lambda r: [(late_s if r[3] == 0x10 else 0, values_of(r))], trial, baud=9600)


def test_a_late_answer_of_another_unit_is_passed_over_while_waiting() -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        if request[0] == 1:
            return []
        return [(0.01, rtu("01 04 04 de ad de ad")), (0.02, values_of(request))]

    async def trial(link: ModbusLink, slave: Slave) -> None:
        with pytest.raises(LinkTimeout):
            await read(link, unit=1)
        assert await read(link, unit=2, address=5) == (5, 6)

    on_line(script, trial)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]),  # wrong CRC
        lambda frame: frame[:-3],  # cut short
        lambda frame: rtu((b"\x09" + frame[1:-2]).hex()),  # another unit's
        lambda frame: rtu((frame[:2] + b"\x02" + frame[3:5]).hex()),  # another length, sound in itself
        lambda frame: b"\xff\x00\x13\x37" * 3,  # noise
    ],
    ids=["crc", "cut", "unit", "length", "noise"],
)
def test_a_spoilt_answer_is_no_answer_and_the_next_question_is_answered(spoil: Callable[[bytes], bytes]) -> None:
    async def trial(link: ModbusLink, slave: Slave) -> None:
        with pytest.raises(LinkGarbled, match="bytes heard"):
            await read(link, address=3)
        assert await read(link, address=9) == (9, 10)

    on_line(lambda r: [(0, spoil(values_of(r)) if r[3] == 3 else values_of(r))], trial)


def test_noise_around_a_sound_answer_does_no_harm() -> None:
    async def trial(link: ModbusLink, slave: Slave) -> None:
        assert await read(link, address=4) == (4, 5)

    on_line(lambda r: [(0, b"\x00\x01\xff"), (0.01, values_of(r) + b"\x00")], trial)


def test_a_refusal_carries_its_exception_code() -> None:
    async def trial(link: ModbusLink, slave: Slave) -> None:
        with pytest.raises(DeviceRefused, match="exception 2 illegal data address") as caught:
            await read(link)
        assert caught.value.code == 2

    on_line(lambda request: [(0, rtu("01 84 02"))], trial)


def test_a_slow_line_has_the_time_that_its_bytes_need() -> None:
    """125 registers need 293 ms at 9600 baud: more than the time-out of the device itself."""

    async def trial(link: ModbusLink, slave: Slave) -> None:
        assert len(await read(link, count=125)) == 125

    on_line(lambda r: [(0.25, values_of(r))], trial, baud=9600)


def test_a_missing_port_is_said_by_name() -> None:
    async def trial() -> None:
        with pytest.raises(LinkDown, match="serial port /nowhere/ttyUSB7 is missing"):
            await ModbusLink(bus("/nowhere/ttyUSB7")).open()

    asyncio.run(trial())


def test_an_adapter_that_cannot_do_a_parity_is_a_line_down_and_its_port_is_given_back() -> None:
    """A pseudo-terminal has no parity: for the C library that is an error, and of another kind than OSError."""

    async def trial(port: str) -> None:
        with pytest.raises(LinkDown, match="cannot be opened"):
            await ModbusLink(bus(port).model_copy(update={"parity": "E"})).open()
        link = ModbusLink(bus(port))
        await link.open()
        link.close()

    with serial_line() as line:
        asyncio.run(trial(line.master))


def test_a_port_that_vanishes_is_a_line_down_and_works_again_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "ttyUSB0"

    async def trial() -> None:
        link = ModbusLink(bus(str(path)))
        with serial_line() as line:
            path.symlink_to(line.master)
            async with rtu_slave(line.slave, lambda r: [(0, values_of(r))]):
                assert await read(link) == (0, 1)
        path.unlink()
        with pytest.raises(LinkDown):
            await read(link)
        with serial_line() as line:
            path.symlink_to(line.master)
            async with rtu_slave(line.slave, lambda r: [(0, values_of(r))]):
                assert await read(link, address=6) == (6, 7)
        link.close()

    asyncio.run(trial())


def test_a_late_answer_is_never_taken_for_the_value_of_another_address() -> None:
    """Both have the same unit, function and length: only their order tells them apart."""

    async def trial(link: ModbusLink, slave: Slave) -> None:
        with pytest.raises(LinkTimeout):
            await read(link, address=0)
        await asyncio.sleep(0.25)
        assert await read(link, address=8) == (8, 9)
        await asyncio.sleep(0.25)
        assert await read(link, address=0) == (0, 1), "asked once again: nothing is owed any more"

    def script(request: bytes) -> list[tuple[float, bytes]]:
        late = not slave_was_asked
        slave_was_asked.append(request)
        return [(0.5 if late else 0.1, values_of(request))]

    slave_was_asked: list[bytes] = []
    on_line(script, trial)

    assert [request[3] for request in slave_was_asked] == [0, 8, 8, 0]
