"""`callpoint registers`: the page of a device profile, of one that ships or of a site's own."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    parser = commands.add_parser("registers", help="a device profile as a page to read", description=run.__doc__)
    parser.add_argument("profile", metavar="PROFILE", help="the name of a shipped profile, or a profile's file")
    parser.set_defaults(run=lambda options: run(options.profile))


def run(named: str) -> int:
    """Print the registers of a device profile as Markdown, to be read beside the maker's manual: addresses as on the
    wire and as manuals print them, types, scales, bits, codes and limits. Exit 1 if the profile has mistakes."""
    from config.document import Document
    from config.loader import SHIPPED_PROFILES, read_profile
    from config.profilepage import page_of

    path = Path(named)
    if "/" not in named and path.suffix != ".yaml":
        path = SHIPPED_PROFILES / f"{named}.yaml"
        if not path.is_file():
            shipped = ", ".join(sorted(each.stem for each in SHIPPED_PROFILES.glob("*.yaml")))
            print(f"callpoint registers: no profile {named!r} ships; there are {shipped}", file=sys.stderr)
            return 1
    document = Document()
    profile = read_profile(path, document, named)
    if profile is None:
        for mistake in sorted(set(document.mistakes)):
            print(mistake, file=sys.stderr)
        return 1
    print(page_of(profile, heading_of(path.read_text(encoding="utf-8-sig"))), end="")
    return 0


def heading_of(text: str) -> str:
    """What a profile's file says in the comment at its top, as one paragraph; empty without one."""
    found = re.match(r"(?:#.*\n)+", text)
    lines = [line.lstrip("#").strip() for line in found[0].splitlines()] if found else []
    return " ".join(line for line in lines if not line.startswith("yaml-language-server:")).strip()
