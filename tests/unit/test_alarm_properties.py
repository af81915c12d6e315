"""Whatever happens in whatever order: latched until the reset, never reset in alarm, and no first hit left waiting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer, Incident
from collector.alarms.verification import STAGES, FirstHit, Stage, Step
from collector.commands import Acknowledge, Answered, Command, FalseAlarm, NeedMore, Refused, Reset, StandDown
from tests.scenarios.play import Play
from tests.sites import site_data, small_site

DEVICES = ("smoke-1", "smoke-2", "smoke-4")
PEOPLE = ("nora", "ned", "sue")
LONGEST_S = 60 + 180  # without an answer, and then without an end
METHODS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"method": "retard"},
    {"method": "count", "count": 3, "within_s": 60},
    {"method": "cross-zone", "within_s": 120},
    {"method": "positive-alarm-sequence", "staffed": [{"from": "00:00", "until": "00:00"}]},
)

Event = tuple[str, Any]
EVENTS = st.one_of(
    st.tuples(st.just("raise"), st.sampled_from(DEVICES)),
    st.tuples(st.just("clear"), st.sampled_from(DEVICES)),
    st.tuples(st.just("wait"), st.sampled_from((1, 7, 20, 61, 200))),
    st.tuples(st.just("acknowledge"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("answer"), st.tuples(st.sampled_from(PEOPLE), st.sampled_from(list(Answer)))),
    st.tuples(st.just("false-alarm"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("need-more"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("stand-down"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("reset"), st.sampled_from(PEOPLE)),
)
LIVES = st.lists(EVENTS, max_size=25)


class Latch:
    """The simple truth of one alarm: what its source says, whether it is latched, whether a person has seen it."""

    def __init__(self) -> None:
        self.active = self.latched = self.seen = False

    @property
    def phase(self) -> Phase:
        if not self.latched:
            return Phase.NORMAL
        if self.active:
            return Phase.ACKNOWLEDGED if self.seen else Phase.ACTIVE
        return Phase.AWAITING_RESET if self.seen else Phase.RETURNED


class Life:
    """A play of the small community with one zone in b-1, beside the simple truth."""

    def __init__(self, how: dict[str, Any] | None) -> None:
        data = site_data()
        devices = data["gateways"][0]["buses"][0]["devices"]
        devices.append({"id": "smoke-4", "profile": "smoke", "unit": 9, "place": {"building": "b-1", "floor": 2}})
        zone = {"id": "stairs", "name": "stairs", "building": "b-1", "members": ["smoke-1", "smoke-2", "smoke-4"]}
        data["zones"] = [zone | {"verification": how}]
        self.play = Play(small_site(data))
        self.truth = {device: Latch() for device in DEVICES}
        self.seconds = 0

    @property
    def fire(self) -> Incident | None:
        return next((each for each in self.play.engine.incidents.values() if each.kind == "fire"), None)

    def does(self, event: Event) -> None:
        word, what = event
        if word == "wait":
            self.seconds += what
            self.play.at(self.seconds)
        elif word in ("raise", "clear"):
            self._says(what, word == "raise")
        elif self.fire is not None:
            self._acts(self.fire.id, word, what)

    def _says(self, device: str, fire: bool) -> None:
        latch = self.truth[device]
        if fire and not latch.active:
            latch.active, latch.latched, latch.seen = True, True, False
        elif not fire:
            latch.active = False
        self.play.says(device, fire=fire)

    def _acts(self, incident: str, word: str, what: Any) -> None:
        command: Command = {
            "acknowledge": lambda: Acknowledge(incident, what),
            "answer": lambda: Answered(incident, *what),
            "false-alarm": lambda: FalseAlarm(incident, what),
            "need-more": lambda: NeedMore(incident, what),
            "stand-down": lambda: StandDown(incident, what),
            "reset": lambda: Reset(incident, what),
        }[word]()
        latched = [latch for latch in self.truth.values() if latch.latched]
        ready = all(latch.seen and not latch.active for latch in latched)
        try:
            self.play.acts(command)
        except Refused:
            assert word in ("need-more", "stand-down", "reset")
            return
        if word == "reset":
            assert ready, "reset while a source was in alarm, or nobody had seen it"
            for latch in latched:
                latch.latched = False
        elif word == "acknowledge" or (word == "answer" and what[1] is not Answer.CANNOT):
            for latch in latched:
                latch.seen = True

    def check(self) -> None:
        """The engine is as the simple truth is, and each fire was told to somebody."""
        for device, latch in self.truth.items():
            assert self.play.phase(f"{device}:fire") is latch.phase
        latched = any(latch.latched for latch in self.truth.values())
        assert (self.fire is not None) is latched
        if self.fire is not None:
            assert any(notice.incident == self.fire.id for notice in self.play.notices.values())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(METHODS), LIVES)
def test_an_alarm_is_latched_until_its_reset_whatever_people_and_devices_do(
    how: dict[str, Any] | None, events: list[Event]
) -> None:
    life = Life(how)
    for event in events:
        life.does(event)
        life.check()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(METHODS[1:]), LIVES)
def test_no_first_hit_waits_longer_than_its_zone_allows(how: dict[str, Any], events: list[Event]) -> None:
    life = Life(how)
    for event in events:
        life.does(event)
    waiting = life.fire is not None and life.fire.verifying

    life.does(("wait", LONGEST_S))

    assert life.fire is None or not life.fire.verifying
    if waiting:
        assert life.fire is not None and life.fire.full_call


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(METHODS), LIVES)
def test_a_restart_after_every_step_changes_no_fire(how: dict[str, Any] | None, events: list[Event]) -> None:
    once, often = Life(how), Life(how)
    for event in events:
        once.does(event)
        often.does(event)
        often.play.restart()
        often.check()

        assert _without_id(once.fire) == _without_id(often.fire)
    assert _told(once) == _told(often)


@given(st.lists(st.sampled_from(Step), max_size=20))
def test_a_first_hit_that_is_loud_stays_loud_and_doubt_never_ends_in_silence(steps: list[Step]) -> None:
    first = FirstHit(Stage.WAITING, "stairs", 0, ())
    for step in steps:
        before, first = first, first.stepped(step)
        if before.stage is Stage.LOUD:
            assert first.stage is Stage.LOUD
        if first.stage is Stage.SET_ASIDE and before.stage is not Stage.SET_ASIDE:
            assert step is Step.DISMISSED  # nothing but a person's word sets it aside
    assert set(STAGES) == set(Stage) and all(set(row) == set(Step) for row in STAGES.values())


def _without_id(incident: Incident | None) -> Incident | None:
    return None if incident is None else replace(incident, id="")


def _told(life: Life) -> list[tuple[str, str, int, int]]:
    """Who was told of fires, why, when, and how often."""
    fires = {incident.id for incident in life.play.incidents.values() if incident.kind == "fire"}
    told = [notice for notice in life.play.notices.values() if notice.incident in fires]
    return sorted((notice.person, notice.reason.value, notice.created_at_ms, notice.due) for notice in told)
