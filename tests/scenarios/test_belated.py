"""Answers given while a phone had no line: judged by when they were given, whenever and however often they arrive."""

from __future__ import annotations

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer, Response
from collector.calls.belated import LATEST_MS
from collector.calls.dispatch import Reason
from collector.commands import Answered, Command, FalseAlarm, Freed, NeedMore, Reset, StandDown
from collector.equipment.rescue import Rescue
from tests.scenarios.play import START_MS, Play
from tests.sites import site_data, small_site

SOUTH = ("sam", "sue")


def ms(seconds: float) -> int:
    return START_MS + round(seconds * 1000)


def called() -> Play:
    play = Play()
    play.at(1).says("smoke-1", fire=True).told()
    return play


def said(play: Play, person: str, answer: Answer, at_s: float) -> Play:
    return play.acts(Answered(play.incident.id, person, answer, ms(at_s)))


def response(play: Play, person: str) -> Response:
    (found,) = (each for each in play.incident.responses if each.person == person)
    return found


def test_going_said_without_a_line_counts_from_when_it_was_said() -> None:
    play = called().at(20)

    said(play, "ned", Answer.GOING, 5)

    assert (response(play, "ned").at_ms, response(play, "ned").going_at_ms) == (ms(5), ms(5))
    (entry,) = play.events("answered")
    assert dict(entry.facts) == {"answer": "going", "said-before-s": "15"} and entry.at_ms == ms(20)
    said(play, "nora", Answer.GOING, 6)
    assert play.incident.quorum_at_ms == ms(20)


def test_who_said_going_long_ago_and_has_not_arrived_is_late_at_once() -> None:
    play = called().at(900)

    said(play, "ned", Answer.GOING, 5).at(901)

    assert response(play, "ned").overdue_at_ms is not None
    assert [entry.person for entry in play.events("overdue")] == ["ned"]


@pytest.mark.parametrize("first_sent", ["older", "newer"])
def test_the_later_word_of_a_person_stands_in_whatever_order_they_arrive(first_sent: str) -> None:
    play = called().at(60)
    words = [(Answer.GOING, 10.0), (Answer.CANNOT, 20.0)]

    for answer, at_s in words if first_sent == "older" else reversed(words):
        said(play, "ned", answer, at_s)

    assert (response(play, "ned").answer, response(play, "ned").at_ms) == (Answer.CANNOT, ms(20))


def test_what_was_said_with_a_line_is_not_overtaken_by_what_was_said_before_it() -> None:
    play = called().at(30).answers("ned", Answer.ARRIVED).at(40)
    before = len(play.decisions)

    said(play, "ned", Answer.CANNOT, 20)

    assert response(play, "ned").answer is Answer.ARRIVED and len(play.decisions) == before


def test_a_word_that_arrives_twice_counts_once_also_over_a_restart() -> None:
    play = called().at(40)
    said(play, "ned", Answer.CANNOT, 10).told()
    before = len(play.decisions)

    said(play, "ned", Answer.CANNOT, 10)
    assert len(play.decisions) == before

    play.restart().told()
    said(play, "ned", Answer.CANNOT, 10)
    assert not play.told() and len(play.events("answered")) == 1


def test_what_was_said_before_everybody_was_called_anew_is_refused_and_they_are_still_asked() -> None:
    play = called().at(120).says("smoke-2", fire=True)
    assert play.incident.call == 2

    assert play.refused(Answered(play.incident.id, "ned", Answer.GOING, ms(100))) == "said-before"
    said(play, "ned", Answer.GOING, 121 - 1)

    assert response(play, "ned").call == 2


def test_what_was_said_before_too_few_were_left_still_counts_afterwards() -> None:
    play = called().at(5).answers("ned", Answer.GOING).answers("nora", Answer.GOING).at(10)
    play.answers("nora", Answer.CANNOT)
    assert play.incident.call == 2 and play.incident.quorum_at_ms is None

    play.at(20)
    said(play, "nick", Answer.GOING, 8)

    assert response(play, "nick").call == 2 and play.incident.quorum_at_ms == ms(20)


def test_what_was_said_of_a_first_hit_still_counts_once_it_is_loud() -> None:
    data = site_data()
    data["zones"] = [
        {
            "id": "stairs",
            "name": "stairs",
            "building": "b-1",
            "members": ["smoke-1", "smoke-2"],
            "verification": {"method": "cross-zone"},
        }
    ]
    play = Play(small_site(data))
    play.at(1).says("smoke-1", fire=True)
    (asked,) = {notice.person for notice in play.told()}
    play.at(30).says("smoke-2", fire=True)
    assert play.incident.full_call

    play.at(40)
    said(play, asked, Answer.GOING, 20)

    assert response(play, asked).counts and response(play, asked).call == play.incident.call


