"""What people say beside their answers: that it is a false alarm, that they need more people.

A false alarm is believed of who is there; of anybody else it is shown only, a leader too: who was not there has not
looked. A leader who ends the call from afar all the same stands it down, in their own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.alarms.alarm import LATCHING
from collector.alarms.conditions import Conditions
from collector.alarms.firsthit import FirstHits
from collector.alarms.incident import Answer, Incident, Remark, Word
from collector.alarms.route import LIVE, Mode
from collector.calls import belated
from collector.calls.authority import may_decide
from collector.calls.belated import TWIN_MS
from collector.calls.callout import CallOut
from collector.commands import FalseAlarm, NeedMore, Refused
from collector.part import Handler, Part
from collector.state import State
from config.profile import Condition
from config.site import Site

CALLS = (Condition.ALARM, Condition.PRE_ALARM)  # what more people can be called to


class Remarks(Part):
    """Carries out FalseAlarm and NeedMore."""

    def __init__(
        self, site: Site, state: State, conditions: Conditions, call_out: CallOut, first_hits: FirstHits
    ) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._call_out = call_out
        self._first_hits = first_hits

    def handlers(self) -> Mapping[type, Handler]:
        """FalseAlarm, NeedMore."""
        return {FalseAlarm: self._false_alarm, NeedMore: self._need_more}

    def _false_alarm(self, command: FalseAlarm, now: int) -> None:
        """The latch stays until the reset; only the call ends, and nothing becomes loud by itself."""
        incident = self._incident(command)
        said_at_ms = belated.check(incident, command.said_at_ms, now)
        there = _answer(incident, command.person) is Answer.ARRIVED
        obeyed = there and incident.route.mode is not Mode.DRILL  # which its leader ends, and which is no alarm
        if command.said_at_ms is not None:
            alarms = self._state.alarms_of(incident)
            obeyed = obeyed and not belated.has_changed(incident, alarms, command.person, said_at_ms)
        if not self._remark(incident, command.person, Word.FALSE_ALARM, obeyed, said_at_ms):
            return
        event = "false-alarm" if obeyed else "false-alarm-not-obeyed"
        self._state.log(now, event, incident=incident.id, person=command.person)
        if obeyed:
            self._call_out.stand_down(self._state.incidents[incident.id], command.person, now)
            self._first_hits.dismissed(self._state.incidents[incident.id], now)

    def _need_more(self, command: NeedMore, now: int) -> None:
        incident = self._incident(command)
        said_at_ms = belated.check(incident, command.said_at_ms, now)
        if command.said_at_ms is not None and incident.stood_down_by is not None:
            raise Refused("changed-since", "The call was ended since this was said: look again, and say it anew.")
        if incident.route.mode in (Mode.DISABLED, Mode.WALK_TEST):
            self._call_to_what_is_aside(incident, command.person, now)
            return
        coming = _answer(incident, command.person) in (Answer.GOING, Answer.ARRIVED)
        if not (coming or self._decides(incident, command.person)):
            raise Refused("not-authorised", "More people are called for who is going or there, or for a leader.")
        if incident.condition not in CALLS:
            raise Refused("no-call", "Nobody is called out to this: only leader and manager know of it.")
        if not self._is_new(incident, command, said_at_ms):
            return
        self._remark(incident, command.person, Word.NEED_MORE, True, said_at_ms)
        self._state.log(now, "need-more", incident=incident.id, person=command.person)
        incident = self._state.incidents[incident.id]
        if incident.verifying:
            self._first_hits.more(incident, now)
        else:
            self._call_out.more(incident, now)

    def _call_to_what_is_aside(self, incident: Incident, person: str, now: int) -> None:
        """Whoever was told of a fire that a disablement or a walk test holds back may find that it is real."""
        told = any(notice.person == person for notice in self._state.notices_of(incident.id))
        if not (told or self._decides(incident, person)):
            raise Refused("not-authorised", "More people are called for who was told of this, or for a leader.")
        alarms = [alarm for alarm in self._state.alarms_of(incident) if alarm.condition in LATCHING]
        if not alarms:
            raise Refused("no-call", "Nothing here is an alarm that people could be called to.")
        self._remark(incident, person, Word.NEED_MORE, True, now)
        self._state.log(now, "need-more", incident=incident.id, person=person)
        for alarm in alarms:
            self._conditions.reroute(alarm, now, LIVE)

    # --- inside ---------------------------------------------------------------------------------------

    def _incident(self, command: FalseAlarm | NeedMore) -> Incident:
        incident = self._state.incidents.get(command.incident)
        if incident is None and command.incident in self._state.closed:
            raise Refused("closed", "This incident is closed.")
        if incident is None:
            raise Refused("unknown-incident", "There is no open incident with this id.")
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        return incident

    def _is_new(self, incident: Incident, command: NeedMore, said_at_ms: int) -> bool:
        """False for what a phone sends twice: it calls more people once."""
        said = (each for each in incident.remarks if (each.person, each.word) == (command.person, Word.NEED_MORE))
        return command.said_at_ms is None or all(each.at_ms < said_at_ms - TWIN_MS for each in said)

    def _decides(self, incident: Incident, person: str) -> bool:
        return may_decide(self._site, incident.building, person)

    def _remark(self, incident: Incident, person: str, word: Word, obeyed: bool, at_ms: int) -> bool:
        """Note it in place of the person's last; False if they have called just that false in this call already."""
        said = [each for each in incident.remarks if (each.person, each.word) == (person, word)]
        if word is Word.FALSE_ALARM and any((each.call, each.obeyed) == (incident.call, obeyed) for each in said):
            return False
        kept = tuple(each for each in incident.remarks if each not in said)
        remark = Remark(person, word, at_ms, incident.call, obeyed)
        self._state.put_incident(replace(incident, remarks=(*kept, remark)))
        return True


def _answer(incident: Incident, person: str) -> Answer | None:
    """What somebody has answered last, to whichever call: who is there stays there."""
    return next((each.answer for each in incident.responses if each.person == person), None)
