"""The commands in README.md and docs/, and a scratch machine to run them on.

    ```sh
    callpoint check ../my-site
    ```

is run by tests/e2e/test_docs_commands.py, block after block of a page in one shell that stops at the first error (two
slow pages by `make soak` only).

    ```sh title="not run here: it needs root"
    sudo apt-get install mosquitto
    ```

is shown to readers with its title and is not run. On the scratch machine a page finds

- the sources as its working folder, `.venv/bin` first on the path, and `../my-site` and
  `/etc/callpoint/site`, copies of the demo's site; `~/mqtt-password`;
- of what `MOVED` lists, a place of its own: no command touches this machine's own folders or ports;
- a broker without a password and, for who uses `$TOKEN`, a collector on `../my-site`, unless the page starts them
  itself; InfluxDB if the page names its port;
- `curl` that fails when the server refuses.

What serves until Ctrl-C (`SERVICES`) goes on in the background as in another terminal, from the moment it says that
it is ready until the page ends or a line says `# Ctrl-C`. It must still be there at the page's end.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import free_port, influxd, mosquitto

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]  # README.zh.md has the same commands
LANGUAGES = {"", "sh", "yaml", "json", "ini", "text", "mermaid"}  # of a fenced block
PAGE_WITHIN_S = 300.0  # of a machine at work; a quiet one needs a tenth

# What each command that serves says as soon as it does.
SERVICES = {
    "broker": "broker listens on",
    "collector": "broker .*: connected",
    "gateway": "connected to broker",
    "simulate": "with [0-9]+ units",
    "tap": "connected to",
}
# What a page writes, and where it is on the scratch machine: {here} is its folder, {broker}, {web} … are free ports.
MOVED = [
    ("/etc/callpoint", "{here}/etc/callpoint"),
    ("/etc/mosquitto", "{here}/etc/mosquitto"),
    ("/var/lib/callpoint", "{here}/var/lib/callpoint"),
    ("/var/backups/callpoint", "{here}/var/backups/callpoint"),
    ("/opt/callpoint", "{here}/callpoint"),
    ("https://board.example.org", "http://127.0.0.1:{web}"),
    ("mqtts://broker.example.org", "mqtt://127.0.0.1:{broker}"),
    ("mqtts://server:8883", "mqtt://127.0.0.1:{broker}"),
    ("mqtts://server", "mqtt://127.0.0.1:{broker}"),
    ("127.0.0.1:8080", "127.0.0.1:{web}"),
    ("127.0.0.1:1883", "127.0.0.1:{broker}"),
    ("127.0.0.1:8086", "127.0.0.1:{influx}"),
    ("sudo ", ""),  # what would need root is in a folder of our own
]
# What would change the machine under the tests, or run the tests from the tests.
NEVER_RUN = re.compile(
    r"\b(apt-get|apt|systemctl|adduser|useradd|usermod|reboot|raspi-config|docker|ssh|scp|rsync|dd)\b"
    r"|\bmake (demo|test|soak|bench|setup)\b|pip install|git (clone|pull)"
)
NOT_RUN = re.compile(r'title="not run here:\s*(.*?)\s*"')


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page. `reason` is why it is not run here, None if it is."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    @property
    def reason(self) -> str | None:
        found = NOT_RUN.search(self.title)
        return found[1] if found else None

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    blocks: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        opened = re.match(r"( *)```([\w-]*)(.*)$", lines[at])
        if opened:
            indent = len(opened[1])
            end = next(i for i in range(at + 1, len(lines)) if lines[i].strip() == "```")
            text = "\n".join(line[indent:] for line in lines[at + 1 : end])
            blocks.append(Block(page, at + 1, opened[2], opened[3].strip(), text))
            at = end
        at += 1
    return blocks


def run_of(page: Path) -> list[Block]:
    """The blocks of a page that are run."""
    return [block for block in blocks_of(page) if block.language == "sh" and block.reason is None]


@dataclass
class Machine:
    """A scratch machine: `run` a page on it. `here` holds everything; `ports` are its servers'."""

    here: Path
    ports: dict[str, int]
    environment: dict[str, str] = field(default_factory=dict)

    def moved(self, text: str) -> str:
        """A page's text with the addresses and folders of this machine."""
        for wrote, place in MOVED:
            text = text.replace(wrote, place.format(here=self.here, **self.ports))
        return re.sub(r"(?m)^# Ctrl-C.*$", "ctrl-c", text)

    def shown(self, text: str) -> str:
        """What a command said, with the folders and ports that the pages write."""
        for port, number in (("8080", self.ports["web"]), ("1883", self.ports["broker"])):
            text = text.replace(f"127.0.0.1:{number}", f"127.0.0.1:{port}")
        return text.replace(f"{self.here}/home/state", "~/.local/state").replace(str(self.here), "")

    def run(self, blocks: list[Block]) -> None:
        """Run blocks one after the other in one shell; fails the test at the first error, naming the block."""
        script = "set -euo pipefail\n" + "".join(
            f"block='{block.place}'\n{self.moved(block.text)}\n" for block in blocks
        )
        script = "trap '[ $? = 0 ] || echo \"in $block\" >&2' EXIT\n" + script
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.here / "callpoint",
            env=self.environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PAGE_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{self._services()}"
        assert done.returncode == 0, said
        gone = [pid for pid in self._pids() if not _alive(pid)]
        assert not gone, f"a service has ended by itself\n{said}"

    def stop(self) -> None:
        """End what pages have started and not ended themselves; at once, for what they keep goes with the folder."""
        for pid in filter(_alive, self._pids()):
            os.kill(pid, signal.SIGKILL)

    def _pids(self) -> list[int]:
        return [int(path.read_text()) for path in sorted((self.here / "services").glob("*.pid"))]

    def _services(self) -> str:
        logs = sorted((self.here / "services").glob("*.log"))
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-2000:]}" for path in logs)


