"""The language of a page and its words. Texts of points come from the profiles, names from the site."""

from __future__ import annotations

import re

from collector.locale.catalogues import knows, say
from config.people import Language

__all__ = ["choose_language", "knows", "say"]

_ACCEPTED = re.compile(r"\s*([a-zA-Z]{1,8}|\*)(?:-[a-zA-Z0-9]{1,8})*\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


def choose_language(asked: str | None, accept_language: str, default: Language) -> Language:
    """The language of a page: ?lang= first, then what the browser prefers, then the default."""
    if asked == "zh":
        return "zh"
    if asked == "en":
        return "en"
    best: tuple[float, Language] | None = None
    for part in accept_language[:200].split(","):
        match = _ACCEPTED.fullmatch(part)
        if match is None:
            continue
        language, weight = match[1].lower(), float(match[2] or 1)
        if weight > 0 and (best is None or weight > best[0]):
            if language == "zh":
                best = weight, "zh"
            elif language == "en":
                best = weight, "en"
    return default if best is None else best[1]
