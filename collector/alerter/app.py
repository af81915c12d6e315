"""Puts the web side together: routers, guard, errors, and the server that carries them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

import uvicorn
from fastapi import FastAPI

from collector.access.register import Register
from collector.alerter import (
    access,
    api,
    book,
    decisions,
    drills,
    elevators,
    events,
    gateways,
    health,
    inbound,
    measures,
    metrics,
    openapi,
    people,
    phones,
    replies,
    roster,
    technical,
    upkeep,
)
from collector.alerter.channels.push import WebPushChannel
from collector.alerter.door import Door, Refusals
from collector.alerter.front import Front
from collector.alerter.guard import Guard, Pace, is_loopback, is_loopback_url
from collector.alerter.links import Links
from collector.alerter.middleware import Threshold
from collector.alerter.pages import (
    account,
    accounts,
    answer,
    audit,
    board,
    care,
    devices,
    incident,
    installed,
    look,
    me,
    posts,
    sheets,
    signin,
    tryout,
)
from collector.alerter.pages import decisions as decisionspage
from collector.alerter.pages import drills as drillspage
from collector.alerter.pages import elevators as elevatorspage
from collector.alerter.pages import measures as measurespage
from collector.alerter.pages import people as peoplepage
from collector.alerter.pages import report as reportpage
from collector.alerter.pages import retention as retentionpage
from collector.alerter.pages import rosters as rosterspage
from collector.alerter.pages import technical as technicalpage
from collector.alerter.pages import tokens as tokenspage
from collector.alerter.pages.render import Pages
from collector.alerter.present import PRESENT
from collector.alerter.problems import answer_errors
from collector.alerter.provider import Provider
from collector.alerter.road import ChannelStatus
from collector.alerter.signing import Deliver, Signing
from collector.alerter.strip import marks
from collector.alerter.view import View
from collector.alerter.visitors import Visitor
from collector.desk import Desk
from collector.session.diagnoses import Diagnoses
from collector.session.tellings import Tellings

DESCRIPTION = (
    "Incidents, devices and the commands of people. What changes state needs the token made at first start, "
    "as `Authorization: Bearer <token>`. A supplement, not a certified fire alarm: in a fire, call 119 yourself."
)

DESCRIBED = (  # in the OpenAPI document
    api.router,
    health.router,
    drills.router,
    people.router,
    phones.router,
    book.router,
    roster.router,
    measures.router,
    upkeep.router,
    elevators.router,
    access.router,
    gateways.router,
    technical.router,
    decisions.router,
)
PAGES = (  # that people open
    board.router,
    incident.router,
    measurespage.router,
    answer.router,
    signin.router,
    look.router,
    me.router,
    installed.router,
    devices.router,
    care.router,
    elevatorspage.router,
    drillspage.router,
    rosterspage.router,
    reportpage.router,
    retentionpage.router,
    peoplepage.router,
    posts.router,
    sheets.router,
    accounts.router,
    tokenspage.router,
    account.router,
    audit.router,
    technicalpage.router,
    decisionspage.router,
    tryout.router,
)
OTHERS = (
    metrics.router,
    events.router,
    replies.router,
    inbound.router,
)


def make_app(
    desk: Desk,
    links: Links,
    token: str | None,
    clock: Callable[[], int],
    *,
    listen_host: str = "127.0.0.1",
    channels: Callable[[], Mapping[str, ChannelStatus]] = dict,
    counters: Callable[[], Mapping[str, Mapping[str, int]]] = dict,
    deliver: Deliver | None = None,
    provider: Provider | None = None,
    web_push: WebPushChannel | None = None,
    inbound_secrets: Mapping[str, str] = {},
    diagnoses: Diagnoses | None = None,
) -> FastAPI:
    """The alerter's web side. `clock` gives UTC ms. Asked at each health check or scrape: `channels` for how
    the notifier's fare, `counters` for what other parts have counted: part -> event -> how often. `deliver` sends
    somebody a message to sign in, `provider` is the site's own sign-in, where it has one. `diagnoses` asks gateways
    about their devices; without it nothing here speaks to gateways.
    """
    view, board_url = View(desk.site), desk.site.plan.board_url
    guard = Guard(token, is_loopback(listen_host) and is_loopback_url(board_url))
    diagnoses = diagnoses or Diagnoses(desk.site, Tellings(desk.site), None, clock, desk.counters)
    register, refusals = Register(desk.store, desk.site, clock), Refusals(clock)
    front = Front(
        desk=desk,
        links=links,
        guard=guard,
        view=view,
        pages=Pages(lambda: marks(desk.engine, view), PRESENT.get),
        clock=clock,
        channels=channels,
        counters=lambda: {**counters(), "access": refusals.counts},
        answer_pace=Pace(20, 60.0),
        sign_in_pace=Pace(10, 60.0),
        register=register,
        door=Door(guard, register, refusals, board_url.startswith("https://")),
        refusals=refusals,
        signing=Signing(register, desk.site, clock, refusals, deliver),
        provider=provider,
        tellings=diagnoses.tellings,
        diagnoses=diagnoses,
        web_push=web_push,
        inbound_secrets=inbound_secrets,
    )
    app = FastAPI(
        title="Callpoint",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.front = front
    for router in (*DESCRIBED, *OTHERS, *PAGES):
        app.include_router(router)
    answer_errors(app)
    app.add_middleware(Threshold, front=front)
    app.openapi = lambda: openapi.describe(app, DESCRIBED)  # type: ignore[method-assign]
    return app


class Server(uvicorn.Server):
    """Serves an app until told to end; open event streams end at once then, so that nothing waits for them."""

    def __init__(self, app: FastAPI, visitor: type[Visitor] = Visitor) -> None:
        self._front: Front = app.state.front
        super().__init__(
            uvicorn.Config(
                app,
                http=visitor,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
                h11_max_incomplete_event_size=32 * 1024,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close listening sockets and connections."""
        self._front.closing.set()
        await super().shutdown(sockets)
