"""Promises of how a query of a dashboard is filled in: as Grafana does it."""

from __future__ import annotations

import pytest

from dashboards.asking import ALL, Chosen, View, fill

HOUR_MS = 3_600_000
VIEW = View(
    10 * HOUR_MS,
    16 * HOUR_MS,
    {
        "one": Chosen("b-1 (east)"),
        "many": Chosen(("b-1 (east)", "b.2"), many=True, options=("b-1 (east)", "b.2", "b3")),
        "all": Chosen(ALL, options=("x", "y"), all_value=".*"),
        "every": Chosen((ALL,), many=True, options=("x", "y.z")),
        "none": Chosen(""),
    },
)


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ("\"b\" = '$one'", "\"b\" = 'b-1 (east)'"),
        ('"b" =~ /^$one$/', '"b" =~ /^b-1 \\(east\\)$/'),
        ('"b" !~ /^${one}$/', '"b" !~ /^b-1 \\(east\\)$/'),
        ('"b" =~ /^${one:raw}$/', '"b" =~ /^b-1 (east)$/'),
        ('"b" =~ /^$many$/', '"b" =~ /^(b-1 \\(east\\)|b\\.2)$/'),
        ("mean(/^(mean_)?$many$/)", "mean(/^(mean_)?(b-1 \\(east\\)|b\\.2)$/)"),
        ('"b" =~ /^$all$/', '"b" =~ /^.*$/'),
        ('"b" =~ /^$every$/', '"b" =~ /^(x|y\\.z)$/'),
        ("tz('$none')", "tz('')"),
        ("$timeFilter", "time >= 36000000ms and time <= 57600000ms"),
        ("time > ${__to}ms - 30m", "time > 57600000ms - 30m"),
        ("$__to - $__from", "57600000 - 36000000"),
        ("time($__interval)", "time(1m)"),
    ],
)
def test_a_variable_becomes_what_grafana_makes_of_it(query: str, filled: str) -> None:
    assert fill(query, VIEW) == filled


@pytest.mark.parametrize(
    ("hours", "least", "interval"),
    [
        (1, None, "1m"),
        (24, None, "1m"),
        (48, None, "2m"),
        (24 * 30, None, "30m"),
        (24 * 365, None, "6h"),
        (1, "1h", "1h"),
    ],
)
def test_an_interval_follows_the_range_and_is_no_finer_than_its_panel(
    hours: int, least: str | None, interval: str
) -> None:
    assert fill("$__interval", View(0, hours * HOUR_MS), interval=least) == interval


def test_a_panel_of_a_range_of_its_own_begins_there() -> None:
    assert fill("$timeFilter", VIEW, time_from="1d") == "time >= -28800000ms and time <= 57600000ms"


def test_a_variable_that_the_dashboard_lacks_is_no_empty_text() -> None:
    with pytest.raises(KeyError):
        fill("$nothing", VIEW)
