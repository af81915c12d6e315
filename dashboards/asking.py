"""Asking history what a dashboard asks, with everything filled in as Grafana fills it in. For the tests and the bench.

Grafana itself is not here. What it does to a query is small, and this is all of it, read from the sources of its
InfluxDB data source (InfluxQL, access by proxy):

- `$name`, `${name}`, `${name:raw}` become the variable's value. A variable of several values becomes `(a|b)`, each
  value escaped as a regular expression; of one value, it is escaped where it stands in a regular expression after `=~`
  or `!~`, and stands as it is elsewhere. "All" is the variable's own word for it (`.*`) as it is, or else every value.
- `$__from`, `$__to` are the ends of the range in UTC ms.
- `$timeFilter` becomes `time >= 1ms and time <= 2ms`; a panel's `timeFrom` moves its begin.
- `$__interval` is the range divided by the panel's width in pixels, rounded to a usual length, no less than the data
  source's or the panel's own least.
- What a variable offers is the first text column of the answer (for SHOW TAG VALUES the second of two columns), cut by
  its `regex`: the groups `text` and `value`, the first group, or the whole.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

ALL = "$__all"
PIXELS = 1_000
LEAST_INTERVAL_S = 60  # of the data source as it is provisioned
ANSWER_WITHIN_S = 120.0
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# Up to so many seconds a pixel: the interval that is taken.
_INTERVALS: Sequence[tuple[float, int]] = (
    *((1.5 * _MINUTE, _MINUTE), (3.5 * _MINUTE, 2 * _MINUTE), (7.5 * _MINUTE, 5 * _MINUTE)),
    *((12.5 * _MINUTE, 10 * _MINUTE), (17.5 * _MINUTE, 15 * _MINUTE), (25 * _MINUTE, 20 * _MINUTE)),
    *((45 * _MINUTE, 30 * _MINUTE), (1.5 * _HOUR, _HOUR), (2.5 * _HOUR, 2 * _HOUR), (4.5 * _HOUR, 3 * _HOUR)),
    *((9 * _HOUR, 6 * _HOUR), (_DAY, 12 * _HOUR), (7 * _DAY, _DAY), (21 * _DAY, 7 * _DAY)),
)
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}")
_REGEX = re.compile(r"[=!]~\s*/(?:\\.|[^/\\])*/")
_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")


class HistoryRefused(Exception):
    """InfluxDB did not answer a query with rows; says why."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A variable as it is set. `all_value`: what stands for all of them, None for every single one."""

    value: str | tuple[str, ...]
    many: bool = False
    options: tuple[str, ...] = ()
    all_value: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: the range, and what is chosen."""

    from_ms: int
    to_ms: int
    chosen: Mapping[str, Chosen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One query of a dashboard. `where`: `panel 3 Fire`, `variable building`, `annotation Drills`."""

    where: str
    query: str
    time_from: str | None = None
    interval: str | None = None


class History:
    """A database of InfluxDB 1.x, asked as Grafana's proxy does. Raises HistoryRefused."""

    def __init__(self, base: str, database: str) -> None:
        self._base = base
        self._database = database

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series of the answer: `tags`, `columns`, `values`."""
        body = urllib.parse.urlencode({"db": self._database, "epoch": "ms", "q": query}).encode()
        try:
            with urllib.request.urlopen(f"{self._base}/query", body, timeout=ANSWER_WITHIN_S) as answer:
                (result,) = json.load(answer)["results"]
        except urllib.error.HTTPError as error:
            raise HistoryRefused(f"{error.read().decode(errors='replace').strip()} to {query}") from error
        except (OSError, ValueError, KeyError) as error:
            raise HistoryRefused(f"{error} to {query}") from error
        if "error" in result:
            raise HistoryRefused(f"{result['error']} to {query}")
        return list(result.get("series", []))


def questions(dashboard: Mapping[str, Any]) -> Iterator[Question]:
    """Every query of a dashboard's panels and annotations; those of its variables are asked by `choose`."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            where = f"panel {panel['id']} {panel['title']}"
            yield Question(where, target["query"], panel.get("timeFrom"), panel.get("interval"))
    for annotation in dashboard["annotations"]["list"]:
        yield Question(f"annotation {annotation['name']}", annotation["target"]["query"])


