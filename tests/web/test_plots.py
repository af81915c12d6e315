"""Promises of the curves on the pages of devices and buildings: from any history, in words too, in nobody's way."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from tests.web.scene import BEARER, START_MS, Scene
from tests.web.test_pages import Balanced, played
from tests.web.test_report import warm

HTML = BEARER | {"Accept": "text/html"}
HOUR_MS = 3_600_000


async def heated(stage: Scene) -> None:
    """A value each half minute for the last two hours, warmer by the minute; and one of five days ago."""
    rows = [warm(START_MS - 30_000 * step, 50 - step / 10) for step in range(240, 0, -1)]
    await stage.desk.history.write([warm(START_MS - 5 * 24 * HOUR_MS, 12.5), *rows])


@pytest.mark.parametrize(("span", "first"), [("hour", "37.9"), ("day", "26"), ("week", "12.5"), ("", "26")])
@pytest.mark.parametrize("path", ["/device/smoke-1", "/building/b-1"])
def test_a_page_draws_its_values_and_says_what_they_did(tmp_path: Path, path: str, span: str, first: str) -> None:
    async def play(stage: Scene) -> None:
        await heated(stage)
        page = (await stage.client.get(f"{path}?span={span}&lang=en", headers=HTML)).text
        Balanced(page)
        assert page.count('class="curve"') == 1
        said = re.findall(r"value rose from ([\d.]+) °C at .* to 49.9 °C", unescape(page))
        assert [float(each) for each in said] == [float(first)]
        assert f'?span={span or "day"}#h-curves" aria-current="true"' in page

    played(tmp_path, play)


def test_a_span_that_there_is_not_is_a_day_and_a_dead_history_is_said_in_words(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await stage.desk.history.close()
        for typed in ("<script>", "decade", "%00"):
            page = await stage.client.get(f"/device/smoke-1?span={typed}&lang=en", headers=HTML)
            assert page.status_code == 200 and "the history cannot be read now" in page.text
            assert "<script>" not in page.text and 'class="curve"' not in page.text

    played(tmp_path, play)
