"""The slave's side of Modbus, byte for byte: a request's PDU -> the answer's PDU. Reads only; a write is refused."""

from __future__ import annotations

from config.profile import BITS_PER_READ_MAX, REGISTERS_PER_READ_MAX, Table
from simulator.models import Registers

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
TARGET_DOES_NOT_ANSWER = 0x0B  # a TCP converter's word for a unit that is not on its line
WRITES = frozenset({5, 6, 15, 16, 21, 22, 23})
_TABLES = {table.function_code: table for table in Table}


def respond(pdu: bytes, registers: Registers, keeps_silent: bool = False) -> bytes | None:
    """The answer to a request, None for silence.

    `keeps_silent`: the device answers no exception, and cuts a read that goes too far short instead.
    """
    answer = _read(pdu, registers, cut_short=keeps_silent)
    if isinstance(answer, bytes):
        return answer
    return None if keeps_silent else exception(pdu, answer)


def exception(pdu: bytes, code: int) -> bytes:
    """The exception answer to a request."""
    return bytes([pdu[0] | 0x80, code])


def _read(pdu: bytes, registers: Registers, cut_short: bool) -> bytes | int:
    """The answer to a read, or the exception code."""
    table = _TABLES.get(pdu[0])
    if table is None or table not in registers:
        return ILLEGAL_FUNCTION
    address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    most = BITS_PER_READ_MAX if table.is_bits else REGISTERS_PER_READ_MAX
    if len(pdu) != 5 or not 1 <= count <= most:
        return ILLEGAL_VALUE
    cells = registers[table]
    found: list[int] = []
    for each in range(address, address + count):
        if each not in cells:
            if found and cut_short:
                break
            return ILLEGAL_ADDRESS
        found.append(cells[each])
    data = _packed(found) if table.is_bits else b"".join(cell.to_bytes(2, "big") for cell in found)
    return bytes([pdu[0], len(data)]) + data


def _packed(bits: list[int]) -> bytes:
    """The first bit is the lowest of the first byte."""
    whole = sum(bit << place for place, bit in enumerate(bits))
    return whole.to_bytes((len(bits) + 7) // 8, "little")
