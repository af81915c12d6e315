"""Delivery is pursued: the next channel on silence, receipts, limits. Each test is one promise, in virtual time."""

from __future__ import annotations

from typing import Any

from collector.alarms.incident import Answer
from collector.calls.dispatch import Notice, Reason
from collector.calls.reach import Fault, Reached, fault_of
from collector.commands import Acknowledge, Delivered, NotDelivered, TestReach
from config.site import Site
from tests.scenarios.play import Play
from tests.sites import site_data, small_site

MINUTE = 60
DAY = 86_400


def _site(**fire: Any) -> Site:
    """Nick has three channels, of which the first rings; silence of 45 s calls the next."""
    data = site_data()
    data["plan"]["kinds"]["fire"] |= {"next_channel_after_s": 45, **fire}
    data["channels"] |= {"voice": {"type": "console", "rings": True}}
    for person in data["people"]:
        if person["id"] == "nick":
            channels = ("voice", "phone", "mail")
            person["channels"] = [{"channel": name, "to": f"nick-{name}"} for name in channels]
    return small_site(data)


def _to(play: Play, person: str) -> list[tuple[Reason, int]]:
    return [(notice.reason, notice.channel) for notice in play.told() if notice.person == person and notice.due == 1]


def _call(play: Play, person: str) -> Notice:
    (call,) = (notice for notice in play.notices.values() if notice.person == person and notice.channel == 0)
    return call


# --- the next channel -------------------------------------------------------------------------------


def test_who_does_not_answer_is_called_on_their_next_channel_as_well() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True)
    assert _to(play, "nick") == [(Reason.OWN_TEAM, 0)]

    play.at(44)
    assert _to(play, "nick") == []
    play.at(45)
    assert _to(play, "nick") == [(Reason.NEXT_CHANNEL, 1)]
    play.at(90)
    assert _to(play, "nick") == [(Reason.NEXT_CHANNEL, 2)]
    play.at(30 * MINUTE)
    assert _to(play, "nick") == []  # each channel once, and no other is left


def test_a_notice_on_the_next_channel_is_repeated_like_the_first() -> None:
    play = Play(_site(repeat_s=60, repeats_max=3))
    play.at(0).says("smoke-1", fire=True).at(10 * MINUTE)

    sendings = {notice.channel: notice.due for notice in play.notices.values() if notice.person == "nick"}
    assert sendings == {0: 4, 1: 4, 2: 4}  # once, and three repeats


def test_acknowledging_stops_repeats_and_further_channels_to_that_person_only() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True)
    play.at(44).acts(Acknowledge(play.incident.id, "nick")).told()

    play.at(2 * MINUTE)
    told = {notice.person for notice in play.told()}
    assert "nick" not in told and {"nora", "ned"} <= told


def test_who_has_answered_is_not_called_on_another_channel() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True)
    play.at(5).answers("nick", Answer.GOING).told()

    play.at(5 * MINUTE)
    assert _to(play, "nick") == []


def test_a_restart_between_two_channels_neither_forgets_nor_repeats_one() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True)
    play.at(44).told()
    play.restart().at(46)
    assert _to(play, "nick") == [(Reason.NEXT_CHANNEL, 1)]

    play.restart().at(89)
    assert _to(play, "nick") == []
    play.restart().at(91)
    assert _to(play, "nick") == [(Reason.NEXT_CHANNEL, 2)]


def test_a_channel_that_fails_after_the_next_was_called_for_silence_does_not_call_it_again() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True)
    play.at(50).told()
    play.fails(_call(play, "nick"))

    assert _to(play, "nick") == []
    assert not play.events("unreachable")


def test_a_channel_that_fails_goes_on_to_the_next_at_once_and_silence_from_there() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True).told()
    play.at(10).fails(_call(play, "nick"))
    assert _to(play, "nick") == [(Reason.CHANNEL_FAILED, 1)]
    play.at(54)
    assert _to(play, "nick") == []
    play.at(55)
    assert _to(play, "nick") == [(Reason.NEXT_CHANNEL, 2)]


def test_news_that_wants_no_answer_takes_no_further_channel() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True)
    play.at(5).answers("nora", Answer.GOING).answers("ned", Answer.GOING).told()

    play.at(10 * MINUTE)
    assert _to(play, "nick") == []


# --- receipts ---------------------------------------------------------------------------------------


def _reached(play: Play) -> dict[str, Reached]:
    return {each.id: each for (kind, _), each in play.kept.items() if kind is Reached and isinstance(each, Reached)}


