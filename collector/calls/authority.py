"""Who may decide what: a leader of the building's own team, else of its neighbours'; the manager; the contacts."""

from __future__ import annotations

from collector.calls.dispatch import leaders
from config.site import Site


def may_decide(site: Site, building: str, person: str) -> bool:
    """True for who may disable, walk-test, drill or say who is away in a building; "" is the community as a whole."""
    if person in site.contacts:
        return True
    if building not in site.buildings:
        return False
    own, others = leaders(site, building)
    return person in (own or others) or site.buildings[building].manager == person


def leads(site: Site, team: str, person: str) -> bool:
    """True for who may speak for a team: its leader, and the community's contacts."""
    return person in site.contacts or (team in site.teams and site.teams[team].leader == person)
