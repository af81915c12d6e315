"""How an alarm in a verified zone is told to the nearest person first, and what makes it the full call.

The person nearest to building b-1 is nora, who leads its team; sam is the nearest to b-3.
"""

from __future__ import annotations

from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.alarms.verification import Cause, Stage
from collector.calls.dispatch import Reason
from collector.commands import FalseAlarm, NeedMore
from config.profile import Profile
from tests.scenarios.play import Play
from tests.sites import SMOKE_BITS, _bit, _profile, _register, site_data, small_site

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")
RETARD = {"method": "retard", "retard_s": 20, "confirm_s": 60}
PAIR = {"method": "cross-zone", "within_s": 600}
TWO_OF = {"method": "count", "count": 2, "within_s": 300}
OFFICE_HOURS = {"from": "08:00", "until": "18:00"}
SEQUENCE = {"method": "positive-alarm-sequence", "staffed": [{"from": "00:00", "until": "00:00"}]}
MINUTE = 60
HOUR = 3600


def zone(name: str, how: dict[str, Any] | None, *members: str, building: str = "b-1") -> dict[str, Any]:
    return {"id": name, "name": name, "building": building, "members": list(members), "verification": how}


def site(*zones: dict[str, Any], **profiles: Profile) -> Any:
    """The small site with these zones; smoke-4 in b-1 and the detectors 1 and 2 of panel-1 can be members too."""
    data = site_data()
    devices = data["gateways"][0]["buses"][0]["devices"]
    devices += [{"id": "smoke-4", "profile": "smoke", "unit": 9, "place": {"building": "b-1", "floor": 2}}]
    devices += [{"id": "button-1", "profile": "button", "unit": 10, "place": {"building": "b-1", "floor": 1}}]
    data["gateways"][1]["buses"][0]["devices"][1]["detectors"][2]["type"] = "manual-call-point"
    data["zones"] = list(zones)
    return small_site(data, button=BUTTON, **profiles)


BUTTON = _profile(
    "button",
    "other",
    {"state": _register(0, **{"class": "state", "bits": {"pressed": _bit(1, "alarm", "fire", initiating="manual")}})},
)
CONFIRMING = _profile(
    "smoke",
    "smoke-detector",
    {
        "state": _register(
            0,
            **{"class": "state", "bits": SMOKE_BITS | {"confirmed": _bit(5, "alarm", "fire", initiating="confirmed")}},
        ),
        "temperature_c": _register(1, scale=0.1, unit="°C"),
    },
)


def verified(how: dict[str, Any] = PAIR, *members: str) -> Play:
    return Play(site(zone("stairs", how, *(members or ("smoke-1", "smoke-2", "smoke-4")))))


def expect_loud(play: Play, cause: Cause) -> None:
    first = play.incident.first_hit
    assert play.incident.full_call and first is not None
    assert (first.stage, first.cause) == (Stage.LOUD, cause)
    (entry,) = play.events("first-hit-loud")
    assert dict(entry.facts)["why"] == cause.value


# --- the first hit ------------------------------------------------------------------------------------


def test_by_default_one_hit_is_the_full_call() -> None:
    play = Play(site(zone("stairs", None, "smoke-1", "smoke-2")))

    play.at(0).says("smoke-1", fire=True)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert play.incident.full_call


def test_a_first_hit_is_recorded_and_told_to_the_nearest_person_at_once() -> None:
    play = verified()

    play.at(0).says("smoke-1", fire=True)

    play.expect_told("nora", reason=Reason.FIRST_HIT)
    assert all(notice.expects_answer for notice in play.notices.values())
    assert not play.incident.full_call and play.incident.verifying
    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    (entry,) = play.events("first-hit")
    assert dict(entry.facts) == {"zone": "stairs", "hit": "smoke-1"}


def test_sixty_seconds_without_an_answer_make_a_first_hit_loud() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(59.9).expect_told("nora", reason=Reason.FIRST_HIT)  # asked again, as the plan says
    play.at(60)

    assert set(NORTH) <= {notice.person for notice in play.told()}
    expect_loud(play, Cause.UNANSWERED)


