"""Whatever people answer, and whenever: what a call-out keeps to. Each example is an evening of any answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.alarms.incident import Answer, Incident
from collector.calls.dispatch import Notice, Reason, people_of
from collector.calls.quorum import counting, missing_skills
from collector.commands import Acknowledge, Answered, Refused, SayAway, StandDown
from config.profile import Kind
from tests.scenarios.play import Play
from tests.sites import site_data, small_site

PEOPLE = ("nora", "ned", "nick", "sam", "sue", "mona", "grace", "greg", "gina", "carl")
# What is told as often as it happens, or once on each channel.
AGAIN = {
    *(Reason.NOT_ARRIVED, Reason.RESPONDER_LATE, Reason.CHANNEL_FAILED, Reason.NEXT_CHANNEL),
    *(Reason.ASKED_AGAIN, Reason.BACK),
}
WHOLE_PLAN_S = 4 * 3600


class _Evening(Play):
    """Devices that need say nothing, so that only people matter."""

    def __init__(self, data: dict[str, Any]) -> None:
        data["plan"]["device_silent_after_s"] = 86_400
        for gateway in data["gateways"]:
            gateway["silent_after_s"] = 86_400
        super().__init__(small_site(data))

    def _pulse(self) -> None:
        """Nobody listens for it."""

    @property
    def fire(self) -> Incident:
        return self.incident_of("fire")

    def notices_of_fire(self) -> list[Notice]:
        return [notice for notice in self.notices.values() if notice.incident == self.fire.id]


def _site_data(quorum: int, needs: bool, arrive_within_s: int) -> dict[str, Any]:
    data = site_data()
    fire = data["plan"]["kinds"]["fire"]
    fire |= {"quorum": quorum, "arrive_within_s": arrive_within_s, "needs": {"hydrant": 1} if needs else {}}
    for person in data["people"]:
        person["skills"] = ["hydrant"] if person["id"] in ("nick", "greg") else []
    return data


ANSWERS = st.tuples(st.sampled_from(PEOPLE), st.sampled_from([*Answer, "seen", "away"]))
STEPS = st.lists(
    st.tuples(st.integers(0, 90), st.one_of(ANSWERS, st.sampled_from(["fire", "restart", "stand-down"]))), max_size=25
)


def _do(play: _Evening, what: object) -> None:
    if what == "restart":
        play.restart()
    elif what == "fire":
        play.says("smoke-2", fire=True)
    elif what == "stand-down":
        play.acts(StandDown(play.fire.id, "nora"))
    elif isinstance(what, tuple):
        person, said = what
        if said == "seen":
            play.acts(Acknowledge(play.fire.id, person))
        elif said == "away":
            try:
                play.acts(SayAway(person, person, play.now, play.now + 600_000))
            except Refused:
                assert len(play.kept) > 10
        else:
            play.acts(Answered(play.fire.id, person, said))


def _check(play: _Evening) -> None:
    """What holds at every moment."""
    fire, notices = play.fire, play.notices_of_fire()
    assert any(notice.expects_answer for notice in notices), "somebody is called"
    told = Counter((n.person, n.reason, n.call) for n in notices if n.reason not in AGAIN)
    assert not [each for each, count in told.items() if count > 1], "nobody is told twice in a call for one reason"
    enough = len(counting(fire)) >= play.site.kind_plan(Kind.FIRE).quorum and not missing_skills(play.site, fire)
    if fire.stood_down_by is None:
        assert (fire.quorum_at_ms is not None) == enough, "enough is enough, by the answers to this call"
    if fire.quorum_at_ms is not None or fire.stood_down_by is not None:
        present = [notice for notice in notices if notice.call == fire.call and notice.superseded_at_ms is None]
        assert not [notice for notice in present if notice.expects_answer], "then nobody is called any more"


@settings(max_examples=40, deadline=None)
@given(quorum=st.integers(1, 4), needs=st.booleans(), arrive_within_s=st.sampled_from([60, 300, 7200]), steps=STEPS)
def test_whatever_people_answer_a_call_goes_on_until_it_is_enough_and_ends(
    quorum: int, needs: bool, arrive_within_s: int, steps: list[tuple[int, object]]
) -> None:
    play, at = _Evening(_site_data(quorum, needs, arrive_within_s)), 1
    play.at(at).says("smoke-1", fire=True)
    _check(play)
    for wait_s, what in steps:
        at += wait_s
        play.at(at)
        _check(play)
        _do(play, what)
        _check(play)

    away_then = {away.person for away in play.engine.roster.absences()}
    play.at(at + WHOLE_PLAN_S)

    _check(play)
    fire = play.fire
    if fire.quorum_at_ms is None and fire.stood_down_by is None and not fire.seeks:
        rings = play.site.kind_plan(Kind.FIRE).rings
        plan = {person for ring in rings for person, _ in people_of(play.site, fire.building, ring.call)}
        told = {notice.person for notice in play.notices_of_fire()} | {said.person for said in fire.responses}
        assert plan - away_then <= told, "everybody of the plan has been called"
    assert fire.next_step_at_ms is None and fire.recall_at_ms is None, "the rings have an end"
    play.says("smoke-1", fire=False).says("smoke-2", fire=False).told()  # while it burns the silent are asked again
    play.at(at + 3 * WHOLE_PLAN_S).expect_told()


@settings(max_examples=20, deadline=None)
@given(steps=STEPS, restarts=st.sets(st.integers(0, 25), max_size=4))
def test_restarts_anywhere_change_nothing(steps: list[tuple[int, object]], restarts: set[int]) -> None:
    straight, restarted = (_Evening(_site_data(2, True, 120)) for _ in range(2))
    for play, again in ((straight, set[int]()), (restarted, restarts)):
        at = 1
        play.at(at).says("smoke-1", fire=True)
        for number, (wait_s, what) in enumerate(steps):
            at += wait_s
            play.at(at)
            if what != "restart":
                _do(play, what)
            if number in again:
                play.restart()
        play.at(at + 600)

    assert restarted.incidents == straight.incidents
    assert restarted.notices == straight.notices
