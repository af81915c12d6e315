"""Who is called anew when it begins again, or when those who were going are not. Each test is one promise."""

from __future__ import annotations

import pytest

from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from tests.scenarios.play import Play, people
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")
EVERYBODY = (*NORTH, *SOUTH, "mona", "grace", "greg", "gina", "carl")
MINUTE = 60


def _nobody_answered() -> Play:
    """A fire that was over soon, whose whole plan has run out of rings and repeats."""
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(2).says("smoke-1", fire=False)
    play.at(20 * MINUTE).told()
    assert set(EVERYBODY) == people(play.notices.values())
    return play


def _enough_are_going() -> Play:
    data = site_data()
    data["plan"]["kinds"]["fire"]["arrive_within_s"] = 7200  # nobody is late here
    play = Play(small_site(data))
    play.at(0).says("smoke-1", fire=True)
    play.at(5).answers("ned", Answer.GOING).answers("nick", Answer.GOING)
    play.at(10).says("smoke-1", fire=False).told()
    return play


# --- it begins again ------------------------------------------------------------------------------


def test_a_fire_that_begins_again_after_nobody_answered_calls_everybody_anew_at_once() -> None:
    play = _nobody_answered()

    play.at(40 * MINUTE).says("smoke-1", fire=True)

    play.expect_told(*EVERYBODY, reason=Reason.RAISED_AGAIN)
    assert play.incident.call == 2
    assert people(play.at(40 * MINUTE + 20).told()) == set(EVERYBODY)  # and again, until somebody answers


def test_a_fire_that_begins_again_after_all_said_cannot_calls_them_anew() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    for person in EVERYBODY:
        play.at(20).answers(person, Answer.CANNOT)
    play.says("smoke-1", fire=False).told()

    play.at(30).says("smoke-1", fire=True)

    play.expect_told(*EVERYBODY, reason=Reason.RAISED_AGAIN)


def test_a_fire_that_begins_again_while_its_call_still_goes_on_is_no_new_call() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    for second in range(15, 180, 3):
        play.at(second).says("smoke-1", fire=second % 2 == 0)

    assert play.incident.call == 1


def test_a_plan_without_repeats_is_not_taken_for_exhausted_while_people_read() -> None:
    data = site_data()
    data["plan"]["kinds"]["fire"] |= {"rings": [{"call": "team", "after_s": 0}], "repeats_max": 0}
    play = Play(small_site(data))
    play.at(0).says("smoke-1", fire=True, heat=True)
    play.at(15).says("smoke-1", fire=False).at(16).says("smoke-1", fire=True)
    assert play.incident.call == 1

    play.at(30).says("smoke-1", fire=False).at(31).says("smoke-1", fire=True)

    assert play.incident.call == 2


def test_a_head_that_flickers_after_the_plan_ran_out_starts_one_call_not_many() -> None:
    play = _nobody_answered()

    for second in range(0, 120, 2):
        play.at(40 * MINUTE + second).says("smoke-1", fire=second % 4 == 0)

    assert play.incident.call == 2


def test_a_head_that_flickers_while_people_are_there_pages_nobody() -> None:
    play = _enough_are_going()

    for second in range(20, 10 * MINUTE, 10):
        play.at(second).says("smoke-1", fire=second % 20 == 0)

    play.expect_told()


@pytest.mark.parametrize(("restarts", "late_s"), [(False, 0), (True, 0), (False, 3600)])
def test_a_fire_that_begins_again_long_after_people_went_calls_everybody_anew(restarts: bool, late_s: int) -> None:
    play = _enough_are_going()
    play.at(9 * MINUTE).says("smoke-1", fire=True).says("smoke-1", fire=False).expect_told()
    if restarts:
        play.restart()

    play.at(10 * MINUTE + 5 + late_s).says("smoke-1", fire=True)

    play.expect_told(*NORTH, reason=Reason.RAISED_AGAIN)
    assert play.incident.quorum_at_ms is None
    assert people(play.at(10 * MINUTE + 5 + late_s + 30).told()) == {*NORTH, *SOUTH}  # and outward again


def test_who_says_that_they_have_arrived_is_there() -> None:
    play = _enough_are_going()
    play.at(5 * MINUTE).answers("ned", Answer.ARRIVED).told()

    play.at(14 * MINUTE).says("smoke-1", fire=True).expect_told()
    play.at(14 * MINUTE + 1).says("smoke-1", fire=False)
    play.at(15 * MINUTE).says("smoke-1", fire=True)

    play.expect_told(*NORTH, reason=Reason.RAISED_AGAIN)


def test_another_flag_of_the_same_device_after_stand_down_calls_anew() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(5).says("smoke-1", fire=False).stands_down("nora").told()

    play.at(60).says("smoke-1", heat=True)

    play.expect_told(*NORTH, reason=Reason.RAISED_AGAIN)


def test_a_detector_of_a_panel_whose_general_flag_is_latched_calls_anew_after_stand_down() -> None:
    play = Play()
    play.at(0).says("panel-1", fire=True)
    play.at(5).says("panel-1", fire=False).stands_down("sam").told()

    play.at(3600).says("panel-1", **{"detector__3__fire": True})

    play.expect_told(*SOUTH, reason=Reason.RAISED_AGAIN)


