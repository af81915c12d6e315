"""Rings outward, by class and time of day, each step with a named reason. Each test is one promise.

A scenario begins on Sunday 2025-06-15 at 23:06:40 in Shanghai.
"""

from __future__ import annotations

from typing import Any

from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from tests.scenarios.play import Play, people
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")
NIGHT = {"from": "22:00", "until": "06:00"}
DAY = {"from": "06:00", "until": "22:00"}


def _ring(call: str, after_s: float, **more: Any) -> dict[str, Any]:
    return {"call": call, "after_s": after_s, **more}


def _site_data(*rings: dict[str, Any], **plan: Any) -> dict[str, Any]:
    data = site_data()
    data["plan"]["kinds"]["fire"] |= {"rings": list(rings), "repeats_max": 0} | plan
    return data


def _homes(data: dict[str, Any], **homes: str) -> dict[str, Any]:
    for person in data["people"]:
        person["home"] = homes.get(person["id"])
    return data


def _far_teams(data: dict[str, Any], count: int) -> dict[str, Any]:
    """So many more teams of one person each, ever farther north of b-1."""
    for number in range(1, count + 1):
        name = f"far-{number}"
        data["people"].append({"id": name, "name": name, "channels": [{"channel": "console"}]})
        data["teams"].append({"id": name, "name": name, "leader": name})
        place = {**data["buildings"][0], "id": f"f-{number}", "team": name, "manager": None, "neighbours": []}
        data["buildings"].append(place | {"latitude": 30.0 + number / 100})
    return data


def test_the_rings_go_from_the_building_outward_each_with_its_own_reason() -> None:
    calls = ("building", "team", "neighbours", "manager", "grid-3", "grid-2", "grid-1", "contacts")
    rings = [_ring(call, number * 10) for number, call in enumerate(calls)]
    play = Play(small_site(_homes(_site_data(*rings), ned="b-1")))

    play.at(0).says("smoke-1", fire=True).expect_told("ned", reason=Reason.BUILDING)
    play.at(10).expect_told("nora", "nick", reason=Reason.OWN_TEAM)
    play.at(20).expect_told(*SOUTH, reason=Reason.NEIGHBOUR_TEAM)
    play.at(30).expect_told("mona", reason=Reason.MANAGER)
    for second, person in ((40, "grace"), (50, "greg"), (60, "gina")):
        play.at(second).expect_told(person, reason=Reason.GRID_CELL)
    play.at(70).expect_told("carl", reason=Reason.CONTACT)
    assert [dict(entry.facts)["who"] for entry in play.events("ring-called")] == list(calls)


def test_who_of_the_own_team_is_off_duty_is_a_ring_of_their_own() -> None:
    data = _site_data(_ring("team", 0), _ring("team-off-duty", 20), _ring("neighbours", 40))
    data["teams"][0]["shifts"] = [{"id": "night", "hours": NIGHT, "groups": [["ned"]]}]
    play = Play(small_site(data))

    play.at(0).says("smoke-1", fire=True).expect_told("ned", reason=Reason.OWN_TEAM)
    play.at(20).expect_told("nora", "nick", reason=Reason.OFF_DUTY)
    play.at(40).expect_told(*SOUTH)


def test_neighbouring_teams_are_called_by_distance_so_many_at_a_time_and_none_twice() -> None:
    rings = [_ring("neighbours", 0, nearest=2), _ring("neighbours", 30, nearest=2), _ring("neighbours", 60, nearest=2)]
    data = _far_teams(_site_data(*rings), 4)
    data["buildings"][0]["neighbours"] = []
    play = Play(small_site(data))

    play.at(0).says("smoke-1", fire=True).expect_told(*SOUTH, "far-1", reason=Reason.NEIGHBOUR_TEAM)
    play.at(30).expect_told("far-2", "far-3")
    play.at(60).expect_told("far-4")


def test_a_building_without_named_neighbours_calls_only_the_few_nearest_teams_and_not_the_whole_community() -> None:
    data = _far_teams(_site_data(_ring("neighbours", 0)), 30)
    data["buildings"][0]["neighbours"] = []
    play = Play(small_site(data))

    play.at(0).says("smoke-1", fire=True).expect_told(*SOUTH, "far-1", "far-2")


def test_named_neighbours_come_before_nearer_ones() -> None:
    data = _far_teams(_site_data(_ring("neighbours", 0, nearest=1), _ring("neighbours", 30, nearest=1)), 2)
    data["buildings"][0]["neighbours"] = ["f-2"]
    play = Play(small_site(data))

    play.at(0).says("smoke-1", fire=True).expect_told("far-2")
    play.at(30).expect_told(*SOUTH)


