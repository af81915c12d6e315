"""Gets the log's lines out and holds nothing up: no slow reader, no closed pipe, no full disk, and no flood.

Lines wait in a bounded queue for a thread of their own; what has no room there, or cannot be written, is lost,
counted, and told once lines go out again. The same event about the same thing is written SAME_MAX times a minute;
how often it came besides is told when the minute is over.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from config.logline import event_of, facts_of

WAITING_MAX = 10_000  # lines
SAME_MAX = 20  # lines of one event about one thing …
SAME_WITHIN_S = 60.0
KEYS_MAX = 2_000  # events and things that are counted at a time
CLOSE_WITHIN_S = 1.0  # for what still waits, at the end
# What a line is about, if its event has it.
SUBJECT = (
    *("incident", "notice", "gateway", "device", "bus", "alarm", "condition", "building", "channel", "client"),
    *("source", "what", "why", "call", "ring", "attempt", "person", "name"),
)

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


@dataclass(slots=True)
class _Minute:
    """One event about one thing: since when, and how often it was told and not told."""

    since_s: float
    event: str
    part: str
    told: int = 0
    left_out: int = 0


class Writer(logging.Handler):
    """The one handler. Whoever logs never waits for whoever reads."""

    def __init__(
        self,
        shape: Callable[[logging.LogRecord], str],
        fd: int,
        prefixed: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`prefixed`: each line begins with its priority as journald reads it (sd-daemon(3))."""
        super().__init__()
        self._shape, self._fd, self._prefixed, self._clock = shape, fd, prefixed, clock
        self._minutes: OrderedDict[tuple[object, ...], _Minute] = OrderedDict()  # oldest first
        self._waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(WAITING_MAX)
        self._counting = threading.Lock()  # not the handler's own: `logging.shutdown` holds that while we write
        self._untold = 0  # lines lost since that was told last
        self._torn = False  # of the last line only a part went out
        self.left_out = 0  # lines of floods
        self.lost = 0  # lines that had no room or could not be written
        self._thread = threading.Thread(target=self._write_forever, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line. Never waits, never raises; called under the handler's lock."""
        now_s, facts = self._clock(), facts_of(record)
        while self._minutes and now_s - next(iter(self._minutes.values())).since_s >= SAME_WITHIN_S:
            self._end_minute()
        event = event_of(record)
        words = record.msg if not facts else None  # a library's line is known by its words
        key = (record.name, record.levelno, event, words, *(facts.get(name) for name in SUBJECT))
        minute = self._minutes.get(key)
        if minute is None:
            if len(self._minutes) >= KEYS_MAX:
                self._end_minute()
            minute = self._minutes[key] = _Minute(now_s, event, record.name)
        if minute.told >= SAME_MAX:
            minute.left_out += 1
            self.left_out += 1
        else:
            minute.told += 1
            self._put(record)

    def flush(self) -> None:
        """Wait until what was taken is written, for a moment at most."""
        deadline_s = time.monotonic() + CLOSE_WITHIN_S
        with self._waiting.all_tasks_done:
            while self._waiting.unfinished_tasks and (left_s := deadline_s - time.monotonic()) > 0:
                self._waiting.all_tasks_done.wait(left_s)

    def close(self) -> None:
        """Tell what was left out, write what waits, within a moment. Called when nobody logs any more."""
        while self._minutes:
            self._end_minute()
        with suppress(queue.Full):
            self._waiting.put(None, timeout=CLOSE_WITHIN_S)
        self._thread.join(CLOSE_WITHIN_S)
        super().close()

    # --- under the lock -------------------------------------------------------------------------------

    def _put(self, record: logging.LogRecord) -> None:
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self._lose(1)

    def _lose(self, lines: int) -> None:
        with self._counting:
            self.lost += lines
            self._untold += lines

    def _end_minute(self) -> None:
        _, minute = self._minutes.popitem(last=False)
        if minute.left_out:
            text = f"{minute.event} came {minute.left_out} times more within a minute"
            facts = {"of_event": minute.event, "of_part": minute.part, "count": minute.left_out}
            self._put(_own("left-out", text, facts))

    # --- on the thread --------------------------------------------------------------------------------

    def _write_forever(self) -> None:
        while (record := self._waiting.get()) is not None:
            try:
                self._write_line(record)
            finally:
                self._waiting.task_done()
        self._waiting.task_done()

    def _write_line(self, record: logging.LogRecord) -> None:
        if not self._write(record):
            self._lose(1)
            return
        with self._counting:
            untold, self._untold = self._untold, 0
        if untold and not self._write(_own("lost", f"{untold} lines of the log were lost", {"count": untold})):
            with self._counting:
                self._untold += untold

    def _write(self, record: logging.LogRecord) -> bool:
        """True once all of the line is out."""
        try:
            text = self._shape(record)
        except Exception as error:  # noqa: BLE001 - one line that cannot be made must not end the log
            text = self._shape(
                _own("unreadable", f"a line of {record.name} cannot be made: {type(error).__name__}", {})
            )
        if self._prefixed:
            mark = f"<{_PRIORITIES.get(record.levelno, 6)}>"
            text = "\n".join(mark + line for line in text.split("\n"))
        rest = memoryview((("\n" if self._torn else "") + text + "\n").encode("utf-8", "backslashreplace"))
        whole = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self._torn = self._torn if len(rest) == whole else True
            return False
        self._torn = False
        return True


def _own(event: str, text: str, facts: dict[str, object]) -> logging.LogRecord:
    """A line about the log itself."""
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, text, (), None)
    record.__dict__ |= {"event": event, "facts": facts}
    return record