def test_an_old_record_that_it_began_again_calls_anew_only_if_it_still_burns() -> None:
    play = _nobody_answered()
    play.at(90 * MINUTE).told()
    play.says("smoke-1", ago_s=2000, historical=True, fire=True)
    play.says("smoke-1", ago_s=1990, historical=True, fire=False).at(90 * MINUTE + 11).expect_told()

    play.says("smoke-1", ago_s=1980, historical=True, fire=True).expect_told().at(90 * MINUTE + 22)

    play.expect_told(*EVERYBODY, reason=Reason.RAISED_AGAIN)


def test_another_device_in_the_last_seconds_before_a_stand_down_is_still_called_out() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(4).says("smoke-2", fire=True)
    play.at(5).stands_down("nora").told()

    play.at(11)

    play.expect_told(*NORTH, reason=Reason.NEW_DEVICE)


# --- who was going is not -------------------------------------------------------------------------


def _every_ring_called_and_enough_going() -> Play:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(185).answers("ned", Answer.GOING).answers("mona", Answer.CANNOT).answers("sam", Answer.GOING).told()
    assert play.incident.quorum_at_ms is not None and play.incident.next_step_at_ms is None
    return play


def test_a_lost_quorum_calls_everybody_anew_who_has_not_said_that_they_cannot() -> None:
    play = _every_ring_called_and_enough_going()

    play.at(200).answers("ned", Answer.CANNOT)

    told = play.told()
    assert people(told) == set(EVERYBODY) - {"ned", "mona"}
    assert {notice.reason for notice in told} == {Reason.QUORUM_LOST}
    assert {notice.person for notice in told if not notice.expects_answer} == {
        "sam"
    }  # who is on the way need not say so
    assert people(play.at(220).told()) == set(EVERYBODY) - {"ned", "mona", "sam"}


def test_who_is_still_going_after_a_lost_quorum_counts() -> None:
    play = _every_ring_called_and_enough_going()
    play.at(200).answers("ned", Answer.CANNOT).told()

    play.at(210).answers("nick", Answer.GOING)

    assert play.incident.quorum_at_ms == play.now
    play.expect_told(*EVERYBODY, reason=Reason.QUORUM_REACHED)


def test_a_quorum_that_is_lost_twice_is_told_twice() -> None:
    play = _every_ring_called_and_enough_going()
    play.at(200).answers("ned", Answer.CANNOT).at(210).answers("nick", Answer.GOING).told()

    play.at(220).answers("nick", Answer.CANNOT)

    assert people(play.told()) == set(EVERYBODY) - {"ned", "mona", "nick"}


def test_a_lost_quorum_calls_the_next_ring_at_once_and_the_others_in_their_time() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(1).answers("ned", Answer.GOING).answers("nick", Answer.GOING).told()

    play.at(10).answers("nick", Answer.CANNOT)

    told = {notice.person: notice.reason for notice in play.told()}
    again = dict.fromkeys(("nora", "ned"), Reason.QUORUM_LOST)
    assert told == again | dict.fromkeys(SOUTH, Reason.NEIGHBOUR_TEAM)
    assert play.incident.quorum_at_ms is None
    assert ("mona", Reason.MANAGER) in {(notice.person, notice.reason) for notice in play.at(40).told()}


def test_after_a_lost_quorum_all_others_cannot_either_and_the_contacts_are_called() -> None:
    data = site_data()
    data["plan"]["kinds"]["fire"] |= {"rings": [{"call": "team", "after_s": 0}]}
    play = Play(small_site(data))
    play.at(0).says("smoke-1", fire=True)
    play.at(1).answers("ned", Answer.GOING).answers("nick", Answer.GOING).told()
    play.at(2).answers("nick", Answer.CANNOT).expect_told("nora", "ned", reason=Reason.QUORUM_LOST)

    play.at(3).answers("nora", Answer.CANNOT)

    play.expect_told("carl", reason=Reason.CONTACT)


def test_who_has_said_that_they_cannot_is_not_called_with_a_later_ring() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    play.at(5).answers("sam", Answer.CANNOT)

    assert "sam" not in people(play.at(31).told())


def test_a_leader_who_is_told_of_no_call_out_and_then_cannot_leaves_it_to_the_others() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=990.0)
    play.at(1).answers("nora", Answer.GOING).told()

    play.at(9).answers("nora", Answer.CANNOT)

    play.expect_told("mona", reason=Reason.QUORUM_LOST)
    assert not play.incident.full_call


def test_a_device_that_joins_while_a_quorum_comes_and_goes_still_calls_everybody_anew() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(3).says("smoke-2", fire=True)
    play.at(4).answers("ned", Answer.GOING).answers("nick", Answer.GOING)
    play.at(5).answers("ned", Answer.CANNOT).told()

    play.at(10)

    play.expect_told(*NORTH, *SOUTH, reason=Reason.NEW_DEVICE)
