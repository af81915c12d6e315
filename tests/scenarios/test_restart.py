"""A restart in the middle changes nothing: the store's rows are all that the engine needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collector.alarms.incident import Answer
from collector.commands import Answered, Reset
from tests.scenarios.play import Play

HOUR = 3600

STEPS: tuple[Callable[[_Play], object], ...] = (
    lambda p: p.at(0).says("smoke-1", fire=True),
    lambda p: p.at(4).says("smoke-2", fire=True),
    lambda p: p.at(12).acknowledges("ned"),
    lambda p: p.at(15).fails(next(n for n in p.notices.values() if n.person == "nick" and n.call == 2)),
    lambda p: p.at(33).says("ext-1", pressure_kpa=900.0).says("smoke-1", fire=False),
    lambda p: p.at(45),
    lambda p: p.at(50).answers_fire("sam", Answer.GOING),
    lambda p: p.at(70).says("smoke-2", fire=False),
    lambda p: p.at(75).answers_fire("ned", Answer.ARRIVED),
    lambda p: p.at(80).says("smoke-1", fire=True),
    lambda p: p.at(90).says("smoke-1", fire=False).answers_fire("ned", Answer.GOING),
    lambda p: p.at(95).answers_fire("ned", Answer.ARRIVED),
    lambda p: p.at(100).resets_fire("ned"),
    lambda p: p.at(700),
    lambda p: p.at(710).says("ext-1", pressure_kpa=1100.0),
)


class _Play(Play):
    def answers_fire(self, person: str, answer: Answer) -> None:
        self.acts(Answered(self.incident_of("fire").id, person, answer))

    def resets_fire(self, person: str) -> None:
        self.acts(Reset(self.incident_of("fire").id, person))


def _played(restart_after: int | None) -> _Play:
    play = _Play()
    for number, step in enumerate(STEPS):
        step(play)
        if number == restart_after:
            play.restart()
    return play


@pytest.mark.parametrize("restart_after", range(len(STEPS)))
def test_a_restart_in_the_middle_changes_nothing(restart_after: int) -> None:
    straight, restarted = _played(None), _played(restart_after)

    assert restarted.alarms == straight.alarms
    assert restarted.incidents == straight.incidents
    assert restarted.notices == straight.notices
    assert [e for e in restarted.entries if e.incident] == [e for e in straight.entries if e.incident]


def test_what_the_engine_holds_is_what_the_decisions_said() -> None:
    play = _Play()
    for step in STEPS:
        step(play)
        kept = play.restored()
        assert dict(play.engine.alarms) == {alarm.key: alarm for alarm in kept.alarms}
        assert dict(play.engine.incidents) == {incident.id: incident for incident in kept.incidents}
        assert dict(play.engine.notices) == {notice.id: notice for notice in kept.notices}
    assert not play.engine.incidents


def test_a_call_out_goes_on_in_time_though_the_clock_is_behind_after_a_restart() -> None:
    play = Play()
    play.at(2 * HOUR).says("smoke-1", fire=True).at(2 * HOUR + 15).told()

    play.now -= HOUR * 1000
    play.restart().at(HOUR + 15 + 30)

    assert {"sam", "sue", "ned"} <= {notice.person for notice in play.told()}  # the next ring; who is silent again
    assert len(play.events("clock-set-back")) == 1
    play.restart().at(HOUR + 50).says("smoke-2", fire=True).at(HOUR + 60)
    assert play.incident_of("fire").call == 2  # another device calls anew at once
    assert len(play.events("clock-set-back")) == 1


def test_a_restart_with_a_good_clock_moves_no_deadline() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).answers("ned", Answer.GOING)
    before = play.incident

    play.restart()

    assert play.incident == before and not play.events("clock-set-back")
