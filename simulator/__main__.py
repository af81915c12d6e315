"""`callpoint simulate`: a site's devices on real buses, with a story or by commands. Here the parts are wired."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import ValidationError

from config.document import Mistakes
from config.loader import load_site
from config.profile import Bit, Profile
from config.site import Site
from simulator.actions import Action, When
from simulator.commands import Commands
from simulator.faults import Fault
from simulator.models import KEEPS_SILENT
from simulator.serve import RtuLine, TcpServer, Unit, Units
from simulator.story import Story, read_story
from simulator.world import TICK_S, Event, Impossible, World

TICKS_PER_ROUND_MAX = 400  # a speed that this machine cannot keep must not starve the buses
HELP = "play NAME | act {ACTION} | fault NAME DEVICE-OR-BUS | mend DEVICE-OR-BUS | stop"


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What `callpoint simulate` was asked for. `addresses`: where to write where each bus listens, as JSON."""

    site: Path
    story: str | None = None
    speed: float = 1.0
    seed: int = 1
    addresses: Path | None = None
    json: bool = False


async def run(options: SimulateOptions) -> int:
    """Serve until stopped; returns the exit code. Prints mistakes of the site or story on stderr."""
    try:
        site = load_site(options.site)
        story = None if options.story is None else read_story(options.story, site)
    except Mistakes as error:
        sys.stderr.write(f"{error}\n")
        return 1
    simulation = Simulation(site, options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, simulation.stopped.set)
    try:
        await simulation.open()
        if options.addresses is not None:
            _write_addresses(options.addresses, simulation.addresses())
        if sys.stdin is not None and sys.stdin.isatty():
            sys.stdout.write(f"commands: {HELP}\n")
        with Commands(simulation.command):
            await simulation.live(story)
    except OSError as error:
        sys.stderr.write(f"callpoint simulate: {error}\n")
        return 1
    finally:
        await simulation.close()
    return 0


