"""The collector as a Sparkplug host on a real broker, against a gateway whose every byte is made here by hand."""

from __future__ import annotations

import json
import os
import queue
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from config.sparkplug import DataType, WireError
from config.wire import (
    check_value,
    decode,
    encode_birth,
    encode_death,
    encode_report,
    encode_state,
    topic_of,
)
from config.words import (
    Birth,
    Command,
    Commit,
    Committed,
    Death,
    Declared,
    Edge,
    HostState,
    Lane,
    Reading,
    Report,
)
from tests.servers import Server, free_port, mosquitto, wait_until

ROOT = Path(__file__).parents[2]
DEVICE, OTHER = "smoke-b3-502", "smoke-b2-402"
EDGE = Edge("wutong-lane", "gw-east")
POSITIONS = {lane.metric: DataType.UINT64 for lane in Lane}
POINTS = {"fire": DataType.BOOLEAN, "temperature": DataType.DOUBLE}
NODE = {10: Declared(Lane.ALARM.metric, DataType.UINT64), 11: Declared(Lane.TELEMETRY.metric, DataType.UINT64)}

pytestmark = pytest.mark.servers


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Gateway:
    """An edge node made by hand. `commits` and `rebirths` are what the host said to it."""

    def __init__(self, port: int, edge: Edge = EDGE, epoch: str | None = "epoch-1") -> None:
        self.edge = edge
        self.epoch = epoch
        self.seq = 0
        self.commits: queue.Queue[Commit] = queue.Queue()
        self.rebirths: queue.Queue[float] = queue.Queue()
        self.states: queue.Queue[tuple[HostState, bool]] = queue.Queue()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topic_of(edge, "NCMD"), 1), ("spBv1.0/STATE/#", 1)]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._hear
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def _hear(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            said = decode(message.topic, bytes(message.payload))
        except WireError:
            return  # what a test sends to STATE on purpose
        if isinstance(said, HostState):
            self.states.put((said, message.retain))
        elif isinstance(said, Command) and said.rebirth:
            self.rebirths.put(time.monotonic())
        elif isinstance(said, Command) and said.commit is not None:
            self.commits.put(said.commit)

    def send(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def born(
        self, bd_seq: int = 0, devices: tuple[str, ...] = (DEVICE, OTHER), fire: bool = False, floor: int = 1
    ) -> None:
        """NBIRTH and the DBIRTHs; aliases of a device start at 100, 200 …"""
        journal = {} if self.epoch is None else {"epoch": self.epoch, "floors": dict.fromkeys(Lane, floor)}
        self.seq = 0
        node = Birth(self.edge, None, now_ms(), self.seq, (), NODE, bd_seq, **journal, clock_synchronized=True)
        self.send(topic_of(self.edge, "NBIRTH"), encode_birth(node))
        for device in devices:
            self.seq = (self.seq + 1) % 256
            readings = (
                Reading("fire", fire, DataType.BOOLEAN),
                Reading("temperature", 21.0, DataType.DOUBLE),
            )
            birth = Birth(self.edge, device, now_ms(), self.seq, readings, self.aliases(device))
            self.send(topic_of(self.edge, "DBIRTH", device), encode_birth(birth))

    def aliases(self, device: str) -> dict[int, Declared]:
        first = 100 if device == DEVICE else 200
        named = {**POINTS, **POSITIONS}
        return {first + n: Declared(name, datatype) for n, (name, datatype) in enumerate(named.items())}

    def say(
        self,
        position: int | None,
        fire: bool | None = None,
        device: str = DEVICE,
        lane: Lane = Lane.ALARM,
        temperature: float | None = None,
        seq: int | None = None,
    ) -> None:
        """One DDATA record."""
        said = {"fire": fire, "temperature": temperature}
        readings = tuple(Reading(name, value, POINTS[name]) for name, value in said.items() if value is not None)
        check = None if position is None else check_value(device, lane, position, readings)
        where = lane if position is not None else None
        report = Report(self.edge, device, where, self.epoch, position, check, now_ms(), False, readings)
        self.seq = (self.seq + 1) % 256 if seq is None else seq
        aliases = {declared.name: alias for alias, declared in self.aliases(device).items()}
        self.send(topic_of(self.edge, "DDATA", device), encode_report(report, aliases, self.seq, now_ms()))

    def die(self, bd_seq: int) -> None:
        death = encode_death(Death(self.edge, None, now_ms(), bd_seq))
        self.send(topic_of(self.edge, "NDEATH"), death)

    def committed(self, lane: Lane, true: Callable[[Committed], bool], within_s: float = 10.0) -> Committed:
        """Wait for a commit of our epoch that says so."""
        deadline, last = time.monotonic() + within_s, None
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                commit = self.commits.get(timeout=left_s)
            except queue.Empty:
                break
            assert commit.epoch == self.epoch
            last = commit.lanes.get(lane)
            if last is not None and true(last):
                return last
        pytest.fail(f"no such commit of the {lane} lane; the last was {last}")

    def quiet(self, heard: queue.Queue[Any], for_s: float) -> None:
        """Nothing more is said for a while."""
        with pytest.raises(queue.Empty):
            pytest.fail(f"heard {heard.get(timeout=for_s)}")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Collector:
    """`callpoint collector` as a process of its own."""

    def __init__(self, folder: Path, port: int, *more: str, site: Path = ROOT / "config/sites/demo") -> None:
        self.folder = folder
        self.listen = free_port()
        self.log = folder / "collector.log"
        state = ["--state", f"sqlite:{folder}/state.db", "--listen", f"127.0.0.1:{self.listen}"]
        self.command = [sys.executable, str(ROOT / "callpoint.py"), "collector", str(site)]
        self.command += ["--mqtt", f"mqtt://127.0.0.1:{port}", *state, *more]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, stderr: int | None = None) -> None:
        with self.log.open("ab") as log:
            environment = {**os.environ, "CALLPOINT_API_TOKEN": "token"}
            error = log if stderr is None else stderr
            self.process = subprocess.Popen(self.command, stdout=log, stderr=error, env=environment)
        wait_until(self._up, f"the collector answers\n{self.log.read_text()[-2000:]}")

    def _up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"the collector ended at once:\n{self.log.read_text()[-2000:]}")
        try:
            return bool(self.ask("/api/v1/health"))
        except (OSError, urllib.error.URLError):
            return False

    def ask(self, path: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.listen}{path}", headers={"Authorization": "Bearer token"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            text = answer.read().decode()
        return json.loads(text) if path.startswith("/api") else text

    def counter(self, event: str) -> float:
        for line in self.ask("/metrics").splitlines():
            if f'"{event}"' in line and not line.startswith("#"):
                return float(line.rpartition(" ")[2])
        return 0.0

    def fires(self) -> list[Any]:
        found = self.ask("/api/v1/incidents")["incidents"]
        return [incident for incident in found if incident["kind"] == "fire"]

    def stop(self, number: int = signal.SIGTERM, within_s: float = 6.0) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(within_s)
        self.process = None
        return code

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def broker() -> Iterator[Server]:
    with mosquitto() as server:
        yield server


