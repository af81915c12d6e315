"""Every word that people read, by language and key, from the gettext catalogues beside this module.

`<language>/LC_MESSAGES/<subject>.po`. A msgid is a key that stays ("button-going"), never a text: Chinese and English
are both translations, and mending one leaves the other alone. Keys of all subjects are one namespace; subjects
only keep files small and together with their feature. What depends on a number has gettext's plural forms.

The catalogues are a part of the program as its modules are. They are read here alone, once, when the program is
loaded, and nothing of the world is: whatever looks words up here stays as predictable as with tables in Python.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import get_args

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from config.people import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)

_BLANK = re.compile(r"\{(\w+)\}")


def catalogue_files(language: Language) -> list[Traversable]:
    """The catalogues of a language, by name."""
    folder = files(__package__) / language / "LC_MESSAGES"
    return sorted((file for file in folder.iterdir() if file.name.endswith(".po")), key=lambda file: file.name)


def read_catalogue(file: Traversable, language: Language) -> Catalog:
    """One catalogue. Raises babel.messages.pofile.PoFileError with its line for what is not gettext."""
    with file.open("rb") as content:
        return read_po(content, locale=language, abort_invalid=True)


class _Words:
    """One language."""

    def __init__(self, language: Language) -> None:
        self.plain: dict[str, str] = {}
        self._counted: dict[str, gettext.GNUTranslations] = {}
        for file in catalogue_files(language):
            catalogue = read_catalogue(file, language)
            counted = _translations(catalogue)
            for message in catalogue:
                key = message.id if isinstance(message.id, str) else message.id[0]
                forms = [message.string] if isinstance(message.string, str) else list(message.string or [""])
                if not key:  # the head of the file
                    continue
                if message.pluralizable:
                    self._counted[key] = counted
                self.plain.setdefault(key, forms[-1])

    def text(self, key: str, number: object) -> str:
        """The form that goes with a number, if the message has forms."""
        counted = self._counted.get(key)
        if counted is None or not str(number).isdecimal():
            return self.plain[key]
        return counted.ngettext(key, key, int(str(number)))


def _translations(catalogue: Catalog) -> gettext.GNUTranslations:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


_WORDS: Mapping[Language, _Words] = {language: _Words(language) for language in LANGUAGES}


def say(language: Language, key: str, **facts: object) -> str:
    """A message with its facts filled in; the fact `n` chooses the form of one that depends on a number.

    Raises KeyError for a message that does not exist.
    """
    text = _WORDS[language].text(key, facts.get("n"))
    return _BLANK.sub(lambda blank: str(facts.get(blank[1], blank[0])), text) if facts else text


def knows(key: str) -> bool:
    """True if there is such a message: reasons of other modules may outgrow these catalogues."""
    return key in _WORDS["zh"].plain


def texts(language: Language, beginning: str) -> dict[str, str]:
    """Every message whose key begins so, by the rest of its key, with its blanks; of plural forms the last."""
    plain = _WORDS[language].plain
    return {key.removeprefix(beginning): text for key, text in plain.items() if key.startswith(beginning)}
