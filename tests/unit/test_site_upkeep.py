"""What `check` says of extinguishers' contents and dates, and of limits that no register can pass."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.document import Document, Mistake
from config.limits import check_limits, range_of
from config.loader import SHIPPED_PROFILES, read_profile, read_site
from config.profile import Profile

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"
EXTINGUISHER = "profile: ep-1, unit: 13, place: {building: b-6, floor: 5, note: 楼道}, upkeep: {contents: powder}}"


def warnings(folder: Path, upkeep: str, profile: str = "ep-1") -> list[Mistake]:
    """What is said of the demo's last extinguisher with this upkeep; it must not stop the site."""
    shutil.copytree(DEMO, folder / "site")
    file = folder / "site" / "gateway-west.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count(EXTINGUISHER) == 1
    changed = EXTINGUISHER.replace(", upkeep: {contents: powder}", upkeep).replace("ep-1", profile)
    file.write_text(text.replace(EXTINGUISHER, changed), encoding="utf-8")
    site, document = read_site(folder / "site")
    assert site is not None and all(mistake.warning for mistake in document.mistakes)
    line = next(n for n, each in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if changed in each)
    assert all(mistake.line == line for mistake in document.mistakes)
    return document.mistakes


@pytest.mark.parametrize(
    ("upkeep", "profile", "key", "words"),
    [
        (", upkeep: {contents: co2}", "ep-1", "upkeep.contents", "CO2 stands over its own liquid"),
        (", upkeep: {contents: powder}", "pressure-transmitter-a", "upkeep.contents", "without it no leak is seen"),
        ("", "ep-1", "upkeep", "what is in it"),
        (", upkeep: {contents: powder, replace_by: 2020-01-31}", "ep-1", "upkeep.replace_by", "a date to come"),
        (", upkeep: {contents: foam, inspected: 2999-01-31}", "ep-1", "upkeep.inspected", "a day that has been"),
        (", upkeep: {contents: foam, charged: 2999-01-31}", "ep-1", "upkeep.charged", "a day that has been"),
    ],
)
def test_what_cannot_be_meant_is_a_warning_with_file_and_line(
    tmp_path: Path, upkeep: str, profile: str, key: str, words: str
) -> None:
    (warning,) = warnings(tmp_path, upkeep, profile)

    assert warning.key.endswith(key) and words in warning.expected


@pytest.mark.parametrize("contents", ["powder", "water", "foam", "clean-agent", "hydrant"])
def test_what_is_well_said_is_not_warned_of(tmp_path: Path, contents: str) -> None:
    assert warnings(tmp_path, f", upkeep: {{contents: {contents}, inspected: 2020-01-31}}") == []


@pytest.mark.parametrize(
    ("value", "clear", "when", "found"),
    [
        (40_000, 39_000, "above", "40000, which can never be passed"),
        (-40_000, -39_000, "below", "-40000, which can never be passed"),
        (32_000, 40_000, "below", "40000, from which it can never return"),
        (-32_000, -40_000, "above", "-40000, from which it can never return"),
        (1000, 1030, "below", None),
    ],
)
def test_a_limit_that_a_register_can_never_pass_or_leave_is_an_error_with_its_line(
    tmp_path: Path, value: float, clear: float, when: str, found: str | None
) -> None:
    file = tmp_path / "ep-1.yaml"
    text = (SHIPPED_PROFILES / "ep-1.yaml").read_text(encoding="utf-8")
    old = "        when: below\n        value: 1000\n        clear: 1030\n"
    assert text.count(old) == 1
    file.write_text(text.replace(old, f"        when: {when}\n        value: {value}\n        clear: {clear}\n"))
    document = Document()

    profile = read_profile(file, document)

    assert (profile is None) == (found is not None)
    assert [mistake.found for mistake in document.mistakes] == ([found] if found else [])
    assert all("below_limit" in mistake.key and mistake.line > 1 for mistake in document.mistakes)


@pytest.mark.parametrize("path", sorted(SHIPPED_PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_limits_of_every_shipped_profile_can_be_passed(path: Path) -> None:
    document = Document()
    profile = read_profile(path, document)

    assert isinstance(profile, Profile)
    check_limits(profile, document)
    assert document.mistakes == []


def test_a_value_with_a_unit_and_decimals_can_say_all_that_the_unit_allows() -> None:
    profile = read_profile(SHIPPED_PROFILES / "pressure-transmitter-a.yaml", Document())

    assert profile is not None
    assert range_of(profile.points["pressure_kpa"]) == (-0x8000 * 1000.0, 0x7FFF * 1000.0)
