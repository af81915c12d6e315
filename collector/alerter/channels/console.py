"""One readable line per notice on standard output: for the demo and for trying a site out."""

from __future__ import annotations

import os
import sys
import threading
from typing import TextIO

from collector.alerter.channels.channel import ChannelError, Letter, Threads
from collector.messages.wording import one_line

_URGENT, _PLAIN = "\x1b[1;31m", "\x1b[0m"
LINE_MAX = 1000


class ConsoleChannel:
    """Writes to a stream; colour only for people who look at a terminal and have not refused it (NO_COLOR)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._colour = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._threads = Threads()  # a pipe that nobody empties blocks its writer
        self._one_line = threading.Lock()

    async def send(self, letter: Letter) -> None:
        """One line. Raises ChannelError where nobody reads any more."""
        line = self._line(letter)

        def write() -> None:
            with self._one_line:
                self._stream.write(line)
                self._stream.flush()

        try:
            await self._threads.run(write)
        except (OSError, ValueError) as error:
            raise ChannelError(f"console: {error}") from error

    def _line(self, letter: Letter) -> str:
        why = one_line(f"{letter.facts.get('reason', '')} ring {letter.facts.get('ring', '')}")
        again = "" if letter.sending == 1 else f", sending {letter.sending}"
        said = " ".join(part for part in (one_line(letter.words.short, LINE_MAX), letter.url) if part)
        line = f"notice {letter.notice} to {one_line(letter.name)} ({why}{again}): {said}"
        encoding = self._stream.encoding or "utf-8"
        line = line.encode(encoding, "replace").decode(encoding)  # a terminal that cannot say it shall not stop it
        return f"{_URGENT}{line}{_PLAIN}\n" if self._colour and letter.urgent else f"{line}\n"