def test_a_first_hit_becomes_loud_in_time_though_the_clock_was_behind_after_a_restart() -> None:
    play = verified()
    play.at(2 * HOUR).says("smoke-1", fire=True).at(2 * HOUR + 20)

    play.now -= HOUR * 1000
    play.restart().at(HOUR + 20 + 60)

    assert play.incident_of("fire").full_call
    assert set(NORTH) <= {notice.person for notice in play.told()}


def test_the_time_without_an_answer_is_the_sites_own() -> None:
    play = verified(PAIR | {"loud_after_s": 25})
    play.at(0).says("smoke-1", fire=True).at(24.9)
    assert play.incident.verifying

    play.at(25)

    expect_loud(play, Cause.UNANSWERED)


def test_who_answers_has_the_zones_time_to_look_and_then_it_is_loud() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).at(30).answers("nora", Answer.GOING).told()
    play.at(100).answers("nora", Answer.ARRIVED)  # gives no more time

    play.at(209.9)
    assert play.incident.verifying and not play.told()
    play.at(210)

    expect_loud(play, Cause.NOT_CLEARED_UP)
    told = {notice.person: notice for notice in play.told()}
    assert set(told) == set(NORTH)
    assert told["nora"].reason is Reason.FIRST_HIT_LOUD and not told["nora"].expects_answer


def test_who_went_to_look_still_counts_when_it_becomes_loud() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING)
    play.at(5).says("smoke-2", fire=True)
    assert play.incident.quorum_at_ms is None

    play.at(10).answers("ned", Answer.GOING)

    assert play.incident.quorum_at_ms == play.now


def test_cannot_from_the_nearest_makes_it_loud_at_once() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(4).answers("nora", Answer.CANNOT)

    play.expect_told("ned", "nick", reason=Reason.OWN_TEAM)
    expect_loud(play, Cause.CANNOT)


def test_who_was_going_to_look_and_cannot_makes_it_loud_at_once() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING)

    play.at(40).answers("nora", Answer.CANNOT)

    expect_loud(play, Cause.CANNOT)


def test_if_the_nearest_cannot_and_then_whoever_went_instead_it_is_loud_at_once() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True)
    play.at(10).answers("sue", Answer.GOING).answers("nora", Answer.CANNOT)
    assert play.incident.verifying

    play.at(20).answers("sue", Answer.CANNOT)

    expect_loud(play, Cause.CANNOT)


def test_in_a_positive_alarm_sequence_only_who_was_asked_can_win_time_by_having_seen_it() -> None:
    play = verified(SEQUENCE)
    play.at(0).says("smoke-1", fire=True)

    play.at(5).acknowledges("sue").answers("ned", Answer.CANNOT).at(15)

    expect_loud(play, Cause.UNANSWERED)


def test_if_somebody_else_looks_the_nearest_may_say_cannot() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("ned", Answer.GOING).answers("nora", Answer.CANNOT)

    assert play.at(100).incident.verifying
    play.at(180)
    expect_loud(play, Cause.NOT_CLEARED_UP)


def test_a_nearest_person_who_cannot_be_reached_makes_it_loud_at_once() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True)

    play.at(3).fails(play.told()[0])

    expect_loud(play, Cause.UNREACHABLE)


def test_a_first_hit_that_has_returned_to_normal_stays_latched_and_still_becomes_loud() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).at(0.25).says("smoke-1", fire=False)
    assert play.phase("smoke-1:fire") is Phase.RETURNED

    play.at(60)

    expect_loud(play, Cause.UNANSWERED)


def test_a_trouble_beside_a_first_hit_does_not_stop_it() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True, fault=True, pre_alarm=True).at(5).says("smoke-2", pre_alarm=True)

    play.at(60)

    first = play.incident_of("fire").first_hit
    assert first is not None and first.cause is Cause.UNANSWERED


def test_a_detector_that_falls_silent_after_its_first_hit_is_still_called_out() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).mute("smoke-1").dies("gw-1", "smoke-1").at(61)

    assert play.incident_of("fire").full_call


# --- who may end it -----------------------------------------------------------------------------------


