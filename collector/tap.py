"""`callpoint tap`: a broker's Sparkplug traffic in readable lines, and into a recording. Listens only."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from collector.recording import write_message, write_tick
from config.endpoint import Broker, EndpointError, parse_mqtt
from config.tls import refusal
from config.wire import (
    NAMESPACE,
    Birth,
    Command,
    Data,
    Death,
    Edge,
    HostState,
    Message,
    Quality,
    Reading,
    UnknownMetric,
    WireError,
    decode,
    resolve,
)
from config.words import Declared

_WAITING_MAX = 10_000  # messages between the network and the terminal
_BIRTH_VALUES_MAX = 8


class Speaker:
    """Messages -> lines. Remembers each birth, so that data can be told by name."""

    def __init__(self) -> None:
        self._born: dict[tuple[Edge, str | None], tuple[dict[int, Declared], str | None]] = {}

    def lines(self, topic: str, payload: bytes) -> Iterator[str]:
        """What one message says; garbage is told as such."""
        try:
            yield from self._said(decode(topic, payload))
        except WireError as error:
            yield f"?? {topic}: {error}"

    def _said(self, message: Message) -> Iterator[str]:
        if isinstance(message, HostState):
            yield f"host {message.host_id} is {'online' if message.online else 'offline'}"
            return
        who = message.edge.node + (f" {message.device}" if message.device else "")
        if isinstance(message, Birth):
            epoch = self._born.get((message.edge, None), ({}, None))[1] if message.device else message.epoch
            self._born[message.edge, message.device] = (dict(message.aliases), epoch)
            more = len(message.readings) - _BIRTH_VALUES_MAX
            values = _values(message.readings[:_BIRTH_VALUES_MAX]) + (f" and {more} more" if more > 0 else "")
            yield f"{who} BIRTH seq {message.seq} {values}"
        elif isinstance(message, Data):
            yield f"{who} {self._told(message)}"
        elif isinstance(message, Death):
            yield f"{who} DEATH" + (f" bdSeq {message.bd_seq}" if message.bd_seq is not None else "")
        elif isinstance(message, Command):
            yield f"{who} <- {_command(message)}"

    def _told(self, message: Data) -> str:
        aliases, epoch = self._born.get((message.edge, message.device), ({}, None))
        try:
            report = resolve(message, aliases, epoch)
        except UnknownMetric:
            return f"DATA seq {message.seq} before its birth was heard"
        lane = f" {report.lane.value} #{report.position}" if report.lane else ""
        late = " (again, or late)" if report.historical else ""
        return f"DATA{lane}{late} {_values(report.readings)}"


class _Ear:
    """Messages on their way from the network thread; beyond the bound the newest are dropped and counted."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[int, str, bytes]] = queue.Queue(_WAITING_MAX)
        self.dropped = 0

    def hand_over(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """On the network thread."""
        try:
            self.heard.put_nowait((time.time_ns(), message.topic, bytes(message.payload)))
        except (queue.Full, UnicodeDecodeError):
            self.dropped += 1


def run(url: str, group: str, record: Path | None = None) -> int:
    """Print traffic until Ctrl-C, and record it in a new file. 1: no broker, or no such file; 2: a bad URL."""
    try:
        broker = parse_mqtt(url)
    except EndpointError as error:
        print(f"callpoint tap: {error}", file=sys.stderr)
        return 2
    ear, client = _Ear(), _client(broker, group)
    client.on_message = ear.hand_over
    try:
        client.connect(broker.host, broker.port)
    except OSError as error:
        print(f"callpoint tap: no broker at {broker.host}:{broker.port}: {error}", file=sys.stderr)
        return 1
    try:
        file = None if record is None else record.open("x", encoding="utf-8")
    except OSError as error:
        print(f"callpoint tap: {error}", file=sys.stderr)
        return 1
    client.loop_start()
    try:
        return _tell(ear, file)
    finally:
        client.loop_stop()
        if file is not None:
            with suppress(OSError):  # told already, if it could not be written
                file.write(write_tick(time.time_ns() // 1_000_000))
                file.close()


def _tell(ear: _Ear, file: TextIO | None) -> int:
    """Print and record, until interrupted; 1 if the file cannot be written."""
    speaker, said = Speaker(), 0
    while True:
        at_ns, topic, payload = ear.heard.get()
        if file is not None:
            try:
                file.write(write_message(at_ns // 1_000_000, topic, payload))
                file.flush()
            except OSError as error:
                print(f"callpoint tap: {error}", file=sys.stderr)
                return 1
        clock = datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime("%H:%M:%S.%f")[:-3]
        for line in speaker.lines(topic, payload):
            print(clock, line, flush=True)
        if ear.dropped > said:
            said = ear.dropped
            print(f"-- the terminal is too slow: {said} messages neither shown nor recorded", flush=True)


def _client(broker: Broker, group: str) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls:
        client.tls_set_context(broker.context())

    def subscribe(client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _more: object) -> None:
        said = "refused by" if reason.is_failure else "connected to"
        print(f"-- {said} {broker.host}:{broker.port}: {reason}", file=sys.stderr)
        client.subscribe([(f"{NAMESPACE}/{group}/#", 0), (f"{NAMESPACE}/STATE/#", 0)])

    def lost(_client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _more: object) -> None:
        why = refusal(broker) if broker.tls and reason.is_failure else None
        print(f"-- lost {broker.host}:{broker.port}: {why or reason}", file=sys.stderr)

    client.on_connect, client.on_disconnect = subscribe, lost
    return client


def _values(readings: tuple[Reading, ...]) -> str:
    return " ".join(_value(reading) for reading in readings)


def _value(reading: Reading) -> str:
    if reading.value is None:
        return f"{reading.name}=none ({reading.cause})"
    value = f"{reading.value:g}" if isinstance(reading.value, float) else str(reading.value)
    return f"{reading.name}={value}" + ("" if reading.quality is Quality.GOOD else f" [{reading.quality.name.lower()}]")


def _command(command: Command) -> str:
    if command.rebirth:
        return "rebirth, please"
    if command.commit is None:
        return f"unknown command {', '.join(command.strange)}"
    lanes = [
        f"{lane.value} up to {said.upto}" + "".join(f" and {first} to {last}" for first, last in said.ranges)
        for lane, said in command.commit.lanes.items()
    ]
    return "committed " + ", ".join(lanes)
