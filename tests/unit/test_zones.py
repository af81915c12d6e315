"""A zone's mistakes are named by file, line and key before anyone relies on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.document import merge
from config.references import check_references
from config.site import SiteFile
from config.yamlfile import read_document
from tests.sites import PROFILES, site_data

PAIR = {"method": "cross-zone"}
DAY = [{"from": "08:00", "until": "18:00"}]


def _zone(name: str, members: list[str], how: dict[str, Any] | None = None, building: str = "b-1") -> dict[str, Any]:
    return {"id": name, "name": name, "building": building, "members": members, "verification": how}


def _mistakes(tmp_path: Path, *zones: dict[str, Any]) -> list[str]:
    data = site_data()
    panel = data["gateways"][1]["buses"][0]["devices"][1]
    panel["detectors"][2]["type"] = "manual-call-point"
    data["zones"] = list(zones)
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    document = merge([read_document(file, "site.yaml")])
    try:
        site = SiteFile.model_validate(document.value)
    except ValueError as error:
        document.take_errors(error)
    else:
        check_references(site, PROFILES, document)
    return [str(each) for each in document.mistakes if "zones[" in each.key]


@pytest.mark.parametrize(
    ("zones"),
    [
        [_zone("one", ["smoke-1", "smoke-2", "lift-1"])],
        [_zone("point", ["smoke-1"], {"method": "retard"})],
        [_zone("pair", ["smoke-1", "smoke-2"], PAIR)],
        [_zone("a", ["smoke-1"], PAIR | {"other": "b"}), _zone("b", ["smoke-2"])],
        [_zone("loop", ["panel-1:1", "panel-1:2", "panel-1:3"], PAIR, "b-3")],
        [_zone("hall", ["smoke-1"], {"method": "positive-alarm-sequence", "staffed": DAY})],
    ],
)
def test_a_zone_that_can_work_has_no_mistakes(tmp_path: Path, zones: list[dict[str, Any]]) -> None:
    assert _mistakes(tmp_path, *zones) == []


@pytest.mark.parametrize(
    ("zones", "key", "words"),
    [
        ([_zone("z", ["smoke-9"])], "zones[0].members[0]", "a device of this site"),
        ([_zone("z", ["panel-1:9"], building="b-3")], "zones[0].members[0]", "of a detector it lists"),
        ([_zone("z", ["smoke-1", "smoke-1"])], "zones[0].members[1]", "each member once"),
        ([_zone("z", ["smoke-1", "smoke-3"])], "zones[0].members[1]", "members in building 'b-1'"),
        ([_zone("z", ["smoke-1"], building="b-7")], "zones[0].building", "the id of a building"),
        ([_zone("z", ["smoke-1"]), _zone("z", ["smoke-2"])], "zones[1].id", "an id of its own"),
        ([_zone("z", ["smoke-1"], PAIR)], "zones[0].verification.method", "two independent detectors"),
        ([_zone("z", ["panel-1", "panel-1:1"], PAIR, "b-3")], "zones[0].verification.method", "two independent"),
        ([_zone("z", ["panel-1:1", "panel-1:3"], PAIR, "b-3")], "zones[0].verification.method", "one detector"),
        ([_zone("z", ["smoke-1", "smoke-2"], {"method": "count", "count": 3})], "verification.count", "at least 3"),
        ([_zone("z", ["smoke-1", "lift-1"], {"method": "count"})], "verification.count", "2 of 1 detectors"),
        ([_zone("z", ["panel-1:3"], {"method": "retard"}, "b-3")], "zones[0].verification", "manual call point"),
        ([_zone("z", ["ext-1"], {"method": "retard"})], "zones[0].verification", "without an automatic fire detector"),
        ([_zone("z", ["smoke-1"], PAIR | {"other": "y"})], "verification.other", "the id of a zone"),
        ([_zone("z", ["smoke-1"], PAIR | {"other": "z"})], "verification.other", "another zone"),
        (
            [_zone("z", ["smoke-1"], PAIR | {"other": "y"}), _zone("y", ["smoke-3"], building="b-2")],
            "zones[0].verification.other",
            "a zone of building 'b-1'",
        ),
        (
            [_zone("z", ["smoke-1"], PAIR | {"other": "y"}), _zone("y", ["smoke-1", "smoke-2"])],
            "zones[0].verification.other",
            "shares 'smoke-1'",
        ),
        (
            [_zone("z", ["smoke-1"], PAIR | {"other": "y"}), _zone("y", ["ext-1"])],
            "zones[0].verification.other",
            "can confirm a fire",
        ),
        (
            [_zone("z", ["smoke-1"], {"method": "retard"}), _zone("y", ["smoke-1", "smoke-2"], PAIR)],
            "zones[1].members[0]",
            "'z' does already",
        ),
        (
            [_zone("z", ["smoke-1"], {"method": "retard", "loud_after_s": 90, "investigate_s": 60})],
            "zones[0].verification.loud_after_s",
            "at most investigate_s",
        ),
        (
            [_zone("z", ["smoke-1"], {"method": "retard", "retard_s": 40, "loud_after_s": 20, "investigate_s": 30})],
            "zones[0].verification.retard_s",
            "it is loud then anyway",
        ),
        ([_zone("z", ["smoke-1"], {"method": "positive-alarm-sequence"})], "zones[0].verification", "no staffed hours"),
        (
            [_zone("z", ["smoke-1"], {"method": "positive-alarm-sequence", "staffed": DAY, "loud_after_s": 20})],
            "zones[0].verification.loud_after_s",
            "15",
        ),
        ([_zone("z", ["smoke-1"], {"method": "guess"})], "zones[0].verification", "method"),
    ],
)
def test_each_mistake_of_a_zone_is_named_where_it_stands(
    tmp_path: Path, zones: list[dict[str, Any]], key: str, words: str
) -> None:
    found = _mistakes(tmp_path, *zones)

    assert len(found) == 1, found
    assert key in found[0] and words in found[0], found
    assert found[0].startswith("site.yaml:") and not found[0].startswith("site.yaml:1:")
