"""Promises of the pages as the server makes them: escaping, languages, sizes, and a GET that changes nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.alerter.catalogue import choose_language, knows
from collector.alerter.pages.overview import overview
from collector.alerter.view import View
from collector.calls.callout import RECALL_AFTER_MS
from collector.calls.dispatch import Reason
from collector.commands import SystemTrouble
from collector.crowd import crowd_site
from config.loader import load_site
from config.profile import Condition, Kind
from config.words import Quality
from tests.web.scene import LINK_VALID_S, SPIKED, START_MS, Clock, Scene, eventually, scene, web_data

DEMO = Path(__file__).resolve().parents[2] / "config/sites/demo"
PRESSED = {"GET": None, "POST": {"answer": "going"}}
Play = Callable[[Scene], Awaitable[Any]]


def played(folder: Path, play: Play, **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, **more) as stage:
            return await play(stage)

    return asyncio.run(run())


class Balanced(HTMLParser):
    """Fails on a page whose tags do not close in order; `scripts` counts scripts and inline handlers."""

    VOID = frozenset({"meta", "link", "input", "br", "path", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script" or any(name.startswith("on") for name, _ in attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


async def whole(stage: Scene) -> tuple[Any, ...]:
    """Everything that a request could have changed."""
    store = stage.desk.store
    return (
        await store.restore(),
        await store.incidents(100),
        await store.entries(None, 1000),
        dict(stage.desk.engine.incidents),
        dict(stage.desk.engine.notices),
    )


# --- words ----------------------------------------------------------------------------------------


def test_everything_that_is_shown_by_name_has_words() -> None:
    flags = [condition.value for condition in Condition if condition.is_flag]
    keys = [
        *flags,
        *(kind.value for kind in Kind),
        *(f"phase-{phase.value}" for phase in Phase),
        *(f"reason-{reason.value}" for reason in Reason),
        *(f"{prefix}{answer.value}" for answer in Answer for prefix in ("", "button-", "you-")),
        *(quality.name.lower() for quality in Quality if quality is not Quality.GOOD),
    ]

    assert [key for key in keys if not knows(key.replace("you-going", "you-are-going"))] == []


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("zh", "en", "zh"),
        ("en", "zh", "en"),
        ("fr", "en-GB,en;q=0.9", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr,en;q=0.3,zh;q=0.5", "zh"),
        (None, "fr", "zh"),
        (None, "en;q=0", "zh"),
        (None, "", "zh"),
        (None, ";;,,q=1;\x00" * 100, "zh"),
    ],
)
def test_the_language_is_asked_for_preferred_or_the_sites(asked: str | None, accepted: str, language: str) -> None:
    assert choose_language(asked, accepted, "zh") == language


# --- the board ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_board_shows_what_where_since_when_and_who_is_going(tmp_path: Path, language: str) -> None:
    async def play(stage: Scene) -> str:
        incident = await stage.fire()
        await stage.client.post(stage.path(incident.id, "sam"), data={"answer": "going"})
        return (await stage.client.get(f"/?lang={language}")).text

    text = played(tmp_path, play)

    Balanced(text)
    assert "Plum Court" in text
    assert {"zh": "5楼 502室（", "en": "floor 5 flat 502 ("}[language] in text
    assert "14:03:22" in text
    assert "桑梅" in text
    assert {"zh": "正在前往", "en": "Going"}[language] in text


def test_the_page_of_devices_shows_each_with_its_flags_beside_each_other(tmp_path: Path) -> None:
    async def play(stage: Scene) -> str:
        await stage.fire()
        stage.hear(point="fault")
        stage.hear("ext-1", "pressure_kpa", 1180.25)
        return (await stage.client.get("/devices?lang=en")).text

    text = played(tmp_path, play)
    row = text[text.index('id="d-smoke-1"') : text.index('id="d-smoke-2"')]

    assert all(f'id="d-{device}"' in text for device in ("smoke-1", "ext-1", "lift-1", "smoke-3", "panel-1"))
    assert 'class="badge alarm"' in row
    assert 'class="badge trouble"' in row
    assert "1180.25 kPa" in text


def test_a_silent_device_is_shown_offline_and_never_normal(tmp_path: Path) -> None:
    async def play(stage: Scene) -> str:
        stage.hear("smoke-2", value=False)
        assert isinstance(stage.clock, Clock)
        stage.clock.now_ms += 10 * 60 * 1000

        async def woken() -> bool:
            return stage.desk.engine.devices["smoke-2"].online is False

        await eventually(woken)
        return (await stage.client.get("/devices?lang=en")).text

    text = played(tmp_path, play)
    row = text[text.index('id="d-smoke-2"') : text.index('id="d-ext-1"')]

    assert "Offline" in row
    assert "10 min ago" in row
    assert "Normal" not in row


def test_a_condition_that_is_over_stays_with_its_incident_and_gives_the_name_to_one_that_is_not(tmp_path: Path) -> None:
    async def play(stage: Scene) -> str:
        stage.hear("ext-1", "pressure_kpa", 900.0)
        stage.hear("smoke-1", "supervisory")
        stage.hear("ext-1", "pressure_kpa", 1100.0)
        (incident,) = stage.desk.engine.incidents.values()
        page = (await stage.client.get(stage.path(incident.id, "nora"))).status_code
        assert page == 200
        return (await stage.client.get("/fragment/board?lang=en")).text

    text = played(tmp_path, play)
    row = text[text.index('id="quiet"') : text.index('id="plan"')]

    assert "Supervisory" in row
    assert "+1" in row
    assert "flat 502" in row


def test_a_quiet_board_says_so(tmp_path: Path) -> None:
    async def play(stage: Scene) -> str:
        return (await stage.client.get("/?lang=en")).text

    assert "No open incident" in played(tmp_path, play)


SCRIPTS = {"/": 2, "{answer}": 2}


@pytest.mark.parametrize("path", ["/", "/fragment/board", "/incident/{incident}", "{answer}"])
def test_what_people_and_devices_are_called_is_escaped(tmp_path: Path, path: str) -> None:
    async def play(stage: Scene) -> str:
        stage.hear(point="temperature_c", value=None, quality=Quality.BAD, cause=f"broken {SPIKED}")
        incident = await stage.fire()
        await stage.client.post(stage.path(incident.id, "nora"), data={"answer": "going"})
        asked = path.format(incident=incident.id, answer=stage.path(incident.id, "nora"))
        return (await stage.client.get(asked)).text

    text = played(tmp_path, play)

    assert "alert(" in text  # the names are there
    assert "<script>alert" not in text
    assert Balanced(f"<div>{text}</div>" if "<html" not in text else text).scripts == SCRIPTS.get(path, 0)


def test_the_board_of_986_buildings_is_light_and_the_devices_come_page_by_page(tmp_path: Path) -> None:
    site = crowd_site(986, load_site(DEMO).profiles)

    async def play(stage: Scene) -> list[httpx.Response]:
        return [await stage.client.get(path) for path in ("/", "/devices", "/devices?page=40")]

    board, first, last = played(tmp_path, play, site=site)

    assert board.text.count('class="tile ') == 986
    assert board.headers["content-encoding"] == "gzip"
    assert int(board.headers["content-length"]) < 30 * 1024
    assert first.text.count('id="d-') == 25 * 8
    assert last.text.count('id="d-') == 11 * 8


def test_an_open_board_is_told_only_what_is_different_by_now(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[str]:
        whole = (await stage.client.get("/fragment/board?lang=en")).text
        have = re.search(r'data-glance="(\w+)"', whole)
        assert have is not None
        same = (await stage.client.get(f"/fragment/board?lang=en&have={have[1]}")).text
        await stage.fire()
        after = (await stage.client.get(f"/fragment/board?lang=en&have={have[1]}")).text
        strange = (await stage.client.get("/fragment/board?lang=en&have=nobody-knows")).text
        return [whole, same, after, strange]

    whole, same, after, strange = played(tmp_path, play)

    assert "data-same" not in whole and "Plum Court" in whole
    assert same.count("data-same") == 9 and "Plum Court" not in same
    assert 'class="tile alarm"' in after and '<section id="duty" data-same>' in after
    assert "data-same" not in strange and 'class="tile alarm"' in strange


def test_who_sees_some_buildings_has_a_board_of_these(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[str, str]:
        await stage.fire()  # in b-1
        site, engine = stage.desk.site, stage.desk.engine
        shown = [
            overview(View(site), engine, sees, stage.clock()) for sees in (lambda b: b in ("", "b-2"), lambda _: True)
        ]
        return tuple(f"{[tile.id for cell in each.cells for tile in cell.tiles]} {len(each.loud)}" for each in shown)

    mine, everybody = played(tmp_path, play)

    assert mine == "['b-2'] 0"
    assert "'b-1'" in everybody and everybody.endswith(" 1")


def test_an_incident_has_a_page_with_its_notices_and_their_reasons(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[str, int]:
        incident = await stage.fire()
        await stage.client.post(stage.path(incident.id, "sam"), data={"answer": "cannot"})
        page = await stage.client.get(f"/incident/{incident.id}?lang=en")
        missing = await stage.client.get("/incident/none", headers={"Accept": "text/html"})
        return page.text, missing.status_code

    text, missing = played(tmp_path, play)

    Balanced(text)
    assert "the building&#39;s own team" in text
    assert "Incident opened" in text
    assert "Cannot go" in text
    assert missing == 404


def test_a_page_that_does_not_exist_says_so_in_words(tmp_path: Path) -> None:
    async def play(stage: Scene) -> httpx.Response:
        return await stage.client.get("/nothing?lang=en", headers={"Accept": "text/html"})

    answer = played(tmp_path, play)

    assert answer.status_code == 404
    assert "No such page" in answer.text


# --- the answer page ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_answer_page_tells_a_runner_everything_and_is_small(tmp_path: Path, language: str) -> None:
    async def play(stage: Scene) -> httpx.Response:
        incident = await stage.fire()
        return await stage.client.get(f"{stage.path(incident.id, 'sam')}?lang={language}")

    answer = played(tmp_path, play)

    assert re.findall(r"<script src=\"/static/(\w+)\.js", answer.text) == ["keep", "answer"]
    assert Balanced(answer.text).scripts == 2  # which keep what cannot be sent; without them its buttons work
    assert len(answer.content) < 15 * 1024
    for told in ("Plum Court", "502", "14:03:22", "4711#", "North door", 'href="tel:119"', "geo:30.000000,120.000000"):
        assert told in answer.text
    assert "position=120.004660%2C29.997534" in answer.text  # GCJ-02, as Amap's map is
    assert "coordinate=gaode" in answer.text
    assert {"zh": "不是经认证的火灾报警系统", "en": "not a certified fire alarm"}[language] in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_the_answer_page_speaks_the_persons_language(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[str]:
        incident = await stage.fire()
        return [
            (await stage.client.get(stage.path(incident.id, person), headers={"Accept-Language": "en"})).text
            for person in ("sam", "ned")
        ]

    zh, en = played(tmp_path, play)

    assert 'lang="zh-CN"' in zh
    assert 'lang="en"' in en


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_never_changes_anything(tmp_path: Path, method: str) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        before = await whole(stage)
        paths = ["/", "/fragment/board", f"/incident/{incident.id}", stage.path(incident.id, "nora")]
        queries = ["", "?answer=going", "?answer=reset&lang=en"]
        statuses = {
            (await stage.client.request(method, path + query)).status_code for path in paths for query in queries
        }
        return statuses, before == await whole(stage)

    statuses, unchanged = played(tmp_path, play)

    assert statuses == {200}
    assert unchanged


@pytest.mark.parametrize(
    ("answer", "shown"), [("going", "You are going"), ("arrived", "You have arrived"), ("cannot", "that you cannot go")]
)
def test_a_button_answers_and_pressing_it_again_is_harmless(tmp_path: Path, answer: str, shown: str) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        path = stage.path(incident.id, "ned")
        first = await stage.client.post(path, data={"answer": answer})
        once = await whole(stage)
        second = await stage.client.post(path, data={"answer": answer})
        twice = await whole(stage)
        page = await stage.client.get(first.headers["location"])
        kept = await stage.desk.store.incident(incident.id)
        return first, second, once == twice, page.text, kept

    first, second, unchanged, page, kept = played(tmp_path, play)

    assert first.status_code == second.status_code == 303
    assert unchanged
    assert shown in page
    assert [(each.person, each.answer.value) for each in kept.responses] == [("ned", answer)]


@pytest.mark.parametrize(
    ("broken", "status", "words"),
    [
        (lambda path: path[:-1], 400, "This link is not complete"),
        (lambda path: "/a/", 400, "This link is not complete"),
        (lambda path: "/a/%ff%00", 400, "This link is not complete"),
        (lambda path: path.replace("/a/W", "/a/X"), 403, "This link is not valid"),
        (lambda path: path.rpartition(".")[0] + "." + "A" * 43, 403, "This link is not valid"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_forged_or_cut_opens_nothing(
    tmp_path: Path, broken: Callable[[str], str], status: int, words: str, method: str
) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        before = await whole(stage)
        path = broken(stage.path(incident.id, "nora"))
        answer = await stage.client.request(method, f"{path}?lang=en", data=PRESSED[method])
        return answer, before == await whole(stage)

    answer, unchanged = played(tmp_path, play)

    assert (answer.status_code, words in answer.text) == (status, True)
    assert "4711#" not in answer.text
    assert unchanged


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_has_expired_says_so(tmp_path: Path, method: str) -> None:
    async def play(stage: Scene) -> httpx.Response:
        incident = await stage.fire()
        path = stage.path(incident.id, "nora", START_MS - int(LINK_VALID_S * 1000) - 1000)
        return await stage.client.request(method, f"{path}?lang=en", data=PRESSED[method])

    answer = played(tmp_path, play)

    assert answer.status_code == 410
    assert "This link has expired" in answer.text
    assert 'href="tel:119"' in answer.text


def test_a_link_for_what_is_not_here_says_so(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[int]:
        incident = await stage.fire()
        paths = [stage.path("none", "nora"), stage.path(incident.id, "nobody")]
        return [(await stage.client.get(path)).status_code for path in paths]

    assert played(tmp_path, play) == [404, 404]


@pytest.mark.parametrize("body", [{}, {"answer": ""}, {"answer": "maybe"}, {"answer": "going\x00"}, {"other": "going"}])
def test_what_is_no_button_of_ours_is_not_an_answer(tmp_path: Path, body: dict[str, str]) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        answer = await stage.client.post(stage.path(incident.id, "nora"), data=body)
        return answer.status_code, (await stage.desk.store.incident(incident.id)).responses

    assert played(tmp_path, play) == (400, ())


def test_a_form_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async def play(stage: Scene) -> int:
        incident = await stage.fire()
        return (await stage.client.post(stage.path(incident.id, "nora"), data={"answer": "x" * 70_000})).status_code

    assert played(tmp_path, play) == 413


def test_pressing_without_end_is_slowed_down_for_that_person_only(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        pressed = [
            (await stage.client.post(stage.path(incident.id, "nora"), data={"answer": "going"})).status_code
            for _ in range(21)
        ]
        other = await stage.client.post(stage.path(incident.id, "sam"), data={"answer": "going"})
        return pressed, other.status_code

    assert played(tmp_path, play) == ([303] * 20 + [429], 303)


def test_only_a_leader_sees_stand_down_and_it_works_from_the_page(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        leader, member = stage.path(incident.id, "nora"), stage.path(incident.id, "ned")
        pages = [(await stage.client.get(f"{path}?lang=en")).text for path in (leader, member)]
        refused = await stage.client.post(f"{member}?lang=en", data={"answer": "stand-down"})
        await stage.client.post(leader, data={"answer": "stand-down"})
        return pages, refused, await stage.desk.store.incident(incident.id)

    (leader, member), refused, kept = played(tmp_path, play)

    assert "Stand down" in leader
    assert "Stand down" not in member
    assert refused.status_code == 409
    assert "Only a leader may stand down" in refused.text
    assert kept.stood_down_by == "nora"


def test_reset_is_offered_once_it_is_possible_and_closes_the_incident(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        stage.gateway_is_back()
        incident = await stage.fire()
        path = f"{stage.path(incident.id, 'ned')}?lang=en"
        await stage.client.post(path, data={"answer": "arrived"})
        early = (await stage.client.get(path)).text
        refused = await stage.client.post(path, data={"answer": "reset"})
        stage.hear(value=False)
        ready = (await stage.client.get(path)).text
        await stage.client.post(path, data={"answer": "reset"})
        return early, refused, ready, await stage.client.get(path), await stage.client.get("/?lang=en")

    early, refused, ready, over, board = played(tmp_path, play)

    assert "Reset:" not in early
    assert "The source is still in alarm" in refused.text
    assert "Reset:" in ready
    assert over.status_code == 200
    assert "This incident is over" in over.text
    assert "<form" not in over.text
    assert "4711#" not in over.text
    assert "Recently closed" in board.text


def test_answering_after_the_end_says_that_it_is_over(tmp_path: Path) -> None:
    async def play(stage: Scene) -> httpx.Response:
        stage.gateway_is_back()
        incident = await stage.fire()
        path = f"{stage.path(incident.id, 'ned')}?lang=en"
        await stage.client.post(path, data={"answer": "arrived"})
        stage.hear(value=False)
        await stage.client.post(path, data={"answer": "reset"})
        return await stage.client.post(path, data={"answer": "going"})

    answer = played(tmp_path, play)

    assert answer.status_code == 409
    assert "This incident is over" in answer.text


def test_a_trouble_of_the_system_itself_has_a_place_on_the_board(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await stage.desk.act(SystemTrouble("history", True, "connection refused"))
        board = (await stage.client.get("/?lang=en")).text
        incident = next(iter(stage.desk.engine.incidents.values()))
        link = await stage.client.get(stage.path(incident.id, "carl"))
        return board, link.status_code

    board, link = played(tmp_path, play, data=web_data())

    assert "Part of the system: history" in board
    assert link == 200


def test_only_answers_to_the_present_call_count_and_who_answered_before_is_asked_again(tmp_path: Path) -> None:
    clock = Clock()

    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        path = f"{stage.path(incident.id, 'ned')}?lang=en"
        await stage.client.post(path, data={"answer": "going"})
        before = (await stage.client.get(path)).text
        clock.now_ms += RECALL_AFTER_MS
        await stage.fire("smoke-2")
        pages = [
            (await stage.client.get(page)).text for page in (path, "/?lang=en", f"/incident/{incident.id}?lang=en")
        ]
        shown = (await stage.client.get(f"/api/v1/incidents/{incident.id}")).json()
        return before, pages, shown

    before, (answer, board, detail), shown = played(tmp_path, play, clock=clock)

    assert "please answer again" not in before and "1 of 2 needed" in before
    assert "please answer again" in answer and "Ned" in answer
    assert all("0 of 2 needed" in page and "said before this call" in page for page in (answer, board, detail))
    assert (shown["call"], shown["coming"], shown["responses"][0]["call"]) == (2, 0, 1)


@pytest.mark.parametrize("late_ms", [0, 60_000])
def test_an_answer_page_says_when_a_late_report_came_and_that_nobody_goes_yet(tmp_path: Path, late_ms: int) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire(at_ms=START_MS - late_ms)
        path = f"{stage.path(incident.id, 'ned')}?lang=en"
        await stage.client.post(path, data={"answer": "cannot"})
        return (await stage.client.get(path)).text

    page = played(tmp_path, play)

    assert "Nobody is going yet" in page and "Nobody has answered yet" not in page
    assert ("Heard here" in page) is (late_ms > 0)
