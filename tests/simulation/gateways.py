"""Simulated gateways: a journal that survives, a session that does not, and a truth to compare with.

They speak the real wire (bytes of `config.wire`) and import nothing of the gateway package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from config.sparkplug import DataType
from config.wire import check_value, encode_birth, encode_report, topic_of
from config.words import Birth, Commit, Declared, Edge, Lane, Quality, Reading, Report

Send = Callable[[str, bytes, bool], None]  # topic, payload, in order

WINDOW = 24  # records in flight per lane
RESEND_MS = {Lane.ALARM: 2_000, Lane.TELEMETRY: 10_000}
FLAGS = ("fire", "fault")
ACCOUNT = (
    *(lane.floor_metric for lane in Lane),
    *(lane.count_metric(c) for lane in Lane for c in ("Appended", "InJournal")),
)


@dataclass(slots=True)
class Book:
    """One lane on disk: what was ever appended, and what of it is still there."""

    appended: list[Report] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    sent_ms: dict[int, int] = field(default_factory=dict)  # in memory: lost with a reboot

    @property
    def floor(self) -> int:
        return min(self.kept, default=len(self.appended) + 1)


class Gateway:
    """A gateway with a few smoke detectors. `rng` is the simulation's own."""

    def __init__(self, edge: Edge, devices: tuple[str, ...], rng: Random, send: Send) -> None:
        self.edge = edge
        self.devices = devices
        self.books = {lane: Book() for lane in Lane}
        self.flags = {device: dict.fromkeys(FLAGS, False) for device in devices}
        self.temperature = dict.fromkeys(devices, 0)
        self.connected = False
        self.calm = False  # the end of the simulation: nothing trips any more
        self._rng, self._send = rng, send
        self._seq = self._bd_seq = 0
        self._account_ms = 0
        names = [*(lane.metric for lane in Lane), *FLAGS, "temperature_c"]
        self._aliases: dict[str | None, dict[str, int]] = {
            device: {name: 100 * (number + 1) + i for i, name in enumerate(names)}
            for number, device in enumerate(devices)
        }
        self._aliases[None] = {name: i for i, name in enumerate((*(lane.metric for lane in Lane), *ACCOUNT))}

    # --- what happens to it ---------------------------------------------------------------------------

    def connect(self, now: int) -> None:
        """A new connection: a new bdSeq, all births."""
        self.connected = True
        self._bd_seq = (self._bd_seq + 1) % 256
        self.give_birth(now)

    def disconnect(self) -> int:
        """The connection breaks; returns the bdSeq of the will."""
        self.connected = False
        return self._bd_seq

    def reboot(self) -> int:
        """Everything in memory is lost; the journal is not."""
        for book in self.books.values():
            book.sent_ms.clear()
        return self.disconnect()

    def obey(self, commit: Commit) -> None:
        """What the host has committed leaves the disk."""
        for lane, committed in commit.lanes.items():
            book = self.books[lane]
            for position in [position for position in book.kept if position in committed]:
                assert position in book.sent_ms or position <= len(book.appended)
                book.kept.discard(position)
                book.sent_ms.pop(position, None)

    def drop_oldest_telemetry(self, count: int) -> None:
        """The journal is full: the oldest telemetry goes, and is declared by the floor."""
        book = self.books[Lane.TELEMETRY]
        for position in sorted(book.kept)[:count]:
            book.kept.discard(position)
            book.dropped.add(position)
            book.sent_ms.pop(position, None)

    def give_birth(self, now: int) -> None:
        """NBIRTH and a DBIRTH per device, with the present values."""
        self._seq = 0
        self._birth(None, (), now)
        for device in self.devices:
            flags = self.flags[device].items()
            readings = [Reading(name, value, DataType.BOOLEAN) for name, value in flags]
            known = self.temperature[device] > 0
            readings.append(
                Reading("temperature_c", float(self.temperature[device]), DataType.DOUBLE)
                if known
                else Reading("temperature_c", None, DataType.DOUBLE, Quality.STALE, "not read yet")
            )
            self._birth(device, tuple(readings), now)

    # --- its life -------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Poll the devices, journal what changed, send what is due."""
        for device in self.devices:
            self._poll(device, now)
        if self.connected:
            for lane in Lane:
                self._send_due(lane, now)
            if now - self._account_ms >= 5_000:
                self._account_ms = now
                self._publish(None, Report(self.edge, None, None, None, None, None, now, False, self._account()), now)

    def append(self, device: str, lane: Lane, readings: tuple[Reading, ...], now: int) -> None:
        """One record, synced before it is sent."""
        book = self.books[lane]
        position = len(book.appended) + 1
        check = check_value(device, lane, position, readings)
        book.appended.append(Report(self.edge, device, lane, "epoch", position, check, now, False, readings))
        book.kept.add(position)

    def _poll(self, device: str, now: int) -> None:
        rng, flags = self._rng, self.flags[device]
        changed = []
        for name in FLAGS:
            # Trips are short: most are over at the next poll or two.
            chance = (1.0 if self.calm else 0.4) if flags[name] else (0.0 if self.calm else 0.008)
            if rng.random() < chance:
                flags[name] = not flags[name]
                changed.append(Reading(name, flags[name], DataType.BOOLEAN))
        if changed:
            self.append(device, Lane.ALARM, tuple(changed), now)
        if not self.calm and rng.random() < 0.05:
            self.temperature[device] += 1
            reading = Reading("temperature_c", float(self.temperature[device]), DataType.DOUBLE)
            self.append(device, Lane.TELEMETRY, (reading,), now)

    def _send_due(self, lane: Lane, now: int) -> None:
        book = self.books[lane]
        overdue = [p for p in sorted(book.kept) if p in book.sent_ms and now - book.sent_ms[p] >= RESEND_MS[lane]]
        fresh = sorted((p for p in book.kept if p not in book.sent_ms), reverse=lane is Lane.TELEMETRY)
        room = WINDOW - (len(book.sent_ms) - len(overdue))
        for position in (overdue + fresh)[: max(room, 0)]:
            report = book.appended[position - 1]
            again = position in book.sent_ms or now - report.at_ms > 1_000
            book.sent_ms[position] = now
            self._publish(report.device, replace(report, historical=again), now)

    def _publish(self, device: str | None, report: Report, now: int) -> None:
        verb = "NDATA" if device is None else "DDATA"
        payload = encode_report(report, self._aliases[device], self._next_seq(), now)
        self._send(topic_of(self.edge, verb, device), payload, False)

    def _birth(self, device: str | None, readings: tuple[Reading, ...], now: int) -> None:
        types = {"temperature_c": DataType.DOUBLE, **dict.fromkeys(FLAGS, DataType.BOOLEAN)}
        aliases = {
            alias: Declared(name, types.get(name, DataType.UINT64)) for name, alias in self._aliases[device].items()
        }
        verb, seq = ("NBIRTH" if device is None else "DBIRTH"), (0 if device is None else self._next_seq())
        if device is None:
            self._seq = 0
            floors = {lane: book.floor for lane, book in self.books.items()}
            counts = tuple(reading for reading in self._account() if not reading.name.endswith("Floor"))
            birth = Birth(self.edge, None, now, seq, counts, aliases, self._bd_seq, "epoch", floors, True)
        else:
            birth = Birth(self.edge, device, now, seq, readings, aliases)
        self._send(topic_of(self.edge, verb, device), encode_birth(birth), True)

    def _account(self) -> tuple[Reading, ...]:
        found = []
        for lane, book in self.books.items():
            counts = {lane.floor_metric: book.floor, lane.count_metric("Appended"): len(book.appended)}
            counts[lane.count_metric("InJournal")] = len(book.kept)
            found += [Reading(name, value, DataType.UINT64) for name, value in counts.items()]
        return tuple(found)

    def _next_seq(self) -> int:
        self._seq = (self._seq + 1) % 256
        return self._seq
