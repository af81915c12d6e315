"""The demo's parts as processes: broker, simulated devices, gateways, collector; opened in order, always closed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.site import Site
from simulator.client import Client
from simulator.narrator import Narrator
from simulator.processes import Child, free_port

_UP_S = 30.0  # for each part to come up, on a slow machine
_GRACE_S = 6.0  # for a part to stop by itself before it is ended
_LOOK_S = 0.1  # between two looks at the API
_CHANGES_MAX = 5_000
_SAME_DECISION = timedelta(seconds=1)
_LINKS_MAX = 3  # answer links shown: enough to try one
_DECIDED = " collector.logbook: "  # a line of the collector's log about what it has decided
_LINK = re.compile(r"^notice \S+ to (?P<name>.+) \((?P<reason>\S+) ring .*\): .* (?P<url>https?://\S+)$")
# Reasons that ask for an answer.
CALLS = ("own-team", "neighbour-team", "manager", "new-device", "raised-again", "quorum-lost", "contractor")
_TOKEN = "CALLPOINT_API_TOKEN"


@dataclass(frozen=True, slots=True)
class StageOptions:
    """`program` starts callpoint; `folder` holds all state; None means the demo's own broker and history."""

    program: tuple[str, ...]
    site: Path
    folder: Path
    listen: str
    mqtt: str | None
    history: str | None


