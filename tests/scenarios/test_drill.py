"""Drills: real phones, plain marks, and an actual alarm always wins. Each test is one promise, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.calls.dispatch import Reason
from collector.calls.drill import ECHO_MS, Drill
from collector.calls.responsetimes import Call, ResponseTimes, id_of
from collector.commands import Acknowledge, Answered, EndDrill, Reset, StandDown, StartDrill
from collector.messages.message import Words, describe, is_urgent
from collector.messages.reasons import explain, lines
from config.people import Language
from config.profile import Kind
from tests.scenarios.play import Play
from tests.sites import site_data, small_site

DRILL_IN_B1 = StartDrill("nora", ("b-1",), Kind.FIRE, 30, "yearly exercise")


def drilled(play: Play, building: str = "b-1") -> Incident:
    """The open incident of the drill in a building."""
    (only,) = (
        each for each in play.engine.incidents.values() if each.building == building and each.route.mode is Mode.DRILL
    )
    return only


def live(play: Play, building: str = "b-1") -> Incident:
    """The open incident of the fire that is no drill."""
    (only,) = (
        each for each in play.engine.incidents.values() if each.building == building and each.route.mode is Mode.LIVE
    )
    return only


def message(play: Play, person: str, reason: Reason, language: Language = "zh") -> Words:
    """The words of a person's newest notice with this reason."""
    notice = [each for each in play.notices.values() if (each.person, each.reason) == (person, reason)][-1]
    incident = play.incidents[notice.incident]
    alarms = [alarm for key in incident.alarms if (alarm := play.engine.alarms.get(key)) is not None]
    site = small_site(site_data())
    site.people[person] = site.people[person].model_copy(update={"language": language})
    return describe(site, incident, alarms, notice, "https://lane/a/x", play.now)


def test_a_drill_calls_the_same_people_in_the_same_rings_as_a_fire() -> None:
    play, fire = Play(), Play()
    play.at(0).acts(DRILL_IN_B1)
    fire.at(0).says("smoke-1", fire=True)

    for seconds in (0, 20, 40, 60, 100, 150, 180):
        told = sorted((notice.person, notice.reason) for notice in play.at(seconds).told())
        assert told == sorted((notice.person, notice.reason) for notice in fire.at(seconds).told())
    assert {"nora", "ned", "nick", "sam", "sue", "mona", "grace", "carl"} <= {n.person for n in play.notices.values()}


def test_every_message_of_a_drill_says_so_first_and_says_not_to_call_119() -> None:
    play = Play()
    play.at(0).acts(DRILL_IN_B1)
    play.at(30).acts(Answered(drilled(play).id, "nora", Answer.GOING))
    play.acts(Answered(drilled(play).id, "ned", Answer.GOING))
    play.at(60).acts(StandDown(drilled(play).id, "nora"))

    reasons = {notice.reason for notice in play.notices.values()}
    assert {Reason.OWN_TEAM, Reason.NEIGHBOUR_TEAM, Reason.QUORUM_REACHED, Reason.DRILL_OVER} <= reasons
    for notice in list(play.notices.values()):
        for language, mark in (("zh", "【演练】"), ("en", "[DRILL]")):
            words = message(play, notice.person, notice.reason, language)  # type: ignore[arg-type]
            assert all(text.startswith(mark) for text in (words.subject, words.body, words.short))
            for text in (words.body, words.short):
                wrong = text.replace("请勿拨打119", "").replace("do not call 119", "")
                assert wrong != text and "119" not in wrong


def test_a_drill_is_loud_and_yet_goes_behind_every_real_call() -> None:
    play = Play()
    play.at(0).acts(DRILL_IN_B1)
    play.says("smoke-3", fire=True)

    by_mode = {play.incidents[n.incident].route.mode: is_urgent(play.incidents[n.incident], n) for n in play.told()}

    assert by_mode == {Mode.DRILL: False, Mode.LIVE: True}


def test_a_drill_ends_by_itself_needs_no_reset_and_everybody_is_told() -> None:
    play = Play()
    play.at(0).acts(replace(DRILL_IN_B1, minutes=2))
    incident = drilled(play).id
    play.at(119.9)
    told = {notice.person for notice in play.told()}

    play.at(120)

    assert not play.engine.incidents and not play.engine.alarms
    assert play.phase(f"drill:{next(iter(play.engine.kept(Drill)))}:b-1") is Phase.NORMAL
    over = [notice for notice in play.told() if notice.reason is Reason.DRILL_OVER]
    assert {notice.person for notice in over} >= told
    assert [entry.event for entry in play.entries if entry.incident == incident][-1] == "notice-created"
    assert len(play.events("drill-ended")) == 1
    assert play.refused(EndDrill(next(iter(play.engine.kept(Drill))), "nora")) == "unknown-drill"


