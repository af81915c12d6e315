"""A profile against a device: what is doubted, what would make sense instead, and which profile it is."""

from __future__ import annotations

import struct

import pytest

from config.loader import load_profiles
from config.profile import Profile, Table, points_of
from gateway.probe.difference import BusMet, Met, differences, standing
from gateway.probe.doubts import Doubt, of_the_whole, rows_of
from gateway.probe.draft import Sighting
from gateway.probe.likeness import LIKELY, likeness, ranked
from gateway.probe.sample import Sample, ends_of
from tests.sites import small_site

PROFILES = load_profiles()
# Each device as its register map says, written by hand, and how many registers it has.
HEAD = {0: 1, 1: 12, 2: 215, 3: 12, 4: 2400, 5: 3, 6: 0, 7: 900, 8: 0, 9: 1}
VESSEL = {0: 0, 1: 1203, 2: 0x4496, 3: 0x5333, 4: 180, 5: 1212, 6: 2500, 7: 3600, 8: 12, 9: 1}
LIFT = {0: 0, 1: 0, 2: 1, 3: 0, 4: 3, 5: 0x3F, 6: 630, 7: 12, 8: 0, 9: 0, 10: 4000, 11: 0, 12: 9000}
LIFT |= {13: 1, 14: 0x8000, 15: 44, 16: 20, 17: 1}
PANEL = {0: 18000, 1: 1, 2: 1, 3: 0, 4: 0, 5: 0, 6: 0, 7: 9, 8: 0, 9: 900, 10: 2200, 11: 2730, 12: 1, 13: 6, 14: 0}
HYDRANT = {0: 21, 1: 3, 2: 0, 3: 3, 4: 320} | dict.fromkeys(range(5, 17), 0)
RISER = {0: 22, 1: 3, 2: 0, 3: 1, 4: 3, 0x16: 0x3EA3, 0x17: 0xD70A, 0x26: 0x41A0, 0x27: 0}
DEVICES = {
    "sm-1": (Table.INPUT, HEAD),
    "ep-1": (Table.INPUT, VESSEL),
    "le-1": (Table.INPUT, LIFT),
    "fp-1": (Table.INPUT, PANEL),
    "pressure-transmitter-a": (Table.HOLDING, HYDRANT),
    "pressure-transmitter-b": (Table.HOLDING, RISER),
}


def said(words: dict[int, int], table: Table = Table.INPUT, *profiles: Profile) -> Sample:
    """What a device with these registers says to all profiles: the rest it refuses."""
    sample = Sample({(table, address): word for address, word in words.items()})
    for profile in profiles or PROFILES.values():
        wanted = [(r.table, r.address + n) for r in profile.points.values() for n in range(r.registers)]
        for key in [*wanted, *ends_of(profile)]:
            if key not in sample.words:
                sample.refused[key] = 2 if key[0] is table else 1
    return sample


def doubts(name: str, words: dict[int, int], table: Table = Table.INPUT) -> dict[str | None, Doubt]:
    profile, sample = PROFILES[name], said(words, table)
    points = points_of(profile)
    found = [row.doubt for row in rows_of(profile, points, sample) if row.doubt is not None]
    return {doubt.point: doubt for doubt in [*of_the_whole(profile, points, sample), *found]}


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_that_is_what_it_says_is_not_doubted_and_is_known_among_all(name: str) -> None:
    table, words = DEVICES[name]
    sample = said(words, table)

    first, second = ranked(PROFILES.values(), sample)[:2]

    assert doubts(name, words, table) == {}
    assert first.profile == name and first.score >= LIKELY and first.score - second.score >= 10


@pytest.mark.parametrize(
    ("change", "point", "instead"),
    [
        ({2: 0x5333, 3: 0x4496}, "pressure_kpa", "word_order: low-first it would be 1202.6 kPa"),
        ({2: 0x9644, 3: 0x3353}, "pressure_kpa", "byte_order: little it would be 1202.6 kPa"),
        ({2: 0x3353, 3: 0x9644}, "pressure_kpa", "word_order: low-first and byte_order: little it would be 1202.6 kPa"),
        ({4: 0xB400}, "temperature_c", "byte_order: little it would be 18 °C"),
        ({0: 0x8000}, "status/unknown", ""),
        ({2: 0x7FC0, 3: 0}, "pressure_kpa", ""),
    ],
)
def test_a_value_that_cannot_be_meant_is_doubted_with_what_could_be(
    change: dict[int, int], point: str, instead: str
) -> None:
    found = doubts("ep-1", VESSEL | change)

    assert set(found) == {point}
    assert instead in found[point].instead and bool(instead) <= bool(found[point].instead)


