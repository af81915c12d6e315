"""Who says that they are away or back; teams and plans that were to call somebody while nobody was there."""

from __future__ import annotations

from collections.abc import Mapping

from collector.alarms.alarm import Alarm
from collector.alarms.conditions import Conditions, ours
from collector.alarms.rules import Rule
from collector.calls.authority import leads
from collector.calls.callout import CallOut
from collector.calls.dispatch import called_now
from collector.calls.rings import FAR
from collector.calls.roster import Away, Roster, Unmanned, members
from collector.commands import Back, Refused, SayAway
from collector.part import Handler, Part
from collector.state import State
from config.profile import Condition, Kind
from config.site import Site

ABSENCES_MAX = 2_000  # of the community, that are not over
ABSENCES_OF_ONE_MAX = 20
REASON_MAX = 200  # characters
AWAY_MS_MAX = 366 * 86_400_000
LOOK_MS = 60_000  # so often a team without anybody on duty is looked at again
UNMANNED = "unmanned"  # the last part of such a trouble's key, by which people's words for it are found
UNCALLED = "nobody-to-call"  # the same of a building and kind, of whose plan only the contacts were left


class Absences(Part):
    """Keeps what people say of themselves or a leader of their people, and forgets it when it is over."""

    def __init__(
        self, site: Site, state: State, conditions: Conditions, call_out: CallOut, roster: Roster, now: int
    ) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._call_out = call_out
        self._roster = roster
        self._next_look_ms = now

    def handlers(self) -> Mapping[type, Handler]:
        """Away and back."""
        return {SayAway: self._away, Back: self._back}

    def has_source(self, alarm: Alarm) -> bool:
        """True for the trouble of a team or a plan that this part still looks after."""
        return any(alarm.key == _key(name) and self._is_known(name) for name in self._state.kept(Unmanned))

    def wake(self, now: int) -> None:
        """Forget what is over; tell of teams and plans without anybody to call, and when somebody is there."""
        for away in [each for each in self._state.kept(Away).values() if each.until_ms <= now]:
            self._state.forget(away)
        for unmanned in list(self._state.kept(Unmanned).values()):
            name = unmanned.id
            if not self._is_known(name) or self._is_manned(name, now):
                self._state.forget(unmanned)
                self._conditions.cleared(_key(name), ours(now), now)
            elif _key(name) not in self._state.alarms:
                self._conditions.raised(self._rule(name), "", ours(now), now)
        self._next_look_ms = now + LOOK_MS

    def wake_at(self) -> int | None:
        """The end of the next absence; at once for a team that has not been told of, else by the minute."""
        times = [away.until_ms for away in self._state.kept(Away).values()]
        for unmanned in self._state.kept(Unmanned).values():
            alarm = self._state.alarms.get(_key(unmanned.id))
            times.append(unmanned.since_ms if alarm is None else self._next_look_ms)
        return min(times, default=None)

    def _away(self, command: SayAway, now: int) -> None:
        for person in (command.person, command.by, command.substitute):
            if person is not None and person not in self._site.people:
                raise Refused("unknown-person", "The site does not know this person.")
        if not self._may_speak_for(command.person, command.by):
            raise Refused("not-authorised", "Only they themselves, a leader of their team, or a contact may say so.")
        if command.until_ms <= max(now, command.from_ms) or command.until_ms - now > AWAY_MS_MAX:
            raise Refused("impossible-time", "An absence ends after it begins, in the future, and within a year.")
        if command.substitute == command.person or (command.swap and command.substitute is None):
            raise Refused("no-substitute", "A substitute is somebody else, and a swap needs one.")
        said = self._state.kept(Away)
        theirs = sum(away.person == command.person for away in said.values())
        if len(said) >= ABSENCES_MAX or theirs >= ABSENCES_OF_ONE_MAX:
            raise Refused("too-many-absences", "So many absences are kept already: take one back first.")
        away = Away(
            id=self._state.next_id(now),
            person=command.person,
            from_ms=command.from_ms,
            until_ms=command.until_ms,
            said_by=command.by,
            said_at_ms=now,
            substitute=command.substitute,
            reason=command.reason[:REASON_MAX],
            swap=command.swap,
        )
        self._state.keep(away)
        facts = [("absence", away.id), ("by", away.said_by), ("substitute", away.substitute or "-")]
        self._state.log(now, "said-away", person=away.person, facts=facts)
        self._call_out.roster_changed(away.person, away.holds(now) and not away.swap, now)

    def _back(self, command: Back, now: int) -> None:
        away = self._state.kept(Away).get(command.absence)
        if away is None:
            raise Refused("unknown-absence", "No such absence is kept; one that the site declares is ended there.")
        if command.by != away.said_by and not self._may_speak_for(away.person, command.by):
            raise Refused("not-authorised", "Only they themselves, a leader of their team, or a contact may say so.")
        self._state.forget(away)
        self._state.log(now, "said-back", person=away.person, facts=[("absence", away.id), ("by", command.by)])
        self._call_out.roster_changed(away.person, False, now)

    def _may_speak_for(self, person: str, by: str) -> bool:
        theirs = [team.id for team in self._site.teams.values() if person in members(team)]
        return by == person or by in self._site.contacts or any(leads(self._site, team, by) for team in theirs)

    def _is_known(self, name: str) -> bool:
        """True for a team or a building that the site has."""
        building, _, kind = name.partition("/")
        return building in self._site.buildings if kind else name in self._site.teams

    def _is_manned(self, name: str, now: int) -> bool:
        """True if somebody of a team is on duty, or somebody near would be called to an alarm of a kind now."""
        building, _, kind = name.partition("/")
        if not kind:
            return bool(self._roster.on_duty(name, now))
        local, calendar = self._site.local(now), self._site.community.calendar
        rings = [ring for ring in self._site.kind_plan(Kind(kind)).rings if ring.call not in FAR]
        rings = [ring for ring in rings if ring.hours is None or ring.hours.hold(local, calendar)]
        rings = [ring for ring in rings if not ring.classes or Condition.ALARM in ring.classes]
        return any(called_now(self._site, self._roster, building, ring, (), now) for ring in rings)

    def _rule(self, name: str) -> Rule:
        place, _, kind = name.partition("/")
        if kind:
            contacts = self._site.contacts
            return Rule(_key(name), f"building/{place}", UNCALLED, place, Condition.TROUBLE, Kind.FAULT, tell=contacts)
        team = name
        building = next((place.id for place in self._site.buildings.values() if place.team == team), "")
        tell = (self._site.teams[team].leader,)
        return Rule(_key(team), f"team/{team}", UNMANNED, building, Condition.TROUBLE, Kind.FAULT, tell=tell)


def _key(name: str) -> str:
    """The key of the trouble of a team, or of a building and kind. No device's id has a stroke in it."""
    building, _, kind = name.partition("/")
    return f"building/{building}:{kind}:{UNCALLED}" if kind else f"team/{name}:{UNMANNED}"
