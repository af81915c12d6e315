"""What one thing of a made-up past has come to, hour by hour. Pure."""

from __future__ import annotations

import math

from collector.storage.policies import DAY_MS


def elevator_at(number: int, hour: int) -> dict[str, float | None]:
    """An elevator in its so-many-th hour."""
    faults = 3 + hour // 60
    trips, down_h = 5_000 + hour * 9, 4 + hour // 60 * 0.5
    return {
        "trips": trips,
        "door_cycles": trips * 2.1,
        "run_h": trips / 120,
        "faults": faults,
        "entrapments": 1,
        "down_h": down_h,
        "availability": 1 - down_h / (2_000 + hour),
        "faults_per_thousand_trips": faults * 1000 / trips,
        "mean_time_between_failures_h": (2_000 + hour) / faults,
        "age_years": 6 + number % 14,
        "maintenance_rank": number % 3,
        "service_due_days": 12 - hour // 24 % 15,
        "alarm_link_age_h": hour % 60,
    }


def extinguisher_at(number: int, hour: int) -> dict[str, float | None]:
    """An extinguisher; each fourth leaks."""
    slope = -1.4 if number % 4 == 0 else -0.02
    level = 1_180 + number % 5 * 8 + slope * hour / 24
    return {
        "pressure_kpa": level + 20 * math.sin(hour * math.pi / 12),
        "pressure_20c_kpa": level,
        "low_kpa": 1_000,
        "high_kpa": 1_500,
        "slope_kpa_per_day": slope,
        "slope_low_kpa_per_day": slope - 0.3,
        "slope_high_kpa_per_day": slope + 0.3,
        "days_until_low": (level - 1_000) / -slope if slope < -1 else None,
        "days_of_data": 20 + hour // 24,
        "inspection_due_days": 40 - hour // 24,
        "replacement_due_days": 900 - hour // 24,
    }


def hydrant_at(number: int, hour: int) -> dict[str, float | None]:
    """A hydrant."""
    pressure = 320 + 15 * math.sin(hour * math.pi / 12 + number)
    return {"pressure_kpa": pressure, "low_kpa": 140, "inspection_due_days": 90 - hour // 24}


def detector_at(number: int, hour: int) -> dict[str, float | None]:
    """A smoke chamber; each fifth gathers dirt."""
    drift = 4.0 if number % 5 == 0 else 0.3
    percent = 12 + number % 7 * 3 + drift * hour / 720
    return {
        "clean_air_db_m": percent * 0.0015,
        "contamination_percent": percent,
        "drift_percent_per_month": drift,
        "contamination_level": float(percent >= 50),
        "pre_alarms": hour // 70,
        "service_due_days": (80 - percent) / drift * 30 if drift > 1 else None,
        "inspection_due_days": 120 - hour // 24,
    }


def journal_at(appended: int, away: bool) -> dict[str, float]:
    """One lane of a gateway's journal."""
    waiting = 40 if away else 0
    return {"appended": appended, "dropped": 0, "in_journal": waiting, "committed": appended - waiting}


def measured_at(unit: str, at_ms: int, number: int) -> float:
    """A value of that unit at a time of the day."""
    wave = math.sin(at_ms / DAY_MS * 2 * math.pi + number)
    noise = math.sin(at_ms / 997_000 + number * 7)
    middle, swing = {
        "°C": (21.0, 4.0),
        "kPa": (1_180.0, 25.0),
        "MPa": (0.4, 0.02),
        "dB/m": (0.012, 0.004),
        "%/m": (0.3, 0.1),
        "%": (20.0, 2.0),
        "m/s": (0.5, 0.5),
    }.get(unit, (100.0, 10.0))
    return middle + swing * wave + swing / 5 * noise
