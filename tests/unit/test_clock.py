"""The collector's clock, with the system's clocks in the test's hands."""

from __future__ import annotations

from collector.clock import SteadyClock


class System:
    """Two clocks that a test sets."""

    def __init__(self) -> None:
        self.utc_ms, self.mono_ms = 1_000_000, 5_000

    def passes(self, ms: int) -> None:
        self.utc_ms += ms
        self.mono_ms += ms


def _clock(system: System) -> SteadyClock:
    return SteadyClock(lambda: system.utc_ms, lambda: system.mono_ms)


def test_the_clock_is_utc_while_nobody_sets_it() -> None:
    system = System()
    clock = _clock(system)

    for _ in range(100):
        system.passes(37)
        assert clock() == system.utc_ms


def test_a_clock_set_forward_is_followed_at_once() -> None:
    system = System()
    clock = _clock(system)

    system.utc_ms += 3_600_000

    assert clock() == system.utc_ms


def test_a_clock_set_back_delays_no_deadline_by_the_step_and_is_caught_up_with() -> None:
    system = System()
    clock = _clock(system)
    before = clock()

    system.utc_ms -= 3_600_000
    system.passes(60_000)

    assert clock() == before + 54_000
    for _ in range(11):
        system.passes(3_600_000)
        clock()
    assert clock() == system.utc_ms


def test_the_clock_never_goes_back() -> None:
    system = System()
    clock = _clock(system)
    seen = [clock()]
    for step in (10, -500, 20, 10_000, -10_000, 1):
        system.utc_ms += step
        system.passes(5)
        seen.append(clock())

    assert seen == sorted(seen)
