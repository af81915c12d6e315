"""What is due reaches a channel: at once, alarms first, at least once, and no hanging channel delays another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Incident
from collector.alerter import composer, tries
from collector.alerter import road as roads
from collector.alerter.channels import Channel, ChannelError, Letter
from collector.alerter.notifier import (
    ATTEMPTS_KEPT,
    HURRY_AGAIN_MS,
    TRIES_AFTER_CLOSE,
    TRIES_BEFORE_NEXT_CHANNEL,
    UNRECORDED_MAX,
    URGENT_PATIENCE_MS,
    Notifier,
)
from collector.alerter.road import CALM_SLOTS, SLOTS
from collector.alerter.tries import BACK_OFF_S, next_try_ms
from collector.calls.dispatch import Notice, Reason
from collector.commands import Delivered, DeliveryFailed, NotDelivered, Refused, SystemTrouble
from collector.messages.message import describe
from collector.state import K
from collector.storage.records import Attempt
from collector.storage.store import StoreFailed
from config.profile import Condition, Kind
from config.site import Site
from tests.letters import FIRE, INCIDENT, NOTICE, NOW_MS, site_with

FAULT = replace(INCIDENT, id="inc-2", kind=Kind.FAULT, condition=Condition.TROUBLE, alarms=())


class Shelf:
    """A store in memory that keeps the store's promises to the notifier."""

    def __init__(self, *notices: Notice) -> None:
        self.notices = {notice.id: notice for notice in notices}
        self.recorded: list[Attempt] = []
        self.closed: dict[str, Incident] = {}
        self.full = False
        self.transactions = 0

    async def notices_due(self) -> list[Notice]:
        await asyncio.sleep(0)
        return [
            notice
            for notice in self.notices.values()
            if notice.superseded_at_ms is None and self.handed_over(notice.id) < notice.due
        ]

    async def attempts_due(self) -> dict[str, list[Attempt]]:
        due = {notice.id for notice in await self.notices_due()}
        return {name: [each for each in self.recorded if each.notice == name] for name in due}

    async def attempts_since(self, since_ms: int) -> list[tuple[str, str, int]]:
        recent = [each for each in self.recorded if each.at_ms >= since_ms]
        return [(each.channel, self.notices[each.notice].person, each.at_ms) for each in recent]

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        self.transactions += 1
        await asyncio.sleep(0)
        if self.full:
            raise StoreFailed("disk full")
        self.recorded.extend(attempts)

    async def incident(self, incident: str) -> Incident | None:
        return self.closed.get(incident)

    def handed_over(self, notice: str) -> int:
        taken = [each.sending for each in self.recorded if each.notice == notice and each.handed_over_at_ms]
        return max(taken, default=0)


class Wire:
    """A channel that keeps what it was given and does with each letter what `fate` does."""

    def __init__(self, fate: Callable[[Letter], Awaitable[None]] | None = None) -> None:
        self.letters: list[Letter] = []
        self.fate = fate
        self.taken = asyncio.Event()

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)
        self.taken.set()
        if self.fate is not None:
            await self.fate(letter)

    @property
    def keys(self) -> list[str]:
        return [letter.key for letter in self.letters]


async def hang(_: Letter) -> None:
    await asyncio.Event().wait()


async def refuse(_: Letter) -> None:
    raise ChannelError("busy")


async def refuse_for_good(_: Letter) -> None:
    raise ChannelError("550 no such user", permanent=True)


class Scene:
    """A notifier between a shelf and some wires, its clock in hand."""

    def __init__(
        self,
        shelf: Shelf,
        wires: dict[str, Wire],
        alarms: dict[str, Alarm] | None = None,
        limits: dict[str, dict[str, int]] | None = None,
    ) -> None:
        self.shelf = shelf
        self.now = NOW_MS
        self.incidents: dict[str, Incident] = {each.id: each for each in (INCIDENT, FAULT)}
        self.alarms = alarms or {FIRE.key: FIRE}
        self.heard: list[DeliveryFailed | SystemTrouble] = []
        self.failing = False
        self.receipts: list[Delivered | NotDelivered] = []
        self.site = site_with({name: {"type": "console", **(limits or {}).get(name, {})} for name in wires})
        channels: dict[str, Channel] = dict(wires)
        self.notifier = Notifier(
            self.site,
            shelf,
            channels,
            self,
            lambda i, p, now: f"http://x/a/{i}/{p}",
            lambda: self.now,
            self.report,
            self.receipts.append,
        )

    def kept(self, what: type[K]) -> dict[str, K]:
        return {}

    async def report(self, command: DeliveryFailed | SystemTrouble) -> None:
        self.heard.append(command)
        if self.failing:
            raise StoreFailed("disk full")
        if isinstance(command, DeliveryFailed) and command.notice == "closed":
            raise Refused("closed", "The incident is closed.")

    def wake(self, after_ms: int = 0) -> None:
        self.now += after_ms
        self.notifier.wake()


