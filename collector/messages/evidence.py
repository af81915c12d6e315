"""What speaks for a fire: who or what says so, each place and time, and whether one confirms the other."""

from __future__ import annotations

from collections.abc import Sequence

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Source, detector_of
from config.profile import Condition, Initiating
from config.site import Site


def witnesses(site: Site, alarms: Sequence[Alarm]) -> list[Alarm]:
    """The first alarm of each independent source; a panel's general flag beside its detector is none of its own."""
    found: dict[Source, Alarm] = {}
    for alarm in alarms:
        if alarm.condition is Condition.ALARM and alarm.device in site.devices:
            found.setdefault(Source(alarm.device, detector_of(alarm.point)), alarm)
    panels = {source.device for source in found if source.detector is not None}
    return [alarm for source, alarm in found.items() if source.detector is not None or source.device not in panels]


def is_confirmed(site: Site, alarms: Sequence[Alarm]) -> bool:
    """True for two independent sources, a manual call point that somebody pressed, or a panel's own judgement."""
    return len(witnesses(site, alarms)) > 1 or any(
        _initiating(site, alarm) is not Initiating.AUTOMATIC for alarm in alarms if alarm.condition is Condition.ALARM
    )


def _initiating(site: Site, alarm: Alarm) -> Initiating:
    device, number = site.devices.get(alarm.device), detector_of(alarm.point)
    if device is None:
        return Initiating.AUTOMATIC
    if any(each.number == number and each.type == "manual-call-point" for each in device.detectors):
        return Initiating.MANUAL
    known = site.own_points[device.profile].get(alarm.point)
    if known is None and number is not None:
        known = next((point for point in site.points(device) if point.name == alarm.point), None)
    return Initiating.AUTOMATIC if known is None else known.initiating
