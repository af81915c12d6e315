"""Commands as lines from standard input, be it a pipe or a terminal, without ever blocking the buses."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

LINE_BYTES_MAX = 64 * 1024
STDIN = 0


class Commands:
    """Lines from standard input as they come; its end, or an input that cannot be watched, is no matter."""

    def __init__(self, obey: Callable[[str], None]) -> None:
        self._obey = obey
        self._partial = b""

    def __enter__(self) -> None:
        # Reading by hand leaves the terminal blocking: asyncio's own pipes would make its output non-blocking too.
        with contextlib.suppress(OSError):  # a file or /dev/null is not watched
            asyncio.get_running_loop().add_reader(STDIN, self._read)

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(STDIN)

    def _read(self) -> None:
        data = os.read(STDIN, LINE_BYTES_MAX)
        if not data:
            asyncio.get_running_loop().remove_reader(STDIN)
        *lines, self._partial = (self._partial + data).split(b"\n")
        self._partial = self._partial[-LINE_BYTES_MAX:]
        for line in lines:
            self._obey(line.decode(errors="replace"))