@pytest.mark.parametrize(
    ("at_s", "reason"),
    [(8_001, "said-in-future"), (8_000 - LATEST_MS / 1000 - 1, "said-long-ago"), (0.5, "said-long-ago")],
)
def test_a_time_that_cannot_be_is_refused(at_s: float, reason: str) -> None:
    play = called().at(8_000)

    for word in (
        Answered(play.incident.id, "ned", Answer.GOING, ms(at_s)),
        FalseAlarm(play.incident.id, "ned", ms(at_s)),
    ):
        assert play.refused(word) == reason


def test_nobody_answers_before_there_was_anything_to_answer() -> None:
    play = called().at(60)

    assert play.refused(Answered(play.incident.id, "ned", Answer.GOING, ms(0.5))) == "said-before"
    assert play.refused(NeedMore(play.incident.id, "nora", ms(0.5))) == "said-before"


def reset(incident: str, person: str, at_ms: int) -> Command:
    return Reset(incident, person, at_ms)


def over(incident: str, person: str, at_ms: int) -> Command:
    return StandDown(incident, person, at_ms)


@pytest.mark.parametrize("word", [reset, over])
def test_over_said_before_another_device_was_in_alarm_is_refused(word: object) -> None:
    play = called().at(5).answers("nora", Answer.ARRIVED).at(20).says("smoke-1", fire=False)
    play.at(30).says("ext-1", low=True).says("smoke-2", fire=True)
    assert callable(word)

    assert play.refused(word(play.incident.id, "nora", ms(25))) in ("changed-since", "said-before")
    assert play.incident.stood_down_by is None


def test_over_said_before_somebody_there_needed_more_people_is_refused() -> None:
    play = called().at(5).answers("ned", Answer.ARRIVED).at(30)
    play.acts(NeedMore(play.incident.id, "ned")).at(40)

    assert play.refused(StandDown(play.incident.id, "nora", ms(20))) == "changed-since"


def test_over_said_of_what_has_not_changed_is_obeyed() -> None:
    play = called().at(5).answers("nora", Answer.ARRIVED).at(20).says("smoke-1", fire=False).at(300)

    play.acts(StandDown(play.incident.id, "nora", ms(30))).acts(Reset(play.incident.id, "nora", ms(31)))

    assert not play.engine.incidents and play.phase("smoke-1:fire") is Phase.NORMAL


def test_a_false_alarm_said_before_another_device_was_in_alarm_is_shown_and_not_obeyed() -> None:
    play = called().at(5).answers("ned", Answer.ARRIVED).at(8).says("smoke-2", fire=True).at(9)
    assert play.incident.call == 1  # everybody is called anew a little later

    play.acts(FalseAlarm(play.incident.id, "ned", ms(7)))

    (remark,) = play.incident.remarks
    assert (remark.at_ms, remark.obeyed) == (ms(7), False) and play.incident.stood_down_by is None


def test_a_false_alarm_said_of_what_has_not_changed_ends_the_call() -> None:
    play = called().at(5).answers("ned", Answer.ARRIVED).at(60)

    play.acts(FalseAlarm(play.incident.id, "ned", ms(20)))

    assert play.incident.false_alarm_by == "ned"


def test_more_people_asked_for_without_a_line_are_called_once() -> None:
    play = called().at(5).answers("ned", Answer.ARRIVED).at(20)
    play.told()

    play.acts(NeedMore(play.incident.id, "ned", ms(10)))
    assert {notice.person for notice in play.told() if notice.reason is Reason.MORE_NEEDED} == set(SOUTH)
    play.acts(NeedMore(play.incident.id, "ned", ms(10)))

    assert not play.told()


def test_more_people_asked_for_before_the_call_was_ended_are_not_called() -> None:
    play = called().at(5).answers("ned", Answer.ARRIVED).at(20).stands_down("nora").at(30)

    assert play.refused(NeedMore(play.incident.id, "ned", ms(10))) == "changed-since"


def test_a_word_for_what_is_over_is_refused() -> None:
    play = called().at(5).answers("nora", Answer.ARRIVED).says("smoke-1", fire=False)
    over_now = play.incident.id
    play.at(10).resets("nora").at(20)

    assert play.refused(Answered(over_now, "ned", Answer.GOING, ms(6))) == "closed"


def test_people_are_free_from_when_it_was_said() -> None:
    play = Play()
    play.at(1).says("lift-1", trapped=True).at(100).answers("ned", Answer.ARRIVED).at(400)

    play.acts(Freed(play.incident.id, "ned", None, ms(200)))

    (rescue,) = play.engine.kept(Rescue).values()
    assert rescue.freed_at_ms == ms(200)
    assert dict(play.events("freed")[0].facts) == {"minutes": "3"}
