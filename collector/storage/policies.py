"""What the history keeps, at which resolution and for how long: retention policies of 1.x, buckets of 2.x. Pure.

| policy | what | by default |
| --- | --- | --- |
| raw | every record; the database's default policy | 90 days |
| hourly | the same by the hour: `mean_<field>`, `min_<field>`, `max_<field>` of every number | 5 years |
| figures | the collector's own figures, see `config/figures.py` | 5 years |
| forever | what tells which of these to read, and how many records there were before they expired | always |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from collector.storage.series import MEASUREMENT, POSITION, Row
from config.figures import FIGURES, FOREVER, HOURLY, RAW

AUTOGEN = "autogen"  # what InfluxDB 1.x makes with a database
DAY_MS = 86_400_000
DAY_S = 86_400
DAYS_MIN, DAYS_MAX = 7, 36_500
CHOICE, COUNTED, TOLD = "retention_choice", "counted", "told"
# A span shorter than this is drawn from `raw`: 11,000 values of a minute each, which a browser still draws at once.
RAW_BELOW_MS = 8 * DAY_MS
_ENDLESS_MS = 1e15
_ALWAYS_DAYS = 47_482  # 2100-01-01
# Tags of the hourly values: not lane and epoch, by which one device would be many series.
HOURLY_TAGS = ("group", "building", "device", "gateway")


def _all_but(name: str) -> str:
    """The regular expression of every field but one; InfluxDB's have no words for "not"."""
    begun = (f"{name[:i]}$|{name[:i]}[^{char}]" for i, char in enumerate(name))
    return f"/^(?:{'|'.join(begun)}|{name}.)/"


_VALUES = _all_but(POSITION)  # the mean of a journal's positions tells nothing, for a seventh of the room


@dataclass(frozen=True, slots=True)
class Policy:
    """`days` None: always. `shard_days`: what is dropped together, and read together."""

    name: str
    days: int | None
    shard_days: int


@dataclass(frozen=True, slots=True)
class Days:
    """What an operator asks for; None: as it is, or by default."""

    raw: int | None = None
    hourly: int | None = None
    figures: int | None = None

    def of(self, policy: str) -> int | None:
        """What was asked for a policy."""
        return {RAW: self.raw, HOURLY: self.hourly, FIGURES: self.figures}.get(policy)


POLICIES: Mapping[str, Policy] = {
    RAW: Policy(RAW, 90, 7),
    HOURLY: Policy(HOURLY, 1_826, 28),
    FIGURES: Policy(FIGURES, 1_826, 28),
    FOREVER: Policy(FOREVER, None, 3_640),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A continuous query: every `every_h` hours the last `back_h` hours are worked out anew."""

    name: str
    every_h: int
    back_h: int


# The second counts what a gateway tells late, up to a day, at a fifth of what it would cost each hour.
TASKS = (Task("callpoint_hourly", 1, 3), Task("callpoint_hourly_late", 6, 30))


def bucket_of(bucket: str, policy: str) -> str:
    """The bucket of a policy in 2.x, by the name of the bucket of the records."""
    return bucket if policy == RAW else f"{bucket}/{policy}"


def choice_rows(kept_days: Mapping[str, float | None]) -> list[Row]:
    """What a dashboard reads to choose, by how long policies keep what they have (None: always).

    The time of a row is how far back its policy reaches, counted from 1970; it serves ranges from `from_ms` to
    `below_ms`. So the first row behind the age of a range's beginning that is made for its length is the one to read.
    """
    spans = ((RAW, "", 0.0, float(RAW_BELOW_MS)), (HOURLY, "mean_", 0.0, _ENDLESS_MS))
    rows = []
    for policy, prefix, begin, below in spans:
        days = kept_days.get(policy)
        reach_ns = round((_ALWAYS_DAYS if days is None else days) * DAY_MS) * 1_000_000
        fields: dict[str, float | int | str] = {"policy": policy, "prefix": prefix, "from_ms": begin, "below_ms": below}
        rows.append(Row({}, reach_ns, fields, CHOICE))
    return rows


def hourly_select(source: str, target: str, where: str = "") -> str:
    """The InfluxQL that works out hourly values. `source` and `target` are quoted policies with their database."""
    tags = ", ".join(f'"{tag}"' for tag in HOURLY_TAGS)
    return (
        f"SELECT {', '.join(f'{word}({_VALUES})' for word in ('mean', 'min', 'max'))}"
        f' INTO {target}."{MEASUREMENT}" FROM {source}."{MEASUREMENT}"{where} GROUP BY time(1h), {tags}'
    )


def hourly_flux(bucket: str, task: Task) -> str:
    """The same as a Flux task of 2.x."""
    start, stop = f"date.truncate(t: -{task.back_h}h, unit: 1h)", "date.truncate(t: now(), unit: 1h)"
    options = f'option task = {{name: "{task.name} {_flux_text(bucket)}", every: {task.every_h}h, offset: 1m}}\n'
    return f'import "date"\nimport "types"\n{options}{_hourly_flux(bucket, start, stop)}'


def hourly_flux_between(bucket: str, begin: datetime, end: datetime) -> str:
    """The same for a span in the past, as a script."""
    start, stop = (each.strftime("%Y-%m-%dT%H:%M:%SZ") for each in (begin, end))
    return f'import "types"\n{_hourly_flux(bucket, start, stop)}'


def _hourly_flux(bucket: str, start: str, stop: str) -> str:
    columns = ", ".join(f'"{each}"' for each in ("_measurement", "_field", *HOURLY_TAGS))
    source, target = (_flux_text(bucket_of(bucket, policy)) for policy in (RAW, HOURLY))
    steps = "\n".join(
        f'data |> aggregateWindow(every: 1h, fn: {word}, createEmpty: false, timeSrc: "_start")'
        f' |> map(fn: (r) => ({{r with _field: "{word}_" + r._field}}))'
        f' |> to(bucket: "{target}") |> yield(name: "{word}")'
        for word in ("mean", "min", "max")
    )
    return (
        f'data = from(bucket: "{source}")\n'
        f"  |> range(start: {start}, stop: {stop})\n"
        f'  |> filter(fn: (r) => r._measurement == "{MEASUREMENT}")\n'
        '  |> filter(fn: (r) => types.isType(v: r._value, type: "float"))\n'
        f'  |> keep(columns: [{columns}, "_time", "_value", "_start", "_stop"])\n'
        f"  |> group(columns: [{columns}])\n"
        '  |> sort(columns: ["_time"])\n'
        f"{steps}\n"
    )


def _flux_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
