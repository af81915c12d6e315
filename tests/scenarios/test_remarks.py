"""What people say beside their answers to a full call: a false alarm, or that more people are needed."""

from __future__ import annotations

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.commands import FalseAlarm, NeedMore, Reset
from tests.scenarios.play import Play

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")


def called() -> Play:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    return play


def test_a_false_alarm_from_who_is_still_on_the_way_is_shown_and_not_obeyed() -> None:
    play = called()
    play.at(5).answers("ned", Answer.GOING)

    play.at(10).acts(FalseAlarm(play.incident.id, "ned")).at(35)

    assert play.incident.stood_down_by is None and play.incident.false_alarm_by is None
    assert [(said.person, said.obeyed) for said in play.incident.remarks] == [("ned", False)]
    assert {"sam", "sue"} <= {notice.person for notice in play.told()}  # the next ring, as planned
    assert [entry.person for entry in play.events("false-alarm-not-obeyed")] == ["ned"]


def test_a_false_alarm_from_who_was_not_called_is_shown_and_not_obeyed() -> None:
    play = called()

    play.at(5).acts(FalseAlarm(play.incident.id, "greg"))

    assert play.incident.stood_down_by is None and play.events("false-alarm-not-obeyed")


@pytest.mark.parametrize("person", ["nora", "mona", "carl"])
def test_a_false_alarm_from_a_leader_a_manager_or_a_contact_far_away_is_shown_and_not_obeyed(person: str) -> None:
    play = called()

    play.at(5).acts(FalseAlarm(play.incident.id, person)).at(35)

    assert play.incident.stood_down_by is None and play.events("false-alarm-not-obeyed")
    assert {"sam", "sue"} <= {notice.person for notice in play.told()}


@pytest.mark.parametrize("person", ["ned", "nora", "mona"])
def test_a_false_alarm_from_who_is_there_ends_the_call_and_leaves_the_latch(person: str) -> None:
    play = called()
    play.at(20).answers("ned", Answer.ARRIVED).answers(person, Answer.ARRIVED).told()

    play.at(25).acts(FalseAlarm(play.incident.id, person))

    assert {notice.person for notice in play.told()} == {*NORTH, person}
    assert play.events("false-alarm") and play.incident.false_alarm_by == person
    play.at(600).expect_told()
    assert play.phase("smoke-1:fire") is Phase.ACKNOWLEDGED
    assert play.refused(Reset(play.incident.id, person)) == "source-in-alarm"
    play.says("smoke-1", fire=False).resets(person)
    assert not play.engine.incidents


def test_who_said_it_on_the_way_and_says_it_again_there_is_obeyed() -> None:
    play = called()
    play.at(5).answers("ned", Answer.GOING).acts(FalseAlarm(play.incident.id, "ned"))

    play.at(60).answers("ned", Answer.ARRIVED).acts(FalseAlarm(play.incident.id, "ned"))

    assert play.incident.false_alarm_by == "ned"
    assert [(said.person, said.obeyed) for said in play.incident.remarks] == [("ned", True)]


def test_a_new_device_after_a_false_alarm_calls_everybody_anew() -> None:
    play = called()
    play.at(20).answers("ned", Answer.ARRIVED).acts(FalseAlarm(play.incident.id, "ned")).told()

    play.at(60).says("smoke-2", fire=True)

    assert {notice.person for notice in play.told()} >= set(NORTH)
    assert play.incident.false_alarm_by is None and play.incident.stood_down_by is None


def test_saying_the_same_again_changes_nothing() -> None:
    play = called()
    play.at(5).acts(FalseAlarm(play.incident.id, "sue"))
    before = len(play.decisions)

    play.acts(FalseAlarm(play.incident.id, "sue"))

    assert len(play.decisions) == before


def test_who_is_there_gets_more_people_although_enough_are_going() -> None:
    play = called()
    play.at(5).answers("ned", Answer.GOING).answers("nora", Answer.GOING)
    assert play.incident.quorum_at_ms is not None
    play.told()

    play.at(60).answers("ned", Answer.ARRIVED).acts(NeedMore(play.incident.id, "ned"))

    told = play.told()
    asked = {notice.person: notice.reason for notice in told if notice.expects_answer}
    assert asked == dict.fromkeys(("nick", *SOUTH), Reason.MORE_NEEDED)
    assert play.incident.quorum_at_ms is None
    play.at(70).answers("sam", Answer.GOING)
    assert play.incident.quorum_at_ms == play.now  # one more than were going


def test_before_enough_are_going_the_next_ring_is_called_at_once() -> None:
    play = called()
    play.at(5).answers("ned", Answer.GOING).told()

    play.at(6).acts(NeedMore(play.incident.id, "ned"))

    play.expect_told(*SOUTH, reason=Reason.MORE_NEEDED)
    play.at(7).answers("nora", Answer.GOING)
    assert play.incident.quorum_at_ms == play.now


def test_a_leader_may_ask_for_more_people_and_a_stranger_may_not() -> None:
    play = called()
    assert play.refused(NeedMore(play.incident.id, "sue")) == "not-authorised"

    play.acts(NeedMore(play.incident.id, "nora"))

    assert {notice.person for notice in play.told()} == set(SOUTH)


def test_after_the_call_was_stood_down_who_is_there_can_still_call_for_more() -> None:
    play = called()
    play.at(5).answers("ned", Answer.ARRIVED).stands_down("nora").told()

    play.at(20).acts(NeedMore(play.incident.id, "ned"))

    assert play.incident.stood_down_by is None
    assert {"nora", "nick", *SOUTH} <= {notice.person for notice in play.told() if notice.expects_answer}


def test_an_alarm_in_a_pre_alarm_that_people_were_called_to_calls_everybody() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True).acts(NeedMore(play.incident.id, "nora"))
    assert play.incident.full_call
    play.at(30).told()

    play.says("smoke-2", fire=True)

    assert play.incident.full_call and {notice.person for notice in play.told()} >= set(NORTH)


def test_nobody_is_called_out_to_a_trouble() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True)

    assert play.refused(NeedMore(play.incident.id, "nora")) == "no-call"


def test_a_remark_on_what_is_not_there_is_refused() -> None:
    play = called()
    assert play.refused(FalseAlarm("nothing", "nora")) == "unknown-incident"
    assert play.refused(FalseAlarm(play.incident.id, "nobody")) == "unknown-person"
    over = play.incident.id
    play.answers("nora", Answer.ARRIVED).says("smoke-1", fire=False).resets("nora")

    assert play.refused(NeedMore(over, "nora")) == "closed"


def test_a_restart_keeps_what_was_said_and_how_many_are_wanted() -> None:
    play = called()
    play.at(5).answers("ned", Answer.ARRIVED).answers("nora", Answer.GOING)
    play.at(10).acts(NeedMore(play.incident.id, "ned")).acts(FalseAlarm(play.incident.id, "sue")).restart()

    assert {(said.person, said.word.value) for said in play.incident.remarks} == {
        ("ned", "need-more"),
        ("sue", "false-alarm"),
    }
    play.at(12).answers("sam", Answer.GOING)
    assert play.incident.quorum_at_ms == play.now
