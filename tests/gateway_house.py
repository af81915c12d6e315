"""A whole gateway for tests: a site, a Modbus TCP slave in a thread, the process itself, and a host that answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from config.diagnosis import ANSWER, Diagnosis, read_diagnosis
from config.wire import decode, encode_commit, encode_question, encode_rebirth, resolve, topic_of
from config.words import Birth, Commit, Committed, Data, Death, Declared, Edge, Lane, Message, Report
from tests.servers import wait_until
from tests.slaves import Slave, crc, rtu_slave, tcp_slave

ROOT = Path(__file__).resolve().parent.parent
EDGE = Edge("lane", "gw")
UNITS = {"smoke-1": 1, "smoke-2": 2, "smoke-3": 3}
TEXT = {"en": "x", "zh": "x"}


def write_site(folder: Path, port: int, pulse: dict[str, float] | None = None, **gateway: Any) -> Path:
    """A community with one gateway and three smoke heads on Modbus TCP. `pulse` None: the gateway sends none."""
    place = {"building": "b", "floor": 1}
    devices = [{"id": name, "profile": "sm-1", "unit": unit, "place": place} for name, unit in UNITS.items()]
    bus = {"id": "bus", "type": "tcp", "host": "127.0.0.1", "port": port, "fast_period_s": 0.1, "slow_period_s": 0.5}
    cells: list[dict[str, Any]] = [
        {"id": f"g{level}", "level": level, "name": "x", "person": "p"} for level in (1, 2, 3)
    ]
    for cell, parent in zip(cells[1:], cells, strict=False):
        cell["parent"] = parent["id"]
    site = {
        "community": {"id": EDGE.group, "name": TEXT},
        "grid": cells,
        "people": [{"id": "p", "name": "P", "channels": [{"channel": "c", "to": "x"}]}],
        "teams": [{"id": "t", "name": "T", "leader": "p", "members": ["p"]}],
        "contacts": ["p"],
        "channels": {"c": {"type": "console"}},
        "plan": {"default": {"rings": [{"call": "team", "after_s": 0}]}, "pulse": pulse},
        "buildings": [
            {"id": "b", "name": "B", "address": "x", "latitude": 31, "longitude": 121, "floors": 6}
            | {"cell": "g3", "team": "t"}
        ],
        "gateways": [{"id": EDGE.node, "buses": [{**bus, "devices": devices}], **gateway}],
    }
    folder.mkdir(exist_ok=True)
    (folder / "site.yaml").write_text(yaml.safe_dump(site, allow_unicode=True), encoding="utf-8")
    return folder


class Heads:
    """Three SM-1 heads whose registers a test sets; a head in `silent` does not answer."""

    def __init__(self) -> None:
        self.words: dict[int, dict[int, int]] = {unit: {0: 1} for unit in UNITS.values()}
        self.silent: set[int] = set()

    def frame(self, request: bytes) -> bytes:
        """The answer to unit, function, address, count as unit and PDU; empty is silence."""
        unit, first, count = request[0], int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        if unit in self.silent:
            return b""
        words = [self.words[unit].get(address, 0) for address in range(first, first + count)]
        return bytes([unit, request[1], 2 * count]) + b"".join(word.to_bytes(2, "big") for word in words)

    def on_tcp(self, request: bytes) -> list[tuple[float, bytes]]:
        """The script of a TCP slave."""
        frame = self.frame(request[6:])
        return [(0, request[:4] + len(frame).to_bytes(2, "big") + frame)] if frame else []

    def on_rtu(self, request: bytes) -> list[tuple[float, bytes]]:
        """The script of a slave on a serial line."""
        frame = self.frame(request)
        return [(0, frame + crc(frame))] if frame else []


def heads_on_tcp() -> contextlib.AbstractContextManager[tuple[Heads, Slave]]:
    """The heads behind a real socket, in a thread of their own."""
    heads = Heads()
    return _in_thread(heads, lambda: tcp_slave(heads.on_tcp))


def heads_on_rtu(path: str, heads: Heads) -> contextlib.AbstractContextManager[tuple[Heads, Slave]]:
    """The heads on one end of a serial line, in a thread of their own."""
    return _in_thread(heads, lambda: rtu_slave(path, heads.on_rtu))


@contextlib.contextmanager
def _in_thread(
    heads: Heads, make: Callable[[], contextlib.AbstractAsyncContextManager[Slave]]
) -> Iterator[tuple[Heads, Slave]]:
    ready, ends = threading.Event(), threading.Event()
    found: list[Slave] = []

    async def serve() -> None:
        async with make() as slave:
            found.append(slave)
            ready.set()
            await asyncio.to_thread(ends.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield heads, found[0]
    finally:
        ends.set()
        thread.join(10)


@dataclass
class Gateway:
    """The gateway as its own process; `kill` is a power cut."""

    site: Path
    port: int
    state: Path
    buses: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its log goes to a file beside the state folder."""
        command = [sys.executable, "-m", "gateway", str(self.site), "--id", EDGE.node]
        command += ["--mqtt", f"mqtt://127.0.0.1:{self.port}", "--state", str(self.state)]
        command += [] if self.buses is None else ["--buses", str(self.buses)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    @property
    def log(self) -> Path:
        """What it said."""
        return self.state.with_suffix(".log")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait for it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.signal(signal.SIGTERM)
        return self.process.wait(15)


@dataclass
class Host:
    """A Sparkplug host made of paho and the wire: records everything, and acknowledges if it is told to."""

    port: int
    acknowledges: bool = True
    messages: list[tuple[str, bytes, Message]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    births: dict[str | None, Birth] = field(default_factory=dict)
    heard: dict[tuple[str, Lane], set[int]] = field(default_factory=dict)
    floors: dict[Lane, int] = field(default_factory=dict)

    def __enter__(self) -> Host:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"host-{os.getpid()}-{id(self)}")
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("spBv1.0/#", qos=1)
        subscribed = threading.Event()

        def on_subscribe(*_: object) -> None:
            if subscribed.is_set():
                self.rebirth()  # what was said while this host was away is not known
            subscribed.set()

        self.client.on_subscribe = on_subscribe
        self.client.on_message = lambda client, data, message: self.hear(message.topic, bytes(message.payload))
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert subscribed.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def hear(self, topic: str, payload: bytes) -> None:
        """Take one message, as paho's thread gives it."""
        if "/NCMD/" in topic:
            return
        said = decode(topic, payload)
        self.messages.append((topic, payload, said))
        if isinstance(said, Birth):
            self.births[said.device] = said
            self.floors.update(said.floors or {})
        elif isinstance(said, Data) and said.device in self.births:
            self._data(said)

    def _data(self, said: Data) -> None:
        epoch = self.births[None].epoch
        report = resolve(said, self.births[said.device].aliases, epoch)
        self.reports.append(report)
        if report.position is None or report.lane is None or epoch is None:
            self.floors |= {
                lane: reading.value  # type: ignore[misc]
                for lane in Lane
                for reading in report.readings
                if reading.name == lane.floor_metric
            }
        else:
            self.heard.setdefault((epoch, report.lane), set()).add(report.position)
        if self.acknowledges and epoch is not None:
            self.commit(epoch)

    def commit(self, epoch: str, lanes: dict[Lane, Committed] | None = None) -> None:
        """Acknowledge what was heard in order, or what the test says."""
        if lanes is None:
            lanes = {}
            for lane in Lane:
                heard, upto = self.heard.get((epoch, lane), set()), self.floors.get(lane, 1) - 1
                while upto + 1 in heard:
                    upto += 1
                lanes[lane] = Committed(upto)
        self.client.publish(topic_of(EDGE, "NCMD"), encode_commit(Commit(epoch, lanes), 1), qos=1)

    def rebirth(self) -> None:
        """Ask for all births."""
        self.client.publish(topic_of(EDGE, "NCMD"), encode_rebirth(1), qos=1)

    def ask(self, device: str) -> None:
        """Ask the gateway what it knows of a device."""
        self.client.publish(topic_of(EDGE, "NCMD"), encode_question(device, 1), qos=1)

    def diagnoses(self) -> list[Diagnosis]:
        """The answers, in order of arrival."""
        return [
            read_diagnosis(str(reading.value))
            for report in list(self.reports)
            for reading in report.readings
            if reading.name == ANSWER and reading.value is not None
        ]

    def verbs(self, start: int = 0) -> list[str]:
        """`NBIRTH`, `DBIRTH smoke-1` … in order of arrival."""
        found = []
        for topic, _, _ in self.messages[start:]:
            parts = topic.split("/")
            found.append(" ".join([parts[2], *parts[4:]]))
        return found

    def values(self, device: str | None, name: str) -> list[Any]:
        """All values of one point in order of arrival, best-effort ones left out."""
        return [
            reading.value
            for report in list(self.reports)
            if report.device == device and report.position is not None
            for reading in report.readings
            if reading.name == name
        ]

    def counts(self) -> dict[str, int]:
        """The newest counts that the gateway gave of its own journal."""
        found: dict[str, Any] = {}
        for said in [self.births.get(None), *list(self.reports)]:
            if said is not None and (isinstance(said, Birth) or said.position is None):
                found |= {
                    reading.name: reading.value for reading in said.readings if reading.name.startswith("Journal/")
                }
        return found


def breaches(messages: list[tuple[str, bytes, Message]]) -> list[str]:
    """What in a gateway's traffic breaks a rule of Sparkplug 3.0; empty if nothing does. Names the rule."""
    wrong: list[str] = []
    seq: int | None = None
    born: set[str | None] = set()
    aliases: dict[int, tuple[str | None, Declared]] = {}
    bd_seq: int | None = None
    data_since_nbirth = False
    for topic, _, said in messages:
        node_death = isinstance(said, Death) and said.device is None
        if isinstance(said, Birth) and said.device is None:
            if said.seq != 0:
                wrong.append(f"{topic}: topics-nbirth-seq-num: {said.seq}")
            if said.bd_seq is None:
                wrong.append(f"{topic}: topics-nbirth-bdseq-included")
            bd_seq, seq, born, aliases, data_since_nbirth = said.bd_seq, 0, {None}, {}, False
        elif not node_death and not isinstance(said, Birth | Data | Death):
            continue
        elif node_death:
            if born and said.bd_seq != bd_seq:
                wrong.append(f"{topic}: payloads-ndeath-bdseq: {said.bd_seq}, born with {bd_seq}")
            born, seq = set(), None
        else:
            if seq is None or said.seq != (seq + 1) % 256:
                wrong.append(f"{topic}: payloads-sequence-num-incrementing: {said.seq} after {seq}")
            seq = said.seq
        if isinstance(said, Birth):
            if said.device is not None and (None not in born or data_since_nbirth):
                wrong.append(f"{topic}: payloads-dbirth-order")
            born.add(said.device)
            for alias, declared in said.aliases.items():
                if alias > 0 and aliases.setdefault(alias, (said.device, declared))[0] != said.device:
                    wrong.append(f"{topic}: payloads-alias-uniqueness: {alias}")
        elif isinstance(said, Data):
            data_since_nbirth = True
            if said.device not in born:
                wrong.append(f"{topic}: payloads-ddata-order: data without a birth")
            for metric in said.metrics:
                if metric.name is not None or metric.alias is None or aliases.get(metric.alias, (0,))[0] != said.device:
                    wrong.append(f"{topic}: payloads-alias-data-cmd-requirement: {metric}")
                if metric.timestamp_ms is None:
                    wrong.append(f"{topic}: payloads-name-birth-data-requirement: {metric}")
        elif isinstance(said, Death) and said.device is not None:
            born.discard(said.device)
    return wrong


def wait_for(true: Any, what: str, gateway: Gateway, within_s: float = 20.0) -> None:
    """Poll a condition; on failure show what the gateway said."""
    try:
        wait_until(true, what, within_s)
    except BaseException:
        print(gateway.log.read_text(errors="replace")[-3000:])
        raise
