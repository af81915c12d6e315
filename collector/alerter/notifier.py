"""Hands committed notices to channels, at least once each, alarms first, until answered, superseded or handed over.

It decides nothing: what is due stands in the store. A try is recorded only after its channel has answered, so a
crash repeats the one in flight under the same notice id.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from collector.alarm import Alarm
from collector.alerter.channels import Channel, ChannelError
from collector.alerter.composer import Composer, Happening
from collector.alerter.road import ChannelStatus, Road
from collector.commands import DeliveryFailed, Refused, SystemTrouble
from collector.dispatch import Notice
from collector.incident import Incident
from collector.message import is_urgent
from collector.records import Attempt
from collector.store import StoreFailed
from collector.wording import one_line
from config.profile import Kind
from config.site import Site

SAFETY_POLL_S = 5.0  # the store is asked at every wake; this is for a wake that never came
BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
TRIES_BEFORE_NEXT_CHANNEL = 4  # then the engine takes the person's next channel; without one the tries go on
TRIES_AFTER_CLOSE = 8  # about four minutes; news of a closed incident are not worth more
ATTEMPTS_KEPT = 20  # in memory, per notice; more than BACK_OFF_S has steps
RECORD_AGAIN_S = 1.0
UNRECORDED_EVERY_MS = 60_000  # per building

log = logging.getLogger(__name__)
_KIND_RANK = {kind: rank for rank, kind in enumerate(Kind)}  # fire, entrapment, water, equipment, fault


class NoticeStore(Protocol):
    """What the notifier needs of the store."""

    async def notices_due(self) -> list[Notice]: ...
    async def attempts(self, notice: str) -> list[Attempt]: ...
    async def record_attempt(self, attempt: Attempt) -> None: ...
    async def incident(self, incident: str) -> Incident | None: ...


@dataclass(slots=True)
class _Job:
    """A notice that is due, and what has become of it. `attempts` oldest first."""

    notice: Notice
    attempts: list[Attempt]
    not_before_ms: int = 0  # what the channel asked for
    under_way: bool = False
    told: bool = False  # the engine knows that it could not be delivered so far

    @property
    def wanting(self) -> bool:
        """True if a sending is due that no channel has taken."""
        return self.notice.due > max((each.sending for each in self.attempts if each.handed_over_at_ms), default=0)


def failures_of(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The failed tries since the last hand-over, oldest first."""
    start = next((i for i in range(len(attempts), 0, -1) if attempts[i - 1].handed_over_at_ms is not None), 0)
    return list(attempts[start:])


def next_try_ms(attempts: Sequence[Attempt], now: int) -> int | None:
    """When to try next, None for never again. A stamp in the future is of a clock set back: try now."""
    failed = failures_of(attempts)
    if not failed:
        return now
    last = failed[-1]
    if last.permanent:
        return None
    wait_ms = int(BACK_OFF_S[min(len(failed), len(BACK_OFF_S)) - 1] * 1000)
    return now if last.at_ms > now else last.at_ms + wait_ms


