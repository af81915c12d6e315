"""Towns by seed, and a mutant for every promise to prove that its checker sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.alarms.measures import WalkTest
from collector.alarms.verification import Stage
from collector.calls.dispatch import Notice, Reason
from collector.commands import Acknowledge, Command, Reset
from collector.engine import Engine
from collector.session.effects import Owing, Presence
from collector.state import Decision, Restored
from config.site import KindPlan, Site
from config.words import Report
from tests.simulation import promises
from tests.simulation.promises import broken
from tests.simulation.town import Town, town_site


@pytest.mark.parametrize("seed", range(60))
def test_whatever_people_do_every_promise_holds(seed: int) -> None:
    town = Town(seed).play()

    assert not broken(town), f"seed {seed}"


@pytest.mark.soak
@pytest.mark.parametrize("first", range(10_000, 14_000, 100))
def test_in_thousands_of_towns_every_promise_holds(first: int) -> None:
    for seed in range(first, first + 100):
        assert not broken(Town(seed).play()), f"seed {seed}"


def test_the_towns_are_worth_the_trouble() -> None:
    towns = [Town(seed).play() for seed in range(20)]

    assert sum(len(town.diary.sent) for town in towns) > 1_000
    assert sum(len(town.diary.crashes) for town in towns) > 20
    assert sum(len(town.diary.resets) for town in towns) > 20
    assert any(incident.quorum_at_ms for town in towns for incident in town.store.incidents.values())
    assert sum(n.reason is Reason.ASKED_AGAIN for town in towns for n in town.store.notices.values()) > 20


def test_the_same_seed_is_the_same_day() -> None:
    one, other = Town(7).play(), Town(7).play()

    assert one.store.entries == other.store.entries and one.diary.sent == other.diary.sent


class AsksTwice(Engine):
    """What it knows of its next deadline is held against what its parts say when all of them are asked anew."""

    def wake_at(self) -> int | None:
        known = super().wake_at()
        self._waking.changed()
        assert super().wake_at() == known
        return known


def test_a_deadline_that_is_remembered_is_the_one_that_would_be_told_if_asked() -> None:
    for seed in range(100, 120):
        Town(seed, AsksTwice, True).play()


class ForgetsAFire(Engine):
    """Never hears of a fire in one flat."""

    def feed(self, heard: Report | Presence | Owing, now: int, complete: bool = True) -> Decision:
        if isinstance(heard, Report) and heard.device == "smoke-3":
            heard = replace(heard, readings=tuple(each for each in heard.readings if each.name != "fire"))
        return super().feed(heard, now, complete)


class TakesFaultForFire(Town):
    """A faulty detector is a panel on fire."""

    def _report(self, device: str, point: str, value: bool) -> None:
        super()._report(device, point, value)
        if point == "fault":
            super()._report("panel-1", "fire", value)


def stops_after_two_rings(site: Site, restored: Restored | None, now: int) -> Engine:
    """An engine that knows only the beginning of the plan."""
    plans = {
        kind: KindPlan.model_validate({**plan.model_dump(by_alias=True), "rings": plan.rings[:2]})
        for kind, plan in site.plan.kinds.items()
    }
    short = Site.__new__(Site)
    short.__dict__.update({**site.__dict__, "plan": site.plan.model_copy(update={"kinds": plans})})
    return Engine(short, restored, now)


class SendsTwice(Town):
    """The road forgets what it took."""

    def _hand_over(self, notice: Notice, sending: int) -> None:
        super()._hand_over(notice, sending)
        if notice.person == "ned":
            super()._hand_over(notice, sending)


class UnlatchesByItself(Town):
    """Resets whatever has returned, and tells nobody that it did."""

    def _commit(self) -> None:
        super()._commit()
        for alarm in list(self.engine.alarms.values()):
            latched = alarm.phase in (Phase.RETURNED, Phase.AWAITING_RESET) and self.now > alarm.heard_at_ms + 60_000
            if latched and alarm.incident in self.engine.incidents:
                asked = set(self.diary.resets)
                self._quietly(Acknowledge(alarm.incident, "nora"))
                self._quietly(Reset(alarm.incident, "nora"))
                self.diary.resets = asked

    def _quietly(self, command: Command) -> None:
        self.act(command)


class LosesRows(Town):
    """A commit lacks an alarm now and then."""

    def _commit(self) -> None:
        self._pending = [(replace(decision, alarms=decision.alarms[1:]), at) for decision, at in self._pending]
        super()._commit()


class ForgetsToEnd(Engine):
    """Time ends no walk test."""

    def wake(self, now: int) -> Decision:
        for item in list(self.kept(WalkTest).values()):
            if item.running:
                self._state.keep(replace(item, until_ms=now + 60_000, length_ms=60_000))
        return super().wake(now)


class WaitsForever(Engine):
    """Whoever was asked to look is given all the time of the world."""

    def wake(self, now: int) -> Decision:
        for incident in list(self.incidents.values()):
            if incident.first_hit is not None and incident.first_hit.pending:
                patient = replace(incident.first_hit, stage=Stage.INVESTIGATING, answered_at_ms=now)
                self._state.put_incident(replace(incident, first_hit=patient))
        return super().wake(now)


class TakesNoForAnAnswer(Engine):
    """Whoever could not come has always said so a moment ago, and is left in peace."""

    def wake(self, now: int) -> Decision:
        for incident in list(self.incidents.values()):
            said = (replace(s, at_ms=now) if s.answer is Answer.CANNOT else s for s in incident.responses)
            self._state.put_incident(replace(incident, responses=tuple(said)))
        return super().wake(now)


@pytest.mark.parametrize(
    ("town", "engine", "crashes", "promise"),
    [
        (Town, ForgetsAFire, True, promises.no_fire_untold),
        (TakesFaultForFire, Engine, True, promises.no_trouble_told_as_fire),
        (SendsTwice, Engine, True, promises.nothing_is_told_twice),
        (Town, stops_after_two_rings, True, promises.quorum_is_pursued_to_the_end),
        (Town, TakesNoForAnAnswer, True, promises.no_fire_is_left_to_burn),
        (UnlatchesByItself, Engine, True, promises.latched_until_reset),
        (Town, ForgetsToEnd, True, promises.what_was_aside_comes_back),
        (Town, WaitsForever, True, promises.a_first_hit_never_stays_unanswered),
        (LosesRows, Engine, False, promises.stored_state_equals_replay),
    ],
)
def test_each_promise_has_a_mutant_that_only_its_checker_sees(
    town: type[Town], engine: Callable[..., Engine], crashes: bool, promise: Callable[[Town], list[str]]
) -> None:
    seen: set[str] = set()
    for seed in range(40):
        seen |= set(broken(town(seed, engine, crashes).play()))

    assert seen == {promise.__name__}


def test_the_plan_of_a_town_is_drawn_by_lot() -> None:
    from random import Random

    drawn: list[Any] = [town_site(Random(seed)).plan.kinds for seed in range(5)]

    assert len({str(each) for each in drawn}) > 1