class Stage:
    """All processes of a demo. `client` speaks to the collector once `open` has returned."""

    def __init__(self, options: StageOptions, site: Site, narrator: Narrator) -> None:
        self._options = options
        self._site = site
        self._narrator = narrator
        self._changes: deque[tuple[datetime, str]] = deque(maxlen=_CHANGES_MAX)  # when which device's word changed
        self._links: set[str] = set()  # whose answer link was shown
        self.url = f"http://{options.listen.replace('0.0.0.0', '127.0.0.1')}"
        self.token = os.urandom(24).hex()
        self.client = Client(self.url, self.token)
        self.broker = Child("broker", self._hear)
        self.simulator = Child("simulator", self._hear_simulator)
        self.collector = Child("collector", self._hear)
        self.gateways = {gateway: Child(gateway, self._hear) for gateway in site.gateways}
        self.mqtt = options.mqtt or f"mqtt://127.0.0.1:{free_port('127.0.0.1')}"

    async def open(self) -> None:
        """Start everything in order. Raises TimeoutError, or ChildFailed with a part's last words."""

        async def broker_is_up() -> bool:
            return bool(self.broker.last_lines)

        async def devices_are_up() -> bool:
            return addresses.exists()

        folder, site = self._options.folder, str(self._options.site)
        addresses = folder / "addresses.json"
        if self._options.mqtt is None:
            await self._start(self.broker, "broker", "--listen", self.mqtt.removeprefix("mqtt://"))
            await self.until("the broker's start", broker_is_up, _UP_S)
        await self._start(self.simulator, "simulate", site, "--addresses", str(addresses), "--json")
        history = self._options.history or f"sqlite:{folder / 'history.db'}"
        where = ["--state", f"sqlite:{folder / 'state.db'}", "--history", history]
        heard = ["--mqtt", self.mqtt, "--listen", self._options.listen, "--url", self.url]
        await self._start(self.collector, "collector", site, *where, *heard)
        await self.until("the simulated devices' start", devices_are_up, _UP_S)
        for name, gateway in self.gateways.items():
            state = ["--state", str(folder / name), "--buses", str(addresses)]
            await self._start(gateway, "gateway", site, "--id", name, "--mqtt", self.mqtt, *state)
        await self.until(f"an answer of the collector at {self.url}", self.client.is_up, _UP_S)

    async def sign_in_links(self) -> list[tuple[str, str, str]]:
        """Role, name and a link that signs in once: for a leader, a responder and a manager of the site.

        Raises ChildFailed.
        """
        people, team = self._site.people, next(iter(self._site.teams.values()))
        members = [person for person in team.members if person != team.leader]
        others = [person for person in people if person not in (team.leader, *members)]
        wanted = [("leader", team.leader), *(("responder", person) for person in members[:1])]
        wanted += [("manager", person) for person in [*self._site.contacts, *others] if person != team.leader][:1]
        links = await asyncio.gather(*(self._sign_in_link(role, person) for role, person in wanted))
        return [(role, people[person].name, link) for (role, person), link in zip(wanted, links, strict=True)]

    async def _sign_in_link(self, role: str, person: str) -> str:
        asked = Child("account", lambda _name, _line: None)
        who = ["--person", person, *(["--role", role] if role == "manager" else [])]
        state = f"sqlite:{self._options.folder / 'state.db'}"
        await self._start(asked, "account", "add", person, *who, "--state", state)
        return next(line for line in await asked.finished() if "/sign-in/link/" in line)

    async def all_heard(self, limit_s: float) -> None:
        """Until every device of the site has been heard. Raises TimeoutError, ChildFailed."""
        missing = set(self._site.devices)

        async def heard() -> bool:
            devices = (await self.client.get("/devices"))["devices"]
            missing.difference_update(device["id"] for device in devices if device["online"])
            return not missing

        try:
            await self.until("the first word of every device", heard, limit_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; not heard: {', '.join(sorted(missing))}") from error

    async def until(self, what: str, condition: Callable[[], Awaitable[bool]], limit_s: float) -> None:
        """Wait for a condition; raises TimeoutError naming it, ChildFailed if a part has ended by itself."""
        deadline = asyncio.get_running_loop().time() + limit_s
        while not await condition():
            self.check()
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{what} did not come within {limit_s:g} s")
            await asyncio.sleep(_LOOK_S)

    def check(self) -> None:
        """Raises ChildFailed if a part has ended by itself."""
        for child in self._running():
            child.check()

    async def watch(self) -> None:
        """Until cancelled, or ChildFailed."""
        while True:
            self.check()
            await asyncio.sleep(0.5)

    async def stop_gateways(self) -> None:
        """A clean stop: they drain their journals and say their last counts."""
        await asyncio.gather(*(gateway.stop(_GRACE_S) for gateway in self.gateways.values()))

    async def close(self) -> None:
        """Stop everything, those that depend on others first; what hangs is ended."""
        await self.stop_gateways()
        await asyncio.gather(self.simulator.stop(_GRACE_S), self.collector.stop(_GRACE_S))
        await self.broker.stop(_GRACE_S)
        await self.client.close()

    def kill(self) -> None:
        """End every part at once."""
        for child in self._children():
            if child.running:
                os.kill(child.pid, signal.SIGKILL)

    def cause_of(self, notice: dict[str, Any], incident: dict[str, Any]) -> datetime:
        """What a notice's latency counts from.

        A notice that follows a device's report: the change of the register behind it, as the simulator made it.
        Any other (a ring's time, an answer, devices gathered into one new call): its decision.
        """
        created, heard = (datetime.fromisoformat(notice[name]) for name in ("created_at", "heard_at"))
        if not notice["expects_answer"] or created - heard > _SAME_DECISION or notice["cause_at"] is None:
            return created
        read = datetime.fromisoformat(notice["cause_at"])
        devices = {each["device"] for each in incident["conditions"] if each["raised_at"] == notice["cause_at"]}
        changes = [at for at, device in self._changes if device in devices and at <= read]
        return max(changes, default=read)

    def _children(self) -> list[Child]:
        return [self.broker, self.simulator, self.collector, *self.gateways.values()]

    def _running(self) -> list[Child]:
        return [child for child in self._children() if child.started]

    async def _start(self, child: Child, command: str, *arguments: str) -> None:
        environment = {_TOKEN: self.token, "PYTHONUNBUFFERED": "1", "CALLPOINT_LOG": "text"}
        await child.start([*self._options.program, command, *arguments], environment)

    def _hear(self, name: str, line: str) -> None:
        if (link := _LINK.search(line)) is not None:
            if link["reason"] in CALLS and len(self._links) < _LINKS_MAX and link["name"] not in self._links:
                self._links.add(link["name"])
                self._narrator.say("told", f"answer as {link['name']}: {link['url']}")
        elif _DECIDED in line:
            return  # the timeline tells it
        elif " WARNING " in line or " ERROR " in line or line.startswith(("Traceback", "callpoint ")):
            self._narrator.say("fault", f"{name}: {line}")

    def _hear_simulator(self, _name: str, line: str) -> None:
        try:
            event = json.loads(line)
            at, what, text = datetime.fromisoformat(event["at"]), event["event"], str(event["text"])
        except (ValueError, KeyError, TypeError):
            return  # a traceback on its way out: `check` shows the last lines
        if what == "state":
            self._changes.append((at, event["device"]))
            self._narrator.say("device", text, at)
        elif what in ("refused", "fault", "write-refused"):
            self._narrator.say("fault", text, at)
