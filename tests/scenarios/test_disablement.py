"""Disablement: who, why, until when; recorded and not called out; never for ever. Each test is one promise."""

from __future__ import annotations

from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer, Incident
from collector.alarms.measures import Disablement, Scope
from collector.alarms.route import LIVE, Mode, Route
from collector.calls.dispatch import Notice, Reason
from collector.commands import Acknowledge, Answered, Disable, Enable, NeedMore, RenewDisablement, StartWalkTest
from config.profile import Condition
from config.site import Site
from tests.scenarios.play import Play, people
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
MINUTE = 60
HOUR = 3600


def site(**watch: str) -> Site:
    """The small community with a zone, and devices that have a person who watches over them."""
    data: dict[str, Any] = site_data()
    data["zones"] = [{"id": "stairs", "name": "Stairs", "building": "b-1", "members": ["smoke-1", "smoke-2"]}]
    for gateway in data["gateways"]:
        for device in gateway["buses"][0]["devices"]:
            if device["id"] in watch or device["id"].replace("-", "_") in watch:
                device["watch"] = watch[device["id"].replace("-", "_")]
    return small_site(data)


def disable(
    play: Play,
    target: str = "smoke-1",
    scope: Scope = Scope.DEVICE,
    minutes: int = 60,
    watch: str | None = "ned",
    person: str = "nora",
) -> Disablement:
    """Somebody disables something; what they are told of it is told."""
    play.acts(Disable(scope, target, person, "painting the stairs", minutes, watch))
    play.told()
    (item,) = (i for i in play.engine.kept(Disablement).values() if (i.scope, i.target) == (scope, target))
    return item


def incident_on(play: Play, mode: Mode, kind: str = "fire") -> Incident:
    """The open incident on this road."""
    (only,) = (i for i in play.engine.incidents.values() if i.route.mode is mode and i.kind == kind)
    return only


def calls(play: Play) -> list[Notice]:
    """What was asked of people since the last question."""
    return [notice for notice in play.told() if notice.expects_answer]


# --- what it is -----------------------------------------------------------------------------------


def test_a_disablement_is_a_supervisory_condition_told_to_leader_and_manager() -> None:
    play = Play(site())

    play.at(0).acts(Disable(Scope.DEVICE, "smoke-1", "nora", "painting", 60, "ned"))

    told = play.told()
    assert {(n.person, n.reason) for n in told} == {
        ("nora", Reason.OWN_TEAM),
        ("mona", Reason.MANAGER),
        ("ned", Reason.WATCH),
    }
    assert not any(notice.expects_answer for notice in told)
    alarm = play.alarms["smoke-1:disabled-device"]
    assert (alarm.condition, alarm.route) == (Condition.SUPERVISORY, LIVE)
    assert "painting" in (alarm.value or "") and "Nora" in (alarm.value or "")
    (started,) = play.events("disablement-started")
    assert (started.person, started.incident) == ("nora", play.incident.id)


def test_each_further_disablement_of_a_building_is_told_at_once_and_by_itself() -> None:
    play = Play(site())
    disable(play.at(0))

    play.at(5).acts(Disable(Scope.DEVICE, "smoke-2", "nora", "painting", 60))
    told = play.told()
    assert {(n.person, n.about) for n in told} == {
        ("nora", "smoke-2:disabled-device"),
        ("mona", "smoke-2:disabled-device"),
    }

    for item in list(play.engine.kept(Disablement).values()):
        play.acts(Enable(item.id, "nora"))
    play.at(20).told()
    play.acts(Disable(Scope.DEVICE, "smoke-2", "nora", "again", 60)).expect_told("nora", "mona")


def test_it_ends_by_itself_with_a_line_in_the_timeline_and_a_word_to_who_was_told() -> None:
    play = Play(site())
    disable(play.at(0), minutes=60)

    play.at(60 * MINUTE)

    (ended,) = play.events("disablement-ended")
    assert dict(ended.facts)["how"] == "time"
    assert not play.engine.kept(Disablement) and not play.engine.incidents
    assert {n.person for n in play.told() if n.reason is Reason.RESTORED} == {"nora", "mona", "ned"}