@asynccontextmanager
async def running(shelf: Shelf, limits: dict[str, dict[str, int]] | None = None, **wires: Wire) -> AsyncIterator[Scene]:
    scene = Scene(shelf, wires, limits=limits)
    task = asyncio.create_task(scene.notifier.run())
    try:
        yield scene
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool], what: str) -> None:
    """Let the loop turn until something is so; nothing here needs real time."""
    for _ in range(2_000):
        if true():
            return
        await asyncio.sleep(0)
    pytest.fail(f"never came: {what}")


async def settled() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


def notices(count: int, **changes: Any) -> list[Notice]:
    return [replace(NOTICE, id=f"n-{i:03}", **changes) for i in range(count)]


def failed(*ages_s: float, permanent: bool = False) -> list[Attempt]:
    return [
        Attempt("n-1", 1, "a", NOW_MS - int(age * 1000), None, "no", permanent and age == ages_s[-1]) for age in ages_s
    ]


# --- when to try ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([], NOW_MS),
        (failed(0.0), NOW_MS + 1_000),
        (failed(3.0, 0.0), NOW_MS + 2_000),
        (failed(3.0, 2.0), NOW_MS),
        (failed(*range(30, 0, -1)), NOW_MS - 1_000 + 300_000),  # never less often than every five minutes
        (failed(0.0, permanent=True), None),
        (
            [*failed(9.0, 8.0, 7.0), Attempt("n-1", 1, "a", NOW_MS - 5_000, NOW_MS - 4_000), *failed(0.0)],
            NOW_MS + 1_000,
        ),
        ([Attempt("n-1", 1, "a", NOW_MS - 5_000, NOW_MS - 4_000)], NOW_MS),  # a repeat is due: it need not wait
        (failed(-86_400.0), NOW_MS),  # the clock was set back by a day: that must not cost a day
    ],
)
def test_when_to_try_again(attempts: list[Attempt], expected: int | None) -> None:
    assert next_try_ms(attempts, NOW_MS) == expected


def test_more_tries_are_remembered_than_the_back_off_has_steps() -> None:
    assert len(BACK_OFF_S) < ATTEMPTS_KEPT and max(TRIES_BEFORE_NEXT_CHANNEL, TRIES_AFTER_CLOSE) < ATTEMPTS_KEPT


# --- sending ----------------------------------------------------------------------------------------


def test_a_committed_notice_goes_at_its_wake_and_is_recorded_after_the_channel_took_it() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(), Wire()
        async with running(shelf, a=wire) as stage:
            await settled()
            shelf.notices["n-1"] = NOTICE
            stage.wake()
            await until(lambda: bool(shelf.recorded), "a hand-over")

            (letter,) = wire.letters
            assert shelf.recorded == [Attempt("n-1", 1, "a", NOW_MS, NOW_MS)]
            assert (letter.notice, letter.to, letter.urgent) == ("n-1", "li@example.org", True)
            assert letter.url == "http://x/a/inc-1/li" and letter.url in letter.words.body
            assert "502" in letter.words.subject
            assert letter.facts["reason"] == "own-team" and letter.facts["cause_at_ms"] == NOTICE.cause_at_ms

    asyncio.run(scene())


def test_nothing_is_sent_twice_however_often_it_is_woken() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(*notices(5)), Wire()
        async with running(shelf, a=wire) as stage:
            for _ in range(50):
                stage.wake()
                await asyncio.sleep(0)
            await settled()

        assert sorted(wire.keys) == [f"n-{i:03}" for i in range(5)]

    asyncio.run(scene())