@contextmanager
def running(folder: Path, port: int, *more: str) -> Iterator[tuple[Collector, Gateway]]:
    gateway, collector = Gateway(port), Collector(folder, port, *more)
    try:
        collector.start()
        yield collector, gateway
    finally:
        gateway.close()
        collector.close()


def state_of(gateway: Gateway, online: bool, within_s: float = 10.0) -> HostState:
    deadline = time.monotonic() + within_s
    while True:
        state, _ = gateway.states.get(timeout=max(0.01, deadline - time.monotonic()))
        if state.online is online:
            return state


def test_a_fire_is_committed_acknowledged_and_opens_an_incident(broker: Server, tmp_path: Path) -> None:
    with running(tmp_path, broker.port) as (collector, gateway):
        gateway.rebirths.get(timeout=10)  # a collector that starts asks everybody for births
        gateway.born()
        gateway.say(1, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane.upto == 1)
        (incident,) = collector.fires()
        assert incident["where"]["building"] == "b-3"
        gateway.say(1, lane=Lane.TELEMETRY, temperature=60.0)
        gateway.committed(Lane.TELEMETRY, lambda lane: lane.upto == 1)
        rows = {row["lane"]: row for row in collector.ask("/api/v1/ledger")["rows"]}
        assert rows["alarm"]["committed"] == rows["telemetry"]["committed"] == 1
        assert len(collector.fires()) == 1


