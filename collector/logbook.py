"""What was decided, line by line in the log, once it is committed: an incident's whole story under its id.

The words are the timeline's, see `collector/messages/reasons.py`. Nobody is named, and nobody's own words are told: a
log is kept by others, and what somebody wants erased cannot be taken out of it. Who a notice went to is in the store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from collector.alarms.incident import Entry
from collector.calls.dispatch import Notice, Reason
from collector.messages.reasons import sentence
from collector.state import Decision
from collector.storage.records import Attempt
from config import logs

# The facts of a timeline's line that are told. Any other may hold what somebody wrote, or who it was.
TOLD = {
    *("alarm", "answer", "building", "call", "cause", "class", "day", "drill", "error", "going", "hit", "hits"),
    *("kind", "minutes", "not-tested", "notice", "on", "others", "people", "reason", "ring", "route"),
    *("scope", "skills", "target", "team", "tested", "until", "value", "walk-test", "who", "zone"),
}
WHY_IN = "first-hit-loud"  # elsewhere it is what somebody wrote
SOMEBODY = "somebody"
# What somebody should look at: a call that does not go as it should.
WARNINGS = {"notice-failed", "unreachable", "nobody-on-duty", "nobody-comes", "overdue", "rescue-due", "rescue-missed"}

log = logs.of(__name__)


@dataclass(frozen=True, slots=True)
class _Words:
    """A line's words, made when it is written: a fire that calls a thousand people waits for none of them."""

    entry: Entry

    def __str__(self) -> str:
        return sentence(self.entry)


def log_decisions(decisions: Iterable[Decision]) -> None:
    """A line for each line of the timeline."""
    for decision in decisions:
        for entry in decision.entries:
            level = logging.WARNING if entry.event in WARNINGS else logging.INFO
            told = _told(entry)
            log.tell(level, entry.event, _Words(told), None, **_facts(told))


def log_attempt(notice: Notice, attempt: Attempt) -> None:
    """A line for each try to hand a notice over. A pulse's is told at `debug` alone: there is one every few minutes."""
    facts = {
        "incident": notice.incident,
        "notice": notice.id,
        "channel": attempt.channel,
        "reason": notice.reason.value,
        "sending": attempt.sending,
        "call": notice.call,
    }
    pulse = notice.reason is Reason.PULSE
    if attempt.handed_over_at_ms is not None:
        text = f"notice {notice.id} is handed over to {attempt.channel}, sending {attempt.sending}"
        took_ms = attempt.handed_over_at_ms - attempt.at_ms
        log.tell(logging.DEBUG if pulse else logging.INFO, "handed-over", text, None, took_ms=took_ms, **facts)
        return
    error = logs.without_addresses(attempt.error or "")
    for_good = ", for good" if attempt.permanent else ""
    text = f"notice {notice.id} is not taken by {attempt.channel}{for_good}: {error}"
    log.tell(
        logging.DEBUG if pulse else logging.WARNING,
        "not-handed-over",
        text,
        None,
        error=error,
        permanent=attempt.permanent,
        **facts,
    )


def _told(entry: Entry) -> Entry:
    """The same without anybody."""
    facts: list[tuple[str, str]] = []
    for name, value in entry.facts:
        if name == "value" and _is_written(entry, dict(entry.facts)):
            value = "…"
        elif name not in TOLD and not (name == "why" and entry.event == WHY_IN):
            value = "…" if name != "by" or entry.event != "clock-set-back" else value
        facts.append((name, logs.without_addresses(value) if name == "error" else value))
    return replace(entry, person=None if entry.person is None else SOMEBODY, facts=tuple(facts))


def _is_written(entry: Entry, facts: Mapping[str, str]) -> bool:
    """True where an alarm's value is words about people or by them: of a shift, a disablement, the system itself."""
    device = entry.device or ""
    return device == "system" or "/" in device or "disabled-" in facts.get("alarm", "").rpartition(":")[2]


def _facts(entry: Entry) -> dict[str, object]:
    facts: dict[str, object] = {name.replace("-", "_"): value for name, value in entry.facts if value != "…"}
    for name in ("ring", "call", "people", "others"):  # numbers, and rings counted from 1 as in the words
        if str(facts.get(name, "")).isdecimal():
            facts[name] = int(str(facts[name])) + (name == "ring")
    if entry.event.startswith("gateway-"):
        return {"gateway": entry.device, **facts}
    return {"incident": entry.incident, "device": entry.device, **facts}
