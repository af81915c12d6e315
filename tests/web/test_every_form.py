"""Whatever is typed into the forms of the pages: an answer in words, never a failure, and nothing of it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode, urljoin

import httpx

from tests.web.everypage import HTML, Found, every_page
from tests.web.scene import SPIKED, Scene, scene

SCRIPT = "<script>alert('x')</script>"
GARBAGE = {
    "nothing": "",
    "long": "长" * 200,
    "longer": "x" * 50_000,
    "emoji": "👩🏽‍🚒🔥\U0001f9ef",
    "right to left": "\u202eمرحبا\u202c שלום",
    "script": f'"><{SCRIPT}{SPIKED}',
    "line breaks": "a\r\nBcc: everybody@example.org\r\n\r\nSet-Cookie: a=b",
    "control": "\x00\x01\x1b[31m\x7f\u2028",
    "half a pair": b"%ED%A0%80",  # a surrogate, which is no UTF-8
    "another encoding": quote("消防", encoding="gbk").encode(),
    "percent": b"%zz%",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} {0.__class__}",
    "query": "' OR 1=1; DROP TABLE account; --",
    "path": "../../../etc/passwd",
    "number": "-1e999",
    "large number": "9" * 40,
    "time": "2026-02-30T25:61",
}
BODIES = {
    "JSON": ("application/json", b'{"a": [1, 2'),
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n"),
    "broken multipart": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff',
    ),
    "a file for a field": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="name"; filename="../a\r\nb"\r\n\r\n\x00\xff\r\n--x--\r\n',
    ),
    "a thousand fields": ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(1000))),
    "one field a thousand times": ("application/x-www-form-urlencoded", b"&".join([b"name=x"] * 1000)),
    "not text": ("application/x-www-form-urlencoded", bytes(range(256)) * 16),
    "no type": ("", b"name=x"),
    "huge": ("application/x-www-form-urlencoded", b"name=" + b"x" * 5_000_000),
}


@dataclass
class Form:
    """A form as its page gave it: where it goes, and what each field would bring if nobody typed."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)  # what somebody may type or choose
    files: bool = False

    def filled(self, garbage: str | bytes) -> bytes:
        raw = garbage if isinstance(garbage, bytes) else quote(garbage, errors="surrogatepass").encode()
        kept = {name: value for name, value in self.fields.items() if name not in self.typed}
        return b"&".join(
            [urlencode(kept).encode(), *(quote(name).encode() + b"=" + raw for name in sorted(self.typed))]
        )


class Forms(HTMLParser):
    """The forms of a page that are posted."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path = path
        self.found: list[Form] = []
        self._open: Form | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._open = Form(urljoin(self.path, given.get("action", "")))
            if given.get("method") == "post":
                self.found.append(self._open)
        name = given.get("name")
        if self._open is None or not name or tag not in ("input", "select", "textarea", "button"):
            return
        if tag == "button":
            self._open.fields.setdefault(name, given.get("value", ""))
        elif given.get("type") == "file":
            self._open.files = True
        else:
            self._open.fields.setdefault(name, given.get("value", ""))
            if given.get("type") != "hidden":
                self._open.typed.add(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def shape(form: Form) -> tuple[object, ...]:
    """Forms that differ only in whom or what they are about are of one shape."""
    return (form.action.split("?")[0].strip("/").split("/")[0], len(form.action.split("/")), *sorted(form.fields))


async def forms_of(stage: Scene, found: Found) -> list[Form]:
    shapes: dict[tuple[object, ...], Form] = {}
    for path in found.paths:
        answer = await stage.client.get(path, headers=HTML)
        for form in Forms(path, answer.text).found:
            shapes.setdefault(shape(form), form)
    return [form for form in shapes.values() if "sign-out" not in form.action]


def wrong(answer: httpx.Response) -> Iterator[str]:
    """What no answer to a form may be."""
    if answer.status_code >= 500:
        yield f"status {answer.status_code}"
    if SCRIPT in answer.text:
        yield "a script that was typed is in the page"
    if answer.has_redirect_location and not answer.headers["location"].startswith("/"):
        yield f"goes to {answer.headers['location']}"
    if answer.status_code >= 400 and not answer.headers.get("content-type", "").startswith("text/html"):
        yield f"answers a browser with {answer.headers.get('content-type')}"
    if "bcc" in answer.headers or answer.headers.get("set-cookie", "").startswith("a=b"):
        yield "a header that was typed"


def test_no_form_fails_at_what_is_typed(tmp_path: Path) -> None:
    mistakes, sent = asyncio.run(_typed(tmp_path, {}))

    assert sent > 200
    assert not mistakes, "\n".join(mistakes)


def test_no_form_fails_at_a_body_that_is_none(tmp_path: Path) -> None:
    mistakes, sent = asyncio.run(_typed(tmp_path, BODIES))

    assert sent > 100
    assert not mistakes, "\n".join(mistakes)


async def _typed(folder: Path, bodies: dict[str, tuple[str, bytes]]) -> tuple[list[str], int]:
    """Sends garbage, or whole bodies of it, to every form, and looks at every page once more."""
    mistakes, sent = [], 0
    async with scene(folder) as stage:
        found = await every_page(stage)
        stage.client.cookies.set(*found.cookie)
        for form in await forms_of(stage, found):
            kind = "application/x-www-form-urlencoded"
            garbage = bodies or {name: (kind, form.filled(text)) for name, text in GARBAGE.items()}
            for name, (content_type, body) in garbage.items():
                headers = HTML | ({"Content-Type": content_type} if content_type else {})
                answer = await stage.client.post(form.action, content=body, headers=headers)
                mistakes += [f"{form.action} {name}: {each}" for each in wrong(answer)]
                sent += 1
        for path in found.paths:
            answer = await stage.client.get(path, headers=HTML)
            mistakes += [f"{path} afterwards: {each}" for each in wrong(answer)]
    return mistakes, sent
