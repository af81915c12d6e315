"""A straight line through one value a day, and how far its slope can be trusted. Pure figures; knows no device."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

DAY_MS = 86_400_000
WINDOW_DAYS = 60  # older days are forgotten
DAYS_MIN = 7  # fewer tell nothing
MONTH_DAYS = 30.0
_CORRELATION_MAX = 0.9


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line. `error_per_day`: half of the slope's 95 % interval; `spread`: what one day's value may be off."""

    slope_per_day: float
    error_per_day: float
    level: float  # of the line at the last day
    days: int  # with a value
    span_days: int  # from the first to the last, both counted
    spread: float
    scatter: float  # what of it the values themselves show


def line(days: Sequence[int], values: Sequence[float], noise: float) -> Line | None:
    """Least squares through a value a day, days ascending; None of fewer than DAYS_MIN.

    `noise`: the standard deviation of one value that the source's own accuracy admits, however well the values agree.
    Neighbouring days err alike (weather lasts): what the residuals show of that widens the interval, as that of an
    autoregression of the first order does.
    """
    count = len(days)
    if count < DAYS_MIN:
        return None
    mean_day, mean = sum(days) / count, sum(values) / count
    squares = sum((day - mean_day) ** 2 for day in days)
    slope = sum((day - mean_day) * (value - mean) for day, value in zip(days, values, strict=True)) / squares
    residuals = [value - mean - slope * (day - mean_day) for day, value in zip(days, values, strict=True)]
    sum_of_squares = sum(each * each for each in residuals)
    scatter = math.sqrt(sum_of_squares / (count - 2)) * _inflation(residuals, sum_of_squares)
    spread = max(noise, scatter)
    error = _quantile(count) * spread / math.sqrt(squares)
    return Line(slope, error, mean + slope * (days[-1] - mean_day), count, days[-1] - days[0] + 1, spread, scatter)


def days_wanted(spread: float, error_per_day: float) -> int | None:
    """How many days in a row bring the slope's interval down to this; None if a whole window does not."""
    for count in range(DAYS_MIN, WINDOW_DAYS + 1):
        if _quantile(count) * spread * math.sqrt(12 / (count * (count**2 - 1))) <= error_per_day:
            return count
    return None


def _inflation(residuals: Sequence[float], sum_of_squares: float) -> float:
    """What the likeness of neighbours adds to the interval: sqrt((1 + r) / (1 - r)), never less than 1."""
    if sum_of_squares <= 0.0:
        return 1.0
    alike = sum(one * other for one, other in itertools.pairwise(residuals)) / sum_of_squares
    r = min(max(alike, 0.0), _CORRELATION_MAX)
    return math.sqrt((1 + r) / (1 - r))


def _quantile(count: int) -> float:
    """Student's 97.5 % quantile for a line through `count` values, a little on the wide side from five degrees on."""
    return 2.0 + 3.0 / (count - 2)