def test_whoever_started_a_drill_ends_it_in_all_its_buildings() -> None:
    play = Play()
    play.at(0).acts(StartDrill("carl", ("b-1", "b-2", "b-3"), Kind.ENTRAPMENT, 120))
    (drill,) = play.engine.kept(Drill).values()
    assert {incident.building for incident in play.engine.incidents.values()} == {"b-1", "b-2", "b-3"}
    assert play.refused(EndDrill(drill.id, "ned")) == "not-authorised"
    assert play.refused(EndDrill(drill.id, "nora")) == "not-authorised"  # b-3 is not hers
    assert play.refused(EndDrill("0", "carl")) == "unknown-drill"

    play.at(10).acts(EndDrill(drill.id, "carl"))

    assert not play.engine.incidents
    assert play.engine.kept(Drill)[drill.id].ended_at_ms == play.now


def test_a_leader_who_stands_down_ends_the_drill_in_one_building_only() -> None:
    play = Play()
    play.at(0).acts(StartDrill("carl", ("b-1", "b-3"), Kind.FIRE, 60))

    assert play.refused(StandDown(drilled(play).id, "ned")) == "not-authorised"
    play.at(5).acts(StandDown(drilled(play).id, "nora"))

    assert [incident.building for incident in play.engine.incidents.values()] == ["b-3"]
    assert not any(alarm.building == "b-1" for alarm in play.engine.alarms.values())


def test_an_actual_alarm_in_the_building_ends_the_drill_at_once_and_says_that_it_is_real() -> None:
    play = Play()
    play.at(0).acts(StartDrill("carl", ("b-1", "b-3"), Kind.FIRE, 60))
    play.at(40).told()

    play.at(41).says("smoke-1", fire=True)

    told = play.told()
    over = [notice for notice in told if notice.reason is Reason.DRILL_OVERTAKEN]
    assert {"nora", "ned", "nick", "sam", "sue"} <= {notice.person for notice in over}
    assert {notice.person for notice in told if notice.reason is Reason.OWN_TEAM} == {"nora", "ned", "nick"}
    assert drilled(play, "b-3").open and live(play).full_call
    words = message(play, "ned", Reason.DRILL_OVERTAKEN)
    assert words.subject.startswith("【真实报警，非演练】演练停止，本楼发生真实报警")
    assert words.short.startswith("【真实报警，非演练】")
    assert "请勿拨打" not in words.body and "https" not in words.body
    fire = message(play, "ned", Reason.OWN_TEAM, "en")
    assert fire.subject.startswith("[REAL, NOT A DRILL] ") and fire.short.startswith("[REAL] ")
    assert "This is not the drill. Call 119 yourself!" in fire.body


def test_an_actual_alarm_elsewhere_or_just_after_a_drill_says_too_that_it_is_real() -> None:
    play = Play()
    play.at(0).acts(replace(DRILL_IN_B1, minutes=1))

    play.at(10).says("smoke-3", fire=True)
    assert drilled(play).open
    play.at(60 + ECHO_MS / 1000 - 1).says("lift-1", trapped=True)
    play.at(60 + ECHO_MS / 1000 + 1).says("smoke-1", fire=True)

    assert live(play, "b-2").not_the_drill
    assert play.incident_of("entrapment").not_the_drill
    assert not play.incident_of("fire").not_the_drill
    assert not play.engine.kept(Drill)


def test_a_trouble_during_a_drill_ends_nothing() -> None:
    play = Play()
    play.at(0).acts(DRILL_IN_B1)

    play.at(5).says("smoke-1", fault=True).says("ext-1", pressure_kpa=900.0)

    assert drilled(play).open


def test_no_drill_begins_where_something_is_truly_in_alarm() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True)
    assert play.refused(DRILL_IN_B1) == "alarm-open"
    play.says("smoke-1", pre_alarm=False).says("lift-1", trapped=True)

    assert play.refused(DRILL_IN_B1) == "alarm-open"
    assert play.refused(StartDrill("carl", ("b-3", "b-1"), Kind.FIRE, 5)) == "alarm-open"
    assert not play.engine.kept(Drill)


