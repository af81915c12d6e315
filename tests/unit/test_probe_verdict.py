"""What is said of a bus: never nothing, and never a problem without a next step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.probe.course import ASKS, Course, Found, Outcome
from gateway.probe.overheard import Overheard
from gateway.probe.verdict import Survey, verdicts

UNITS = st.integers(1, 40)
HEARD = st.builds(
    Overheard,
    serial=st.booleans(),
    sound_answers=st.integers(0, 9),
    garbled_answers=st.integers(0, 9),
    noise_bytes=st.integers(0, 40),
    echoes=st.integers(0, 2),
    late_refusals=st.integers(0, 2),
    excerpt=st.binary(max_size=64),
    master_asks=st.dictionaries(st.tuples(UNITS, st.integers(1, 6)), st.just(1), max_size=2),
    answering=st.sets(UNITS, max_size=2),
    late=st.sets(UNITS, max_size=2),
    instead=st.dictionaries(UNITS, st.sets(UNITS, min_size=1, max_size=2), max_size=2),
    bursts_s=st.lists(st.floats(0, 9), max_size=4).map(sorted),
)


@given(st.sets(UNITS, min_size=1), st.sets(UNITS), st.sets(UNITS), HEARD, st.booleans())
def test_whatever_is_heard_something_is_said_and_what_is_wrong_leads_on(
    units: set[int], here: set[int], garbled: set[int], heard: Overheard, has_controls: bool
) -> None:
    course = Course(tuple(sorted(units)), ASKS[:1])
    outcomes = dict.fromkeys(garbled & units, Outcome("garbled"))
    outcomes |= dict.fromkeys(here & units, Outcome("answers", words=(1,)))
    course.found = {unit: Found(unit, ASKS[0], outcome) for unit, outcome in outcomes.items()}
    # Garbled answers leave their bytes in the account.
    heard.noise_bytes += 8 * len(course.garbled)

    told = verdicts(Survey("BUS", heard.serial, "9600 8N1", course, heard, (246,) if has_controls else ()))

    assert told
    assert all(each.do for each in told if each.wrong)
    assert any(each.wrong for each in told) or course.here
    assert {unit for each in told if each.word == "units" for unit in course.here} <= set(course.here)


def test_a_healthy_line_is_not_called_noisy_for_the_glitch_of_a_driver() -> None:
    course = Course((1,), ASKS[:1], found={1: Found(1, ASKS[0], Outcome("answers", words=(1,)))})

    (told,) = verdicts(Survey("BUS", True, "9600 8N1", course, Overheard(True, sound_answers=1, noise_bytes=2)))

    assert (told.word, told.wrong) == ("units", False)


def test_a_scan_that_went_on_and_stopped_for_bursts_says_so_beside_the_units_that_it_has() -> None:
    course = Course((1, 2), ASKS[:1], found={1: Found(1, ASKS[0], Outcome("answers", words=(1,)))})
    heard = Overheard(True, sound_answers=1, noise_bytes=3, unasked_bytes=3, bursts_s=[0, 0.5, 1])

    told = {each.word: each for each in verdicts(Survey("BUS", True, "9600 8N1", course, heard))}

    assert told["noise"].wrong and "--listen 0" in told["noise"].do[0] and "units" in told
