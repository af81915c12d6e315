"""What is worth a record: transitions, deadband, heartbeat, quality."""

from __future__ import annotations

from typing import Any

import pytest

from config.profile import points_of
from config.words import Lane, Quality, Reading
from gateway.report import Reporter
from tests.gateway_parts import FIRE, profile, register

PERIOD_S = {"state": 0.25, "fire": 0.25, "state/unknown": 0.25, "level": 10.0}


class Device:
    """A device with a state word and one measurement, and its reporter."""

    def __init__(self, **level: Any) -> None:
        points = {"state": register(0, bits={"fire": FIRE}), "level": register(1, **level)}
        self.points = {point.name: point for point in points_of(profile(points))}
        self.reporter = Reporter(list(self.points.values()), PERIOD_S)

    def hear(self, mono_ms: int, **values: Any) -> dict[Lane, list[tuple[str, Any]]]:
        readings = [Reading(name, value, self.points[name].datatype) for name, value in values.items()]
        said = self.reporter.take(readings, mono_ms)
        return {lane: [(reading.name, reading.value) for reading in found] for lane, found in said.items()}


def test_the_first_reading_is_reported_whatever_it_is() -> None:
    device = Device()

    assert device.hear(0, fire=False, level=0) == {Lane.ALARM: [("fire", False)], Lane.TELEMETRY: [("level", 0)]}


def test_every_transition_of_the_alarm_lane_is_reported_and_nothing_between() -> None:
    device = Device()
    device.hear(0, fire=False)

    said = [
        device.hear(t, fire=value).get(Lane.ALARM) for t, value in enumerate([False, True, True, False, True, False])
    ]

    assert said == [None, [("fire", True)], None, [("fire", False)], [("fire", True)], [("fire", False)]]


@pytest.mark.parametrize(
    ("deadband", "values", "reported"),
    [
        (0, [10, 10, 11, 11, 10], [10, 11, 10]),
        (5, [10, 14, 15, 11, 10, 20], [10, 15, 10, 20]),
        (5, [10, 12, 14, 16, 18, 20], [10, 16]),  # a slow drift adds up: it is measured from the last report
    ],
)
def test_telemetry_is_reported_past_its_deadband(deadband: float, values: list[int], reported: list[int]) -> None:
    device = Device(deadband=deadband, heartbeat_s=3600)

    said = [device.hear(t * 10, level=value).get(Lane.TELEMETRY) for t, value in enumerate(values)]

    assert [found[0][1] for found in said if found] == reported


def test_an_unchanged_value_is_repeated_before_its_heartbeat_runs_out() -> None:
    device = Device(heartbeat_s=60)

    spoke_s = [t for t in range(0, 200, 10) if Lane.TELEMETRY in device.hear(t * 1000, level=7)]

    assert spoke_s == [0, 50, 100, 150]  # the next poll, at 60 s, would come too late


def test_a_lost_value_and_its_return_are_changes_with_their_cause() -> None:
    device = Device(deadband=100, heartbeat_s=3600)
    device.hear(0, level=7, fire=True)

    lost = device.reporter.lose(list(device.points.values()), "no answer within 300 ms", Quality.STALE, 1)
    again = device.reporter.lose(list(device.points.values()), "no answer within 300 ms", Quality.STALE, 2)
    back = device.hear(3, level=7, fire=True)

    for reading in (*lost[Lane.ALARM], *lost[Lane.TELEMETRY]):
        assert (reading.value, reading.quality, reading.cause) == (None, Quality.STALE, "no answer within 300 ms")
    assert again == {}
    assert back == {Lane.ALARM: [("fire", True)], Lane.TELEMETRY: [("level", 7)]}


def test_another_cause_for_no_value_is_a_change() -> None:
    device = Device()
    points = list(device.points.values())
    device.reporter.lose(points, "no answer within 300 ms", Quality.STALE, 0)

    said = device.reporter.lose(points, "exception 2 illegal data address", Quality.BAD, 1)

    assert {reading.cause for reading in said[Lane.ALARM]} == {"exception 2 illegal data address"}


def test_a_device_with_conditions_only_still_gives_a_sign_of_life() -> None:
    points = points_of(profile({"state": register(0, bits={"fire": FIRE}, heartbeat_s=60)}))
    reporter = Reporter(points, PERIOD_S)
    word = [Reading("state", 1, points[0].datatype), Reading("fire", False, points[1].datatype)]

    spoke_s = [t / 4 for t in range(0, 600) if reporter.take(word, t * 250)]

    assert spoke_s == [0, 59.75, 119.5]


def test_a_birth_shows_what_is_read_now_not_what_was_reported() -> None:
    device = Device(deadband=100)
    device.hear(0, level=7, fire=False)
    device.hear(1, level=8)

    present = {reading.name: reading.value for reading in device.reporter.present}

    assert present == {"state": None, "fire": False, "state/unknown": None, "level": 8}
