"""Bytes on a line that answer no question of ours: another master, noise, an echo, a unit that answers for others."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

NOBODY = (10, 11)  # exceptions of a converter in place of a unit that does not answer
READS, SINGLE_WRITES, WRITES = (1, 2, 3, 4), (5, 6), (5, 6, 15, 16)
LATE_S = 10.0  # so long a unit may still answer a question given up
BURST_GAP_S = 0.05  # above what a USB adapter holds back, below the pause of any master
UNASKED_BURSTS_MIN, UNASKED_BYTES_MIN = 3, 16  # below both it is a glitch
EXCERPT_BYTES = 64
TIMES_MAX = 64  # of each kind of event: enough to tell a rhythm
LATE_MAX = 16
MASTERS_QUESTIONS_MAX = 512  # units times functions of another master: more is noise that happens to have a CRC


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
        found.append(byte)
    return tuple(found)


_CRC = _table()


def crc_fits(frame: bytes) -> bool:
    """Whether the last two bytes are the CRC-16/MODBUS of the others (Modbus over serial line, §6.2.2)."""
    value = 0xFFFF
    for byte in frame[:-2]:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return frame[-2:] == bytes((value & 0xFF, value >> 8))


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes at a moment (s, of any clock that only goes forward), sent by us or heard."""

    at_s: float
    sent: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A sound frame on a serial line. `asks`: a master's question, or an answer that repeats it (a single write)."""

    unit: int
    function: int
    asks: bool
    data: bytes


def frames_in(heard: bytes, question: bytes = b"") -> tuple[list[Frame], bytes]:
    """The sound RTU frames in some bytes, in their order, and the bytes that belong to none.

    Three bytes of bits are as long as a question: after a question (`question`: ours) they are its answer.
    """
    frames: list[Frame] = []
    rest, at = bytearray(), 0
    while at < len(heard):
        frame = _frame_at(heard, at, frames[-1].data if frames and frames[-1].asks else question)
        if frame is None:
            rest.append(heard[at])
            at += 1
        else:
            frames.append(frame)
            at += len(frame.data)
    return frames, bytes(rest)


def _frame_at(heard: bytes, at: int, question: bytes) -> Frame | None:
    if len(heard) - at < 5:
        return None
    unit, function, third = heard[at], heard[at + 1], heard[at + 2]
    lengths: list[tuple[int, bool]] = []
    if function in READS:
        lengths = [(8, True), (5 + third, False)]
        if question[:2] == heard[at : at + 2] and not heard.startswith(question, at):
            lengths.reverse()
    elif function in SINGLE_WRITES:
        lengths = [(8, True)]
    elif function in WRITES:
        lengths = [(8, False)] + ([(9 + heard[at + 6], True)] if len(heard) - at > 6 else [])
    elif function & 0x80 and function & 0x7F in (*READS, *WRITES):
        lengths = [(5, False)]
    for length, asks in lengths:
        frame = heard[at : at + length]
        if len(frame) == length and crc_fits(frame):
            return Frame(unit, function, asks, frame)
    return None


