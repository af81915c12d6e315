"""A scan's course: every unit once a question, nobody twice who has answered, and the same after an interruption."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.profile import Table
from config.site import TcpBus
from gateway.probe.course import ASKS, Ask, BadUnits, Course, Outcome, course_of, parse_units, ranges
from gateway.probe.line import Pace
from gateway.probe.overheard import Overheard
from gateway.probe.reading import ReadOptions, changes, shown
from gateway.probe.registers import BadRegister, in_manuals, of_manual, words_of
from gateway.probe.sample import Sample
from gateway.probe.statefile import NoScan, ScanFile
from gateway.probe.whereabouts import Whereabouts

SILENT, HERE, GARBLED = Outcome("silent"), Outcome("answers", words=(7,)), Outcome("garbled")


def asked_of(course: Course, outcomes: dict[int, Outcome]) -> list[tuple[int, str]]:
    """Whom a course asks what, where these units say this and all others are silent."""
    asked = []
    while (turn := course.next()) is not None:
        asked.append((turn[0], str(turn[1])))
        course.take(*turn, outcomes.get(turn[0], SILENT))
    return asked


def test_who_has_answered_is_not_asked_again_and_who_is_silent_is_asked_otherwise() -> None:
    course = Course((1, 2, 3), ASKS[:2])

    asked = asked_of(course, {2: HERE})

    assert asked == [(1, "holding:0"), (2, "holding:0"), (3, "holding:0"), (1, "input:0"), (3, "input:0")]
    assert course.here == (2,)


def test_an_exception_is_an_answer_and_a_converters_word_is_none() -> None:
    course = Course((1, 2, 3), ASKS[:1])
    asked_of(course, {1: Outcome("refuses", code=2), 2: Outcome("converter"), 3: GARBLED})

    assert course.here == (1,) and course.converter == {2} and course.garbled == (3,)


def test_a_sound_answer_takes_the_place_of_a_garbled_one() -> None:
    course = Course((1,), ASKS[:2])
    course.take(1, ASKS[0], GARBLED)
    course.take(1, ASKS[1], HERE)

    assert course.here == (1,) and course.garbled == ()


@given(st.sets(st.integers(1, 30), min_size=1), st.sets(st.integers(1, 30)), st.integers(0, 60))
def test_it_goes_on_after_an_interruption_as_if_there_had_been_none(
    units: set[int], here: set[int], stop_after: int
) -> None:
    outcomes = dict.fromkeys(here, HERE)
    straight, first = (Course(tuple(sorted(units)), ASKS[:2]) for _ in range(2))
    whole = asked_of(straight, outcomes)
    before: list[tuple[int, str]] = []
    while len(before) < stop_after and (turn := first.next()) is not None:
        before.append((turn[0], str(turn[1])))
        first.take(*turn, outcomes.get(turn[0], SILENT))

    again = course_of(json.loads(json.dumps(first.facts())))

    assert before + asked_of(again, outcomes) == whole
    assert again.found == straight.found


@pytest.mark.parametrize("spoil", [{"version": 9}, {"position": 99}, {"units": "0"}, {"asks": []}, {"found": [{}]}])
def test_a_state_that_no_scan_wrote_is_refused(spoil: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        course_of(Course((1,)).facts() | spoil)


@pytest.mark.parametrize(
    ("text", "units"), [("3", (3,)), ("1-3,2,11", (1, 2, 3, 11)), (" 1 - 2 , 247", None), ("247,1", (1, 247))]
)
def test_units_are_named_as_people_write_them(text: str, units: tuple[int, ...] | None) -> None:
    if units is None:
        with pytest.raises(BadUnits):
            parse_units(text)
    else:
        assert parse_units(text) == units and parse_units(ranges(units)) == units


@pytest.mark.parametrize("text", ["", "0", "248", "9-1", "a", "1-", "-1", "1,,2"])
def test_units_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(BadUnits, match="expected"):
        parse_units(text)


@pytest.mark.parametrize(
    ("table", "address", "manual"),
    [
        (Table.HOLDING, 0, "40001"),
        (Table.INPUT, 0x100, "30257"),
        (Table.DISCRETE, 9998, "19999"),
        (Table.COIL, 0, "00001"),
        (Table.HOLDING, 9999, "410000"),
        (Table.HOLDING, 65535, "465536"),
    ],
)
def test_addresses_are_shown_and_taken_as_manuals_print_them(table: Table, address: int, manual: str) -> None:
    assert in_manuals(table, address) == manual
    assert of_manual(manual) == (table, address)


@pytest.mark.parametrize("text", ["4", "20001", "40000", "465537", "4000x", "4000001"])
def test_a_manuals_number_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(BadRegister, match="expected"):
        of_manual(text)


def test_a_word_is_shown_in_every_meaning() -> None:
    first, second, third = words_of({0: 0x4496, 1: 0x5333, 5: 0xFFFF})

    assert (first.raw, round(first.float_high_first or 0, 1), first.text) == (0x4496, 1202.6, "D.")
    assert round(words_of({0: 0x5333, 1: 0x4496})[0].float_low_first or 0, 1) == 1202.6
    assert (third.signed, third.float_high_first, second.float_low_first) == (-1, None, None)
    assert third.facts()["unsigned"] == 65535 and str(Ask(Table.INPUT, 3)) == "input:3"
    assert words_of({0: 0x7F80, 1: 0})[0].facts()["float_high_first"] is None, "JSON knows no infinity"


def test_an_interrupted_scan_is_kept_by_bus_and_settings_and_a_broken_file_is_no_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = ScanFile("/dev/ttyUSB0", "9600 8N1", serial=True)
    with pytest.raises(NoScan, match="no scan of /dev/ttyUSB0 was interrupted"):
        file.read()
    course = Course((1, 2, 3))
    course.take(1, ASKS[0], HERE)
    file.keep(course, Overheard(True, noise_bytes=7))

    again, heard = file.read()

    assert (again.position, again.here, heard.noise_bytes) == (1, (1,), 7)
    with pytest.raises(NoScan, match="made at 9600 8N1, not 19200 8N1"):
        ScanFile("/dev/ttyUSB0", "19200 8N1", serial=True).read()
    with pytest.raises(NoScan, match="is of /dev/ttyUSB0"):
        ScanFile("/dev.ttyUSB0", "9600 8N1", serial=True).read()  # the same file by its name
    for broken in ("", "[]", "{}", '{"settings": "9600 8N1", "course": {"version": 1}}'):
        file.path.write_text(broken)
        with pytest.raises(NoScan, match="leave --resume away"):
            file.read()


def test_what_has_changed_is_marked_also_without_colour() -> None:
    where = Whereabouts(TcpBus.model_construct(host="h", port=502), "tcp://h:502")
    options = ReadOptions(where, Pace(), 1, Table.INPUT, 0, 2)
    sample = Sample({(Table.INPUT, 0): 7, (Table.INPUT, 1): 9})

    header, same, changed = shown(options, sample, {0: 7, 1: 8})

    assert header.startswith("address") and "*" not in same and changed.endswith("* was 8")
    assert changes(Table.INPUT, {0: 7, 1: 8}, {0: 7, 1: 9}) == ["input 1 (30002): 8 -> 9"]
