"""The site file changes while something is open, and the collector starts again. Each test is one promise."""

from __future__ import annotations

from typing import Any

import pytest

from collector.alarms.alarm import Phase, outlived_key
from collector.alarms.incident import Answer, Incident
from collector.alerter.view import View
from collector.calls.dispatch import Reason
from collector.commands import Acknowledge, Answered, Reset, SystemTrouble
from collector.engine import Engine
from collector.messages.message import describe
from config.profile import Condition, Kind, Profile
from config.site import Site
from tests.scenarios.play import Play, people
from tests.sites import PROFILES, SMOKE_BITS, site_data, small_site

NORTH = ("nora", "ned", "nick")


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
    play.expect_told("sam", "sue", reason=Reason.REPLACEMENT)


def test_nobody_waits_for_an_answer_of_somebody_who_has_left_the_site() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    play.restart(_without_nick())

    play.at(1).answers("nora", Answer.CANNOT).answers("ned", Answer.CANNOT)

    play.expect_told("sam", "sue", reason=Reason.REPLACEMENT)


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


# --- sources that are gone ------------------------------------------------------------------------


def _without_device(name: str) -> Site:
    data = site_data()
    for gateway in data["gateways"]:
        for bus in gateway["buses"]:
            bus["devices"] = [device for device in bus["devices"] if device["id"] != name]
    return small_site(data)


def _smoke(bits: dict[str, Any]) -> Profile:
    """The tests' smoke detector with other bits."""
    made = PROFILES["smoke"].model_dump(by_alias=True, exclude_unset=True)
    made["points"]["state"]["bits"] = bits
    return Profile.model_validate(made)


def _moved(name: str, building: str) -> Site:
    data = site_data()
    for gateway in data["gateways"]:
        for bus in gateway["buses"]:
            for device in bus["devices"]:
                if device["id"] == name:
                    device["place"] = {"building": building, "floor": 1}
    return small_site(data)


def _outlived(key: str, incident: Incident) -> str:
    """The key of what has outlived its source."""
    return outlived_key(key, incident.id)


FIRE_IS_TROUBLE = small_site(
    smoke=_smoke(SMOKE_BITS | {"fire": SMOKE_BITS["fire"] | {"class": "trouble", "kind": "fault"}})
)


def test_an_alarm_of_a_device_that_is_gone_can_be_reset_and_its_incident_closed() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).acknowledges("nora")
    play.restart(_without_device("smoke-1"))

    assert play.phase(_outlived("smoke-1:fire", play.incident)) is Phase.AWAITING_RESET
    (gone,) = play.events("alarm-source-gone")
    assert (gone.device, gone.incident) == ("smoke-1", play.incident.id)
    assert play.refused(Reset(play.incident.id, "carl")) == "not-authorised"
    play.at(5).resets("nora")
    assert not play.engine.incidents and not play.engine.alarms


def test_an_alarm_of_a_device_that_is_gone_stays_latched_and_its_call_goes_on() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    play.restart(_without_device("smoke-1"))

    assert play.phase(_outlived("smoke-1:fire", play.incident)) is Phase.RETURNED
    assert {"sam", "sue"} <= people(play.at(31).told())
    assert play.refused(Reset(play.incident.id, "nora")) == "not-acknowledged"


def test_what_is_gone_is_said_at_the_first_wake_even_if_nothing_is_heard() -> None:
    play = Play(born=False)
    play.says("smoke-1", fire=True)

    engine = Engine(_without_device("smoke-1"), play.restored(), play.now)

    assert engine.wake_at() == play.now
    assert [entry.event for entry in engine.wake(play.now).entries] == ["alarm-source-gone"]


def test_troubles_of_devices_gateways_channels_and_points_that_are_gone_are_over() -> None:
    play = Play().mute("gw-2")
    play.at(0).says("smoke-1", fault=True, state__unknown=0x4000).says("ext-1", pressure_kpa=None)
    play.dies("gw-2").acts(SystemTrouble("channel:phone", True, "refused"))
    play.acts(SystemTrouble("gateway:gw-2:check", True, "record 7 differs"))
    assert len(play.engine.alarms) == 6
    data = site_data()
    data["gateways"][0]["buses"][0]["devices"] = data["gateways"][0]["buses"][0]["devices"][3:]
    del data["gateways"][1], data["channels"]["phone"]
    for person in data["people"]:
        person["channels"] = [{"channel": "console"}]

    play.restart(small_site(data))

    assert not play.engine.alarms and not play.engine.incidents
    assert len(play.events("alarm-source-gone")) == 6


def test_a_point_that_its_profile_no_longer_has_holds_no_trouble_open() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True).says("smoke-2", fault=True, heat=None)

    play.restart(
        small_site(smoke=_smoke({name: bit for name, bit in SMOKE_BITS.items() if name not in ("fault", "heat")}))
    )

    assert not play.engine.alarms and not play.engine.incidents


