"""The shapes that API and pages show: stable names, stamps in the site's zone, texts in both languages.

An absent value is null and comes with its cause. Nothing here reads the engine: `view` fills these shapes.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer, Word
from collector.alarms.route import Mode
from collector.alarms.verification import Cause, Stage
from collector.calls.dispatch import Reason
from config.people import Skill, Text
from config.profile import Condition, Kind

LONGEST_ID = 64


class Shape(BaseModel):
    """Frozen; a body with unknown keys is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Who(Shape):
    """A person as others see them: never an address or a number."""

    id: str
    name: str


class Where(Shape):
    """A place, to the floor and flat. `floor` is null where the whole building is meant."""

    building: str
    building_name: str
    address: str
    floor: int | None = None
    flat: str = ""
    note: str = ""


class ConditionShown(Shape):
    """One condition of one point: what the source says and how far people are with it."""

    key: str
    device: str
    point: str
    condition: Condition
    kind: Kind
    phase: Phase
    text: Text
    value: str | None = None
    where: Where
    raised_at: datetime | None = Field(description="at the source; null for a condition of a closed incident")
    heard_at: datetime | None = None
    returned_at: datetime | None = None


class ResponseShown(Shape):
    """The newest answer of one person."""

    person: Who
    answer: Answer
    at: datetime
    call: int = Field(description="the call that it answers; only answers to the present call count")
    overdue: bool = Field(default=False, description="said going and has not arrived in time: somebody else is called")
    skills: list[Skill] = Field(default=[], description="what they can do")


class FirstHitShown(Shape):
    """An alarm that its zone has verified before everybody is called, and what has come of it."""

    stage: Stage = Field(description="waiting, investigating, set-aside or loud")
    zone: str
    zone_name: str
    members: list[str] = Field(description="devices, or panel:detector, that have hit")
    since: datetime = Field(description="when the nearest person was asked")
    loud_at: datetime | None = Field(description="everybody is called then, unless it is cleared up")
    cause: Cause | None = Field(description="why everybody was called")


class RemarkShown(Shape):
    """What somebody said beside an answer. `obeyed` false: shown, and nothing follows from it."""

    person: Who
    word: Word
    at: datetime
    call: int
    obeyed: bool


class IncidentShown(Shape):
    """What happened in one building of one kind."""

    id: str
    kind: Kind
    open: bool
    where: Where
    cause_at: datetime = Field(description="when the source said so")
    opened_at: datetime = Field(description="when the collector opened it")
    closed_at: datetime | None
    mode: Mode = Field(description="drill: an exercise; disabled, walk-test: beside the call-out; else live")
    not_the_drill: bool = Field(description="real, though a drill runs or has just ended: shown with every message")
    full_call: bool = Field(description="false: leader and manager only")
    conditions: list[ConditionShown]
    responses: list[ResponseShown]
    coming: int = Field(description="how many are going or there, by their answers to the present call")
    acknowledged_by: list[Who]
    call: int = Field(description="call-outs so far: a new device in alarm calls anew")
    rings_called: int
    rings: int = Field(description="rings of the plan")
    quorum: int = Field(description="how many people going are enough")
    quorum_at: datetime | None
    skills_missing: list[Skill] = Field(default=[], description="needed, and too few of those going have them")
    stood_down_by: Who | None
    false_alarm_by: Who | None = Field(description="who ended the call as a false alarm")
    first_hit: FirstHitShown | None = Field(description="null where one hit is the full call")
    remarks: list[RemarkShown]


class AttemptShown(Shape):
    """One sending of a notice. Not handed over: `error` says why."""

    sending: int
    channel: str
    at: datetime
    handed_over_at: datetime | None
    error: str | None
    permanent: bool


class NoticeShown(Shape):
    """One message to one person on one channel, with the reason it was sent."""

    id: str
    person: Who
    channel: str
    reason: Reason
    ring: int = Field(description="from 0")
    call: int
    cause_at: datetime
    heard_at: datetime
    created_at: datetime
    expects_answer: bool
    sendings_due: int
    superseded_at: datetime | None
    others: list[str] = Field([], description="ids of the incidents that the same message tells of")
    told_in: str | None = Field(None, description="it is told in the message of this incident, and not sent itself")
    attempts: list[AttemptShown]