class Notifier:
    """Sends what is due. `answer_url(incident, person, now)` makes links; `report` takes what the engine must hear."""

    def __init__(
        self,
        site: Site,
        store: NoticeStore,
        channels: Mapping[str, Channel],
        happening: Happening,
        answer_url: Callable[[str, str, int], str],
        clock: Callable[[], int],
        report: Callable[[DeliveryFailed | SystemTrouble], Awaitable[object]],
    ) -> None:
        self._site = site
        self._store = store
        self._happening = happening
        self._composer = Composer(site, happening, store.incident, answer_url)
        self._clock = clock
        self._report = report
        users = Counter(address.channel for person in site.people.values() for address in person.channels)
        self._roads = {name: Road(name, channel, users[name]) for name, channel in channels.items()}
        for name, road in self._roads.items():
            told = happening.alarms.get(f"system:channel:{name}")
            road.trouble = None if told is None or not told.source_active else told.value or "failed before the start"
        self._jobs: dict[str, _Job] = {}
        self._stirred = asyncio.Event()
        self._read_again = True
        self._unrecorded_at_ms: dict[str, int] = {}

    def wake(self) -> None:
        """Something was committed. Cheap, and many at once are one."""
        self._read_again = True
        self._stirred.set()

    @property
    def waiting(self) -> int:
        """How many notices are due and not handed over."""
        return sum(job.wanting for job in self._jobs.values())

    @property
    def channels(self) -> dict[str, ChannelStatus]:
        """How every channel fares."""
        return {name: road.status for name, road in self._roads.items()}

    async def run(self) -> None:
        """Until cancelled. Raises StoreFailed, in a group, where the store cannot be read."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._stirred.clear()
                if self._read_again:
                    self._read_again = False
                    await self._read()
                wait_s = self._start(tasks)
                try:
                    async with asyncio.timeout(wait_s):
                        await self._stirred.wait()
                except TimeoutError:
                    self._read_again = True

    async def send_unrecorded(self, incident: Incident, alarms: Sequence[Alarm]) -> int:
        """Tell the emergency contacts of a fire that could not be recorded; returns how many were reached.

        Each contact's channels are tried in turn. At most once a minute per building, else nothing is sent.
        """
        now = self._clock()
        before_ms = self._unrecorded_at_ms.get(incident.building)
        if before_ms is not None and 0 <= now - before_ms < UNRECORDED_EVERY_MS:
            return 0
        self._unrecorded_at_ms[incident.building] = now
        persons = dict.fromkeys(self._site.contacts)
        return sum(await asyncio.gather(*(self._send_unrecorded(incident, alarms, each, now) for each in persons)))

    async def _send_unrecorded(self, incident: Incident, alarms: Sequence[Alarm], person: str, now: int) -> bool:
        for index, address in enumerate(self._site.people[person].channels):
            letter = self._composer.unrecorded(incident, alarms, person, index, now)
            if await self._roads[address.channel].send(letter) is None:
                return True
        return False

    async def _read(self) -> None:
        """Learn what is due; what is no longer due is forgotten, once it is not under way."""
        due = await self._store.notices_due()
        wanted = {notice.id for notice in due}
        for gone in [known for known, job in self._jobs.items() if known not in wanted and not job.under_way]:
            del self._jobs[gone]
        for notice in due:
            job = self._jobs.get(notice.id)
            if job is None:
                attempts = await self._store.attempts(notice.id)
                self._jobs[notice.id] = _Job(notice, attempts[-ATTEMPTS_KEPT:])
            else:
                job.notice = notice

    def _start(self, tasks: asyncio.TaskGroup) -> float:
        """Start all that may go now, in order of rank; returns for how many seconds there is nothing more to do."""
        now = self._clock()
        wait_s = SAFETY_POLL_S
        for job in sorted(self._jobs.values(), key=self._rank):
            if job.under_way or not job.wanting:
                continue
            try_ms = next_try_ms(job.attempts, now)
            if not job.told and self._given_up(job):
                job.told = True
                tasks.create_task(self._tell_failed(job))
            if try_ms is None:
                continue
            try_ms = max(try_ms, job.not_before_ms)
            if try_ms > now:
                wait_s = min(wait_s, (try_ms - now) / 1000)
                continue
            name, urgent = self._channel_of(job.notice), self._urgent(job.notice)
            road = self._roads.get(name)
            if road is None or road.take(urgent):
                job.under_way = True
                tasks.create_task(self._try(job, name, road, urgent))
        return wait_s

    def _rank(self, job: _Job) -> tuple[bool, int, bool, int, str]:
        """Urgent calls first, fire before entrapment before the rest, first sendings before repeats."""
        notice = job.notice
        incident = self._happening.incidents.get(notice.incident)
        kind_rank = len(_KIND_RANK) if incident is None else _KIND_RANK[incident.kind]
        return not self._urgent(notice), kind_rank, not notice.expects_answer, notice.due, notice.id

    def _urgent(self, notice: Notice) -> bool:
        incident = self._happening.incidents.get(notice.incident)
        return incident is not None and is_urgent(incident, notice)

    def _given_up(self, job: _Job) -> bool:
        """True if the channel refuses for good, or fails for now and the person has another."""
        failures, person = failures_of(job.attempts), self._site.people.get(job.notice.person)
        if failures and failures[-1].permanent:
            return True
        another = person is not None and job.notice.channel + 1 < len(person.channels)
        return another and len(failures) >= TRIES_BEFORE_NEXT_CHANNEL

    def _channel_of(self, notice: Notice) -> str:
        """The site's channel for a notice; "" if the site no longer has it so."""
        person = self._site.people.get(notice.person)
        if person is None or not 0 <= notice.channel < len(person.channels):
            return ""
        return person.channels[notice.channel].channel

    async def _try(self, job: _Job, name: str, road: Road | None, urgent: bool) -> None:
        """One try of one job, recorded once the channel has answered."""
        notice, at_ms = job.notice, self._clock()
        letter = None if road is None else await self._composer.letter(notice, urgent, at_ms)
        if road is None or letter is None:
            gone = "the person's channel is" if road is None else "the incident is"
            error: ChannelError | None = ChannelError(f"{gone} no longer known", permanent=True)
        else:
            error = await road.send(letter)
        if error is None:
            attempt = Attempt(notice.id, notice.due, name, at_ms, self._clock())
            job.told = False
        else:
            tried_enough = len(failures_of(job.attempts)) + 1 >= TRIES_AFTER_CLOSE
            over = tried_enough and notice.incident not in self._happening.incidents
            reason, permanent = one_line(error.reason, 300), error.permanent or over
            attempt = Attempt(notice.id, notice.due, name, at_ms, None, reason, permanent)
            job.not_before_ms = at_ms + int((error.retry_after_s or 0.0) * 1000)
        await self._record(attempt)
        job.attempts = [*job.attempts, attempt][-ATTEMPTS_KEPT:]
        job.under_way = False
        self._stirred.set()
        if road is not None:
            road.release(urgent)
            if letter is not None:
                await self._tell_trouble(road, letter.to, error)

    async def _record(self, attempt: Attempt) -> None:
        """However long the store takes: what went out and is not recorded would go out again."""
        while True:
            try:
                return await self._store.record_attempt(attempt)
            except StoreFailed as error:
                log.error("a try of notice %s is not recorded yet: %s", attempt.notice, error)
                await asyncio.sleep(RECORD_AGAIN_S)

    async def _tell_failed(self, job: _Job) -> None:
        try:
            await self._report(DeliveryFailed(job.notice.id, job.attempts[-1].error or ""))
        except Refused:
            pass  # the incident was closed meanwhile
        except StoreFailed:
            job.told = False  # at the next look again

    async def _tell_trouble(self, road: Road, to: str, error: ChannelError | None) -> None:
        before = road.trouble
        command = road.note(to, error)
        if command is None:
            return
        try:
            await self._report(command)
        except StoreFailed:
            road.trouble = before  # the next result tells it again
