"""The scene on a real socket, in a thread of its own, so that a browser can look at it. It can end and start again."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from collector.alerter.app import Server
from tests.web.scene import Scene, scene

T = TypeVar("T")
WITHIN_S = 15.0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Live:
    """A collector's web side at `url`. `folder` keeps its state from one start to the next."""

    def __init__(self, folder: Path, port: int = 0, **more: Any) -> None:
        self._folder = folder
        self._more = more
        with socket.create_server(("127.0.0.1", port)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Returns once it answers."""
        listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(listening)))
        self._thread.start()
        assert listening.wait(WITHIN_S)

    def stop(self) -> None:
        """Returns once nothing listens any more."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(WITHIN_S)
            assert not self._thread.is_alive()
            self._thread = None

    def do(self, what: Callable[[Scene], Awaitable[T]]) -> T:
        """Do something in the collector's own loop."""

        async def doing() -> T:
            return await what(self._stage)

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(WITHIN_S)

    async def _run(self, listening: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        async with scene(self._folder, clock=_now_ms, **self._more) as self._stage:
            server = Server(self._stage.app)
            with socket.create_server(("127.0.0.1", self.port)) as listener:
                serving = asyncio.create_task(server.serve([listener]))
                listening.set()
                await self._ending.wait()
                server.should_exit = True
                await serving
