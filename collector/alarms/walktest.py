"""Walk tests: somebody goes from detector to detector, and the alarms of these alone come to them and to nobody else.

Two hours at most. Everything else stays live, also the silence of what is tested. What is still in alarm when the
test ends calls at once. The result, what has given an alarm and what has not, is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.alarms.conditions import Conditions
from collector.alarms.disablement import release
from collector.alarms.measures import MINUTE_MS, TEST_MINUTES_MAX, Scope, WalkTest, buildings_covered, exists, to_prove
from collector.calls.authority import may_decide
from collector.commands import EndWalkTest, Refused, StartWalkTest
from collector.part import Handler, Part
from collector.state import State
from config.site import Site

MEMBERS_MAX = 500
RUNNING_MAX = 20
RESULTS_KEPT = 50


class WalkTests(Part):
    """Begins and ends them; what happens in one is `aside.py`'s."""

    def __init__(self, site: Site, state: State, conditions: Conditions, now: int) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._begun_ms = now

    def handlers(self) -> Mapping[type, Handler]:
        """The commands of walk tests."""
        return {StartWalkTest: self._start, EndWalkTest: self._stop}

    def wake(self, now: int) -> None:
        """End what is over, or has lost its tester or its devices; let no clock make one longer."""
        for test in self._running():
            if now >= test.until_ms:
                self._end(test, "time", None, now)
            elif self._is_gone(test):
                self._end(test, "gone", None, now)
            elif test.until_ms - now > test.length_ms:  # the clock was put back
                self._state.keep(replace(test, until_ms=now + test.length_ms))

    def wake_at(self) -> int | None:
        """The next end."""
        running = self._running()
        return min((self._begun_ms if self._is_gone(each) else each.until_ms for each in running), default=None)

    # --- commands -------------------------------------------------------------------------------------

    def _start(self, command: StartWalkTest, now: int) -> None:
        members = tuple(dict.fromkeys((*command.devices, *self._zone(command.zone))))
        if any(not exists(self._site, Scope.DEVICE, member) for member in members):
            raise Refused("unknown-target", "The site has no such device.")
        if not 1 <= len(to_prove(self._site, members)) <= MEMBERS_MAX:
            raise Refused("no-devices", f"A walk test is of 1 to {MEMBERS_MAX} devices.")
        self._check(members, command.person)
        if not 1 <= command.minutes <= TEST_MINUTES_MAX:
            raise Refused("wrong-duration", "A walk test lasts 1 to 120 minutes.")
        chosen = set(to_prove(self._site, members))
        if any(chosen & set(to_prove(self._site, test.members)) for test in self._running()):
            raise Refused("already-tested", "One of these devices is in a walk test already.")
        if len(self._running()) >= RUNNING_MAX:
            raise Refused("too-many", f"There are {RUNNING_MAX} walk tests already.")
        length_ms = command.minutes * MINUTE_MS
        test = WalkTest(self._state.next_id(now), command.person, members, now, now + length_ms, length_ms)
        self._state.keep(test)
        self._log("walk-test-started", test, command.person, now)

    def _stop(self, command: EndWalkTest, now: int) -> None:
        test = self._state.kept(WalkTest).get(command.walk_test)
        if test is None or not test.running:
            raise Refused("unknown-walk-test", "There is no such walk test; it may have ended.")
        if command.person != test.person:
            self._check(test.members, command.person)
        self._end(test, "person", command.person, now)

    def _zone(self, name: str | None) -> tuple[str, ...]:
        if name is None:
            return ()
        if name not in self._site.zones:
            raise Refused("unknown-target", "The site has no such zone.")
        return self._site.zones[name].members

    def _check(self, members: tuple[str, ...], person: str) -> None:
        if person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        covered = [buildings_covered(self._site, Scope.DEVICE, member) for member in members]
        if not all(may_decide(self._site, building, person) for building in set().union(*covered)):
            raise Refused("not-authorised", "A walk test is for the leader, the manager or a contact of each building.")

    # --- inside ---------------------------------------------------------------------------------------

    def _running(self) -> list[WalkTest]:
        return [test for test in self._state.kept(WalkTest).values() if test.running]

    def _is_gone(self, test: WalkTest) -> bool:
        """True if nobody is left to be told, or nothing to be tested."""
        left = any(exists(self._site, Scope.DEVICE, member) for member in test.members)
        return test.person not in self._site.people or not left

    def _end(self, test: WalkTest, how: str, person: str | None, now: int) -> None:
        test = replace(self._state.kept(WalkTest)[test.id], ended_ms=now)
        self._state.keep(test)
        proved = {proof.member for proof in test.proofs}
        missing = [member for member in to_prove(self._site, test.members) if member not in proved]
        facts = [("how", how), ("tested", str(len(proved))), ("not-tested", str(len(missing)))]
        self._log("walk-test-ended", test, person, now, facts)
        release(self._state, self._conditions, test.id, now)
        over = sorted(each for each, item in self._state.kept(WalkTest).items() if not item.running)
        for old in over[:-RESULTS_KEPT]:
            self._state.forget(self._state.kept(WalkTest)[old])

    def _log(
        self, event: str, test: WalkTest, person: str | None, now: int, more: list[tuple[str, str]] | None = None
    ) -> None:
        facts = [("walk-test", test.id), ("until", f"{self._site.local(test.until_ms):%Y-%m-%d %H:%M}"), *(more or [])]
        self._state.log(now, event, person=person, facts=facts)