def test_two_drills_at_once_in_one_building_are_refused() -> None:
    play = Play()
    play.at(0).acts(DRILL_IN_B1)

    assert play.refused(StartDrill("carl", ("b-3", "b-1"), Kind.ENTRAPMENT, 5)) == "drill-running"
    play.acts(StartDrill("carl", ("b-3",), Kind.ENTRAPMENT, 5))
    assert len(play.engine.kept(Drill)) == 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(DRILL_IN_B1, person="ned"), "not-authorised"),
        (replace(DRILL_IN_B1, person="sam", buildings=("b-3", "b-1")), "not-authorised"),
        (replace(DRILL_IN_B1, person="nobody"), "unknown-person"),
        (replace(DRILL_IN_B1, buildings=("b-9",)), "unknown-building"),
        (replace(DRILL_IN_B1, buildings=()), "bad-drill"),
        (replace(DRILL_IN_B1, buildings=("b-1", "b-1")), "bad-drill"),
        (replace(DRILL_IN_B1, kind=Kind.WATER), "bad-drill"),
        (replace(DRILL_IN_B1, minutes=121), "bad-drill"),
        (replace(DRILL_IN_B1, minutes=0), "bad-drill"),
        (replace(DRILL_IN_B1, note="x" * 201), "bad-drill"),
    ],
)
def test_a_drill_that_makes_no_sense_is_refused_and_changes_nothing(wrong: StartDrill, reason: str) -> None:
    play = Play()

    assert play.at(0).refused(wrong) == reason
    assert not play.engine.incidents and not play.engine.kept(Drill)


def test_a_drill_touches_no_device_and_needs_no_reset() -> None:
    play = Play()
    play.at(0).acts(DRILL_IN_B1)
    incident = drilled(play).id
    play.at(1).acts(Answered(incident, "nora", Answer.ARRIVED)).acts(Acknowledge(incident, "ned"))

    assert play.refused(Reset(incident, "nora")) == "drill"
    assert {alarm.device for alarm in play.engine.alarms.values()} == {"drill"}
    assert all(device.online for device in play.engine.devices.values())


@pytest.mark.parametrize("restart_at", [0, 25, 41, 90, 119])
def test_a_restart_in_the_middle_of_a_drill_changes_nothing(restart_at: float) -> None:
    def played(restart: bool) -> Play:
        play = Play()
        play.at(0).acts(replace(DRILL_IN_B1, minutes=2))
        for seconds in (0, 25, 41, 90, 119):
            play.at(seconds)
            if seconds == 25:
                play.acts(Answered(drilled(play).id, "ned", Answer.GOING))
            if seconds == 90:
                play.acts(Answered(drilled(play).id, "ned", Answer.ARRIVED))
            if restart and seconds == restart_at:
                play.restart()
        return play.at(200)

    straight, restarted = played(False), played(True)

    assert restarted.notices == straight.notices and restarted.incidents == straight.incidents
    assert restarted.alarms == straight.alarms and restarted.kept == straight.kept


def test_a_drill_that_should_have_ended_while_the_collector_was_away_ends_at_once() -> None:
    play = Play()
    play.at(0).acts(replace(DRILL_IN_B1, minutes=1))
    restored, play.now = play.restored(), play.now + 3_600_000

    play.restart()
    play.keeps(play.engine.wake(play.now))

    assert restored.incidents and not [each for each in play.engine.incidents.values() if each.kind is Kind.FIRE]


def test_a_drill_whose_building_has_left_the_site_is_over() -> None:
    play = Play()
    play.at(0).acts(StartDrill("carl", ("b-1", "b-3"), Kind.FIRE, 60))
    data = site_data()
    data["buildings"] = [each for each in data["buildings"] if each["id"] != "b-3"]
    data["gateways"][1]["buses"][0]["devices"].pop()

    play.restart(small_site(data)).at(1)

    assert [incident.building for incident in play.engine.incidents.values()] == ["b-1"]
    assert {alarm.building for alarm in play.engine.alarms.values()} == {"b-1"}


def times(play: Play, mode: Mode, what: str, subject: str) -> ResponseTimes:
    """What is kept of a subject."""
    return play.engine.kept(ResponseTimes)[id_of(mode, what, subject)]


