"""A profile's signals: what a reading of their point means, and that nothing but a good value means anything."""

from __future__ import annotations

import pytest

from collector.alarms.heard import Heard
from collector.equipment.signals import meaning, signal, signal_number, signals
from config.profile import Profile, Signal, SignalName
from config.sparkplug import DataType
from config.words import Quality, Reading

TEXT = {"en": "value", "zh": "值"}
PROFILE = Profile.model_validate(
    {
        "profile": "p",
        "title": TEXT,
        "source": "made for tests",
        "category": "lift",
        "points": {"door": {"table": "input", "address": 0, "text": TEXT}},
        "signals": {"door_open": {"point": "door", "codes": [2]}, "floor": {"point": "door"}},
    }
)


def heard(value: bool | float | str | None, quality: Quality = Quality.GOOD) -> dict[str, Heard]:
    return {"door": Heard(Reading("door", value, DataType.DOUBLE, quality, None), 0)}


@pytest.mark.parametrize(
    ("source", "value", "means"),
    [
        ({}, 1.5, 1.5),
        ({}, 0, 0),
        ({}, True, True),
        ({"inverted": True}, True, False),
        ({"inverted": True}, 0, True),
        ({"codes": [1, 3]}, 3, True),
        ({"codes": [1, 3]}, 2, False),
        ({"codes": [1, 3], "inverted": True}, 2, True),
        ({"mask": 0b11}, 0b110, True),
        ({"mask": 0b11}, 0b100, False),
        ({"mask": 0b11, "inverted": True}, 0b100, True),
        ({}, float("nan"), None),
        ({"mask": 1}, float("inf"), None),
        ({}, "open", None),
        ({"codes": [0]}, None, None),
    ],
)
def test_a_reading_means_what_the_profile_says(
    source: dict[str, object], value: bool | float | str | None, means: float | bool | None
) -> None:
    found = meaning(
        Signal.model_validate({"point": "door"} | source), Reading("door", value, DataType.DOUBLE, Quality.GOOD)
    )

    assert found == means
    assert isinstance(found, bool) is isinstance(means, bool)


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.STALE])
def test_a_value_that_is_not_good_is_neither_yes_nor_no(quality: Quality) -> None:
    assert signal(PROFILE, heard(2, quality), SignalName.DOOR_OPEN) is None
    assert signal(PROFILE, heard(None, quality), SignalName.FLOOR) is None


def test_a_point_not_heard_and_a_signal_not_declared_are_none() -> None:
    assert signal(PROFILE, {}, SignalName.DOOR_OPEN) is None
    assert signal(PROFILE, heard(2), SignalName.PERSON) is None


def test_all_signals_together_are_those_that_are_known() -> None:
    assert signals(PROFILE, heard(2)) == {SignalName.DOOR_OPEN: True, SignalName.FLOOR: 2}
    assert signals(PROFILE, heard(3)) == {SignalName.DOOR_OPEN: False, SignalName.FLOOR: 3}
    assert signals(PROFILE, heard(2, Quality.STALE)) == signals(PROFILE, {}) == {}


def test_a_signal_is_read_as_a_number_unless_it_is_a_bit() -> None:
    assert signal_number(PROFILE, heard(3), SignalName.FLOOR) == 3.0
    assert signal_number(PROFILE, heard(2), SignalName.DOOR_OPEN) is None


def test_codes_and_mask_are_two_questions() -> None:
    with pytest.raises(ValueError, match="codes or mask"):
        Signal.model_validate({"point": "door", "codes": [1], "mask": 1})
