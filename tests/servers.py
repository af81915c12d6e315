"""Real servers for tests: Debian's mosquitto and influxd on ephemeral loopback ports, in folders that go with them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START_WITHIN_S = 20.0
STOP_WITHIN_S = 5.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], what: str, within_s: float = START_WITHIN_S) -> None:
    """Poll a condition; fails the test, saying what did not happen, after `within_s`."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s:g} s: {what}")
        time.sleep(0.02)


def listens(port: int) -> bool:
    """True if something accepts connections on 127.0.0.1:port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(slots=True)
class Server:
    """A running server. `stop` (or `kill`) and `start` may be called at will; its data stays until the test ends."""

    port: int
    command: list[str]
    log: Path
    ready: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self._ready, f"{self.command[0]} answers on port {self.port}")

    def stop(self) -> None:
        """End it, politely first."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def kill(self) -> None:
        """SIGKILL: as if its machine had lost power."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            pytest.fail(f"{self.command[0]} ended at once:\n{self.log.read_text(errors='replace')[-2000:]}")
        return self.ready()


def _binary(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install {name.replace('influxd', 'influxdb')})")
    return found


@contextmanager
def mosquitto(extra: str = "") -> Iterator[Server]:
    """A Mosquitto broker; `extra` lines go into its configuration."""
    binary = _binary("mosquitto")
    with tempfile.TemporaryDirectory(prefix="callpoint-mosquitto-") as name:
        folder, port = Path(name), free_port()
        config = folder / "mosquitto.conf"
        user = "" if Path("/proc/self").stat().st_uid else "user root\n"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n{user}{extra}\n")
        server = Server(port, [binary, "-c", str(config)], folder / "log", lambda: listens(port))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def influxd(http: str = "") -> Iterator[Server]:
    """An InfluxDB 1.6 as Debian ships it; `http` is a line for that section of its configuration."""
    binary = _binary("influxd")
    with tempfile.TemporaryDirectory(prefix="callpoint-influxd-") as name:
        folder, port, rpc_port = Path(name), free_port(), free_port()
        config = folder / "influxdb.conf"
        config.write_text(
            "reporting-disabled = true\n"
            f'bind-address = "127.0.0.1:{rpc_port}"\n'
            f'[meta]\n  dir = "{folder}/meta"\n'
            f'[data]\n  dir = "{folder}/data"\n  wal-dir = "{folder}/wal"\n  query-log-enabled = false\n'
            f'[http]\n  bind-address = "127.0.0.1:{port}"\n  log-enabled = false\n  {http}\n'
            "[monitor]\n  store-enabled = false\n"
        )
        server = Server(port, [binary, "-config", str(config)], folder / "log", lambda: _pings(port))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _pings(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2) as answer:
            return bool(answer.status == 204)
    except (urllib.error.URLError, OSError):
        return False
