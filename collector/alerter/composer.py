"""Makes letters: the words of a notice as things stand now, where they go, and the same facts for machines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Incident
from collector.alerter.channels import Letter
from collector.calls.dispatch import Notice, Reason
from collector.calls.pulse import gateway_of
from collector.equipment.rescue import Rescue
from collector.messages.message import Words, describe, describe_unrecorded
from collector.messages.roundup import SHOWN_MAX, describe_many
from collector.messages.sounds import sound_of
from collector.state import K
from config.site import Site
from config.words import PULSE


class Happening(Protocol):
    """What the notifier reads of the engine: what is open now."""

    @property
    def incidents(self) -> Mapping[str, Incident]: ...
    @property
    def alarms(self) -> Mapping[str, Alarm]: ...
    def kept(self, what: type[K]) -> Mapping[str, K]: ...


class Composer:
    """`incident_of` finds an incident that is no longer open; `answer_url(incident, person, now)` makes links."""

    def __init__(
        self,
        site: Site,
        happening: Happening,
        incident_of: Callable[[str], Awaitable[Incident | None]],
        answer_url: Callable[[str, str, int], str],
    ) -> None:
        self._site = site
        self._happening = happening
        self._incident_of = incident_of
        self._answer_url = answer_url

    async def letter(self, notice: Notice, urgent: bool, now: int) -> Letter | None:
        """The letter of a notice; None if its incident is gone. The person and channel must be the site's."""
        if notice.reason is Reason.PULSE:
            return self._pulse(notice)
        incident = self._happening.incidents.get(notice.incident) or await self._incident_of(notice.incident)
        if incident is None:
            return None
        alarms = [self._happening.alarms[key] for key in incident.alarms if key in self._happening.alarms]
        url = self._answer_url(notice.incident, notice.person, now)
        facts = {
            **_facts(incident),
            "condition": incident.condition.value,
            "sound": sound_of(incident, notice).value,
            "reason": notice.reason.value,
            "ring": notice.ring + 1,
            "cause_at_ms": notice.cause_at_ms,
            "heard_at_ms": notice.heard_at_ms,
        }
        rescues = [each for each in self._happening.kept(Rescue).values() if each.incident == incident.id]
        around = self._happening.alarms.values()
        if notice.others:
            words = await self._roundup(incident, alarms, notice, url, now)
        else:
            words = describe(self._site, incident, alarms, notice, url, now, rescues, around)
        letter = self._addressed(notice.person, notice.channel, words, notice.id, notice.due, url, urgent, facts)
        return replace(letter, asks=notice.expects_answer and incident.open)

    def unrecorded(self, incident: Incident, alarms: Sequence[Alarm], person: str, channel: int, now: int) -> Letter:
        """The letter of a fire that could not be recorded. It has no link: nothing could record an answer."""
        words = describe_unrecorded(self._site, incident, alarms, person, now)
        facts = {**_facts(incident), "recorded": False}
        return self._addressed(
            person, channel, words, f"unrecorded-{incident.building}-{now}", 1, None, urgent=True, facts=facts
        )

    def sign_in(self, person: str, channel: int, words: Words, url: str, now: int) -> Letter:
        """The letter that signs somebody in."""
        facts = {"reason": "sign-in"}
        return self._addressed(person, channel, words, f"sign-in-{person}-{now}", 1, url, urgent=False, facts=facts)

    async def _roundup(
        self, incident: Incident, alarms: Sequence[Alarm], notice: Notice, url: str | None, now: int
    ) -> Words:
        """The words of a notice that tells of many incidents; of those that are over only the first are looked up."""
        found, every = [incident], list(alarms)
        for name in notice.others:
            other = self._happening.incidents.get(name)
            if other is not None:
                known = (self._happening.alarms.get(key) for key in other.alarms)
                every += [alarm for alarm in known if alarm is not None and alarm.incident == name]
            elif len(found) < SHOWN_MAX:
                other = await self._incident_of(name)
            found += [other] if other is not None else []
        return describe_many(self._site, found, every, notice, url, now)

    def _pulse(self, notice: Notice) -> Letter:
        """For the test sink alone: no person ever reads it."""
        gateway, beat = gateway_of(notice), notice.call
        text = f"{PULSE} {gateway} {beat}"
        return Letter(
            notice=notice.id,
            sending=notice.due,
            community=self._site.community.id,
            community_name=self._site.community.id,
            to=gateway,
            name=PULSE,
            words=Words(text, text, text),
            facts={"reason": notice.reason.value, "gateway": gateway, "beat": beat},
        )

    def _addressed(
        self,
        person: str,
        channel: int,
        words: Words,
        notice: str,
        sending: int,
        url: str | None,
        urgent: bool,
        facts: Mapping[str, str | int],
    ) -> Letter:
        community, known = self._site.community, self._site.people[person]
        return Letter(
            notice=notice,
            sending=sending,
            community=community.id,
            community_name=community.name.get(community.language) or community.id,
            to=known.channels[channel].to,
            name=known.name,
            words=words,
            url=url,
            urgent=urgent,
            person=person,
            language=self._site.language_of(known),
            facts=facts,
        )


def _facts(incident: Incident) -> dict[str, str | int]:
    """`mode` tells a drill from what is real."""
    mode = incident.route.mode.value
    return {"incident": incident.id, "building": incident.building, "kind": incident.kind.value, "mode": mode}