def test_a_float_is_found_wherever_its_words_are_swapped() -> None:
    for value in (-101.0, 0.5, 12.3, 320.0, 1202.6, 1013.25):
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        found = doubts("ep-1", VESSEL | {2: low, 3: high})["pressure_kpa"]
        assert f"low-first it would be {value:g} kPa" in found.instead, value


def test_a_counter_in_the_wrong_word_order_ends_in_zeros() -> None:
    found = doubts("le-1", LIFT | {9: 4000, 10: 0})

    assert found["trips"].instead == "with word_order: low-first it would be 4000"


@pytest.mark.parametrize(("by", "word"), [(1, "low"), (-1, "high")])
def test_addresses_that_are_one_off_are_told_of_the_whole_profile(by: int, word: str) -> None:
    padded = {address + 1: value for address, value in VESSEL.items()} if by == 1 else VESSEL
    profile = PROFILES["ep-1"]
    if by == -1:  # a profile that was written with a manual's numbers
        points = {name: r.model_copy(update={"address": r.address + 1}) for name, r in profile.points.items()}
        profile = profile.model_copy(update={"points": points})
    sample = said(padded, Table.INPUT, profile)

    (found,) = of_the_whole(profile, points_of(profile), sample)

    assert f"one too {word}" in found.said and "1202.6 kPa" in found.instead


def test_a_code_that_the_profile_does_not_know_is_doubted() -> None:
    assert "99 is not among the codes" in doubts("le-1", LIFT | {3: 99})["door"].said
    assert "unit code 7" in doubts("pressure-transmitter-b", RISER | {3: 7}, Table.HOLDING)["pressure_kpa"].said


def test_a_device_that_says_nothing_but_zeros_is_doubted_as_a_whole() -> None:
    assert "every word is 0x0000" in doubts("sm-1", dict.fromkeys(range(10), 0))[None].said


def test_an_address_that_is_not_there_is_named_as_manuals_print_it_with_the_table_that_has_it() -> None:
    sample = said(dict(list(HEAD.items())[:9]))
    profile = PROFILES["sm-1"]
    missing = {row.point.name: row.doubt for row in rows_of(profile, points_of(profile), sample) if row.doubt}
    assert "no input 9 (30010): exception 2 illegal data address" in str(missing["self_test_result"])
    twin = said(HEAD, Table.HOLDING)
    elsewhere = {row.point.name: row.doubt for row in rows_of(profile, points_of(profile), twin) if row.doubt}
    assert "table: holding answers there and would say 21.5" in str(elsewhere["temperature_c"])


def test_a_value_that_the_device_says_it_has_not_is_no_doubt() -> None:
    source = PROFILES["ep-1"]
    register = source.points["temperature_c"].model_copy(update={"no_value": (0x7FFF,)})
    profile = source.model_copy(update={"points": source.points | {"temperature_c": register}})

    rows = rows_of(profile, points_of(profile), said(VESSEL | {4: 0x7FFF}))

    assert [row.doubt for row in rows if row.point.name == "temperature_c"] == [None]


def test_a_silent_device_looks_like_nothing() -> None:
    assert {each.score for each in ranked(PROFILES.values(), Sample())} == {0}


def test_a_site_is_compared_by_what_is_missing_unlike_and_strange() -> None:
    site = small_site()
    smoke, pressure = site.devices["smoke-1"], site.devices["ext-1"]
    own = likeness(PROFILES["ep-1"], said(HEAD))
    stranger = Sighting(9, said(HEAD), (likeness(PROFILES["sm-1"], said(HEAD)),))
    found = BusMet(
        "bus-1",
        "SITE --bus bus-1",
        [Met(smoke, False, "it does not answer"), Met(pressure, True, "", own, (), stranger)],
        [stranger],
    )

    told = {(each.word, each.unit): each for each in differences(site, found)}

    assert set(told) == {("missing", 1), ("unlike", 3), ("stranger", 9)}
    assert "ask Mona to let you in" in told["missing", 1].do[0] and "floor 5" in told["missing", 1].do[0]
    assert "like sm-1" in told["unlike", 3].said


def test_a_look_that_is_cut_short_calls_nobody_missing_and_nobody_well_who_did_not_answer() -> None:
    site = small_site()
    met = [Met(site.devices["smoke-1"], True), Met(site.devices["smoke-2"], False, "it does not answer")]
    found = BusMet("bus-1", "SITE --bus bus-1", met)

    assert differences(site, found, whole=False) == []
    assert [well for well, _ in standing(found, [])] == [True, False]


def test_a_bus_on_which_nobody_answers_is_one_difference() -> None:
    site = small_site()
    met = [Met(site.devices[name], False, "it does not answer") for name in ("smoke-1", "smoke-2")]

    (found,) = differences(site, BusMet("bus-1", "SITE --bus bus-1", met))

    assert found.word == "none-answers" and "probe scan SITE --bus bus-1" in found.do[0]
