"""What every handler of the web side works with, in one place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from collector.access.accounts import people_of
from collector.access.actor import Actor
from collector.access.register import Register
from collector.alarms.incident import Incident
from collector.alerter.catalogue import choose_language
from collector.alerter.channels.push import WebPushChannel
from collector.alerter.door import Door, Refusals
from collector.alerter.guard import Guard, Pace
from collector.alerter.links import Links
from collector.alerter.news import News
from collector.alerter.pages.glance import Glances
from collector.alerter.pages.look import LANGUAGE_COOKIE
from collector.alerter.pages.render import Pages
from collector.alerter.paper import Press
from collector.alerter.pictures import Darkroom
from collector.alerter.present import PRESENT
from collector.alerter.provider import Provider
from collector.alerter.repeats import Repeats
from collector.alerter.road import ChannelStatus
from collector.alerter.signing import Signing
from collector.alerter.view import View
from collector.commands import Command
from collector.desk import Desk
from collector.session.diagnoses import Diagnoses
from collector.session.tellings import Tellings
from collector.state import Decision
from collector.storage.photos import Photos
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
    register: Register
    door: Door
    refusals: Refusals
    signing: Signing
    provider: Provider | None
    tellings: Tellings
    diagnoses: Diagnoses
    web_push: WebPushChannel | None = None
    inbound_secrets: Mapping[str, str] = field(default_factory=dict)  # by road: sms, voice
    repeats: Repeats = field(default_factory=Repeats)
    darkroom: Darkroom = field(default_factory=Darkroom)
    press: Press = field(default_factory=Press)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    subscribers: Counter[str] = field(default_factory=Counter)  # pages that listen, by the client's address
    subscribers_refused: int = 0
    news: News = field(init=False)
    glances: Glances = field(init=False)

    def __post_init__(self) -> None:
        self.news = News(self.desk)
        self.glances = Glances(self, self.news)

    def language(self, request: Request, default: Language | None = None) -> Language:
        """The language of a page for this request; without a default of its own, the community's."""
        default = default or self.actor.language
        return choose_language(
            request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language", "") if default is None else "",
            default or self.desk.site.community.language,
        )

    def now(self) -> datetime:
        """Now, in the site's time."""
        return self.view.stamp(self.clock())

    @property
    def photos(self) -> Photos:
        """The photos of incidents."""
        return Photos(self.desk.store)

    @property
    def actor(self) -> Actor:
        """Who makes the request at hand."""
        return PRESENT.get()

    def sees(self, building: str) -> bool:
        """True if the building ("": the community) is for who makes this request to see."""
        return PRESENT.get().sees(building)

    def seen(self, incidents: Iterable[Incident]) -> list[Incident]:
        """Those of these incidents that whoever makes this request may see: in their buildings, or called to."""
        actor = PRESENT.get()
        found = list(incidents)
        if actor.buildings is None:
            return found
        notices = self.desk.engine.notices.values() if actor.person is not None else ()
        called = {notice.incident for notice in notices if notice.person == actor.person}
        answered = {each.id for each in found if any(said.person == actor.person for said in each.responses)}
        return [each for each in found if actor.sees(each.building) or each.id in called | answered]

    def knows(self) -> Callable[[str], bool]:
        """Tells of whom whoever makes this request may hear: of themselves, and whom their buildings concern."""
        actor = PRESENT.get()
        if actor.buildings is None:
            return lambda person: True
        known = people_of(self.desk.site, actor.buildings) | {actor.person}
        return known.__contains__

    async def act(self, command: Command) -> Decision:
        """Carry out a command of whoever makes this request: see `Desk.act`."""
        return await self.desk.act(command, by=PRESENT.get())

    async def incident(self, incident: str) -> Incident | None:
        """An incident: an open one from the engine's memory, a closed one from the store."""
        return self.desk.engine.incidents.get(incident) or await self.desk.store.incident(incident)


async def _front(request: Request) -> Front:
    front: Front = request.app.state.front
    return front


InFront = Annotated[Front, Depends(_front)]
