"""Apprise: the person's own URL or the channel's, the short form where little fits, a plain no for what is no URL."""

from __future__ import annotations

import asyncio
import json

import pytest

from collector.alerter.channels import ChannelError
from collector.alerter.channels.apprise import AppriseChannel
from collector.messages.message import Words
from tests.letters import letter_to
from tests.sinks import WebSink, listening


def test_without_a_url_of_the_channel_the_address_is_the_url() -> None:
    async def scene() -> None:
        sink = WebSink()
        async with listening(sink):
            await AppriseChannel(None).send(letter_to(f"json://127.0.0.1:{sink.port}/mine"))

        said = json.loads(sink.requests[0].body)
        assert sink.requests[0].path == "/mine"
        assert (said["title"], said["type"]) == ("火灾报警: 梧桐里3号楼 5楼 502", "failure")

    asyncio.run(scene())


@pytest.mark.parametrize("url", ["", "nonsense", "nosuchservice://x", "json://", "file:///etc/passwd"])
def test_what_apprise_cannot_read_is_refused_for_good(url: str) -> None:
    with pytest.raises(ChannelError) as caught:
        asyncio.run(AppriseChannel(None).send(letter_to(url)))

    assert caught.value.permanent and "parse" in caught.value.reason


def test_a_service_that_carries_little_gets_the_short_form_and_the_link() -> None:
    """SMSEagle, an SMS gateway of one's own, takes 1200 characters."""

    async def scene(body: str) -> str:
        sink = WebSink()
        async with listening(sink):
            channel = AppriseChannel(f"smseagle://token@127.0.0.1:{sink.port}/{{to}}")
            with pytest.raises(ChannelError):  # it answers in JSON, which the sink does not
                await channel.send(letter_to("13800138000", words=Words("title", body, "the short form")))
        return sink.requests[0].body.decode()

    assert "the short form http://127.0.0.1:8080/a/token" in asyncio.run(scene("long " * 300))
    assert "the short form" not in asyncio.run(scene("the whole text"))


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        ("404 Not Found", True),
        ("400 Bad Request", True),
        ("401 Unauthorized", False),  # a secret can be set right
        ("429 Too Many Requests", False),
        ("503 Service Unavailable", False),
    ],
)
def test_a_refusal_tells_the_status_and_only_one_of_the_letter_itself_is_for_good(answer: str, permanent: bool) -> None:
    async def scene() -> None:
        sink = WebSink(answer=answer)
        async with listening(sink):
            with pytest.raises(ChannelError) as caught:
                await AppriseChannel(None).send(letter_to(f"json://user:secret@127.0.0.1:{sink.port}/mine"))

        assert caught.value.reason == f"the service behind Apprise answered {answer[:3]}"
        assert caught.value.permanent is permanent

    asyncio.run(scene())


def test_a_network_that_fails_may_work_again() -> None:
    with pytest.raises(ChannelError) as caught:
        asyncio.run(AppriseChannel(None).send(letter_to("json://127.0.0.1:1/")))

    assert not caught.value.permanent and "did not take it" in caught.value.reason
