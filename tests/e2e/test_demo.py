"""The demo as its user runs it: one story, without a terminal; on its own servers, on real ones, and stopped midway."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.servers import free_port, influxd, mosquitto, wait_until

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "callpoint.py"), "demo"]
WITHIN_S = 120


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=WITHIN_S, check=False)


def _children(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in found}


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("story", ["fire", "entrapment", "discharge"])
def test_each_story_goes_as_told_and_its_ledger_balances(story: str, tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"

    done = _demo("--story", story, "--exit", "--json", str(report_file))

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(report_file.read_text())
    assert (report["ok"], report["story"]) == (True, story)
    assert all(datetime.fromisoformat(line["at"]).tzinfo and line["what"] for line in report["timeline"])
    assert {"to", "reason", "ring", "cause_at", "handed_over_at", "latency_ms"} == set(report["notices"][0])
    assert len(report["ledger"]) == 4
    for row in report["ledger"]:
        assert row["appended"] == row["committed"] + row["dropped"] + row["in_journal"]
        assert row["committed"] == row["in_history"] > 0
    assert "\x1b[" not in done.stdout


@pytest.mark.servers
def test_a_fire_goes_as_told_on_mosquitto_and_influxdb(tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"
    with mosquitto() as broker, influxd() as influx:
        done = _demo(
            *("--story", "fire", "--exit", "--json", str(report_file)),
            *("--mqtt", f"mqtt://127.0.0.1:{broker.port}"),
            *("--history", f"influxdb://127.0.0.1:{influx.port}/callpoint"),
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(report_file.read_text())["ok"] is True


@contextmanager
def _running_demo(environment: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """A demo once its devices are heard, and the process ids of its parts. Its output goes on being read."""
    command = [*COMMAND, "--story", "fire"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        try:
            assert demo.stdout is not None
            assert any("are heard" in line for line in demo.stdout), "the demo ended before its devices were heard"
            assert any("manager" in line for line in demo.stdout), "the demo ended before it told how to sign in"
            reader = threading.Thread(target=demo.stdout.read)
            reader.start()
            yield demo, _children(demo.pid)
        finally:
            demo.kill()
            demo.wait()
            reader.join()


def test_ctrl_c_stops_every_part_also_one_that_hangs(tmp_path: Path) -> None:
    with _running_demo({**os.environ, "TMPDIR": str(tmp_path)}) as (demo, children):
        assert len(children) == 5  # broker, simulator, collector, two gateways
        os.kill(min(children), signal.SIGSTOP)  # it hangs now: deaf to SIGTERM

        demo.send_signal(signal.SIGINT)

        assert demo.wait(30) == 0
        wait_until(lambda: not any(_alive(child) for child in children), "every part has ended")
        assert not list(tmp_path.glob("callpoint-demo-*"))


def test_a_demo_that_is_killed_takes_its_parts_along() -> None:
    with _running_demo() as (demo, children):
        demo.kill()

        wait_until(lambda: not any(_alive(child) for child in children), "every part has ended", 15)


def test_a_second_demo_finds_ports_of_its_own() -> None:
    with _running_demo():
        second = _demo("--story", "entrapment", "--exit")

    assert second.returncode == 0, second.stdout + second.stderr


def test_the_default_port_may_be_taken_and_a_chosen_one_may_not() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = _demo("--story", "fire", "--exit", "--listen", f"127.0.0.1:{port}")

    assert refused.returncode == 1
    assert str(port) in refused.stderr and "Traceback" not in refused.stderr


def test_a_story_that_does_not_go_as_told_exits_1_and_says_what(tmp_path: Path) -> None:
    """A site whose neighbours' leader cannot be told: the story expects him, so the demo must not say ok."""
    site = Path(shutil.copytree(ROOT / "config" / "sites" / "demo", tmp_path / "site"))
    buildings = site / "buildings.yaml"
    buildings.write_text(buildings.read_text().replace("neighbours: [b-2, b-4]", "neighbours: [b-4]"))
    report_file = tmp_path / "report.json"

    done = _demo("--site", str(site), "--story", "fire", "--exit", "--json", str(report_file))

    report = json.loads(report_file.read_text())
    assert done.returncode == 1
    assert report["ok"] is False
    assert re.search(r"told .*neighbour-team", " ".join(report["failures"]))
    assert "told" in done.stderr


def test_a_demo_whose_broker_is_not_there_ends_with_a_report_that_says_so(tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"

    done = _demo("--story", "fire", "--exit", "--json", str(report_file), "--mqtt", f"mqtt://127.0.0.1:{free_port()}")

    report = json.loads(report_file.read_text())
    assert (done.returncode, report["ok"]) == (1, False)
    assert "smoke-b3-502" in " ".join(report["failures"]) and "not heard" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_bench_measures_every_alarm_it_was_asked_for(tmp_path: Path) -> None:
    figures_file = tmp_path / "figures.json"
    command = [
        sys.executable,
        str(ROOT / "callpoint.py"),
        "bench",
        "alarm",
        "--count",
        "2",
        "--json",
        str(figures_file),
    ]

    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(figures_file.read_text())
    assert figures["first_notice"]["count"] == 2
    assert all(row["p50_ms"] > 0 for row in figures["by_reason"].values())
    assert figures["gateway_memory"]["points"] >= 1000 and figures["gateway_memory"]["resident_mb"] > 0
