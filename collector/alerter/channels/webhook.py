"""A JSON document by HTTP POST, for whoever builds upon notices: a bot, a call centre, a district's platform."""

from __future__ import annotations

import asyncio
import logging
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import httpx

from collector.alerter.channels.channel import ChannelError, Letter
from collector.messages.wording import one_line

CONNECT_WITHIN_S = 5.0
ANSWER_WITHIN_S = 10.0
RETRY_AFTER_MAX_S = 120.0  # an alarm waits no longer, whatever the other side asks for
_TRY_AGAIN = {408, 425, 429}


class WebhookChannel:
    """Posts to one URL, in which "{to}" stands for the person's address. A connection for each letter."""

    def __init__(self, url: str, username: str | None = None, password: str | None = None) -> None:
        self._url = url
        self._auth = httpx.BasicAuth(username, password) if username and password else None
        self._bearer = {"Authorization": f"Bearer {password}"} if password and not username else {}
        self._timeout = httpx.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S)
        self._context = ssl.create_default_context()
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it notes every URL, and this one may be a secret

    async def send(self, letter: Letter) -> None:
        """Returns after a 2xx answer; its body is not read. Raises ChannelError."""
        url = self._url.replace("{to}", quote(letter.to, safe=""))
        headers = {"Idempotency-Key": quote(letter.key), "User-Agent": "callpoint", **self._bearer}
        try:
            async with (
                asyncio.timeout(CONNECT_WITHIN_S + ANSWER_WITHIN_S),  # httpx's own limit starts anew with every byte
                httpx.AsyncClient(timeout=self._timeout, verify=self._context, auth=self._auth) as client,
                client.stream("POST", url, json=document_of(letter), headers=headers) as response,
            ):
                status, retry_after = response.status_code, response.headers.get("Retry-After")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            raise ChannelError("the webhook's URL or secret cannot be used", permanent=True) from error  # nor be told
        except TimeoutError as error:
            raise ChannelError("the webhook did not answer in time") from error
        except httpx.HTTPError as error:
            raise ChannelError(one_line(f"{type(error).__name__}: {error}")) from error
        if not 200 <= status < 300:
            raise refusal(status, retry_after, datetime.now(UTC))


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
