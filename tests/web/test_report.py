"""Promises of the incident's report: page and PDF say what the store has, to who may know it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from dataclasses import replace
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from collector.access.accounts import Area
from collector.access.actor import Role
from collector.alarms.incident import Answer
from collector.alerter.incidentreport import ROWS_MAX, Report, Table
from collector.alerter.paper import Press, PressBusy, pdf
from collector.commands import Answered, Reset
from collector.locale.catalogues import say
from collector.storage.records import Attempt
from collector.storage.retention import rules
from collector.storage.series import Row
from tests.web.scene import BEARER, SPIKED, START_MS, Clock, Scene, web_data
from tests.web.test_incident import turned
from tests.web.test_pages import Balanced, played

# Minutes from the cause; the last one is after it was over.
HEATED = ((-29, 21.5), (-10, 22.0), (0, 48.0), (4, 61.5), (11, 90.0))
SEEN = "Smoke-from-the-kitchen"
PAPER_HEADERS = BEARER | {"Accept": "text/html"}


def text_of(content: bytes) -> str:
    """The text of a PDF, by another program than the one that wrote it, without its line breaks."""
    return "".join("".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def told(text: str, label: str) -> int:
    """The number that follows a label."""
    found = re.search(re.escape("".join(label.split())) + r"(\d+)", "".join(text.split()))
    assert found is not None, label
    return int(found[1])


def words_of(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", page)


async def burnt(stage: Scene) -> str:
    """A fire that somebody has gone to, somebody could not, and whose messages went out or not."""
    incident = await stage.fire()
    now = stage.clock()
    people = [each.person for each in await stage.desk.store.notices(incident.id)]
    await stage.desk.act(Answered(incident.id, people[0], Answer.GOING))
    assert isinstance(stage.clock, Clock)
    stage.clock.now_ms += 125_000
    await stage.desk.act(Answered(incident.id, people[0], Answer.ARRIVED))
    await stage.desk.act(Answered(incident.id, people[1], Answer.CANNOT))
    attempts = []
    for number, notice in enumerate(await stage.desk.store.notices(incident.id)):
        attempts.append(Attempt(notice.id, 1, "sms", now + 500, error="no answer from +8613800000001"))
        if number:
            attempts.append(Attempt(notice.id, 1, "sms", now + 1500, handed_over_at_ms=now + 2000))
    await stage.desk.store.record_attempts(attempts)
    return incident.id


def counted(folder: Path, incident: str) -> dict[str, int]:
    """Straight from the file."""
    connection = sqlite3.connect(f"file:{folder}/state.db?mode=ro", uri=True)

    def one(sql: str) -> int:
        return int(connection.execute(sql, (incident,)).fetchone()[0])

    attempts = "FROM attempts JOIN notices ON notices.id = notice WHERE incident = ?"
    said = "FROM incidents, json_each(body, '$.responses') WHERE incidents.id = ?"
    answer = "json_extract(json_each.value, '$.answer')"
    found = {
        "people": one("SELECT count(DISTINCT json_extract(body, '$.person')) FROM notices WHERE incident = ?"),
        "notices": one("SELECT count(*) FROM notices WHERE incident = ?"),
        "attempts": one(f"SELECT count(*) {attempts}"),
        "handed": one(f"SELECT count(*) {attempts} AND handed_over_at_ms IS NOT NULL"),
        "failed": one(f"SELECT count(*) {attempts} AND handed_over_at_ms IS NULL"),
        "answers": one(f"SELECT count(*) {said}"),
        "cannot": one(f"SELECT count(*) {said} AND {answer} = 'cannot'"),
        "arrived": one(f"SELECT count(*) {said} AND {answer} = 'arrived'"),
        "lines": one("SELECT count(*) FROM entries WHERE incident = ?"),
    }
    connection.close()
    return found


def test_page_and_paper_count_what_the_store_has_in_both_languages(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await burnt(stage)
        expected = counted(tmp_path, incident)
        assert all(expected.values())
        for language in ("zh", "en"):
            page = await stage.client.get(f"/incident/{incident}/report?lang={language}", headers=PAPER_HEADERS)
            paper = await stage.client.get(f"/incident/{incident}/report.pdf?lang={language}", headers=BEARER)
            assert (page.status_code, paper.status_code) == (200, 200)
            assert paper.headers["content-type"] == "application/pdf"
            Balanced(page.text)
            for text in (words_of(page.text), text_of(paper.content)):
                for word, count in expected.items():
                    assert told(text, say(language, f"report-count-{word}")) == count, word

    played(tmp_path, play)


def test_the_paper_has_every_row_of_the_page(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await burnt(stage)
        page = await stage.client.get(f"/incident/{incident}/report?lang=zh", headers=PAPER_HEADERS)
        paper = await stage.client.get(f"/incident/{incident}/report.pdf?lang=zh", headers=BEARER)
        cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", page.text)
        plain = text_of(paper.content)
        assert len(cells) > 60
        assert [cell for cell in map(unescape, cells) if "".join(cell.split()) not in plain] == []
        assert "2026-03-02 14:03:22" in page.text and "Asia/Shanghai" in page.text

    played(tmp_path, play)


def test_it_says_how_long_each_step_took_beside_what_it_may_take(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await burnt(stage)
        page = await stage.client.get(f"/incident/{incident}/report?lang=en", headers=PAPER_HEADERS)
        rows = re.findall(r"<tr>(.*?)</tr>", page.text, re.DOTALL)
        cells = {each[0]: each[1:] for row in rows if (each := re.findall(r"<td>([^<]*)</td>", row))}
        assert cells[say("en", "report-step-heard")] == ["0 s", "10 s", "yes"]
        assert cells[say("en", "report-step-told")] == ["2 s", "", ""]
        assert cells[say("en", "report-step-way")] == ["2 min 5 s", "10 min 0 s", "yes"]
        assert cells[say("en", "report-step-arrived")][0] == "2 min 5 s"
        assert cells[say("en", "report-step-enough")][0] == say("en", "report-never")

    played(tmp_path, play)


def test_a_report_without_names_names_nobody_and_a_viewer_gets_no_other(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await burnt(stage)
        names = [person.name for person in stage.desk.site.people.values()]
        named = await stage.client.get(f"/incident/{incident}/report", headers=PAPER_HEADERS)
        assert "桑梅" in named.text and "+8613800000001" in named.text
        viewer = await stage.sign_in(Role.VIEWER)
        for headers, query in ((PAPER_HEADERS, "?names=no"), (viewer, ""), (viewer, "?names=yes")):
            page = await stage.client.get(f"/incident/{incident}/report{query}", headers=headers)
            paper = await stage.client.get(f"/incident/{incident}/report.pdf{query}", headers=headers)
            for text in (page.text, text_of(paper.content)):
                assert not [name for name in names if name in text or "".join(name.split()) in text]
                assert "+8613800000001" not in text
            assert say("zh", "report-somebody", n=1) in page.text

    played(tmp_path, play)


def test_nobody_gets_the_report_of_an_incident_that_is_not_theirs_to_see(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await burnt(stage)
        elsewhere = await stage.sign_in(Role.VIEWER, area=Area(), name="elsewhere")
        for path in ("report", "report.pdf"):
            page = await stage.client.get(f"/incident/{incident}/{path}", headers=elsewhere)
            nothing = await stage.client.get(f"/incident/none/{path}", headers=PAPER_HEADERS)
            assert (page.status_code, nothing.status_code) == (404, 404)
            assert SPIKED not in page.text

    played(tmp_path, play)


def test_the_report_of_an_incident_is_the_same_after_a_restart(tmp_path: Path) -> None:
    clock = Clock(START_MS)
    ids: list[str] = []

    async def before(stage: Scene) -> str:
        ids.append(await burnt(stage))
        return (await stage.client.get(f"/incident/{ids[0]}/report", headers=PAPER_HEADERS)).text

    async def after(stage: Scene) -> str:
        return (await stage.client.get(f"/incident/{ids[0]}/report", headers=PAPER_HEADERS)).text

    assert played(tmp_path, before, clock=clock) == played(tmp_path, after, clock=clock)


def a_report(rows: int, cell: str) -> Report:
    table = Table("题目", ("一", "二"), tuple((str(number), cell) for number in range(rows)), "无")
    return Report(f"Report {SPIKED}", "Real", (("what", cell),), (table,), (("n", "1"),), "foot")


def test_the_longest_report_and_the_worst_text_still_become_paper() -> None:
    Press()
    nasty = SPIKED + "\x00\x1b\ud800\u202e" + "长" * 3_000 + "x" * 3_000
    assert text_of(pdf(a_report(1, nasty), "zh", {})).count("长") >= 6_000
    assert text_of(pdf(a_report(1, nasty), "en", {})).count("x") >= 6_000
    empty = replace(a_report(0, ""), tables=(Table("题目", ("一",), (), "没有"),))
    assert "没有" in text_of(pdf(empty, "zh", {}))
    long = PdfReader(BytesIO(pdf(a_report(ROWS_MAX, "到场"), "zh", {})))
    assert "".join(page.extract_text() for page in long.pages).count("到场") == ROWS_MAX + 1


async def refused_by(press: Press) -> int:
    made = await asyncio.gather(*(press.print(a_report(1, "x"), "en", {}) for _ in range(6)), return_exceptions=True)
    return sum(isinstance(each, PressBusy) for each in made)


def test_only_so_many_reports_wait_to_be_made() -> None:
    assert asyncio.run(refused_by(Press())) == 2


def test_everybody_who_sees_a_report_can_read_how_long_it_is_kept_and_why(tmp_path: Path) -> None:
    data = web_data()
    data["plan"]["retention"] = {"photos_days": 90}

    async def play(stage: Scene) -> None:
        incident = await burnt(stage)
        viewer = await stage.sign_in(Role.VIEWER)
        report = await stage.client.get(f"/incident/{incident}/report", headers=viewer)
        assert 'href="/kept?lang=zh"' in report.text
        for language, days in (("zh", ("90天", "1826天")), ("en", ("90 days", "1826 days"))):
            page = await stage.client.get(f"/kept?lang={language}", headers=viewer)
            Balanced(page.text)
            assert page.status_code == 200 and all(each in page.text for each in days)
            for rule in rules(stage.desk.site.plan.retention):
                assert say(language, f"keeps-why-{rule.what}") in unescape(page.text)

    played(tmp_path, play, data=data)


def warm(at_ms: int, degrees: float) -> Row:
    tags = {
        "group": "c",
        "gateway": "gw-1",
        "building": "plum-1",
        "device": "smoke-1",
        "lane": "telemetry",
        "epoch": "1",
    }
    return Row(tags, at_ms * 1_000_000, {"temperature_c": degrees})


async def over(stage: Scene) -> str:
    """A fire whose detector grew hot, which somebody photographed and wrote about, and which is over since an hour."""
    assert isinstance(stage.clock, Clock)
    heated = [warm(stage.clock() + minute * 60_000, degrees) for minute, degrees in HEATED]
    await stage.desk.history.write(heated)
    incident = await stage.fire()
    person = (await stage.desk.store.notices(incident.id))[0].person
    await stage.desk.act(Answered(incident.id, person, Answer.GOING))
    await stage.desk.act(Answered(incident.id, person, Answer.ARRIVED))
    for word in ("note", "photo"):
        path = f"{stage.path(incident.id, person)}/{word}"
        sent: dict[str, Any] = {"data": {"note": SEEN}} if word == "note" else {"files": {"photo": ("p.jpg", turned())}}
        assert (await stage.client.post(path, **sent)).status_code == 303
    stage.clock.now_ms += 600_000
    stage.gateway_is_back()
    stage.hear(value=False)
    await stage.desk.act(Reset(incident.id, person))
    await stage.desk.settle()
    stage.clock.now_ms += 3_600_000
    found = await stage.desk.store.incident(incident.id)
    assert found is not None and not found.open
    return incident.id


def test_the_report_of_what_is_over_shows_floors_curve_note_and_photo_on_page_and_paper(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await over(stage)
        page = await stage.client.get(f"/incident/{incident}/report?lang=en", headers=PAPER_HEADERS)
        paper = await stage.client.get(f"/incident/{incident}/report.pdf?lang=en", headers=BEARER)
        assert paper.status_code == 200, paper.text
        Balanced(page.text)
        photo = re.findall(rf'src="(/incident/{incident}/photo/[^"]+)"', page.text)
        assert page.text.count('class="section"') == page.text.count('class="curve"') == len(photo) == 1
        assert (await stage.client.get(photo[0], headers=PAPER_HEADERS)).content[:2] == b"\xff\xd8"
        # The heartbeat is 30 s: each of the four values of that while stands alone.
        for text in (unescape(words_of(page.text)), text_of(paper.content)):
            plain = "".join(text.split())
            assert "highest61.5°Cat14:07" in plain and "3gaps" in plain and SEEN in plain
            assert "13:33to14:13" in plain  # from half an hour before until it was over
        (kept,) = [image for sheet in PdfReader(BytesIO(paper.content)).pages for image in sheet.images]
        assert kept.image is not None and kept.image.size == (40, 80)

    played(tmp_path, play)


def test_a_report_without_names_has_no_photo_and_no_note_and_a_dead_history_says_so(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await over(stage)
        await stage.desk.history.close()
        page = await stage.client.get(f"/incident/{incident}/report?lang=en&names=no", headers=PAPER_HEADERS)
        paper = await stage.client.get(f"/incident/{incident}/report.pdf?lang=en&names=no", headers=BEARER)
        assert paper.status_code == 200, paper.text
        assert "<img" not in page.text and SEEN not in page.text and SEEN not in text_of(paper.content)
        assert not [image for sheet in PdfReader(BytesIO(paper.content)).pages for image in sheet.images]
        assert say("en", "report-left-out") in page.text
        assert page.text.count("the history cannot be read now") == 1

    played(tmp_path, play)
