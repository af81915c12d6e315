"""YAML files as documents: every value with the line where it stood, and everything wrong with them noted."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml

from config.document import Document, Key, Mistake, dotted, short

FILE_BYTES_MAX = 4 * 1024 * 1024
DEPTH_MAX = 20
VALUES_MAX = 200_000  # in one file, aliases expanded: a thousand buildings take a tenth of it


def read_document(path: Path, name: str | None = None) -> Document:
    """Read one YAML file. Whatever is wrong with it is in `.mistakes`; nothing is raised for bad content."""
    document = Document()
    shown = name or str(path)
    document.places[()] = (shown, 1)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ValueError(f"{path.stat().st_size} bytes")
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = (error.problem or "not YAML").removeprefix("found ")
        document.mistakes.append(Mistake(shown, line, "(file)", problem, "YAML"))
        return document
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        document.mistakes.append(Mistake(shown, 1, "(file)", str(error), f"UTF-8 YAML of at most {FILE_BYTES_MAX} B"))
        return document
    if node is None:
        return document
    if not isinstance(node, yaml.MappingNode):
        document.mistake((), f"a {getattr(node, 'id', 'value')}", "keys with values")
        return document
    loader = yaml.SafeLoader("")
    document.value = _construct(loader, node, (), document, shown)
    return document


def _construct(loader: Any, node: yaml.Node, path: tuple[Key, ...], document: Document, file: str) -> Any:
    document.places.setdefault(path, (file, node.start_mark.line + 1))
    if len(document.places) > VALUES_MAX:
        if len(document.places) == VALUES_MAX + 1:
            document.mistake(path, "too many values", f"at most {VALUES_MAX} in one file")
            document.places[("(too many)",)] = (file, 1)
        return None
    if len(path) > DEPTH_MAX:
        document.mistake(path, "a value nested too deep or in itself", f"at most {DEPTH_MAX} levels")
        return None
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key, value in _pairs(loader, node, path, document, file):
            found[key] = _construct(loader, value, (*path, key), document, file)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, (*path, i), document, file) for i, item in enumerate(node.value)]
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        document.mistake(path, short(getattr(node, "value", "")), f"a plain value ({error})"[:120])
        return None


def _pairs(
    loader: Any, node: yaml.MappingNode, path: tuple[Key, ...], document: Document, file: str
) -> Iterator[tuple[Any, yaml.Node]]:
    seen: set[Hashable] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        try:
            key = loader.construct_object(key_node, deep=True)
            repeated = key in seen
        except (yaml.YAMLError, TypeError, ValueError):
            document.mistakes.append(Mistake(file, line, dotted(path), "a key that is not text", "text"))
            continue
        if repeated:
            document.mistakes.append(Mistake(file, line, dotted((*path, key)), "the key twice", "it once"))
            continue
        seen.add(key)
        document.places[(*path, key)] = (file, line)
        yield key, value_node
