"""Whether people can be reached: what is known of each of their addresses, and messages that try them out.

A test belongs to an incident that is closed as soon as it is opened: it is sent and kept like any notice, nobody has
to do anything about it, and a restart finds nothing half done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from zlib import crc32

from collector.alarms.incident import Incident
from collector.calls.authority import leads
from collector.calls.dispatch import Reason
from collector.calls.notices import Notices
from collector.commands import Delivered, NotDelivered, Refused, TestReach
from collector.part import Handler, Part
from collector.state import State
from collector.storage.kept import Kept
from config.people import Address
from config.profile import Condition, Kind
from config.site import Site

DAY_MS = 86_400_000
UNREACHABLE = "unreachable"  # point and last part of the key of a trouble that names who may not be reached
PROOF_DAYS = 35  # where the site has no preflight
FAILURES_MEAN = 3  # so many in a row, and an address counts as not working; a refusal for good at once
NOTED_EVERY_MS = 60_000  # the same news of an address again is not kept more often
TEST_EVERY_MS = 600_000  # a person is not tested on demand more often


class Fault(StrEnum):
    """Why somebody may not be reached in time; the first that is true."""

    FAILS = "fails"  # none of their channels works
    NO_RING = "no-ring"  # no channel of theirs makes a phone ring
    RING_FAILS = "ring-fails"  # none of those that ring works
    NO_PROOF = "no-proof"  # none of those that ring has been proven lately
    PUSH_GONE = "push-gone"  # they can be reached, but no phone of theirs takes push messages any more


@dataclass(frozen=True, slots=True)
class Reached(Kept):
    """What is known of one address of a person. Another address on the same channel has to be proven anew."""

    person: str
    channel: str
    delivered_at_ms: int | None = None
    failed_at_ms: int | None = None
    error: str = ""
    failures: int = 0  # since the last delivery
    permanent: bool = False  # the last failure was a refusal for good

    @property
    def works(self) -> bool:
        """True unless it has failed again and again since the last delivery."""
        return not self.permanent and self.failures < FAILURES_MEAN


@dataclass(frozen=True, slots=True)
class LastTest(Kept):
    """The newest test of a person (`id`)."""

    at_ms: int
    by: str  # who asked for it; "" for the preflight


class Reach(Part):
    """Knows how people were reached. `listeners` are called with a person of whom something new is known, and now."""

    def __init__(self, site: Site, state: State) -> None:
        self._site = site
        self._state = state
        self._notices = Notices(site, state)
        self.listeners: list[Callable[[str, int], None]] = []
        self._forget_strangers()

    def people_changed(self, now: int) -> None:
        """What was known of addresses that nobody has any more is of no use, also to who gets them back later."""
        self._forget_strangers()

    def _forget_strangers(self) -> None:
        site, state = self._site, self._state
        known = {_id(person.id, address) for person in site.people.values() for address in person.channels}
        for item in [each for name, each in state.kept(Reached).items() if name not in known]:
            state.forget(item)
        for tested in [each for name, each in state.kept(LastTest).items() if name not in site.people]:
            state.forget(tested)

    def handlers(self) -> Mapping[type, Handler]:
        """See `Part`."""
        return {Delivered: self._delivered, NotDelivered: self._not_delivered, TestReach: self._test_on_demand}

    # --- what is known --------------------------------------------------------------------------------

    def addresses(self, person: str) -> list[tuple[str, bool, Reached | None]]:
        """Of each address of a person, in order: its channel, whether that rings, and what is known of it."""
        return addresses(self._site, self._state.kept(Reached), person)

    def fault_of(self, person: str, now: int) -> Fault | None:
        """Why somebody may not be reached, None if all is well."""
        return fault_of(self._site, self._state.kept(Reached), person, now)

    def tested_at(self, person: str) -> int | None:
        """When a person was last tested."""
        tested = self._state.kept(LastTest).get(person)
        return None if tested is None else tested.at_ms

    # --- receipts -------------------------------------------------------------------------------------

    def _delivered(self, said: Delivered, now: int) -> None:
        before = self._known(said.person, said.channel)
        if before is None:
            return
        lately = before.delivered_at_ms is not None and 0 <= said.at_ms - before.delivered_at_ms < NOTED_EVERY_MS
        if lately and not before.failures:
            return
        self._state.keep(
            replace(before, delivered_at_ms=said.at_ms, failed_at_ms=None, error="", failures=0, permanent=False)
        )
        self._tell(said.person, now)

    def _not_delivered(self, said: NotDelivered, now: int) -> None:
        before = self._known(said.person, said.channel)
        if before is None:
            return
        lately = before.failed_at_ms is not None and 0 <= said.at_ms - before.failed_at_ms < NOTED_EVERY_MS
        if lately and not before.works:
            return
        to = self._site.people[said.person].channels[said.channel].to
        error = said.error.replace(to, "…") if to else said.error  # an address is for nobody's eyes
        failures = min(before.failures + 1, FAILURES_MEAN)
        self._state.keep(
            replace(before, failed_at_ms=said.at_ms, error=error, failures=failures, permanent=said.permanent)
        )
        self._tell(said.person, now)

    def _known(self, person: str, channel: int) -> Reached | None:
        """What is known of an address; None if the site no longer has it."""
        found = self._site.people.get(person)
        if found is None or not 0 <= channel < len(found.channels):
            return None
        address = found.channels[channel]
        name = _id(person, address)
        return self._state.kept(Reached).get(name) or Reached(name, person, address.channel)

    def _tell(self, person: str, now: int) -> None:
        for listener in self.listeners:
            listener(person, now)

    # --- tests ----------------------------------------------------------------------------------------

    def test(self, person: str, channels: Iterable[int], by: str, now: int) -> None:
        """Send a test over these channels of a person of the site."""
        self._state.keep(LastTest(person, now, by))
        incident = Incident(
            id=self._state.next_id(now),
            building=self._site.people[person].home or "",
            kind=Kind.FAULT,
            opened_at_ms=now,
            cause_at_ms=now,
            full_call=False,
            condition=Condition.TEST,
            call_started_at_ms=now,
        )
        self._state.put_incident(incident)
        self._state.log(now, "reach-tested", incident=incident.id, person=person, facts=[("by", by or "preflight")])
        for channel in channels:
            self._notices.tell(incident, person, Reason.TEST, 0, now, expects_answer=False, channel=channel, again=True)
        self._state.put_incident(replace(incident, closed_at_ms=now))

    def _test_on_demand(self, command: TestReach, now: int) -> None:
        person = self._site.people.get(command.person)
        if person is None or command.by not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        theirs = [team.id for team in self._site.teams.values() if person.id in (team.leader, *team.members)]
        may = command.by == person.id or command.by in self._site.contacts
        if not may and not any(leads(self._site, team, command.by) for team in theirs):
            raise Refused("not-authorised", "A test is for the person, their team's leader, or a contact to ask for.")
        tested_at = self.tested_at(person.id)
        if tested_at is not None and 0 <= now - tested_at < TEST_EVERY_MS:
            raise Refused("tested-lately", "This person was sent a test less than ten minutes ago.")
        self.test(person.id, range(len(person.channels)), command.by, now)


def addresses(site: Site, known: Mapping[str, Reached], person: str) -> list[tuple[str, bool, Reached | None]]:
    """Of each address of a person, in order: its channel, whether that rings, and what is known of it."""
    return [
        (address.channel, site.channels[address.channel].rings, known.get(_id(person, address)))
        for address in site.people[person].channels
    ]


def fault_of(site: Site, known: Mapping[str, Reached], person: str, now: int) -> Fault | None:
    """Why a person of the site may not be reached, None if all is well: one channel that rings, works and is proven."""
    theirs = addresses(site, known, person)
    ringing = [reached for _, rings, reached in theirs if rings]
    if not any(reached is None or reached.works for _, _, reached in theirs):
        return Fault.FAILS
    if not ringing:
        return Fault.NO_RING
    working = [reached for reached in ringing if reached is None or reached.works]
    if not working:
        return Fault.RING_FAILS
    proof_ms = proof_days(site) * DAY_MS
    if not any(reached is not None and is_proven(reached, proof_ms, now) for reached in working):
        return Fault.NO_PROOF
    pushed = (reached for channel, _, reached in theirs if site.channels[channel].type == "webpush")
    return Fault.PUSH_GONE if any(reached is not None and reached.permanent for reached in pushed) else None


def is_proven(reached: Reached, within_ms: float, now: int) -> bool:
    """True if the last delivery is no older than this."""
    return reached.delivered_at_ms is not None and now - reached.delivered_at_ms <= within_ms


def proof_days(site: Site) -> int:
    """For how many days a delivery proves an address."""
    return PROOF_DAYS if site.plan.preflight is None else site.plan.preflight.proof_days


def faults_in(value: str | None) -> dict[str, Fault]:
    """Who may not be reached, and why, by the value of such a trouble: "<person>:<fault>" for each, "/" between."""
    said = (each.partition(":") for each in (value or "").split("/"))
    return {person: Fault(word) for person, _, word in said if word in set(Fault)}


def value_of(found: Mapping[str, Fault]) -> str:
    """The inverse of `faults_in`."""
    return "/".join(f"{person}:{fault}" for person, fault in found.items())


def _id(person: str, address: Address) -> str:
    """Tells two addresses apart without showing them."""
    return f"{person}:{address.channel}:{crc32(address.to.encode()):08x}"
