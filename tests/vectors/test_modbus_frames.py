"""Modbus bytes written by hand: which of them answer a question, and which may leave the process at all."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.profile import Table
from config.site import TcpBus
from gateway.link import DeviceRefused, LinkGarbled, LinkTimeout
from gateway.modbus import ModbusLink, Question, WriteForbidden, guard, new_client, rtu_answer, tcp_answer
from tests.slaves import rtu, tcp_slave

ASKED = Question(unit=0x11, function=4, payload_bytes=4)
GOOD = bytes.fromhex("11 04 04 00 0a 00 0b 8b 80")


def test_the_hand_made_crc_agrees_with_the_published_example() -> None:
    # A much quoted example: 01 03 00 00 00 01 has the CRC 84 0A.
    assert rtu("01 03 00 00 00 01") == bytes.fromhex("01 03 00 00 00 01 84 0a")
    assert rtu("11 04 04 00 0a 00 0b") == GOOD


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        (GOOD, GOOD),
        (b"\x00" + GOOD, GOOD),  # the line's glitch when a driver switches on
        (b"\x11\x04" + GOOD, GOOD),
        (bytes.fromhex("00 01 ff 11 04 04") + GOOD + b"\xff", GOOD),
        (rtu("12 04 04 00 01 00 02") + GOOD, GOOD),  # another unit's late answer before ours
        (rtu("11 03 04 00 01 00 02") + GOOD, GOOD),  # an answer to another function
        (rtu("11 04 02 00 01") + GOOD, GOOD),  # an answer of another length
        (rtu("11 84 02"), rtu("11 84 02")),  # refused
        (rtu("11 84 02") + b"\x00", rtu("11 84 02")),
        (GOOD[:-1], b""),  # not all there yet
        (GOOD[:-1] + b"\x00", b""),  # wrong CRC
        (rtu("12 04 04 00 0a 00 0b"), b""),  # wrong unit
        (rtu("11 84 02")[:4], b""),
        (b"", b""),
        (bytes(264), b""),
    ],
)
def test_only_the_sound_frame_that_answers_the_question_is_taken_from_a_serial_line(
    heard: bytes, answer: bytes
) -> None:
    assert rtu_answer(heard, ASKED) == answer


TCP_ASKED = Question(unit=1, function=4, payload_bytes=4, transaction=7)
TCP_GOOD = bytes.fromhex("00 07 00 00 00 07 01 04 04 00 0a 00 0b")


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        (TCP_GOOD, TCP_GOOD),
        (bytes.fromhex("00 06 00 00 00 07 01 04 04 00 01 00 02") + TCP_GOOD, TCP_GOOD),  # a late answer first
        (bytes.fromhex("00 07 00 00 00 03 01 84 02"), bytes.fromhex("00 07 00 00 00 03 01 84 02")),
        (bytes.fromhex("00 07 00 00 00 07 02 04 04 00 0a 00 0b"), b""),  # wrong unit
        (bytes.fromhex("00 07 00 00 00 07 01 03 04 00 0a 00 0b"), b""),  # wrong function
        (bytes.fromhex("00 07 00 00 00 05 01 04 02 00 0a"), b""),  # too short a payload
        (bytes.fromhex("00 07 00 00 00 07 01 04 06 00 0a 00 0b"), b""),  # byte count beyond the frame
        (bytes.fromhex("00 07 00 01 00 07 01 04 04 00 0a 00 0b"), b""),  # not Modbus
        (TCP_GOOD[:-1], b""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
    ],
)
def test_only_the_frame_of_our_transaction_and_unit_is_taken_from_tcp(heard: bytes, answer: bytes) -> None:
    assert tcp_answer(heard, TCP_ASKED) == answer


@given(st.binary(max_size=300))
def test_no_bytes_from_the_line_can_upset_the_search(heard: bytes) -> None:
    found = rtu_answer(heard, ASKED)
    assert found == b"" or found in heard
    found = tcp_answer(heard, TCP_ASKED)
    assert found == b"" or found in heard


@pytest.mark.parametrize("function", range(256))
def test_the_guard_lets_four_function_codes_out_and_no_other(function: int) -> None:
    packet = bytes([1, function, 0, 0, 0, 1])

    if function in (1, 2, 3, 4):
        assert guard(packet, 1) == packet
    else:
        with pytest.raises(WriteForbidden):
            guard(packet, 1)


def test_not_one_byte_of_a_write_reaches_the_device_whatever_the_library_is_told() -> None:
    async def trial() -> list[bytes]:
        async with tcp_slave(lambda request: []) as slave:
            bus = _bus(slave.port)
            client = new_client(bus, ModbusLink(bus).trace)
            assert await client.connect()
            writes = [name for name in dir(client) if "write" in name]
            assert len(writes) >= 4
            for name, arguments in {
                "write_" + "coil": (0, True),
                "write_" + "register": (0, 1),
                "write_" + "coils": (0, [True]),
                "write_" + "registers": (0, [1]),
            }.items():
                with pytest.raises(WriteForbidden):
                    await getattr(client, name)(*arguments, device_id=1)
            client.close()
            return slave.requests

    assert asyncio.run(trial()) == []


@pytest.mark.parametrize(
    ("table", "request_pdu", "answer_pdu", "values"),
    [
        (Table.COIL, "01 00 13 00 0a", "01 02 cd 02", (1, 0, 1, 1, 0, 0, 1, 1, 0, 1)),
        (Table.DISCRETE, "02 00 13 00 0a", "02 02 01 02", (1, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
        (Table.HOLDING, "03 00 13 00 02", "03 04 ae 41 56 52", (0xAE41, 0x5652)),
        (Table.INPUT, "04 00 13 00 02", "04 04 00 00 ff ff", (0, 0xFFFF)),
    ],
)
def test_each_table_is_read_by_its_own_function_code(
    table: Table, request_pdu: str, answer_pdu: str, values: tuple[int, ...]
) -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        pdu = bytes.fromhex(answer_pdu)
        return [(0, request[:4] + (len(pdu) + 1).to_bytes(2, "big") + request[6:7] + pdu)]

    async def trial() -> tuple[tuple[int, ...], bytes]:
        async with tcp_slave(script) as slave:
            link = ModbusLink(_bus(slave.port))
            found = await link.read(5, table, 0x13, len(values), 1.0)
            link.close()
            return found, slave.requests[0]

    found, request = asyncio.run(trial())

    assert found == values
    assert request[4:] == bytes.fromhex("00 06 05" + request_pdu)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ("81 02", DeviceRefused, "exception 2 illegal data address"),
        ("82 06", DeviceRefused, "exception 6 device busy"),
        ("81 0b", LinkTimeout, "exception 11 gateway target failed to respond"),  # a converter, of a silent unit
        ("03 04 00 01 00 02", LinkGarbled, "no sound answer within 200 ms"),
    ],
)
def test_a_refusal_or_an_answer_to_another_question_is_an_error_in_words(
    answer: str, error: type[Exception], words: str
) -> None:
    pdu = bytes.fromhex(answer)
    table = Table.COIL if pdu[0] == 0x81 else Table.DISCRETE

    async def trial() -> str:
        async with tcp_slave(lambda r: [(0, r[:4] + (len(pdu) + 1).to_bytes(2, "big") + r[6:7] + pdu)]) as slave:
            link = ModbusLink(_bus(slave.port))
            try:
                with pytest.raises(error) as caught:
                    await link.read(5, table, 0, 8, 0.2)
            finally:
                link.close()
            return str(caught.value)

    assert words in asyncio.run(trial())


def _bus(port: int) -> TcpBus:
    place = {"building": "b", "floor": 1}
    device = {"id": "d", "profile": "p", "unit": 1, "place": place}
    return TcpBus.model_validate({"id": "bus", "type": "tcp", "host": "127.0.0.1", "port": port, "devices": [device]})
