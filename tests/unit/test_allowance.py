"""What a provider allows: exact in any span of time, half of it kept for alarms, whatever the clock does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.alerter.allowance import HOUR_MS, MINUTE_MS, Allowance, Window


def test_so_many_a_minute_and_then_wait_until_the_oldest_is_a_minute_old() -> None:
    window = Window(4, MINUTE_MS)
    for at_ms in (0, 1_000, 2_000, 3_000):
        assert window.wait_ms(urgent=True, now=at_ms) == 0
        window.spend(at_ms)

    assert window.wait_ms(urgent=True, now=10_000) == 50_000
    assert window.wait_ms(urgent=True, now=60_000) == 0


def test_half_is_kept_for_alarms() -> None:
    window = Window(4, MINUTE_MS)
    for at_ms in (0, 1_000):
        assert window.wait_ms(urgent=False, now=at_ms) == 0
        window.spend(at_ms)

    assert window.wait_ms(urgent=False, now=2_000) == 58_000
    assert window.wait_ms(urgent=True, now=2_000) == 0


def test_of_one_a_minute_nothing_can_be_kept() -> None:
    window = Window(1, MINUTE_MS)
    assert window.wait_ms(urgent=False, now=0) == 0


def test_a_clock_that_is_set_back_stops_nobody_for_longer_than_the_span() -> None:
    window = Window(1, MINUTE_MS)
    window.spend(10 * HOUR_MS)

    assert window.wait_ms(urgent=True, now=0) == MINUTE_MS
    assert window.wait_ms(urgent=True, now=MINUTE_MS) == 0


def test_the_first_of_an_urgent_call_is_not_stopped_by_what_a_person_may_get_but_by_the_minute() -> None:
    allowance = Allowance(per_minute=3, per_person_per_hour=1)
    allowance.spend("li", 0)
    assert allowance.wait_ms("li", urgent=True, first=True, now=1_000) == 0
    assert allowance.wait_ms("li", urgent=True, first=False, now=1_000) == HOUR_MS - 1_000
    assert allowance.wait_ms("wang", urgent=True, first=False, now=1_000) == 0

    allowance.spend("li", 1_000)
    allowance.spend("li", 1_000)
    assert allowance.wait_ms("li", urgent=True, first=True, now=1_000) == 59_000


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 30_000), st.booleans()), max_size=60))
def test_in_no_span_goes_more_than_allowed(at_most: int, steps: list[tuple[int, bool]]) -> None:
    window, now, sent = Window(at_most, MINUTE_MS), 0, list[int]()
    for after_ms, urgent in steps:
        now += after_ms
        wait_ms = window.wait_ms(urgent, now)
        assert 0 <= wait_ms <= MINUTE_MS
        if wait_ms == 0:
            window.spend(now)
            sent.append(now)

    assert all(sum(begin <= at < begin + MINUTE_MS for at in sent) <= at_most for begin in sent)
