"""Elevators: who is trapped is found out, called for, freed by the word of somebody on site, and never in silence."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.book.entries import put
from collector.calls.dispatch import Reason
from collector.commands import Answered, ChangeBook, Freed, Reset, Serviced
from collector.equipment.liftlog import LiftLog, figures
from collector.equipment.rescue import Rescue
from config.people import Person
from config.profile import Condition, Profile
from config.site import Site
from config.upkeep import Service
from config.words import Lane
from tests.scenarios.play import START_MS, Play, people
from tests.sites import site_data, small_site

TEXT = {"en": "value", "zh": "值"}
MINUTE = 60
HOUR = 3600
DAY = 86_400


TOLD_AS_IT_IS = {"over_travel": "travel", "power_lost": "power", "out_of_service": "stopped", "fireman": "firemen"}


def bit(number: int, condition: str, kind: str | None = None) -> dict[str, Any]:
    return {"bit": number, "class": condition, "kind": kind, "text": TEXT}


def lift_profile(**signals: Any) -> Profile:
    """A box that tells raw signals and its controller's own flag."""
    words = ("moving", "level", "closed", "opened", "person", "key", "works", *TOLD_AS_IT_IS.values())
    return Profile.model_validate(
        {
            "profile": "lift",
            "title": TEXT,
            "source": "made for tests",
            "category": "lift",
            "points": {
                "faults": {
                    **{"table": "input", "address": 0, "class": "state", "text": TEXT},
                    "bits": {"trapped": bit(0, "alarm", "entrapment"), "safety": bit(1, "supervisory", "equipment")},
                },
                "signs": {
                    **{"table": "input", "address": 1, "class": "state", "text": TEXT},
                    "bits": {name: bit(number, "state") for number, name in enumerate(words)},
                },
                "speed": {"table": "input", "address": 2, "scale": 0.01, "unit": "m/s", "text": TEXT},
                "floor": {"table": "input", "address": 3, "class": "state", "text": TEXT},
                "trips": {"table": "input", "address": 4, "type": "uint32", "class": "counter", "text": TEXT},
                "test_age": {"table": "input", "address": 6, "unit": "h", "text": TEXT},
                "temperature_c": {"table": "input", "address": 7, "text": TEXT, "heartbeat_s": 30},
            },
            "signals": {
                **{"moving": {"point": "moving"}, "level": {"point": "level"}, "person": {"point": "person"}},
                **{"door_closed": {"point": "closed"}, "door_open": {"point": "opened"}},
                **{"alarm_key": {"point": "key"}, "inspection": {"point": "works"}},
                **{"speed_m_s": {"point": "speed"}, "floor": {"point": "floor"}, "trips": {"point": "trips"}},
                **{"alarm_link_test_age_h": {"point": "test_age"}},
                **signals,
            },
        }
    )


def lift_site(profile: Profile | None = None, **lift: Any) -> Site:
    """The small community; lift-1 tells raw signals and is kept by Cora of the maintenance company."""
    return small_site(lift_data(**lift), lift=profile or lift_profile())


def lift_data(**lift: Any) -> dict[str, Any]:
    data = site_data()
    data["people"].append({"id": "cora", "name": "Cora", "channels": [{"channel": "console"}]})
    device = next(each for each in data["gateways"][0]["buses"][0]["devices"] if each["id"] == "lift-1")
    device["lift"] = {"contractor": "cora", **lift}
    return data


AT_FLOOR = {"moving": False, "level": True, "closed": True, "opened": False, "key": False, "works": False}
STUCK = {"moving": False, "level": False, "closed": True, "opened": False, "key": False, "works": False}
RIDES = {"moving": True, "level": False, "closed": True, "opened": False, "key": False, "works": False}
OPEN = {"moving": False, "level": True, "closed": False, "opened": True, "key": False, "works": False}


def play(site: Site | None = None) -> Play:
    return Play(site or lift_site())


def days(**lift: Any) -> Play:
    """A play for many days: devices are patient and speak every hour."""
    data = lift_data(**lift)
    data["plan"]["device_silent_after_s"] = DAY
    for gateway in data["gateways"]:
        gateway["silent_after_s"] = DAY
    return Play(small_site(data, lift=lift_profile()), pulse_s=HOUR)


def calls(on: Play) -> set[str]:
    """The keys of the entrapment alarms that are not normal."""
    return {key for key, alarm in on.engine.alarms.items() if alarm.kind == "entrapment"}


# --- judged from raw signals ----------------------------------------------------------------------


def test_a_car_between_two_floors_with_somebody_inside_is_an_entrapment_after_15_seconds() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.at(10).says("lift-1", **STUCK, person=True)
    on.at(24)
    assert not on.engine.incidents
    on.at(25)

    assert calls(on) == {"lift-1:lift-entrapment-between"}
    assert on.incident.full_call
    assert people(on.told()) == {"nora", "ned", "nick", "cora"}
    assert on.alarms["lift-1:lift-entrapment-between"].raised_at_ms == START_MS + 10_000, "it began when the car stood"


def test_a_car_that_starts_and_stops_again_and_again_between_two_floors_is_stuck() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=True, floor=2)
    on.at(10).says("lift-1", **RIDES)
    for second in range(20, 90, 10):
        assert not calls(on), second
        on.at(second).says("lift-1", moving=second % 20 == 0)
    on.at(95)

    assert calls(on) == {"lift-1:lift-entrapment-between"}
    assert on.incident.full_call


