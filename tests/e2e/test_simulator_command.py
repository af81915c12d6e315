"""Promises of `callpoint simulate`: it says where everything listens, plays, obeys its input, and stops cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import wait_until

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "config" / "sites" / "demo"


class Running:
    """`callpoint simulate --json` on the demo site; `events` grows as it speaks."""

    def __init__(self, folder: Path, *arguments: str, stdin: Any = subprocess.PIPE) -> None:
        self.file = folder / "addresses.json"
        command = [sys.executable, str(ROOT / "callpoint.py"), "simulate", str(DEMO), "--json"]
        self.process = subprocess.Popen(
            [*command, "--addresses", str(self.file), *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def addresses(self) -> dict[str, Any]:
        wait_until(self.file.exists, "the addresses file")
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hears(self, event: str, **facts: Any) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            return [said for said in self.events if said["event"] == event and facts.items() <= said.items()]

        wait_until(lambda: bool(found()), f"{event} {facts}", 20)
        return found()[0]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(5)
        self._reader.join(5)
        return code


@contextmanager
def simulate(folder: Path, *arguments: str, stdin: Any = subprocess.PIPE) -> Iterator[Running]:
    running = Running(folder, *arguments, stdin=stdin)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
        for pipe in (running.process.stdin, running.process.stdout):
            if pipe is not None:
                pipe.close()


def test_everything_listens_once_the_addresses_are_there_and_sigterm_is_clean(tmp_path: Path) -> None:
    with simulate(tmp_path) as running:
        addresses = running.addresses()

        assert set(addresses) == {"rs485-east", "tcp-west"}
        assert addresses["rs485-east"]["type"] == "rtu"
        assert Path(addresses["rs485-east"]["port"]).is_char_device()
        with socket.create_connection((addresses["tcp-west"]["host"], addresses["tcp-west"]["port"]), 5) as client:
            client.sendall(bytes.fromhex("0001 0000 0006 01 04 0000 0002"))
            assert client.recv(64) == bytes.fromhex("0001 0000 0007 01 04 04 4650 0001")
            assert running.stop() == 0, "also with a master connected"
        assert list(tmp_path.iterdir()) == [running.file]


def test_input_is_obeyed_or_refused_with_a_reason_and_its_end_is_no_matter(tmp_path: Path) -> None:
    with simulate(tmp_path) as running:
        running.addresses()
        for line in (
            "act {puff: {device: smoke-b1-101, for_s: 1}}",
            "act force: {device: lift-b6, bit: 7}",
            "fault silent smoke-b1-101",
            "mend smoke-b1-101",
            "fault no-connection tcp-west",
            "fault silent nothing",
            "act {puff: {device: nothing}}",
            "act {puff: {device: smoke-b1-101, for_s: long}}",
            "act {{{",
            "play nothing",
            "dance",
        ):
            running.say(line)

        assert running.hears("state", device="smoke-b1-101")["text"] == "smoke-b1-101: Fire (0x0003)"
        assert running.hears("state", device="lift-b6")["text"] == "lift-b6: Overspeed (0x0080)"
        running.hears("fault", target="smoke-b1-101", fault="silent")
        running.hears("fault", target="smoke-b1-101", fault=None)
        running.hears("fault", target="tcp-west", fault="no-connection")
        for command, reason in (
            ("fault silent nothing", "a device has silent, late, garbled"),
            ("act {puff: {device: nothing}}", "no device 'nothing'"),
            ("act {puff: {device: smoke-b1-101, for_s: long}}", "puff.for_s: Input should be a valid number"),
            ("act {{{", "flow"),
            ("play nothing", "one of discharge, entrapment, fire"),
            ("dance", "play NAME | act"),
        ):
            assert reason in running.hears("refused", command=command)["text"]
        assert running.process.stdin is not None
        running.process.stdin.close()
        running.process.stdin = None
        running.hears("state", device="smoke-b1-101", word=1)
        assert running.stop() == 0


def test_a_story_plays_at_the_speed_asked_for(tmp_path: Path) -> None:
    with simulate(tmp_path, "--story", "fire", "--speed", "10", stdin=subprocess.DEVNULL) as running:
        running.hears("state", device="smoke-b3-stairs-5", word=3)
        running.hears("act", act="clear")
        running.hears("state", device="smoke-b3-502", word=1)
        assert running.stop() == 0


def test_stop_stops_and_a_second_story_has_to_wait(tmp_path: Path) -> None:
    with simulate(tmp_path, "--story", "fire") as running:
        running.say("play entrapment")
        assert "a story is being played" in running.hears("refused", command="play entrapment")["text"]
        running.say("stop")
        assert running.process.wait(5) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((str(ROOT / "tests"),), "no *.yaml file"),
        ((str(DEMO), "--story", "flood"), "one of discharge, entrapment, fire"),
    ],
)
def test_a_site_or_story_that_cannot_be_used_is_named_and_exits_1(arguments: tuple[str, ...], words: str) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "callpoint.py"), "simulate", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=20,
        check=False,
    )

    assert ended.returncode == 1
    assert words in ended.stderr
    assert ended.stdout == ""


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "callpoint.py"), "simulate", str(DEMO), "--story", "fire", "--speed", "20"]
    read, write = os.pipe()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        os.close(read)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(10) == 0
