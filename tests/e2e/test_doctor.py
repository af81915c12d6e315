"""`callpoint doctor` against real servers, ports and files: what is wrong is named, with how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial

from collector.doctor import Asked, look, of_port
from collector.findings import Standing
from tests.e2e.test_broker_tls import COLLECTOR, PASSWORD, broker, keys
from tests.servers import Server, free_port, influxd, mosquitto
from tests.web.scene import START_MS, Clock
from tests.web.test_pages import played

__all__ = ["broker", "keys"]

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "sites" / "demo"


def doctor(folder: Path, *words: str, **environment: str) -> tuple[int, dict[str, tuple[str, str, str]], str]:
    """The exit code, and what is said of each part: standing, words, how to mend it; and of wrong use."""
    command = [sys.executable, str(ROOT / "callpoint.py"), "doctor", "--json", *words]
    surroundings = os.environ | {"XDG_STATE_HOME": str(folder)} | environment
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=surroundings)
    assert "Traceback" not in done.stderr, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout) if done.stdout else []
    told = {each["part"]: (each["standing"], each["said"], each["mend"]) for each in found}
    return done.returncode, told, done.stderr


def test_a_machine_without_anything_is_looked_at_without_failing(tmp_path: Path) -> None:
    code, found, _ = doctor(tmp_path)
    assert code == 0 and found["disk"][0] in ("ok", "doubt") and found["clock"][0] in ("ok", "doubt", "unknown")
    assert found["store"][0] == found["broker"][0] == found["site"][0] == "unknown"


@pytest.mark.servers
def test_a_collectors_parts_are_all_looked_at(tmp_path: Path) -> None:
    async def burn(stage: Any) -> None:
        await stage.fire()

    played(tmp_path, burn, clock=Clock(START_MS))
    words = (str(DEMO), "--state", f"sqlite:{tmp_path}/state.db")
    with mosquitto() as server, influxd() as influx:
        there = ("--mqtt", f"mqtt://127.0.0.1:{server.port}")
        kept = ("--history", f"influxdb://127.0.0.1:{influx.port}/callpoint")
        code, found, _ = doctor(tmp_path, *words, *there, *kept)
        assert code == 0, found
        assert found["broker"][0] == found["site"][0] == found["store"][0] == found["history"][0] == "ok"
        assert "1 open incidents" in found["store"][1]
        assert found["figures"][0] == "doubt" and "callpoint history init --history" in found["figures"][2]
        assert [name for name in found if name.startswith("channel ")]
    (tmp_path / "state.db").chmod(0o644)
    code, found, _ = doctor(tmp_path, *words, *there, *kept)
    assert code == 1
    assert found["broker"][0] == found["history"][0] == "wrong" and found["broker"][2] and found["history"][2]
    assert "chmod 600" in found["permissions"][2]


@pytest.mark.servers
def test_a_brokers_certificate_and_password_are_tried(tmp_path: Path, keys: Path, broker: Server) -> None:
    words = ("--mqtt", f"mqtts://127.0.0.1:{broker.port}")
    known = {"CALLPOINT_MQTT_USERNAME": COLLECTOR, "CALLPOINT_MQTT_CA_FILE": f"{keys}/ca.pem"}
    code, found, _ = doctor(tmp_path, *words, **known, CALLPOINT_MQTT_PASSWORD=PASSWORD)
    assert (code, found["broker"][0]) == (0, "ok")
    code, found, _ = doctor(tmp_path, *words, **known, CALLPOINT_MQTT_PASSWORD="not-that-one")
    assert code == 1 and "it refuses: Not authorized" in found["broker"][1]
    assert "CALLPOINT_MQTT_PASSWORD" in found["broker"][2] and "not-that-one" not in str(found)
    stranger = known | {"CALLPOINT_MQTT_CA_FILE": f"{keys}/other.pem"}
    code, found, _ = doctor(tmp_path, *words, **stranger, CALLPOINT_MQTT_PASSWORD=PASSWORD)
    assert code == 1 and "is not believed" in found["broker"][1] and "CA_FILE" in found["broker"][2]


def test_a_gateways_buses_are_looked_at_and_a_wrong_name_is_told(tmp_path: Path) -> None:
    code, found, _ = doctor(tmp_path, str(DEMO), "--id", "gw-nowhere")
    assert code == 1 and "gw-east" in found["gateway"][1]
    code, found, _ = doctor(tmp_path, str(DEMO), "--id", "gw-east")
    bus = next(each for name, each in found.items() if name.startswith("bus "))
    assert code == 1 and "no such port" in bus[1] and "/dev/serial/by-id" in bus[2]
    assert "store" not in found  # a gateway has none
    code, _, error = doctor(tmp_path, "--id", "gw-east")
    assert code == 2 and "SITE" in error


def test_what_is_no_site_no_url_and_no_store_is_wrong_in_words(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database" * 100)
    words = (str(tmp_path), "--mqtt", "nonsense", "--state", f"sqlite:{tmp_path}/state.db", "--history", "nonsense:x")
    code, found, _ = doctor(tmp_path, *words)
    assert code == 1
    for part in ("site", "broker", "store", "history"):
        assert found[part][0] == "wrong" and found[part][1], part
    assert "restore" in found["store"][2]  # it is damaged: nothing else would do
    code, found, _ = doctor(tmp_path, "--mqtt", f"mqtt://127.0.0.1:{free_port()}")
    assert code == 1 and "refused" in found["broker"][1]


def test_it_reads_well_and_has_no_colour_in_a_file(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "callpoint.py"), "doctor", "--mqtt", f"mqtt://127.0.0.1:{free_port()}"]
    surroundings = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=surroundings)
    assert "\x1b" not in done.stdout and "WRONG  broker: " in done.stdout and "mend: start the broker" in done.stdout


def test_a_port_that_another_program_uses_is_doubted_and_a_file_is_no_port(tmp_path: Path) -> None:
    _, slave = os.openpty()
    port = os.ttyname(slave)
    assert of_port("bus a", port).standing is Standing.WELL
    with serial.Serial(port, exclusive=True):
        found = of_port("bus a", port)
    assert found.standing is Standing.DOUBTFUL and "fuser" in found.mend
    assert of_port("bus a", str(tmp_path)).standing is Standing.WRONG


def test_a_look_at_a_port_leaves_its_speed_to_the_program_that_has_it_open() -> None:
    _, slave = os.openpty()
    port = os.ttyname(slave)
    with serial.Serial(port, 19200):  # no lock, as other makers' programs
        before = termios.tcgetattr(slave)
        of_port("bus a", port)
        assert termios.tcgetattr(slave) == before


@contextmanager
def _nobody() -> Iterator[None]:
    """This process without root's rights, if it has them."""
    root = os.getuid() == 0
    try:
        if root:
            os.setresuid(65534, 65534, 0)
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)


def test_what_this_user_may_not_see_is_told_as_that_and_not_as_broken(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    asked = Asked(shut / "site", state=f"sqlite:{shut}/gw-east/state.db", history=f"sqlite:{shut}/gw-east/history.db")
    list(look(asked))  # what it imports may lie where only root may look
    shut.mkdir()
    shutil.copytree(DEMO, shut / "site")
    tmp_path.chmod(0o755)
    shut.chmod(0)
    try:
        with _nobody():
            found = {each.part: each for each in look(asked)}
    finally:
        shut.chmod(0o700)

    for part in ("disk", "site", "store", "history"):
        assert found[part].standing is Standing.WRONG and "this user may not" in found[part].said, part
        assert "restore" not in found[part].mend


def test_a_history_that_is_named_is_looked_at_without_a_store_beside_it(tmp_path: Path) -> None:
    code, found, _ = doctor(tmp_path, "--history", f"sqlite:{tmp_path}/none.db")
    assert code == 1 and found["store"][0] == "unknown" and "there is no such file" in found["history"][1]
