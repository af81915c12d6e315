"""A broker with a password and a certificate that the community made itself: every program gets in, nobody else."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from config.wire import topic_of
from config.words import Edge
from tests.gateway_house import EDGE, heads_on_tcp, write_site
from tests.servers import Server, free_port, mosquitto, wait_until

ROOT = Path(__file__).resolve().parents[2]
ACL = ROOT / "config" / "deploy" / "mosquitto.acl"
PASSWORD = "wutong 1986"
COLLECTOR = "collector"
LEAF = "basicConstraints=critical,CA:FALSE"

pytestmark = pytest.mark.servers


def _make(folder: Path, *arguments: str) -> None:
    """One run of openssl, its files in `folder`."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (apt-get install openssl)")
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca.pem`, which signed `server.pem` for 127.0.0.1; `other.pem`, which signed nothing."""
    folder = tmp_path_factory.mktemp("keys")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for name in ("ca", "other"):
        _make(folder, "req", "-x509", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", LEAF)
    _make(folder, "req", "-x509", *key, "-subj", "/CN=broker", *signed, "-keyout", "server.key", "-out", "server.pem")
    return folder


@pytest.fixture
def broker(keys: Path, tmp_path: Path) -> Iterator[Server]:
    passwords = tmp_path / "passwords"
    maker = shutil.which("mosquitto_passwd") or pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    passwords.touch(0o600)
    for user in (COLLECTOR, EDGE.node):
        subprocess.run([maker, "-b", str(passwords), user, PASSWORD], check=True, capture_output=True)
    tls = f"cafile {keys}/ca.pem\ncertfile {keys}/server.pem\nkeyfile {keys}/server.key\n"
    with mosquitto(f"{tls}allow_anonymous false\npassword_file {passwords}\nacl_file {ACL}\n") as server:
        yield server


@contextmanager
def running(log: Path, environment: dict[str, str], *arguments: str) -> Iterator[Callable[[], str]]:
    """A command of ours; gives what it has said so far."""
    command = [sys.executable, str(ROOT / "callpoint.py"), *arguments]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environment})
    try:
        yield lambda: log.read_text(encoding="utf-8", errors="replace")
    finally:
        process.terminate()
        process.wait(15)


@contextmanager
def _client(user: str, broker: Server, keys: Path) -> Iterator[mqtt.Client]:
    """A connected MQTT client of one user."""
    client, connected = mqtt.Client(CallbackAPIVersion.VERSION2), threading.Event()
    client.username_pw_set(user, PASSWORD)
    client.tls_set(str(keys / "ca.pem"))
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        assert connected.wait(10)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def _environment(user: str, tmp_path: Path, ca_file: Path) -> dict[str, str]:
    secret = tmp_path / "mqtt-password"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    return {
        "CALLPOINT_MQTT_USERNAME": user,
        "CALLPOINT_MQTT_PASSWORD_FILE": str(secret),
        "CALLPOINT_MQTT_CA_FILE": str(ca_file),
    }


def test_gateway_collector_and_tap_meet_over_tls_with_a_private_authority(
    broker: Server, keys: Path, tmp_path: Path
) -> None:
    url, ca_file = f"mqtts://127.0.0.1:{broker.port}", keys / "ca.pem"
    centre, pi = (_environment(user, tmp_path, ca_file) for user in (COLLECTOR, EDGE.node))
    state = ("--state", f"sqlite:{tmp_path}/state.db", "--listen", f"127.0.0.1:{free_port()}")
    with heads_on_tcp() as (_, slave):
        site = str(write_site(tmp_path / "site", slave.port))
        gateway = ("gateway", site, "--id", EDGE.node, "--mqtt", url, "--state", str(tmp_path / "gateway"))
        with (
            running(tmp_path / "tap.log", centre, "tap", "--mqtt", url) as tapped,
            running(tmp_path / "collector.log", centre, "collector", site, "--mqtt", url, *state) as collected,
            running(tmp_path / "gateway.log", pi, *gateway),
        ):
            wait_until(lambda: f"{EDGE.node} BIRTH" in tapped(), "a birth through the tap")
            wait_until(lambda: f"{EDGE.node} <- committed" in tapped(), "an acknowledgement by the collector")
            assert "Traceback" not in collected()


def test_a_certificate_of_another_authority_is_refused_and_the_log_says_so(
    broker: Server, keys: Path, tmp_path: Path
) -> None:
    url, environment = f"mqtts://127.0.0.1:{broker.port}", _environment(COLLECTOR, tmp_path, keys / "other.pem")
    site = str(write_site(tmp_path / "site", free_port()))
    programs = {
        "tap": ("--mqtt", url),
        "collector": (
            site,
            "--mqtt",
            url,
            "--state",
            f"sqlite:{tmp_path}/s.db",
            "--listen",
            f"127.0.0.1:{free_port()}",
        ),
        "gateway": (site, "--id", EDGE.node, "--mqtt", url, "--state", str(tmp_path / "gateway")),
    }

    for name, arguments in programs.items():
        with running(tmp_path / f"{name}.log", environment, name, *arguments) as said:
            wait_until(lambda said=said: "certificate verify failed" in said(), f"{name} says what is wrong")


def test_a_gateway_s_password_lets_nobody_acknowledge_or_speak_for_another(broker: Server, keys: Path) -> None:
    heard: queue.Queue[str] = queue.Queue()
    mine, others = topic_of(EDGE, "NDATA"), topic_of(Edge(EDGE.group, "other"), "NDATA")
    with _client(COLLECTOR, broker, keys) as collector, _client(EDGE.node, broker, keys) as gateway:
        subscribed = threading.Event()
        collector.on_subscribe = lambda *_: subscribed.set()
        collector.on_message = lambda _client, _data, message: heard.put(message.topic)
        collector.subscribe("spBv1.0/#", qos=1)
        assert subscribed.wait(10)
        for topic in (topic_of(EDGE, "NCMD"), others, mine):
            gateway.publish(topic, b"", qos=1)

        assert heard.get(timeout=10) == mine
        assert heard.empty()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_told_at_the_start(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    command = [sys.executable, str(ROOT / "callpoint.py"), "tap", "--mqtt", "mqtts://127.0.0.1:1"]

    done = subprocess.run(
        command, env={**os.environ, "CALLPOINT_MQTT_CA_FILE": str(ca_file)}, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and f"CALLPOINT_MQTT_CA_FILE: {ca_file}" in done.stderr
