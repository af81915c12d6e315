"""The log: one line an event in a form that holds, bounded, and never in anybody's way."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from collector import logbook
from collector.alarms.incident import Answer, Entry
from collector.messages.reasons import SENTENCES
from collector.state import Decision
from collector.storage.records import Attempt
from config import logs
from config.logline import LINE_BYTES_MAX, JsonLine, TextLine
from config.logwriter import SAME_MAX, SAME_WITHIN_S, WAITING_MAX, Writer
from tests.scenarios.play import Play

ROOT = Path(__file__).parents[2]
CALL = re.compile(r"log\.(?:debug|info|warning|error|critical)\(\s*\"([a-z-]+)\"", re.IGNORECASE)
EVENT = re.compile(r'event = \(logging\.\w+, "([a-z-]+)"\) if \w+ else \(logging\.\w+, "([a-z-]+)"\)')
TOLD = re.compile(r'log\.tell\(\s*[^"]*?"([a-z-]+)"')


def record(text: str = "said", fault: BaseException | None = None, **facts: Any) -> logging.LogRecord:
    trace = None if fault is None else (type(fault), fault, fault.__traceback__)
    made = logging.LogRecord("collector.desk", logging.WARNING, "", 0, text, (), trace)
    made.__dict__ |= {"event": "not-committed", "facts": facts}
    return made


def raised(text: str) -> BaseException:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.fixture
def kept() -> Iterator[None]:
    """The logging of this process is as it was before."""
    root, hooks = logging.root, (sys.excepthook, threading.excepthook, logging.raiseExceptions)
    shown = (logging.logThreads, logging.logProcesses, logging.logMultiprocessing)
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in (*logs.OURS, "httpx", "httpcore", "aiohttp")}
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook, logging.raiseExceptions = hooks
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing = shown


def written(use: Callable[[], None], folder: Path, environment: Mapping[str, str], *asked: str | None) -> str:
    """What stands in a file to which the log was set up, after `use`."""
    file = folder / "log"
    with file.open("wb") as out:
        writer = logs.set_up(*asked, environment=environment, fd=out.fileno(), facts={"gateway": "gw-east"})
        use()
        writer.close()
    return file.read_text(encoding="utf-8")


def say_two() -> None:
    logs.of("gateway.poller").warning("bus-lost", "the line is closed", bus="line-1", error=OSError(5, "gone"))
    logging.getLogger("uvicorn.error").info("Started %s", "here")


# --- the form ---------------------------------------------------------------------------------------


def test_a_json_line_has_time_with_offset_level_part_event_text_and_facts_in_this_order() -> None:
    line = JsonLine({"gateway": "gw-east"})(record(incident="00a1", sending=2, permanent=False, error="no disk"))

    told = json.loads(line)
    assert list(told) == [
        "at",
        "level",
        "part",
        "event",
        "text",
        "gateway",
        "incident",
        "sending",
        "permanent",
        "error",
    ]
    assert datetime.fromisoformat(told["at"]).utcoffset() is not None and re.search(r"\.\d{3}[+-]", told["at"])
    assert (told["level"], told["part"], told["event"]) == ("warning", "collector.desk", "not-committed")
    assert (told["sending"], told["permanent"]) == (2, False)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("two\nlines\r\n\u2028 and \x1b[31m\x00\x9b", {"error": "a\nb"}),
        ('quotes " and \\ and {braces} and %s', {}),
        ("梧桐里 3 号楼：失火", {"building": "三号楼"}),
        ("half a pair \ud800", {"error": "\udcff"}),
        ("火" * 100_000, {}),
        ("x" * 7_000, dict.fromkeys("abcdefgh", "火" * 7000)),
        ("\x01" * 9_000, {}),
        ("many", {f"fact_{number}": "\x01" * 300 for number in range(60)}),
    ],
)
def test_whatever_is_said_is_one_line_of_json_within_its_bytes(text: str, facts: dict[str, str]) -> None:
    line = JsonLine({})(record(text, raised(text), **facts))

    assert "\n" not in line and "\r" not in line
    assert len(line.encode("utf-8", "backslashreplace")) <= LINE_BYTES_MAX
    assert json.loads(line)["event"] == "not-committed"


def test_a_fault_is_one_line_with_its_traceback_and_of_a_long_one_the_end_is_kept() -> None:
    told = json.loads(JsonLine({})(record("ends", raised("x" * 20_000 + " the end"))))

    assert told["error"].startswith("ValueError: xxx")
    assert told["traceback"].endswith("the end\n") and len(told["traceback"]) <= 6_000
    short = json.loads(JsonLine({})(record("ends", raised("no"))))
    assert "test_logs.py" in short["traceback"] and short["traceback"].endswith("ValueError: no\n")


def test_text_is_for_people_and_says_what_the_words_do_not() -> None:
    line = TextLine(coloured=False)(record("notice 00b2 is not\n\x1b[2Jtaken", notice="00b2", incident="00a1"))

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} WARNING collector\.desk: notice 00b2 is not  \[2Jtaken"
        r" \(incident=00a1\)",
        line,
    )
    line = TextLine(coloured=False)(record("notice 00b2 is taken, sending 1", notice="00b2", took_ms=2, sending=1))
    assert line.endswith("is taken, sending 1 (took_ms=2)")
    traced = TextLine(coloured=True)(record("ends", raised("no"))).split("\n")
    assert traced[0].startswith("\x1b[33m") and traced[0].endswith("\x1b[0m")
    assert all(each.startswith("    ") for each in traced[1:]) and "ValueError: no" in traced[-1]


@pytest.mark.parametrize(
    ("asked", "environment", "form"),
    [
        ((None, None), {}, "json"),
        (("text", None), {"CALLPOINT_LOG": "json"}, "text"),
        ((None, None), {"CALLPOINT_LOG": "text"}, "text"),
        (("auto", None), {"CALLPOINT_LOG": "text"}, "json"),
    ],
)
def test_a_file_gets_json_unless_somebody_asks_for_text(
    kept: None, tmp_path: Path, asked: tuple[str | None, str | None], environment: dict[str, str], form: str
) -> None:
    lines = written(say_two, tmp_path, environment, *asked).splitlines()

    if form == "text":
        assert "WARNING gateway.poller: the line is closed (bus=line-1, error=[Errno 5] gone)" in lines[0]
        assert lines[1].endswith("INFO uvicorn.error: Started here")
        return
    ours, library = (json.loads(line) for line in lines)
    assert (ours["event"], ours["bus"], ours["gateway"], ours["error"]) == (
        "bus-lost",
        "line-1",
        "gw-east",
        "[Errno 5] gone",
    )
    assert (library["event"], library["part"], library["text"]) == ("library", "uvicorn.error", "Started here")


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_text_with_colour_unless_it_is_refused(kept: None, no_color: str, coloured: bool) -> None:
    ours, theirs = os.openpty()
    writer = logs.set_up(environment={"NO_COLOR": no_color}, fd=theirs)
    say_two()
    writer.close()
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)

    assert "WARNING gateway.poller: the line is closed" in shown
    assert ("\x1b[33m" in shown) is coloured


@pytest.mark.parametrize(
    ("level", "told"),
    [("debug", ["fine", "plain", "bad"]), (None, ["plain", "bad"]), ("warning", ["bad"]), ("error", [])],
)
def test_the_level_is_ours_and_a_library_never_says_what_is_finer_than_info(
    kept: None, tmp_path: Path, level: str | None, told: list[str]
) -> None:
    def say() -> None:
        ours = logs.of("collector.desk")
        ours.debug("fine", "x")
        ours.info("plain", "x")
        ours.warning("bad", "x")
        logging.getLogger("httpcore.http11").debug("Authorization: secret")
        logging.getLogger("httpx").info("GET https://hook.example/secret")
        logging.getLogger("anything").debug("secret")

    lines = [json.loads(line) for line in written(say, tmp_path, {}, None, level).splitlines()]

    assert [line["event"] for line in lines] == told


@pytest.mark.parametrize(
    ("environment", "named"),
    [({"CALLPOINT_LOG": "xml"}, "CALLPOINT_LOG=xml"), ({"CALLPOINT_LOG_LEVEL": "loud"}, "CALLPOINT_LOG_LEVEL=loud")],
)
def test_a_setting_that_means_nothing_is_named_with_what_was_expected(
    environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    with pytest.raises(logs.LogError, match=f"{named}: expected one of "):
        logs.set_up(environment=environment)


def test_into_the_journal_each_line_begins_with_its_priority(kept: None, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.touch()
    found = file.stat()

    lines = written(say_two, tmp_path, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}).splitlines()

    assert [line[:3] for line in lines] == ["<4>", "<6>"]
    assert json.loads(lines[0][3:])["event"] == "bus-lost"
    assert written(say_two, tmp_path, {"JOURNAL_STREAM": "1:2"}).startswith("{")


def test_what_nobody_catches_is_a_line_like_any_other(kept: None, tmp_path: Path) -> None:
    def fail() -> None:
        error = raised("nobody caught this")
        sys.excepthook(type(error), error, error.__traceback__)

    (line,) = written(fail, tmp_path, {}).splitlines()

    assert json.loads(line)["event"] == "fault" and "nobody caught this" in json.loads(line)["traceback"]


# --- bounds -----------------------------------------------------------------------------------------


class Hand:
    """A clock set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_noisy_bus_is_told_so_often_a_minute_with_the_count_of_the_rest(tmp_path: Path) -> None:
    hand = Hand()
    with (tmp_path / "log").open("wb") as out:
        writer = Writer(JsonLine({}), out.fileno(), clock=hand)
        for number in range(1_000):
            writer.handle(record(f"garbled {number}", bus="line-1"))
        for _ in range(3):
            writer.handle(record("garbled", bus="line-2"))
        hand.now_s += SAME_WITHIN_S
        writer.handle(record("garbled again", bus="line-1"))
        assert writer.left_out == 1_000 - SAME_MAX
        writer.close()

    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line.get("bus") for line in lines] == ["line-1"] * SAME_MAX + ["line-2"] * 3 + [None, "line-1"]
    assert (lines[-2]["event"], lines[-2]["of_event"], lines[-2]["count"]) == ("left-out", "not-committed", 980)


