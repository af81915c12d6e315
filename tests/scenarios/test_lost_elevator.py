"""Elevators whose box falls silent: who was seen inside is not forgotten, and no call is made of a silence alone."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.commands import Answered, Freed, Reset
from collector.equipment.elevator import Course
from collector.equipment.rescue import Rescue
from collector.messages.wording import describe_condition
from config.site import Site
from config.sparkplug import DataType
from config.words import Edge, Lane, Quality, Reading, Report
from tests.scenarios.play import START_MS, Play, people
from tests.scenarios.test_elevator import AT_FLOOR, OPEN, RIDES, STUCK, calls, lift_data, lift_profile, lift_site, play
from tests.sites import GROUP, small_site

BETWEEN = "lift-1:lift-entrapment-between"
AT_LEVEL = "lift-1:lift-entrapment-level"
KEY = "lift-1:lift-alarm-key"
RUNNING = "lift-1:lift-lost-running"
NOTHING: dict[str, Any] = dict.fromkeys(("moving", "level", "closed", "opened", "person", "key", "works", "trapped"))


def dies(on: Play, lift: str = "lift-1") -> Play:
    """A box dies as its gateway tells it: no value any more, lost, dead. Its neighbours on the bus live on."""
    on.mute(lift).says(lift, **NOTHING, faults=None, signs=None).says(lift, speed=None, floor=None, lane=Lane.TELEMETRY)
    return on.dies("gw-1", lift)


def lives(on: Play, **values: Any) -> Play:
    """A box that was gone is back, with these values."""
    on.muted.discard("lift-1")
    return on.birth("gw-1").shows_at_birth("lift-1", **values).says("lift-1", **values)


def bus_goes(on: Play) -> Play:
    """A bus goes down: its gateway loses all its devices in one moment, and then says so of the bus."""
    for device in ("smoke-1", "smoke-2", "ext-1"):
        on.mute(device).dies("gw-1", device)
    dies(on)
    on.keeps(on.engine.feed(_bus(on, down=True), on.now))
    return on


def _bus(on: Play, down: bool) -> Report:
    said = Reading("Bus/bus-1/Online", not down, DataType.BOOLEAN, Quality.GOOD, "cable" if down else None)
    return Report(Edge(GROUP, "gw-1"), None, Lane.ALARM, "epoch-1", 900 + (not down), 0, on.now, False, (said,))


def no_person() -> Site:
    """A box that cannot tell whether somebody is inside."""
    profile = lift_profile()
    signals = {name: signal for name, signal in profile.signals.items() if name != "person"}
    return lift_site(profile.model_copy(update={"signals": signals}))


# --- what was suspected goes on -------------------------------------------------------------------


@pytest.mark.parametrize("how", [dies, lambda on: on.mute("lift-1").dies("gw-1", "lift-1")])
def test_a_box_that_dies_after_its_car_stopped_between_two_floors_still_calls_at_15_seconds(how: Any) -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.at(10).says("lift-1", **STUCK, person=True, floor=3)
    how(on.at(14)).at(24.9)
    assert not calls(on)
    on.at(25)

    assert calls(on) == {BETWEEN}
    assert on.incident_of("entrapment").full_call
    assert {"nora", "ned", "nick", "cora"} <= people(on.told())
    assert on.alarms[BETWEEN].raised_at_ms == START_MS + 10_000, "it began when the car stood"
    (rescue,) = on.engine.kept(Rescue).values()
    assert rescue.raised_at_ms == START_MS + 10_000


def test_values_that_all_go_bad_are_a_lost_box_too() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    on.at(5).says("lift-1", **NOTHING).at(15)

    assert calls(on) == {BETWEEN}


def test_the_call_says_that_it_is_what_was_seen_last() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True, floor=3)
    dies(on.at(5)).at(15)
    alarm = on.alarms[BETWEEN]

    assert "3F, last seen so, no signal now" in describe_condition(on.site, alarm, "en")
    assert "现在收不到信号" in describe_condition(on.site, alarm, "zh")


def test_where_the_floor_is_not_known_none_is_named() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    dies(on.at(5)).at(15)

    assert describe_condition(on.site, on.alarms[BETWEEN], "en").endswith("(last seen so, no signal now)")


@pytest.mark.parametrize("after_s", [2, 40, 80])
def test_somebody_shut_in_at_a_floor_is_called_for_at_90_seconds_though_the_box_is_dead(after_s: int) -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=True)
    dies(on.at(after_s)).at(89)
    assert not calls(on)
    on.at(90)

    assert calls(on) == {AT_LEVEL}


def test_a_key_that_was_held_when_the_box_died_calls() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=False)
    on.at(30).says("lift-1", key=True)
    dies(on.at(31)).at(33)

    assert KEY in calls(on)
    assert on.incident_of("entrapment").full_call


def test_a_key_that_was_let_go_before_the_box_died_calls_nobody() -> None:
    on = play()
    on.at(0).says("lift-1", **AT_FLOOR, person=False)
    on.at(30).says("lift-1", key=True).at(31).says("lift-1", key=False)
    dies(on.at(35)).at(600)

    assert KEY not in calls(on)


def test_a_gateway_that_goes_after_the_car_stopped_between_floors_does_not_end_the_suspicion() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    on.at(5).mute("gw-1").dies("gw-1").at(15)

    assert calls(on) == {BETWEEN}


def test_a_bus_that_goes_after_the_car_stopped_between_floors_does_not_end_the_suspicion() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    bus_goes(on.at(5)).at(15)

    assert calls(on) == {BETWEEN}


# --- a car in motion ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [dies, lambda on: on.mute("lift-1").dies("gw-1", "lift-1")])
def test_a_moving_car_with_somebody_inside_whose_box_dies_alone_is_an_entrapment(how: Any) -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True, floor=2)
    how(on.at(5)).at(19)
    assert not calls(on)
    on.at(20)

    assert calls(on) == {RUNNING}
    assert on.incident_of("entrapment").full_call
    assert on.alarms[RUNNING].raised_at_ms == START_MS + 5_000


@pytest.mark.parametrize("speed", [0.0, 0.6])
def test_a_speed_that_is_told_a_moment_longer_hides_nothing(speed: float) -> None:
    """Telemetry: the last speed may be of before the car set off, and goes after the alarms."""
    on = play()
    on.at(0).says("lift-1", speed=speed, lane=Lane.TELEMETRY).says("lift-1", **RIDES, person=True)
    on.at(5).mute("lift-1").says("lift-1", **NOTHING).dies("gw-1", "lift-1")
    on.at(6).says("lift-1", speed=None, lane=Lane.TELEMETRY).at(20)

    assert calls(on) == {RUNNING}


@pytest.mark.parametrize("speed", [0.0, 0.6])
def test_a_box_that_still_tells_the_speed_of_its_car_is_not_lost_moving(speed: float) -> None:
    on = play()
    on.at(0).says("lift-1", speed=speed, lane=Lane.TELEMETRY).says("lift-1", **RIDES, person=True)
    on.at(5).says("lift-1", **NOTHING).at(300)

    assert not calls(on)


def test_a_moving_car_whose_load_nobody_can_see_is_told_as_a_pre_alarm() -> None:
    on = play(no_person())
    on.at(0).says("lift-1", **RIDES)
    dies(on.at(5))
    on.told()
    on.at(20)

    assert on.alarms[RUNNING].condition == "pre-alarm"
    assert not on.incident_of("entrapment").full_call
    assert "nora" in people(on.told())
    on.restart(without=["lift-1"]).at(60)
    assert on.phase(RUNNING) is Phase.ACTIVE, "a restart changes nothing"


def test_an_empty_car_in_motion_whose_box_dies_calls_nobody() -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=False)
    on.at(5).says("lift-1", **RIDES, person=False)
    dies(on.at(10)).at(600)

    assert not calls(on)
    assert "lift-1:silent" in on.engine.alarms


def test_two_cars_that_lose_their_power_together_are_both_called_for_while_the_bus_lives() -> None:
    data = lift_data()
    devices = data["gateways"][0]["buses"][0]["devices"]
    devices.append({"id": "lift-2", "profile": "lift", "unit": 9, "place": {"building": "b-1", "floor": 0}})
    on = play(small_site(data, lift=lift_profile()))
    for lift in ("lift-1", "lift-2"):
        on.at(0).says(lift, **RIDES, person=True)
    on.at(5)
    for lift in ("lift-1", "lift-2"):
        dies(on, lift)
    on.at(30)

    assert calls(on) == {RUNNING, "lift-2:lift-lost-running"}
    assert len(on.engine.kept(Rescue)) == 2


def test_what_is_still_published_of_a_dead_box_does_not_bring_it_back() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.at(5).dies("gw-1", "lift-1").at(20)  # its pulse goes on, as a careless node's may

    assert calls(on) == {RUNNING}


# --- no false call --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [RIDES, AT_FLOOR, OPEN])
def test_a_gateway_that_stops_or_restarts_while_cars_are_in_use_calls_nobody(state: dict[str, bool]) -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=True)
    on.at(5).says("lift-1", **state, person=True, floor=2)
    on.at(8).mute("gw-1").dies("gw-1").at(200)
    on.muted.clear()
    on.birth("gw-1").shows_at_birth("lift-1", **OPEN, person=False).says("lift-1", **OPEN, person=False).at(800)

    assert not calls(on)


@pytest.mark.parametrize("state", [RIDES, AT_FLOOR])
def test_a_bus_that_goes_down_and_comes_back_while_cars_are_in_use_calls_nobody(state: dict[str, bool]) -> None:
    on = play()
    on.at(0).says("lift-1", **state, person=True, floor=2)
    bus_goes(on.at(4)).at(22)
    assert not calls(on)
    on.keeps(on.engine.feed(_bus(on, down=False), on.now))
    on.muted -= {"smoke-1", "smoke-2", "ext-1"}
    on.birth("gw-1", without=["lift-1"]).at(300)  # the lift's own box is asked again a little later

    assert not calls(on)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_bus_whose_devices_all_fall_silent_one_by_one_calls_nobody(restarted: bool) -> None:
    """A cable that is cut: the gateway's adapter is well, so that it tells of no bus."""
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.at(4).mute("gw-1")
    for second, device in enumerate(("smoke-1", "lift-1", "smoke-2", "ext-1")):
        on.at(5 + second)
        if device == "lift-1":
            dies(on)
        else:
            on.dies("gw-1", device)
    if restarted:
        on.at(12).restart(without=["smoke-1", "lift-1", "smoke-2", "ext-1"])
    on.at(600)

    assert not calls(on)


