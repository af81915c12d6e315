"""The home dashboard: is anything wrong, where, and who has it; then whether anybody could come, then the trends."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, meanings, palette
from dashboards.influxql import (
    CELLS,
    COMMUNITY,
    LIVE,
    at_end,
    newest,
    series,
    source,
)
from dashboards.panels import COUNT, SHARE, Panel, curves, number
from dashboards.tables import Column, listing
from dashboards.words import Words

# Kinds of incidents, each with what one of them means.
OPEN = (
    ("fire", palette.NONE_IS_BEST),
    ("entrapment", palette.NONE_IS_BEST),
    ("water", palette.rising(1, 3)),
    ("equipment", palette.rising(1, 5)),
    ("fault", palette.FEW_ARE_WELL),
)
LEVELS = ("cell_1", "cell_2", "cell_3")
CONDITIONS = ("alarm", "pre_alarm", "supervisory", "trouble", "disabled", "test")
CONDITION_COLORS = dict(
    zip(
        CONDITIONS,
        (palette.BAD, palette.WARN, palette.BLUE, palette.YELLOW, palette.ASIDE, palette.PURPLE),
        strict=True,
    )
)


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "overview", span="24h", refresh="1m")
    level = frame.choice(words, "level", [(words.say(f"variable-{name}"), name) for name in LEVELS])
    page.variables(*frame.cells(words), level)
    page.annotations()
    page.history(*((_open(words, kind, steps), 3) for kind, steps in OPEN), height=5)
    page.add(7, (open_incidents(words), 24))
    page.add(10, (_not_calm(words), 13), (_by_cell(words), 11))
    page.row("row-who-is-there")
    page.add(4, *_at_hand(words))
    page.row("row-trends")
    page.add(8, (conditions(words, "community", COMMUNITY), 12), (_heard(words), 12))
    page.add(8, (_incidents_a_day(words), 12), (_answers_a_day(words), 12))
    return page.build()


def open_incidents(words: Words) -> Panel:
    """What is open at the end of the range, with who has been called. A row tells how an incident is by now."""
    fields = ("title", "kind", "teams", "called", "answered", "first_answer_s", "arrival_s", "id", "building")
    shown = ", ".join(f'"{field}"' for field in fields)
    query = (
        f"SELECT {shown} FROM {source('incident')} WHERE {COMMUNITY} AND {CELLS} AND {LIVE}"
        ' AND ("open" = 1 OR "ended_ms" > ${__to})'
        " AND time > ${__to}ms - 30d AND time <= ${__to}ms ORDER BY time DESC LIMIT 50"
    )
    columns = (
        Column("kind", mappings=meanings.kinds(words), width=120),
        Column("title", links=frame.to_incident(words)),
        Column("teams"),
        Column("called", width=90),
        Column("answered", width=90),
        Column("first_answer_s", "s", width=130),
        Column("arrival_s", "s", width=130),
        Column("id", hidden=True),
        Column("building", hidden=True),
    )
    return listing(words, "open-incidents", query, columns, time="column-since")


def conditions(words: Words, measurement: str, where: str) -> Panel:
    """How many conditions there were of each class, over time."""
    select = ", ".join(f'max("conditions_{name}") AS "{words.say(f"column-conditions_{name}")}"' for name in CONDITIONS)
    colors = {words.say(f"column-conditions_{name}"): color for name, color in CONDITION_COLORS.items()}
    return curves(words, "conditions", [series(select, measurement, where)], COUNT, colors=colors)


def _open(words: Words, kind: str, steps: palette.Steps) -> Panel:
    return number(words, f"open-{kind}", [_now(f'last("incidents_{kind}")')], COUNT, steps)


def _not_calm(words: Words) -> Panel:
    """Grafana leaves the calm ones out: a subquery that did so took three times as long with a thousand buildings."""
    counted = tuple(f"conditions_{name}" for name in ("alarm", "pre_alarm", "trouble", "disabled"))
    fields = ("name", "state", *counted, "incidents_open")
    query = newest("building", fields, f"{COMMUNITY} AND {CELLS}", '"building"')
    columns = (
        Column("state", mappings=meanings.states(words), width=120),
        Column("name", links=frame.to_building(words), word="column-building_name"),
        *(Column(name, width=82) for name in counted),
        Column("incidents_open", width=82),
        Column("building", hidden=True),
    )
    return listing(words, "buildings-not-calm", query, columns, sort=("state", True), above=("state", 0))


def _by_cell(words: Words) -> Panel:
    """Grafana sums the newest rows: InfluxQL would go through all of them once for each sum."""
    summed = ("conditions_alarm", "conditions_pre_alarm", "conditions_trouble", "conditions_disabled")
    heard = ("devices_online", "devices")
    query = newest("building", ("name", *summed, *heard), f"{COMMUNITY} AND {CELLS}", '"building", "$level"')
    grouped = dict.fromkeys(LEVELS, "groupby") | {"name": "count"} | dict.fromkeys((*summed, *heard), "sum")
    columns = (
        *(Column(name, width=110, word="column-cell") for name in LEVELS),
        Column("name (count)", width=84, word="column-buildings"),
        *(
            Column(f"{name} (sum)", steps=steps, width=76 + 6 * ("pre" in name), word=f"column-{name}")
            for name, steps in zip(summed, (palette.NONE_IS_BEST, palette.rising(1, 100), None, None), strict=True)
        ),
        Column("online_share", SHARE, width=70, decimals=1),
        *(Column(f"{name} (sum)", hidden=True, word=f"column-{name}") for name in heard),
    )
    online = ("online_share", "devices_online (sum)", "devices (sum)")
    sort = ("conditions_alarm (sum)", True)
    return listing(words, "by-cell", query, columns, sort=sort, grouped=grouped, ratio=online)


def _at_hand(words: Words) -> list[tuple[Panel, int]]:
    share = palette.falling(0.9, 0.98)
    calm: palette.Steps = ((None, palette.NOTICE), (0.98, palette.FINE))  # what is worse has a panel above
    return [
        (number(words, "on-duty", [_now('last("on_duty")')], COUNT, palette.falling(1, 2)), 3),
        (number(words, "reachable", [_now('last("reachable")')], COUNT, palette.falling(1, 2)), 3),
        (number(words, "devices-online", [_now('last("devices_online") / last("devices")')], SHARE, share), 3),
        (number(words, "gateways-online", [_now('last("gateways_online") / last("gateways")')], SHARE, share), 3),
        (number(words, "buildings-calm", [_now('last("buildings_calm") / last("buildings")')], SHARE, calm), 3),
        (number(words, "disabled-now", [_now('last("conditions_disabled")')], COUNT, palette.COUNTED_ASIDE), 3),
        (number(words, "in-test-now", [_now('last("conditions_test")')], COUNT, palette.COUNTED_ASIDE), 3),
        (number(words, "drills-now", [_now('last("drills_open")')], COUNT, palette.COUNTED_ASIDE), 3),
    ]


def _heard(words: Words) -> Panel:
    parts = {
        words.say("series-devices-online"): ("devices_online", "devices"),
        words.say("series-gateways-online"): ("gateways_online", "gateways"),
        words.say("series-buildings-calm"): ("buildings_calm", "buildings"),
    }
    select = ", ".join(f'mean("{part}") / mean("{whole}") AS "{name}"' for name, (part, whole) in parts.items())
    query, colors = series(select, "community", COMMUNITY), palette.in_order(parts)
    return curves(words, "heard", [query], SHARE, least=None, most=1, colors=colors)


def _incidents_a_day(words: Words) -> Panel:
    queries = [
        series(
            f'count("id") AS "{words.say(f"kind-{kind}")}"',
            "incident",
            f"{COMMUNITY} AND {CELLS} AND {LIVE} AND \"kind\" = '{kind}'",
            every="1d",
        )
        for kind, _ in OPEN
    ]
    colors = (palette.BAD, palette.WARN, palette.BLUE, palette.PURPLE, palette.YELLOW)
    named = {words.say(f"kind-{kind}"): color for (kind, _), color in zip(OPEN, colors, strict=True)}
    return curves(words, "incidents-a-day", queries, bars=True, stacked=True, colors=named, period="30d")


def _answers_a_day(words: Words) -> Panel:
    names = {field: words.say(f"column-{field}") for field in ("first_answer_s", "quorum_s", "arrival_s")}
    select = ", ".join(f'median("{field}") AS "{name}"' for field, name in names.items())
    query = series(select, "incident", f'{COMMUNITY} AND {CELLS} AND {LIVE} AND "called_out" = 1', every="1d")
    colors = palette.in_order(names.values())
    return curves(words, "answers-a-day", [query], "s", period="30d", colors=colors)


def _now(select: str) -> str:
    return f"SELECT {select} FROM {source('community')} WHERE {COMMUNITY} AND {at_end('community')}"