def choose(
    dashboard: Mapping[str, Any], history: History, view: View, preset: Mapping[str, str] | None = None
) -> tuple[View, dict[str, tuple[str, ...]]]:
    """Set every variable as Grafana does when a dashboard is opened: `preset` by the address, else "all" or the first.

    Returns the view, and what each variable offers. Raises HistoryRefused.
    """
    offered: dict[str, tuple[str, ...]] = {}
    for variable in dashboard["templating"]["list"]:
        name, many = variable["name"], bool(variable.get("multi"))
        if variable["type"] == "custom":
            options = tuple(option["value"] for option in variable["options"])
            first = ALL if variable["includeAll"] else options[0]
            chosen = Chosen(first, options=options, all_value=variable.get("allValue"))
        else:
            answer = history.ask(fill(variable["query"]["query"], view))
            options = _values(answer, variable.get("regex", ""))
            all_of = variable["includeAll"]
            value: str | tuple[str, ...] = ALL if all_of else options[0] if options else ""
            chosen = Chosen((ALL,) if many else value, many, options, variable.get("allValue"))
        if preset and name in preset:
            chosen = replace(chosen, value=(preset[name],) if many else preset[name])
        offered[name] = options
        view = replace(view, chosen={**view.chosen, name: chosen})
    return view, offered


def fill(query: str, view: View, time_from: str | None = None, interval: str | None = None) -> str:
    """A query as InfluxDB gets it. Raises KeyError for a variable that the dashboard has not (yet)."""
    from_ms = view.from_ms if time_from is None else view.to_ms - _seconds(time_from) * 1_000
    least_s = max(LEAST_INTERVAL_S, _seconds(interval) if interval else 0)
    regexes = [match.span() for match in _REGEX.finditer(query)]

    def value(match: re.Match[str]) -> str:
        name, form = match[1] or match[2], match[3]
        if name == "timeFilter":
            return f"time >= {from_ms}ms and time <= {view.to_ms}ms"
        if name == "__interval":
            return _interval((view.to_ms - from_ms) / 1_000, least_s)
        if name in ("__from", "__to"):
            return str(view.from_ms if name == "__from" else view.to_ms)
        in_regex = any(start <= match.start() < end for start, end in regexes)
        return _formatted(view.chosen[name], form, in_regex)

    return _VARIABLE.sub(value, query)


def _formatted(chosen: Chosen, form: str | None, in_regex: bool) -> str:
    value = chosen.value
    if value in (ALL, (ALL,)):
        if chosen.all_value is not None:
            return chosen.all_value
        value = chosen.options
    if isinstance(value, tuple):
        return f"({'|'.join(map(_escaped, value))})"
    return _escaped(value) if in_regex and form != "raw" else value


def _escaped(value: str) -> str:
    return _SPECIAL.sub(lambda match: "\\" + match[0], value)


def _values(answer: Sequence[Mapping[str, Any]], pattern: str) -> tuple[str, ...]:
    """What a variable offers, sorted by its text."""
    found: dict[str, str] = {}
    for series in answer:
        columns = series["columns"]
        for row in series["values"]:
            by_name = dict(zip(columns, row, strict=True))
            raw = by_name.get("value") if columns == ["key", "value"] else _first_text(columns, row)
            if raw is None:
                continue
            text, value = _cut(str(raw), pattern)
            if value is not None:
                found[value] = text
    return tuple(sorted(found, key=lambda value: found[value]))


def _first_text(columns: Sequence[str], row: Sequence[Any]) -> Any:
    others = [value for column, value in zip(columns, row, strict=True) if column != "time" and value is not None]
    return next((value for value in others if isinstance(value, str)), others[0] if others else None)


def _cut(raw: str, pattern: str) -> tuple[str, str | None]:
    if not pattern:
        return raw, raw
    # JavaScript names a group (?<name>…), Python (?P<name>…).
    found = re.search(re.sub(r"\(\?<(?=\w)", "(?P<", pattern.strip("/")), raw)
    if found is None:
        return raw, None
    groups = found.groupdict()
    if groups:
        value = groups.get("value") or groups.get("text")
        return groups.get("text") or value or "", value
    return (found[1], found[1]) if found.groups() else (raw, raw)


def _interval(range_s: float, least_s: int) -> str:
    wanted = range_s / PIXELS
    rounded = next((interval for most, interval in _INTERVALS if wanted < most), 30 * _DAY)
    seconds = max(rounded, least_s)
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _seconds(duration: str) -> int:
    """`30d`, `1h`, `5m`."""
    return int(duration[:-1]) * {"s": 1, "m": _MINUTE, "h": _HOUR, "d": _DAY}[duration[-1]]