def test_a_level_that_flickers_does_not_hide_a_closed_car_with_somebody_inside() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True, floor=2)
    on.at(10).says("lift-1", **STUCK)
    for second in range(15, 120, 5):
        on.at(second).says("lift-1", level=second % 10 == 5)

    assert calls(on) == {"lift-1:lift-entrapment-level"}
    assert on.alarms["lift-1:lift-entrapment-level"].phase is Phase.ACTIVE
    assert len(on.events("alarm-raised", "alarm-raised-again")) == 1, "it is told once"
    on.says("lift-1", **OPEN)
    assert on.phase("lift-1:lift-entrapment-level") is Phase.RETURNED


def test_an_empty_car_between_two_floors_is_a_matter_for_the_maintenance_company() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=False)
    on.at(10).says("lift-1", **STUCK, person=False).at(40)

    assert not calls(on)
    assert "lift-1:lift-stop-outside-zone" in on.engine.alarms
    on.expect_told("cora", "mona", reason=Reason.NAMED)


def test_somebody_who_sits_still_since_the_door_closed_is_not_forgotten() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=True)
    on.at(5).says("lift-1", **RIDES, person=True)
    on.at(8).says("lift-1", person=False)
    on.at(10).says("lift-1", **STUCK).at(30)

    assert calls(on) == {"lift-1:lift-entrapment-between"}


def test_a_car_at_a_floor_with_a_closed_door_and_somebody_inside_is_an_entrapment_after_90_seconds() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=True)
    on.at(89)
    assert not on.engine.incidents
    on.at(90)

    assert calls(on) == {"lift-1:lift-entrapment-level"}


def test_an_entrapment_at_a_floor_stands_while_the_passenger_sits_still() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=True)
    on.at(100).says("lift-1", person=False).at(400)
    assert on.phase("lift-1:lift-entrapment-level") is Phase.ACTIVE
    on.says("lift-1", **OPEN)

    assert on.phase("lift-1:lift-entrapment-level") is Phase.RETURNED


def test_a_sensor_that_still_sees_who_has_left_is_no_entrapment() -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=True)
    on.at(3).says("lift-1", **AT_FLOOR)
    on.at(15).says("lift-1", person=False)
    on.at(600).says("lift-1", person=True)
    on.at(602).says("lift-1", person=False).at(1200)

    assert not on.engine.incidents


def parked(for_s: int = 60) -> Play:
    """An empty car whose door closed 10 s after the start, and in which nobody was seen for so long."""
    on = play()
    on.at(0).says("lift-1", **OPEN, person=False)
    on.at(10).says("lift-1", **AT_FLOOR)
    on.at(10 + for_s)
    return on


def flicker(on: Play, *seconds: int) -> None:
    for second in seconds:
        on.at(second).says("lift-1", person=True)
        on.at(second + 1).says("lift-1", person=False)


STIRS = "lift-1:lift-parked-stirs"
LEVEL = "lift-1:lift-entrapment-level"


def test_a_sensor_that_flickers_in_a_parked_car_is_a_first_hit_and_no_call_of_everybody() -> None:
    on = parked()
    flicker(on, 110, 120, 130, 140)
    on.at(900)

    assert calls(on) == {STIRS}
    assert on.alarms[STIRS].condition is Condition.PRE_ALARM
    assert not on.incident.full_call
    on.says("lift-1", **OPEN).at(910)
    assert on.alarms.get(STIRS) is None or not on.alarms[STIRS].source_active


def test_somebody_who_goes_on_stirring_in_a_parked_car_is_called_for_three_minutes_later() -> None:
    on = parked()
    flicker(on, *range(110, 320, 20))
    assert calls(on) == {STIRS}, "the fourth sign was at 170 s"
    flicker(on, 330, 350)

    assert LEVEL in calls(on)
    assert on.incident.full_call


def test_a_button_or_the_controllers_flag_in_a_parked_car_calls_at_once() -> None:
    for news, key in (({"key": True}, "lift-1:lift-alarm-key"), ({"trapped": True}, "lift-1:trapped:alarm")):
        on = parked()
        flicker(on, 110, 120, 130, 140)
        on.at(145).says("lift-1", **news).at(149)
        assert on.incident.full_call, key


def test_a_car_of_which_somebody_was_seen_before_a_minute_had_passed_is_not_parked() -> None:
    on = parked(for_s=50)
    flicker(on, 65, 75, 85, 95)
    on.at(100)
    assert calls(on) == {LEVEL}


def test_who_rode_in_and_sat_still_for_ten_minutes_is_not_taken_for_noise() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.at(5).says("lift-1", person=False)
    on.at(10).says("lift-1", **AT_FLOOR)
    flicker(on, 610, 620, 630, 640)

    assert calls(on) == {LEVEL}
    assert on.incident.full_call


def test_a_sensor_that_was_not_heard_for_a_moment_does_not_prove_that_a_car_is_empty() -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=False)
    on.at(10).says("lift-1", **AT_FLOOR)
    on.at(40).says("lift-1", person=None)
    on.at(60).says("lift-1", person=False)
    flicker(on, 100, 110, 118, 125)

    assert calls(on) == {LEVEL}


