"""What several commands do with a line: ask a unit what profiles want to know, and see what it looks like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from config.profile import Point, Profile, Table, points_of
from gateway.blocks import Block
from gateway.probe.doubts import TABLE_TWINS
from gateway.probe.draft import Sighting
from gateway.probe.likeness import ranked
from gateway.probe.line import Line
from gateway.probe.sample import Sample, ends_of, neighbours_of, wanted


async def sighted(line: Line, unit: int, profiles: Mapping[str, Profile], sample: Sample | None = None) -> Sighting:
    """A unit against every profile. Raises LineClosed, MasterHeard."""
    sample = Sample() if sample is None else sample
    for profile in profiles.values():
        await line.sample(unit, wanted(points_of(profile), profile), sample)
    await line.singles(unit, _ends(profiles.values(), sample), sample)
    return Sighting(unit, sample, tuple(ranked(profiles.values(), sample)))


async def tried(line: Line, unit: int, profile: Profile, points: Iterable[Point]) -> Sample:
    """What a unit says to one profile, and whether it ends where that ends. Raises LineClosed, MasterHeard."""
    sample = Sample()
    await line.sample(unit, wanted(points, profile), sample)
    await line.singles(unit, _ends([profile], sample), sample)
    return sample


async def looked_around(line: Line, unit: int, profile: Profile, points: Iterable[Point], sample: Sample) -> None:
    """Read what lies beside the profile's reads, and the other table where its own is refused: where a value may be
    that is not where it was described. Raises LineClosed, MasterHeard."""
    blocks = wanted(points, profile)
    answered = [block for block in blocks if _says_something(block, sample)]
    if not answered:
        for block in blocks:
            await line.range(unit, TABLE_TWINS[block.table], block.address, block.count, sample)
    await line.singles(unit, neighbours_of(answered), sample)


def _says_something(block: Block, sample: Sample) -> bool:
    return any((block.table, block.address + n) in sample.words for n in range(block.count))


def _ends(profiles: Iterable[Profile], sample: Sample) -> list[tuple[Table, int]]:
    return [end for profile in profiles for end in ends_of(profile) if (end[0], end[1] - 1) in sample.words]
