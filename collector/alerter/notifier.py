"""Hands committed notices to channels, at least once each, alarms first, until answered, superseded or handed over.

It decides nothing: what is due stands in the store. A try is recorded only after its channel has answered, so a
crash repeats those in flight under the same notice id. What a provider allows is spread: an alarm for which there is
no room goes by the person's next channel at once, anything else waits a while first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Protocol

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Incident
from collector.alerter.allowance import HOUR_MS, Allowance
from collector.alerter.channels import Channel, ChannelError, Letter
from collector.alerter.channels.sink import SINK
from collector.alerter.composer import Composer, Happening
from collector.alerter.outbox import Job, Outbox, Rank
from collector.alerter.road import ChannelStatus, Road
from collector.alerter.tries import Recorder, failures_of, next_try_ms
from collector.calls.dispatch import Notice, Reason
from collector.commands import Delivered, DeliveryFailed, NotDelivered, Refused, SystemTrouble
from collector.logbook import log_attempt
from collector.messages.message import Words, is_loud, is_urgent
from collector.messages.wording import one_line
from collector.storage.records import Attempt
from collector.storage.store import StoreFailed
from config import logs
from config.profile import Kind
from config.site import Site

SAFETY_POLL_S = 5.0  # the store is asked at every wake; this is for a wake that never came
TRIES_BEFORE_NEXT_CHANNEL = 4  # then the engine takes the person's next channel; without one the tries go on
TRIES_AFTER_CLOSE = 8  # about four minutes; news of a closed incident are not worth more
ATTEMPTS_KEPT = 20  # in memory, per notice; more than BACK_OFF_S has steps
URGENT_PATIENCE_MS = 5_000  # a call to a fire waits no longer for a channel of which nothing comes back
HURRY_AGAIN_MS = 1_000
LIMIT_PATIENCE_MS = 60_000  # news for which a channel has no room for longer than this go by the next channel
LOOK_BACK_MS = HOUR_MS  # after a start: what was sent then counts towards the limits
UNRECORDED_EVERY_MS = 60_000  # per building
UNRECORDED_MAX = 100  # tries that the store has not kept yet: a crash repeats them

log = logs.of(__name__)

_KIND_RANK = {kind: rank for rank, kind in enumerate(Kind)}  # fire, entrapment, water, equipment, fault


class NoticeStore(Protocol):
    """What the notifier needs of the store."""

    async def notices_due(self) -> list[Notice]: ...
    async def attempts_due(self) -> dict[str, list[Attempt]]: ...
    async def attempts_since(self, since_ms: int) -> list[tuple[str, str, int]]: ...
    async def record_attempts(self, attempts: Sequence[Attempt]) -> None: ...
    async def incident(self, incident: str) -> Incident | None: ...


class Notifier:
    """Sends what is due. `answer_url(incident, person, now)` makes links.

    `report` takes what the engine must hear and commit, `receipt` how each try went, which is not urgent.
    """

    def __init__(
        self,
        site: Site,
        store: NoticeStore,
        channels: Mapping[str, Channel],
        happening: Happening,
        answer_url: Callable[[str, str, int], str],
        clock: Callable[[], int],
        report: Callable[[DeliveryFailed | SystemTrouble], Awaitable[object]],
        receipt: Callable[[Delivered | NotDelivered], None] = lambda _: None,
    ) -> None:
        self._site = site
        self._store = store
        self._happening = happening
        self._composer = Composer(site, happening, store.incident, answer_url)
        self._clock = clock
        self._report = report
        self._receipt = receipt
        self._roads = {
            name: Road(name, channel, partial(_users, site, name), _allowance(site, name))
            for name, channel in channels.items()
        }
        for name, road in self._roads.items():
            told = happening.alarms.get(f"system:channel:{name}")
            road.trouble = None if told is None or not told.source_active else told.value or "failed before the start"
        self._outbox = Outbox()
        self._recorder = Recorder(store.record_attempts)
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
        return sum(job.wanting for job in self._outbox.jobs.values())

    @property
    def channels(self) -> dict[str, ChannelStatus]:
        """How every channel fares."""
        return {name: road.status for name, road in self._roads.items() if name != SINK}

    async def run(self) -> None:
        """Until cancelled. Raises StoreFailed, in a group, where the store cannot be read."""
        await self._remember()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recorder.run())
            while True:
                self._stirred.clear()
                if self._read_again:
                    self._read_again = False
                    await self._read(tasks)
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

    async def send_sign_in(self, person: str, words: Words, url: str, first: int) -> bool:
        """Send somebody what signs them in, which is no notice: kept nowhere, and behind all that is.

        Over one of their channels that can be read, the `first` of them first; False if none has taken it now.
        """
        known, now = self._site.people.get(person), self._clock()
        addresses = list(enumerate(known.channels)) if known is not None else []
        able = [each for each in addresses if self._site.channels[each[1].channel].type != "webpush"]
        for index, address in (able[(number + first) % len(able)] for number in range(len(able))):
            road = self._roads[address.channel]
            if road.allowance.wait_ms(person, False, True, now) > 0 or not road.take(False, now):
                continue
            road.allowance.spend(person, now)
            try:
                if await road.send(self._composer.sign_in(person, index, words, url, now)) is None:
                    return True
            finally:
                road.release(False, self._clock())
        return False

    async def _remember(self) -> None:
        """What was sent before the start counts towards the limits."""
        if not any(road.allowance.limited for road in self._roads.values()):
            return
        now = self._clock()
        for name, person, at_ms in await self._store.attempts_since(now - LOOK_BACK_MS):
            if name in self._roads and at_ms <= now:  # later ones are of a clock set back: nobody knows when it was
                self._roads[name].allowance.spend(person, at_ms)

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        """Learn what is due; what is no longer due is forgotten, once it is not under way."""
        jobs, due = self._outbox.jobs, await self._store.notices_due()
        wanted = {notice.id for notice in due}
        for gone in [known for known, job in jobs.items() if known not in wanted and not job.under_way]:
            del jobs[gone]
        tried = {} if wanted <= jobs.keys() else await self._store.attempts_due()
        for notice in due:
            if notice.id in jobs:
                jobs[notice.id].notice = notice
            else:
                jobs[notice.id] = Job(notice, tried.get(notice.id, [])[-ATTEMPTS_KEPT:])
            self._plan(jobs[notice.id], tasks)

    def _plan(self, job: Job, tasks: asyncio.TaskGroup) -> None:
        """Put a job where it belongs: into its channel's line, now or when its next try is due."""
        if job.under_way or not job.wanting:
            return
        now = self._clock()
        try_ms = next_try_ms(job.attempts, now)
        if not job.told and self._given_up(job):
            job.told = True
            tasks.create_task(self._tell_failed(job, job.attempts[-1].error or ""))
        if try_ms is not None:
            self._outbox.put(job, self._channel_of(job.notice), self._rank(job), max(try_ms, job.not_before_ms), now)

    def _start(self, tasks: asyncio.TaskGroup) -> float:
        """Start all that may go now, in order of rank; returns for how many seconds there is nothing more to do."""
        now = self._clock()
        for name in self._outbox.lines(now) if self._recorder.waiting < UNRECORDED_MAX else ():
            road = self._roads.get(name)
            while self._recorder.waiting < UNRECORDED_MAX and (job := self._outbox.first(name)) is not None:
                urgent = self._urgent(job.notice)
                wait_ms = 0 if road is None else self._wait_ms(road, job, urgent, now)
                if wait_ms > 0:
                    self._outbox.leave(job)
                    self._limited(job, road, now + wait_ms, urgent, tasks)
                elif road is None or road.take(urgent, now):
                    self._outbox.leave(job)
                    job.under_way = True
                    if road is not None:
                        road.allowance.spend(job.notice.person, now)
                    tasks.create_task(self._try(job, name, road, urgent, tasks))
                else:
                    break
        next_at = min((at for at in (self._outbox.next_at(), self._hurry(now, tasks)) if at is not None), default=None)
        return SAFETY_POLL_S if next_at is None else min(SAFETY_POLL_S, max(0.0, (next_at - now) / 1000))

    def _hurry(self, now: int, tasks: asyncio.TaskGroup) -> int | None:
        """Send urgent calls by the next channels as well where a channel takes letters and says nothing.

        Returns when to look again.
        """
        looks = []
        for name, road in self._roads.items():
            if road.silent_since_ms is None or name == SINK:
                continue
            look_ms = max(road.silent_since_ms + URGENT_PATIENCE_MS, road.hurried_at_ms + HURRY_AGAIN_MS)
            if look_ms <= now:
                road.hurried_at_ms, look_ms = now, now + HURRY_AGAIN_MS
                for job in self._outbox.jobs.values():
                    late = not job.told and job.wanting and self._channel_of(job.notice) == name
                    if late and self._urgent(job.notice) and self._goes_on(job.notice):
                        job.told = True
                        tasks.create_task(self._tell_failed(job, "the channel does not answer"))
            looks.append(look_ms)
        return min(looks, default=None)

    def _wait_ms(self, road: Road, job: Job, urgent: bool, now: int) -> int:
        return road.allowance.wait_ms(job.notice.person, urgent, job.notice.due == 1, now)

    def _limited(self, job: Job, road: Road | None, at_ms: int, urgent: bool, tasks: asyncio.TaskGroup) -> None:
        """A channel's limit is reached: the next channel for what must not wait, else wait."""
        now = self._clock()
        if road is not None and not job.limited:
            job.limited = True
            road.limited += 1
        self._outbox.put(job, self._channel_of(job.notice), self._rank(job), at_ms, now)
        patience_ms = 0 if urgent else LIMIT_PATIENCE_MS
        if at_ms - now > patience_ms and not job.told and self._goes_on(job.notice):
            job.told = job.under_way = True
            tasks.create_task(self._pass_on(job, tasks))

    async def _pass_on(self, job: Job, tasks: asyncio.TaskGroup) -> None:
        await self._tell_failed(job, "the channel's limit is reached")
        job.under_way = False
        self._plan(job, tasks)
        self._stirred.set()

    def _rank(self, job: Job) -> Rank:
        """Urgent calls first, fire before entrapment before the rest, first sendings before repeats.

        Where a channel is limited, those who have no other go before those who have.
        """
        notice, road = job.notice, self._roads.get(self._channel_of(job.notice))
        incident = self._happening.incidents.get(notice.incident)
        kind_rank = len(_KIND_RANK) if incident is None else _KIND_RANK[incident.kind]
        goes_on = road is not None and road.allowance.limited and self._goes_on(notice)
        return not self._urgent(notice), kind_rank, not notice.expects_answer, notice.due, goes_on, notice.id

    def _urgent(self, notice: Notice) -> bool:
        incident = self._happening.incidents.get(notice.incident)
        return incident is not None and is_urgent(incident, notice)

    def _loud(self, notice: Notice) -> bool:
        """True for what is to ring like a fire: also a drill of one, which otherwise waits behind all that is real."""
        incident = self._happening.incidents.get(notice.incident)
        return incident is not None and is_loud(incident, notice)

    def _goes_on(self, notice: Notice) -> bool:
        """True if the person has another channel for it. What tests a channel keeps to that channel."""
        person = self._site.people.get(notice.person)
        more = person is not None and notice.channel + 1 < len(person.channels)
        return more and notice.reason is not Reason.TEST

    def _given_up(self, job: Job) -> bool:
        """True if the channel refuses for good, or fails for now and the person has another."""
        failures = failures_of(job.attempts)
        if failures and failures[-1].permanent:
            return True
        road = self._roads.get(self._channel_of(job.notice))
        broken = road is not None and road.trouble is not None and self._urgent(job.notice)
        return self._goes_on(job.notice) and len(failures) >= (1 if broken else TRIES_BEFORE_NEXT_CHANNEL)

    def _channel_of(self, notice: Notice) -> str:
        """The site's channel for a notice, or the test sink; "" if the site no longer has it so."""
        if notice.reason is Reason.PULSE:
            return SINK
        person = self._site.people.get(notice.person)
        if person is None or not 0 <= notice.channel < len(person.channels):
            return ""
        return person.channels[notice.channel].channel

    async def _try(self, job: Job, name: str, road: Road | None, urgent: bool, tasks: asyncio.TaskGroup) -> None:
        """One try of one job, recorded once the channel has answered."""
        notice, at_ms = job.notice, self._clock()
        letter, error = await self._letter(notice, road, at_ms)
        if road is not None and letter is not None:
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
        if road is not None:  # the channel is free again while the store writes
            road.release(urgent, self._clock())
            self._stirred.set()
        await self._recorder.keep(attempt)
        log_attempt(notice, attempt)
        job.attempts = [*job.attempts, attempt][-ATTEMPTS_KEPT:]
        job.under_way = False
        self._plan(job, tasks)
        self._stirred.set()
        if road is not None and letter is not None and name != SINK:  # a pulse that does not arrive is told as such
            self._receipt(_receipt_of(notice, attempt))
            await self._tell_trouble(road, letter.to or letter.person, error)

    async def _letter(self, notice: Notice, road: Road | None, at_ms: int) -> tuple[Letter | None, ChannelError | None]:
        """The letter, or why there is none: one notice for which words fail must not stop the others."""
        if road is None:
            return None, ChannelError("the person's channel is no longer known", permanent=True)
        try:
            letter = await self._composer.letter(notice, self._loud(notice), at_ms)
        except StoreFailed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told as a failed try
            text = f"notice {notice.id} cannot be put into words: {error!r}"
            log.error("notice-without-words", text, fault=error, incident=notice.incident, notice=notice.id)
            return None, ChannelError(f"it cannot be put into words: {type(error).__name__}")
        if letter is None:
            return None, ChannelError("the incident is no longer known", permanent=True)
        return letter, None

    async def _tell_failed(self, job: Job, error: str) -> None:
        try:
            await self._report(DeliveryFailed(job.notice.id, error))
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


def _allowance(site: Site, channel: str) -> Allowance:
    known = site.channels.get(channel)
    return Allowance() if known is None else Allowance(known.per_minute, known.per_person_per_hour)


def _users(site: Site, channel: str) -> int:
    """How many people have a channel now, counted up to two."""
    having = (person for person in site.people.values() if any(each.channel == channel for each in person.channels))
    return sum(1 for _ in islice(having, 2))


def _receipt_of(notice: Notice, attempt: Attempt) -> Delivered | NotDelivered:
    if attempt.handed_over_at_ms is not None:
        return Delivered(notice.id, notice.person, notice.channel, attempt.handed_over_at_ms)
    return NotDelivered(notice.id, notice.person, notice.channel, attempt.at_ms, attempt.error or "", attempt.permanent)
