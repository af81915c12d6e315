"""Web push: to every phone and computer on which a person has allowed it, through their browsers' push services.

What is sent is sealed for the browser alone. It rings as loud as the phone lets it, which on most phones sold in
mainland China is not at all: it is never anybody's only road.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from collector.alerter.channels.channel import ChannelError, Letter
from collector.alerter.channels.endpoints import BadEndpoint, check_endpoint, reachable_address
from collector.alerter.channels.sealing import PLAIN_BYTES_MAX, Voucher, seal
from collector.alerter.channels.services import PushServices
from collector.alerter.channels.webhook import ANSWER_WITHIN_S, CONNECT_WITHIN_S, retry_wait_s
from collector.messages.sounds import Sound
from collector.messages.wording import one_line
from collector.storage.store import StoreFailed
from collector.storage.subscriptions import Subscription, Subscriptions

BODY_CHARACTERS_MAX = 600
NOTED_EVERY_MS = 3_600_000  # one success an hour is kept: a call to a thousand people must not write a thousand rows
GONE = (404, 410)  # RFC 8030 §7.3: the subscription has expired, or its owner has ended it
_FOR_GOOD = (400, 413)
# How long a push service keeps it for a phone that is off (RFC 8030 §5.2; an alarm that is older than half an hour
# calls nobody out), and how soon a phone that saves its battery is to have it (§5.3).
_KEPT_S = {Sound.ALARM: 1_800, Sound.PRE_ALARM: 1_800, Sound.DRILL: 900, Sound.TEST: 300}
_KEPT_S_ELSE = 43_200
_URGENCY = {
    Sound.ALARM: "high",
    Sound.PRE_ALARM: "high",
    Sound.DRILL: "high",
    Sound.TEST: "high",  # or it would prove nothing
    Sound.DISABLED: "low",
}


class WebPushChannel:
    """Sends to the subscriptions of a letter's person. `local`: endpoints on this machine are allowed too."""

    def __init__(
        self, subscriptions: Subscriptions, voucher: Voucher, clock: Callable[[], int], local: bool = False
    ) -> None:
        self.subscriptions = subscriptions
        self.public_key = voucher.public  # what browsers subscribe with
        self._voucher = voucher
        self._clock = clock
        self.local = local
        self.services = PushServices(httpx.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S))

    async def send(self, letter: Letter) -> None:
        """Returns once a push service has taken it for one of their phones. Raises ChannelError."""
        try:
            theirs = await self.subscriptions.of(letter.person)
        except StoreFailed as error:
            raise ChannelError("who takes push messages cannot be read now") from error
        if not theirs:
            raise ChannelError("no phone of theirs takes push messages", permanent=True, personal=True)
        results = await asyncio.gather(*(self.send_to(each, letter) for each in theirs))
        errors = [error for error in results if error is not None]
        if len(errors) < len(theirs):
            return
        passing = [error for error in errors if not error.permanent]
        raise min(passing or errors, key=lambda error: error.retry_after_s or 0.0)

    async def send_to(self, subscription: Subscription, letter: Letter) -> ChannelError | None:
        """One message to one browser; what the push service says of it is noted, and a dead subscription forgotten."""
        error = await self._post(subscription, letter)
        now = self._clock()
        try:
            if error is not None and error.personal:
                await self.subscriptions.forget(subscription.id)
            elif error is not None:
                await self.subscriptions.note(subscription.id, now, ok=False)
            elif _is_news(subscription, now):
                await self.subscriptions.note(subscription.id, now, ok=True)
        except StoreFailed:
            pass  # at the next message again
        return error

    async def _post(self, subscription: Subscription, letter: Letter) -> ChannelError | None:
        sound = sound_in(letter)
        try:
            url = check_endpoint(subscription.endpoint, self.local)
            address = await reachable_address(url, self.local)
            sealed = seal(payload_of(letter, self._clock()), subscription.p256dh, subscription.auth)
        except BadEndpoint as error:
            return ChannelError(str(error), permanent=error.for_good)
        except ValueError:
            return ChannelError("the keys of the subscription cannot be used", permanent=True, personal=True)
        headers = {
            "Host": urlsplit(subscription.endpoint).netloc,
            "TTL": str(_KEPT_S.get(sound, _KEPT_S_ELSE)),
            "Urgency": _URGENCY.get(sound, "normal"),
            "Topic": topic_of(letter),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": self._voucher.header(_origin_of(subscription.endpoint), self._clock() // 1000),
            "User-Agent": "callpoint",
        }
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S + ANSWER_WITHIN_S):
                # To the address that was looked at: a name may mean another one a moment later.
                status, retry_after = await self.services.post(url, address, sealed, headers)
        except TimeoutError:
            return ChannelError("the push service did not answer in time")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            return ChannelError(f"the push service cannot be reached ({type(error).__name__})")
        return _refusal(status, retry_after)


def payload_of(letter: Letter, now: int) -> bytes:
    """What the service worker gets (`pages/static/sw.js`), as JSON that fits one message.

    `path` is the answer page on whatever host the phone knows us by. The gate code stays on that page: a notification
    shows on a locked phone.
    """
    said = {
        "lang": letter.language,
        "title": one_line(letter.words.subject, 120),
        "body": _body(letter),
        "path": "/me" if letter.url is None else urlsplit(letter.url).path,
        "incident": str(letter.facts.get("incident", letter.notice)),
        "notice": letter.notice,
        "at_ms": now,
        "sound": sound_in(letter).value,
        "asks": letter.asks,
    }
    while len(plain := json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()) > PLAIN_BYTES_MAX:
        said["body"] = str(said["body"])[: len(str(said["body"])) // 2]
        said["title"] = str(said["title"])[:60]
    return plain


def sound_in(letter: Letter) -> Sound:
    """The class of a letter, by its facts; what was not recorded is an alarm."""
    said = letter.facts.get("sound")
    return Sound(said) if said in set(Sound) else Sound.ALARM


def topic_of(letter: Letter) -> str:
    """What a newer message takes the place of at the push service: the same incident's, calls and news apart.

    At most 32 characters of base64url (RFC 8030 §5.4), which tell the push service nothing.
    """
    about = f"{letter.community} {letter.facts.get('incident', letter.notice)} {letter.asks}"
    return base64.urlsafe_b64encode(hashlib.sha256(about.encode()).digest()[:24]).decode()


def _body(letter: Letter) -> str:
    """The lines below the heading, down to the link, which is what a tap opens."""
    _, *lines = letter.words.body.strip().splitlines() or [""]
    end = next((number for number, line in enumerate(lines) if letter.url and letter.url in line), len(lines))
    return "\n".join(lines[:end])[:BODY_CHARACTERS_MAX]


def _refusal(status: int, retry_after: str | None) -> ChannelError | None:
    """What a push service's answer means (RFC 8030 §5, §7.3, RFC 8292 §4.2)."""
    if 200 <= status < 300:
        return None
    if status in GONE:
        return ChannelError("the phone no longer takes push messages", permanent=True, personal=True)
    if status in _FOR_GOOD:
        return ChannelError(f"the push service answered {status}", permanent=True)
    return ChannelError(f"the push service answered {status}", False, retry_wait_s(retry_after, datetime.now(UTC)))


def _is_news(subscription: Subscription, now: int) -> bool:
    known = subscription.ok_at_ms
    return subscription.failures > 0 or known is None or not 0 <= now - known < NOTED_EVERY_MS


def _origin_of(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"
