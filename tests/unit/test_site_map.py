"""A site's map is checked with the site: each mistake by file and line, and what it expected."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.loader import read_site

DEMO = Path(__file__).parents[2] / "config" / "sites" / "demo"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 500"></svg>'
MAP = {"file": "map.svg", "width": 1000, "height": 500, "north": 30.31, "south": 30.29, "west": 120.14, "east": 120.16}


def mistakes(folder: Path, drawn: dict[str, Any], picture: bytes | None = SVG) -> list[str]:
    site_folder = shutil.copytree(DEMO, folder / "site")
    file = site_folder / "community.yaml"
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["community"]["map"] = drawn
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    if picture is not None:
        (site_folder / "map.svg").write_bytes(picture)
    site, document = read_site(site_folder)
    if site is not None:
        assert site.map_picture == picture
    return [str(each) for each in document.mistakes if not each.warning]


def test_a_map_that_shows_all_buildings_is_well(tmp_path: Path) -> None:
    assert mistakes(tmp_path, MAP) == []


@pytest.mark.parametrize(
    ("change", "picture", "expected"),
    [
        ({"north": 30.0}, SVG, "expected south below north and west below east"),
        ({"east": 120.1522}, SVG, "off the map, expected a place within community.map"),
        ({}, None, "'map.svg', expected a file in the site folder"),
        ({}, b"\xff\xd8\xff\xe0 a photo", "expected an SVG or PNG as its name says, at most 1000000 bytes"),
        ({}, SVG + b" " * 1_000_000, "expected an SVG or PNG as its name says, at most 1000000 bytes"),
        ({"file": "../map.svg"}, SVG, "community.map.file"),
        ({"file": "map.jpg"}, SVG, "community.map.file"),
        ({"width": 10}, SVG, "community.map.width"),
    ],
)
def test_a_map_that_cannot_be_used_is_named(
    tmp_path: Path, change: dict[str, Any], picture: bytes | None, expected: str
) -> None:
    found = mistakes(tmp_path, MAP | change, picture)

    assert found and any(expected in each for each in found), found
    assert all(".yaml:" in each for each in found)