def test_a_false_alarm_from_who_is_there_stops_the_timer_and_the_latch_stays() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).at(20).answers("nora", Answer.ARRIVED).told()

    play.at(50).acts(FalseAlarm(play.incident.id, "nora"))

    play.expect_told("nora", reason=Reason.STAND_DOWN)
    assert play.incident.false_alarm_by == "nora"
    play.at(3600).says("smoke-1", fire=False)
    assert not play.incident.full_call and play.incident.first_hit.stage is Stage.SET_ASIDE
    assert play.phase("smoke-1:fire") is Phase.AWAITING_RESET
    play.resets("nora")
    assert not play.engine.incidents


def test_a_false_alarm_from_who_has_not_arrived_is_shown_and_not_obeyed() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("ned", Answer.GOING).told()

    play.at(10).acts(FalseAlarm(play.incident.id, "ned")).acts(FalseAlarm(play.incident.id, "sue"))

    assert not play.told() and play.incident.verifying
    assert [(said.person, said.obeyed) for said in play.incident.remarks] == [("ned", False), ("sue", False)]
    assert [entry.person for entry in play.events("false-alarm-not-obeyed")] == ["ned", "sue"]
    assert play.at(180).incident.full_call


@pytest.mark.parametrize("person", ["nora", "mona", "carl"])
def test_a_first_hit_is_no_false_alarm_because_a_leader_a_manager_or_a_contact_far_away_says_so(person: str) -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True)

    play.at(10).acts(FalseAlarm(play.incident.id, person))
    assert play.at(180).incident.full_call

    play = verified()
    play.at(0).says("smoke-1", fire=True).at(8).answers(person, Answer.ARRIVED)
    play.at(10).acts(FalseAlarm(play.incident.id, person)).at(600)
    assert not play.incident.full_call and play.incident.open
    assert play.events("first-hit-set-aside") and play.incident.false_alarm_by == person


def test_a_stood_down_first_hit_becomes_loud_no_more() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).at(10).stands_down("nora").at(600)

    assert not play.incident.full_call and play.incident.false_alarm_by is None


def test_a_reset_ends_a_first_hit_also_where_something_else_is_left() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).says("smoke-2", pre_alarm=True).says("smoke-1", fire=False)
    play.at(5).answers("nora", Answer.ARRIVED).told()

    play.resets("nora")

    assert play.incident.first_hit is None and not play.incident.full_call
    play.at(3600)
    assert not any(notice.reason is Reason.OWN_TEAM and notice.expects_answer for notice in play.told())


def test_a_second_device_after_a_false_alarm_confirms_within_the_window() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.ARRIVED)
    play.at(20).acts(FalseAlarm(play.incident.id, "nora"))

    play.at(100).says("smoke-2", fire=True)

    expect_loud(play, Cause.SECOND_DEVICE)


def test_the_same_device_back_after_a_false_alarm_is_a_new_first_hit() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.ARRIVED)
    play.at(20).acts(FalseAlarm(play.incident.id, "nora")).says("smoke-1", fire=False).told()

    play.at(100).says("smoke-1", fire=True)

    play.expect_told("nora", reason=Reason.FIRST_HIT)
    play.at(160)
    expect_loud(play, Cause.UNANSWERED)


def test_another_sign_of_the_same_device_after_a_false_alarm_is_a_new_first_hit() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.ARRIVED)
    play.at(20).acts(FalseAlarm(play.incident.id, "nora")).told()

    play.at(100).says("smoke-1", fire=True, heat=True)  # the smoke has never gone, and now it is hot as well

    play.expect_told("nora", reason=Reason.FIRST_HIT)
    play.at(160)
    expect_loud(play, Cause.UNANSWERED)


def test_something_lesser_after_a_false_alarm_is_told_and_makes_no_call_of_what_was_set_aside() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.ARRIVED)
    play.at(20).acts(FalseAlarm(play.incident.id, "nora")).told()

    play.at(60).says("smoke-2", pre_alarm=True).at(1000)  # the smoke of the false alarm has not gone

    assert not play.incident.full_call
    assert {notice.person for notice in play.told()} == {"nora", "mona"}


def test_who_looks_and_needs_more_people_makes_it_loud() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING).told()

    play.at(40).acts(NeedMore(play.incident.id, "nora"))

    assert {"ned", "nick"} <= {notice.person for notice in play.told()}
    expect_loud(play, Cause.MORE_NEEDED)


# --- what confirms it ---------------------------------------------------------------------------------