def test_a_crash_in_the_middle_repeats_the_attempt_under_the_same_key() -> None:
    async def scene() -> None:
        shelf, before, after = Shelf(NOTICE), Wire(hang), Wire()
        async with running(shelf, a=before):
            await before.taken.wait()
        assert not shelf.recorded  # killed before the channel answered
        async with running(shelf, a=after):
            await until(lambda: bool(shelf.recorded), "the attempt again")

        assert before.keys == after.keys == ["n-1"]

    asyncio.run(scene())


def test_a_repeat_is_sent_under_the_same_notice_with_a_key_of_its_own() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire()
        async with running(shelf, a=wire) as stage:
            await until(lambda: len(shelf.recorded) == 1, "the first sending")
            shelf.notices["n-1"] = replace(NOTICE, due=2)
            stage.wake()
            await until(lambda: len(shelf.recorded) == 2, "the repeat")

        assert [letter.notice for letter in wire.letters] == ["n-1", "n-1"] and wire.keys == ["n-1", "n-1-2"]

    asyncio.run(scene())


def test_repeats_missed_while_a_channel_was_down_are_made_good_by_one() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(replace(NOTICE, due=7)), Wire()
        async with running(shelf, a=wire):
            await until(lambda: bool(shelf.recorded), "the newest sending")
            await settled()

        assert wire.keys == ["n-1-7"]

    asyncio.run(scene())


def test_a_superseded_notice_is_not_tried_again() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire(refuse)
        async with running(shelf, a=wire) as stage:
            await until(lambda: len(shelf.recorded) == 1, "a failure")
            shelf.notices["n-1"] = replace(NOTICE, superseded_at_ms=NOW_MS)
            stage.wake(after_ms=600_000)
            await settled()

            assert len(wire.letters) == 1 and stage.notifier.waiting == 0

    asyncio.run(scene())


def test_a_superseded_notice_that_waits_for_a_slot_is_never_sent() -> None:
    async def scene() -> None:
        shelf = Shelf(*notices(SLOTS + 1))
        gate = asyncio.Event()

        async def wait(_: Letter) -> None:
            await gate.wait()

        wire = Wire(wait)
        async with running(shelf, a=wire) as stage:
            await until(lambda: len(wire.letters) == SLOTS, "all slots taken")
            last = f"n-{SLOTS:03}"
            shelf.notices[last] = replace(shelf.notices[last], superseded_at_ms=NOW_MS)
            stage.wake()
            await settled()
            gate.set()
            await until(lambda: len(shelf.recorded) == SLOTS, "the others")
            await settled()

        assert last not in wire.keys

    asyncio.run(scene())


def test_a_notice_of_a_closed_incident_is_told_from_the_store() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(replace(NOTICE, reason=Reason.CLOSED, expects_answer=False, incident="inc-0")), Wire()
        shelf.closed["inc-0"] = replace(INCIDENT, id="inc-0", closed_at_ms=NOW_MS)
        async with running(shelf, a=wire):
            await until(lambda: bool(shelf.recorded), "the news")

        assert wire.letters[0].words.subject.startswith("事件已结束") and not wire.letters[0].urgent

    asyncio.run(scene())


# --- order and independence -------------------------------------------------------------------------


def test_a_fire_overtakes_a_flood_of_troubles() -> None:
    async def scene() -> None:
        shelf = Shelf(*notices(100, incident="inc-2", expects_answer=False))
        gate = asyncio.Event()

        async def wait(_: Letter) -> None:
            await gate.wait()

        wire = Wire(wait)
        async with running(shelf, a=wire) as stage:
            await until(lambda: len(wire.letters) == CALM_SLOTS, "the flood")
            await settled()
            assert len(wire.letters) == CALM_SLOTS  # the rest of the slots is kept
            shelf.notices["fire"] = replace(NOTICE, id="fire")
            stage.wake()
            await until(lambda: "fire" in wire.keys, "the fire, although the flood still hangs")
            gate.set()
            await until(lambda: len(shelf.recorded) == 101, "everything")

    asyncio.run(scene())


def test_calls_go_before_repeats_and_information() -> None:
    async def scene() -> None:
        first, repeat = replace(NOTICE, id="z-first"), replace(NOTICE, id="y-repeat", due=2)
        news = replace(NOTICE, id="x-news", reason=Reason.STAND_DOWN, expects_answer=False)
        trouble = replace(NOTICE, id="a-trouble", incident="inc-2")
        shelf, wire = Shelf(trouble, news, repeat, first), Wire()
        async with running(shelf, a=wire):
            await until(lambda: len(shelf.recorded) == 4, "all four")

        assert wire.keys == ["z-first", "y-repeat-2", "x-news", "a-trouble"]

    asyncio.run(scene())


