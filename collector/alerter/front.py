"""What every handler of the web side works with, in one place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from collector.alarms.incident import Incident
from collector.alerter.catalogue import choose_language
from collector.alerter.guard import Guard, Pace
from collector.alerter.links import Links
from collector.alerter.pages.look import LANGUAGE_COOKIE
from collector.alerter.pages.render import Pages
from collector.alerter.road import ChannelStatus
from collector.alerter.view import View
from collector.desk import Desk
from config.people import Language


@dataclass(slots=True)
class Front:
    """The desk and everything that stands before it. One for each app."""

    desk: Desk
    links: Links
    guard: Guard
    view: View
    pages: Pages
    clock: Callable[[], int]  # UTC ms
    channels: Callable[[], Mapping[str, ChannelStatus]]
    counters: Callable[[], Mapping[str, Mapping[str, int]]]  # part -> event -> how often
    answer_pace: Pace
    sign_in_pace: Pace
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    subscribers: Counter[str] = field(default_factory=Counter)  # pages that listen, by the client's address
    subscribers_refused: int = 0

    def language(self, request: Request, default: Language | None = None) -> Language:
        """The language of a page for this request; without a default of its own, the community's."""
        return choose_language(
            request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language", "") if default is None else "",
            default or self.desk.site.community.language,
        )

    def now(self) -> datetime:
        """Now, in the site's time."""
        return self.view.stamp(self.clock())

    async def incident(self, incident: str) -> Incident | None:
        """An incident: an open one from the engine's memory, a closed one from the store."""
        return self.desk.engine.incidents.get(incident) or await self.desk.store.incident(incident)


async def _front(request: Request) -> Front:
    front: Front = request.app.state.front
    return front


InFront = Annotated[Front, Depends(_front)]
