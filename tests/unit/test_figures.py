"""The collector's own figures: what each row says, that rows of one thing overwrite themselves, and that no row names
people."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from collector.alarms.incident import Answer
from collector.alarms.measures import Disablement, Scope
from collector.calls.drill import Drill
from collector.commands import Disable, EndDrill, FalseAlarm, StartDrill
from collector.equipment.liftlog import LiftLog
from collector.equipment.rescue import Rescue
from collector.figures.apart import apart
from collector.figures.community import building_rows, community_row, held_by_building
from collector.figures.equipment import device_row, equipment_rows
from collector.figures.gateways import JournalCounts, bus_rows, gateway_row
from collector.figures.happenings import Measure, call_rows, ended_row, incident_row, measure_rows, rescue_rows
from collector.session.tellings import BusTelling, GatewayTelling
from collector.storage.series import Row
from config.busfigures import BusFigures
from config.figures import MEASUREMENTS
from config.loader import load_site
from config.profile import Kind
from config.site import Site
from config.words import Lane
from tests.scenarios.play import Play
from tests.sites import small_site

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"


def incident_rows(play: Play, incident_id: str) -> list[Row]:
    """The incident's own row and those of its teams, as a writer would make them."""
    incident = play.incidents[incident_id]
    notices = [notice for notice in play.notices.values() if notice.incident == incident_id]
    return [incident_row(play.site, incident, notices, play.now), *call_rows(play.site, incident, notices)]


def everything(play: Play) -> list[Row]:
    """Every row that can be made now."""
    site, engine, now = play.site, play.engine, play.now
    rows = [
        community_row(site, engine, 3, now),
        *building_rows(site, engine, held_by_building(engine), site.buildings, now),
    ]
    for device in site.devices.values():
        rows += [device_row(site, device, True, 0, now), *equipment_rows(site, engine, device, {}, now)]
    for gateway in site.gateways:
        states = [engine.devices[name] for name, of in site.gateway_of.items() if of == gateway]
        counts = {lane: JournalCounts(7, 1, 0, 6) for lane in Lane}
        telling = GatewayTelling(clock_offset_ms=-40)
        for requests, at_ms in ((100, now - 60_000), (220, now)):
            told = BusFigures(requests, requests - 2, 2, 0, 0, 5.5, 9.0, 0.25, 0.4, 3, 0)
            for bus in site.gateways[gateway].buses:
                known = telling.buses.setdefault(bus.id, BusTelling(told, at_ms, told, at_ms))
                known.take(told, at_ms)
        rows.append(gateway_row(site, engine, gateway, states, counts, telling, now))
        rows += bus_rows(site, engine, gateway, telling, now)
    for name in play.incidents:
        rows += incident_rows(play, name)
    rows += rescue_rows(site, engine.kept(LiftLog).values(), engine.kept(Rescue).values(), now)
    measures: list[Measure] = [*engine.kept(Disablement).values(), *engine.kept(Drill).values()]
    for measure in measures:
        rows += measure_rows(site, measure, None)
    return rows


def test_an_incident_is_one_row_from_its_opening_to_its_end() -> None:
    play = Play().says("smoke-1", fire=True)
    name = play.incident.id
    opened = incident_rows(play, name)[0]
    assert opened.tags["building"] == "b-1" and opened.tags["kind"] == "fire" and opened.tags["mode"] == "live"
    assert opened.fields["open"] == 1 and "ended_ms" not in opened.fields and "quorum_s" not in opened.fields
    leader = play.site.teams["north"].leader
    play.at(12).answers(leader, Answer.GOING).at(60).answers(leader, Answer.ARRIVED)
    play.acts(FalseAlarm(name, leader))
    play.at(90).says("smoke-1", fire=False).acknowledges(leader).resets(leader)
    closed, *calls = incident_rows(play, name)
    assert (closed.time_ns, closed.tags) == (opened.time_ns, opened.tags)
    assert closed.fields["open"] == 0 and closed.fields["duration_s"] == 90
    assert closed.fields["ended_ms"] == play.now and closed.fields["first_answer_s"] == 12
    assert (closed.fields["false_alarm"], closed.fields["cause"]) == (1, "smoke-detector")
    assert closed.fields["called_out"] == 1 and closed.fields["called"] >= 2
    north = next(row for row in calls if row.tags["team"] == "north")
    assert (north.fields["going_s"], north.fields["arrival_s"]) == (12, 60)
    assert closed.fields["teams"].startswith(north.fields["team_name"])  # type: ignore[union-attr, arg-type]


def test_a_building_is_as_bad_as_the_worst_that_holds_there_and_calm_without() -> None:
    play = Play()

    def state(building: str) -> float:
        (row,) = building_rows(play.site, play.engine, held_by_building(play.engine), [building], play.now)
        return float(row.fields["state"])

    assert (state("b-1"), state("b-2")) == (0, 0)
    play.says("smoke-1", fault=True)
    assert state("b-1") == 2
    play.at(5).says("smoke-1", pre_alarm=True)
    assert state("b-1") == 4
    play.at(9).says("smoke-2", fire=True)
    assert (state("b-1"), state("b-2")) == (5, 0)
    row = community_row(play.site, play.engine, 0, play.now)
    assert row.fields["buildings_calm"] == len(play.site.buildings) - 1
    assert (row.fields["incidents_fire"], row.fields["conditions_pre_alarm"]) == (1, 1)


