"""What is asked of history: InfluxQL with Grafana's variables in it, as Grafana's InfluxDB data source takes it. Pure.

Readings of what is so now end with the range that is shown (`${__to}`), so that a past range shows how it was then.
Their windows are a few times as long as rows are apart; older than that is not "now" but a late history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from grafana_foundation_sdk.cog import builder
from grafana_foundation_sdk.cog.runtime import DataqueryConfig, register_dataquery_variant
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

from config.figures import MEASUREMENTS

KIND_OF_SOURCE = "influxdb"
SOURCE = DataSourceRef(type_val=KIND_OF_SOURCE, uid="callpoint-history")

# Always as a regular expression: there Grafana escapes a value, which may be any name that a site gives.
COMMUNITY = '"group" =~ /^$community$/'
CELLS = " AND ".join(f'"cell_{level}" =~ /^$cell_{level}$/' for level in (1, 2, 3))
BUILDINGS = '"building" =~ /^$building$/'
DEVICES = '"device" =~ /^$device$/'
LIVE = "\"mode\" = 'live'"
_MISSED = 3  # so many rows may be missing before what is known is not "now" any more


class InfluxQuery(Dataquery, builder.Builder["InfluxQuery"]):
    """A target of a panel or an annotation: raw InfluxQL, and what else the data source wants to know."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def build(self) -> InfluxQuery:
        """It is its own builder."""
        return self

    def to_json(self) -> dict[str, object]:
        """As it stands in a dashboard."""
        return self.data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Back again."""
        return cls(data)


def register() -> None:
    """Tell the SDK of our targets, so that it can read a dashboard again."""
    register_dataquery_variant(DataqueryConfig(KIND_OF_SOURCE, InfluxQuery.from_json))


def target(query: str, ref: str, *, table: bool = False, alias: str = "$col") -> InfluxQuery:
    """One query of a panel. `alias` names its series: `$col` by column, `$tag_x` by tag; a table has none."""
    data: dict[str, Any] = {
        "refId": ref,
        "datasource": SOURCE,
        "query": query,
        "rawQuery": True,
        "resultFormat": "table" if table else "time_series",
    }
    if not table:
        data["alias"] = alias
    return InfluxQuery(data)


def source(measurement: str) -> str:
    """Policy and measurement, as FROM names them. Raises KeyError for what history does not keep."""
    return f'"{MEASUREMENTS[measurement].policy}"."{measurement}"'


def at_end(measurement: str) -> str:
    """The time of the newest rows of a measurement at the end of the range."""
    every_s = MEASUREMENTS[measurement].every_s
    assert every_s is not None, f"{measurement} has no newest row: it has a row for each thing"
    return f"time > ${{__to}}ms - {_MISSED * every_s}s AND time <= ${{__to}}ms"


def newest(measurement: str, fields: Sequence[str], where: str, by: str) -> str:
    """The newest row of each series, whole: its fields stand together, and an absent one stays absent."""
    rest = "".join(f', "{field}"' for field in fields if field != "name")
    return (
        f'SELECT last("name") AS "name"{rest} FROM {source(measurement)}'
        f" WHERE {where} AND {at_end(measurement)} GROUP BY {by}"
    )


def count_of(inner: str, having: str) -> str:
    """How many rows of `newest` are so. Nothing where there is none: InfluxQL counts no zero."""
    return f'SELECT count("name") FROM ({inner}) WHERE {having}'


def rows(measurement: str, fields: Sequence[str], where: str, limit: int = 200) -> str:
    """Things that happened in the range, newest first, bounded."""
    shown = ", ".join(f'"{field}"' for field in fields)
    return f"SELECT {shown} FROM {source(measurement)} WHERE {where} AND $timeFilter ORDER BY time DESC LIMIT {limit}"


def series(
    select: str, measurement: str, where: str, by: str = "", every: str = "$__interval", fill: str = "none"
) -> str:
    """A curve: `select` in spans of `every`, a series for each value of the tags in `by`."""
    tags = f", {by}" if by else ""
    zone = " tz('$timezone')" if every == "1d" else ""  # a day is the site's day
    return (
        f"SELECT {select} FROM {source(measurement)} WHERE {where} AND $timeFilter"
        f" GROUP BY time({every}){tags} fill({fill}){zone}"
    )
