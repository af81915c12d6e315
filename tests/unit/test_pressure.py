"""Figures of a gas charge: what 20 °C makes of a pressure, and what a slope is worth."""

from __future__ import annotations

import math
import random

import pytest

from collector.equipment.pressure import Cause, Day, Verdict, at_20c, estimate, judge_leak, lagged
from collector.equipment.trend import days_wanted, line


@pytest.mark.parametrize(
    ("celsius", "gauge_kpa"), [(-20, 1020), (-10, 1070), (0, 1110), (10, 1160), (20, 1200), (30, 1240), (40, 1290)]
)
def test_the_table_of_a_full_extinguisher_over_the_temperatures_is_1200_kpa_at_20_degrees(
    celsius: float, gauge_kpa: float
) -> None:
    """The table of standards.md §1.8, which is rounded to 10 kPa."""
    assert at_20c(gauge_kpa, celsius) == pytest.approx(1200, abs=7)


def test_the_charge_follows_the_air_with_its_lag() -> None:
    assert lagged(20.0, -10.0, 0) == 20.0
    assert lagged(20.0, -10.0, 2700) == pytest.approx(-10 + 30 / math.e)
    assert lagged(20.0, -10.0, 1e9) == -10.0
    assert lagged(20.0, -10.0, -50) == 20.0


def test_what_is_known_decides_what_a_pressure_at_20_degrees_rests_on() -> None:
    assert estimate(1100, 10, 14, 1140).cause is Cause.COMPENSATED
    assert estimate(1100, None, None, 1140) == (1140, 1140, 1140, Cause.OWN)
    uncompensated = estimate(1100, None, None, None)
    assert uncompensated.kpa is None and uncompensated.low_kpa < 1000 and uncompensated.high_kpa > 1280
    assert estimate(None, 10, 10, None).cause is Cause.NO_PRESSURE
    assert estimate(1100, 10, 20, None).low_kpa == pytest.approx(1100)


def days(count: int, per_month: float, noise: float = 0.0, seed: int = 1, start: float = 1200.0) -> list[Day]:
    chance = random.Random(seed)
    return [Day(n, start + per_month * n / 30 + chance.gauss(0, noise), 15.0, 48, False) for n in range(count)]


def test_with_the_accuracy_of_a_common_sensor_a_month_of_days_tells_the_limit() -> None:
    """standards.md §1.8: 0.5 % of 2.5 MPa asks for about a month at 10 kPa a month."""
    assert 25 <= (days_wanted(12.5 / math.sqrt(3), 10 / 30) or 0) <= 33


@pytest.mark.parametrize(
    ("count", "per_month", "verdict"),
    [
        (0, 0, Verdict.UNKNOWN),
        (6, -300, Verdict.UNKNOWN),
        (7, -300, Verdict.LEAK),
        (10, -20, Verdict.OPEN),
        (30, -25, Verdict.LEAK),
        (60, -16, Verdict.LEAK),
        (60, -12, Verdict.OPEN),
        (60, -3, Verdict.TIGHT),
        (60, 0, Verdict.TIGHT),
        (30, 20, Verdict.TIGHT),
    ],
)
def test_a_verdict_is_only_given_when_it_is_sure(count: int, per_month: float, verdict: Verdict) -> None:
    assert judge_leak(days(count, per_month), 10.0, 12.5).verdict is verdict


def test_a_tight_cylinder_with_a_noisy_sensor_is_almost_never_called_a_leak() -> None:
    wrong = 0
    for seed in range(400):
        noisy = days(60, 0.0, noise=10.0, seed=seed)
        wrong += any(judge_leak(noisy[:count], 10.0, 12.5).verdict is Verdict.LEAK for count in range(7, 61, 3))

    assert wrong <= 2


def test_weather_that_lasts_for_days_does_not_pass_for_a_slope() -> None:
    wrong = 0
    for seed in range(200):
        chance, lasting, found = random.Random(seed), 0.0, []
        for number in range(45):
            lasting = 0.8 * lasting + chance.gauss(0, 6.0)
            found.append(Day(number, 1200 + lasting, 15.0, 48, False))
        wrong += judge_leak(found, 10.0, 12.5).verdict is Verdict.LEAK

    assert wrong <= 4


def test_the_interval_holds_the_true_slope_in_19_of_20() -> None:
    held = 0
    for seed in range(400):
        leak = judge_leak(days(30, -15.0, noise=8.0, seed=seed), 10.0, 12.5)
        assert leak.slope_kpa_per_month is not None and leak.uncertainty_kpa_per_month is not None
        held += abs(leak.slope_kpa_per_month + 15.0) <= leak.uncertainty_kpa_per_month

    assert held >= 380


def test_how_many_days_are_still_needed_becomes_less_with_each_day() -> None:
    needed = [judge_leak(days(count, -5.0), 10.0, 12.5).days_needed for count in range(40)]

    assert all(each is not None for each in needed)
    assert needed[0] is not None and 25 <= needed[0] <= 33
    assert needed[1:20] == [needed[0] - count for count in range(1, 20)]
    assert needed[39] == 0


def test_a_sensor_that_is_too_coarse_never_tells_and_says_so() -> None:
    assert judge_leak(days(60, -5.0), 10.0, 60.0).days_needed is None


def test_days_by_the_devices_own_figure_and_by_ours_are_not_mixed() -> None:
    ours = days(30, 0.0)
    own = [day._replace(kpa=day.kpa - 20, own=True) for day in days(40, 0.0)[30:]]

    leak = judge_leak([*ours, *own], 10.0, 12.5)

    assert leak.days_of_data == 30 and leak.verdict is Verdict.TIGHT


def test_days_of_few_samples_do_not_count() -> None:
    assert judge_leak([day._replace(samples=3) for day in days(30, -50.0)], 10.0, 12.5).days_of_data == 0


def test_a_line_needs_a_week_and_then_finds_its_slope() -> None:
    assert line(range(6), [0.0] * 6, 0.0) is None
    found = line([0, 1, 2, 4, 6, 8, 9], [2.0 * day for day in (0, 1, 2, 4, 6, 8, 9)], 0.5)
    assert found is not None
    assert (found.slope_per_day, found.level, found.span_days) == (pytest.approx(2.0), pytest.approx(18.0), 10)
    assert found.error_per_day > 0
