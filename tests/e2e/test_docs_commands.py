"""Every command that a page shows is run, page by page, or says to its reader why a test does not run it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.documents import LANGUAGES, NEVER_RUN, PAGES, Block, Machine, blocks_of, machine, run_of

OWN_COLLECTOR = re.compile(r"callpoint collector ")
TOKEN = "a-token-of-the-scratch-machine"
SMS_SECRET = "a-secret-of-the-scratch-machine"
# What the requests of people.md are about, and the demo's site does not have.
INBOUND = """  inbound:
    sms: {secret_env: SMS_SECRET, proof: hmac-sha256, header: X-Signature, number: from, text: text}
"""
COLLECTOR = re.compile(r"callpoint collector ")
TOKEN = "a-token-of-the-scratch-machine"
SMS_SECRET = "a-secret-of-the-scratch-machine"
# What the requests of people.md are about, and the demo's site does not have.
INBOUND = (
    "  inbound:\n    sms: {secret_env: SMS_SECRET, proof: hmac-sha256, header: X-Signature, number: from, text: text}\n"
)
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


@pytest.mark.servers
@pytest.mark.parametrize("page", [page for page in PAGES if run_of(page)], ids=lambda page: page.name)
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
        ends = "callpoint broker --listen 127.0.0.1:8080\nkill $(cat ../services/*broker.pid)\nsleep 1"
        assert "ended by itself" in told(place, ends)
