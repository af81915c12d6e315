"""What makes the pages an app on a phone: its manifest, its icons, and its service worker.

The worker is served anew at every look (browsers ask at least once a day) and carries the version of all static files,
so that an update of the collector reaches phones that were installed long ago.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.alerter.catalogue import say
from collector.alerter.front import InFront
from collector.locale.catalogues import LANGUAGES, texts
from config.people import Language

ICONS = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-maskable.png", "512x512", "maskable"),
)
COLOURS = {"theme_color": "#b42318", "background_color": "#f5f4f0"}

router = APIRouter(include_in_schema=False)


@router.api_route("/manifest.webmanifest", methods=["GET", "HEAD"])
async def manifest(request: Request, front: InFront) -> Response:
    """The manifest in the language of the page that names it."""
    described = manifest_of(front.language(request), front.pages.version)
    return Response(
        json.dumps(described, ensure_ascii=False),
        headers={"Cache-Control": "no-cache"},
        media_type="application/manifest+json",
    )


@router.api_route("/sw.js", methods=["GET", "HEAD"])
async def worker(front: InFront) -> Response:
    """The service worker, with its version and its words before it."""
    words = {language: texts(language, "sw/") for language in LANGUAGES}
    beginning = f"const VERSION = {json.dumps(front.pages.version)};\nconst WORDS = {json.dumps(words)};\n"
    script = front.pages.script("sw.js")
    return Response(beginning + script, headers={"Cache-Control": "no-cache"}, media_type="text/javascript")


def manifest_of(language: Language, version: str) -> dict[str, Any]:
    """See W3C, Web Application Manifest. The id stays whatever the language, so that it is one app."""
    icons = [
        {"src": f"/static/{name}?v={version}", "sizes": sizes, "type": "image/png", "purpose": purpose}
        for name, sizes, purpose in ICONS
    ]
    return {
        "id": "/me",
        "start_url": "/me",
        "scope": "/",
        "display": "standalone",
        "lang": {"zh": "zh-CN", "en": "en"}[language],
        "dir": "ltr",
        "name": say(language, "app-name"),
        "short_name": say(language, "app-short"),
        "description": say(language, "app-text"),
        "categories": ["utilities"],
        **COLOURS,
        "icons": icons,
        "shortcuts": [
            {"name": say(language, "me"), "url": "/me", "icons": icons[:1]},
            {"name": say(language, "app-board"), "url": "/", "icons": icons[:1]},
        ],
    }
