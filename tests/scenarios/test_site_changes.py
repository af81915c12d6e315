"""The site file changes while something is open, and the collector starts again. Each test is one promise."""

from __future__ import annotations

from typing import Any

from collector.dispatch import Reason
from collector.incident import Answer
from config.site import Site
from tests.scenarios.play import Play, people
from tests.sites import site_data, small_site


def _without_nick() -> Site:
    data = site_data()
    data["people"] = [person for person in data["people"] if person["id"] != "nick"]
    data["teams"][0]["members"] = ["ned"]
    return small_site(data)


def _with_one_channel(person: str) -> dict[str, Any]:
    data = site_data()
    for each in data["people"]:
        if each["id"] == person:
            each["channels"] = [{"channel": "console"}]
    return data


def test_a_notice_to_somebody_who_has_left_the_site_holds_nothing_up() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    notices = {notice.person: notice for notice in play.told()}
    play.restart(_without_nick())

    play.at(1).fails(notices["nick"])

    assert [entry.person for entry in play.events("unreachable")] == ["nick"]
    play.answers("nora", Answer.CANNOT).answers("ned", Answer.CANNOT)
    play.expect_told("sam", "sue", reason=Reason.NEIGHBOUR_TEAM)


def test_nobody_waits_for_an_answer_of_somebody_who_has_left_the_site() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    play.restart(_without_nick())

    play.at(1).answers("nora", Answer.CANNOT).answers("ned", Answer.CANNOT)

    play.expect_told("sam", "sue", reason=Reason.NEIGHBOUR_TEAM)


def test_somebody_who_has_left_the_site_is_sent_no_news_and_called_no_more() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    play.restart(_without_nick())

    play.at(15).says("smoke-2", fire=True).expect_told("nora", "ned", reason=Reason.NEW_DEVICE)
    play.at(16).stands_down("nora").expect_told("nora", "ned", reason=Reason.STAND_DOWN)


def test_a_notice_over_a_channel_that_the_person_no_longer_has_goes_over_their_first() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    (call,) = (notice for notice in play.told() if notice.person == "nick")
    play.at(1).fails(call)
    (second,) = play.told()
    assert second.channel == 1
    play.restart(small_site(_with_one_channel("nick")))

    play.at(2).fails(second)
    (again,) = play.told()
    assert (again.person, again.channel, again.reason) == ("nick", 0, Reason.CHANNEL_FAILED)
    play.at(3).stands_down("nora")
    assert {notice.channel for notice in play.told()} == {0}


def test_an_incident_of_a_building_that_is_gone_calls_the_contacts() -> None:
    play = Play()
    play.at(0).says("smoke-3", fire=True).told()
    data = site_data()
    del data["buildings"][1]
    del data["gateways"][1]["buses"][0]["devices"][0]
    play.restart(small_site(data))

    assert "carl" in people(play.at(60).notices.values())
    play.stands_down("carl")