def test_its_end_is_announced_ten_minutes_before_to_who_disabled_it_and_the_leader() -> None:
    play = Play(site())
    disable(play.at(0), minutes=60, person="mona")

    play.at(49 * MINUTE + 59).expect_told()
    play.at(50 * MINUTE).expect_told("mona", "nora", reason=Reason.ENDS_SOON)


def test_the_end_of_a_short_one_is_announced_after_half_its_time() -> None:
    play = Play(site())
    disable(play.at(0), minutes=4)

    play.at(119).expect_told()
    play.at(120).expect_told("nora", reason=Reason.ENDS_SOON)


def test_it_can_be_renewed_again_and_again_but_never_beyond_a_day_from_now() -> None:
    play = Play(site())
    item = disable(play.at(0), minutes=24 * 60)

    play.at(23 * HOUR).acts(RenewDisablement(item.id, "mona", 24 * 60)).told()

    assert play.refused(RenewDisablement(item.id, "mona", 24 * 60 + 1)) == "wrong-duration"
    play.at(46 * HOUR).says("smoke-1", fire=True)
    assert play.alarms["smoke-1:fire"].route.mode is Mode.DISABLED
    play.at(47 * HOUR)
    assert not play.engine.kept(Disablement)


def test_a_renewed_one_is_announced_again_and_leader_and_manager_hear_of_the_renewal() -> None:
    play = Play(site())
    item = disable(play.at(0), minutes=20)
    play.at(10 * MINUTE).expect_told("nora", reason=Reason.ENDS_SOON)

    play.at(15 * MINUTE).acts(RenewDisablement(item.id, "nora", 20)).expect_told("nora", "mona")

    play.at(25 * MINUTE).expect_told("nora", reason=Reason.ENDS_SOON)
    assert play.engine.kept(Disablement)


