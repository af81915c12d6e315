"""Session and journal <-> broker, over paho-mqtt. Each CONNECT has its own client, Will and bdSeq.

paho's thread only hands over: every callback ends in `call_soon_threadsafe`. Sending is driven by
events, so that nothing sleeps between a record's sync and its publication.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from config import logs
from config.endpoint import Broker, EndpointError
from config.tls import in_words, refusal
from config.wire import Command, Edge, WireError, decode, topic_of
from gateway.clock import Clock
from gateway.journal import Journal
from gateway.record import Record
from gateway.recorder import Recorder
from gateway.session import Outgoing, Session
from gateway.statefile import JournalFull

log = logs.of(__name__)

KEEPALIVE_S = 10
ANSWER_TIMEOUT_S = 10.0  # for CONNACK and SUBACK
RECONNECT_FIRST_S = 0.5
RECONNECT_MAX_S = 30.0
BIRTH_WAIT_MAX_MS = 3_000  # how long the first births wait for the devices' first answers
DRAIN_AT_STOP_MS = 3_000
FAREWELL_TIMEOUT_S = 1.0
DEAF_RETRY_S = 45.0  # a broker that lets us speak but not hear commands is asked again after this
BURST_MAX = 50  # messages before the loop turns to the buses again


class UplinkLost(Exception):
    """The broker cannot be reached, refused us, or is gone: connect anew after a pause."""


class _Client(mqtt.Client):
    """paho's client, which says so when its network thread stumbles: else we would go on, deaf and mute."""

    on_stumble: Callable[[str], None]

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception as error:  # noqa: BLE001 - a link's loop top: the connection is given up and made anew
            self.on_stumble(f"the connection stumbled: {error!r}")
            return MQTTErrorCode.MQTT_ERR_UNKNOWN


