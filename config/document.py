"""Values with a memory of where everything stood, so that every mistake can be named by file and line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

Key = str | int


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in a site or profile: where it is, what was found and what was expected."""

    file: str
    line: int
    key: str
    found: str
    expected: str
    warning: bool = False

    def __str__(self) -> str:
        word = "warning: " if self.warning else ""
        return f"{self.file}:{self.line}: {word}{self.key}: found {self.found}, expected {self.expected}"


class Mistakes(ValueError):
    """A site or profile cannot be used; `.mistakes` lists all that is wrong with it, in reading order."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(slots=True)
class Document:
    """Values with the file and line of every key path."""

    value: dict[str, Any] = field(default_factory=dict)
    places: dict[tuple[Key, ...], tuple[str, int]] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, path: tuple[Key, ...]) -> tuple[str, int]:
        """File and line of a path, or of the nearest parent that stands in the text."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return "site", 1

    def mistake(self, path: tuple[Key, ...], found: str, expected: str, warning: bool = False) -> None:
        """Note a mistake at a path."""
        file, line = self.place(path)
        self.mistakes.append(Mistake(file, line, dotted(path), found, expected, warning))

    def take_errors(self, error: ValidationError) -> None:
        """Note everything that a model found wrong."""
        for problem in error.errors(include_url=False):
            path, kind, value = self._real(problem["loc"]), problem["type"], problem["input"]
            if kind == "too_short" and len(value) >= problem["ctx"]["min_length"]:
                continue  # it is short only of items that are mistakes themselves
            if kind == "value_error" and isinstance(value, dict):
                said = problem["msg"].removeprefix("Value error, ")
                self.mistake(path, f"that {said}", "values that fit together")
                continue
            self.mistake(path, "nothing" if kind == "missing" else short(value), _expectation(kind, problem["msg"]))

    def _real(self, loc: tuple[Key, ...]) -> tuple[Key, ...]:
        """A model's location without the parts (union tags, aliases of a model) that do not stand in the text."""
        path: tuple[Key, ...] = ()
        for index, key in enumerate(loc):
            if (*path, key) in self.places or index == len(loc) - 1:
                path = (*path, key)
        return path


def merge(documents: list[Document]) -> Document:
    """One document from several files: lists are joined, anything else may stand in one file only."""
    merged = Document()
    for document in documents:
        merged.mistakes.extend(document.mistakes)
        merged.places.setdefault((), document.place(()))
        for key, value in document.value.items():
            offset = 0
            if key in merged.value:
                if not (isinstance(value, list) and isinstance(merged.value[key], list)):
                    file, line = merged.place((key,))
                    document.mistake((key,), "the same section again", f"it once; it stands in {file}:{line}")
                    merged.mistakes.append(document.mistakes[-1])
                    continue
                offset = len(merged.value[key])
                merged.value[key] = merged.value[key] + value
            else:
                merged.value[key] = value
            for path, place in document.places.items():
                if path and path[0] == key:
                    merged.places.setdefault(_shifted(path, offset), place)
    return merged


def _shifted(path: tuple[Key, ...], offset: int) -> tuple[Key, ...]:
    if offset and len(path) > 1 and isinstance(path[1], int):
        return (path[0], path[1] + offset, *path[2:])
    return path


def dotted(path: tuple[Key, ...]) -> str:
    """A key path as people write it, `people[3].name`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text or "(file)"


def short(value: Any) -> str:
    """A value as it is shown in a mistake."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _expectation(kind: str, message: str) -> str:
    """A model's message as the expectation it states."""
    if kind == "missing":
        return "a value"
    if kind == "extra_forbidden":
        return "no such key here"
    if kind == "string_type":
        return "text (put numbers in quotes)"
    for prefix in ("Input should be ", "Value error, "):
        message = message.removeprefix(prefix)
    return message
