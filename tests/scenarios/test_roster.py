"""Who is on duty is called, who is away is not, and troubles wait for the morning. Each test is one promise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.calls.roster import Away, Unmanned
from collector.commands import Back, SayAway
from config.profile import Condition
from tests.scenarios.play import START_MS, Play, people
from tests.sites import site_data, small_site

# A scenario begins on Sunday 2025-06-15 at 23:06:40 in Shanghai.
MINUTE = 60
HOUR = 3600
DAY_SHIFT = {"id": "day", "hours": {"from": "08:00", "until": "20:00"}, "groups": [["nora"]]}
NIGHT_SHIFT = {"id": "night", "hours": {"from": "20:00", "until": "08:00"}, "groups": [["ned"]]}
SOUTH = ("sam", "sue")


def _site_data(*shifts: dict[str, Any], **plan: Any) -> dict[str, Any]:
    data = site_data()
    data["teams"][0]["shifts"] = list(shifts)
    data["plan"] |= plan
    return data


def _play(*shifts: dict[str, Any], **plan: Any) -> Play:
    return Play(small_site(_site_data(*shifts, **plan)))


def _away(person: str, from_s: float, until_s: float, by: str | None = None, **more: Any) -> SayAway:
    return SayAway(person, by or person, START_MS + round(from_s * 1000), START_MS + round(until_s * 1000), **more)


def test_a_scenario_begins_late_on_a_sunday_evening() -> None:
    assert small_site().local(START_MS) == datetime.fromisoformat("2025-06-15T23:06:40+08:00")


# --- shifts ---------------------------------------------------------------------------------------


def test_a_fire_at_night_calls_the_night_shift_and_by_day_the_day_shift() -> None:
    play = _play(DAY_SHIFT, NIGHT_SHIFT)

    play.at(0).says("smoke-1", fire=True).expect_told("ned", reason=Reason.OWN_TEAM)
    play.answers("ned", Answer.ARRIVED).says("smoke-1", fire=False).resets("ned").told()
    play.at(10 * HOUR).says("smoke-1", fire=True).expect_told("nora", reason=Reason.OWN_TEAM)


def test_who_was_called_stays_called_when_their_shift_ends_and_the_next_shift_is_called_with_the_next_call() -> None:
    play = _play(DAY_SHIFT, NIGHT_SHIFT)
    play.at(8 * HOUR + 53 * MINUTE).says("smoke-1", fire=True).expect_told("ned")

    play.at(8 * HOUR + 54 * MINUTE).told()  # 08:00:40
    play.says("smoke-2", fire=True)

    assert {"ned", "nora"} <= people(play.told())


def test_a_team_of_which_nobody_is_on_duty_falls_outward_at_once_and_its_leader_is_told() -> None:
    play = _play(DAY_SHIFT)

    play.at(1).says("smoke-1", fire=True)

    play.expect_told(*SOUTH, reason=Reason.NEIGHBOUR_TEAM)
    play.at(2).expect_told("nora", reason=Reason.NAMED)
    assert play.phase("team/north:unmanned") is Phase.ACTIVE
    assert play.events("nobody-on-duty")


def test_a_team_without_anybody_on_duty_is_one_trouble_however_often_it_is_called_and_over_a_restart() -> None:
    play = _play(DAY_SHIFT)
    play.at(0).says("smoke-1", fire=True).restart().at(15).says("smoke-2", fire=True).at(30).restart().at(60)

    assert len([n for n in play.notices.values() if (n.person, n.reason) == ("nora", Reason.NAMED)]) == 1
    assert list(play.engine.kept(Unmanned)) == ["north"]


def test_the_trouble_of_a_team_ends_when_somebody_is_on_duty_again() -> None:
    play = _play(DAY_SHIFT)
    play.at(0).says("smoke-1", fire=True)

    play.at(8 * HOUR + 52 * MINUTE)
    assert play.phase("team/north:unmanned") is Phase.ACTIVE
    play.at(8 * HOUR + 55 * MINUTE)

    assert play.phase("team/north:unmanned") is Phase.NORMAL
    assert not play.engine.kept(Unmanned)


def _without_anybody_near() -> dict[str, Any]:
    data = _site_data()
    data["plan"]["kinds"]["fire"]["rings"] = [{"call": "team", "after_s": 0}, {"call": "manager", "after_s": 30}]
    return data


@pytest.mark.parametrize("more", [[], [{"call": "contacts", "after_s": 60}]])
def test_a_plan_to_whose_rings_nobody_belongs_calls_the_contacts_and_is_one_trouble(more: list[dict[str, Any]]) -> None:
    data = _without_anybody_near()
    data["plan"]["kinds"]["fire"]["rings"] += more
    play = Play(small_site(data))

    play.at(0).says("smoke-3", fire=True).expect_told("carl", reason=Reason.CONTACT)  # b-2 has no team, no manager
    play.at(1).expect_told("carl", reason=Reason.NAMED)
    assert play.alarms["building/b-2:fire:nobody-to-call"].condition is Condition.TROUBLE
    play.restart().at(120).says("smoke-3", heat=True).restart().at(300)

    assert play.phase("building/b-2:fire:nobody-to-call") is Phase.ACTIVE
    assert sum(notice.reason is Reason.NAMED for notice in play.notices.values()) == 1
    assert "building/b-1:fire:nobody-to-call" not in play.alarms


def test_the_trouble_of_such_a_plan_ends_when_somebody_belongs_to_it() -> None:
    data = _without_anybody_near()
    play = Play(small_site(data))
    play.at(0).says("smoke-3", fire=True).at(5)
    data["buildings"][1]["manager"] = "mona"

    play.restart(small_site(data)).at(10)

    assert play.phase("building/b-2:fire:nobody-to-call") is Phase.NORMAL
    assert not play.engine.kept(Unmanned)


def test_a_team_that_leaves_the_site_takes_its_trouble_with_it() -> None:
    play = _play(DAY_SHIFT)
    play.at(0).says("smoke-1", fire=True).at(5)
    data = _site_data()
    data["teams"][0]["id"] = "new"
    data["buildings"][0]["team"] = "new"

    play.restart(small_site(data)).at(10)

    assert play.phase("team/north:unmanned") is Phase.NORMAL


# --- away -----------------------------------------------------------------------------------------


def test_who_is_away_is_not_called_and_their_substitute_is() -> None:
    play = Play()
    play.acts(_away("nick", 0, HOUR)).acts(_away("ned", 0, HOUR, substitute="greg"))

    play.at(1).says("smoke-1", fire=True)

    play.expect_told("nora", "greg", reason=Reason.OWN_TEAM)
    assert "nick" not in people(play.at(300).told())


def test_who_goes_away_during_a_call_is_not_called_anew() -> None:
    play = Play()
    play.at(1).says("smoke-1", fire=True).expect_told("nora", "ned", "nick")
    play.at(2).acts(_away("nick", 2, HOUR)).expect_told("sam", reason=Reason.REPLACEMENT)

    play.at(20).says("smoke-2", fire=True)

    assert people(play.told()) == {"nora", "ned", "sam"}


def test_two_absences_said_in_one_millisecond_around_a_restart_are_both_kept() -> None:
    play = _play().at(5).acts(_away("nora", 10, 100)).restart().acts(_away("ned", 10, 100))

    assert sorted(away.person for away in play.engine.kept(Away).values()) == ["ned", "nora"]


def test_an_absence_that_was_said_outlives_a_restart_and_ends_by_itself() -> None:
    play = Play()
    play.at(1).acts(_away("nick", 0, HOUR)).restart()

    play.at(2).says("smoke-1", fire=True).expect_told("nora", "ned")
    play.stands_down("nora").at(HOUR + 1)

    assert not play.engine.kept(Away) and not [each for each in play.restored().kept if isinstance(each, Away)]
    play.says("smoke-2", fire=True)
    assert "nick" in people(play.told())


def test_who_is_back_earlier_is_called_again() -> None:
    play = Play()
    play.at(1).acts(_away("nick", 0, HOUR))
    (absence,) = play.engine.kept(Away)

    play.at(2).acts(Back(absence, "nick")).says("smoke-1", fire=True)

    play.expect_told("nora", "ned", "nick")


def test_if_literally_everybody_is_away_they_are_called_all_the_same() -> None:
    play = Play()
    everybody = [*play.site.people]
    for person in everybody:
        play.acts(_away(person, 0, HOUR))

    play.at(1).says("smoke-1", fire=True)

    assert people(n for n in play.told() if n.expects_answer) == set(everybody)


def test_while_the_leader_is_away_a_trouble_is_told_to_the_manager_and_to_the_leaders_substitute() -> None:
    play = Play()
    play.acts(_away("nora", 0, HOUR, substitute="ned"))

    play.at(1).says("smoke-1", fault=True)

    play.expect_told("ned", "mona")


def test_while_leader_and_manager_are_away_a_trouble_is_told_to_the_contacts() -> None:
    play = Play()
    play.acts(_away("nora", 0, HOUR)).acts(_away("mona", 0, HOUR))

    play.at(1).says("smoke-1", fault=True).expect_told("carl")


def test_only_they_themselves_a_leader_or_a_contact_may_say_who_is_away() -> None:
    play = Play()

    assert play.refused(_away("nick", 0, HOUR, by="sam")) == "not-authorised"
    assert play.refused(_away("nick", 0, HOUR, by="ned")) == "not-authorised"
    for by in ("nick", "nora", "carl"):
        play.acts(_away("nick", 0, HOUR, by=by))
    assert play.refused(Back(next(iter(play.engine.kept(Away))), "sam")) == "not-authorised"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (_away("nobody", 0, HOUR), "unknown-person"),
        (_away("nick", 0, HOUR, substitute="nobody"), "unknown-person"),
        (_away("nick", HOUR, HOUR), "impossible-time"),
        (_away("nick", -HOUR, 0), "impossible-time"),
        (_away("nick", 0, 400 * 24 * HOUR), "impossible-time"),
        (_away("nick", 0, HOUR, substitute="nick"), "no-substitute"),
        (_away("nick", 0, HOUR, swap=True), "no-substitute"),
        (Back("0", "nick"), "unknown-absence"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused_with_a_reason(command: SayAway | Back, reason: str) -> None:
    assert Play().refused(command) == reason


def test_what_is_said_of_absences_is_bounded() -> None:
    play = Play()
    for number in range(20):
        play.acts(_away("nick", number, HOUR))

    assert play.refused(_away("nick", 0, HOUR)) == "too-many-absences"


# --- quiet hours ----------------------------------------------------------------------------------

QUIET = {"hours": {"from": "22:00", "until": "07:00"}, "classes": ["trouble", "supervisory"]}
MORNING = 7 * HOUR + 53 * MINUTE + 20  # 07:00


def test_a_trouble_at_night_is_told_in_the_morning_if_it_is_still_so() -> None:
    play = _play(quiet=QUIET)

    play.at(0).says("smoke-1", fault=True).expect_told()
    assert play.events("waits-for-morning") and play.incident.open
    play.at(MORNING - 1).expect_told()

    play.at(MORNING).expect_told("nora", "mona")


def test_a_trouble_that_is_over_by_the_morning_wakes_nobody_and_is_still_recorded() -> None:
    play = _play(quiet=QUIET)
    play.at(0).says("smoke-1", fault=True).at(HOUR).says("smoke-1", fault=False)

    play.at(10 * HOUR).expect_told()

    assert play.events("incident-opened", "incident-closed")


def test_a_fire_and_a_pre_alarm_never_wait() -> None:
    play = _play(quiet=QUIET)

    play.at(0).says("smoke-1", pre_alarm=True).expect_told("nora", "mona")
    play.at(1).says("smoke-1", fire=True).expect_told("nora", "ned", "nick")


def test_what_was_told_in_the_evening_is_not_repeated_at_night_nor_is_its_end() -> None:
    late = {"hours": {"from": "23:10", "until": "07:00"}, "classes": ["supervisory"]}
    play = _play(quiet=late)
    play.at(0).says("ext-1", pressure_kpa=990.0).expect_told("nora", "mona")  # 23:06:40, repeated after ten minutes

    play.at(MORNING - 1).expect_told()
    play.at(MORNING).expect_told("nora", "mona")  # the repeat
    play.at(20 * HOUR).told()
    play.at(24 * HOUR + 5 * MINUTE).says("ext-1", pressure_kpa=1100.0)  # 23:11

    play.expect_told()
    assert not play.engine.incidents


def test_a_worse_condition_that_joins_at_night_waits_too() -> None:
    play = _play(quiet=QUIET)
    play.at(0).says("smoke-1", fault=True)
    play.at(10).says("ext-1", pressure_kpa=990.0).expect_told()

    assert people(play.at(MORNING).told()) == {"nora", "mona"}


def test_quiet_hours_and_a_restart_in_them_change_nothing() -> None:
    straight, restarted = _play(quiet=QUIET), _play(quiet=QUIET)
    for play in (straight, restarted):
        play.at(0).says("smoke-1", fault=True).at(HOUR)
    restarted.restart()

    for play in (straight, restarted):
        play.at(MORNING).expect_told("nora", "mona")
    assert straight.notices == restarted.notices


def test_quiet_hours_that_never_end_still_let_troubles_be_told_some_day() -> None:
    play = _play(quiet={"hours": {"from": "00:00", "until": "00:00"}, "classes": ["trouble"]})
    play.at(0).says("smoke-1", fault=True)

    assert play.incident.next_step_at_ms is not None
