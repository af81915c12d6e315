"""A profile's page: hand-written rows from the published maps, and the pages that stand in docs/."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.document import Document
from config.loader import SHIPPED_PROFILES, read_profile
from config.profile import Profile, Table
from config.profilepage import page_of, reference_of
from config.registers import heading_of, run

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in SHIPPED_PROFILES.glob("*.yaml"))

# Written by hand from the maps: what a line of the page must hold, in this order.
ROWS: dict[str, list[tuple[str, ...]]] = {
    "sm-1": [
        ("input 0x0001", "30002", "`obscuration_db_m`", "uint16", "raw × 0.001, dB/m", "measurement", "telemetry"),
        ("input 0x0006", "30007", "`uptime_s`", "uint32, high word first", "| s |", "counter"),
        ("input 0x0009", "30010", "`self_test_result`", "uint8_high"),
        ("| 1 | 0x0002 |", "`fire`", "alarm (fire)", "火警"),
        ("`self_test_failed`", "above 0.5", "0.5", "trouble (fault)"),
    ],
    "ep-1": [
        ("input 0x0002", "30003", "`pressure_kpa`", "float32, high word first", "kPa", "telemetry, every 5 s"),
        ("input 0x0004", "30005", "`temperature_c`", "int16", "raw × 0.1, °C"),
        ("`below_limit`", "below 1000 kPa", "1030 kPa", "supervisory (equipment)"),
        ("Without meaning, and ignored: 0.",),
    ],
    "le-1": [
        ("input 0x0009", "30010", "`trips`", "uint32, high word first", "counter"),
        ("input 0x0004", "30005", "`floor`", "int16", "state", "telemetry, every 2 s"),
        ("| 14 | 0x4000 |", "`unintended_movement`", "alarm (equipment)"),
        ("`mains_lost`", "trouble (fault)", "while the bit is 0"),
        ("| 4 |", "blocked · 受阻"),
        ("`inspection`", "`service_mode`", "while it is 1 or 4"),
    ],
    "fp-1": [
        ("discrete 0x0100", "10257", "`fault`", "bit", "trouble (fault)", "alarm, at the bus's fast period"),
        ("input 0x0400", "31025", "`drift_percent`", "%"),
        ("| 10 | 0x0400 |", "`bus_fault`", "trouble (fault)", "总线故障"),  # of the panel's word
        ("| 15 | 0x8000 |", "`not_present`", "trouble (fault)"),  # of a detector's
    ],
    "lift-box": [
        ("holding 0x0010", "40017", "`faults`", "uint16", "state", "alarm, at the bus's fast period"),
        ("holding 0x0011", "40018", "`sensor_fault`", "uint8_low", "alarm, at the bus's fast period"),
        ("holding 0x0012", "40019", "`speed_m_s`", "uint8_low", "raw × 0.1, m/s"),
        ("`moving`", "`state`", "while it has a bit of 0x0003"),
    ],
    "pressure-transmitter-a": [
        ("holding 0x0004", "40005", "`pressure_kpa`", "int16", "raw × the factor of `unit_code` / 10^`decimals`, kPa"),
        ("| 6 |", "6.894757"),
    ],
    "pressure-transmitter-b": [("holding 0x0026", "40039", "`temperature_c`", "float32, high word first", "°C")],
}


def shipped(name: str) -> Profile:
    profile = read_profile(SHIPPED_PROFILES / f"{name}.yaml", Document())
    assert profile is not None
    return profile


def in_order(line: str, cells: tuple[str, ...]) -> bool:
    at = 0
    for cell in cells:
        at = line.find(cell, at)
        if at < 0:
            return False
        at += len(cell)
    return True


@pytest.mark.parametrize("name", SHIPPED)
def test_a_page_says_what_the_published_map_says(name: str) -> None:
    lines = page_of(shipped(name)).splitlines()

    assert not [row for row in ROWS[name] if not any(in_order(line, row) for line in lines)]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_pages_in_the_documents_are_those_of_the_profiles(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name) == 0

    page = ROOT / "docs" / "profiles" / f"{name}.md"
    assert page.read_text(encoding="utf-8") == capsys.readouterr().out, f"callpoint registers {name} > {page}"
    assert f"({name}.md)" in (page.parent / "README.md").read_text(encoding="utf-8")


def test_no_page_is_left_of_a_profile_that_is_gone() -> None:
    assert sorted(path.stem for path in (ROOT / "docs" / "profiles").glob("*.md")) == sorted(["README", *SHIPPED])


@pytest.mark.parametrize(
    ("table", "address", "expected"),
    [
        (Table.COIL, 0, "00001"),
        (Table.DISCRETE, 0x1F, "10032"),
        (Table.INPUT, 0, "30001"),
        (Table.HOLDING, 0, "40001"),
        (Table.HOLDING, 9998, "49999"),
        (Table.HOLDING, 9999, "410000"),
        (Table.HOLDING, 0xFFFF, "465536"),
    ],
)
def test_an_address_has_the_number_that_manuals_print(table: Table, address: int, expected: str) -> None:
    assert reference_of(table, address) == expected


OWN = """# yaml-language-server: $schema=../profile.schema.json
# A head
# of our own.
profile: own
title: {zh: "某型", en: "Some | head"}
source: "manual, page 12"
category: other
points:
  level:
    table: holding
    address: 0x2710
    type: uint32
    word_order: low-first
    byte_order: little
    scale: 0.5
    offset: -40
    unit: mm
    no_value: [0xFFFFFFFF]
    text: {en: "Level", zh: "液位"}
  pressed: {table: coil, address: 7, type: bit, class: alarm, kind: fire, initiating: manual, text: {en: "Pressed"}}
"""


def test_a_sites_own_profile_has_its_page_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")

    assert run(str(tmp_path / "own.yaml")) == 0
    page = capsys.readouterr().out
    assert "A head of our own.\n" in page and "language-server" not in page
    assert (
        "410001 | `level` | uint32, low word first, low byte first | raw × 0.5 − 40, mm, 0xffffffff means no value"
        in page
    )
    assert "coil 0x0007 | 00008 | `pressed` | bit |  | alarm (fire), a person pressed it" in page
    assert "Words, codes and limits" not in page


def test_a_profile_with_mistakes_has_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.yaml").write_text(OWN.replace("uint32", "int64"), encoding="utf-8")

    assert run(str(tmp_path / "own.yaml")) == 1
    assert run("no-such") == 1
    said = capsys.readouterr()
    assert said.out == "" and "own.yaml:12: points.level.type" in said.err and "no profile 'no-such' ships" in said.err


def test_only_the_comment_at_the_top_is_the_heading() -> None:
    assert heading_of("# one\n# two\nprofile: x\n# three\n") == "one two"
    assert heading_of("profile: x\n# three\n") == ""
