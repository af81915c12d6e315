"""The supervised way of an alarm: each gateway's pulse must go from its register to a test sink within the plan's time.

A pulse that is missing or slow is a trouble of its gateway that names the broken hop; the next good one ends it. What
a backlog says proves nothing about now, and a gateway or broker that is known to be away is no second trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import TypeGuard

from collector.agenda import Agenda, ms_of
from collector.alarms.alarm import Alarm
from collector.alarms.conditions import Conditions, ours
from collector.alarms.heard import DeviceState, GatewayState
from collector.alarms.watch import Watch
from collector.calls.dispatch import Notice, Reason
from collector.commands import PulseHandedOver, PulseStored
from collector.part import Handler, Part
from collector.state import State
from collector.storage.kept import Kept
from config.pulse import BEAT, BUS, CHANGED_AT_S
from config.site import Site
from config.words import PULSE, Report

POLL, JOURNAL, BROKER, STORE, SINK = HOPS = ("pulse-poll", "pulse-journal", "pulse-broker", "pulse-store", "pulse-sink")
QUIET_MS = 15_000  # a gateway says something every 10 s at least
AHEAD_MS = 1_000  # a register time so far in the future is of a clock that is wrong
UINT32 = range(2**32)


@dataclass(frozen=True, slots=True)
class Pulsed(Kept):
    """A gateway's newest pulse that went the whole way; `id` is the gateway. The first is kept as soon as it is heard.

    `took_ms`: from the register's change to the hand-over, None where the gateway's clock does not tell.
    """

    beat: int
    heard_at_ms: int
    handed_over_at_ms: int | None = None
    took_ms: int | None = None


@dataclass(slots=True)
class _Flight:
    """A pulse that was heard and is not handed over yet. `judged`: its gateway was there all the time."""

    notice: Notice
    beat: int
    changed_at_ms: int
    stamped_at_ms: int
    heard_at_ms: int
    judged: bool
    stored_at_ms: int | None = None


def incident_of(gateway: str) -> str:
    """What stands in a pulse's notice instead of an incident: there is none."""
    return f"{PULSE}:{gateway}"


def gateway_of(notice: Notice) -> str:
    """Whose pulse a notice is."""
    return notice.incident.removeprefix(f"{PULSE}:")


