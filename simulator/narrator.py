"""What the demo tells: lines for the terminal as they happen, and the same for the report."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_COLOURS = {
    "story": "36",
    "device": "33",
    "incident": "1;31",
    "told": "35",
    "answer": "32",
    "plain": "0",
    "fault": "31",
}
_TIMELINE_MAX = 5_000


@dataclass(slots=True)
class Narrator:
    """Prints `HH:MM:SS.mmm  words`, in colour only on a terminal and without NO_COLOR, and keeps the timeline."""

    quiet: bool = False
    timeline: list[dict[str, str]] = field(default_factory=list)
    colour: bool = field(default_factory=lambda: sys.stdout.isatty() and "NO_COLOR" not in os.environ)

    def say(self, kind: str, words: str, at: datetime | None = None) -> None:
        """One line; `at` defaults to now."""
        at = (at or datetime.now().astimezone()).astimezone()
        if len(self.timeline) < _TIMELINE_MAX:
            self.timeline.append({"at": at.isoformat(timespec="milliseconds"), "what": words})
        if self.quiet:
            return
        clock = at.strftime("%H:%M:%S.%f")[:-3]
        if self.colour:
            words = f"\x1b[{_COLOURS[kind]}m{words}\x1b[0m"
        print(f"{clock}  {words}", flush=True)


_ENTRIES = {
    "incident-opened": ("incident", "INCIDENT {kind} in {where}"),
    "alarm-raised": ("incident", "{class} raised: {device}"),
    "alarm-raised-again": ("incident", "{class} raised again: {device}"),
    "alarm-raised-late": ("incident", "{class} heard late: {device}"),
    "alarm-returned": ("plain", "{class} over at its source: {device}"),
    "alarm-reset": ("answer", "reset: {device}"),
    "call-started": ("incident", "call {call} begins"),
    "answered": ("answer", "{person} answers: {answer}"),
    "quorum-reached": ("answer", "enough are going: {going}"),
    "quorum-lost": ("incident", "not enough are going any more"),
    "stood-down": ("answer", "{person} ends the call"),
    "reset": ("answer", "{person} resets"),
    "incident-closed": ("answer", "INCIDENT CLOSED {kind} in {where}"),
    "unreachable": ("fault", "{person} cannot be reached"),
    "notice-failed": ("fault", "a notice to {person} failed: {error}"),
}  # the other events (notices, rings) are told by who was told


def entry_words(entry: Mapping[str, Any], incident: Mapping[str, Any]) -> tuple[str, str] | None:
    """A line of an incident's timeline (both in the API's shape) as kind and words; None for what is told otherwise."""
    if entry["event"] not in _ENTRIES:
        return None
    kind, template = _ENTRIES[entry["event"]]
    facts = {
        **entry["facts"],
        "kind": incident["kind"],
        "where": incident["where"]["building_name"],
        "device": str(entry["facts"].get("alarm", entry["device"])).replace(":", " "),
        "person": "" if entry["person"] is None else entry["person"]["name"],
    }
    return kind, template.format_map(defaultdict(str, facts))


def told_words(notices: Sequence[Mapping[str, Any]], latency_ms: float) -> str:
    """One line for notices that were handed over together for one reason."""
    names = ", ".join(str(notice["person"]["name"]) for notice in notices)
    channels = ", ".join(sorted({str(notice["channel"]) for notice in notices}))
    return f"told {names} on {channels} ({notices[0]['reason']}), {latency_ms:.0f} ms after its cause"
