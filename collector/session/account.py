"""Which positions of one journal lane are here. The rule: a position counts once, whatever is repeated or reordered."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from config.commit import COMMIT_RANGES_MAX
from config.words import Committed, Report

RANGES_MAX = 1024  # separate ranges beyond the contiguous part; a sender's window is far smaller
HELD_MAX = 1000  # reports that wait for earlier positions of their lane
CHECKS_MAX = 4096  # check values kept in memory for repeats; older ones are in the store


class Positions:
    """A set of positions from 1: everything up to `upto`, and separate ranges beyond it in ascending order."""

    __slots__ = ("_firsts", "_lasts", "upto")

    def __init__(self, islands: Iterable[tuple[int, int]] = (), floor: int = 1) -> None:
        """`islands` are the ranges that are here, merged and ascending; everything below `floor` counts as here."""
        kept = [(first, last) for first, last in islands if last >= floor]
        self.upto = floor - 1
        self._firsts = [first for first, _ in kept]
        self._lasts = [last for _, last in kept]
        self._absorb()

    def __contains__(self, position: int) -> bool:
        if position <= self.upto:
            return True
        at = bisect_right(self._firsts, position) - 1
        return at >= 0 and position <= self._lasts[at]

    @property
    def highest(self) -> int:
        """The highest position in the set, 0 if it is empty."""
        return self._lasts[-1] if self._lasts else self.upto

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """The ranges beyond the contiguous part."""
        return tuple(zip(self._firsts, self._lasts, strict=True))

    @property
    def has_hole(self) -> bool:
        """True while something is missing below `highest`."""
        return bool(self._firsts)

    @property
    def full(self) -> bool:
        """True if one more separate range would be too many."""
        return len(self._firsts) >= RANGES_MAX

    def add(self, position: int) -> None:
        """Put a position in; one that is there already changes nothing."""
        if position == self.upto + 1:
            self.upto = position
            self._absorb()
        elif position not in self:
            self._insert(position)

    def fill_below(self, floor: int) -> None:
        """Put in everything below `floor`."""
        self.upto = max(self.upto, floor - 1)
        self._absorb()

    def copy(self) -> Positions:
        """The same set, to change apart from this one."""
        return Positions(self.ranges, self.upto + 1)

    def committed(self) -> Committed:
        """What a commit may say: at most eight ranges, the lowest."""
        some = zip(self._firsts[:COMMIT_RANGES_MAX], self._lasts[:COMMIT_RANGES_MAX], strict=True)
        return Committed(self.upto, tuple(some))

    def _absorb(self) -> None:
        """Take ranges that `upto` has reached into the contiguous part."""
        reached = 0
        while reached < len(self._firsts) and self._firsts[reached] <= self.upto + 1:
            self.upto = max(self.upto, self._lasts[reached])
            reached += 1
        if reached:
            del self._firsts[:reached], self._lasts[:reached]

    def _insert(self, position: int) -> None:
        at = bisect_right(self._firsts, position)
        joins_left = at > 0 and self._lasts[at - 1] == position - 1
        joins_right = at < len(self._firsts) and self._firsts[at] == position + 1
        if joins_left and joins_right:
            self._lasts[at - 1] = self._lasts[at]
            del self._firsts[at], self._lasts[at]
        elif joins_left:
            self._lasts[at - 1] = position
        elif joins_right:
            self._firsts[at] = position
        else:
            self._firsts.insert(at, position)
            self._lasts.insert(at, position)


@dataclass(slots=True)
class LaneAccount:
    """One lane of one epoch: what was heard, what the store has committed, and what waits for earlier positions."""

    heard: Positions = field(default_factory=Positions)
    stored: Positions = field(default_factory=Positions)
    checks: dict[int, int | None] = field(default_factory=dict)
    held: dict[int, Report] = field(default_factory=dict)

    def note_check(self, position: int, check: int | None) -> None:
        """Remember a check value; the oldest is forgotten when there are too many."""
        self.checks[position] = check
        if len(self.checks) > CHECKS_MAX:
            del self.checks[next(iter(self.checks))]

    def released(self) -> Iterator[Report]:
        """Held reports that nothing earlier is missing for any more, in order."""
        for position in sorted(self.held):
            if position > self.heard.upto:
                return
            yield self.held.pop(position)
