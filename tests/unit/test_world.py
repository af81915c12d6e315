"""Promises of the simulated community: same seed, same world; smoke, pressure and elevators behave as things do."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loader import load_site
from config.profile import Table
from config.site import Site
from simulator.actions import (
    Action,
    Clear,
    Discharge,
    Entrap,
    Force,
    Ignite,
    Leak,
    Puff,
    Refill,
    Release,
    Rescue,
    Weather,
)
from simulator.world import Event, Impossible, World

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"
FIRE = Ignite(building="b-3", floor=5, flat="502", pace=15)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(DEMO)


def everything(world: World) -> dict[str, object]:
    return {device: world.registers(device) for device in sorted(world.devices)}


def inputs(world: World, device: str) -> dict[int, int]:
    return world.registers(device)[Table.INPUT]


def first(events: list[Event], device: str, bit: int) -> float:
    return next(event.at_s for event in events if event.device == device and event.word >> bit & 1)


def test_same_seed_and_actions_give_the_same_registers(site: Site) -> None:
    one, other = World(site, 7), World(site, 7)
    for world in (one, other):
        world.advance(10)
        world.act(FIRE)
        world.advance(40)

    assert everything(one) == everything(other)


def test_how_the_ticks_are_grouped_changes_nothing(site: Site) -> None:
    at_once, by_and_by = World(site, 7), World(site, 7)
    events = at_once.advance(60)
    piecemeal = [event for step in range(1, 601) for event in by_and_by.advance(step / 10)]

    assert events == piecemeal
    assert everything(at_once) == everything(by_and_by)


def test_another_seed_gives_another_world(site: Site) -> None:
    one, other = World(site, 1), World(site, 2)
    one.advance(60)
    other.advance(60)

    assert everything(one) != everything(other)


def test_smoke_reaches_the_flat_then_the_stairwell_then_the_floor_above(site: Site) -> None:
    world = World(site, 1)
    world.act(FIRE)
    events = world.advance(15)

    kitchen, stairs, above = (first(events, f"smoke-b3-{at}", 1) for at in ("502", "stairs-5", "stairs-6"))
    assert kitchen < stairs < above
    assert first(events, "smoke-b3-502", 9) < kitchen, "a pre-alarm comes first"
    assert not [event for event in events if event.device in ("smoke-b3-301", "smoke-b2-402")], "smoke rises"


def test_a_real_fire_takes_its_time(site: Site) -> None:
    world = World(site, 1)
    world.act(FIRE.model_copy(update={"pace": 1.0}))

    assert 30 < first(world.advance(120), "smoke-b3-502", 1) < 90


def test_smoke_clears_and_the_heads_return_to_normal(site: Site) -> None:
    world = World(site, 1)
    world.act(FIRE)
    world.advance(15)
    world.act(Clear(building="b-3", pace=15))
    world.advance(40)

    assert inputs(world, "smoke-b3-502")[0] == 0x0001
    assert inputs(world, "smoke-b3-502")[5] == 1, "the alarm is counted"
    assert inputs(world, "smoke-b3-502")[1] < 20


def test_a_burning_flat_is_warmer(site: Site) -> None:
    world = World(site, 1)
    before = inputs(world, "smoke-b3-502")[2]
    world.act(FIRE)
    world.advance(15)

    assert inputs(world, "smoke-b3-502")[2] > before + 50  # in 0.1 °C


def test_a_puff_reaches_one_detector_of_a_panel_for_its_time_only(site: Site) -> None:
    world = World(site, 1)
    events = world.act(Puff(device="panel-b5", detector=4, for_s=0.3))

    assert [(event.detector, event.word) for event in events] == [(4, 0x0003), (None, 0x0003)]
    tables = world.registers("panel-b5")
    assert [number for number, bit in tables[Table.DISCRETE].items() if bit] == [4]
    assert (tables[Table.INPUT][0x0003], tables[Table.INPUT][0x0007]) == (1, 1)
    world.advance(0.4)
    tables = world.registers("panel-b5")
    assert not any(tables[Table.DISCRETE].values())
    assert (tables[Table.INPUT][0x0003], tables[Table.INPUT][0x0007]) == (0, 2)


@pytest.mark.parametrize(("outdoors_c", "kpa"), [(-20, 1020), (20, 1200), (40, 1289)])
def test_extinguisher_pressure_follows_temperature_but_not_its_value_at_20c(
    site: Site, outdoors_c: float, kpa: int
) -> None:
    world = World(site, 1)
    world.act(Weather(temperature_c=outdoors_c))
    world.advance(0.05)

    cells = inputs(world, "extinguisher-b3-4")
    charge = cells[5] - 1200
    assert abs(charge) <= 20
    assert cells[1] - charge == pytest.approx(kpa, abs=6)
    assert cells[0] == 0, "cold alone is no low pressure"


def test_a_discharge_reaches_the_low_limit_and_a_refill_ends_it(site: Site) -> None:
    world = World(site, 1)
    world.act(Discharge(device="extinguisher-b4-2", to_kpa=600, over_s=4))
    events = world.advance(5)

    assert 1 < first(events, "extinguisher-b4-2", 1) < 4
    assert inputs(world, "extinguisher-b4-2")[5] == 600
    world.act(Refill(device="extinguisher-b4-2"))
    assert inputs(world, "extinguisher-b4-2")[0] == 0


def test_a_leak_is_seen_at_once_and_felt_later(site: Site) -> None:
    world = World(site, 1)
    before = inputs(world, "extinguisher-b1-1")[5]
    world.act(Leak(device="extinguisher-b1-1", kpa_per_day=86400))
    world.advance(60)

    assert inputs(world, "extinguisher-b1-1")[0] == 1 << 3
    assert inputs(world, "extinguisher-b1-1")[5] == before - 60


def test_elevators_make_trips_within_their_building(site: Site) -> None:
    world = World(site, 1)
    floors = set()
    for minute in range(1, 11):
        for second in range(60):
            world.advance(minute * 60 + second)
            cells = inputs(world, "lift-b6")
            floors.add(cells[4])
            if cells[6]:
                assert cells[3] == 0, "it moves with its door closed"
    assert len(floors) > 2
    assert floors <= set(range(1, 8))
    assert inputs(world, "lift-b6")[10] >= 5, "trips"
    assert inputs(world, "lift-b6")[0] == 0


@pytest.mark.parametrize(("between", "bit"), [(True, 1), (False, 0)])
def test_a_passenger_is_trapped_until_rescued(site: Site, between: bool, bit: int) -> None:
    world = World(site, 1)
    world.act(Entrap(device="lift-b6", between=between, alarm_button=True))
    world.advance(60)

    cells = inputs(world, "lift-b6")
    assert cells[0] == 1 << bit | 1 << 13
    assert cells[5] >> 2 & 1, "somebody is inside"
    assert (cells[5] >> 1 & 1) == (not between), "level with a floor"
    world.act(Rescue(device="lift-b6"))
    world.advance(70)
    assert inputs(world, "lift-b6")[0] == 0
    assert not inputs(world, "lift-b6")[5] >> 2 & 1


def test_a_forced_bit_holds_until_its_time_or_its_release(site: Site) -> None:
    world = World(site, 1)
    world.act(Force(device="smoke-b1-101", bit=14))
    world.act(Force(device="smoke-b1-101", bit=0, value=0, for_s=1))

    assert inputs(world, "smoke-b1-101")[0] == 0x4000
    world.advance(1.05)
    assert inputs(world, "smoke-b1-101")[0] == 0x4001
    world.act(Release(device="smoke-b1-101"))
    assert inputs(world, "smoke-b1-101")[0] == 0x0001


@pytest.mark.parametrize(
    "action",
    [
        Ignite(building="b-9", floor=1),
        Ignite(building="b-3", floor=8),
        Puff(device="no-such"),
        Puff(device="panel-b5", detector=99),
        Puff(device="lift-b6"),
        Entrap(device="smoke-b1-101"),
        Discharge(device="lift-b6", to_kpa=0),
        Release(device="no-such"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(site: Site, action: Action) -> None:
    world, other = World(site, 1), World(site, 1)

    with pytest.raises(Impossible):
        world.act(action)
    world.advance(1)
    other.advance(1)
    assert everything(world) == everything(other)
