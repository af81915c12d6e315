"""Extinguishers and hydrants: pressure at 20 °C, how fast it falls and how sure that is, and what is due next."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, meanings, palette
from dashboards.influxql import BUILDINGS, CELLS, COMMUNITY, DEVICES, at_end, count_of, newest, series, source
from dashboards.panels import COUNT, Panel, curves, number
from dashboards.tables import Column, listing
from dashboards.words import Words

KIND = '"kind" =~ /^$cylinder$/'
HERE = f"{COMMUNITY} AND {CELLS} AND {BUILDINGS} AND {DEVICES} AND {KIND}"
BY = '"device", "building", "kind"'
KPA = "pressurekpa"
DAYS_UNTIL_LOW: palette.Steps = ((None, palette.BAD), (30, palette.WARN), (180, palette.FINE))
DAYS_OF_DATA: palette.Steps = ((None, palette.UNKNOWN), (7, palette.FINE))  # fewer tell no slope


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "cylinders", span="30d", refresh="5m")
    kinds = [(words.say(f"cylinder-{kind}"), kind) for kind in meanings.CYLINDERS]
    kind = frame.choice(words, "cylinder", kinds, everything=True)
    device = frame.device(words, "cylinder", many=True)
    page.variables(*frame.cells(words), frame.building(words, many=True), kind, device)
    page.annotations(BUILDINGS)
    page.history(*_now(words))
    page.add(11, (cylinders(words, HERE), 24))
    page.row("row-pressure")
    page.add(9, (_pressure(words), 12), (_pressure_by_device(words), 12))
    page.row("row-leaks")
    page.add(9, (_slope(words), 12), (_until_low(words), 12))
    return page.build()


def cylinders(words: Words, where: str) -> Panel:
    """Every cylinder with its newest figures."""
    fields = (
        *("name", "pressure_20c_kpa", "low_kpa", "high_kpa", "slope_kpa_per_day", "slope_low_kpa_per_day"),
        *("slope_high_kpa_per_day", "days_until_low", "days_of_data", "inspection_due_days", "replacement_due_days"),
    )
    slope = f"suffix: {words.say('unit-kpa-per-day')}"
    due = meanings.days_left(words)
    columns = (
        Column("name", links=frame.to_device(words), word="column-device_name"),
        Column("kind", mappings=meanings.cylinder_kinds(words), width=90, word="column-cylinder"),
        Column("pressure_20c_kpa", KPA, width=100, decimals=0),
        Column("low_kpa", KPA, width=95, decimals=0),
        Column("high_kpa", KPA, width=95, decimals=0),
        Column("slope_kpa_per_day", slope, width=105, decimals=2),
        Column("slope_low_kpa_per_day", slope, width=105, decimals=2),
        Column("slope_high_kpa_per_day", slope, width=105, decimals=2),
        Column("days_until_low", "d", DAYS_UNTIL_LOW, width=105, decimals=0),
        Column("days_of_data", "d", DAYS_OF_DATA, width=90, decimals=0),
        Column("inspection_due_days", "d", palette.DAYS_LEFT, due, width=105, decimals=0),
        Column("replacement_due_days", "d", palette.DAYS_LEFT, due, width=105, decimals=0),
        Column("device", hidden=True),
        Column("building", hidden=True),
    )
    return listing(words, "cylinders", newest("cylinder", fields, where, BY), columns, sort=("days_until_low", False))


def _now(words: Words) -> list[tuple[Panel, int]]:
    inner = newest(
        "cylinder",
        (
            *("name", "pressure_20c_kpa", "low_kpa", "slope_high_kpa_per_day", "days_of_data"),
            *("inspection_due_days", "replacement_due_days"),
        ),
        HERE,
        BY,
    )
    overdue = '"inspection_due_days" < 0 OR "replacement_due_days" < 0'
    return [
        (number(words, "cylinders-count", [f'SELECT count("name") FROM ({inner})']), 3),
        (number(words, "low-now", [count_of(inner, '"pressure_20c_kpa" < "low_kpa"')], COUNT, palette.NONE_IS_BEST), 4),
        (number(words, "leaking", [count_of(inner, '"slope_high_kpa_per_day" < 0')], COUNT, palette.rising(1, 5)), 4),
        (number(words, "overdue-count", [count_of(inner, overdue)], COUNT, palette.NONE_IS_BEST), 4),
        (number(words, "too-few-days", [count_of(inner, '"days_of_data" < 7')]), 3),
    ]


def _pressure(words: Words) -> Panel:
    select = ", ".join(
        f'{how}("{field}") AS "{words.say(f"column-{field}")}"'
        for how, field in (("mean", "pressure_20c_kpa"), ("max", "low_kpa"), ("min", "high_kpa"))
    )
    colors = {words.say("column-low_kpa"): palette.BAD, words.say("column-high_kpa"): palette.WARN}
    query = series(select, "cylinder", HERE)
    return curves(words, "pressure", [query], KPA, least=None, colors=colors, every="1h")


def _pressure_by_device(words: Words) -> Panel:
    query = series('mean("pressure_20c_kpa")', "cylinder", HERE, '"device"')
    return curves(words, "pressure-by-device", [query], KPA, least=None, alias="$tag_device", every="1h")


def _slope(words: Words) -> Panel:
    fields = ("slope_low_kpa_per_day", "slope_kpa_per_day", "slope_high_kpa_per_day")
    names = {field: words.say(f"column-{field}") for field in fields}
    select = ", ".join(f'mean("{field}") AS "{name}"' for field, name in names.items())
    low, middle, high = names.values()
    return curves(
        words,
        "slope",
        [series(select, "cylinder", HERE)],
        f"suffix: {words.say('unit-kpa-per-day')}",
        least=None,
        colors={low: palette.SKY, middle: palette.BLUE, high: palette.SKY},
        band=(low, high),
        every="1h",
    )


def _until_low(words: Words) -> Panel:
    query = (
        f'SELECT bottom("days_until_low", "device", 20) AS "days_until_low" FROM {source("cylinder")}'
        f" WHERE {HERE} AND {at_end('cylinder')}"
    )
    columns = (
        Column("device", word="column-id"),
        Column("days_until_low", "d", DAYS_UNTIL_LOW, width=160, decimals=0),
    )
    return listing(words, "until-low", query, columns, sort=("days_until_low", False))
