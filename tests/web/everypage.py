"""Every page that the app has, found by its routes and links, with something of every kind on them.

A new page needs nothing here if some page links to it. One to which none does stands in `prepare`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import FastAPI
from starlette.routing import Route, compile_path

from collector.access.accounts import Account, Area
from collector.access.actor import TOKEN as TOKEN_ACTOR
from collector.access.actor import Role
from tests.web.scene import BEARER, Scene

NO_PAGES = ("/api/", "/static/", "/events", "/metrics", "/fragment/", "/look", "/enter")
FILES = re.compile(r"\.(js|webmanifest|pdf)$|/file$|/photo/")
NOT_HERE = ("/sign-in/provider",)  # the site of the scene has no provider of its own
EXAMPLES_MAX = 3  # of one route
PAGES_MAX = 200
HTML = {"Accept": "text/html"}


@dataclass
class Found:
    """Pages by their route. `cookie`: name and value that sign a manager in; the token opens what is not theirs."""

    cookie: tuple[str, str]
    examples: dict[str, list[str]] = field(default_factory=dict)
    borne: set[str] = field(default_factory=set)  # pages that open with the token only

    @property
    def paths(self) -> list[str]:
        return [path for paths in self.examples.values() for path in paths]


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        target = dict(attributes).get("href") if tag == "a" else None
        if target and target.startswith("/"):
            self.found.append(target)


def page_routes(app: FastAPI) -> set[str]:
    """The path of everything that answers a GET with a page for people."""

    def walk(routes: Any) -> Iterator[Route]:
        for route in routes:
            if isinstance(route, Route):
                yield route
            else:
                yield from walk(route.original_router.routes)

    found = {route.path for route in walk(app.routes) if "GET" in (route.methods or ())}
    return {path for path in found if not path.startswith((*NO_PAGES, *NOT_HERE)) and not FILES.search(path)}


async def prepare(stage: Scene) -> list[str]:
    """Something of every kind. Returns where to begin: what no page links to."""
    stage.gateway_is_back()
    stage.line.born()
    stage.line.minutes(12)
    stage.hear("smoke-2", "fault")
    stage.hear("smoke-2", "pre_alarm")
    stage.hear("ext-1", "pressure_kpa", 900.5)
    stage.hear("lift-1", "trapped")
    incident = await stage.fire()
    for person, answer in (("ned", "going"), ("sam", "cannot"), ("nick", "arrived")):
        await stage.client.post(stage.path(incident.id, person), data={"answer": answer})
    now = datetime.fromtimestamp(stage.clock() / 1000, UTC)
    later = now + timedelta(hours=4)
    for path, body in (
        ("disablements", {"person": "nora", "scope": "device", "target": "smoke-3", "why": "painting", "minutes": 60}),
        ("walk-tests", {"person": "sam", "devices": ["panel-1"], "minutes": 60}),
        ("drills", {"person": "carl", "buildings": ["b-2"], "kind": "fire", "minutes": 60}),
        ("absences", {"person": "sue", "by": "sue", "from_at": now.isoformat(), "until_at": later.isoformat()}),
    ):
        done = await stage.client.post(f"/api/v1/{path}", json=body, headers=BEARER)
        assert done.is_success, done.text
    await stage.desk.settle()
    answers = [stage.path(incident.id, person) for person in ("nora", "ned")]
    return [
        "/",
        "/me",
        "/map",
        "/people/ned/devices",
        "/accounts/new",
        "/tokens",
        "/device/ext-1/technical?ask=1",
        "/drills/start",
        "/sign-in",
        "/sign-in/code",
        "/sign-in/link/none",
        "/a/broken",
        "/nothing",
        *answers,
    ]


async def signed_in(stage: Scene) -> tuple[str, str]:
    """The session's cookie of a manager of everything, who is a person of the site."""
    register, door = stage.app.state.front.register, stage.app.state.front.door
    await register.add(Account("mona", "Mona", Role.MANAGER, "mona", Area(whole=True)), TOKEN_ACTOR)
    session = await register.begin("mona", "a phone", "in a test")
    return door.name, session.cookie


async def every_page(stage: Scene) -> Found:
    """Looks at page after page and follows the links."""
    begin = await prepare(stage)
    found = Found(await signed_in(stage))
    exact_first = sorted(page_routes(stage.app), key=lambda path: (path.count("{"), path))
    patterns = {path: compile_path(path)[0] for path in exact_first}
    seen: set[str] = set()
    waiting = list(begin)
    while waiting and len(seen) < PAGES_MAX:
        path = _without_language(waiting.pop(0))
        route = next((name for name, pattern in patterns.items() if pattern.match(urlsplit(path).path)), "none")
        examples = found.examples.setdefault(route, [])
        if path in seen or len(examples) >= EXAMPLES_MAX or path.startswith(NO_PAGES):
            continue
        seen.add(path)
        stage.client.cookies.set(*found.cookie)
        answer = await stage.client.get(path, headers=HTML)
        stage.client.cookies.clear()
        if answer.status_code in (401, 403):
            answer = await stage.client.get(path, headers=HTML | BEARER)
            found.borne.add(path)
        assert answer.status_code < 500, f"{path}: {answer.text}"
        if answer.headers.get("content-type", "").startswith("text/html"):
            examples.append(path)
            waiting += _Links(answer.text).found
    return found


def without_example(stage: Scene, found: Found) -> set[str]:
    """Routes of which no page has been seen: a page of such a route belongs into `prepare`."""
    return page_routes(stage.app) - {route for route, paths in found.examples.items() if paths}


def _without_language(path: str) -> str:
    place, _, query = path.partition("?")
    kept = urlencode([(name, value) for name, value in parse_qsl(query) if name != "lang"])
    return f"{place}?{kept}" if kept else place
