"""The webhook: what is posted, who it says it is, and what each status means."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime

import pytest

from collector.alerter.channels import ChannelError, webhook
from collector.alerter.channels.webhook import WebhookChannel, refusal
from tests.letters import letter_to
from tests.sinks import WebSink, listening

NOW = datetime(2026, 9, 21, 14, 0, 0, tzinfo=UTC)


def test_a_post_says_everything_in_json() -> None:
    async def scene() -> None:
        sink = WebSink()
        async with listening(sink):
            channel = WebhookChannel(f"http://127.0.0.1:{sink.port}/in")
            await channel.send(letter_to("li", sending=2))

        (request,) = sink.requests
        said = json.loads(request.body)
        assert request.headers["content-type"] == "application/json"
        assert request.headers["idempotency-key"] == "n-1-2" and "authorization" not in request.headers
        assert (said["notice"], said["sending"], said["to"]) == ("n-1", 2, "li")
        assert (said["incident"], said["kind"], said["reason"]) == ("inc-1", "fire", "own-team")
        assert said["subject"].startswith("火灾报警") and "119" in said["body"] and said["url"].endswith("/a/token")

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("username", "expected"), [(None, "Bearer key"), ("us", "Basic dXM6a2V5")], ids=["bearer", "basic"]
)
def test_a_secret_travels_as_authorization(username: str | None, expected: str) -> None:
    async def scene() -> None:
        sink = WebSink()
        async with listening(sink):
            await WebhookChannel(f"http://127.0.0.1:{sink.port}/", username, "key").send(letter_to("li"))

        assert sink.requests[0].headers["authorization"] == expected

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("status", "retry_after", "permanent", "wait_s"),
    [
        (400, None, True, None),
        (401, "5", True, None),
        (404, None, True, None),
        (410, None, True, None),
        (301, None, True, None),
        (408, None, False, None),
        (425, None, False, None),
        (429, "7", False, 7.0),
        (429, "86400", False, 120.0),  # an alarm waits no longer than two minutes
        (429, "-3", False, None),
        (429, "soon", False, None),
        (429, "٣", False, None),
        (500, None, False, None),
        (503, "Mon, 21 Sep 2026 14:00:30 GMT", False, 30.0),
        (503, "Mon, 21 Sep 2026 13:00:00 GMT", False, 0.0),
        (503, "Mon, 21 Sep 2026 99:00:00 GMT", False, None),
    ],
)
def test_what_a_status_means(status: int, retry_after: str | None, permanent: bool, wait_s: float | None) -> None:
    error = refusal(status, retry_after, NOW)

    assert (error.permanent, error.retry_after_s) == (permanent, wait_s)


def test_retry_after_is_heard() -> None:
    async def scene() -> None:
        sink = WebSink("429 Too Many Requests\r\nRetry-After: 9")
        async with listening(sink):
            with pytest.raises(ChannelError) as caught:
                await WebhookChannel(f"http://127.0.0.1:{sink.port}/").send(letter_to("li"))

        assert (caught.value.permanent, caught.value.retry_after_s) == (False, 9.0)

    asyncio.run(scene())


def test_a_redirect_is_not_followed() -> None:
    async def scene() -> None:
        sink = WebSink("307 Temporary Redirect\r\nLocation: /elsewhere")
        async with listening(sink):
            with pytest.raises(ChannelError) as caught:
                await WebhookChannel(f"http://127.0.0.1:{sink.port}/").send(letter_to("li"))

        assert caught.value.permanent and len(sink.requests) == 1

    asyncio.run(scene())


@pytest.mark.parametrize("url", ["http://", "gopher://127.0.0.1/", "http://[::1"])
def test_a_url_that_cannot_be_used_is_refused_for_good(url: str) -> None:
    with pytest.raises(ChannelError) as caught:
        asyncio.run(WebhookChannel(url).send(letter_to("li")))

    assert caught.value.permanent


def test_the_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        sink = WebSink()
        async with listening(sink):
            await WebhookChannel(f"http://127.0.0.1:{sink.port}/s3cret").send(letter_to("li"))

    with caplog.at_level(logging.INFO):
        asyncio.run(scene())

    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("secret", ["s3cret\nmore", "s3cret\u20ac"])
def test_a_secret_that_no_header_can_hold_is_refused_for_good_and_not_told(secret: str) -> None:
    async def scene() -> ChannelError:
        sink = WebSink()
        async with listening(sink):
            with pytest.raises(ChannelError) as caught:
                await WebhookChannel(f"http://127.0.0.1:{sink.port}/", None, secret).send(letter_to("li"))
        assert not sink.requests
        return caught.value

    error = asyncio.run(scene())
    assert error.permanent and "s3cret" not in error.reason


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "CONNECT_WITHIN_S", 0.2)
    monkeypatch.setattr(webhook, "ANSWER_WITHIN_S", 0.2)

    hung_up = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        hung_up.set()

    async def scene() -> ChannelError:
        async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with asyncio.timeout(10.0):
                with pytest.raises(ChannelError) as caught:
                    await WebhookChannel(f"http://127.0.0.1:{port}/").send(letter_to("li"))
                await hung_up.wait()
            return caught.value

    assert not asyncio.run(scene()).permanent
