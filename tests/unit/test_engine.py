"""The engine's door itself; what it decides is played in tests/scenarios."""

from __future__ import annotations

from collector.commands import DeliveryFailed
from collector.engine import Engine
from collector.session.effects import Presence
from config.loader import load_site
from config.words import Edge, Lane, Quality, Reading, Report
from tests.scenarios.play import START_MS, Play, reading
from tests.sites import GROUP, small_site

DEMO = "config/sites/demo"


def _report(device: str, *readings: Reading, position: int = 1) -> Report:
    return Report(Edge(GROUP, "gw-1"), device, Lane.ALARM, "e", position, 0, START_MS, False, readings)


def test_what_changes_nothing_is_an_empty_decision() -> None:
    engine = Play().engine
    engine.feed(_report("smoke-1", reading("fire", False)), START_MS)

    decision = engine.feed(_report("smoke-1", reading("fire", False), position=2), START_MS + 1)

    assert decision.empty and not decision.urgent


def test_an_alarm_and_a_notice_are_urgent_and_a_sign_of_life_is_not() -> None:
    engine = Engine(small_site(), None, START_MS)
    birth = engine.feed(Presence(Edge(GROUP, "gw-1"), None, True, "birth"), START_MS)
    fire = engine.feed(_report("smoke-1", reading("fire", True)), START_MS)
    again = engine.wake(START_MS + 20_000)

    assert (birth.empty, birth.urgent) == (False, False)
    assert fire.urgent and again.urgent


def test_waking_early_or_late_does_no_harm() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True)
    at = play.engine.wake_at()
    assert at is not None

    assert play.engine.wake(at - 1).empty
    assert not play.engine.wake(at + 5000).empty
    assert play.engine.wake(at + 5000).empty


def test_only_what_could_end_a_condition_may_have_to_wait() -> None:
    engine = Play().engine

    assert engine.may_return(_report("smoke-1", reading("heat", True), reading("fire", False)))
    assert engine.may_return(_report("ext-1", reading("pressure_kpa", 1100.0)))
    assert engine.may_return(_report("smoke-1", reading("state/unknown", 0)))
    assert not engine.may_return(_report("smoke-1", reading("fire", True)))
    assert not engine.may_return(_report("smoke-1", reading("fire", None)))
    assert not engine.may_return(_report("smoke-1", reading("fire", False, Quality.STALE)))
    assert not engine.may_return(_report("smoke-1", reading("temperature_c", 20.0)))
    assert not engine.may_return(_report("stranger", reading("fire", False)))


def test_a_failed_delivery_of_a_notice_that_is_gone_changes_nothing() -> None:
    assert Play().engine.act(DeliveryFailed("0", "refused"), START_MS).empty


def test_the_demo_community_calls_the_neighbours_of_a_building_without_a_team() -> None:
    site = load_site(DEMO)
    engine = Engine(site, None, START_MS)
    (building,) = (b for b in site.buildings.values() if b.team is None and b.manager is None and b.id == "b-3")
    device = next(d for d in site.devices.values() if d.place.building == building.id and d.profile == "sm-1")
    edge = Edge(site.community.id, site.gateway_of[device.id])

    fire = Report(edge, device.id, Lane.ALARM, "e", 1, 0, START_MS, False, (reading("fire", True),))
    decision = engine.feed(fire, START_MS)

    called = {notice.person for notice in decision.notices}
    teams = [site.teams[site.buildings[b].team or ""] for b in building.neighbours if site.buildings[b].team]
    assert called == {person for team in teams for person in engine.roster.on_duty(team.id, START_MS)}
    assert {team.leader for team in teams} <= called and "liu-yang" not in called  # it is not his turn this night
