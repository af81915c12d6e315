"""The judging of an elevator's signals, and its arithmetic: tables of small cases, and a simulated day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from collector.calls.dispatch import Reason
from collector.equipment.elevator import ENTRAPMENTS, Course, Signs, Verdict, Word, contradiction, follow, judge
from collector.equipment.liftlog import counted
from collector.equipment.rescue import warnings
from collector.equipment.service import age_years, due_on, last_done
from config.loader import load_site
from config.profile import points_of
from config.site import Device
from config.upkeep import Service, judges_entrapment
from gateway.decode import decode_point
from simulator.actions import Entrap, Rescue
from simulator.world import World
from tests.scenarios.play import START_MS, Play

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"
STUCK = Signs(moving=False, in_zone=False, closed=True, open=False, opening=False, person=True)
SHUT = Signs(moving=False, in_zone=True, closed=True, open=False, opening=False, person=True)


def looked(*looks: tuple[int, Signs], bypass: bool = False) -> Verdict:
    """The verdict after looks at these seconds."""
    course, verdict = Course("lift"), Verdict({}, {}, None)
    for second, signs in looks:
        course = follow(course, signs, second * 1000, bypass)
        verdict = judge(course, signs, second * 1000, bypass=bypass)
    return verdict


@pytest.mark.parametrize(
    ("looks", "word", "holds"),
    [
        ([(0, STUCK), (14, STUCK)], Word.BETWEEN, False),
        ([(0, STUCK), (15, STUCK)], Word.BETWEEN, True),
        ([(0, SHUT), (30, SHUT), (45, SHUT), (60, SHUT), (89, SHUT)], Word.AT_LEVEL, False),
        ([(0, SHUT), (30, SHUT), (45, SHUT), (60, SHUT), (90, SHUT)], Word.AT_LEVEL, True),
        ([(0, SHUT), (90, SHUT)], Word.AT_LEVEL, None),
        ([(0, Signs(alarm_key=True)), (3, Signs(alarm_key=True))], Word.KEY, True),
        ([(0, Signs(alarm_key=True)), (2, Signs(alarm_key=False)), (4, Signs(alarm_key=False))], Word.KEY, False),
        ([(0, Signs(alarm_key=True)), (5, Signs(alarm_key=False))], Word.KEY, True),
        ([(0, Signs(speed_m_s=-3.1))], Word.OVERSPEED, True),
        ([(0, Signs(speed_m_s=3.0))], Word.OVERSPEED, False),
        ([(0, Signs(moving=True)), (60, Signs(moving=True))], Word.RUN_TIMEOUT, True),
        ([(0, Signs(moving=True, floor=1)), (60, Signs(moving=True, floor=2))], Word.RUN_TIMEOUT, False),
        ([(0, Signs(power_lost=True))], Word.POWER_LOSS, True),
        ([(0, Signs(over_travel=True))], Word.OVER_TRAVEL, True),
        ([(0, Signs(out_of_service=True))], Word.OUT_OF_SERVICE, True),
        ([(0, Signs(fireman=False))], Word.FIREMAN, False),
    ],
)
def test_each_condition_holds_at_its_limit(looks: list[tuple[int, Signs]], word: Word, holds: bool | None) -> None:
    assert looked(*looks).holds.get(word) is holds


def test_nothing_is_said_of_a_car_of_which_nothing_is_known() -> None:
    verdict = looked((0, Signs()), (600, Signs()))

    assert not any(verdict.holds.values())


def test_a_clock_that_is_set_back_delays_a_suspicion_by_no_more_than_its_own_time() -> None:
    assert looked((10_000, STUCK), (5_000, STUCK), (5_015, STUCK)).holds[Word.BETWEEN] is True


def test_only_a_door_that_has_been_open_at_a_floor_for_a_while_speaks_against_the_controller() -> None:
    opened = Signs(moving=False, in_zone=True, closed=False, open=True, opening=True)
    course = follow(Course("lift"), opened, 0)

    assert contradiction(course, opened, 4_000) is None
    assert contradiction(course, opened, 5_000) == "open"
    assert contradiction(course, SHUT, 5_000) is None
    assert contradiction(Course("lift"), Signs(inspection=True), 0) == "inspection"


_BITS = some.sampled_from([True, False, None])
_LOOKS = some.lists(
    some.tuples(
        some.integers(0, 200),
        some.builds(
            Signs,
            moving=_BITS,
            in_zone=_BITS,
            closed=_BITS,
            open=_BITS,
            opening=_BITS,
            person=_BITS,
            alarm_key=_BITS,
            inspection=_BITS,
            floor=some.sampled_from([None, 1.0, 2.0]),
        ),
    ),
    max_size=12,
)


@given(_LOOKS)
def test_whatever_the_signals_do_nobody_is_trapped_in_an_open_car_at_a_floor(looks: list[tuple[int, Signs]]) -> None:
    opened = Signs(moving=False, in_zone=True, closed=False, open=True, opening=True, person=True, alarm_key=True)
    at = max((second for second, _ in looks), default=0)
    verdict = looked(*looks, (at, opened), (at + 300, opened))

    assert not [word for word in ENTRAPMENTS if verdict.holds.get(word)]


@given(_LOOKS)
def test_whatever_came_before_a_person_between_two_floors_is_found(looks: list[tuple[int, Signs]]) -> None:
    at = max((second for second, _ in looks), default=0)
    verdict = looked(*looks, (at + 1, STUCK), (at + 16, STUCK))

    assert verdict.holds[Word.BETWEEN] is True


@given(_LOOKS)
def test_a_look_that_is_asked_for_lies_ahead(looks: list[tuple[int, Signs]]) -> None:
    verdict = looked(*looks)

    assert verdict.look_at is None or verdict.look_at > (looks[-1][0] if looks else 0) * 1000


@pytest.mark.parametrize(
    ("before", "after", "elapsed_s", "more"),
    [
        (10, 15, 3600, 5),
        (2**32 - 10, 5, 3600, 15),
        (500, 3, 3600, None),
        (500, 900_000, 3600, None),
        (10, 15, -100, 5),
    ],
)
def test_a_counter_moves_on_wraps_or_has_jumped(before: int, after: int, elapsed_s: int, more: int | None) -> None:
    assert counted(before, after, elapsed_s * 1000, 0.25) == more


@pytest.mark.parametrize(
    ("limit_s", "at_s"), [(1800, [900, 1500, 1800]), (600, [300, 600]), (300, [150, 300]), (3600, [1800, 3300, 3600])]
)
def test_warnings_come_at_half_time_five_minutes_before_and_at_the_end(limit_s: int, at_s: list[int]) -> None:
    found = warnings(limit_s * 1000)

    assert [at // 1000 for at, _ in found] == at_s
    assert [reason for _, reason in found] == [Reason.RESCUE_DUE] * (len(at_s) - 1) + [Reason.RESCUE_MISSED]


@pytest.mark.parametrize(
    ("last", "level", "due"),
    [
        (date(2026, 2, 20), Service.HALF_MONTH, date(2026, 3, 7)),
        (date(2025, 11, 30), Service.QUARTER, date(2026, 2, 28)),
        (date(2026, 8, 31), Service.HALF_YEAR, date(2027, 2, 28)),
        (date(2024, 2, 29), Service.YEAR, date(2025, 2, 28)),
    ],
)
def test_a_service_is_due_by_the_calendar(last: date, level: Service, due: date) -> None:
    assert due_on(last, level) == due


def test_a_years_service_covers_the_smaller_ones_and_not_the_other_way_round() -> None:
    served = {"year": "2026-01-10", "quarter": "2026-03-01", "half-month": "2026-02-01"}
    place = {"building": "b-1", "floor": 0}
    device = Device.model_validate(
        {"id": "l", "profile": "lift", "unit": 1, "place": place, "lift": {"served": served}}
    )
    found = {level.value: str(last_done(device, [], level)) for level in Service}

    assert found == {
        "half-month": "2026-03-01",
        "quarter": "2026-03-01",
        "half-year": "2026-01-10",
        "year": "2026-01-10",
    }


def test_years_are_counted_by_birthdays() -> None:
    assert age_years(date(2011, 3, 3), date(2026, 3, 2)) == 14
    assert age_years(date(2011, 3, 2), date(2026, 3, 2)) == 15


def test_simulated_elevators_ride_for_a_while_without_calling_anybody_and_an_entrapment_is_found() -> None:
    """Through the shipped profiles, as their gateways would read them; the controller's own flags are left out."""
    site = load_site(DEMO)
    lifts = [device for device in site.devices.values() if site.profiles[device.profile].category == "lift"]
    assert len(lifts) == 2 and all(judges_entrapment(site.profiles[lift.profile]) for lift in lifts)
    world, on, said = World(site, 7), Play(site), dict[tuple[str, str], object]()

    def ride(until_s: int) -> None:
        for second in range(round((on.now - START_MS) / 1000) + 1, until_s + 1):
            world.advance(float(second))
            on.at(second)
            for lift in lifts:
                profile = site.profiles[lift.profile]
                registers = world.registers(lift.id)
                words = {
                    (table, address): cell for table, cells in registers.items() for address, cell in cells.items()
                }
                news: dict[str, bool | float | None] = {}
                for point in points_of(profile):
                    reading = decode_point(point, words, profile.points)
                    value = reading.value
                    if point.name.startswith(("entrapment", "faults")) or isinstance(value, str | bytes):
                        continue
                    if said.get((lift.id, point.name)) != value:
                        said[lift.id, point.name] = news[point.name.replace("/", "__")] = value
                if news:
                    on.says(lift.id, **news)

    ride(900)
    assert not [alarm for alarm in on.engine.alarms.values() if alarm.device in ("lift-b6", "lift-b4")]
    world.act(Entrap(device="lift-b6", between=True, alarm_button=False))
    world.act(Entrap(device="lift-b4", between=False, alarm_button=False))
    ride(1060)
    found = {key for key, alarm in on.engine.alarms.items() if alarm.kind == "entrapment"}
    assert found == {"lift-b6:lift-entrapment-between", "lift-b4:lift-entrapment-level"}
    world.act(Rescue(device="lift-b6"))
    ride(1090)
    assert not on.engine.alarms["lift-b6:lift-entrapment-between"].source_active
