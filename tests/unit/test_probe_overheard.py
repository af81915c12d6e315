"""Bytes on a line that answer nothing: whose they are, and what is only noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.probe.overheard import Overheard, Piece, frames_in, hexdump
from tests.slaves import rtu

ASK_1, ANSWER_1 = rtu("01 04 00 00 00 01"), rtu("01 04 02 00 07")
ASK_2, ANSWER_2 = rtu("02 03 00 10 00 02"), rtu("02 03 04 00 01 00 02")
REFUSAL_1, WRITE_5 = rtu("01 84 02"), rtu("05 06 00 01 00 03")


def sent(at_s: float, data: bytes) -> Piece:
    return Piece(at_s, True, data)


def heard(at_s: float, data: bytes) -> Piece:
    return Piece(at_s, False, data)


def account(*pieces: Piece, serial: bool = True) -> Overheard:
    found = Overheard(serial)
    found.take(pieces)
    return found


@pytest.mark.parametrize(
    ("data", "frames", "rest"),
    [
        (ASK_1 + ANSWER_1, [(1, 4, True), (1, 4, False)], b""),
        (b"\xff" + ASK_2 + ANSWER_2 + b"\x00", [(2, 3, True), (2, 3, False)], b"\xff\x00"),
        (REFUSAL_1, [(1, 0x84, False)], b""),
        (WRITE_5 + WRITE_5, [(5, 6, True), (5, 6, True)], b""),
        (rtu("05 10 00 01 00 01 02 00 09"), [(5, 16, True)], b""),
        (ASK_1[:-1], [], ASK_1[:-1]),
        (ANSWER_1[:-1] + b"\x00", [], ANSWER_1[:-1] + b"\x00"),
        # Three bytes of bits are as long as a question: after one they are its answer.
        (rtu("01 02 00 00 00 18") + rtu("01 02 03 05 00 80"), [(1, 2, True), (1, 2, False)], b""),
    ],
)
def test_sound_frames_are_told_from_noise(data: bytes, frames: list[tuple[int, int, bool]], rest: bytes) -> None:
    found, left = frames_in(data)

    assert [(each.unit, each.function, each.asks) for each in found] == frames
    assert left == rest


def test_bits_after_our_own_question_are_its_answer_and_no_other_master() -> None:
    found = account(sent(0, rtu("01 02 00 00 00 18")), heard(0.01, rtu("01 02 03 05 00 80")))

    assert found.sound_answers == 1 and not found.masters


@given(st.binary(max_size=200))
def test_no_byte_is_lost_and_none_is_counted_twice(data: bytes) -> None:
    frames, rest = frames_in(data)

    assert sum(len(each.data) for each in frames) + len(rest) == len(data)


@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=40)), max_size=8), st.booleans())
def test_nothing_that_is_heard_can_break_it(said: list[tuple[bool, bytes]], serial: bool) -> None:
    pieces = [Piece(0.01 * n, of_us and len(data) >= 8, data) for n, (of_us, data) in enumerate(said)]

    found = account(*pieces, serial=serial)

    assert Overheard.of_facts(serial, found.facts()).facts() == found.facts()


def test_our_own_answer_is_nothing_special() -> None:
    found = account(sent(0, ASK_1), heard(0.01, ANSWER_1[:3]), heard(0.02, ANSWER_1[3:]))

    assert (found.sound_answers, found.noise_bytes, found.masters, found.instead) == (1, 0, False, {})


def test_an_echo_is_no_master_and_no_noise() -> None:
    found = account(sent(0, ASK_1), heard(0.001, ASK_1), heard(0.01, ANSWER_1), sent(1, ASK_2), heard(1.001, ASK_2))

    assert (found.echoes, found.sound_answers, found.garbled_answers, found.masters) == (2, 1, 0, False)


def test_another_master_is_known_by_its_questions_with_their_rhythm() -> None:
    found = account(*(heard(0.5 * n, ASK_2 + ANSWER_2) for n in range(5)))

    assert found.masters and found.master_asks == {(2, 3): 5} and found.answering == {2}
    assert found.period_s() == pytest.approx(0.5)


def test_a_unit_that_answers_somebody_else_only_is_a_master_that_is_not_heard() -> None:
    assert account(heard(0, ANSWER_2), heard(1, ANSWER_2)).masters


def test_an_answer_that_is_said_twice_is_no_other_master() -> None:
    found = account(sent(0, ASK_1), heard(0.01, ANSWER_1))
    found.take([heard(0.2, ANSWER_1)])

    assert not found.masters


def test_a_late_answer_is_late_and_not_in_place_of_another() -> None:
    found = account(sent(0, ASK_1))
    found.take([sent(0.5, ASK_2), heard(0.6, ANSWER_1)])

    assert found.late == {1} and found.instead == {} and not found.masters


def test_an_answer_of_a_unit_that_nobody_asked_is_in_place_of_the_one_asked() -> None:
    found = account(sent(0, ASK_1), heard(0.01, ANSWER_2))

    assert found.instead == {1: {2}} and not found.masters


def test_a_broken_answer_is_counted_by_what_broke() -> None:
    checksum = account(sent(0, ASK_1), heard(0.01, ANSWER_1[:-1] + b"\x00"))
    noise = account(sent(0, ASK_1), heard(0.01, b"\x00\xff\x00\xff\x00"))

    assert (checksum.garbled_answers, checksum.crc_errors, checksum.noise_bytes) == (1, 1, 7)
    assert (noise.garbled_answers, noise.crc_errors, noise.excerpt) == (1, 0, b"\x00\xff\x00\xff\x00")


def test_over_tcp_a_frame_says_whose_it_is() -> None:
    ask = bytes.fromhex("0001 0000 0006 03 04 0000 0001")
    found = account(sent(0, ask), heard(0, bytes.fromhex("0001 0000 0005 09 04 02 0007")), serial=False)
    late = account(sent(0, ask), heard(0, bytes.fromhex("0000 0000 0005 02 04 02 0007")), serial=False)

    echo = account(sent(0, ask), heard(0, ask), serial=False)

    assert found.instead == {3: {9}} and late.late == {2} and found.noise_bytes == late.noise_bytes == 0
    assert (echo.echoes, echo.sound_answers) == (1, 0)


def test_a_line_is_used_where_bytes_come_unasked_in_bursts_or_without_end_but_not_for_a_glitch() -> None:
    glitch, answered = account(heard(0, b"\x00\xf8")), account(sent(0, ASK_1), heard(0, b"\x00\xf8" * 20))
    endless = account(*(heard(n / 100, b"\x00\xf8") for n in range(8)))  # a master that pauses for no burst to end
    bursts = account(*(heard(n, b"\xf8") for n in range(3)))

    assert [each.is_used for each in (glitch, answered, endless, bursts)] == [False, False, True, True]


def test_everything_has_a_bound() -> None:
    found = Overheard(True)
    for n in range(2000):
        found.take([heard(n, rtu(f"{n % 247 + 1:02x} {n % 4 + 1:02x} 00 00 00 01") + b"\xff\xff")])

    assert len(found.master_asks) <= 512 and len(found.master_s) <= 64 and len(found.excerpt) <= 64


def test_a_hexdump_has_sixteen_bytes_a_line_and_shows_what_is_text() -> None:
    first, second = hexdump(b"HTTP/1.1 400 Bad").splitlines()[0], hexdump(bytes(17)).splitlines()[1]

    assert first == "0000  48 54 54 50 2f 31 2e 31 20 34 30 30 20 42 61 64  HTTP/1.1 400 Bad"
    assert second.startswith("0010  00 ")
