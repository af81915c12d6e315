"""Pictures of numbers: what is drawn is what was told, and what was not told is not drawn."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.drawings import curve, section
from collector.drawings.coordinates import to_gcj02
from collector.drawings.section import Pin

HALF_HOUR_MS = 1_800_000


def clock(at_ms: int) -> str:
    return f"03:{at_ms // 60_000:02d}"


def lines(svg: str) -> list[str]:
    return re.findall(r'class="curve-line" d="([^"]+)"', svg)


def drawn(values: list[tuple[int, float]], limit: float | None = None) -> curve.Curve:
    found = curve.draw(values, 0, HALF_HOUR_MS, 60_000, clock, "smoke", limit)
    assert found is not None
    ElementTree.fromstring(found.svg)
    return found


def test_a_value_holds_until_the_next_is_told() -> None:
    (line,) = lines(drawn([(0, 1.0), (50_000, 3.0), (100_000, 3.0)]).svg)
    assert re.fullmatch(r"M46 [\d.]+H[\d.]+V[\d.]+(H[\d.]+V[\d.]+)*", line)  # along and up, never aslant


def test_a_silence_is_a_gap_and_counted() -> None:
    found = drawn([(0, 1.0), (30_000, 1.1), (600_000, 4.0), (630_000, 4.1)])
    assert len(lines(found.svg)) == 2
    assert found.movement.gaps == 1


def test_a_line_ends_where_its_last_value_is_too_old() -> None:
    found = drawn([(0, 1.0), (60_000, 2.0)])
    assert found.movement.last_at_ms == 120_000


def test_a_value_from_before_the_picture_counts_while_it_is_fresh() -> None:
    found = curve.draw([(-30_000, 5.0)], 0, HALF_HOUR_MS, 60_000, clock, "smoke")
    assert found is not None and found.movement.first == 5.0 and found.movement.last_at_ms == 30_000
    assert curve.draw([(-90_000, 5.0)], 0, HALF_HOUR_MS, 60_000, clock, "smoke") is None


def test_words_can_say_what_the_picture_shows() -> None:
    movement = drawn([(minute * 60_000, value) for minute, value in enumerate([1.0, 1.0, 0.5, 3.0, 2.5])]).movement
    assert (movement.first, movement.last, movement.trend) == (1.0, 2.5, 1)
    assert (movement.low, movement.low_at_ms, movement.high, movement.high_at_ms) == (0.5, 120_000, 3.0, 180_000)


@pytest.mark.parametrize("values", [[], [(0, float("nan"))], [(0, float("inf"))], [(HALF_HOUR_MS + 1, 1.0)]])
def test_nothing_that_can_be_drawn_is_no_picture(values: list[tuple[int, float]]) -> None:
    assert curve.draw(values, 0, HALF_HOUR_MS, 60_000, clock, "smoke") is None


def test_a_title_cannot_break_out_of_the_picture() -> None:
    found = curve.draw([(0, 1.0)], 0, HALF_HOUR_MS, 60_000, clock, "<script>&")
    assert found is not None and "<script>" not in found.svg


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, [0, 50, 100]),
        (0.1, 4.8, [0, 2, 4, 6]),
        (-12, 18, [-20, -10, 0, 10, 20]),
        (1190, 1210, [1100, 1150, 1200, 1250, 1300]),
        (0, 0, [0, 0.2, 0.4, 0.6]),
    ],
)
def test_an_axis_has_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    found = curve.ticks_of(low, high)
    assert found[0] <= low and high <= found[-1] and 2 <= len(found) <= 8
    assert len({round(b - a, 9) for a, b in pairwise(found)}) == 1
    assert found == ticks


@given(
    st.lists(
        st.tuples(st.integers(-100_000, HALF_HOUR_MS), st.floats(-1e9, 1e9)),
        max_size=1500,
        unique_by=lambda told: told[0],
    ).map(sorted)
)
def test_whatever_is_told_the_line_stays_in_its_picture(values: list[tuple[int, float]]) -> None:
    found = curve.draw(values, 0, HALF_HOUR_MS, 60_000, clock, "smoke")
    if found is None:
        return
    assert len(found.svg) < 60_000
    for line in lines(found.svg):
        for x in re.findall(r"[MH]([\d.-]+)", line):
            assert 45.9 <= float(x) <= curve.WIDTH
        for y in re.findall(r"V([\d.-]+)", line):
            assert 0 <= float(y) <= curve.HEIGHT


def test_every_floor_of_a_walk_up_is_drawn() -> None:
    assert section.rows_of(6, [Pin(4, "fire", "402", True)]) == [6, 5, 4, 3, 2, 1]


def test_a_basement_is_below_floor_one_without_a_floor_zero() -> None:
    assert section.rows_of(3, [Pin(-2, "water", "pump")]) == [3, 2, 1, -1, -2]


def test_of_a_high_building_what_matters_is_drawn_with_breaks() -> None:
    rows = section.rows_of(33, [Pin(21, "fire", "2104", True), Pin(5, "water", "hydrant")])
    assert rows == [33, None, 23, 22, 21, 20, 19, None, 1]


def test_a_fire_everywhere_in_a_tower_still_fits() -> None:
    rows = section.rows_of(200, [Pin(floor, "fire", "x", True) for floor in range(2, 200, 3)])
    assert len(rows) <= section.ROWS_MAX and 2 in rows and 1 in rows and 200 in rows


def test_the_fire_is_named_before_what_stands_beside_it_and_stays_text() -> None:
    svg = section.draw(6, [Pin(4, "water", "hydrant"), Pin(4, "fire", "<402>", True)], "Building 3 & 4")
    ElementTree.fromstring(svg)
    assert "&lt;402&gt; · hydrant" in svg and "3 &amp; 4" in svg


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((39.908823, 116.397470), (39.910226, 116.403714)),  # Tiananmen
        ((31.230416, 121.473701), (31.228474, 121.478222)),  # People's Square, Shanghai
        ((48.8566, 2.3522), (48.8566, 2.3522)),  # Paris: not moved
    ],
)
def test_a_pin_on_a_chinese_map_stands_in_the_right_street(
    wgs84: tuple[float, float], gcj02: tuple[float, float]
) -> None:
    assert to_gcj02(*wgs84) == pytest.approx(gcj02, abs=0.00001)  # a metre
