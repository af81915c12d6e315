"""Judgements of `callpoint doctor` that need no machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from collector.findings import Finding, Standing, of_certificate, of_clock, of_disk, of_mode

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("free_gb", "standing"), [(40, Standing.WELL), (1.9, Standing.DOUBTFUL), (0.2, Standing.WRONG)]
)
def test_a_full_disk_is_told_before_it_is_full(free_gb: float, standing: Standing) -> None:
    found = of_disk("/var/lib/callpoint", round(free_gb * 1e9))
    assert found.standing is standing and "/var/lib/callpoint" in found.said


@pytest.mark.parametrize(
    ("now", "synchronized", "standing"),
    [
        (NOW, True, Standing.WELL),
        (NOW, False, Standing.DOUBTFUL),
        (NOW, None, Standing.UNKNOWN),
        (datetime(1970, 1, 1, tzinfo=UTC), True, Standing.WRONG),
    ],
)
def test_a_clock_that_was_never_set_is_wrong_whoever_keeps_it(
    now: datetime, synchronized: bool | None, standing: Standing
) -> None:
    assert of_clock(now, synchronized).standing is standing


@pytest.mark.parametrize(
    ("days", "standing"), [(60, Standing.WELL), (20, Standing.DOUBTFUL), (0, Standing.WRONG), (-5, Standing.WRONG)]
)
def test_a_certificate_is_doubted_three_weeks_before_it_ends(days: int, standing: Standing) -> None:
    assert of_certificate("broker", NOW + timedelta(days=days), NOW).standing is standing


@pytest.mark.parametrize(("mode", "standing"), [(0o100600, Standing.WELL), (0o100640, Standing.WRONG)])
def test_a_secret_that_others_can_read_is_wrong(mode: int, standing: Standing) -> None:
    assert of_mode("/x", mode).standing is standing


def test_whatever_is_not_well_says_how_to_mend_it() -> None:
    found: list[Finding] = [
        of_disk("/", 0),
        of_clock(NOW, False),
        of_certificate("broker", NOW, NOW),
        of_mode("/x", 0o644),
    ]
    assert all(each.mend for each in found)
