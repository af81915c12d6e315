"""What `callpoint check` says of elevators."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.loader import read_site

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"
LIFT = "lift: {commissioned: 2019-07-12, contractor: qian-wei, rated_speed_m_s: 0.63}"


def told(folder: Path, new: str) -> list[str]:
    """What is told of the first elevator with another `lift`."""
    shutil.copytree(DEMO, folder / "site")
    path = folder / "site" / "gateway-west.yaml"
    text = path.read_text(encoding="utf-8")
    assert LIFT in text
    path.write_text(text.replace(LIFT, new, 1), encoding="utf-8")
    found = read_site(folder / "site")[1].mistakes
    return [str(mistake).partition("gateway-west.yaml:")[2] for mistake in found if "gateway-west" in str(mistake)]


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ("lift: {contractor: qian-wei}", "no lift.commissioned, expected the day it was put into service"),
        ("lift: {commissioned: 2019-07-12, contractor: nobody}", "'nobody', expected the id of a person"),
        ("lift: {commissioned: 2019-07-12, served: {monthly: 2026-01-01}}", "served"),
    ],
)
def test_what_is_missing_or_wrong_about_an_elevator_is_told_with_its_line(
    tmp_path: Path, new: str, sentence: str
) -> None:
    (line,) = told(tmp_path, new)

    assert sentence in line and line.partition(":")[0].isdigit()


def test_the_demo_says_all_that_is_asked_of_an_elevator(tmp_path: Path) -> None:
    assert told(tmp_path, LIFT) == []


def test_a_profile_that_cannot_tell_an_entrapment_by_itself_is_warned_of(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "site")
    shipped = DEMO.parents[1] / "profiles" / "le-1.yaml"
    (tmp_path / "site" / "profiles").mkdir(exist_ok=True)
    text = shipped.read_text(encoding="utf-8").replace("  person: {point: person}\n", "", 1)
    (tmp_path / "site" / "profiles" / "le-1.yaml").write_text(text, encoding="utf-8")
    found = [str(mistake) for mistake in read_site(tmp_path / "site")[1].mistakes]

    assert [each for each in found if "only the box's own flag counts" in each and "warning" in each]


def test_an_elevators_facts_on_something_else_are_a_mistake(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "site")
    path = tmp_path / "site" / "gateway-west.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("id: extinguisher-b4-2,", "id: extinguisher-b4-2, lift: {},", 1), encoding="utf-8")

    assert [each for each in read_site(tmp_path / "site")[1].mistakes if "this is no elevator" in str(each)]
