"""Disablements and walk tests in any order, with restarts anywhere: what must hold whatever people do."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from collector.alarms.alarm import LATCHING
from collector.alarms.incident import Answer
from collector.alarms.measures import MINUTE_MS, Disablement, Scope, WalkTest, disables, under_test
from collector.alarms.route import Mode
from collector.alarms.rules import rules_of
from collector.commands import (
    Acknowledge,
    Answered,
    Command,
    Disable,
    Enable,
    EndWalkTest,
    Refused,
    RenewDisablement,
    Reset,
    StandDown,
    StartWalkTest,
)
from config.profile import Condition
from config.site import Site
from tests.scenarios.play import START_MS, Play
from tests.sites import site_data, small_site

STEPS = 120
PEOPLE = ("nora", "ned", "mona", "carl", "sue")
TARGETS = ((Scope.DEVICE, "smoke-1"), (Scope.DEVICE, "smoke-2"), (Scope.ZONE, "stairs"), (Scope.BUILDING, "b-1"))
POINTS = ("fire", "heat", "fault", "pre_alarm")


def _site() -> Site:
    data = site_data()
    data["zones"] = [{"id": "stairs", "name": "Stairs", "building": "b-1", "members": ["smoke-1", "smoke-2"]}]
    return small_site(data)


def _command(random: Random, play: Play) -> Command:
    """Something that somebody might do; it may be refused."""
    person, minutes = random.choice(PEOPLE), random.randint(1, 20)
    disablements, tests = list(play.engine.kept(Disablement)), list(play.engine.kept(WalkTest))
    incidents = sorted(play.engine.incidents)
    scope, target = random.choice(TARGETS)
    choices: list[Command] = [
        Disable(scope, target, person, "why", minutes, random.choice((None, "ned", "sue"))),
        StartWalkTest(person, (random.choice(("smoke-1", "smoke-2")),), minutes),
    ]
    if disablements:
        name = random.choice(disablements)
        choices += [Enable(name, person), RenewDisablement(name, person, minutes)]
    if tests:
        choices.append(EndWalkTest(random.choice(tests), person))
    if incidents:
        name = random.choice(incidents)
        answer = Answered(name, person, random.choice(list(Answer)))
        choices += [Acknowledge(name, person), answer, Reset(name, person), StandDown(name, person)]
    return random.choice(choices)


def _check(play: Play) -> None:
    site, engine, now = play.site, play.engine, play.now
    disablements, tests = engine.kept(Disablement).values(), engine.kept(WalkTest).values()
    for item in disablements:
        assert now < item.until_ms <= now + item.length_ms
        assert item.key in engine.alarms
    for test in tests:
        assert not test.running or now < test.until_ms
    for alarm in engine.alarms.values():
        if alarm.route.mode is Mode.LIVE or not alarm.source_active:
            continue
        (rule,) = rules_of(site, site.devices[alarm.device])[alarm.point]
        tested = any(under_test(site, each, rule) and each.id == alarm.route.id for each in tests)
        aside = any(disables(site, each, rule) and each.id == alarm.route.id for each in disablements)
        assert tested or aside, f"{alarm.key} is kept aside by nothing"
        if tested:
            assert alarm.phase.value in ("active", "acknowledged")
    for incident in engine.incidents.values():
        held = [alarm for alarm in engine.alarms.values() if alarm.incident == incident.id]
        assert held, f"{incident.id} is open for nothing"
        assert all(alarm.route == incident.route for alarm in held)
        if incident.route.mode is Mode.LIVE and incident.kind == "fire":
            loud = any(alarm.condition in LATCHING for alarm in held)
            assert incident.full_call == loud
        else:
            assert not incident.full_call
    for notice in play.notices.values():
        if play.incidents[notice.incident].route.mode is Mode.WALK_TEST:
            assert not notice.expects_answer


def _played(seed: int, restarts: float) -> Play:
    random, when = Random(seed), Random(-seed)
    play = Play(_site())
    for _ in range(STEPS):
        play.at((play.now - START_MS) / 1000 + random.choice((0, 1, 7, 30, 200)))
        if random.random() < 0.6:
            play.says(random.choice(("smoke-1", "smoke-2")), **{random.choice(POINTS): random.random() < 0.5})
        else:
            command = _command(random, play)
            with suppress(Refused):
                play.acts(command)
        if when.random() < restarts:
            play.restart()
        _check(play)
    return play


@pytest.mark.parametrize("seed", range(1, 13))
def test_nothing_is_kept_aside_longer_than_its_measure_and_a_restart_anywhere_changes_nothing(seed: int) -> None:
    straight, restarted = _played(seed, 0), _played(seed, 0.3)

    assert restarted.alarms == straight.alarms
    assert restarted.incidents == straight.incidents
    assert restarted.notices == straight.notices
    assert restarted.kept == straight.kept
    assert any(alarm.condition is Condition.ALARM for alarm in straight.alarms.values())


def test_no_measure_outlives_its_longest_time() -> None:
    play = _played(99, 0.1)

    play.at((play.now - START_MS) / 1000 + 21 * MINUTE_MS / 1000)

    assert not play.engine.kept(Disablement)
    assert not any(test.running for test in play.engine.kept(WalkTest).values())
    aside = [alarm for alarm in play.engine.alarms.values() if alarm.route.mode is not Mode.LIVE]
    assert not any(alarm.source_active for alarm in aside)
