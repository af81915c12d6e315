"""Templates to pages: escaping, the words of a language, local time, ages, and the headers every page carries."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from importlib.resources import files
from typing import Any

from babel.dates import format_skeleton
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from collector.access.actor import NOBODY, Actor
from collector.alerter.catalogue import knows, say
from collector.alerter.models import Where
from collector.alerter.pages.look import LOOK, THEMES, Look
from collector.alerter.pages.navigation import entries
from collector.alerter.strip import Mark
from collector.messages.wording import place_words
from config.people import Language
from config.site import Place

_STATIC = files(__package__) / "static"
_TEMPLATES = files(__package__) / "templates"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_SCRIPT_WORDS = (
    *(f"{word}-{unit}" for word in ("ago", "for") for unit in ("s", "min", "h", "d")),
    *("live", "connecting", "lost", "wall-page"),
)
HTML_LANGUAGE: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


class Pages:
    """Renders the templates and holds the static files, which are few and small, in memory.

    `strip` tells what every page counts: what is disabled, tested or drilled; `who`, for whom the page is.
    """

    def __init__(self, strip: Callable[[], Sequence[Mark]] = tuple, who: Callable[[], Actor] = lambda: NOBODY) -> None:
        self._strip = strip
        self._who = who
        self._static = {path.name: path.read_bytes() for path in _STATIC.iterdir() if _type_of(path.name)}
        self.version = _version(self._static)  # another one after an update: a page that stays open loads itself anew
        answer_css = self._static["answer.css"]
        self._answer_css = answer_css.decode()
        self._answer_csp = "'sha256-" + base64.b64encode(hashlib.sha256(answer_css).digest()).decode() + "'"
        self._templates = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # an update of the files is for the next start
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def text(self, template: str, language: Language, now: datetime, **facts: Any) -> str:
        """A template filled in. It knows `t(key)`, `t_or(key, else)`, `pick(text)`, `place(where)`, `clock`, `age`.

        And `day(at)`, for what people plan for, and `actor`, for whom the page is, with `csrf`, which each of its
        forms brings back (`forms.read_form`).
        """
        actor = self._who()
        known = {
            "actor": actor,
            "csrf": actor.csrf,
            "look": LOOK.get(Look()),
            "themes": THEMES,
            "navigation": entries(actor),
            "language": language,
            "html_language": HTML_LANGUAGE[language],
            "other_language": "en" if language == "zh" else "zh",
            "now": now,
            "version": self.version,
            "strip": self._strip(),
            "t": partial(say, language),
            "t_or": lambda key, otherwise: say(language, key) if knows(key) else otherwise,
            "pick": lambda text: text.get(language) or next(iter(text.values()), ""),
            "place": partial(place_text, language),
            "clock": partial(clock_text, now),
            "day": partial(day_text, language, now),
            "age": partial(age_text, language, now),
        }
        return self._templates.get_template(template).render({**known, **facts})

    def page(self, template: str, language: Language, now: datetime, status: int = 200, **facts: Any) -> Response:
        """A page with the shared style sheet and script, never kept by anything on its way."""
        words = {key: say(language, key) for key in _SCRIPT_WORDS}
        text = self.text(template, language, now, words=json.dumps(words, ensure_ascii=False), **facts)
        return HTMLResponse(text, status, {"Cache-Control": "no-store", "Content-Language": HTML_LANGUAGE[language]})

    def plain(self, language: Language, now: datetime, status: int, title: str, text: str) -> Response:
        """A page that says one thing, by its messages."""
        return self.page("plain.html", language, now, status, title=say(language, title), text=say(language, text))

    def whole_page(self, template: str, language: Language, now: datetime, status: int = 200, **facts: Any) -> Response:
        """A page in one piece: its style is in it, allowed by its hash. For cheap phones and bad networks."""
        text = self.text(template, language, now, style=self._answer_css, **facts)
        csp = f"default-src 'none'; style-src {self._answer_csp}; img-src 'self' data:; form-action 'self'; "
        csp += "script-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        headers = {
            "Cache-Control": "no-store",
            "Content-Language": HTML_LANGUAGE[language],
            "Content-Security-Policy": csp + "base-uri 'none'; frame-ancestors 'none'",
            "X-Robots-Tag": "noindex",
        }
        return HTMLResponse(text, status, headers)

    def script(self, name: str) -> str:
        """The text of a static script that another one is made of."""
        return self._static[name].decode()

    def static(self, name: str) -> Response | None:
        """A static file; its URL carries a version, so it may be kept for ever."""
        content = self._static.get(name)
        if content is None:
            return None
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(content, headers=headers, media_type=_type_of(name))


def place_text(language: Language, where: Where, building: bool = True) -> str:
    """A place in one line, as in the notices; without the building where it is clear."""
    parts = [where.building_name] if building else []
    if where.floor is not None:
        place = Place(building=where.building, floor=where.floor, flat=where.flat, note=where.note)
        parts.append(place_words(place, language))
    elif not building:
        parts.append(say(language, "whole-building"))
    return " · ".join(parts)


def clock_text(now: datetime, at: datetime) -> str:
    """Time of day to the second, with the date where it is not today."""
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def day_text(language: Language, now: datetime, at: datetime) -> str:
    """A time that people plan for: its day with the weekday, as the language writes it, and the time to the minute."""
    form = "MMMEd" if at.year == now.year else "yMMMEd"
    return f"{format_skeleton(form, at, locale=language)} {at:%H:%M}"


def age_text(language: Language, now: datetime, at: datetime) -> str:
    """How long ago, in the largest whole unit; the script of the board counts on from there."""
    seconds = max(0, int((now - at).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (unit == "min" and seconds >= length):
            return say(language, f"ago-{unit}", n=seconds // length)
    return say(language, "ago-s", n=seconds)


def _version(static: Mapping[str, bytes]) -> str:
    """Of all that a browser gets: static files and templates."""
    templates = (path.read_bytes() for path in sorted(_TEMPLATES.iterdir(), key=lambda path: path.name))
    everything = (*(static[name] for name in sorted(static)), *templates)
    return hashlib.sha256(b"".join(everything)).hexdigest()[:12]


def _type_of(name: str) -> str:
    return _TYPES.get("." + name.rpartition(".")[2], "")
