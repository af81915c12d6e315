"""Raw words in every way that they may be meant."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from config.profile import Table

MANUAL_FIRST = {Table.COIL: 0, Table.DISCRETE: 1, Table.INPUT: 3, Table.HOLDING: 4}  # the leading digit in manuals
FIVE_DIGITS_MAX = 9998  # 0-based; beyond it manuals write six digits


class BadRegister(ValueError):
    """A manual's register number that cannot be meant; str() says what was expected."""


def in_manuals(table: Table, address: int) -> str:
    """An address of the wire (0-based) as manuals print it: holding 0 is 40001."""
    width = 4 if address <= FIVE_DIGITS_MAX else 5
    return f"{MANUAL_FIRST[table]}{address + 1:0{width}d}"


def of_manual(text: str) -> tuple[Table, int]:
    """The table and address of a manual's number: 30001 is input 0. Raises BadRegister."""
    tables = {str(first): table for table, first in MANUAL_FIRST.items()}
    if not text.isdecimal() or len(text) not in (5, 6) or text[0] not in tables or int(text[1:]) < 1:
        raise BadRegister(f"{text!r}: expected a register as manuals print it, 40001 or 400001 (0, 1, 3 or 4 first)")
    address = int(text[1:]) - 1
    if address > 0xFFFF:
        raise BadRegister(f"{text!r}: expected at most {text[0]}65536")
    return tables[text[0]], address


@dataclass(frozen=True, slots=True)
class Word:
    """One register with what it may mean; the floats begin here and end in the next word, None where that is absent."""

    address: int
    raw: int
    float_high_first: float | None
    float_low_first: float | None

    @property
    def signed(self) -> int:
        """As int16."""
        return self.raw - 0x10000 if self.raw >= 0x8000 else self.raw

    @property
    def text(self) -> str:
        """As two characters; a dot stands for what is none."""
        return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in self.raw.to_bytes(2, "big"))

    def facts(self) -> dict[str, Any]:
        """As plain JSON, which knows neither infinity nor NaN."""
        floats = [self.float_high_first, self.float_low_first]
        high, low = [each if each is not None and math.isfinite(each) else None for each in floats]
        return {
            "address": self.address,
            "hex": f"{self.raw:04x}",
            "unsigned": self.raw,
            "signed": self.signed,
            "float_high_first": high,
            "float_low_first": low,
            "text": self.text,
        }


def words_of(values: dict[int, int]) -> list[Word]:
    """Registers by address -> each with its meanings, in order."""
    found = []
    for address, raw in sorted(values.items()):
        after = values.get(address + 1)
        high = None if after is None else _float(raw, after)
        low = None if after is None else _float(after, raw)
        found.append(Word(address, raw, high, low))
    return found


def shown_float(value: float | None) -> str:
    """Short, and empty where there is none or it says nothing."""
    if value is None:
        return ""
    return f"{value:.7g}"


def _float(high: int, low: int) -> float:
    return float(struct.unpack(">f", struct.pack(">HH", high, low))[0])