def test_the_log_tells_a_call_by_its_id_and_a_reader_that_leaves_ends_nothing(broker: Server, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"jq -R '([^']*select\(\.incident == \"ID\"\)[^']*)'", page)
    log, writes = os.pipe()
    gateway, collector = Gateway(broker.port), Collector(tmp_path, broker.port)
    text = b""
    try:
        collector.start(stderr=writes)
        os.close(writes)
        gateway.born()
        gateway.say(1, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane.upto == 1)
        incident = collector.fires()[0]["id"]
        while b'"handed-over"' not in text:
            text += os.read(log, 1 << 16)
        text += os.read(log, 1 << 16) if select.select([log], [], [], 0.2)[0] else b""
        os.close(log)
        gateway.say(2, device=OTHER, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane.upto == 2)
        wait_until(lambda: collector.counter("lost") > 0, "the lines that nobody reads are counted")
        assert len(collector.fires()) == 2
        assert collector.stop() == 0
    finally:
        gateway.close()
        collector.close()

    lines = [json.loads(line) for line in text.decode().splitlines()]
    assert {line["part"] for line in lines} >= {"collector", "collector.session.inbox", "uvicorn.error"}
    asked = ["jq", "-R", "-r", shown.replace("ID", incident)]
    told = subprocess.run(asked, input=text.decode(), capture_output=True, text=True, check=True, timeout=20).stdout
    story = [line for line in lines if line.get("incident") == incident]
    assert told.count("\n") == len(story)
    events = [line["event"] for line in story]
    for middle in ("ring-called", "notice-created"):
        order = ["incident-opened", "alarm-raised", "call-started", middle, "handed-over"]
        assert [each for each in dict.fromkeys(events) if each in order] == order, events
    made = {line["notice"]: line["reason"] for line in story if line["event"] == "notice-created"}
    assert {line["notice"]: line["reason"] for line in story if line["event"] == "handed-over"}.items() <= made.items()


def test_a_journal_is_acknowledged_around_its_holes_and_across_a_kill(broker: Server, tmp_path: Path) -> None:
    with running(tmp_path, broker.port) as (collector, gateway):
        gateway.born()
        for position in (1, 2, 5, 4, 9, 5):  # out of order, and one twice
            gateway.say(position, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane == Committed(2, ((4, 5), (9, 9))))
        assert collector.process is not None
        collector.stop(signal.SIGKILL)
        collector.start()
        gateway.born()
        gateway.say(4, fire=True)  # it was not heard that this is committed
        gateway.committed(Lane.ALARM, lambda lane: lane == Committed(2, ((4, 5), (9, 9))))
        gateway.born(floor=9)  # what is missing below 9 was dropped
        gateway.say(10, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane == Committed(10))
        (row,) = [row for row in collector.ask("/api/v1/ledger")["rows"] if row["lane"] == "alarm"]
        assert row["committed"] == 6
        assert len(collector.fires()) == 1


