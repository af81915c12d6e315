"""Who is called, when, and until when. Each test is one promise, played in virtual time."""

from __future__ import annotations

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.commands import Acknowledge, Answered, DeliveryFailed, StandDown, SystemTrouble
from config.profile import Condition
from tests.scenarios.play import START_MS, Play, people
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")


def test_a_fire_calls_the_own_team_at_once() -> None:
    play = Play()

    play.at(1).says("smoke-1", fire=True)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert play.incident.full_call
    assert play.decisions[-1].urgent
    assert all(n.cause_at_ms == n.heard_at_ms == n.created_at_ms == START_MS + 1000 for n in play.notices.values())


def test_nobody_answers_and_the_next_ring_is_called() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)

    play.at(29.9)
    assert people(play.told()) == set(NORTH)  # their repeat, nobody else yet
    play.at(30)
    assert {n.person: n.reason for n in play.told()} == dict.fromkeys(SOUTH, Reason.NEIGHBOUR_TEAM)
    play.at(60)
    assert ("mona", Reason.MANAGER) in {(n.person, n.reason) for n in play.told()}
    play.at(150)
    told = {(n.person, n.reason, n.ring) for n in play.notices.values()}
    assert {(p, Reason.GRID_CELL, r) for p, r in (("grace", 3), ("greg", 4), ("gina", 5))} <= told
    assert play.at(180).notices and "carl" in people(play.notices.values())
    assert play.events("last-ring-called")


def test_repeats_keep_their_id_and_end() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).at(5).says("smoke-1", fire=False)
    ids = {notice.id for notice in play.notices.values() if notice.person == "ned"}

    play.at(3600)

    (ned,) = (notice for notice in play.notices.values() if notice.person == "ned")
    assert {ned.id} == ids
    assert ned.due == 1 + play.site.kind_plan(play.incident.kind).repeats_max
    assert ned.next_repeat_at_ms is None


@pytest.mark.parametrize("restarts", [False, True])
def test_a_fire_that_still_burns_is_never_given_up_after_the_plans_repeats(restarts: bool) -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(900).told()
    if restarts:
        play.restart()
    play.acknowledges("ned").answers("nick", Answer.CANNOT)

    everybody = {"nora", "sam", "sue", "mona", "grace", "greg", "gina", "carl"}
    again = play.at(1499).told()  # every ten minutes, whoever has neither answered nor seen it
    assert people(again) == everybody and all(n.reason is not Reason.ASKED_AGAIN for n in again)
    assert people(play.at(2099).told()) >= everybody
    play.answers("sam", Answer.GOING).answers("sue", Answer.GOING).told()

    assert not {n.person for n in play.at(2600).told() if n.expects_answer}


def test_a_fire_that_has_ended_unanswered_is_repeated_no_further() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(900).says("smoke-1", fire=False).told()

    assert not play.at(3500).told()


def test_quorum_ends_the_call_and_all_who_were_called_are_told() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)
    play.at(5).answers("ned", Answer.GOING)
    play.expect_told()

    play.at(6).answers("nick", Answer.GOING)

    play.expect_told(*NORTH, reason=Reason.QUORUM_REACHED)
    assert not any(notice.expects_answer for notice in play.notices.values() if notice.superseded_at_ms is None)
    assert not play.at(600).told()


def test_one_person_answering_twice_is_one_person() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(5).answers("ned", Answer.GOING).answers("ned", Answer.ARRIVED).answers("ned", Answer.ARRIVED)

    assert play.incident.quorum_at_ms is None
    assert len(play.events("answered")) == 2


def test_an_acknowledged_person_is_not_called_again_but_a_second_device_calls_anew() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)
    play.at(5).acknowledges("ned")

    play.at(25)
    assert people(play.told()) == {"nora", "nick"}  # repeats, not to ned

    play.at(26).says("smoke-2", fire=True)
    play.expect_told(*NORTH, reason=Reason.NEW_DEVICE)
    assert play.incident.call == 2
    assert len(play.engine.incidents) == 1
    play.at(46)
    assert "ned" in people(play.told())  # he has not acknowledged this call


def test_devices_that_follow_each_other_closely_are_told_of_in_one_new_call() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)

    play.at(2).says("smoke-2", fire=True)
    play.at(3).says("smoke-2", heat=True)
    play.expect_told()

    play.at(10).expect_told(*NORTH, reason=Reason.NEW_DEVICE)
    assert play.at(14.9).incident.call == 2


def test_a_second_flag_of_the_same_device_calls_nobody_anew() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)

    play.at(15).says("smoke-1", heat=True)

    play.expect_told()
    assert play.incident.call == 1


