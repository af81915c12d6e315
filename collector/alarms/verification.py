"""Is a detector's alarm believed yet? The life of a first hit in a verified zone, and what makes it the full call.

A first hit is told to the nearest person at once. It becomes loud when it is confirmed, when nobody answers, or
when nobody clears it up in time: whatever is in doubt ends in the full call, never in silence. Only somebody who is
there, or a leader, can set it aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from collector.agenda import ms_of
from config.site import Site
from config.zone import Count, CrossZone, PositiveAlarmSequence, Retard, Zone

ALONE_MS = 5_000  # so long a panel's general flag waits for the detector that caused it, polled a little later
REMEMBERED_MS = 3_600_000  # the longest window that a zone may have: an older hit confirms nothing


class Stage(StrEnum):
    """How far people are with a first hit."""

    WAITING = "waiting"  # the nearest person is asked and has not answered
    INVESTIGATING = "investigating"  # somebody has answered and looks
    SET_ASIDE = "set-aside"  # somebody who is there called it a false alarm, or a leader stood the call down
    LOUD = "loud"  # it became the full call


class Step(StrEnum):
    """What can happen to a first hit."""

    HIT = "hit"  # a detector of a verified zone, and nothing confirms it yet
    CONFIRMED = "confirmed"  # the zone's coincidence is met, or something that is never verified is in alarm
    ANSWERED = "answered"  # somebody is going or there; in a positive alarm sequence an acknowledgement is enough
    DECLINED = "declined"  # who was asked cannot go or cannot be reached, and nobody else is going
    TIME_UP = "time-up"  # nobody has answered, or cleared it up, in the zone's time
    DISMISSED = "dismissed"  # false alarm, or call stood down, by somebody who may say so


_W, _I, _S, _L = Stage.WAITING, Stage.INVESTIGATING, Stage.SET_ASIDE, Stage.LOUD

STAGES: Mapping[Stage, Mapping[Step, Stage]] = {
    _W: {
        Step.HIT: _W,
        Step.CONFIRMED: _L,
        Step.ANSWERED: _I,
        Step.DECLINED: _L,
        Step.TIME_UP: _L,
        Step.DISMISSED: _S,
    },
    _I: {
        Step.HIT: _I,
        Step.CONFIRMED: _L,
        Step.ANSWERED: _I,
        Step.DECLINED: _L,
        Step.TIME_UP: _L,
        Step.DISMISSED: _S,
    },
    _S: {
        Step.HIT: _W,
        Step.CONFIRMED: _L,
        Step.ANSWERED: _S,
        Step.DECLINED: _S,
        Step.TIME_UP: _S,
        Step.DISMISSED: _S,
    },
    _L: dict.fromkeys(Step, _L),  # from here on the rules of a call-out hold, until the reset
}


class Cause(StrEnum):
    """Why a first hit became the full call. Shown in the timeline and on the page."""

    STILL_THERE = "still-there"  # retard: still in alarm after the delay
    BACK_AGAIN = "back-again"  # retard: gone, and back within the window
    COUNTED = "counted"  # so many devices as the zone asks for, within its window
    SECOND_DEVICE = "second-device"
    OTHER_ZONE = "other-zone"  # a detector of another zone of the building
    MANUAL = "manual"  # a manual call point, never verified
    PANEL_CONFIRMED = "panel-confirmed"  # the panel's own judgement, never verified
    UNVERIFIED = "unverified"  # a detector of no verified zone: one hit is the full call
    PANEL_ALONE = "panel-alone"  # a panel says fire, and none of its known detectors explains it
    UNANSWERED = "unanswered"
    NOT_CLEARED_UP = "not-cleared-up"
    CANNOT = "cannot"
    UNREACHABLE = "unreachable"
    NOBODY_NEAR = "nobody-near"
    MORE_NEEDED = "more-needed"
    ZONE_GONE = "zone-gone"  # the site verifies this zone no more


@dataclass(frozen=True, slots=True)
class Hit:
    """A member of a verified zone in alarm: one for a device or detector, however many of its points say so."""

    member: str
    zone: str
    raised_at_ms: int  # at the source
    heard_at_ms: int
    returned_at_ms: int | None = None  # at the source; None while any of its points is in alarm
    alone: bool = False  # a panel's general flag that no detector of the panel explains yet


@dataclass(frozen=True, slots=True)
class FirstHit:
    """What an incident's verification has come to. Deadlines follow from it and the site, so a restart moves none."""

    stage: Stage
    zone: str  # of the newest hit
    since_ms: int  # when the nearest person was asked
    hits: tuple[Hit, ...]  # in order of arrival, one for each member; also of rounds set aside lately
    answered_at_ms: int | None = None
    cause: Cause | None = None  # why it is loud

    @property
    def pending(self) -> bool:
        """True while it is neither loud nor set aside."""
        return self.stage in (Stage.WAITING, Stage.INVESTIGATING)

    def of(self, member: str) -> Hit | None:
        """The hit of a member."""
        return next((hit for hit in self.hits if hit.member == member), None)

    @property
    def members(self) -> list[str]:
        """Who has hit, in order of arrival."""
        return [hit.member for hit in self.hits]

    def round(self) -> list[Hit]:
        """The hits that the nearest person is asked about now."""
        return [hit for hit in self.hits if hit.heard_at_ms >= self.since_ms]

    def stepped(self, step: Step) -> FirstHit:
        """As the table says."""
        return replace(self, stage=STAGES[self.stage][step])


def with_hit(hits: Sequence[Hit], new: Hit, now: int) -> tuple[Hit, ...]:
    """The hits with a new one in place of its member's last, or of the general flag of its panel, which it explains.

    Without those too old to confirm anything.
    """
    panel = new.member.partition(":")[0]
    kept = [hit for hit in hits if hit.member != new.member and not (hit.alone and hit.member == panel)]
    return (*(hit for hit in kept if now - hit.heard_at_ms <= REMEMBERED_MS), new)