def test_what_makes_no_sense_is_counted_and_hurts_nothing(broker: Server, tmp_path: Path) -> None:
    with running(tmp_path, broker.port) as (collector, gateway):
        gateway.born()
        for payload in (b"", b"\xff" * 50, b"{}", b"\x0a\x02\xff\xff", b"x" * 300_000):
            gateway.send(topic_of(EDGE, "DDATA", DEVICE), payload)
            gateway.send(topic_of(EDGE, "NBIRTH"), payload)
            gateway.send("spBv1.0/STATE/somebody", payload)
        gateway.send(f"spBv1.0/{EDGE.group}/XDATA/{EDGE.node}", b"")
        gateway.send(f"spBv1.0/{EDGE.group}/DDATA", b"")
        stranger = Edge(EDGE.group, "gw-nowhere")
        death = encode_death(Death(stranger, None, now_ms(), 0))
        gateway.send(topic_of(stranger, "NDEATH"), death)
        gateway.send(topic_of(EDGE, "NDEATH"), encode_death(Death(EDGE, None, now_ms(), 0)), retain=True)
        gateway.send(topic_of(EDGE, "NDEATH"), b"", retain=True)
        wait_until(lambda: collector.counter("garbage") >= 10, "garbage is counted")
        assert collector.counter("unknown-node") == 1
        gateway.born(bd_seq=1)
        gateway.say(1, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane.upto == 1)
        assert len(collector.fires()) == 1
        told = [json.loads(line) for line in collector.log.read_text().splitlines() if "cannot be read" in line]
        said = [line["source"] for line in told if line["event"] == "strange"]
        assert topic_of(EDGE, "NBIRTH") in said
        assert len(said) == len(set(said))  # once per source and minute


def test_an_unknown_alias_or_data_before_birth_asks_for_births(broker: Server, tmp_path: Path) -> None:
    with running(tmp_path, broker.port) as (collector, gateway):
        gateway.rebirths.get(timeout=10)
        gateway.born(devices=(DEVICE,))
        gateway.say(1, device=OTHER, fire=True)
        gateway.rebirths.get(timeout=15)
        assert collector.counter("data-before-birth") == 1
        gateway.born()
        gateway.say(1, device=OTHER, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane.upto == 1)
        assert [fire["where"]["building"] for fire in collector.fires()] == ["b-2"]


def test_a_late_death_certificate_of_an_older_session_is_ignored(broker: Server, tmp_path: Path) -> None:
    def online(device: str) -> bool | None:
        found: bool | None = collector.ask(f"/api/v1/devices/{device}")["online"]
        return found

    with running(tmp_path, broker.port) as (collector, gateway):
        gateway.born(bd_seq=7)
        wait_until(lambda: online(DEVICE) is True, "the device is online")
        gateway.die(bd_seq=6)
        wait_until(lambda: collector.counter("stale-death") == 1, "the old certificate is counted")
        assert online(DEVICE) is True
        gateway.die(bd_seq=7)
        wait_until(lambda: online(DEVICE) is False, "the device is offline")


def test_a_gateway_without_a_journal_is_heard_and_not_acknowledged(broker: Server, tmp_path: Path) -> None:
    with running(tmp_path, broker.port) as (collector, gateway):
        gateway.epoch = None
        gateway.born()
        gateway.say(None, fire=True)
        wait_until(lambda: len(collector.fires()) == 1, "an incident is open")
        gateway.quiet(gateway.commits, 0.3)


def test_state_follows_the_rules_for_hosts(broker: Server, tmp_path: Path) -> None:
    with running(tmp_path, broker.port) as (collector, gateway):
        born = state_of(gateway, online=True)
        topic = f"spBv1.0/STATE/{born.host_id}"
        gateway.send(topic, encode_state(False, born.at_ms), retain=True)
        assert state_of(gateway, online=False).at_ms == born.at_ms
        assert state_of(gateway, online=True) == born  # said again at once, with the same stamp

        collector.stop(signal.SIGKILL)
        will = state_of(gateway, online=False)
        assert (will.host_id, will.at_ms) == (born.host_id, born.at_ms)
        collector.start()
        again = state_of(gateway, online=True)
        assert again.host_id == born.host_id and again.at_ms > born.at_ms

        before_ms = now_ms()
        assert collector.stop() == 0
        assert state_of(gateway, online=False).at_ms >= before_ms
        late = Gateway(broker.port)
        retained, is_retained = late.states.get(timeout=10)
        late.close()
        assert not retained.online and is_retained


