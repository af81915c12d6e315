"""What the demo tells: lines for the terminal as they happen, and the same for the report."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

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


def entry_words(entry: Mapping[str, object]) -> str:
    """A line of an incident's timeline in words, from the API's shape."""
    person, facts = entry.get("person"), entry.get("facts")
    words = [str(entry["event"]).replace("-", " ")]
    if entry.get("device"):
        words.append(str(entry["device"]))
    if isinstance(person, Mapping):
        words.append(str(person["name"]))
    if isinstance(facts, Mapping) and facts:
        words.append("(" + ", ".join(f"{key} {value}" for key, value in facts.items()) + ")")
    return " ".join(words)
