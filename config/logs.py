"""The log of a program: one line an event, as JSON for machines or as text in a terminal. See docs/logs.md.

`of(part)` says what happens; `set_up` is called once, by the program that runs. How a line looks is in `logline.py`,
how it gets out without holding anything up in `logwriter.py`.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from config.logline import JsonLine, TextLine
from config.logwriter import Writer

FORMS = ("auto", "json", "text")
LEVELS = ("debug", "info", "warning", "error")
FORM_NAME, LEVEL_NAME = "CALLPOINT_LOG", "CALLPOINT_LOG_LEVEL"
OURS = ("gateway", "collector", "simulator", "config")

_QUIET = ("httpx", "httpcore", "aiohttp", "urllib3", "apprise")  # they log URLs, and secrets with them
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+|\+?\d[\d\s-]{5,}\d|\b[a-z][a-z0-9+.]*://\S+", re.IGNORECASE)


class LogError(ValueError):
    """The log cannot be set up so; str() names the setting and what was expected."""


class Log:
    """A part's way to say what happens: an event's stable name, words for people, and named facts.

    A fact is a text, a number or a truth; None is left out. Facts hold no secret, and no name or address of anybody.
    """

    __slots__ = ("_logger",)

    def __init__(self, part: str) -> None:
        self._logger = logging.getLogger(part)

    def debug(self, event: str, text: str, **facts: Any) -> None:
        """What only helps to find a fault."""
        self.tell(logging.DEBUG, event, text, **facts)

    def info(self, event: str, text: str, **facts: Any) -> None:
        """What happens as it should."""
        self.tell(logging.INFO, event, text, **facts)

    def warning(self, event: str, text: str, **facts: Any) -> None:
        """What somebody should look at."""
        self.tell(logging.WARNING, event, text, **facts)

    def error(self, event: str, text: str, **facts: Any) -> None:
        """What does not work."""
        self.tell(logging.ERROR, event, text, **facts)

    def critical(self, event: str, text: str, **facts: Any) -> None:
        """What the program cannot go on with, or what should never have happened."""
        self.tell(logging.CRITICAL, event, text, **facts)

    def tell(self, level: int, event: str, text: object, fault: BaseException | None = None, **facts: Any) -> None:
        """One line, if the level is wanted. `fault`: its traceback goes with the line.

        `text` may be anything whose str() is the words: they are made when the line is, on the writer's thread.
        """
        logger = self._logger
        if not logger.isEnabledFor(level):
            return
        said = {name: _plain(value) for name, value in facts.items() if value is not None}
        trace = None if fault is None else (type(fault), fault, fault.__traceback__)
        more = {"event": event, "facts": said}
        logger.handle(logger.makeRecord(logger.name, level, "", 0, text, (), trace, extra=more))


def of(part: str) -> Log:
    """The log of a part, by its module's name."""
    return Log(part)


def without_addresses(text: str) -> str:
    """What a provider or a server said, without mail addresses, numbers of phones, and URLs."""
    return _ADDRESS.sub("…", text)


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--log` and `--log-level`, for a program that runs as a service."""
    parser.add_argument(
        "--log", choices=FORMS, help=f"the log's lines (default: ${FORM_NAME}, or auto: text in a terminal, else json)"
    )
    parser.add_argument("--log-level", choices=LEVELS, help=f"the least that is told (default: ${LEVEL_NAME}, or info)")


def set_up(
    form: str | None = None,
    level: str | None = None,
    *,
    facts: Mapping[str, str] | None = None,
    environment: Mapping[str, str] = os.environ,
    fd: int = 2,
) -> Writer:
    """From now on everything that any part or library logs goes to `fd`. Raises LogError.

    `facts` stand in every JSON line. Ours may be told from `debug` on; libraries only from `info` on, since what is
    secret is in their finer lines.
    """
    chosen = _chosen(FORM_NAME, form, environment, FORMS)
    least = logging.getLevelNamesMapping()[_chosen(LEVEL_NAME, level, environment, LEVELS, "info").upper()]
    terminal = os.isatty(fd)
    shape: Callable[[logging.LogRecord], str] = JsonLine(facts or {})
    if chosen == "text" or (chosen == "auto" and terminal):
        shape = TextLine(coloured=terminal and not environment.get("NO_COLOR"))
    writer = Writer(shape, fd, prefixed=_is_journal(fd, environment))
    for handler in list(logging.root.handlers):
        logging.root.removeHandler(handler)
        handler.close()
    logging.root.addHandler(writer)
    logging.root.setLevel(max(least, logging.INFO))
    for name in OURS:
        logging.getLogger(name).setLevel(least)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # What no line of ours shows, and costs more than all the rest of a record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.raiseExceptions = False  # a line that cannot be made is no reason for words beside the log
    logging.captureWarnings(True)
    sys.excepthook = _on_fault
    threading.excepthook = lambda told: _on_fault(told.exc_type, told.exc_value, told.exc_traceback)
    return writer


def counts() -> dict[str, int]:
    """How many lines of this program were left out of floods, and how many were lost."""
    writers = [handler for handler in logging.root.handlers if isinstance(handler, Writer)]
    return {"left-out": sum(each.left_out for each in writers), "lost": sum(each.lost for each in writers)}


# --- inside ---------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return value if type(value) in (str, int, float, bool) else str(value)


def _chosen(
    name: str, asked: str | None, environment: Mapping[str, str], known: tuple[str, ...], default: str = "auto"
) -> str:
    value = asked if asked is not None else environment.get(name) or default
    if value not in known:
        raise LogError(f"{name}={value[:40]}: expected one of {', '.join(known)}")
    return value


def _is_journal(fd: int, environment: Mapping[str, str]) -> bool:
    """True if `fd` goes straight to journald, which says so by device and inode (systemd.exec(5))."""
    try:
        found = os.fstat(fd)
    except OSError:
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _on_fault(kind: type[BaseException], fault: BaseException | None, trace: TracebackType | None) -> None:
    """What nobody has caught is a line like any other."""
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    fault = kind() if fault is None else fault
    _LOG.critical("fault", f"ends by a fault of its own: {kind.__name__}", fault=fault.with_traceback(trace))


_LOG = of(__name__)
