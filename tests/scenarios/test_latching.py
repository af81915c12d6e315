"""What stays, what ends, and in which order it is told. Each test is one promise, played in virtual time."""

from __future__ import annotations

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.commands import Reset
from config.words import Edge, Lane, Report
from tests.scenarios.play import START_MS, Play, reading
from tests.sites import GROUP

NORTH = ("nora", "ned", "nick")
MINUTE = 60


def test_a_one_poll_fire_still_calls_people_and_stays_latched() -> None:
    play = Play()

    play.at(1).says("smoke-1", fire=True)
    play.at(1.25).says("smoke-1", fire=False)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert play.at(3600).phase("smoke-1:fire") is Phase.RETURNED
    assert play.incident.open


def test_a_one_poll_fire_that_arrives_after_an_outage_of_twenty_minutes_is_the_full_call() -> None:
    play = Play()
    play.at(20 * MINUTE).shows_at_birth("smoke-1", fire=False)

    play.says("smoke-1", ago_s=20 * MINUTE - 2, historical=True, fire=True)
    play.says("smoke-1", ago_s=20 * MINUTE - 2.25, historical=True, fire=False)

    told = play.told()
    assert {notice.person for notice in told} == set(NORTH)
    assert {notice.reason for notice in told} == {Reason.OWN_TEAM}
    assert {(notice.cause_at_ms, notice.heard_at_ms) for notice in told} == {(START_MS + 2000, play.now)}
    assert play.phase("smoke-1:fire") is Phase.RETURNED


def test_a_fire_that_was_over_long_ago_tells_leader_and_manager_with_both_times() -> None:
    play = Play()
    play.at(40 * MINUTE)

    play.says("smoke-1", ago_s=35 * MINUTE, historical=True, fire=True)
    play.says("smoke-1", ago_s=34 * MINUTE, historical=True, fire=False)

    told = play.told()
    assert {notice.person for notice in told} == {"nora", "mona"}
    assert {notice.reason for notice in told} == {Reason.LATE_REPORT}
    assert {(notice.cause_at_ms, notice.heard_at_ms) for notice in told} == {(play.now - 35 * MINUTE * 1000, play.now)}
    play.at(60 * MINUTE)
    assert not play.incident.full_call
    assert play.phase("smoke-1:fire") is Phase.RETURNED


def test_a_late_fire_that_is_still_burning_becomes_the_full_call() -> None:
    play = Play()
    play.at(40 * MINUTE).says("smoke-1", ago_s=35 * MINUTE, historical=True, fire=True)
    play.expect_told("nora", "mona", reason=Reason.LATE_REPORT)

    play.at(40 * MINUTE + 10)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert play.incident.full_call


def test_a_second_late_fire_that_still_burns_becomes_the_full_call_too() -> None:
    play = Play()
    play.at(40 * MINUTE).says("smoke-1", ago_s=35 * MINUTE, historical=True, fire=True)
    play.says("smoke-1", ago_s=34 * MINUTE, historical=True, fire=False)
    play.at(41 * MINUTE).told()

    play.says("smoke-2", ago_s=33 * MINUTE, historical=True, fire=True).expect_told()
    play.at(41 * MINUTE + 10)

    assert play.incident.full_call
    assert {notice.person for notice in play.told()} == {*NORTH, "mona"}


def test_of_a_second_late_fire_that_is_over_leader_and_manager_are_told_too() -> None:
    play = Play()
    play.at(40 * MINUTE).says("smoke-1", ago_s=35 * MINUTE, historical=True, fire=True)
    play.says("smoke-1", ago_s=34 * MINUTE, historical=True, fire=False)
    play.acknowledges("nora").acknowledges("mona").at(41 * MINUTE).told()

    play.says("smoke-2", ago_s=33 * MINUTE, historical=True, fire=True)
    play.says("smoke-2", ago_s=32 * MINUTE, historical=True, fire=False)
    play.at(41 * MINUTE + 10)

    play.expect_told("nora", "mona", reason=Reason.LATE_REPORT)
    assert not play.incident.full_call


def test_a_fire_that_a_birth_shows_burning_is_the_full_call_at_once_however_old_its_record() -> None:
    play = Play()

    play.at(40 * MINUTE).shows_at_birth("smoke-1", fire=True)
    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    play.says("smoke-1", ago_s=35 * MINUTE, historical=True, fire=True)

    play.expect_told()
    assert play.alarms["smoke-1:fire"].raised_at_ms == play.now - 35 * MINUTE * 1000


