"""Every query of every dashboard, asked of a real InfluxDB as Grafana asks it, on a made-up week."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.figures import FIGURES, FOREVER, HOURLY, MEASUREMENTS, RAW
from dashboards import build
from dashboards.asking import Chosen, History, HistoryRefused, Question, View, choose, fill, questions
from dashboards.madeup import DAY_S, GROUP, SECOND_NS
from tests.history_week import fill_week
from tests.influx_names import unknown_names
from tests.madeup_week import POLICIES, Week
from tests.servers import influxd

pytestmark = pytest.mark.servers

BUILT = {name: json.loads(text) for name, text in build.files().items() if name.endswith(".json")}
every_dashboard = pytest.mark.parametrize("name", BUILT)
WEEK = Week()
BUILDING, DEVICE, ODD, GONE = "b-0", "lift-0", WEEK.building(1), "b-gone"
# What may be unknown of everything in a table, and so is a column without a value.
MAY_BE_EMPTY = {"days_until_low", "detector"}
BATCH = 10_000


Series = list[dict[str, Any]]


@dataclass(frozen=True)
class Filled:
    """A history with a week in it, and the end of that week. `answers`: what was asked once already."""

    history: History
    base: str
    now_s: int
    answers: dict[str, Series] = field(default_factory=dict)


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    with influxd() as server:
        base = f"http://127.0.0.1:{server.port}"
        history = History(base, "callpoint")
        history.ask(f"CREATE DATABASE callpoint WITH DURATION {POLICIES['raw']}d NAME {RAW}")
        history.ask(f"CREATE RETENTION POLICY {HOURLY} ON callpoint DURATION {POLICIES['hourly']}d REPLICATION 1")
        history.ask(f"CREATE RETENTION POLICY {FIGURES} ON callpoint DURATION 1826d REPLICATION 1")
        history.ask(f"CREATE RETENTION POLICY {FOREVER} ON callpoint DURATION INF REPLICATION 1")
        now_s = int(time.time())
        for name, measurement in MEASUREMENTS.items():
            write(base, measurement.policy, WEEK.lines(name, now_s))
        write(base, RAW, WEEK.readings(now_s))
        write(base, HOURLY, WEEK.hours(now_s))
        yield Filled(history, base, now_s)


def write(base: str, policy: str, lines: Iterable[str]) -> None:
    rows = list(lines)
    for begin in range(0, len(rows), BATCH):
        body = "\n".join(rows[begin : begin + BATCH]).encode()
        asked = urllib.parse.urlencode({"db": "callpoint", "rp": policy})
        with urllib.request.urlopen(f"{base}/write?{asked}", body, timeout=30) as answer:
            assert answer.status == 204


def opened(
    filled: Filled, name: str, span_s: int | None = None, **preset: str
) -> tuple[View, dict[str, tuple[str, ...]]]:
    """A dashboard in its own range, or in one of `span_s`, as it is when it is opened with these variables."""
    dashboard = BUILT[name]
    own = dashboard["time"]["from"].removeprefix("now-")
    seconds = span_s or int(own[:-1]) * {"h": 3_600, "d": DAY_S}[own[-1]]
    view = View((filled.now_s - seconds) * 1_000, filled.now_s * 1_000)
    return choose(dashboard, filled.history, view, preset)


def of_one(name: str) -> dict[str, str]:
    """What a dashboard of one building or device is opened with."""
    if name.endswith("/building.json"):
        return {"building": BUILDING}
    return {"building": BUILDING, "device": DEVICE} if name.endswith("/device.json") else {}


def ask(filled: Filled, view: View, question: Question) -> Series:
    query = fill(question.query, view, question.time_from, question.interval)
    assert not (wrong := unknown_names(query)), f"{question.where}: {wrong} in {query}"
    if query not in filled.answers:
        filled.answers[query] = filled.history.ask(query)
    return filled.answers[query]


@every_dashboard
def test_every_query_of_a_week_is_answered_and_no_column_of_it_is_empty(filled: Filled, name: str) -> None:
    view, offered = opened(filled, name, **of_one(name))

    assert not [variable for variable, values in offered.items() if not values]
    for question in questions(BUILT[name]):
        answer = ask(filled, view, question)
        assert answer, f"{question.where}: nothing to {fill(question.query, view)}"
        columns = answer[0]["columns"]
        of_points = "reading" in question.query  # of all points of a site, a device has some
        assert any(value is not None for series in answer for row in series["values"] for value in row[1:])
        for place, column in enumerate([] if of_points else columns):
            values = [row[place] for series in answer for row in series["values"]]
            assert column in MAY_BE_EMPTY or any(each is not None for each in values), f"{question.where}: {column}"


def test_what_the_collector_itself_has_made_and_writes_answers_them_too() -> None:
    """The same queries on what `history init` makes and with rows as the collector's own figures are shaped."""
    with influxd() as server:
        week = fill_week(server.port)
        history = History(f"http://127.0.0.1:{server.port}", "callpoint")
        (lift, *_) = (each for each in week.site.devices.values() if each.profile == "lift-box")
        preset = {"building": lift.place.building, "device": lift.id}
        for name in (name for name in BUILT if name.startswith("en/")):
            chosen = preset if of_one(name) else {}
            view, offered = choose(BUILT[name], history, View(week.since_ms, week.until_ms), chosen)
            assert not [variable for variable, values in offered.items() if not values]
            assert set(offered.get("device", ())) <= set(week.site.devices)
            assert set(offered.get("building", ())) <= set(week.site.buildings)
            empty = [q for q in questions(BUILT[name]) if not history.ask(fill(q.query, view, q.time_from, q.interval))]
            # Of what may not be so now (counts of newest rows), or has not happened in this building (measures).
            unlucky = re.compile(r'^SELECT count\("name"\) FROM \(|FROM "figures"."(measure|detector|incident)"')
            assert not [q.where for q in empty if not unlucky.search(q.query)]
            assert len(empty) < len(list(questions(BUILT[name]))) / 3