def test_a_bus_that_is_down_over_a_restart_and_comes_back_calls_nobody() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    bus_goes(on.at(5))
    on.at(8).restart(without=["smoke-1", "lift-1", "smoke-2", "ext-1"]).at(22)
    on.keeps(on.engine.feed(_bus(on, down=False), on.now))
    on.muted -= {"smoke-1", "smoke-2", "ext-1"}
    on.birth("gw-1", without=["lift-1"]).at(300)

    assert not calls(on)


def test_what_a_neighbour_said_before_the_cable_was_cut_is_no_witness() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.mute("gw-1").at(5)
    dies(on).at(6).says("smoke-1", temperature_c=21.5, lane=Lane.TELEMETRY)
    on.at(9).birth("gw-1", without=["lift-1"]).shows_at_birth("smoke-1", temperature_c=21.5)
    on.says("smoke-1", temperature_c=20.0, lane=Lane.TELEMETRY, historical=True, ago_s=8)
    on.says("smoke-1", temperature_c=None, lane=Lane.TELEMETRY).at(300)

    assert not calls(on)


def test_a_gateway_that_falls_silent_without_a_word_is_taken_by_its_last_one() -> None:
    on = play()
    on.at(5).says("lift-1", **AT_FLOOR, person=True)
    on.at(7).mute("gw-1").at(600)

    assert "gw-1:silent" in on.engine.alarms
    assert not calls(on)


