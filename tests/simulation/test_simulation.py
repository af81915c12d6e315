"""The seeded simulation: many bad days, and a mutant for every checker to prove that it sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from collector.alarms.alarm import Phase
from collector.calls.dispatch import Notice
from collector.commands import Acknowledge, Reset
from collector.session.edge import EdgeSession
from collector.session.effects import Owing, Presence
from collector.state import Decision
from config.sparkplug import DataType
from config.words import Lane, Reading, Report
from tests.simulation import run as checks
from tests.simulation.host import Host
from tests.simulation.run import CHECKERS, Run


def _broken(run: Run) -> dict[str, list[str]]:
    return {check.__name__: wrong for check in CHECKERS if (wrong := check(run))}


@pytest.mark.parametrize("seed", range(20))
def test_whatever_goes_wrong_every_promise_holds(seed: int) -> None:
    run = Run(seed).play()

    assert not _broken(run), f"seed {seed}"
    assert len(run.host.store.rows) > 100, "the run was too quiet to prove anything"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_whatever_goes_wrong_for_longer_every_promise_holds(seed: int) -> None:
    assert not _broken(Run(seed, storm_ms=600_000).play()), f"seed {seed}"


class StoresRepeats(Host):
    """Takes every repeat that its memory no longer knows for a new record."""

    def recalled(self, session: EdgeSession, report: Report, now: int) -> None:
        self.take(report, now)


class LastComeWins(Host):
    """Takes telemetry in the order of arrival."""

    arrived = 0

    def feed(self, heard: Report | Presence | Owing, now: int, complete: bool = True) -> None:
        if isinstance(heard, Report) and heard.lane is Lane.TELEMETRY:
            self.arrived += 1
            heard = replace(heard, position=self.arrived, at_ms=now, historical=False)
        super().feed(heard, now, complete)


class TurnsTroubleIntoFire(Host):
    """Takes a fault for a fire of the panel next to it."""

    def feed(self, heard: Report | Presence | Owing, now: int, complete: bool = True) -> None:
        super().feed(heard, now, complete)
        if isinstance(heard, Report) and any(r.name == "fault" and r.value for r in heard.readings):
            fire = (Reading("fire", True, DataType.BOOLEAN),)
            super().feed(replace(heard, device="panel-1", readings=fire), now, complete)


class IgnoresHistory(Host):
    """Stores what comes late, and does not judge it if it is a fire."""

    def feed(self, heard: Report | Presence | Owing, now: int, complete: bool = True) -> None:
        late = isinstance(heard, Report) and (heard.historical or heard.lane is None)
        if late and isinstance(heard, Report) and any(r.name == "fire" and r.value for r in heard.readings):
            heard = replace(heard, readings=tuple(r for r in heard.readings if r.name != "fire"))
        super().feed(heard, now, complete)


class SendsWhatChanges(Host):
    """Hands a notice over again whenever its row is written."""

    def send(self, notice: Notice) -> None:
        if notice.id not in self._sent_ids or notice.due > 1:
            super().send(notice)
            self.sent.append(notice)


class ResetsByItself(Host):
    """Unlatches as soon as a source is normal."""

    def decide(self, decision: Decision, now: int) -> None:
        super().decide(decision, now)
        for alarm in decision.alarms:
            if alarm.phase is Phase.RETURNED and alarm.incident in self.engine.incidents:
                asked = set(self.resets)
                self.act(Acknowledge(alarm.incident, "nora"), now)
                self.act(Reset(alarm.incident, "nora"), now)
                self.resets = asked


class LosesRows(Host):
    """Now and then a transaction lacks an incident."""

    def write(self, decision: Decision, now: int) -> None:
        super().write(replace(decision, incidents=decision.incidents[1:]), now)


@pytest.mark.parametrize(
    ("mutant", "checker", "restarts"),
    [
        (StoresRepeats, checks.every_record_is_stored_exactly_once, True),
        (LastComeWins, checks.the_newest_reading_wins, False),
        (TurnsTroubleIntoFire, checks.no_alarm_without_a_true_trip, True),
        (IgnoresHistory, checks.every_true_trip_is_noticed, True),
        (SendsWhatChanges, checks.nobody_is_told_twice, True),
        (ResetsByItself, checks.latched_until_reset, True),
        (LosesRows, checks.stored_is_what_the_engine_holds, False),
    ],
)
def test_each_checker_sees_its_mutant_and_only_that(
    mutant: type[Host], checker: Callable[[Run], list[str]], restarts: bool
) -> None:
    for seed in range(10):
        broken = _broken(Run(seed, mutant, restarts).play())
        if broken:
            assert set(broken) == {checker.__name__}, broken
            return
    raise AssertionError(f"{checker.__name__} did not see {mutant.__name__}")


def test_the_same_seed_is_the_same_day() -> None:
    one, other = Run(7).play(), Run(7).play()

    assert one.host.store.rows == other.host.store.rows
    assert one.host.store.entries == other.host.store.entries
