"""What one unit has said to the reads of profiles: words, refusals, silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from config.profile import Point, Profile, Table
from gateway.blocks import Block, blocks_of

ANY_PERIOD_S = 1.0
LAST_ADDRESS = 0xFFFF


@dataclass(slots=True)
class Sample:
    """Answers by address. What is in none of the three was not asked."""

    words: dict[tuple[Table, int], int] = field(default_factory=dict)
    refused: dict[tuple[Table, int], int] = field(default_factory=dict)  # exception code
    silent: set[tuple[Table, int]] = field(default_factory=set)

    def asked(self, table: Table, address: int, count: int) -> bool:
        """Whether every one of these addresses was asked for."""
        return all(self.knows(table, each) for each in range(address, address + count))

    def knows(self, table: Table, address: int) -> bool:
        """Whether this address was asked for."""
        key = (table, address)
        return key in self.words or key in self.refused or key in self.silent

    def copy(self) -> Sample:
        """What is known so far, to be asked on for another purpose."""
        return Sample(dict(self.words), dict(self.refused), set(self.silent))

    @property
    def answers(self) -> bool:
        """Whether the unit has said anything at all."""
        return bool(self.words or self.refused)


def wanted(points: Iterable[Point], profile: Profile) -> tuple[Block, ...]:
    """The reads that a gateway would make of these points."""
    return blocks_of(tuple(points), profile, ANY_PERIOD_S, ANY_PERIOD_S)


def ends_of(profile: Profile) -> tuple[tuple[Table, int], ...]:
    """The address behind the last of each table that a profile reads: a device of that kind has nothing there."""
    last: dict[Table, int] = {}
    for register in profile.points.values():
        last[register.table] = max(last.get(register.table, 0), register.address + register.registers)
    return tuple((table, address) for table, address in last.items() if address <= LAST_ADDRESS)


def neighbours_of(blocks: Iterable[Block]) -> tuple[tuple[Table, int], ...]:
    """The addresses right before and behind each read: where a value is that was described one off."""
    found = {(block.table, block.address - 1) for block in blocks if block.address > 0}
    found |= {(b.table, b.address + b.count) for b in blocks if b.address + b.count <= LAST_ADDRESS}
    return tuple(sorted(found))
