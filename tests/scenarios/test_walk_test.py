"""Walk test: chosen devices, two hours at most, their alarms to the tester alone. Each test is one promise."""

from __future__ import annotations

from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.measures import Scope, WalkTest, to_prove
from collector.alarms.route import LIVE, Mode
from collector.calls.dispatch import Notice, Reason
from collector.commands import Disable, EndWalkTest, Reset, StartWalkTest
from collector.messages.message import describe
from config.site import Site
from tests.scenarios.play import Play, people
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
MINUTE = 60


def site(**changes: Any) -> Site:
    """The small community with a zone."""
    data = site_data() | changes
    data["zones"] = [{"id": "stairs", "name": "Stairs", "building": "b-1", "members": ["smoke-1", "smoke-2"]}]
    return small_site(data)


def begin(play: Play, *devices: str, person: str = "nora", minutes: int = 30, zone: str | None = None) -> WalkTest:
    """Somebody begins a walk test."""
    play.acts(StartWalkTest(person, devices, minutes, zone))
    return next(test for test in reversed(play.engine.kept(WalkTest).values()) if test.running)


def calls(play: Play) -> list[Notice]:
    """What was asked of people since the last question."""
    return [notice for notice in play.told() if notice.expects_answer]


def test_alarms_of_the_tested_devices_go_to_the_tester_alone_as_information() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", "smoke-2")
    play.expect_told()

    play.at(60).says("smoke-1", fire=True)

    (notice,) = play.told()
    assert (notice.person, notice.reason, notice.expects_answer) == ("nora", Reason.WALK_TEST, False)
    assert notice.about == "smoke-1:fire"
    play.at(10 * MINUTE).expect_told()


def test_every_alarm_and_every_repeat_is_told_and_none_of_them_needs_a_reset() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", "smoke-2")
    for second in (10, 40, 70):
        play.at(second).says("smoke-1", fire=True).expect_told("nora", reason=Reason.WALK_TEST)
        play.at(second + 10).says("smoke-1", fire=False).expect_told()
        assert play.phase("smoke-1:fire") is Phase.NORMAL
    assert not play.engine.incidents


def test_each_of_two_alarms_at_once_is_named_to_the_tester_in_a_message_of_its_own() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", "smoke-2")

    play.at(10).says("smoke-1", fire=True).at(11).says("smoke-2", fire=True)

    notices = play.told()
    assert [notice.about for notice in notices] == ["smoke-1:fire", "smoke-2:fire"]
    for notice, floor in zip(notices, ("floor 5", "floor 6"), strict=True):
        incident = play.incidents[notice.incident]
        for alarms in ([play.alarms[key] for key in incident.alarms], []):  # while they last, and when they are over
            words = describe(site(community=_english()), incident, alarms, notice, None, play.now)
            assert words.subject.startswith("Works:") and floor in words.body


def _english() -> dict[str, Any]:
    return site_data()["community"] | {"language": "en"}


def test_everything_else_stays_live() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1")

    play.at(10).says("smoke-2", fire=True)

    assert people(calls(play)) == set(NORTH)


def test_a_tested_device_that_falls_silent_is_a_trouble_told_to_leader_and_manager() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", person="carl")

    play.mute("smoke-1").at(3 * MINUTE)

    assert play.alarms["smoke-1:silent"].route == LIVE
    play.expect_told("nora", "mona")


def test_a_pulse_so_short_that_it_is_over_when_it_arrives_proves_the_device_too() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1")
    play.at(10).says("smoke-1", fire=False, position=7)

    play.says("smoke-1", fire=True, position=6)

    play.expect_told("nora", reason=Reason.WALK_TEST)
    (test,) = play.engine.kept(WalkTest).values()
    assert [proof.member for proof in test.proofs] == ["smoke-1"]
    assert play.phase("smoke-1:fire") is Phase.NORMAL


@pytest.mark.parametrize("how", ["time", "tester", "manager"])
def test_an_alarm_still_active_at_the_end_calls_at_once_and_in_full(how: str) -> None:
    play = Play(site())
    test = begin(play.at(0), "smoke-1", minutes=10)
    play.at(9 * MINUTE).says("smoke-1", fire=True).told()

    if how == "time":
        play.at(10 * MINUTE)
    else:
        play.acts(EndWalkTest(test.id, "nora" if how == "tester" else "mona"))

    assert play.incident.full_call and play.incident.route == LIVE
    assert people(calls(play)) == set(NORTH)
    play.says("smoke-1", fire=False)
    assert play.phase("smoke-1:fire") is Phase.RETURNED  # latched now