def test_two_independent_detectors_of_a_zone_are_a_confirmed_fire() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(30).says("smoke-2", fire=True)

    assert {notice.person for notice in play.told()} == set(NORTH)
    expect_loud(play, Cause.SECOND_DEVICE)
    assert dict(play.events("first-hit-loud")[0].facts)["hits"] == "smoke-1, smoke-2"


def test_two_points_of_one_detector_are_one_detector() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).at(1).says("smoke-1", heat=True)

    play.at(59)

    assert play.incident.verifying
    assert [notice.person for notice in play.notices.values()] == ["nora"]


def test_two_detectors_outside_of_the_window_are_two_first_hits() -> None:
    play = verified(PAIR | {"within_s": 100})
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.ARRIVED)
    play.at(10).acts(FalseAlarm(play.incident.id, "nora")).told()

    play.at(101).says("smoke-2", fire=True)

    play.expect_told("nora", reason=Reason.FIRST_HIT)
    assert play.incident.verifying


def test_of_two_crossed_zones_one_detector_in_each_confirms() -> None:
    play = Play(
        site(
            zone("stairs", PAIR | {"other": "flats"}, "smoke-1", "smoke-4"),
            zone("flats", PAIR | {"other": "stairs"}, "smoke-2"),
        )
    )
    play.at(0).says("smoke-1", fire=True)
    play.at(5).says("smoke-4", fire=True)  # of the same zone
    assert play.incident.verifying
    assert [notice.reason for notice in play.told()] == [Reason.FIRST_HIT, Reason.FIRST_HIT]

    play.at(10).says("smoke-2", fire=True)

    assert play.incident.full_call


def test_detectors_of_two_zones_of_a_building_confirm_each_other_whatever_their_methods() -> None:
    play = Play(site(zone("stairs", RETARD, "smoke-1"), zone("flats", TWO_OF, "smoke-2", "smoke-4")))
    play.at(0).says("smoke-1", fire=True)

    play.at(5).says("smoke-2", fire=True)

    expect_loud(play, Cause.OTHER_ZONE)


def test_n_of_m_within_the_window() -> None:
    play = verified(TWO_OF | {"count": 3, "within_s": 30})
    play.at(0).says("smoke-1", fire=True).at(10).says("smoke-2", fire=True)
    assert play.incident.verifying

    play.at(20).says("smoke-4", fire=True)

    expect_loud(play, Cause.COUNTED)


def test_a_hit_before_the_window_does_not_count() -> None:
    play = verified(TWO_OF | {"within_s": 30})
    play.at(0).says("smoke-1", fire=True).at(31).says("smoke-2", fire=True)

    assert play.incident.verifying


def test_a_wrong_clock_does_not_keep_two_hits_of_one_fire_apart() -> None:
    play = verified(TWO_OF)
    play.at(10 * MINUTE).says("smoke-1", ago_s=9 * MINUTE, fire=True)

    play.at(10 * MINUTE + 5).says("smoke-2", fire=True)

    expect_loud(play, Cause.COUNTED)


def test_a_retarded_hit_that_is_still_there_after_the_delay_is_loud() -> None:
    play = verified(RETARD, "smoke-1")
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING).at(19.9)
    assert play.incident.verifying

    play.at(20)

    expect_loud(play, Cause.STILL_THERE)


def test_a_retarded_hit_that_goes_within_the_delay_waits_for_the_nearest_person() -> None:
    play = verified(RETARD, "smoke-1")
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING).at(8).says("smoke-1", fire=False)

    assert play.at(150).incident.verifying


def test_a_retarded_hit_that_is_back_within_the_window_is_loud() -> None:
    play = verified(RETARD, "smoke-1")
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING).at(8).says("smoke-1", fire=False)

    play.at(60).says("smoke-1", fire=True)

    expect_loud(play, Cause.BACK_AGAIN)


def test_a_retarded_hit_that_is_back_after_the_window_is_delayed_anew() -> None:
    play = verified(RETARD, "smoke-1")
    play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING).at(8).says("smoke-1", fire=False)

    play.at(70).says("smoke-1", fire=True).at(89.9)
    assert play.incident.verifying
    play.at(90)

    expect_loud(play, Cause.STILL_THERE)


