"""Does history keep what a query asks for? InfluxDB itself answers a misspelt field with nothing, and no error."""

from __future__ import annotations

import re

from config.figures import HOURLY, MEASUREMENTS, RAW, READING, READING_TAGS

_LITERALS = re.compile(r"'(?:\\.|[^'\\])*'|(?<=[~(])\s*/(?:\\.|[^/\\])*/")
_SOURCE = re.compile(r'FROM\s+"(\w+)"\."(\w+)"')
_ALIAS = re.compile(r'\bAS\s+"([^"]+)"')
_NAME = re.compile(r'"([^"]+)"')
_OF_FUNCTION = re.compile(r'\b(?!AND|OR|FROM|SELECT|WHERE|BY)(\w+)\("([^"]+)"')
_GROUPED = re.compile(r"GROUP BY (.*?)(?: fill\(|\)|$| tz\()")


def unknown_names(query: str) -> list[str]:
    """What of a query, filled in, history does not have: sources, tags, fields, and tags used as fields."""
    bare = _LITERALS.sub(" ", query)
    sources = _SOURCE.findall(bare)
    if len(sources) != 1:
        return [f"{len(sources)} sources: {query}"]
    policy, measurement = sources[0]
    if measurement == READING:
        return [] if policy in (RAW, HOURLY) and _all_of_reading(bare) else [f"{policy}.{measurement}: {query}"]
    known = MEASUREMENTS.get(measurement)
    if known is None or known.policy != policy:
        return [f"{policy}.{measurement}"]
    aliases = set(_ALIAS.findall(bare))
    asked = _NAME.findall(_ALIAS.sub(" ", _SOURCE.sub(" ", bare)))
    wrong = [name for name in asked if name not in known.names | aliases]
    wrong += [f"{name} in {function}()" for function, name in _OF_FUNCTION.findall(bare) if name in known.tags]
    for grouped in _GROUPED.findall(bare):
        wrong += [f"GROUP BY {name}" for name in _NAME.findall(grouped) if name not in known.tags]
    return wrong


def _all_of_reading(bare: str) -> bool:
    return set(_NAME.findall(_SOURCE.sub(" ", bare))) <= set(READING_TAGS)
