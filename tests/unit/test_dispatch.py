"""Who belongs to which ring."""

from __future__ import annotations

import pytest

from collector.calls.dispatch import Reason, leaders, people_of, responsible
from tests.sites import site_data, small_site

SITE = small_site()


@pytest.mark.parametrize(
    ("building", "call", "people"),
    [
        ("b-1", "team", ["nora", "ned", "nick"]),
        ("b-1", "neighbours", ["sam", "sue"]),
        ("b-1", "manager", ["mona"]),
        ("b-1", "grid-3", ["grace"]),
        ("b-1", "grid-2", ["greg"]),
        ("b-1", "grid-1", ["gina"]),
        ("b-1", "contacts", ["carl"]),
        ("b-2", "team", []),
        ("b-2", "neighbours", ["nora", "ned", "nick", "sam", "sue"]),
        ("b-2", "manager", []),
        ("b-3", "neighbours", ["nora", "ned", "nick"]),  # its neighbour has no team: by distance
        ("", "team", ["carl"]),
    ],
)
def test_a_ring_is_who_stands_near(building: str, call: str, people: list[str]) -> None:
    assert [person for person, _ in people_of(SITE, building, call)] == people


def test_every_reason_says_why() -> None:
    calls = ("team", "neighbours", "manager", "grid-3", "contacts")
    reasons = [people_of(SITE, "b-1", call)[0][1] for call in calls]
    assert reasons == [Reason.OWN_TEAM, Reason.NEIGHBOUR_TEAM, Reason.MANAGER, Reason.GRID_CELL, Reason.CONTACT]


@pytest.mark.parametrize(
    ("building", "people"),
    [("b-1", ["nora", "mona"]), ("b-2", ["nora", "sam"]), ("b-3", ["sam"]), ("", ["carl"])],
)
def test_what_is_no_call_out_is_told_to_those_responsible(building: str, people: list[str]) -> None:
    assert [person for person, _ in responsible(SITE, building)] == people


def test_nobody_is_told_twice_though_leader_and_manager_are_one() -> None:
    data = site_data()
    data["buildings"][0]["manager"] = "nora"

    assert responsible(small_site(data), "b-1") == [("nora", Reason.OWN_TEAM)]


def test_a_building_without_anybody_tells_the_contacts() -> None:
    data = site_data()
    for building in data["buildings"]:
        building["team"] = None

    assert responsible(small_site(data), "b-2") == [("carl", Reason.CONTACT)]


def test_leaders_are_the_own_teams_and_the_neighbours() -> None:
    assert leaders(SITE, "b-1") == (["nora"], ["sam"])
    assert leaders(SITE, "b-2") == ([], ["nora", "sam"])