class Pulses(Part):
    """The pulses of all gateways. A gateway that has never sent one is not supervised, and that is no trouble."""

    def __init__(self, site: Site, state: State, conditions: Conditions, watch: Watch, now: int) -> None:
        self._state = state
        self._conditions = conditions
        self._watch = watch
        self._plan = site.plan.pulse
        self._within_ms = ms_of(self._plan.within_s) if self._plan is not None else 0
        # The register changes on full seconds.
        self._every_ms = (ceil(self._plan.every_s) + 1) * 1000 if self._plan is not None else 0
        self._agenda: Agenda[tuple[str, str]] = Agenda()
        self._flights: dict[str, _Flight] = {}
        self._newest: dict[str, tuple[int, int]] = {}  # beat and register time, of what was heard
        self._heard_ms: dict[str, int] = {}  # live pulses
        self._recorded_ms: dict[str, int] = {}  # any other live records of its gateway
        self._troubled = {alarm.device for alarm in state.alarms.values() if alarm.point in HOPS}
        for kept in list(state.kept(Pulsed).values()):
            if self._plan is None or kept.id not in site.gateways:
                state.forget(kept)
            else:
                self._agenda.set(("next", kept.id), now + self._every_ms + self._within_ms)
        for gateway in [name for name in self._troubled if name not in state.kept(Pulsed)]:
            self._clear(gateway, now)

    def handlers(self) -> Mapping[type, Handler]:
        """How far a pulse has come."""
        return {PulseStored: self._stored, PulseHandedOver: self._handed_over}

    def has_source(self, alarm: Alarm) -> bool:
        """True while the gateway is supervised."""
        return alarm.point in HOPS and alarm.device in self._state.kept(Pulsed)

    def hears(self, device: str) -> bool:
        """See `Part`."""
        return self._plan is not None

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """Other records of a gateway tell its poll from its journal."""
        if report.position is not None and not report.historical:
            self._recorded_ms[device.gateway] = now

    def pulsed(self, gateway: GatewayState, report: Report, now: int) -> None:
        """A pulse has arrived: send it on to the test sink. Not what is old, nor what a birth repeats."""
        numbers = {reading.name: reading.value for reading in report.readings}
        beat, changed_at_s = numbers.get(BEAT), numbers.get(CHANGED_AT_S)
        if self._plan is None or report.historical or report.position is None:
            return
        if not (_is_number(beat) and _is_number(changed_at_s)):
            return
        name = gateway.edge.node
        if self._newest.get(name) == (beat, changed_at_s):
            return
        self._newest[name], self._heard_ms[name] = (beat, changed_at_s), now
        if (lost := self._flights.get(name)) is not None:
            self._state.send(replace(lost.notice, superseded_at_ms=now))
            if (
                now >= lost.heard_at_ms + self._within_ms
            ):  # nobody had the time to look: a store that hangs holds all up
                self._tell_not_handed_over(name, lost, now)
        notice = self._notice(name, beat, changed_at_s * 1000, now)
        self._state.send(notice)
        judged = changed_at_s * 1000 >= gateway.patient_from_ms
        self._flights[name] = _Flight(notice, beat, changed_at_s * 1000, report.at_ms, now, judged)
        if name not in self._state.kept(Pulsed):
            self._state.keep(Pulsed(name, beat, now))
        self._agenda.set(("hand-over", name), now + self._within_ms)
        self._agenda.set(("next", name), now + self._every_ms + self._within_ms)

    def decided(self, now: int) -> None:
        """What is known to be away altogether is told as that."""
        for name in [name for name in self._troubled if self._is_away(name)]:
            self._clear(name, now)

    def wake(self, now: int) -> None:
        """Look at every deadline that has passed."""
        for what, name in list(self._agenda.due(now)):
            if what == "next":
                self._look(name, now)
            elif (flight := self._flights.get(name)) is not None:
                self._tell_not_handed_over(name, flight, now)

    def wake_at(self) -> int | None:
        """The next deadline."""
        return self._agenda.next_at()

    # --- commands -------------------------------------------------------------------------------------

    def _stored(self, command: PulseStored, now: int) -> None:
        flight = self._flights.get(command.gateway)
        if flight is not None and flight.beat == command.beat:
            flight.stored_at_ms = now

    def _handed_over(self, command: PulseHandedOver, now: int) -> None:
        name, flight = command.gateway, self._flights.get(command.gateway)
        if flight is None or flight.beat != command.beat:
            return
        del self._flights[name]
        self._agenda.set(("hand-over", name), None)
        took_ms = now - flight.changed_at_ms if self._has_time(name, flight) else None
        self._state.keep(Pulsed(name, flight.beat, flight.heard_at_ms, now, took_ms))
        hops = self._hops(flight, took_ms is not None and flight.judged, now)
        if sum(hops.values()) > self._within_ms:
            slowest = max(hops, key=lambda hop: hops[hop])
            self._raise(name, slowest, f"{sum(hops.values()) / 1000:.1f} s", now)
        else:
            self._clear(name, now)

    # --- inside ---------------------------------------------------------------------------------------

    def _notice(self, gateway: str, beat: int, changed_at_ms: int, now: int) -> Notice:
        """To nobody, over the test sink. Its `call` is the beat."""
        return Notice(
            id=self._state.next_id(now),
            incident=incident_of(gateway),
            person="",
            channel=0,
            reason=Reason.PULSE,
            ring=0,
            call=beat,
            cause_at_ms=changed_at_ms,
            heard_at_ms=now,
            created_at_ms=now,
            expects_answer=False,
        )

    def _tell_not_handed_over(self, name: str, flight: _Flight, now: int) -> None:
        hop = STORE if flight.stored_at_ms is None else SINK
        self._raise(name, hop, f"> {self._within_ms / 1000:g} s", now)

    def _has_time(self, name: str, flight: _Flight) -> bool:
        """True if the gateway's clock can be compared with ours."""
        clock = self._state.alarms.get(f"{name}:clock")
        return (clock is None or not clock.source_active) and flight.changed_at_ms <= flight.heard_at_ms + AHEAD_MS

    def _hops(self, flight: _Flight, by_its_clock: bool, now: int) -> dict[str, int]:
        """How long each hop took, in ms; those before the receipt only where the gateway's clock tells."""
        stored_at_ms = flight.heard_at_ms if flight.stored_at_ms is None else flight.stored_at_ms
        hops = {STORE: stored_at_ms - flight.heard_at_ms, SINK: now - stored_at_ms}
        if by_its_clock:
            hops[POLL] = max(0, flight.stamped_at_ms - flight.changed_at_ms)
            hops[BROKER] = max(0, flight.heard_at_ms - max(flight.stamped_at_ms, flight.changed_at_ms))
        return hops

    def _look(self, name: str, now: int) -> None:
        """A pulse may be missing. Its time runs from the last one, from a birth, and from this collector's start."""
        gateway = self._watch.gateways[name]
        since_ms = max(self._heard_ms.get(name, 0), gateway.patient_from_ms)
        due_ms = since_ms + self._every_ms + self._within_ms
        if not self._is_away(name) and due_ms <= now:
            self._raise(name, self._broken_hop(name, gateway, since_ms, now), f"> {(now - since_ms) // 1000} s", now)
        self._agenda.set(("next", name), due_ms if due_ms > now else now + self._every_ms)

    def _is_away(self, name: str) -> bool:
        """True if the gateway, or the broker before it, is known to be away."""
        broker = self._state.alarms.get("system:broker")
        away = broker is not None and broker.source_active
        return away or self._watch.gateways[name].online is not True

    def _broken_hop(self, name: str, gateway: GatewayState, since_ms: int, now: int) -> str:
        """Where a pulse that did not arrive was lost, by what else is heard of its gateway."""

        def says_no(metric: str) -> bool:
            heard = gateway.values.get(metric)
            return heard is not None and heard.reading.value is False

        if (gateway.heard_at_ms or 0) + QUIET_MS < now:
            return BROKER
        if says_no(f"Bus/{BUS}/Online") or says_no(f"Device/{PULSE}/Online"):
            return POLL
        if says_no("Journal/Writable") or gateway.owes:
            return JOURNAL
        # What else its journal has sent since the pulse was due to change shows that only the pulse is not read.
        return POLL if self._recorded_ms.get(name, 0) > since_ms + self._every_ms else JOURNAL

    def _raise(self, name: str, hop: str, value: str, now: int) -> None:
        """The trouble of a gateway's pulse, one at a time."""
        if self._is_away(name):
            return
        self._troubled.add(name)
        self._conditions.raised(self._watch.node_rule(name, hop), value, ours(now), now)
        for other in HOPS:
            if other != hop:
                self._conditions.cleared(f"{name}:{other}", ours(now), now)

    def _clear(self, name: str, now: int) -> None:
        self._troubled.discard(name)
        for hop in HOPS:
            self._conditions.cleared(f"{name}:{hop}", ours(now), now)


def _is_number(value: object) -> TypeGuard[int]:
    """True for what the register can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and value in UINT32
