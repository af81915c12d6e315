"""What the conditions of upkeep are called, and their values made sentences of, by language.

A value is kept as pieces with "; " between them. `VALUES` has a template for them under "<word>/<number of pieces>",
or under the last piece where that is a word of its own, such as "no-temperature" or why something is silent.
"""

from __future__ import annotations

from collections.abc import Mapping

from collector.locale.catalogues import LANGUAGES, texts
from config.people import Language
from config.profile import Condition

CONDITIONS: Mapping[Language, Mapping[str, str]] = {each: texts(each, "upkeep/") for each in LANGUAGES}

# Their class, where it is no trouble.
CLASSES: Mapping[str, Condition] = {
    "pressure_falling": Condition.SUPERVISORY,
    "smoke_rising": Condition.PRE_ALARM,
    "inspection_due": Condition.SUPERVISORY,
    "replacement_due": Condition.SUPERVISORY,
}

VALUES: Mapping[Language, Mapping[str, str]] = {each: texts(each, "value/") for each in LANGUAGES}


def value_words(key: str, value: str, language: Language) -> str:
    """The value of a condition of upkeep or of silence as people say it; any other value as it is."""
    pieces = value.split("; ")
    word = key.rpartition(":")[2].rpartition("/")[2]
    templates = VALUES[language]
    template = templates.get(f"{word}/{len(pieces)}")
    if template is None and (len(pieces) > 1 or word == "silent"):
        template = templates.get(pieces[-1])
    return value if template is None else template.format(*pieces)
