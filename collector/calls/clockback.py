"""After a restart the clock may be behind what was decided before: a Pi that lost its power has no better one.

Deadlines of open incidents would then be an hour late, or a day. Each incident whose newest stamp lies ahead is moved
back by as much, its notices with it, as if no time had passed since. What people are shown of the past stays.
"""

from __future__ import annotations

from dataclasses import replace

from collector.alarms.incident import Incident
from collector.alarms.verification import FirstHit
from collector.calls.dispatch import Notice
from collector.state import State


def follow_clock_back(state: State, now: int) -> None:
    """Move open incidents that are ahead of `now` back to it. To be called once, when the state has been restored."""
    for incident in list(state.incidents.values()):
        notices = state.notices_of(incident.id)
        ahead_ms = max([*_stamps(incident), *(notice.created_at_ms for notice in notices)], default=now) - now
        if ahead_ms <= 0:
            continue
        state.put_incident(_incident_earlier(incident, ahead_ms))
        for notice in notices:
            state.put_notice(_notice_earlier(notice, ahead_ms))
        state.log(now, "clock-set-back", incident=incident.id, facts=[("by", f"{ahead_ms // 1000} s")])


def _stamps(incident: Incident) -> list[int]:
    """When something was done for it, by the collector's clock; what is only shown to people is not among them."""
    stamps = [incident.call_started_at_ms, incident.quorum_at_ms or 0, *(said.at_ms for said in incident.responses)]
    if incident.first_hit is not None:
        stamps += [incident.first_hit.since_ms, incident.first_hit.answered_at_ms or 0]
    return stamps


def _incident_earlier(incident: Incident, by_ms: int) -> Incident:
    first = incident.first_hit
    return replace(
        incident,
        call_started_at_ms=max(0, incident.call_started_at_ms - by_ms),
        answers_from_ms=_earlier(incident.answers_from_ms, by_ms),
        quorum_at_ms=_earlier(incident.quorum_at_ms, by_ms),
        next_step_at_ms=_earlier(incident.next_step_at_ms, by_ms),
        recall_at_ms=_earlier(incident.recall_at_ms, by_ms),
        short_at_ms=_earlier(incident.short_at_ms, by_ms),
        responses=tuple(replace(said, at_ms=said.at_ms - by_ms) for said in incident.responses),
        first_hit=None if first is None else _first_hit_earlier(first, by_ms),
    )


def _first_hit_earlier(first: FirstHit, by_ms: int) -> FirstHit:
    return replace(
        first,
        since_ms=first.since_ms - by_ms,
        answered_at_ms=_earlier(first.answered_at_ms, by_ms),
        hits=tuple(replace(hit, heard_at_ms=hit.heard_at_ms - by_ms) for hit in first.hits),
    )


def _notice_earlier(notice: Notice, by_ms: int) -> Notice:
    return replace(
        notice,
        created_at_ms=notice.created_at_ms - by_ms,
        next_repeat_at_ms=_earlier(notice.next_repeat_at_ms, by_ms),
        next_channel_at_ms=_earlier(notice.next_channel_at_ms, by_ms),
        waits_until_ms=_earlier(notice.waits_until_ms, by_ms),
    )


def _earlier(at_ms: int | None, by_ms: int) -> int | None:
    return None if at_ms is None else at_ms - by_ms