def test_only_who_may_decide_disables_renews_and_enables() -> None:
    play = Play(site())
    play.at(0)
    for person, reason in (("ned", "not-authorised"), ("sam", "not-authorised"), ("nobody", "unknown-person")):
        assert play.refused(Disable(Scope.BUILDING, "b-1", person, "why", 10)) == reason
    item = disable(play, person="carl")
    assert play.refused(RenewDisablement(item.id, "ned", 10)) == "not-authorised"
    assert play.refused(Enable(item.id, "ned")) == "not-authorised"
    assert play.refused(Enable("0", "nora")) == "unknown-disablement"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Disable(Scope.DEVICE, "smoke-9", "nora", "why", 10), "unknown-target"),
        (Disable(Scope.DEVICE, "panel-1:9", "sam", "why", 10), "unknown-target"),
        (Disable(Scope.ZONE, "attic", "nora", "why", 10), "unknown-target"),
        (Disable(Scope.BUILDING, "", "carl", "why", 10), "unknown-target"),
        (Disable(Scope.DEVICE, "smoke-1", "nora", " \n ", 10), "no-reason"),
        (Disable(Scope.DEVICE, "smoke-1", "nora", "why" * 100, 10), "no-reason"),
        (Disable(Scope.DEVICE, "smoke-1", "nora", "why", 0), "wrong-duration"),
        (Disable(Scope.DEVICE, "smoke-1", "nora", "why", 1441), "wrong-duration"),
        (Disable(Scope.DEVICE, "smoke-1", "nora", "why", 10, "nobody"), "unknown-person"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(command: Disable, reason: str) -> None:
    assert Play(site()).at(0).refused(command) == reason


def test_the_same_target_is_disabled_once_and_then_renewed() -> None:
    play = Play(site())
    disable(play.at(0))

    assert play.refused(Disable(Scope.DEVICE, "smoke-1", "mona", "me too", 10)) == "already-disabled"


# --- what it takes aside --------------------------------------------------------------------------


def test_a_fire_on_a_disabled_device_calls_no_team_and_tells_the_watch_at_once() -> None:
    play = Play(site())
    item = disable(play.at(0))

    play.at(5).says("smoke-1", fire=True)

    (only,) = calls(play)
    assert (only.person, only.reason) == ("ned", Reason.WATCH)
    alarm = play.alarms["smoke-1:fire"]
    assert (alarm.phase, alarm.route) == (Phase.ACTIVE, Route(Mode.DISABLED, item.id))
    assert [entry.event for entry in play.events("alarm-raised") if entry.device == "smoke-1"]


def test_the_watch_is_told_again_until_they_acknowledge() -> None:
    play = Play(site())
    disable(play.at(0), minutes=600)
    play.at(5).says("smoke-1", fire=True)

    play.at(170)
    assert {n.person for n in play.told()} == {"ned"}
    play.at(30 * MINUTE)
    (notice,) = (n for n in play.notices.values() if n.person == "ned" and n.expects_answer)
    assert notice.due > 80  # every 20 s, beyond the repeats of the plan

    play.acts(Acknowledge(incident_on(play, Mode.DISABLED).id, "ned"))
    due = play.notices[notice.id].due
    play.at(60 * MINUTE)
    assert play.notices[notice.id].due == due


def test_if_the_watch_is_silent_for_three_minutes_leader_and_manager_are_asked_as_well() -> None:
    play = Play(site())
    disable(play.at(0))
    play.at(5).says("smoke-1", fire=True).told()

    play.at(184)
    assert people(play.told()) == {"ned"}
    play.at(185)
    assert people(calls(play)) == {"ned", "nora", "mona"}
    assert not incident_on(play, Mode.DISABLED).full_call


def test_a_watch_who_has_acknowledged_keeps_leader_and_manager_asleep() -> None:
    play = Play(site())
    disable(play.at(0))
    play.at(5).says("smoke-1", fire=True).acts(Acknowledge(incident_on(play, Mode.DISABLED).id, "ned")).told()

    play.at(40 * MINUTE).expect_told()


@pytest.mark.parametrize(
    ("named", "own", "told"),
    [("sue", "nick", {"sue"}), (None, "nick", {"nick"}), (None, None, {"nora", "mona"})],
)
def test_the_watch_is_the_disablements_else_the_devices_else_leader_and_manager(
    named: str | None, own: str | None, told: set[str]
) -> None:
    play = Play(site(**({} if own is None else {"smoke_1": own})))
    disable(play.at(0), watch=named)

    play.at(5).says("smoke-1", fire=True)

    assert people(calls(play)) == told


def test_a_watch_who_has_left_the_site_is_replaced_by_leader_and_manager() -> None:
    play = Play(site())
    disable(play.at(0), watch="gina")
    data = site_data()
    data["people"] = [person for person in data["people"] if person["id"] != "gina"]
    data["grid"][0]["person"] = "carl"

    play.at(2).restart(small_site(data)).at(5).says("smoke-1", fire=True)

    assert people(calls(play)) == {"nora", "mona"}


def test_a_watch_who_cannot_go_or_be_reached_is_replaced_by_the_contacts() -> None:
    play = Play(site())
    disable(play.at(0))
    play.at(5).says("smoke-1", fire=True).told()

    play.acts(Answered(incident_on(play, Mode.DISABLED).id, "ned", Answer.CANNOT))

    assert people(calls(play)) == {"carl"}


def test_what_flickers_under_the_eyes_of_the_watch_is_not_told_each_time() -> None:
    play = Play(site())
    disable(play.at(0))
    for second in range(10, 300, 10):
        play.at(second).says("smoke-1", fire=second % 20 == 10)
        if second == 20:
            play.acts(Acknowledge(incident_on(play, Mode.DISABLED).id, "ned"))
    assert len(calls(play)) == 1

    play.at(310).says("smoke-1", fire=True).at(11 * MINUTE)

    assert people(calls(play)) == {"ned"}


def test_another_device_of_the_same_disablement_is_news_to_the_watch_at_once() -> None:
    play = Play(site())
    disable(play.at(0), "stairs", Scope.ZONE)
    play.at(5).says("smoke-1", fire=True).acts(Acknowledge(incident_on(play, Mode.DISABLED).id, "ned")).told()

    play.at(30).says("smoke-2", fire=True)

    assert people(calls(play)) == {"ned"}


def test_fifty_devices_at_once_do_not_send_the_watch_fifty_messages() -> None:
    play = Play(site())
    disable(play.at(0), "b-1", Scope.BUILDING)

    play.at(5)
    for _ in range(25):
        for device in ("smoke-1", "smoke-2"):
            play.says(device, fire=True, heat=True).says(device, fire=False, heat=False)

    assert len(calls(play)) == 1


@pytest.mark.parametrize("gone", [False, True], ids=["still burning", "its head has burnt"])
def test_a_watch_who_finds_a_real_fire_calls_everybody_whatever_is_disabled(gone: bool) -> None:
    play = Play(site())
    disable(play)
    play.at(10).says("smoke-1", fire=True).told()
    aside = incident_on(play, Mode.DISABLED)
    play.at(20).acts(Acknowledge(aside.id, "ned"))
    if gone:
        play.says("smoke-1", fire=False)
    assert play.refused(NeedMore(aside.id, "sue")) == "not-authorised"

    play.at(60).acts(NeedMore(aside.id, "ned"))

    assert {notice.person for notice in calls(play)} == set(NORTH)
    assert incident_on(play, Mode.LIVE).full_call
    assert aside.id not in play.engine.incidents
    play.restart().at(90)
    assert play.alarms["smoke-1:fire"].route == LIVE
    assert calls(play)


def test_a_tester_who_finds_a_real_fire_calls_everybody() -> None:
    play = Play(site())
    play.acts(StartWalkTest("nora", ("smoke-1",), 60)).told()
    play.at(10).says("smoke-1", fire=True).told()

    play.at(30).acts(NeedMore(incident_on(play, Mode.WALK_TEST).id, "nora"))

    assert {notice.person for notice in calls(play)} == set(NORTH)


def test_pre_alarm_supervisory_and_trouble_of_a_disabled_device_are_recorded_and_told_to_nobody() -> None:
    play = Play(site())
    item = disable(play.at(0))

    play.at(5).says("smoke-1", fault=True, pre_alarm=True, supervisory=True).at(20 * MINUTE).expect_told()

    for point in ("fault", "pre_alarm", "supervisory"):
        assert play.alarms[f"smoke-1:{point}"].route == Route(Mode.DISABLED, item.id)


def test_silence_of_a_disabled_device_is_shown_and_told_when_the_disablement_ends() -> None:
    play = Play(site())
    disable(play.at(0), minutes=20)
    play.mute("smoke-1").at(9 * MINUTE)
    assert play.phase("smoke-1:silent") is Phase.ACTIVE
    play.expect_told()

    play.at(20 * MINUTE + 15)

    assert play.alarms["smoke-1:silent"].route == LIVE
    told = [n for n in play.told() if play.incidents[n.incident].kind == "fault"]
    assert people(told) == {"nora", "mona"}


def test_everything_beside_the_disabled_device_stays_live() -> None:
    play = Play(site())
    disable(play.at(0))

    play.at(5).says("smoke-2", fire=True)

    assert people(calls(play)) == set(NORTH)


def test_a_gateways_silence_is_live_though_the_whole_building_is_disabled() -> None:
    play = Play(site())
    disable(play.at(0), "b-1", Scope.BUILDING)

    play.at(5).dies("gw-1").at(40)

    assert play.alarms["gw-1:silent"].route == LIVE
    assert people(play.told()) == {"nora", "mona"}


def test_one_detector_of_a_panel_is_disabled_and_its_neighbour_is_not() -> None:
    play = Play(site())
    disable(play.at(0), "panel-1:2", watch="sue", person="sam")

    play.at(5).says("panel-1", detector__2__fire=True)
    assert people(calls(play)) == {"sue"}

    play.at(60).says("panel-1", detector__3__fire=True)
    assert people(calls(play)) >= {"sam", "sue"}


# --- what is open stays open ----------------------------------------------------------------------


def test_disabling_neither_removes_nor_quietens_an_open_alarm() -> None:
    play = Play(site())
    play.at(0).says("smoke-1", fire=True).told()

    disable(play.at(5))

    assert play.incident_of("fire").full_call
    play.at(61)
    assert {"sam", "sue"} <= people(calls(play))


def test_an_open_alarm_that_comes_back_while_disabled_is_still_live() -> None:
    play = Play(site())
    play.at(0).says("smoke-1", fire=True).at(5).acts(Acknowledge(play.incident_of("fire").id, "ned"))
    disable(play.at(10), minutes=600)
    play.at(15).says("smoke-1", fire=False).at(50 * MINUTE).told()

    play.says("smoke-1", fire=True)

    assert play.alarms["smoke-1:fire"].route == LIVE
    assert people(calls(play)) >= set(NORTH)


def test_a_fire_from_before_the_disablement_that_arrives_late_is_live() -> None:
    play = Play(site())
    disable(play.at(600))

    play.at(660).says("smoke-1", fire=True, ago_s=120, historical=True)

    assert people(calls(play)) == set(NORTH)


# --- its end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["time", "person"])
def test_an_alarm_active_when_the_disablement_ends_calls_at_once_and_in_full(how: str) -> None:
    play = Play(site())
    item = disable(play.at(0), minutes=10)
    play.at(60).says("smoke-1", fire=True, fault=True).acts(Acknowledge(incident_on(play, Mode.DISABLED).id, "ned"))
    play.at(9 * MINUTE).told()

    if how == "time":
        play.at(10 * MINUTE)
    else:
        play.acts(Enable(item.id, "mona"))

    fire = play.incident_of("fire")
    assert (fire.route, fire.full_call) == (LIVE, True)
    assert people(calls(play)) == set(NORTH)
    assert not [i for i in play.engine.incidents.values() if i.route.mode is Mode.DISABLED]


def test_a_verified_zone_does_not_delay_what_stood_through_the_disablement() -> None:
    data = site_data()
    zone = {"id": "stairs", "name": "Stairs", "building": "b-1", "members": ["smoke-1", "smoke-2"]}
    data["zones"] = [zone | {"verification": {"method": "count"}}]
    play = Play(small_site(data))
    disable(play.at(0), minutes=10)
    play.at(60).says("smoke-1", fire=True).told()

    play.at(10 * MINUTE)

    assert play.incident_of("fire").full_call
    assert set(NORTH) <= people(calls(play))


def test_an_entrapment_in_a_disabled_lift_is_told_to_its_watch() -> None:
    play = Play(site())
    disable(play.at(0), "lift-1", watch="mona")

    play.at(5).says("lift-1", trapped=True)

    assert people(calls(play)) == {"mona"}
    assert incident_on(play, Mode.DISABLED, "entrapment")


def test_a_watch_who_is_going_is_left_alone_and_nobody_is_called_in_their_place() -> None:
    play = Play(site())
    disable(play.at(0), minutes=600)
    play.at(5).says("smoke-1", fire=True).told()

    play.acts(Answered(incident_on(play, Mode.DISABLED).id, "ned", Answer.GOING)).at(2 * HOUR)

    assert people(calls(play)) == set()


def test_a_watch_who_is_not_of_the_team_hears_that_the_team_is_called_now() -> None:
    play = Play(site())
    disable(play.at(0), minutes=10, watch="sue")
    play.at(9 * MINUTE).says("smoke-1", fire=True).told()

    play.at(10 * MINUTE)

    assert [n.person for n in play.told() if n.reason is Reason.HANDED_OVER] == ["sue"]


def test_a_trouble_that_is_still_so_at_the_end_is_told_then() -> None:
    play = Play(site())
    item = disable(play.at(0))
    play.at(5).says("smoke-1", fault=True).at(20 * MINUTE).expect_told()

    play.acts(Enable(item.id, "nora")).at(20 * MINUTE + 15)

    fault = play.incident_of("fault")
    assert people(n for n in play.told() if n.incident == fault.id) == {"nora", "mona"}


def test_a_fire_that_came_and_went_stays_latched_where_it_was_until_its_reset() -> None:
    play = Play(site())
    disable(play.at(0), minutes=10)
    play.at(5).says("smoke-1", fire=True).says("smoke-1", fire=False)
    fire = incident_on(play, Mode.DISABLED)
    play.acts(Acknowledge(fire.id, "ned"))

    play.at(11 * MINUTE)

    assert play.phase("smoke-1:fire") is Phase.AWAITING_RESET
    assert incident_on(play, Mode.DISABLED).id == fire.id
    play.told()
    play.says("smoke-1", fire=True)
    assert people(calls(play)) == set(NORTH)


def test_the_end_while_the_gateway_is_away_goes_by_what_was_last_known() -> None:
    play = Play(site())
    disable(play.at(0), minutes=10)
    play.at(60).says("smoke-1", fire=True).at(120).dies("gw-1").told()

    play.at(10 * MINUTE)

    assert play.incident_of("fire").full_call
    assert set(NORTH) <= people(calls(play))


def test_with_overlapping_disablements_an_alarm_stays_aside_until_the_last_ends() -> None:
    play = Play(site())
    disable(play.at(0), "smoke-1", minutes=10, watch="ned")
    disable(play, "stairs", Scope.ZONE, minutes=20, watch="nick")
    disable(play, "b-1", Scope.BUILDING, minutes=30, watch="sue")

    play.at(60).says("smoke-1", fire=True)
    assert people(calls(play)) == {"ned"}
    play.at(10 * MINUTE)
    assert "nick" in people(calls(play))
    play.at(20 * MINUTE)
    assert "sue" in people(calls(play))
    assert not any(i.full_call for i in play.engine.incidents.values())

    play.at(30 * MINUTE)
    assert play.incident_of("fire").full_call
    assert set(NORTH) <= people(calls(play))


def test_a_panel_is_taken_out_only_by_who_decides_for_every_building_that_it_watches() -> None:
    data = site_data()
    data["gateways"][1]["buses"][0]["devices"][1]["detectors"][1]["place"]["building"] = "b-1"
    data["zones"] = [{"id": "loop", "name": "Loop", "building": "b-3", "members": ["panel-1"]}]
    play = Play(small_site(data))
    outs = [Disable(Scope.DEVICE, "panel-1", "sam", "works", 60), Disable(Scope.ZONE, "loop", "sam", "works", 60)]

    for out in (*outs, StartWalkTest("sam", ("panel-1",), 60)):
        assert play.refused(out) == "not-authorised"  # sam leads the team of b-3, and nora that of b-1

    play.acts(Disable(Scope.DEVICE, "panel-1:1", "sam", "works", 60))  # which stands in b-3
    item = disable(play, "panel-1", person="carl")
    assert play.refused(RenewDisablement(item.id, "sam", 60)) == "not-authorised"
    play.acts(Enable(item.id, "sam"))  # sooner than it would have ended: that takes nothing from anybody


# --- restarts, other sites, clocks ----------------------------------------------------------------


@pytest.mark.parametrize("restart_at", [1, 30, 200, 55 * MINUTE, 59 * MINUTE + 59])
def test_a_restart_in_the_middle_changes_nothing(restart_at: int) -> None:
    def played(restarts: bool) -> Play:
        play = Play(site())
        disable(play.at(0))
        steps = [(10, {"fire": True}), (100, {"fault": True}), (150, {"fire": False}), (250, {"fire": True})]
        for second, values in [step for step in steps if step[0] <= restart_at]:
            play.at(second).says("smoke-1", **values)
        play.at(restart_at)
        if restarts:
            play.restart()
        for second, values in [step for step in steps if step[0] > restart_at]:
            play.at(second).says("smoke-1", **values)
        return play.at(62 * MINUTE)

    straight, restarted = played(False), played(True)

    assert restarted.alarms == straight.alarms
    assert restarted.incidents == straight.incidents
    assert restarted.notices == straight.notices
    assert restarted.kept == straight.kept
    assert [e for e in restarted.entries if e.incident] == [e for e in straight.entries if e.incident]


def test_a_disablement_that_ran_out_while_the_collector_was_away_ends_at_its_first_look() -> None:
    play = Play(site())
    disable(play.at(0), minutes=10)
    play.at(60).says("smoke-1", fire=True).told()
    play.now += 60 * MINUTE * 1000

    play.restart()
    play.keeps(play.engine.wake(play.now))

    assert play.incident_of("fire").full_call
    assert set(NORTH) <= people(calls(play))


def test_a_fire_after_the_end_calls_in_full_though_the_collector_was_away_at_the_end_and_it_is_over() -> None:
    play = Play(site())
    disable(play.at(0), minutes=10)
    play.now += 25 * MINUTE * 1000

    play.restart()
    play.says("smoke-1", ago_s=5 * MINUTE, historical=True, fire=True)
    play.says("smoke-1", ago_s=4 * MINUTE, historical=True, fire=False)

    assert incident_on(play, Mode.LIVE).full_call
    assert people(calls(play)) == set(NORTH)


def test_if_the_zone_has_left_the_site_its_disablement_ends_and_its_fire_calls() -> None:
    play = Play(site())
    disable(play.at(0), "stairs", Scope.ZONE)
    play.at(60).says("smoke-1", fire=True).told()

    play.restart(small_site()).at(61)

    assert not play.engine.kept(Disablement)
    assert set(NORTH) <= people(calls(play))
    assert "zone/stairs:disabled-zone" not in play.engine.alarms


def test_a_device_that_the_zone_has_no_more_calls_after_the_restart() -> None:
    play = Play(site())
    disable(play.at(0), "stairs", Scope.ZONE)
    play.at(60).says("smoke-1", fire=True).told()
    data = site_data()
    data["zones"] = [{"id": "stairs", "name": "Stairs", "building": "b-1", "members": ["smoke-2"]}]

    play.restart(small_site(data)).at(61)

    assert play.engine.kept(Disablement)
    assert set(NORTH) <= people(calls(play))


def test_if_who_disabled_it_has_left_the_site_it_goes_on_and_the_leader_is_warned() -> None:
    play = Play(site())
    disable(play.at(0), person="mona", minutes=60)
    data = site_data()
    data["people"] = [person for person in data["people"] if person["id"] != "mona"]
    del data["buildings"][0]["manager"]

    play.at(10).restart(small_site(data)).told()

    play.at(50 * MINUTE).expect_told("nora", reason=Reason.ENDS_SOON)


def test_a_clock_that_is_put_back_makes_no_disablement_longer_than_was_asked() -> None:
    play = Play(site())
    disable(play.at(2 * HOUR), minutes=30)
    play.now -= 2 * HOUR * 1000

    play.keeps(play.engine.wake(play.now))

    (item,) = play.engine.kept(Disablement).values()
    assert item.until_ms == play.now + 30 * MINUTE * 1000


def test_a_tester_is_told_though_the_device_is_disabled_too() -> None:
    play = Play(site())
    disable(play.at(0), watch="ned")
    play.acts(StartWalkTest("nora", ("smoke-1",), 30)).told()

    play.at(5).says("smoke-1", fire=True)

    play.expect_told("nora", reason=Reason.WALK_TEST)


def test_a_test_bit_or_a_disabled_bit_of_a_device_itself_takes_nothing_aside() -> None:
    play = Play(site())

    play.at(0).says("smoke-1", disabled=True, test=False, fire=True)

    assert people(calls(play)) == set(NORTH)
