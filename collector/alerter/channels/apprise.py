"""Everything that Apprise carries: WeCom, DingTalk, Feishu, SMS and voice providers, ntfy, Telegram and the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

import apprise

from collector.alerter.channels.channel import ChannelError, Letter, Threads

_STATUS = re.compile(r"\berror=([1-5]\d\d)\b")  # as nearly all of Apprise's services say it in their log
# What the service says of this address or letter, and would say again; of a secret (401, 403) it may think better.
_FOR_GOOD = {400, 404, 405, 410, 413, 422}


class AppriseChannel:
    """Notifies one Apprise URL, in which "{to}" stands for the person's address; None: the address is the URL."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._threads = Threads()

    async def send(self, letter: Letter) -> None:
        """Returns when the service has taken it. Raises ChannelError, with the HTTP status where Apprise tells it."""
        url = letter.to if self._url is None else self._url.replace("{to}", quote(letter.to, safe=""))
        await self._threads.run(lambda: _notify(url, letter))


def parses(url: str) -> bool:
    """True if Apprise knows what to do with the URL."""
    return isinstance(apprise.Apprise.instantiate(url, suppress_exceptions=True), apprise.NotifyBase)


def _notify(url: str, letter: Letter) -> None:
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if not isinstance(service, apprise.NotifyBase):
        raise ChannelError("the Apprise URL does not parse", permanent=True)
    sender = apprise.Apprise()
    sender.add(service)
    body, title = letter.words.body, letter.words.subject
    if service.title_maxlen <= 0:
        title = ""  # it would become the body's first line, which says the same
    if len(body) > service.body_maxlen:
        body, title = f"{letter.words.short} {letter.url or ''}".strip(), ""
    kind = apprise.NotifyType.FAILURE if letter.urgent else apprise.NotifyType.INFO
    result = sender.notify(body, title, kind, body_format=apprise.NotifyFormat.TEXT)
    if not result:
        raise refusal([entry.message for entry in result.logs()] if hasattr(result, "logs") else [])


def refusal(said: Sequence[str]) -> ChannelError:
    """What a refusal means, by what the service logged (Apprise before 2.0 gives nothing of it): it may hold secrets,
    so that nothing but the status is told. Without a status it is the network's fault, or unknown, and may pass.
    """
    statuses = [int(status) for line in said for status in _STATUS.findall(line)]
    if not statuses:
        return ChannelError("the service behind Apprise did not take it")
    return ChannelError(f"the service behind Apprise answered {statuses[-1]}", permanent=statuses[-1] in _FOR_GOOD)
