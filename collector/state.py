"""What is open, and what has changed since the last decision. Nothing of a decision changes but through here."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Entry, Incident
from collector.alarms.route import LIVE, Route
from collector.calls.dispatch import Notice
from collector.storage.kept import Forgotten, Kept
from config.profile import Condition, Kind

CLOSED_REMEMBERED_MAX = 256
_IS_ID = re.compile("[0-9a-f]{16}")

K = TypeVar("K", bound=Kept)


@dataclass(frozen=True, slots=True)
class Decision:
    """What changed: rows to upsert, in one transaction. `urgent`: an alarm or a notice is among them, commit now."""

    alarms: tuple[Alarm, ...] = ()
    incidents: tuple[Incident, ...] = ()
    notices: tuple[Notice, ...] = ()
    entries: tuple[Entry, ...] = ()
    urgent: bool = False
    kept: tuple[Kept | Forgotten, ...] = ()
    kept_before: tuple[Kept | None, ...] = ()  # what each of `kept` was; None: it was not

    @property
    def empty(self) -> bool:
        """True if nothing changed."""
        return not (self.alarms or self.incidents or self.notices or self.entries or self.kept)


NOTHING = Decision()


@dataclass(frozen=True, slots=True)
class Restored:
    """What the store kept of all that is open. `last_id`: the highest incident or notice id ever given, if known."""

    alarms: tuple[Alarm, ...] = ()
    incidents: tuple[Incident, ...] = ()
    notices: tuple[Notice, ...] = ()
    last_id: str = ""
    kept: tuple[Kept, ...] = ()


class State:
    """Alarms that are not normal, open incidents, and their notices."""

    def __init__(self, restored: Restored) -> None:
        self.alarms = {alarm.key: alarm for alarm in restored.alarms if alarm.phase is not Phase.NORMAL}
        self.incidents = {incident.id: incident for incident in restored.incidents if incident.open}
        self.notices = {notice.id: notice for notice in restored.notices if notice.incident in self.incidents}
        self._open_of: dict[tuple[str, Kind, Route], str] = {}
        self.closed: dict[str, None] = {}  # ids of incidents closed lately, to say "closed" rather than "unknown"
        self._notices_of: dict[str, list[str]] = {}
        self._notices_to: dict[tuple[str, str], list[str]] = {}  # by incident and person
        self._changed_alarms: dict[str, Alarm] = {}
        self._changed_incidents: dict[str, Incident] = {}
        self._changed_notices: dict[str, Notice] = {}
        self._entries: list[Entry] = []
        self._kept: defaultdict[type[Kept], dict[str, Any]] = defaultdict(dict)
        self._changed_kept: dict[tuple[type[Kept], str], Kept | Forgotten] = {}
        self._kept_before: dict[tuple[type[Kept], str], Kept | None] = {}
        for item in restored.kept:
            self._kept[type(item)][item.id] = item
        for incident in self.incidents.values():
            self._open_of[incident.building, incident.kind, incident.route] = incident.id
        for notice in self.notices.values():
            self._note(notice)
        ids = [restored.last_id, *(i.id for i in restored.incidents), *(n.id for n in restored.notices)]
        ids += [item.id for item in restored.kept if item.NUMBERED and _IS_ID.fullmatch(item.id)]
        self._last_id = int(max(ids) or "0", 16)

    def next_id(self, now: int) -> str:
        """A new id: sixteen hexadecimal digits, the time and a counter, ascending also over a restart."""
        self._last_id = max(now << 16, self._last_id + 1)
        return f"{self._last_id:016x}"

    def open_incident(self, building: str, kind: Kind, route: Route = LIVE) -> Incident | None:
        """The open incident of a building and kind on this route."""
        return self.incidents.get(self._open_of.get((building, kind, route), ""))

    def kept(self, what: type[K]) -> dict[str, K]:
        """Everything kept of a class, by id. Look, never change."""
        return self._kept[what]

    def keep(self, item: Kept) -> None:
        """A new or changed thing to be kept."""
        theirs = self._kept[type(item)]
        self._kept_before.setdefault((type(item), item.id), theirs.get(item.id))
        theirs[item.id] = item
        self._changed_kept[type(item), item.id] = item

    def forget(self, item: Kept) -> None:
        """A thing that is no more."""
        before = self._kept[type(item)].pop(item.id, None)
        if before is not None:
            self._kept_before.setdefault((type(item), item.id), before)
            self._changed_kept[type(item), item.id] = Forgotten(type(item), item.id)

    def notices_of(self, incident: str) -> list[Notice]:
        """All notices of an open incident, oldest first."""
        return [self.notices[notice] for notice in self._notices_of.get(incident, ())]

    def notices_to(self, incident: Incident, person: str) -> list[Notice]:
        """The notices of an open incident to one person, oldest first."""
        return [self.notices[notice] for notice in self._notices_to.get((incident.id, person), ())]

    def notices_of_call(self, incident: Incident) -> list[Notice]:
        """The notices of an incident's present call, oldest first. Calls follow each other, so they are the last."""
        theirs: list[Notice] = []
        for name in reversed(self._notices_of.get(incident.id, [])):
            notice = self.notices[name]
            if notice.call != incident.call:
                break
            theirs.append(notice)
        return theirs[::-1]

    def alarms_of(self, incident: Incident) -> list[Alarm]:
        """The conditions of an incident that are not normal."""
        alarms = self.alarms
        return [alarms[key] for key in incident.alarms if key in alarms and alarms[key].incident == incident.id]

    def put_alarm(self, alarm: Alarm) -> None:
        """A new or changed alarm; one that is normal is no longer open."""
        self._changed_alarms[alarm.key] = alarm
        if alarm.phase is Phase.NORMAL:
            self.alarms.pop(alarm.key, None)
        else:
            self.alarms[alarm.key] = alarm

    def put_incident(self, incident: Incident) -> None:
        """A new or changed incident; a closed one leaves memory with its notices."""
        self._changed_incidents[incident.id] = incident
        if incident.open:
            self.incidents[incident.id] = incident
            self._open_of[incident.building, incident.kind, incident.route] = incident.id
            return
        self.incidents.pop(incident.id, None)
        place = (incident.building, incident.kind, incident.route)
        if self._open_of.get(place) == incident.id:
            del self._open_of[place]
        for notice in self._notices_of.pop(incident.id, ()):
            self._notices_to.pop((incident.id, self.notices.pop(notice).person), None)
        self.closed[incident.id] = None
        if len(self.closed) > CLOSED_REMEMBERED_MAX:
            del self.closed[next(iter(self.closed))]

    def put_notice(self, notice: Notice) -> None:
        """A new or changed notice of an open incident."""
        self._changed_notices[notice.id] = notice
        if notice.id not in self.notices:
            self._note(notice)
        self.notices[notice.id] = notice

    def _note(self, notice: Notice) -> None:
        self._notices_of.setdefault(notice.incident, []).append(notice.id)
        self._notices_to.setdefault((notice.incident, notice.person), []).append(notice.id)

    def send(self, notice: Notice) -> None:
        """A new or changed notice that belongs to no incident: it is stored and sent, and not held here."""
        self._changed_notices[notice.id] = notice

    def log(
        self,
        now: int,
        event: str,
        *,
        incident: str | None = None,
        device: str | None = None,
        person: str | None = None,
        facts: Iterable[tuple[str, str]] = (),
    ) -> None:
        """A line of the timeline."""
        self._entries.append(Entry(now, event, incident, device, person, tuple(facts)))

    @property
    def changed_alarms(self) -> tuple[Alarm, ...]:
        """The alarms that have changed since the last `take`, as they are now."""
        return tuple(self._changed_alarms.values())

    @property
    def changed_incidents(self) -> tuple[Incident, ...]:
        """The incidents that have changed since the last `take`, as they are now."""
        return tuple(self._changed_incidents.values())

    @property
    def has_changed(self) -> bool:
        """True if `take` has something to give."""
        changed = self._changed_alarms or self._changed_incidents or self._changed_notices
        return bool(self._entries or self._changed_kept or changed)

    def take(self) -> Decision:
        """Everything that has changed since the last call."""
        if not self.has_changed:
            return NOTHING
        alarms = tuple(self._changed_alarms.values())
        decision = Decision(
            alarms=alarms,
            incidents=tuple(self._changed_incidents.values()),
            notices=tuple(self._changed_notices.values()),
            entries=tuple(self._entries),
            urgent=bool(self._changed_notices) or any(alarm.condition is Condition.ALARM for alarm in alarms),
            kept=tuple(self._changed_kept.values()),
            kept_before=tuple(self._kept_before[key] for key in self._changed_kept),
        )
        self._changed_alarms.clear()
        self._changed_incidents.clear()
        self._changed_notices.clear()
        self._entries.clear()
        self._changed_kept.clear()
        self._kept_before.clear()
        return decision
