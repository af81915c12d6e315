"""The engine's words turned into what people and programs see (`models`): places, names, texts, local time.

Reads only what it is given; asks no store and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from collector.alarms.alarm import Alarm, Phase, first_key, has_outlived
from collector.alarms.incident import Answer, Entry, Incident, detector_of
from collector.alarms.measures import NOT_ASIDE, Untils
from collector.alarms.verification import due_at
from collector.alarms.watch import DeviceState, Heard
from collector.alerter.models import (
    AttemptShown,
    ConditionShown,
    DeviceShown,
    EntryShown,
    FirstHitShown,
    Flags,
    IncidentDetail,
    IncidentShown,
    NoticeShown,
    RemarkShown,
    ResponseShown,
    ValueShown,
    Where,
    Who,
)
from collector.calls.dispatch import Notice
from collector.calls.quorum import counting, missing_skills, wanted
from collector.calls.reach import UNREACHABLE
from collector.messages.conditionwords import CLASSES
from collector.messages.wording import condition_words, said_words
from collector.storage.records import Attempt
from config.people import Language, Text
from config.profile import Condition, Limit, Point
from config.site import Device, Site
from config.words import DRILL, Quality

LANGUAGES: tuple[Language, ...] = ("zh", "en")
SYSTEM = "system"  # the device of a condition of the system itself; its point is the part
NOT_HEARD = "not heard yet"
PLACES_KEPT_MAX = 10_000  # where() is asked for every device of every board


class View:
    """Everything that is shown, for one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.points = cache(self._points)
        self.own_points = cache(self._own_points)
        self.where = lru_cache(PLACES_KEPT_MAX)(self._where)

    def stamp(self, at_ms: int) -> datetime:
        """UTC ms -> the site's own time, with its offset. The desk lets no stamp in that no calendar holds."""
        return datetime.fromtimestamp(at_ms // 1000, self.site.zone) + timedelta(milliseconds=at_ms % 1000)

    def maybe(self, at_ms: int | None) -> datetime | None:
        """The same where there may be no time."""
        return None if at_ms is None else self.stamp(at_ms)

    def who(self, person: str) -> Who:
        """A person by id; one who has left the site keeps the id as name."""
        known = self.site.people.get(person)
        return Who(id=person, name=known.name if known else person)

    def condition(self, alarm: Alarm) -> ConditionShown:
        """A condition that is not normal."""
        return ConditionShown(
            key=alarm.key,
            device=alarm.device,
            point=alarm.point,
            condition=alarm.condition,
            kind=alarm.kind,
            phase=alarm.phase,
            text=self._text(alarm.key, alarm.device, alarm.point),
            value=alarm.value
            if alarm.point != UNREACHABLE
            else said_words(self.site, alarm, self.site.community.language),
            where=self.where(alarm.building, alarm.device, alarm.point),
            raised_at=self.stamp(alarm.raised_at_ms),
            heard_at=self.stamp(alarm.heard_at_ms),
            returned_at=self.maybe(alarm.returned_at_ms),
        )

    def incident(self, incident: Incident, alarms: Mapping[str, Alarm]) -> IncidentShown:
        """An incident with its conditions as they are now."""
        return IncidentShown(**self._incident(incident, alarms))

    def detail(
        self,
        incident: Incident,
        alarms: Mapping[str, Alarm],
        notices: Iterable[tuple[Notice, Iterable[Attempt]]],
        entries: Iterable[Entry],
    ) -> IncidentDetail:
        """An incident with everything that was done about it."""
        return IncidentDetail(
            **self._incident(incident, alarms),
            notices=[self._notice(notice, attempts) for notice, attempts in notices],
            timeline=[self.entry(entry) for entry in entries],
        )

    def entry(self, entry: Entry) -> EntryShown:
        """A line of the timeline."""
        return EntryShown(
            at=self.stamp(entry.at_ms),
            event=entry.event,
            device=entry.device,
            person=self.who(entry.person) if entry.person else None,
            facts=dict(entry.facts),
        )

    def device(
        self,
        device: Device,
        state: DeviceState | None,
        alarms: list[Alarm],
        now: int,
        detectors: bool,
        aside: Untils = NOT_ASIDE,
    ) -> DeviceShown:
        """A device with its values; those of a panel's detectors only if asked for (there may be 200)."""
        heard_at = state.heard_at_ms if state else None
        values = state.values if state else {}
        return DeviceShown(
            id=device.id,
            profile=device.profile,
            title=dict(self.site.profiles[device.profile].title),
            gateway=self.site.gateway_of[device.id],
            where=self.where(device.place.building, device.id),
            registration=device.registration,
            online=state.online if state else None,
            cause=None if state and state.online else state.cause if state else NOT_HEARD,
            heard_at=self.maybe(heard_at),
            age_s=_age_s(heard_at, now),
            disabled_until=self.maybe(aside.disabled_ms.get(device.id)),
            tested_until=self.maybe(aside.tested_ms.get(device.id)),
            flags=flags(alarms),
            conditions=[self.condition(alarm) for alarm in alarms],
            values=[
                self.value(point, values.get(point.name), now)
                for point in (self.points(device.id).values() if detectors else self.own_points(device.id))
            ],
        )

    def _points(self, device: str) -> dict[str, Point]:
        return {point.name: point for point in self.site.points(self.site.devices[device])}

    def _own_points(self, device: str) -> tuple[Point, ...]:
        """Without those of a panel's detectors."""
        return tuple(point for point in self.points(device).values() if point.detector is None)

    def _where(self, building: str, device: str | None = None, point: str | None = None) -> Where:
        """A building (any other id: the community), or the place in it of a device or of a panel's detector."""
        known = self.site.buildings.get(building)
        community = self.site.community
        name, address = (known.name, known.address) if known else (community.name[community.language], "")
        installed = self.site.devices.get(device or "")
        if installed is None:
            return Where(building=building, building_name=name, address=address)
        number = detector_of(point or "")
        place = next((each.place for each in installed.detectors if each.number == number), installed.place)
        return Where(
            building=building,
            building_name=name,
            address=address,
            floor=place.floor,
            flat=place.flat,
            note=place.note,
        )

    def _text(self, key: str, device: str, point: str) -> Text:
        """The words of a condition, as in the notices."""
        words = {language: condition_words(self.site, key, device, point, language) for language in LANGUAGES}
        return {language: text[:1].upper() + text[1:] for language, text in words.items()}

    def _class(self, key: str, device: str, point: str) -> Condition:
        """The class of a condition by its name; what no profile declares is a trouble, but for a drill's own."""
        if device == DRILL or has_outlived(key):
            return Condition.ALARM
        source = self._source(key, device, point)
        if source is not None and source.condition.is_flag:
            return source.condition
        return CLASSES.get(point.rpartition("/")[2], Condition.TROUBLE)

    def _source(self, key: str, device: str, point: str) -> Limit | Point | None:
        """What declares a condition: the limit that its key names, else its point; None if no profile does."""
        known = self.points(device).get(point) if device in self.site.devices else None
        limits = known.register.limits if known is not None and known.register.limits else {}
        return limits.get(key.removeprefix(f"{device}:{point}:"), known)

    def _incident(self, incident: Incident, alarms: Mapping[str, Alarm]) -> dict[str, Any]:
        plan = self.site.kind_plan(incident.kind)
        return {
            "id": incident.id,
            "kind": incident.kind,
            "open": incident.open,
            "where": self.where(incident.building),
            "cause_at": self.stamp(incident.cause_at_ms),
            "opened_at": self.stamp(incident.opened_at_ms),
            "closed_at": self.maybe(incident.closed_at_ms),
            "mode": incident.route.mode,
            "not_the_drill": incident.not_the_drill,
            "full_call": incident.full_call,
            "conditions": [self._condition_of(incident, key, alarms.get(key)) for key in incident.alarms],
            "responses": [
                ResponseShown(
                    person=self.who(each.person),
                    answer=each.answer,
                    at=self.stamp(each.at_ms),
                    call=each.call,
                    overdue=each.answer is Answer.GOING and each.overdue_at_ms is not None,
                    skills=list(known.skills if (known := self.site.people.get(each.person)) else ()),
                )
                for each in incident.responses
            ],
            "coming": len(counting(incident)),
            "acknowledged_by": [self.who(person) for person in incident.acknowledged_by],
            "call": incident.call,
            "rings_called": incident.rings_called,
            "rings": len(plan.rings),
            "quorum": wanted(self.site, incident),
            "quorum_at": self.maybe(incident.quorum_at_ms),
            "skills_missing": list(missing_skills(self.site, incident)) if incident.full_call else [],
            "stood_down_by": self.who(incident.stood_down_by) if incident.stood_down_by else None,
            "false_alarm_by": self.who(incident.false_alarm_by) if incident.false_alarm_by else None,
            "first_hit": self._first_hit(incident),
            "remarks": [
                RemarkShown(
                    person=self.who(each.person),
                    word=each.word,
                    at=self.stamp(each.at_ms),
                    call=each.call,
                    obeyed=each.obeyed,
                )
                for each in incident.remarks
            ],
        }

    def _first_hit(self, incident: Incident) -> FirstHitShown | None:
        first = incident.first_hit
        if first is None:
            return None
        zone = self.site.zones.get(first.zone)
        return FirstHitShown(
            stage=first.stage,
            zone=first.zone,
            zone_name=zone.name if zone else first.zone,
            members=first.members,
            since=self.stamp(first.since_ms),
            loud_at=self.stamp(due_at(self.site, first)) if incident.open and incident.verifying else None,
            cause=first.cause,
        )

    def _condition_of(self, incident: Incident, key: str, alarm: Alarm | None) -> ConditionShown:
        """A condition of this incident; once reset the engine has let go of it and only its name is left."""
        if alarm is not None and alarm.incident in (None, incident.id):
            return self.condition(alarm)
        device, _, rest = first_key(key).partition(":")
        point = rest if device == SYSTEM else rest.partition(":")[0]
        return ConditionShown(
            key=key,
            device=device,
            point=point,
            condition=self._class(key, device, point),
            kind=incident.kind,
            phase=Phase.NORMAL,
            text=self._text(key, device, point),
            where=self.where(incident.building, device, point),
            raised_at=None,
        )

    def _notice(self, notice: Notice, attempts: Iterable[Attempt]) -> NoticeShown:
        person = self.site.people.get(notice.person)
        channels = person.channels if person else ()
        return NoticeShown(
            id=notice.id,
            person=self.who(notice.person),
            channel=channels[notice.channel].channel if notice.channel < len(channels) else str(notice.channel),
            reason=notice.reason,
            ring=notice.ring,
            call=notice.call,
            cause_at=self.stamp(notice.cause_at_ms),
            heard_at=self.stamp(notice.heard_at_ms),
            created_at=self.stamp(notice.created_at_ms),
            expects_answer=notice.expects_answer,
            sendings_due=notice.due,
            superseded_at=self.maybe(notice.superseded_at_ms),
            others=list(notice.others),
            told_in=notice.told_in,
            attempts=[
                AttemptShown(
                    sending=each.sending,
                    channel=each.channel,
                    at=self.stamp(each.at_ms),
                    handed_over_at=self.maybe(each.handed_over_at_ms),
                    error=each.error,
                    permanent=each.permanent,
                )
                for each in attempts
            ],
        )

    def value(self, point: Point, heard: Heard | None, now: int) -> ValueShown:
        """The newest value of a point."""
        reading = heard.reading if heard else None
        value = reading.value if reading else None
        meaning = (point.register.values or {}).get(value) if point.bit is None and isinstance(value, int) else None
        return ValueShown(
            point=point.name,
            text=dict(point.text),
            condition=point.condition,
            value=value.hex() if isinstance(value, bytes) else value,
            value_text=dict(meaning) if meaning else None,
            unit=point.register.unit if point.bit is None else None,
            quality=(reading.quality if reading else Quality.STALE).name.lower(),
            cause=reading.cause if reading else NOT_HEARD,
            at=self.maybe(heard.at_ms if heard else None),
            age_s=_age_s(heard.at_ms if heard else None, now),
        )


def flags(alarms: Iterable[Alarm]) -> Flags:
    """Which conditions hold, each for itself; a latched one holds."""
    held = {alarm.condition.value.replace("-", "_") for alarm in alarms if alarm.condition.is_flag}
    return Flags(**dict.fromkeys(held, True))


def by_device(alarms: Iterable[Alarm]) -> dict[str, list[Alarm]]:
    """Alarms of each device, in order of arrival."""
    grouped: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        grouped.setdefault(alarm.device, []).append(alarm)
    return grouped


def _age_s(at_ms: int | None, now: int) -> float | None:
    """Seconds since then; a source whose clock runs ahead is not younger than now."""
    return None if at_ms is None else max(0, now - at_ms) / 1000
