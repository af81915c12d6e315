"""SIGKILL the gateway, the collector and the broker in turn: every record is stored once and the ledger balances.

Everything is real: the simulated community, a gateway and a collector as processes, Mosquitto and InfluxDB.
The counts that are compared come from four places: the gateway's journal file, the collector's store, the
history, and this test's own reading of both databases.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.servers import Server, free_port, influxd, mosquitto, wait_until

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "sites" / "demo"
STREAM_S = 3.0  # between two kills: long enough for records to be in every place between register and history

pytestmark = pytest.mark.servers


class Part:
    """One of our processes, restarted at will with the same command."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._command = [sys.executable, str(ROOT / "callpoint.py"), *arguments]
        self._log = log
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def say(self, line: str) -> None:
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        assert self.process is not None and self.process.poll() is None, self._log.read_text()[-3000:]
        self.end()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(15)
        self.end()
        return code

    def end(self) -> None:
        """Whatever its state: gone, and its pipe closed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()


@contextmanager
def _parts(*parts: Part) -> Iterator[None]:
    try:
        yield
    finally:
        for part in parts:
            part.end()


def _ledger(state: str, history: str) -> tuple[int, list[dict[str, object]]]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "callpoint.py"), "ledger", "--state", state, "--history", history, "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"ledger said {done.stdout!r} {done.stderr!r}")


def _influx(server: Server, query: str) -> list[list[object]]:
    """Rows of an InfluxQL query, asked by hand."""
    text = urllib.parse.urlencode({"db": "callpoint", "q": query, "epoch": "ms"})
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/query?{text}", timeout=20) as answer:
        (result,) = json.load(answer)["results"]
    return [row for series in result.get("series", []) for row in series["values"]]


def _stored_positions(database: Path, gateway: str, lane: str) -> list[int]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT position FROM records JOIN journals ON journals.number = records.journal"
            " WHERE node = ? AND lane = ? ORDER BY position",
            (gateway, lane),
        ).fetchall()
    return [row[0] for row in rows]


def _flip_alarms(simulator: Part, devices: Sequence[str], seconds: float) -> None:
    """Fire bits on and off while records stream, so that both lanes are busy when a kill comes."""
    deadline = time.monotonic() + seconds
    number = 0
    while time.monotonic() < deadline:
        device = devices[number % len(devices)]
        simulator.say(f"act force: {{device: {device}, bit: 1, for_s: 8}}")
        number += 1
        time.sleep(0.2)  # the pace of the stream, not a wait for something to happen


def test_kills_anywhere_lose_nothing_and_store_everything_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        broker = stack.enter_context(mosquitto())
        influx = stack.enter_context(influxd())
        addresses, state = tmp_path / "addresses.json", f"sqlite:{tmp_path / 'state.db'}"
        url, history = f"mqtt://127.0.0.1:{broker.port}", f"influxdb://127.0.0.1:{influx.port}/callpoint"
        listen = f"127.0.0.1:{free_port()}"
        # Twenty times as fast, so that telemetry changes at every read.
        simulator = Part(
            tmp_path / "simulator.log", "simulate", str(DEMO), "--addresses", str(addresses), "--speed", "20"
        )
        gateways = [
            Part(
                tmp_path / f"{name}.log",
                *("gateway", str(DEMO), "--id", name, "--mqtt", url),
                *("--state", str(tmp_path / name), "--buses", str(addresses)),
            )
            for name in ("gw-east", "gw-west")
        ]
        collector = Part(
            tmp_path / "collector.log",
            *("collector", str(DEMO), "--mqtt", url, "--state", state, "--history", history, "--listen", listen),
        )
        stack.enter_context(_parts(simulator, collector, *gateways))
        simulator.start()
        wait_until(addresses.exists, "the simulator listens")
        collector.start()
        for gateway in gateways:
            gateway.start()
        wait_until(lambda: len(_positions(tmp_path, "gw-east")) > 5, "records are being stored", 40)
        heads = ["smoke-b3-502", "smoke-b3-602", "smoke-b2-402", "smoke-b1-101"]

        for victim in ("gateway", "collector", "broker", "collector", "gateway"):
            _flip_alarms(simulator, heads, STREAM_S)
            if victim == "broker":
                broker.kill()
                broker.start()
            else:
                part = gateways[0] if victim == "gateway" else collector
                part.kill()
                part.start()
        _flip_alarms(simulator, heads, STREAM_S)

        def drained() -> bool:
            return _ledger(state, history)[0] == 0

        stored = len(_positions(tmp_path, "gw-east"))
        wait_until(lambda: len(_positions(tmp_path, "gw-east")) > stored, "records flow after the last kill", 60)
        # First nothing new may come, then the gateways drain what they have.
        assert [gateway.stop() for gateway in gateways] == [0, 0]
        wait_until(drained, "the ledger balances", 60)

        code, rows = _ledger(state, history)
        assert code == 0
        assert {(row["gateway"], row["lane"]) for row in rows} == {
            (gateway, lane) for gateway in ("gw-east", "gw-west") for lane in ("alarm", "telemetry")
        }
        for row in rows:
            gateway, lane = str(row["gateway"]), str(row["lane"])
            where = f"WHERE gateway = '{gateway}' AND lane = '{lane}'"
            in_history = sorted(
                int(str(values[1])) for values in _influx(influx, f"SELECT position FROM reading {where}")
            )
            committed = _stored_positions(tmp_path / "state.db", gateway, lane)
            assert committed == list(range(1, len(committed) + 1)), (gateway, lane)
            assert in_history == committed, (gateway, lane)
            assert row["appended"] == row["committed"] == row["in_history"] == len(committed)
            assert (row["dropped"], row["in_journal"]) == (0, 0)
        assert len(_positions(tmp_path, "gw-east", "alarm")) > 20, (
            "the alarm lane was not busy enough to prove anything"
        )
        assert collector.stop() == 0


def _positions(folder: Path, gateway: str, lane: str = "telemetry") -> list[int]:
    try:
        return _stored_positions(folder / "state.db", gateway, lane)
    except sqlite3.OperationalError:
        return []
