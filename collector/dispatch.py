"""Incident x people x clock x what was sent -> notices, each with a named reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a person is told. Shown in the log, in the message and on the page."""

    OWN_TEAM = "own-team"  # the building's own team
    NEIGHBOUR_TEAM = "neighbour-team"  # no team of its own, or not enough of them are going
    MANAGER = "manager"  # the property manager
    GRID_CELL = "grid-cell"  # responsible for the cell, level 3, then 2, then 1
    CONTACT = "emergency-contact"
    NEW_DEVICE = "new-device"  # another device is in alarm: called anew
    LATE_REPORT = "late-report"  # older than 30 minutes when it arrived: leader and manager only
    CHANNEL_FAILED = "channel-failed"  # the person's previous channel could not deliver
    QUORUM_REACHED = "quorum-reached"  # enough are going: information
    STAND_DOWN = "stand-down"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person on one channel, with the reason it is sent.

    `due` counts the sendings wanted so far (1, and one more for each repeat, under the same id);
    the notifier sends until it has sent as many. `superseded_at_ms` set: send no more of it.
    """

    id: str
    incident: str
    person: str
    channel: int  # index into the person's channels
    reason: Reason
    ring: int  # 0-based ring of the plan
    call: int
    cause_at_ms: int  # when the source said what caused this notice
    heard_at_ms: int
    created_at_ms: int
    expects_answer: bool  # False for information
    due: int = 1
    next_repeat_at_ms: int | None = None
    superseded_at_ms: int | None = None
