"""Smoke that rises before the alarm, steam that passes, and dirt that comes for weeks, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from collector.equipment.chamber import SmokeTrend
from config.profile import Profile
from config.site import Site
from config.words import Lane
from tests.scenarios.play import Play
from tests.sites import SMOKE_BITS, site_data, small_site

DAY_S = 86_400
RISING, SOON, NOW, LOW = (
    f"smoke-1:{word}" for word in ("smoke_rising", "chamber_dirty_soon", "chamber_dirty_now", "chamber_low")
)


def head(more_bits: dict[str, Any] | None = None, more_signals: dict[str, Any] | None = None) -> Profile:
    """A smoke head that tells its obscuration; its own alarm is at 0.15 dB/m."""
    said = {"table": "input", "heartbeat_s": 86_400, "scale": 0.001, "text": {"en": "value", "zh": "值"}}
    dirty = {"bit": 11, "class": "trouble", "kind": "fault", "text": {"en": "Dirty", "zh": "脏"}}
    bits = {**SMOKE_BITS, "dirty_1": dirty, **(more_bits or {})}
    state = {"table": "input", "address": 0, "class": "state", "bits": bits, "text": {"en": "state", "zh": "状态"}}
    drift = {"drift_percent": {**said, "address": 2, "scale": 1.0}}
    return Profile.model_validate(
        {
            "profile": "smoke",
            "title": {"en": "Smoke head", "zh": "感烟探测器"},
            "source": "made for tests",
            "category": "smoke-detector",
            "points": {"state": state, "obscuration_db_m": {**said, "type": "int16", "address": 1}, **drift},
            "signals": {
                "obscuration_db_m": {"point": "obscuration_db_m"},
                "drift_percent": {"point": "drift_percent"},
                "dirty_soon": {"point": "dirty_1"},
                **(more_signals or {}),
            },
        }
    )


def site() -> Site:
    """The small site with nothing but smoke-1 in it."""
    return small_site_of(head())


def small_site_of(profile: Profile) -> Site:
    """The same with another profile."""
    data = site_data()
    data["plan"]["device_silent_after_s"] = DAY_S
    data["plan"]["pulse"] = None
    gateway = data["gateways"][0]
    devices = [each for each in gateway["buses"][0]["devices"] if each["id"] == "smoke-1"]
    gateway["buses"][0]["devices"], gateway["silent_after_s"] = devices, DAY_S
    data["gateways"] = [gateway]
    return small_site(data, smoke=profile)


class Room:
    """Air around smoke-1, told each quarter of an hour or as a test says it."""

    def __init__(self, play: Play) -> None:
        self.play, self.second = play, 0.0

    def stays(self, db_m: float, until_day: float, *, drift_per_day: float = 0.0, every_s: float = 900) -> Room:
        """The same air, or one that slowly drifts, until this day."""
        while self.second + every_s <= until_day * DAY_S:
            self.says(db_m, after_s=every_s)
            db_m += drift_per_day * every_s / DAY_S
        return self

    def says(self, db_m: float, *, after_s: float, **more: Any) -> Room:
        """A value, so long after the one before."""
        self.second += after_s
        noise = 0.001 if round(self.second) % 2 else 0.0
        self.play.at(self.second).says("smoke-1", lane=Lane.TELEMETRY, obscuration_db_m=db_m + noise, **more)
        return self


def room() -> Room:
    return Room(Play(site(), pulse_s=12 * 3600))


def test_a_smouldering_fire_is_a_pre_alarm_minutes_before_the_detectors_own_alarm() -> None:
    fire = room().stays(0.01, 2)

    for step in range(1, 11):  # 0.006 dB/m each half a minute
        fire.says(0.01 + 0.006 * step, after_s=30)

    alarm = fire.play.alarms[RISING]
    assert (alarm.condition, alarm.kind) == ("pre-alarm", "fire")
    assert (alarm.value or "").endswith("; 0.010 dB/m")
    assert fire.play.incident.kind == "fire" and not fire.play.incident.full_call
    fire.play.expect_told("mona", "nora")

    fire.play.at(fire.second + 10).says("smoke-1", fire=True)
    assert fire.play.incident.full_call


def test_a_rise_is_told_in_time_though_nothing_more_is_heard_because_nothing_changes() -> None:
    fire = room().stays(0.01, 1.5).says(0.075, after_s=5)
    began = fire.second

    fire.play.at(began + 40)
    assert RISING not in fire.play.engine.alarms
    fire.play.at(began + 60)

    assert RISING in fire.play.engine.alarms


@pytest.mark.parametrize("db_m", [0.06, 0.14, 0.5])
def test_steam_and_a_hot_pan_that_pass_in_seconds_are_no_pre_alarm(db_m: float) -> None:
    kitchen = room().stays(0.01, 1)

    for _ in range(20):
        kitchen.says(db_m, after_s=600).says(0.012, after_s=30)

    assert not kitchen.play.engine.alarms


def test_a_rise_of_a_detector_that_is_gone_meanwhile_is_not_told_from_memory() -> None:
    fire = room().stays(0.01, 1).says(0.075, after_s=5)
    fire.play.at(fire.second + 2).mute("smoke-1").dies("gw-1", "smoke-1")

    fire.play.at(fire.second + 100)

    assert RISING not in fire.play.engine.alarms


def test_a_pre_alarm_returns_by_itself_when_the_air_is_clean_again() -> None:
    fire = room().stays(0.01, 1).says(0.08, after_s=5).says(0.08, after_s=60)
    assert RISING in fire.play.engine.alarms

    fire.says(0.045, after_s=60)
    assert RISING in fire.play.engine.alarms, "not yet as clean as it was"
    fire.says(0.012, after_s=60)

    assert not fire.play.engine.alarms and not fire.play.engine.incidents


@pytest.mark.parametrize("db_m_per_day", [0.0025, 0.017])
def test_dirt_that_comes_for_days_is_never_a_pre_alarm(db_m_per_day: float) -> None:
    dirt = room().stays(0.01, 1)

    days = 0.12 / db_m_per_day
    dirt.stays(0.01, 1 + days, drift_per_day=db_m_per_day).stays(0.13, 4 + days)

    assert not [entry for entry in dirt.play.events("alarm-raised") if "pre-alarm" in dict(entry.facts).values()]
    assert NOW in dirt.play.engine.alarms


def test_the_levels_of_dirt_follow_each_other_each_with_the_day_by_which_to_clean() -> None:
    dirt = room().stays(0.01, 1)

    dirt.stays(0.01, 36, drift_per_day=0.002)
    assert list(dirt.play.engine.alarms) == [SOON]
    share, day = (dirt.play.alarms[SOON].value or "").split("; ")
    assert 49 <= float(share.removesuffix(" %")) <= 53 and day.startswith("2025-08")
    assert dirt.play.incident.kind == "fault"

    dirt.stays(0.08, 60, drift_per_day=0.002)
    assert list(dirt.play.engine.alarms) == [NOW]

    dirt.stays(0.005, 63)
    assert not dirt.play.engine.alarms, "it was cleaned"


def test_a_chamber_below_clean_air_is_a_trouble_because_it_may_not_see_smoke() -> None:
    blind = room().stays(-0.02, 3)

    assert list(blind.play.engine.alarms) == [LOW]


def test_the_detectors_own_word_for_its_drift_counts_as_evidence() -> None:
    worn = room().stays(0.005, 2).says(0.005, after_s=900, drift_percent=95.0)

    worn.stays(0.005, 4)

    assert SOON in worn.play.engine.alarms and worn.play.alarms[SOON].value == "95 %"


def test_dirt_that_the_detectors_own_bit_tells_is_not_told_twice() -> None:
    dirt = room().stays(0.09, 0.5)
    dirt.play.says("smoke-1", dirty_1=True)

    dirt.stays(0.09, 4)

    assert list(dirt.play.engine.alarms) == ["smoke-1:dirty_1"]


def test_dust_that_came_at_once_and_stays_for_a_day_is_dirt_and_the_pre_alarm_returns() -> None:
    dust = room().stays(0.01, 2).stays(0.09, 2.9)
    assert list(dust.play.engine.alarms) == [RISING]

    dust.stays(0.09, 5)

    assert list(dust.play.engine.alarms) == [SOON]


def test_the_baseline_is_frozen_while_it_rises_and_while_the_detector_says_fire() -> None:
    fire = room().stays(0.01, 2).says(0.03, after_s=60)
    fire.play.says("smoke-1", fire=True)
    fire.stays(0.04, 2.8)
    fire.says(0.08, after_s=60)

    chamber = fire.play.engine.chambers.chamber("smoke-1")
    assert chamber is not None and chamber.clean_db_m == pytest.approx(0.01, abs=0.002)


def test_a_restart_in_the_middle_of_a_rise_changes_nothing() -> None:
    def story(restart: bool) -> tuple[list[str], int]:
        fire = room().stays(0.01, 0.1)
        fire.says(0.075, after_s=5)
        if restart:
            fire.play.at(fire.second + 20).restart()
        fire.says(0.08, after_s=60)
        raised_at_ms = fire.play.alarms[RISING].raised_at_ms
        if restart:
            fire.play.restart()
            assert RISING in fire.play.engine.alarms
        fire.says(0.01, after_s=60)
        assert not fire.play.engine.alarms
        return [entry.event for entry in fire.play.events("alarm-raised", "alarm-returned")], raised_at_ms

    events, raised_at_ms = story(restart=False)
    events_again, again_at_ms = story(restart=True)

    assert events == events_again == ["alarm-raised", "alarm-returned"]
    assert abs(raised_at_ms - again_at_ms) <= 15_000


def test_a_restart_every_day_learns_the_same_dirt() -> None:
    dirt = room()
    for day in range(1, 40):
        dirt.stays(0.01 + 0.002 * (day - 1), day, drift_per_day=0.002)
        dirt.play.restart()

    assert list(dirt.play.engine.alarms) == [SOON]
    assert "; 2025-0" in (dirt.play.alarms[SOON].value or "")


def test_clean_air_is_kept_about_once_a_day() -> None:
    calm = room().stays(0.01, 30)

    written = [each for decision in calm.play.decisions for each in decision.kept if isinstance(each, SmokeTrend)]

    assert 29 <= len(written) <= 32


def test_a_backlog_of_smoke_long_gone_raises_no_pre_alarm_and_does_not_spoil_the_baseline() -> None:
    calm = room().stays(0.01, 2)

    for minute in range(60):
        calm.play.says("smoke-1", lane=Lane.TELEMETRY, historical=True, ago_s=7200 - 60 * minute, obscuration_db_m=0.12)
    calm.says(0.01, after_s=60)

    assert not calm.play.engine.alarms
    chamber = calm.play.engine.chambers.chamber("smoke-1")
    assert chamber is not None and chamber.clean_db_m == pytest.approx(0.01, abs=0.002)


@pytest.mark.parametrize("db_m", [65.535, -65.535, 1e30])
def test_a_broken_chamber_that_says_what_no_air_can_be_is_never_a_fire(db_m: float) -> None:
    broken = room().stays(0.01, 1)

    for _ in range(20):
        broken.says(db_m, after_s=60)

    assert not broken.play.engine.incidents


def test_one_odd_value_of_a_new_detector_makes_no_smoke_of_clean_air() -> None:
    new = room().says(-0.6, after_s=60)

    new.stays(0.01, 0.5)

    assert not new.play.engine.incidents


def test_a_detector_that_comes_back_after_days_has_not_been_seen_to_rise() -> None:
    dusty = room().stays(0.01, 2)
    dusty.second += 5 * DAY_S

    dusty.stays(0.07, 7.5)

    assert RISING not in dusty.play.engine.alarms


def test_a_head_that_is_off_its_base_teaches_no_clean_air() -> None:
    bit = {"bit": 12, "class": "trouble", "kind": "fault", "text": {"en": "Removed", "zh": "拆除"}}
    changed = head({"removed": bit}, {"low_chamber": {"point": "removed"}})
    play = Play(small_site_of(changed), pulse_s=12 * 3600)
    worn = Room(play).stays(0.07, 2)
    play.says("smoke-1", removed=True)
    worn.stays(0.0, 3)
    play.says("smoke-1", removed=False)

    worn.stays(0.07, 4)

    assert not {RISING, SOON} & set(play.engine.alarms)


def test_a_clock_that_jumps_and_a_value_that_is_garbage_raise_nothing() -> None:
    odd = room().stays(0.01, 2)
    for ago_s in (-400 * DAY_S, 400 * DAY_S, -1800):
        odd.play.says("smoke-1", lane=Lane.TELEMETRY, ago_s=ago_s, obscuration_db_m=0.011)
    for value in (float("nan"), float("inf"), float("-inf"), None):
        odd.play.says("smoke-1", lane=Lane.TELEMETRY, obscuration_db_m=value)

    odd.stays(0.01, 3)

    assert not [key for key in odd.play.engine.alarms if key in (RISING, SOON, NOW, LOW)]


def test_a_detector_of_a_panel_rises_for_itself_and_is_named() -> None:
    said = {"table": "input", "address": 512, "scale": 0.001, "heartbeat_s": 60, "text": {"en": "value", "zh": "值"}}
    bit = {"bit": 1, "class": "alarm", "kind": "fire", "text": {"en": "Fire", "zh": "火警"}}
    state = {"table": "input", "class": "state", "text": {"en": "state", "zh": "状态"}}
    profile = Profile.model_validate(
        {
            "profile": "panel",
            "title": {"en": "Panel", "zh": "控制器"},
            "source": "made for tests",
            "category": "fire-panel",
            "points": {"word": {**state, "address": 0, "bits": {"fire": {**bit, "bit": 0}}}},
            "detector_points": {"state": {**state, "address": 16, "bits": {"fire": bit}}, "obscuration_db_m": said},
            "signals": {"obscuration_db_m": {"point": "obscuration_db_m"}},
        }
    )
    play = Play(small_site(site_data(), panel=profile))
    for second in range(0, 600, 60):
        play.at(second).says("panel-1", lane=Lane.TELEMETRY, detector__2__obscuration_db_m=0.01)
    play.at(610).says("panel-1", lane=Lane.TELEMETRY, detector__2__obscuration_db_m=0.08)

    play.at(670)

    assert list(play.engine.alarms) == ["panel-1:detector/2/smoke_rising"]
    play.restart()
    assert list(play.engine.alarms) == ["panel-1:detector/2/smoke_rising"]
