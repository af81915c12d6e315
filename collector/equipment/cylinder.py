"""One gas-charged extinguisher: the days of its pressure at 20 °C, and whether its sensor is stuck.

A sample each half an hour makes the mean of a day. A gateway's backlog fills the days to which it belongs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zlib import crc32

from collector.alarms.rules import limits_at_20c
from collector.equipment.pressure import (
    BELIEVED_COLDEST_C,
    BELIEVED_HIGHEST_KPA,
    BELIEVED_LOWEST_KPA,
    BELIEVED_WARMEST_C,
    Cause,
    Day,
    Estimate,
    Leak,
    estimate,
    judge_leak,
    lagged,
)
from collector.equipment.signals import meaning
from collector.equipment.trend import DAY_MS, WINDOW_DAYS
from collector.storage.kept import Kept
from config.profile import Signal, SignalName
from config.site import Device, Site
from config.upkeep import Upkeep
from config.words import Reading, Report

SAMPLE_MS = 30 * 60_000
SLOT_MS = DAY_MS // 6
TODAY_SAMPLES_MIN = 8  # half a night is no day yet
TEMPERATURE_VALID_MS = 3_600_000
STUCK_MS = 14 * DAY_MS
STUCK_K = 5.0  # in which 1.2 MPa move by 22 kPa
STUCK_KPA_MIN = 50.0  # an empty cylinder has no pressure that could move


@dataclass(frozen=True, slots=True)
class PressureTrend(Kept):
    """What a cylinder (`id`: its device) was up to its last slot. `same_kpa`: the pressure unchanged since."""

    days: tuple[Day, ...] = ()
    gas_c: float | None = None
    gas_at_ms: int = 0
    same_kpa: float | None = None
    same_since_ms: int = 0
    coldest_c: float | None = None  # since then
    warmest_c: float | None = None


class _Track:
    """What a live stream of reports, or a backlog, has said last. `gas_c` follows the air with a cylinder's lag."""

    __slots__ = ("air_at_ms", "air_c", "gas_at_ms", "gas_c", "kpa", "own_kpa", "sampled_ms")

    def __init__(self, gas_c: float | None = None, gas_at_ms: int = 0) -> None:
        self.kpa: float | None = None
        self.own_kpa: float | None = None
        self.air_c: float | None = None
        self.air_at_ms = 0
        self.gas_c, self.gas_at_ms = gas_c, gas_at_ms
        self.sampled_ms = 0

    def take(self, name: SignalName, value: float | None, at_ms: int) -> bool:
        """What a signal says; True if it was a pressure."""
        if name is SignalName.TEMPERATURE_C:
            self._air(value, at_ms)
            return False
        if name is SignalName.PRESSURE_KPA:
            self.kpa = value
        else:
            self.own_kpa = value
        return True

    def estimate(self, at_ms: int) -> Estimate:
        """What is known of the pressure at 20 °C now."""
        if self.air_c is None or abs(at_ms - self.air_at_ms) > TEMPERATURE_VALID_MS:
            return estimate(self.kpa, None, None, self.own_kpa)
        gas_c = None if self.gas_c is None else lagged(self.gas_c, self.air_c, (at_ms - self.gas_at_ms) / 1000)
        return estimate(self.kpa, self.air_c, gas_c, self.own_kpa)

    def _air(self, celsius: float | None, at_ms: int) -> None:
        if celsius is not None and not BELIEVED_COLDEST_C <= celsius <= BELIEVED_WARMEST_C:
            celsius = None
        if celsius is not None:
            known = celsius if self.gas_c is None else self.gas_c
            # Until now the air was as it was told last.
            before = celsius if self.air_c is None else self.air_c
            self.gas_c, self.gas_at_ms = lagged(known, before, (at_ms - self.gas_at_ms) / 1000), at_ms
        self.air_c, self.air_at_ms = celsius, at_ms


