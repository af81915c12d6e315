"""The shapes of the technical side: gateways, their buses, a device's registers and words, decisions. See `models`."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from collector.alerter.models import EntryShown, Shape, ValueShown, Where
from config.people import Text


class RegisterShown(Shape):
    """Where a point's value stands on the bus, and how it is decoded, from its profile."""

    table: str = Field(description="coil, discrete, holding or input")
    address: int = Field(description="0-based, as on the wire")
    registers: int
    bit: int | None = Field(description="of the register, 0 the lowest; null: all of it")
    undeclared: bool = Field(description="the bits that the profile does not declare: 0 where all is known")
    inverted: bool = Field(description="the condition holds while the bit is 0")
    type: str
    byte_order: str
    word_order: str
    scale: float
    offset: float
    scale_from: str | None = Field(description="the register that holds the number of decimals")
    unit_from: str | None = Field(description="the register that holds the code of the unit")
    no_value: list[int] = Field(description="raw values that mean that there is none")
    period_s: float
    deadband: float
    heartbeat_s: float


class PointTechnical(Shape):
    """One point: what it says, where it stands, and the words that its gateway read there last."""

    value: ValueShown
    lane: str
    source: RegisterShown
    words: list[int] | None = Field(description="registers or bits in order; null: not asked, or not read")


class BlockShown(Shape):
    """One read of the device by its gateway, and what it brought last."""

    table: str
    address: int
    count: int
    lane: str
    period_s: float
    misses: int = Field(description="in a row")
    next_at: datetime
    heard_at: datetime | None
    words: list[int] | None


class ErrorShown(Shape):
    """A question to the device that brought no values."""

    at: datetime
    table: str
    address: int
    count: int
    cause: str


class DiagnosisShown(Shape):
    """What the gateway knows of the device. `why` says why there is nothing newer; null: this is fresh.

    No question goes over the bus for it: these are the words of the last poll.
    """

    why: str | None = Field(description="no-line, not-born, older, too-many, silent or offline")
    told_at: datetime | None = Field(description="by the gateway's clock")
    known: bool = Field(description="false: the gateway has no such device in its site folder")
    live: bool | None = Field(description="false: it is not known to answer and asked less and less")
    misses: int | None = Field(description="questions in a row without a sound answer")
    next_at: datetime | None
    blocks: list[BlockShown]
    blocks_left_out: int
    errors: list[ErrorShown] = Field(description="newest first")


class DeviceTechnical(Shape):
    """A device as engineers look at it. `diagnosis` is null unless it was asked for."""

    id: str
    profile: str
    title: Text
    source: str = Field(description="the document that the profile was made from")
    where: Where
    gateway: str
    bus: str
    unit: int
    online: bool | None
    cause: str | None
    heard_at: datetime | None
    points: list[PointTechnical]
    diagnosis: DiagnosisShown | None


class MinuteShown(Shape):
    """One telling of a bus. `lost`: the share of its requests without a sound answer."""

    at: datetime
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    cycle_s: float | None
    lost: float | None


class BusFiguresShown(Shape):
    """What a gateway told of a bus. Counts are since the gateway's start, times of the minute before it was told."""

    told_at: datetime
    requests: int
    answers: int
    timeouts: int
    garbled: int
    refused: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    cycle_s: float | None = Field(description="between two answers to a unit's most urgent question")
    busy: float | None = Field(description="share of the time in which a question was under way, 0 to 1")
    units: int
    units_dead: int
    lately: dict[str, int] | None = Field(description="the counts since the telling before, about a minute")


class SilentDevice(Shape):
    """A device that is not heard, and why."""

    device: str
    where: Where
    cause: str


class BusShown(Shape):
    """A bus: `figures` is null until the gateway has told them, and for gateways of an older version."""

    id: str
    line: str = Field(description="host and port, or serial port and speed")
    online: bool | None
    cause: str | None
    devices: int
    silent: list[SilentDevice]
    figures: BusFiguresShown | None
    minutes: list[MinuteShown] = Field(description="about the last hour, oldest first")


class ClockShown(Shape):
    """A gateway's clock. `offset_s`: before the collector's, the way of the message included."""

    synchronized: bool | None
    cause: str | None
    offset_s: float | None


class PulseShown(Shape):
    """The supervised way of an alarm. `broken`: the hops that a pulse did not pass."""

    came_at: datetime | None
    took_s: float | None
    broken: list[str]


class LaneShown(Shape):
    """A lane of the gateway's journal, as it counted last; null: not told."""

    lane: str
    appended: int | None
    dropped: int | None
    in_journal: int | None
    committed: int


class SessionShown(Shape):
    """How the session with a gateway went since the collector's start."""

    born_at: datetime | None
    gone_at: datetime | None
    counts: dict[str, int] = Field(description="births, deaths, rebirths-asked, seq-gap, seq-late, repeat …")


class GatewayBrief(Shape):
    """A gateway in a list."""

    id: str
    online: bool | None
    cause: str | None
    heard_at: datetime | None
    version: str | None
    devices: int
    devices_online: int
    buses: int
    units_dead: int | None = Field(description="as it told last; null: not told")
    clock_offset_s: float | None
    pulse_broken: list[str]


class GatewayTechnical(GatewayBrief):
    """A gateway with everything that is known of it."""

    delivery: str
    answers_questions: bool | None = Field(description="false: of a version that cannot be asked about its devices")
    clock: ClockShown
    pulse: PulseShown | None
    journal: list[LaneShown]
    session: SessionShown
    lines: list[BusShown]


class GatewayList(Shape):
    """In the order of the site."""

    gateways: list[GatewayBrief]


class DecisionShown(EntryShown):
    """A line of the log: what was decided, with its reason among the facts. `number` rises with every line."""

    number: int
    incident: str | None
    building: str | None
    sentence: str = Field(description="the same in an English sentence, as `callpoint why` says it")


class DecisionList(Shape):
    """Newest first. `before`: give it back to read on; null: there is nothing older that fits."""

    decisions: list[DecisionShown]
    before: int | None