def test_a_hanging_channel_delays_no_other() -> None:
    async def scene() -> None:
        stuck = notices(50)
        quick = [replace(notice, id=f"q{notice.id}", channel=1) for notice in notices(50)]
        shelf, hanging, wire = Shelf(*stuck, *quick), Wire(hang), Wire()
        async with running(shelf, a=hanging, b=wire) as stage:
            await until(lambda: len(shelf.recorded) == 50, "everything on the other channel")
            await settled()

            assert len(hanging.letters) == SLOTS  # bounded, whatever waits
            assert stage.notifier.channels["a"].under_way == SLOTS and stage.notifier.waiting == 50

    asyncio.run(scene())


def test_a_call_waits_five_seconds_for_a_channel_that_says_nothing_then_goes_by_the_next_as_well() -> None:
    async def scene() -> None:
        calls = notices(SLOTS + 8)
        news = [replace(notice, id=f"q{notice.id}", incident=FAULT.id) for notice in notices(3)]
        shelf, hanging = Shelf(*calls, *news), Wire(hang)
        async with running(shelf, a=hanging, b=Wire()) as stage:
            await until(lambda: len(hanging.letters) == SLOTS, "every slot taken")
            stage.wake(after_ms=URGENT_PATIENCE_MS - 1)
            await settled()
            assert stage.heard == []

            stage.wake(after_ms=1)
            await until(lambda: len(stage.heard) == len(calls), "word of every call, under way or in line")
            for _ in range(3):
                stage.wake(after_ms=HURRY_AGAIN_MS)
                await settled()

        assert stage.heard == [DeliveryFailed(each.id, "the channel does not answer") for each in calls]  # said once

    asyncio.run(scene())


def test_a_call_tries_a_channel_once_that_fails_for_everybody() -> None:
    async def scene() -> None:
        everybody = zip(notices(3), ("li", "wang", "chen"), strict=True)
        shelf = Shelf(*(replace(notice, person=person) for notice, person in everybody))
        async with running(shelf, a=Wire(refuse), b=Wire()) as stage:
            await until(lambda: any(isinstance(each, SystemTrouble) for each in stage.heard), "the channel's trouble")
            shelf.notices["late"] = replace(NOTICE, id="late")
            shelf.notices["news"] = replace(NOTICE, id="news", incident=FAULT.id)
            stage.wake()
            await until(lambda: DeliveryFailed("late", "busy") in stage.heard, "the next channel for the call")
            await settled()

            assert [each.notice for each in shelf.recorded].count("late") == 1
            assert not [each for each in stage.heard if isinstance(each, DeliveryFailed) and each.notice == "news"]

    asyncio.run(scene())


def test_a_channel_that_hangs_or_breaks_is_a_failure_to_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async def breaks(_: Letter) -> None:
            raise LookupError("a bug")

        monkeypatch.setattr(roads, "SEND_WITHIN_S", 0.01)
        shelf = Shelf(NOTICE, replace(NOTICE, id="n-2", channel=1))
        async with running(shelf, a=Wire(hang), b=Wire(breaks)):
            async with asyncio.timeout(5):
                while len(shelf.recorded) < 2:  # noqa: ASYNC110 - the bound is real time
                    await asyncio.sleep(0.005)

        errors = {attempt.notice: attempt.error or "" for attempt in shelf.recorded}
        assert "did not answer" in errors["n-1"] and errors["n-2"] == "LookupError: a bug"
        assert not any(attempt.permanent for attempt in shelf.recorded)

    asyncio.run(scene())


# --- failing ----------------------------------------------------------------------------------------


def test_a_refusal_for_good_goes_to_the_engine_and_is_not_repeated() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire(refuse_for_good)
        async with running(shelf, a=wire) as stage:
            await until(lambda: bool(stage.heard), "word to the engine")
            stage.wake(after_ms=3_600_000)
            await settled()

        assert stage.heard == [DeliveryFailed("n-1", "550 no such user")] and len(wire.letters) == 1

    asyncio.run(scene())