class Cylinder:
    """One extinguisher. A live view: the part changes it, others only read."""

    __slots__ = ("_late", "_live", "_same", "_slot", "_sources", "days", "device", "limits", "phase_ms", "signals")

    def __init__(self, site: Site, device: Device, charged: date | None, kept: PressureTrend) -> None:
        profile = site.profiles[device.profile]
        wanted = (SignalName.PRESSURE_KPA, SignalName.TEMPERATURE_C, SignalName.PRESSURE_AT_20C_KPA)
        self.device = device.id
        self.signals = {profile.signals[name].point: name for name in wanted if name in profile.signals}
        self._sources = {source.point: source for source in profile.signals.values()}
        self.limits = limits_at_20c(site, device)
        self.phase_ms = crc32(device.id.encode()) % DAY_MS  # its days begin then, not all at once
        since_ms = 0.0 if charged is None else datetime.combine(charged, time(), site.zone).timestamp() * 1000
        self.days = [day for day in kept.days if day.number * DAY_MS - self.phase_ms >= since_ms]
        self._live, self._late = _Track(kept.gas_c, kept.gas_at_ms), _Track()
        self._slot: int | None = None
        self._same = kept

    def hear(self, report: Report) -> bool:
        """Take a report in; True if it told a pressure."""
        track = self._late if report.historical else self._live
        told = False
        for reading in report.readings:
            name = self.signals.get(reading.name)
            if name is not None and track.take(name, _number(self._sources[reading.name], reading), report.at_ms):
                told = True
        if not told:
            return False
        if abs(report.at_ms - track.sampled_ms) >= SAMPLE_MS:
            self._sample(track, report.at_ms)
        return True

    def now(self, at_ms: int) -> Estimate:
        """What is known of its pressure at 20 °C."""
        return self._live.estimate(at_ms)

    @property
    def pressure_kpa(self) -> float | None:
        """As measured last."""
        return self._live.kpa

    @property
    def temperature_c(self) -> float | None:
        """Of the air, as measured last."""
        return self._live.air_c

    def leak(self, upkeep: Upkeep, at_ms: int) -> Leak:
        """What its days say; the present one only if it has enough of it."""
        today = (at_ms + self.phase_ms) // DAY_MS
        days = [day for day in self.days if day.number < today or day.samples >= TODAY_SAMPLES_MIN]
        return judge_leak(days, upkeep.leak_kpa_per_month, upkeep.accuracy_kpa)

    def new_slot(self, at_ms: int) -> bool:
        """True when a quarter of its day is over: time to judge and to keep."""
        slot = (at_ms + self.phase_ms) // SLOT_MS
        over = self._slot is not None and slot > self._slot
        self._slot = slot if self._slot is None else max(slot, self._slot)
        return over

    def is_stuck(self, at_ms: int) -> bool | None:
        """Whether the very same pressure has been told for STUCK_MS while the temperature moved; None: cannot say."""
        kpa, air_c, same = self._live.kpa, self._live.air_c, self._same
        if kpa is None or air_c is None:
            return None
        if kpa != same.same_kpa or at_ms < same.same_since_ms or same.coldest_c is None or same.warmest_c is None:
            self._same = replace(same, same_kpa=kpa, same_since_ms=at_ms, coldest_c=air_c, warmest_c=air_c)
            return False
        if not same.coldest_c <= air_c <= same.warmest_c:
            same = replace(same, coldest_c=min(air_c, same.coldest_c), warmest_c=max(air_c, same.warmest_c))
            self._same = same
        moved_k = (same.warmest_c or 0.0) - (same.coldest_c or 0.0)
        return kpa > STUCK_KPA_MIN and moved_k >= STUCK_K and at_ms - same.same_since_ms >= STUCK_MS

    def kept(self) -> PressureTrend:
        """What outlives a restart."""
        track = self._live
        return replace(self._same, days=tuple(self.days), gas_c=track.gas_c, gas_at_ms=track.gas_at_ms)

    def _sample(self, track: _Track, at_ms: int) -> None:
        """Add to the mean of the day to which this moment belongs, if the pressure at 20 °C is known."""
        found = track.estimate(at_ms)
        if found.kpa is None or not BELIEVED_LOWEST_KPA <= found.kpa <= BELIEVED_HIGHEST_KPA:
            return
        track.sampled_ms = at_ms
        number, own = (at_ms + self.phase_ms) // DAY_MS, found.cause is Cause.OWN
        air_c = None if own else track.air_c
        place = next((i for i, day in enumerate(reversed(self.days)) if day.number <= number), len(self.days))
        place = len(self.days) - 1 - place
        if place < 0 or self.days[place].number != number:
            self.days.insert(place + 1, Day(number, found.kpa, air_c, 1, own))
        elif self.days[place].own is own:
            self.days[place] = _with_sample(self.days[place], found.kpa, air_c)
        oldest = self.days[-1].number - WINDOW_DAYS
        while self.days[0].number <= oldest:
            del self.days[0]


def _with_sample(day: Day, kpa: float, air_c: float | None) -> Day:
    count = day.samples + 1
    warmth = day.temperature_c
    if warmth is not None and air_c is not None:
        warmth += (air_c - warmth) / count
    return Day(day.number, day.kpa + (kpa - day.kpa) / count, warmth, count, day.own)


def _number(source: Signal, reading: Reading) -> float | None:
    value = meaning(source, reading)
    return None if value is None or isinstance(value, bool) or math.isinf(value) else float(value)
