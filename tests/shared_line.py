"""One RS-485 line that several masters share, with slaves made of bytes: everybody on it hears everything.

It knows nothing of our code. A script gets a question of eight bytes and how fast it was asked, and says what the
slaves put onto the line.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import socketserver
import subprocess
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from callpoint import main
from tests.slaves import rtu

BAUDS = {termios.B9600: 9600, termios.B19200: 19200, termios.B115200: 115200}
Pieces = list[tuple[float, bytes]]  # after so many seconds, these bytes
Script = Callable[[bytes, int], Pieces]  # question, baud (0: none of BAUDS) -> what the slaves say


@dataclass
class SharedLine:
    """The ends for masters, by path; what was asked at each, in order."""

    script: Script
    ends: list[str]
    asked: list[tuple[int, bytes]] = field(default_factory=list)  # end, question

    def units_asked(self, end: int = 0) -> list[int]:
        """Whom the master at one end has asked."""
        return [question[0] for at, question in self.asked if at == end]


@contextmanager
def shared_line(script: Script, masters: int = 1, echo: bool = False) -> Iterator[SharedLine]:
    """A line with so many ends. `echo`: a master hears itself, as with many adapters."""
    pairs = [os.openpty() for _ in range(masters)]
    for master, slave in pairs:
        tty.setraw(slave)
        os.set_blocking(master, False)
    line = SharedLine(script, [os.ttyname(slave) for _, slave in pairs])
    ends = threading.Event()
    thread = threading.Thread(target=_serve, args=(line, [master for master, _ in pairs], echo, ends), daemon=True)
    thread.start()
    try:
        yield line
    finally:
        ends.set()
        thread.join(10)
        for pair in pairs:
            for each in pair:
                os.close(each)


def _serve(line: SharedLine, masters: list[int], echo: bool, ends: threading.Event) -> None:
    buffers: dict[int, bytes] = dict.fromkeys(masters, b"")
    due: list[tuple[float, bytes]] = []
    while not ends.is_set():
        ready, _, _ = select.select(masters, [], [], 0.002 if due else 0.02)
        for end in ready:
            said = os.read(end, 4096)
            _put([each for each in masters if each != end or echo], said)
            buffers[end] += said
            while len(buffers[end]) >= 8:
                question, buffers[end] = buffers[end][:8], buffers[end][8:]
                line.asked.append((masters.index(end), question))
                baud = BAUDS.get(termios.tcgetattr(end)[4], 0)
                due += [(time.monotonic() + after_s, data) for after_s, data in line.script(question, baud)]
        for at_s, data in sorted(each for each in due if each[0] <= time.monotonic()):
            due.remove((at_s, data))
            _put(masters, data)


def _put(ends: list[int], data: bytes) -> None:
    for end in ends:
        with contextlib.suppress(BlockingIOError):  # nobody has read there for long
            os.write(end, data)


def answer(question: bytes, registers: dict[int, int], unit: int | None = None, table: int | None = None) -> bytes:
    """What a truthful slave says: its registers, or that it has no such address or function."""
    first, count = int.from_bytes(question[2:4], "big"), int.from_bytes(question[4:6], "big")
    head = bytes([question[0] if unit is None else unit])
    if table is not None and question[1] != table:
        return rtu((head + bytes([question[1] | 0x80, 1])).hex())
    if any(address not in registers for address in range(first, first + count)):
        return rtu((head + bytes([question[1] | 0x80, 2])).hex())
    words = b"".join(registers[address].to_bytes(2, "big") for address in range(first, first + count))
    return rtu((head + bytes([question[1], 2 * count]) + words).hex())


def units(**registers: dict[int, int]) -> Script:
    """Slaves by number, `unit_3={0: 7}`, each with input registers only; all others are silent."""
    known = {int(name.removeprefix("unit_")): cells for name, cells in registers.items()}

    def script(question: bytes, baud: int) -> Pieces:
        cells = known.get(question[0])
        return [] if cells is None else [(0, answer(question, cells, table=4))]

    return script


def callpoint(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    """The command line in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    surroundings = {"XDG_STATE_HOME": str(state)}
    with patch.dict(os.environ, surroundings), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as wrong_use:
            code = int(str(wrong_use.code))
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextmanager
def tcp_converter(script: Callable[[bytes], bytes], banner: bytes = b"") -> Iterator[int]:
    """A converter on a loopback port: a question of twelve bytes -> its answer; empty: silence, b"-": it hangs up."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(banner)
            while len(question := self.request.recv(12)) == 12:
                said = script(question)
                if said == b"-":
                    return
                self.request.sendall(said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


def tcp_answer(question: bytes, pdu: str, unit: int | None = None) -> bytes:
    """An answer with the question's transaction, of its unit or another."""
    body = bytes([question[6] if unit is None else unit]) + bytes.fromhex(pdu)
    return question[:4] + len(body).to_bytes(2, "big") + body
