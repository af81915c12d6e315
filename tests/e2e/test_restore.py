"""Backup while alarms stream, SIGKILL, the disk lost, restore: what came after the copy is declared, no fire forgotten.

Everything is real: the simulated community, gateways and a collector as processes, Mosquitto. The histories are files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_kills import DEMO, ROOT, Part, _flip_alarms, _ledger, _parts, _positions
from tests.servers import free_port, mosquitto, wait_until

pytestmark = pytest.mark.servers
TOKEN = "a-token-for-this-test"
BURNS = "smoke-b3-502"  # from before the copy until the end
LATER = "smoke-b1-101"  # from after the copy until the end


def callpoint(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "callpoint.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def asked(listen: str, path: str) -> Any:
    request = urllib.request.Request(f"http://{listen}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def open_incidents(listen: str) -> list[dict[str, Any]]:
    try:
        return list(asked(listen, "/api/v1/incidents")["incidents"])
    except OSError:
        return []  # it is not there yet


def fires(listen: str) -> dict[str, str]:
    """The open fires: building -> incident."""
    return {each["where"]["building"]: each["id"] for each in open_incidents(listen) if each["kind"] == "fire"}


def test_a_restored_collector_declares_what_is_lost_and_forgets_no_fire(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(os.environ, "CALLPOINT_API_TOKEN", TOKEN)
    live = tmp_path / "live"
    live.mkdir()
    state, history, listen = f"sqlite:{live}/state.db", f"sqlite:{live}/history.db", f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        broker = stack.enter_context(mosquitto())
        addresses, url = tmp_path / "addresses.json", f"mqtt://127.0.0.1:{broker.port}"
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
        wait_until(lambda: len(_positions(live, "gw-east")) > 5, "records are being stored", 40)
        simulator.say(f"act force: {{device: {BURNS}, bit: 1, for_s: 80000}}")
        wait_until(lambda: "b-3" in fires(listen), "it burns", 20)
        _flip_alarms(simulator, ["smoke-b3-602", "smoke-b2-402"], 2.0)

        in_log = (tmp_path / "collector.log").read_text()
        made = callpoint("backup", str(tmp_path / "copy.tar"), "--state", state, "--history", history)
        assert made.returncode == 0, made.stderr
        in_copy = len(_positions(live, "gw-east", "alarm"))
        _flip_alarms(simulator, ["smoke-b2-402", "smoke-b3-602"], 2.0)
        simulator.say(f"act force: {{device: {LATER}, bit: 1, for_s: 80000}}")
        wait_until(lambda: len(_positions(live, "gw-east", "alarm")) > in_copy, "more came after the copy", 30)
        wait_until(lambda: "b-1" in fires(listen), "the other one burns", 20)
        before = fires(listen)

        collector.kill()
        shutil.move(live, tmp_path / "lost")
        live.mkdir()
        restored = callpoint("restore", str(tmp_path / "copy.tar"), "--state", state, "--history", history)
        assert restored.returncode == 0, restored.stderr
        assert "callpoint ledger" in restored.stdout
        told = (tmp_path / "collector.log").stat().st_size
        collector.start()

        wait_until(lambda: fires(listen).keys() == before.keys(), "every fire that burns is an open incident", 60)
        after = fires(listen)
        assert after["b-3"] == before["b-3"]  # the same one: it was in the copy
        assert after["b-1"] != before["b-1"]  # that one was lost; it burns, so people are called anew
        anew = f"notice {after['b-1'][:12]}"  # their ids begin with the incident's
        wait_until(lambda: anew in _since(tmp_path / "collector.log", told), "they are called", 20)
        assert not told_first(in_log) & told_first(_since(tmp_path / "collector.log", told)), "told twice"

        assert [gateway.stop() for gateway in gateways] == [0, 0]
        wait_until(lambda: _ledger(state, history)[0] == 0, "the ledger balances", 60)
        _, rows = _ledger(state, history)
        assert {row["gateway"] for row in rows} == {"gw-east", "gw-west"}
        for row in rows:
            lane, gateway = str(row["lane"]), str(row["gateway"])
            assert row["in_history"] == row["committed"] == len(_positions(live, gateway, lane))
            assert int(str(row["appended"])) - int(str(row["missing"])) == row["committed"], row
        assert sum(int(str(row["missing"])) for row in rows) > 0, "nothing was lost: this proves nothing"
        words = callpoint("ledger", "--state", state, "--history", history).stdout
        assert "below the floor were committed elsewhere or never heard" in words
        assert collector.stop() == 0


def told_first(log: str) -> set[str]:
    """The notices that were told, repeats left out."""
    return set(re.findall(r"^notice (\w+) to [^(]*\((?![^)]*sending)", log, re.MULTILINE))


def _since(log: Path, offset: int) -> str:
    return log.read_bytes()[offset:].decode()