def test_a_cable_that_is_mended_does_not_make_its_neighbours_witnesses() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    on.mute("gw-1").at(5)
    for device in ("smoke-1", "smoke-2", "ext-1"):
        on.dies("gw-1", device)
    dies(on).at(22)
    on.muted -= {"smoke-1", "smoke-2", "ext-1"}
    on.birth("gw-1", without=["lift-1"]).at(300)

    assert not calls(on)


def test_a_box_that_is_back_within_seconds_while_its_car_rides_on_calls_nobody() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True, floor=1)
    dies(on.at(5))
    lives(on.at(18), **RIDES, person=True, floor=2).at(40)
    on.says("lift-1", **OPEN, person=False).at(300)

    assert not calls(on)


def test_a_box_that_was_away_for_minutes_and_shows_a_moving_car_does_not_take_it_for_stuck() -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=False)
    on.at(1).says("lift-1", **RIDES, floor=3)
    dies(on.at(5))
    lives(on.at(300), **RIDES, person=True, floor=3).at(320)
    on.says("lift-1", **OPEN, person=False)

    assert not calls(on)


@pytest.mark.parametrize(
    ("state", "person"),
    [
        (OPEN, True),
        (OPEN, False),
        (AT_FLOOR, False),
        ({**STUCK, "works": True}, True),
        ({**RIDES, "works": True}, True),
    ],
)
def test_a_box_that_dies_with_nobody_trapped_calls_nobody(state: dict[str, bool], person: bool) -> None:
    on = play()
    on.at(0).says("lift-1", **OPEN, person=person)
    on.at(30).says("lift-1", **state, person=person)
    dies(on.at(40)).at(900)

    assert not calls(on)
    assert "lift-1:silent" in on.engine.alarms, "the silence itself is told"


def test_a_box_that_never_had_a_value_calls_nobody() -> None:
    on = play()
    on.at(0).says("lift-1", **NOTHING).at(100)
    dies(on).at(300).restart(without=["lift-1"]).at(900)

    assert not calls(on)
    assert not on.engine.kept(Course)


