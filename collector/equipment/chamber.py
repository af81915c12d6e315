"""One smoke chamber: its means of four hours, its days, and whether something rises above its clean air."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from collector.equipment.smoke import (
    BIN_MS,
    BINS,
    GAP_MAX_MS,
    LOW_PERCENT,
    RISE_CLEAR_SHARE,
    RISE_SHARE,
    Day,
    Level,
    baseline,
    contamination,
    percent,
)
from collector.equipment.trend import DAY_MS, WINDOW_DAYS
from collector.storage.kept import Kept

BINS_OF_DAY = DAY_MS // BIN_MS


@dataclass(frozen=True, slots=True)
class SmokeTrend(Kept):
    """What a chamber (`id`: its device, or "<panel>:<detector>") was up to its last day or move of its baseline."""

    means: tuple[float, ...] = ()
    days: tuple[Day, ...] = ()
    heard_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Rise(Kept):
    """A chamber (`id` as above) has been above this clean air since then, by its source's time."""

    since_ms: int
    clean_db_m: float


class _Bin:
    """The mean of four hours, as it grows."""

    __slots__ = ("count", "number", "sum")

    def __init__(self, number: int) -> None:
        self.number, self.sum, self.count = number, 0.0, 0

    def add(self, value: float) -> None:
        self.sum += value
        self.count += 1

    @property
    def mean(self) -> float | None:
        return self.sum / self.count if self.count else None


class Chamber:
    """A live view: the part changes it, others only read. Obscurations are in dB/m."""

    __slots__ = (
        *("_heard_at_ms", "_late", "_open", "_phase_ms", "alarm_db_m", "clean_db_m", "days", "detector", "device"),
        *("kept_db_m", "means", "own_percent", "since_ms", "value"),
    )

    def __init__(self, device: str, detector: int | None, alarm_db_m: float, kept: SmokeTrend | None) -> None:
        self.device, self.detector, self.alarm_db_m = device, detector, alarm_db_m
        self.means = [] if kept is None else list(kept.means[-BINS:])
        self.days = [] if kept is None else list(kept.days)
        self.kept_db_m = baseline(self.means)  # as it was kept last
        # Its clean air: the baseline, and before there is one the lowest that was heard.
        self.clean_db_m = self.kept_db_m
        self.since_ms: int | None = None  # it rises since then
        self.value: float | None = None
        self.own_percent: float | None = None
        self._heard_at_ms = 0 if kept is None else kept.heard_at_ms
        self._phase_ms = crc32(self.member.encode()) % DAY_MS  # its days begin then, not all at once
        self._open: _Bin | None = None
        self._late: _Bin | None = None

    @property
    def member(self) -> str:
        """How zones name it."""
        return self.device if self.detector is None else f"{self.device}:{self.detector}"

    @property
    def is_learnt(self) -> bool:
        """True once the baseline rests on a whole day."""
        return len(self.means) >= BINS

    @property
    def percent(self) -> float | None:
        """Its dirt, as a share of the way to its own alarm."""
        return None if self.clean_db_m is None else percent(self.clean_db_m, self.alarm_db_m)

    def level(self, before: Level) -> Level | None:
        """How dirty it is; None while that is not known."""
        if not self.is_learnt or self.percent is None:
            return None
        return contamination(self.percent, self.own_percent, before)

    def hear(self, value: float, at_ms: int) -> None:
        """The newest value."""
        self.value = value
        if self.means and at_ms - self._heard_at_ms > GAP_MAX_MS:
            self.learn_anew()
        self._heard_at_ms = at_ms
        if not self.means:
            self.clean_db_m = value if self.clean_db_m is None else min(value, self.clean_db_m)

    def is_above(self, clearing: bool) -> bool:
        """True while it is so much above its clean air that it rises, or (`clearing`) has not come back to it."""
        if self.value is None or self.clean_db_m is None:
            return False
        share = RISE_CLEAR_SHARE if clearing else RISE_SHARE
        lowest = self.alarm_db_m * LOW_PERCENT / 100  # of what air can be: below it the chamber is wrong, not the air
        return self.value - max(self.clean_db_m, lowest) >= share * self.alarm_db_m

    def begin(self, at_ms: int) -> Rise:
        """It rises from now on."""
        self.since_ms = at_ms
        return Rise(self.member, at_ms, self.clean_db_m or 0.0)

    def end(self, since_ms: int) -> Rise:
        """It rises no more: what had been kept of it."""
        self.since_ms = None
        return Rise(self.member, since_ms, self.clean_db_m or 0.0)

    def resume(self, rise: Rise) -> None:
        """After a restart."""
        self.since_ms, self.clean_db_m = rise.since_ms, rise.clean_db_m

    def learn(self, value: float, at_ms: int) -> bool:
        """Let a value of clean air into the baseline; True when that ends a day."""
        number, ended = (at_ms + self._phase_ms) // BIN_MS, False
        if self._open is None:
            self._open = _Bin(number)
        elif number > self._open.number:
            mean = self._open.mean
            if mean is not None:
                self.means = [*self.means, mean][-BINS:]
                self.clean_db_m = baseline(self.means)
            if number // BINS_OF_DAY > self._open.number // BINS_OF_DAY and self.percent is not None:
                self._put(Day(self._open.number // BINS_OF_DAY, round(self.percent, 2), self.own_percent))
                ended = True
            self._open = _Bin(number)
        self._open.add(value)
        return ended

    def learn_late(self, value: float, at_ms: int) -> None:
        """A value of a backlog: it tells of its own day only, and only by the lowest mean of four hours."""
        number = (at_ms + self._phase_ms) // BIN_MS
        if self._late is not None and number != self._late.number and self._late.mean is not None:
            day = Day(self._late.number // BINS_OF_DAY, round(percent(self._late.mean, self.alarm_db_m), 2), None)
            self._put(day)
        if self._late is None or number != self._late.number:
            self._late = _Bin(number)
        self._late.add(value)

    def learn_anew(self) -> None:
        """What it took for smoke is there to stay: that is its clean air from now on."""
        self.means, self._open, self.clean_db_m = [], None, self.value

    def kept(self) -> SmokeTrend:
        """What outlives a restart."""
        self.kept_db_m = self.clean_db_m
        return SmokeTrend(
            self.member, tuple(round(mean, 5) for mean in self.means), tuple(self.days), self._heard_at_ms
        )

    def _put(self, day: Day) -> None:
        """A day, or a lower value of one that is known."""
        known = {each.number: each for each in self.days}
        other = known.get(day.number)
        if other is not None:
            own = day.own_percent if other.own_percent is None else other.own_percent
            day = Day(day.number, min(day.percent, other.percent), own)
        known[day.number] = day
        newest = max(known)
        self.days = [known[number] for number in sorted(known) if number > newest - WINDOW_DAYS]
