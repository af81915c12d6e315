"""README.zh.md says in Chinese what README.md says: the same parts in the same order."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")
HAN = re.compile(r"[\u4e00-\u9fff]")
FENCED = re.compile(r"^```(\w*).*?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shape(text: str) -> list[str]:
    """The kinds of a page's lines in order: headings by level, list items, table rows, quotes, pictures, paragraphs."""
    text = FENCED.sub("```\n", text)
    kinds = (re.match(r"#+ |- |\d\. |\||> |!\[|```|\S", line) for line in text.splitlines())
    return ["text" if len(kind[0]) == 1 and kind[0] != "|" else kind[0] for kind in kinds if kind]


def commands(text: str) -> list[tuple[str, str]]:
    """Fenced blocks with their language; comments are prose, and so are the spaces before them."""
    return [(language, re.sub(r" *#.*", "", body)) for language, body in FENCED.findall(text)]


def spoken(text: str) -> list[str]:
    """What stands between backticks: commands, options, names of files."""
    return re.findall(r"`([^`\n]+)`", FENCED.sub("", text))


def links(text: str) -> list[str]:
    """Where links and pictures lead, but for the link to the other language."""
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")]


def test_the_two_readmes_have_the_same_sections_lists_and_tables() -> None:
    assert shape(CHINESE) == shape(ENGLISH)


def test_the_two_readmes_show_the_same_commands() -> None:
    assert commands(CHINESE) == commands(ENGLISH)
    assert [name for name in spoken(ENGLISH) if name not in spoken(CHINESE)] == []
    assert [name for name in spoken(CHINESE) if name not in spoken(ENGLISH)] == []


def test_the_two_readmes_have_the_same_links_and_pictures() -> None:
    assert links(CHINESE) == links(ENGLISH)
    assert "](README.zh.md)" in ENGLISH.partition("\n## ")[0] and "](README.md)" in CHINESE.partition("\n## ")[0]


def test_the_two_readmes_name_the_same_figures() -> None:
    english, chinese = (set(re.findall(r"(?<![\w.])\d[\d.,]*\d", FENCED.sub("", text))) for text in (ENGLISH, CHINESE))

    assert english == chinese


def test_every_paragraph_and_row_of_the_chinese_readme_is_chinese() -> None:
    prose = re.sub(
        r"`[^`\n]*`|\[English]\(README.md\)|^# Callpoint$|\| --- .*", "", FENCED.sub("", CHINESE), flags=re.M
    )

    assert not [line for line in prose.splitlines() if re.search("[A-Za-z]{3}", line) and not HAN.search(line)]
    assert len(HAN.findall(CHINESE)) > 1000
