"""The engineer's pages: buses and gateways, registers and raw words, the ledger and the log of decisions."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from collector.access.accounts import Area
from collector.access.actor import Role
from collector.alarms.incident import Entry
from collector.alerter.pages.technical import cause_words
from collector.alerter.technicalshapes import DecisionList, DeviceTechnical, GatewayTechnical
from collector.session.diagnoses import FRESH_MS, QUESTIONS_MAX
from collector.session.effects import Presence
from collector.storage.decisionlog import SCANNED_MAX
from collector.storage.tables import ENTRY
from config.diagnosis import Diagnosis, ReadBlock, ReadError
from config.words import Edge, Lane, Quality, Report
from tests.web.scene import BEARER, SPIKED, Scene, scene

PAGES = ("/gateways", "/gateway/gw-1", "/device/smoke-1/technical", "/ledger", "/decisions", "/api/v1/docs")
HTML = {"Accept": "text/html"}


def played(folder: Path, play: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with scene(folder) as stage, asyncio.timeout(30):
            await play(stage)

    asyncio.run(main())


async def text_of(stage: Scene, path: str, language: str = "en", headers: dict[str, str] = BEARER) -> str:
    answer = await stage.client.get(f"{path}{'&' if '?' in path else '?'}lang={language}", headers=headers | HTML)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return answer.text


def test_the_pages_are_for_engineers_and_stand_in_their_navigation(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        engineer = await stage.sign_in(Role.ENGINEER)
        for path in PAGES:
            assert (await stage.client.get(path, headers=engineer | HTML)).status_code == 200, path
        board = await text_of(stage, "/", headers=engineer)
        assert all(f'href="{path}"' in board for path in ("/gateways", "/ledger", "/decisions", "/api/v1/docs"))
        manager = await stage.sign_in(Role.MANAGER)
        for path in PAGES:
            assert (await stage.client.get(path, headers=manager | HTML)).status_code == 403, path
        assert 'href="/gateways"' not in await text_of(stage, "/", headers=manager)
        assert "/technical" not in await text_of(stage, "/device/smoke-1", headers=manager)

    played(tmp_path, play)


def test_a_gateway_shows_how_its_bus_does_in_both_languages(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        stage.gateway_is_back()
        before = await text_of(stage, "/gateway/gw-1")
        assert "has not told how the bus does" in before, "absent is said, and no 0"

        stage.line.born()
        stage.line.minutes(20)
        edge = Edge(stage.desk.site.community.id, "gw-1")
        stage.desk.hear(Presence(edge, "smoke-2", False, "no answer within 300 ms"))
        page, chinese = await text_of(stage, "/gateway/gw-1"), await text_of(stage, "/gateway/gw-1", "zh")
        for words in ("0.1.0", "11700", "41.7 ms", "3 of 4 answer", "<svg", "smoke-2", "no answer within 300 ms"):
            assert words in page, words
        for words in ("无应答", "300毫秒内无应答", "线路占用", "74 %"):
            assert words in chinese, words

        said = await stage.client.get("/api/v1/gateways/gw-1", headers=BEARER)
        shown = GatewayTechnical.model_validate_json(said.content)
        (bus,) = shown.lines
        assert bus.figures is not None and bus.figures.lately is not None
        assert bus.figures.lately["requests"] == 300 and len(bus.minutes) == 20
        assert [each.device for each in bus.silent] == ["smoke-2"] and shown.units_dead == 1
        assert shown.session.counts == {"births": 1} and shown.clock.offset_s == -0.03

    played(tmp_path, play)


def test_a_device_shows_its_registers_and_on_demand_the_words_behind_its_values(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        stage.line.born()
        stage.hear("ext-1", "pressure_kpa", 900.5, quality=Quality.BAD, cause="exception 4 device failure")
        quiet = await text_of(stage, "/device/ext-1/technical")
        assert "Asking it puts no question on the bus" in quiet and "00D7" not in quiet

        page = await text_of(stage, "/device/ext-1/technical?ask=1")
        for words in ("900.5", "00D7", "30001", "input", "no answer within 300 ms", "illegal data address"):
            assert words in page, words
        assert "设备故障" in await text_of(stage, "/device/ext-1/technical?ask=1", "zh")
        said = await stage.client.get("/api/v1/devices/ext-1/technical?ask=true", headers=BEARER)
        shown = DeviceTechnical.model_validate_json(said.content)
        point = next(each for each in shown.points if each.value.point == "pressure_kpa")
        assert point.words == [0x00D7 + point.source.address] and point.value.cause == "exception 4 device failure"
        assert shown.diagnosis is not None and shown.diagnosis.why is None and len(shown.diagnosis.errors) == 2

        spiked = await text_of(stage, "/device/smoke-1/technical?ask=1")
        assert SPIKED not in spiked, "what the site says is text, whatever it looks like"

    played(tmp_path, play)


@pytest.mark.parametrize(
    ("situation", "words"),
    [
        ("not-born", "has not been heard since"),
        ("older", "older version that cannot be asked"),
        ("silent", "did not answer within seconds"),
        ("offline", "The gateway is offline"),
        ("too-many", "asked too often"),
    ],
)
def test_without_an_answer_the_page_says_why(tmp_path: Path, situation: str, words: str) -> None:
    async def play(stage: Scene) -> None:
        if situation != "not-born":
            stage.line.born(answers=situation != "older")
        stage.line.silent = situation == "silent"
        if situation == "offline":
            stage.gateway_is_back()
            stage.desk.hear(Presence(Edge(stage.desk.site.community.id, "gw-1"), None, False, "death certificate"))
        if situation == "too-many":
            for number in range(QUESTIONS_MAX):
                await stage.line.diagnoses.ask("gw-1", "smoke-1" if number % 2 else "smoke-2")
                stage.clock.now_ms += FRESH_MS  # type: ignore[attr-defined]
                stage.gateway_is_back()  # it speaks all the while, or would be silent by then
        assert words in await text_of(stage, "/device/smoke-1/technical?ask=1")

    played(tmp_path, play)


def test_a_gateway_that_says_odd_things_breaks_no_page(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        stage.line.born()
        odd = ReadBlock(
            table=f"odd{SPIKED}",
            address=-5,
            count=10**9,
            lane="x",
            period_s=1e300,
            due_ms=5,
            misses=-3,
            words=(-7, 10**40),
        )
        late = odd.model_copy(update={"due_ms": 10**40, "heard_ms": -1})
        error = ReadError(at_ms=10**40, table="t", address=0, count=0, cause=SPIKED)
        stage.line.odd = Diagnosis(
            device="smoke-1",
            told_ms=stage.clock(),
            next_ms=-1,
            blocks=(odd, late),
            errors=(error, error.model_copy(update={"at_ms": 1})),
        )
        page = await text_of(stage, "/device/smoke-1/technical?ask=1")
        assert SPIKED not in page and "&lt;script&gt;" in page
        said = await stage.client.get("/api/v1/devices/smoke-1/technical?ask=true", headers=BEARER)
        shown = DeviceTechnical.model_validate_json(said.content).diagnosis
        assert shown is not None and len(shown.blocks) == 1 and len(shown.errors) == 1, (
            "what no calendar holds is left out"
        )

    played(tmp_path, play)


def test_the_ledger_says_what_does_not_balance(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        assert "No gateway has been heard yet" in await text_of(stage, "/ledger")
        edge = Edge(stage.desk.site.community.id, "gw-1")
        told = Report(edge, "smoke-1", Lane.ALARM, "e" * 16, 1, 7, stage.clock(), False, ())
        stage.desk.hear(told, keep=True)
        await stage.desk.settle()
        page = await text_of(stage, "/ledger")
        assert "has not published its counts" in page and "1 row does not balance" in page
        assert "网关未上报计数" in await text_of(stage, "/ledger", "zh")
        (row,) = (await stage.client.get("/api/v1/ledger", headers=BEARER)).json()["rows"]
        assert row["committed"] == 1 and "the gateway has not published its counts" in row["mistakes"]

    played(tmp_path, play)


async def _decisions(stage: Scene, query: str, headers: dict[str, str] = BEARER) -> DecisionList:
    said = await stage.client.get(f"/api/v1/decisions?{query}", headers=headers)
    assert said.status_code == 200, said.text
    return DecisionList.model_validate_json(said.content)


def test_the_log_of_decisions_is_filtered_and_read_page_by_page(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        first = await stage.fire()
        second = await stage.fire("smoke-3")
        await stage.desk.settle()

        every = (await _decisions(stage, "limit=200")).decisions
        assert [each.number for each in every] == sorted((each.number for each in every), reverse=True)
        assert {each.building for each in every if each.incident} == {"b-1", "b-2"}
        read, before = [], ""
        while True:
            some = await _decisions(stage, f"limit=3{before}")
            read += [each.number for each in some.decisions]
            if some.before is None:
                break
            before = f"&before={some.before}"
        assert read == [each.number for each in every]

        assert {each.incident for each in (await _decisions(stage, "building=b-2")).decisions} == {second.id, None}
        assert {each.incident for each in (await _decisions(stage, f"incident={first.id}")).decisions} == {first.id}
        told = (await _decisions(stage, "person=nora")).decisions
        assert told and {each.person.id for each in told if each.person} == {"nora"}
        assert any("reason" in each.facts and each.sentence.startswith("nora is told") for each in told)
        assert (await _decisions(stage, "class=trouble&incident=" + first.id)).decisions == []
        assert (await stage.client.get("/api/v1/decisions?class=odd", headers=BEARER)).status_code == 422

        page = await text_of(stage, "/decisions?building=b-1&class=alarm")
        assert f"/incident/{first.id}" in page and f"/incident/{second.id}" not in page and SPIKED not in page

    played(tmp_path, play)


def test_a_rare_decision_far_back_is_found_at_once_by_many_short_looks_at_the_store(tmp_path: Path) -> None:
    many = 2 * SCANNED_MAX

    def fill(connection: sqlite3.Connection) -> None:
        told = [Entry(1, "rare", person="nora"), *[Entry(2, "device-offline", device="smoke-1")] * many]
        bodies = [(ENTRY.dump_json(entry).decode(),) for entry in told]
        connection.executemany("INSERT INTO entries (body) VALUES (?)", bodies)

    async def play(stage: Scene) -> None:
        await stage.desk.store.write(fill)
        found = await _decisions(stage, "person=nora")
        assert [each.event for each in found.decisions] == ["rare"] and found.before is None

    played(tmp_path, play)


def test_an_engineer_of_some_buildings_sees_the_decisions_of_these_and_nothing_about_people(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await stage.fire()
        second = await stage.fire("smoke-3")
        later = {"person": "sue", "by": "sue", "from_at": "2026-03-02T07:00:00Z", "until_at": "2026-03-02T20:00:00Z"}
        done = await stage.client.post("/api/v1/absences", json=later, headers=BEARER)
        assert done.is_success, done.text
        await stage.desk.settle()
        assert any(each.event == "said-away" for each in (await _decisions(stage, "limit=200")).decisions)

        everywhere = await stage.sign_in(Role.ENGINEER)
        found = (await _decisions(stage, "limit=200", everywhere)).decisions
        assert found and not any(each.event == "said-away" for each in found)

        some = await stage.sign_in(Role.ENGINEER, area=Area(buildings=("b-2",)), name="some")
        found = (await _decisions(stage, "limit=200", some)).decisions
        assert found and {each.building for each in found} == {"b-2"}
        assert {each.incident for each in found} <= {second.id, None}
        assert (await stage.client.get("/gateway/gw-1", headers=some | HTML)).status_code == 404
        assert (await stage.client.get("/device/smoke-1/technical", headers=some | HTML)).status_code == 404

    played(tmp_path, play)


def test_a_cause_is_told_in_the_readers_language_and_a_strange_one_as_it_is() -> None:
    assert cause_words("zh", "no answer within 300 ms") == "300毫秒内无应答"
    assert cause_words("zh", "no sound answer within 300 ms, 7 bytes heard") == "300毫秒内无有效应答，收到7字节"
    assert cause_words("en", "exception 99 unknown") == "exception 99"
    assert cause_words("zh", "whatever it says") == "whatever it says"


def test_the_page_of_the_api_needs_no_other_host(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        page = await stage.client.get("/api/v1/docs", headers=BEARER | HTML)
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "http" not in policy and "unsafe-eval" not in policy
        assert 'src="http' not in page.text and 'href="http' not in page.text and 'src="//' not in page.text
        for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
            file = await stage.client.get(f"/api/v1/docs/{name}", headers=BEARER | {"Accept-Encoding": "gzip"})
            assert file.status_code == 200 and file.headers["content-encoding"] == "gzip" and len(file.content) > 50_000
        assert (await stage.client.get("/api/v1/docs/../main.py", headers=BEARER)).status_code == 404
        assert (await stage.client.get("/api/v1/docs/favicon.ico", headers=BEARER)).status_code == 404

    played(tmp_path, play)