def test_after_quorum_a_new_device_calls_everybody_again() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(5).answers("ned", Answer.GOING).answers("nick", Answer.ARRIVED).told()

    play.at(6).says("smoke-2", fire=True)

    play.expect_told(*NORTH, reason=Reason.NEW_DEVICE)
    assert play.incident.quorum_at_ms is None
    play.at(7).answers("ned", Answer.GOING).answers("nick", Answer.ARRIVED)
    assert play.incident.quorum_at_ms == play.now


def test_stand_down_by_the_leader_ends_the_call() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()
    assert play.refused(StandDown(play.incident.id, "ned")) == "not-authorised"

    play.at(5).stands_down("nora")

    play.expect_told(*NORTH, reason=Reason.STAND_DOWN)
    assert not play.at(900).told()
    assert play.phase("smoke-1:fire") is Phase.ACTIVE


def test_a_fire_that_returns_after_stand_down_calls_again() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(5).says("smoke-1", fire=False).stands_down("nora").told()

    play.at(60).says("smoke-1", fire=True)

    play.expect_told(*NORTH, reason=Reason.RAISED_AGAIN)


def test_whoever_cannot_is_replaced_at_once_by_one_of_the_next_ring() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).told()

    play.at(3).answers("nora", Answer.CANNOT).expect_told("sam", reason=Reason.REPLACEMENT)
    play.at(4).answers("ned", Answer.CANNOT).expect_told("sue", reason=Reason.REPLACEMENT)
    play.at(5).answers("nick", Answer.CANNOT).expect_told("mona", reason=Reason.REPLACEMENT)

    assert play.phase("smoke-1:fire") is Phase.ACTIVE  # who cannot come does not acknowledge for the others


def test_when_all_who_were_called_cannot_come_the_next_ring_is_called_at_once() -> None:
    data = site_data()
    data["teams"][0]["members"] = []
    play = Play(small_site(data))
    play.at(0).says("smoke-1", fire=True).expect_told("nora")

    play.at(3).answers("nora", Answer.CANNOT)

    play.expect_told(*SOUTH, reason=Reason.NEIGHBOUR_TEAM)
    assert play.phase("smoke-1:fire") is Phase.ACTIVE  # who cannot come does not acknowledge for the others


def test_when_nobody_of_the_whole_plan_can_come_the_contacts_are_called() -> None:
    data = site_data()
    data["plan"]["kinds"]["fire"]["rings"] = [{"call": "team", "after_s": 0}]
    play = Play(small_site(data))
    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)

    for person in NORTH:
        play.at(1).answers(person, Answer.CANNOT)

    play.expect_told("carl", reason=Reason.REPLACEMENT)
    play.answers("carl", Answer.CANNOT).expect_told("nora", "mona", "carl", reason=Reason.NOBODY_COMES)


def test_an_answer_after_stand_down_is_recorded_and_tells_nobody() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).stands_down("nora").told()

    play.at(1).answers("ned", Answer.GOING).answers("nick", Answer.GOING)

    play.expect_told()
    assert {response.person for response in play.incident.responses} == {"ned", "nick"}


def test_a_failed_channel_goes_to_the_persons_next_and_then_past_them() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    first = {notice.person: notice for notice in play.told()}

    play.at(1).fails(first["nick"])
    (second,) = play.told()
    assert (second.person, second.channel, second.reason) == ("nick", 1, Reason.CHANNEL_FAILED)
    play.fails(first["nora"]).fails(first["ned"]).expect_told()

    play.fails(second)

    assert {entry.person for entry in play.events("unreachable")} == {"nora", "ned", "nick"}
    play.expect_told(*SOUTH, reason=Reason.NEIGHBOUR_TEAM)
    assert play.engine.act(DeliveryFailed(second.id, "again"), play.now).empty


def test_no_property_manager_and_no_team_calls_the_neighbours_at_once() -> None:
    play = Play()

    play.at(0).says("smoke-3", fire=True)

    play.expect_told(*NORTH, *SOUTH, reason=Reason.NEIGHBOUR_TEAM)
    assert {notice.ring for notice in play.notices.values()} == {1}
    # The manager's ring is empty too: the cell's person is called when the manager would have been.
    play.at(19).told()
    assert play.at(30).told()[-1].person == "grace"


def test_a_building_that_nobody_belongs_to_calls_the_contacts() -> None:
    data = site_data()
    for building in data["buildings"]:
        building["team"] = None
    data["plan"]["kinds"]["fire"]["rings"] = [{"call": "team", "after_s": 0}, {"call": "neighbours", "after_s": 30}]
    play = Play(small_site(data))

    play.at(0).says("smoke-3", fire=True)

    play.expect_told("carl", reason=Reason.CONTACT)


