"""Every command that a page shows is run, page by page, or says to its reader why a test does not run it."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.documents import LANGUAGES, NEVER_RUN, PAGES, ROOT, Block, Machine, blocks_of, machine, run_of
from tests.terminal import Terminal, keep_picture, plain, terminal

OWN_COLLECTOR = re.compile(r"callpoint collector ")
TOKEN = "a-token-of-the-scratch-machine"
SMS_SECRET = "a-secret-of-the-scratch-machine"
# What the requests of people.md are about, and the demo's site does not have.
INBOUND = """  inbound:
    sms: {secret_env: SMS_SECRET, proof: hmac-sha256, header: X-Signature, number: from, text: text}
"""
TOUR = ROOT / "docs" / "tour.md"
SOAKED = {"operations.md", "upgrade.md"}  # two collectors each; the tour runs most of their commands as well
WALKED = [
    pytest.param(page, marks=pytest.mark.soak if page.name in SOAKED else ())
    for page in PAGES
    if run_of(page) and page != TOUR
]
COLLECTOR = "callpoint collector ../my-site --mqtt mqtt://127.0.0.1:1883 --listen 127.0.0.1:8080"


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which a collector runs on the demo's site: for the pages that show requests to one."""
    with machine(tmp_path_factory.mktemp("community"), COLLECTOR) as place:
        plan = place.here / "my-site" / "community.yaml"
        plan.write_text(plan.read_text(encoding="utf-8").replace("plan:\n", f"plan:\n{INBOUND}", 1), encoding="utf-8")
        place.environment |= {"CALLPOINT_API_TOKEN": TOKEN, "TOKEN": TOKEN, "SMS_SECRET": SMS_SECRET}
        place.run([Block(Path(__file__), 1, "sh", "", COLLECTOR)])
        yield place


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine on which tour.md has been walked, with all its parts still running."""
    blocks = run_of(TOUR)
    with machine(tmp_path_factory.mktemp("tour"), "\n".join(block.text for block in blocks)) as place:
        place.run(blocks)
        yield place


@pytest.mark.servers
def test_the_tour_can_be_walked_to_its_end(tour: Machine) -> None:
    kept = {path.name for path in tour.here.iterdir()}

    assert {"buses.json", "tour.jsonl", "people.csv", "li-guoqiang.json", "tour.backup", "restored"} <= kept
    assert "李国强" in (tour.here / "people.csv").read_text(encoding="utf-8-sig")


@pytest.mark.servers
@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    blocks = run_of(page)
    text = "\n".join(block.text for block in blocks)
    if "$TOKEN" in text and not OWN_COLLECTOR.search(text):
        request.getfixturevalue("community").run(blocks)
        return
    with machine(tmp_path, text) as place:
        place.run(blocks)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_and_no_test_runs_says_why(
    page: Path, record_property: Callable[[str, object], None]
) -> None:
    blocks = blocks_of(page)
    for block in blocks:
        if block.reason is not None:
            record_property("not run", f"{block.place}: {block.reason}")

    assert not [block.place for block in blocks if block.reason is not None and len(block.reason.split()) < 2]
    assert not [block.place for block in blocks if block.title and block.reason is None], "a title that is no reason"
    assert not [f"{block.place}: {block.language}" for block in blocks if block.language not in LANGUAGES]
    assert not [block.place for block in run_of(page) if NEVER_RUN.search(block.text)], "this would change the machine"
    hidden = re.compile(r"^\s*(?:\$ |sudo |\S*callpoint (?!SITE)[a-z]+ )", re.MULTILINE)
    assert not [block.place for block in blocks if block.language == "" and hidden.search(block.text)], "mark it sh"


@pytest.mark.servers
def test_the_scratch_machine_notices_what_fails(community: Machine, tmp_path: Path) -> None:
    def told(place: Machine, *texts: str) -> str:
        with pytest.raises(AssertionError) as caught:
            place.run([Block(Path(__file__), line, "sh", "", text) for line, text in enumerate(texts, 1)])
        return str(caught.value)

    assert "404" in told(community, "curl http://127.0.0.1:8080/api/v1/no-such-page")
    with machine(tmp_path / "scratch", "") as place:
        assert "test_docs_commands.py:2" in told(place, "true", "callpoint check /nowhere")
        assert "test_docs_commands.py:1" in told(place, "false | true", "true")
        refused = told(place, "callpoint gateway ../my-site --id nobody --mqtt mqtts://server")
        assert "no gateway 'nobody'" in refused
        ends = "callpoint broker --listen 127.0.0.1:8080; kill -9 $(cat ../services/*broker.pid); sleep 0.2"
        assert "ended by itself" in told(place, ends)


@contextmanager
def typed(place: Machine, command: str, columns: int = 110, **environment: str) -> Iterator[Terminal]:
    """A command of ours, as a page writes it, in a terminal on the scratch machine."""
    words = [sys.executable, str(ROOT / "callpoint.py"), *shlex.split(place.moved(command))[1:]]
    known = {name: value for name, value in place.environment.items() if name != "NO_COLOR"}
    with terminal(words, place.here / "callpoint", known | environment, columns) as screen:
        yield screen


@pytest.mark.servers
@pytest.mark.parametrize(
    ("name", "command", "shown"),
    [
        ("why", "callpoint why latest --site ../tour", "smoke-b3-502.*"),
        ("ledger", "callpoint ledger", "gw-east +alarm"),
    ],
)
def test_a_tool_shows_what_it_knows_in_a_terminal(tour: Machine, name: str, command: str, shown: str) -> None:
    with typed(tour, command) as screen:
        screen.until(shown)
        assert screen.ended() == 0
    keep_picture(name, command, "\n".join(tour.shown(screen.said).splitlines()[:26]))


@pytest.mark.servers
def test_colours_are_for_who_looks_at_a_terminal_and_has_not_refused_them(tour: Machine) -> None:
    command = "callpoint doctor ../tour --mqtt mqtt://127.0.0.1:1883"
    with typed(tour, command) as screen, typed(tour, command, NO_COLOR="1") as refused:
        assert screen.ended() == refused.ended()
    keep_picture("doctor", command, tour.shown(screen.said))

    assert "\x1b[" in screen.said and "\x1b[" not in refused.said
    assert re.search("ok +broker", plain(screen.said)) and re.search("ok +broker", refused.said)


@pytest.mark.servers
def test_the_traffic_is_shown_until_ctrl_c(tour: Machine) -> None:
    command = "callpoint tap --mqtt mqtt://127.0.0.1:1883"
    with typed(tour, command) as screen:
        screen.until("gw-west <- committed|before its birth was heard")
        screen.type("\x03")
        assert screen.ended() == 130
    # What the tour's own tap has shown, because only who listens before the births can read what follows.
    (earlier,) = (path.read_text(encoding="utf-8") for path in (tour.here / "services").glob("*-tap.log"))
    lines = earlier.splitlines()
    fire = next(at for at, line in enumerate(lines) if " fire=True" in line)
    keep_picture("tap", command, tour.shown("\n".join(lines[max(0, fire - 3) : fire + 16])))

    assert "Traceback" not in screen.said
    assert any("smoke-b3-502 BIRTH" in line for line in lines)


@pytest.mark.servers
def test_mistakes_of_a_site_folder_are_named_by_file_and_line(tour: Machine) -> None:
    wrong = {"buildings.yaml": ("cell: cell-3", "cell: cell-33"), "gateway-east.yaml": ("unit: 2,", "unit: 1,")}
    wrong["people.yaml"] = ("home: b-4", "home: b-44")
    for name, (right, mistake) in wrong.items():
        file = tour.here / "restored" / name
        file.write_text(file.read_text(encoding="utf-8").replace(right, mistake, 1), encoding="utf-8")
    command = "callpoint check ../restored"
    with typed(tour, command) as screen:
        screen.until(r"buildings.yaml:\d+: .*cell-33")
        assert screen.ended() == 1
    keep_picture("check", command, tour.shown(screen.said))


@pytest.mark.servers
def test_a_scan_shows_how_far_it_is_and_says_after_ctrl_c_how_to_go_on(tour: Machine) -> None:
    command = "callpoint probe scan ../tour --bus tcp-west --buses ../buses.json --quick"
    with typed(tour, f"{command} --units 1-16") as whole:
        assert whole.ended() == 0
    keep_picture("probe", f"{command} --units 1-16", tour.shown(whole.said))
    with typed(tour, command) as screen:
        screen.until(r"unit +11 +answers")
        screen.type("\x03")
        assert screen.ended() == 130

    assert re.search(r"\[#*\.*] +\d+ %", screen.said)  # the bar, which is gone from the screen by now
    assert "--resume" in plain(screen.said) and "Traceback" not in screen.said


def test_a_made_up_community_obeys_its_keyboard(tmp_path: Path) -> None:
    with (
        machine(tmp_path / "scratch", "callpoint broker") as place,
        typed(place, "callpoint simulate ../my-site") as screen,
    ):
        screen.until("commands: play NAME")
        screen.type("play entrapment\n")
        screen.until("(?i)elevator|lift")
        screen.type("stop\n")
        assert screen.ended() == 0


def test_the_demo_says_what_happens_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    whole = "CALLPOINT_SCREENSHOTS" in os.environ
    command = f"callpoint demo --story fire{' --exit' if whole else ''}"
    with machine(tmp_path / "scratch", "callpoint broker") as place:
        with typed(place, f"{command} --listen 127.0.0.1:8080") as screen:
            if not whole:
                screen.until("sign in|signs in")
                screen.type("\x03")
                screen.until("stopping")
            code = screen.ended()
        lines = place.shown(screen.said).splitlines()
        story = next((at for at, line in enumerate(lines) if "—" in line), 0)
        keep_picture("demo", command, "\n".join(lines[story : story + 36]))

    assert code == 0 and "Traceback" not in screen.said
    assert "\x1b[" in screen.said