def test_a_call_to_everybody_is_told_whole(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as out:
        writer = Writer(JsonLine({}), out.fileno())
        for number in range(3_000):
            writer.handle(record("told", incident="00a1", notice=f"{number:016x}"))
        writer.close()

    assert len((tmp_path / "log").read_text().splitlines()) == 3_000 and writer.left_out == 0


def test_nobody_waits_for_a_reader_that_sleeps_and_the_lost_lines_are_told_when_it_wakes() -> None:
    reads, writes = os.pipe()
    writer = Writer(JsonLine({}), writes)
    began = time.monotonic()
    for number in range(WAITING_MAX + 2_000):
        writer.handle(record("x" * 100, notice=str(number)))
    assert time.monotonic() - began < 5.0
    assert writer.lost > 0

    text = b""
    while b'"event": "lost"' not in text:
        text += os.read(reads, 1 << 16)
    writer.close()
    os.close(writes)
    lines = [json.loads(line) for line in text.decode().splitlines() if line.endswith("}")]
    assert sum(line["count"] for line in lines if line["event"] == "lost") <= writer.lost
    os.close(reads)


def test_a_pipe_that_nobody_holds_and_a_full_disk_are_counted_and_end_nothing() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    for fd in (writes, os.open("/dev/full", os.O_WRONLY)):
        writer = Writer(JsonLine({}), fd)
        writer.handle(record())
        writer.flush()
        writer.handle(record())
        writer.close()
        assert writer.lost == 2
        os.close(fd)


def test_a_log_that_is_closed_by_the_interpreter_has_told_all_and_holds_up_nothing() -> None:
    program = (
        "from config import logs\nlogs.set_up(environment={})\n"
        "for n in range(200): logs.of('collector').info('plain', 'x', notice=str(n))\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=20)

    assert done.returncode == 0 and time.monotonic() - began < 3.0
    assert [json.loads(line)["notice"] for line in done.stderr.splitlines()] == [str(n) for n in range(200)]


# --- what is decided ---------------------------------------------------------------------------------


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(JsonLine({})(each)) for each in caplog.records]


def test_a_call_is_told_from_its_first_alarm_to_its_end_without_naming_anybody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    play = Play()
    play.at(5).says("smoke-1", ago_s=2, fire=True)
    play.at(10).answers("nick", Answer.CANNOT)
    play.at(36).answers("sam", Answer.GOING)
    play.at(60).says("smoke-1", fire=False)
    play.at(61).answers("nora", Answer.ARRIVED).resets("nora")
    notice = next(iter(play.notices.values()))
    with caplog.at_level(logging.INFO):
        logbook.log_decisions(play.decisions)
        logbook.log_attempt(notice, Attempt(notice.id, 1, "mail", 5, None, "550 no <ned@example.org> here", True))
        logbook.log_attempt(notice, Attempt(notice.id, 1, "mail", 5, 17))

    lines = logged(caplog)
    story = [line for line in lines if line.get("incident") == notice.incident]
    events = [line["event"] for line in story]
    for earlier, later in (
        ("incident-opened", "call-started"),
        ("call-started", "ring-called"),
        ("ring-called", "answered"),
        ("answered", "alarm-returned"),
        ("alarm-returned", "reset"),
        ("reset", "incident-closed"),
    ):
        assert events.index(earlier) < events.index(later), events
    made = [line for line in story if line["event"] == "notice-created"]
    assert {line["notice"] for line in made} == set(play.notices) and all(line["reason"] for line in made)
    failed, taken = story[-2:]
    assert failed["error"] == "550 no <…> here" and failed["permanent"] is True and failed["level"] == "warning"
    assert (taken["event"], taken["notice"], taken["took_ms"]) == ("handed-over", notice.id, 12)
    everybody = {*play.site.people, *(person.name for person in play.site.people.values())}
    words = set(re.findall(r"[\w-]+", json.dumps(lines, ensure_ascii=False)))
    assert not everybody & words
    assert all("?" not in line["text"] for line in story), [line["text"] for line in story if "?" in line["text"]]


@pytest.mark.parametrize(
    "entry",
    [
        Entry(1, "noted", "00a1", None, "wang", (("text", "Li Guoqiang sleeps"),)),
        Entry(1, "said-away", None, None, "wang", (("absence", "x"), ("by", "li"), ("substitute", "li"))),
        Entry(1, "book-changed", facts=(("by", "wang"), ("entries", "person/li"))),
        Entry(1, "disablement-started", None, "d-1", "wang", (("scope", "device"), ("why", "Li paints"))),
        Entry(1, "drill-ended", "00a1", None, "wang", (("drill", "x"), ("by", "wang"))),
        Entry(1, "alarm-raised", "00a1", "team/t", None, (("alarm", "team/t:day:unready"), ("value", "li: no mail"))),
        Entry(1, "alarm-raised", "00a1", "system", None, (("alarm", "system:book"), ("value", "person li"))),
        Entry(1, "alarm-raised", "00a1", "d", None, (("alarm", "d:disabled-device"), ("value", "Li paints"))),
        Entry(1, "notice-failed", "00a1", None, "wang", (("error", "550 li@x.org, +86 138 0013 8000"),)),
        Entry(1, "of a later version", "00a1", None, "wang", (("whatever", "li"),)),
    ],
    ids=lambda entry: entry.event,
)
def test_what_somebody_wrote_and_who_it_was_stay_out_of_the_log(entry: Entry, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logbook.log_decisions([Decision(entries=(entry,))])

    (line,) = logged(caplog)
    assert line["event"] == entry.event
    assert not re.search(r"wang|\bli\b|8000", json.dumps(line), re.IGNORECASE), line


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("550 5.1.1 <wang@example.org>: unknown", "550 5.1.1 <…>: unknown"),
        ("no route to +86 138-0013-8000", "no route to …"),
        ("Cannot connect to https://hook.example/t0ken", "Cannot connect to …"),
        ("the webhook answered 503", "the webhook answered 503"),
    ],
)
def test_a_providers_words_lose_addresses_and_keep_their_meaning(said: str, told: str) -> None:
    assert logs.without_addresses(said) == told


