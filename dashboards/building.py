"""One building: what it is in now, what happened in it, its devices, and how its people answered."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import callouts, cylinders, detectors, elevators, frame, meanings, overview, palette
from dashboards.influxql import BUILDINGS, COMMUNITY, at_end, newest, rows, series, source
from dashboards.panels import COUNT, SHARE, Panel, curves, number, timeline
from dashboards.tables import Column, listing
from dashboards.words import Words

HERE = f"{COMMUNITY} AND {BUILDINGS}"


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "building", span="7d", refresh="1m")
    page.variables(*frame.cells(words), frame.building(words, many=False))
    page.annotations(BUILDINGS)
    page.history(*_now(words))
    page.add(4, (_states(words), 24))
    page.add(8, (incidents(words, HERE), 24))
    page.row("row-devices")
    page.add(9, (_devices(words), 12), (overview.conditions(words, "building", HERE), 12))
    page.add(7, (measures(words, HERE), 14), (_heard(words), 10))
    page.add(7, (callouts.calls(words, HERE), 24))
    page.row("row-care")
    page.add(7, (elevators.cars(words, HERE), 24))
    page.add(7, (cylinders.cylinders(words, HERE), 24))
    page.add(7, (detectors.detectors(words, HERE), 24))
    return page.build()


def incidents(words: Words, where: str) -> Panel:
    """What happened, newest first, with how people answered."""
    fields = ("title", "kind", "mode", "open", "duration_s", "first_answer_s", "arrival_s", "false_alarm", "id")
    columns = (
        Column("kind", mappings=meanings.kinds(words), width=110),
        Column("mode", mappings=meanings.modes(words), width=80),
        Column("title", links=frame.to_incident(words)),
        Column("open", mappings=meanings.yes_no(words), width=75),
        Column("duration_s", "s", width=100),
        Column("first_answer_s", "s", width=110),
        Column("arrival_s", "s", width=110),
        Column("false_alarm", mappings=meanings.yes_no(words), width=90),
        Column("id", hidden=True),
    )
    return listing(words, "incidents", rows("incident", fields, where), columns, time="column-since")


def measures(words: Words, where: str) -> Panel:
    """What was disabled, tested or drilled."""
    columns = (
        Column("kind", mappings=meanings.measures(words), width=110, word="column-measure"),
        Column("title"),
        Column("open", mappings=meanings.yes_no(words), width=75),
        Column("ended_ms", "dateTimeAsLocal", width=170),
        Column("devices", width=80),
    )
    query = rows("measure", ("title", "kind", "open", "ended_ms", "devices"), where)
    return listing(words, "measures", query, columns, time="column-since")


def _now(words: Words) -> list[tuple[Panel, int]]:
    def now(field: str) -> str:
        return f'SELECT last("{field}") FROM {source("building")} WHERE {HERE} AND {at_end("building")}'

    states = meanings.states(words)
    share = (
        f'SELECT last("devices_online") / last("devices") FROM {source("building")}'
        f" WHERE {HERE} AND {at_end('building')}"
    )
    linked = frame.to_chosen(words, "building")
    return [
        (number(words, "building-state", [now("state")], COUNT, meanings.STATE_STEPS, states, links=linked), 5),
        (number(words, "building-incidents", [now("incidents_open")], COUNT, palette.NONE_IS_BEST), 3),
        (number(words, "building-online", [share], SHARE, palette.falling(0.5, 1)), 3),
        (number(words, "building-disabled", [now("conditions_disabled")], COUNT, palette.COUNTED_ASIDE), 3),
        (number(words, "building-on-duty", [now("on_duty")], COUNT, palette.falling(1, 2)), 3),
    ]


def _states(words: Words) -> Panel:
    query = series(f'max("state") AS "{words.say("column-state")}"', "building", HERE)
    return timeline(words, "building-states", query, meanings.states(words), meanings.STATE_STEPS, "$col")


def _devices(words: Words) -> Panel:
    columns = (
        Column("state", mappings=meanings.states(words), width=120),
        Column("name", links=frame.to_device(words), word="column-device_name"),
        Column("online", mappings=meanings.online(words), width=100),
        Column("profile", width=120),
        Column("device", word="column-id", width=100),
        Column("building", hidden=True),
    )
    query = newest("device", ("name", "state", "online", "profile"), HERE, '"device", "building"')
    return listing(words, "devices", query, columns, sort=("state", True))


def _heard(words: Words) -> Panel:
    heard, there = words.say("series-devices-heard"), words.say("series-devices-all")
    query = series(f'min("devices_online") AS "{heard}", max("devices") AS "{there}"', "building", HERE)
    return curves(words, "building-heard", [query], colors=palette.in_order((heard, there)))
