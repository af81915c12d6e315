"""Promises of the simulated slave: byte-exact answers, the right exception, and faults that never look like values."""

from __future__ import annotations

import pytest

from config.profile import Table
from simulator.faults import LATE_S, Fault, spoil
from simulator.models import Registers
from simulator.responder import respond
from simulator.serve import crc16, request_length

REGISTERS: Registers = {
    Table.INPUT: {0: 0x022B, 1: 0x0000, 2: 0x0064},
    Table.DISCRETE: dict(enumerate([0, 0, 1, 1, 0, 1, 0, 1, 1, 1])),
}


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("04 0000 0003", "04 06 022B 0000 0064"),
        ("04 0002 0001", "04 02 0064"),
        ("02 0000 000A", "02 02 AC 03"),
        ("02 0008 0001", "02 01 01"),
    ],
)
def test_a_read_is_answered_byte_for_byte(request_hex: str, answer_hex: str) -> None:
    assert respond(bytes.fromhex(request_hex), REGISTERS) == bytes.fromhex(answer_hex)


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("04 0003 0001", "84 02"),
        ("04 0002 0002", "84 02"),
        ("04 FFFF 0002", "84 02"),
        ("04 0000 0000", "84 03"),
        ("04 0000 007E", "84 03"),  # 126 registers
        ("02 0000 07D1", "82 03"),  # 2001 bits
        ("04 0000", "84 03"),
        ("03 0000 0001", "83 01"),  # no such table here
        ("06 0000 0001", "86 01"),
        ("2B 0E 01 00", "AB 01"),
        ("00", "80 01"),
    ],
)
def test_what_cannot_be_read_is_an_exception_or_for_the_silent_kind_nothing(request_hex: str, answer_hex: str) -> None:
    assert respond(bytes.fromhex(request_hex), REGISTERS) == bytes.fromhex(answer_hex)
    if request_hex != "04 0002 0002":
        assert respond(bytes.fromhex(request_hex), REGISTERS, keeps_silent=True) is None


def test_the_silent_kind_cuts_a_long_read_short() -> None:
    assert respond(bytes.fromhex("04 0002 0002"), REGISTERS, keeps_silent=True) == bytes.fromhex("04 02 0064")


def test_the_crc_is_that_of_the_specification() -> None:
    assert crc16(bytes.fromhex("02 07")) == bytes.fromhex("41 12")  # serial line guide, appendix B
    assert crc16(bytes.fromhex("01 03 00 00 00 0A")) == bytes.fromhex("C5 CD")


@pytest.mark.parametrize(
    ("frame_hex", "length"),
    [("", None), ("01", None), ("01 04", 8), ("01 06 00", 8), ("01 10 0000 0002 04", 13), ("01 10 0000", None)],
)
def test_a_request_is_known_by_its_length(frame_hex: str, length: int | None) -> None:
    assert request_length(bytes.fromhex(frame_hex)) == length


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_a_garbled_serial_answer_never_has_a_right_crc_for_its_unit(chance: float) -> None:
    frame = bytes.fromhex("01 04 02 0003")
    frame += crc16(frame)
    ((delay_s, data),) = spoil(Fault.GARBLED, frame, serial=True, chance=chance)

    assert delay_s == 0
    assert data[0] != 1 or crc16(data[:-2]) != data[-2:]


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.6, 0.9])
def test_a_garbled_tcp_answer_is_of_another_transaction_protocol_unit_or_length(chance: float) -> None:
    frame = bytes.fromhex("0001 0000 0005 01 04 02 0003")
    ((_, data),) = spoil(Fault.GARBLED, frame, serial=False, chance=chance)

    assert data != frame
    assert (data[:7] != frame[:7]) != (len(data) != len(frame))


def test_the_other_faults_are_what_they_are_called() -> None:
    frame = b"frame"

    assert spoil(None, frame, serial=True, chance=0) == ((0.0, frame),)
    assert spoil(Fault.SILENT, frame, serial=True, chance=0) == ()
    assert spoil(Fault.LATE, frame, serial=True, chance=0) == ((LATE_S, frame),)