def test_troubles_whose_source_is_still_there_are_kept_over_a_restart() -> None:
    play = Play().mute("gw-1")
    play.at(0).says("smoke-1", fault=True).says("panel-1", **{"detector__3__fire": True}).says(
        "ext-1", pressure_kpa=1.0
    )
    play.dies("gw-1").acts(SystemTrouble("channel:phone", True, "x")).acts(SystemTrouble("broker", True, "x"))
    play.acts(SystemTrouble("gateway:gw-1:check", True, "x"))

    play.engine = Engine(play.site, play.restored(), play.now)

    assert play.engine.wake(play.now).empty
    assert len(play.engine.alarms) == 8


def test_a_condition_whose_class_has_changed_counts_as_returned_and_the_new_class_counts_from_then_on() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True).says("smoke-2", fire=True, heat=True).told()
    louder = SMOKE_BITS["pre_alarm"] | {"class": "alarm"}
    quieter = SMOKE_BITS["heat"] | {"class": "supervisory", "kind": "equipment"}
    play.restart(small_site(smoke=_smoke(SMOKE_BITS | {"pre_alarm": louder, "heat": quieter})))
    fire = play.incident
    assert play.phase("smoke-1:pre_alarm") is Phase.NORMAL
    assert play.phase(_outlived("smoke-2:heat", fire)) is Phase.RETURNED
    play.told()

    play.at(15).shows_at_birth("smoke-1", pre_alarm=True)
    play.expect_told(*NORTH, "mona", reason=Reason.NEW_DEVICE)
    play.shows_at_birth("smoke-2", heat=True)
    assert play.alarms["smoke-2:heat"].condition is Condition.SUPERVISORY
    assert play.phase("smoke-2:heat") is Phase.ACTIVE
    assert play.phase(_outlived("smoke-2:heat", fire)) is Phase.RETURNED  # a fire until it is reset


@pytest.mark.parametrize("over_before", [False, True])
def test_a_fire_stays_latched_when_its_bit_becomes_a_trouble_and_the_trouble_never_renews_it(over_before: bool) -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).stands_down("nora")
    if over_before:
        play.says("smoke-1", fire=False)
    fire, old = play.incident, _outlived("smoke-1:fire", play.incident)
    play.at(1).restart(FIRE_IS_TROUBLE).told()
    assert [(e.device, e.incident) for e in play.events("alarm-source-gone")] == [("smoke-1", fire.id)]

    play.at(10).says("smoke-1", fire=True)

    assert {notice.incident for notice in play.told()} == {play.incident_of("fault").id}
    now = play.alarms["smoke-1:fire"]
    assert (now.condition, now.kind, now.phase) == (Condition.TROUBLE, Kind.FAULT, Phase.ACTIVE)
    assert (play.alarms[old].condition, play.phase(old)) == (Condition.ALARM, Phase.RETURNED)
    assert not play.events("alarm-raised-again") and play.incident_of("fire").call == fire.call
    play.restart().says("smoke-1", fire=True)
    assert not play.events("alarm-raised-again") and len(play.events("alarm-source-gone")) == 1

    assert play.refused(Reset(fire.id, "nora")) == "not-acknowledged"
    play.acts(Acknowledge(fire.id, "nora")).restart().acts(Reset(fire.id, "nora"))
    assert play.incident.id == play.incident_of("fault").id  # the trouble is its own, and ends with its source
    play.says("smoke-1", fire=False)
    assert not play.engine.incidents and not play.engine.alarms


def test_the_end_of_the_trouble_does_not_end_the_fire_that_its_bit_once_meant() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).stands_down("nora").restart(FIRE_IS_TROUBLE)
    fire = play.incident

    play.at(5).says("smoke-1", fire=True).says("smoke-1", fire=False)

    assert play.incident.id == fire.id
    assert play.phase(_outlived("smoke-1:fire", fire)) is Phase.RETURNED


def test_a_trouble_bit_that_becomes_a_fire_is_called_out_in_full() -> None:
    play = Play(FIRE_IS_TROUBLE)
    play.at(0).says("smoke-1", fire=True).told()
    play.restart(small_site())
    assert not play.engine.alarms  # a trouble whose source is gone is over
    play.told()

    play.at(5).says("smoke-1", fire=True)

    assert play.incident_of("fire").full_call
    assert set(NORTH) <= people(play.told())


def test_a_fire_bit_that_becomes_an_entrapment_is_called_out_as_one_and_the_fire_waits_for_its_reset() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).acknowledges("nora")
    trapped = SMOKE_BITS["fire"] | {"kind": "entrapment"}
    play.restart(small_site(smoke=_smoke(SMOKE_BITS | {"fire": trapped})))
    fire = play.incident

    play.at(5).says("smoke-1", fire=True)

    assert play.incident_of("entrapment").full_call
    assert play.alarms["smoke-1:fire"].kind is Kind.ENTRAPMENT
    assert play.phase(_outlived("smoke-1:fire", fire)) is Phase.AWAITING_RESET
    play.acts(Reset(fire.id, "nora"))
    assert play.incident.kind is Kind.ENTRAPMENT and play.phase("smoke-1:fire") is Phase.ACTIVE