def zone_in_force(site: Site, member: str, now: int) -> Zone | None:
    """The zone that verifies a member now; None outside of staffed hours, and where no zone does."""
    for zone in site.zones_of.get(member, ()):
        how = zone.verification
        if isinstance(how, PositiveAlarmSequence):
            local = site.local(now)
            if any(hours.hold(local, site.community.calendar) for hours in how.staffed):
                return zone
        elif how is not None:
            return zone
    return None


def verifying_zone(site: Site, device: str, detector: int | None, now: int) -> Zone | None:
    """The zone that verifies an automatic alarm of this source; None: one hit is the full call.

    A panel's general flag is the shadow of its detectors (GB/T 26875.3-2011, system state bit 1: any of them), so
    that it is verified with them unless its profile calls it a confirmation; see `Hit.alone`.
    """
    zone = zone_in_force(site, member_of(device, detector), now)
    if zone is not None or detector is not None or device not in site.devices:
        return zone
    theirs = (zone_in_force(site, member_of(device, each.number), now) for each in site.devices[device].detectors)
    return next((each for each in theirs if each is not None), None)


def member_of(device: str, detector: int | None) -> str:
    """How zones name a source: a device, or a panel's numbered detector."""
    return device if detector is None else f"{device}:{detector}"


def independent(members: Iterable[str]) -> set[str]:
    """The members that stand for devices of their own: a panel's general flag does not beside its detector."""
    all_of = set(members)
    panels = {member.partition(":")[0] for member in all_of if ":" in member}
    return all_of - panels


def coincidence(site: Site, first: FirstHit, new: Hit) -> Cause | None:
    """What confirms a first hit when another member joins it: `new` is among its hits. None: nothing yet.

    Another zone of the same building counts at once, because a fire that spreads does: two detectors apart say more
    than two in one room. Apart in time is by source or by receipt, whichever is less: a gateway's wrong clock must
    not keep two hits of one fire apart, nor may an outage.
    """
    zones, alone = site.zones, independent(first.members)
    others = [hit for hit in first.hits if hit.member != new.member and hit.member in alone]
    if new.member not in alone or not others:
        return None
    now_asked = [hit for hit in others if hit in first.round()] if first.pending else []
    if any(hit.zone != new.zone for hit in now_asked):
        return Cause.OTHER_ZONE
    for hit in others:
        for one, other in ((new, hit), (hit, new)):
            how = zones[one.zone].verification if one.zone in zones else None
            if isinstance(how, CrossZone) and other.zone == (how.other or one.zone) and _within(new, hit, how.within_s):
                return Cause.SECOND_DEVICE
    how = zones[new.zone].verification if new.zone in zones else None
    if isinstance(how, Count):
        near = [hit for hit in others if hit.zone == new.zone and _within(new, hit, how.within_s)]
        return Cause.COUNTED if 1 + len(near) >= how.count else None
    if isinstance(how, Retard | PositiveAlarmSequence) and now_asked:
        return Cause.SECOND_DEVICE
    return None


def came_back(site: Site, known: Hit, new: Hit) -> bool:
    """True if a retarded hit that had gone is back within its window, and so counts."""
    how = site.zones[new.zone].verification if new.zone in site.zones else None
    if not isinstance(how, Retard) or known.returned_at_ms is None:
        return False
    return abs(new.raised_at_ms - known.returned_at_ms) <= ms_of(how.confirm_s)


def lasted(site: Site, hit: Hit, now: int) -> bool:
    """True if a retarded hit that has just gone had stood for the whole delay, by its source or by receipt."""
    how = site.zones[hit.zone].verification if hit.zone in site.zones else None
    if not isinstance(how, Retard) or hit.returned_at_ms is None:
        return False
    return max(hit.returned_at_ms - hit.raised_at_ms, now - hit.heard_at_ms) >= ms_of(how.retard_s)


def due_at(site: Site, first: FirstHit) -> int:
    """When `overdue` has something to say of a pending first hit, UTC ms."""
    return min(at_ms for at_ms, _ in _deadlines(site, first))


def overdue(site: Site, first: FirstHit, now: int) -> Cause | None:
    """Why a pending first hit is loud now that time has passed; None: not yet."""
    return next((cause for at_ms, cause in _deadlines(site, first) if now >= at_ms), None)


def _deadlines(site: Site, first: FirstHit) -> Iterator[tuple[int, Cause]]:
    zone = site.zones.get(first.zone)
    if zone is None or zone.verification is None:
        yield first.since_ms, Cause.ZONE_GONE
        return
    counting = independent(hit.member for hit in first.round())
    for hit in first.round():
        how = site.zones[hit.zone].verification if hit.zone in site.zones else None
        if hit.alone:
            yield hit.heard_at_ms + ALONE_MS, Cause.PANEL_ALONE
        elif hit.member in counting and isinstance(how, Retard) and hit.returned_at_ms is None:
            yield hit.heard_at_ms + ms_of(how.retard_s), Cause.STILL_THERE
    if first.answered_at_ms is None:
        yield first.since_ms + ms_of(zone.verification.loud_after_s), Cause.UNANSWERED
    else:
        yield first.answered_at_ms + ms_of(zone.verification.investigate_s), Cause.NOT_CLEARED_UP


def _within(one: Hit, other: Hit, window_s: float) -> bool:
    apart = min(abs(one.raised_at_ms - other.raised_at_ms), abs(one.heard_at_ms - other.heard_at_ms))
    return apart <= ms_of(window_s)
