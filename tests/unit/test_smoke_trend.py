"""Figures of a smoke chamber: levels with hysteresis, drift and the day by which to clean."""

from __future__ import annotations

import random

import pytest

from collector.equipment.smoke import Day, Level, baseline, contamination, judge_drift, percent


def days(count: int, per_day: float, start: float = 5.0, noise: float = 0.0, seed: int = 1) -> list[Day]:
    chance = random.Random(seed)
    return [Day(number, start + per_day * number + chance.gauss(0, noise), None) for number in range(count)]


def test_the_baseline_is_the_lowest_of_the_last_day_and_nothing_older() -> None:
    assert baseline([]) is None
    assert baseline([0.03, 0.01, 0.02]) == 0.01
    assert baseline([0.001, *[0.02] * 5, 0.03]) == 0.02


def test_dirt_is_a_share_of_the_way_to_the_detectors_own_alarm() -> None:
    assert percent(0.075, 0.15) == 50.0
    assert percent(-0.015, 0.15) == -10.0


@pytest.mark.parametrize(
    ("drift", "own", "before", "level"),
    [
        (0, None, Level.OK, Level.OK),
        (49.9, None, Level.OK, Level.OK),
        (50, None, Level.OK, Level.DIRTY1),
        (46, None, Level.DIRTY1, Level.DIRTY1),
        (44.9, None, Level.DIRTY1, Level.OK),
        (80, None, Level.DIRTY1, Level.DIRTY2),
        (76, None, Level.DIRTY2, Level.DIRTY2),
        (74, None, Level.DIRTY2, Level.DIRTY1),
        (44, None, Level.DIRTY2, Level.OK),
        (3, 91, Level.OK, Level.OK),
        (3, 92, Level.OK, Level.DIRTY1),
        (3, 88, Level.DIRTY1, Level.DIRTY1),
        (3, 100, Level.OK, Level.DIRTY2),
        (60, 10, Level.OK, Level.DIRTY1),
        (-9.9, None, Level.OK, Level.OK),
        (-10, None, Level.OK, Level.LOW_CHAMBER),
        (-6, None, Level.LOW_CHAMBER, Level.LOW_CHAMBER),
        (-4, None, Level.LOW_CHAMBER, Level.OK),
    ],
)
def test_a_level_comes_at_its_limit_and_goes_only_past_its_hysteresis(
    drift: float, own: float | None, before: Level, level: Level
) -> None:
    assert contamination(drift, own, before) is level


def test_a_drift_tells_the_day_by_which_to_clean() -> None:
    drift = judge_drift(days(20, 1.0))

    assert drift.percent_per_month == pytest.approx(30.0)
    assert drift.clean_in_days == pytest.approx(80 - 24)
    assert drift.days_needed == 0


def test_the_detectors_own_word_may_ask_for_cleaning_sooner() -> None:
    found = [day._replace(own_percent=60.0 + 2 * day.number) for day in days(15, 0.5)]

    assert judge_drift(found).clean_in_days == pytest.approx((100 - 88) / 2)


def test_a_chamber_that_does_not_surely_drift_is_given_no_day() -> None:
    early = sum(judge_drift(days(40, 0.0, noise=2.0, seed=seed)).clean_in_days is not None for seed in range(200))

    assert early <= 12, "one in forty of a 95 % interval, on its upper side"
    assert judge_drift(days(40, -0.2)).clean_in_days is None


def test_too_few_days_tell_nothing_but_how_many_are_needed() -> None:
    drift = judge_drift(days(3, 1.0))

    assert (drift.percent_per_month, drift.clean_in_days, drift.days_of_data) == (None, None, 3)
    assert drift.days_needed is not None and 4 <= drift.days_needed <= 12


def test_cleaning_begins_the_days_anew() -> None:
    dirty, clean = days(20, 2.0, start=20), days(9, 0.0, start=4.0)

    drift = judge_drift([*dirty, *(day._replace(number=day.number + 20) for day in clean)])

    assert drift.days_of_data == 9 and drift.clean_in_days is None
