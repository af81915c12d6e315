"""The demo's MQTT broker: amqtt inside a process of its own, so that no server has to be installed.

Why amqtt: plain Python (installs wherever Python does), MIT, maintained, and retained messages, wills
and QoS 1 work as the demo needs them. It is for trials; a real site runs Mosquitto.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker

_CONNECTIONS_MAX = 64


def run(listen: str) -> int:
    """Serve MQTT on `host:port` until SIGTERM or SIGINT. Exit code 1 if the port cannot be had."""
    return asyncio.run(_serve(listen))


async def _serve(listen: str) -> int:
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": listen, "max_connections": _CONNECTIONS_MAX}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await broker.start()
    except Exception as error:  # noqa: BLE001 - amqtt wraps socket errors in several classes of its own
        print(f"callpoint broker: cannot listen on {listen}: {error}", file=sys.stderr)
        return 1
    print(f"broker listens on {listen}", flush=True)
    await stop.wait()
    await broker.shutdown()
    return 0