def test_a_supervisory_condition_tells_leader_and_manager_and_is_never_a_call_out() -> None:
    play = Play()

    play.at(0).says("ext-1", pressure_kpa=990.0)

    play.expect_told("nora", "mona")
    assert not play.incident.full_call
    play.at(600).expect_told("nora", "mona")  # repeated by the default plan
    play.acknowledges("nora").at(1200).expect_told("mona")
    play.says("ext-1", pressure_kpa=1020.0)
    assert play.phase("ext-1:pressure_kpa:below_limit") is Phase.ACKNOWLEDGED  # not past the clearing value
    play.says("ext-1", pressure_kpa=1040.0)
    assert not play.engine.incidents


def test_a_trouble_is_told_once_and_quietly() -> None:
    play = Play()

    play.at(0).says("smoke-1", fault=True)

    play.expect_told("nora", "mona")
    assert not any(notice.expects_answer for notice in play.notices.values())
    assert not play.at(7200).told()


def test_a_flood_of_troubles_is_one_incident_and_one_telling_and_a_fire_among_them_comes_first() -> None:
    play = Play()
    for second in range(20):
        play.at(second).says("smoke-1", fault=second % 2 == 0).says("smoke-2", fault=True).says(
            "ext-1", pressure_kpa=None
        )
    assert people(play.told()) == {"nora", "mona"}

    play.at(30).says("smoke-2", fault=True, fire=True)

    fire = play.incident_of("fire")
    assert {n.person for n in play.told() if n.incident == fire.id} == set(NORTH)
    assert fire.condition is Condition.ALARM
    assert play.decisions[-1].incidents[0].id == fire.id


def test_a_trouble_that_comes_and_goes_is_told_once_in_ten_minutes() -> None:
    play = Play()
    for second in range(0, 500, 10):
        play.at(second).says("smoke-1", fault=second % 20 == 0)

    tellings = [n for n in play.notices.values() if n.expects_answer is False and n.reason is Reason.OWN_TEAM]
    assert len(tellings) == 1
    play.at(510).says("smoke-1", fault=True).told()
    assert people(play.at(600).told()) == {"nora", "mona"}  # still so: told again


def test_a_pre_alarm_is_quiet_and_the_fire_after_it_is_the_full_call() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True).expect_told("nora", "mona")

    play.at(5).says("smoke-1", fire=True)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert len(play.engine.incidents) == 1
    assert play.incident.condition is Condition.ALARM


def test_disabled_and_test_are_shown_and_call_nobody_and_hide_no_fire() -> None:
    play = Play()
    play.at(0).says("smoke-1", test=True, disabled=True)
    assert not play.engine.incidents and play.phase("smoke-1:test") is Phase.ACTIVE

    play.at(1).says("smoke-1", fire=True)

    play.expect_told(*NORTH)


def test_a_panels_detector_and_its_general_fire_flag_are_one_source() -> None:
    play = Play()
    play.at(0).says("panel-1", fire=True).expect_told(*SOUTH)

    play.at(12).says("panel-1", **{"detector__3__fire": True})
    assert play.incident.call == 1

    play.at(24).says("panel-1", **{"detector__1__fire": True})
    assert play.incident.call == 2


def test_a_trouble_of_the_system_is_told_to_the_contacts_and_of_a_gateway_to_its_building() -> None:
    play = Play()

    play.at(0).acts(SystemTrouble("history", True, "disk full")).expect_told("carl")
    play.acts(SystemTrouble("gateway:gw-1:check", True, "record 7 differs")).expect_told("nora", "mona")
    play.acts(SystemTrouble("history", True, "disk full")).expect_told()

    play.at(60).acts(SystemTrouble("history", False, "")).acts(SystemTrouble("gateway:gw-1:check", False, ""))
    assert not play.engine.incidents


def test_commands_that_make_no_sense_are_refused_with_a_reason() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True)
    incident = play.incident.id
    assert play.refused(Acknowledge("0", "ned")) == "unknown-incident"
    assert play.refused(Answered(incident, "nobody", Answer.GOING)) == "unknown-person"

    play.at(1).says("smoke-1", fault=False)

    assert play.refused(Acknowledge(incident, "ned")) == "closed"


@pytest.mark.parametrize("again", range(3))
def test_ids_are_sortable_and_never_reused(again: int) -> None:
    play = Play()
    for second in range(again + 2):
        play.at(second * 20).says("smoke-1", fire=True).says("smoke-2", fire=second % 2 == 0)
        play.restart()

    ids = [notice.id for decision in play.decisions for notice in decision.notices if notice.created_at_ms == play.now]
    everything = [*play.incidents, *play.notices]
    assert len(everything) == len(set(everything))
    assert sorted(ids) == ids
    assert all(len(each) == 16 for each in everything)