def test_a_ring_of_the_night_is_passed_over_by_day_and_does_not_delay_the_others() -> None:
    rings = [_ring("team", 0), _ring("neighbours", 30, hours=DAY), _ring("manager", 60, hours=NIGHT)]
    play = Play(small_site(_site_data(*rings)))

    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)
    play.at(59).expect_told()
    play.at(60).expect_told("mona", reason=Reason.MANAGER)
    assert "sam" not in people(play.at(600).told())


def test_a_first_ring_that_does_not_apply_now_makes_nobody_wait() -> None:
    play = Play(small_site(_site_data(_ring("team", 0, hours=DAY), _ring("neighbours", 30), _ring("manager", 60))))

    play.at(0).says("smoke-1", fire=True).expect_told(*SOUTH)
    play.at(30).expect_told("mona")


def test_a_ring_whose_hours_begin_during_the_call_is_called_in_its_time() -> None:
    later = {"from": "23:10", "until": "06:00"}  # 200 s after the scenario begins
    play = Play(small_site(_site_data(_ring("team", 0), _ring("neighbours", 300, hours=later), _ring("manager", 400))))

    play.at(0).says("smoke-1", fire=True).expect_told(*NORTH)
    play.at(300).expect_told(*SOUTH)
    play.at(400).expect_told("mona")


def test_when_no_ring_applies_now_the_contacts_are_called() -> None:
    play = Play(small_site(_site_data(_ring("team", 0, hours=DAY))))

    play.at(0).says("smoke-1", fire=True).expect_told("carl", reason=Reason.CONTACT)


def test_a_ring_that_names_a_lesser_class_is_told_of_it_beside_those_responsible() -> None:
    data = _site_data(_ring("team", 0), _ring("building", 0, classes=["pre-alarm"]))
    play = Play(small_site(_homes(data, gina="b-1")))

    play.at(0).says("smoke-1", pre_alarm=True).expect_told("nora", "mona", "gina")
    play.at(1).says("smoke-1", fire=True).expect_told(*NORTH)  # that ring is not for alarms


# --- the fire station -----------------------------------------------------------------------------


def _with_station(*rings: dict[str, Any]) -> Play:
    data = _site_data(*rings)
    data["fire_stations"] = [{"id": "gongshu", "name": "Gongshu", "phone": "0571-0000119"}]
    data["buildings"][0]["fire_station"] = "gongshu"
    data["buildings"][1]["fire_station"] = "gongshu"
    return Play(small_site(data))


def test_the_fire_stations_number_goes_to_leader_and_manager_as_information_and_nobody_calls_it_by_itself() -> None:
    play = _with_station(_ring("team", 0), _ring("fire-station", 60), _ring("neighbours", 90))
    play.at(0).says("smoke-1", fire=True).told()

    play.at(60)

    told = play.told()
    assert {(n.person, n.reason, n.expects_answer) for n in told} == {
        ("nora", Reason.FIRE_STATION, False),
        ("mona", Reason.FIRE_STATION, False),
    }
    play.at(90).expect_told(*SOUTH)  # the time of the plan runs on


def test_the_manager_who_was_told_the_number_is_still_called_in_their_ring() -> None:
    play = _with_station(_ring("team", 0), _ring("fire-station", 10), _ring("manager", 20))
    play.at(0).says("smoke-1", fire=True).at(10).told()

    play.at(20).expect_told("mona", reason=Reason.MANAGER)


def test_information_makes_nobody_wait_where_nobody_has_been_called() -> None:
    play = _with_station(_ring("team", 0), _ring("fire-station", 0), _ring("manager", 20), _ring("grid-3", 60))

    play.at(0).says("smoke-3", fire=True)  # b-2 has neither a team nor a manager

    assert {n.person for n in play.told() if n.expects_answer} == {"grace"}


# --- restart, refusals, a site that changes -------------------------------------------------------


def test_a_restart_between_any_two_rings_changes_nothing() -> None:
    rings = [
        _ring("team", 0),
        _ring("neighbours", 20, nearest=1),
        _ring("neighbours", 40, nearest=1, hours=NIGHT),
        _ring("manager", 60, hours=DAY),
        _ring("grid-3", 80),
    ]
    site = small_site(_far_teams(_site_data(*rings), 1))
    straight = Play(site)
    straight.at(0).says("smoke-1", fire=True).at(200)

    for second in (1, 19, 21, 39, 41, 61, 81):
        play = Play(site)
        play.at(0).says("smoke-1", fire=True).at(second).restart().at(200)
        assert (play.notices, play.incidents) == (straight.notices, straight.incidents)


def test_a_plan_that_has_become_shorter_meanwhile_ends_without_a_crash_and_somebody_is_called() -> None:
    play = Play(small_site(_site_data(_ring("team", 0), _ring("neighbours", 20), _ring("manager", 40))))
    play.at(0).says("smoke-1", fire=True).at(25).told()
    play.restart(small_site(_site_data(_ring("team", 0))))

    play.at(60).expect_told("carl")
    play.answers("nora", Answer.CANNOT)
