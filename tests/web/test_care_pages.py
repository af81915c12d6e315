"""Services and inspections on a device's page, told by a form without a script."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from collector.access.actor import Role
from collector.equipment.duedates import Inspection
from collector.equipment.service import ServiceDone
from config.upkeep import Service
from tests.sites import small_site
from tests.web.scene import Scene, web_data
from tests.web.test_measure_pages import played, sees, sends, wrong_in

TODAY = "2026-03-02"


def data_with_upkeep() -> dict[str, Any]:
    data = web_data()
    for device in data["gateways"][0]["buses"][0]["devices"]:
        if device["id"] == "ext-1":
            device["upkeep"] = {"inspected": "2026-01-10"}
    return data


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_service_told_on_the_elevators_page_moves_its_date(tmp_path: Path, language: str) -> None:
    async def play(stage: Scene) -> Any:
        before = await sees(stage, "/device/lift-1", language=language)
        told = await sends(stage, "/device/lift-1/care", {"level": "quarter", "on": TODAY}, language=language)
        again = await sends(stage, "/device/lift-1/care", {"level": "quarter", "on": TODAY}, language=language)
        after = await sees(stage, "/device/lift-1?done=told", language=language)
        return before, told, again, after, list(stage.desk.engine.kept(ServiceDone).values())

    before, told, again, after, kept = played(tmp_path, play)

    assert told.status_code == again.status_code == 303
    assert told.headers["location"] == "/device/lift-1?done=told#care"
    ((done),) = kept
    assert (done.level, done.on, done.person) == (Service.QUARTER, date(2026, 3, 2), "nora")
    assert "2026-06-02" in after and "2026-06-02" not in before
    assert 'name="level"' in before and 'type="date"' in before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"level": "quarter", "on": "2026-03-03"}, "That day has not come yet."),
        ({"level": "quarter", "on": "2026-02-29"}, "Please type a day"),
        ({"level": "quarter", "on": "1" * 300}, "Please type a day"),
        ({"level": "weekly", "on": TODAY}, "Please choose"),
        ({"level": "", "on": TODAY}, "upkeep"),
    ],
)
def test_a_service_that_cannot_be_is_said_beside_its_field(tmp_path: Path, fields: dict[str, str], said: str) -> None:
    async def play(stage: Scene) -> Any:
        return await sends(stage, "/device/lift-1/care", fields), list(stage.desk.engine.kept(ServiceDone).values())

    answer, kept = played(tmp_path, play)

    assert answer.status_code == 422 and not kept
    assert said in answer.text, wrong_in(answer.text)


def test_an_inspection_told_on_an_extinguishers_page_is_kept(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        told = await sends(stage, "/device/ext-1/care", {"on": TODAY})
        older = await sends(stage, "/device/ext-1/care", {"on": "2026-01-01"})
        return told, older, await sees(stage, "/device/ext-1"), stage.desk.engine.kept(Inspection)["ext-1"]

    told, older, page, kept = played(tmp_path, play, site=small_site(data_with_upkeep()))

    assert told.status_code == 303 and (kept.on, kept.person) == (date(2026, 3, 2), "nora")
    assert older.status_code == 422 and "A later inspection is recorded already." in older.text
    assert f"Last inspected: {TODAY}, Nora" in " ".join(page.split())


def test_who_may_only_see_has_no_form_and_cannot_tell(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        page = await stage.client.get(
            "/device/lift-1?lang=en", headers=await stage.sign_in(Role.VIEWER, name="v") | {"Accept": "text/html"}
        )
        told = await sends(stage, "/device/lift-1/care", {"level": "year", "on": TODAY}, "sue", Role.RESPONDER)
        gone = await sends(stage, "/device/none/care", {"level": "year", "on": TODAY})
        return page.text, told.status_code, gone.status_code, list(stage.desk.engine.kept(ServiceDone).values())

    page, told, gone, kept = played(tmp_path, play)

    assert "care" in page and 'name="level"' not in page
    assert (told, gone) == (403, 404) and not kept
