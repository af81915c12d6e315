"""Words and bits + profile -> readings. An absent value is None with its cause in words, never 0.

A code, a unit or a float that the profile does not explain is refused rather than guessed:
a number in the wrong unit is worse than none.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from config.profile import UNKNOWN_BITS, Point, Register, Table, known_bits
from config.sparkplug import DataType, Value
from config.wire import Quality, Reading

Words = Mapping[tuple[Table, int], int]  # what a device last answered: address -> register (0..65535) or bit (0, 1)
DECIMALS_MAX = 9  # more decimals than any instrument has: not a scale but a misread register


class _Refused(ValueError):
    """This word says no value; str() is the cause."""


def decode_point(point: Point, words: Words, siblings: Mapping[str, Register]) -> Reading:
    """One point's reading. `siblings` are the profile's registers by name, for `scale_from` and `unit_from`."""
    register = point.register
    try:
        value = _value(point, register, words, siblings)
    except _Refused as refusal:
        return absent(point, str(refusal), Quality.BAD)
    return Reading(point.name, value, point.datatype)


def absent(point: Point, cause: str, quality: Quality = Quality.STALE) -> Reading:
    """The reading of a point that could not be read."""
    return Reading(point.name, None, point.datatype, quality, cause)


def raw_of(register: Register, words: Words) -> int:
    """The unsigned raw value of a register, 8-bit halves cut out. Raises KeyError for words that were not read."""
    first = words[register.table, register.address]
    if register.type == "bit":
        return first
    cells = [first]
    if register.registers == 2:
        cells.append(words[register.table, register.address + 1])
    if register.byte_order == "little":
        cells = [(cell & 0xFF) << 8 | cell >> 8 for cell in cells]
    if register.type.endswith("_high"):
        return cells[0] >> 8
    if register.type.endswith("_low"):
        return cells[0] & 0xFF
    if len(cells) == 1:
        return cells[0]
    high, low = cells if register.word_order == "high-first" else reversed(cells)
    return high << 16 | low


def _value(point: Point, register: Register, words: Words, siblings: Mapping[str, Register]) -> Value:
    try:
        raw = raw_of(register, words)
    except KeyError:
        raise _Refused("not read yet") from None
    number = _number(register, raw)
    if raw in register.no_value or number in register.no_value:
        raise _Refused(f"the device says no value ({raw:#06x})")
    if point.bit == UNKNOWN_BITS:
        return raw & ~known_bits(register)
    if point.bit is not None:
        bits = register.bits or {}
        inverted = any(bit.bit == point.bit and bit.inverted for bit in bits.values())
        return bool(raw >> point.bit & 1) is not inverted
    if register.type == "bit":
        return bool(raw)
    if isinstance(number, float) and not math.isfinite(number):
        raise _Refused(f"not a number ({raw:#010x})")
    if point.datatype is not DataType.DOUBLE:
        return number
    return _scaled(register, number, words, siblings)


def _number(register: Register, raw: int) -> int | float:
    if register.type == "float32":
        return float(struct.unpack(">f", raw.to_bytes(4, "big"))[0])
    if register.type.startswith("int"):
        bits = 8 if register.type.startswith("int8") else 16 * register.registers
        return raw - (1 << bits) if raw >= 1 << (bits - 1) else raw
    return raw


def _scaled(register: Register, number: int | float, words: Words, siblings: Mapping[str, Register]) -> float:
    value = float(number)
    if register.scale_from is not None:
        decimals = _sibling(register.scale_from, words, siblings, "decimals")
        if decimals > DECIMALS_MAX:
            raise _Refused(f"{decimals} decimals, expected at most {DECIMALS_MAX}")
        value /= 10**decimals
    if register.unit_from is not None and register.units is not None:
        code = _sibling(register.unit_from, words, siblings, "unit code")
        if code not in register.units:
            raise _Refused(f"unit code {code} is not in the profile")
        value *= register.units[code]
    if value == number and (register.scale, register.offset) == (1.0, 0.0):
        return value  # a float as the device sent it, to the last bit
    value = value * register.scale + register.offset
    # A scale of 0.1 must not turn 123 into 12.300000000000001 in every message.
    return float(f"{value:.12g}")


def _sibling(name: str, words: Words, siblings: Mapping[str, Register], what: str) -> int:
    register = siblings[name]
    try:
        raw = raw_of(register, words)
    except KeyError:
        raise _Refused(f"its {what} ({name}) was not read") from None
    if raw in register.no_value:
        raise _Refused(f"its {what} ({name}) says no value")
    return raw
