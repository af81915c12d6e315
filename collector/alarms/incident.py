"""Alarms of one building and kind -> one incident, with its life from first condition to closed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from collector.alarms.route import LIVE, Route
from collector.alarms.verification import FirstHit, member_of
from collector.calls.dispatch import Reason
from config.people import Skill
from config.profile import Condition, Kind


class Answer(StrEnum):
    """What a called person said."""

    GOING = "going"
    ARRIVED = "arrived"
    CANNOT = "cannot"


GOING = (Answer.GOING, Answer.ARRIVED)


@dataclass(frozen=True, slots=True)
class Response:
    """The newest answer of one person."""

    person: str
    answer: Answer
    at_ms: int
    call: int = 1  # the call that it answers
    first_at_ms: int | None = None  # their first answer of this incident, their first "going", their first "arrived"
    going_at_ms: int | None = None
    arrived_at_ms: int | None = None
    overdue_at_ms: int | None = None  # they said going, and had not arrived in time
    replaced: bool = False  # somebody else has been called in this call because they do not come
    lost_at_ms: int | None = None  # when their word last cost the quorum and everybody was called anew

    @property
    def counts(self) -> bool:
        """True for who is there, or on the way and not overdue."""
        return self.answer is Answer.ARRIVED or (self.answer is Answer.GOING and self.overdue_at_ms is None)


class Word(StrEnum):
    """What somebody says of an incident beside an answer."""

    FALSE_ALARM = "false-alarm"
    NEED_MORE = "need-more"


@dataclass(frozen=True, slots=True)
class Remark:
    """The newest of one person's word. `obeyed` False: shown, and nothing follows from it."""

    person: str
    word: Word
    at_ms: int
    call: int
    obeyed: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened in one building of one kind; one is open per building, kind and route.

    `call` counts the call-outs: a new device in alarm calls anew, also those who acknowledged before.
    """

    id: str  # in the order of making, see `State.next_id`
    building: str
    kind: Kind
    opened_at_ms: int  # when this collector opened it
    cause_at_ms: int  # when the source said so
    full_call: bool  # False: too old or not an alarm; leader and manager only
    alarms: tuple[str, ...] = ()  # keys, in order of arrival
    responses: tuple[Response, ...] = ()
    acknowledged_by: tuple[str, ...] = ()  # persons whose repeats have stopped
    call: int = 1
    call_started_at_ms: int = 0
    rings_called: int = 0  # how many rings of the plan have been called in this call
    quorum_at_ms: int | None = None
    stood_down_by: str | None = None
    closed_at_ms: int | None = None
    condition: Condition = Condition.ALARM  # the highest class that people were told of or are to be told of
    next_step_at_ms: int | None = None  # when the next ring is called, or a late or quiet incident is looked at again
    recall_at_ms: int | None = None  # everybody is called anew then
    recall_reason: Reason = Reason.NEW_DEVICE
    recall_if_still_so: bool = False  # but only if its alarm, long ago when it arrived, is not over
    route: Route = LIVE
    first_hit: FirstHit | None = None  # where the zone of an alarm is verified before everybody is called
    remarks: tuple[Remark, ...] = ()  # one for each person and word
    wanted: int = 0  # as many people are to go as somebody on the spot has asked for, if that is more than the plan's
    seeks: tuple[Skill, ...] = ()  # enough are going, but for somebody who can do these
    sought_from: int = 0  # how many rings had been called in full when only a skill was missing
    short_at_ms: int | None = None  # everybody is called anew then, if there are still not enough
    left: tuple[str, ...] = ()  # who has gone away during the present call, unanswered: asked again when they are back
    answers_from_ms: int | None = None  # what was said since then answers the present call; None: since it began
    notes: int = 0  # how many were written; the timeline has them
    photos: tuple[str, ...] = ()  # ids, as they came
    not_the_drill: bool = False  # a drill runs, or did a while ago: its messages say that this is real

    @property
    def open(self) -> bool:
        """True until every alarm is reset or back to normal."""
        return self.closed_at_ms is None

    @property
    def verifying(self) -> bool:
        """True while a first hit waits for people or confirmation: the nearest is asked, nobody else is called yet."""
        return not self.full_call and self.first_hit is not None and self.first_hit.pending

    @property
    def false_alarm_by(self) -> str | None:
        """Who ended the present call as a false alarm; None if that did not end it."""
        said = [each for each in self.remarks if each.word is Word.FALSE_ALARM and each.obeyed]
        return next((each.person for each in said if each.call == self.call), None) if self.stood_down_by else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline: what happened, by a named event, with the facts people need to follow it."""

    at_ms: int
    event: str  # incident-opened, alarm-raised, notice-created, answered, acknowledged, reset, incident-closed …
    incident: str | None = None
    device: str | None = None
    person: str | None = None
    facts: tuple[tuple[str, str], ...] = ()


# What opens an incident and can join one, highest first. Disabled and test are shown and logged, nobody is called.
PRIORITY = (Condition.ALARM, Condition.PRE_ALARM, Condition.SUPERVISORY, Condition.TROUBLE)


def outranks(condition: Condition, other: Condition) -> bool:
    """True if `condition` is of a higher class than `other`; both open incidents."""
    return PRIORITY.index(condition) < PRIORITY.index(other)


@dataclass(frozen=True, slots=True)
class Source:
    """What is in alarm, as people see it: a device, or one numbered detector of a panel."""

    device: str
    detector: int | None

    @property
    def member(self) -> str:
        """How zones name it."""
        return member_of(self.device, self.detector)


def detector_of(point: str) -> int | None:
    """The panel's detector number in a point's name, "detector/3/fire" -> 3, else None."""
    parts = point.split("/")
    return int(parts[1]) if len(parts) == 3 and parts[0] == "detector" and parts[1].isdecimal() else None


def is_new_source(source: Source, others: Collection[Source]) -> bool:
    """True if an alarm of `source` tells of another place than the alarms that are in the incident already.

    A panel's general fire flag and the detector that caused it are one source, whichever comes first.
    """
    if source.detector is None:
        return all(other.device != source.device for other in others)
    return source not in others and set(others) != {Source(source.device, None)}