@every_dashboard
def test_names_of_variables_queries_are_in_the_contract_too(filled: Filled, name: str) -> None:
    view, _ = opened(filled, name, **of_one(name))

    for variable in BUILT[name]["templating"]["list"]:
        if variable["type"] == "query":
            assert not unknown_names(fill(variable["query"]["query"], view)), variable["name"]


@every_dashboard
def test_what_a_table_or_curve_styles_is_a_column_of_its_answer(filled: Filled, name: str) -> None:
    """A misspelt name in an override would be silently without effect."""
    view, _ = opened(filled, name, **of_one(name))
    for panel in BUILT[name]["panels"]:
        there = {"Time", "Field"}
        for target in panel.get("targets", []):
            question = Question(panel["title"], target["query"], panel.get("timeFrom"), panel.get("interval"))
            for series in ask(filled, view, question):
                there |= {*series["columns"], *series.get("tags", {})}
        for each in panel.get("transformations", []):
            if each["id"] == "filterByValue":
                assert {condition["fieldName"] for condition in each["options"]["filters"]} <= there | {"Last *"}
            if each["id"] == "calculateField":
                there.add(each["options"]["alias"])
                assert {each["options"]["binary"][side] for side in ("left", "right")} <= there
            if each["id"] == "groupBy":
                assert {*each["options"]["fields"]} <= there | {"cell_2", "cell_3"}
                counted = each["options"]["fields"].items()
                there |= {f"{column} ({how})" for column, does in counted for how in does["aggregations"]}
        overrides = panel.get("fieldConfig", {}).get("overrides", [])
        named = {each["matcher"]["options"] for each in overrides if each["matcher"]["id"] == "byName"}
        other_levels = {"cell_2", "cell_3"} if "cell_1" in named else set()
        assert named <= there | other_levels, panel["title"]


def series_names(alias: str, series: dict[str, Any]) -> Iterator[str]:
    for column in series["columns"][1:]:
        tags = {f"$tag_{tag}": value for tag, value in series.get("tags", {}).items()}
        yield re.sub(r"\$\w+", lambda match: {"$col": column, **tags}[match[0]], alias)  # noqa: B023 - used at once