def test_a_restart_knows_that_a_car_was_parked() -> None:
    on = parked()
    on.restart().at(80).says("lift-1", **AT_FLOOR, person=False)
    flicker(on, 110, 120, 130, 140)
    on.restart().at(150).says("lift-1", **AT_FLOOR, person=False).at(700)
    assert calls(on) == {STIRS}


def test_a_day_of_ordinary_trips_calls_nobody() -> None:
    on = play()
    for trip in range(60):
        start = trip * 60
        on.at(start).says("lift-1", **AT_FLOOR, person=True)
        on.at(start + 3).says("lift-1", **RIDES, floor=trip % 6)
        on.at(start + 20).says("lift-1", **{**AT_FLOOR, "key": trip % 7 == 0})
        on.at(start + 22).says("lift-1", **{**OPEN, "key": trip % 7 == 0}, floor=trip % 6 + 1)
        on.at(start + 30).says("lift-1", **OPEN, person=False)
        on.at(start + 35).says("lift-1", **AT_FLOOR)

    assert not on.engine.incidents
    assert not on.told()


def test_the_alarm_key_held_for_three_seconds_calls_people_and_a_slip_of_the_hand_does_not() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=False)
    on.at(30).says("lift-1", key=True)
    on.at(32).says("lift-1", key=False).at(93)
    assert not calls(on), "a short press is told as a pre-alarm and is over by itself"
    on.at(100).says("lift-1", key=True).at(102)
    assert on.incident.condition == "pre-alarm"
    on.at(103)

    assert "lift-1:lift-alarm-key" in calls(on)
    assert on.incident.full_call


def test_short_presses_one_after_the_other_are_one_pre_alarm_and_the_third_is_a_call() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=False)
    for press in range(2):
        on.at(30 + press * 10).says("lift-1", key=True).at(31 + press * 10).says("lift-1", key=False)
    assert calls(on) == {"lift-1:lift-key-pressed"}
    on.expect_told("nora", "mona")
    on.restart().shows_at_birth("lift-1", **AT_FLOOR, person=False)
    on.at(50).says("lift-1", key=True).says("lift-1", key=False)

    assert "lift-1:lift-alarm-key" in calls(on)


def test_a_key_pressed_on_the_way_to_a_floor_waits_for_the_door_and_the_opening_door_answers_it() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.at(2).says("lift-1", key=True)
    on.at(12).says("lift-1", **{**AT_FLOOR, "key": True})
    on.at(15).says("lift-1", **{**OPEN, "key": True})
    on.at(20).says("lift-1", key=False).at(60)

    assert not on.engine.incidents
    assert not on.told()


def test_a_key_pressed_on_the_way_calls_people_when_the_door_does_not_open() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=False)
    on.at(2).says("lift-1", key=True)
    on.at(8).says("lift-1", key=False)
    on.at(12).says("lift-1", **AT_FLOOR).at(21)
    assert not on.engine.incidents
    on.at(22)

    assert calls(on) == {"lift-1:lift-alarm-key"}


def test_after_the_acknowledgement_no_key_is_filtered() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=False)
    on.at(20).says("lift-1", key=True).at(25)
    on.acknowledges("nora").says("lift-1", **OPEN)
    assert on.phase("lift-1:lift-alarm-key") is Phase.AWAITING_RESET
    on.at(40).says("lift-1", **{**OPEN, "key": True}).at(44)

    assert on.phase("lift-1:lift-alarm-key") is Phase.ACTIVE


def test_people_at_work_are_no_entrapment_unless_they_hold_the_key() -> None:
    on = play()
    on.at(0).says("lift-1", **{**STUCK, "works": True}, person=True).at(600)
    assert not on.engine.incidents
    assert on.engine.alarms["lift-1:lift-inspection"].condition == "test", "recorded and shown"
    on.says("lift-1", key=True).at(604)

    assert calls(on) == {"lift-1:lift-alarm-key"}


def test_who_works_on_a_lift_may_try_its_alarm_button() -> None:
    on = play()
    on.at(0).says("lift-1", **{**AT_FLOOR, "works": True}, person=True)
    for press in range(6):
        on.at(10 + press * 10).says("lift-1", key=True).at(11 + press * 10).says("lift-1", key=False)

    assert not calls(on)


def test_a_direction_that_stays_lit_does_not_hide_a_car_that_is_stuck() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True, floor=3).at(59)
    assert not calls(on)
    on.at(80)

    assert "lift-1:lift-entrapment-between" in calls(on)


def test_signals_that_fail_neither_raise_an_entrapment_nor_end_the_suspicion_of_one() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    on.at(5).says("lift-1", moving=None, level=None)
    on.at(40)
    assert not calls(on)
    on.says("lift-1", moving=False, level=False)

    assert calls(on) == {"lift-1:lift-entrapment-between"}


def test_a_restart_in_the_middle_of_a_suspicion_changes_nothing() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    on.at(8).restart().shows_at_birth("lift-1", **STUCK, person=True).at(15)

    assert calls(on) == {"lift-1:lift-entrapment-between"}