def test_a_tester_of_no_team_hears_that_the_team_is_called() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", minutes=10, person="carl")
    play.at(9 * MINUTE).says("smoke-1", fire=True).told()

    play.at(10 * MINUTE)

    assert [n.person for n in play.told() if n.reason is Reason.HANDED_OVER] == ["carl"]


def test_after_the_end_an_alarm_of_the_device_calls_as_ever() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", minutes=10)

    play.at(11 * MINUTE).says("smoke-1", fire=True)

    assert people(calls(play)) == set(NORTH)


def test_the_result_says_what_has_given_an_alarm_and_what_has_not() -> None:
    play = Play(site())
    test = begin(play.at(0), zone="stairs", minutes=10)
    play.at(10).says("smoke-1", fire=True).says("smoke-1", fire=False).says("smoke-2", fault=True)
    play.at(30).says("smoke-1", fire=True).says("smoke-1", fire=False)

    play.at(10 * MINUTE)

    (kept,) = play.engine.kept(WalkTest).values()
    assert [proof.member for proof in kept.proofs] == ["smoke-1"]
    assert to_prove(play.site, test.members) == ["smoke-1", "smoke-2"]
    (ended,) = play.events("walk-test-ended")
    assert dict(ended.facts) | {"how": "time", "tested": "1", "not-tested": "1"} == dict(ended.facts)


def test_of_a_panel_each_detector_is_to_give_an_alarm() -> None:
    play = Play(site())
    begin(play.at(0), "panel-1", person="sam")

    play.at(10).says("panel-1", fire=True, detector__2__fire=True)

    assert people(play.told()) == {"sam"}
    (test,) = play.engine.kept(WalkTest).values()
    proved = {proof.member for proof in test.proofs}
    assert [m for m in to_prove(play.site, test.members) if m not in proved] == ["panel-1:1", "panel-1:3"]


def test_an_open_alarm_stays_live_when_a_walk_test_of_its_device_begins_and_when_it_comes_back() -> None:
    play = Play(site())
    play.at(0).says("smoke-1", fire=True).told()

    begin(play.at(5), "smoke-1", minutes=120)

    play.at(61)
    assert {"sam", "sue"} <= people(calls(play))
    play.says("smoke-1", fire=False).says("smoke-1", fire=True)
    assert play.alarms["smoke-1:fire"].route == LIVE


def test_what_was_taken_aside_before_the_test_is_live_when_its_disablement_ends() -> None:
    play = Play(site())
    play.at(0).acts(Disable(Scope.DEVICE, "smoke-1", "nora", "painting", 10)).says("smoke-1", fire=True)
    begin(play.at(60), "smoke-1", minutes=60)
    play.at(9 * MINUTE + 59).told()

    play.at(10 * MINUTE)

    assert play.incident_of("fire").route == LIVE and play.incident_of("fire").full_call


