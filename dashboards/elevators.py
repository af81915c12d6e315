"""Elevators: whether they run, how often they fail, how long people waited to be freed, and whom to modernise first."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, meanings, palette
from dashboards.influxql import BUILDINGS, CELLS, COMMUNITY, DEVICES, count_of, newest, rows, series
from dashboards.panels import COUNT, SHARE, Panel, curves, number
from dashboards.tables import Column, bars, listing
from dashboards.words import Words

HERE = f"{COMMUNITY} AND {CELLS} AND {BUILDINGS} AND {DEVICES}"
BY = '"device", "building"'
AVAILABLE = palette.falling(0.95, 0.99)
FAULTS = palette.rising(0.5, 2)
URGENCY = palette.rising(1, 2)  # one each for age, an overdue service and an entrapment within a year
AGE = palette.rising(15, 20)  # from 15 years on a thorough safety assessment is usual (TSG T7001)


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "elevators", span="30d", refresh="5m")
    device = frame.device(words, "elevator", many=True)
    page.variables(*frame.cells(words), frame.building(words, many=True), device)
    page.annotations(BUILDINGS)
    page.history(*_now(words))
    page.add(10, (cars(words, HERE), 24))
    page.row("row-running")
    page.add(8, (_availability(words), 12), (_per_day(words, "trips"), 12))
    page.add(8, (_per_day(words, "faults"), 12), (_faults_per_thousand(words), 12))
    page.row("row-rescues")
    page.add(8, (_rescues(words), 14), (_rescue_times(words), 10))
    page.row("row-age")
    page.add(10, (_ages(words), 12), (_ranks(words), 12))
    return page.build()


def cars(words: Words, where: str) -> Panel:
    """Every elevator with its newest figures."""
    fields = (
        *("name", "availability", "trips", "faults", "faults_per_thousand_trips", "mean_time_between_failures_h"),
        *("entrapments", "age_years", "maintenance_rank", "service_due_days", "alarm_link_age_h"),
    )
    columns = (
        Column("name", links=frame.to_device(words), word="column-device_name"),
        Column("availability", SHARE, AVAILABLE, width=95, decimals=2),
        Column("trips", width=85),
        Column("faults", width=75),
        Column("faults_per_thousand_trips", steps=FAULTS, width=110, decimals=2),
        Column("mean_time_between_failures_h", "h", width=120),
        Column("entrapments", width=85),
        Column("age_years", f"suffix: {words.say('unit-years')}", AGE, width=85, decimals=0),
        Column("maintenance_rank", steps=URGENCY, width=85),
        Column("service_due_days", "d", palette.DAYS_LEFT, meanings.days_left(words), width=110, decimals=0),
        Column("alarm_link_age_h", "h", palette.rising(30, 78), width=115),
        Column("device", hidden=True),
        Column("building", hidden=True),
    )
    query = newest("elevator", fields, where, BY)
    return listing(words, "cars", query, columns, sort=("availability", False))


def _now(words: Words) -> list[tuple[Panel, int]]:
    inner = newest("elevator", ("name", "availability", "faults_per_thousand_trips", "service_due_days"), HERE, BY)
    rescued = (
        f'SELECT mean("within_limit") FROM "figures"."rescue" WHERE {COMMUNITY} AND {CELLS} AND {BUILDINGS}'
        f" AND {DEVICES} AND $timeFilter"
    )
    return [
        (number(words, "cars-count", [f'SELECT count("name") FROM ({inner})']), 3),
        (number(words, "cars-availability", [f'SELECT mean("availability") FROM ({inner})'], SHARE, AVAILABLE), 4),
        (number(words, "cars-faults", [f'SELECT mean("faults_per_thousand_trips") FROM ({inner})'], COUNT, FAULTS), 4),
        (number(words, "cars-overdue", [count_of(inner, '"service_due_days" < 0')], COUNT, palette.NONE_IS_BEST), 3),
        (number(words, "rescues-within", [rescued], SHARE, palette.falling(0.9, 1)), 4),
    ]


def _availability(words: Words) -> Panel:
    query = series('mean("availability")', "elevator", HERE, '"device"')
    return curves(words, "availability", [query], SHARE, AVAILABLE, alias="$tag_device", least=None, most=1, every="1h")


def _per_day(words: Words, field: str) -> Panel:
    """What was added to a count each day. A count that begins again goes below zero, which is not shown."""
    query = series(f'non_negative_difference(last("{field}"))', "elevator", HERE, '"device"', every="1d")
    return curves(words, f"{field}-a-day", [query], alias="$tag_device", bars=True, stacked=True)


def _faults_per_thousand(words: Words) -> Panel:
    query = series('mean("faults_per_thousand_trips")', "elevator", HERE, '"device"')
    return curves(words, "faults-per-thousand", [query], COUNT, FAULTS, alias="$tag_device", every="1h")


def _rescues(words: Words) -> Panel:
    columns = (
        Column("name", links=frame.to_device(words), word="column-device_name"),
        Column("arrived_s", "s", width=120),
        Column("freed_s", "s", width=110),
        Column("limit_s", "s", width=110),
        Column("within_limit", mappings=meanings.within(words), width=110),
        Column("device", hidden=True),
        Column("building", hidden=True),
    )
    query = rows("rescue", ("name", "arrived_s", "freed_s", "limit_s", "within_limit", "device", "building"), HERE)
    return listing(words, "rescues", query, columns, time="column-raised")


def _rescue_times(words: Words) -> Panel:
    names = {field: words.say(f"column-{field}") for field in ("arrived_s", "freed_s")}
    select = ", ".join(f'max("{field}") AS "{name}"' for field, name in names.items())
    query, colors = series(select, "rescue", HERE, every="1d"), palette.in_order(names.values())
    return curves(words, "rescue-times", [query], "s", bars=True, colors=colors)


def _ages(words: Words) -> Panel:
    query = newest("elevator", ("name", "age_years"), HERE, BY)
    unit = f"suffix: {words.say('unit-years')}"
    return bars(words, "ages", query, "name", Column("age_years", unit, AGE, decimals=0))


def _ranks(words: Words) -> Panel:
    columns = (
        Column("maintenance_rank", steps=URGENCY, width=100),
        Column("name", links=frame.to_device(words), word="column-device_name"),
        Column("age_years", f"suffix: {words.say('unit-years')}", AGE, width=100, decimals=0),
        Column("service_due_days", "d", palette.DAYS_LEFT, meanings.days_left(words), width=110, decimals=0),
        Column("entrapments", width=100),
        Column("device", hidden=True),
        Column("building", hidden=True),
    )
    query = newest("elevator", ("name", "maintenance_rank", "age_years", "service_due_days", "entrapments"), HERE, BY)
    sort = ("maintenance_rank", True)
    return listing(words, "ranks", query, columns, sort=sort, above=("maintenance_rank", 0))
