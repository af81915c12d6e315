"""The benches run on what they say, and give their figures. What the figures are is the machine's affair."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from collector import bench
from collector.bench import engine_figures, storm_figures
from collector.benchpage import page_figures
from collector.crowd import Crowd, crowd_file, crowd_site
from config.loader import load_site, read_site
from config.site import Site

DEMO = Path(__file__).parents[2] / "config" / "sites" / "demo"


def small_crowd() -> Site:
    return crowd_site(12, load_site(DEMO).profiles)


def test_the_engine_bench_feeds_everyday_life_of_which_one_report_in_twenty_changes_a_condition() -> None:
    figures = engine_figures(small_crowd(), 4_000)

    assert figures["devices"] == 12 * 8 and figures["reports"] == 4_000
    assert 4 < figures["changed_percent"] < 6
    assert figures["reports_per_s"] > 0 and figures["p50_us"] <= figures["p99_us"]


def test_the_storm_bench_waits_until_everybody_is_told_of_every_fire() -> None:
    figures = asyncio.run(storm_figures(small_crowd(), troubles=40, runs=1))

    # Twelve buildings in trouble tell their two leaders, in one notice each; three fires call a team of three.
    assert figures["notices"] == 2 + 3 * 3
    assert 0 < figures["first_fire_p50_ms"] <= figures["all_told_p50_ms"]
    assert 0 < figures["every_fire_p50_ms"] <= figures["every_fire_max_ms"] <= figures["all_told_p50_ms"]


def test_the_page_bench_tells_everybody_over_real_sockets_and_shows_the_board_to_fifty() -> None:
    profiles = load_site(DEMO).profiles
    figures = asyncio.run(page_figures(profiles, people=40, runs=1, buildings=12))

    # Those whose channel never answers wait five seconds for it, then the next channel tells them.
    assert 0 < figures["webhooks_all_told_p50_ms"] < 5_000 < figures["broken_all_told_p50_ms"]
    assert 0 < figures["change_told_to_all_max_ms"] <= figures["change_fetched_by_all_p50_ms"]
    assert figures["streams"] == 50


def test_a_crowd_is_a_site_folder_that_the_check_accepts_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "crowd.yaml").write_text(yaml.safe_dump(crowd_file(25, team=4)), encoding="utf-8")

    site, document = read_site(tmp_path)

    assert [str(mistake) for mistake in document.mistakes] == []
    assert site is not None and len(site.buildings) == 25 and len(site.devices) == 25 * 8


def test_a_crowd_says_the_same_again_for_the_same_seed() -> None:
    site = small_crowd()

    once, again = (list(Crowd(site, 7).reports(500, 0, 3)) for _ in range(2))
    assert once == again != list(Crowd(site, 8).reports(500, 0, 3))


def test_a_storm_is_of_distinct_detectors_and_its_fires_are_in_distinct_buildings() -> None:
    site = small_crowd()
    storm = Crowd(site).storm(60, 3, at_ms=0)

    assert len({report.device for report in storm}) == 63
    fires = [report.device or "" for report in storm if report.readings[0].name == "fire"]
    assert len({site.devices[device].place.building for device in fires}) == 3
    with pytest.raises(ValueError, match="at most 69 troubles"):
        Crowd(site).storm(70, 3, at_ms=0)


def test_figures_go_to_the_terminal_and_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run("engine", DEMO, 100, tmp_path / "figures.json") == 0

    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["buildings"] == 986
    assert f"{figures['reports_per_s']}" in capsys.readouterr().out
