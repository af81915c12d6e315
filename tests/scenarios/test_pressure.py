"""Extinguishers that hang in the cold, in the sun, that leak slowly, and sensors that lie. Weeks in virtual time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from collector.equipment.cylinder import PressureTrend
from collector.equipment.pressure import at_20c, lagged
from config.profile import Profile
from config.site import Site
from config.words import Lane
from tests.scenarios.play import Play
from tests.sites import LOW, site_data, small_site

HOUR_S, DAY_S = 3600, 86_400
FALLING, LOW_KEY, STUCK = "ext-1:pressure_falling", "ext-1:pressure_kpa:below_limit", "ext-1:pressure_stuck"


def gauge(**more: Any) -> Profile:
    """A pressure sensor with a thermometer; more: points beside these."""
    said = {"table": "input", "heartbeat_s": 86_400, "scale": 0.1, "text": {"en": "value", "zh": "值"}}
    high = {**LOW, "when": "above", "value": 1400, "clear": 1370}
    points = {
        "pressure_kpa": {**said, "address": 0, "unit": "kPa", "limits": {"below_limit": LOW, "above_limit": high}},
        "air_c": {**said, "address": 1, "unit": "°C"},
        **more.pop("points", {}),
    }
    signals = {"pressure_kpa": {"point": "pressure_kpa"}, "temperature_c": {"point": "air_c"}}
    return Profile.model_validate(
        {
            "profile": "pressure",
            "title": {"en": "Extinguisher", "zh": "灭火器"},
            "source": "made for tests",
            "category": "pressure",
            "points": points,
            "signals": signals | more.pop("signals", {}),
        }
    )


def site(contents: str | None = "powder", profile: Profile | None = None, **upkeep: Any) -> Site:
    """The small site with nothing but ext-1 in it, an extinguisher; and nobody minds long silences."""
    data = site_data()
    data["plan"]["device_silent_after_s"] = DAY_S
    gateway = data["gateways"][0]
    (extinguisher,) = (d for d in gateway["buses"][0]["devices"] if d["id"] == "ext-1")
    extinguisher["upkeep"] = {"contents": contents, **upkeep}
    gateway["buses"][0]["devices"], gateway["silent_after_s"] = [extinguisher], DAY_S
    data["plan"]["pulse"] = None
    data["gateways"] = [gateway]
    return small_site(data, pressure=profile or gauge())


def at_temperature(kpa_at_20c: float, celsius: float) -> float:
    """What the gauge of a tight cylinder shows, by the law of ideal gases."""
    return (kpa_at_20c + 101.3) * (celsius + 273.15) / 293.15 - 101.3


class Stairwell:
    """A cylinder that hangs in the air: its charge follows the temperature with a lag; a story of weeks."""

    def __init__(self, play: Play, charge_kpa: float, air_c: Callable[[float], float]) -> None:
        self.play, self.charge_kpa, self.air_c = play, charge_kpa, air_c
        self.leak_kpa_per_day = 0.0
        self.fraction = 1.0  # of the charge's lag: 0 is a sensor and a charge that follow the air at once
        self._gas_c = air_c(0.0)
        self.second = 0.0

    def hangs_until(self, day: float, *, every_s: int = 1800) -> Stairwell:
        """Time passes; the sensor speaks every half an hour."""
        while self.second + every_s <= day * DAY_S:
            self.second += every_s
            air_c = self.air_c(self.second / DAY_S)
            self._gas_c = lagged(self._gas_c, air_c, every_s)
            gas_c = air_c + self.fraction * (self._gas_c - air_c)
            self.charge_kpa -= self.leak_kpa_per_day * every_s / DAY_S
            noise_kpa = 1.5 * math.sin(self.second * 0.7)
            kpa = round(at_temperature(self.charge_kpa, gas_c) + noise_kpa, 1)
            self.play.at(self.second).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=kpa, air_c=round(air_c, 1))
        return self


def long_play(at: Site | None = None) -> Play:
    return Play(at or site(), pulse_s=12 * HOUR_S)


def steady(celsius: float, swing_k: float = 4.0) -> Callable[[float], float]:
    return lambda day: celsius + swing_k * math.sin(2 * math.pi * day)


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0, 1.5])
def test_a_freezing_night_is_neither_low_nor_a_leak(fraction: float) -> None:
    play = long_play()
    hanging = Stairwell(play, 1120, lambda day: 18.0 if day < 20.6 else -18.0 if day < 21.0 else 12.0)
    hanging.fraction = fraction

    hanging.hangs_until(30)

    assert at_temperature(1120, -18) < 1000, "the gauge itself is far below its limit"
    assert not play.engine.alarms


def test_an_hour_of_sun_on_the_sensor_alone_is_neither_low_nor_high_nor_a_leak() -> None:
    play = long_play()

    def air_c(day: float) -> float:
        return 15.0 + (25.0 if 0.5 < day % 1 < 0.56 else 0.0)

    Stairwell(play, 1060, air_c).hangs_until(40)

    assert at_20c(at_temperature(1060, 15), 40) < 1000, "by the sensor alone it would be low"
    assert not play.engine.alarms


def test_a_cylinder_that_is_low_at_20_degrees_is_told_though_its_warm_gauge_is_not() -> None:
    play = long_play()
    Stairwell(play, 975, lambda _: 32.0).hangs_until(0.5)

    assert at_temperature(975, 32) > 1000
    assert list(play.engine.alarms) == [LOW_KEY]
    assert (play.alarms[LOW_KEY].value or "").endswith(" kPa; at-20c")
    play.expect_told("mona", "nora")


def test_without_a_temperature_only_what_is_low_in_any_weather_is_told_and_said_to_be_uncompensated() -> None:
    play = Play(site())

    play.at(1).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=900.0, air_c=None)
    assert LOW_KEY not in play.engine.alarms, "at -20 °C this is well charged"

    play.at(2).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=840.0, air_c=None)
    assert play.alarms[LOW_KEY].value == "840 kPa; no-temperature"


def test_a_low_cylinder_is_not_called_well_because_its_thermometer_fails() -> None:
    play = Play(site())
    play.at(1).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=950.0, air_c=20.0)
    assert LOW_KEY in play.engine.alarms

    play.at(60).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=950.0, air_c=None)
    assert LOW_KEY in play.engine.alarms

    play.at(120).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=1180.0, air_c=20.0)
    assert LOW_KEY not in play.engine.alarms


def test_a_slow_leak_is_told_with_its_rate_and_the_day_when_it_will_be_too_low() -> None:
    play = long_play()
    hanging = Stairwell(play, 1200, steady(18.0))
    hanging.leak_kpa_per_day = 1.5  # 45 kPa a month

    hanging.hangs_until(9)
    assert FALLING not in play.engine.alarms, "too few days to be sure"
    hanging.hangs_until(25)

    alarm = play.alarms[FALLING]
    rate, limit, day = (alarm.value or "").split("; ")
    slope, _, uncertainty = rate.removesuffix(" kPa").partition(" ± ")
    assert -50 <= float(slope) <= -40 and 10 <= float(uncertainty) <= 36
    assert limit == "1000 kPa" and day[:7] in ("2025-10", "2025-11")
    play.expect_told("mona", "nora")
    assert play.incident.kind == "equipment" and play.incident.condition == "supervisory"


def test_a_leak_of_less_than_the_limit_is_not_told() -> None:
    play = long_play()
    hanging = Stairwell(play, 1200, steady(18.0))
    hanging.leak_kpa_per_day = 0.2  # 6 kPa a month

    hanging.hangs_until(60)

    assert not play.engine.alarms


@pytest.mark.parametrize("kelvin_per_month", [-12.0, 12.0])
def test_a_season_that_cools_or_warms_is_no_leak(kelvin_per_month: float) -> None:
    play = long_play()

    Stairwell(play, 1150, lambda day: 15 + kelvin_per_month * day / 30 + 5 * math.sin(6.283 * day)).hangs_until(60)

    assert not play.engine.alarms


def test_a_refilled_cylinder_leaks_no_more_and_its_days_begin_anew() -> None:
    play = long_play()
    hanging = Stairwell(play, 1200, steady(18.0))
    hanging.leak_kpa_per_day = 2.0
    hanging.hangs_until(25)
    assert FALLING in play.engine.alarms

    hanging.leak_kpa_per_day, hanging.charge_kpa = 0.0, 1200
    hanging.hangs_until(27)

    assert not play.engine.alarms and not play.engine.incidents
    hanging.hangs_until(45)
    assert not play.engine.alarms


def test_a_cylinder_that_was_used_once_does_not_leak() -> None:
    play = long_play()
    hanging = Stairwell(play, 1250, steady(18.0)).hangs_until(20)
    hanging.charge_kpa -= 90

    hanging.hangs_until(50)

    assert not play.engine.alarms


def test_another_sensor_after_a_silence_is_no_leak() -> None:
    play = long_play()
    hanging = Stairwell(play, 1250, steady(18.0)).hangs_until(15)
    hanging.second += 9 * DAY_S
    hanging.charge_kpa -= 40

    hanging.hangs_until(50)

    assert FALLING not in play.engine.alarms


def test_a_backlog_fills_the_days_of_which_it_tells_and_raises_nothing_by_itself() -> None:
    play = long_play()
    play.at(20 * DAY_S)
    for half_hour in range(20 * 48):
        kpa = round(at_temperature(1200 - 2.5 * half_hour / 48, 18.0), 1)
        ago_s = 20 * DAY_S - half_hour * 1800
        play.says("ext-1", lane=Lane.TELEMETRY, historical=True, ago_s=ago_s, pressure_kpa=kpa, air_c=18.0)
    assert not play.engine.alarms

    for half_hour in range(12):
        play.at(20 * DAY_S + half_hour * 1800 + 1)
        play.says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=round(at_temperature(1150, 18), 1), air_c=18.0)

    assert FALLING in play.engine.alarms


def test_a_pressure_that_never_moves_while_the_temperature_does_is_a_stuck_sensor() -> None:
    play = long_play()
    hanging = Stairwell(play, 1200, steady(18.0, 5.0)).hangs_until(2)
    for half_hour in range(17 * 48):
        second = 2 * DAY_S + (half_hour + 1) * 1800
        air_c = round(18 + 5 * math.sin(2 * math.pi * second / DAY_S), 1)
        play.at(second).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=1200.0, air_c=air_c)
        if half_hour == 13 * 48:
            assert STUCK not in play.engine.alarms
            play.restart()

    assert play.incident_of("fault").alarms == (STUCK,)
    hanging.second = 19 * DAY_S
    hanging.hangs_until(19.1)
    assert not play.engine.alarms


def test_the_same_pressure_at_the_same_temperature_is_a_calm_cellar_and_no_stuck_sensor() -> None:
    play = long_play()
    for half_hour in range(30 * 48):
        play.at((half_hour + 1) * 1800).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=1200.0, air_c=20.0)

    assert not play.engine.alarms


def test_the_devices_own_word_for_a_leak_is_not_told_twice() -> None:
    bit = {"bit": 0, "class": "supervisory", "kind": "equipment", "text": {"en": "Leak", "zh": "泄漏"}}
    status = {"table": "input", "address": 9, "class": "state", "bits": {"leak": bit}, "text": {"en": "s", "zh": "s"}}
    profile = gauge(points={"status": status}, signals={"leaking": {"point": "leak"}})
    play = long_play(site(profile=profile))
    hanging = Stairwell(play, 1200, steady(18.0))
    hanging.leak_kpa_per_day = 2.0
    hanging.hangs_until(1)
    play.says("ext-1", leak=True)

    hanging.hangs_until(30)

    assert list(play.engine.alarms) == ["ext-1:leak"]


@pytest.mark.parametrize("contents", ["co2", "hydrant", None])
def test_where_no_gas_charge_makes_the_pressure_it_is_judged_as_it_is_measured(contents: str | None) -> None:
    play = Play(site(contents))

    play.at(1).says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=990.0, air_c=-20.0)

    assert play.alarms[LOW_KEY].value == "990 kPa"
    assert play.engine.cylinders.cylinder("ext-1") is None


def test_a_restart_at_any_hour_changes_nothing_that_is_told() -> None:
    def story(restart: bool) -> tuple[list[tuple[str, str | None]], float]:
        play = long_play()
        hanging = Stairwell(play, 1200, steady(12.0, 8.0))
        hanging.leak_kpa_per_day = 1.5
        for quarter in range(1, 100):
            hanging.hangs_until(quarter / 4)
            if restart and quarter % 3 == 0:
                play.restart()
        events = [(entry.event, entry.device) for entry in play.events("alarm-raised", "alarm-returned")]
        raised_at = play.alarms[FALLING].raised_at_ms
        return events, (raised_at - play.now) / 3_600_000

    told, at_h = story(restart=False)
    told_again, again_at_h = story(restart=True)

    assert told == told_again == [("alarm-raised", "ext-1")]
    assert abs(at_h - again_at_h) <= 24


def test_what_is_known_of_a_cylinder_is_written_six_times_a_day_and_not_more() -> None:
    play = long_play()
    Stairwell(play, 1200, steady(18.0)).hangs_until(10)

    written = [item for decision in play.decisions for item in decision.kept if isinstance(item, PressureTrend)]

    assert 58 <= len(written) <= 61
    assert len(written[-1].days) <= 11


def test_a_clock_that_jumps_ahead_or_back_makes_no_leak_and_loses_no_low_pressure() -> None:
    play = long_play()
    hanging = Stairwell(play, 1200, steady(18.0)).hangs_until(12)
    for ago_s in (-400 * DAY_S, 400 * DAY_S, -1800, 3 * DAY_S):
        play.says("ext-1", lane=Lane.TELEMETRY, ago_s=ago_s, pressure_kpa=1190.0, air_c=18.0)
    hanging.hangs_until(20)
    assert not play.engine.alarms

    play.says("ext-1", lane=Lane.TELEMETRY, ago_s=7200, pressure_kpa=700.0, air_c=18.0)
    assert LOW_KEY in play.engine.alarms


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -1e30, 1e30])
def test_garbage_of_a_sensor_is_neither_low_nor_a_leak_and_breaks_nothing(garbage: float) -> None:
    play = long_play()
    hanging = Stairwell(play, 1200, steady(18.0)).hangs_until(10)

    play.says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=1190.0, air_c=garbage)
    play.says("ext-1", lane=Lane.TELEMETRY, pressure_kpa=garbage, air_c=18.0)
    hanging.hangs_until(30)

    assert not play.engine.alarms
    cylinder = play.engine.cylinders.cylinder("ext-1")
    assert cylinder is not None and all(1150 < day.kpa < 1250 for day in cylinder.days)
