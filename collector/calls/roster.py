"""Who is away and who is on duty at a given time: shifts and their turns, absences, substitutes, swaps.

Declared absences stand in the site, those said at run time are kept. Times are UTC ms; days and hours are local.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from collector.state import State
from collector.storage.kept import Kept
from config.people import Shift, Team
from config.site import Site

COMING_DAYS_MAX = 62  # `coming` looks no further ahead


@dataclass(frozen=True, slots=True)
class Away(Kept):
    """Somebody has said that they are away, or that somebody else takes their duty (`swap`)."""

    NUMBERED: ClassVar[bool] = True
    person: str
    from_ms: int
    until_ms: int
    said_by: str
    said_at_ms: int
    substitute: str | None = None
    reason: str = ""
    swap: bool = False  # off duty only: they are there and can be called

    def holds(self, now: int) -> bool:
        """True while it lasts."""
        return self.from_ms <= now < self.until_ms


@dataclass(frozen=True, slots=True)
class Unmanned(Kept):
    """A team, by its id, was to be called and nobody of it was on duty.

    Or "<building>/<kind>": nobody belonged to the rings of its plan, so that the contacts were called.
    """

    since_ms: int


@dataclass(frozen=True, slots=True)
class Duty:
    """One shift of a team on one day, as it stands at its beginning. `people`: without those away, nobody twice."""

    team: str
    shift: str
    begins_ms: int
    ends_ms: int
    people: tuple[str, ...]


class Roster:
    """A view of the site and of what is kept: each question is answered anew, so that it is true after a restart."""

    def __init__(self, site: Site, state: State) -> None:
        self._site = site
        self._said = state.kept(Away)  # live
        self._declared: dict[str, list[Away]] = {}
        for number, each in enumerate(site.absences):
            from_ms, until_ms = _ms(each.start), _ms(each.end)
            away = Away(
                f"site-{number}", each.person, from_ms, until_ms, "", from_ms, each.substitute, each.reason, each.swap
            )
            self._declared.setdefault(each.person, []).append(away)

    def absences(self) -> list[Away]:
        """Everything declared or said, also what is over or to come, by its beginning."""
        declared = [away for theirs in self._declared.values() for away in theirs]
        return sorted((*declared, *self._said.values()), key=lambda away: (away.from_ms, away.id))

    def away(self, person: str, now: int) -> bool:
        """True if this person is not to be called now."""
        return any(not away.swap for away in self._holding(person, now))

    def back_at(self, person: str, now: int) -> int:
        """When this person can be called: now, or at the end of their absence and of those that follow on it."""
        at_ms = now
        while ends := [away.until_ms for away in self._holding(person, at_ms) if not away.swap]:
            at_ms = max(ends)
        return at_ms

    def leaves_at(self, person: str, since_ms: int, now: int) -> int | None:
        """When an absence begins, or began after `since_ms`, that is not over; one said later begins when it is said.

        None if there is none.
        """
        theirs = [away for away in self._all(person) if not away.swap and away.until_ms > now]
        begins = (max(away.from_ms, away.said_at_ms) for away in theirs)
        return min((at_ms for at_ms in begins if at_ms > since_ms), default=None)

    def in_place_of(self, person: str, now: int) -> str | None:
        """The person, or while they are away their substitute; None if nobody takes their place."""
        return self._who_takes_it(person, now) if self.away(person, now) else person

    def on_duty(self, team: str, now: int) -> list[str]:
        """Who is on duty in a team now, nobody twice; of a team without shifts, all who are not away.

        Who is away or has swapped is replaced by their substitute. [] for a team that the site does not have.
        """
        known = self._site.teams.get(team)
        return [] if known is None else self._standing_in(self._planned(known, now), now)

    def off_duty(self, team: str, now: int) -> list[str]:
        """The rest of a team: who is neither on duty now nor away."""
        known, on_duty = self._site.teams.get(team), self.on_duty(team, now)
        everybody = [] if known is None else members(known)
        return [person for person in everybody if person not in on_duty and not self.away(person, now)]

    def coming(self, from_ms: int, until_ms: int) -> list[Duty]:
        """The duties of all teams that begin in this time, earliest first; a team without shifts has none."""
        first = self._site.local(from_ms).date() - timedelta(days=1)
        days = min((self._site.local(until_ms).date() - first).days + 1, COMING_DAYS_MAX)
        found = []
        for team in self._site.teams.values():
            for shift in team.shifts:
                for day in (first + timedelta(days=number) for number in range(days)):
                    if not shift.hours.begins_on(day, self._site.community.calendar):
                        continue
                    begins_ms, ends_ms = (_ms(at.replace(tzinfo=self._site.zone)) for at in shift.hours.span_of(day))
                    if from_ms <= begins_ms < until_ms:
                        people = self._standing_in(group_of(shift, day), begins_ms)
                        found.append(Duty(team.id, shift.id, begins_ms, ends_ms, tuple(people)))
        return sorted(found, key=lambda duty: (duty.begins_ms, duty.team, duty.shift))

    # --- inside ---------------------------------------------------------------------------------------

    def _planned(self, team: Team, now: int) -> list[str]:
        """Who would be on duty if nobody were away."""
        if not team.shifts:
            return members(team)
        local, found = self._site.local(now), dict[str, None]()
        for shift in team.shifts:
            day = shift.hours.day_of(local, self._site.community.calendar)
            if day is not None:
                found.update(dict.fromkeys(group_of(shift, day)))
        return list(found)

    def _standing_in(self, people: Sequence[str], now: int) -> list[str]:
        found = (self._who_takes_it(person, now) for person in people)
        return list(dict.fromkeys(person for person in found if person is not None))

    def _who_takes_it(self, planned: str, now: int) -> str | None:
        """The one planned, or their substitute, or the substitute of that one; None if all of these are away."""
        asked: set[str] = set()
        person: str | None = planned
        while person in self._site.people and person not in asked:
            holding = self._holding(person, now)
            # Who takes another's duty does it also while their own is taken by somebody else.
            if not holding or (asked and all(away.swap for away in holding)):
                return person
            asked.add(person)
            person = next((away.substitute for away in holding if away.substitute is not None), None)
        # A swap whose other side is away does not leave the duty to nobody.
        return planned if planned in self._site.people and not self.away(planned, now) else None

    def _holding(self, person: str, now: int) -> list[Away]:
        return [away for away in self._all(person) if away.holds(now)]

    def _all(self, person: str) -> list[Away]:
        """A person's absences and swaps, past and to come."""
        declared = self._declared.get(person, [])
        return declared + [away for away in self._said.values() if away.person == person] if self._said else declared


def members(team: Team) -> list[str]:
    """A team's leader and members, nobody twice."""
    return list(dict.fromkeys((team.leader, *team.members)))


def group_of(shift: Shift, day: date) -> tuple[str, ...]:
    """The group whose turn a day is. Turns count calendar days from the first group's first day, also backwards."""
    if shift.first_day is None:
        return shift.groups[0]
    return shift.groups[(day - shift.first_day).days // shift.turn_days % len(shift.groups)]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
