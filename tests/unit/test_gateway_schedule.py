"""A bus in virtual time: who is asked when, and what the dead cost the living."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from config.profile import Table
from config.words import Lane
from gateway.blocks import Block
from gateway.schedule import BACK_OFF_MAX_MS, LATE_ANSWER_MS, MISFIT_RETRY_MS, Schedule, Task

ANSWER_MS, TIMEOUT_MS = 20, 300


def block(address: int, lane: Lane = Lane.ALARM, period_s: float = 0.25, count: int = 1) -> Block:
    return Block(Table.INPUT, address, count, lane, period_s, ())


def telemetry(address: int = 100, count: int = 5) -> Block:
    return block(address, Lane.TELEMETRY, 10.0, count)


@dataclass
class Bus:
    """Runs a schedule in virtual time. `answers(device, block, now)` says who answers."""

    blocks: dict[str, list[Block]]
    answers: Callable[[str, Block, int], bool] = lambda device, block, now: True
    now_ms: int = 0
    asked: list[tuple[int, str, int, bool]] = field(default_factory=list)  # when, device, address, answered
    lost: list[tuple[int, str]] = field(default_factory=list)
    back: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schedule = Schedule(self.blocks, self.now_ms)

    def run(self, until_ms: int) -> None:
        turns = 0
        while self.now_ms < until_ms:
            turns += 1
            assert turns < 200_000, "the schedule does not let time pass"
            task = self.schedule.next(self.now_ms)
            if task is None:
                wake_ms = self.schedule.wake_at()
                assert wake_ms is not None
                assert wake_ms > self.now_ms, "asked to be woken at once with nothing to do"
                self.now_ms = wake_ms
            else:
                self.ask(task)

    def ask(self, task: Task) -> None:
        asked_ms = self.now_ms
        answered = self.answers(task.device, task.block, self.now_ms)
        self.now_ms += ANSWER_MS if answered else TIMEOUT_MS
        self.asked.append((asked_ms, task.device, task.block.address, answered))
        if answered:
            if self.schedule.answered(task, self.now_ms):
                self.back.append((self.now_ms, task.device))
        elif self.schedule.missed(task, self.now_ms):
            self.lost.append((self.now_ms, task.device))

    def times(self, device: str, address: int = 0, since_ms: int = 0) -> list[int]:
        return [t for t, name, at, _ in self.asked if name == device and at == address and t >= since_ms]


def gaps(times: list[int]) -> list[int]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def test_alarm_blocks_keep_their_pace_and_telemetry_takes_the_leftover_time() -> None:
    bus = Bus({"a": [block(0), telemetry()], "b": [block(0), telemetry()]})

    bus.run(60_000)

    for device in "ab":
        assert max(gaps(bus.times(device))) <= 250 + 2 * ANSWER_MS
        assert 6 <= len(bus.times(device, 100)) <= 7


def test_an_alarm_that_is_due_goes_before_telemetry_that_is_due_longer() -> None:
    bus = Bus({"a": [block(0), *(telemetry(100 + i, i + 5) for i in range(50))]})

    bus.run(1_500)

    assert max(gaps(bus.times("a"))) <= 250 + ANSWER_MS


def test_one_dead_unit_of_many_costs_at_most_one_probe_per_cycle() -> None:
    units = {f"u{i}": [block(0), telemetry()] for i in range(16)}
    bus = Bus(units, answers=lambda device, block, now: device != "u3")

    bus.run(120_000)

    probes_since: dict[str, int] = {}
    for _, device, address, _ in bus.asked:
        if device == "u3":
            assert not [name for name, count in probes_since.items() if count > 0], "a second probe within one cycle"
            probes_since = {name: 1 for name in units if name != "u3"}
        elif address == 0:
            probes_since[device] = 0
    assert bus.lost == [(bus.lost[0][0], "u3")]


def test_many_dead_units_together_cost_at_most_one_probe_per_cycle() -> None:
    units = {f"u{i}": [block(0)] for i in range(16)}
    bus = Bus(units, answers=lambda device, block, now: int(device[1:]) < 8)

    bus.run(120_000)

    for device in ("u0", "u7"):
        # A cycle of eight answers and one time-out; the living are never further apart than two of them.
        assert max(gaps(bus.times(device))) <= 2 * (8 * ANSWER_MS + TIMEOUT_MS)
    for device in ("u8", "u15"):
        assert len(bus.times(device, since_ms=60_000)) >= 3, "the dead are not forgotten"


def test_probes_of_a_dead_unit_back_off_to_a_bound() -> None:
    bus = Bus({"a": [block(0)], "b": [block(0)]}, answers=lambda device, block, now: device == "a")

    bus.run(180_000)

    waits = gaps(bus.times("b"))
    assert waits[0] < 1_000
    assert waits[-1] <= BACK_OFF_MAX_MS + TIMEOUT_MS + 500
    assert all(later >= earlier - 300 for earlier, later in itertools.pairwise(waits))


def test_a_single_lost_answer_is_not_yet_a_lost_device() -> None:
    bus = Bus({"a": [block(0)]}, answers=lambda device, block, now: not 1_000 <= now < 1_200)

    bus.run(5_000)

    assert bus.lost == []
    assert bus.back == [(ANSWER_MS, "a")]


def test_a_lost_device_that_answers_again_is_back_within_the_longest_pause() -> None:
    bus = Bus({"a": [block(0)], "b": [block(0)]}, answers=lambda d, block, now: d == "a" or not 5_000 <= now < 65_000)

    bus.run(100_000)

    assert [device for _, device in bus.lost] == ["b"]
    assert 65_000 <= bus.back[-1][0] <= 65_000 + BACK_OFF_MAX_MS + 1_000
    assert max(gaps(bus.times("b", since_ms=bus.back[-1][0]))) <= 250 + 2 * ANSWER_MS


def test_a_block_that_is_never_answered_does_not_hide_the_fire_word() -> None:
    bus = Bus(
        {"a": [block(0), telemetry(100)], "b": [block(0)]},
        answers=lambda device, block, now: block.address != 100,
    )

    bus.run(120_000)

    assert bus.lost == []
    late = bus.times("a", since_ms=10_000)
    assert max(gaps(late)) <= 250 + TIMEOUT_MS + 2 * ANSWER_MS


def test_after_a_time_out_no_other_question_of_the_same_shape_follows_at_once() -> None:
    slow = {"on": False}
    bus = Bus(
        {"a": [block(0, count=2), telemetry(100, count=2), telemetry(200, count=9)]},
        answers=lambda device, block, now: not (slow["on"] and block.address == 0),
    )
    bus.run(9_000)
    slow["on"] = True
    bus.run(9_400)
    slow["on"] = False
    given_up_ms = next(t for t, _, _, answered in bus.asked if not answered) + TIMEOUT_MS

    bus.run(20_000)

    assert min(bus.times("a", 100, since_ms=given_up_ms)) >= given_up_ms + LATE_ANSWER_MS


def test_the_question_given_up_is_the_first_one_asked_again() -> None:
    bus = Bus({"a": [block(0), telemetry(100)]}, answers=lambda device, block, now: block.address != 100)

    bus.run(1_000)

    missed = [index for index, (_, _, _, answered) in enumerate(bus.asked) if not answered]
    assert bus.asked[missed[0] + 1][2] == 100


@pytest.mark.parametrize(("exception", "within_ms"), [(2, MISFIT_RETRY_MS + 100), (4, 15_100)])
def test_a_device_that_refuses_a_block_lives_and_is_asked_for_it_seldom(exception: int, within_ms: int) -> None:
    schedule = Schedule({"a": [block(0), telemetry(100)]}, 0)
    first = schedule.next(0)
    assert first is not None

    assert schedule.refused(first, exception, 10), "an exception is an answer: the device is there"

    assert first.is_lost
    assert 10 < first.due_ms <= within_ms
    following = schedule.next(20)
    assert following is not None and following.block.address == 100


def test_a_busy_device_keeps_its_values_until_it_has_been_busy_three_times_in_a_row() -> None:
    schedule = Schedule({"a": [block(0)]}, 0)
    now_ms = 0
    lost = []
    for _ in range(3):
        task = schedule.next(now_ms)
        assert task is not None
        schedule.refused(task, 6, now_ms)
        lost.append(task.is_lost)
        wake_ms = schedule.wake_at()
        assert wake_ms is not None and wake_ms <= now_ms + 1_000, "a fire may be behind it"
        now_ms = wake_ms

    assert lost == [False, False, True]


def test_a_bus_too_slow_for_its_pace_still_serves_telemetry_and_probes() -> None:
    units = {f"u{i}": [block(0, period_s=0.05), telemetry()] for i in range(20)}
    bus = Bus(units, answers=lambda device, block, now: device != "u7")

    bus.run(120_000)

    assert all(len(bus.times(f"u{i}", 100)) >= 5 for i in range(20) if i != 7)
    assert len(bus.times("u7")) >= 5


def test_all_devices_are_lost_once_when_the_line_goes_down_and_asked_at_once_when_it_is_back() -> None:
    bus = Bus({"a": [block(0), telemetry()], "b": [block(0)]})
    bus.run(1_000)

    assert sorted(bus.schedule.lose_all(1_000)) == ["a", "b"]
    assert bus.schedule.lose_all(2_000) == []
    bus.now_ms = 5_000
    bus.run(5_500)

    assert [device for _, device in bus.back[2:]] == ["a", "b"]
    assert bus.times("a", 100, since_ms=5_000)


def test_a_bus_is_unsettled_until_every_device_answered_or_was_given_up() -> None:
    bus = Bus({"a": [block(0)], "b": [block(0)]}, answers=lambda device, block, now: device == "a")

    bus.run(300)
    assert bus.schedule.unsettled
    bus.run(5_000)

    assert not bus.schedule.unsettled
