"""A command in a terminal of its own, as somebody at a keyboard has it, and a picture of what it showed."""

from __future__ import annotations

import fcntl
import html
import io
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WITHIN_S = 60.0
COLUMNS = 110
PICTURES = Path(__file__).resolve().parents[1] / "docs"
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; width: max-content }}
pre {{ background: #1d1f21; color: #e4e4e4; margin: 0; padding: 14px 18px; max-width: {}ch;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.45 "Noto Sans Mono CJK SC", monospace }}
</style><pre>{}</pre>"""


class Terminal:
    """A process whose keyboard and screen are a pty."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str], columns: int = COLUMNS) -> None:
        here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        # `setsid -c`: the pty is its controlling terminal, so that ^C is a signal to it.
        self._process = subprocess.Popen(
            ["setsid", "-c", *command],
            stdin=there,
            stdout=there,
            stderr=there,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color", "COLUMNS": str(columns)},
        )
        os.close(there)
        self._pty = here
        self.said = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until the screen has shown this; fails the test if it never does."""
        deadline = time.monotonic() + WITHIN_S
        while not (found := re.search(pattern, plain(self.said))):
            if not self._read(deadline):
                pytest.fail(f"{pattern!r} was not shown:\n{self.said[-3000:]}")
        return found

    def type(self, keys: str) -> None:
        """Press keys; "\\x03" is Ctrl-C."""
        os.write(self._pty, keys.encode())

    def ended(self) -> int:
        """The exit code, once it has ended and everything it said is read."""
        deadline = time.monotonic() + WITHIN_S
        while self._read(deadline):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    def close(self) -> None:
        """End it if it has not ended, and give the pty back."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._pty)

    def _read(self, deadline: float) -> bool:
        """Read what is there; False when nothing comes any more, by its end or by the deadline."""
        ready, _, _ = select.select([self._pty], [], [], max(0.0, deadline - time.monotonic()))
        try:
            got = os.read(self._pty, 65536) if ready else b""
        except OSError:  # the other side is closed
            got = b""
        self.said += got.decode("utf-8", "replace")
        return bool(got)


@contextmanager
def terminal(
    command: list[str], folder: Path, environment: dict[str, str], columns: int = COLUMNS
) -> Iterator[Terminal]:
    """A command in a terminal; killed at the end if it is still there."""
    running = Terminal(command, folder, environment, columns)
    try:
        yield running
    finally:
        running.close()


def plain(said: str) -> str:
    """What stands on the screen, without colours."""
    return Text.from_ansi(said.replace("\r\n", "\n")).plain


def keep_picture(name: str, typed: str, said: str) -> None:
    """docs/<name>.png of what a terminal showed after a command was typed; only `make screenshots` asks for it."""
    if "CALLPOINT_SCREENSHOTS" not in os.environ:
        return
    from playwright.sync_api import sync_playwright

    console = Console(record=True, width=1000, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(said.replace("\r\n", "\n").strip("\n")), soft_wrap=True)
    coloured = console.export_html(theme=MONOKAI, code_format="{code}", inline_styles=True)
    page = PAGE.format(COLUMNS, f"<b>$ {html.escape(typed)}</b>\n{coloured.rstrip()}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1200, "height": 400}, device_scale_factor=2)
        opened.set_content(page)
        picture = opened.locator("pre").screenshot()
        browser.close()
    # Text of a few colours: 64 of them are a quarter of the file, and look the same.
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(64).save(PICTURES / f"{name}.png", optimize=True)
