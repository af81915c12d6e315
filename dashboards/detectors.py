"""Smoke detectors: the dirt in them, what their clean air is, how often they nearly gave an alarm, what is due."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, meanings, palette
from dashboards.influxql import BUILDINGS, CELLS, COMMUNITY, DEVICES, count_of, newest, series
from dashboards.panels import COUNT, Panel, curves, number
from dashboards.tables import Column, listing
from dashboards.words import Words

HERE = f"{COMMUNITY} AND {CELLS} AND {BUILDINGS} AND {DEVICES}"
BY = '"device", "building", "detector"'
SOON: palette.Steps = ((None, palette.FINE), (1, palette.WARN))
DIRT = palette.rising(50, 80)  # as the collector warns: of the way from clean air to the detector's own alarm


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "detectors", span="30d", refresh="5m")
    device = frame.device(words, "device", many=True)  # a detector's own label has a panel's id and its number
    page.variables(*frame.cells(words), frame.building(words, many=True), device)
    page.annotations(BUILDINGS)
    page.history(*_now(words))
    page.add(11, (detectors(words, HERE), 24))
    page.row("row-dirt")
    page.add(9, (_contamination(words), 12), (_clean_air(words), 12))
    page.add(8, (_pre_alarms(words), 12), (_drift(words), 12))
    return page.build()


def detectors(words: Words, where: str) -> Panel:
    """Every detector with its newest figures."""
    fields = (
        *("name", "contamination_level", "contamination_percent", "drift_percent_per_month", "clean_air_db_m"),
        *("pre_alarms", "service_due_days", "inspection_due_days"),
    )
    due = meanings.days_left(words)
    columns = (
        Column("contamination_level", mappings=meanings.levels(words), width=150),
        Column("name", links=frame.to_device(words), word="column-device_name"),
        Column("detector", width=90),
        Column("contamination_percent", "percent", DIRT, width=120, decimals=0),
        Column("drift_percent_per_month", f"suffix: {words.say('unit-percent-per-month')}", width=130, decimals=1),
        Column("clean_air_db_m", "suffix: dB/m", width=120, decimals=3),
        Column("pre_alarms", width=110),
        Column("service_due_days", "d", palette.DAYS_LEFT, due, width=120, decimals=0, word="column-clean_due_days"),
        Column("inspection_due_days", "d", palette.DAYS_LEFT, due, width=120, decimals=0),
        Column("device", hidden=True),
        Column("building", hidden=True),
    )
    query = newest("detector", fields, where, BY)
    return listing(words, "detectors", query, columns, sort=("contamination_percent", True))


def _now(words: Words) -> list[tuple[Panel, int]]:
    inner = newest("detector", ("name", "contamination_level", "inspection_due_days"), HERE, BY)
    return [
        (number(words, "detectors-count", [f'SELECT count("name") FROM ({inner})']), 3),
        (
            number(words, "dirty-soon", [count_of(inner, '"contamination_level" = 1')], COUNT, SOON),
            4,
        ),
        (number(words, "dirty-now", [count_of(inner, '"contamination_level" = 2')], COUNT, palette.NONE_IS_BEST), 4),
        (number(words, "low-chamber", [count_of(inner, '"contamination_level" < 0')], COUNT, palette.NONE_IS_BEST), 4),
        (number(words, "uninspected", [count_of(inner, '"inspection_due_days" < 0')], COUNT, palette.NONE_IS_BEST), 3),
    ]


def _contamination(words: Words) -> Panel:
    query = series('mean("contamination_percent")', "detector", HERE, '"device", "detector"')
    alias = "$tag_device $tag_detector"
    return curves(words, "contamination", [query], "percent", DIRT, alias=alias, least=None, every="1h")


def _clean_air(words: Words) -> Panel:
    query = series('mean("clean_air_db_m")', "detector", HERE, '"device", "detector"')
    alias = "$tag_device $tag_detector"
    return curves(words, "clean-air", [query], "suffix: dB/m", alias=alias, least=None, every="1h")


def _pre_alarms(words: Words) -> Panel:
    added = series('non_negative_difference(last("pre_alarms"))', "detector", HERE, '"device", "detector"', every="1d")
    return curves(words, "pre-alarms-a-day", [added], alias="$tag_device $tag_detector", bars=True, stacked=True)


def _drift(words: Words) -> Panel:
    query = series('mean("drift_percent_per_month")', "detector", HERE, '"device", "detector"')
    unit, alias = f"suffix: {words.say('unit-percent-per-month')}", "$tag_device $tag_detector"
    return curves(words, "drift", [query], unit, alias=alias, least=None, every="1h")
