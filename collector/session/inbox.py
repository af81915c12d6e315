"""The inbox: a Sparkplug 3.0 host application over paho. Hears gateways, answers after the commit.

The network thread decodes and hands over; everything else happens on the event loop, message by message in
the order of `waiting.py`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from collector.commands import SystemTrouble
from collector.desk import Desk
from collector.session.listener import Listener
from collector.session.waiting import Waiting
from collector.storage.store import StoreFailed
from config import logs
from config.endpoint import Broker
from config.sparkplug import WireError
from config.tls import refusal
from config.wire import NAMESPACE, decode, encode_state, state_topic
from config.words import Birth, Data, Death, HostState, Message

OUTGOING_MAX = 20_000  # messages that paho may hold for the broker
KEEPALIVE_S = 15
RECONNECT_S = (1, 15)  # doubled from the first to the second
PATIENCE_S = 10.0  # a broker may restart within this time before anybody is told
PUBLISHED_WITHIN_S = 1.0  # the last word at a clean stop
TAKEN_TOGETHER = 50  # messages between two looks at what else the loop has to do
LOG_EVERY_S = 60.0
LOG_SOURCES_MAX = 1_000

log = logs.of(__name__)


class _Client(mqtt.Client):
    """paho's client, whose network thread goes on when it stumbles over what it was sent: nobody else is listening.

    It is run by `loop_start`: paho only then leaves every write to the network thread.
    """

    def __init__(self, host_id: str, on_stumble: Callable[[Exception], None]) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id=host_id, clean_session=True)
        self.leaving = False
        self.ended = threading.Event()  # set when the network thread is over
        self._on_stumble = on_stumble

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """The network thread."""
        ended = MQTTErrorCode.MQTT_ERR_UNKNOWN
        while not self.leaving:
            try:
                ended = super().loop_forever(timeout, retry_first_connection)
            except Exception as error:  # noqa: BLE001 - a link's loop top: a deaf collector would be worse
                self._on_stumble(error)
                time.sleep(RECONNECT_S[0])
        self.ended.set()
        return ended


class Inbox:
    """Listens to one broker. `host_id` is this collector's own and outlives its restarts."""

    def __init__(
        self,
        broker: Broker,
        host_id: str,
        desk: Desk,
        make_listener: Callable[[Callable[[str, bytes], None]], Listener],
        clock: Callable[[], int],
    ) -> None:
        self._broker = broker
        self._desk = desk
        self._clock = clock
        self._counters = desk.counters
        self._group = desk.site.community.id
        self._state_topic = state_topic(host_id)
        self._born_ms = 0  # of this connection: STATE's birth and will carry the same stamp
        self.listener = make_listener(self._publish)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting = Waiting()
        self._handed_over = 0  # by the network thread
        self._taken = 0  # by the loop
        self._stir = asyncio.Event()
        self._logged: dict[str, float] = {}
        self._alert: asyncio.TimerHandle | None = None  # fires when the broker has been away for too long
        self._tasks: set[asyncio.Task[None]] = set()
        self.connected: bool | None = None  # None: not yet tried
        self._let_in = False  # by the present connection; the network thread's
        self._client = _Client(host_id, self._stumbled)
        self._client.reconnect_delay_set(*RECONNECT_S)
        self._client.max_queued_messages_set(OUTGOING_MAX)
        if broker.username:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self._client.tls_set_context(broker.context())
        self._client.on_pre_connect = self._before_connect
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    @property
    def waiting(self) -> int:
        """How many messages wait to be judged."""
        return self._handed_over - self._taken

    async def run(self) -> None:
        """Until cancelled; then says STATE offline. A broker that is away is tried again without end."""
        self._loop = asyncio.get_running_loop()
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        self._client.loop_start()
        try:
            while True:
                try:
                    await self._take_some()
                except StoreFailed as error:  # what was to be looked up comes again, being unacknowledged
                    log.error("store-not-read", f"what gateways say again cannot be looked up: {error}", error=error)
                    await asyncio.sleep(1)
                await self._wait()
        finally:
            self._client.leaving = True
            if self._alert is not None:
                self._alert.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.shield(asyncio.to_thread(self._leave))

    # --- on the loop ----------------------------------------------------------------------------------

    async def _take_some(self) -> None:
        for _ in range(TAKEN_TOGETHER):
            if not self._waiting:
                break
            self._taken += 1
            await self.listener.hear(self._waiting.take())
        now = self._clock()
        wake_at = self.listener.wake_at()
        if wake_at is not None and now >= wake_at:
            await self.listener.wake()

    async def _wait(self) -> None:
        if self._waiting:
            await asyncio.sleep(0)
            return
        wake_at = self.listener.wake_at()
        wait_s = 1.0 if wake_at is None else min(1.0, max(0.01, (wake_at - self._clock()) / 1000))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stir.wait()
        self._stir.clear()

    def _arrive(self, topic: str, message: Message | WireError) -> None:
        """What the network thread heard, in the order of arrival."""
        if isinstance(message, Birth | Data | Death) and self.listener.knows(message.edge):
            self._waiting.add(message)
            self._stir.set()
            return
        self._taken += 1
        if isinstance(message, WireError):
            self._strange(topic[:200], "garbage", f"sent what cannot be read: {message}")
        elif isinstance(message, Birth | Data | Death):
            source = f"{message.edge.group}/{message.edge.node}"
            self._strange(source, "unknown-node", "is no gateway of the site")
        elif isinstance(message, HostState) and not message.online and not self._client.leaving:
            # Somebody (a broker with a late will) says that we are offline: we are not.
            self._publish_state(True, self._born_ms)

    def _strange(self, source: str, counter: str, what: str) -> None:
        """Count, and log once per source and minute."""
        self._counters[counter] += 1
        now = time.monotonic()
        if now - self._logged.get(source, -LOG_EVERY_S) >= LOG_EVERY_S:
            if len(self._logged) >= LOG_SOURCES_MAX:
                self._logged.clear()
            self._logged[source] = now
            log.warning("strange", f"{source} {what}", source=source, what=counter)

    def _connection(self, connected: bool, text: str) -> None:
        """The connection came, went, or could not be made."""
        if connected == self.connected or self._client.leaving:
            return
        self.connected = connected
        level, event = (logging.INFO, "broker-connected") if connected else (logging.WARNING, "broker-lost")
        error = None if connected else text
        log.tell(level, event, f"broker {self._broker.host}: {text}", None, broker=self._broker.host, error=error)
        if self._alert is not None:
            self._alert.cancel()
            self._alert = None
        if connected:
            self._desk.tell(SystemTrouble("broker", False, text))
            task = asyncio.ensure_future(self.listener.ask_all("connected to the broker"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            trouble = SystemTrouble("broker", True, text)
            self._alert = asyncio.get_running_loop().call_later(PATIENCE_S, self._desk.tell, trouble)

    # --- on the network thread ------------------------------------------------------------------------

    def _stumbled(self, error: Exception) -> None:
        log.error("stumbled", f"the connection to the broker stumbled: {error!r}", fault=error)
        self._counters["stumbles"] += 1

    def _before_connect(self, client: mqtt.Client, _data: object) -> None:
        self._born_ms, self._let_in = self._clock(), False
        client.will_set(self._state_topic, encode_state(False, self._born_ms), qos=1, retain=True)

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _more: object
    ) -> None:
        if reason.is_failure:
            self._call(self._connection, False, f"refused: {reason}")
            return
        self._let_in = True
        client.subscribe([(f"{NAMESPACE}/{self._group}/#", 1), (self._state_topic, 1)])
        self._publish_state(True, self._born_ms)
        self._call(self._connection, True, "connected")

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _number: int, reasons: list[ReasonCode], _more: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._call(self._connection, False, "the broker refuses the subscription")

    def _on_connect_fail(self, _client: mqtt.Client, _data: object) -> None:
        error = sys.exc_info()[1]  # paho calls us while it handles the error, and tells it in no other way
        self._call(self._connection, False, "cannot be reached" + (f": {error}" if error else ""))

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _more: object
    ) -> None:
        turned_away = self._broker.tls and not self._let_in and not self._client.leaving
        why = refusal(self._broker) if turned_away else None
        self._call(self._connection, False, why or f"connection lost: {reason}")

    def _on_message(self, _client: mqtt.Client, _data: object, heard: mqtt.MQTTMessage) -> None:
        try:
            topic = heard.topic
            if heard.retain and topic != self._state_topic:
                self._counters["retained"] += 1  # old news under a fresh date: a birth is asked for instead
                return
            message: Message | WireError = decode(topic, bytes(heard.payload))
        except UnicodeDecodeError:
            self._counters["garbage"] += 1
            return
        except WireError as error:
            message = error
        if not self._waiting.admits(message, self.waiting):
            self._counters["overflow"] += 1
            return
        self._handed_over += 1
        self._call(self._arrive, topic, message)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(function, *arguments)

    # --- publishing: from any thread ------------------------------------------------------------------

    def _publish(self, topic: str, payload: bytes) -> None:
        """Best effort, as Sparkplug wants commands: what is lost is said again when the gateway repeats itself."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos=0)

    def _publish_state(self, online: bool, at_ms: int) -> mqtt.MQTTMessageInfo:
        return self._client.publish(self._state_topic, encode_state(online, at_ms), qos=1, retain=True)

    def _leave(self) -> None:
        """Say offline, then disconnect: a clean end leaves no will behind."""
        if self._client.is_connected():
            with suppress(RuntimeError, ValueError):
                self._publish_state(False, self._clock()).wait_for_publish(PUBLISHED_WITHIN_S)
        self._client.disconnect()
        self._client.ended.wait(PUBLISHED_WITHIN_S)  # it may sit in a connect that nobody answers; it is a daemon