def test_a_retarded_hit_from_a_backlog_that_had_stood_for_the_delay_is_loud() -> None:
    play = verified(RETARD, "smoke-1")
    play.at(10 * MINUTE).says("smoke-1", ago_s=200, historical=True, fire=True)

    play.says("smoke-1", ago_s=170, historical=True, fire=False)

    expect_loud(play, Cause.STILL_THERE)


# --- positive alarm sequence --------------------------------------------------------------------------


def test_a_positive_alarm_sequence_unacknowledged_for_fifteen_seconds_is_loud() -> None:
    play = verified(SEQUENCE)
    play.at(0).says("smoke-1", fire=True).at(14.9)
    assert play.incident.verifying

    play.at(15)

    expect_loud(play, Cause.UNANSWERED)


def test_a_positive_alarm_sequence_that_is_acknowledged_gives_three_minutes() -> None:
    play = verified(SEQUENCE)
    play.at(0).says("smoke-1", fire=True).at(10).acknowledges("nora").at(189.9)
    assert play.incident.verifying

    play.at(190)

    expect_loud(play, Cause.NOT_CLEARED_UP)


def test_elsewhere_an_acknowledgement_is_no_answer() -> None:
    play = verified(PAIR)
    play.at(0).says("smoke-1", fire=True).at(10).acknowledges("nora").at(60)

    expect_loud(play, Cause.UNANSWERED)


@pytest.mark.parametrize("second", [{"device": "smoke-2", "fire": True}, {"device": "button-1", "pressed": True}])
def test_a_second_device_or_a_manual_call_point_cuts_the_sequence_short(second: dict[str, Any]) -> None:
    play = verified(SEQUENCE)
    play.at(0).says("smoke-1", fire=True).at(10).acknowledges("nora")

    play.at(60).says(**second)

    assert play.incident.full_call


def test_outside_of_its_staffed_hours_one_hit_is_the_full_call() -> None:
    play = verified(SEQUENCE | {"staffed": [OFFICE_HOURS]})  # the scenario begins at 23:06 in Shanghai
    play.at(0).says("smoke-1", fire=True)
    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)

    day = verified(SEQUENCE | {"staffed": [OFFICE_HOURS]})
    day.at(10 * 3600).says("smoke-1", fire=True)
    day.expect_told("nora", reason=Reason.FIRST_HIT)


# --- never verified -----------------------------------------------------------------------------------


def test_a_manual_call_point_is_loud_at_once_and_so_is_the_first_hit_before_it() -> None:
    play = verified(PAIR, "smoke-1", "smoke-2", "button-1")
    play.at(0).says("smoke-1", fire=True).told()

    play.at(5).says("button-1", pressed=True)

    assert {notice.person for notice in play.told()} == set(NORTH)
    expect_loud(play, Cause.MANUAL)


def test_a_manual_call_point_alone_in_a_verified_zone_is_the_full_call() -> None:
    play = verified(PAIR, "smoke-1", "smoke-2", "button-1")

    play.at(0).says("button-1", pressed=True)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert play.incident.first_hit is None


def test_what_a_panel_has_confirmed_is_never_verified() -> None:
    play = Play(site(zone("stairs", PAIR, "smoke-1", "smoke-2"), smoke=CONFIRMING))

    play.at(0).says("smoke-1", confirmed=True)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)


def test_an_alarm_of_a_device_that_is_not_verified_makes_a_first_hit_loud() -> None:
    play = verified(PAIR, "smoke-1", "smoke-2")
    play.at(0).says("smoke-1", fire=True)

    play.at(5).says("smoke-4", fire=True)

    expect_loud(play, Cause.UNVERIFIED)


def test_an_alarm_that_was_long_ago_keeps_its_own_rules() -> None:
    play = verified()
    play.at(40 * MINUTE).says("smoke-1", ago_s=35 * MINUTE, historical=True, fire=True)
    play.expect_told("nora", "mona", reason=Reason.LATE_REPORT)

    play.at(40 * MINUTE + 10)

    assert play.incident.full_call and play.incident.first_hit is None


