"""A site folder's mistakes are named by file, line and key, all in one run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.document import Document, Mistakes
from config.loader import SHIPPED_PROFILES, load_site, read_profile, read_site
from config.profile import Profile
from config.schema import schema_text
from config.site import SiteFile

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "sites" / "demo"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demo site to break."""
    return Path(shutil.copytree(DEMO, tmp_path / "site"))


def _break(folder: Path, name: str, old: str, new: str) -> int:
    """Replace the first `old` in a file; returns the line where it stood."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} no longer stands in the demo's {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_demo_site_is_well_and_has_what_its_stories_need() -> None:
    site = load_site(DEMO)

    assert (len(site.buildings), len(site.gateways)) == (6, 2)
    assert {cell.level for cell in site.grid.values()} == {1, 2, 3}
    assert any(building.manager is None and building.team is None for building in site.buildings.values())
    assert {"tcp", "rtu"} == {bus.type for _, bus, _ in site.installed()}


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "words"),
    [
        ("community.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Wutong", "community.timezone", "IANA"),
        ("community.yaml", "id: wutong-lane", "id: wutong/lane", "community.id", "without + / #"),
        ("community.yaml", "person: tang-jianguo", "person: nobody", "grid[0].person", "id of a person"),
        ("community.yaml", "level: 2, parent: wutong-street", "level: 2", "grid[1]", "level-1 cell"),
        ("community.yaml", "parent: wutong-north", "parent: wutong-street", "grid[3].parent", "level 2"),
        ("community.yaml", "quorum: 2", "quorum: 0", "plan.kinds.fire.quorum", "greater than or equal to 1"),
        ("community.yaml", "call: manager, after_s: 20", "call: manager, after_s: 200", "rings[4].after_s", "in order"),
        ("community.yaml", "call: grid-3", "call: grid-4", "call", "'grid-3'"),
        ("community.yaml", "type: console", "type: pigeon", "channels.console.type", "'smtp'"),
        ("buildings.yaml", 'gate_code: "1986#"', "gate_code: 1986", "buildings[0].gate_code", "quotes"),
        ("buildings.yaml", "floors: 6", "floors: many", "buildings[0].floors", "integer"),
        ("buildings.yaml", "cell: cell-1", "cell: wutong-north", "buildings[0].cell", "level 3"),
        ("buildings.yaml", "latitude: 30.30412", "latitude: 130.3", "buildings[0].latitude", "90"),
        ("buildings.yaml", "id: b-2", "id: b-1", "buildings[1].id", "an id of its own"),
        ("buildings.yaml", "neighbours: [b-1, b-3]", "neighbours: [b-1, b-9]", "neighbours[1]", "id of a building"),
        ("gateway-east.yaml", "profile: sm-1", "profile: sm-9", "devices[0].profile", "id of a profile"),
        ("gateway-east.yaml", "unit: 2,", "unit: 1,", "devices[1].unit", "a unit of its own"),
        ("gateway-east.yaml", "unit: 3,", "unit: 248,", "devices[2].unit", "247"),
        ("gateway-east.yaml", "floor: 5, flat", "floor: 15, flat", "devices[0].place.floor", "up to 7"),
        ("gateway-east.yaml", "type: rtu", "type: canbus", "buses[0]", "'rtu'"),
        ("gateway-east.yaml", "baud: 115200", "baud: 110", "baud", "9600"),
        ("gateway-east.yaml", "port: /dev/ttyUSB0", "prot: /dev/ttyUSB0", "prot", "no such key"),
        ("gateway-east.yaml", "fast_period_s: 0.25", "fast_period_s: 0", "fast_period_s", "0.05"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_key(
    folder: Path, file: str, old: str, new: str, key: str, words: str
) -> None:
    line = _break(folder, file, old, new)

    site, document = read_site(folder)

    said = [str(mistake) for mistake in document.mistakes if not mistake.warning]
    assert site is None
    matching = [text for text in said if f"{file}:" in text and key in text and words in text]
    assert matching, said
    assert any(abs(int(text.split(f"{file}:")[1].split(":")[0]) - line) <= 3 for text in matching), matching


def test_all_mistakes_are_named_in_one_run(folder: Path) -> None:
    _break(folder, "buildings.yaml", "floors: 6", "floors: many")
    _break(folder, "community.yaml", "type: console", "type: pigeon")
    _break(folder, "gateway-west.yaml", "unit:", "unti:")

    with pytest.raises(Mistakes) as caught:
        load_site(folder)

    assert {mistake.file.rpartition("/")[2] for mistake in caught.value.mistakes} >= {
        "buildings.yaml",
        "community.yaml",
        "gateway-west.yaml",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"people: [", "YAML"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"- a\n- b\n", "keys with values"),
        (b"people: &a [*a]\n", "nested too deep"),
        (b"a: &a {b: *a}\n", ""),
        (b"grid: !!python/object:os.system {}\n", ""),
        (b"? [a, b]\n: 1\n", ""),
        (b"extra: 1\nextra: 2\n", "it once"),
        (b"x: " + b"[" * 1000 + b"]" * 1000, ""),
        (
            b"a: &a [1,1,1,1,1,1,1,1,1]\n"
            + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 108)),
            "too many",
        ),
    ],
)
def test_a_file_of_garbage_is_a_mistake_and_not_a_crash(folder: Path, content: bytes, words: str) -> None:
    (folder / "zz.yaml").write_bytes(content)

    site, document = read_site(folder)

    assert site is None
    assert any("zz.yaml:" in str(mistake) and words in str(mistake) for mistake in document.mistakes)


def test_an_empty_or_absent_folder_is_a_mistake(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        site, document = read_site(folder)

        assert site is None
        assert "a site folder" in str(document.mistakes[0])


def test_a_section_that_stands_in_two_files_is_joined_or_refused(folder: Path) -> None:
    (folder / "more-teams.yaml").write_text("teams: [{id: spare, name: 预备队, leader: tang-jianguo}]\n")
    assert "spare" in load_site(folder).teams

    (folder / "more.yaml").write_text("community: {id: other, name: {en: x, zh: x}}\n")
    _, document = read_site(folder)
    assert any("more.yaml:1" in str(mistake) and "it once" in str(mistake) for mistake in document.mistakes)


@pytest.mark.parametrize("path", sorted(SHIPPED_PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_profile_is_well(path: Path) -> None:
    document = Document()

    assert read_profile(path, document) is not None, document.mistakes


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ("a: {table: input, address: 0, type: uint32, text: {}}\n  b: {table: input, address: 1, text: {}}", "overlap"),
        ("a: {table: input, address: 0, bits: {a: {bit: 1, class: alarm, text: {}}}, text: {}}", "used twice"),
        (
            "a: {table: input, address: 0, bits: {x: {bit: 1, class: alarm, text: {}},"
            " y: {bit: 1, class: trouble, text: {}}}, text: {}}",
            "a bit twice",
        ),
        ("a: {table: discrete, address: 0, type: uint16, text: {}}", "cannot be read"),
        ("a: {table: input, address: 0, class: alarm, text: {}}", "declare it under bits"),
        ("a: {table: input, address: 70000, text: {}}", "65535"),
        ("a: {table: input, address: 0, unit_from: b, text: {}}", "belong together"),
        ("a: {table: input, address: 0, scale_from: b, text: {}}", "not a point of this profile"),
        (
            "a: {table: input, address: 0, limits: {low: {when: below, value: 10, clear: 5, class: trouble,"
            " kind: water, text: {}}}, text: {}}",
            "wrong side",
        ),
        ("a: {table: output, address: 0, text: {}}", "'holding'"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(tmp_path: Path, points: str, words: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(f"profile: odd\ntitle: {{en: Odd}}\nsource: a test\ncategory: pressure\npoints:\n  {points}\n")
    document = Document()

    assert read_profile(path, document) is None
    assert any(words in str(mistake) and "odd.yaml:" in str(mistake) for mistake in document.mistakes), document


def test_a_mistake_is_told_once_where_it_stands_and_not_again_where_it_leads(folder: Path) -> None:
    (folder / "profiles").mkdir(exist_ok=True)
    head = "profile: tank\ntitle: {en: Tank}\nsource: a test\ncategory: pressure\npoints:\n"
    (folder / "profiles" / "tank.yaml").write_text(
        head + "  level: {table: holding, address: 0, type: bit, text: {}}\n"
    )
    _break(folder, "gateway-east.yaml", "profile: ep-1, unit: 11", "profile: tank, unit: 11")

    assert [str(mistake).partition("tank.yaml:")[2] for mistake in read_site(folder)[1].mistakes] == [
        "6: points.level: found that type bit cannot be read from table holding, expected values that fit together"
    ]

    _break(folder, "gateway-east.yaml", "parity: N", "parity: X")
    (folder / "profiles" / "tank.yaml").unlink()
    assert [mistake.key for mistake in read_site(folder)[1].mistakes] == ["gateways[0].buses[0].parity"]


@pytest.mark.parametrize(("name", "model"), [("site", SiteFile), ("profile", Profile)])
def test_the_editors_schema_is_the_models(name: str, model: type) -> None:
    written = (ROOT / "docs" / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")

    assert written == schema_text(model), f"run: callpoint check --schema {name} > docs/schema/{name}.schema.json"
    assert json.loads(written)["$schema"].startswith("https://json-schema.org/")


def test_check_exits_0_for_a_good_site_and_1_for_a_broken_one(folder: Path) -> None:
    command = [sys.executable, str(ROOT / "callpoint.py"), "check", str(folder)]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    line = _break(folder, "buildings.yaml", "floors: 6", "floors: many")
    broken = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (good.returncode, good.stderr) == (0, "")
    assert broken.returncode == 1
    assert f"buildings.yaml:{line}: buildings[0].floors: found 'many', expected" in broken.stdout
    assert "Traceback" not in broken.stdout + broken.stderr
