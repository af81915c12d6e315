"""What each device model answers: truth -> registers, written from the register maps and from nothing else.

These tables are deliberately not derived from the profiles that the gateway decodes with: a wrong address in a
profile must show as a wrong value, not cancel itself out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from config.profile import Table
from simulator.things import (
    CAR_CALL_BIT,
    CLOSING,
    DISABLED_BIT,
    FAULT_BIT,
    FIRE_BIT,
    OPEN,
    OPENING,
    POWER_LOSS_BIT,
    RUNNING,
    SAFETY_CIRCUIT_BIT,
    SUPERVISORY_BIT,
    Forced,
    Head,
    Lift,
    Vessel,
)

Registers = dict[Table, dict[int, int]]  # table -> address -> register or bit
KEEPS_SILENT = frozenset({"lift-box"})  # no exceptions, over-long reads cut short, CRC of requests not checked
DETECTORS_MAX = 200  # GB 50116: addresses of a loop


@dataclass(slots=True)
class Panel:
    """A fire panel: its detectors by number, and what it counts."""

    heads: dict[int, Head]
    word: int = 1
    changes: int = 0
    forced: Forced = field(default_factory=dict)


def sm_1(head: Head, uptime_s: float) -> Registers:
    """SM-1: nine input registers and the self-test."""
    cells = {
        0: head.word,
        1: _u16(head.obscuration_db_m * 1000),
        2: _i16(head.temperature_c * 10),
        3: head.drift_percent,
        4: 2400,  # 24.00 V
        5: head.alarm_count & 0xFFFF,
        8: 0,
        9: 0 << 8 | int(uptime_s / 3600) % 24,  # passed; once a day
    }
    return {Table.INPUT: cells | _u32(6, uptime_s)}


def fp_1(panel: Panel, uptime_s: float) -> Registers:
    """FP-1: the panel's own registers, bitmaps of all 200 addresses, and words of every address."""
    heads = panel.heads
    cells = {
        0x0000: 0x4650,
        0x0001: 1,
        0x0002: panel.word,
        0x0003: sum(head.has(FIRE_BIT) for head in heads.values()),
        0x0004: sum(head.in_trouble for head in heads.values()),
        0x0005: sum(head.has(DISABLED_BIT) for head in heads.values()),
        0x0006: sum(head.has(SUPERVISORY_BIT) for head in heads.values()),
        0x0007: panel.changes & 0xFFFF,
        0x000A: 2200,  # 220.0 V
        0x000B: 2730,  # 27.30 V
        0x000C: 1,
        0x000D: len(heads),
        0x000E: 0,
    }
    cells |= _u32(0x0008, uptime_s)
    bits: dict[int, int] = {}
    for number in range(DETECTORS_MAX):
        head = heads.get(number)
        cells[0x0100 + number] = 1 << 15 if head is None else head.word
        cells[0x0200 + number] = 0 if head is None else _u16(head.obscuration_db_m * 1000)
        cells[0x0300 + number] = 0 if head is None else 42  # photoelectric smoke detector
        cells[0x0400 + number] = 0 if head is None else head.drift_percent
        cells[0x0500 + number] = 0 if head is None else _i16(head.temperature_c * 10)
        bits[number] = int(head is not None and head.has(FIRE_BIT))
        bits[256 + number] = int(head is not None and head.has(FAULT_BIT))
        bits[512 + number] = int(head is not None and head.has(DISABLED_BIT))
    return {Table.INPUT: cells, Table.DISCRETE: bits}


def ep_1(vessel: Vessel, sample_age_s: float) -> Registers:
    """EP-1: ten input registers."""
    cells = {
        0: vessel.word,
        1: _i16(vessel.pressure_kpa),
        4: _i16(vessel.temperature_c * 10),
        5: _i16(vessel.at_20c_kpa),
        6: 2500,
        7: 3600,
        8: int(sample_age_s),
        9: 1,  # kPa
    }
    return {Table.INPUT: cells | _float(2, vessel.pressure_kpa)}


def pressure_transmitter_a(vessel: Vessel, unit: int) -> Registers:
    """The integer revision: MPa with three decimals, as delivered."""
    cells = {0: unit, 1: 3, 2: 0, 3: 3, 4: _i16(vessel.pressure_kpa), 5: 0, 6: 1600}
    return {Table.HOLDING: {address: cells.get(address, 0) for address in range(0x11)}}


def pressure_transmitter_b(vessel: Vessel, unit: int) -> Registers:
    """The float revision: MPa."""
    cells = {0: unit, 1: 3, 2: 0, 3: 1, 4: 3, 5: 3}
    cells |= _float(0x16, vessel.pressure_kpa / 1000) | _float(0x1A, 0.0) | _float(0x1C, 1.6)
    cells |= _float(0x26, vessel.temperature_c)
    return {Table.HOLDING: {address: cells.get(address, 0) for address in range(0x28)}}


def le_1(lift: Lift, uptime_s: float) -> Registers:
    """LE-1: eighteen input registers."""
    door = {OPENING: 1, OPEN: 2, CLOSING: 3}.get(lift.phase, 0)
    power_lost = bool(lift.word >> POWER_LOSS_BIT & 1)
    safety_open = bool(lift.word >> SAFETY_CIRCUIT_BIT & 1)
    flags = lift.level << 0 | lift.level << 1 | lift.person << 2 | (door == 0) << 3
    flags |= (door == 0 and not safety_open) << 4 | (not power_lost) << 5 | power_lost << 6
    cells = {
        0: lift.word,
        1: 0,
        2: {1: 1, -1: 2}.get(lift.direction, 0),
        3: door,
        4: round(lift.floor - 0.01),  # half-way between two floors it is still the lower one's
        5: flags,
        6: _i16(lift.speed_m_s * 1000),
        7: 12 if lift.person else 0,
        8: 0,
        15: lift.events & 0xFFFF,
        16: int(uptime_s / 3600) % 72,
        17: 1,
    }
    return {Table.INPUT: cells | _u32(9, lift.trips) | _u32(11, lift.door_cycles) | _u32(13, lift.run_s)}


def lift_box(lift: Lift) -> Registers:
    """The published lift box: nineteen holding registers from 0x0010, most of them two bytes."""
    state = (lift.direction > 0) << 8 | (lift.direction < 0) << 9 | lift.level << 10
    state |= (lift.phase in (OPENING, OPEN, CLOSING)) << 11 | lift.person << 12 | lift.alarm_button << 14
    moving = lift.phase == RUNNING
    cells = dict.fromkeys(range(0x10, 0x23), 0)
    cells |= {
        0x10: lift.word & ~(1 << CAR_CALL_BIT),  # the button is a bit of the state
        0x11: state,  # low byte: no sensor is faulty
        0x12: round(lift.floor - 0.01) << 8 | round(abs(lift.speed_m_s) * 10),
        0x17: 5 << 8 | 6 if moving else 0,  # 0.5 and 0.6 m/s²
        0x1D: lift.floors << 8,
        0x1E: 28,
    }
    return {Table.HOLDING: cells | _u32(0x13, lift.door_cycles) | _u32(0x15, lift.trips)}


def _u16(value: float) -> int:
    return min(0xFFFF, max(0, round(value)))


def _i16(value: float) -> int:
    return min(0x7FFF, max(-0x8000, round(value))) & 0xFFFF


def _u32(address: int, value: float) -> dict[int, int]:
    whole = int(value) & 0xFFFFFFFF
    return {address: whole >> 16, address + 1: whole & 0xFFFF}


def _float(address: int, value: float) -> dict[int, int]:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return {address: high, address + 1: low}
