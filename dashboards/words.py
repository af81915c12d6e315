"""The words of the dashboards, by language and key, from the tables in `words/`, where both stand side by side.

    key: {zh: 火警, en: Fire}                                          # a word: a column, a series, a value
    key: {zh: [title, what it shows, what is shown without data], en: [...]}  # a panel

Grafana reads no catalogues: the words are built into the JSON, one edition a language.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, get_args

import yaml

from config.people import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Texts:
    """What a panel says of itself: above it, behind its (i), and in it when there is no data."""

    title: str
    about: str
    none: str


class Words:
    """One language. `used` collects the keys that were asked for."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.used: set[str] = set()
        self._table = {key: entry[language] for key, entry in table().items()}

    def say(self, key: str) -> str:
        """A word. Raises KeyError for a key that no table has."""
        self.used.add(key)
        word = self._table[key]
        assert isinstance(word, str), f"{key} is a panel"
        return word

    def panel(self, key: str) -> Texts:
        """The texts of a panel. Raises KeyError for a key that no table has."""
        self.used.add(key)
        title, about, none = self._table[key]
        return Texts(title, about, none)


@cache
def table() -> dict[str, dict[str, Any]]:
    """Every key of every file. Raises ValueError for a key that two files have."""
    found: dict[str, dict[str, Any]] = {}
    folder = files(__package__) / "words"
    for file in sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name):
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
        if again := found.keys() & entries.keys():
            raise ValueError(f"dashboards/words/{file.name}: {', '.join(sorted(again))} stand in another file as well")
        found |= entries
    return found
