"""While it burns and too few are going nobody's "cannot" is the last word, and absence is respected. Each test is one
promise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from collector.alarms.incident import Answer
from collector.calls.dispatch import Notice, Reason
from collector.calls.roster import Away
from collector.commands import Acknowledge, Back, SayAway, StartDrill
from config.profile import Kind
from config.site import Site
from tests.scenarios.play import START_MS, Play, people
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")
EVERYBODY = (*NORTH, *SOUTH, "mona", "grace", "greg", "gina", "carl")
RESPONSIBLE = ("nora", "mona", "carl")  # leader, manager, contact
AGAIN = ("nora", Reason.ASKED_AGAIN)
MINUTE = 60
HOUR = 3600


def _site(kind: str = "fire", **plan: Any) -> Site:
    data = site_data()
    data["plan"]["kinds"][kind] |= plan
    return small_site(data)


def _away(person: str, from_s: float, until_s: float, **more: Any) -> SayAway:
    return SayAway(person, person, START_MS + round(from_s * 1000), START_MS + round(until_s * 1000), **more)


def _declines(play: Play, *persons: str) -> Play:
    for person in persons:
        play.answers(person, Answer.CANNOT)
    return play


def _nobody_can(site: Site | None = None) -> Play:
    """By second 181 everybody of plan and contacts has been called and cannot come."""
    play = Play(site)
    play.at(0).says("smoke-1", fire=True).at(180)
    _declines(play.at(181), *EVERYBODY[:-1]).told()
    return _declines(play, "carl")


def _reasons(notices: Iterable[Notice], *reasons: Reason) -> list[tuple[str, Reason]]:
    return sorted((each.person, each.reason) for each in notices if not reasons or each.reason in reasons)


# --- everybody has said that they cannot ----------------------------------------------------------


def test_when_everybody_cannot_leader_manager_and_contacts_are_told_at_once_that_nobody_comes() -> None:
    play = _nobody_can()

    play.expect_told(*RESPONSIBLE, reason=Reason.NOBODY_COMES)
    assert play.events("nobody-comes")


def test_when_everybody_cannot_everybody_is_asked_again_every_ten_minutes_and_not_more_often() -> None:
    play = _nobody_can()
    play.told()

    for round_s in (781, 1391, 2001):
        play.at(round_s - 0.1).expect_told()
        play.at(round_s).expect_told(*EVERYBODY, reason=Reason.ASKED_AGAIN)
        _declines(play.at(round_s + 10), *EVERYBODY).expect_told()  # that nobody comes has been said


def test_who_comes_after_all_counts_and_enough_of_them_end_it() -> None:
    play = _nobody_can()
    play.at(781).told()

    play.at(790).answers("ned", Answer.GOING).answers("sue", Answer.ARRIVED)

    assert play.incident.quorum_at_ms == play.now
    play.expect_told(*EVERYBODY, reason=Reason.QUORUM_REACHED)
    play.answers("ned", Answer.ARRIVED).at(3 * HOUR).expect_told()


def test_who_is_silent_when_asked_again_is_repeated_to_as_the_plan_says_and_then_every_ten_minutes() -> None:
    play = _nobody_can(_site(repeat_s=60, repeats_max=2))
    play.at(781).told()

    _declines(play, *EVERYBODY[1:])
    times = [second for second in range(790, 2200, 10) if "nora" in people(play.at(second).told())]

    assert times[:2] == [850, 910] and times[2] == 1510


def test_who_is_silent_is_told_again_every_ten_minutes_though_the_plan_repeats_nothing() -> None:
    play = Play(_site(repeats_max=0, next_channel_after_s=3600))
    play.at(0).says("smoke-1", fire=True)  # nick has two channels, ned has one

    times = [second for second in range(200, 2000, 10) if {"nick", "ned"} <= people(play.at(second).told())]

    assert times == [200, 600, 1200, 1800]
    play.says("smoke-1", fire=False).at(3 * HOUR)
    assert not people(n for n in play.told() if n.reason is not Reason.NEXT_CHANNEL), "it is over"


def test_each_is_asked_again_ten_minutes_after_their_own_word() -> None:
    play = Play(_site(rings=[{"call": "team", "after_s": 0}], repeats_max=1, repeat_s=900))
    play.at(0).says("smoke-1", fire=True)
    _declines(_declines(play.at(5), "nora").at(300), "ned", "nick", "carl").told()

    play.at(605).expect_told("nora", reason=Reason.ASKED_AGAIN)
    play.at(900).expect_told("ned", "nick", "carl", reason=Reason.ASKED_AGAIN)


def test_one_who_never_answers_does_not_keep_the_others_from_being_asked_again() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(180)
    _declines(play.at(181), *EVERYBODY[1:]).told()  # nora sleeps

    told = _reasons(play.at(781).told(), Reason.ASKED_AGAIN, Reason.NOBODY_COMES)

    assert told == sorted(
        [(person, Reason.ASKED_AGAIN) for person in EVERYBODY[1:]]
        + [(person, Reason.NOBODY_COMES) for person in RESPONSIBLE]
    )


def test_nobody_is_asked_again_when_it_burns_no_more_is_stood_down_or_there_are_enough() -> None:
    play = _nobody_can()
    play.says("smoke-1", fire=False).told()
    play.at(2 * HOUR).expect_told()

    play = _nobody_can()
    play.stands_down("nora").told()
    play.at(2 * HOUR).expect_told()


def test_what_burns_again_is_called_out_anew_although_nobody_could_come_before() -> None:
    play = _nobody_can()
    play.says("smoke-1", fire=False).at(300).told()

    play.says("smoke-1", fire=True)

    assert people(n for n in play.told() if n.reason is Reason.RAISED_AGAIN) == set(EVERYBODY)
    _declines(play.at(310), *EVERYBODY).at(500)
    assert people(n for n in play.at(911).told() if n.reason is Reason.ASKED_AGAIN) == set(EVERYBODY)


def test_who_goes_alone_is_told_that_nobody_more_comes_and_is_not_asked_again() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(180)
    _declines(play.at(181).answers("ned", Answer.ARRIVED), *(p for p in EVERYBODY if p not in ("ned", "carl"))).told()

    _declines(play, "carl").expect_told("ned", *RESPONSIBLE, reason=Reason.NOBODY_COMES)

    assert "ned" not in people(play.at(HOUR).told())


def test_who_has_only_seen_it_is_asked_again_after_ten_minutes_while_it_burns() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(180)
    for person in EVERYBODY:
        play.at(181).acts(Acknowledge(play.incident.id, person))
    play.told()

    play.at(780).expect_told()
    assert people(n for n in play.at(781).told() if n.expects_answer) == set(EVERYBODY)


def test_who_is_late_and_silent_is_asked_again_as_the_others_are() -> None:
    play = Play(_site(arrive_within_s=60))
    play.at(0).says("smoke-1", fire=True).at(180)
    _declines(play.at(181).answers("ned", Answer.GOING), *(person for person in EVERYBODY if person != "ned"))

    again = [n for n in play.at(HOUR // 4).notices.values() if (n.person, n.reason) == ("ned", Reason.ASKED_AGAIN)]

    assert [n.created_at_ms for n in again] == [START_MS + (181 + 60 + 600) * 1000]


def test_a_new_call_tells_anew_that_nobody_comes() -> None:
    play = _nobody_can()
    play.at(200).says("smoke-2", fire=True).told()
    _declines(play.at(400), *EVERYBODY)

    assert people(n for n in play.told() if n.reason is Reason.NOBODY_COMES) == set(RESPONSIBLE)


def test_people_in_an_elevator_are_not_given_up_because_everybody_cannot() -> None:
    play = Play()
    play.at(0).says("lift-1", trapped=True).at(HOUR)
    for person in sorted(people(play.notices.values())):
        play.answers(person, Answer.CANNOT)
    for person in sorted(people(play.notices.values())):
        play.answers(person, Answer.CANNOT)
    asked = people(n for n in play.told() if n.expects_answer)
    assert play.events("nobody-comes")

    again = people(n for n in play.at(HOUR + 10 * MINUTE).told() if n.reason is Reason.ASKED_AGAIN)

    assert again and again <= asked | set(EVERYBODY)


def test_an_empty_extinguisher_wakes_nobody_again_who_has_said_that_they_cannot() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=100.0).at(HOUR)
    for person in (*EVERYBODY, *EVERYBODY):
        play.answers(person, Answer.CANNOT)
    assert play.incident.full_call
    play.told()

    play.at(5 * HOUR).expect_told()


def test_a_drill_to_which_nobody_comes_asks_nobody_again_and_tells_nobody_to_call_119() -> None:
    play = Play()
    play.at(0).acts(StartDrill("nora", ("b-1",), Kind.FIRE, 120)).at(180)
    _declines(play.at(181), *EVERYBODY).told()

    play.at(HOUR).expect_told()
    assert not play.events("nobody-comes")


def test_who_could_not_be_reached_is_tried_over_every_channel_once_more() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(180)
    while waiting := [n for n in play.notices.values() if n.failed_at_ms is None and n.superseded_at_ms is None]:
        play.fails(waiting[0])
    play.told()

    play.at(780)
    while waiting := [n for n in play.notices.values() if n.failed_at_ms is None and n.superseded_at_ms is None]:
        play.fails(waiting[0])

    nick = [(n.channel, n.reason) for n in play.told() if n.person == "nick" and n.expects_answer]
    assert nick == [(0, Reason.ASKED_AGAIN), (1, Reason.CHANNEL_FAILED)]


def test_that_nobody_comes_is_said_in_the_same_words_over_the_next_channel() -> None:
    data = site_data()
    data["teams"][0] |= {"leader": "nick", "members": ["ned", "nora"]}
    play = _nobody_can(small_site(data))
    (first,) = (n for n in play.told() if n.person == "nick" and n.reason is Reason.NOBODY_COMES)

    play.fails(first)

    assert [(n.channel, n.reason) for n in play.told()] == [(1, Reason.NOBODY_COMES)]


def test_the_next_shift_is_asked_with_the_others_once_it_is_on_duty() -> None:
    data = site_data()
    hours = {"night": ("20:00", "23:10", ["ned"]), "late": ("23:10", "20:00", ["nick"])}
    data["teams"][0]["shifts"] = [
        {"id": name, "hours": {"from": begin, "until": end}, "groups": [group]}
        for name, (begin, end, group) in hours.items()
    ]
    play = Play(small_site(data))  # it is 23:06:40
    play.at(0).says("smoke-1", fire=True).at(180)
    called = sorted(people(play.notices.values()))
    assert "nick" not in called
    _declines(play.at(181), *called).told()

    assert ("nick", Reason.OWN_TEAM) in _reasons(play.at(781).told())


def test_who_is_away_is_asked_again_only_if_nobody_else_is_left() -> None:
    play = _nobody_can()
    for person in EVERYBODY[1:]:
        play.at(200).acts(_away(person, 200, 2 * HOUR))
    play.told()

    assert people(n for n in play.at(799).told() if n.expects_answer) == {"nora"}
    _declines(play, "nora").told()
    play.acts(_away("nora", 799, 2 * HOUR)).expect_told(*EVERYBODY[1:], reason=Reason.ASKED_AGAIN)
    nora = [n.created_at_ms for n in play.at(1398).notices.values() if (n.person, n.reason) == AGAIN]
    assert nora == [START_MS + 781_000]


def test_who_could_not_come_and_was_away_is_asked_again_when_they_are_back() -> None:
    play = _nobody_can()
    play.at(200).acts(_away("ned", 200, 1000)).told()
    assert "ned" not in people(play.at(990).told())

    assert ("ned", Reason.ASKED_AGAIN) in _reasons(play.at(1000).told())


# --- who goes away during a call ------------------------------------------------------------------


def test_who_goes_away_during_a_call_is_repeated_to_no_more_and_the_next_is_called_in_their_place() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(5).acts(_away("nick", 5, HOUR))

    play.expect_told("sam", reason=Reason.REPLACEMENT)
    assert play.events("gone-away")
    assert "nick" not in people(play.at(50 * MINUTE).told())


def test_the_substitute_of_who_goes_away_is_called_before_anybody_else() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(5).acts(_away("nick", 5, HOUR, substitute="gina")).expect_told("gina", reason=Reason.REPLACEMENT)


def test_who_is_away_is_not_waited_for_when_all_others_cannot_come() -> None:
    play = Play(_site(rings=[{"call": "team", "after_s": 0}]))
    play.at(0).says("smoke-1", fire=True).at(5).acts(_away("nick", 5, HOUR)).told()

    _declines(play.at(6), "nora", "ned", "carl")

    play.expect_told(*RESPONSIBLE, reason=Reason.NOBODY_COMES)


def test_an_absence_that_was_said_before_begins_during_the_call() -> None:
    play = Play()
    play.acts(_away("nick", 10, HOUR)).at(0).says("smoke-1", fire=True).expect_told(*NORTH)

    play.at(10).expect_told("sam", reason=Reason.REPLACEMENT)

    assert "nick" not in people(play.at(50 * MINUTE).told())


def test_who_is_back_during_the_call_is_asked_again_at_once() -> None:
    play = Play(_site(next_channel_after_s=60))
    play.at(0).says("smoke-1", fire=True).at(5).acts(_away("nick", 5, 300)).told()
    assert "nick" not in people(play.at(299).told())

    assert [n.reason for n in play.at(300).told() if n.person == "nick"] == [Reason.BACK]
    assert {n.channel for n in play.at(500).told() if n.person == "nick"} >= {1}  # over the next channel as well


def test_who_takes_their_absence_back_during_the_call_is_asked_again_at_once() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(5).acts(_away("nick", 5, HOUR)).told()
    (absence,) = (item.id for item in play.kept.values() if isinstance(item, Away))

    play.at(15).acts(Back(absence, "nick")).expect_told("nick", reason=Reason.BACK)

    assert [said.person for said in play.at(16).answers("nick", Answer.GOING).incident.responses] == ["nick"]


def test_who_goes_away_and_comes_back_again_and_again_has_one_other_called_in_their_place() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)

    for second in range(2, 28, 4):
        play.at(second).acts(_away("nick", second, second + 2)).at(second + 2)

    assert [n.person for n in play.notices.values() if n.reason is Reason.REPLACEMENT] == ["sam"]


def test_who_comes_back_when_there_are_enough_or_it_is_stood_down_is_left_in_peace() -> None:
    for ends in (
        lambda play: play.answers("nora", Answer.ARRIVED).answers("ned", Answer.ARRIVED),
        lambda play: play.stands_down("nora"),
    ):
        play = Play()
        play.at(0).says("smoke-1", fire=True).at(5).acts(_away("nick", 5, 300))
        ends(play)
        play.told()
        play.at(HOUR).expect_told()


def test_who_is_away_at_a_new_device_and_comes_back_during_its_call_is_asked() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(5).acts(_away("nick", 5, 100)).at(20).says("smoke-2", fire=True).told()

    assert [n.reason for n in play.at(100).told() if n.person == "nick"] == [Reason.BACK]


def test_who_says_away_but_is_going_still_counts_until_they_are_late() -> None:
    play = Play(_site(arrive_within_s=300))
    play.at(0).says("smoke-1", fire=True).at(5).answers("ned", Answer.GOING).answers("nick", Answer.GOING)
    play.acts(_away("nick", 5, HOUR))
    assert play.incident.quorum_at_ms is not None

    assert ("nick", Reason.NOT_ARRIVED) in _reasons(play.at(305).told())


def test_a_swap_of_duties_during_a_call_ends_nobodys_repeats() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(5).acts(_away("nick", 5, HOUR, substitute="gina", swap=True)).expect_told()


def test_who_was_asked_although_away_because_nobody_else_was_there_is_repeated_to() -> None:
    play = Play()
    for person in EVERYBODY:
        play.acts(_away(person, 0, 2 * HOUR))
    play.at(1).says("smoke-1", fire=True)
    told = people(play.told())
    assert "nora" in told

    assert "nora" in people(play.at(10 * MINUTE).told())


# --- a restart, and a clock set back --------------------------------------------------------------

STEPS: tuple[Callable[[Play], object], ...] = (
    lambda p: p.acts(_away("sue", 40, 900)).at(0).says("smoke-1", fire=True),
    lambda p: p.at(5).acts(_away("nick", 5, 400, substitute="gina")),
    lambda p: _declines(p.at(10), "nora", "ned"),
    lambda p: p.at(41),
    lambda p: _declines(p.at(181), "sam", "mona", "grace", "greg", "gina"),
    lambda p: _declines(p.at(200), "carl"),
    lambda p: p.at(401),
    lambda p: _declines(p.at(410), "nick"),
    lambda p: p.at(620),
    lambda p: _declines(p.at(800), "nora", "gina").acts(_away("ned", 800, 3000)),
    lambda p: p.at(1500).answers("sam", Answer.GOING),
    lambda p: p.at(3100),
)


@pytest.mark.parametrize("restart_after", range(len(STEPS)))
def test_a_restart_while_people_decline_go_away_and_come_back_changes_nothing(restart_after: int) -> None:
    plays = Play(), Play()
    for play in plays:
        for number, step in enumerate(STEPS):
            step(play)
            if play is plays[1] and number == restart_after:
                play.restart()

    assert plays[0].notices == plays[1].notices
    assert plays[0].incidents == plays[1].incidents
    asked = {n.reason for n in plays[0].notices.values()}
    assert {Reason.ASKED_AGAIN, Reason.BACK, Reason.NOBODY_COMES, Reason.REPLACEMENT} <= asked


@pytest.mark.parametrize("restarts", [False, True])
def test_a_clock_that_is_set_back_by_a_day_holds_no_asking_again_up_for_a_day(restarts: bool) -> None:
    play = _nobody_can()
    play.told()
    play.now -= 86_400_000
    if restarts:
        play.restart()
    play.says("smoke-1", fire=True)
    until = play.now + 700_000
    while play.now < until:
        play.now += 5_000
        play.keeps(play.engine.wake(play.now))

    assert people(n for n in play.told() if n.reason is Reason.ASKED_AGAIN) == set(EVERYBODY)
