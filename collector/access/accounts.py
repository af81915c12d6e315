"""Accounts: who may sign in, as what, and which buildings are theirs to see. Pure.

Everybody on the site's list can sign in with a message to their own address; nobody has to make an account for them.
Such an account is what the book makes of the person: whoever leads a team, answers for a building or is an emergency
contact is a leader here, everybody else a responder, in the buildings they answer for. An account with a role of its
own is made by a manager, or by `callpoint account add`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from collector.access.actor import RIGHTS, Actor, Role
from config.people import Language
from config.site import Site

NAME_CHARACTERS_MAX = 64
ACCOUNTS_MAX = 5_000
_RESERVED = frozenset({"token", "local", "link", "command", "new"})  # known in the audit log, or a page's address
_NEVER = frozenset(":/\\?#%")  # they mean something in an address or a row


@dataclass(frozen=True, slots=True)
class Area:
    """Where an account looks, beside what its person answers for: everywhere, or these buildings and grid cells."""

    whole: bool = False
    buildings: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `id` is what they type, in the form of `tidy_name`, and never changes.

    `role` None: whatever the book makes of `person`. `password` is a hash, None where there is none; `failures` are
    wrong passwords since the last sign-in. `identity` is who they are to the site's own provider (OIDC).
    """

    id: str
    name: str
    role: Role | None = None
    person: str | None = None
    area: Area = Area()
    language: Language | None = None
    made_at_ms: int = 0
    made_by: str = ""
    disabled_at_ms: int | None = None
    password: str | None = None
    failures: int = 0
    identity: str | None = None

    @property
    def public(self) -> Account:
        """The same without what is nobody's business."""
        return replace(self, password=None if self.password is None else "set", failures=0)


