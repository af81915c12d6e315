"""Who is told, and why: the shape of a notice, and who belongs to which ring. How a call goes on: `callout.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from config.site import Cell, Site


class Reason(StrEnum):
    """Why a person is told. Shown in the log, in the message and on the page."""

    OWN_TEAM = "own-team"  # the building's own team
    NEIGHBOUR_TEAM = "neighbour-team"  # no team of its own, or not enough of them are going
    MANAGER = "manager"  # the property manager
    GRID_CELL = "grid-cell"  # responsible for the cell, level 3, then 2, then 1
    CONTACT = "emergency-contact"
    NAMED = "named"  # the condition itself names who is to know
    NEW_DEVICE = "new-device"  # another device is in alarm: called anew
    RAISED_AGAIN = "raised-again"  # the same is in alarm once more, and nobody is there: called anew
    QUORUM_LOST = "quorum-lost"  # somebody who was going cannot: called anew
    LATE_REPORT = "late-report"  # older than 30 minutes when it arrived: leader and manager only
    CHANNEL_FAILED = "channel-failed"  # the person's previous channel could not deliver
    QUORUM_REACHED = "quorum-reached"  # enough are going: information
    STAND_DOWN = "stand-down"
    CLOSED = "closed"


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


def people_of(site: Site, building: str, call: str) -> list[tuple[str, Reason]]:
    """Who belongs to a ring of the plan, and why; nobody twice. A building "" is the community: its contacts."""
    if call == "contacts" or building not in site.buildings:
        return [(person, Reason.CONTACT) for person in dict.fromkeys(site.contacts)]
    place = site.buildings[building]
    if call == "team":
        return [(person, Reason.OWN_TEAM) for person in _members(site, [place.team])]
    if call == "neighbours":
        teams = [site.buildings[other].team for other in place.neighbours if other in site.buildings]
        return [(p, Reason.NEIGHBOUR_TEAM) for p in _members(site, [team for team in teams if team != place.team])]
    if call == "manager":
        return [(place.manager, Reason.MANAGER)] if place.manager is not None else []
    level = int(call.removeprefix("grid-"))
    return [(cell.person, Reason.GRID_CELL) for cell in _cells(site, place.cell) if cell.level == level]


def responsible(site: Site, building: str) -> list[tuple[str, Reason]]:
    """Who is told of what is no call-out: the own team's leader, else the neighbours' leaders; and the manager."""
    if building not in site.buildings:
        return people_of(site, building, "contacts")
    own, others = leaders(site, building)
    told = [(leader, Reason.OWN_TEAM) for leader in own] or [(leader, Reason.NEIGHBOUR_TEAM) for leader in others]
    found = dict(told)
    for person, reason in people_of(site, building, "manager"):
        found.setdefault(person, reason)
    return list(found.items()) or people_of(site, building, "contacts")


def leaders(site: Site, building: str) -> tuple[list[str], list[str]]:
    """The leaders of the building's own team, and of the neighbours' teams, nearest first."""
    place = site.buildings[building]
    own = [place.team] if place.team is not None else []
    others = [site.buildings[other].team for other in place.neighbours if other in site.buildings]
    theirs = dict.fromkeys(team for team in others if team is not None and team not in own)
    return [site.teams[team].leader for team in own], [site.teams[team].leader for team in theirs]


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