class Simulation:
    """A world, its buses, and the commands that change them."""

    def __init__(self, site: Site, options: SimulateOptions) -> None:
        self._site = site
        self._options = options
        self._world = World(site, options.seed)
        self._chance = random.Random(options.seed)
        self._buses: dict[str, TcpServer | RtuLine] = {}
        self._bus_of: dict[str, str] = {}
        self._playing: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._began_s = 0.0
        self.stopped = asyncio.Event()

    async def open(self) -> None:
        """Open every bus; returns once all of them listen. Raises OSError."""
        for gateway in self._site.gateways.values():
            for bus in gateway.buses:
                simulated = [device for device in bus.devices if device.id in self._world.devices]
                for device in bus.devices:
                    if device not in simulated:
                        self._say(
                            "not-simulated", f"{device.id}: there is no model of {device.profile}; unit is silent"
                        )
                units = {device.unit: Unit(device.id, device.profile in KEEPS_SILENT) for device in simulated}
                slaves = Units(units, self._world.registers, self._on_write, self._chance.random)
                opened = TcpServer(slaves) if bus.type == "tcp" else RtuLine(slaves)
                self._buses[bus.id] = opened
                self._bus_of |= {device.id: bus.id for device in simulated}
                await opened.open()
                where = ":".join(str(part) for part in list(opened.address().values())[1:])
                self._say("bus", f"{bus.id} ({bus.type}) at {where} with {len(units)} units", bus=bus.id, where=where)

    def addresses(self) -> dict[str, dict[str, object]]:
        """Where each bus is."""
        return {bus_id: bus.address() for bus_id, bus in self._buses.items()}

    async def live(self, story: Story | None) -> None:
        """Let time pass until stopped."""
        loop = asyncio.get_running_loop()
        self._began_s = loop.time()
        if story is not None:
            self._playing = asyncio.create_task(self._play(story))
        while not self.stopped.is_set():
            self._tell(self._world.advance(self._due_s()))
            try:
                await asyncio.wait_for(self.stopped.wait(), TICK_S)
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Stop the story and close every bus."""
        if self._playing is not None:
            self._playing.cancel()
        for bus in self._buses.values():
            await bus.close()
            if isinstance(bus, RtuLine):
                bus.remove()

    def _due_s(self) -> float:
        """The world time that it should be now. What one round cannot make up for is given up."""
        loop = asyncio.get_running_loop()
        due_s = (loop.time() - self._began_s) * self._options.speed
        most_s = self._world.now_s + TICKS_PER_ROUND_MAX * TICK_S
        if due_s > most_s:
            self._began_s += (due_s - most_s) / self._options.speed
            return most_s
        return due_s

    def command(self, line: str) -> None:
        """Obey one line of input; a line that cannot be obeyed says why."""
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        try:
            match word:
                case "":
                    pass
                case "stop":
                    self.stopped.set()
                case "play":
                    self._start(rest)
                case "act":
                    self._act(When.model_validate(yaml.safe_load(rest)).action)
                case "fault":
                    name, _, target = rest.partition(" ")
                    self._fault(Fault(name), target.strip())
                case "mend":
                    self._fault(None, rest)
                case _:
                    raise Impossible(f"unknown command {word!r}; there is: {HELP}")
        except (ValueError, yaml.YAMLError, Mistakes) as error:
            self._say("refused", f"cannot {line.strip()!r}: {_reason(error)}", command=line.strip())

    def _start(self, name: str) -> None:
        if self._playing is not None and not self._playing.done():
            raise Impossible("a story is being played")
        self._playing = asyncio.create_task(self._play(read_story(name, self._site)))

    async def _play(self, story: Story) -> None:
        """The story's `when` steps, at their time."""
        start_s = asyncio.get_running_loop().time()
        self._say("story", f"story {story.story}: {story.title['en']}", story=story.story)
        for step in story.steps:
            if step.when is None:
                continue
            await asyncio.sleep(start_s + step.at / self._options.speed - asyncio.get_running_loop().time())
            try:
                self._act(step.when.action)
            except Impossible as error:
                self._say("refused", f"story {story.story}: {error}", story=story.story)

    def _act(self, action: Action) -> None:
        self._tell(self._world.advance(self._due_s()))
        events = self._world.act(action)
        name = type(action).__name__.lower()
        facts = {key: value for key, value in action.model_dump(exclude_none=True).items() if value != ""}
        self._say("act", f"{name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()), act=name, **facts)
        self._tell(events)

    def _fault(self, fault: Fault | None, target: str) -> None:
        bus = self._buses.get(target)
        if bus is not None and fault in (None, Fault.NO_CONNECTION):
            task = asyncio.create_task(self._connect(target, bus, fault is None))
            self._connecting.add(task)  # the loop itself holds tasks weakly
            task.add_done_callback(self._connecting.discard)
        elif target in self._bus_of and fault is not Fault.NO_CONNECTION:
            faults = self._buses[self._bus_of[target]].units.faults
            if fault is None:
                faults.pop(target, None)
            else:
                faults[target] = fault
        else:
            raise Impossible(
                f"{fault or 'mend'} of {target!r}; a device has silent, late, garbled; a bus no-connection"
            )
        self._say("fault", f"{target}: {fault or 'mended'}", target=target, fault=fault)

    async def _connect(self, bus_id: str, bus: TcpServer | RtuLine, connected: bool) -> None:
        try:
            await (bus.open() if connected else bus.close())
        except OSError as error:
            self._say("refused", f"cannot connect {bus_id}: {error}", target=bus_id)

    def _on_write(self, device: str, function_code: int) -> None:
        self._say("write-refused", f"{device}: refused a write, function {function_code}", device=device)

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            profile = self._site.profiles[self._site.devices[event.device].profile]
            name = event.device if event.detector is None else f"{event.device} detector {event.detector}"
            self._say(
                "state",
                f"{name}: {words_of(event, profile)}",
                device=event.device,
                detector=event.detector,
                before=event.before,
                word=event.word,
            )

    def _say(self, event: str, text: str, **facts: object) -> None:
        at = datetime.now(UTC)
        if self._options.json:
            stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = json.dumps({"at": stamp, "event": event, "text": text, **facts}, ensure_ascii=False)
        else:
            line = f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03d}  {text}"
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has gone: nothing more to say, and nothing to complain about at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.stopped.set()


def words_of(event: Event, profile: Profile) -> str:
    """What a changed state word says, by the profile's own texts."""
    registers = profile.points if event.detector is None else profile.detector_points
    bits: Mapping[str, Bit] = next((register.bits for register in registers.values() if register.bits), {})
    texts = {bit.bit: bit for bit in bits.values()}
    said = []
    for number in range(16):
        before, after = event.before >> number & 1, event.word >> number & 1
        if before == after:
            continue
        bit = texts.get(number)
        text = f"bit {number}" if bit is None else bit.text.get("en", f"bit {number}")
        holds = bool(after) is not (bit is not None and bit.inverted)
        said.append(text if holds else f"no more {text}")
    return f"{', '.join(said)} ({event.word:#06x})"


def _reason(error: Exception) -> str:
    """A mistake in a command, in one line."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False)
        return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}".lstrip(": ") for problem in problems)
    return " ".join(str(error).split())


def _write_addresses(path: Path, addresses: dict[str, dict[str, object]]) -> None:
    """Whole or not at all: a gateway may be waiting for this file."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(addresses, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
