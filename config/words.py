"""The vocabulary of gateway and collector: what is said, not how it travels (that is `config.wire`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from config.sparkplug import DataType, Metric, Value

# Names under which conditions stand whose source is no device of the site: no device may be called so.
SYSTEM, DRILL, PULSE = "system", "drill", "pulse"


class Lane(StrEnum):
    """The two roads of a journal: alarms overtake telemetry at every hop."""

    ALARM = "alarm"
    TELEMETRY = "telemetry"

    @property
    def metric(self) -> str:
        """The metric that carries this lane's position, e.g. `Journal/Alarm`."""
        return f"Journal/{self.value.capitalize()}"

    @property
    def floor_metric(self) -> str:
        """The metric that declares the lowest position this lane may still send."""
        return f"{self.metric}/Floor"

    def count_metric(self, count: str) -> str:
        """The metric of one of the gateway's own counts: Appended, Dropped or InJournal."""
        return f"{self.metric}/{count}"


class Quality(IntEnum):
    """The three values Sparkplug allows (`payloads-propertyset-quality-value-value`)."""

    BAD = 0
    GOOD = 192
    STALE = 500


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A Sparkplug edge node: group = community, node = gateway."""

    group: str
    node: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One point's value. `value` None always comes with a `cause` in words; never 0 for absent."""

    name: str
    value: Value | None
    datatype: DataType
    quality: Quality = Quality.GOOD
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report of one device (or of the node itself: `device` None) in one lane.

    `position` and `check` are None for best-effort data without a journal (third-party edge nodes,
    and our own node's journal counts). `epoch` names the journal the position belongs to.
    """

    edge: Edge
    device: str | None
    lane: Lane | None
    epoch: str | None
    position: int | None
    check: int | None
    at_ms: int
    historical: bool
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric as its birth declared it: what an alias stands for."""

    name: str
    datatype: DataType


@dataclass(frozen=True, slots=True)
class Birth:
    """NBIRTH (`device` None) or DBIRTH. `aliases` maps every alias to its metric, the journal's own included.

    `readings` are the present values; an unknown one is null and stale. `epoch` and `floors` are
    None where the edge node keeps no journal of ours; `bd_seq` and `clock_synchronized` are the node's.
    """

    edge: Edge
    device: str | None
    at_ms: int
    seq: int
    readings: tuple[Reading, ...]
    aliases: Mapping[int, Declared]
    bd_seq: int | None = None
    epoch: str | None = None
    floors: Mapping[Lane, int] | None = None
    clock_synchronized: bool | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """NDATA or DDATA as heard, its aliases not yet resolved: see `resolve`."""

    edge: Edge
    device: str | None
    at_ms: int
    seq: int
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Death:
    """NDEATH (`device` None, with bdSeq, without seq) or DDEATH (with seq)."""

    edge: Edge
    device: str | None
    at_ms: int | None
    bd_seq: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What the host has committed of one lane: everything up to `upto`, and at most eight ranges beyond it."""

    upto: int
    ranges: tuple[tuple[int, int], ...] = ()

    def __contains__(self, position: int) -> bool:
        return position <= self.upto or any(first <= position <= last for first, last in self.ranges)


@dataclass(frozen=True, slots=True)
class Commit:
    """The host's acknowledgement to one gateway; a lane that is absent says nothing."""

    epoch: str
    lanes: Mapping[Lane, Committed]


@dataclass(frozen=True, slots=True)
class Command:
    """NCMD or DCMD as heard by an edge node. Anything but a rebirth, a commit or a question is not ours."""

    edge: Edge
    device: str | None
    rebirth: bool = False
    commit: Commit | None = None
    strange: tuple[str, ...] = ()  # names of metrics that we do not accept, for the counter
    question: str | None = None  # the device of which the host wants to know more


@dataclass(frozen=True, slots=True)
class HostState:
    """STATE of a Sparkplug host application."""

    host_id: str
    online: bool
    at_ms: int


Message = Birth | Data | Death | Command | HostState