@every_dashboard
def test_every_curve_named_by_an_id_has_one_colour_of_ours(filled: Filled, name: str) -> None:
    view, _ = opened(filled, name, **of_one(name))
    for panel in BUILT[name]["panels"]:
        overrides = panel.get("fieldConfig", {}).get("overrides", [])
        patterns = [
            re.compile(each["matcher"]["options"].strip("/i"), re.IGNORECASE)
            for each in overrides
            if each["matcher"]["id"] == "byRegexp" and each["properties"][0]["id"] == "color"
        ]
        for target in panel.get("targets", []) if patterns else ():
            question = Question(panel["title"], target["query"], panel.get("timeFrom"), panel.get("interval"))
            for series in ask(filled, view, question):
                for shown in series_names(target["alias"], series):
                    assert len([each for each in patterns if each.search(shown)]) == 1, f"{panel['title']}: {shown}"


@pytest.mark.parametrize("name", ["en/elevators.json", "en/cylinders.json", "en/building.json", "zh/callouts.json"])
def test_a_building_with_an_odd_id_is_found_by_it(filled: Filled, name: str) -> None:
    view, offered = opened(filled, name, building=ODD)

    assert ODD in offered["building"]
    of_building = [question for question in questions(BUILT[name]) if '"building" =~' in question.query]
    answers = [ask(filled, view, question) for question in of_building if question.where.startswith("panel")]
    assert len([answer for answer in answers if answer]) >= len(answers) / 2
    tags = [series.get("tags", {}) for answer in answers for series in answer]
    assert {each["building"] for each in tags if "building" in each} <= {ODD}


@pytest.mark.parametrize("name", [name for name in BUILT if name.endswith(("building.json", "device.json"))])
def test_a_building_that_is_gone_shows_words_and_no_error(filled: Filled, name: str) -> None:
    view, _ = opened(filled, name, building=GONE, device=GONE)

    of_it = [each for each in questions(BUILT[name]) if '"building" =~' in each.query or '"device" =~' in each.query]
    assert len(of_it) > 5
    assert not [question.where for question in of_it if ask(filled, view, question)]
    state = next(panel for panel in BUILT[name]["panels"] if panel["id"] == 1)
    assert len(state["fieldConfig"]["defaults"]["noValue"]) > 20


def test_a_range_without_data_is_empty_and_no_error(filled: Filled) -> None:
    name = "en/overview.json"
    view, _ = opened(filled, name)
    past = replace(view, from_ms=view.from_ms - 400 * DAY_S * 1_000, to_ms=view.to_ms - 400 * DAY_S * 1_000)

    flowing = [q.where for q in questions(BUILT[name]) if ask(filled, past, q)]
    assert {where.split(" ", 2)[2] for where in flowing} == {"History is from", "History now"}


def test_a_range_of_the_past_shows_what_was_open_then(filled: Filled) -> None:
    name = "en/overview.json"
    view, _ = opened(filled, name)
    over = 'SELECT "id", "ended_ms" FROM "figures"."incident" WHERE "open" = 0 AND "mode" = \'live\' LIMIT 1'
    began_ms, incident, ended_ms = filled.history.ask(over)[0]["values"][0]
    question = next(q for q in questions(BUILT[name]) if '"open" = 1 OR' in q.query)

    def shown(to_ms: int) -> bool:
        answer = ask(filled, replace(view, from_ms=to_ms - DAY_S * 1_000, to_ms=to_ms), question)
        return any(incident in row for series in answer for row in series["values"])

    assert shown(int(began_ms) + 60_000) and not shown(int(ended_ms) + 1_000)


def test_a_building_renamed_is_offered_by_its_newest_name_under_the_same_id(filled: Filled) -> None:
    dashboard, now_s = BUILT["en/building.json"], filled.now_s
    tags = f"group={GROUP},building=b-4,cell_1=street,cell_2=block-4,cell_3=row-4"
    write(
        filled.base, FIGURES, [f'building,{tags} name="New name",label="New name · b-4",state=0.0 {now_s * SECOND_NS}']
    )

    view, offered = opened(filled, "en/building.json")
    labels = next(each for each in dashboard["templating"]["list"] if each["name"] == "building")
    said = [row[1] for s in filled.history.ask(fill(labels["query"]["query"], view)) for row in s["values"]]

    assert "b-4" in offered["building"]
    assert [label for label in said if label.endswith("b-4")] == ["New name · b-4"]


