"""What the tap records off a real broker is what the replay decides on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from collector.recording import Message, Tick, read_line
from config.words import Edge
from tests.servers import mosquitto, wait_until
from tests.unit.test_replay import DEMO, Voice, kitchen_fire

CALLPOINT = (sys.executable, str(DEMO.parents[2] / "callpoint.py"))

pytestmark = pytest.mark.servers


def _replayed(file: Path) -> str:
    command = [*CALLPOINT, "replay", str(file), str(DEMO)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_recorded_run_is_replayed_to_the_same_decisions_each_time(tmp_path: Path) -> None:
    file, log = tmp_path / "night.jsonl", tmp_path / "tap.log"
    said = kitchen_fire(Voice(Edge("wutong-lane", "gw-east"), "smoke-b3-502"))
    with mosquitto() as broker, log.open("wb") as out:
        command = [*CALLPOINT, "tap", "--mqtt", f"mqtt://127.0.0.1:{broker.port}", "--record", str(file)]
        tap = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            sender = mqtt.Client(CallbackAPIVersion.VERSION2)
            wait_until(lambda: "connected" in log.read_text(), "the tap listens")
            sender.connect("127.0.0.1", broker.port)
            sender.loop_start()

            # The tap's subscription may still be on its way: what is sent until it is heard counts as garbage.
            def probed() -> bool:
                sender.publish("spBv1.0/probe/X/X", b"").wait_for_publish(5)
                return "probe" in log.read_text()

            wait_until(probed, "the tap hears")
            for topic, payload in said:
                sender.publish(topic, payload, qos=1).wait_for_publish(5)
            wait_until(lambda: file.read_text().count("wutong-lane") == len(said), "the tap has recorded it")
            sender.disconnect()
            sender.loop_stop()
            tap.send_signal(signal.SIGINT)
            assert tap.wait(15) == 130
            again = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert again.returncode == 1 and "File exists" in again.stderr
        finally:
            tap.kill()
            tap.wait()

    lines = [read_line(line) for line in file.read_text().splitlines()]
    heard = [line for line in lines if isinstance(line, Message)]
    assert [(m.topic, m.payload) for m in heard if "wutong-lane" in m.topic] == said
    assert isinstance(lines[-1], Tick)
    text = _replayed(file)
    assert "opened: fire (alarm) in b-3, by smoke-b3-502" in text
    assert re.search(r"li-guoqiang is told, call 1, ring \d+: neighbour-team", text), text
    assert text == _replayed(file)