def test_what_the_profile_has_no_bit_for_is_judged_and_told_to_who_keeps_the_lift() -> None:
    on = play(lift_site(rated_speed_m_s=1.0))
    on.at(0).says("lift-1", **RIDES, person=False, floor=2, speed=1.2)
    assert on.alarms["lift-1:lift-overspeed"].value == "1.20 m/s"
    on.expect_told("cora", "mona", reason=Reason.NAMED)
    on.says("lift-1", speed=0.9)
    assert on.phase("lift-1:lift-overspeed") is Phase.NORMAL
    on.says("lift-1", opened=True, closed=False).at(4)
    assert "lift-1:lift-runs-door-open" in on.engine.alarms
    on.says("lift-1", **OPEN, speed=0.0).at(70)

    assert "lift-1:lift-door-held-open" in on.engine.alarms
    assert "lift-1:lift-runs-door-open" not in on.engine.alarms


@pytest.mark.parametrize(
    ("bit", "word", "condition"),
    [
        ("travel", "lift-over-travel", Condition.SUPERVISORY),
        ("power", "lift-power-loss", Condition.TROUBLE),
        ("stopped", "lift-out-of-service", Condition.SUPERVISORY),
        ("firemen", "lift-fireman", Condition.SUPERVISORY),
    ],
)
def test_over_travel_power_loss_out_of_service_and_firemans_mode_are_told_to_who_keeps_the_lift(
    bit: str, word: str, condition: Condition
) -> None:
    on = play(lift_site(lift_profile(**{signal: {"point": point} for signal, point in TOLD_AS_IT_IS.items()})))
    on.at(0).says("lift-1", **AT_FLOOR, person=False)
    on.at(5).expect_told().says("lift-1", **{bit: True})

    on.expect_told("cora", "mona", reason=Reason.NAMED)
    assert on.alarms[f"lift-1:{word}"].condition is condition and not calls(on) and not on.incident.full_call
    on.at(60).says("lift-1", **{bit: False})
    assert on.phase(f"lift-1:{word}") is Phase.NORMAL and not on.engine.incidents


def test_a_door_that_opens_and_closes_twenty_times_at_one_stop_is_told() -> None:
    on = play()
    for turn in range(11):
        on.at(turn * 4).says("lift-1", **OPEN, person=False)
        on.at(turn * 4 + 2).says("lift-1", **AT_FLOOR)

    assert "lift-1:lift-door-cycling" in on.engine.alarms
    on.at(60).says("lift-1", **RIDES)
    assert "lift-1:lift-door-cycling" not in on.engine.alarms


# --- what comes late ------------------------------------------------------------------------------


def backlog_of_telemetry(on: Play) -> Play:
    """What the gateway has counted an hour ago arrives while the car goes about its day."""
    return on.says("lift-1", lane=Lane.TELEMETRY, trips=5, historical=True, ago_s=HOUR)


@pytest.mark.parametrize(
    ("before", "then", "after"),
    [
        (OPEN, OPEN, AT_FLOOR),  # a door open for seconds
        (AT_FLOOR, RIDES, {}),  # a ride
        (AT_FLOOR, {"key": True}, {"key": False}),  # a slip of the hand
        (RIDES, STUCK, AT_FLOOR),  # a correction before the floor
        (AT_FLOOR, {"closed": True}, OPEN),  # a door just closed
    ],
)
def test_a_backlog_makes_nothing_older_than_it_is(
    before: dict[str, bool], then: dict[str, bool], after: dict[str, bool]
) -> None:
    on = play()
    on.at(0).says("lift-1", **before, person=True, floor=3)
    on.at(2).says("lift-1", **then)
    backlog_of_telemetry(on).at(3).says("lift-1", floor=3)
    backlog_of_telemetry(on).at(4).says("lift-1", **after).at(30).says("lift-1", **OPEN, person=False).at(50)

    assert not calls(on) & {"lift-1:lift-alarm-key", "lift-1:lift-entrapment-between", "lift-1:lift-entrapment-level"}
    assert not on.engine.alarms.keys() & {"lift-1:lift-door-held-open", "lift-1:lift-run-timeout"}


@pytest.mark.parametrize(("ago_s", "full_call"), [(20 * MINUTE, True), (3 * HOUR, False)])
def test_a_call_from_the_car_while_the_broker_was_away_is_told_when_its_records_come(
    ago_s: int, full_call: bool
) -> None:
    on = play()
    on.at(0).shows_at_birth("lift-1", **AT_FLOOR, person=False)
    on.at(1).says("lift-1", key=True, ago_s=ago_s, historical=True)
    on.says("lift-1", key=False, ago_s=ago_s - 10, historical=True)

    assert on.phase("lift-1:lift-alarm-key") is Phase.RETURNED
    assert on.alarms["lift-1:lift-alarm-key"].raised_at_ms == START_MS + 1000 - ago_s * 1000
    assert on.incident.full_call is full_call
    assert on.told()


def test_an_entrapment_that_began_and_ended_while_the_broker_was_away_is_told_once() -> None:
    on = play()
    on.at(0).shows_at_birth("lift-1", **AT_FLOOR, person=False)
    on.at(1).says("lift-1", **RIDES, person=True, ago_s=700, historical=True)
    on.says("lift-1", **STUCK, ago_s=690, historical=True)
    on.says("lift-1", trips=8, lane=Lane.TELEMETRY, ago_s=800, historical=True)
    on.says("lift-1", **AT_FLOOR, ago_s=300, historical=True)
    on.says("lift-1", **OPEN, person=False, ago_s=295, historical=True).at(200)

    assert calls(on) == {"lift-1:lift-entrapment-between"}
    assert on.phase("lift-1:lift-entrapment-between") is Phase.RETURNED


