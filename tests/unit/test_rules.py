"""Readings against rules."""

from __future__ import annotations

import pytest

from collector.alarms.rules import Rule, rules_of
from config.profile import Condition, Kind
from config.sparkplug import DataType
from config.words import Quality, Reading
from tests.sites import small_site

SITE = small_site()


def _rule(device: str, point: str, key: str | None = None) -> Rule:
    rules = rules_of(SITE, SITE.devices[device])[point]
    (rule,) = (rule for rule in rules if key is None or rule.key == key)
    return rule


def _reading(value: bool | float | str | None, quality: Quality = Quality.GOOD) -> Reading:
    return Reading("x", value, DataType.DOUBLE, quality, None if value is not None else "no answer")


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.STALE])
@pytest.mark.parametrize("value", [True, False, 1, 0])
def test_only_a_good_value_raises_or_clears(value: bool | int, quality: Quality) -> None:
    assert _rule("smoke-1", "fire").judge(_reading(value, quality), active=True) is None


@pytest.mark.parametrize(("value", "verdict"), [(True, True), (False, False), (1, True), (0, False), (None, None)])
def test_a_flag_holds_while_it_is_true(value: bool | int | None, verdict: bool | None) -> None:
    assert _rule("smoke-1", "fire").judge(_reading(value), active=False) is verdict


def test_text_says_nothing_about_a_flag() -> None:
    assert _rule("smoke-1", "fire").judge(_reading("yes"), active=False) is None


@pytest.mark.parametrize(
    ("active", "value", "verdict"),
    [
        (False, 1000.0, False),
        (False, 999.9, True),
        (True, 1000.0, True),
        (True, 1029.9, True),
        (True, 1030.0, False),
        (False, 1029.9, False),
        (False, True, None),
        (True, None, None),
        (True, float("nan"), None),
    ],
)
def test_a_limit_returns_only_past_its_clearing_value(active: bool, value: float | None, verdict: bool | None) -> None:
    rule = _rule("ext-1", "pressure_kpa", "ext-1:pressure_kpa:below_limit")
    assert rule.judge(_reading(value), active) is verdict


def test_undeclared_bits_are_a_trouble_that_quotes_the_word() -> None:
    rule = _rule("smoke-1", "state/unknown")

    assert rule.condition is Condition.TROUBLE and rule.kind is Kind.FAULT
    assert rule.judge(_reading(0), active=True) is False
    assert rule.judge(_reading(0x4800), active=False) is True
    assert rule.quote(_reading(0x4800)) == "0x4800"


def test_a_value_is_quoted_with_its_unit() -> None:
    assert _rule("ext-1", "pressure_kpa", "ext-1:pressure_kpa:empty").quote(_reading(912.5)) == "912.5 kPa"
    assert _rule("smoke-1", "fire").quote(_reading(True)) == "1"


def test_every_point_of_a_device_is_known_and_plain_values_have_no_rule() -> None:
    rules = rules_of(SITE, SITE.devices["smoke-1"])

    assert rules["temperature_c"] == () and rules["state"] == ()
    assert {name for name, found in rules.items() if found} >= {"fire", "heat", "fault", "test", "state/unknown"}


def test_a_panels_detector_is_where_it_hangs() -> None:
    rule = _rule("panel-1", "detector/2/fire")

    assert (rule.building, rule.detector, rule.kind) == ("b-3", 2, Kind.FIRE)