def test_a_refusal_for_good_that_a_crash_kept_from_the_engine_is_told_after_the_start() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire()
        shelf.recorded.append(Attempt("n-1", 1, "a", NOW_MS - 5, None, "550 no such user", True))
        async with running(shelf, a=wire) as stage:
            await until(lambda: bool(stage.heard), "word to the engine")

        assert stage.heard == [DeliveryFailed("n-1", "550 no such user")] and not wire.letters

    asyncio.run(scene())


def test_too_many_tries_tell_the_engine_once_so_that_the_next_channel_is_taken() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire(refuse)
        async with running(shelf, a=wire, b=Wire()) as stage:
            for tries in range(1, TRIES_BEFORE_NEXT_CHANNEL + 3):
                await until(lambda tries=tries: len(shelf.recorded) == tries, "a try")
                await settled()
                told = [each for each in stage.heard if isinstance(each, DeliveryFailed)]
                assert len(told) == (tries >= TRIES_BEFORE_NEXT_CHANNEL)
                stage.wake(after_ms=int(BACK_OFF_S[-1] * 1000))

        assert len({letter.key for letter in wire.letters}) == 1

    asyncio.run(scene())


def test_a_persons_only_channel_is_tried_until_it_works_however_long_it_is_down() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire(refuse)
        async with running(shelf, a=wire) as stage:
            for tries in range(1, 30):
                await until(lambda tries=tries: len(shelf.recorded) == tries, "a try")
                stage.wake(after_ms=int(BACK_OFF_S[-1] * 1000))
            wire.fate = None
            await until(lambda: shelf.handed_over("n-1") == 1, "the hand-over")

        assert not [each for each in stage.heard if isinstance(each, DeliveryFailed)]

    asyncio.run(scene())


def test_news_of_a_closed_incident_are_given_up_after_some_minutes() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(replace(NOTICE, reason=Reason.CLOSED, expects_answer=False, incident="inc-0")), Wire(refuse)
        shelf.closed["inc-0"] = replace(INCIDENT, id="inc-0", closed_at_ms=NOW_MS)
        async with running(shelf, a=wire) as stage:
            for tries in range(1, TRIES_AFTER_CLOSE + 1):
                await until(lambda tries=tries: len(shelf.recorded) == tries, "a try")
                stage.wake(after_ms=int(BACK_OFF_S[-1] * 1000))
            await settled()

        assert len(wire.letters) == TRIES_AFTER_CLOSE
        assert [attempt.permanent for attempt in shelf.recorded] == [False] * (TRIES_AFTER_CLOSE - 1) + [True]

    asyncio.run(scene())


def test_what_a_channel_asks_to_wait_is_waited() -> None:
    async def scene() -> None:
        async def later(_: Letter) -> None:
            raise ChannelError("429", retry_after_s=60.0)

        shelf, wire = Shelf(NOTICE), Wire(later)
        async with running(shelf, a=wire) as stage:
            await until(lambda: len(shelf.recorded) == 1, "the first try")
            stage.wake(after_ms=59_000)
            await settled()
            assert len(wire.letters) == 1
            stage.wake(after_ms=1_001)
            await until(lambda: len(wire.letters) == 2, "the second try")

    asyncio.run(scene())


def test_a_person_or_channel_that_the_site_no_longer_has_fails_for_good() -> None:
    async def scene() -> None:
        gone = replace(NOTICE, id="n-1", person="somebody"), replace(NOTICE, id="n-2", channel=9)
        unknown = replace(NOTICE, id="n-3", incident="pruned")
        shelf = Shelf(*gone, unknown)
        async with running(shelf, a=Wire()) as stage:
            await until(lambda: len(stage.heard) == 3, "word to the engine")

        assert all(attempt.permanent for attempt in shelf.recorded) and len(shelf.recorded) == 3

    asyncio.run(scene())


def test_a_notice_that_cannot_be_put_into_words_stops_no_other_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        shelf, wire, lost_for_words = Shelf(*notices(2)), Wire(), [True]

        def describe_but_one(
            site: Site, incident: Incident, alarms: Sequence[Alarm], notice: Notice, *more: Any
        ) -> Any:
            if notice.id == "n-000" and lost_for_words:
                raise KeyError("a word")
            return describe(site, incident, alarms, notice, *more)

        monkeypatch.setattr(composer, "describe", describe_but_one)
        async with running(shelf, a=wire) as stage:
            await until(lambda: len(shelf.recorded) == 2, "both tries")
            assert wire.keys == ["n-001"]
            (failure,) = (each for each in shelf.recorded if each.notice == "n-000")
            assert failure.error == "it cannot be put into words: KeyError" and not failure.permanent

            lost_for_words.clear()
            stage.wake(after_ms=1_000)
            await until(lambda: wire.keys == ["n-001", "n-000"], "it, once there are words")

    asyncio.run(scene())


