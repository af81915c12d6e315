"""Enrolled programs on a real Mosquitto with what `callpoint enroll` has made for it."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from collector import doctor
from collector.doctor import Asked as Looked
from collector.enrolment import command
from collector.enrolment.authority import BROKER, opened
from collector.enrolment.command import Asked
from collector.enrolment.handout import MOSQUITTO_FOLDER
from collector.findings import Finding, Standing
from collector.reaching import speaks_mqtt
from config.endpoint import Broker
from config.wire import Command, decode, state_topic, topic_of
from config.words import Edge
from tests.e2e.test_broker_tls import running
from tests.gateway_house import EDGE, heads_on_tcp, write_site
from tests.servers import Server, free_port, mosquitto, wait_until

OTHER = "gw-2"

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `site`, `ca` and `out`: two gateways enrolled; and, from years ago, `old`, of another gateway."""
    folder = tmp_path_factory.mktemp("community")
    site = write_site(folder / "site", free_port())
    told = yaml.safe_load((site / "site.yaml").read_text(encoding="utf-8"))["gateways"][0]
    told["id"], told["buses"][0]["id"] = OTHER, "bus-2"
    told["buses"][0]["devices"] = [device | {"id": f"{device['id']}-2"} for device in told["buses"][0]["devices"]]
    (site / "second.yaml").write_text(yaml.safe_dump({"gateways": [told]}), encoding="utf-8")
    now = datetime.now(UTC)
    asked = Asked((), site, folder / "ca", folder / "out", ("127.0.0.1",), every=True)
    assert command.run(asked, now) == 0
    past = Asked((EDGE.node,), site, folder / "ca", folder / "old", renew=True, days=30)
    assert command.run(past, now - timedelta(days=60)) == 0
    ending = Asked((EDGE.node,), site, folder / "ca", folder / "ending", renew=True, days=9)
    assert command.run(ending, now) == 0
    return folder


@contextmanager
def _broker(side: Path) -> Iterator[Server]:
    """Mosquitto as `callpoint.conf` says, but in `side` and on a port of its own."""
    text = (side / "callpoint.conf").read_text(encoding="utf-8").replace(MOSQUITTO_FOLDER, str(side))
    lines = [line for line in text.splitlines() if not line.startswith("listener ")]
    with mosquitto("\n".join(lines)) as server:
        yield server


@pytest.fixture
def broker(community: Path) -> Iterator[Server]:
    with _broker(community / "out" / "broker") as server:
        yield server


def _variables(folder: Path, stem: str = "gateway") -> dict[str, str]:
    """The environment of who was handed `folder`, with the files where they lie."""
    told = dict(line.split("=", 1) for line in (folder / f"{stem}.env").read_text().splitlines() if line[0] != "#")
    told.pop("CALLPOINT_MQTT_URL")
    return {name: re.sub(r"^/etc/callpoint/[^/]+", str(folder), path) for name, path in told.items()}


def _seen_from(folder: Path, port: int, stem: str = "gateway") -> Broker:
    files = (str(folder / name) for name in ("ca.crt", f"{stem}.crt", f"{stem}.key"))
    return Broker("127.0.0.1", port, True, None, None, *files)