# --- the page ---------------------------------------------------------------------------------------


def events_in_code() -> set[str]:
    found: set[str] = set(SENTENCES)
    for package in ("config", "gateway", "collector"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found |= {each.lower() for each in CALL.findall(text)} | set(TOLD.findall(text))
            found |= {each for pair in EVENT.findall(text) for each in pair}
            if path.name == "logwriter.py":
                found |= set(re.findall(r'_own\(\s*"([a-z-]+)"', text))
    return found | {"library"}


def test_the_page_about_logs_names_every_event_and_no_other() -> None:
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    tables = page.partition("## Events")[2]

    named = re.findall(r"^\| `([a-z-]+)` \|", tables, re.MULTILINE)

    assert len(named) == len(set(named)), sorted(each for each in named if named.count(each) > 1)
    assert set(named) == events_in_code()


def test_nothing_is_logged_but_by_an_event() -> None:
    plain = re.compile(r"logging\.getLogger\(__name__\)|logging\.(?:debug|info|warning|error|basicConfig)\(")
    wrong = [
        path.relative_to(ROOT).as_posix()
        for package in ("config", "gateway", "collector")
        for path in (ROOT / package).rglob("*.py")
        if plain.search(path.read_text(encoding="utf-8"))
    ]

    assert not wrong
