"""How long each step of a call-out took, from the records that were made at the time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from collector.alarms.incident import Incident
from collector.alarms.route import Mode
from collector.alerter.models import NoticeShown
from config.profile import Kind
from config.site import Site

# GB 26875.1-2011 cl. 4.1.2.1: an alarm is at the centre within 10 s.
HEARD_WITHIN_MS = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `took_ms` None: it was never made; `target_ms` None: nothing says how long it may take."""

    name: str
    took_ms: int | None
    target_ms: int | None = None

    @property
    def met(self) -> bool | None:
        """Whether it was quick enough; None if nobody can say."""
        return None if self.took_ms is None or self.target_ms is None else self.took_ms <= self.target_ms


def steps(site: Site, incident: Incident, notices: Sequence[NoticeShown]) -> list[Step]:
    """From the cause to enough people, in their order; of an entrapment the rescue clock too."""
    said = incident.responses
    asked = min((_ms(each.created_at) for each in notices if each.expects_answer), default=None)
    handed = [_ms(each.handed_over_at) for notice in notices for each in notice.attempts if each.handed_over_at]
    ways = [
        each.arrived_at_ms - each.going_at_ms
        for each in said
        if each.arrived_at_ms is not None and each.going_at_ms is not None
    ]
    arrived = min((each.arrived_at_ms for each in said if each.arrived_at_ms is not None), default=None)
    going = min((each.going_at_ms for each in said if each.going_at_ms is not None), default=None)
    answered = min((each.first_at_ms or each.at_ms for each in said), default=None)
    fire = incident.kind is Kind.FIRE and incident.route.mode is Mode.LIVE
    way_ms = round(site.kind_plan(incident.kind).arrive_within_s * 1000)
    found = [
        Step("heard", _between(incident.cause_at_ms, incident.opened_at_ms), HEARD_WITHIN_MS if fire else None),
        Step("told", _between(incident.opened_at_ms, min(handed, default=None))),
        Step("answered", _between(asked, answered)),
        Step("going", _between(asked, going)),
        Step("way", min(ways, default=None), way_ms),
        Step("arrived", _between(asked, arrived)),
        Step("enough", _between(incident.call_started_at_ms or None, incident.quorum_at_ms)),
    ]
    if incident.kind is Kind.ENTRAPMENT:
        found.append(Step("rescue", _between(incident.cause_at_ms, arrived), round(site.plan.rescue_s * 1000)))
    return found


def _between(since_ms: int | None, until_ms: int | None) -> int | None:
    return None if since_ms is None or until_ms is None else max(0, until_ms - since_ms)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
