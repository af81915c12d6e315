"""A JSON document by HTTP POST, for whoever builds upon notices: a bot, a call centre, a district's platform."""

from __future__ import annotations

import ssl
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from collector.alerter.channels.channel import ChannelError, Letter
from collector.messages.wording import one_line

CONNECT_WITHIN_S = 5.0
ANSWER_WITHIN_S = 10.0
RETRY_AFTER_MAX_S = 120.0  # an alarm waits no longer, whatever the other side asks for
_TRY_AGAIN = {408, 425, 429}


class WebhookChannel:
    """Posts to one URL, in which "{to}" stands for the person's address. A connection for each letter.

    The environment's proxy is used (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
    """

    def __init__(self, url: str, username: str | None = None, password: str | None = None) -> None:
        self._url = url
        self._authorization = {}
        if password and username:
            self._authorization = {"Authorization": f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"}
        elif password:
            self._authorization = {"Authorization": f"Bearer {password}"}
        self._context = ssl.create_default_context()
        self._proxy = proxy_of(url)

    async def send(self, letter: Letter) -> None:
        """Returns after a 2xx answer; its body is not read. Raises ChannelError."""
        headers = {"Idempotency-Key": quote(letter.key), "User-Agent": "callpoint", **self._authorization}
        timeout = aiohttp.ClientTimeout(total=CONNECT_WITHIN_S + ANSWER_WITHIN_S, sock_connect=CONNECT_WITHIN_S)
        try:
            for value in headers.values():
                value.encode("ascii")
            url = URL(self._url.replace("{to}", quote(letter.to, safe="")), encoded=True)
            connector = aiohttp.TCPConnector(force_close=True, ssl=self._context)
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.post(
                    url, json=document_of(letter), headers=headers, allow_redirects=False, proxy=self._proxy
                ) as response,
            ):
                status, retry_after = response.status, response.headers.get("Retry-After")
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise ChannelError("the webhook's URL or secret cannot be used", permanent=True) from error  # nor be told
        except TimeoutError as error:
            raise ChannelError("the webhook did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ChannelError(one_line(f"{type(error).__name__}: {error}")) from error
        if not 200 <= status < 300:
            raise refusal(status, retry_after, datetime.now(UTC))


def proxy_of(url: str) -> str | None:
    """The environment's proxy for a URL; None for none, also where the URL is none."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return None if host is None or proxy_bypass(host) else getproxies().get(parts.scheme)


def document_of(letter: Letter) -> dict[str, object]:
    """What is posted. `notice` stays the same for every sending of a notice; times are UTC ms."""
    return {
        "notice": letter.notice,
        "sending": letter.sending,
        "community": letter.community,
        "to": letter.to,
        "name": letter.name,
        "urgent": letter.urgent,
        **letter.facts,
        "subject": letter.words.subject,
        "body": letter.words.body,
        "short": letter.words.short,
        "url": letter.url,
    }


def refusal(status: int, retry_after: str | None, now: datetime) -> ChannelError:
    """What a status outside 2xx means: 408, 425, 429 and 5xx may pass, anything else is for good."""
    passing = status in _TRY_AGAIN or status >= 500
    return ChannelError(
        f"the webhook answered {status}", not passing, retry_wait_s(retry_after, now) if passing else None
    )


def retry_wait_s(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After in seconds or as a date (RFC 9110 §10.2.3), bounded; None where there is none or it is garbage."""
    if retry_after is None:
        return None
    try:
        if retry_after.isascii() and retry_after.isdigit():
            wait_s = float(retry_after)
        else:
            wait_s = (parsedate_to_datetime(retry_after).astimezone(UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)
