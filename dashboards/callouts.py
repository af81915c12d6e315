"""Call-outs: how soon people answer, are enough, and are there, by team; what gave the false alarms."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, meanings, palette
from dashboards.influxql import BUILDINGS, CELLS, COMMUNITY, LIVE, rows, series, source
from dashboards.panels import COUNT, SHARE, Panel, curves, number
from dashboards.tables import Column, bars, listing
from dashboards.words import Words

HERE = f"{COMMUNITY} AND {CELLS} AND {BUILDINGS}"
TEAM = '"team" =~ /^$team$/'
TIMES = ("first_answer_s", "quorum_s", "arrival_s")
# Of the first answer, of enough going, of the first who is there. The fire brigade's own aim is five minutes.
LIMITS = {
    "first_answer_s": palette.rising(60, 180),
    "quorum_s": palette.rising(120, 300),
    "arrival_s": palette.rising(300, 600),
}


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "callouts", span="90d", refresh="5m")
    page.variables(*frame.cells(words), frame.building(words, many=True), frame.tags(words, "team", "call", "team"))
    page.annotations(BUILDINGS)
    page.history(*(times(words, LIVE)), *_false_share(words))
    page.add(9, (by_team(words, LIVE), 14), (_over_time(words), 10))
    page.row("row-false-alarms")
    page.add(9, (_by_cause(words), 10), (_false_alarms(words), 14))
    page.row("row-calls")
    page.add(10, (calls(words, f"{HERE} AND {TEAM} AND {LIVE}"), 24))
    return page.build()


def times(words: Words, mode: str, prefix: str = "") -> list[tuple[Panel, int]]:
    """The median of each time, of incidents that were called out."""
    where = f'{HERE} AND {mode} AND "called_out" = 1 AND $timeFilter'
    return [
        (
            number(
                words,
                f"{prefix}median-{field}",
                [f'SELECT median("{field}") FROM {source("incident")} WHERE {where}'],
                "s",
                LIMITS[field],
            ),
            4,
        )
        for field in TIMES
    ]


def by_team(words: Words, mode: str, key: str = "by-team") -> Panel:
    """Each team's median and slow times."""
    medians = ", ".join(f'median("{field}") AS "median_{field}"' for field in TIMES)
    query = (
        f'SELECT count("id") AS "calls", {medians}, percentile("first_answer_s", 90) AS "slow_first_answer_s",'
        f' sum("answered") / sum("called") AS "answered_share" FROM {source("call")}'
        f' WHERE {HERE} AND {TEAM} AND {mode} AND $timeFilter GROUP BY "team"'
    )
    columns = (
        Column("team"),
        Column("calls", width=65),
        *(Column(f"median_{field}", "s", LIMITS[field], width=108) for field in TIMES),
        Column("slow_first_answer_s", "s", width=110),
        Column("answered_share", SHARE, width=85, decimals=0),
    )
    return listing(words, key, query, columns, sort=("median_first_answer_s", True))


def calls(words: Words, where: str) -> Panel:
    """Every call of a team, newest first."""
    fields = (*("team_name", "kind", "mode", "called", "answered", "cannot"), *TIMES, "going_s", "id", "building")
    columns = (
        Column("kind", mappings=meanings.kinds(words), width=100),
        Column("mode", mappings=meanings.modes(words), width=75),
        Column("team_name", links=frame.to_incident(words)),
        *(Column(field, width=80) for field in ("called", "answered", "cannot")),
        Column("first_answer_s", "s", LIMITS["first_answer_s"], width=105),
        Column("going_s", "s", width=105),
        Column("quorum_s", "s", LIMITS["quorum_s"], width=105),
        Column("arrival_s", "s", LIMITS["arrival_s"], width=105),
        Column("id", hidden=True),
        Column("building", hidden=True),
    )
    return listing(words, "calls", rows("call", fields, where), columns, time="column-told")


def _false_share(words: Words) -> list[tuple[Panel, int]]:
    query = (
        f'SELECT sum("false_alarm") / count("called_out") FROM {source("incident")}'
        f' WHERE {HERE} AND {LIVE} AND "called_out" = 1 AND $timeFilter'
    )
    return [(number(words, "false-share", [query], SHARE, palette.rising(0.1, 0.3)), 4)]


def _over_time(words: Words) -> Panel:
    names = {field: words.say(f"column-{field}") for field in TIMES}
    select = ", ".join(f'median("{field}") AS "{name}"' for field, name in names.items())
    query = series(select, "incident", f'{HERE} AND {LIVE} AND "called_out" = 1', every="1d")
    return curves(words, "answers-over-time", [query], "s", colors=palette.in_order(names.values()))


def _by_cause(words: Words) -> Panel:
    """Cause is a field, as it is known only later: Grafana itself counts equal ones."""
    query = rows("incident", ("cause", "id"), f'{HERE} AND {LIVE} AND "false_alarm" = 1', 1_000)
    value = Column("id (count)", COUNT, mappings=meanings.causes(words), word="column-false_alarms")
    return bars(words, "by-cause", query, "cause", value, {"cause": "groupby", "id": "count"})


def _false_alarms(words: Words) -> Panel:
    columns = (
        Column("cause", mappings=meanings.causes(words), width=150),
        Column("title", links=frame.to_incident(words)),
        Column("called", width=90),
        Column("duration_s", "s", width=110),
        Column("id", hidden=True),
    )
    fields = ("title", "cause", "called", "duration_s", "id")
    query = rows("incident", fields, f'{HERE} AND {LIVE} AND "false_alarm" = 1')
    return listing(words, "false-alarms", query, columns, time="column-since")
