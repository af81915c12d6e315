"""Child processes of the demo and the bench: started, heard line by line, and always ended."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Sequence

_LAST_LINES = 50  # kept for the report when a child fails
_LINE_BYTES_MAX = 1 << 20
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)


class ChildFailed(RuntimeError):
    """A child ended by itself; str() says which and shows its last words."""


class Child:
    """One child process. `on_line` hears each line of its output as it comes."""

    def __init__(self, name: str, on_line: Callable[[str, str], None]) -> None:
        self.name = name
        self.last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self, command: Sequence[str], environment: dict[str, str]) -> None:
        """Start it, deaf to the terminal's Ctrl-C (its parent ends it in order) and ended if its parent is killed."""
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environment},
            limit=_LINE_BYTES_MAX,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def finished(self) -> list[str]:
        """Its last lines, once it has ended by itself. Raises ChildFailed if it did not end well."""
        assert self._process is not None and self._reader is not None
        await self._reader
        if await self._process.wait() != 0:
            self.check()
        return list(self.last_lines)

    @property
    def started(self) -> bool:
        """True once it was started, also after its end."""
        return self._process is not None

    @property
    def running(self) -> bool:
        """True from start to end."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise ChildFailed(f"{self.name} was not started")
        return self._process.pid

    def check(self) -> None:
        """Raises ChildFailed if it has ended by itself."""
        if self._process is not None and self._process.returncode is not None and not self._stopping:
            words = "\n".join(f"    {line}" for line in list(self.last_lines)[-15:])
            raise ChildFailed(f"{self.name} ended with exit code {self._process.returncode}\n{words}")

    async def say(self, line: str) -> None:
        """Write one line to its standard input. Raises ChildFailed if it has gone."""
        self.check()
        if self._process is None or self._process.stdin is None:
            raise ChildFailed(f"{self.name} is not running")
        try:
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChildFailed(f"{self.name} no longer listens") from error

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL after `grace_s`. Harmless if it has ended."""
        self._stopping = True
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line beyond the bound: its part was dropped, go on with the next
                continue
            if not raw:
                break
            line = raw.decode(errors="replace").rstrip("\n")
            self.last_lines.append(line)
            self._on_line(self.name, line)
        await process.wait()


def free_port(host: str, wanted: int = 0, tries: int = 20) -> int:
    """`wanted` if it is free, else the next free one above it; 0 for any. Raises OSError if all are taken."""
    for port in [wanted] if wanted == 0 else range(wanted, wanted + tries):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port at {host} from {wanted} to {wanted + tries - 1}")


def _end_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