@contextmanager
def _client(broker: Broker) -> Iterator[mqtt.Client]:
    client, connected = mqtt.Client(CallbackAPIVersion.VERSION2), threading.Event()
    client.tls_set_context(broker.context())
    client.on_connect = lambda *_: connected.set()
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert connected.wait(10)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _supervisor(path: Path) -> Iterator[Callable[[], list[str]]]:
    """What systemd would be told; gives all that has been said so far."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(path))
        line.setblocking(False)
        heard: list[str] = []

        def hear() -> list[str]:
            with suppress(BlockingIOError):
                while True:
                    heard.append(line.recv(100).decode())
            return heard

        yield hear


def test_an_enrolled_gateways_records_arrive_and_are_acknowledged(
    community: Path, broker: Server, tmp_path: Path
) -> None:
    url, acknowledged = f"mqtts://127.0.0.1:{broker.port}", threading.Event()
    watched = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
    centre = _variables(community / "out/collector", "collector") | watched
    pi = _variables(community / "out" / EDGE.node) | watched
    state = ("--state", f"sqlite:{tmp_path}/state.db", "--listen", f"127.0.0.1:{free_port()}")

    def hear(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        heard = decode(message.topic, bytes(message.payload))
        if isinstance(heard, Command) and heard.commit is not None:
            acknowledged.set()

    eyes = _seen_from(community / "out/collector", broker.port, "collector")
    with heads_on_tcp() as (_, slave), _client(eyes) as ear, _supervisor(tmp_path / "notify") as told:
        ear.on_message = hear
        ear.subscribe(topic_of(EDGE, "NCMD"), qos=1)
        site = str(write_site(tmp_path / "site", slave.port))
        gateway = ("gateway", site, "--id", EDGE.node, "--mqtt", url, "--state", str(tmp_path / "gateway"))
        with (
            running(tmp_path / "collector.log", centre, "collector", site, "--mqtt", url, *state) as collected,
            running(tmp_path / "gateway.log", pi, *gateway),
        ):
            wait_until(lambda: bool(told()) and acknowledged.is_set(), "the collector acknowledges", within_s=60)
            assert "Traceback" not in collected()
        heard = told()
    assert heard.count("READY=1") == heard.count("STOPPING=1") == 2  # of the gateway, and of the collector
    assert "WATCHDOG=1" in heard


def test_a_gateway_speaks_for_itself_alone_and_commands_nobody(community: Path, broker: Server) -> None:
    heard: queue.Queue[str] = queue.Queue()
    other = Edge(EDGE.group, OTHER)
    collector = _seen_from(community / "out/collector", broker.port, "collector")
    with _client(collector) as listening, _client(_seen_from(community / "out" / EDGE.node, broker.port)) as gateway:
        subscribed, refused = threading.Event(), threading.Event()
        listening.on_subscribe = lambda *_: subscribed.set()
        listening.on_message = lambda _client, _data, message: heard.put(message.topic)
        listening.subscribe("spBv1.0/#", qos=1)
        assert subscribed.wait(10)
        mine = [topic_of(EDGE, "NBIRTH"), topic_of(EDGE, "NDATA"), topic_of(EDGE, "DDATA", "a-new-device")]
        not_mine = [
            topic_of(EDGE, "NCMD"),
            topic_of(EDGE, "DCMD", "smoke-1"),
            topic_of(other, "NDATA"),
            topic_of(other, "NDEATH"),
            topic_of(other, "DDATA", "smoke-1-2"),
            topic_of(other, "NCMD"),
            topic_of(Edge("another-lane", EDGE.node), "NDATA"),
            state_topic("host"),
            "anything/else",
        ]
        for topic in (*not_mine, *mine):
            gateway.publish(topic, b"", qos=1)
        assert [heard.get(timeout=10) for _ in mine] == mine
        assert heard.empty()

        told: queue.Queue[str] = queue.Queue()
        gateway.on_message = lambda _client, _data, message: told.put(message.topic)
        gateway.on_subscribe = lambda *_: refused.set()
        gateway.subscribe([("spBv1.0/#", 1), (topic_of(EDGE, "NCMD"), 1)])
        assert refused.wait(10)
        for topic in (topic_of(other, "NCMD"), topic_of(EDGE, "NCMD")):
            listening.publish(topic, b"", qos=1)
        assert told.get(timeout=10) == topic_of(EDGE, "NCMD")  # what is another's was not heard before it
        listening.publish(topic_of(EDGE, "DCMD", "smoke-1"), b"", qos=1).wait_for_publish(10)
        assert told.empty()  # nobody at all commands a device


def test_who_is_turned_away_is_told_why(community: Path, broker: Server, tmp_path: Path) -> None:
    url, site = f"mqtts://127.0.0.1:{broker.port}", str(community / "site")
    gateway = ("gateway", site, "--id", EDGE.node, "--mqtt", url)
    ended = _variables(community / "old" / EDGE.node)
    with (
        running(tmp_path / "1.log", ended, *gateway, "--state", str(tmp_path / "1")) as old,
        running(tmp_path / "3.log", ended, "tap", "--mqtt", url) as tapped,
        running(
            *(tmp_path / "4.log", ended, "collector", site, "--mqtt", url, "--state", f"sqlite:{tmp_path}/s.db"),
            *("--listen", f"127.0.0.1:{free_port()}"),
        ) as centre,
    ):
        wait_until(
            lambda: "our certificate has ended" in old(), "the gateway says that its certificate has ended", within_s=60
        )
        wait_until(
            lambda: "our certificate has ended" in tapped(), "the tap says that its certificate has ended", within_s=60
        )
        wait_until(lambda: "our certificate has ended" in centre(), "the collector says so", within_s=60)
    stranger = speaks_mqtt(Broker("127.0.0.1", broker.port, True, ca_file=str(community / "out/broker/ca.crt")))
    assert stranger is not None and "wants a certificate" in stranger
    assert speaks_mqtt(_seen_from(community / "out" / EDGE.node, broker.port)) is None


def test_a_revoked_gateway_is_silenced_at_once_and_turned_away(community: Path, tmp_path: Path) -> None:
    heard: queue.Queue[str] = queue.Queue()
    ca = tmp_path / "ca"
    command.run(Asked((), community / "site", ca, tmp_path / "out", ("127.0.0.1",), every=True), datetime.now(UTC))
    side = tmp_path / "out" / "broker"
    with _broker(side) as broker:
        one, two = (_seen_from(tmp_path / "out" / name, broker.port) for name in (EDGE.node, OTHER))
        collector = _seen_from(tmp_path / "out/collector", broker.port, "collector")
        with _client(collector) as listening, _client(one) as first, _client(two) as second:
            subscribed = threading.Event()
            listening.on_subscribe = lambda *_: subscribed.set()
            listening.on_message = lambda _client, _data, message: heard.put(message.topic)
            listening.subscribe("spBv1.0/#", qos=1)
            assert subscribed.wait(10)
            assert command.run(Asked((EDGE.node,), None, ca, tmp_path / "out", revoke=True), datetime.now(UTC)) == 0
            assert broker.process is not None
            os.kill(broker.process.pid, signal.SIGHUP)  # the rules alone are enough for lines that are open
            wait_until(lambda: "Reloading config" in broker.log.read_text(errors="replace"), "it reads its rules anew")
            first.publish(topic_of(EDGE, "NDATA"), b"", qos=1)
            own = topic_of(Edge(EDGE.group, OTHER), "NDATA")
            second.publish(own, b"", qos=1)
            assert heard.get(timeout=10) == own and heard.empty()
        broker.stop()
        broker.start()
        assert speaks_mqtt(two) is None
        said = speaks_mqtt(one)
        assert said is not None and "was revoked" in said


def _doctor(asked: Looked) -> dict[str, Finding]:
    return {finding.part: finding for finding in doctor.look(asked)}


def test_doctor_warns_before_a_certificate_ends_and_tells_when_it_has(
    community: Path, broker: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(folder: Path) -> tuple[Finding, Finding]:
        for name, value in _variables(folder).items():
            monkeypatch.setenv(name, value)
        found = _doctor(Looked(mqtt=f"mqtts://127.0.0.1:{broker.port}"))
        return found["certificate"], found["broker"]

    ours, theirs = look(community / "out" / EDGE.node)
    assert ours.standing is theirs.standing is Standing.WELL
    ours, theirs = look(community / "ending" / EDGE.node)
    assert ours.standing is Standing.DOUBTFUL and "8 days" in ours.said and "callpoint enroll" in ours.mend
    assert theirs.standing is Standing.WELL
    ours, theirs = look(community / "old" / EDGE.node)
    assert ours.standing is theirs.standing is Standing.WRONG and "our certificate has ended" in theirs.said
    (community / "old" / EDGE.node / "gateway.key").chmod(0o644)
    found = _doctor(Looked(mqtt=f"mqtts://127.0.0.1:{broker.port}"))
    assert found["permissions"].standing is Standing.WRONG and "gateway.key" in found["permissions"].said


@contextmanager
def _https(folder: Path, days: int) -> Iterator[tuple[int, Path]]:
    """A web server with a certificate of an authority of its own; gives its port and the authority's certificate."""
    now = datetime.now(UTC)
    with opened(folder / f"web-{days}", "the web", ("127.0.0.1",), now - timedelta(days=400)) as authority:
        pair = authority.issue(BROKER, 400 + days, now - timedelta(days=400))
        (folder / "web.pem").write_bytes(pair.certificate + pair.key)
        (folder / "web-ca.pem").write_bytes(authority.certificate_pem)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "web.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1], folder / "web-ca.pem"
    finally:
        server.shutdown()
        server.server_close()


def test_doctor_looks_at_the_certificate_of_the_board_too(
    community: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    shutil.copytree(community / "site", site)
    text = (site / "site.yaml").read_text(encoding="utf-8")

    def look(port: int) -> Finding:
        url = f"https://127.0.0.1:{port}"
        (site / "site.yaml").write_text(text.replace("plan:\n", f"plan:\n  board_url: {url}\n"), encoding="utf-8")
        return _doctor(Looked(site, state=f"sqlite:{tmp_path}/none.db"))["board"]

    with _https(tmp_path, 100) as (port, ca):
        found = look(port)
        assert found.standing is Standing.WRONG and "not believed" in found.said and "phones" in found.mend
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        found = look(port)
        assert found.standing is Standing.WELL and "99 days" in found.said
    with _https(tmp_path, 5) as (port, _):
        found = look(port)
        assert found.standing is Standing.DOUBTFUL and "4 days" in found.said and "renew" in found.mend
    found = look(free_port())
    assert found.standing is Standing.DOUBTFUL and "cannot be reached from here" in found.said
