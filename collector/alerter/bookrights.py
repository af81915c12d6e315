"""Whose entries of the book somebody sees and changes: by the buildings that an entry is about."""

from __future__ import annotations

from collections.abc import Iterable

from collector.access.actor import Actor, Right
from collector.book.entries import Change, Section
from config.people import Person
from config.site import Roll


def buildings_of(roll: Roll, section: Section, name: str) -> frozenset[str] | None:
    """The buildings that an entry is about, none for what stands nowhere yet; None: the community as a whole."""
    if section is Section.CONTACTS:
        return None
    if section is Section.BUILDING:
        return frozenset({name})
    if section is Section.TEAM:
        return frozenset(place.id for place in roll.buildings.values() if place.team == name)
    if section is Section.CELL:
        return frozenset(place.id for place in roll.buildings.values() if name in _cells(roll, place.cell))
    return _of_person(roll, name)


def may_see(actor: Actor, roll: Roll, section: Section, name: str) -> bool:
    """True for who keeps the book of one of its buildings; of a team and its people, also for the team's leader."""
    if section in (Section.PERSON, Section.TEAM) and actor.may(Right.ROSTER) and actor.person is not None:
        led = [team for team in roll.teams.values() if team.leader == actor.person]
        if any(name == (team.id if section is Section.TEAM else None) for team in led):
            return True
        if section is Section.PERSON and any(name in (team.leader, *team.members) for team in led):
            return True
    if not actor.may(Right.PEOPLE):
        return False
    about = buildings_of(roll, section, name)
    return actor.buildings is None or (about is not None and (not about or bool(about & actor.buildings)))


def may_change(actor: Actor, roll: Roll, changes: Iterable[Change]) -> bool:
    """True if every building that a change is about, before and after it, is theirs."""
    if not actor.may(Right.PEOPLE):
        return False
    if actor.buildings is None:
        return True
    for change in changes:
        about = buildings_of(roll, change.section, change.name)
        after = {change.value.home} - {None} if isinstance(change.value, Person) else set()
        if about is None or not about | after <= actor.buildings:
            return False
    return True


def _of_person(roll: Roll, name: str) -> frozenset[str]:
    found: set[str] = set()
    known = roll.people.get(name)
    if known is not None and known.home is not None:
        found.add(known.home)
    teams = {team.id for team in roll.teams.values() if name in (team.leader, *team.members)}
    cells = {cell.id for cell in roll.grid.values() if cell.person == name}
    for place in roll.buildings.values():
        if place.manager == name or place.team in teams or (cells and cells & _cells(roll, place.cell)):
            found.add(place.id)
    return frozenset(found)


def _cells(roll: Roll, cell: str) -> set[str]:
    """A cell and those above it."""
    found: set[str] = set()
    at: str | None = cell
    while at is not None and at in roll.grid and at not in found:
        found.add(at)
        at = roll.grid[at].parent
    return found
