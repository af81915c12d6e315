"""Who makes a request and what they may see and do. Pure: where the actor comes from is the guard's business.

A role says what somebody may do at all, their buildings say where. What a person may decide about an incident
(reset, stand down, disable) is the engine's to say (`collector/calls/authority.py`), whatever their role here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from config.people import Language


class Role(StrEnum):
    """What somebody is to the community's board."""

    VIEWER = "viewer"  # looks
    RESPONDER = "responder"  # is called, and answers
    LEADER = "leader"  # of a team: measures, drills, rosters
    MANAGER = "manager"  # of buildings or the whole community: people, accounts, the audit log
    ENGINEER = "engineer"  # of the installation: devices, buses, the ledger, tokens


class Right(StrEnum):
    """What a page or a call needs."""

    SEE = "see"  # buildings, devices, incidents, without people's addresses
    ANSWER = "answer"  # one's own word to an incident, a note, a photo
    MEASURE = "measure"  # disablements, walk tests, drills, services and inspections
    ROSTER = "roster"  # absences, swaps, tests of people, signing out a lost phone
    PEOPLE = "people"  # people with their addresses, teams, shifts, who answers for what
    ACCOUNTS = "accounts"  # who may sign in, as what
    AUDIT = "audit"  # who has changed what
    TECHNICAL = "technical"  # raw values, buses, the ledger, the log of decisions
    TOKENS = "tokens"  # API tokens


_SEES = {Right.SEE}
_ANSWERS = _SEES | {Right.ANSWER}
_LEADS = _ANSWERS | {Right.MEASURE, Right.ROSTER}
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset(_SEES),
    Role.RESPONDER: frozenset(_ANSWERS),
    Role.LEADER: frozenset(_LEADS),
    Role.MANAGER: frozenset(_LEADS | {Right.PEOPLE, Right.ACCOUNTS, Right.AUDIT}),
    Role.ENGINEER: frozenset(_ANSWERS | {Right.MEASURE, Right.TECHNICAL, Right.TOKENS, Right.AUDIT}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes this request. `buildings` None: the whole community, and what belongs to no building.

    `person` is who they are on the site, None for somebody who is nobody there: then they may not speak to the
    engine in anybody's name unless `speaks_for_all`, as the installation's own token does. `csrf` is what a form
    of a page must bring back; "" where a form needs none, as the request bears a token.
    """

    account: str
    name: str
    rights: frozenset[Right]
    person: str | None = None
    role: Role | None = None
    buildings: frozenset[str] | None = None
    language: Language | None = None
    csrf: str = ""
    speaks_for_all: bool = False

    def may(self, right: Right, building: str | None = None) -> bool:
        """True if they may do this, in this building; without a building, at least somewhere."""
        return right in self.rights and (building is None or self.sees(building))

    def sees(self, building: str) -> bool:
        """True if the building ("" is the community as a whole) is theirs to see."""
        return self.buildings is None or building == "" or building in self.buildings


NOBODY = Actor("", "", frozenset(), buildings=frozenset())
TOKEN = Actor("token", "token", frozenset(Right), speaks_for_all=True)  # whoever holds the installation's token
LOCAL = Actor("local", "local", frozenset({Right.SEE, Right.TECHNICAL, Right.AUDIT}))  # at the machine itself: looks
