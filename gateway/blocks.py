"""Points -> fewest legal reads. A value is never split over two reads: its words would be of two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from config.profile import BITS_PER_READ_MAX, Point, Profile, Register, Table
from config.wire import Lane


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One read: `count` addresses from `address`, every `period_s`, and the points that it brings."""

    table: Table
    address: int
    count: int
    lane: Lane
    period_s: float
    points: tuple[Point, ...]

    @property
    def stands_alone(self) -> bool:
        """True if its words say everything; False if another block brings the decimals or the unit of a point."""
        return all(point.register.scale_from is point.register.unit_from is None for point in self.points)


def blocks_of(points: Sequence[Point], profile: Profile, fast_s: float, slow_s: float) -> tuple[Block, ...]:
    """A device's reads, alarm lane first, then by table and address. One block is of one table, lane and period."""
    groups: dict[tuple[str, float, Table], list[Point]] = {}
    for point in points:
        period_s = period_of(point.register, fast_s, slow_s)
        groups.setdefault((point.lane.value, period_s, point.register.table), []).append(point)
    blocks: list[Block] = []
    for (lane, period_s, table), members in sorted(groups.items(), key=lambda item: item[0]):
        # Sixteen bits take the room of one register, in the answer and in the profile's patience for gaps.
        size_max = BITS_PER_READ_MAX if table.is_bits else profile.registers_per_read_max
        gap_max = profile.gap_max * (16 if table.is_bits else 1)
        members.sort(key=lambda point: point.register.address)
        for run in _runs(members, size_max, gap_max):
            blocks.append(_block(table, Lane(lane), period_s, run))
    return tuple(blocks)


def smaller(block: Block) -> tuple[Block, ...]:
    """The same points in more reads: first without bridged gaps, then each register alone; none if it is one.

    Some devices refuse a read that touches an address which they do not have, whatever else it asks for.
    """
    apart = _runs(list(block.points), block.count, 0)
    if len(apart) == 1:
        apart = [list(run) for _, run in groupby(block.points, lambda point: point.register.address)]
    return tuple(_block(block.table, block.lane, block.period_s, run) for run in apart) if len(apart) > 1 else ()


def period_of(register: Register, fast_s: float, slow_s: float) -> float:
    """How often a register is asked: its own period, or its lane's on this bus."""
    if register.period_s is not None:
        return register.period_s
    return fast_s if register.effective_lane is Lane.ALARM else slow_s


def _block(table: Table, lane: Lane, period_s: float, run: list[Point]) -> Block:
    first = run[0].register.address
    return Block(table, first, _end(run) - first, lane, period_s, tuple(run))


def _runs(members: list[Point], size_max: int, gap_max: int) -> list[list[Point]]:
    """Cut points sorted by address where the gap is too wide or the read would grow too long."""
    runs: list[list[Point]] = []
    for point in members:
        register = point.register
        end = register.address + register.registers
        if runs and register.address - _end(runs[-1]) <= gap_max and end - runs[-1][0].register.address <= size_max:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _end(run: list[Point]) -> int:
    return max(point.register.address + point.register.registers for point in run)
