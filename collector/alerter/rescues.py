"""The rescues of an incident as API and pages show them."""

from __future__ import annotations

from collector.alarms.incident import Incident
from collector.alerter.front import Front
from collector.alerter.models import RescueShown
from collector.equipment.rescue import Rescue, limit_ms


def rescues_of(front: Front, incident: Incident) -> list[RescueShown]:
    """One for each elevator with people in it; none once the incident is over: its elevator's log has it then."""
    found = front.desk.engine.kept(Rescue).values()
    return [shown(front, each) for each in found if each.incident == incident.id]


def shown(front: Front, rescue: Rescue) -> RescueShown:
    """One rescue, with the time that is left of it."""
    view, now = front.view, front.clock()
    installed = front.desk.site.devices.get(rescue.device)
    due_ms = rescue.raised_at_ms + limit_ms(front.desk.site, rescue.device)
    return RescueShown(
        device=rescue.device,
        registration=None if installed is None else installed.registration,
        floor=rescue.floor,
        raised_at=view.stamp(rescue.raised_at_ms),
        due_at=view.stamp(due_ms),
        left_s=(due_ms - now) / 1000,
        arrived_at=view.maybe(rescue.arrived_at_ms),
        arrived_by=None if rescue.arrived_by is None else view.who(rescue.arrived_by),
        freed_at=view.maybe(rescue.freed_at_ms),
        freed_by=None if rescue.freed_by is None else view.who(rescue.freed_by),
        missed=(now if rescue.arrived_at_ms is None else rescue.arrived_at_ms) > due_ms,
    )