def test_a_late_alarm_of_another_device_calls_anew_only_if_it_is_still_so() -> None:
    play = Play()
    play.at(40 * MINUTE).says("smoke-1", fire=True).told()
    for person in NORTH:
        play.acknowledges(person)

    play.at(41 * MINUTE).says("smoke-2", ago_s=35 * MINUTE, historical=True, fire=True)
    play.says("smoke-2", ago_s=34 * MINUTE, historical=True, fire=False)
    play.at(41 * MINUTE + 11)
    assert play.incident.call == 1

    play.says("smoke-2", ago_s=33 * MINUTE, historical=True, heat=True).at(41 * MINUTE + 22)
    assert play.incident.call == 1  # the same device


def test_a_late_alarm_of_another_device_that_still_burns_calls_everybody_anew() -> None:
    play = Play()
    play.at(40 * MINUTE).says("smoke-1", fire=True)
    play.at(40 * MINUTE + 5).answers("ned", Answer.GOING).answers("nick", Answer.GOING).told()

    play.at(41 * MINUTE).says("smoke-2", ago_s=35 * MINUTE, historical=True, fire=True).expect_told()
    play.at(41 * MINUTE + 10)

    play.expect_told(*NORTH, reason=Reason.NEW_DEVICE)


def test_a_gateway_that_does_not_know_the_time_has_no_old_alarms() -> None:
    play = Play()
    node = Report(Edge(GROUP, "gw-1"), None, Lane.ALARM, "e", 1, 0, 5, True, (reading("Clock/Synchronized", False),))
    play.at(1).keeps(play.engine.feed(node, play.now))

    play.says("smoke-1", ago_s=10**9, historical=True, fire=True).says("smoke-1", ago_s=10**9, fire=False)

    assert play.incident_of("fire").full_call


def test_a_quality_trouble_outlives_a_restart_until_its_point_is_good_again() -> None:
    play = Play()
    play.at(1).says("smoke-1", fire=None).restart()

    play.at(5).says("smoke-1", heat=False)
    assert play.phase("smoke-1:quality") is Phase.ACTIVE
    play.says("smoke-1", fire=False)
    assert play.phase("smoke-1:quality") is Phase.NORMAL


def test_reset_needs_a_normal_source_an_acknowledgement_and_somebody_who_may() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    incident = play.incident.id
    play.at(5).answers("ned", Answer.GOING)
    assert play.refused(Reset(incident, "nora")) == "source-in-alarm"

    play.at(10).says("smoke-1", fire=False)
    assert play.phase("smoke-1:fire") is Phase.AWAITING_RESET
    assert play.refused(Reset(incident, "ned")) == "not-authorised"  # going, not there yet
    assert play.refused(Reset(incident, "sam")) == "not-authorised"  # the leader of a team that was not called
    assert play.refused(Reset(incident, "carl")) == "not-authorised"
    play.owes("gw-1", True)
    assert play.refused(Reset(incident, "nora")) == "owes-records"
    play.owes("gw-1", False)

    play.answers("ned", Answer.ARRIVED).told()
    play.resets("ned")

    assert play.phase("smoke-1:fire") is Phase.NORMAL
    assert not play.engine.incidents and not play.engine.alarms and not play.engine.notices
    play.expect_told(*NORTH, reason=Reason.CLOSED)
    assert play.refused(Reset(incident, "nora")) == "closed"


def test_what_nobody_acknowledged_cannot_be_reset() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).says("smoke-1", fire=False)

    assert play.refused(Reset(play.incident.id, "nora")) == "not-acknowledged"
    play.acknowledges("mona").resets("mona")

    assert not play.engine.incidents


def test_a_trouble_needs_no_reset_and_has_none() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True)

    assert play.refused(Reset(play.incident.id, "nora")) == "nothing-to-reset"


def test_a_reset_waits_for_a_gateway_that_has_not_been_heard_since_the_restart_but_not_for_a_dead_one() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).says("smoke-1", fire=False).acknowledges("nora")
    silent = Play(born=False)
    silent.engine = type(play.engine)(play.site, play.restored(), play.now)
    silent.notices, silent.incidents, silent.alarms = play.notices, play.incidents, play.alarms
    silent.mute("gw-1", "gw-2")
    incident = next(iter(silent.engine.incidents))
    assert silent.refused(Reset(incident, "nora")) == "owes-records"

    silent.at(31).acts(Reset(incident, "nora"))

    assert incident not in silent.engine.incidents


def test_a_reset_waits_for_the_records_that_a_dead_gateway_is_known_to_owe() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).says("smoke-1", fire=False).acknowledges("nora")
    reset = Reset(play.incident.id, "nora")
    play.owes("gw-1", True).dies("gw-1")
    assert play.at(7_200).refused(reset) == "owes-records"

    play.owes("gw-1", False).acts(reset)  # it is back, or another with an empty journal stands in its place

    assert reset.incident not in play.engine.incidents


