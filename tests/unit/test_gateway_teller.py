"""What a gateway tells of itself and, when asked, of a device; without a question on the bus."""

from __future__ import annotations

from config.busfigures import figures_of
from config.diagnosis import ANSWER, ANSWER_BYTES_MAX, REFUSED, Diagnosis, ReadBlock, read_diagnosis, write_diagnosis
from config.words import Reading
from gateway.clock import Clock
from gateway.teller import ANSWERS_MAX, Teller
from tests.unit.test_gateway_poller import Bench, nothing


class Told:
    """A teller over one bus, and what it has said."""

    def __init__(self, bench: Bench) -> None:
        self.said: list[Reading] = []
        self.teller = Teller([bench.poller], Clock(), self.said.extend)

    def answer(self, device: str) -> Diagnosis:
        self.teller.answer(device)
        assert self.said[-1].name == ANSWER
        return read_diagnosis(str(self.said[-1].value))


def test_figures_say_what_the_questions_came_to_and_who_is_dead() -> None:
    bench = Bench()
    bench.link.refusing[1, 5] = 4  # a device failure: it answers all the same

    bench.run(
        (nothing, lambda: bool(bench.said("two", "level"))),
        (lambda: bench.link.dead.add(2), lambda: len(bench.said(None, "Device/two/Online")) == 2),
    )

    found = figures_of(Told(bench).teller.present)["bus"]
    assert found.answers > 0 and found.timeouts >= 3 and found.refused > 0 and found.garbled == 0
    assert found.requests == found.answers + found.timeouts + found.refused
    assert (found.units, found.units_dead) == (2, 1)
    assert found.latency_p50_ms is not None and found.cycle_s is not None and found.busy is not None


def test_a_diagnosis_has_the_words_of_the_last_answer_even_of_a_unit_that_is_gone() -> None:
    bench = Bench()
    bench.run(
        (nothing, lambda: bool(bench.said("two", "level"))),
        (lambda: bench.link.dead.add(2), lambda: len(bench.said(None, "Device/two/Online")) == 2),
    )
    asked = len(bench.link.asked)

    found = Told(bench).answer("two")

    assert (found.bus, found.unit, found.live) == ("bus", 2, False)
    assert {(block.address, block.words) for block in found.blocks} == {(0, (0,)), (5, (60,))}
    assert all(block.heard_ms is not None for block in found.blocks)
    assert found.errors and found.errors[0].cause == "no answer within 300 ms"
    assert [error.at_ms for error in found.errors] == sorted((error.at_ms for error in found.errors), reverse=True)
    assert found.misses is not None and found.misses >= 3 and found.next_ms is not None
    assert len(bench.link.asked) == asked, "no question went over the bus for it"


def test_a_device_that_is_not_there_is_said_to_be_unknown() -> None:
    found = Told(Bench()).answer("nobody")

    assert (found.device, found.known, found.blocks) == ("nobody", False, ())


def test_too_many_questions_are_counted_and_not_answered() -> None:
    told = Told(Bench())
    for _ in range(ANSWERS_MAX + 5):
        told.teller.answer("one")

    assert len(told.said) == ANSWERS_MAX
    assert {reading.name: reading.value for reading in told.teller.present}[REFUSED] == 5


def test_an_answer_that_is_too_long_is_cut_and_says_so() -> None:
    block = ReadBlock(
        table="holding", address=0, count=125, lane="telemetry", period_s=1.0, due_ms=1, misses=0, words=(65535,) * 125
    )
    text = write_diagnosis(Diagnosis(device="d", told_ms=1, blocks=(block,) * 200))

    found = read_diagnosis(text)
    assert len(text) <= ANSWER_BYTES_MAX and 0 < len(found.blocks) < 200
    assert found.blocks_left_out + len(found.blocks) == 200