def _alive(pid: int) -> bool:
    """True while the process runs; one that has ended and is not yet reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


CURLRC = "fail-with-body\nsilent\nshow-error\nretry = 5\nretry-connrefused\nretry-delay = 1\n"
CALLPOINT = """#!/bin/bash
# callpoint on the scratch machine: what serves goes to the background once it is ready.
case " $* " in *" --help "*) exec {python} {root}/callpoint.py "$@";; esac
case "${{1-}}" in
{services}
*) exec {python} {root}/callpoint.py "$@";;
esac
name={here}/services/$(date +%s%N)-$1
PYTHONUNBUFFERED=1 {python} {root}/callpoint.py "$@" >"$name.log" 2>&1 </dev/null &
echo $! >"$name.pid"
written=$(sed -nE 's/.*--addresses[ =]([^ ]+).*/\\1/p' <<<"$*")
for _ in $(seq 300); do
    grep -qE "$ready" "$name.log" && {{ [ -z "$written" ] || [ -s "$written" ]; }} && exit 0
    kill -0 $! 2>/dev/null || {{ cat "$name.log" >&2; wait $!; exit; }}
    sleep 0.2
done
echo "callpoint $1 does not say that it is ready:" >&2
cat "$name.log" >&2
exit 1
"""
CTRL_C = """#!/bin/bash
# Ctrl-C in the terminal of the service that was started last.
pid=$(ls {here}/services/*.pid | tail -1)
kill -INT "$(cat "$pid")"
for _ in $(seq 300); do
    grep -qs '^State:[[:space:]]*[^Z]' /proc/"$(cat "$pid")"/status || {{ mv "$pid" "$pid.ended"; exit 0; }}
    sleep 0.05
done
echo "it goes on after Ctrl-C" >&2
exit 1
"""


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@contextmanager
def machine(here: Path, pages_text: str) -> Iterator[Machine]:
    """A scratch machine in an empty folder, with the servers that a page with this text needs; ends all of them."""
    if shutil.which("curl") is None and "curl" in pages_text:
        pytest.skip("curl is not installed (apt-get install curl)")
    with ExitStack() as stack:
        own_broker = "callpoint broker" in pages_text
        broker_port = free_port() if own_broker else stack.enter_context(mosquitto()).port
        ports = {"web": free_port(), "broker": broker_port, "influx": 0}
        if "127.0.0.1:8086" in pages_text:
            ports["influx"] = stack.enter_context(influxd()).port
        sources, home = here / "callpoint", here / "home"
        for folder in ("callpoint", "home", "services", "var/lib", "var/backups", "etc/callpoint"):
            (here / folder).mkdir(parents=True)
        for path in ROOT.iterdir():
            if path.name not in (".git", ".venv", "build"):
                (sources / path.name).symlink_to(path)
        for folder in (here / "my-site", here / "etc/callpoint/site"):
            shutil.copytree(ROOT / "config" / "sites" / "demo", folder)
        (home / "mqtt-password").write_text("a password that this broker does not ask for")
        (home / ".curlrc").write_text(CURLRC)
        services = "\n".join(f"{name}) ready='{ready}';;" for name, ready in SERVICES.items())
        known = {"python": sys.executable, "root": ROOT, "here": here, "services": services}
        _script(sources / ".venv/bin/callpoint", CALLPOINT.format(**known))
        _script(sources / ".venv/bin/ctrl-c", CTRL_C.format(**known))
        _script(sources / ".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        path = f"{sources}/.venv/bin:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        kept = {name: os.environ[name] for name in ("LANG", "USER", "TMPDIR") if name in os.environ}
        known = {"HOME": str(home), "PATH": path, "XDG_STATE_HOME": str(home / "state"), "NO_COLOR": "1"}
        place = Machine(here, ports, {"USER": str(os.getuid()), **kept, **known})
        stack.callback(place.stop)
        yield place