# --- the box is back ------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "key"), [(STUCK, BETWEEN), (RIDES, RUNNING)])
def test_a_box_that_is_back_and_shows_an_open_door_ends_the_source(state: dict[str, bool], key: str) -> None:
    on = play()
    on.at(0).says("lift-1", **state, person=True)
    dies(on.at(5)).at(30)
    assert on.phase(key) is Phase.ACTIVE
    lives(on.at(60), **OPEN, person=True).at(61)

    assert on.phase(key) is Phase.RETURNED
    assert on.incident_of("entrapment").open, "only a word from the site ends it"


def test_a_box_that_is_back_and_shows_the_same_keeps_the_call_and_no_longer_says_seen_last() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True, floor=3)
    dies(on.at(5)).at(30)
    lives(on.at(60), **STUCK, person=True, floor=3).at(100)

    assert on.phase(BETWEEN) is Phase.ACTIVE
    assert on.alarms[BETWEEN].value == "3F"
    assert on.alarms[BETWEEN].raised_at_ms == START_MS


def test_the_word_from_the_site_ends_what_a_dead_box_cannot_take_back() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    dies(on.at(5)).at(20)
    incident = on.incident_of("entrapment").id
    on.acts(Answered(incident, "cora", Answer.ARRIVED)).acts(Freed(incident, "cora"))
    assert on.phase(BETWEEN) is Phase.AWAITING_RESET
    on.at(30).restart(without=["lift-1"]).at(120)
    on.acts(Reset(incident, "cora")).at(900)
    assert not calls(on)
    lives(on, **STUCK, person=True).at(930)

    assert on.phase(BETWEEN) is Phase.ACTIVE, "who is trapped anew is called for anew"


# --- restarts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "key"), [(STUCK, BETWEEN), (AT_FLOOR, AT_LEVEL), (RIDES, RUNNING)])
@pytest.mark.parametrize("at_s", [5, 6, 11, 14])
def test_a_restart_between_the_death_and_the_call_loses_nothing(state: dict[str, bool], key: str, at_s: float) -> None:
    steady, shaken = play(), play()
    for on in (steady, shaken):
        on.at(0).says("lift-1", **state, person=True, floor=3)
        dies(on.at(5))
    shaken.at(at_s).restart(without=["lift-1"])
    usual_s = {BETWEEN: 15, AT_LEVEL: 90, RUNNING: 20}[key]
    steady.at(usual_s)
    shaken.at(max(usual_s, at_s + 10))  # the box may still be born again

    assert calls(steady) == calls(shaken) == {key}
    assert steady.alarms[key].raised_at_ms == shaken.alarms[key].raised_at_ms
    assert steady.alarms[key].value == shaken.alarms[key].value


def test_a_restart_after_which_the_box_is_back_and_its_door_open_calls_nobody() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    dies(on.at(5))
    kept = on.restored()
    on.at(9).restart(without=["lift-1"])
    assert on.restored().kept == kept.kept
    lives(on.at(14), **OPEN, person=False).at(300)

    assert not calls(on)


def test_a_collector_that_was_away_for_an_hour_waits_for_the_boxs_birth_before_it_calls() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    dies(on.at(5))
    on.now += 3_600_000
    on.restart(without=["lift-1"]).at(3605 + 9)
    assert not calls(on)
    on.at(3605 + 11)

    assert calls(on) == {BETWEEN}


def test_what_a_neighbour_says_after_a_restart_still_tells_that_the_bus_lives() -> None:
    on = play()
    on.at(0).says("lift-1", **RIDES, person=True)
    dies(on.at(5).mute("gw-1"))
    on.at(6).restart(without=["lift-1"])
    on.at(9).says("smoke-1", temperature_c=21.5, lane=Lane.TELEMETRY).at(20)

    assert calls(on) == {RUNNING}


def test_a_clock_that_was_set_back_over_a_restart_does_not_put_the_call_off() -> None:
    on = play()
    on.at(0).says("lift-1", **STUCK, person=True)
    dies(on.at(5))
    on.now -= 3_600_000
    on.restart(without=["lift-1"]).at(-3595 + 10 + 15)

    assert calls(on) == {BETWEEN}


@pytest.mark.parametrize("seed", range(6))
def test_no_restart_anywhere_makes_a_call_or_loses_one(seed: int) -> None:
    chance = Random(seed)
    state = chance.choice([STUCK, RIDES, AT_FLOOR, OPEN])
    person = chance.random() < 0.7
    died = chance.uniform(1, 40)
    restarts = sorted(chance.uniform(died, died + 60) for _ in range(3))
    steady, shaken = play(), play()
    for on in (steady, shaken):
        on.at(0).says("lift-1", **state, person=person)
        dies(on.at(died))
    for moment in restarts:
        shaken.at(moment).restart(without=["lift-1"])

    def seen(on: Play) -> object:
        return {key: (alarm.phase, alarm.raised_at_ms) for key, alarm in on.engine.alarms.items() if key in calls(on)}

    assert seen(steady.at(400)) == seen(shaken.at(400))
