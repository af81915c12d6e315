"""One device: the curves of its points, as fine as history still has them for the range that is shown."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from config.figures import HOURLY, RAW, READING, SUMMARIES
from dashboards import frame, meanings
from dashboards.influxql import BUILDINGS, COMMUNITY, DEVICES, at_end, source
from dashboards.panels import COUNT, Panel, curves, mapped, number, timeline
from dashboards.tables import listing
from dashboards.words import Words

HERE = f"{COMMUNITY} AND {DEVICES}"  # an id is one device's, also of a panel whose detector is in another building
READINGS = f'"$policy"."{READING}"'
# Every field of a reading that is a number of a point: not its quality, its text, or its place in the journal.
POINTS = r"/^(?!position$|.*_(?:quality|text)$).+$/"
# Rows of `retention_choice` lie at the time that is as far from 1970 as their policy reaches back from now.
CHOICE = (
    f'SELECT first("policy") FROM {source("retention_choice")}'
    ' WHERE time >= now() - ${__from}ms AND "below_ms" > ${__to} - ${__from}'
)
PLAIN_NAMES = "^(?:mean_|min_|max_)+(.*)$"


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "device", span="24h", refresh="1m")
    point = frame.asked(words, "point", f'SHOW FIELD KEYS FROM "{RAW}"."{READING}"', regex=POINTS, many=True)
    page.variables(
        *frame.cells(words),
        frame.building(words, many=False),
        frame.device(words, "device", many=False),
        point,
        frame.hidden("policy", CHOICE),
    )
    page.annotations(BUILDINGS)
    page.history(*_now(words))
    page.add(4, (_states(words), 24))
    page.add(10, (_curves(words, "mean", "points-mean"), 24))
    page.row("row-extremes")
    page.add(9, (_curves(words, "min", "points-min"), 12), (_curves(words, "max", "points-max"), 12))
    page.row("row-newest")
    page.add(9, (_newest(words), 24))
    return page.build()


def _now(words: Words) -> list[tuple[Panel, int]]:
    def now(field: str) -> str:
        return f'SELECT last("{field}") FROM {source("device")} WHERE {HERE} AND {at_end("device")}'

    links = frame.to_chosen(words, "device")
    states, online = meanings.states(words), meanings.online(words)
    kept = mapped({policy: (words.say(f"policy-{policy}"), None) for policy in (RAW, HOURLY)})
    return [
        (number(words, "device-state", [now("state")], COUNT, meanings.STATE_STEPS, states, links=links), 5),
        (number(words, "device-online", [now("online")], COUNT, mappings=online), 4),
        (number(words, "resolution", [CHOICE], mappings=kept), 5),
    ]


def _states(words: Words) -> Panel:
    query = (
        f'SELECT max("state") AS "{words.say("column-state")}" FROM {source("device")}'
        f" WHERE {HERE} AND $timeFilter GROUP BY time($__interval) fill(previous)"
    )
    return timeline(words, "device-states", query, meanings.states(words), meanings.STATE_STEPS, "$col")


def _curves(words: Words, how: str, key: str) -> Panel:
    """`$point` in raw readings, or what an hour kept of it, whichever the policy has."""
    beginning = f"{how}_"
    assert beginning in SUMMARIES
    query = (
        f"SELECT {how}(/^({beginning})?$point$/) FROM {READINGS}"
        f" WHERE {HERE} AND $timeFilter GROUP BY time($__interval) fill(none)"
    )
    return curves(words, key, [query], COUNT, least=None, plain_names=PLAIN_NAMES)


def _newest(words: Words) -> Panel:
    """Every point a row, numbers and texts alike."""
    query = (
        f'SELECT last(/_text$|^(mean_)?$point$/) FROM "{RAW}"."{READING}"'
        f" WHERE {HERE} AND time > ${{__to}}ms - 1d AND time <= ${{__to}}ms"
    )
    return listing(words, "points-newest", query, (), turned="^(?:last_)(.*)$")
