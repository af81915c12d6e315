"""One lane's window: order, bounds, re-sending, and which commits are believed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.words import Committed
from gateway.record import Record
from gateway.window import LIVE_MAX, LOAD_MAX, RESEND_MAX_MS, RESERVED_FOR_LIVE, Spans, Window
from tests.gateway_parts import record

RESEND_MS = 2_000


def anything(_: Record) -> bool:
    return True


def window(
    stored: tuple[int, int] | None = None, last: int = 0, in_flight_max: int = 32, resend_ms: int = RESEND_MS
) -> Window:
    return Window(stored, last, in_flight_max, resend_ms)


def send_live(lane: Window, now_ms: int, displaces: bool = True) -> list[int]:
    sent = []
    while (found := lane.live(anything, displaces)) is not None:
        lane.published(found, now_ms)
        sent.append(found.position)
    return sent


def send_old(lane: Window, now_ms: int) -> list[int]:
    """Everything of the backlog that fits, read from a disk that has every position."""
    sent = []
    while True:
        if (wanted := lane.wanted()) is not None:
            lane.fetched(*wanted, [record(position) for position in range(wanted[0], wanted[1] + 1)])
        found = lane.old(anything)
        if found is None:
            return sent
        lane.published(found, now_ms)
        sent.append(found.position)


def test_fresh_records_go_before_the_backlog_and_the_backlog_oldest_first() -> None:
    lane = window(stored=(1, 5), last=5)
    lane.open(0)
    lane.appended(record(6))
    lane.appended(record(7))

    assert send_live(lane, 0) == [6, 7]
    assert send_old(lane, 0) == [1, 2, 3, 4, 5]


def test_the_number_in_flight_is_bounded_and_the_backlog_leaves_room_for_fresh_records() -> None:
    lane = window(stored=(1, 100), last=100)
    lane.open(0)

    assert len(send_old(lane, 0)) == 32 - RESERVED_FOR_LIVE
    for position in range(101, 200):
        lane.appended(record(position))
    send_live(lane, 0, displaces=False)

    assert lane.in_flight == 32


def test_what_is_not_committed_in_time_goes_again_ever_more_slowly() -> None:
    lane = window()
    lane.open(0)
    lane.appended(record(1))
    send_live(lane, 0)

    sent_ms, now_ms = [0], 0
    while now_ms < 200_000:
        due_ms = lane.resend_at(anything)
        assert due_ms is not None
        now_ms = due_ms
        again = lane.overdue(anything, now_ms)
        assert again is not None and again.position == 1
        lane.published(again, now_ms)
        sent_ms.append(now_ms)

    assert sent_ms[:5] == [0, 2_000, 6_000, 14_000, 30_000]
    assert max(b - a for a, b in itertools.pairwise(sent_ms)) == RESEND_MAX_MS


def test_a_fresh_alarm_goes_out_even_if_nobody_has_committed_anything_for_long() -> None:
    lane = window()
    lane.open(0)
    for position in range(1, 101):
        lane.appended(record(position))

    assert send_live(lane, 0) == list(range(1, 101))
    assert lane.in_flight == 32
    lane.committed(Committed(0, ((69, 100),)))  # the host is back: the rest comes from disk
    assert send_old(lane, 0) == list(range(1, 32 - RESERVED_FOR_LIVE + 1))


def test_what_was_lost_in_a_flood_reaches_a_host_that_commits_nothing_before_it() -> None:
    """A host holds returns to normal back until it has all before them; it must not wait for ever."""
    lane = window()
    lane.open(0)
    heard: set[int] = set()
    for position in range(1, 101):
        lane.appended(record(position))
    send_live(lane, 0)  # into a connection that is already dead
    lane.close()

    lane.open(1_000)
    upto, now_ms = 0, 1_000
    while upto < 100:
        now_ms += 100
        assert now_ms < 20_000, f"it stands still behind position {upto + 1}"
        while (again := lane.overdue(anything, now_ms)) is not None:
            lane.published(again, now_ms)
            heard.add(again.position)
        heard.update(send_old(lane, now_ms))
        while upto + 1 in heard:
            upto += 1
        assert lane.committed(Committed(upto)) is not None
        lane.raise_floor(upto + 1)


def test_an_alarm_that_made_room_for_a_fresh_one_counts_as_sent() -> None:
    """Else a device that is lost while nobody acknowledges would never be declared dead."""
    lane = window()
    lane.open(0)
    for position in range(1, 101):
        lane.appended(record(position))
    assert lane.unsent(1)

    send_live(lane, 0)

    assert not lane.unsent(100) and lane.in_flight == 32
    lane.appended(record(101))
    assert lane.unsent(101) and not lane.unsent(100)


def test_fresh_telemetry_beyond_memory_waits_on_disk() -> None:
    lane = window(in_flight_max=20)
    lane.open(0)
    total = LIVE_MAX + 50
    for position in range(1, total + 1):
        lane.appended(record(position))
    sent = send_live(lane, 0, displaces=False)

    assert sent == list(range(51, 71)), "the oldest went to the disk's account"
    lane.committed(Committed(0, ((51, 70),)))
    assert send_live(lane, 1, displaces=False) == list(range(71, 91))


def test_records_of_a_closed_session_become_backlog() -> None:
    lane = window()
    lane.open(0)
    lane.appended(record(1))
    lane.close()
    lane.appended(record(2))

    assert lane.wanted() is None, "nothing is read from disk without a broker"
    lane.open(10)
    assert send_old(lane, 10) == [1, 2]


def test_what_was_in_flight_when_the_session_ended_is_due_at_once_in_the_next() -> None:
    lane = window()
    lane.open(0)
    lane.appended(record(1))
    send_live(lane, 0)
    lane.close()

    lane.open(100)

    again = lane.overdue(anything, 100)
    assert again is not None and again.position == 1


def test_a_commit_frees_what_it_names_and_nothing_else() -> None:
    lane = window()
    lane.open(0)
    for position in range(1, 11):
        lane.appended(record(position))
    send_live(lane, 0)

    assert lane.committed(Committed(3, ((5, 6), (9, 9)))) == [(1, 3), (5, 6), (9, 9)]

    assert lane.in_flight == 4
    assert lane.committed(Committed(10)) is not None
    assert lane.is_drained()


@pytest.mark.parametrize(
    "claimed", [Committed(11), Committed(4, ((6, 11),)), Committed(0, ((12, 12),)), Committed(2**63)]
)
def test_a_commit_of_positions_that_were_never_published_is_not_obeyed_at_all(claimed: Committed) -> None:
    lane = window()
    lane.open(0)
    for position in range(1, 11):
        lane.appended(record(position))
    send_live(lane, 0)

    assert lane.committed(claimed) is None
    assert lane.in_flight == 10


def test_backlog_that_waits_unsent_cannot_be_committed() -> None:
    lane = window()
    for position in range(1, 4):
        lane.appended(record(position))  # not connected
    lane.open(0)

    assert lane.committed(Committed(3)) is None


def test_positions_of_an_earlier_run_may_be_committed_because_they_may_have_been_published() -> None:
    lane = window(stored=(4, 9), last=9)
    lane.open(0)

    assert lane.committed(Committed(9)) == [(4, 9)]
    assert lane.wanted() is None and lane.is_drained()


def test_a_commit_may_pass_a_hole_that_lies_below_the_floor() -> None:
    lane = window()
    lane.open(0)
    for position in (1, 2, 6, 7):  # 3 to 5 were dropped for want of room
        lane.appended(record(position))
    send_live(lane, 0)
    assert lane.committed(Committed(2)) == [(1, 2)]
    assert lane.committed(Committed(7)) is None, "not yet declared"

    lane.raise_floor(6)

    assert lane.committed(Committed(7)) == [(6, 7)]


def test_what_the_journal_dropped_is_neither_fetched_nor_sent_again() -> None:
    lane = window(stored=(1, 10), last=10)
    lane.open(0)
    lane.raise_floor(8)

    assert lane.wanted() == (8, 10)
    lane.fetched(8, 10, [record(10)])
    found = lane.old(anything)
    assert found is not None and found.position == 10
    assert lane.wanted() is None


def test_a_chunk_from_disk_is_bounded() -> None:
    lane = window(stored=(1, 10_000), last=10_000, in_flight_max=1_000)
    lane.open(0)

    assert lane.wanted() == (1, LOAD_MAX)


def test_records_whose_device_is_not_born_wait_without_holding_up_others() -> None:
    lane = window()
    lane.open(0)
    lane.appended(record(1, device="away"))
    lane.appended(record(2, device="here"))

    found = lane.live(lambda each: each.device == "here", displaces=True)

    assert found is not None and found.position == 2
    assert lane.waiting_devices(0) == {"away"}


def test_without_acknowledgement_the_brokers_word_is_enough() -> None:
    lane = window(resend_ms=0)
    lane.open(0)
    lane.appended(record(1))
    send_live(lane, 0)
    assert lane.overdue(anything, 10**9) is None

    lane.handed_over(1)

    assert lane.is_drained()


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 8)), max_size=40))
def test_spans_agree_with_a_plain_set(steps: list[tuple[bool, int, int]]) -> None:
    spans, plain = Spans(), set[int]()
    for adds, first, length in steps:
        last = first + length - 1
        (spans.add if adds else spans.remove)(first, last)
        members = set(range(first, last + 1))
        plain = plain | members if adds else plain - members

    held = {position for first, last in spans.ranges for position in range(first, last + 1)}
    assert held == plain
    assert all(later[0] > earlier[1] + 1 for earlier, later in zip(spans.ranges, spans.ranges[1:], strict=False))
    assert spans.covers(5, 9) == (set(range(5, 10)) <= plain)
