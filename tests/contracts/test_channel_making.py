"""Channels are made from the site file; what is missing is named by channel and key, and secrets stay out of sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector.alerter.channels import make_channels
from collector.alerter.channels.apprise import AppriseChannel
from collector.alerter.channels.console import ConsoleChannel
from collector.alerter.channels.smtp import SmtpChannel
from collector.alerter.channels.webhook import WebhookChannel
from config.endpoint import EndpointError
from tests.letters import site_with

MAIL = {"type": "smtp", "host": "mail.example.org", "sender": "callpoint@example.org"}


def test_every_kind_of_channel_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("json://example.org/{to}\n", encoding="utf-8")
    monkeypatch.setenv("PHONES_URL_FILE", str(secret))
    monkeypatch.setenv("MAIL_PASSWORD", "pass")
    channels = make_channels(
        site_with(
            {
                "console": {"type": "console"},
                "mail": {**MAIL, "username": "callpoint", "password_env": "MAIL_PASSWORD"},
                "desk": {"type": "webhook", "url": "https://example.org/in"},
                "phones": {"type": "apprise", "url_env": "PHONES_URL"},
            }
        )
    )

    kinds = [type(channels[name]) for name in ("console", "mail", "desk", "phones")]
    assert kinds == [ConsoleChannel, SmtpChannel, WebhookChannel, AppriseChannel]


@pytest.mark.parametrize(
    ("channel", "named"),
    [
        ({**MAIL, "host": None}, "channels.x.host"),
        ({**MAIL, "sender": None}, "channels.x.sender"),
        ({**MAIL, "sender": "Callpoint <a@b>"}, "channels.x.sender"),
        ({**MAIL, "sender": "a@例.org"}, "channels.x.sender"),
        ({**MAIL, "username": "me"}, "channels.x: "),
        ({**MAIL, "username": "me", "password_env": "NOT_SET_ANYWHERE"}, "channels.x.password_env: neither NOT_SET_A"),
        ({**MAIL, "username": "me", "password_env": "SET_SECRET", "security": "none"}, "channels.x.security"),
        ({"type": "webhook"}, "channels.x.url"),
        ({"type": "webhook", "url": "ftp://example.org/"}, "channels.x.url"),
        ({"type": "webhook", "url": "https://example.org:99999/"}, "channels.x.url"),
        ({"type": "webhook", "url_env": "SET_SECRET"}, "channels.x.url"),
        ({"type": "webhook", "url_env": "GONE"}, "channels.x.url_env: GONE_FILE"),
        ({"type": "apprise", "url": "nosuchservice://x"}, "channels.x.url"),
    ],
)
def test_what_is_missing_is_named_by_channel_and_key(
    channel: dict[str, Any], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_SECRET", "s3cret")
    monkeypatch.setenv("GONE_FILE", "/nowhere/at/all")
    with pytest.raises(EndpointError) as caught:
        make_channels(site_with({"x": channel}))

    assert str(caught.value).startswith(named) and "s3cret" not in str(caught.value)


def test_web_push_is_the_collectors_own() -> None:
    site, own = site_with({"x": {"type": "webpush"}}), ConsoleChannel()

    assert make_channels(site, own) == {"x": own}
    with pytest.raises(EndpointError, match=r"^channels\.x: web push works in a running collector only$"):
        make_channels(site)
