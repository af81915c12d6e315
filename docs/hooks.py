"""What MkDocs does beside building the pages: the front pages, from the READMEs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import rjieba
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

HAN = re.compile(r"[\u4e00-\u9fff]+")
NOTHING_WIDE = "\u200b"  # the plugin takes it for a space, a reader does not see it
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


def on_post_build(config: MkDocsConfig) -> None:
    """The search plugin splits at spaces, which Chinese does not have: each word is parted from the next one."""
    path = Path(config.site_dir) / "search" / "search_index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    for entry in index["docs"]:
        for part in ("title", "text"):
            entry[part] = HAN.sub(lambda found: NOTHING_WIDE.join(["", *rjieba.cut(found[0]), ""]), entry[part])
    path.write_text(json.dumps(index, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _named(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [name for each in (nav.values() if isinstance(nav, dict) else nav or []) for name in _named(each)]