class EntryShown(Shape):
    """A line of the timeline."""

    at: datetime
    event: str
    device: str | None
    person: Who | None
    facts: dict[str, str]


class RescueShown(Shape):
    """People in an elevator, from the beginning at the source until somebody on site says that they are free."""

    device: str
    registration: str | None
    floor: float | None = Field(description="where the car was, in its own count")
    raised_at: datetime
    due_at: datetime = Field(description="somebody able to free them is to be there by then")
    left_s: float = Field(description="until then; negative: so long overdue")
    arrived_at: datetime | None
    arrived_by: Who | None
    freed_at: datetime | None
    freed_by: Who | None
    missed: bool = Field(description="nobody able to free them was there in time")


class IncidentDetail(IncidentShown):
    """An incident with everything that was done about it."""

    rescues: list[RescueShown] = Field(default=[], description="of an open entrapment, one for each elevator")
    notices: list[NoticeShown]
    timeline: list[EntryShown]


class Flags(Shape):
    """A device's conditions: independent of each other, several may hold. Latched counts as held."""

    alarm: bool = False
    pre_alarm: bool = False
    supervisory: bool = False
    trouble: bool = False
    disabled: bool = False
    test: bool = False


class ValueShown(Shape):
    """The newest value of one point. `value` null comes with its `cause`."""

    point: str
    text: Text
    condition: Condition
    value: bool | int | float | str | None
    value_text: Text | None = Field(default=None, description="what a state's code means")
    unit: str | None
    quality: str = Field(description="good, stale or bad")
    cause: str | None
    at: datetime | None = Field(description="at the source")
    age_s: float | None


class DeviceShown(Shape):
    """A device: what it is, where, and how it is. `online` null: not heard since the collector started."""

    id: str
    profile: str
    title: Text
    gateway: str
    where: Where
    registration: str | None
    online: bool | None
    cause: str | None
    heard_at: datetime | None
    age_s: float | None
    disabled_until: datetime | None = Field(description="taken out of the call-out until then; null: it is not")
    tested_until: datetime | None = Field(description="its alarms go to a tester alone until then; null: they do not")
    flags: Flags
    conditions: list[ConditionShown]
    values: list[ValueShown]


class ValueThen(Shape):
    """A value of a point at a time."""

    at: datetime = Field(description="at the source")
    value: float | str


class PointHistory(Shape):
    """What a point said, oldest first; of a long time only the newest part. Conditions are 1 and 0."""

    device: str
    point: str
    text: Text
    unit: str | None
    values: list[ValueThen]


class LedgerShown(Shape):
    """The account of one gateway's lane, from independent counts; null where a count is not known."""

    gateway: str
    lane: str
    appended: int | None
    dropped: int | None
    in_journal: int | None
    committed: int | None
    in_history: int | None
    spooled: int = Field(default=0, description="committed, and waiting for the history")
    journal: str = Field(default="", description="the journal's epoch: a new one when its file is new")
    mistakes: list[str] = Field(default=[], description="what does not add up; empty: it balances")
    notes: list[str] = Field(default=[], description="what to know of a row that balances")


class PartShown(Shape):
    """One part of the system; `critical`: without it nobody is told."""

    name: str
    ok: bool
    critical: bool
    text: str
    as_of: datetime
    age_s: float


class HealthShown(Shape):
    """`ok` false (and status 503) if a critical part is not well; `degraded` true if any part is not."""

    ok: bool
    degraded: bool
    at: datetime
    parts: list[PartShown]


class IncidentList(Shape):
    """Newest first."""

    incidents: list[IncidentShown]


class DeviceList(Shape):
    """In the order of the site."""

    devices: list[DeviceShown]


class LedgerList(Shape):
    """One row per gateway and lane."""

    rows: list[LedgerShown]


class ByPerson(Shape):
    """Who does it."""

    person: str = Field(
        min_length=1, max_length=LONGEST_ID, description="id of a person of the site", examples=["p-li"]
    )


class AnswerGiven(ByPerson):
    """What a called person says. It also acknowledges for that person."""

    answer: Answer = Field(examples=["going"])


class FieldError(Shape):
    """One thing wrong with a request: where, and what was expected."""

    field: str
    found: str
    expected: str


class Problem(Shape):
    """Problem details (RFC 9457). `reason` is a stable word to branch on, `detail` a sentence for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    reason: str
    errors: list[FieldError] = []
