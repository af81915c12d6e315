"""Promises of the dashboards that can be seen in their JSON: words, places, links, colours, no alert rules."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from pydantic import BaseModel, ConfigDict

from collector.alerter.pages import care, devices, incident
from config.people import Language
from dashboards import build, palette
from dashboards.asking import questions
from dashboards.influxql import register
from dashboards.words import LANGUAGES, Words, table
from tests.influx_names import unknown_names

ROOT = Path(__file__).resolve().parents[2]
FILES = build.files()
BUILT = {name: json.loads(text) for name, text in FILES.items() if name.endswith(".json")}
every_dashboard = pytest.mark.parametrize("name", BUILT)
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
# Of a laptop of 1366 pixels with Grafana's menu folded: a column of the grid, what a title's line has beside its text.
COLUMN_PX, BESIDE_TITLE_PX, CHINESE_PX, LATIN_PX = 54.0, 48.0, 14.0, 7.4
# Of a table: what is beside its columns, beside a heading in one, and what a column without a width wants.
BESIDE_TABLE_PX, BESIDE_HEADING_PX, FREE_COLUMN_PX = 16.0, 14.0, 150.0


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    yield from (question.query for question in questions(dashboard))
    yield from (each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query")


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text that stands somewhere in JSON, with where."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from strings(each, f"{path}.{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from strings(each, f"{path}[{number}]")


def test_what_is_committed_is_what_would_be_built() -> None:
    committed = {
        path.relative_to(build.BUILT).as_posix(): path.read_text(encoding="utf-8")
        for path in build.BUILT.rglob("*")
        if path.is_file()
    }

    assert committed == FILES, "run `callpoint dashboards build`"


@every_dashboard
def test_the_sdk_reads_a_dashboard_and_writes_the_same(name: str) -> None:
    register_default_plugins()
    register()

    assert json.loads(build.as_json(Dashboard.from_json(BUILT[name]))) == BUILT[name]


@every_dashboard
def test_every_panel_says_what_it_shows_its_unit_its_limits_and_what_no_data_means(name: str) -> None:
    for panel in panels(BUILT[name]):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"] and panel["description"] and defaults["noValue"], panel["title"]
        assert defaults["unit"], panel["title"]
        steps = defaults.get("thresholds", {}).get("steps")
        if panel["type"] != "timeseries" or "thresholdsStyle" in defaults["custom"]:
            assert steps and steps[0]["value"] is None, panel["title"]


@every_dashboard
def test_panels_fill_the_grid_without_overlapping_and_titles_fit_a_small_laptop(name: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in BUILT[name]["panels"]:
        place = panel["gridPos"]
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]
        assert text_px(panel["title"]) <= place["w"] * COLUMN_PX - BESIDE_TITLE_PX, panel["title"]
    assert {x for x, _ in taken} == set(range(24))
    assert len(taken) == 24 * (1 + max(y for _, y in taken)), "a hole in the grid"


def text_px(text: str) -> float:
    return sum(CHINESE_PX if CHINESE.match(char) else LATIN_PX for char in text)


@every_dashboard
def test_columns_of_a_table_fit_their_panel_and_their_headings_fit_them(name: str) -> None:
    for panel in panels(BUILT[name]):
        if panel["type"] != "table":
            continue
        taken = 0.0
        for override in panel["fieldConfig"]["overrides"]:
            properties = {each["id"]: each["value"] for each in override["properties"]}
            if properties.get("custom.hidden") or override["matcher"]["options"] in ("cell_1", "cell_2"):
                continue
            width = properties.get("custom.width", FREE_COLUMN_PX)
            assert text_px(properties["displayName"]) <= width - BESIDE_HEADING_PX, properties["displayName"]
            taken += width
        assert taken <= panel["gridPos"]["w"] * COLUMN_PX - BESIDE_TABLE_PX, panel["title"]


def test_ids_stay_apart_and_every_dashboard_can_be_reached() -> None:
    ids = [dashboard["uid"] for dashboard in BUILT.values()]

    assert len(set(ids)) == len(ids) == 2 * len(build.MAKERS)
    for name, dashboard in BUILT.items():
        language = name.partition("/")[0]
        assert re.fullmatch(r"callpoint-\w+-(zh|en)", dashboard["uid"]) and len(dashboard["uid"]) <= 40
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        assert {"callpoint", language} == set(dashboard["tags"])
        (others,) = (link for link in dashboard["links"] if link["type"] == "dashboards")
        assert set(others["tags"]) == {"callpoint", language} and others["includeVars"] and others["keepTime"]


@every_dashboard
def test_links_lead_to_pages_of_the_board_and_to_dashboards_of_the_same_language(name: str) -> None:
    routes = {route.path for module in (incident, devices, care) for route in module.router.routes}  # type: ignore[attr-defined]
    known = {dashboard["uid"] for each, dashboard in BUILT.items() if each[:2] == name[:2]}
    variables = {variable["name"] for variable in BUILT[name]["templating"]["list"]}

    urls = [text for path, text in strings(BUILT[name]) if path.endswith(".url") and text]
    assert urls
    for url in urls:
        for named in re.findall(r"\$\{(\w+)(?:\.fields\.\w+)?[:}]", url):
            assert named in variables | {"__data", "__url_time_range"}, url
        if found := re.fullmatch(r"\$\{board_url:raw\}/(\w+)/\$\{.+\}", url):
            assert any(re.fullmatch(rf"/{found[1]}/{{\w+}}", route) for route in routes), url
        elif found := re.match(r"/d/([\w-]+)\?", url):
            assert found[1] in known, url
        else:
            assert url == "${board_url:raw}/"


@every_dashboard
def test_no_address_can_say_where_the_board_is(name: str) -> None:
    hidden = [each for each in BUILT[name]["templating"]["list"] if each.get("hide") == 2]

    assert {"board_url", "timezone"} <= {each["name"] for each in hidden}
    assert all(each["skipUrlSync"] and not each["allowCustomValue"] for each in hidden)


@every_dashboard
def test_a_link_in_a_table_is_made_of_fields_that_its_query_asks_for(name: str) -> None:
    found = 0
    for panel in panels(BUILT[name]):
        query = panel["targets"][0]["query"]
        for path, text in strings(panel["fieldConfig"].get("overrides", [])):
            for field in re.findall(r"__data\.fields\.(\w+)", text) if path.endswith(".url") else ():
                found += 1
                assert f'"{field}"' in query, f"{panel['title']}: {field}"
    assert found or name.partition("/")[2] in ("gateways.json", "device.json")


@every_dashboard
def test_queries_only_read(name: str) -> None:
    for query in queries(BUILT[name]):
        assert re.match(r"(SELECT|SHOW (TAG VALUES|FIELD KEYS)) ", query), query
        assert not re.search(r"\bINTO\b|;|\bDROP\b|\bDELETE\b", query), query


@every_dashboard
def test_every_dashboard_shows_how_old_history_is_and_marks_incidents_drills_and_what_is_disabled(name: str) -> None:
    words = Words("zh" if name.startswith("zh") else "en")
    titles = {panel["title"] for panel in panels(BUILT[name])}

    assert {words.panel(key).title for key in ("history-age", "history-flow")} <= titles
    annotations = BUILT[name]["annotations"]["list"]
    assert [each["name"] for each in annotations] == [
        words.say(f"annotation-{key}") for key in ("incidents", "drills", "disabled")
    ]
    assert {each["target"]["timeEndColumn"] for each in annotations} == {"ended_ms"}


def test_nothing_here_is_an_alert_rule_the_alerter_alone_calls_people() -> None:
    paths = [path for dashboard in BUILT.values() for path, _ in strings(dashboard) if "alert" in path.lower()]

    assert not [path for path in paths if re.search(r"\.(alert|alertRule|alertThreshold)\b", path)]
    assert not [name for name in FILES if "alerting" in name or "notif" in name]
    assert "GF_UNIFIED_ALERTING_ENABLED=false" in FILES["grafana.env.example"]


# --- words ------------------------------------------------------------------------------------------------


def test_every_word_is_there_in_both_languages_and_is_used() -> None:
    used = set()
    for language in LANGUAGES:
        words = Words(language)
        for make in build.MAKERS.values():
            make(words)
        used |= words.used

    assert used == set(table())
    for key, entry in table().items():
        assert set(entry) == set(get_args(Language)), key
        shapes = {tuple(bool(text) for text in each) if isinstance(each, list) else str for each in entry.values()}
        assert len(shapes) == 1, f"{key}: one language says less"
        for text in (text for each in entry.values() for text in (each if isinstance(each, list) else [each])):
            assert isinstance(text, str) and '"' not in text and "\\" not in text and "$" not in text, key


def test_each_edition_speaks_its_language() -> None:
    for name, dashboard in BUILT.items():
        shown = [text for path, text in strings(dashboard) if re.search(r"\.(title|description|noValue)$", path)]
        chinese = [text for text in shown if CHINESE.search(text)]
        if name.startswith("en/"):
            assert not chinese
        else:
            assert not [text for text in shown if len(text) > 12 and text not in chinese]


def test_the_editions_differ_in_words_alone() -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(each) for key, each in value.items() if key not in ("renameByName", "byName")}
        return [shape(each) for each in value] if isinstance(value, list) else type(value).__name__

    for name in build.MAKERS:
        assert shape(BUILT[f"zh/{name}.json"]) == shape(BUILT[f"en/{name}.json"]), name


# --- colours ----------------------------------------------------------------------------------------------

# How a colour reaches who lacks one of three kinds of cones: Machado, Oliveira and Fernandes 2009, severity 1.
CONES = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    "all three": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}
APART = 12.0  # CIE 1976; 2.3 can just be told apart side by side


def lab(color: str, cones: str) -> tuple[float, float, float]:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    seen = [
        min(1.0, max(0.0, sum(weight * each for weight, each in zip(row, linear, strict=True)))) for row in CONES[cones]
    ]
    white = (0.95047, 1.0, 1.08883)
    to_xyz = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    xyz = [sum(weight * each for weight, each in zip(row, seen, strict=True)) for row in to_xyz]
    f = [
        (each / full) ** (1 / 3) if each / full > 0.008856 else 7.787 * each / full + 16 / 116
        for each, full in zip(xyz, white, strict=True)
    ]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


@pytest.mark.parametrize("cones", CONES)
@pytest.mark.parametrize("colors", [palette.STATES, palette.LINES], ids=["states", "lines"])
def test_colour_blind_people_can_tell_the_colours_apart(colors: tuple[str, ...], cones: str) -> None:
    for one, other in itertools.combinations(colors, 2):
        distance = sum((a - b) ** 2 for a, b in zip(lab(one, cones), lab(other, cones), strict=True)) ** 0.5
        assert distance > APART, f"{one} and {other} are {distance:.1f} apart"


def test_the_check_of_colours_finds_red_beside_green() -> None:
    red, green = lab("#C0392B", "deuteranopia"), lab("#6A7A20", "deuteranopia")

    assert sum((a - b) ** 2 for a, b in zip(red, green, strict=True)) ** 0.5 < APART


@every_dashboard
def test_a_dashboard_uses_no_other_colour_and_a_word_beside_each_state(name: str) -> None:
    known = {palette.GREY, *palette.STATES, *palette.LINES}
    schemes = {text for path, text in strings(BUILT[name]) if re.search(r"\.(color|value)\.mode$", path)}
    assert schemes <= {"fixed", "thresholds", "basic", "absolute"}, "a palette of Grafana's own"
    for path, text in strings(BUILT[name]):
        if re.search(r"(\.color|Color)$", path) and text:
            assert text in known, f"{path}: {text}"
    for panel in panels(BUILT[name]):
        if panel["type"] == "state-timeline":
            (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
            assert set(mapping["options"]) == {str(state) for state in range(6)}


# --- provisioning: as Grafana's documentation describes its files ------------------------------------------


class Described(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class JsonData(Described):
    """Of the InfluxDB data source in InfluxQL."""

    version: str
    dbName: str
    httpMode: str
    timeInterval: str
    maxSeries: int


class SecureJsonData(Described):
    password: str


class DataSource(Described):
    name: str
    uid: str
    type: str
    access: str
    orgId: int
    url: str
    user: str
    isDefault: bool
    editable: bool
    jsonData: JsonData
    secureJsonData: SecureJsonData


class DataSources(Described):
    apiVersion: int
    datasources: list[DataSource]


class ProviderOptions(Described):
    path: str
    foldersFromFilesStructure: bool


class Provider(Described):
    name: str
    orgId: int
    folder: str
    folderUid: str
    type: str
    disableDeletion: bool
    updateIntervalSeconds: int
    allowUiUpdates: bool
    options: ProviderOptions


class Providers(Described):
    apiVersion: int
    providers: list[Provider]


def test_the_data_source_is_provisioned_as_grafana_describes_it() -> None:
    found = DataSources.model_validate(yaml.safe_load(FILES["provisioning/datasources/callpoint.yaml"]))

    (source,) = found.datasources
    assert found.apiVersion == 1 and (source.type, source.access) == ("influxdb", "proxy")
    assert source.jsonData.version == "InfluxQL" and source.jsonData.httpMode in ("GET", "POST")
    assert source.isDefault and not source.editable
    uids = {text for dashboard in BUILT.values() for path, text in strings(dashboard) if path.endswith("source.uid")}
    assert uids == {source.uid}
    assert re.fullmatch(r"\$[A-Z_]+", source.secureJsonData.password), "a secret stands in a file"


def test_a_folder_is_provisioned_for_each_language_and_home_is_the_overview() -> None:
    for language in LANGUAGES:
        found = Providers.model_validate(yaml.safe_load(FILES[f"provisioning/dashboards/callpoint-{language}.yaml"]))
        (provider,) = found.providers
        assert (found.apiVersion, provider.type, provider.allowUiUpdates) == (1, "file", False)
        assert provider.folder and provider.folderUid == f"callpoint-{language}"
        assert provider.options.path == f"$CALLPOINT_DASHBOARDS/{language}"
    said = dict(line.split("=", 1) for line in FILES["grafana.env.example"].splitlines() if line[0] != "#")
    folder, home = said["CALLPOINT_DASHBOARDS"], said["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.removeprefix(f"{folder}/") == "zh/overview.json" in FILES


def test_the_environment_names_all_that_the_files_want() -> None:
    wanted = {name for text in FILES.values() for name in re.findall(r"\$(CALLPOINT_\w+)", text)}
    named = set(re.findall(r"^(CALLPOINT_\w+)=", FILES["grafana.env.example"], re.MULTILINE))

    assert wanted == named


# --- the page ----------------------------------------------------------------------------------------------


def test_the_page_about_grafana_has_every_panel_of_every_dashboard() -> None:
    page = (ROOT / "docs" / "grafana.md").read_text(encoding="utf-8")

    assert page.endswith(build.tables("en")), "put what `callpoint dashboards list --language en` prints at its end"


# --- the command ------------------------------------------------------------------------------------------


def test_one_language_is_built_alone_twice_the_same_and_a_change_is_found(tmp_path: Path) -> None:
    assert build.run(tmp_path, ("en",), check=True) == 1
    assert build.run(tmp_path, ("en",), check=False) == 0
    assert build.run(tmp_path, ("en",), check=True) == 0
    assert not (tmp_path / "zh").exists() and "/en/overview.json" in (tmp_path / "grafana.env.example").read_text()
    (tmp_path / "en" / "drills.json").write_text("{}")
    (tmp_path / "en" / "gone.json").write_text("{}")

    assert build.run(tmp_path, ("en",), check=True) == 1
    assert build.run(tmp_path, ("en",), check=False) == 0
    assert json.loads((tmp_path / "en" / "drills.json").read_text())["uid"] == "callpoint-drills-en"
    assert not (tmp_path / "en" / "gone.json").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "en").write_text("a file, not a folder")

    assert build.run(tmp_path, ("en",), check=False) == 1
    assert str(tmp_path / "en") in capsys.readouterr().err


# --- the check of names is a check ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        'SELECT last("on_dutty") FROM "figures"."community" WHERE "group" =~ /^x$/',
        'SELECT last("on_duty") FROM "figures"."comunity" WHERE "group" =~ /^x$/',
        'SELECT last("on_duty") FROM "raw"."community" WHERE "group" =~ /^x$/',
        'SELECT last("on_duty") FROM "figures"."community" WHERE "grupp" =~ /^x$/',
        'SELECT last("building") FROM "figures"."building"',
        'SELECT last("state") FROM "figures"."building" GROUP BY "name"',
        'SELECT "stat" FROM (SELECT last("state") AS "state" FROM "figures"."building" GROUP BY "building")',
        'SHOW TAG VALUES FROM "figures"."building" WITH KEY = "cell_4" WHERE "group" =~ /^x$/',
        'SELECT mean(/^(mean_)?p$/) FROM "figures"."reading"',
    ],
)
def test_a_misspelt_name_in_a_query_is_found(query: str) -> None:
    assert unknown_names(query)


def test_names_in_literals_and_aliases_are_no_mistakes() -> None:
    assert not unknown_names(
        'SELECT sum("a b") AS "Würde" FROM (SELECT last("state") AS "a b" FROM "figures"."building"'
        ' WHERE "building" =~ /^("x"|y)$/ AND "group" = \'say "no"\' GROUP BY "building") GROUP BY "building"'
    )
