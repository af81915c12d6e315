"""Who is told, and why: the shape of a notice, and who belongs to which ring. How a call goes on: `callout.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import asin, cos, inf, radians, sin, sqrt
from typing import TYPE_CHECKING

from config.site import Building, Cell, Ring, Site

if TYPE_CHECKING:  # the roster knows the state, and the state knows notices
    from collector.calls.roster import Roster

EARTH_M = 6_371_009  # mean radius (IUGG)
NEAREST_TEAMS = 3  # by distance, of a building that names no neighbours with a team


class Reason(StrEnum):
    """Why a person is told. Shown in the log, in the message and on the page."""

    BUILDING = "building"  # they live or work in the building
    OWN_TEAM = "own-team"  # the building's own team
    OFF_DUTY = "off-duty"  # of the building's own team, but not on duty now
    NEIGHBOUR_TEAM = "neighbour-team"  # no team of its own, or not enough of them are going
    MANAGER = "manager"  # the property manager
    GRID_CELL = "grid-cell"  # responsible for the cell, level 3, then 2, then 1
    CONTACT = "emergency-contact"
    FIRE_STATION = "fire-station"  # information: the station that would come, and its telephone
    NAMED = "named"  # the condition itself names who is to know
    NEW_DEVICE = "new-device"  # another device is in alarm: called anew
    RAISED_AGAIN = "raised-again"  # the same is in alarm once more, and nobody is there: called anew
    QUORUM_LOST = "quorum-lost"  # somebody who was going cannot: called anew
    REPLACEMENT = "replacement"  # called because somebody else cannot come, or is late
    SKILL_NEEDED = "skill-needed"  # enough are going, and none of them can do what this person can
    NOT_ARRIVED = "not-arrived"  # information: they said going and have not arrived, somebody else is called
    RESPONDER_LATE = "responder-late"  # information for the leader of the same
    JOINED = "joined"  # information: something lesser is beside what people have been called to
    FIRST_HIT = "first-hit"  # nearest to a detector whose zone is verified: asked to look before everybody is called
    FIRST_HIT_LOUD = "first-hit-loud"  # what they were asked to look at has become the full call
    ASKED_AGAIN = "asked-again"  # it still burns and too few are going: asked once more, also who could not come
    BACK = "back"  # away until now, and people are still needed
    NOBODY_COMES = "nobody-comes"  # information: everybody who could be asked has been, and it is not enough
    MORE_NEEDED = "more-needed"  # somebody who is going or there needs more people
    LATE_REPORT = "late-report"  # older than 30 minutes when it arrived: leader and manager only
    CHANNEL_FAILED = "channel-failed"  # the person's previous channel could not deliver
    NEW_ADDRESS = "new-address"  # asked before, at an address that has been changed since
    NEXT_CHANNEL = "next-channel"  # no answer over the person's previous channel: called on this one as well
    QUORUM_REACHED = "quorum-reached"  # enough are going: information
    STAND_DOWN = "stand-down"
    CLOSED = "closed"
    CONTRACTOR = "contractor"  # the elevator's maintenance company
    RESCUE_DUE = "rescue-due"  # the time to arrive at an entrapment runs out: information
    RESCUE_MISSED = "rescue-missed"  # it has run out
    FREED = "freed"  # somebody on site says that the people are free
    TEST = "test"  # a channel is tried out, nothing has happened
    WATCH = "watch"  # watches over what is disabled: told alone of an alarm there
    ENDS_SOON = "ends-soon"  # a disablement ends by itself unless somebody renews it
    WALK_TEST = "walk-test"  # the tester: this one works
    HANDED_OVER = "handed-over"  # what was told to few is called out now
    RESTORED = "restored"  # nothing is disabled there any more
    DRILL_OVER = "drill-over"  # the exercise has ended
    DRILL_OVERTAKEN = "drill-overtaken"  # an actual alarm has ended the exercise: this is real
    PULSE = "pulse"  # to nobody: it proves the way of an alarm, see `pulse.py`


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person on one channel, with the reason it is sent.

    `due` counts the sendings wanted so far (1, and one more for each repeat, under the same id);
    the notifier sends until it has sent as many. `superseded_at_ms` set: send no more of it.
    """

    id: str
    incident: str
    person: str
    channel: int  # index into the person's channels
    reason: Reason
    ring: int  # 0-based ring of the plan
    call: int
    cause_at_ms: int  # when the source said what caused this notice
    heard_at_ms: int
    created_at_ms: int
    expects_answer: bool  # False for information
    due: int = 1
    next_repeat_at_ms: int | None = None
    superseded_at_ms: int | None = None
    failed_at_ms: int | None = None  # the channel could not deliver it
    next_channel_at_ms: int | None = None  # without an answer until then, their next channel is called as well
    about: str | None = None  # the key of the one condition that it tells of; None: of all, the worst first
    waits_until_ms: int | None = None  # it is told then, with what else waits for this person; `due` is 0 meanwhile
    others: tuple[str, ...] = ()  # the incidents that are told of in this notice too
    told_in: str | None = None  # it is told in the notice of that incident to the same person, and not sent itself


