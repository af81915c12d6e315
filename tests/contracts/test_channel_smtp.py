"""E-mail: never less protection than the site asks for, and what each answer of a mail server means."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import subprocess
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest

from collector.alerter.channels import ChannelError, smtp
from collector.alerter.channels.smtp import SmtpChannel, compose, refusal
from tests.letters import letter_to
from tests.sinks import HANG, MailSink, listening

SENDER = "callpoint@example.org"
WITHIN_S = 10.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, with its key in the same file."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", str(file), "-out", f"{file}.crt"], check=True, capture_output=True)
    with file.open("ab") as whole:
        whole.write(Path(f"{file}.crt").read_bytes())
    return file


def serving(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    return context


def trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


def composed(**changes: object) -> EmailMessage:
    """The mail as a mail program reads it."""
    bytes_ = compose(letter_to("li@example.org", **changes), SENDER).as_bytes()
    return cast(EmailMessage, message_from_bytes(bytes_, policy=default))


def test_starttls_and_tls_carry_mail_and_password_encrypted(authority: Path) -> None:
    async def scene() -> None:
        plain_first = MailSink({"AUTH": "235 ok"}, ("AUTH PLAIN",), context=serving(authority))
        async with listening(plain_first):
            channel = SmtpChannel(
                "localhost", plain_first.port, "starttls", SENDER, "callpoint", "pass", trusting(authority)
            )
            await channel.send(letter_to("li@example.org"))
        assert plain_first.secure == [True]
        verbs = [line.split()[0].upper() for line in plain_first.lines]
        assert verbs.index("STARTTLS") < verbs.index("AUTH") < verbs.index("MAIL")

        at_once = MailSink()
        async with listening(at_once, serving(authority)):
            await SmtpChannel("localhost", at_once.port, "tls", SENDER, context=trusting(authority)).send(
                letter_to("li@example.org")
            )
        assert at_once.secure == [True]

    asyncio.run(scene())


def test_a_server_that_cannot_encrypt_gets_no_mail(authority: Path) -> None:
    async def scene() -> None:
        sink = MailSink()  # offers no STARTTLS
        async with listening(sink):
            channel = SmtpChannel("localhost", sink.port, "starttls", SENDER, "callpoint", "pass", trusting(authority))
            with pytest.raises(ChannelError) as caught:
                await channel.send(letter_to("li@example.org"))

        assert caught.value.permanent and not sink.mails
        assert not [line for line in sink.lines if line.upper().startswith(("AUTH", "MAIL"))]

    asyncio.run(scene())


def test_a_server_with_a_foreign_certificate_gets_no_mail(authority: Path) -> None:
    async def scene() -> None:
        sink = MailSink(context=serving(authority))
        async with listening(sink):
            with pytest.raises(ChannelError, match="certificate verify failed"):
                await SmtpChannel("localhost", sink.port, "starttls", SENDER).send(letter_to("li@example.org"))

        assert not sink.mails

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("verb", "answer", "permanent"),
    [
        ("CONNECT", "554 go away", False),
        ("CONNECT", "421 busy", False),
        ("MAIL", "452 no space", False),
        ("MAIL", "530 authenticate first", True),
        ("RCPT", "450 mailbox busy", False),
        ("RCPT", "550 no such user", True),
        ("DATA", "451 local error", False),
        (".", "552 too much", True),
        (".", "421 shutting down", False),
    ],
)
def test_5xx_to_a_mail_is_for_good_and_anything_else_for_now(verb: str, answer: str, permanent: bool) -> None:
    async def scene() -> None:
        sink = MailSink({verb: answer})
        async with listening(sink):
            with pytest.raises(ChannelError) as caught:
                await SmtpChannel("127.0.0.1", sink.port, "none", SENDER).send(letter_to("li@example.org"))

        assert caught.value.permanent is permanent and answer[:3] in caught.value.reason

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (smtplib.SMTPAuthenticationError(535, b"bad password"), False),
        (smtplib.SMTPServerDisconnected("gone"), False),
        (smtplib.SMTPNotSupportedError("no SMTPUTF8"), True),
        (TimeoutError("timed out"), False),
        (ConnectionRefusedError(111, "refused"), False),
        (ssl.SSLError(1, "handshake"), False),
    ],
)
def test_what_an_error_means(error: Exception, permanent: bool) -> None:
    assert refusal(error).permanent is permanent


def test_a_farewell_that_fails_does_not_undo_the_delivery() -> None:
    async def scene() -> None:
        sink = MailSink({"QUIT": "close"})
        async with listening(sink):
            await SmtpChannel("127.0.0.1", sink.port, "none", SENDER).send(letter_to("li@example.org"))

        assert len(sink.mails) == 1

    asyncio.run(scene())


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b@c", "a b@example.org", "a@example.org\r\nRCPT TO:<x@y>", "<a@b>", "a@b,c@d"]
)
def test_what_is_no_mail_address_is_refused_for_good(to: str) -> None:
    with pytest.raises(ChannelError) as caught:
        compose(letter_to(to), SENDER)

    assert caught.value.permanent


def test_a_mail_reads_as_it_was_written() -> None:
    mail = composed()

    assert mail["Subject"] == "火灾报警: 梧桐里3号楼 5楼 502"
    assert "请您自己拨打119！" in mail.get_content()
    assert mail["To"].addresses[0].display_name == "李国强"
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high" and composed(urgent=False)["Importance"] is None


def test_ids_that_are_no_domain_still_make_a_message_id() -> None:
    identity = composed(community="梧桐 里..x", notice="n>1")["Message-ID"]

    assert identity == "<n%3E1@%E6%A2%A7%E6%A1%90%20%E9%87%8C%2E%2Ex>"


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_mail_that_nobody_waits_for_any_more_is_not_delivered(verb: str) -> None:
    async def scene() -> MailSink:
        sink = MailSink({verb: HANG})
        async with listening(sink):
            channel = SmtpChannel("127.0.0.1", sink.port, "none", SENDER)
            sending = asyncio.create_task(channel.send(letter_to("li@example.org")))
            async with asyncio.timeout(WITHIN_S):
                await sink.hangs.wait()
                sending.cancel()
                await asyncio.wait([sending])
                sink.goes_on.set()
                await sink.ended.wait()
        return sink

    assert asyncio.run(scene()).mails == []


def test_the_answer_to_the_mail_itself_is_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "ANSWER_WITHIN_S", 0.3)

    async def scene() -> MailSink:
        sink = MailSink({".": HANG})
        async with listening(sink):
            sending = asyncio.create_task(
                SmtpChannel("127.0.0.1", sink.port, "none", SENDER).send(letter_to("li@example.org"))
            )
            async with asyncio.timeout(WITHIN_S):
                await sink.hangs.wait()
                await asyncio.wait([sending], timeout=3 * smtp.ANSWER_WITHIN_S)
                sink.goes_on.set()
                await sending
        return sink

    assert len(asyncio.run(scene()).mails) == 1
