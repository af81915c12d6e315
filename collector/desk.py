"""The desk: the one place where the engine is fed and its decisions are committed. Decide, commit, then act on it.

One transaction may hold many decisions; an alarm closes it at once. After the commit, and only then, gateways
are acknowledged, the notifier is woken and the pages are told. If a commit fails, all that was not written is
forgotten: the engine starts anew from the store and the gateways say it again. A fire among it is still told,
see `unrecorded.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace

from collector.access.actor import Actor
from collector.access.audit import changes_of
from collector.access.speaking import check_speaks
from collector.alarms.alarm import Alarm
from collector.alarms.incident import Incident
from collector.changes import Changes
from collector.commands import Command, Delivered, NotDelivered, PulseHandedOver, PulseStored, SystemTrouble
from collector.engine import Engine
from collector.logbook import log_decisions
from collector.pending import Pending, Portion
from collector.session.effects import Counts, Floor, Owing, Presence
from collector.state import Decision, K, Restored
from collector.storage import ledger
from collector.storage.history import History
from collector.storage.records import INT64_MAX, STAMP_MS_MAX, LedgerRow, Record
from collector.storage.store import Store, StoreFailed
from collector.storage.unrecorded import Unrecorded
from config import logs
from config.site import Site
from config.words import Lane, Report

BATCH_AFTER_S = 0.25  # what is not urgent waits so long for company
QUICK_S = 0.25  # a commit that takes longer is not quick
FAILURES_MAX = 300  # in a row, some minutes; then the process ends, so that its supervisor can do better
LOOK_AGAIN_S = 1.0  # the wall clock may be set while we wait for a time on it
SPIN_S = 0.01  # the least wait for a time: one that has just come does not keep the loop turning

log = logs.of(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """With a disk: one that hangs for `commit_within_s` counts as failed."""

    commit_within_s: float = 15.0
    start_anew_after_s: float = 1.0


class Desk:
    """Feeds the engine and commits. `clock` gives UTC ms. `run` must be running for anything to be committed."""

    def __init__(
        self,
        site: Site,
        store: Store,
        history: History,
        restored: Restored,
        clock: Callable[[], int],
        patience: Patience = Patience(),
    ) -> None:
        self.site = site
        self.store = store
        self.history = history
        self.engine = Engine(site, restored, clock())
        site.adopt(self.engine.roll)  # `site` shows people, teams and posts as they were committed last
        self.counters: Counter[str] = Counter()
        self.after_commit: list[Callable[[Sequence[Record]], None]] = []  # called with the records stored
        self.after_restart: list[Callable[[], None]] = []  # the engine is another one, from the store
        self.unrecorded = Unrecorded()
        self._clock = clock
        self._patience = patience
        self._pending = Pending()
        self._committing = False
        self._commit_began_s = 0.0  # on the loop's clock
        self._was_quick = True
        self._stir = asyncio.Event()
        self._room = asyncio.Event()
        self._changes = Changes()
        self._failures = 0
        self._short_of_space: bool | None = None  # as told; after a start the engine may remember an old trouble
        self._ended: StoreFailed | None = None

    # --- what others call -----------------------------------------------------------------------------

    @property
    def incidents(self) -> Mapping[str, Incident]:
        """The open incidents of the engine that is in office."""
        return self.engine.incidents

    @property
    def alarms(self) -> Mapping[str, Alarm]:
        """The alarms that are not normal, of the engine that is in office."""
        return self.engine.alarms

    def kept(self, what: type[K]) -> Mapping[str, K]:
        """See `Engine.kept`, of the engine that is in office."""
        return self.engine.kept(what)

    @property
    def failing(self) -> bool:
        """True if the newest commit has failed."""
        return self._failures > 0

    def may_return(self, report: Report) -> bool:
        """See `Engine.may_return`, of the engine that is in office."""
        return self.engine.may_return(report)

    def hear(self, heard: Report | Presence | Owing, complete: bool = True, keep: bool = False) -> None:
        """Judge news of a gateway now and commit it soon. `keep`: the report is a record to be stored."""
        now = self._clock()
        if isinstance(heard, Report) and not 0 <= heard.at_ms <= STAMP_MS_MAX:
            self.counters["stamp-out-of-range"] += 1
            heard = replace(heard, at_ms=now)
        self._decide(self.engine.feed(heard, now, complete))
        if not keep or not isinstance(heard, Report):
            return
        if heard.position is not None and heard.position > INT64_MAX:
            self.counters["position-out-of-range"] += 1
            return
        device = self.site.devices.get(heard.device) if heard.device is not None else None
        self._pending.filling.records.append(Record(heard, device.place.building if device else None, now))
        self._note(heard.lane is Lane.ALARM)
        if self._pending.close_if_full(self.engine.roll):
            self._stir.set()

    def book(self, word: Floor | Counts) -> None:
        """Keep a gateway's word about its journal."""
        if isinstance(word, Floor):
            if word.position > INT64_MAX:
                self.counters["floor-out-of-range"] += 1
                return
            self._pending.filling.floors.append(word)
        else:
            if any(count is not None and count > INT64_MAX for count in (word.appended, word.dropped, word.in_journal)):
                self.counters["count-out-of-range"] += 1
                return
            self._pending.filling.counts.append(word)
        self._note(urgent=False)

    def tell(self, command: SystemTrouble | PulseStored | PulseHandedOver | Delivered | NotDelivered) -> None:
        """Judge news of the system itself, without waiting for the commit."""
        self._decide(self.engine.act(command, self._clock()))

    async def act(self, command: Command, by: Actor | None = None) -> Decision:
        """Carry out a command and commit it. Raises Refused, or StoreFailed: then it has not happened.

        `by`: whoever gives it through the web. They speak in their own name unless they speak for all, and what it
        changes is in the audit log, in the same transaction.
        """
        if by is not None:
            check_speaks(by, command)
        now = self._clock()
        decision = self.engine.act(command, now)
        if by is not None:
            self._pending.filling.changes += changes_of(command, decision, by, self.site, now)
        self._decide(decision)
        if self._committing or not self._pending.empty:
            await self._committed()
        return decision

    async def room(self) -> None:
        """Wait while too much waits for the store: whoever brings reports calls this first.

        A store that is quick is given its turn, for what is judged ahead of it only makes it slower; one that takes
        long is not waited for until there is really too much.
        """
        loop = asyncio.get_running_loop()
        while self._pending.is_full or (self._pending.is_behind and self._is_quick(loop.time())):
            self._room.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(QUICK_S):
                    await self._room.wait()

    async def ledger(self) -> list[LedgerRow]:
        """The account of every report."""
        return await ledger.account(self.store, self.history)

    @property
    def changes(self) -> int:
        """A number that rises with every change."""
        return self._changes.count

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[int]]:
        """See `Changes.subscribe`."""
        return self._changes.subscribe()

    async def run(self) -> None:
        """Until cancelled. Raises StoreFailed when the store cannot be written to, again and again."""
        try:
            while True:
                await self._wait()
                self._wake_engine()
                if self._due():
                    await self._flush()
        except StoreFailed as error:
            self._ended = error
            self._refuse_all(error)
            raise
        finally:
            await self.unrecorded.finish()

    async def settle(self) -> None:
        """Commit what is pending, at the end. Raises StoreFailed."""
        while not self._pending.empty:
            await self._commit()

    # --- inside ---------------------------------------------------------------------------------------

    def _decide(self, decision: Decision) -> None:
        if not decision.empty:
            self._pending.filling.decisions.append(decision)
            self._note(decision.urgent or bool(decision.notices))

    def _note(self, urgent: bool) -> None:
        filling = self._pending.filling
        if filling.since_s is None:
            filling.since_s = asyncio.get_running_loop().time()
            self._stir.set()
        if urgent and not filling.urgent:
            filling.urgent = True
            self._stir.set()

    def _is_quick(self, now_s: float) -> bool:
        if self.failing:  # nobody is held up by a store that is given time to recover
            return False
        return not self._committing or now_s - self._commit_began_s < QUICK_S

    async def _committed(self) -> None:
        """Wait until everything decided so far is on disk."""
        if self._ended is not None:
            raise self._ended
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.filling.waiting.append(future)
        self._note(urgent=True)
        await future

    async def _wait(self) -> None:
        wake_at = self.engine.wake_at()
        wait_s = LOOK_AGAIN_S if wake_at is None else min(LOOK_AGAIN_S, max(SPIN_S, (wake_at - self._clock()) / 1000))
        if (since_s := self._pending.oldest.since_s) is not None:
            due_s = since_s + BATCH_AFTER_S - asyncio.get_running_loop().time()
            wait_s = min(wait_s, max(0.0, due_s))
        if not self._due():
            try:
                async with asyncio.timeout(wait_s):
                    await self._stir.wait()
            except TimeoutError:
                pass
        self._stir.clear()

    def _wake_engine(self) -> None:
        now = self._clock()
        wake_at = self.engine.wake_at()
        if wake_at is not None and now >= wake_at:
            self._decide(self.engine.wake(now))

    def _due(self) -> bool:
        oldest = self._pending.oldest
        if oldest.since_s is None:
            return False
        waited_s = asyncio.get_running_loop().time() - oldest.since_s
        return oldest.urgent or waited_s >= BATCH_AFTER_S

    async def _flush(self) -> None:
        """Commit; if that fails, save what must be saved and start anew from the store."""
        doomed = self._pending.oldest
        try:
            await self._commit()
        except StoreFailed as error:
            log.error("not-committed", f"not committed: {error}", error=error, failures=self._failures + 1)
            self.counters["commit-failed"] += 1
            self._failures += 1
            self.unrecorded.tell(doomed.decisions, self.engine)
            self._refuse_waiting(doomed, error)
            if isinstance(error.__cause__, TimeoutError) or self._failures >= FAILURES_MAX:
                self._tell_unrecorded()  # what came while it hung
                raise
            await asyncio.sleep(self._patience.start_anew_after_s)
            await self._start_anew(error)
        else:
            self._failures = 0

    async def _commit(self) -> None:
        # One that takes long for a little takes hardly longer for much.
        pending = self._pending.take() if self._was_quick else self._pending.take_all()
        roll = self.engine.roll if pending.roll is None else pending.roll
        self._room.set()
        self._committing, self._commit_began_s = True, asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._patience.commit_within_s):
                stored = await self.store.commit(pending.batch())
        except TimeoutError as error:
            raise StoreFailed(f"no answer from the state store in {self._patience.commit_within_s:g} s") from error
        finally:
            self._committing = False
            self._was_quick = asyncio.get_running_loop().time() - self._commit_began_s < QUICK_S
        for future in pending.waiting:
            if not future.done():
                future.set_result(None)
        self.site.adopt(roll)
        for callback in self.after_commit:
            callback(stored)
        self._changes.tell()
        log_decisions(pending.decisions)
        self._watch_space()

    def _watch_space(self) -> None:
        if self._short_of_space != self.store.short_of_space:
            self._short_of_space = self.store.short_of_space
            text = "the disk is full: only alarms are kept" if self._short_of_space else "there is room again"
            self.tell(SystemTrouble("store", self._short_of_space, text))

    async def _start_anew(self, error: StoreFailed) -> None:
        """What the engine knows is ahead of the store: take another one from what the store has."""
        restored = await self.store.restore()
        self._refuse_all(error)
        self._tell_unrecorded()
        self._pending = Pending()
        self._room.set()
        self.engine = Engine(self.site, restored, self._clock())
        self.site.adopt(self.engine.roll)
        for callback in self.after_restart:
            callback()
        log.warning("started-anew", f"goes on from what the store has: {error}", error=error)
        self.tell(SystemTrouble("store", True, str(error)))
        self._short_of_space = None  # the first commit that succeeds takes the trouble back
        self._changes.tell()

    def _tell_unrecorded(self) -> None:
        """What is decided and will not be written: see `unrecorded.py`."""
        for portion in self._pending:
            self.unrecorded.tell(portion.decisions, self.engine)

    def _refuse_all(self, error: StoreFailed) -> None:
        for portion in self._pending:
            self._refuse_waiting(portion, error)

    def _refuse_waiting(self, portion: Portion, error: StoreFailed) -> None:
        for future in portion.waiting:
            if not future.done():
                future.set_exception(error)
