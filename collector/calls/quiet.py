"""Quiet hours: news of lesser classes wait for their end. Alarms and pre-alarms never wait."""

from __future__ import annotations

from datetime import datetime

from config.profile import Condition
from config.site import Site

SPANS_MAX = 14  # quiet hours that follow each other without a pause


def quiet_until(site: Site, condition: Condition, now: int) -> int | None:
    """When news of this class may be told, UTC ms; None if they may be told now."""
    quiet = site.plan.quiet
    if quiet is None or condition.value not in quiet.classes:
        return None
    until, at = None, site.local(now)
    for _ in range(SPANS_MAX):
        day = quiet.hours.day_of(at, site.community.calendar)
        if day is None:
            break
        at = quiet.hours.span_of(day)[1].replace(tzinfo=site.zone)
        until = _ms(at)
    return until


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
