"""What MkDocs does beside building the pages: the front pages, from the READMEs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
FRONT = {"index.md": "README.md", "zh.md": "README.zh.md"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """What `nav` does not name has its place at the end, so that no page is lost."""
    named = set(_named(config.nav))
    there = sorted(path.relative_to(config.docs_dir).as_posix() for path in Path(config.docs_dir).rglob("*.md"))
    rest = [name for name in there if name not in named]
    config.nav = [*config.nav, *([{"More": rest}] if rest else [])]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The READMEs as front pages: their links into docs/ are links beside them there."""
    for page, readme in FRONT.items():
        text = (ROOT / readme).read_text(encoding="utf-8")
        for name, other in FRONT.items():
            text = text.replace(f"]({other})", f"]({name})")
        files.append(File.generated(config, page, content=text.replace("](docs/", "](")))
    return files


def _named(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [name for each in (nav.values() if isinstance(nav, dict) else nav or []) for name in _named(each)]
