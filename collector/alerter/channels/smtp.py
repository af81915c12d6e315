"""E-mail. A connection for each letter, TLS where the site says so and never less."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any, Literal
from urllib.parse import quote

from collector.alerter.channels.channel import ChannelError, Letter, Threads
from collector.messages.wording import one_line

ANSWER_WITHIN_S = 10.0  # each answer of the server but the last
TAKEN_WITHIN_S = 30.0  # the one to the mail itself: given up too early, a mail that was taken would go again
PORT_OF = {"none": 25, "starttls": 587, "tls": 465}
MAILBOX = re.compile(r'([^@\s<>()\[\],;:"\\]{1,64})@([^@\s<>()\[\],;:"\\]{1,253})')


class SmtpChannel:
    """Hands letters to one mail server. `context` None: the system's certificate authorities are trusted."""

    def __init__(
        self,
        host: str,
        port: int | None,
        security: Literal["none", "starttls", "tls"],
        sender: str,
        username: str | None = None,
        password: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port or PORT_OF[security]
        self._security = security
        self._sender = sender
        self._login = (username, password) if username and password else None
        self._context = context or ssl.create_default_context()
        self._threads = Threads()

    async def send(self, letter: Letter) -> None:
        """Returns when the server has taken the mail (250 after DATA). Raises ChannelError."""
        message, talk = compose(letter, self._sender), _Talk()
        try:
            await self._threads.run(lambda: self._deliver(message, letter.to, talk))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise refusal(error) from error
        finally:
            talk.cut()  # whoever has stopped waiting will try again: this one must not be delivered as well

    def _connect(self) -> smtplib.SMTP:
        # The name for EHLO is given: smtplib would ask the DNS for it, which may take long.
        name = self._sender.rpartition("@")[2]
        if self._security == "tls":
            return _SessionUnderTls(self._host, self._port, name, timeout=ANSWER_WITHIN_S, context=self._context)
        return _Session(self._host, self._port, name, timeout=ANSWER_WITHIN_S)

    def _deliver(self, message: EmailMessage, to: str, talk: _Talk) -> None:
        session = self._connect()
        try:
            talk.begin(session)
            if self._security == "starttls":
                session.starttls(context=self._context)
                talk.begin(session)
            if self._login is not None:
                session.login(*self._login)
            session.send_message(message, self._sender, [to])
            with contextlib.suppress(smtplib.SMTPException, OSError):  # it is delivered, whatever the farewell
                session.quit()
        finally:
            session.close()


class _Session(smtplib.SMTP):
    """Waits longer for the answer to the mail itself."""

    def send(self, s: Any) -> None:
        """Hand bytes or text to the server."""
        super().send(s)
        if isinstance(s, bytes) and s.endswith(b"\r\n.\r\n") and self.sock is not None:
            self.sock.settimeout(TAKEN_WITHIN_S)


class _SessionUnderTls(_Session, smtplib.SMTP_SSL):
    """The same under TLS from the start."""


class _Talk:
    """Lets the loop end a conversation that a thread is in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._ended = False

    def begin(self, session: smtplib.SMTP) -> None:
        """The socket that is spoken over from now on. Raises OSError if the talk has been ended."""
        with self._lock:
            if self._ended:
                raise TimeoutError("nobody waits for this mail any more")
            self._socket = session.sock

    def cut(self) -> None:
        """End it, wherever it is; harmless afterwards."""
        with self._lock:
            self._ended = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The mail. Raises ChannelError for an address that is none."""
    mailbox = MAILBOX.fullmatch(letter.to)
    if mailbox is None:
        raise ChannelError("the person's address is not a mail address", permanent=True)
    site = quote(letter.community, safe="").replace(".", "%2E")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(one_line(letter.community_name), addr_spec=sender)
    message["To"] = Address(one_line(letter.name), mailbox[1], mailbox[2])
    message["Subject"] = one_line(letter.words.subject, 200)
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{quote(letter.key, safe='')}@{site}>"
    if letter.sending > 1:
        first = f"<{quote(letter.notice, safe='')}@{site}>"
        message["In-Reply-To"] = first
        message["References"] = first
    message["Auto-Submitted"] = "auto-generated"
    if letter.urgent:
        message["Importance"] = "high"
        message["X-Priority"] = "1"
    message.set_content(letter.words.body)
    return message


def refusal(error: Exception) -> ChannelError:
    """What an error of the mail server or the line means: 5xx to a mail is for good, anything else may pass.

    5xx to this collector itself is none: a server that is busy says so, and a password can be set right.
    """
    answer: tuple[int, bytes | str] | None = None
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answer = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_code, error.smtp_error
    if answer is not None:
        code, said = answer
        ours = isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError | smtplib.SMTPAuthenticationError)
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return ChannelError(one_line(f"the mail server said {code} {text}"), permanent=500 <= code < 600 and not ours)
    unable = isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError)
    return ChannelError(one_line(f"{type(error).__name__}: {error}"), permanent=unable)
