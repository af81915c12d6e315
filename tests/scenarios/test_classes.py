"""Alarm, pre-alarm, supervisory, trouble, disabled and test are flags of their own: what each does and never does.

Played with the shipped profiles: smoke-1 is a detector SM-1, panel-1 a fire panel FP-1 with a call point on its loop.
"""

from __future__ import annotations

from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.calls.dispatch import Reason
from config.document import Document
from config.loader import SHIPPED_PROFILES, read_profile
from config.profile import Condition, Profile, points_of
from tests.scenarios.play import Play
from tests.sites import site_data, small_site

NORTH = ("nora", "ned", "nick")
SOUTH = ("sam", "sue")


def _shipped(name: str) -> Profile:
    document = Document()
    profile = read_profile(SHIPPED_PROFILES / f"{name}.yaml", document)
    assert profile is not None, document.mistakes
    return profile


SM_1, FP_1 = _shipped("sm-1"), _shipped("fp-1")


def real() -> Play:
    data = site_data()
    data["gateways"][1]["buses"][0]["devices"][1]["detectors"][2]["type"] = "manual-call-point"
    return Play(small_site(data, smoke=SM_1, panel=FP_1))


def names(profile: Profile, *classes: Condition, detectors: tuple[int, ...] = ()) -> list[str]:
    points = points_of(profile, detectors)
    return [point.name for point in points if point.condition in classes and not point.name.endswith("/unknown")]


def kinds(play: Play) -> set[str]:
    return {incident.kind.value for incident in play.engine.incidents.values()}


@pytest.mark.parametrize("point", names(SM_1, Condition.TROUBLE))
def test_a_fault_a_dirty_chamber_or_a_removed_head_is_trouble_and_never_fire(point: str) -> None:
    play = real()

    play.at(0).says("smoke-1", **{point: True}).at(3600)

    assert kinds(play) == {"fault"}
    assert play.alarms[f"smoke-1:{point}"].condition is Condition.TROUBLE
    assert not any(incident.full_call for incident in play.engine.incidents.values())


@pytest.mark.parametrize("point", names(FP_1, Condition.TROUBLE, detectors=(1,)))
def test_a_panels_faults_and_those_on_its_loop_are_trouble_and_never_fire(point: str) -> None:
    play = real()

    play.at(0).says("panel-1", **{point.replace("/", "__"): True}).at(3600)

    assert kinds(play) == {"fault"}
    assert not any(incident.full_call for incident in play.engine.incidents.values())


@pytest.mark.parametrize("trouble", names(SM_1, Condition.TROUBLE, Condition.DISABLED))
@pytest.mark.parametrize("first", [True, False])
def test_a_device_in_trouble_still_raises_a_fire(trouble: str, first: bool) -> None:
    play = real()
    if first:
        play.at(0).says("smoke-1", **{trouble: True})
    play.at(100).told()

    play.says("smoke-1", fire=True, **{trouble: True})

    told = [notice for notice in play.told() if notice.incident == play.incident_of("fire").id]
    assert {notice.person for notice in told} == set(NORTH)
    assert play.incident_of("fire").full_call


def test_the_word_that_nobody_knows_is_a_trouble_that_quotes_it() -> None:
    play = real()

    play.at(0).says("smoke-1", state__unknown=0x4004)

    assert kinds(play) == {"fault"}
    assert play.alarms["smoke-1:state/unknown"].value == "0x4004"
    play.at(10).says("smoke-1", state__unknown=0)
    assert not play.engine.incidents


def test_a_fire_in_test_mode_is_a_fire() -> None:
    play = real()
    play.at(0).says("smoke-1", test=True).expect_told()

    play.at(5).says("smoke-1", fire=True, test=True)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert play.phase("smoke-1:test") is Phase.ACTIVE


def test_a_panels_frame_of_fire_with_its_normal_bit_unset_is_a_fire() -> None:
    play = real()

    play.at(0).says("panel-1", fire=True, test=True)  # the widely copied vendor example: state word 02 00

    play.expect_told(*SOUTH, reason=Reason.OWN_TEAM)


@pytest.mark.parametrize("flag", ["test", "disabled"])
def test_test_and_disabled_are_shown_and_call_nobody(flag: str) -> None:
    play = real()

    play.at(0).says("panel-1", **{flag: True}).at(3600)

    assert play.phase(f"panel-1:{flag}") is Phase.ACTIVE
    assert not play.engine.incidents and not play.told()


def test_a_pre_alarm_is_told_and_calls_nobody_out_until_it_is_an_alarm() -> None:
    play = real()
    play.at(0).says("panel-1", detector__1__pre_alarm=True)
    assert not play.incident.full_call and {notice.person for notice in play.told()} == {"sam"}

    play.at(5).says("panel-1", detector__1__pre_alarm=False, detector__1__fire=True)

    assert play.incident.full_call and {notice.person for notice in play.told()} == set(SOUTH)
    assert play.phase("panel-1:detector/1/pre_alarm") is Phase.NORMAL


def test_supervisory_is_neither_fire_nor_trouble() -> None:
    play = real()

    play.at(0).says("panel-1", supervisory=True)

    assert kinds(play) == {"equipment"}
    assert play.incident.condition is Condition.SUPERVISORY and not play.incident.full_call


def test_one_device_holds_every_class_at_once() -> None:
    play = real()
    flags: dict[str, Any] = dict.fromkeys(("fire", "fault", "disabled", "supervisory", "test"), True)

    play.at(0).says("panel-1", **flags, detector__2__pre_alarm=True)

    held = {alarm.condition for alarm in play.engine.alarms.values()}
    assert held == {condition for condition in Condition if condition.is_flag}
    assert play.told()[0].incident == play.incident_of("fire", "b-3").id  # the fire before all else


def test_the_end_of_a_trouble_ends_no_fire_and_the_end_of_a_fire_no_trouble() -> None:
    play = real()
    play.at(0).says("smoke-1", fire=True, fault=True)

    play.at(5).says("smoke-1", fire=True, fault=False)
    assert play.phase("smoke-1:fire") is Phase.ACTIVE and kinds(play) == {"fire"}
    play.at(10).says("smoke-1", fire=False, fault=True)

    assert play.phase("smoke-1:fire") is Phase.RETURNED and kinds(play) == {"fire", "fault"}
