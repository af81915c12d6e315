"""The roads to people: one module per kind of channel, made here from the site file."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from collector.alerter.channels.apprise import AppriseChannel, parses
from collector.alerter.channels.channel import Channel, ChannelError, Letter
from collector.alerter.channels.console import ConsoleChannel
from collector.alerter.channels.smtp import MAILBOX, PORT_OF, SmtpChannel
from collector.alerter.channels.webhook import WebhookChannel
from config import site as model
from config.endpoint import EndpointError, read_secret

__all__ = ["Channel", "ChannelError", "Letter", "make_channel", "make_channels", "server_of"]


def make_channels(site: model.Site, web_push: Channel | None = None) -> Mapping[str, Channel]:
    """Every channel of the site, by id. Raises EndpointError naming channel and key.

    `web_push` is that of the collector, which has the phones and the key that it needs.
    """

    def made(name: str, channel: model.Channel) -> Channel:
        if channel.type != "webpush":
            return make_channel(name, channel)
        if web_push is None:
            raise EndpointError(f"channels.{name}: web push works in a running collector only")
        return web_push

    return {name: made(name, channel) for name, channel in site.channels.items()}


def make_channel(name: str, channel: model.Channel) -> Channel:
    """One channel, of any kind but web push. Raises EndpointError naming channel and key."""
    return _MAKERS[channel.type](name, channel)


def server_of(channel: model.Channel) -> tuple[str, int] | None:
    """Host and port that a channel needs, as far as it has one of its own. Raises EndpointError for its secret."""
    if channel.type == "smtp" and channel.host:
        return channel.host, channel.port or PORT_OF[channel.security]
    if channel.type != "webhook":
        return None
    url = urlsplit((read_secret(channel.url_env) if channel.url_env else None) or channel.url or "")
    return (url.hostname, url.port or {"http": 80}.get(url.scheme, 443)) if url.hostname else None


def _console(_name: str, _channel: model.Channel) -> Channel:
    return ConsoleChannel()


def _smtp(name: str, channel: model.Channel) -> Channel:
    host = _needed(name, "host", channel.host, "the mail server's name")
    sender = _needed(name, "sender", channel.sender, "the address that mails come from")
    if not (sender.isascii() and MAILBOX.fullmatch(sender)):
        raise EndpointError(f"channels.{name}.sender: found {sender!r}, expected a plain mail address")
    password = _secret(name, "password_env", channel.password_env)
    if (channel.username is None) != (password is None):
        raise EndpointError(f"channels.{name}: found username or password_env alone, expected both or neither")
    if password is not None and channel.security == "none":
        raise EndpointError(f"channels.{name}.security: found none with a password, expected starttls or tls")
    return SmtpChannel(host, channel.port, channel.security, sender, channel.username, password)


def _webhook(name: str, channel: model.Channel) -> Channel:
    url = _needed(name, "url", _secret(name, "url_env", channel.url_env) or channel.url, "an http or https URL")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        usable = False
    if not usable:  # it is not shown: it may hold a secret
        raise EndpointError(f"channels.{name}.url: expected an http or https URL")
    return WebhookChannel(url, channel.username, _secret(name, "password_env", channel.password_env))


def _apprise(name: str, channel: model.Channel) -> Channel:
    url = _secret(name, "url_env", channel.url_env) or channel.url
    if url is not None and "{to}" not in url and not parses(url):
        raise EndpointError(f"channels.{name}.url: expected a URL that Apprise knows")
    return AppriseChannel(url)


_MAKERS = {"console": _console, "smtp": _smtp, "webhook": _webhook, "apprise": _apprise}


def _needed(name: str, key: str, value: str | None, expected: str) -> str:
    if not value:
        raise EndpointError(f"channels.{name}.{key}: found nothing, expected {expected}")
    return value


def _secret(name: str, key: str, variable: str | None) -> str | None:
    """The secret that `variable` names; None where the site names none."""
    if variable is None:
        return None
    try:
        value = read_secret(variable)
    except EndpointError as error:
        raise EndpointError(f"channels.{name}.{key}: {error}") from error
    if value is None:
        raise EndpointError(f"channels.{name}.{key}: neither {variable} nor {variable}_FILE is set")
    return value