def test_a_record_that_had_to_be_sent_again_counts_as_the_present() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True).at(10).says("lift-1", floor=3)
    on.at(12).says("lift-1", **STUCK, ago_s=3, historical=True).at(30)

    assert calls(on) == {"lift-1:lift-entrapment-between"}


# --- the controller's own flag --------------------------------------------------------------------


def test_the_controllers_flag_calls_people_at_once_when_nothing_speaks_against_it() -> None:
    on = play()
    on.at(0).says("lift-1", trapped=True)

    assert on.incident.full_call
    assert people(on.told()) == {"nora", "ned", "nick", "cora"}


def test_what_is_judged_beside_an_active_flag_is_not_told_twice() -> None:
    on = play()
    on.at(0).says("lift-1", trapped=True, **STUCK, person=True)
    on.told()
    on.at(30)

    assert not on.told()
    assert calls(on) == {"lift-1:trapped"}


def test_a_door_that_is_told_a_little_after_the_flags_end_does_not_raise_the_entrapment_anew() -> None:
    on = play()
    on.at(0).says("lift-1", trapped=True, **{**AT_FLOOR, "key": True}, person=True)
    on.at(200).says("lift-1", trapped=False, key=False)
    on.at(203).restart().shows_at_birth("lift-1", trapped=False, **OPEN, person=True).at(300)

    assert calls(on) == {"lift-1:trapped"}
    assert not on.engine.alarms["lift-1:trapped"].source_active


def test_a_flag_that_ends_while_the_car_is_still_stuck_leaves_what_is_judged() -> None:
    on = play()
    on.at(0).says("lift-1", trapped=True, **STUCK, person=True)
    on.at(200).says("lift-1", trapped=False).at(209)
    assert not on.engine.alarms.keys() & {"lift-1:lift-entrapment-between"}
    on.at(210)

    assert on.engine.alarms["lift-1:lift-entrapment-between"].source_active


def test_a_flag_against_an_open_door_is_told_as_a_pre_alarm_and_becomes_an_alarm_when_the_door_closes() -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=True)
    on.at(10).says("lift-1", trapped=True)
    assert on.incident.condition == "pre-alarm"
    on.expect_told("nora", "mona")
    on.restart().shows_at_birth("lift-1", **OPEN, person=True, trapped=True).at(20)
    assert on.incident.condition == "pre-alarm", "a restart changes nothing"
    on.says("lift-1", **AT_FLOOR)

    assert on.incident.full_call
    assert "lift-1:lift-entrapment-flag" in calls(on)


def test_a_flag_that_stands_against_an_open_door_for_a_minute_is_believed_after_all() -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=True)
    on.at(10).says("lift-1", trapped=True).at(69)
    assert not on.incident_of("entrapment").full_call
    on.at(70)

    assert on.incident_of("entrapment").full_call


def test_a_flag_taken_back_while_the_door_is_open_calls_nobody() -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=False)
    on.at(10).says("lift-1", trapped=True)
    on.at(14).says("lift-1", trapped=False, **AT_FLOOR).at(200)

    assert not on.engine.incidents


# --- the rescue -----------------------------------------------------------------------------------


def trapped(on: Play) -> Play:
    on.at(0).says("lift-1", trapped=True)
    on.told()
    return on


def test_an_entrapment_is_repeated_until_somebody_acknowledges_beyond_what_the_plan_repeats() -> None:
    on = trapped(play())  # the plan repeats twice, every ten minutes
    on.at(2 * HOUR)
    assert max(notice.due for notice in on.notices.values() if notice.person == "nora") >= 12
    on.acknowledges("nora")
    on.at(2 * HOUR + 1)
    on.told()
    on.at(5 * HOUR)

    assert not [notice for notice in on.told() if notice.expects_answer], "acknowledged: no more than the plan"


def test_a_source_that_is_normal_again_does_not_end_an_entrapment() -> None:
    on = trapped(play())
    on.answers("nora", Answer.ARRIVED)
    on.says("lift-1", trapped=False)

    assert on.refused(Reset(on.incident.id, "nora")) == "not-freed"
    assert on.incident.open


def test_only_somebody_on_site_can_say_that_the_people_are_free() -> None:
    on = trapped(play())
    incident = on.incident.id
    assert on.refused(Freed(incident, "nora")) == "not-arrived"
    assert on.refused(Freed(incident, "nobody")) == "unknown-person"
    assert on.refused(Freed("0", "nora")) == "unknown-incident"
    on.answers("ned", Answer.GOING)
    assert on.refused(Freed(incident, "ned")) == "not-arrived"
    on.answers("ned", Answer.ARRIVED).says("lift-1", trapped=False)
    on.acts(Freed(incident, "ned")).acts(Freed(incident, "ned")).resets("ned")

    assert not on.engine.incidents
    assert not on.engine.kept(Rescue)
    assert len(on.events("freed")) == 1
    assert on.refused(Freed(incident, "ned")) == "closed"


