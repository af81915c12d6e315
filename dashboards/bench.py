"""`callpoint bench dashboards`: a month of 986 buildings in a real InfluxDB, asked what the overview asks.

The server is the installed `influxd`, on a port of loopback and a folder of its own that goes with it. It gets what the
overview reads (communities, buildings, incidents, measures), at the pace of the contract; then every query of the
dashboard, its variables and annotations too, is asked several times, as Grafana does when the page is opened.
"""

from __future__ import annotations

import json
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from config.figures import FIGURES, MEASUREMENTS
from dashboards.asking import History, HistoryRefused, View, choose, fill, questions
from dashboards.madeup import DAY_S, Town

OVERVIEW = Path(__file__).resolve().parent / "built" / "en" / "overview.json"  # so that the SDK is not needed
BUILDINGS = 986
DAYS = 30
ROUNDS = 5
MOST_MS = 1_000
SHOWN = 8  # of the queries, the slowest; the file has all
ASKED = ("community", "building", "incident", "call", "measure")
RANGES = {"24 h": DAY_S, "30 days": DAYS * DAY_S}
DATABASE = "callpoint"
BATCH = 10_000
_START_WITHIN_S = 30.0
_STOP_WITHIN_S = 10.0


class NotInstalled(Exception):
    """There is no InfluxDB on this machine."""


def run(count: int | None, json_file: Path | None) -> int:
    """Measure with `count` buildings; prints the figures. 0, or 1 if something failed or a query is too slow."""
    try:
        figures = _measured(count or BUILDINGS)
    except NotInstalled as error:
        print(f"callpoint bench dashboards: {error}", file=sys.stderr)
        return 1
    except (HistoryRefused, OSError, TimeoutError, subprocess.SubprocessError) as error:
        print(f"callpoint bench: {error}", file=sys.stderr)
        return 1
    for name, value in figures.items():
        if name != "queries":
            print(f"  {name.replace('_', ' '):32} {value}")
    for each in figures["queries"][:SHOWN]:
        print(f"  {each['median_ms']:7.0f} ms, {each['most_ms']:5.0f} at most  {each['range']:8} {each['where']}")
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if figures["slowest_ms"] <= MOST_MS else 1


def _measured(buildings: int) -> dict[str, Any]:
    """Fill a history and ask it."""
    town, now_s = Town(buildings, DAYS, DAYS, incidents_per_building=0.5), int(time.time())
    with _influxd() as base:
        history = History(base, DATABASE)
        history.ask(f'CREATE DATABASE "{DATABASE}" WITH DURATION 90d NAME "raw"')
        history.ask(f'CREATE RETENTION POLICY "{FIGURES}" ON "{DATABASE}" DURATION 1826d REPLICATION 1')
        began = time.perf_counter()
        rows = sum(_write(base, name, town.lines(name, now_s), _rows(town, name, now_s)) for name in ASKED)
        filled_s = time.perf_counter() - began
        asked = _asked(history, now_s)
    return {
        "what": "every query of the community overview",
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "buildings": buildings,
        "days": DAYS,
        "rows": rows,
        "filled_in_s": round(filled_s),
        "queries_asked": len(asked),
        "median_ms": round(statistics.median(each["median_ms"] for each in asked), 1),
        "slowest_ms": max(each["most_ms"] for each in asked),
        "target_ms": MOST_MS,
        "queries": sorted(asked, key=lambda each: -float(each["most_ms"])),
    }


def _asked(history: History, now_s: int) -> list[dict[str, Any]]:
    """Every query of the overview in each range: how long it took, at the median of the rounds and at most."""
    dashboard = json.loads(OVERVIEW.read_text(encoding="utf-8"))
    found = []
    for name, span_s in RANGES.items():
        view, _ = choose(dashboard, history, View((now_s - span_s) * 1_000, now_s * 1_000))
        texts = [
            (f"variable {variable['name']}", fill(variable["query"]["query"], view))
            for variable in dashboard["templating"]["list"]
            if variable["type"] == "query"
        ]
        texts += [(each.where, fill(each.query, view, each.time_from, each.interval)) for each in questions(dashboard)]
        for where, text in texts:
            taken_ms = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                history.ask(text)
                taken_ms.append((time.perf_counter() - began) * 1_000)
            median_ms, most_ms = statistics.median(taken_ms), max(taken_ms)
            found.append(
                {"where": where, "range": name, "median_ms": round(median_ms, 1), "most_ms": round(most_ms, 1)}
            )
    return found


def _rows(town: Town, measurement: str, now_s: int) -> int:
    """About how many rows a measurement has, for the bar."""
    if MEASUREMENTS[measurement].every_s is None:
        return 1
    return len(town.times(measurement, now_s)) * (town.buildings if measurement == "building" else 1)


def _write(base: str, measurement: str, lines: Iterable[str], expected: int) -> int:
    """Write rows in batches; returns how many."""
    address = f"{base}/write?{urllib.parse.urlencode({'db': DATABASE, 'rp': MEASUREMENTS[measurement].policy})}"
    written, batch = 0, []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH:
            written += _post(address, batch)
            batch = []
            _progress(measurement, min(written, expected), expected)
    written += _post(address, batch) if batch else 0
    _progress(measurement, expected, expected)
    return written


def _post(address: str, batch: Sequence[str]) -> int:
    with urllib.request.urlopen(address, "\n".join(batch).encode(), timeout=120) as answer:
        if answer.status != 204:
            raise OSError(f"InfluxDB answered {answer.status} to a write")
    return len(batch)


def _progress(what: str, done: int, count: int) -> None:
    if sys.stderr.isatty():
        width, end = 30 * done // count, "\n" if done == count else ""
        print(f"\r[{'#' * width}{'.' * (30 - width)}] {what} {done:,}", end=end, file=sys.stderr, flush=True)


@contextmanager
def _influxd() -> Iterator[str]:
    """A server of its own; yields its address. Raises NotInstalled or TimeoutError."""
    binary = shutil.which("influxd") or shutil.which("influxd", path="/usr/sbin:/sbin")
    if binary is None:
        raise NotInstalled("influxd is not installed here, so nothing was measured: apt-get install influxdb")
    with tempfile.TemporaryDirectory(prefix="callpoint-bench-") as name:
        folder, (port, other) = Path(name), (_free_port(), _free_port())
        (folder / "influxdb.conf").write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{other}"\n[meta]\n  dir = "{folder}/meta"\n'
            f'[data]\n  dir = "{folder}/data"\n  wal-dir = "{folder}/wal"\n  query-log-enabled = false\n'
            f'[http]\n  bind-address = "127.0.0.1:{port}"\n  log-enabled = false\n[monitor]\n  store-enabled = false\n',
            encoding="utf-8",
        )
        with (folder / "log").open("wb") as log:
            command = [binary, "-config", str(folder / "influxdb.conf")]
            server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait_for(f"http://127.0.0.1:{port}/ping", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.05)  # it starts within a second or so
    raise TimeoutError(f"influxd did not answer within {_START_WITHIN_S:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
