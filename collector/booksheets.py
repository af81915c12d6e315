"""The command `book`: the book's spreadsheets out of, and into, a collector that runs.

The collector holds the book in memory and tells every engine part of a change, so a file is never put beneath it: the
command asks over the same API as anybody else, all of a file or nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from collector.asking import DEFAULT_URL, token_of
from config.endpoint import EndpointError

OK, REFUSED, FAILED = 0, 1, 2
WITHIN_S = 120.0  # a thousand people on a Pi
_SHOWN_MAX = 20  # names of one kind


@dataclass(frozen=True, slots=True)
class Asked:
    """`file` is a path or "-". `url` and `state` None: as the collector is started without them."""

    table: str
    file: str
    url: str | None
    state: str | None


class _NotDone(Exception):
    def __init__(self, code: int, words: str) -> None:
        self.code = code
        super().__init__(words)


def export(asked: Asked, template: bool, chinese: bool) -> int:
    """Write a table. 0: written, 1: refused, 2: the collector, its token or the file cannot be reached."""
    query = {"template": str(template).lower(), "chinese": str(chinese).lower()}
    try:
        content = _ask(asked, "GET", query).content
        if asked.file == "-":
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            Path(asked.file).write_bytes(content)
    except OSError as error:
        return _say(_NotDone(FAILED, f"{asked.file}: {error.strerror}"))
    except _NotDone as error:
        return _say(error)
    return OK


def bring_in(asked: Asked, only_preview: bool, remove_missing: bool) -> int:
    """Import a table, all of it or nothing, and tell what changes. Exit codes as `export`; 1 too if it has faults."""
    query = {"remove_missing": str(remove_missing).lower()}
    try:
        content = sys.stdin.buffer.read() if asked.file == "-" else Path(asked.file).read_bytes()
        seen: dict[str, Any] = _ask(asked, "POST", query, content).json()
        if seen["faults"]:
            return _faults(asked.file, seen)
        if not only_preview:
            found = {"file": seen["file"], "book": seen["book"]}
            seen = _ask(asked, "POST", query | found, content).json()
    except OSError as error:
        return _say(_NotDone(FAILED, f"{asked.file}: {error.strerror}"))
    except (ValueError, KeyError, TypeError) as error:
        return _say(_NotDone(FAILED, f"an answer that is none of a collector ({error!r})"))
    except _NotDone as error:
        return _say(error)
    print("\n".join(_told(seen)))
    return OK


def _told(seen: dict[str, Any]) -> list[str]:
    lines = [f"{seen['table']}: {seen['rows']} rows, {'imported' if seen['imported'] else 'nothing imported yet'}"]
    for word in ("new", "changed", "removed"):
        lines += [f"  {word}: {_some(seen[word])}"] if seen[word] else []
    stay = [name for name in seen["missing"] if name not in set(seen["removed"])]
    lines += [f"  unchanged: {seen['unchanged']}"] if seen["unchanged"] else []
    lines += [f"  not in the file, stay as they are: {_some(stay)}"] if stay else []
    return lines + [f"  warning: {each}" for each in seen["warnings"]]


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN_MAX
    return f"{len(names)} ({', '.join(names[:_SHOWN_MAX])}{f' and {more} more' if more > 0 else ''})"


def _faults(file: str, seen: dict[str, Any]) -> int:
    for each in seen["faults"]:
        place = f"{file}:{each['line']}" if each["line"] else file
        print(f"{place}: {each['column']}: found {each['found']}, expected {each['expected']}", file=sys.stderr)
    more = f" and {seen['faults_more']} more" if seen["faults_more"] else ""
    return _say(_NotDone(REFUSED, f"nothing imported: {len(seen['faults'])} mistakes{more}"))


def _ask(asked: Asked, method: str, query: dict[str, str], content: bytes | None = None) -> httpx.Response:
    """What the collector answers. Raises _NotDone."""
    base = (asked.url or DEFAULT_URL).rstrip("/")
    try:
        headers = {"Authorization": f"Bearer {token_of(asked.state)}", "Content-Type": "text/csv"}
        url = f"{base}/api/v1/book/csv/{asked.table}"
        answer = httpx.request(method, url, params=query, content=content, headers=headers, timeout=WITHIN_S)
    except (EndpointError, OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise _NotDone(FAILED, f"{base}: {error}") from error
    if answer.status_code != httpx.codes.OK:
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"HTTP {answer.status_code}"
        raise _NotDone(REFUSED, f"{base}: {detail}")
    return answer


def _say(error: _NotDone) -> int:
    print(f"callpoint book: {error}", file=sys.stderr)
    return error.code