def test_a_history_that_is_late_is_seen_on_every_dashboard(filled: Filled) -> None:
    """A community whose last row is an hour old: its age is told, and "now" is empty instead of an hour old."""
    row = 'community,group=late name="Late",label="Late · late",board_url="x",timezone="UTC",buildings=1.0,on_duty=1.0'
    write(filled.base, FIGURES, [f"{row} {(filled.now_s - 3_600) * SECOND_NS}"])

    for name, dashboard in BUILT.items():
        view, _ = opened(filled, name, community="late", **of_one(name))
        age, flow = (
            next(panel for panel in dashboard["panels"] if panel["title"] == title)
            for title in (("历史数据截至", "历史写入") if name.startswith("zh") else ("History is from", "History now"))
        )
        (series,) = ask(filled, view, Question("age", age["targets"][0]["query"]))
        assert series["values"][0][0] == (filled.now_s - 3_600) * 1_000
        assert not ask(filled, view, Question("flow", flow["targets"][0]["query"]))
    view, _ = opened(filled, "en/overview.json", community="late")
    on_duty = next(q for q in questions(BUILT["en/overview.json"]) if '"on_duty"' in q.query)
    assert not ask(filled, view, on_duty)


@pytest.mark.parametrize(
    ("ago_s", "span_s", "policy"),
    [
        (0, 3_600, RAW),
        (0, 7 * DAY_S, RAW),
        (0, 30 * DAY_S, HOURLY),
        (30 * DAY_S, 3_600, RAW),
        (200 * DAY_S, 3_600, HOURLY),
    ],
    ids=["an hour", "a week", "a month", "an hour a month ago", "an hour before readings were kept"],
)
def test_curves_are_as_fine_as_history_still_has_them(filled: Filled, ago_s: int, span_s: int, policy: str) -> None:
    to_ms = (filled.now_s - ago_s) * 1_000
    dashboard = BUILT["en/device.json"]
    view, _ = choose(dashboard, filled.history, View(to_ms - span_s * 1_000, to_ms), {"building": BUILDING})

    assert view.chosen["policy"] == Chosen(policy, options=(policy,))


def test_both_policies_draw_the_same_points(filled: Filled) -> None:
    dashboard = BUILT["en/device.json"]
    (curve,) = [q for q in questions(dashboard) if q.query.startswith("SELECT mean(")]
    for span_s in (DAY_S, 20 * DAY_S):
        view, _ = opened(filled, "en/device.json", span_s, **of_one("en/device.json"))
        (series,) = ask(filled, view, curve)
        assert {column.split("mean_")[-1] for column in series["columns"]} >= {"time", "pressure_kpa", "door_state"}


def test_a_day_of_a_bar_is_a_day_of_the_site(filled: Filled) -> None:
    view, _ = opened(filled, "en/elevators.json")
    trips = next(q for q in questions(BUILT["en/elevators.json"]) if '"trips"' in q.query and "time(1d)" in q.query)

    begins = {
        datetime.fromtimestamp(row[0] / 1_000, ZoneInfo("Asia/Shanghai")).strftime("%H:%M")
        for series in ask(filled, view, trips)
        for row in series["values"]
    }
    assert begins == {"00:00"}


def test_a_history_that_was_never_set_up_says_so(filled: Filled) -> None:
    filled.history.ask('CREATE DATABASE "bare"')
    bare = History(filled.base, "bare")

    with pytest.raises(HistoryRefused, match="retention policy not found: figures"):
        opened(replace(filled, history=bare), "en/overview.json")
    with pytest.raises(HistoryRefused, match="database not found"):
        opened(replace(filled, history=History(filled.base, "nowhere")), "en/overview.json")


def test_a_broken_query_is_an_error(filled: Filled) -> None:
    with pytest.raises(HistoryRefused, match="parsing"):
        filled.history.ask('SELECT last("on_duty" FROM "figures"."community"')


@pytest.mark.parametrize("name", ["en/overview.json"])
def test_a_dashboard_with_a_misspelt_field_fails_the_test_of_every_query(filled: Filled, name: str) -> None:
    text = json.dumps(BUILT[name]).replace('\\"on_duty\\"', '\\"on_dutty\\"')
    view, _ = opened(filled, name)
    spoilt = [question for question in questions(json.loads(text)) if "on_dutty" in question.query]

    assert spoilt
    for question in spoilt:
        with pytest.raises(AssertionError, match="on_dutty"):
            ask(filled, view, question)
        assert not filled.history.ask(fill(question.query, view)), "InfluxDB itself says nothing of it"
