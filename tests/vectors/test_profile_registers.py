"""Registers written by hand for every shipped profile, from its published map -> all readings of the device."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.document import Document
from config.loader import SHIPPED_PROFILES, read_profile
from config.profile import Profile, Table, points_of
from gateway.blocks import blocks_of
from gateway.decode import decode_point

INPUT, HOLDING, DISCRETE = Table.INPUT, Table.HOLDING, Table.DISCRETE

# profile, detectors, (table, first address) -> words on the wire, and what must be read out of them.
VECTORS: dict[str, tuple[list[int], dict[tuple[Table, int], str], dict[str, object]]] = {
    "sm-1": (
        [],
        # running, fire, pre-alarm; 0.3 dB/m; -5.2 °C; 42 %; 8.97 V; 7 alarms; 65536*3+9 s; fault 5; test 1, 200 h
        {(INPUT, 0): "0203 012c ffcc 002a 0381 0007 0003 0009 0005 01c8"},
        {
            "state": 0x0203,
            "fire": True,
            "pre_alarm": True,
            "test": False,
            "fault": False,
            "state/unknown": 0,
            "obscuration_db_m": 0.3,
            "temperature_c": -5.2,
            "drift_percent": 42,
            "supply_v": 8.97,
            "alarm_count": 7,
            "uptime_s": 196617,
            "fault_code": 5,
            "self_test_result": 1,
            "self_test_age_h": 200,
        },
    ),
    "ep-1": (
        [],
        # status: low and losing pressure, bit 0 without meaning; 980 kPa; 980.5 kPa; 31.4 °C; 943 kPa at 20 °C; …
        {(INPUT, 0): "000b 03d4 4475 2000 013a 03af 09c4 0ce4 000f 0001"},
        {
            "status": 0x000B,
            "low": True,
            "leak": True,
            "high": False,
            "sensor_fault": False,
            "status/unknown": 0,
            "pressure_rounded_kpa": 980,
            "pressure_kpa": 980.5,
            "temperature_c": 31.4,
            "pressure_at_20c_kpa": 943,
            "full_scale_kpa": 2500,
            "battery_mv": 3300,
            "sample_age_s": 15,
            "unit_code": 1,
        },
    ),
    "le-1": (
        [],
        # trapped between floors, alarm button; out of service; down; door blocked; floor -1; flags; -1.5 m/s; 55 %; …
        {
            (INPUT, 0): "2002 0005 0002 0004 ffff 001c fa24 0037 0011 0001 86a0 0000 2710 0000 0e10 0309 0049 0001",
        },
        {
            "faults": 0x2002,
            "entrapment_between": True,
            "entrapment_at_level": False,
            "car_call": True,
            "service_mode": 5,
            "direction": 2,
            "door": 4,
            "floor": -1,
            "flags": 0x001C,
            "door_zone": False,
            "person": True,
            "safety_chain_closed": True,
            "mains_lost": True,
            "speed_m_s": -1.5,
            "load_percent": 55,
            "maker_fault_code": 17,
            "trips": 100000,
            "door_cycles": 10000,
            "run_time_s": 3600,
            "events": 777,
            "alarm_link_test_age_h": 73,
            "controller_link_lost": False,
        },
    ),
    "fp-1": (
        [0, 3],
        {
            # magic, version, state: running + fire + mains fault; 1 fire, 2 faults, 0, 0; 9 changes; uptime; 219.5 V; …
            (INPUT, 0): "4650 0001 0103 0001 0002 0000 0000 0009 0001 0000 0893 09f6 0001 0028 0007",
            (INPUT, 0x0100): "0001 0000 0000 0a02",  # detector 3: fire, pre-alarm, very dirty, and bit 0 clear
            (INPUT, 0x0200): "0005 0000 0000 02bc",
            (INPUT, 0x0300): "002a 0000 0000 001f",
            (INPUT, 0x0400): "0003 0000 0000 0063",
            (INPUT, 0x0500): "00d2 0000 0000 fff6",
            (DISCRETE, 0): "0 0 0 1",
            (DISCRETE, 256): "1 0 0 0",
            (DISCRETE, 512): "0 0 0 0",
        },
        {
            "magic": 18000,
            "state": 0x0103,
            "fire": True,
            "mains_fault": True,
            "bus_fault": False,
            "fault_count": 2,
            "uptime_s": 65536,
            "mains_v": 219.5,
            "battery_v": 25.5,
            "detectors": 40,
            "fault_code": 7,
            "detector/0/fire": False,
            "detector/0/fault": True,
            "detector/3/fire": True,
            "detector/3/state_fire": True,
            "detector/3/test": True,
            "detector/3/pre_alarm": True,
            "detector/3/dirty_2": True,
            "detector/3/state/unknown": 0,
            "detector/0/obscuration_db_m": 0.005,
            "detector/3/obscuration_db_m": 0.7,
            "detector/0/component_type": 42,
            "detector/3/drift_percent": 99,
            "detector/0/temperature_c": 21.0,
            "detector/3/temperature_c": -1.0,
        },
    ),
    "lift-box": (
        [],
        # trapped at a floor, door held open; level, person, key, sensor 3; floor -2, 1.5 m/s; counters; 0.8, 0.6 m/s²
        {(HOLDING, 0x10): "0401 5403 fe0f 0001 0002 0000 ffff 0806 0000 0000 0000 0000 0000"},
        {
            "faults": 0x0401,
            "entrapment_at_level": True,
            "door_held_open": True,
            "state": 0x54,
            "level": True,
            "person": True,
            "alarm_key": True,
            "going_up": False,
            "sensor_fault": 3,
            "floor": -2,
            "speed_m_s": 1.5,
            "counter_1": 65538,
            "counter_2": 65535,
            "acceleration_m_s2": 0.8,
            "deceleration_m_s2": 0.6,
        },
    ),
    "pressure-transmitter-a": (
        [],
        {(HOLDING, 2): "0000 0003 00be"},  # MPa with three decimals: 0.190
        {"unit_code": 0, "decimals": 3, "pressure_kpa": 190.0},
    ),
    "pressure-transmitter-b": (
        [],
        {(HOLDING, 3): "0009 0002", (HOLDING, 0x16): "4020 0000", (HOLDING, 0x26): "c120 0000"},  # bar; 2.5; -10 °C
        {"unit_code": 9, "decimals": 2, "pressure_kpa": 250.0, "temperature_c": -10.0},
    ),
}


def shipped(name: str) -> Profile:
    document = Document()
    profile = read_profile(SHIPPED_PROFILES / f"{name}.yaml", document)
    assert profile is not None, document.mistakes
    return profile


def words_of(said: dict[tuple[Table, int], str]) -> dict[tuple[Table, int], int]:
    return {
        (table, first + index): int(word, 16)
        for (table, first), text in said.items()
        for index, word in enumerate(text.split())
    }


def test_every_shipped_profile_has_its_vector() -> None:
    assert set(VECTORS) == {path.stem for path in Path(SHIPPED_PROFILES).glob("*.yaml")}


@pytest.mark.parametrize("name", VECTORS)
def test_the_registers_of_the_published_map_read_as_they_should(name: str) -> None:
    detectors, said, expected = VECTORS[name]
    profile, words = shipped(name), words_of(said)

    found = {point.name: decode_point(point, words, profile.points).value for point in points_of(profile, detectors)}

    assert {point: found[point] for point in expected} == expected
    assert all(type(found[point]) is type(value) for point, value in expected.items())


@pytest.mark.parametrize("name", VECTORS)
def test_every_point_of_a_shipped_profile_is_read_by_legal_reads_within_the_published_map(name: str) -> None:
    detectors, said, _ = VECTORS[name]
    profile, words = shipped(name), words_of(said)
    points = points_of(profile, detectors)

    blocks = blocks_of(points, profile, 0.25, 10.0)

    assert sorted(point.name for block in blocks for point in block.points) == sorted(point.name for point in points)
    for block in blocks:
        assert block.count <= (2000 if block.table.is_bits else 125)
        if name == "lift-box":  # it cuts over-long reads short without a word
            assert all((block.table, block.address + index) in words for index in range(block.count))


@pytest.mark.parametrize("name", ["pressure-transmitter-a", "pressure-transmitter-b"])
def test_the_two_revisions_of_one_transmitter_refuse_each_others_registers(name: str) -> None:
    other = {"pressure-transmitter-a": "pressure-transmitter-b", "pressure-transmitter-b": "pressure-transmitter-a"}
    # What the other revision really holds around its own addresses; everything it does not have reads as 0xFFFF.
    words = {(HOLDING, address): 0xFFFF for address in range(0x40)} | words_of(VECTORS[other[name]][1])
    profile = shipped(name)
    pressure = next(point for point in points_of(profile) if point.name == "pressure_kpa")

    reading = decode_point(pressure, words, profile.points)

    assert reading.value is None and reading.cause is not None
