"""Mail and HTTP servers on loopback that take, refuse, hang or hang up, and keep the bytes they were given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG = "hang"  # do not answer until told to go on
CLOSE = "close"  # hang up without an answer


@dataclass(slots=True)
class MailSink:
    """An SMTP server. `answers`: what it says instead of yes, by verb ("CONNECT", "RCPT", "." for the mail itself)."""

    answers: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8")
    context: ssl.SSLContext | None = None  # for STARTTLS
    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # what was said to it before and between mails
    secure: list[bool] = field(default_factory=list)  # for each mail: whether it came under TLS
    hangs: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)  # what hangs answers after all
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # a connection is over

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.ended.set()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say(writer, "CONNECT", "220 sink"):
            return
        while line := (await reader.readline()).decode().strip():
            self.lines.append(line)
            verb = line.split()[0].upper()
            usual = {"EHLO": self._greeting(), "DATA": "354 go on", "QUIT": "221 bye", "STARTTLS": "220 go on"}
            if not await self._say(writer, verb, usual.get(verb, "250 yes")):
                return
            if verb == "STARTTLS" and self.context is not None:
                await writer.start_tls(self.context)
            elif verb == "DATA" and "DATA" not in self.answers:
                mail = await reader.readuntil(b"\r\n.\r\n")
                if not await self._say(writer, ".", "250 taken"):
                    return
                if self.answers.get(".", HANG) == HANG:
                    self.mails.append(mail)
                    self.secure.append(writer.get_extra_info("ssl_object") is not None)
            elif verb == "QUIT":
                return

    def _greeting(self) -> str:
        starttls = ("STARTTLS",) if self.context is not None else ()
        return "\r\n".join(["250-sink", *(f"250-{each}" for each in (*self.extensions, *starttls)), "250 HELP"])

    async def _say(self, writer: asyncio.StreamWriter, verb: str, usual: str) -> bool:
        answer = self.answers.get(verb, usual)
        if answer == HANG:
            self.hangs.set()
            await self.goes_on.wait()
            answer = usual
        if answer == CLOSE:
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came."""

    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(slots=True)
class WebSink:
    """An HTTP server that answers every request with `answer`: a status with headers, `HANG` or `CLOSE`."""

    answer: str = "200 OK"
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    hangs: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests.append(Request(first.split()[1], headers, body))
            if self.answer == HANG:
                self.hangs.set()
                await asyncio.Event().wait()
            if self.answer != CLOSE:
                writer.write(f"HTTP/1.1 {self.answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(sink: MailSink | WebSink, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Serve a sink on an ephemeral port of 127.0.0.1, under TLS from the start if a context is given."""
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=context)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