def hexdump(data: bytes) -> str:
    """Sixteen bytes a line, as hex and as the characters that they may be."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):<47}  {text}")
    return "\n".join(lines)


@dataclass(slots=True)
class Overheard:
    """The account of a line: everything that was heard on it and answered no question of ours."""

    serial: bool
    sound_answers: int = 0  # to our questions
    garbled_answers: int = 0  # bytes came after a question, and no sound answer among them
    crc_errors: int = 0  # of these: an answer of the unit asked, but for its checksum
    noise_bytes: int = 0
    unasked_bytes: int = 0  # of these: while nobody had asked
    echoes: int = 0  # our own question came back
    late_refusals: int = 0  # a converter's word that a unit does not answer, after we had given up
    excerpt: bytes = b""  # the first bytes that belong to nothing
    bursts_s: list[float] = field(default_factory=list)  # when bytes came that nobody had asked for
    master_s: list[float] = field(default_factory=list)  # when another master's questions came
    master_asks: dict[tuple[int, int], int] = field(default_factory=dict)  # unit, function -> how often
    answering: set[int] = field(default_factory=set)  # units that answered another master
    late: set[int] = field(default_factory=set)  # units that answered a question given up
    instead: dict[int, set[int]] = field(default_factory=dict)  # unit asked -> units that answered in its place
    _asked: int = 0  # the unit of our last question
    _given_up: list[tuple[float, int]] = field(default_factory=list)

    def take(self, pieces: Iterable[Piece]) -> None:
        """Account for what was sent and heard, in its order; a question and all bytes up to the next in one call."""
        for question, heard, at_s in _hearings(pieces):
            if self.serial:
                self._serial(question, heard, at_s)
            else:
                self._tcp(question, heard, at_s)

    @property
    def masters(self) -> bool:
        """True once another master was heard: its questions, or answers to somebody who is not us."""
        return bool(self.master_asks or self.answering)

    @property
    def is_used(self) -> bool:
        """True if somebody seems to talk here who is not understood: bursts that nobody had asked for, or one long one,
        which is how a master without pauses sounds."""
        return len(self.bursts_s) >= UNASKED_BURSTS_MIN or self.unasked_bytes >= UNASKED_BYTES_MIN

    def period_s(self) -> float | None:
        """How far apart the other master's questions are, or else the bursts that nobody asked for."""
        times = self.master_s or self.bursts_s
        gaps = [b - a for a, b in pairwise(times)]
        return statistics.median(gaps) if len(gaps) >= 2 else None

    def _serial(self, question: bytes, heard: bytes, at_s: float) -> None:
        frames, rest = frames_in(heard, question)
        answered = False
        foreign = [frame for frame in frames if frame.asks and frame.data != question]
        for frame in frames:
            if frame.data == question:
                self.echoes += 1
            elif frame.asks:
                key = (frame.unit, frame.function)
                if key in self.master_asks or len(self.master_asks) < MASTERS_QUESTIONS_MAX:
                    self.master_asks[key] = self.master_asks.get(key, 0) + 1
                _note(self.master_s, at_s)
            elif question and frame.unit == question[0] and frame.function & 0x7F == question[1]:
                answered = True
            elif self._was_given_up(frame.unit, at_s):
                self.late.add(frame.unit)
            elif question and not foreign and not self.masters:
                self.instead.setdefault(question[0], set()).add(frame.unit)
            elif question or frame.unit != self._asked:  # a repeater may say an answer twice
                self.answering.add(frame.unit)
                _note(self.bursts_s, at_s)
        self._count(question, answered, bool(heard), rest, at_s)
        if question:
            self._asked = question[0]
            if not answered:
                self._give_up(question[0], at_s)
            if not answered and len(rest) >= 5 and rest[:2] == question[:2]:
                self.crc_errors += 1

    def _tcp(self, question: bytes, heard: bytes, at_s: float) -> None:
        answered, at = False, 0
        while len(heard) - at >= 9 and heard[at + 2 : at + 4] == b"\0\0":
            end = at + 6 + int.from_bytes(heard[at + 4 : at + 6], "big")
            if question and heard.startswith(question, at):
                self.echoes += 1
            elif question and heard[at : at + 2] == question[:2]:
                if heard[at + 6] == question[6]:
                    answered = True
                else:
                    self.instead.setdefault(question[6], set()).add(heard[at + 6])
            elif heard[at + 7] & 0x80 and heard[at + 8] in NOBODY:
                self.late_refusals += 1
            else:
                self.late.add(heard[at + 6])
            at = max(end, at + 9)
        self._count(question, answered, bool(heard), heard[at:], at_s)

    def _count(self, question: bytes, answered: bool, heard: bool, rest: bytes, at_s: float) -> None:
        self.noise_bytes += len(rest)
        self.excerpt += rest[: EXCERPT_BYTES - len(self.excerpt)]
        if not question:
            self.unasked_bytes += len(rest)
            if rest:
                _note(self.bursts_s, at_s)
        elif answered:
            self.sound_answers += 1
        elif heard and rest:
            self.garbled_answers += 1

    def _was_given_up(self, unit: int, at_s: float) -> bool:
        return any(each == unit and at_s - gone_s < LATE_S for gone_s, each in self._given_up)

    def _give_up(self, unit: int, at_s: float) -> None:
        self._given_up.append((at_s, unit))
        del self._given_up[:-LATE_MAX]

    def facts(self) -> dict[str, Any]:
        """The account as plain JSON."""
        return {
            "sound_answers": self.sound_answers,
            "garbled_answers": self.garbled_answers,
            "crc_errors": self.crc_errors,
            "noise_bytes": self.noise_bytes,
            "echoes": self.echoes,
            "late_refusals": self.late_refusals,
            "excerpt": self.excerpt.hex(" "),
            "master_asks": [[unit, function, n] for (unit, function), n in sorted(self.master_asks.items())],
            "answering_master": sorted(self.answering),
            "late": sorted(self.late),
            "instead": [[asked, sorted(units)] for asked, units in sorted(self.instead.items())],
        }

    @classmethod
    def of_facts(cls, serial: bool, facts: dict[str, Any]) -> Overheard:
        """The account again, for a scan that goes on. Raises KeyError, TypeError, ValueError for other JSON."""
        return cls(
            serial,
            sound_answers=int(facts["sound_answers"]),
            garbled_answers=int(facts["garbled_answers"]),
            crc_errors=int(facts["crc_errors"]),
            noise_bytes=int(facts["noise_bytes"]),
            echoes=int(facts["echoes"]),
            late_refusals=int(facts["late_refusals"]),
            excerpt=bytes.fromhex(facts["excerpt"]),
            master_asks={(int(unit), int(function)): int(n) for unit, function, n in facts["master_asks"]},
            answering={int(unit) for unit in facts["answering_master"]},
            late={int(unit) for unit in facts["late"]},
            instead={int(asked): {int(unit) for unit in units} for asked, units in facts["instead"]},
        )


def _hearings(pieces: Iterable[Piece]) -> Iterator[tuple[bytes, bytes, float]]:
    """Each question (none: nobody had asked) with all bytes heard until the next, and when it began.

    What nobody had asked for is cut where the line was silent.
    """
    question, heard, at_s, last_s = b"", b"", 0.0, 0.0
    for piece in pieces:
        if piece.sent or (not question and piece.at_s - last_s > BURST_GAP_S):
            if question or heard:
                yield question, heard, at_s
            question, heard, at_s = (piece.data, b"", piece.at_s) if piece.sent else (b"", b"", piece.at_s)
        if not piece.sent:
            heard += piece.data
        last_s = piece.at_s
    if question or heard:
        yield question, heard, at_s


def _note(times: list[float], at_s: float) -> None:
    if len(times) < TIMES_MAX and (not times or at_s > times[-1]):
        times.append(at_s)
