"""Trends, inspections and what is due, over the API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.scenarios.test_pressure import gauge
from tests.scenarios.test_smoke_trend import head
from tests.sites import site_data, small_site
from tests.web.scene import BEARER, scene

Answers = dict[str, tuple[int, Any]]


def ask(folder: Path, *questions: tuple[str, str, Any], heard: tuple[tuple[str, str, Any], ...] = ()) -> Answers:
    """Every question's status and body, one after the other, after the devices said this."""
    data = site_data()
    devices = data["gateways"][0]["buses"][0]["devices"]
    devices[2]["upkeep"] = {"contents": "powder", "inspected": "2025-03-10", "replace_by": "2026-02-01"}
    site = small_site(data, pressure=gauge(), smoke=head())

    async def run() -> Answers:
        async with scene(folder, site=site) as stage:
            for device, point, value in heard:
                stage.hear(device, point, value)
            found: Answers = {}
            for method, path, body in questions:
                headers = BEARER if method == "POST" else {}
                answer = await stage.client.request(method, f"/api/v1{path}", json=body, headers=headers)
                found[f"{method} {path}"] = (answer.status_code, answer.json())
            return found

    return asyncio.run(run())


def test_a_trend_says_what_is_known_and_how_many_days_are_still_needed(tmp_path: Path) -> None:
    said = (("ext-1", "air_c", 0.0), ("ext-1", "pressure_kpa", 1110.0))
    status, trend = ask(tmp_path, ("GET", "/devices/ext-1/trend", None), heard=said)["GET /devices/ext-1/trend"]

    assert status == 200 and trend["smoke"] is None
    assert trend["pressure"]["pressure_at_20c_kpa"] == 1198.7 and trend["pressure"]["cause"] == "at-20c"
    assert (trend["pressure"]["verdict"], trend["pressure"]["slope_kpa_per_month"]) == ("unknown", None)
    assert trend["pressure"]["days_needed"] > 20
    assert f"{trend['pressure']['days_needed']} more days" in trend["text"]["en"] and "还需要" in trend["text"]["zh"]
    assert "its first day is still being measured" in trend["text"]["en"]
    assert "第一天" in trend["text"]["zh"] and "0天" not in trend["text"]["zh"].partition("。")[0]


def test_a_trend_without_a_temperature_says_so_and_gives_its_bounds(tmp_path: Path) -> None:
    said = (("ext-1", "pressure_kpa", 1110.0),)
    _, trend = ask(tmp_path, ("GET", "/devices/ext-1/trend", None), heard=said)["GET /devices/ext-1/trend"]

    pressure = trend["pressure"]
    assert (pressure["pressure_at_20c_kpa"], pressure["cause"]) == (None, "no-temperature")
    assert pressure["at_20c_from_kpa"] < 1000 < 1300 < pressure["at_20c_to_kpa"]


def test_a_smoke_detectors_trend_is_its_clean_air_and_its_dirt(tmp_path: Path) -> None:
    said = (("smoke-1", "obscuration_db_m", 0.03),)
    _, trend = ask(tmp_path, ("GET", "/devices/smoke-1/trend", None), heard=said)["GET /devices/smoke-1/trend"]

    assert trend["pressure"] is None
    assert trend["smoke"]["clean_air_db_m"] == 0.03 and trend["smoke"]["contamination_percent"] == 20.0
    assert (trend["smoke"]["learnt"], trend["smoke"]["level"]) == (False, None)


def test_what_has_no_trend_or_is_unknown_says_so(tmp_path: Path) -> None:
    paths = ("/devices/lift-1/trend", "/devices/ext-1/trend?detector=3", "/devices/nothing/trend")
    found = ask(tmp_path, *(("GET", path, None) for path in paths))

    assert [status for status, _ in found.values()] == [404, 404, 404]
    assert [body["reason"] for _, body in found.values()] == ["no-trend", "no-trend", "unknown-device"]


def test_what_is_due_is_listed_and_an_inspection_takes_it_off_the_list(tmp_path: Path) -> None:
    found = ask(
        tmp_path,
        ("GET", "/due", None),
        ("POST", "/devices/ext-1/inspection", {"person": "ned", "on": "2026-03-02"}),
        ("GET", "/due?days=30", None),
        ("GET", "/devices/ext-1/inspection", None),
    )

    assert [(each["task"], each["on"], each["standing"]) for each in found["GET /due"][1]["due"]] == [
        ("replacement", "2026-02-01", "overdue"),
        ("inspection", "2026-03-10", "due"),
    ]
    status, done = found["POST /devices/ext-1/inspection"]
    assert (status, done["inspected_on"], done["inspected_by"]["id"]) == (200, "2026-03-02", "ned")
    assert [each["task"] for each in found["GET /due?days=30"][1]["due"]] == ["replacement"]
    assert found["GET /devices/ext-1/inspection"][1] == done


def test_an_inspection_that_cannot_be_is_a_conflict_and_nonsense_is_invalid(tmp_path: Path) -> None:
    path = "/devices/ext-1/inspection"
    for number, (body, status, reason) in enumerate(
        (
            ({"person": "ned", "on": "2026-03-09"}, 409, "not-yet"),
            ({"person": "nobody", "on": "2026-03-01"}, 409, "unknown-person"),
            ({"person": "ned", "on": "2019-03-01"}, 409, "already-newer"),
            ({"person": "ned", "on": "yesterday"}, 422, "invalid"),
            ({"person": "ned"}, 422, "invalid"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        found, problem = ask(folder, ("POST", path, body))[f"POST {path}"]
        assert (found, problem["reason"]) == (status, reason)