def test_records_in_false_order_end_where_the_journal_ends() -> None:
    play = Play()
    # Positions 1: fire, 2: normal, 3: fire, heard as 3, 2 (waits), 1, 2.
    play.at(1).says("smoke-1", position=3, fire=True)
    play.says("smoke-1", position=2, complete=False, fire=False)
    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    play.says("smoke-1", position=1, fire=True).says("smoke-1", position=2, fire=False)

    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    play.says("smoke-1", position=4, fire=False)
    assert play.phase("smoke-1:fire") is Phase.RETURNED


def test_a_return_that_must_wait_ends_nothing_but_a_fire_beside_it_counts() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)

    play.says("smoke-1", position=5, complete=False, fire=False, heat=True)

    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    assert play.phase("smoke-1:heat") is Phase.ACTIVE


def test_an_older_raise_that_arrives_late_is_latched_and_told() -> None:
    play = Play()
    play.at(5).says("smoke-1", position=9, fire=False)

    play.says("smoke-1", position=7, ago_s=3, fire=True)

    assert play.phase("smoke-1:fire") is Phase.RETURNED
    play.expect_told(*NORTH)


def test_an_older_supervisory_condition_that_arrives_late_is_only_history() -> None:
    play = Play()
    play.at(5).says("ext-1", lane=Lane.TELEMETRY, position=9, pressure_kpa=1200.0)

    play.says("ext-1", lane=Lane.TELEMETRY, position=3, ago_s=3, historical=True, pressure_kpa=900.0)

    assert not play.engine.alarms and not play.told()


def test_a_backlog_does_not_pass_for_the_present() -> None:
    play = Play()
    play.at(100).shows_at_birth("ext-1", pressure_kpa=1200.0)

    play.says("ext-1", lane=Lane.TELEMETRY, position=1, ago_s=90, historical=True, pressure_kpa=900.0)

    assert not play.engine.alarms
    assert play.engine.devices["ext-1"].values["pressure_kpa"].reading.value == 1200.0


def test_a_birth_that_was_overtaken_raises_nothing() -> None:
    play = Play()
    play.at(5).says("smoke-1", fire=False)

    play.shows_at_birth("smoke-1", ago_s=2, fire=True)

    assert not play.engine.alarms


def test_a_birth_that_shows_normal_ends_nothing() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)

    play.at(5).shows_at_birth("smoke-1", fire=False)

    assert play.phase("smoke-1:fire") is Phase.ACTIVE


def test_after_a_restart_the_journal_still_tells_what_is_older() -> None:
    play = Play()
    play.at(0).says("smoke-1", position=7, fire=True).restart()

    play.at(10).says("smoke-1", position=6, fire=False)
    assert play.phase("smoke-1:fire") is Phase.ACTIVE

    play.says("smoke-1", position=8, fire=False)
    assert play.phase("smoke-1:fire") is Phase.RETURNED


def test_a_new_journal_is_newer_than_the_one_it_replaces() -> None:
    play = Play()
    play.at(0).says("smoke-1", position=5000, fire=True)

    play.at(10).says("smoke-1", position=1, epoch="epoch-2", fire=False)

    assert play.phase("smoke-1:fire") is Phase.RETURNED


def test_an_absent_value_neither_raises_nor_clears_and_is_a_trouble_of_its_own() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True, heat=False).told()

    play.at(5).says("smoke-1", fire=None, heat=None)

    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    assert play.phase("smoke-1:heat") is Phase.NORMAL
    assert play.phase("smoke-1:quality") is Phase.ACTIVE
    play.at(6).says("smoke-1", fire=False).says("smoke-1", heat=False)
    assert play.phase("smoke-1:fire") is Phase.RETURNED
    assert play.phase("smoke-1:quality") is Phase.NORMAL


def test_a_fire_beside_unknown_bits_is_a_fire_and_a_trouble() -> None:
    play = Play()

    play.at(0).says("smoke-1", state__unknown=0x4800, fire=True)

    assert play.incident_of("fire").full_call
    assert play.incident_of("fault").alarms == ("smoke-1:state/unknown",)
    assert play.alarms["smoke-1:state/unknown"].value == "0x4800"
    assert play.told()[0].incident == play.incident_of("fire").id  # the fire first


def test_a_trouble_never_becomes_a_fire() -> None:
    play = Play()

    play.at(0).says("smoke-1", state__unknown=0xFFFF & ~0x0208, fault=True, fire=False)

    assert {incident.kind.value for incident in play.engine.incidents.values()} == {"fault"}
    assert not any(incident.full_call for incident in play.engine.incidents.values())


def test_an_entrapment_and_a_fire_are_two_incidents() -> None:
    play = Play()

    play.at(0).says("lift-1", trapped=True).says("smoke-1", fire=True)

    assert play.incident_of("entrapment").full_call and play.incident_of("fire").full_call
