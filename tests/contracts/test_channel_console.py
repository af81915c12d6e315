"""The console: one line per notice, colour only where people see it; a reader that sleeps or is gone stops nothing."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os

import pytest

from collector.alerter.channels import ChannelError
from collector.alerter.channels.console import ConsoleChannel
from collector.messages.message import Words
from tests.letters import letter_to


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def written(stream: io.StringIO, **changes: object) -> str:
    asyncio.run(ConsoleChannel(stream).send(letter_to("", **changes)))
    return stream.getvalue()


def test_a_notice_is_one_line() -> None:
    text = written(io.StringIO())

    assert text.count("\n") == 1 and text.endswith("\n")
    assert text.startswith("notice n-1 to 李国强 (own-team ring 1): 火灾报警: 梧桐里3号楼 请自拨119 http://")


def test_a_repeat_is_marked() -> None:
    assert "(own-team ring 1, sending 2)" in written(io.StringIO(), sending=2)


def test_hostile_text_cannot_make_lines_or_colours() -> None:
    text = written(Terminal(), words=Words("", "", "a\nnotice n-2 to all\x1b[2J"), name="x\r\ny", urgent=False)

    assert text.count("\n") == 1 and "\x1b" not in text and "\r" not in text


def test_colour_is_for_a_terminal_that_has_not_refused_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in written(Terminal())
    assert "\x1b" not in written(Terminal(), urgent=False)
    assert "\x1b" not in written(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in written(Terminal())


def test_a_terminal_without_chinese_gets_a_line_all_the_same() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    asyncio.run(ConsoleChannel(stream).send(letter_to("")))

    assert raw.getvalue().startswith(b"notice n-1 to ???")


def test_a_console_that_is_gone_is_an_error_of_the_channel() -> None:
    stream = io.StringIO()
    channel = ConsoleChannel(stream)
    stream.close()
    with pytest.raises(ChannelError) as caught:
        asyncio.run(channel.send(letter_to("")))

    assert not caught.value.permanent


def test_a_pipe_that_nobody_empties_does_not_hold_the_loop() -> None:
    async def scene() -> None:
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        with os.fdopen(reading, encoding="utf-8") as reader, os.fdopen(writing, "w", encoding="utf-8") as stream:
            channel = ConsoleChannel(stream)
            long = letter_to("", words=Words("", "", "x" * 900))
            sends = [asyncio.create_task(channel.send(long)) for _ in range(10)]
            await sends[0]
            assert not all(send.done() for send in sends)  # the pipe is full, and yet the loop turns

            lines = [await asyncio.to_thread(reader.readline) for _ in sends]
            await asyncio.gather(*sends)
            assert all(line.startswith("notice n-1") and line.endswith("/a/token\n") for line in lines)

    asyncio.run(scene())
