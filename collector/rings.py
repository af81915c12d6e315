"""Who is called next: the rings of the plan, outward, and in the end the emergency contacts."""

from __future__ import annotations

from dataclasses import replace

from collector.agenda import ms_of
from collector.dispatch import people_of
from collector.incident import Incident
from collector.notices import Notices
from collector.state import State
from config.site import Site


class Rings:
    """Calls the rings of incidents, each person of a call once."""

    def __init__(self, site: Site, state: State, notices: Notices) -> None:
        self._site = site
        self._state = state
        self._notices = notices

    def call_next(self, incident: Incident, now: int, waiting: bool = False) -> None:
        """Call the next ring; one that nobody new belongs to, or that has no wait behind it, takes the next along.

        `waiting`: others have just been asked, so that the plan's time runs whoever belongs to the ring.
        """
        rings = self._site.kind_plan(incident.kind).rings
        index, found = incident.rings_called, waiting
        while index < len(rings):
            found = self._call(incident, index, rings[index].call, now) or found
            index += 1
            if found and index < len(rings) and rings[index].after_s > rings[index - 1].after_s:
                break
        next_at = None
        if index < len(rings):
            next_at = now + ms_of(rings[index].after_s - rings[index - 1].after_s)
        else:
            self._state.log(now, "last-ring-called", incident=incident.id)
        incident = replace(incident, rings_called=index, next_step_at_ms=next_at)
        self._state.put_incident(incident)
        if not found:  # whatever the plan says, somebody is called
            self.call_contacts(incident, now)

    def call_contacts(self, incident: Incident, now: int, asks: bool = True) -> None:
        """The emergency contacts, of no ring of the plan."""
        self._call(incident, incident.rings_called, "contacts", now, asks)

    def _call(self, incident: Incident, ring: int, name: str, now: int, asks: bool = True) -> bool:
        """Tell who belongs to a ring and has not been told or answered in this call; False if there is nobody."""
        told = self._notices.told(incident, incident.call)
        new = [each for each in people_of(self._site, incident.building, name) if each[0] not in told]
        facts = [("ring", str(ring)), ("who", name), ("people", str(len(new)))]
        self._state.log(now, "ring-called", incident=incident.id, facts=facts)
        for person, reason in new:
            self._notices.tell(incident, person, reason, ring, now, expects_answer=asks)
        return bool(new)
