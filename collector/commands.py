"""What people and the system itself may tell the engine, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from collector.alarms.incident import Answer
from collector.alarms.measures import Scope
from collector.book.entries import Change
from config.profile import Kind
from config.upkeep import Service


@dataclass(frozen=True, slots=True)
class Answered:
    """A person says going, arrived or cannot. Also acknowledges for that person.

    `said_at_ms`, here and below: when it was said, UTC ms, if that is longer ago (a phone had no line); None: now.
    """

    incident: str
    person: str
    answer: Answer
    said_at_ms: int | None = None


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
    said_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StandDown:
    """The leader ends the call-out."""

    incident: str
    person: str
    said_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A person says that it is a false alarm. Of somebody who is there, or who decides, it ends the call."""

    incident: str
    person: str
    said_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NeedMore:
    """A person who is going or there needs more people: the next are called at once."""

    incident: str
    person: str
    said_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """A person writes down what they see: a line of the incident's timeline, told to nobody by itself."""

    incident: str
    person: str
    text: str


@dataclass(frozen=True, slots=True)
class Photographed:
    """A person has taken a photo, which is kept elsewhere under this id. The same one again changes nothing."""

    incident: str
    person: str
    photo: str


@dataclass(frozen=True, slots=True)
class Freed:
    """Somebody on site says that the people in an elevator are free. `device` None: there is only one such elevator."""

    incident: str
    person: str
    device: str | None = None
    said_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Serviced:
    """An elevator's maintenance of a level was done on a day; it covers the smaller levels."""

    device: str
    level: Service
    on: date
    person: str


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    """The notifier gave a notice up: permanently refused, or too many tries."""

    notice: str
    error: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """A channel has taken a sending of a notice. `channel`: index into the person's channels."""

    notice: str
    person: str
    channel: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """A channel did not take a sending of a notice; it may be tried again. `channel` as in `Delivered`."""

    notice: str
    person: str
    channel: int
    at_ms: int
    error: str
    permanent: bool = False  # and never will


@dataclass(frozen=True, slots=True)
class TestReach:
    """A person wants to know whether `person` can be reached: a test message over each of their channels."""

    __test__ = False  # no test of ours

    person: str
    by: str


@dataclass(frozen=True, slots=True)
class SayAway:
    """Somebody is away for a time, or (`swap`) only their duty is another's. Said by them, a leader or a contact."""

    person: str
    by: str
    from_ms: int
    until_ms: int
    substitute: str | None = None
    reason: str = ""
    swap: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """An absence that was said is over, or was not meant."""

    absence: str
    by: str


@dataclass(frozen=True, slots=True)
class SystemTrouble:
    """A part of the system itself is in trouble or well again: a broker, store, history, channel or record."""

    part: str  # "broker", "history", "channel:mail", "gateway:gw-1:check" …
    active: bool
    text: str


@dataclass(frozen=True, slots=True)
class StartDrill:
    """An exercise in these buildings, called out as if it were real; it ends by itself after so many minutes."""

    person: str
    buildings: tuple[str, ...]
    kind: Kind  # fire or entrapment
    minutes: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class EndDrill:
    """A person ends a drill, in all buildings where it still runs."""

    drill: str
    person: str


@dataclass(frozen=True, slots=True)
class PulseStored:
    """The record of a gateway's pulse is committed."""

    gateway: str
    beat: int


@dataclass(frozen=True, slots=True)
class PulseHandedOver:
    """The test sink has taken the notice of a gateway's pulse."""

    gateway: str
    beat: int


@dataclass(frozen=True, slots=True)
class Disable:
    """Take a device, zone or building out of the call-out: who, why, for how long, and who watches meanwhile."""

    scope: Scope
    target: str
    person: str
    why: str
    minutes: int
    watch: str | None = None


@dataclass(frozen=True, slots=True)
class RenewDisablement:
    """It lasts so many minutes from now."""

    disablement: str
    person: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Enable:
    """End a disablement: what is in alarm there calls at once."""

    disablement: str
    person: str


@dataclass(frozen=True, slots=True)
class StartWalkTest:
    """The alarms of these devices, and of a zone's, go to this person alone."""

    person: str
    devices: tuple[str, ...]
    minutes: int
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class EndWalkTest:
    """End a walk test: what is in alarm there calls at once."""

    walk_test: str
    person: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """A person has inspected an extinguisher, a hydrant or a detector, on this day of the site."""

    device: str
    person: str
    on: date


@dataclass(frozen=True, slots=True)
class ErasePerson:
    """Somebody who is no longer on the list is to be named nowhere any more; `pseudonym` stands in their place."""

    person: str
    pseudonym: str


@dataclass(frozen=True, slots=True)
class ChangeBook:
    """People, teams and posts are to be so from now on: all of these changes, or none.

    `by`: who wants it, for the record. `expected`: the digest of the book that they have seen; None: whatever it is.
    """

    changes: tuple[Change, ...]
    by: str = ""
    expected: str | None = None


Command = (
    Answered
    | Acknowledge
    | Reset
    | StandDown
    | FalseAlarm
    | NeedMore
    | Noted
    | Photographed
    | Freed
    | Serviced
    | DeliveryFailed
    | Delivered
    | NotDelivered
    | TestReach
    | SayAway
    | Back
    | SystemTrouble
    | StartDrill
    | EndDrill
    | Disable
    | RenewDisablement
    | Enable
    | StartWalkTest
    | EndWalkTest
    | Inspected
    | PulseStored
    | PulseHandedOver
    | ChangeBook
    | ErasePerson
)


class Refused(ValueError):
    """The command is understood but not allowed now; nothing has changed.

    `.reason` is a stable word: unknown-incident, closed, unknown-person, not-authorised, source-in-alarm,
    owes-records, not-acknowledged, nothing-to-reset, no-call, and those of drills: unknown-drill, unknown-building,
    drill, drill-running, alarm-open, bad-drill; of elevators: not-freed, no-rescue, not-arrived, which-elevator,
    unknown-device, no-elevator, not-yet; of inspections: no-upkeep, already-newer; of notes and photos: bad-note,
    too-many-notes, too-many-photos; of what was said while there was
    no line: said-in-future, said-long-ago, said-before, changed-since; of the book:
    bad-book, unknown-entry, changed-meanwhile; of an erasure: in-folder, shared-id, called-now,
    still-listed. str() is a sentence for people.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        super().__init__(sentence)
