"""What every channel promises: taken means taken, a refusal says whether to try again, no secret shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from collector.alerter.channels import Channel, ChannelError
from collector.alerter.channels.apprise import AppriseChannel
from collector.alerter.channels.smtp import SmtpChannel
from collector.alerter.channels.webhook import WebhookChannel
from collector.messages.message import Words
from tests.letters import letter_to
from tests.servers import free_port
from tests.sinks import CLOSE, HANG, MailSink, WebSink, listening

SECRET = "s3cret-key"
HOSTILE = "a\r\nBcc: everybody@example.org\r\n\r\nforged body\u2028\x00"


def smtp(port: int) -> Channel:
    return SmtpChannel("127.0.0.1", port, "none", "callpoint@example.org")


def webhook(port: int) -> Channel:
    return WebhookChannel(f"http://127.0.0.1:{port}/{SECRET}/{{to}}")


def apprise(port: int) -> Channel:
    return AppriseChannel(f"json://127.0.0.1:{port}/{SECRET}/{{to}}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A channel, the servers that stand for its fates, and what reached such a server."""

    channel: Callable[[int], Channel]
    sink: Callable[[str], Any]
    said: Callable[[Any], list[str]]


def mail_sink(fate: str) -> MailSink:
    fates = {
        "takes": {},
        "refuses for good": {"RCPT": "550 5.1.1 no such user"},
        "refuses for now": {"RCPT": "451 4.3.0 try later"},
        "hangs": {".": HANG},
        "hangs up": {"MAIL": CLOSE},
    }
    return MailSink(fates[fate])


def web_sink(fate: str) -> WebSink:
    fates = {
        "takes": "204 No Content",
        "refuses for good": "400 Bad Request",
        "refuses for now": "503 Service Unavailable",
        "hangs": HANG,
        "hangs up": CLOSE,
    }
    return WebSink(fates[fate])


def mail_texts(sink: MailSink) -> list[str]:
    mails = [message_from_bytes(mail, policy=default) for mail in sink.mails]
    return [f"{mail['Subject']} {mail.get_content()} {mail['Message-ID']}" for mail in mails]


def web_texts(sink: WebSink) -> list[str]:
    return [" ".join(str(value) for value in json.loads(request.body).values()) for request in sink.requests]


KINDS = {
    "smtp": Kind(smtp, mail_sink, mail_texts),
    "webhook": Kind(webhook, web_sink, web_texts),
    "apprise": Kind(apprise, web_sink, web_texts),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@asynccontextmanager
async def meeting(kind: Kind, fate: str) -> AsyncIterator[tuple[Channel, Any]]:
    sink = kind.sink(fate)
    async with listening(sink):
        yield kind.channel(sink.port), sink


async def refusal_of(channel: Channel, **changes: Any) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await channel.send(letter_to("li@example.org", **changes))
    return caught.value


@every_kind
def test_what_is_taken_has_arrived_once(kind: Kind) -> None:
    async def scene() -> None:
        async with meeting(kind, "takes") as (channel, sink):
            await channel.send(letter_to("li@example.org"))

            (text,) = kind.said(sink)
            assert "梧桐里3号楼 5楼 502" in text and "请您自己拨打119" in text

    asyncio.run(scene())


@every_kind
def test_a_refusal_for_now_says_that_trying_again_helps(kind: Kind) -> None:
    async def scene() -> None:
        for fate in ("refuses for now", "hangs up"):
            async with meeting(kind, fate) as (channel, _):
                error = await refusal_of(channel)

                assert not error.permanent and error.reason and SECRET not in error.reason

    asyncio.run(scene())


@every_kind
def test_nobody_there_is_worth_another_try(kind: Kind) -> None:
    error = asyncio.run(refusal_of(kind.channel(free_port())))

    assert not error.permanent and SECRET not in error.reason


@pytest.mark.parametrize("kind", [KINDS["smtp"], KINDS["webhook"]], ids=["smtp", "webhook"])
def test_a_refusal_for_good_says_so(kind: Kind) -> None:
    """Apprise tells no more than that it failed, so everything it refuses is worth another try."""

    async def scene() -> None:
        async with meeting(kind, "refuses for good") as (channel, _):
            error = await refusal_of(channel)

            assert error.permanent and ("550" in error.reason or "400" in error.reason)

    asyncio.run(scene())


@every_kind
def test_a_server_that_hangs_holds_neither_the_loop_nor_the_next_letter(kind: Kind) -> None:
    async def scene() -> None:
        async with meeting(kind, "hangs") as (channel, sink):
            first = asyncio.create_task(channel.send(letter_to("li@example.org")))
            await sink.hangs.wait()
            if isinstance(sink, WebSink):
                sink.answer = "200 OK"
            else:
                sink.answers.clear()
            await channel.send(letter_to("wang@example.org"))

            assert not first.done()
            first.cancel()
            assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], asyncio.CancelledError)

    asyncio.run(scene())


@every_kind
def test_a_repeat_has_a_key_of_its_own_and_a_twin_has_not(kind: Kind) -> None:
    async def scene() -> None:
        async with meeting(kind, "takes") as (channel, sink):
            for sending in (1, 1, 2):
                await channel.send(letter_to("li@example.org", sending=sending))

            if isinstance(sink, MailSink):
                mails = [message_from_bytes(mail, policy=default) for mail in sink.mails]
                keys = [mail["Message-ID"] for mail in mails]
                assert keys == ["<n-1@wutong>", "<n-1@wutong>", "<n-1-2@wutong>"]
                assert [mail["References"] for mail in mails] == [None, None, "<n-1@wutong>"]
            elif kind is KINDS["webhook"]:
                assert [request.headers["idempotency-key"] for request in sink.requests] == ["n-1", "n-1", "n-1-2"]

    asyncio.run(scene())


@every_kind
def test_hostile_text_stays_text(kind: Kind) -> None:
    hostile = Words(HOSTILE, HOSTILE, HOSTILE)

    async def scene() -> None:
        async with meeting(kind, "takes") as (channel, sink):
            await channel.send(letter_to("li@example.org", words=hostile, name=HOSTILE, community_name=HOSTILE))

            if isinstance(sink, MailSink):
                (mail,) = [message_from_bytes(each, policy=default) for each in sink.mails]
                assert mail["Bcc"] is None and "forged body" in mail["Subject"]
                assert [line for line in sink.lines if "TO:" in line.upper()] == ["rcpt TO:<li@example.org>"]
            else:
                (request,) = sink.requests
                assert "bcc" not in request.headers

    asyncio.run(scene())


@pytest.mark.parametrize("kind", [KINDS["webhook"], KINDS["apprise"]], ids=["webhook", "apprise"])
def test_an_address_in_a_url_cannot_leave_its_place(kind: Kind) -> None:
    async def scene() -> None:
        async with meeting(kind, "takes") as (channel, sink):
            await channel.send(replace(letter_to("../x?y=1&z#é"), sending=1))

            (request,) = sink.requests
            assert request.path.startswith(f"/{SECRET}/") and request.path.count("/") == 2
            assert "?" not in request.path and "#" not in request.path

    asyncio.run(scene())