def people_of(site: Site, building: str, call: str) -> list[tuple[str, Reason]]:
    """Who belongs to a ring of the plan, on duty or not, and why; nobody twice. A building "" is the community."""
    if call == "contacts" or building not in site.buildings:
        return [(person, Reason.CONTACT) for person in dict.fromkeys(site.contacts)]
    place = site.buildings[building]
    if call == "building":
        return [(person.id, Reason.BUILDING) for person in site.people.values() if person.home == building]
    if call in ("team", "team-off-duty"):
        why = Reason.OWN_TEAM if call == "team" else Reason.OFF_DUTY
        return [(person, why) for person in _members(site, [place.team])]
    if call == "neighbours":
        return [(person, Reason.NEIGHBOUR_TEAM) for person in _members(site, near_teams(site, building))]
    if call == "manager":
        return [(place.manager, Reason.MANAGER)] if place.manager is not None else []
    if call == "fire-station":
        known = place.fire_station in site.fire_stations
        return [(person, Reason.FIRE_STATION) for person, _ in responsible(site, building)] if known else []
    level = int(call.removeprefix("grid-"))
    return [(cell.person, Reason.GRID_CELL) for cell in _cells(site, place.cell) if cell.level == level]


def called_now(
    site: Site, roster: Roster, building: str, ring: Ring, told: Collection[str], now: int
) -> list[tuple[str, Reason]]:
    """Who of a ring is called now: teams by those on duty, nobody who is away, but who takes their place.

    `told`: who has been called already; `nearest` counts only teams of which somebody is new.
    """
    place = site.buildings.get(building)
    if place is not None and ring.call == "team":
        return [(person, Reason.OWN_TEAM) for person in roster.on_duty(place.team or "", now)]
    if place is not None and ring.call == "team-off-duty":
        return [(person, Reason.OFF_DUTY) for person in roster.off_duty(place.team or "", now)]
    if place is not None and ring.call == "neighbours":
        teams = (roster.on_duty(team, now) for team in _teams_of(site, building, ring))
        new = [team for team in teams if any(person not in told for person in team)][: ring.nearest]
        return [(person, Reason.NEIGHBOUR_TEAM) for person in dict.fromkeys(person for team in new for person in team)]
    return present(roster, people_of(site, building, ring.call), now)


def present(roster: Roster, people: Iterable[tuple[str, Reason]], now: int) -> list[tuple[str, Reason]]:
    """These people without those who are away; whoever takes their place instead; nobody twice."""
    found: dict[str, Reason] = {}
    for person, reason in people:
        there = roster.in_place_of(person, now)
        if there is not None:
            found.setdefault(there, reason)
    return list(found.items())


