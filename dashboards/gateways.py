"""Gateways and buses: heard or not, how a bus answers, what waits in the journals, whose clock is off, the ledger."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from config.figures import LANES
from dashboards import frame, meanings, palette
from dashboards.influxql import COMMUNITY, at_end, count_of, newest, series, source
from dashboards.panels import COUNT, SHARE, Panel, curves, number
from dashboards.tables import Column, listing
from dashboards.words import Words

HERE = f'{COMMUNITY} AND "gateway" =~ /^$gateway$/'
COUNTS = ("appended", "dropped", "in_journal", "committed")
FAILED = ("timeouts", "garbled", "refused")
OFFSET_S: palette.Steps = (
    (None, palette.BAD),
    (-5, palette.WARN),
    (-1, palette.FINE),
    (1, palette.WARN),
    (5, palette.BAD),
)
PULSE_S = palette.rising(10, 60)
ERRORS = palette.rising(0.02, 0.2)


def build(words: Words) -> models.Dashboard:
    """The dashboard in one language."""
    page = frame.Page(words, "gateways", span="24h", refresh="1m")
    page.variables(frame.tags(words, "gateway", "gateway", "gateway"))
    page.annotations()
    page.history(*_now(words))
    page.add(9, (_gateways(words), 24))
    page.row("row-buses")
    page.add(9, (_buses(words), 24))
    page.add(8, (_latency(words), 12), (_errors(words), 12))
    page.add(8, (_dead(words), 12), (_busy(words), 12))
    page.row("row-journals")
    page.add(8, (_depth(words, "alarm"), 6), (_depth(words, "telemetry"), 6), (_offset(words), 6), (_pulse(words), 6))
    page.add(8, *((_ledger(words, lane), 12) for lane in LANES))
    return page.build()


def _now(words: Words) -> list[tuple[Panel, int]]:
    inner = newest("gateway", ("name", "online", "clock_synchronized", "alarm_dropped"), HERE, '"gateway"')
    dead = (
        'SELECT sum("units_dead") FROM (SELECT last("units_dead") AS "units_dead"'
        f' FROM {source("bus")} WHERE {HERE} AND {at_end("bus")} GROUP BY "gateway", "bus")'
    )
    dropped = f'SELECT sum("alarm_dropped") FROM ({inner})'
    return [
        (number(words, "gateways-count", [f'SELECT count("name") FROM ({inner})']), 3),
        (number(words, "gateways-silent", [count_of(inner, '"online" = 0')], COUNT, palette.NONE_IS_BEST), 4),
        (number(words, "clocks-unset", [count_of(inner, '"clock_synchronized" = 0')], COUNT, palette.rising(1, 3)), 4),
        (number(words, "units-dead", [dead], COUNT, palette.rising(1, 5)), 3),
        (number(words, "alarms-dropped", [dropped], COUNT, palette.NONE_IS_BEST), 4),
    ]


def _gateways(words: Words) -> Panel:
    fields = (
        *("name", "online", "devices", "devices_online", "clock_synchronized", "clock_offset_s", "pulse_s"),
        *("pulse_age_s", "alarm_in_journal", "telemetry_in_journal"),
    )
    columns = (
        Column("online", mappings=meanings.online(words), width=110),
        Column("name", word="column-gateway_name"),
        Column("devices_online", width=95),
        Column("devices", width=90),
        Column("clock_synchronized", mappings=meanings.yes_no(words), width=110),
        Column("clock_offset_s", "s", OFFSET_S, width=110),
        Column("pulse_s", "s", PULSE_S, width=110),
        Column("pulse_age_s", "s", width=110),
        Column("alarm_in_journal", steps=palette.rising(1, 100), width=120),
        Column("telemetry_in_journal", steps=palette.rising(1_000, 100_000), width=120),
        Column("gateway", word="column-id"),
    )
    query = newest("gateway", fields, HERE, '"gateway"')
    return listing(words, "gateways", query, columns, sort=("online", False))


def _buses(words: Words) -> Panel:
    fields = (
        "online",
        "units",
        "units_dead",
        "requests",
        *FAILED,
        "latency_p50_ms",
        "latency_p95_ms",
        "cycle_s",
        "busy",
    )
    rest = "".join(f', "{field}"' for field in fields[1:])
    query = (
        f'SELECT last("online") AS "online"{rest} FROM {source("bus")}'
        f' WHERE {HERE} AND {at_end("bus")} GROUP BY "gateway", "bus"'
    )
    columns = (
        Column("online", mappings=meanings.online(words), width=110),
        Column("gateway", word="column-gateway", width=120),
        Column("bus", word="column-bus", width=120),
        Column("units", width=80),
        Column("units_dead", steps=palette.rising(1, 3), width=100),
        Column("requests", width=95),
        *(Column(field, width=85) for field in FAILED),
        Column("latency_p50_ms", "ms", width=110, decimals=0),
        Column("latency_p95_ms", "ms", palette.rising(500, 1_000), width=110, decimals=0),
        Column("cycle_s", "s", palette.rising(5, 10), width=85),
        Column("busy", SHARE, palette.rising(0.8, 0.95), width=80, decimals=0),
    )
    return listing(words, "buses", query, columns, sort=("units_dead", True))


def _latency(words: Words) -> Panel:
    queries = [
        series(f'max("{field}") AS "{words.say(f"column-{field}")}"', "bus", HERE, '"gateway", "bus"')
        for field in ("latency_p50_ms", "latency_p95_ms")
    ]
    alias = "$col $tag_bus $tag_gateway"
    slow = f"/^{words.say('column-latency_p95_ms')} /"
    return curves(words, "latency", queries, "ms", palette.rising(500, 1_000), alias=alias, every="1m", dashed=slow)


def _errors(words: Words) -> Panel:
    failed = " + ".join(f'sum("{field}")' for field in FAILED)
    query = series(f'({failed}) / sum("requests")', "bus", HERE, '"gateway", "bus"')
    return curves(words, "errors", [query], SHARE, ERRORS, alias="$tag_bus $tag_gateway", every="1m")


def _dead(words: Words) -> Panel:
    query = series('max("units_dead")', "bus", HERE, '"gateway", "bus"')
    return curves(words, "dead", [query], alias="$tag_bus $tag_gateway", every="1m")


def _busy(words: Words) -> Panel:
    query = series('mean("busy")', "bus", HERE, '"gateway", "bus"')
    steps = palette.rising(0.8, 0.95)
    return curves(words, "busy", [query], SHARE, steps, alias="$tag_bus $tag_gateway", most=1, every="1m")


def _depth(words: Words, lane: str) -> Panel:
    query = series(f'max("{lane}_in_journal")', "gateway", HERE, '"gateway"')
    return curves(words, f"depth-{lane}", [query], alias="$tag_gateway", every="1m")


def _offset(words: Words) -> Panel:
    query = series('mean("clock_offset_s")', "gateway", HERE, '"gateway"')
    return curves(words, "offset", [query], "s", OFFSET_S, alias="$tag_gateway", least=None, every="1m")


def _pulse(words: Words) -> Panel:
    query = series('max("pulse_s")', "gateway", HERE, '"gateway"')
    return curves(words, "pulse", [query], "s", PULSE_S, alias="$tag_gateway", every="1m")


def _ledger(words: Words, lane: str) -> Panel:
    """What a lane has appended must be what was dropped, waits, or is committed; what is left over is on its way."""
    counts = {count: f"{lane}_{count}" for count in COUNTS}
    inner = newest("gateway", ("name", *counts.values()), HERE, '"gateway"')
    appended, *gone = counts.values()
    shown = ", ".join(f'"{field}" AS "{count}"' for count, field in counts.items())
    left = " - ".join(f'"{field}"' for field in (appended, *gone))
    query = f'SELECT {shown}, {left} AS "unaccounted" FROM ({inner}) GROUP BY "gateway"'
    columns = (
        Column("gateway", word="column-id"),
        *(Column(count, width=90) for count in (*COUNTS, "unaccounted")),
    )
    return listing(words, f"ledger-{lane}", query, columns)
