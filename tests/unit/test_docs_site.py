"""docs/ as a site: it builds without a warning, holds every page, and asks the network for nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What a browser fetches by itself; an <a> is only followed by a reader.
FETCHED = re.compile(
    r"<(?:script|link|img|iframe|source|video|object|embed)\b[^>]*?\b(?:src|href|srcset|data)=[\"']?((?:https?:)?//[^\"'\s>]+)"
)
FETCHED_BY_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once, as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_of_the_documents_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    pages = {page.replace("README", "index") for page in pages} | {"index", "zh"}

    assert not [page for page in pages if not (site / f"{page}.html").is_file()]
    navigation = (site / "index.html").read_text(encoding="utf-8")
    assert not [page for page in pages if f'href="{page}.html"' not in navigation]


def test_the_site_asks_the_network_for_nothing(site: Path) -> None:
    asked = [
        (path.name, address)
        for pattern, suffix in ((FETCHED, "*.html"), (FETCHED_BY_STYLE, "*.html"), (FETCHED_BY_STYLE, "*.css"))
        for path in site.rglob(suffix)
        for address in pattern.findall(path.read_text(encoding="utf-8"))
    ]

    assert not asked
    # The theme's script would fetch a library for this one kind of block.
    assert not [path.name for path in site.rglob("*.html") if 'class="mermaid"' in path.read_text(encoding="utf-8")]


def test_the_search_index_has_chinese_and_english_words(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    words = [re.split(index["config"]["separator"], entry["text"]) for entry in index["docs"]]

    assert any("extinguisher" in each for each in words)
    for word in ("消防站", "烟感", "误报", "灭火器"):
        assert any(word in each for each in words), word
