"""What the documents name exists, and what exists is named in them."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callpoint import main, parser
from config.document import Document
from config.loader import load_site, read_profile
from config.profile import Condition, points_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _leaves(parser: argparse.ArgumentParser, *words: str) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Every command of the program with its options: ("book", "export") …"""
    options = {option for action in parser._actions for option in action.option_strings}
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, options
    for action in inner:
        for name, each in action.choices.items():
            yield from _leaves(each, *words, name)


LEAVES = dict(_leaves(parser()))
COMMANDS = sorted({words[0] for words in LEAVES})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_links_of_a_page_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:config|gateway|collector|simulator|tests|docs)/[\w./*-]+)`", text)
    linked = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not re.match(r"https?:|#", link)]

    missing = [name for name in named if not list(ROOT.glob(name.rstrip("/")))]
    missing += [link for link in linked if not (page.parent / link.partition("#")[0]).exists()]

    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_of_a_page_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    wrong = []
    for command, rest in re.findall(r"(?<![\w-])callpoint ([a-z]+)\b([^`\n#|]*)", text):
        words = [command, *rest.split()]
        known = [options for leaf, options in LEAVES.items() if list(leaf[: len(words)]) == words[: len(leaf)]]
        options = re.findall(r"(?<!\w)--[a-z]+(?:-[a-z]+)*", rest)
        if not known:
            wrong.append(f"there is no command {' '.join(words[:2])}")
        wrong += [f"{command} {option}" for option in options if not any(option in each for each in known)]

    assert not wrong


def test_the_profile_on_the_page_about_sites_can_be_copied(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "sites.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(profile: my-head.*?)```", page, re.DOTALL)
    (tmp_path / "my-head.yaml").write_text(text, encoding="utf-8")
    document = Document()

    profile = read_profile(tmp_path / "my-head.yaml", document)

    assert not document.mistakes
    assert profile is not None and {point.condition for point in points_of(profile)} >= {
        Condition.ALARM,
        Condition.TROUBLE,
        Condition.TEST,
        Condition.MEASUREMENT,
    }


def test_the_requests_on_the_pages_name_what_the_demo_site_has() -> None:
    site = load_site(ROOT / "config" / "sites" / "demo")
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    requests = [each for text in texts for each in re.findall(r"^curl -.*?```", text, re.DOTALL | re.MULTILINE)]

    people = {name for each in requests for name in re.findall(r'"(?:person|by|substitute|watch)": "([^"]+)"', each)}
    devices = {name for each in requests for name in re.findall(r'"target": "([^"]+)"|/devices/([\w-]+)/', each)}
    tested = [name for each in requests for name in re.findall(r'"devices": \[([^]]+)]', each)]
    named = {name for pair in devices for name in pair if name} | set(re.findall(r'"([^"]+)"', " ".join(tested)))

    assert len(requests) >= 6 and people and named
    assert people <= set(site.people)
    assert named <= set(site.devices)


def test_every_step_of_the_path_names_its_file() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    path = architecture.partition("## The path of a reading")[2].partition("## The house")[0]

    named = set(re.findall(r"`((?:gateway|collector|config)/[\w/]+\.py)`", path))
    assert not [name for name in named if not (ROOT / name).is_file()]
    for package, least in (("gateway/", 8), ("collector/", 30)):
        found = sorted(name for name in named if name.startswith(package))
        assert len(found) >= least, f"the path of a reading names only {found} of {package}"


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_has_help_and_refuses_what_it_does_not_know(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as helped:
        main([*words, "--help"])
    with pytest.raises(SystemExit) as refused:
        main([*words, "--no-such-option"])

    assert (helped.value.code, refused.value.code) == (0, 2)
    assert f"usage: callpoint {' '.join(words)}" in capsys.readouterr().out


def test_the_readme_names_every_command_of_a_user() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    table = readme.partition("## The commands")[2].partition("\n## ")[0]

    named = set(re.findall(r"`(?:callpoint )?([a-z]+)[ `]", table))
    assert set(COMMANDS) - named == {"broker"}  # for trials


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "COMMAND"),
        (("check", "/nowhere"), 1, "a site folder"),
        (("gateway", "config/sites/demo", "--id", "nobody", "--mqtt", "mqtt://127.0.0.1:1"), 2, "nobody"),
        (("gateway", "config/sites/demo", "--id", "gw-east", "--mqtt", "http://x"), 2, "mqtt://"),
        (("collector", "config/sites/demo", "--mqtt", "mqtt://a:b@c"), 2, "CALLPOINT_MQTT_PASSWORD"),
        (("collector", "config/sites/demo", "--mqtt", "mqtt://127.0.0.1", "--listen", "nowhere"), 2, "nowhere"),
        (
            (
                "collector",
                "config/sites/demo",
                "--mqtt",
                "mqtt://127.0.0.1",
                "--history",
                "csv:x",
                "--listen",
                "127.0.0.1:0",
            ),
            2,
            "csv:x",
        ),
        (("tap", "--mqtt", "mqtt://127.0.0.1:1"), 1, "no broker"),
        (("ledger", "--state", "sqlite:/nowhere/x.db"), 2, "/nowhere/x.db"),
        (("replay", "/nowhere/x.jsonl", "config/sites/demo"), 1, "/nowhere/x.jsonl"),
        (("why", "latest", "--state", "sqlite:/nowhere/x.db"), 2, "/nowhere/x.db"),
        (("simulate", "config/sites/demo", "--story", "flood"), 1, "flood"),
        (("simulate", "config/sites/demo", "--speed", "0"), 2, "above 0"),
        (("demo", "--listen", "nonsense", "--exit"), 1, "host:port"),
        (("bench", "nonsense"), 2, "alarm"),
        (("bench", "engine", "--count", "0"), 2, "above 0"),
        (("bench", "storm", "--count", "9999"), 1, "at most"),
    ],
)
def test_wrong_use_is_told_in_one_line_with_an_exit_code(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "callpoint.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