def test_what_is_disabled_or_exercised_makes_no_building_look_as_if_it_burns() -> None:
    play = Play()
    manager = play.site.contacts[0]
    play.acts(Disable(Scope.DEVICE, "smoke-1", manager, "painting", 60)).says("smoke-1", fire=True)
    play.acts(StartDrill(manager, ("b-2",), Kind.FIRE, 10))
    held = held_by_building(play.engine)
    first, second = building_rows(play.site, play.engine, held, ["b-1", "b-2"], play.now)
    assert (first.fields["state"], first.fields["conditions_alarm"]) == (1, 0)
    assert (second.fields["state"], second.fields["incidents_open"]) == (1, 0)
    assert community_row(play.site, play.engine, 0, play.now).fields["drills_open"] == 1


def test_a_measure_is_one_row_a_building_that_says_when_it_ended() -> None:
    play = Play()
    manager = play.site.contacts[0]
    play.acts(StartDrill(manager, ("b-1", "b-2"), Kind.FIRE, 10))
    (drill,) = play.engine.kept(Drill).values()
    begun = list(measure_rows(play.site, drill, None))
    assert [row.tags["building"] for row in begun] == ["b-1", "b-2"] and begun[0].time_ns != begun[1].time_ns
    play.at(60).acts(EndDrill(drill.id, manager))
    (ended,) = play.engine.kept(Drill).values()
    rows = list(measure_rows(play.site, ended, ended.ended_at_ms))
    assert [(row.time_ns, row.tags) for row in rows] == [(row.time_ns, row.tags) for row in begun]
    assert rows[0].fields["open"] == 0 and rows[0].fields["ended_ms"] == play.now
    # Found open in the history after a restart: it ended by its time, or at the latest now.
    assert ended_row(begun[0], play.now).fields["ended_ms"] == play.now
    assert ended_row(begun[0], play.now + 10**9).fields["ended_ms"] == drill.ends_at_ms


def test_a_measure_that_a_newer_version_has_told_is_ended_where_it_stands() -> None:
    told = Row(
        {"building": "b-1", "kind": "drill", "wing": "east"}, 7, {"id": "m-1", "open": 1.0, "badge": "x"}, "measure"
    )
    ended = ended_row(told, 90)
    assert (ended.tags, ended.time_ns) == (told.tags, told.time_ns)
    assert ended.fields == {"id": "m-1", "open": 0.0, "badge": "x", "ended_ms": 90.0}


def test_a_fault_of_the_figures_is_counted_and_told_and_ends_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    counters, again = Counter[str](), asyncio.Event()

    async def broken() -> None:
        if counters["figures-faults"] == 2:
            again.set()
            await asyncio.Event().wait()
        raise KeyError("no such field")

    async def main() -> None:
        part = asyncio.create_task(apart("figures", broken, counters, again_after_s=0))
        async with asyncio.timeout(5):
            await again.wait()
        assert not part.done()
        part.cancel()
        assert isinstance((await asyncio.gather(part, return_exceptions=True))[0], asyncio.CancelledError)

    asyncio.run(main())
    assert counters == {"figures-faults": 2}
    assert [record.levelname for record in caplog.records] == ["CRITICAL"] * 2 and "no such field" in caplog.text


def test_a_rescue_is_in_time_late_or_not_to_be_said_yet() -> None:
    play = Play().says("lift-1", trapped=True)

    def row() -> Row:
        (found,) = rescue_rows(play.site, (), play.engine.kept(Rescue).values(), play.now)
        return found

    assert "within_limit" not in row().fields
    limit_s = float(row().fields["limit_s"])
    play.at(limit_s + 1)
    assert row().fields["within_limit"] == 0 and "arrived_s" not in row().fields


@pytest.mark.parametrize("site", [small_site(), load_site(DEMO)], ids=["small", "demo"])
def test_every_row_has_the_shape_of_its_measurement_and_no_row_names_people(site: Site) -> None:
    play = Play(site)
    manager = site.contacts[0]
    fires = [each for each in site.devices.values() if site.profiles[each.profile].category == "smoke-detector"]
    play.says(fires[0].id, fire=True)
    play.acts(Disable(Scope.DEVICE, fires[1].id, manager, "painting", 60, watch=manager))
    rows = everything(play.at(30))
    assert {row.measurement for row in rows} >= {"community", "building", "device", "gateway", "incident", "call"}
    buses = [row for row in rows if row.measurement == "bus"]
    assert {row.fields["requests"] for row in buses} == {120} and {row.fields["busy"] for row in buses} == {0.4}
    for row in rows:
        shape = MEASUREMENTS[row.measurement]
        assert set(row.tags) <= set(shape.tags) and row.fields.keys() <= {*shape.numbers, *shape.words}, row
        assert all(isinstance(row.fields[name], float) for name in row.fields.keys() & set(shape.numbers)), row
        said = " ".join([*row.tags.values(), *(str(row.fields.get(name, "")) for name in shape.words)])
        for person in site.people.values():
            names = {person.id, person.name} - {"north", "south"}
            assert not [name for name in names if name in said.split()], (row, person.id)
