"""The pressure of a gas-charged extinguisher as it would be at 20 °C, and whether it slowly falls. Pure figures.

A charge of gas follows the temperature by some 4.4 kPa a kelvin (ideal gas at constant volume, 1.2 MPa), so that a
stairwell's year moves it by 300 kPa and a fixed limit would cry every winter.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from collector.equipment.trend import DAYS_MIN, MONTH_DAYS, days_wanted, line

ATMOSPHERE_KPA = 101.3
ZERO_C_K, REFERENCE_K = 273.15, 293.15
# An extinguisher of 4 kg of powder in steel holds some 5 kJ/K and gives off 2 W/K (0.2 m², 10 W/(m² K)).
GAS_LAG_S = 2700.0
USE_COLDEST_C, USE_WARMEST_C = -20.0, 55.0  # where an extinguisher may hang: how wrong an unknown temperature can be
BELIEVED_COLDEST_C, BELIEVED_WARMEST_C = -60.0, 100.0  # a sensor that says otherwise says nothing
BELIEVED_LOWEST_KPA, BELIEVED_HIGHEST_KPA = -ATMOSPHERE_KPA, 40_000.0
SEASON_KPA_PER_K = 0.5  # what a sensor's own temperature error may leave: 0.02 % of 2.5 MPa a kelvin
STEP_KPA = 25.0  # from one day to the next: up, it was charged; down, it was used or the sensor changed, no slow leak
STEP_DAYS = 5  # before a step, of which the median counts
# A thousand cylinders are looked at six times a day: where the days themselves scatter, 95 % are not enough.
SURE = 2.0
GAP_DAYS_MAX = 7  # after a longer silence nobody knows what was done meanwhile
SAMPLES_MIN = 4  # fewer make no day


def at_20c(pressure_kpa: float, temperature_c: float) -> float:
    """A gauge pressure at this temperature -> the gauge pressure at 20 °C, by the law of ideal gases."""
    return (pressure_kpa + ATMOSPHERE_KPA) * REFERENCE_K / (temperature_c + ZERO_C_K) - ATMOSPHERE_KPA


def lagged(gas_c: float, air_c: float, passed_s: float) -> float:
    """The temperature of the charge, so long after it was `gas_c`, in air of `air_c`: a lag of the first order."""
    return air_c + (gas_c - air_c) * math.exp(-max(0.0, passed_s) / GAS_LAG_S)


class Cause(StrEnum):
    """What a pressure at 20 °C rests on."""

    COMPENSATED = "at-20c"  # pressure and temperature
    OWN = "own-figure"  # the device's own figure: its temperature is not known here
    NO_TEMPERATURE = "no-temperature"  # not compensated; only its bounds are known
    NO_PRESSURE = "no-pressure"


class Estimate(NamedTuple):
    """The pressure at 20 °C: the best guess, None without a temperature, and surely between `low` and `high`."""

    kpa: float | None
    low_kpa: float
    high_kpa: float
    cause: Cause


def estimate(pressure_kpa: float | None, air_c: float | None, gas_c: float | None, own_kpa: float | None) -> Estimate:
    """What is known of the pressure at 20 °C. `gas_c`: the lagging temperature of the charge, None if unknown.

    How fast a real cylinder follows the air lies between not lagging at all and `gas_c`: these are the bounds.
    """
    if pressure_kpa is not None and air_c is not None:
        best, other = at_20c(pressure_kpa, air_c if gas_c is None else gas_c), at_20c(pressure_kpa, air_c)
        return Estimate(best, min(best, other), max(best, other), Cause.COMPENSATED)
    if own_kpa is not None:
        return Estimate(own_kpa, own_kpa, own_kpa, Cause.OWN)
    if pressure_kpa is None:
        return Estimate(None, -math.inf, math.inf, Cause.NO_PRESSURE)
    low, high = at_20c(pressure_kpa, USE_WARMEST_C), at_20c(pressure_kpa, USE_COLDEST_C)
    return Estimate(None, low, high, Cause.NO_TEMPERATURE)


class Day(NamedTuple):
    """One day of a cylinder: mean pressure at 20 °C and mean temperature, of so many samples."""

    number: int
    kpa: float
    temperature_c: float | None
    samples: int
    own: bool  # by the device's own compensation


class Verdict(StrEnum):
    """What the slope says."""

    LEAK = "leak"  # it falls faster than the limit, surely
    TIGHT = "tight"  # it does not, surely
    OPEN = "open"  # not to be told yet
    UNKNOWN = "unknown"  # too few days


@dataclass(frozen=True, slots=True)
class Leak:
    """The slope of the pressure at 20 °C. `uncertainty`: half of its 95 % interval. None: not known.

    `days_needed`: how many more days bring the uncertainty down to the limit; None if this sensor never does.
    `refilled`: the days begin with a rise, so that nothing before them counts.
    """

    verdict: Verdict
    slope_kpa_per_month: float | None
    uncertainty_kpa_per_month: float | None
    level_kpa: float | None
    days_of_data: int
    days_needed: int | None
    refilled: bool

    @property
    def clearly_over(self) -> bool:
        """True if a leak that was told has ended."""
        return self.refilled or self.verdict is Verdict.TIGHT

    def days_until(self, limit_kpa: float) -> float | None:
        """When it will be below a limit at this rate, in days; None if it is, or if it does not fall."""
        if self.slope_kpa_per_month is None or self.level_kpa is None:
            return None
        if self.slope_kpa_per_month >= 0 or self.level_kpa <= limit_kpa:
            return None
        return (self.level_kpa - limit_kpa) / -self.slope_kpa_per_month * MONTH_DAYS


def judge_leak(days: Sequence[Day], limit_kpa_per_month: float, accuracy_kpa: float) -> Leak:
    """Whether a cylinder leaks, by its days, oldest first. `accuracy_kpa`: the sensor's, plus or minus.

    The accuracy counts as evenly spread, which with 12.5 kPa (0.5 % of 2.5 MPa) and a limit of 10 kPa a month asks
    for about a month of days. A season that warms or cools adds what the sensor may make of it.
    """
    chosen, refilled = _window(days)
    noise = accuracy_kpa / math.sqrt(3)
    values, numbers = _without_step([day.kpa for day in chosen]), [day.number for day in chosen]
    fit = line(numbers, values, noise)
    wanted = days_wanted(noise if fit is None else fit.spread, limit_kpa_per_month / MONTH_DAYS)
    span = chosen[-1].number - chosen[0].number + 1 if chosen else 0
    needed = None if wanted is None else max(0, wanted - span)
    if fit is None:
        missing = max(DAYS_MIN - len(chosen), needed or 0)
        return Leak(Verdict.UNKNOWN, None, None, None, len(chosen), missing, refilled)
    slope = fit.slope_per_day * MONTH_DAYS
    uncertainty = math.hypot(fit.error_per_day, _season(chosen)) * MONTH_DAYS
    sure = uncertainty * max(1.0, SURE * fit.scatter / fit.spread) if fit.spread else uncertainty
    verdict = Verdict.OPEN
    if slope + sure < -limit_kpa_per_month:
        verdict = Verdict.LEAK
    elif slope - uncertainty > -limit_kpa_per_month:
        verdict = Verdict.TIGHT
    return Leak(verdict, slope, uncertainty, chosen[-1].kpa, len(chosen), needed, refilled)


def _window(days: Sequence[Day]) -> tuple[list[Day], bool]:
    """The days that can be compared: of one source, since it was last charged or silent for long; and if charged."""
    whole = [day for day in days if day.samples >= SAMPLES_MIN]
    sources = Counter(day.own for day in whole)
    own = sources[True] > sources[False]
    chosen: list[Day] = []
    refilled = False
    ours = [day for day in whole if day.own is own]
    for day, after in itertools.zip_longest(ours, ours[1:]):
        if chosen and _is_charged(chosen[-STEP_DAYS:], day, after):
            chosen, refilled = [], True
        elif chosen and day.number - chosen[-1].number > GAP_DAYS_MAX:
            chosen, refilled = [], False
        chosen.append(day)
    return chosen, refilled


def _is_charged(before: Sequence[Day], day: Day, after: Day | None) -> bool:
    """True for a rise by a step that the next day confirms; of the newest day it must be twice as high."""
    rise = day.kpa - statistics.median(each.kpa for each in before)
    if after is None:
        return rise > 2 * STEP_KPA
    return min(rise, rise + after.kpa - day.kpa) > STEP_KPA


def _without_step(values: Sequence[float]) -> list[float]:
    """The values with their steepest lasting fall taken out if it is a step; what leaks falls on other days as well."""
    step, at = 0.0, 0
    for place in range(1, len(values)):
        fall = values[place - 1] - values[place]
        before, after = values[max(0, place - STEP_DAYS) : place], values[place : place + STEP_DAYS]
        if fall > max(step, STEP_KPA) and statistics.median(before) - statistics.median(after) > STEP_KPA:
            step, at = fall, place
    return [*values[:at], *(value + step for value in values[at:])]


def _season(days: Sequence[Day]) -> float:
    """What the season may feign, in kPa a day: the sensor's temperature error times the slope of the temperature."""
    known = [(day.number, day.temperature_c) for day in days if day.temperature_c is not None]
    fit = line([number for number, _ in known], [celsius for _, celsius in known], 0.0)
    return 0.0 if fit is None else SEASON_KPA_PER_K * abs(fit.slope_per_day)
