"""Inspection and replacement dates: warned of a fortnight before, told when passed, ended by an inspection."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from collector.commands import Inspected
from collector.equipment.duedates import Due, Inspection, Standing, Task
from config.site import Site
from tests.scenarios.play import START_MS, Play
from tests.sites import site_data, small_site

HOUR_S, DAY_S = 3600, 86_400
TODAY = date(2025, 6, 15)  # the day on which a scenario begins, at 23:06 in Shanghai
DUE, OVERDUE = "ext-1:inspection_due", "ext-1:inspection_overdue"


def site(**upkeep: Any) -> Site:
    """The small site with nothing but ext-1 in it, an extinguisher with these dates."""
    data = site_data()
    data["plan"]["device_silent_after_s"] = DAY_S
    data["plan"]["pulse"] = None
    gateway = data["gateways"][0]
    (extinguisher,) = (each for each in gateway["buses"][0]["devices"] if each["id"] == "ext-1")
    extinguisher["upkeep"] = upkeep
    gateway["buses"][0]["devices"], gateway["silent_after_s"] = [extinguisher], DAY_S
    data["gateways"] = [gateway]
    return small_site(data)


def play_with(**upkeep: Any) -> Play:
    return Play(site(**upkeep), pulse_s=HOUR_S)


def test_an_inspection_is_warned_of_14_days_before_in_the_morning_and_a_trouble_when_it_has_passed() -> None:
    play = play_with(inspected="2024-07-03")  # due on 2025-07-03; the warning begins on 2025-06-19 at 9
    play.at(3.4 * DAY_S - 600)
    assert not play.engine.alarms

    play.at(3.42 * DAY_S)
    assert list(play.engine.alarms) == [DUE] and play.alarms[DUE].value == "2025-07-03"
    assert play.incident.condition == "supervisory"
    assert {notice.person for notice in play.told()} == {"mona", "nora"}

    play.at(18.42 * DAY_S)
    assert list(play.engine.alarms) == [OVERDUE]
    assert play.incident_of("fault").condition == "trouble"


def test_nobody_is_woken_by_a_date() -> None:
    play = play_with(inspected="2024-07-03", replace_by="2025-07-20").at(60 * DAY_S)

    hours = {play.site.local(entry.at_ms).hour for entry in play.events("alarm-raised")}

    assert hours == {9} and len(play.events("alarm-raised")) == 4


def test_an_inspection_that_is_told_ends_the_trouble_and_sets_the_next_date() -> None:
    play = play_with(inspected="2024-01-01").at(12 * HOUR_S)
    assert list(play.engine.alarms) == [OVERDUE]

    play.acts(Inspected("ext-1", "ned", date(2025, 6, 16)))

    assert not play.engine.alarms and not play.engine.incidents
    assert play.engine.due_dates.due(play.now) == [Due("ext-1", Task.INSPECTION, date(2026, 6, 16), Standing.FAR)]
    assert [entry.person for entry in play.events("inspected")] == ["ned"]


def test_an_inspection_outlives_a_restart_and_the_same_said_twice_changes_nothing() -> None:
    play = play_with(inspected="2024-01-01").at(12 * HOUR_S)
    play.acts(Inspected("ext-1", "ned", TODAY)).restart()
    assert not play.engine.alarms

    assert play.engine.act(Inspected("ext-1", "nora", TODAY), play.now).empty
    play.at(2 * DAY_S)
    assert not play.engine.alarms
    assert play.engine.kept(Inspection)["ext-1"].person == "ned"


def test_a_restart_in_the_middle_keeps_what_is_due_and_tells_nobody_twice() -> None:
    play = play_with(inspected="2024-07-03").at(5 * DAY_S)
    assert play.told()

    play.restart().at(6 * DAY_S)

    assert list(play.engine.alarms) == [DUE] and not play.told()


def test_a_date_that_the_site_takes_back_is_over_and_a_device_that_has_gone_leaves_nothing() -> None:
    play = play_with(inspected="2024-01-01").at(12 * HOUR_S)

    play.restart(site(inspected="2025-06-01")).at(DAY_S)

    assert not play.engine.alarms
    play.acts(Inspected("ext-1", "ned", TODAY))
    data = site_data()
    data["gateways"] = data["gateways"][1:]
    play.restart(small_site(data)).at(DAY_S + 60)
    assert not [item for item in play.kept.values() if isinstance(item, Inspection)]


def test_a_replacement_date_is_warned_of_and_told_like_an_inspection() -> None:
    play = play_with(replace_by="2025-06-20").at(12 * HOUR_S)
    assert list(play.engine.alarms) == ["ext-1:replacement_due"]

    play.at(6 * DAY_S)

    assert list(play.engine.alarms) == ["ext-1:replacement_overdue"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Inspected("ext-9", "ned", TODAY), "unknown-device"),
        (Inspected("ext-1", "nobody", TODAY), "unknown-person"),
        (Inspected("ext-1", "ned", date(2025, 6, 16)), "not-yet"),
        (Inspected("ext-1", "ned", date(2023, 12, 31)), "already-newer"),
    ],
)
def test_an_inspection_that_cannot_be_is_refused_and_changes_nothing(command: Inspected, reason: str) -> None:
    play = play_with(inspected="2024-01-01")

    assert play.site.local(START_MS).date() == TODAY
    assert play.refused(command) == reason


def test_a_device_without_upkeep_has_nothing_to_inspect() -> None:
    assert Play().refused(Inspected("ext-1", "ned", TODAY)) == "no-upkeep"


def test_a_clock_that_was_set_back_looks_again_at_what_is_due() -> None:
    play = play_with(inspected="2024-07-03").at(20 * DAY_S)
    assert list(play.engine.alarms) == [OVERDUE]

    early = play.engine.wake(START_MS)

    assert early.empty and list(play.engine.alarms) == [OVERDUE]


@pytest.mark.parametrize("last", ["9999-12-31", "0001-01-01"])
def test_a_date_at_the_end_of_the_calendar_breaks_nothing(last: str) -> None:
    play = play_with(inspected=last, replace_by=last).at(12 * HOUR_S)

    assert len(play.engine.due_dates.due(play.now)) == 2
