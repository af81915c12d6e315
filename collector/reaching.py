"""Whether a server is there: its port, its certificate, its answer to an MQTT CONNECT. Each answers in words."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from config.endpoint import Broker
from config.tls import in_words, refusal

WITHIN_S = 5.0


def connects(host: str, port: int) -> str | None:
    """None if something listens there, else why not."""
    try:
        socket.create_connection((host, port), WITHIN_S).close()
    except (OSError, UnicodeError) as error:
        return str(error) or "no answer"
    return None


def ends_of_certificate(host: str, port: int, ca_file: str | None) -> datetime | str:
    """Until when the server's certificate is good; or why it is not believed."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
        with (
            socket.create_connection((host, port), WITHIN_S) as line,
            context.wrap_socket(line, server_hostname=host) as sealed,
        ):
            told: Any = sealed.getpeercert()
    except ssl.SSLCertVerificationError as error:
        return f"{host}:{port}: its certificate is not believed: {error.verify_message}"
    except (OSError, UnicodeError) as error:
        return f"{host}:{port}: {error}"
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), UTC)


def speaks_mqtt(broker: Broker) -> str | None:
    """None if the broker lets us in, else why not."""
    answered = threading.Event()
    refused: list[str] = []

    def connected(client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            refused.append(f"it refuses: {reason}")
        answered.set()

    def ended(client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not answered.is_set():
            refused.append((broker.tls and refusal(broker)) or f"it ends the connection: {reason}")
            answered.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=mqtt.MQTTv311, reconnect_on_failure=False)
    client.on_connect, client.on_disconnect = connected, ended
    client.username_pw_set(broker.username, broker.password)
    if broker.tls:
        client.tls_set_context(broker.context())
    try:
        client.connect(broker.host, broker.port, keepalive=10)
        client.loop_start()
        if not answered.wait(WITHIN_S):
            return "no answer to CONNECT"
    except (OSError, ValueError) as error:
        return in_words(str(error)) or str(error) or "no answer"
    finally:
        client.on_disconnect = None
        client.disconnect()
        client.loop_stop()
    return refused[0] if refused else None
