"""The preflight: before a shift begins its people are checked, and the leader is told who cannot be reached, and why.

A team without shifts is checked once a day. There is one trouble for each team and shift, which names everybody; it
returns when all of them can be reached, or when the next check of that shift finds nothing. Who has no proof gets a
test message in the hours that the site allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from collector.alarms.alarm import Alarm
from collector.alarms.conditions import Conditions, ours
from collector.alarms.rules import Rule
from collector.calls.callout import CallOut
from collector.calls.dispatch import Reason
from collector.calls.reach import DAY_MS, UNREACHABLE, Fault, Reach, Reached, addresses, faults_in, is_proven, value_of
from collector.calls.roster import Duty, Roster
from collector.part import Part
from collector.state import State
from collector.storage.kept import Kept
from config.profile import Condition, Kind
from config.site import Preflight as Plan
from config.site import Site

DAILY = time(10)  # local; of teams without shifts
LOOK_MS = 60_000
TESTS_A_LOOK_MAX = 20  # so that tests of a thousand people do not go out at once
_DAILY = ""  # the shift of a team without shifts


@dataclass(frozen=True, slots=True)
class Checked(Kept):
    """The newest duty of a team's shift ("<team>/<shift>") that was checked, by its beginning."""

    begins_ms: int


class Preflight(Part):
    """Checks duties, once each, and looks again at whoever was found wanting as soon as something new is known."""

    def __init__(
        self, site: Site, state: State, conditions: Conditions, call_out: CallOut, roster: Roster, reach: Reach
    ) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._call_out = call_out
        self._roster = roster
        self._reach = reach
        self._plan = site.plan.preflight
        self._look_at_ms: int | None = None  # None: at once, for the site may be another than before
        reach.listeners.append(self._look_again_at)
        self._forget_strangers()

    def people_changed(self, now: int) -> None:
        """Who was found wanting may have another number, or not be on the shift any more: looked at anew, at once."""
        self._forget_strangers()
        self._look_at_ms = None

    def _forget_strangers(self) -> None:
        shifts = set(self._shifts())
        for checked in [each for name, each in self._state.kept(Checked).items() if name not in shifts]:
            self._state.forget(checked)

    def has_source(self, alarm: Alarm) -> bool:
        """True for a trouble of a team and shift that the site still has and checks."""
        return alarm.point == UNREACHABLE and alarm.key in {_key(*name.split("/")) for name in self._shifts()}

    def wake(self, now: int) -> None:
        """Check what begins soon, and test who has no proof."""
        if self._plan is None or not self._is_due(now):
            return
        first = self._look_at_ms is None
        self._look_at_ms = (now // LOOK_MS + 1) * LOOK_MS  # on the minute, when shifts begin
        for duty in self._due(self._plan, now):
            self._state.keep(Checked(_name(duty), duty.begins_ms))
            self._judge(duty.team, duty.shift, duty.people, now)
        if first:
            for alarm in self._standing():
                self._judge(*_shift_of(alarm), tuple(faults_in(alarm.value)), now)
        self._test(self._plan, now)

    def wake_at(self) -> int | None:
        """By the minute; 0 before the first look."""
        return None if self._plan is None else self._look_at_ms or 0

    # --- checks ---------------------------------------------------------------------------------------

    def _is_due(self, now: int) -> bool:
        """True once a minute, also after the clock was set back."""
        return self._look_at_ms is None or not 0 < self._look_at_ms - now <= LOOK_MS

    def _shifts(self) -> Iterator[str]:
        """Every team and shift that is checked."""
        for team in self._site.teams.values() if self._plan is not None else ():
            yield from (f"{team.id}/{shift.id}" for shift in team.shifts)
            if not team.shifts:
                yield f"{team.id}/{_DAILY}"

    def _due(self, plan: Plan, now: int) -> list[Duty]:
        """Duties that begin soon or began while nobody looked, and were not checked yet; of a shift the newest."""
        found: dict[str, Duty] = {}
        known = self._state.kept(Checked)
        for duty in [*self._roster.coming(now - DAY_MS, now + round(plan.before_s * 1000) + 1), *self._daily(now)]:
            name = _name(duty)
            if name not in known:  # what began before this site had a preflight is no news
                self._state.keep(Checked(name, now - 1))
            if duty.begins_ms > known[name].begins_ms and duty.ends_ms > now:
                found[name] = duty
        return list(found.values())

    def _daily(self, now: int) -> Iterator[Duty]:
        """Of each team without shifts, the daily check that was due last."""
        local = self._site.local(now)
        at = datetime.combine(local.date(), DAILY, self._site.zone)
        at_ms = round((at if at <= local else at - timedelta(days=1)).timestamp() * 1000)
        for team in self._site.teams.values():
            if not team.shifts:
                yield Duty(team.id, _DAILY, at_ms, at_ms + 2 * DAY_MS, tuple(self._roster.on_duty(team.id, now)))

    def _judge(self, team: str, shift: str, people: tuple[str, ...], now: int) -> None:
        """Raise, renew or end the trouble of a team's shift."""
        faults = {person: self._reach.fault_of(person, now) for person in people if person in self._site.people}
        found = {person: fault for person, fault in faults.items() if fault is not None}
        alarm = self._state.alarms.get(_key(team, shift))
        if not found:
            self._conditions.cleared(_key(team, shift), ours(now), now)
        elif alarm is None:
            self._conditions.raised(self._rule(team, shift, found), value_of(found), ours(now), now)
        elif alarm.value != value_of(found):
            before = faults_in(alarm.value)
            self._state.put_alarm(replace(alarm, value=value_of(found), tell=self._told(team, found)))
            incident = self._state.incidents.get(alarm.incident or "")
            if incident is not None and not found.keys() <= before.keys():
                told = [(person, Reason.NAMED) for person in self._told(team, found)]
                self._call_out.tell_people(incident, told, now)

    def _look_again_at(self, person: str, now: int) -> None:
        """Something new is known of a person: a trouble that names them may be over."""
        for alarm in self._standing():
            before = faults_in(alarm.value)
            if person in before and self._reach.fault_of(person, now) != before[person]:
                self._judge(*_shift_of(alarm), tuple(before), now)

    def _standing(self) -> list[Alarm]:
        return [alarm for alarm in self._state.alarms.values() if alarm.point == UNREACHABLE]

    def _rule(self, team: str, shift: str, found: Mapping[str, Fault]) -> Rule:
        """It belongs to the team's own building, so that troubles of several teams are not one incident."""
        building = next((each.id for each in self._site.buildings.values() if each.team == team), "")
        key, tell = _key(team, shift), self._told(team, found)
        return Rule(key, _device(team), UNREACHABLE, building, Condition.TROUBLE, Kind.FAULT, tell=tell)

    def _told(self, team: str, found: Mapping[str, Fault]) -> tuple[str, ...]:
        """The leader; if they cannot be reached themselves, the contacts as well."""
        leader = self._site.teams[team].leader
        return tuple(dict.fromkeys((leader, *self._site.contacts))) if leader in found else (leader,)

    # --- tests ----------------------------------------------------------------------------------------

    def _test(self, plan: Plan, now: int) -> None:
        """Within the hours, test whose proof is half over, a few at a time, each once in half the time of a proof."""
        if plan.test_at is None or not plan.test_at.hold(self._site.local(now), self._site.community.calendar):
            return
        half_ms = plan.proof_days * DAY_MS // 2
        known, tested = self._state.kept(Reached), 0
        for person in self._site.people:
            tested_at = self._reach.tested_at(person)
            if (tested_at is not None and 0 <= now - tested_at < half_ms) or self._roster.away(person, now):
                continue
            channel = _to_test(addresses(self._site, known, person), half_ms, now)
            if channel is not None:
                self._reach.test(person, [channel], "", now)
                tested += 1
                if tested == TESTS_A_LOOK_MAX:
                    return


def _to_test(theirs: list[tuple[str, bool, Reached | None]], proof_ms: int, now: int) -> int | None:
    """The first address that rings, or without one the first, unless one that counts has been proven lately."""
    rings = any(ringing for _, ringing, _ in theirs)
    counting = [index for index, (_, ringing, _) in enumerate(theirs) if ringing or not rings]
    known = [theirs[index][2] for index in counting]
    if any(reached is not None and reached.works and is_proven(reached, proof_ms, now) for reached in known):
        return None
    return counting[0]


def _device(team: str) -> str:
    return f"team/{team}"


def _key(team: str, shift: str) -> str:
    return f"{_device(team)}:{shift}:{UNREACHABLE}"


def _name(duty: Duty) -> str:
    return f"{duty.team}/{duty.shift}"


def _shift_of(alarm: Alarm) -> tuple[str, str]:
    """Team and shift of such a trouble."""
    device, shift, _ = alarm.key.split(":")
    return device.removeprefix("team/"), shift
