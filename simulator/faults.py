"""Faults by name: what becomes of a correct answer on its way back to the master."""

from __future__ import annotations

from enum import StrEnum

LATE_S = 0.8  # beyond every shipped profile's response time-out
Sending = tuple[float, bytes]  # after so many seconds, these bytes


class Fault(StrEnum):
    """What can be wrong with a unit, or (no-connection) with a whole bus."""

    SILENT = "silent"  # powered down or unplugged
    LATE = "late"  # answers after the master has given up
    GARBLED = "garbled"  # noise on the line, a converter that mixes its replies up
    NO_CONNECTION = "no-connection"  # a bus: the converter refuses connections, the line is cut


def spoil(fault: Fault | None, frame: bytes, *, serial: bool, chance: float) -> tuple[Sending, ...]:
    """What is really sent instead of `frame`. `chance` (0 to 1) chooses among the ways of being garbled."""
    match fault:
        case None:
            return ((0.0, frame),)
        case Fault.LATE:
            return ((LATE_S, frame),)
        case Fault.GARBLED:
            ways = _serial_noise(frame) if serial else _tcp_noise(frame)
            return ((0.0, ways[min(int(chance * len(ways)), len(ways) - 1)]),)
    return ()


def _serial_noise(frame: bytes) -> tuple[bytes, ...]:
    """A flipped bit, a frame that breaks off, another unit's address, echo and noise before the frame."""
    flipped = bytearray(frame)
    flipped[len(frame) // 2] ^= 0x10
    return (bytes(flipped), frame[:-3], bytes([frame[0] ^ 0x40]) + frame[1:], b"\x00\xff\x55" + bytes(flipped))


def _tcp_noise(frame: bytes) -> tuple[bytes, ...]:
    """Another transaction, another protocol, another unit, fewer bytes than the header promises."""
    return (
        bytes([frame[0] ^ 0xFF]) + frame[1:],
        frame[:2] + b"\xff\xff" + frame[4:],
        frame[:6] + bytes([frame[6] ^ 0x40]) + frame[7:],
        frame[:-1],
    )