def test_a_meaning_that_changes_to_and_fro_leaves_every_fire_to_be_reset_and_one_condition_for_each() -> None:
    play = Play()
    for at in range(0, 40, 10):
        play.at(at).says("smoke-1", fire=True).says("smoke-1", fire=False).restart(FIRE_IS_TROUBLE)
        fire = play.incident_of("fire")
        play.at(at + 5).says("smoke-1", fire=True).restart(small_site())
        assert list(play.engine.alarms) == [_outlived("smoke-1:fire", fire)]
        assert play.incident.alarms in (
            (_outlived("smoke-1:fire", fire),),
            (_outlived("smoke-1:fire", fire), "smoke-1:fire"),
        )
    play.at(50).says("smoke-1", fire=True)
    assert play.incident.call == 1 and play.phase("smoke-1:fire") is Phase.ACTIVE
    play.acknowledges("nora")
    assert play.refused(Reset(play.incident.id, "nora")) == "source-in-alarm"
    play.says("smoke-1", fire=False).resets("nora")
    assert not play.engine.incidents and not play.engine.alarms


def test_a_fire_whose_source_is_gone_is_shown_as_an_earlier_one_and_never_as_what_its_bit_means_now() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.restart(FIRE_IS_TROUBLE).says("smoke-1", fire=True)
    fire = play.incident_of("fire")
    (call,) = (n for n in play.notices.values() if n.incident == fire.id and n.person == "ned")

    alarms = [play.engine.alarms[key] for key in fire.alarms]
    said = describe(play.site, fire, alarms, call, None, play.now).body
    shown = View(play.site).detail(fire, play.engine.alarms, [], play.entries).conditions

    assert "先前的报警" in said and "已恢复正常" not in said
    assert [(each.condition, each.phase, each.text["en"][:16]) for each in shown] == [
        (Condition.ALARM, Phase.RETURNED, "An earlier alarm")
    ]
    play.acts(Acknowledge(fire.id, "nora")).acts(Reset(fire.id, "nora"))
    (after,) = View(play.site).detail(play.incidents[fire.id], play.engine.alarms, [], play.entries).conditions
    assert (after.device, after.point, after.condition, after.phase) == (
        "smoke-1",
        "fire",
        Condition.ALARM,
        Phase.NORMAL,
    )


def test_a_device_that_has_moved_is_in_alarm_where_it_is_now_and_where_it_was_until_the_reset() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).acknowledges("nora").told()
    play.restart(_moved("smoke-1", "b-3"))
    before = play.incident
    assert play.phase(_outlived("smoke-1:fire", before)) is Phase.AWAITING_RESET

    play.at(5).shows_at_birth("smoke-1", fire=True)

    assert [(i.building, i.kind.value) for i in play.engine.incidents.values()] == [("b-1", "fire"), ("b-3", "fire")]
    there = play.incident_of("fire", "b-3")
    assert {n.person for n in play.told() if n.incident == there.id} == {"sam", "sue"}
    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    play.acts(Reset(before.id, "nora"))
    assert play.incident.id == there.id and play.phase("smoke-1:fire") is Phase.ACTIVE


def test_whatever_has_gone_from_the_site_is_still_shown_and_told() -> None:
    play = Play()
    play.at(0).says("smoke-3", fire=True).says("panel-1", **{"detector__3__fire": True}).says("smoke-3", fault=True)
    (call,) = (notice for notice in play.told() if notice.person == "sue" and notice.reason is Reason.NEIGHBOUR_TEAM)
    play.fails(call).acts(Answered(call.incident, "sue", Answer.GOING)).acts(
        Answered(call.incident, "sam", Answer.GOING)
    )
    data = site_data()
    data["people"] = [person for person in data["people"] if person["id"] != "sue"]
    data["teams"][1]["members"] = []
    data["buildings"] = [building for building in data["buildings"] if building["id"] != "b-2"]
    data["gateways"] = data["gateways"][:1]
    play.restart(small_site(data)).at(200)

    view, site = View(play.site), play.site
    assert {incident.building for incident in play.engine.incidents.values()} == {"b-2", "b-3"}
    for incident in play.engine.incidents.values():
        notices = [notice for notice in play.notices.values() if notice.incident == incident.id]
        alarms = [play.engine.alarms[key] for key in incident.alarms if key in play.engine.alarms]
        entries = [entry for entry in play.entries if entry.incident == incident.id]
        shown = view.detail(incident, play.engine.alarms, [(notice, ()) for notice in notices], entries)
        assert {each.person.name for each in shown.notices} >= {"Sam", "sue"}
        for notice in notices:
            assert notice.id in describe(site, incident, alarms, notice, None, play.now).body
    gone = next(i for i in play.engine.incidents.values() if i.building == "b-2")
    assert [each.person.name for each in view.incident(gone, play.engine.alarms).responses] == ["sue", "Sam"]
    play.acts(Acknowledge(gone.id, "carl")).acts(Reset(gone.id, "carl"))
    assert gone.id not in play.engine.incidents