def test_an_engine_that_refuses_the_news_stops_nothing() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(replace(NOTICE, id="closed", channel=9)), Wire()
        async with running(shelf, a=wire) as stage:
            await until(lambda: bool(stage.heard), "the refusal")
            shelf.notices["n-1"] = NOTICE
            stage.wake()
            await until(lambda: wire.keys == ["n-1"], "the next notice")

    asyncio.run(scene())


def test_what_a_store_cannot_record_is_not_sent_over_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        monkeypatch.setattr(tries, "RECORD_AGAIN_S", 0.0)
        many = UNRECORDED_MAX + 3 * SLOTS
        shelf, wire = Shelf(*notices(many)), Wire()
        shelf.full = True
        async with running(shelf, a=wire) as stage:
            await until(lambda: len(wire.letters) >= UNRECORDED_MAX, "as many as may be unrecorded")
            stage.wake(after_ms=3_600_000)
            await settled()
            assert UNRECORDED_MAX <= len(wire.letters) <= UNRECORDED_MAX + SLOTS  # and those under way then
            shelf.full = False
            await until(lambda: len(shelf.recorded) == many, "the others, once there is room")

        assert len(wire.keys) == len(set(wire.keys)) == many

    asyncio.run(scene())


def test_news_that_the_engine_could_not_commit_is_told_again() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE, replace(NOTICE, id="n-2", person="wang")), Wire(refuse_for_good)
        async with running(shelf, a=wire) as stage:
            stage.failing = True
            await until(lambda: len(stage.heard) == 2, "both refusals")
            await settled()
            stage.failing = False
            stage.wake()
            await until(lambda: len(stage.heard) == 4, "both again")

        assert len(wire.letters) == 2

    asyncio.run(scene())


# --- a channel in trouble ---------------------------------------------------------------------------


def test_a_channel_that_fails_for_everybody_is_trouble_until_it_works_again() -> None:
    async def scene() -> None:
        everybody = zip(notices(3), ("li", "wang", "he"), strict=True)
        shelf = Shelf(*(replace(notice, person=person) for notice, person in everybody))
        wire = Wire(refuse)
        async with running(shelf, a=wire) as stage:
            await until(lambda: bool(stage.heard), "the trouble")
            assert stage.heard == [SystemTrouble("channel:a", True, "busy")]
            assert stage.notifier.channels["a"].trouble == "busy"
            wire.fate = None
            stage.wake(after_ms=2_000)
            await until(lambda: len(stage.heard) == 2, "its end")
            assert stage.heard[1] == SystemTrouble("channel:a", False, "works again")
            assert stage.notifier.channels["a"].trouble is None

    asyncio.run(scene())


def test_a_trouble_from_before_a_start_ends_at_the_first_success() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire()
        key = "system:channel:a"
        trouble = replace(FIRE, key=key, device="system", point="channel:a", building="", value="busy")
        stage = Scene(shelf, {"a": wire}, {FIRE.key: FIRE, key: trouble})
        task = asyncio.create_task(stage.notifier.run())
        await until(lambda: bool(stage.heard), "its end")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert stage.heard == [SystemTrouble("channel:a", False, "works again")]

    asyncio.run(scene())


def test_one_persons_full_mailbox_is_not_the_channels_trouble() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire(refuse)
        async with running(shelf, a=wire) as stage:
            for tries in range(1, 4):
                await until(lambda tries=tries: len(shelf.recorded) == tries, "a try")
                stage.wake(after_ms=60_000)
            await settled()

        assert not [each for each in stage.heard if isinstance(each, SystemTrouble)]

    asyncio.run(scene())


# --- what could not be recorded ---------------------------------------------------------------------


