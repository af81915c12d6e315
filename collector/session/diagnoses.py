"""Questions to gateways about one device: asked over the broker, answered within seconds or not at all.

A gateway answers from memory: no question costs its buses anything. Few at a time all the same, for answers
share the line with alarms.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from collector.session.tellings import Tellings
from config.diagnosis import Diagnosis, read_diagnosis
from config.site import Site
from config.wire import WireError, encode_question, topic_of
from config.words import Edge

ANSWER_WITHIN_S = 4.0
FRESH_MS = 2_000  # an answer as young as this is given again instead of asking
QUESTIONS_MAX, QUESTIONS_WITHIN_MS = 20, 60_000  # to one gateway: fewer than it answers
KEPT_MAX = 64  # newest answers of all gateways


class Why(StrEnum):
    """Why there is no answer."""

    NO_LINE = "no-line"  # nothing here speaks to gateways
    NOT_BORN = "not-born"  # the gateway has not been heard since the collector's start
    OLDER = "older"  # its version cannot be asked
    TOO_MANY = "too-many"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway says now, or said last; `why` there is nothing newer, None if this is fresh."""

    diagnosis: Diagnosis | None
    heard_ms: int | None
    why: Why | None


class Diagnoses:
    """`publish` sends a topic and its bytes, best effort, None where there is no broker; `clock` gives UTC ms."""

    def __init__(
        self,
        site: Site,
        tellings: Tellings,
        publish: Callable[[str, bytes], None] | None,
        clock: Callable[[], int],
        counters: Counter[str],
        within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._group, self.tellings = site.community.id, tellings
        self._publish, self._clock, self._counters = publish, clock, counters
        self._within_s = within_s
        self._kept: OrderedDict[tuple[str, str], tuple[Diagnosis, int]] = OrderedDict()
        self._waiting: dict[tuple[str, str], asyncio.Future[tuple[Diagnosis, int]]] = {}
        self._asked: dict[str, deque[int]] = {}

    async def ask(self, gateway: str, device: str) -> Answer:
        """What a gateway of the site knows of a device. Waits for seconds at most; never raises."""
        key, now = (gateway, device), self._clock()
        kept = self._kept.get(key)
        if kept is not None and 0 <= now - kept[1] < FRESH_MS:
            return Answer(*kept, None)
        if self._publish is None:
            return self._without(key, Why.NO_LINE)
        answers = self.tellings.of(gateway).answers
        if not answers:
            return self._without(key, Why.NOT_BORN if answers is None else Why.OLDER)
        waiting = self._waiting.get(key)
        if waiting is None:
            if not self._may_ask(gateway, now):
                self._counters["diagnoses-too-many"] += 1
                return self._without(key, Why.TOO_MANY)
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
            self._counters["diagnoses-asked"] += 1
            self._publish(topic_of(Edge(self._group, gateway), "NCMD"), encode_question(device, now))
        try:
            told = await asyncio.wait_for(asyncio.shield(waiting), self._within_s)
        except TimeoutError:
            if self._waiting.get(key) is waiting:
                del self._waiting[key]
                self._counters["diagnoses-unanswered"] += 1
            return self._without(key, Why.SILENT)
        return Answer(*told, None)

    def last(self, gateway: str, device: str) -> Answer:
        """What it said last, without asking."""
        return self._without((gateway, device), Why.SILENT)

    def take(self, gateway: str, text: str) -> None:
        """A gateway's answer, as it came."""
        try:
            found = read_diagnosis(text)
        except WireError:
            self._counters["diagnoses-garbage"] += 1
            return
        waiting = self._waiting.pop((gateway, found.device), None)
        if waiting is None:  # another collector's, or too late
            self._counters["diagnoses-unasked"] += 1
            return
        self._kept[gateway, found.device] = told = found, self._clock()
        self._kept.move_to_end((gateway, found.device))
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        if not waiting.done():
            waiting.set_result(told)

    def _may_ask(self, gateway: str, now: int) -> bool:
        asked = self._asked.setdefault(gateway, deque(maxlen=QUESTIONS_MAX))
        if len(asked) == QUESTIONS_MAX and 0 <= now - asked[0] < QUESTIONS_WITHIN_MS:
            return False
        asked.append(now)
        return True

    def _without(self, key: tuple[str, str], why: Why) -> Answer:
        diagnosis, heard_ms = self._kept.get(key, (None, None))
        return Answer(diagnosis, heard_ms, why)
