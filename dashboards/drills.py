"""Drills: when there was one, how people answered, and whether real calls are answered as well."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import callouts, frame, meanings, palette
from dashboards.influxql import BUILDINGS, COMMUNITY, rows, series, source
from dashboards.panels import COUNT, Panel, curves, number
from dashboards.tables import Column, listing
from dashboards.words import Words

DRILL = "\"mode\" = 'drill'"
OF_DRILLS = "\"kind\" = 'drill'"


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "drills", span="180d", refresh="5m")
    page.variables(*frame.cells(words), frame.building(words, many=True), frame.tags(words, "team", "call", "team"))
    page.annotations(BUILDINGS)
    page.history((_count(words), 4), *callouts.times(words, DRILL, "drill-"))
    page.add(9, (_drills(words), 12), (_against_live(words), 12))
    page.add(8, (callouts.by_team(words, DRILL, "drill-by-team"), 24))
    page.add(9, (_answers(words), 24))
    return page.build()


def _count(words: Words) -> Panel:
    once = 'count(distinct("id"))'  # a drill has a row for each of its buildings
    query = f"SELECT {once} FROM {source('measure')} WHERE {COMMUNITY} AND {OF_DRILLS} AND $timeFilter"
    steps: palette.Steps = ((None, palette.WARN), (1, palette.FINE))
    return number(words, "drills-count", [query], COUNT, steps)


def _drills(words: Words) -> Panel:
    columns = (
        Column("title"),
        Column("open", mappings=meanings.yes_no(words), width=90),
        Column("ended_ms", "dateTimeAsLocal", width=180),
    )
    query = rows("measure", ("title", "open", "ended_ms"), f"{COMMUNITY} AND {OF_DRILLS}")
    return listing(words, "drills", query, columns, time="column-since")


def _against_live(words: Words) -> Panel:
    queries = [
        series(
            f'median("first_answer_s") AS "{words.say(f"mode-{mode}")}"',
            "incident",
            f'{callouts.HERE} AND "mode" = \'{mode}\' AND "called_out" = 1',
            every="1d",
        )
        for mode in ("drill", "live")
    ]
    colors = {words.say("mode-drill"): palette.BLUE, words.say("mode-live"): palette.BAD}
    return curves(words, "drill-against-live", queries, "s", colors=colors)


def _answers(words: Words) -> Panel:
    fields = ("title", "called", "answered", "cannot", *callouts.TIMES, "id")
    columns = (
        Column("title", links=frame.to_incident(words)),
        *(Column(field, width=80) for field in ("called", "answered", "cannot")),
        *(Column(field, "s", callouts.LIMITS[field], width=105) for field in callouts.TIMES),
        Column("id", hidden=True),
    )
    query = rows("incident", fields, f"{callouts.HERE} AND {DRILL}")
    return listing(words, "drill-answers", query, columns, time="column-since")
