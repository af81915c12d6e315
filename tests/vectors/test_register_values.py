"""Words written by hand -> values, for every type, byte order and word order a profile may name."""

from __future__ import annotations

import math
from typing import Any

import pytest

from config.profile import Table
from config.words import Quality
from gateway.decode import decode_point
from tests.gateway_parts import point, profile, register, siblings

TEXT = {"en": "x", "zh": "x"}

# (what the profile says, the registers on the wire from address 0, the value)
VALUES: list[tuple[dict[str, Any], list[int], object]] = [
    ({"type": "uint16"}, [0x0102], 258),
    ({"type": "uint16", "byte_order": "little"}, [0x0102], 513),
    ({"type": "int16"}, [0xFFFE], -2),
    ({"type": "int16", "byte_order": "little"}, [0xFEFF], -2),
    ({"type": "int16"}, [0x8000], -32768),
    ({"type": "int16"}, [0x7FFF], 32767),
    ({"type": "uint8_high"}, [0xA10B], 0xA1),
    ({"type": "uint8_low"}, [0xA10B], 0x0B),
    ({"type": "uint8_high", "byte_order": "little"}, [0xA10B], 0x0B),
    ({"type": "int8_high"}, [0xFF01], -1),
    ({"type": "int8_low"}, [0x0180], -128),
    ({"type": "uint32"}, [0x0102, 0x0304], 0x01020304),  # ABCD
    ({"type": "uint32", "word_order": "low-first"}, [0x0304, 0x0102], 0x01020304),  # CDAB
    ({"type": "uint32", "byte_order": "little"}, [0x0201, 0x0403], 0x01020304),  # BADC
    ({"type": "uint32", "byte_order": "little", "word_order": "low-first"}, [0x0403, 0x0201], 0x01020304),  # DCBA
    ({"type": "uint32"}, [0xFFFF, 0xFFFF], 4294967295),
    ({"type": "int32"}, [0xFFFF, 0xFFFE], -2),
    ({"type": "int32", "word_order": "low-first"}, [0xFFFE, 0xFFFF], -2),
    ({"type": "float32"}, [0xC2F6, 0xE666], -123.44999694824219),  # -123.45, ABCD
    ({"type": "float32", "word_order": "low-first"}, [0xE666, 0xC2F6], -123.44999694824219),
    ({"type": "float32", "byte_order": "little"}, [0xF6C2, 0x66E6], -123.44999694824219),
    ({"type": "float32", "byte_order": "little", "word_order": "low-first"}, [0x66E6, 0xF6C2], -123.44999694824219),
    ({"type": "float32"}, [0x0000, 0x0000], 0.0),
    ({"type": "uint16", "scale": 0.1}, [123], 12.3),
    ({"type": "int16", "scale": 0.1}, [0xFF9C], -10.0),
    ({"type": "uint16", "scale": 0.01, "offset": -40.0}, [6500], 25.0),
    ({"table": "discrete", "type": "bit"}, [1], True),
    ({"table": "coil", "type": "bit"}, [0], False),
    ({"table": "holding", "type": "uint16"}, [7], 7),
]


@pytest.mark.parametrize(("said", "wire", "value"), VALUES)
def test_words_become_the_value_that_the_profile_describes(
    said: dict[str, Any], wire: list[int], value: object
) -> None:
    found = point(register(0, **said))
    words = {(found.register.table, index): word for index, word in enumerate(wire)}

    reading = decode_point(found, words, {})

    assert reading.value == value and type(reading.value) is type(value)
    assert reading.quality is Quality.GOOD and reading.cause is None


# (what the profile says, the registers, a piece of the cause)
ABSENT: list[tuple[dict[str, Any], list[int], str]] = [
    ({"type": "uint16", "no_value": [0xFFFF]}, [0xFFFF], "no value (0xffff)"),
    ({"type": "int16", "no_value": [0x8000]}, [0x8000], "no value (0x8000)"),
    ({"type": "int16", "no_value": [-32768]}, [0x8000], "no value"),
    ({"type": "uint8_low", "no_value": [0xFF]}, [0x12FF], "no value"),
    ({"type": "float32"}, [0x7FC0, 0x0000], "not a number (0x7fc00000)"),
    ({"type": "float32"}, [0x7F80, 0x0000], "not a number"),
    ({"type": "float32"}, [0xFF80, 0x0000], "not a number"),
    ({"type": "float32", "scale": 2.0}, [0x7FC0, 0x0000], "not a number"),
    ({"type": "uint32"}, [0x0001], "not read yet"),
]


