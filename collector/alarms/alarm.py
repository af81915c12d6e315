"""THE state machine of a condition. Whatever changes an alarm's phase stands in this file, in the table first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from collector.alarms.route import LIVE, Mode, Route
from config.profile import Condition, Initiating, Kind


class Phase(StrEnum):
    """Where a condition is in its life (the ISA-18.2 words, with latching)."""

    NORMAL = "normal"
    ACTIVE = "active"  # the source says so, nobody acknowledged
    ACKNOWLEDGED = "acknowledged"  # the source says so, somebody acknowledged
    RETURNED = "returned"  # the source is normal again, nobody acknowledged: latched
    AWAITING_RESET = "awaiting-reset"  # the source is normal, acknowledged: latched until reset


@dataclass(frozen=True, slots=True)
class Alarm:
    """One condition of one point that is not normal, or has just become so.

    `key` is "<device>:<point>" or, for a limit, "<device>:<point>:<limit>"; "<device or gateway>:silent" for
    silence, "<device>:quality" for points without a usable value, "<gateway>:clock", and "system:<part>" for a
    part of the system itself (device "system", point the part). A latched one that has outlived its source has its
    incident's id after all that, see `outlived_key`. `building` "" is the community as a whole.
    Stamps are UTC ms: at the source, and when this collector heard it.
    """

    key: str
    device: str
    point: str
    building: str
    condition: Condition
    kind: Kind
    phase: Phase
    value: str | None  # what the source said, quoted for people
    raised_at_ms: int  # at the source
    heard_at_ms: int
    returned_at_ms: int | None = None
    epoch: str | None = None  # the journal and position of the newest report that decided this
    position: int | None = None
    incident: str | None = None
    route: Route = LIVE
    tell: tuple[str, ...] = ()  # who is told of it where it is no call-out; none: who is responsible for the building
    initiating: Initiating = Initiating.AUTOMATIC
    rerouted_at_ms: int | None = None  # when it came to its present route, if it has been on another

    @property
    def source_active(self) -> bool:
        """True while the newest that is known of the source is that the condition holds."""
        return self.phase in (Phase.ACTIVE, Phase.ACKNOWLEDGED)

    @property
    def outlived(self) -> bool:
        """True if the site has nothing any more that could say so, or that means this: it waits for its reset."""
        return has_outlived(self.key)

    @property
    def here_at_ms(self) -> int:
        """Since when its present incident knows of it, UTC ms."""
        return self.heard_at_ms if self.rerouted_at_ms is None else max(self.heard_at_ms, self.rerouted_at_ms)


_OUTLIVED = re.compile("#[0-9a-f]{16}$")  # an incident's id; a point's name may hold a "#", but hardly such an end


def outlived_key(key: str, incident: str) -> str:
    """The key of a latched alarm whose source has left the site, moved, or come to mean something else.

    So its own key is free for what the source means now, and neither can renew, hide or end the other. One incident
    has room for one such alarm of a key.
    """
    return f"{key}#{incident}"


def has_outlived(key: str) -> bool:
    """True for a key of `outlived_key`."""
    return _OUTLIVED.search(key) is not None


def first_key(key: str) -> str:
    """The key that an alarm had while its source meant it."""
    return _OUTLIVED.sub("", key)


class Event(StrEnum):
    """What can happen to a condition."""

    RAISED = "raised"  # the source says so
    RAISED_LATE = "raised-late"  # an older report says it was so; a newer one has already said it is normal
    CLEARED = "cleared"  # the source says it is normal
    ACKNOWLEDGED = "acknowledged"  # a person has seen it
    RESET = "reset"  # an authorised person unlatches it


LATCHING = frozenset({Condition.ALARM})  # the other classes return by themselves; their history stays in the incident

_N, _A, _K, _R, _W = Phase.NORMAL, Phase.ACTIVE, Phase.ACKNOWLEDGED, Phase.RETURNED, Phase.AWAITING_RESET

# An alarm stays until its source is normal and a person acknowledged and an authorised person reset it.
LATCHED_TABLE: Mapping[Phase, Mapping[Event, Phase]] = {
    #   raised               raised late                cleared             acknowledged             reset
    _N: {Event.RAISED: _A, Event.RAISED_LATE: _R, Event.CLEARED: _N, Event.ACKNOWLEDGED: _N, Event.RESET: _N},
    _A: {Event.RAISED: _A, Event.RAISED_LATE: _A, Event.CLEARED: _R, Event.ACKNOWLEDGED: _K, Event.RESET: _A},
    _K: {Event.RAISED: _K, Event.RAISED_LATE: _K, Event.CLEARED: _W, Event.ACKNOWLEDGED: _K, Event.RESET: _K},
    _R: {Event.RAISED: _A, Event.RAISED_LATE: _R, Event.CLEARED: _R, Event.ACKNOWLEDGED: _W, Event.RESET: _R},
    _W: {Event.RAISED: _A, Event.RAISED_LATE: _W, Event.CLEARED: _W, Event.ACKNOWLEDGED: _W, Event.RESET: _N},
}

# Any other condition is over when its source says so.
PLAIN_TABLE: Mapping[Phase, Mapping[Event, Phase]] = {
    _N: {Event.RAISED: _A, Event.RAISED_LATE: _N, Event.CLEARED: _N, Event.ACKNOWLEDGED: _N, Event.RESET: _N},
    _A: {Event.RAISED: _A, Event.RAISED_LATE: _A, Event.CLEARED: _N, Event.ACKNOWLEDGED: _K, Event.RESET: _A},
    _K: {Event.RAISED: _K, Event.RAISED_LATE: _K, Event.CLEARED: _N, Event.ACKNOWLEDGED: _K, Event.RESET: _K},
}


def next_phase(condition: Condition, phase: Phase, event: Event, mode: Mode = Mode.LIVE) -> Phase:
    """The table's answer. Raises KeyError for a phase that this class of condition never has.

    In a walk test nothing is latched: it ends with its source or with the test.
    """
    latched = condition in LATCHING and mode is not Mode.WALK_TEST
    return (LATCHED_TABLE if latched else PLAIN_TABLE)[phase][event]