def test_everybody_called_hears_that_the_people_are_free_once() -> None:
    on = trapped(play())
    on.answers("ned", Answer.ARRIVED)
    on.told()
    on.acts(Freed(on.incident.id, "ned"))

    told = on.told()
    assert sorted(notice.person for notice in told) == ["cora", "mona", "ned", "nick", "nora"]
    assert {notice.reason for notice in told} == {Reason.FREED}


def test_the_rescue_clock_warns_at_half_time_at_five_minutes_and_when_it_is_missed() -> None:
    on = trapped(play())
    on.acknowledges("nora").acknowledges("ned").acknowledges("nick").acknowledges("cora")
    for minute, reason in ((15, Reason.RESCUE_DUE), (25, Reason.RESCUE_DUE), (30, Reason.RESCUE_MISSED)):
        on.at(minute * MINUTE - 1)
        on.told()
        on.restart().at(minute * MINUTE)
        on.expect_told("nora", "ned", "nick", "sam", "sue", "mona", "cora", reason=reason)
    on.at(3 * HOUR)

    assert len(on.events("rescue-due", "rescue-missed")) == 3


def test_a_lift_may_have_a_rescue_time_of_its_own() -> None:
    on = trapped(play(lift_site(rescue_s=3600)))
    on.at(59 * MINUTE)
    assert not on.events("rescue-missed")
    on.at(60 * MINUTE)

    assert on.events("rescue-missed")


def test_the_arrival_of_who_can_free_people_stops_the_clock_and_a_neighbours_does_not() -> None:
    on = trapped(play())
    on.at(60).answers("ned", Answer.ARRIVED).at(15 * MINUTE)
    assert on.events("rescue-due"), "Ned can talk to them; Cora can free them"
    on.answers("cora", Answer.ARRIVED).at(HOUR)
    (rescue,) = on.engine.kept(Rescue).values()

    assert not on.events("rescue-missed")
    assert (rescue.arrived_by, rescue.arrived_at_ms) == ("cora", START_MS + 15 * MINUTE * 1000)
    assert rescue.freed_at_ms is None


def test_people_trapped_again_after_a_rescue_are_a_new_rescue() -> None:
    on = trapped(play())
    on.answers("cora", Answer.ARRIVED).says("lift-1", trapped=False).acts(Freed(on.incident.id, "cora"))
    on.at(700).says("lift-1", trapped=True)
    (rescue,) = on.engine.kept(Rescue).values()
    assert rescue.freed_at_ms is None and rescue.raised_at_ms == START_MS + 700_000
    on.says("lift-1", trapped=False)

    assert on.refused(Reset(on.incident.id, "cora")) in ("not-freed", "not-acknowledged")


def test_two_elevators_of_one_building_are_two_rescues() -> None:
    data = site_data()
    devices = data["gateways"][0]["buses"][0]["devices"]
    devices.append({"id": "lift-2", "profile": "lift", "unit": 9, "place": {"building": "b-1", "floor": 0}})
    on = play(small_site(data, lift=lift_profile()))
    on.at(0).says("lift-1", trapped=True).says("lift-2", trapped=True).answers("nora", Answer.ARRIVED)
    incident = on.incident.id
    on.says("lift-1", trapped=False).says("lift-2", trapped=False)
    assert on.refused(Freed(incident, "nora")) == "which-elevator"
    on.acts(Freed(incident, "nora", "lift-2"))
    assert on.refused(Reset(incident, "nora")) == "not-freed"
    on.restart().acts(Freed(incident, "nora", "lift-1")).resets("nora")

    assert not on.engine.incidents


def test_who_is_trapped_again_before_an_older_word_that_they_are_free_arrives_is_still_to_be_freed() -> None:
    on = play()
    on.at(0).says("lift-1", trapped=True)
    on.at(10).answers("ned", Answer.ARRIVED)
    on.at(100).says("lift-1", trapped=False)
    on.at(150).says("lift-1", trapped=True)
    on.at(200).acts(Freed(on.incident.id, "ned", "lift-1", on.now - 75_000))  # said without a network, at 125 s

    (rescue,) = on.engine.kept(Rescue).values()
    assert rescue.freed_at_ms is None and rescue.raised_at_ms == START_MS + 150_000
    on.at(500).says("lift-1", trapped=False).acknowledges("ned")
    assert on.refused(Reset(on.incident.id, "ned")) == "not-freed"


def test_who_is_there_and_learns_to_free_people_has_arrived() -> None:
    on = trapped(play()).answers("ned", Answer.ARRIVED)
    (rescue,) = on.engine.kept(Rescue).values()
    assert rescue.arrived_by is None
    skilled = {"id": "ned", "name": "Ned", "channels": [{"channel": "console"}], "skills": ["lift-release"]}

    on.acts(ChangeBook((put("ned", Person.model_validate(skilled)),), "carl"))

    (rescue,) = on.engine.kept(Rescue).values()
    assert rescue.arrived_by == "ned"
    assert not on.at(2 * HOUR).events("rescue-due", "rescue-missed")


def test_a_rescue_that_begins_anew_counts_at_once_from_the_first_of_what_holds() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.at(10).says("lift-1", **STUCK, person=True)
    on.at(60).answers("ned", Answer.ARRIVED)
    on.at(100).acts(Freed(on.incident.id, "ned", "lift-1"))

    on.at(200).says("lift-1", trapped=True)

    (rescue,) = on.engine.kept(Rescue).values()
    assert rescue.raised_at_ms == START_MS + 10_000


