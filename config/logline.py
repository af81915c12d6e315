"""How a line of the log looks: JSON for machines, or words for people. Bounded, and always one line an event."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

LINE_BYTES_MAX = 8_192  # journald cuts at 48 KiB, others earlier

_CUTS = (6_000, 1_500, 400, 100, 20)  # characters of each text, until the line fits
_COLOURS = {logging.DEBUG: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31"}


class JsonLine:
    """A record as JSON: at, level, part, event, text, what is so in every line, then the record's own facts."""

    def __init__(self, always: Mapping[str, str]) -> None:
        self._always = dict(always)

    def __call__(self, record: logging.LogRecord) -> str:
        """The line, without its end, at most LINE_BYTES_MAX bytes of UTF-8."""
        head: dict[str, Any] = {
            "at": _at(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "event": event_of(record),
            "text": _text(record),
        }
        more = self._always | facts_of(record) | _trace(record)
        told = head | {name: value for name, value in more.items() if name not in head}
        for cut in _CUTS:
            line = json.dumps({name: _shortened(value, cut) for name, value in told.items()}, ensure_ascii=False)
            if len(line.encode("utf-8", "backslashreplace")) <= LINE_BYTES_MAX:
                return line
        return json.dumps({name: _shortened(value, _CUTS[-1]) for name, value in head.items()})


class TextLine:
    """A record for people: time, level, part, words, and the facts that the words do not say."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured

    def __call__(self, record: logging.LogRecord) -> str:
        """The line, without its end; the lines of a traceback follow it, indented."""
        at = f"{_at(record):%Y-%m-%d %H:%M:%S}.{int(record.msecs):03d}"
        text = _one_line(_text(record))
        words = set(text.replace(",", " ").replace(":", " ").split())
        unsaid = [
            f"{name}={value}"
            for name, value in facts_of(record).items()
            if str(value) not in (text if isinstance(value, str) else words)
        ]
        line = f"{at} {record.levelname} {record.name}: {_cut(text, _CUTS[1])}"
        if unsaid:
            line += " " + _cut(_one_line(f"({', '.join(unsaid)})"), _CUTS[1])
        colour = _COLOURS.get(record.levelno) if self._coloured else None
        if colour is not None:
            line = f"\x1b[{colour}m{line}\x1b[0m"
        trace = _cut_front(str(_trace(record).get("traceback", "")), _CUTS[1]).splitlines()
        return "\n".join([line, *(f"    {_one_line(each, strip=False)}" for each in trace)])


def event_of(record: logging.LogRecord) -> str:
    """The event's name; a library's line has none of its own."""
    return str(getattr(record, "event", "library"))


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a line of ours says beside its words."""
    facts: dict[str, Any] = getattr(record, "facts", {})
    return facts


# --- inside ---------------------------------------------------------------------------------------


def _at(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created).astimezone()


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - a library's message that does not fit its arguments is told as it is
        return f"{record.msg} ({type(error).__name__}: its arguments do not fit)"


def _trace(record: logging.LogRecord) -> dict[str, str]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    fault = record.exc_info[1]
    return {"error": f"{type(fault).__name__}: {fault}", "traceback": "".join(traceback.format_exception(fault))}


def _shortened(value: Any, characters_max: int) -> Any:
    if not isinstance(value, str):
        return value
    cut = _cut_front if value.startswith("Traceback") else _cut
    return cut(value, characters_max)


def _cut(text: str, characters_max: int) -> str:
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


def _cut_front(text: str, characters_max: int) -> str:
    """Of a traceback the end says most."""
    return text if len(text) <= characters_max else "…" + text[1 - characters_max :]


def _one_line(text: str, strip: bool = True) -> str:
    """What is not printable becomes a space: a stranger's words cannot make lines or colours of their own."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain.strip() if strip else plain