def nearest(site: Site, roster: Roster, building: str, now: int) -> list[tuple[str, Reason]]:
    """The one person to ask first, nobody who is away as long as anybody else is there.

    Somebody on duty whose home is the building, else anybody at home there, else the own team's, else the nearest
    neighbouring team's nearest by home, else a contact. Empty only for a site without contacts.
    """
    place = site.buildings.get(building)
    if place is not None:
        teams = [team for team in (place.team, *teams_outward(site, building)) if team is not None]
        on_duty = {team: roster.on_duty(team, now) for team in teams}
        serving = {person for people in on_duty.values() for person in people}
        home = present(roster, people_of(site, building, "building"), now)
        home.sort(key=lambda each: each[0] not in serving)
        if home:
            return home[:1]
        for team, people in on_duty.items():
            why = Reason.OWN_TEAM if team == place.team else Reason.NEIGHBOUR_TEAM
            if people:
                return [(min(people, key=lambda person: _distance_of_m(site, place, person)), why)]
    contacts = people_of(site, building, "contacts")
    return (present(roster, contacts, now) or contacts)[:1]


def responsible(site: Site, building: str) -> list[tuple[str, Reason]]:
    """Who is told of what is no call-out: the own team's leader, else the neighbours' leaders; and the manager."""
    if building not in site.buildings:
        return people_of(site, building, "contacts")
    team = site.buildings[building].team
    if team is not None:  # whose neighbours need not be sought, which a storm of troubles would wait for
        found = {site.teams[team].leader: Reason.OWN_TEAM}
    else:
        found = {site.teams[each].leader: Reason.NEIGHBOUR_TEAM for each in near_teams(site, building)}
    for person, reason in people_of(site, building, "manager"):
        found.setdefault(person, reason)
    return list(found.items()) or people_of(site, building, "contacts")


def leaders(site: Site, building: str) -> tuple[list[str], list[str]]:
    """The leaders of the building's own team, and of the neighbouring teams, nearest first."""
    own = [team for team in (site.buildings[building].team,) if team is not None]
    return [site.teams[team].leader for team in own], [site.teams[team].leader for team in near_teams(site, building)]


def near_teams(site: Site, building: str) -> list[str]:
    """The teams of the neighbours that the site names, nearest first; of none, those nearest by distance."""
    place = site.buildings[building]
    named = [site.buildings[other].team for other in place.neighbours if other in site.buildings]
    teams = list(dict.fromkeys(team for team in named if team is not None and team != place.team))
    return teams or teams_outward(site, building)[:NEAREST_TEAMS]


def teams_outward(site: Site, building: str) -> list[str]:
    """All other teams: those of the neighbours that the site names, then by distance to the nearest of their buildings.

    A team that no building has stands nowhere and is not among them.
    """
    place = site.buildings[building]
    named = [site.buildings[other] for other in place.neighbours if other in site.buildings]
    others = sorted(site.buildings.values(), key=lambda other: distance_m(place, other))
    return list(dict.fromkeys(at.team for at in (*named, *others) if at.team is not None and at.team != place.team))


def distance_m(one: Building, other: Building) -> float:
    """Great-circle distance of two buildings (haversine), exact to half a percent."""
    north, east = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    cosines = cos(radians(one.latitude)) * cos(radians(other.latitude))
    return 2 * EARTH_M * asin(min(1.0, sqrt(sin(north / 2) ** 2 + cosines * sin(east / 2) ** 2)))


def _distance_of_m(site: Site, place: Building, person: str) -> float:
    """From somebody's home; without one they count as far."""
    home = site.buildings.get(site.people[person].home or "")
    return inf if home is None else distance_m(place, home)


def _teams_of(site: Site, building: str, ring: Ring) -> list[str]:
    return near_teams(site, building) if ring.nearest is None else teams_outward(site, building)


def _members(site: Site, teams: Iterable[str | None]) -> list[str]:
    found: dict[str, None] = {}
    for team in teams:
        if team is not None:
            found.update(dict.fromkeys((site.teams[team].leader, *site.teams[team].members)))
    return list(found)


def _cells(site: Site, cell: str) -> Iterator[Cell]:
    """A cell and those above it; a grid that turns in a circle ends after its three levels."""
    at: str | None = cell
    for _ in range(3):
        if at is None or at not in site.grid:
            return
        yield site.grid[at]
        at = site.grid[at].parent
