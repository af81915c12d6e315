"""A restart in the middle changes nothing: the store's rows are all that the engine needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collector.alarms.incident import Answer
from collector.commands import Answered, Reset
from tests.scenarios.play import Play

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
