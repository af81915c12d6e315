"""What a smoke chamber says of the air: its clean-air baseline, a rise above it, and the dirt in it. Pure figures.

Dirt takes days, smouldering takes minutes. The baseline is the lowest of the last six means of four hours: what is in
the air for less than a day never enters it, and what never leaves for a day is dirt. A rise is judged above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from collector.equipment.trend import DAY_MS, DAYS_MIN, Line, days_wanted, line

BIN_MS = DAY_MS // 6
BINS = 6  # a window of 24 h
# Above the baseline by this share of the detector's own threshold: a pre-alarm if it stays so. 0.045 dB/m of 0.15.
RISE_SHARE, RISE_CLEAR_SHARE = 0.30, 0.15
RISE_MS = 45_000  # steam and a hot pan pass by sooner
FREEZE_MAX_MS = DAY_MS  # a rise that stands so long without a fire is dirt
GAP_MAX_MS = 2 * DAY_MS  # after a longer silence nobody has seen it rise: its clean air is learnt anew
# What a chamber can say at all: in 20 dB/m nothing is seen at arm's length. A broken one must not pass for smoke.
LEAST_DB_M, MOST_DB_M, MOST_OWN_PERCENT = -1.0, 20.0, 200.0
NOISE_PERCENT = 1.0  # of a day's baseline
DRIFT_WANTED_PERCENT_PER_DAY = 0.5  # a slope known so well tells the month in which to clean
HYSTERESIS_PERCENT = 5.0


class Level(IntEnum):
    """Contamination, in the levels of an addressable panel's drift compensation (standards.md §1.7)."""

    LOW_CHAMBER = -1
    OK = 0
    DIRTY1 = 1
    DIRTY2 = 2


# Of the way from clean air to the detector's own alarm: uncompensated dirt alarms long before 100 %.
DIRTY1_PERCENT, DIRTY2_PERCENT, LOW_PERCENT = 50.0, 80.0, -10.0
# Of a detector's own compensation range: 92 % asks for maintenance, 100 % urgently (standards.md §1.7).
OWN_DIRTY1_PERCENT, OWN_DIRTY2_PERCENT = 92.0, 100.0


class Day(NamedTuple):
    """One day of a chamber: its baseline in percent of its alarm threshold, and its own word for its drift."""

    number: int
    percent: float
    own_percent: float | None


@dataclass(frozen=True, slots=True)
class Drift:
    """How fast dirt comes. `uncertainty`: half of the slope's 95 % interval. None: not known.

    `days_needed`: how many more days tell it well. `clean_in_days`: until DIRTY2; None if it surely does not drift.
    """

    percent_per_month: float | None
    uncertainty_per_month: float | None
    days_of_data: int
    days_needed: int | None
    clean_in_days: float | None


def baseline(means: Sequence[float]) -> float | None:
    """The clean-air value of the newest means, dB/m; None without any."""
    return min(means[-BINS:], default=None)


def percent(baseline_db_m: float, alarm_db_m: float) -> float:
    """How far a baseline has come towards the detector's alarm: clean air is 0 dB/m by the unit's definition."""
    return 100.0 * baseline_db_m / alarm_db_m


def contamination(drift_percent: float, own_percent: float | None, before: Level) -> Level:
    """The level of a baseline, or of the detector's own word where that is worse; it eases only past a hysteresis."""
    eased = {level: HYSTERESIS_PERCENT if before >= level else 0.0 for level in (Level.DIRTY1, Level.DIRTY2)}
    own = 0.0 if own_percent is None else own_percent
    for level, limit, own_limit in (
        (Level.DIRTY2, DIRTY2_PERCENT, OWN_DIRTY2_PERCENT),
        (Level.DIRTY1, DIRTY1_PERCENT, OWN_DIRTY1_PERCENT),
    ):
        if drift_percent >= limit - eased[level] or own >= own_limit - eased[level]:
            return level
    low = LOW_PERCENT + (HYSTERESIS_PERCENT if before is Level.LOW_CHAMBER else 0.0)
    return Level.LOW_CHAMBER if drift_percent <= low else Level.OK


def judge_drift(days: Sequence[Day]) -> Drift:
    """The drift by its days, oldest first; a cleaning (the baseline falls by a level's width) begins anew."""
    chosen: list[Day] = []
    for day in days:
        if chosen and chosen[-1].percent - day.percent > 2 * HYSTERESIS_PERCENT:
            chosen = []
        chosen.append(day)
    numbers = [day.number for day in chosen]
    fit = line(numbers, [day.percent for day in chosen], NOISE_PERCENT)
    wanted = days_wanted(NOISE_PERCENT if fit is None else fit.spread, DRIFT_WANTED_PERCENT_PER_DAY)
    needed = None if wanted is None or not chosen else max(0, wanted - (numbers[-1] - numbers[0] + 1))
    if fit is None:
        return Drift(None, None, len(chosen), max(DAYS_MIN - len(chosen), needed or 0), None)
    own_days = [day for day in chosen if day.own_percent is not None]
    own = line([day.number for day in own_days], [day.own_percent or 0.0 for day in own_days], NOISE_PERCENT)
    times = [_days_until(fit, DIRTY2_PERCENT), None if own is None else _days_until(own, OWN_DIRTY2_PERCENT)]
    clean_in_days = min((each for each in times if each is not None), default=None)
    return Drift(fit.slope_per_day * 30, fit.error_per_day * 30, len(chosen), needed, clean_in_days)


def _days_until(fit: Line, limit: float) -> float | None:
    """When a line that surely rises reaches a limit; None if it may as well not rise."""
    if fit.slope_per_day - fit.error_per_day <= 0:
        return None
    return max(0.0, (limit - fit.level) / fit.slope_per_day)