def test_response_times_are_kept_per_person_team_and_building() -> None:
    play = Play()
    play.at(0).acts(DRILL_IN_B1)
    play.at(5).acts(Answered(drilled(play).id, "nick", Answer.CANNOT))
    play.at(12).acts(Answered(drilled(play).id, "ned", Answer.GOING))
    play.at(40).acts(Answered(drilled(play).id, "sam", Answer.GOING))
    play.at(100).acts(Answered(drilled(play).id, "ned", Answer.ARRIVED))
    play.at(110).acts(StandDown(drilled(play).id, "nora"))

    ned = times(play, Mode.DRILL, "person", "ned")
    assert (ned.calls, ned.called, ned.answered, ned.cannot, ned.silent) == (1, 1, 1, 0, 0)
    assert ned.latest == (
        Call(next(iter(play.incidents)), play.now - 110_000, 1, 1, 0, 12_000, 12_000, 100_000, 40_000),
    )
    north = times(play, Mode.DRILL, "team", "north")
    assert (north.called, north.answered, north.cannot, north.silent) == (3, 2, 1, 1)
    assert (north.typical_ms("answer_ms"), north.typical_ms("going_ms")) == (5_000, 12_000)
    building = times(play, Mode.DRILL, "building", "b-1")
    assert (building.called, building.answered, building.typical_ms("quorum_ms")) == (5, 3, 40_000)
    nora = times(play, Mode.DRILL, "person", "nora")
    assert (nora.silent, nora.typical_ms("answer_ms"), nora.latest[0].quorum_ms) == (1, None, 40_000)


def test_drills_and_real_calls_are_timed_apart_and_troubles_not_at_all() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(7).answers("ned", Answer.GOING).says("smoke-1", fire=False)
    play.at(30).answers("ned", Answer.ARRIVED).resets("ned")
    play.at(40).says("smoke-1", fault=True)
    play.at(50).says("smoke-1", fault=False)
    play.at(60).acts(DRILL_IN_B1)
    play.at(70).acts(StandDown(drilled(play).id, "nora"))

    assert times(play, Mode.LIVE, "person", "ned").typical_ms("arrived_ms") == 30_000
    assert times(play, Mode.LIVE, "building", "b-1").calls == 1
    assert times(play, Mode.DRILL, "person", "ned").silent == 1


def test_response_times_are_bounded_and_survive_a_restart() -> None:
    play = Play()
    for number in range(25):
        play.at(number * 100).acts(DRILL_IN_B1)
        play.at(number * 100 + 3).acts(Answered(drilled(play).id, "nora", Answer.GOING))
        play.at(number * 100 + 9).acts(StandDown(drilled(play).id, "nora"))
    before = dict(play.engine.kept(ResponseTimes))

    play.restart()

    nora = times(play, Mode.DRILL, "person", "nora")
    assert (nora.calls, nora.answered, len(nora.latest)) == (25, 25, 20)
    assert dict(play.engine.kept(ResponseTimes)) == before


def test_whoever_leaves_the_site_leaves_the_account_of_times() -> None:
    play = Play()
    play.at(0).acts(DRILL_IN_B1)
    play.at(5).acts(StandDown(drilled(play).id, "nora"))
    data = site_data()
    data["teams"][0]["members"].remove("nick")
    data["people"] = [each for each in data["people"] if each["id"] != "nick"]

    play.restart(small_site(data)).acts(DRILL_IN_B1)
    play.at(9).acts(StandDown(drilled(play).id, "nora"))

    assert id_of(Mode.DRILL, "person", "nick") not in play.engine.kept(ResponseTimes)
    assert times(play, Mode.DRILL, "person", "ned").calls == 2


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ("time", "closed: the drill is over (ended by: itself)"),
        ("person", "closed: the drill is over (ended by: nora)"),
        ("fire", "closed: the drill is over: something is truly in alarm"),
    ],
)
def test_why_tells_what_a_drill_is_and_what_ended_it(ends: str, why: str) -> None:
    play = Play()
    play.at(0).acts(replace(DRILL_IN_B1, minutes=1))
    incident = drilled(play).id

    def told() -> list[str]:
        entries = [entry for entry in play.entries if entry.incident == incident]
        notices = [(notice, ()) for notice in play.notices.values() if notice.incident == incident]
        alarms = [alarm for alarm in play.engine.alarms.values() if alarm.incident == incident]
        return list(lines(explain(play.incidents[incident], alarms, entries, notices, play.site), None))

    assert told()[0].endswith("drill of fire in b-1, open") and told()[-1].startswith("open: a drill, which ends by")
    play.at(30)
    if ends == "person":
        play.acts(StandDown(incident, "nora"))
    elif ends == "fire":
        play.says("smoke-1", fire=True)
    play.at(60)

    assert told()[-1] == why
