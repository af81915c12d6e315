"""Everything that Apprise carries: WeCom, DingTalk, Feishu, SMS and voice providers, ntfy, Telegram and the rest."""

from __future__ import annotations

from urllib.parse import quote

import apprise

from collector.alerter.channels.channel import ChannelError, Letter, Threads


class AppriseChannel:
    """Notifies one Apprise URL, in which "{to}" stands for the person's address; None: the address is the URL."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._threads = Threads()

    async def send(self, letter: Letter) -> None:
        """Returns when the service has taken it. Raises ChannelError, which Apprise gives no detail for."""
        url = letter.to if self._url is None else self._url.replace("{to}", quote(letter.to, safe=""))
        if not await self._threads.run(lambda: _notify(url, letter)):
            raise ChannelError("the service behind Apprise did not take it")


def parses(url: str) -> bool:
    """True if Apprise knows what to do with the URL."""
    return isinstance(apprise.Apprise.instantiate(url, suppress_exceptions=True), apprise.NotifyBase)


def _notify(url: str, letter: Letter) -> bool:
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
    return bool(sender.notify(body, title, kind, body_format=apprise.NotifyFormat.TEXT))
