"""Questions to a gateway about one device: every way in which there may be no answer has its own name."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from collector.session.diagnoses import FRESH_MS, KEPT_MAX, QUESTIONS_MAX, QUESTIONS_WITHIN_MS, Diagnoses, Why
from collector.session.effects import Told
from collector.session.tellings import Tellings
from config.diagnosis import Diagnosis, write_diagnosis
from config.loader import load_site
from config.site import Site
from config.wire import decode
from config.words import Command, Edge


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path("config/sites/demo"))


class Line:
    """A collector's questions, and a gateway that answers at once unless it is told to be silent."""

    def __init__(self, site: Site, answers: bool | None = True) -> None:
        self.gateway = next(iter(site.gateways))
        self.asked: list[str] = []
        self.silent = False
        self.now = 1_000_000
        self.counters: Counter[str] = Counter()
        self.tellings = Tellings(site)
        self.diagnoses = Diagnoses(site, self.tellings, self._sent, lambda: self.now, self.counters, 0.05)
        if answers is not None:
            edge = Edge(site.community.id, self.gateway)
            self.tellings.take(Told(edge, (), self.now, self.now, born=True, answers=answers))

    def _sent(self, topic: str, payload: bytes) -> None:
        said = decode(topic, payload)
        assert isinstance(said, Command) and said.question is not None and not said.rebirth
        self.asked.append(said.question)
        if not self.silent:
            self.say(said.question)

    def say(self, device: str, **more: Any) -> None:
        self.diagnoses.take(self.gateway, write_diagnosis(Diagnosis(device=device, told_ms=self.now, **more)))


def played(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await play()

    asyncio.run(main())


def test_a_question_is_answered_and_a_second_one_soon_after_costs_nothing(site: Site) -> None:
    line = Line(site)

    async def play() -> None:
        first = await line.diagnoses.ask(line.gateway, "one")
        assert first.diagnosis is not None and first.diagnosis.device == "one" and first.why is None
        assert (await line.diagnoses.ask(line.gateway, "one")) == first
        assert line.asked == ["one"]
        line.now += FRESH_MS
        await line.diagnoses.ask(line.gateway, "one")
        assert line.asked == ["one", "one"]

    played(play)


def test_two_who_ask_at_one_moment_share_one_question(site: Site) -> None:
    line = Line(site)
    line.silent = True

    async def play() -> None:
        asking = [asyncio.create_task(line.diagnoses.ask(line.gateway, "one")) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        line.say("one", unit=3)
        found = await asyncio.gather(*asking)
        assert [each.diagnosis.unit for each in found if each.diagnosis is not None] == [3, 3]

    played(play)
    assert line.asked == ["one"]


@pytest.mark.parametrize(("answers", "why"), [(None, Why.NOT_BORN), (False, Why.OLDER)])
def test_a_gateway_that_cannot_be_asked_is_not_asked(site: Site, answers: bool | None, why: Why) -> None:
    line = Line(site, answers)

    async def play() -> None:
        assert (await line.diagnoses.ask(line.gateway, "one")).why is why

    played(play)
    assert line.asked == [], "an older gateway would report the question as a stranger's command"


def test_a_silent_gateway_leaves_what_it_said_last(site: Site) -> None:
    line = Line(site)

    async def play() -> None:
        await line.diagnoses.ask(line.gateway, "one")
        line.silent, line.now = True, line.now + FRESH_MS
        found = await line.diagnoses.ask(line.gateway, "one")
        assert found.why is Why.SILENT and found.diagnosis is not None and found.heard_ms == line.now - FRESH_MS

    played(play)
    assert line.counters["diagnoses-unanswered"] == 1


def test_too_many_questions_to_one_gateway_are_not_sent(site: Site) -> None:
    line = Line(site)

    async def play() -> None:
        for number in range(QUESTIONS_MAX + 3):
            found = await line.diagnoses.ask(line.gateway, f"device-{number}")
            assert (found.why is Why.TOO_MANY) is (number >= QUESTIONS_MAX)
        assert len(line.asked) == QUESTIONS_MAX and line.counters["diagnoses-too-many"] == 3
        line.now += QUESTIONS_WITHIN_MS
        assert (await line.diagnoses.ask(line.gateway, "one")).why is None

    played(play)


def test_what_nobody_asked_for_and_what_cannot_be_read_is_counted_and_kept_nowhere(site: Site) -> None:
    line = Line(site)
    line.say("one")
    line.diagnoses.take(line.gateway, '{"device": 5}')
    line.diagnoses.take(line.gateway, "nonsense" * 10_000)

    assert line.counters == {"diagnoses-unasked": 1, "diagnoses-garbage": 2}


def test_answers_are_kept_for_so_many_devices_only(site: Site) -> None:
    line = Line(site)

    async def play() -> None:
        for number in range(KEPT_MAX + 1):
            line.now += QUESTIONS_WITHIN_MS
            await line.diagnoses.ask(line.gateway, f"device-{number}")
        line.silent, line.tellings.of(line.gateway).answers = True, False
        assert (await line.diagnoses.ask(line.gateway, "device-0")).diagnosis is None
        assert (await line.diagnoses.ask(line.gateway, "device-1")).diagnosis is not None

    played(play)
