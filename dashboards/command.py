"""`callpoint dashboards`: the parser. The SDK is imported when it runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

USAGE = 2

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    made = commands.add_parser("dashboards", help="Grafana's dashboards, as files", description=_dashboards.__doc__)
    made.add_argument("do", choices=["build", "list"])
    made.add_argument("--to", type=Path, metavar="DIR", help="build: folder to write into (default: dashboards/built)")
    made.add_argument("--language", choices=["zh", "en", "both"], default="both", help="default: %(default)s")
    made.add_argument("--check", action="store_true", help="build: write nothing; exit 1 if a file would differ")
    made.set_defaults(run=_dashboards, extra="dashboards")


def _dashboards(options: argparse.Namespace) -> int:
    """Write Grafana's dashboards as JSON, in Chinese and English, with the YAML that provisions them; existing files of
    the same names are replaced. Or list them with what each panel shows."""
    from dashboards.build import run, show
    from dashboards.words import LANGUAGES

    if options.do == "list" and (options.to is not None or options.check):
        print("callpoint dashboards list: --to and --check are not for it", file=sys.stderr)
        return USAGE

    languages = LANGUAGES if options.language == "both" else (options.language,)
    return show(languages) if options.do == "list" else run(options.to, languages, options.check)
