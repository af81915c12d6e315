"""Many troubles at once are told in few notices; nothing is dropped, and a fire among them is its own call, first."""

from __future__ import annotations

from typing import Any

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer, Incident
from collector.calls.digest import Untold
from collector.calls.dispatch import Notice, Reason
from collector.commands import Acknowledge, Answered
from config.site import Site
from tests.scenarios.play import Play
from tests.sites import site_data, small_site

BUILDINGS = 40  # each with three heads, all in the care of one team's leader
HEADS = [f"head-{building}-{number}" for building in range(BUILDINGS) for number in range(3)]
WAIT_S = 10


def lane_of(buildings: int = BUILDINGS, **plan: Any) -> Site:
    """A lane of many buildings under one team and one manager."""
    data = site_data()
    first, device = data["buildings"][0], data["gateways"][0]["buses"][0]["devices"][0]
    data["plan"] |= {"group_troubles_s": WAIT_S, **plan}
    data["buildings"] += [first | {"id": f"h-{n}", "name": f"house {n}"} for n in range(buildings)]
    for number in range(buildings):
        place = {"building": f"h-{number}", "floor": 1}
        heads = [device | {"id": f"head-{number}-{n}", "unit": n + 1, "place": place} for n in range(3)]
        bus = {"id": f"bus-h-{number}", "type": "tcp", "host": "127.0.0.1", "devices": heads}
        data["gateways"][0]["buses"].append(bus)
    return small_site(data)


def small(**plan: Any) -> Play:
    data = site_data()
    data["plan"] |= {"group_troubles_s": WAIT_S, **plan}
    return Play(small_site(data))


def sent(play: Play) -> list[Notice]:
    return [notice for notice in play.told() if notice.told_in is None]


def of_building(play: Play, building: str) -> Incident:
    (found,) = (each for each in play.engine.incidents.values() if each.building == building)
    return found


def test_a_hundred_and_twenty_troubles_are_one_notice_for_each_person_concerned() -> None:
    play = Play(lane_of())
    play.at(0)
    for head in HEADS:
        play.says(head, fault=True)

    assert sent(play.at(WAIT_S - 0.1)) == []
    told = sent(play.at(WAIT_S))

    assert sorted(notice.person for notice in told) == ["mona", "nora"]
    assert all(len({notice.incident, *notice.others}) == BUILDINGS for notice in told)
    assert sent(play.at(300)) == []


def test_a_fire_among_a_flood_of_troubles_is_its_own_call_at_once() -> None:
    play = Play(lane_of())
    play.at(0)
    for number, head in enumerate(HEADS):
        play.says(head, fault=True)
        if number == 60:
            play.says("head-7-0", fire=True)

    play.expect_told("nora", "ned", "nick", reason=Reason.OWN_TEAM)
    told = sent(play.at(WAIT_S))
    assert sorted(notice.person for notice in told) == ["mona", "nora"]
    assert play.incident_of("fire", "h-7").full_call


def test_a_lone_trouble_is_told_as_itself_after_the_wait() -> None:
    play = small()
    play.at(0).says("smoke-1", fault=True).expect_told()

    told = sent(play.at(WAIT_S))

    assert sorted(notice.person for notice in told) == ["mona", "nora"]
    assert all(notice.others == () for notice in told)


def test_each_incident_of_a_flood_knows_who_was_told_of_it() -> None:
    play = Play(lane_of())
    play.at(0)
    for head in HEADS:
        play.says(head, fault=True)
    play.at(WAIT_S)

    for incident in play.engine.incidents.values():
        people = {notice.person for notice in play.notices.values() if notice.incident == incident.id}
        told = {entry.person for entry in play.events("told-together") if entry.incident == incident.id}
        assert people == told == {"mona", "nora"}


def test_who_answers_the_common_notice_has_answered_every_incident_in_it() -> None:
    play = Play(lane_of(4))
    play.at(0)
    for number in range(4):
        play.says(f"head-{number}-0", supervisory=True)
    common = next(notice for notice in sent(play.at(WAIT_S)) if notice.person == "nora")

    play.at(20).acts(Answered(common.incident, "nora", Answer.GOING))

    assert all(each.acknowledged_by == ("nora",) for each in play.engine.incidents.values())
    assert all(each.responses[0].answer is Answer.GOING for each in play.engine.incidents.values())
    assert all(alarm.phase is Phase.ACKNOWLEDGED for alarm in play.engine.alarms.values())


def test_a_seen_common_notice_is_not_repeated_and_an_unseen_one_is_as_one() -> None:
    play = Play(lane_of(4))
    play.at(0)
    for number in range(4):
        play.says(f"head-{number}-0", supervisory=True)
    common = next(notice for notice in sent(play.at(WAIT_S)) if notice.person == "nora")
    play.at(20).acts(Acknowledge(common.incident, "nora"))

    repeated = sent(play.at(WAIT_S + 600))

    assert [(notice.person, notice.due) for notice in repeated] == [("mona", 2)]


