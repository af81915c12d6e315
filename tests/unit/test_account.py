"""Positions against a plain set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.session.account import CHECKS_MAX, RANGES_MAX, LaneAccount, Positions
from config.words import Committed

ADDED = st.lists(st.integers(1, 40), max_size=60)


def _islands(here: set[int]) -> list[tuple[int, int]]:
    islands: list[tuple[int, int]] = []
    for position in sorted(here):
        if islands and islands[-1][1] == position - 1:
            islands[-1] = (islands[-1][0], position)
        else:
            islands.append((position, position))
    return islands


def _assert_is(positions: Positions, here: set[int]) -> None:
    upto = next(position for position in range(42) if position + 1 not in here)
    assert positions.upto == upto
    assert list(positions.ranges) == _islands({position for position in here if position > upto})
    assert positions.highest == max(here, default=0)
    assert all((position in positions) is (position in here) for position in range(1, 45))


@given(ADDED)
def test_it_is_a_set(added: list[int]) -> None:
    positions = Positions()
    for position in added:
        positions.add(position)

    _assert_is(positions, set(added))
    _assert_is(positions.copy(), set(added))


@given(ADDED, st.integers(1, 41), ADDED)
def test_everything_below_a_floor_is_here(before: list[int], floor: int, after: list[int]) -> None:
    positions = Positions()
    for position in before:
        positions.add(position)
    positions.fill_below(floor)
    for position in after:
        positions.add(position)
    _assert_is(positions, set(before) | set(range(1, floor)) | set(after))


@given(st.sets(st.integers(1, 40)), st.integers(1, 41))
def test_it_is_restored_from_stored_islands_and_a_floor(stored: set[int], floor: int) -> None:
    _assert_is(Positions(_islands(stored), floor), stored | set(range(1, floor)))


def test_a_commit_names_the_eight_lowest_ranges() -> None:
    positions = Positions()
    for position in range(1, 41, 2):
        positions.add(position)

    assert positions.committed() == Committed(1, tuple((p, p) for p in range(3, 18, 2)))


def test_what_is_kept_is_bounded() -> None:
    account = LaneAccount()
    for position in range(3, 3 + 3 * RANGES_MAX, 3):
        account.heard.add(position)
    for position in range(1, CHECKS_MAX + 10):
        account.note_check(position, 0)

    assert account.heard.full
    assert len(account.checks) == CHECKS_MAX and 1 not in account.checks