def test_when_a_test_of_something_disabled_ends_the_watch_is_told_of_what_is_still_in_alarm() -> None:
    play = Play(site())
    play.at(0).acts(Disable(Scope.DEVICE, "smoke-1", "nora", "painting", 60, "sue"))
    begin(play, "smoke-1", minutes=10)
    play.at(60).says("smoke-1", fire=True).told()

    play.at(10 * MINUTE)

    assert people(calls(play)) == {"sue"}
    assert play.alarms["smoke-1:fire"].route.mode is Mode.DISABLED


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (StartWalkTest("nora", ("smoke-1",), 121), "wrong-duration"),
        (StartWalkTest("nora", ("smoke-1",), 0), "wrong-duration"),
        (StartWalkTest("nora", (), 10), "no-devices"),
        (StartWalkTest("nora", ("smoke-9",), 10), "unknown-target"),
        (StartWalkTest("nora", (), 10, "attic"), "unknown-target"),
        (StartWalkTest("nobody", ("smoke-1",), 10), "unknown-person"),
        (StartWalkTest("ned", ("smoke-1",), 10), "not-authorised"),
        (StartWalkTest("nora", ("smoke-1", "panel-1"), 10), "not-authorised"),
        (EndWalkTest("0", "nora"), "unknown-walk-test"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(command: StartWalkTest | EndWalkTest, reason: str) -> None:
    assert Play(site()).at(0).refused(command) == reason


def test_a_device_is_in_one_test_at_a_time_and_a_test_ends_once() -> None:
    play = Play(site())
    test = begin(play.at(0), zone="stairs")
    assert play.refused(StartWalkTest("mona", ("smoke-2",), 10)) == "already-tested"
    assert play.refused(EndWalkTest(test.id, "sam")) == "not-authorised"

    play.acts(EndWalkTest(test.id, "nora"))

    assert play.refused(EndWalkTest(test.id, "nora")) == "unknown-walk-test"


@pytest.mark.parametrize("restart_at", [1, 15, 40, 9 * MINUTE])
def test_a_restart_in_the_middle_changes_nothing(restart_at: int) -> None:
    def played(restarts: bool) -> Play:
        play = Play(site())
        begin(play.at(0), "smoke-1", "smoke-2", minutes=10)
        steps: list[tuple[int, str, bool]] = [
            (10, "smoke-1", True),
            (30, "smoke-1", False),
            (50, "smoke-2", True),
            (60, "smoke-1", True),
        ]
        for second, device, fire in [step for step in steps if step[0] <= restart_at]:
            play.at(second).says(device, fire=fire)
        play.at(restart_at)
        if restarts:
            play.restart()
        for second, device, fire in [step for step in steps if step[0] > restart_at]:
            play.at(second).says(device, fire=fire)
        return play.at(12 * MINUTE)

    straight, restarted = played(False), played(True)

    assert restarted.alarms == straight.alarms
    assert restarted.incidents == straight.incidents
    assert restarted.notices == straight.notices
    assert restarted.kept == straight.kept
    assert [e for e in restarted.entries if e.incident] == [e for e in straight.entries if e.incident]


def test_a_test_whose_tester_has_left_the_site_ends_and_what_is_in_alarm_calls() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", person="mona")
    play.at(10).says("smoke-1", fire=True).told()
    data = site_data()
    data["people"] = [person for person in data["people"] if person["id"] != "mona"]
    del data["buildings"][0]["manager"]

    play.restart(small_site(data)).at(11)

    assert set(NORTH) <= people(calls(play))
    assert not any(test.running for test in play.engine.kept(WalkTest).values())


def test_results_are_kept_for_the_last_tests_and_not_for_ever() -> None:
    play = Play(site())
    for number in range(60):
        test = begin(play.at(number * 60), "smoke-1")
        play.acts(EndWalkTest(test.id, "nora"))

    assert len(play.engine.kept(WalkTest)) == 50
    assert test.id in play.engine.kept(WalkTest)


def test_a_clock_that_is_put_back_makes_no_test_longer() -> None:
    play = Play(site())
    begin(play.at(7200), "smoke-1", minutes=30)
    play.now -= 7_200_000

    play.keeps(play.engine.wake(play.now))

    (test,) = play.engine.kept(WalkTest).values()
    assert test.until_ms == play.now + 30 * MINUTE * 1000


def test_a_fire_after_the_end_calls_in_full_though_the_collector_was_away_at_the_end_and_it_is_over() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", minutes=10)
    play.now += 25 * MINUTE * 1000

    play.restart()
    play.says("smoke-1", ago_s=5 * MINUTE, historical=True, fire=True)
    play.says("smoke-1", ago_s=4 * MINUTE, historical=True, fire=False)

    assert play.incident_of("fire").full_call
    assert {notice.person for notice in calls(play)} == {"nora", "ned", "nick"}


def test_what_the_tester_has_acknowledged_nobody_who_is_called_at_the_end_has() -> None:
    play = Play(site())
    begin(play.at(0), "smoke-1", minutes=10)
    play.at(60).says("smoke-1", fire=True).acknowledges("nora")

    play.at(10 * MINUTE)

    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    play.says("smoke-1", fire=False)
    assert play.refused(Reset(play.incident.id, "nora")) == "not-acknowledged"
