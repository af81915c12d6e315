"""What people said while their phone had no line is judged by when they said it, as far as that still means something.

A phone tells how long ago its owner pressed the button; here that is a time of ours, UTC ms. Out of order or twice,
the newest word of a person stands, whenever it arrives.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Answer, Incident
from collector.commands import Refused

LATEST_MS = 7_200_000  # what is older says nothing of who comes now
TWIN_MS = 30_000  # by so much the times of a word may differ that a phone sent twice over a slow line


def check(incident: Incident, said_at_ms: int | None, now: int) -> int:
    """When a word was said; None: now. Raises Refused: said-in-future, said-long-ago, said-before this call."""
    if said_at_ms is None:
        return now
    if said_at_ms > now:
        raise Refused("said-in-future", "This was said at a time that has not come yet.")
    if now - said_at_ms > LATEST_MS:
        raise Refused("said-long-ago", "This was said more than two hours ago: please say it again if it is still so.")
    if answers_before(incident, said_at_ms):
        raise Refused("said-before", "This was said before the present call began: please answer again.")
    return said_at_ms


def answers_before(incident: Incident, said_at_ms: int) -> bool:
    """True if a word of this time answers an earlier call, or none: it was said before the present call's question."""
    began_ms = incident.call_started_at_ms if incident.answers_from_ms is None else incident.answers_from_ms
    return said_at_ms < max(incident.opened_at_ms, began_ms)


def is_overtaken(incident: Incident, person: str, answer: Answer, said_at_ms: int) -> bool:
    """True for an answer that came late and twice, or after a newer one of the same person to the same call."""
    known = (each for each in incident.responses if each.person == person and each.call == incident.call)
    return any(each.at_ms >= said_at_ms - (TWIN_MS if each.answer is answer else 0) for each in known)


def has_changed(incident: Incident, alarms: Iterable[Alarm], person: str, said_at_ms: int) -> bool:
    """True if something has happened since that whoever said it then could not know: a call, an alarm, a word."""
    called = incident.call_started_at_ms > said_at_ms
    words = (each.at_ms for each in incident.remarks if each.person != person)
    return called or any(at_ms > said_at_ms for at_ms in (*words, *(alarm.here_at_ms for alarm in alarms)))


def check_unchanged(incident: Incident, alarms: Iterable[Alarm], person: str, said_at_ms: int | None) -> None:
    """Raise Refused, changed-since, for a word that ends something and was said of what is another thing now."""
    if said_at_ms is not None and has_changed(incident, alarms, person, said_at_ms):
        raise Refused("changed-since", "The incident has changed since this was said: look again, and say it anew.")
