"""`callpoint account`: before the collector's first start, and beside one that runs."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.web.scene import scene

ROOT = Path(__file__).resolve().parents[2]


def account(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "callpoint.py"), "account", *words, "--state", f"sqlite:{folder}/state.db"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def link_in(done: subprocess.CompletedProcess[str]) -> str:
    found = re.search(r"http://127\.0\.0\.1:8080(/sign-in/link/[\w-]+)$", done.stdout, re.MULTILINE)
    assert found is not None, done.stderr
    return found[1]


def test_the_first_administrator_is_made_before_anything_runs(tmp_path: Path) -> None:
    made = account(tmp_path, "add", "Wang Fang", "--role", "manager")

    async def sign_in() -> tuple[int, int]:
        async with scene(tmp_path, listen_host="0.0.0.0") as stage:
            signed = await stage.client.post(link_in(made))
            return signed.status_code, (await stage.client.get("/accounts")).status_code

    assert made.returncode == 0
    assert asyncio.run(sign_in()) == (303, 200)
    assert "wang fang" in account(tmp_path, "list").stdout
    assert "password" not in made.stdout  # there is none, so there is no default one


def test_beside_a_collector_that_runs_it_is_obeyed_at_once(tmp_path: Path) -> None:
    async def play() -> list[int]:
        async with scene(tmp_path, listen_host="0.0.0.0") as stage:
            made = await asyncio.to_thread(account, tmp_path, "add", "lena", "--person", "nora")
            stage.hear("smoke-1")  # and the collector goes on writing
            signed = await stage.client.post(link_in(made))
            before = await stage.client.get("/api/v1/incidents")
            shut = await asyncio.to_thread(account, tmp_path, "disable", "lena")
            after = await stage.client.get("/api/v1/incidents")
            await asyncio.to_thread(account, tmp_path, "enable", "lena")
            again = await stage.client.post(link_in(await asyncio.to_thread(account, tmp_path, "link", "lena")))
            assert shut.returncode == 0
            return [each.status_code for each in (signed, before, after, again)]

    assert asyncio.run(play()) == [303, 200, 401, 303]


def test_many_commands_at_once_lose_nothing(tmp_path: Path) -> None:
    async def play() -> tuple[list[int], httpx.Response]:
        async with scene(tmp_path) as stage:
            done = await asyncio.gather(
                *(
                    asyncio.to_thread(account, tmp_path, "add", f"name {number}", "--role", "viewer")
                    for number in range(4)
                )
            )
            return [each.returncode for each in done], await stage.client.get("/")

    codes, page = asyncio.run(play())

    assert codes == [0] * 4 and page.status_code == 200
    assert len(account(tmp_path, "list").stdout.splitlines()) == 4


def test_what_cannot_be_done_is_said_and_changes_nothing(tmp_path: Path) -> None:
    account(tmp_path, "add", "lena", "--role", "viewer")
    before = account(tmp_path, "list").stdout

    for words in (
        ("add", "lena", "--role", "manager"),
        ("add", "a:b", "--role", "viewer"),
        ("add", "token", "--role", "viewer"),
        ("add", "nobody"),
        ("link", "nobody"),
        ("disable", "nobody"),
        ("list", "lena"),
    ):
        done = account(tmp_path, *words)
        assert done.returncode in (1, 2) and done.stderr.startswith("callpoint account"), words

    assert account(tmp_path, "list").stdout == before