def test_an_unrecorded_fire_goes_to_all_contacts_marked_and_without_the_store() -> None:
    async def scene() -> None:
        wire = Wire()
        stage = Scene(Shelf(), {"a": wire})

        assert await stage.notifier.send_unrecorded(INCIDENT, [FIRE]) == 2
        assert [letter.to for letter in wire.letters] == ["he@example.org", "chen@example.org"]
        assert "未记录" in wire.letters[0].words.subject and "UNRECORDED" in wire.letters[1].words.subject
        assert not stage.shelf.recorded and wire.letters[0].urgent

    asyncio.run(scene())


def test_an_unrecorded_fire_takes_a_contacts_next_channel_when_one_fails() -> None:
    async def scene() -> None:
        broken, wire = Wire(refuse), Wire()
        stage = Scene(Shelf(), {"a": broken, "b": wire})

        assert await stage.notifier.send_unrecorded(INCIDENT, [FIRE]) == 2
        assert len(broken.letters) == len(wire.letters) == 2

        wire.fate = refuse
        stage.now += 60_000
        assert await stage.notifier.send_unrecorded(INCIDENT, [FIRE]) == 0

    asyncio.run(scene())


def test_unrecorded_fires_are_told_once_a_minute_per_building() -> None:
    async def scene() -> None:
        wire = Wire()
        stage = Scene(Shelf(), {"a": wire})
        for after_ms, letters in ((0, 2), (59_999, 2), (1, 4), (-3_600_000, 6)):
            stage.now += after_ms
            await stage.notifier.send_unrecorded(INCIDENT, [FIRE])
            assert len(wire.letters) == letters

    asyncio.run(scene())


# --- many at once -----------------------------------------------------------------------------------


def test_tries_that_end_together_are_kept_in_one_transaction() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(*notices(120)), Wire()
        async with running(shelf, a=wire):
            await until(lambda: len(shelf.recorded) == 120, "everything")

        assert shelf.transactions <= 120 / SLOTS + 2
        assert len(set(wire.keys)) == len(wire.keys) == 120

    asyncio.run(scene())


# --- what a provider allows -------------------------------------------------------------------------


def test_an_alarm_beyond_the_limit_goes_by_the_next_channel_at_once() -> None:
    async def scene() -> None:
        everybody = zip(notices(3), ("li", "wang", "chen"), strict=True)
        shelf = Shelf(*(replace(notice, person=person) for notice, person in everybody))
        async with running(shelf, limits={"a": {"per_minute": 2}}, a=Wire(), b=Wire()) as stage:
            await until(lambda: bool(stage.heard), "word to the engine")
            await settled()

            assert stage.heard == [DeliveryFailed("n-002", "the channel's limit is reached")]
            assert len(shelf.recorded) == 2 and stage.notifier.channels["a"].limited == 1
            stage.wake(after_ms=1_000)
            await settled()
            assert len(stage.heard) == 1  # said once

    asyncio.run(scene())


def test_an_alarm_beyond_the_limit_waits_where_the_person_has_no_other_channel() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(*notices(3)), Wire()
        async with running(shelf, limits={"a": {"per_minute": 2}}, a=wire) as stage:
            await until(lambda: len(shelf.recorded) == 2, "what is allowed")
            stage.wake(after_ms=59_000)
            await settled()
            assert len(wire.letters) == 2 and not stage.heard
            stage.wake(after_ms=1_000)
            await until(lambda: len(shelf.recorded) == 3, "the third, a minute later")

    asyncio.run(scene())


def test_who_has_no_other_channel_goes_first_where_there_is_not_room_for_all() -> None:
    async def scene() -> None:
        # The last of a person's channels is the only one that is left to them.
        with_another, without = notices(2), [replace(each, id=f"z-{each.id}", channel=1) for each in notices(2)]
        shelf, a, b = Shelf(*with_another, *without), Wire(), Wire()
        async with running(shelf, limits={"a": {"per_minute": 1}, "b": {"per_minute": 1}}, a=a, b=b) as stage:
            await until(lambda: len(shelf.recorded) == 2, "one over each")
            await settled()

            assert (a.keys, b.keys) == (["n-000"], ["z-n-000"])
            assert [each.notice for each in stage.heard if isinstance(each, DeliveryFailed)] == ["n-001"]

    asyncio.run(scene())