def test_a_broker_that_comes_back_is_joined_again(tmp_path: Path) -> None:
    with mosquitto() as broker, running(tmp_path, broker.port) as (collector, gateway):
        gateway.born()
        gateway.say(1, fire=True)
        gateway.committed(Lane.ALARM, lambda lane: lane.upto == 1)
        while not gateway.rebirths.empty():
            gateway.rebirths.get()
        broker.kill()
        wait_until(lambda: "connection lost" in collector.log.read_text(), "the loss is seen")
        broker.start()
        state_of(gateway, online=True, within_s=30)
        gateway.rebirths.get(timeout=30)
        gateway.born(bd_seq=1)
        gateway.say(2, fire=False)
        gateway.committed(Lane.ALARM, lambda lane: lane.upto == 2)


def test_it_starts_while_no_broker_is_there_and_joins_it_later(tmp_path: Path) -> None:
    with mosquitto() as broker:
        broker.stop()
        collector = Collector(tmp_path, broker.port)
        try:
            collector.start()
            broker.start()
            gateway = Gateway(broker.port)
            state_of(gateway, online=True, within_s=30)
            gateway.close()
            assert collector.stop() == 0
        finally:
            collector.close()


class Hanging(BaseHTTPRequestHandler):
    """A webhook that takes the call and never answers."""

    called = threading.Event()
    release = threading.Event()

    def do_POST(self) -> None:
        self.called.set()
        self.release.wait(30)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def test_it_stops_cleanly_in_time_while_a_channel_hangs(broker: Server, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    for path in (ROOT / "config/sites/demo").glob("*.yaml"):
        (site / path.name).write_text(path.read_text())
    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hanging)
    hook.daemon_threads = True
    thread = threading.Thread(target=hook.serve_forever)
    thread.start()
    community = site / "community.yaml"
    url = f"http://127.0.0.1:{hook.server_port}/hook"
    community.write_text(community.read_text().replace("type: console", f"type: webhook, url: {url!r}"))
    gateway, collector = Gateway(broker.port), Collector(tmp_path, broker.port, site=site)
    try:
        collector.start()
        gateway.born()
        gateway.say(1, fire=True)
        assert Hanging.called.wait(10)
        began = time.monotonic()
        assert collector.stop() == 0
        assert time.monotonic() - began < 5.0
    finally:
        gateway.close()
        collector.close()
        Hanging.release.set()
        hook.shutdown()
        hook.server_close()
        thread.join()


def test_a_port_that_is_taken_and_a_wrong_url_are_said_in_words(broker: Server, tmp_path: Path) -> None:
    def words(collector: Collector, code: int) -> str:
        done = subprocess.run(collector.command, capture_output=True, text=True, timeout=30)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    collector = Collector(tmp_path, broker.port)
    with socket.create_server(("127.0.0.1", collector.listen)):
        assert f"cannot listen on 127.0.0.1:{collector.listen}" in words(collector, 1)
    assert "SQLite only" in words(Collector(tmp_path, broker.port, "--state", "postgresql://db/x"), 1)
    assert "influxdb://host:port/database" in words(Collector(tmp_path, broker.port, "--history", "influxdb://x"), 2)
    assert "HOST:PORT" in words(Collector(tmp_path, broker.port, "--listen", "8080"), 2)
    assert "expected a site folder" in words(Collector(tmp_path, broker.port, site=tmp_path / "none"), 1)