class _Connection:
    """One CONNECT's life. All methods and attributes belong to the loop's thread."""

    def __init__(self, broker: Broker, client_id: str, will: Outgoing) -> None:
        self.loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = self.loop.create_future()
        self.subscribed: asyncio.Future[None] = self.loop.create_future()
        self.lost: str | None = None
        self._broker = broker
        self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,  # a reconnect of paho's own would repeat the old Will and bdSeq
        )
        self._client.will_set(will.topic, will.payload, qos=will.qos, retain=False)
        self._client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self._client.tls_set_context(broker.context())

    async def open(
        self,
        topic: str,
        on_message: Callable[[str, bytes], None],
        on_refused: Callable[[str], None],
        on_sent: Callable[[int], None],
        wake: asyncio.Event,
    ) -> None:
        """Connect and subscribe. Raises UplinkLost."""
        hand = self.loop.call_soon_threadsafe

        def lose(reason: str) -> None:
            self.lost = self.lost or reason
            for future in (self.answered, self.subscribed):
                if not future.done():
                    future.set_exception(UplinkLost(reason))
                    future.exception()  # seen: it may be that nobody waits for it
            wake.set()

        def connected(client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
            hand(lose, f"the broker refused: {reason}") if reason.is_failure else hand(_done, self.answered)

        def disconnected(client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
            hand(lose, str(reason))

        def stumbled(reason: str) -> None:
            hand(lose, reason)

        def subscribed(client: Any, data: Any, mid: int, reasons: Any, properties: Any) -> None:
            hand(_done, self.subscribed)
            if any(reason.is_failure for reason in reasons):
                # Alarms go out all the same; but nobody can acknowledge them, nor ask for our births.
                hand(on_refused, f"the broker lets nobody command this gateway: {reasons[0]} for {topic}")
                hand(self.loop.call_later, DEAF_RETRY_S, lose, "asking again to hear commands")

        def message(client: Any, data: Any, heard: mqtt.MQTTMessage) -> None:
            if heard.retain:  # of another time, whatever it says (`payloads-ncmd-retain`)
                hand(on_refused, "refused a command that lay on the broker: commands must not be retained")
            else:
                hand(on_message, heard.topic, bytes(heard.payload))

        def published(client: Any, data: Any, mid: int, reason: Any, properties: Any) -> None:
            hand(on_sent, mid)

        self._client.on_connect, self._client.on_disconnect = connected, disconnected
        self._client.on_subscribe, self._client.on_message = subscribed, message
        self._client.on_publish = published
        self._client.on_stumble = stumbled
        try:
            await asyncio.to_thread(self._client.connect, self._broker.host, self._broker.port, KEEPALIVE_S)
            self._client.loop_start()
            await asyncio.wait_for(self.answered, ANSWER_TIMEOUT_S)
            self._client.subscribe(topic, qos=1)
            await asyncio.wait_for(self.subscribed, ANSWER_TIMEOUT_S)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError; paho raises ValueError for a bad host
            raise UplinkLost(in_words(str(error)) or str(error) or "no answer") from error
        except UplinkLost as error:
            why = await asyncio.to_thread(refusal, self._broker) if self._broker.tls else None
            raise UplinkLost(why or str(error)) from error

    def publish(self, message: Outgoing) -> int:
        """Give a message to paho; returns its id for `on_sent`."""
        return self._client.publish(message.topic, message.payload, qos=message.qos, retain=False).mid

    async def farewell(self, message: Outgoing) -> None:
        """Publish the NDEATH, wait for the broker to have it, and disconnect."""
        info = self._client.publish(message.topic, message.payload, qos=message.qos, retain=False)
        await asyncio.to_thread(info.wait_for_publish, FAREWELL_TIMEOUT_S)
        self._client.disconnect()

    async def close(self) -> None:
        """End paho's thread and the socket."""
        self._client.on_disconnect = None
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)


class Uplink:
    """The gateway's way to its broker, over many connections."""

    def __init__(
        self,
        broker: Broker,
        edge: Edge,
        session: Session,
        journal: Journal,
        recorder: Recorder,
        clock: Clock,
        devices: list[str],
        best_effort: bool,
        on_refused: Callable[[str], None],
        on_question: Callable[[str], None],
    ) -> None:
        self._broker, self._edge, self._session = broker, edge, session
        self._journal, self._recorder, self._clock = journal, recorder, clock
        self._devices, self._best_effort, self._on_refused = devices, best_effort, on_refused
        self._on_question = on_question
        self._connection: _Connection | None = None
        self._handed: dict[int, Record] = {}  # best effort: paho's message id -> record
        self._wake = asyncio.Event()
        self._births_from_ms = clock.mono_ms() + BIRTH_WAIT_MAX_MS
        self._finish_ms: int | None = None

    def wake(self) -> None:
        """The session may have something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Connect, send, and connect again, until told to finish or cancelled."""
        wait_s = RECONNECT_FIRST_S
        while self._finish_ms is None:
            started_ms = self._clock.mono_ms()
            try:
                await self._one_connection()
            except UplinkLost as error:
                if self._clock.mono_ms() - started_ms > RECONNECT_MAX_S * 1000:
                    wait_s = RECONNECT_FIRST_S
                where = f"{self._broker.host}:{self._broker.port}"
                log.warning("broker-lost", f"broker {where}: {error}", broker=where, error=error)
                # A street of gateways must not come back in one moment.
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
                wait_s = min(wait_s * 2, RECONNECT_MAX_S)

    async def finish(self, task: asyncio.Task[None]) -> None:
        """Let the journal drain for a moment, say farewell, and end `task`, which is `run`."""
        self._finish_ms = self._clock.mono_ms() + DRAIN_AT_STOP_MS
        self._wake.set()
        if self._connection is not None:
            await asyncio.wait({task}, timeout=DRAIN_AT_STOP_MS / 1000 + 2 * FAREWELL_TIMEOUT_S)
        task.cancel()
        await asyncio.wait({task})

    async def _one_connection(self) -> None:
        try:
            bd_seq = await self._recorder.write(self._journal.next_bd_seq)
        except JournalFull as error:
            raise UplinkLost(str(error)) from error
        will = self._session.will(bd_seq, self._clock.utc_ms())
        try:
            connection = _Connection(self._broker, f"callpoint-{self._edge.group}-{self._edge.node}", will)
        except EndpointError as error:  # a certificate that is being replaced this moment
            raise UplinkLost(str(error)) from error
        try:
            topic = topic_of(self._edge, "NCMD")
            await connection.open(topic, self._on_message, self._on_refused, self._on_sent, self._wake)
            where = f"{self._broker.host}:{self._broker.port}"
            log.info("broker-connected", f"connected to broker {where}, bdSeq {bd_seq}", broker=where, bd_seq=bd_seq)
            await self._recorder.count()
            owing = await self._recorder.read(partial(self._journal.owing, self._devices))
            self._session.opened(bd_seq, self._clock.mono_ms(), self._births_from_ms, owing)
            self._connection = connection
            await self._pump(connection)
        finally:
            self._connection = None
            self._handed.clear()
            self._session.closed()
            await connection.close()

    async def _pump(self, connection: _Connection) -> None:
        while connection.lost is None:
            self._wake.clear()
            busy = self._send(connection) | await self._fetch()
            if self._finish_ms is not None and await self._finished(connection):
                return
            if busy:
                await asyncio.sleep(0)
                continue
            times = [at for at in (self._session.wake_at(), self._finish_ms) if at is not None]
            wait_s = None if not times else max(min(times) - self._clock.mono_ms(), 0) / 1000
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except TimeoutError:
                continue
        raise UplinkLost(connection.lost)

    def _send(self, connection: _Connection) -> bool:
        """Publish what is urgent now. True if there may be more."""
        for _ in range(BURST_MAX):
            message = self._session.next(self._clock.mono_ms())
            if message is None:
                return False
            mid = connection.publish(message)
            if self._best_effort and message.record is not None:
                self._handed[mid] = message.record
        return True

    async def _fetch(self) -> bool:
        """Bring backlog from disk where there is room for it. True if any was wanted."""
        fetched = False
        for lane, window in self._session.windows.items():
            if (wanted := window.wanted()) is not None:
                records = await self._recorder.read(partial(self._journal.records, lane, *wanted))
                window.fetched(*wanted, records)
                fetched = True
        if self._session.draining:
            devices = self._session.draining
            for device in devices - await self._recorder.read(partial(self._journal.owing, devices)):
                self._session.drained(device)
                fetched = True
        return fetched

    async def _finished(self, connection: _Connection) -> bool:
        drained = all(window.is_drained() for window in self._session.windows.values())
        if not drained and self._finish_ms is not None and self._clock.mono_ms() < self._finish_ms:
            return False
        await self._recorder.flush()
        await self._recorder.count()
        account = self._session.last_counts(self._clock.mono_ms())
        if account is not None:
            connection.publish(account)
        farewell = self._session.farewell(self._clock.utc_ms())
        if farewell is not None:
            await connection.farewell(farewell)
        return True

    def _on_message(self, topic: str, payload: bytes) -> None:
        try:
            heard = decode(topic, payload)
        except WireError as error:
            self._on_refused(f"refused a command that cannot be read: {error}")
            return
        if isinstance(heard, Command) and heard.edge == self._edge:
            freed = self._session.command(heard, self._clock.mono_ms())
            if freed.ranges:
                self._recorder.forget(freed.ranges)
            if freed.refused is not None:
                self._on_refused(f"refused {freed.refused}")
            if heard.question is not None:
                self._on_question(heard.question)
            self._wake.set()

    def _on_sent(self, mid: int) -> None:
        record = self._handed.pop(mid, None)
        if record is not None:
            self._session.windows[record.lane].handed_over(record.position)
            self._recorder.forget([(record.lane, record.position, record.position)])
            self._wake.set()


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