def test_a_receipt_is_kept_for_the_address_and_outlives_a_restart() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fire=True)
    play.at(1).acts(Delivered(_call(play, "nick").id, "nick", 0, play.now)).restart()

    (reached,) = play.engine.kept(Reached).values()
    assert (reached.person, reached.channel, reached.delivered_at_ms) == ("nick", "voice", play.now)
    assert "nick-voice" not in reached.id
    assert fault_of(play.site, play.engine.kept(Reached), "nick", play.now) is None


def test_receipts_are_not_urgent_and_a_storm_of_them_is_kept_once_a_minute() -> None:
    play = Play(_site())
    play.at(0)
    before = len(play.decisions)
    for number in range(100):
        play.acts(Delivered(f"n-{number}", "nick", 0, play.now + number * 100))

    assert len(play.decisions) == before + 1
    assert not play.decisions[-1].urgent


def test_an_address_fails_after_three_failures_in_a_row_or_one_refusal_for_good() -> None:
    play = Play(_site())
    for number in (1, 2):
        play.at(number).acts(NotDelivered("n-1", "nick", 0, play.now, "busy"))
    assert fault_of(play.site, _reached(play), "nick", play.now) is Fault.NO_PROOF
    play.at(3).acts(NotDelivered("n-1", "nick", 0, play.now, "busy"))
    assert fault_of(play.site, _reached(play), "nick", play.now) is Fault.RING_FAILS
    play.at(4).acts(Delivered("n-1", "nick", 0, play.now))
    assert fault_of(play.site, _reached(play), "nick", play.now) is None
    play.at(5).acts(NotDelivered("n-2", "nick", 0, play.now, "no such number", permanent=True))
    assert fault_of(play.site, _reached(play), "nick", play.now) is Fault.RING_FAILS


def test_an_address_is_never_kept_not_even_in_an_error() -> None:
    play = Play(_site())
    play.at(1).acts(NotDelivered("n-1", "nick", 0, play.now, "nick-voice is unknown"))

    assert "nick-voice" not in repr(play.kept)


def test_another_address_on_the_same_channel_has_to_be_proven_anew() -> None:
    play = Play(_site())
    play.at(1).acts(Delivered("n-1", "nick", 0, play.now))
    data = site_data()
    data["channels"] |= {"voice": {"type": "console", "rings": True}}
    data["people"] = [
        person | {"channels": [{"channel": "voice", "to": "another"}]} if person["id"] == "nick" else person
        for person in data["people"]
    ]
    play.restart(small_site(data)).at(2)

    assert fault_of(play.site, play.engine.kept(Reached), "nick", play.now) is Fault.NO_PROOF
    assert not play.engine.kept(Reached)


def test_receipts_of_somebody_or_of_a_channel_that_is_no_longer_there_change_nothing() -> None:
    play = Play(_site())
    play.at(0)
    before = len(play.decisions)
    for person, channel in (("nobody", 0), ("nick", 9), ("nick", -1)):
        play.acts(Delivered("n-1", person, channel, play.now)).acts(NotDelivered("n-1", person, channel, play.now, "x"))

    assert len(play.decisions) == before


# --- tests ------------------------------------------------------------------------------------------


def test_a_test_on_demand_goes_over_every_channel_and_leaves_nothing_open() -> None:
    play = Play(_site())
    play.at(0).acts(TestReach("nick", "nora"))

    assert [(notice.reason, notice.channel) for notice in play.told()] == [(Reason.TEST, i) for i in range(3)]
    assert not any(notice.expects_answer for notice in play.notices.values())
    assert not play.engine.incidents and not play.engine.notices
    assert all(not incident.open for incident in play.incidents.values())

    play.restart().at(DAY).expect_told()


def test_a_test_does_not_touch_an_open_incident_of_the_same_building_and_kind() -> None:
    play = Play(_site())
    play.at(0).says("smoke-1", fault=True).told()
    before = play.incident_of("fault")
    data_home = play.site.people["nick"].home
    assert data_home is None
    play.at(20).acts(TestReach("nick", "nick"))
    play.says("smoke-2", fault=True)

    assert play.incident_of("fault").id == before.id


def test_a_test_is_for_the_person_their_leader_or_a_contact_to_ask_for_and_not_too_often() -> None:
    play = Play(_site())
    assert play.at(0).refused(TestReach("nick", "sam")) == "not-authorised"
    assert play.refused(TestReach("nobody", "nora")) == "unknown-person"
    assert play.refused(TestReach("nick", "nobody")) == "unknown-person"
    play.acts(TestReach("nick", "carl"))
    assert play.at(599).refused(TestReach("nick", "nick")) == "tested-lately"
    play.restart()
    assert play.refused(TestReach("nick", "nick")) == "tested-lately"
    play.at(600).acts(TestReach("nick", "nick"))