class BadAccount(ValueError):
    """An account cannot be so. `field` names what is wrong, `reason` is a stable word, str() says what was expected."""

    def __init__(self, field: str, reason: str, expected: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: expected {expected}")


def tidy_name(typed: str) -> str:
    """A name as it is looked up: one form of each character (NFKC), small letters, no outer spaces."""
    return unicodedata.normalize("NFKC", typed).strip().casefold()


def check_name(name: str) -> None:
    """Raises BadAccount for what cannot be an account's id."""
    visible = all(unicodedata.category(each)[0] not in "CZ" or each == " " for each in name)
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or not visible or name != tidy_name(name) or _NEVER & set(name):
        raise BadAccount("name", "bad-name", f"1 to {NAME_CHARACTERS_MAX} visible characters without : / \\ ? # %")
    if name in _RESERVED:
        raise BadAccount("name", "name-taken", "another name than one that the system uses itself")


def can_be_name(name: str) -> bool:
    """True if `check_name` lets it pass."""
    try:
        check_name(name)
    except BadAccount:
        return False
    return True


def account_of_person(site: Site, person: str, now: int) -> Account | None:
    """The account that a person of the site has without anybody's doing."""
    known = site.people.get(person)
    if known is None:
        return None
    return Account(id=tidy_name(person), name=known.name, person=person, made_at_ms=now, made_by=person)


def role_of(site: Site, account: Account) -> Role | None:
    """What somebody is here; None where the book no longer knows the person and nobody has said."""
    if account.role is not None:
        return account.role
    person = account.person
    if person is None or person not in site.people:
        return None
    leads = any(team.leader == person for team in site.teams.values())
    manages = any(building.manager == person for building in site.buildings.values())
    return Role.LEADER if leads or manages or person in site.contacts else Role.RESPONDER


def buildings_of(site: Site, account: Account) -> frozenset[str] | None:
    """The buildings that are theirs to see. None: the whole community."""
    if account.area.whole or account.person in site.contacts:
        return None
    found = set[str]() if account.person is None else set(answers_for(site, account.person))
    found.update(each for each in account.area.buildings if each in site.buildings)
    if account.area.cells:
        found.update(_under(site, account.area.cells))
    return frozenset(found)


def answers_for(site: Site, person: str) -> frozenset[str]:
    """The buildings where a person lives, is called to with their team or as a neighbour, or is responsible."""
    teams = {team.id for team in site.teams.values() if person in (team.leader, *team.members)}
    cells = {cell.id for cell in site.grid.values() if cell.person == person}
    home = site.people[person].home if person in site.people else None
    found = set[str]()
    for building in site.buildings.values():
        near = (
            teams
            and building.team not in teams
            and any(_team_at(site, other) in teams for other in building.neighbours)
        )
        if building.team in teams or building.manager == person or building.id == home or near:
            found.add(building.id)
    found.update(_under(site, cells) if cells else ())
    return frozenset(found)


def people_of(site: Site, buildings: frozenset[str]) -> frozenset[str]:
    """Whom some buildings concern: `answers_for` the other way round, and the contacts, who answer for them all."""
    found = {*site.contacts, *(person.id for person in site.people.values() if person.home in buildings)}
    for place in (site.buildings[each] for each in buildings if each in site.buildings):
        for name in {place.team, *(_team_at(site, other) for other in place.neighbours)}:
            team = site.teams.get(name or "")
            found.update((team.leader, *team.members) if team is not None else ())
        found.update(() if place.manager is None else (place.manager,))
        cell, level = site.grid.get(place.cell), 0
        while cell is not None and level < 3:
            found.add(cell.person)
            cell, level = site.grid.get(cell.parent or ""), level + 1
    return frozenset(found)


def _team_at(site: Site, building: str) -> str | None:
    place = site.buildings.get(building)
    return None if place is None else place.team


def _under(site: Site, cells: Iterable[str]) -> set[str]:
    """The buildings in these grid cells and those below them; a grid that turns in a circle ends after its levels."""
    wanted = set(cells)
    for _ in range(3):
        wanted |= {cell.id for cell in site.grid.values() if cell.parent in wanted}
    return {building.id for building in site.buildings.values() if building.cell in wanted}


def actor_of(site: Site, account: Account, csrf: str = "") -> Actor | None:
    """Who somebody is that has signed in to this account; None if it is closed to them."""
    role = role_of(site, account)
    if role is None or account.disabled_at_ms is not None:
        return None
    person = account.person if account.person in site.people else None
    known = None if person is None else site.people[person]
    return Actor(
        account=account.id,
        name=account.name if known is None else known.name,
        rights=RIGHTS[role],
        person=person,
        role=role,
        buildings=buildings_of(site, account),
        language=account.language or (None if known is None else known.language),
        csrf=csrf,
    )


def may_rule(actor: Actor, site: Site, account: Account) -> bool:
    """True if an actor who may change accounts may make this one, or change one that is so: nobody gives or takes
    rights that they have not got, nor beyond their own buildings.
    """
    role = role_of(site, account)
    if role is not None and not RIGHTS[role] <= actor.rights:
        return False
    if actor.buildings is None:
        return True
    theirs = buildings_of(site, account)
    return theirs is not None and theirs <= actor.buildings


def find_person(site: Site, typed: str) -> str | None:
    """Whom somebody means who asks for a message to their own address: by id, by name, by number or mail address.

    None if it is nobody, or more than one.
    """
    wanted, number = tidy_name(typed), _digits(typed)
    found = {
        person.id
        for person in site.people.values()
        if wanted in (tidy_name(person.id), tidy_name(person.name))
        or any(_same_address(address.to, wanted, number) for address in person.channels)
    }
    return found.pop() if len(found) == 1 else None


def _same_address(to: str, wanted: str, number: str) -> bool:
    return bool(to) and (tidy_name(to) == wanted or (len(number) >= 7 and _digits(to) == number))


def _digits(typed: str) -> str:
    """A telephone number without its dress: +86 138 0013-8000 and 13800138000 are one. "" for what is none."""
    text = unicodedata.normalize("NFKC", typed).strip()
    digits = "".join(each for each in text if each.isdigit())
    if not digits or any(each.isalpha() or each == "@" for each in text):
        return ""
    for country in ("0086", "86"):
        if digits.startswith(country) and len(digits) == len(country) + 11:
            return digits.removeprefix(country)
    return digits