def test_a_first_hit_beside_an_alarm_of_long_ago_does_not_hide_it() -> None:
    play = verified()
    play.at(40 * MINUTE).says("smoke-4", ago_s=35 * MINUTE, historical=True, fire=True)

    play.at(40 * MINUTE + 2).says("smoke-1", fire=True).answers("nora", Answer.GOING)
    play.at(40 * MINUTE + 10)

    assert play.incident.full_call


# --- panels -------------------------------------------------------------------------------------------


def panel(*members: str) -> Play:
    return Play(site(zone("loop", PAIR, *(members or ("panel-1:1", "panel-1:2")), building="b-3")))


def test_a_panels_general_flag_does_not_defeat_the_verification_of_its_detector() -> None:
    play = panel()

    play.at(0).says("panel-1", fire=True).at(1).says("panel-1", detector__1__fire=True).at(30)

    assert play.incident.verifying
    assert {notice.person for notice in play.told()} == {"sam"}


def test_a_detector_and_then_its_panels_flag_are_one_hit() -> None:
    play = panel()

    play.at(0).says("panel-1", detector__1__fire=True).at(1).says("panel-1", fire=True).at(30)

    assert play.incident.verifying


def test_a_panel_that_says_fire_without_a_known_detector_is_loud_after_five_seconds() -> None:
    play = panel()
    play.at(0).says("panel-1", fire=True)
    play.expect_told("sam", reason=Reason.FIRST_HIT)

    play.at(5)

    expect_loud(play, Cause.PANEL_ALONE)


def test_a_panels_second_detector_confirms_whenever_the_flag_came() -> None:
    play = panel()
    play.at(0).says("panel-1", fire=True, detector__1__fire=True).at(5)
    assert play.incident.verifying

    play.at(9).says("panel-1", detector__2__fire=True)

    expect_loud(play, Cause.SECOND_DEVICE)


def test_a_call_point_on_the_panels_loop_is_loud_at_once() -> None:
    play = panel("panel-1:1", "panel-1:2", "panel-1:3")

    play.at(0).says("panel-1", fire=True, detector__3__fire=True)

    play.expect_told(*SOUTH, reason=Reason.OWN_TEAM)
    assert play.incident.first_hit is None


def test_a_flag_that_is_back_after_a_false_alarm_without_its_detector_is_judged_anew() -> None:
    play = panel()
    play.at(0).says("panel-1", detector__1__fire=True, fire=True).answers("sam", Answer.ARRIVED)
    play.at(20).acts(FalseAlarm(play.incident.id, "sam"))
    play.says("panel-1", detector__1__fire=False, fire=False)

    play.at(100).says("panel-1", fire=True).at(105)

    expect_loud(play, Cause.PANEL_ALONE)


# --- restarts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 1, 30, 59.9])
def test_a_restart_at_any_moment_changes_nothing_of_a_first_hit(seconds: float) -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True).at(seconds).restart()
    assert play.incident.verifying

    play.at(60)

    expect_loud(play, Cause.UNANSWERED)


@pytest.mark.parametrize("seconds", [0, 8, 30, 150])
def test_a_restart_while_somebody_looks_gives_no_more_time_and_forgets_no_hit(seconds: float) -> None:
    def begun() -> Play:
        play = verified(RETARD | {"confirm_s": 200}, "smoke-1")
        return play.at(0).says("smoke-1", fire=True).answers("nora", Answer.GOING)

    play = begun().at(8).says("smoke-1", fire=False) if seconds >= 8 else begun()
    play.at(seconds).restart()
    if seconds < 8:
        play.at(8).says("smoke-1", fire=False)
    assert play.at(179.9).incident.verifying
    play.says("smoke-1", fire=True)
    expect_loud(play, Cause.BACK_AGAIN)


def test_a_zone_that_is_verified_no_more_after_a_restart_leaves_nothing_waiting() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True)

    play.at(5).restart(site()).at(5.1)

    expect_loud(play, Cause.ZONE_GONE)


def test_a_first_hit_whose_device_has_left_the_site_still_becomes_loud() -> None:
    play = verified()
    play.at(0).says("smoke-1", fire=True)
    data = site_data()
    data["gateways"][0]["buses"][0]["devices"].pop(0)
    data["zones"] = [zone("stairs", PAIR, "smoke-2")]

    play.at(5).restart(small_site(data)).at(60)

    expect_loud(play, Cause.UNANSWERED)
