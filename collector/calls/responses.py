"""What people say of an incident: that they have seen it, go, cannot, are there; that it is reset, or stood down.

Who may say it, and whether it is said of what they saw, is decided here; what follows is the call-out's and the
conditions'. What is said from a phone without a network comes late, see `belated`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector.alarms.alarm import LATCHING, Phase
from collector.alarms.conditions import Conditions
from collector.alarms.firsthit import FirstHits
from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.alarms.watch import Watch
from collector.calls import belated
from collector.calls.callout import CallOut
from collector.calls.dispatch import leaders
from collector.calls.drill import Drills
from collector.commands import Acknowledge, Answered, Refused, Reset, StandDown
from collector.part import Handler, Part
from collector.state import State
from config.site import Site


class Responses(Part):
    """Takes people's words of open incidents."""

    def __init__(
        self,
        site: Site,
        state: State,
        conditions: Conditions,
        call_out: CallOut,
        first_hits: FirstHits,
        watch: Watch,
        drills: Drills,
        others: Sequence[Part],
    ) -> None:
        """`others` are asked before a reset."""
        self._site = site
        self._state = state
        self._conditions = conditions
        self._call_out = call_out
        self._first_hits = first_hits
        self._watch = watch
        self._drills = drills
        self._others = others

    def handlers(self) -> Mapping[type, Handler]:
        """See `Part`."""
        return dict.fromkeys((Answered, Acknowledge, Reset, StandDown), self._said)

    # --- inside ---------------------------------------------------------------------------------------

    def _said(self, command: Answered | Acknowledge | Reset | StandDown, now: int) -> None:
        incident = self._state.incidents.get(command.incident)
        if incident is None:
            if command.incident in self._state.closed:
                raise Refused("closed", "This incident is closed.")
            raise Refused("unknown-incident", "There is no open incident with this id.")
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        drill = incident.route.mode is Mode.DRILL
        if not isinstance(command, Acknowledge):
            belated.check(incident, command.said_at_ms, now)
        if isinstance(command, Reset | StandDown):
            alarms = self._state.alarms_of(incident)
            belated.check_unchanged(incident, alarms, command.person, command.said_at_ms)
        if isinstance(command, Reset) and drill:
            raise Refused("drill", "A drill needs no reset: end it instead.")
        if isinstance(command, Reset):
            self._check_reset(incident, command.person)
            self._state.log(now, "reset", incident=incident.id, person=command.person)
            self._conditions.reset(incident, command.person, now)
        elif isinstance(command, StandDown):
            if command.person not in self._leaders(incident):
                raise Refused("not-authorised", "Only a leader of the teams called may stand a call-out down.")
            if drill:
                self._drills.stood_down(incident, command.person, now)
            else:
                self._call_out.stand_down(incident, command.person, now)
                self._first_hits.dismissed(self._state.incidents[incident.id], now)
        else:
            for each in (incident, *self._call_out.told_with(incident, command.person)):
                if not _is_outdated(each, command):
                    self._answered(each, command, now)

    def _answered(self, incident: Incident, command: Answered | Acknowledge, now: int) -> None:
        """A person has seen an incident, and may have said whether they go."""
        self._call_out.acknowledge(incident, command.person, now)
        if isinstance(command, Acknowledge) or command.answer is not Answer.CANNOT:
            self._conditions.acknowledge(incident, now)
        self._first_hits.acknowledged(self._state.incidents[incident.id], command.person, now)
        if isinstance(command, Answered):
            said_at_ms = now if command.said_at_ms is None else command.said_at_ms
            known = self._state.incidents[incident.id]
            self._call_out.answer(known, command.person, command.answer, said_at_ms, now)
            self._first_hits.answered(self._state.incidents[incident.id], command.person, command.answer, now)

    def _check_reset(self, incident: Incident, person: str) -> None:
        building = self._site.buildings.get(incident.building)
        arrived = any(r.person == person and r.answer is Answer.ARRIVED for r in incident.responses)
        manager = building is not None and building.manager == person
        if not (arrived or manager or person in self._leaders(incident)):
            raise Refused("not-authorised", "Reset is for a leader, the manager, or a responder who has arrived.")
        alarms = [alarm for alarm in self._state.alarms_of(incident) if alarm.condition in LATCHING]
        if not alarms:
            raise Refused("nothing-to-reset", "Nothing in this incident waits for a reset.")
        if any(alarm.source_active for alarm in alarms):
            raise Refused("source-in-alarm", "A device is still in alarm.")
        for part in self._others:
            part.check_reset(incident)
        if any(self._owes(alarm.device) for alarm in alarms):
            raise Refused("owes-records", "The gateway still owes records: what they say must be known first.")
        if any(alarm.phase is Phase.RETURNED for alarm in alarms):
            raise Refused("not-acknowledged", "Nobody has acknowledged this yet.")

    def _owes(self, device: str) -> bool:
        """True while a gateway is known to owe records, be it gone, or may owe some as it has not been heard yet.

        One that is gone, and of which nothing is known to be missing, is not waited for.
        """
        state = self._watch.devices.get(device)
        gateway = self._watch.gateways.get(state.gateway) if state is not None else None
        return gateway is not None and (gateway.owes or (gateway.owes is None and gateway.online is not False))

    def _leaders(self, incident: Incident) -> set[str]:
        """The leaders who may decide: the own team's, and of the neighbours' teams those who were called."""
        if incident.building not in self._site.buildings:
            return set(self._site.contacts)
        own, others = leaders(self._site, incident.building)
        called = {notice.person for notice in self._state.notices_of(incident.id)}
        return {*own, *(leader for leader in others if leader in called)}


def _is_outdated(incident: Incident, command: Answered | Acknowledge) -> bool:
    """True for an answer that was given to an earlier call of this incident, or before another of the same person."""
    if isinstance(command, Acknowledge) or command.said_at_ms is None:
        return False
    overtaken = belated.is_overtaken(incident, command.person, command.answer, command.said_at_ms)
    return overtaken or belated.answers_before(incident, command.said_at_ms)