def test_the_contractor_is_called_again_with_every_call_and_not_after_saying_no() -> None:
    on = trapped(play())
    on.answers("cora", Answer.CANNOT)
    on.at(5).answers("nora", Answer.GOING)
    on.at(10).answers("nora", Answer.CANNOT)

    assert "cora" not in people(notice for notice in on.told() if notice.expects_answer)


def test_an_entrapment_that_came_late_and_is_over_still_waits_for_a_word_from_the_site() -> None:
    on = play()
    on.at(0).says("lift-1", trapped=True, ago_s=2 * HOUR, historical=True)
    on.says("lift-1", trapped=False, ago_s=HOUR, historical=True).at(60)
    assert not on.incident.full_call
    assert on.events("rescue-missed")
    on.acknowledges("nora")

    assert on.refused(Reset(on.incident.id, "nora")) == "not-freed"


def test_an_entrapment_from_before_there_was_a_rescue_clock_gets_one() -> None:
    on = trapped(play())
    on.kept.clear()
    on.at(60).restart()

    assert [rescue.raised_at_ms for rescue in on.engine.kept(Rescue).values()] == [START_MS]


def test_a_lift_that_leaves_the_site_does_not_end_its_rescue() -> None:
    on = trapped(play())
    data = site_data()
    devices = data["gateways"][0]["buses"][0]["devices"]
    devices[:] = [each for each in devices if each["id"] != "lift-1"]
    on.restart(small_site(data)).at(5).answers("nora", Answer.ARRIVED)
    assert on.refused(Reset(on.incident.id, "nora")) == "not-freed"
    on.acts(Freed(on.incident.id, "nora")).resets("nora")

    assert not on.engine.incidents


# --- the alarm link and the dates -----------------------------------------------------------------


def test_three_days_without_a_proof_of_the_alarm_link_are_a_trouble_also_when_nothing_is_said() -> None:
    on = days()
    on.at(0).says("lift-1", lane=Lane.TELEMETRY, test_age=1)
    on.at(10).says("lift-1", lane=Lane.TELEMETRY, test_age=None)
    on.at(70 * HOUR)
    assert "lift-1:lift-alarm-link" not in on.engine.alarms
    on.restart().at(72 * HOUR + 1)
    alarm = on.engine.alarms["lift-1:lift-alarm-link"]
    assert (alarm.condition, alarm.kind) == ("trouble", "fault")
    on.restart().says("lift-1", lane=Lane.TELEMETRY, test_age=0)

    assert "lift-1:lift-alarm-link" not in on.engine.alarms


def test_an_age_of_the_alarm_link_that_was_told_long_ago_proves_nothing_anew() -> None:
    on = days()
    on.untold.add("test_age")
    on.at(0).says("lift-1", lane=Lane.TELEMETRY, test_age=1)
    for hour in range(1, 71):
        on.at(hour * HOUR).says("lift-1", safety=hour % 2 == 0)
    on.says("lift-1", lane=Lane.TELEMETRY, test_age=0, historical=True, ago_s=40 * HOUR)
    on.at(101 * HOUR).says("lift-1", safety=True)
    assert "lift-1:lift-alarm-link" not in on.engine.alarms, "the backlog's proof is of the 30th hour"
    on.at(102 * HOUR + 1).says("lift-1", safety=False)

    assert "lift-1:lift-alarm-link" in on.engine.alarms


TODAY = date(2025, 6, 15)  # the scenario's first day in Shanghai


def services(on: Play) -> set[str]:
    """The conditions of maintenance dates that are not normal."""
    return {key for key in on.engine.alarms if "lift-service" in key}


def test_a_half_months_service_is_warned_of_three_days_before() -> None:
    on = days(served={"year": "2025-06-04"})  # it covers the smaller ones: due on the 19th
    on.at(1)
    assert not services(on)
    on.at(9 * HOUR)
    assert not services(on), "the 16th has begun, but nobody is woken by a date"
    on.restart().at(10 * HOUR)

    assert services(on) == {"lift-1:lift-service-due-half-month"}
    assert on.engine.alarms["lift-1:lift-service-due-half-month"].condition == "supervisory"
    on.expect_told("cora", "mona", reason=Reason.NAMED)


def test_a_service_that_has_passed_is_a_trouble_until_it_is_done() -> None:
    on = days(served={"half-month": "2025-06-01"})  # due on the 16th
    on.at(10 * HOUR)
    assert services(on) == {"lift-1:lift-service-due-half-month"}, "the last day is still in time"
    on.restart().at(DAY + 10 * HOUR)
    assert services(on) == {"lift-1:lift-service-overdue-half-month"}
    assert on.engine.alarms["lift-1:lift-service-overdue-half-month"].condition == "trouble"
    on.acts(Serviced("lift-1", Service.HALF_MONTH, date(2025, 6, 17), "cora"))

    assert not services(on)
    assert not services(on.restart().at(DAY + 11 * HOUR))


