"""Which class outranks which, and what counts as another source."""

from __future__ import annotations

import pytest

from collector.alarms.incident import PRIORITY, Source, detector_of, is_new_source, outranks

GENERAL, ONE, TWO, OTHER = Source("panel", None), Source("panel", 1), Source("panel", 2), Source("smoke", None)


def test_alarm_outranks_pre_alarm_outranks_supervisory_outranks_trouble() -> None:
    assert [condition.value for condition in PRIORITY] == ["alarm", "pre-alarm", "supervisory", "trouble"]
    for rank, condition in enumerate(PRIORITY):
        assert [other for other in PRIORITY if outranks(condition, other)] == list(PRIORITY[rank + 1 :])


@pytest.mark.parametrize(
    ("source", "others", "new"),
    [
        (OTHER, set(), True),
        (OTHER, {OTHER}, False),
        (OTHER, {GENERAL, ONE}, True),
        (ONE, {GENERAL}, False),  # the general flag came first, this says which detector
        (GENERAL, {ONE}, False),
        (TWO, {ONE}, True),
        (TWO, {GENERAL, ONE}, True),
        (ONE, {GENERAL, ONE}, False),
        (ONE, {OTHER}, True),
        (GENERAL, {OTHER}, True),
    ],
)
def test_another_place_is_another_source(source: Source, others: set[Source], new: bool) -> None:
    assert is_new_source(source, others) is new


@pytest.mark.parametrize(
    ("point", "detector"),
    [("detector/3/fire", 3), ("fire", None), ("state/unknown", None), ("detector/x/fire", None)],
)
def test_the_detector_is_in_the_points_name(point: str, detector: int | None) -> None:
    assert detector_of(point) == detector
