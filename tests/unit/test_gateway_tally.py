"""What a bus's questions came to: counts of always, times of the last minute."""

from __future__ import annotations

from config.busfigures import figures_of, is_bus_figure, metrics_of_bus, readings_of_bus
from config.words import Quality
from gateway.tally import ASKED_MAX, MINUTE_MS, Outcome, Tally


def test_counts_are_since_the_start_and_times_of_the_last_minute() -> None:
    tally = Tally(0)
    tally.note(Outcome.ANSWER, 900.0, 1_000)
    for second in range(61, 101):
        tally.note(Outcome.ANSWER, float(second), second * 1000)
    tally.note(Outcome.TIMEOUT, 300.0, 100_100)
    tally.note(Outcome.GARBLED, 300.0, 100_200)
    tally.note(Outcome.REFUSED, 80.0, 100_300)
    tally.note(Outcome.LOST, 0.0, 100_400)

    found = tally.figures(7, 2, 101_000)

    assert (found.requests, found.answers, found.timeouts, found.garbled, found.refused) == (45, 41, 1, 1, 1)
    assert found.latency_p50_ms == 80.0 and found.latency_p95_ms == 98.0, "no time-out, and nothing of a minute ago"
    assert found.busy == round((sum(range(61, 101)) + 680) / MINUTE_MS, 4)
    assert (found.units, found.units_dead) == (7, 2)


def test_a_bus_that_was_never_asked_has_no_times_and_not_0() -> None:
    found = Tally(0).figures(0, 0, 0)

    assert (found.latency_p50_ms, found.latency_p95_ms, found.cycle_s, found.busy) == (None, None, None, None)
    readings = {reading.name: reading for reading in readings_of_bus("b", found)}
    assert readings["Bus/b/LatencyP50Ms"].quality is Quality.STALE and readings["Bus/b/LatencyP50Ms"].cause
    assert figures_of(readings.values()) == {"b": found}


def test_a_cycle_is_from_answer_to_answer_and_not_over_the_time_that_a_unit_was_away() -> None:
    tally = Tally(0)
    for at_ms in (0, 250, 500):
        tally.pulse("one", at_ms)
        tally.pulse("two", at_ms + 10)
    tally.away("two")
    tally.pulse("two", 30_000)

    assert tally.figures(2, 0, 30_000).cycle_s == 0.25


def test_a_bus_faster_than_the_memory_is_measured_over_a_shorter_time() -> None:
    tally = Tally(0)
    for number in range(2 * ASKED_MAX):
        tally.note(Outcome.ANSWER, 1.0, 2 * number)

    busy = tally.figures(1, 0, 4 * ASKED_MAX).busy
    assert busy is not None and 0.49 < busy <= 0.5, "one of every two milliseconds"


def test_figures_that_are_no_numbers_are_not_taken() -> None:
    readings = list(readings_of_bus("b", Tally(0).figures(1, 0, 0)))

    assert figures_of(readings[1:]) == {}, "a count is missing"
    assert all(map(is_bus_figure, metrics_of_bus("b")))
    assert not is_bus_figure("Bus/b/Online") and not is_bus_figure("Device/b/Requests")