@pytest.mark.parametrize(("said", "wire", "cause"), ABSENT)
def test_a_value_that_is_absent_is_none_with_its_cause_and_never_zero(
    said: dict[str, Any], wire: list[int], cause: str
) -> None:
    found = point(register(0, **said))
    words = {(Table.INPUT, index): word for index, word in enumerate(wire)}

    reading = decode_point(found, words, {})

    assert reading.value is None and reading.quality is Quality.BAD
    assert reading.cause is not None and cause in reading.cause


def test_a_signed_no_value_code_leaves_a_real_negative_alone() -> None:
    found = point(register(0, type="int16", no_value=[0x8000]))

    assert decode_point(found, {(Table.INPUT, 0): 0x8001}, {}).value == -32767


BITS = {
    "fire": {"bit": 1, "class": "alarm", "kind": "fire", "text": TEXT},
    "test": {"bit": 0, "class": "test", "inverted": True, "text": TEXT},
    "power": {"bit": 15, "class": "trouble", "text": TEXT},
}


@pytest.mark.parametrize(
    ("word", "fire", "test", "power", "unknown"),
    [
        (0x0001, False, False, False, 0),
        (0x0000, False, True, False, 0),
        (0x0002, True, True, False, 0),  # fire with bit 0 clear: many devices report a real fire so
        (0x8003, True, False, True, 0),
        (0x0013, True, False, False, 0x0010),  # a fire beside an unknown bit is a fire and a trouble
        (0x4001, False, False, False, 0x4000),
        (0x0101, False, False, False, 0),  # bit 8 is declared to mean nothing
    ],
)
def test_every_bit_of_a_word_is_a_point_and_unknown_bits_are_quoted(
    word: int, fire: bool, test: bool, power: bool, unknown: int
) -> None:
    said = register(0, bits=BITS, ignored_bits=0x0100, **{"class": "state"})

    found = {
        name: decode_point(point(said, name), {(Table.INPUT, 0): word}, {}).value
        for name in ("value", "fire", "test", "power", "value/unknown")
    }

    assert found == {"value": word, "fire": fire, "test": test, "power": power, "value/unknown": unknown}
    assert type(found["fire"]) is bool and type(found["value/unknown"]) is int


def test_bits_of_a_word_that_was_not_read_are_none_and_never_false() -> None:
    said = register(0, bits=BITS, **{"class": "state"})

    reading = decode_point(point(said, "fire"), {}, {})

    assert reading.value is None and reading.cause == "not read yet"


SCALED = {
    "unit": register(2, table="holding", **{"class": "state"}),
    "decimals": register(3, table="holding", **{"class": "state"}),
    "pressure": register(
        4, table="holding", type="int16", scale_from="decimals", unit_from="unit", units={0: 1000, 1: 1, 3: 100}
    ),
}


@pytest.mark.parametrize(
    ("unit", "decimals", "raw", "kpa"),
    [(0, 3, 1200, 1200.0), (1, 0, 1200, 1200.0), (3, 2, 1203, 1203.0), (0, 2, 0xFFFF, -10.0), (1, 1, 12034, 1203.4)],
)
def test_a_value_is_read_with_the_unit_and_decimals_beside_it(unit: int, decimals: int, raw: int, kpa: float) -> None:
    words = {(Table.HOLDING, 2): unit, (Table.HOLDING, 3): decimals, (Table.HOLDING, 4): raw}

    reading = decode_point(_pressure(), words, siblings(SCALED))

    assert reading.value == kpa


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ({2: 6, 3: 0, 4: 1200}, "unit code 6 is not in the profile"),
        ({2: 0, 3: 47, 4: 1200}, "47 decimals"),
        ({3: 0, 4: 1200}, "its unit code (unit) was not read"),
        ({2: 0, 4: 1200}, "its decimals (decimals) was not read"),
    ],
)
def test_a_value_whose_unit_or_decimals_are_not_understood_is_refused(words: dict[int, int], cause: str) -> None:
    reading = decode_point(
        _pressure(), {(Table.HOLDING, address): word for address, word in words.items()}, siblings(SCALED)
    )

    assert reading.value is None and reading.quality is Quality.BAD
    assert reading.cause is not None and cause in reading.cause


def test_a_scaled_value_carries_no_noise_of_binary_fractions() -> None:
    found = point(register(0, scale=0.1))

    for raw in range(0, 65536, 97):
        value = decode_point(found, {(Table.INPUT, 0): raw}, {}).value
        assert isinstance(value, float) and math.isclose(value, raw / 10) and len(repr(value)) <= 7


def _pressure() -> Any:
    from config.profile import points_of

    return next(found for found in points_of(profile(SCALED)) if found.name == "pressure")
