"""Points merged into reads: few, legal, and never through the middle of a value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from config.profile import points_of
from config.words import Lane
from gateway.blocks import Block, blocks_of, smaller
from tests.gateway_parts import FIRE, profile, register


def blocks(points: dict[str, dict[str, object]], **limits: object) -> list[tuple[str, int, int, str, float]]:
    """The reads as plain rows: table, address, count, lane, period."""
    return [
        (block.table.value, block.address, block.count, block.lane.value, block.period_s)
        for block in found(points, **limits)
    ]


def found(points: dict[str, dict[str, object]], **limits: object) -> tuple[Block, ...]:
    """The reads of a device with these points on a bus of 0.25 s and 10 s."""
    made = profile(points, **limits)
    return blocks_of(points_of(made), made, 0.25, 10.0)


def test_neighbours_are_read_together_and_a_gap_is_bridged_up_to_its_limit() -> None:
    points = {"a": register(0), "b": register(1), "c": register(10), "d": register(20)}

    assert blocks(points) == [("input", 0, 11, "telemetry", 10.0), ("input", 20, 1, "telemetry", 10.0)]
    assert blocks(points, gap_max=9) == [("input", 0, 21, "telemetry", 10.0)]
    assert [row[1:3] for row in blocks(points, gap_max=0)] == [(0, 2), (10, 1), (20, 1)]


def test_a_refused_read_becomes_reads_without_gaps_and_then_one_for_each_register() -> None:
    points = {"a": register(0), "b": register(1, type="uint32"), "c": register(10)}
    (whole,) = found(points)

    apart = smaller(whole)
    assert [(block.address, block.count) for block in apart] == [(0, 3), (10, 1)]
    alone = smaller(apart[0])
    assert [(block.address, block.count, block.points[0].name) for block in alone] == [(0, 1, "a"), (1, 2, "b")]
    assert smaller(alone[1]) == ()
    assert {(block.table, block.lane, block.period_s) for block in (*apart, *alone)} == {
        (whole.table, whole.lane, whole.period_s)
    }


def test_a_read_is_of_one_table_and_the_alarm_lane_stands_first() -> None:
    points = {
        "held": register(0, table="holding"),
        "value": register(1),
        "state": register(0, bits={"fire": FIRE}),
        "door": register(5, table="discrete", type="bit", **{"class": "alarm", "kind": "fire"}),
    }

    assert blocks(points) == [
        ("discrete", 5, 1, "alarm", 0.25),
        ("input", 0, 1, "alarm", 0.25),
        ("holding", 0, 1, "telemetry", 10.0),
        ("input", 1, 1, "telemetry", 10.0),
    ]


def test_a_register_with_its_own_period_is_read_by_itself() -> None:
    points = {"a": register(0), "b": register(1, period_s=60), "c": register(2)}

    assert blocks(points) == [("input", 0, 3, "telemetry", 10.0), ("input", 1, 1, "telemetry", 60.0)]


def test_a_value_of_two_registers_is_never_split() -> None:
    points = {f"v{i}": register(2 * i, type="float32") for i in range(4)}

    assert [row[1:3] for row in blocks(points, registers_per_read_max=5)] == [(0, 4), (4, 4)]
    assert [row[1:3] for row in blocks(points, registers_per_read_max=2)] == [(0, 2), (2, 2), (4, 2), (6, 2)]


def test_no_read_is_longer_than_the_protocol_allows() -> None:
    registers = {f"r{i}": register(i) for i in range(300)}
    bits = {
        f"b{i}": register(i, table="discrete", type="bit", **{"class": "alarm", "kind": "fire"})
        for i in range(0, 5000, 50)
    }

    assert [row[2] for row in blocks(registers)] == [125, 125, 50]
    assert all(row[2] <= 2000 for row in blocks(bits)) and len(blocks(bits)) == 3


def test_two_halves_of_one_word_are_one_read() -> None:
    points = {"result": register(9, type="uint8_high"), "age": register(9, type="uint8_low")}

    assert blocks(points) == [("input", 9, 1, "telemetry", 10.0)]


@given(
    st.sets(st.integers(0, 400), min_size=1, max_size=60),
    st.integers(0, 20),
    st.integers(2, 125),
    st.booleans(),
)
def test_every_point_is_in_exactly_one_read_that_holds_all_of_it(
    addresses: set[int], gap_max: int, size_max: int, wide: bool
) -> None:
    step, kind = (2, "uint32") if wide else (1, "uint16")
    points = {f"p{address}": register(address * step, type=kind) for address in addresses}

    reads = found(points, gap_max=gap_max, registers_per_read_max=size_max)

    names = [point.name for block in reads for point in block.points]
    assert sorted(names) == sorted(points)
    for block in reads:
        assert block.lane is Lane.TELEMETRY and 1 <= block.count <= size_max
        for point in block.points:
            first, end = point.register.address, point.register.address + point.register.registers
            assert block.address <= first and end <= block.address + block.count
