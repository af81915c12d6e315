"""Enough people, with the skills that are needed, who really come. Each test is one promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.calls.quorum import skills_of_those_going
from collector.commands import SayAway
from config.people import Skill
from tests.scenarios.play import Play, people
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")
MINUTE = 60


def _site_data(skills: dict[str, list[str]] | None = None, **plan: Any) -> dict[str, Any]:
    data = site_data()
    data["plan"]["kinds"]["fire"] |= {"repeats_max": 0} | plan
    for person in data["people"]:
        person["skills"] = (skills or {}).get(person["id"], [])
    return data


def _play(skills: dict[str, list[str]] | None = None, **plan: Any) -> Play:
    return Play(small_site(_site_data(skills, **plan)))


def _going(play: Play, *people: str) -> Play:
    for person in people:
        play.answers(person, Answer.GOING)
    return play


# --- skills ---------------------------------------------------------------------------------------


def test_who_can_do_what_is_needed_is_told_first_within_a_ring() -> None:
    play = _play({"nick": ["hydrant"]}, needs={"hydrant": 1})

    play.at(0).says("smoke-1", fire=True)

    assert [notice.person for notice in play.told()] == ["nick", "nora", "ned"]


def test_enough_people_without_the_skill_are_not_enough_and_only_those_who_have_it_are_called_further() -> None:
    play = _play({"sue": ["hydrant"], "greg": ["hydrant"]}, needs={"hydrant": 1})
    play.at(0).says("smoke-1", fire=True).told()

    _going(play.at(5), "ned", "nora")

    told = {notice.person: notice.reason for notice in play.told()}
    assert told == {"nick": Reason.QUORUM_REACHED, "sue": Reason.SKILL_NEEDED}
    assert play.incident.quorum_at_ms is None and play.incident.seeks == (Skill.HYDRANT,)
    assert play.events("skill-needed")
    # sue does not answer: nobody of the plan but greg can do it, and he is called when his ring would have been.
    play.at(34.9).expect_told()
    play.at(35).expect_told("greg", reason=Reason.SKILL_NEEDED)
    _going(play, "greg")
    assert play.incident.quorum_at_ms == play.now
    assert people(play.told()) == {"ned", "nora", "nick", "sue", "greg"} - {"nick"}  # nick has been told already


def test_the_quorum_counts_the_skill_of_those_going() -> None:
    play = _play({"ned": ["hydrant"]}, needs={"hydrant": 1})
    play.at(0).says("smoke-1", fire=True)

    _going(play.at(5), "ned", "nora")

    assert play.incident.quorum_at_ms == play.now


def test_a_skill_that_nobody_left_has_calls_the_contacts_and_is_not_forgotten() -> None:
    play = _play({}, needs={"hydrant": 1})
    play.at(0).says("smoke-1", fire=True).told()

    _going(play.at(5), "ned", "nora")

    assert ("carl", Reason.CONTACT) in {(notice.person, notice.reason) for notice in play.told()}
    assert play.incident.seeks and play.incident.quorum_at_ms is None


def test_the_leader_sees_who_of_those_going_can_do_what() -> None:
    play = _play({"ned": ["hydrant", "first-aid"]})
    play.at(0).says("smoke-1", fire=True)

    _going(play.at(5), "ned", "sam").answers("nora", Answer.CANNOT)

    assert skills_of_those_going(play.site, play.incident) == [("ned", (Skill.HYDRANT, Skill.FIRST_AID)), ("sam", ())]


def test_who_withdraws_while_only_a_skill_was_missing_lets_everybody_be_called_again() -> None:
    play = _play({"sue": ["hydrant"]}, needs={"hydrant": 1})
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "ned", "nora").told()

    play.at(10).answers("ned", Answer.CANNOT)

    assert {"nick", "sue"} <= people(n for n in play.told() if n.reason is Reason.QUORUM_LOST)
    assert not play.incident.seeks


def test_a_fire_and_an_entrapment_need_different_people() -> None:
    data = _site_data({"ned": ["hydrant"], "sue": ["lift-release"]}, needs={"hydrant": 1})
    data["plan"]["kinds"]["entrapment"] = {"rings": data["plan"]["default"]["rings"], "quorum": 1, "needs": {}}
    data["plan"]["kinds"]["entrapment"]["needs"] = {"lift-release": 1}
    play = Play(small_site(data))
    play.at(0).says("lift-1", trapped=True).told()

    play.at(1).answers("ned", Answer.GOING)

    assert {(n.person, n.reason) for n in play.told() if n.expects_answer} == {("sue", Reason.SKILL_NEEDED)}


# --- who does not come ----------------------------------------------------------------------------


def test_somebody_going_who_has_not_arrived_in_time_is_replaced_and_they_and_the_leader_are_told() -> None:
    play = _play(arrive_within_s=300)
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "ned", "nick").answers("nick", Answer.ARRIVED).told()

    play.at(304.9).expect_told()
    play.at(305)

    told = {(n.person, n.reason, n.expects_answer) for n in play.told()}
    assert told == {
        ("ned", Reason.NOT_ARRIVED, False),
        ("nora", Reason.RESPONDER_LATE, False),
        ("sam", Reason.REPLACEMENT, True),
    }
    assert [entry.person for entry in play.events("overdue")] == ["ned"]
    assert play.incident.quorum_at_ms is None


def test_who_arrives_late_counts_again_and_nobody_else_is_called() -> None:
    play = _play(arrive_within_s=300)
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "ned", "nick").answers("nick", Answer.ARRIVED).at(305).told()

    play.at(320).answers("ned", Answer.ARRIVED)

    assert play.incident.quorum_at_ms == play.now
    play.told()
    play.at(3600).expect_told()


def test_who_is_late_and_says_again_that_they_are_going_counts_again_for_the_same_time() -> None:
    play = _play(arrive_within_s=300)
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "ned", "nick").answers("nick", Answer.ARRIVED).at(305)

    play.at(310).answers("ned", Answer.GOING).told()
    assert play.incident.quorum_at_ms == play.now

    assert ("ned", Reason.NOT_ARRIVED) in {(n.person, n.reason) for n in play.at(610).told()}


def test_if_the_replacement_does_not_come_either_everybody_is_called_anew_after_a_minute() -> None:
    play = _play(arrive_within_s=300)
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "ned", "nick").answers("nick", Answer.ARRIVED).at(305).told()

    play.at(364.9).expect_told()
    play.at(365)

    assert {"nora", "sam"} <= people(n for n in play.told() if n.reason is Reason.QUORUM_LOST and n.expects_answer)


def test_two_who_are_late_at_once_are_two_replacements_and_one_word_to_the_leader() -> None:
    play = _play(arrive_within_s=300)
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "ned", "nick").told()

    play.at(305)

    told = sorted((n.person, n.reason) for n in play.told())
    assert told == [
        ("ned", Reason.NOT_ARRIVED),
        ("nick", Reason.NOT_ARRIVED),
        ("nora", Reason.RESPONDER_LATE),
        ("sam", Reason.REPLACEMENT),
        ("sue", Reason.REPLACEMENT),
    ]


def test_nobody_is_late_to_what_is_no_call_out_or_has_been_stood_down() -> None:
    play = _play(arrive_within_s=300)
    play.at(0).says("ext-1", pressure_kpa=990.0)
    play.answers("nora", Answer.GOING).at(900)
    assert not play.events("overdue")

    play = _play(arrive_within_s=300)
    _going(play.at(0).says("smoke-1", fire=True), "ned").stands_down("nora").told()
    play.at(900).expect_told()


# --- a quorum that comes and goes -----------------------------------------------------------------


def test_who_says_going_and_cannot_in_turn_pages_everybody_once_a_minute_at_most() -> None:
    play = _play()
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "nora", "ned").told()

    for second in range(10, 70, 4):
        play.at(second).answers("ned", Answer.CANNOT).at(second + 2).answers("ned", Answer.GOING)

    lost = [n for n in play.notices.values() if n.reason is Reason.QUORUM_LOST and n.person == "nick"]
    reached = [n for n in play.notices.values() if n.reason is Reason.QUORUM_REACHED and n.person == "nick"]
    replacements = [n for n in play.notices.values() if n.reason is Reason.REPLACEMENT]
    assert (len(lost), len(reached)) == (1, 2)
    assert len(replacements) <= 1
    assert play.incident.quorum_at_ms is not None
    play.told()
    play.at(500).expect_told()  # and it stays so


def test_who_has_withdrawn_twice_and_stays_away_lets_everybody_be_called_in_the_end() -> None:
    play = _play()
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "nora", "ned")
    play.at(10).answers("ned", Answer.CANNOT).at(12).answers("ned", Answer.GOING).told()

    play.at(14).answers("ned", Answer.CANNOT)
    assert len(people(play.told())) <= 1  # one in their place, at once
    play.at(69.9).told()
    play.at(70)

    assert {"nick", *SOUTH} <= people(n for n in play.told() if n.reason is Reason.QUORUM_LOST)


def test_a_call_that_is_stood_down_while_a_replacement_is_awaited_pages_nobody_later() -> None:
    play = _play(arrive_within_s=300)
    play.at(0).says("smoke-1", fire=True)
    _going(play.at(5), "ned", "nick").at(305).stands_down("nora").told()

    play.at(3600).expect_told()


def test_everybody_who_was_called_is_told_when_it_is_enough_when_they_may_stand_down_and_when_it_is_over() -> None:
    play = _play()
    play.at(0).says("smoke-1", fire=True).at(30).told()
    called = (*NORTH, *SOUTH)

    _going(play.at(31), "ned", "sam").expect_told(*called, reason=Reason.QUORUM_REACHED)
    play.at(32).stands_down("nora").expect_told(*called, reason=Reason.STAND_DOWN)
    play.answers("ned", Answer.ARRIVED).says("smoke-1", fire=False).acknowledges("ned").resets("ned")
    play.expect_told(*called, reason=Reason.CLOSED)


def test_a_lesser_condition_during_a_call_is_told_to_leader_and_manager_once() -> None:
    play = _play()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(5).says("smoke-2", pre_alarm=True).at(6).says("smoke-2", pre_alarm=False)
    play.at(7).says("smoke-2", pre_alarm=True)

    play.expect_told("nora", "mona", reason=Reason.JOINED)


def test_the_pre_alarm_of_a_head_that_is_in_alarm_is_no_news() -> None:
    play = _play()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(5).says("smoke-1", pre_alarm=True).expect_told()


# --- restart in the middle ------------------------------------------------------------------------

STEPS: tuple[Callable[[Play], object], ...] = (
    lambda p: p.at(0).says("smoke-1", fire=True),
    lambda p: p.at(3).answers("nora", Answer.CANNOT),
    lambda p: p.at(5).answers("ned", Answer.GOING),
    lambda p: p.at(6).answers("sam", Answer.GOING),
    lambda p: p.at(8).answers("sam", Answer.CANNOT),
    lambda p: p.at(9).answers("sam", Answer.GOING),
    lambda p: p.at(10).answers("sam", Answer.CANNOT),
    lambda p: p.at(40),
    lambda p: p.at(70).answers("nick", Answer.GOING),
    lambda p: p.at(200).answers("nick", Answer.ARRIVED),
    lambda p: p.at(306),
    lambda p: p.at(340),
    lambda p: p.at(400).answers("ned", Answer.ARRIVED),
    lambda p: p.at(700),
)


def _played(restart_after: int | None) -> Play:
    play = _play({"sue": ["hydrant"], "nick": ["hydrant"]}, needs={"hydrant": 1}, arrive_within_s=300)
    for number, step in enumerate(STEPS):
        step(play)
        if number == restart_after:
            play.restart()
    return play


@pytest.mark.parametrize("restart_after", range(len(STEPS)))
def test_a_restart_while_people_come_and_go_changes_nothing(restart_after: int) -> None:
    straight, restarted = _played(None), _played(restart_after)

    assert restarted.notices == straight.notices
    assert restarted.incidents == straight.incidents


def test_a_clock_that_is_set_back_holds_nobody_up() -> None:
    play = _play()
    play.at(100).says("smoke-1", fire=True)
    _going(play.at(105), "nora", "ned").answers("ned", Answer.CANNOT).answers("ned", Answer.GOING)
    play.now -= 50_000

    play.answers("ned", Answer.CANNOT)

    assert play.incident.short_at_ms is not None and play.incident.short_at_ms <= play.now + 60_000


@pytest.mark.parametrize("restarts", [False, True])
def test_if_no_channel_reaches_anybody_everybody_is_called_anew_while_it_burns(restarts: bool) -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    everybody = _nobody_is_reached(play)
    assert "carl" in everybody
    play.told()
    if restarts:
        play.restart()

    assert people(play.at(700).told()) >= {"nora", "ned", "nick"}
    assert _nobody_is_reached(play) == everybody
    play.says("smoke-1", fire=False).at(1300).told()
    _nobody_is_reached(play)
    play.told()

    play.at(7200).expect_told()


def _nobody_is_reached(play: Play) -> set[str]:
    """Every notice is given up by its channel, and those that follow; returns for whom they were."""
    tried = set[str]()
    while waiting := [n for n in play.notices.values() if n.failed_at_ms is None and n.superseded_at_ms is None]:
        tried |= people(waiting)
        play.fails(waiting[0])
    return tried


def test_while_the_leader_is_away_their_substitute_is_told_who_is_late() -> None:
    data = site_data()
    data["plan"]["kinds"]["fire"]["arrive_within_s"] = 60
    play = Play(small_site(data))
    play.at(0).acts(SayAway("nora", "nora", play.now, play.now + 3_600_000, substitute="sue"))
    play.says("smoke-1", fire=True).answers("ned", Answer.GOING).answers("nick", Answer.GOING)

    play.at(65)

    late = [notice.person for notice in play.notices.values() if notice.reason is Reason.RESPONDER_LATE]
    assert late == ["sue"]
