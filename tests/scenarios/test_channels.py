"""Over which of their channels people hear of it. Each test is one promise, played in virtual time."""

from __future__ import annotations

from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from tests.scenarios.play import Play


def _sent(play: Play, person: str) -> list[tuple[Reason, int]]:
    return [(notice.reason, notice.channel) for notice in play.told() if notice.person == person]


def test_news_goes_over_the_channel_that_worked_and_on_from_there() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    (call,) = (notice for notice in play.told() if notice.person == "nick")
    play.at(1).fails(call)
    assert _sent(play, "nick") == [(Reason.CHANNEL_FAILED, 1)]

    play.at(5).answers("nora", Answer.GOING).answers("ned", Answer.GOING)
    assert _sent(play, "nick") == [(Reason.QUORUM_REACHED, 1)]

    play.at(9).stands_down("nora")
    assert _sent(play, "nick") == [(Reason.STAND_DOWN, 1)]


def test_news_that_one_channel_does_not_take_goes_over_the_next_each_time() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    play.at(5).answers("nora", Answer.GOING).answers("ned", Answer.GOING)
    (enough,) = (notice for notice in play.told() if notice.person == "nick")
    play.at(6).fails(enough)
    assert _sent(play, "nick") == [(Reason.CHANNEL_FAILED, 1)]

    play.at(9).stands_down("nora")
    (news,) = (notice for notice in play.told() if notice.person == "nick")
    assert (news.reason, news.channel) == (Reason.STAND_DOWN, 1)


def test_a_person_whom_no_channel_reached_is_sent_news_over_the_first_again() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    (call,) = (notice for notice in play.told() if notice.person == "nick")
    play.at(1).fails(call)
    (second,) = play.told()
    play.at(2).fails(second)

    play.at(3).stands_down("nora")

    assert _sent(play, "nick") == [(Reason.STAND_DOWN, 0)]


def test_two_notices_of_one_call_that_fail_on_one_channel_are_both_sent_over_the_next() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    (call,) = (notice for notice in play.told() if notice.person == "nick")
    play.at(1).answers("nora", Answer.GOING).answers("ned", Answer.GOING)
    (enough,) = (notice for notice in play.told() if notice.person == "nick")
    play.at(2).stands_down("nora")
    (down,) = (notice for notice in play.told() if notice.person == "nick")

    play.at(3).fails(call).fails(enough)
    assert _sent(play, "nick") == []  # nothing that is no longer so
    play.fails(down)
    assert _sent(play, "nick") == [(Reason.CHANNEL_FAILED, 1)]


def test_a_new_call_goes_over_the_first_channel_whatever_failed_before() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    (call,) = (notice for notice in play.told() if notice.person == "nick")
    play.at(1).fails(call).told()

    play.at(15).says("smoke-2", fire=True)

    assert _sent(play, "nick") == [(Reason.NEW_DEVICE, 0)]