def test_troubles_never_use_up_what_an_alarm_needs() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(*notices(10, incident="inc-2", expects_answer=False)), Wire()
        async with running(shelf, limits={"a": {"per_minute": 4}}, a=wire) as stage:
            await until(lambda: len(shelf.recorded) == 2, "half of what is allowed")
            await settled()
            assert len(wire.letters) == 2
            for number in range(2):
                shelf.notices[f"fire-{number}"] = replace(NOTICE, id=f"fire-{number}")
            stage.wake()
            await until(lambda: len(shelf.recorded) == 4, "two fires")

        assert wire.keys[2:] == ["fire-0", "fire-1"]

    asyncio.run(scene())


def test_the_first_call_to_a_fire_is_never_stopped_by_what_one_person_may_get() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire()
        async with running(shelf, limits={"a": {"per_person_per_hour": 1}}, a=wire) as stage:
            await until(lambda: len(shelf.recorded) == 1, "the first")
            shelf.notices["again"] = replace(NOTICE, id="again", call=2)
            stage.wake(after_ms=1_000)
            await until(lambda: len(shelf.recorded) == 2, "the first of a new call")
            shelf.notices["n-1"] = replace(NOTICE, due=2)
            stage.wake(after_ms=1_000)
            await settled()

            assert wire.keys == ["n-1", "again"]  # the repeat waits

    asyncio.run(scene())


def test_the_limits_hold_over_a_restart() -> None:
    async def scene() -> None:
        shelf, before, after = Shelf(*notices(3)), Wire(), Wire()
        limits = {"a": {"per_minute": 2}}
        async with running(shelf, limits=limits, a=before):
            await until(lambda: len(shelf.recorded) == 2, "what is allowed")
        async with running(shelf, limits=limits, a=after) as stage:
            await settled()
            assert not after.letters
            stage.wake(after_ms=60_000)
            await until(lambda: len(shelf.recorded) == 3, "the rest")

    asyncio.run(scene())


def test_after_a_start_with_the_clock_set_back_what_was_sent_before_stops_no_alarm() -> None:
    async def scene() -> None:
        shelf, before, after = Shelf(*notices(2)), Wire(), Wire()
        limits = {"a": {"per_minute": 2}}
        async with running(shelf, limits=limits, a=before) as stage:
            stage.now += 86_400_000
            await until(lambda: len(shelf.recorded) == 2, "what is allowed")
        shelf.notices["n-1"] = NOTICE
        async with running(shelf, limits=limits, a=after):
            await until(lambda: after.keys == ["n-1"], "the next alarm, at once")

    asyncio.run(scene())


def test_a_test_message_waits_for_its_own_channel_instead_of_taking_another() -> None:
    async def scene() -> None:
        shelf = Shelf(NOTICE, replace(NOTICE, id="n-2", reason=Reason.TEST, expects_answer=False, incident="inc-2"))
        async with running(shelf, limits={"a": {"per_person_per_hour": 1}}, a=Wire(), b=Wire()) as stage:
            await until(lambda: len(shelf.recorded) == 1, "the call")
            stage.wake(after_ms=120_000)
            await settled()

            assert not stage.heard and len(shelf.recorded) == 1

    asyncio.run(scene())


def test_news_that_would_wait_long_goes_by_the_next_channel() -> None:
    async def scene() -> None:
        shelf = Shelf(NOTICE, replace(NOTICE, id="n-2", reason=Reason.STAND_DOWN, expects_answer=False))
        async with running(shelf, limits={"a": {"per_person_per_hour": 1}}, a=Wire(), b=Wire()) as stage:
            await until(lambda: bool(stage.heard), "word to the engine")

        assert stage.heard == [DeliveryFailed("n-2", "the channel's limit is reached")]

    asyncio.run(scene())


# --- receipts ---------------------------------------------------------------------------------------


def test_each_try_leaves_a_receipt_once_it_is_recorded() -> None:
    async def scene() -> None:
        shelf, wire = Shelf(NOTICE), Wire(refuse)
        async with running(shelf, a=wire) as stage:
            await until(lambda: bool(stage.receipts), "the failure")
            wire.fate = None
            stage.wake(after_ms=1_000)
            await until(lambda: len(stage.receipts) == 2, "the hand-over")

            assert stage.receipts == [
                NotDelivered("n-1", "li", 0, NOW_MS, "busy"),
                Delivered("n-1", "li", 0, NOW_MS + 1_000),
            ]

    asyncio.run(scene())
