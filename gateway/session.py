"""The Sparkplug B 3.0 edge node: births, seq, bdSeq, aliases, rebirth, deaths, commits. Pure: it is told, and asked.

Births come before any DATA, one seq counter serves node and devices, and DATA carries aliases only.
`next` gives one message at a time, the most urgent first; times are monotonic ms unless named otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from config.wire import (
    Birth,
    Command,
    Commit,
    Death,
    Edge,
    Lane,
    Reading,
    Report,
    encode_birth,
    encode_death,
    encode_report,
    topic_of,
)
from gateway.catalogue import Catalogue, LaneAccount, device_online
from gateway.record import Record
from gateway.window import Window

RETURN_SETTLE_MS = 2_000  # devices that return within this of each other are born together,
RETURN_WAIT_MAX_MS = 10_000  # but none waits longer than this
REBIRTH_PACE_MS = 1_000  # hosts that ask faster than this are answered together, and DATA goes on until then
ACCOUNT_PERIOD_MS = 5_000
PULSE_MS = 10_000  # the account goes again unchanged, so that a quiet gateway is told from a dead one


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to the broker. `record` is the journal record that it carries."""

    topic: str
    payload: bytes
    qos: int = 0
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Freed:
    """What a commit allows to leave the disk; `refused` says why a lane's commit was not obeyed."""

    ranges: tuple[tuple[Lane, int, int], ...] = ()
    refused: str | None = None


