"""What people and the system itself may tell the engine, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from collector.incident import Answer


@dataclass(frozen=True, slots=True)
class Answered:
    """A person says going, arrived or cannot. Also acknowledges for that person."""

    incident: str
    person: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A person has seen it: repeats to them stop, and the incident's alarms count as acknowledged."""

    incident: str
    person: str


@dataclass(frozen=True, slots=True)
class Reset:
    """Unlatch what has returned to normal. For leader, manager or a responder who has arrived."""

    incident: str
    person: str


@dataclass(frozen=True, slots=True)
class StandDown:
    """The leader ends the call-out."""

    incident: str
    person: str


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    """The notifier gave a notice up: permanently refused, or too many tries."""

    notice: str
    error: str


@dataclass(frozen=True, slots=True)
class SystemTrouble:
    """A part of the system itself is in trouble or well again: a broker, store, history, channel or record."""

    part: str  # "broker", "history", "channel:mail", "gateway:gw-1:check" …
    active: bool
    text: str


Command = Answered | Acknowledge | Reset | StandDown | DeliveryFailed | SystemTrouble


class Refused(ValueError):
    """The command is understood but not allowed now; nothing has changed.

    `.reason` is a stable word: unknown-incident, closed, unknown-person, not-authorised, source-in-alarm,
    owes-records, not-acknowledged, nothing-to-reset. str() is a sentence for people.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        super().__init__(sentence)
