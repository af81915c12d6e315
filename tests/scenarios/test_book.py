"""The book of people is changed while nothing happens, while people are called, and over a restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from collector.alarms.incident import Answer
from collector.book.entries import (
    COMMUNITY,
    BookEntry,
    BuildingPost,
    CellPost,
    Change,
    Contacts,
    Section,
    key_of,
    put,
)
from collector.calls.dispatch import Reason
from collector.calls.reach import Reached
from collector.commands import ChangeBook, Delivered
from config.people import Person, Team
from config.profile import Profile
from tests.scenarios.play import Play
from tests.sites import site_data, small_site

Again = Callable[[Play], Play]


@pytest.fixture(params=["goes on", "starts anew"])
def then(request: pytest.FixtureRequest) -> Again:
    """What the collector does right after a change: nothing may depend on it."""
    return (lambda play: play) if request.param == "goes on" else Play.restart


def person(name: str, *channels: str, **more: Any) -> Person:
    addresses = [{"channel": channel, "to": to} for channel, _, to in (each.partition("=") for each in channels)]
    return Person.model_validate({"id": name, "name": name.title(), "channels": addresses, **more})


def team(name: str, leader: str, *members: str) -> Team:
    return Team(id=name, name=name, leader=leader, members=members)


def change(play: Play, *changes: Change) -> Play:
    return play.acts(ChangeBook(changes, "carl"))


def removed(name: str) -> Change:
    return Change(Section.PERSON, name)


def called(play: Play) -> set[str]:
    """Who has been asked to come and is still waited for."""
    return {n.person for n in play.notices.values() if n.expects_answer and n.superseded_at_ms is None}


# --- nothing happens ------------------------------------------------------------------------------


def test_a_new_member_is_called_to_the_next_fire(then: Again) -> None:
    play = Play()
    change(play, put("noel", person("noel", "console")), put("north", team("north", "nora", "ned", "nick", "noel")))
    then(play)

    play.says("smoke-1", fire=True)

    play.expect_told("nora", "ned", "nick", "noel", reason=Reason.OWN_TEAM)


def test_the_site_that_was_handed_in_stays_as_it_was() -> None:
    site = small_site()
    play = Play(site)

    change(play, put("ned", person("ned", "phone=1")), removed("nick"), put("north", team("north", "nora", "ned")))

    assert "nick" in site.people
    assert "nick" not in play.engine.roll.people
    assert site.people["ned"].channels[0].channel == "console"


def test_who_answers_for_a_cell_a_building_and_the_community_changes(then: Again) -> None:
    play = Play()
    change(
        play,
        put("yard", CellPost(person="greg")),
        put("b-1", BuildingPost(team="south", neighbours=("b-2",), gate_code="77#", access="north door")),
        put(COMMUNITY, Contacts(people=("gina",))),
    )
    then(play)

    play.says("smoke-1", fire=True)
    play.expect_told("sam", "sue")
    play.at(400)

    told = {(each.person, each.reason) for each in play.notices.values()}
    assert {("greg", Reason.GRID_CELL), ("gina", Reason.GRID_CELL)} <= told
    assert "carl" not in {name for name, _ in told}
    assert "mona" not in {name for name, _ in told}
    assert play.engine.roll.buildings["b-1"].gate_code == "77#"


def test_back_to_the_folder_drops_what_lies_over_it(then: Again) -> None:
    play = Play()
    change(play, put("ned", person("ned", "phone=1")))
    change(play, Change(Section.PERSON, "ned", to_folder=True))
    then(play)

    assert not play.engine.kept(BookEntry)
    assert play.engine.roll.people["ned"] == play.site.people["ned"]


def test_what_says_the_same_as_the_folder_is_no_entry() -> None:
    play = Play()

    change(play, put("ned", play.site.people["ned"]))

    assert not play.kept


def test_the_id_of_somebody_removed_stays_theirs(then: Again) -> None:
    play = Play()
    change(play, put("p-1", person("p-1", "console")))
    change(play, removed("p-1"))
    then(play)

    assert play.engine.kept(BookEntry)[key_of(Section.PERSON, "p-1")].value is None


def test_a_proof_of_another_number_proves_nothing(then: Again) -> None:
    play = Play()
    change(play, put("ned", person("ned", "phone=1")))
    play.acts(Delivered("n", "ned", 0, play.now))
    assert any(each.person == "ned" for each in play.engine.kept(Reached).values())

    change(play, put("ned", person("ned", "phone=2")))
    then(play)

    assert not any(each.person == "ned" for each in play.engine.kept(Reached).values())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([removed("nora")], "bad-book"),  # leads a team
        ([removed("mona")], "bad-book"),  # manages a building
        ([removed("grace")], "bad-book"),  # answers for a cell
        ([removed("carl")], "bad-book"),  # is the last contact
        ([removed("ned")], "bad-book"),  # is a member
        ([removed("nobody")], "unknown-entry"),
        ([put("ned", person("ned", "pigeon=1"))], "bad-book"),
        ([put("ned", person("other", "phone=1"))], "bad-book"),
        ([put("ned", person("ned", "phone=1", home="b-9"))], "bad-book"),
        ([put("ned", person("ned", "phone=1\nBcc: all"))], "bad-book"),
        ([put("ned", person("ned", "phone=1", "phone=1"))], "bad-book"),
        ([put("ned", person("ned", "phone=1").model_copy(update={"name": "n" * 200}))], "bad-book"),
        ([put("ned", person("ned", "phone=1").model_copy(update={"name": "a\u202eb"}))], "bad-book"),
        ([put("ned", person("ned", "phone=1").model_copy(update={"name": " "}))], "bad-book"),
        ([put("NED", person("NED", "phone=1"))], "bad-book"),  # differs only by case
        ([put("north", team("north", "nobody", "ned"))], "bad-book"),
        ([Change(Section.TEAM, "north")], "bad-book"),  # a building has it
        ([put("attic", CellPost(person="ned"))], "unknown-entry"),
        ([put("b-9", BuildingPost())], "unknown-entry"),
        ([Change(Section.CELL, "yard")], "bad-book"),
        ([put("yard", CellPost(person="nobody"))], "bad-book"),
        ([put("b-1", BuildingPost(team="nobody"))], "bad-book"),
        ([put("ned", person("ned", "phone=1")), removed("ned")], "bad-book"),
        ([put("ned", person("ned", "phone=1"), "another-digest")], "changed-meanwhile"),
        ([], "bad-book"),
    ],
)
def test_what_does_not_fit_is_refused_whole(changes: list[Change], reason: str) -> None:
    play = Play()
    fine = put("sue", person("sue", "phone=9"))

    assert play.refused(ChangeBook((fine, *changes) if changes else (), "carl")) == reason

    assert play.engine.roll == play.site.roll
    assert not play.engine.kept(BookEntry)


def test_a_leader_goes_together_with_who_leads_instead(then: Again) -> None:
    play = Play()

    change(play, removed("nora"), put("north", team("north", "ned", "nick")))
    then(play)

    play.says("smoke-1", fire=True)
    play.expect_told("ned", "nick")


def test_of_two_editors_the_second_is_told() -> None:
    play = Play()
    seen = play.engine.book.digest_of(Section.PERSON, "ned")
    change(play, put("ned", person("ned", "phone=1"), seen))

    assert play.refused(ChangeBook((put("ned", person("ned", "phone=2"), seen),), "carl")) == "changed-meanwhile"


# --- somebody is called ---------------------------------------------------------------------------


def test_a_member_removed_while_called_is_not_waited_for(then: Again) -> None:
    play = Play().says("smoke-1", fire=True)
    play.expect_told("nora", "ned", "nick")
    play.at(5)
    play.answers("nora", Answer.CANNOT)
    play.answers("nick", Answer.CANNOT)
    play.told()

    change(play, removed("ned"), put("north", team("north", "nora", "nick")))
    then(play)

    assert "ned" not in called(play)
    assert {"sam", "sue"} <= called(play), "nobody is left to wait for: the next ring is called at once"
    play.at(200)
    assert not [each for each in play.told() if each.person == "ned"]


def test_somebody_else_is_called_for_who_was_going_and_is_removed(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(5)
    play.answers("ned", Answer.GOING).answers("nora", Answer.GOING)
    assert play.incident.quorum_at_ms is not None
    play.told()

    change(play, removed("ned"), put("north", team("north", "nora", "nick")))
    then(play)

    assert play.incident.quorum_at_ms is None
    assert [each.reason for each in play.told() if each.expects_answer] == [Reason.REPLACEMENT]


def test_who_has_arrived_counts_though_removed(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(5)
    play.answers("ned", Answer.ARRIVED).answers("nora", Answer.GOING)

    change(play, removed("ned"), put("north", team("north", "nora", "nick")))
    then(play)

    assert play.incident.quorum_at_ms is not None


def test_a_new_number_is_called_at_once(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(50)
    play.told()

    change(play, put("ned", person("ned", "phone=2")))
    then(play)

    (notice,) = play.told()
    assert (notice.person, notice.channel, notice.reason) == ("ned", 0, Reason.NEW_ADDRESS)
    assert notice.next_repeat_at_ms is not None, "and repeated, as if for the first time"
    assert [each.id for each in play.notices.values() if each.person == "ned" and each.superseded_at_ms is None] == [
        notice.id
    ]


def test_a_wrong_number_that_is_mended_reaches_who_could_not_be_reached(then: Again) -> None:
    play = Play().says("smoke-1", fire=True)
    first = next(each for each in play.told() if each.person == "ned")
    play.at(3).fails(first)
    play.told()

    change(play, put("ned", person("ned", "phone=2")))
    then(play)

    play.expect_told("ned", reason=Reason.NEW_ADDRESS)
    play.answers("ned", Answer.GOING)
    assert any(each.person == "ned" and each.answer is Answer.GOING for each in play.incident.responses)


def test_who_has_answered_is_not_called_on_their_new_number(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(5)
    play.answers("ned", Answer.GOING)
    play.acknowledges("nick")
    play.told()

    change(play, put("ned", person("ned", "phone=2")), put("nick", person("nick", "phone=3")))
    then(play)

    play.expect_told()


def test_a_new_member_is_called_with_the_ring_that_has_been_called(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(10)
    play.told()

    change(play, put("noel", person("noel", "console")), put("north", team("north", "nora", "ned", "nick", "noel")))
    then(play)

    play.expect_told("noel", reason=Reason.OWN_TEAM)
    next_at = play.incident.next_step_at_ms
    assert next_at is not None
    assert next_at - play.incident.call_started_at_ms == 30_000, "the next ring is neither put off nor hurried"


def test_a_building_that_gets_another_team_calls_it(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(10)
    play.told()

    change(play, put("b-1", BuildingPost(manager="mona", team="south", neighbours=("b-2", "b-3"))))
    then(play)

    play.expect_told("sam", "sue", reason=Reason.OWN_TEAM)


def test_a_change_of_other_people_tells_nobody(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(10)
    play.told()
    before = play.incident

    change(play, put("greg", person("greg", "phone=5")))
    then(play)

    play.expect_told()
    assert play.incident == before


def test_a_call_that_has_ended_stays_ended(then: Again) -> None:
    play = Play().says("smoke-1", fire=True).at(5)
    play.stands_down("nora")
    play.told()

    change(play, removed("ned"), put("noel", person("noel", "console")), put("north", team("north", "nora", "noel")))
    then(play)

    play.at(100).expect_told()


def test_news_named_for_somebody_removed_go_to_whoever_is_responsible(then: Again) -> None:
    data = site_data()
    data["plan"]["preflight"] = {"test_at": None}
    data["channels"]["console"]["rings"] = True
    play = Play(small_site(data)).at(1)
    change(play, put("sam", person("sam", "mail=1")))
    change(play, put("south", team("south", "sue", "sam")))
    then(play)
    play.at(120)

    change(play, removed("sam"), put("south", team("south", "sue")))
    then(play)
    play.at(240)

    assert not [each for each in play.engine.alarms.values() if "sam" in (each.value or "")]


def test_an_elevators_troubles_go_to_the_manager_of_now(then: Again) -> None:
    data = site_data()
    lift = next(each for each in data["gateways"][0]["buses"][0]["devices"] if each["id"] == "lift-1")
    lift["lift"] = {"contractor": "gina"}
    word = {"fault": {"bit": 1, "class": "trouble", "kind": "fault", "text": {"en": "fault", "zh": "故障"}}}
    text = {"en": "faults", "zh": "故障"}
    faults = {"table": "input", "address": 0, "text": text, "heartbeat_s": 30, "class": "state", "bits": word}
    model = {"profile": "lift", "title": text, "source": "made for tests", "category": "lift"}
    play = Play(small_site(data, lift=Profile.model_validate(model | {"points": {"word": faults}})))
    change(play, put("b-1", BuildingPost(manager="greg", team="north", neighbours=("b-2", "b-3"))))
    then(play)

    play.says("lift-1", fault=True)

    play.expect_told("gina", "greg", reason=Reason.NAMED)


# --- the folder has changed -----------------------------------------------------------------------


def test_what_no_longer_fits_the_folder_is_left_out_and_told() -> None:
    play = Play()
    change(play, put("noel", person("noel", "phone=1")))
    change(play, put("ned", person("ned", "phone=1")))
    data = site_data()
    data["channels"].pop("phone")
    for each in data["people"]:
        each["channels"] = [{"channel": "console"}]

    play.restart(small_site(data)).at(1)

    assert play.engine.roll.people["ned"].channels[0].channel == "console"
    assert "noel" not in play.engine.roll.people
    assert len(play.engine.kept(BookEntry)) == 2, "kept for a folder that they fit again"
    assert play.engine.alarms["system:book"].source_active
    play.restart(small_site()).at(2)
    assert "noel" in play.engine.roll.people
    assert "system:book" not in play.engine.alarms


def test_somebody_removed_whom_the_folder_needs_again_is_there_again() -> None:
    play = Play()
    change(play, removed("ned"), put("north", team("north", "nora", "nick")))
    data = site_data()
    data["contacts"] = ["carl", "ned"]

    play.restart(small_site(data))

    assert "ned" in play.engine.roll.people