def test_the_longer_services_are_warned_of_fourteen_days_before() -> None:
    on = days(served={"quarter": "2025-03-30", "half-month": "2025-06-14"})
    on.at(1)
    assert "lift-1:lift-service-due-quarter" not in on.engine.alarms, "due on the 30th"
    on.at(10 * HOUR)

    assert "lift-1:lift-service-due-quarter" in on.engine.alarms


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Serviced("lift-9", Service.YEAR, TODAY, "cora"), "unknown-device"),
        (Serviced("smoke-1", Service.YEAR, TODAY, "cora"), "no-elevator"),
        (Serviced("lift-1", Service.YEAR, TODAY, "nobody"), "unknown-person"),
        (Serviced("lift-1", Service.YEAR, TODAY, "sue"), "not-authorised"),
        (Serviced("lift-1", Service.YEAR, date(2025, 6, 17), "cora"), "not-yet"),
    ],
)
def test_a_service_is_told_by_who_may_and_of_a_day_that_has_come(command: Serviced, reason: str) -> None:
    assert play().at(1).refused(command) == reason


# --- the log --------------------------------------------------------------------------------------


def log_of(on: Play) -> LiftLog:
    log = on.engine.kept(LiftLog)["lift-1"]
    assert isinstance(log, LiftLog)
    return log


def test_trips_are_counted_over_a_restart_a_wrap_and_a_changed_box() -> None:
    on = play()
    on.at(0).says("lift-1", trips=2**32 - 10)
    on.at(HOUR).says("lift-1", trips=2**32 - 5)
    on.at(2 * HOUR).restart().says("lift-1", trips=20)
    assert log_of(on).trips == 30
    on.at(3 * HOUR).says("lift-1", trips=9_000_000)  # another box
    on.at(4 * HOUR).says("lift-1", trips=9_000_007)
    on.at(5 * HOUR).says("lift-1", trips=3)  # and another
    log = log_of(on)

    assert (log.trips, log.jumps) == (37, 2)


def test_counts_are_written_every_ten_minutes_and_not_with_every_report() -> None:
    on = play()
    for second in range(0, 1200, 10):
        on.at(second).says("lift-1", trips=second // 10)
    written = [item for decision in on.decisions for item in decision.kept if isinstance(item, LiftLog)]

    assert len(written) <= 4


def test_faults_downtime_and_rescues_are_kept_per_lift() -> None:
    on = play()
    on.at(0).says("lift-1", trips=0)
    on.at(HOUR).says("lift-1", safety=True, trips=400)
    on.at(2 * HOUR).restart().says("lift-1", trapped=True)
    incident = on.incident_of("entrapment").id
    on.at(2 * HOUR + 600).acts(Answered(incident, "cora", Answer.ARRIVED))
    on.says("lift-1", safety=False, trapped=False)
    on.at(2 * HOUR + 900).acts(Freed(incident, "cora")).acts(Reset(incident, "cora"))
    on.at(4 * HOUR).says("lift-1", trips=1000)
    log = log_of(on)
    found = figures(log, on.now)

    assert (log.faults, log.entrapments, log.down_ms) == (1, 1, 4_200_000)
    (rescue,) = log.rescues
    assert (rescue.arrived_at_ms - rescue.raised_at_ms, rescue.freed_at_ms - rescue.raised_at_ms) == (600_000, 900_000)
    assert found.faults_per_thousand_trips == 1.0
    assert found.mean_time_between_failures_h == pytest.approx((4 * 3600 - 4200) / 3600)
    assert found.availability == pytest.approx(1 - 4200 / (4 * 3600))


def test_a_log_without_trips_or_faults_gives_no_figures_it_cannot_know() -> None:
    found = figures(LiftLog("lift-1", START_MS), START_MS)

    assert (found.faults_per_thousand_trips, found.mean_time_between_failures_h, found.availability) == (None,) * 3


def test_nonsense_from_a_box_is_no_entrapment_and_breaks_nothing() -> None:
    on = play()
    nonsense: dict[str, Any] = {"speed": float("inf"), "floor": float("nan"), "trips": -5, "test_age": 1e300}
    on.at(0).says("lift-1", **nonsense, moving=7, level=-1, person=2.5)
    on.at(1).says("lift-1", speed=None, floor=None, test_age=None, trips=2**70, faults=-1)
    on.at(600).restart().at(700)

    assert not calls(on)


# --- restarts anywhere ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_restart_anywhere_changes_nothing_of_what_is_judged(seed: int) -> None:
    chance = Random(seed)
    moments = sorted(chance.sample(range(1, 600), 40))
    names = ("moving", "level", "closed", "opened", "person", "key", "works", "trapped", "safety")
    said = [{name: chance.random() < 0.4 for name in chance.sample(names, 3)} for _ in moments]
    restarts = {chance.randrange(len(moments)) for _ in range(6)}
    steady, shaken = play(), play()
    shown: dict[str, bool] = {}
    for index, (second, values) in enumerate(zip(moments, said, strict=True)):
        for on in (steady, shaken):
            on.at(second).says("lift-1", **values)
        shown |= values
        if index in restarts:
            shaken.restart().shows_at_birth("lift-1", **shown)

    def seen(on: Play) -> object:
        alarms = {key: (a.phase, a.condition, a.raised_at_ms) for key, a in on.engine.alarms.items()}
        rescues = [(r.raised_at_ms, r.warned_ms) for r in on.engine.kept(Rescue).values()]
        return alarms, rescues, log_of(on).faults, log_of(on).down_ms

    assert seen(steady.at(3600)) == seen(shaken.at(3600))