def test_a_question_goes_on_though_the_incident_that_carried_it_is_over() -> None:
    play = Play(lane_of(3))
    play.at(0)
    for number in range(3):
        play.says(f"head-{number}-0", supervisory=True)
    common = next(notice for notice in sent(play.at(WAIT_S)) if notice.person == "nora")
    first = play.engine.incidents[common.incident].building.removeprefix("h-")
    play.at(60).says(f"head-{first}-0", supervisory=False).at(300).told()

    repeated = [notice for notice in sent(play.at(WAIT_S + 600)) if notice.person == "nora"]

    assert len(repeated) == 1 and repeated[0].incident != common.incident and len(repeated[0].others) == 1


def test_a_common_notice_that_cannot_be_delivered_goes_over_the_next_channel_with_all_it_says() -> None:
    data = site_data()
    data["plan"]["group_troubles_s"] = WAIT_S
    data["teams"][0]["leader"] = "nick"
    data["teams"][0]["members"] = ["nora", "ned"]
    play = Play(small_site(data))
    play.at(0).says("smoke-1", fault=True).says("ext-1", pressure_kpa=990.0)
    common = next(notice for notice in sent(play.at(WAIT_S)) if notice.person == "nick")

    play.at(12).fails(common)

    (second,) = sent(play)
    assert (second.person, second.channel, second.reason) == ("nick", 1, Reason.CHANNEL_FAILED)
    assert {second.incident, *second.others} == {common.incident, *common.others}


def test_if_a_common_notice_reaches_nobody_the_contacts_are_told_of_all_of_it() -> None:
    data = site_data()
    data["plan"]["group_troubles_s"] = WAIT_S
    data["buildings"][0]["manager"] = None
    play = Play(small_site(data))
    play.at(0).says("smoke-1", fault=True).says("ext-1", pressure_kpa=990.0)
    (common,) = sent(play.at(WAIT_S))

    play.at(12).fails(common).at(60)

    (told,) = [notice for notice in sent(play) if notice.person == "carl"]
    assert {told.incident, *told.others} == {common.incident, *common.others}


def test_troubles_that_end_together_are_told_in_one_notice_too() -> None:
    play = Play(lane_of())
    play.at(0)
    for head in HEADS:
        play.says(head, fault=True)
    play.at(60).told()
    for head in HEADS:
        play.says(head, fault=False)
    assert not play.engine.incidents

    over = sent(play.at(120))

    assert sorted(notice.person for notice in over) == ["mona", "nora"]
    assert all(notice.reason is Reason.CLOSED and len(notice.others) == BUILDINGS - 1 for notice in over)


def test_that_enough_are_going_to_one_thing_is_not_told_as_the_end_of_another() -> None:
    play = small()
    play.at(0).says("smoke-1", fault=True).says("smoke-2", supervisory=True)
    play.at(60).told()
    equipment = play.incident_of("equipment")
    play.acts(Answered(equipment.id, "nora", Answer.GOING)).says("smoke-1", fault=False)
    assert play.engine.incidents.keys() == {equipment.id}

    news = sent(play.at(120))

    assert {(n.person, n.reason) for n in news} == {
        (person, reason) for person in ("nora", "mona") for reason in (Reason.QUORUM_REACHED, Reason.CLOSED)
    }
    assert not any(notice.others for notice in news)


def test_a_trouble_that_is_over_before_it_is_told_is_told_as_over() -> None:
    play = small()
    play.at(0).says("smoke-1", fault=True).at(3).says("smoke-1", fault=False)

    told = sent(play.at(60))

    assert {(notice.person, notice.reason) for notice in told} == {("nora", Reason.CLOSED), ("mona", Reason.CLOSED)}


def test_a_storm_that_goes_on_is_told_ever_more_seldom() -> None:
    play = Play(lane_of())
    count = 0
    for second in range(0, 1200, 30):
        play.at(second).says(f"head-{second // 30}-0", fault=True)
        count += sum(notice.person == "nora" for notice in sent(play))
    count += sum(notice.person == "nora" for notice in sent(play.at(2400)))

    assert count <= 8
    told = [each for notice in play.notices.values() if notice.person == "nora" for each in [notice.incident]]
    assert set(told) == set(play.engine.incidents)  # and nothing was left out


def test_what_waits_to_be_told_is_told_once_after_a_restart_in_its_time() -> None:
    play = Play(lane_of(4))
    play.at(0).says("head-3-1", fault=True).at(60).told()
    play.at(100)
    for number in range(3):
        play.says(f"head-{number}-0", fault=True)
    play.says("head-3-1", fault=False)
    assert any(kept[0] is Untold for kept in play.kept)

    play.at(105).restart().at(104 + WAIT_S)
    told = sent(play.at(140))

    assert sorted((notice.person, notice.reason is Reason.CLOSED) for notice in told) == [
        ("mona", False),
        ("mona", True),
        ("nora", False),
        ("nora", True),
    ]
    assert sent(play.restart().at(600)) == []


def test_two_hundred_silent_heads_of_one_lane_do_not_make_two_hundred_notices() -> None:
    silent = [head for head in HEADS if not head.endswith("-2")]  # a head of each bus still speaks
    play = Play(lane_of()).mute(*silent)

    told = sent(play.at(120))

    assert len(play.engine.alarms) == len(silent)
    assert len(told) == 2