class Session:
    """One edge node over many connections."""

    def __init__(
        self,
        edge: Edge,
        epoch: str,
        catalogue: Catalogue,
        windows: Mapping[Lane, Window],
        present: Callable[[str | None], tuple[Reading, ...]],
        utc_ms: Callable[[int], int],
    ) -> None:
        """`present` gives what a device (None: the node) reads now, `utc_ms` the UTC of a monotonic time."""
        self._edge, self._epoch, self._catalogue = edge, epoch, catalogue
        self._device_of = {device_online(device): device for device in catalogue.devices}
        self.windows = windows
        self._present, self._utc_ms = present, utc_ms
        self._account: dict[Lane, LaneAccount] = {}
        self._account_sent: tuple[int, dict[Lane, LaneAccount]] = (0, {})
        self._telling: dict[str, Reading] = {}  # of the node, without a place in the journal; the newest of each
        self._bd_seq: int | None = None  # None while not connected
        self._seq = 0
        self._births: list[str | None] = []  # still to be sent of the present sequence
        self._birth_ms: int | None = None  # when the next sequence begins
        self._birth_first_asked_ms = 0
        self._rebirth_asked = False
        self._last_rebirth_ms: int | None = None
        self._muted = True  # no DATA before the births, nor between a rebirth request and its births
        self._online: set[str] = set()
        self._born: set[str] = set()
        self._owing: set[str] = set()  # gone, but with records in the journal
        self._dying: dict[str, int] = {}  # device -> last alarm position that it owes before its DDEATH

    # --- the connection -------------------------------------------------------------------------------

    def will(self, bd_seq: int, at_ms: int) -> Outgoing:
        """The NDEATH that the broker keeps for us."""
        death = Death(self._edge, None, at_ms, bd_seq)
        return Outgoing(topic_of(self._edge, "NDEATH"), encode_death(death), qos=1)

    def opened(self, bd_seq: int, now_ms: int, birth_ms: int, owing: set[str]) -> None:
        """Connected and subscribed. Births begin at `birth_ms`; `owing` devices have records in the journal."""
        self._bd_seq = bd_seq
        self._births, self._birth_ms = [], max(now_ms, birth_ms)
        self._rebirth_asked, self._last_rebirth_ms = False, None
        self._muted = True
        self._born.clear()
        self._dying.clear()
        self._owing = owing - self._online
        for window in self.windows.values():
            window.open(now_ms)

    def settled(self, now_ms: int) -> None:
        """Every device was heard or given up once: a first birth need not wait any longer."""
        if self._muted and self._birth_ms is not None and self._last_rebirth_ms is None:
            self._birth_ms = now_ms

    def closed(self) -> None:
        """The connection is gone."""
        self._bd_seq = None
        self._births, self._birth_ms = [], None
        self._muted = True
        self._telling.clear()
        for window in self.windows.values():
            window.close()

    # --- what happens ---------------------------------------------------------------------------------

    def appended(self, record: Record, now_ms: int) -> None:
        """The journal has synced a record. The node's own records say which devices came and went."""
        self.windows[record.lane].appended(record)
        if record.device is None:
            for reading in record.readings:
                if (device := self._device_of.get(reading.name)) is not None:
                    self._presence(device, reading.value is True, record.position, now_ms)
            return
        burning = record.lane is Lane.ALARM and any(reading.value is True for reading in record.readings)
        if burning and record.device not in self._born:
            self._ask_birth(now_ms, now_ms)  # a fire does not wait for other devices to return

    def unrecorded(self, now_ms: int) -> None:
        """Alarms cannot be written down: births say what is read now, so that a fire is seen all the same."""
        self._ask_birth(now_ms, now_ms)

    def _presence(self, device: str, online: bool, position: int, now_ms: int) -> None:
        if online:
            self._online.add(device)
            self._owing.discard(device)
            self._dying.pop(device, None)
            if device not in self._born:
                self._ask_birth(now_ms, now_ms + RETURN_SETTLE_MS)
        else:
            self._online.discard(device)
            if device in self._born:
                self._dying[device] = position  # its DDEATH follows what its alarm lane owes

    def drained(self, device: str) -> None:
        """The journal holds nothing any more of a device that is gone: it may die again."""
        self._owing.discard(device)
        if device in self._born and device not in self._online:
            self._dying[device] = 0

    @property
    def draining(self) -> set[str]:
        """Devices that are gone and born only to send what they owe."""
        return self._owing & self._born

    def count(self, account: Mapping[Lane, LaneAccount]) -> None:
        """The journal's newest counts; they tell the windows what is gone from disk."""
        self._account = dict(account)
        for lane, counts in account.items():
            self.windows[lane].raise_floor(counts.floor)

    def tell(self, readings: Iterable[Reading]) -> None:
        """Say something of the node that no journal keeps; what is not said before the connection ends never is."""
        if self._bd_seq is not None:
            self._telling |= {reading.name: reading for reading in readings}

    def command(self, command: Command, now_ms: int) -> Freed:
        """An NCMD. Only a rebirth and a commit of our own epoch are obeyed; a question is for the shell."""
        if command.rebirth and self._bd_seq is not None:
            self._ask_rebirth(now_ms)
        freed = Freed() if command.commit is None else self._commit(command.commit)
        if command.strange and freed.refused is None:
            freed = replace(freed, refused=f"a command for {', '.join(command.strange)[:80]}")
        return freed

    def _commit(self, commit: Commit) -> Freed:
        if commit.epoch != self._epoch:
            return Freed(refused=f"a commit of epoch {commit.epoch[:40]!r}, which is not this journal's")
        ranges: list[tuple[Lane, int, int]] = []
        refused = None
        for lane, committed in commit.lanes.items():
            freed = self.windows[lane].committed(committed)
            if freed is None:
                refused = f"a commit of {lane.value} positions that were never published (up to {committed.upto})"
            else:
                ranges += [(lane, first, last) for first, last in freed]
        return Freed(tuple(ranges), refused)

    # --- what to send ---------------------------------------------------------------------------------

    def next(self, now_ms: int) -> Outgoing | None:
        """The most urgent message, taken as sent. Alarms first, then live telemetry, then backlog, oldest first."""
        if self._bd_seq is None:
            return None
        if self._birth_ms is not None and self._birth_ms <= now_ms:
            self._begin_births(now_ms)
        if self._births:
            return self._birth(self._births.pop(0), now_ms)
        if self._muted:
            return None
        alarm, telemetry = self.windows[Lane.ALARM], self.windows[Lane.TELEMETRY]
        if (fresh := alarm.live(self._sendable, displaces=True)) is not None:
            return self._data(fresh, now_ms, historical=False)
        if (again := alarm.overdue(self._sendable, now_ms) or alarm.old(self._sendable)) is not None:
            return self._data(again, now_ms, historical=True)
        if now_ms - self._account_sent[0] >= ACCOUNT_PERIOD_MS and (account := self.account_message(now_ms)):
            return account
        if self._telling:
            readings = tuple(self._telling.values())
            self._telling.clear()
            return self._of_the_node(readings, now_ms)
        if (fresh := telemetry.live(self._sendable, displaces=False)) is not None:
            return self._data(fresh, now_ms, historical=False)
        for device, position in self._dying.items():
            if not alarm.unsent(position):
                return self._death(device, now_ms)
        if (again := telemetry.overdue(self._sendable, now_ms) or telemetry.old(self._sendable)) is not None:
            return self._data(again, now_ms, historical=True)
        self._ask_births_of_the_owing(now_ms)
        return None

    def wake_at(self) -> int | None:
        """When `next` may have something new without anything happening."""
        if self._bd_seq is None:
            return None
        times = [] if self._birth_ms is None else [self._birth_ms]
        if not self._muted:
            times += [at for window in self.windows.values() if (at := window.resend_at(self._sendable)) is not None]
            changed = self._account != self._account_sent[1]
            times.append(self._account_sent[0] + (ACCOUNT_PERIOD_MS if changed else PULSE_MS))
        return min(times, default=None)

    def account_message(self, now_ms: int) -> Outgoing | None:
        """The journal's counts as NDATA without a position, or None if the host has them and heard us lately."""
        lately = now_ms - self._account_sent[0] < PULSE_MS
        if self._muted or self._bd_seq is None or (lately and self._account == self._account_sent[1]):
            return None
        self._account_sent = (now_ms, dict(self._account))
        return self._of_the_node(tuple(self._account_readings()), now_ms)

    def last_counts(self, now_ms: int) -> Outgoing | None:
        """What tells the host the journal's counts before a farewell; None if it has them.

        DATA may not be sent between a rebirth request and its births: there the NBIRTH tells them.
        """
        if self._bd_seq is None or not self._muted:
            return self.account_message(now_ms)
        self._begin_births(now_ms)
        return self._birth(self._births.pop(0), now_ms)

    def farewell(self, at_ms: int) -> Outgoing | None:
        """The NDEATH of a clean stop."""
        return None if self._bd_seq is None else self.will(self._bd_seq, at_ms)

    # --- inside ---------------------------------------------------------------------------------------

    def _ask_rebirth(self, now_ms: int) -> None:
        last_ms = self._last_rebirth_ms
        due_ms = now_ms if last_ms is None else max(now_ms, last_ms + REBIRTH_PACE_MS)
        if due_ms == now_ms:
            self._muted, self._births = True, []
        self._rebirth_asked = True
        self._birth_ms = due_ms if self._birth_ms is None else min(due_ms, self._birth_ms)

    def _ask_birth(self, now_ms: int, due_ms: int) -> None:
        if self._bd_seq is None or self._muted:
            return  # a full sequence is coming anyway
        if self._birth_ms is None:
            self._birth_first_asked_ms = now_ms
            self._birth_ms = due_ms
        elif due_ms <= now_ms:
            self._birth_ms = due_ms
        else:
            self._birth_ms = min(due_ms, self._birth_first_asked_ms + RETURN_WAIT_MAX_MS)

    def _ask_births_of_the_owing(self, now_ms: int) -> None:
        waiting = set().union(*(window.waiting_devices(now_ms) for window in self.windows.values()))
        unborn = waiting - self._born
        self._owing |= unborn - self._online
        if unborn and self._birth_ms is None:
            self._ask_birth(now_ms, now_ms + RETURN_WAIT_MAX_MS)

    def _begin_births(self, now_ms: int) -> None:
        self._birth_ms = None
        if self._rebirth_asked:
            self._rebirth_asked, self._last_rebirth_ms = False, now_ms
            for window in self.windows.values():
                window.open(now_ms)
        self._births = [None, *(d for d in self._catalogue.devices if d in self._online or d in self._owing)]
        self._born = {device for device in self._births if device is not None}
        self._dying.clear()
        self._muted = True

    def _birth(self, device: str | None, now_ms: int) -> Outgoing:
        self._muted = bool(self._births)
        self._seq = 0 if device is None else self._next_seq()
        at_ms = self._utc_ms(now_ms)
        known = [*self._present(device), *(self._account_readings() if device is None else ())]
        away = device is not None and device not in self._online
        floors = {lane: counts.floor for lane, counts in self._account.items()}
        birth = Birth(
            self._edge,
            device,
            at_ms,
            self._seq,
            self._catalogue.birth_readings(device, known, away),
            self._catalogue.declared(device),
            bd_seq=self._bd_seq if device is None else None,
            epoch=self._epoch if device is None else None,
            floors=floors,
        )
        if device is None:
            self._account_sent = (now_ms, dict(self._account))
        return Outgoing(topic_of(self._edge, "NBIRTH" if device is None else "DBIRTH", device), encode_birth(birth))

    def _account_readings(self) -> list[Reading]:
        return [reading for lane, counts in self._account.items() for reading in counts.readings(lane)]

    def _sendable(self, record: Record) -> bool:
        return record.device is None or record.device in self._born

    def _data(self, record: Record, now_ms: int, historical: bool) -> Outgoing:
        self.windows[record.lane].published(record, now_ms)
        readings = tuple(self._catalogue.as_declared(record.device, reading) for reading in record.readings)
        report = Report(
            self._edge,
            record.device,
            record.lane,
            self._epoch,
            record.position,
            record.check,
            record.at_ms,
            historical,
            readings,
        )
        payload = encode_report(report, self._catalogue.aliases(record.device), self._next_seq(), self._utc_ms(now_ms))
        verb = "NDATA" if record.device is None else "DDATA"
        return Outgoing(topic_of(self._edge, verb, record.device), payload, record=record)

    def _of_the_node(self, readings: tuple[Reading, ...], now_ms: int) -> Outgoing:
        """NDATA without a position."""
        at_ms = self._utc_ms(now_ms)
        report = Report(self._edge, None, None, None, None, None, at_ms, False, readings)
        payload = encode_report(report, self._catalogue.aliases(None), self._next_seq(), at_ms)
        return Outgoing(topic_of(self._edge, "NDATA"), payload)

    def _death(self, device: str, now_ms: int) -> Outgoing:
        del self._dying[device]
        self._born.discard(device)
        death = Death(self._edge, device, self._utc_ms(now_ms), None, self._next_seq())
        return Outgoing(topic_of(self._edge, "DDEATH", device), encode_death(death))

    def _next_seq(self) -> int:
        self._seq = (self._seq + 1) % 256
        return self._seq
