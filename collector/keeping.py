"""The commands about what is kept: `account`, `person`, `book`, `backup`, `restore`, `history`.

Each imports its module when it is run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from collector import historycommand

USAGE = 2
ASKED_BY = ("themselves", "guardian", "management", "authority")

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parsers(commands: Commands) -> None:
    """Add these commands to the command line."""
    _add_account(commands)
    _add_person(commands)
    _add_book(commands)
    _add_backup(commands)
    historycommand.add_parsers(commands)


def _add_account(commands: Commands) -> None:
    account = commands.add_parser("account", help="who may sign in", description=_account.__doc__)
    account.add_argument("do", choices=["add", "list", "link", "disable", "enable"])
    account.add_argument("name", nargs="?", default="", metavar="NAME", help="what they type to sign in")
    roles = ["viewer", "responder", "leader", "manager", "engineer"]
    account.add_argument("--role", choices=roles, help="add: as what (default: what the person is on the site's list)")
    account.add_argument("--person", metavar="ID", help="add: who they are on the site's list")
    account.add_argument("--title", metavar="TEXT", help="add: what they are called (default: NAME)")
    account.add_argument("--building", action="append", default=[], metavar="ID", help="add: see this one only; again")
    account.add_argument(
        "--cell", action="append", default=[], metavar="ID", help="add: see this grid cell only; again"
    )
    account.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    account.add_argument("--url", metavar="URL", help="what their phone opens (default: as the collector was started)")
    account.set_defaults(run=_account, extra="collector")


def _account(options: argparse.Namespace) -> int:
    """Make an account and print a link that signs in to it once: so the first administrator comes to be. List accounts,
    print another link, or shut somebody out. Works beside a collector that runs."""
    from collector.accounts import AccountOptions, run

    if bool(options.name) == (options.do == "list"):
        print(f"callpoint account {options.do}: expected {'no' if options.name else 'a'} NAME", file=sys.stderr)
        return USAGE
    if options.do == "add" and options.role is None and options.person is None:
        print("callpoint account add: expected --role, or --person for what the site's list says", file=sys.stderr)
        return USAGE
    return run(
        AccountOptions(
            do=options.do,
            name=options.name,
            role=options.role,
            person=options.person,
            title=options.title,
            buildings=tuple(options.building),
            cells=tuple(options.cell),
            state=options.state,
            url=options.url,
        )
    )


def _add_person(commands: Commands) -> None:
    person = commands.add_parser("person", help="what is held on a person", description=_person.__doc__)
    person.add_argument("do", choices=["export", "erase"])
    person.add_argument("id", metavar="ID", help="of the person, as in the site folder or the book")
    person.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    person.add_argument("--site", type=Path, metavar="SITE", help="export: site folder, for its entry too")
    person.add_argument("--asked-by", choices=ASKED_BY, help="erase: who asked for it")
    person.add_argument("--url", metavar="URL", help="erase: where the collector serves (default: 127.0.0.1:8080)")
    person.set_defaults(run=_person, extra="collector")


def _person(options: argparse.Namespace) -> int:
    """Print everything that is held on a person as JSON, without secrets and without other people; or erase them for
    good by the collector that runs, which must not be led by what has been erased beneath it. The token comes from
    CALLPOINT_API_TOKEN, CALLPOINT_API_TOKEN_FILE, or the file beside the state."""
    from collector.person import erase, run

    if options.do == "export":
        return run(options.id, options.state, options.site)
    if options.asked_by is None:
        print(f"callpoint person erase: expected --asked-by, one of {', '.join(ASKED_BY)}", file=sys.stderr)
        return USAGE
    return erase(options.id, options.asked_by, options.url, options.state)


def _add_book(commands: Commands) -> None:
    book = commands.add_parser("book", help="people, teams and posts as spreadsheets", description=_book.__doc__)
    book.add_argument("do", choices=["export", "import"])
    book.add_argument("table", choices=["people", "teams", "cells", "buildings", "contacts"])
    book.add_argument("file", metavar="FILE", help="CSV; - for standard output or input")
    book.add_argument("--template", action="store_true", help="export: the header alone")
    book.add_argument("--chinese", action="store_true", help="export: headers in Chinese")
    book.add_argument("--preview", action="store_true", help="import: say what would change, and change nothing")
    book.add_argument("--remove-missing", action="store_true", help="import: remove who is not in FILE (people, teams)")
    book.add_argument("--url", metavar="URL", help="where the collector serves (default: http://127.0.0.1:8080)")
    book.add_argument("--state", metavar="URL", help="sqlite:PATH, beside it the token (default: XDG state folder)")
    book.set_defaults(run=_book, extra="collector")


def _book(options: argparse.Namespace) -> int:
    """Take people, teams and posts out of a running collector as CSV, or bring them in: all of a file or nothing, with
    each mistake by its line. The token comes from CALLPOINT_API_TOKEN, CALLPOINT_API_TOKEN_FILE, or the file beside the
    state."""
    from collector.booksheets import Asked, bring_in, export

    wrong = ("preview", "remove_missing") if options.do == "export" else ("template", "chinese")
    for name in wrong:
        if getattr(options, name):
            print(f"callpoint book {options.do}: --{name.replace('_', '-')} is not for it", file=sys.stderr)
            return USAGE
    asked = Asked(options.table, options.file, options.url, options.state)
    if options.do == "export":
        return export(asked, options.template, options.chinese)
    return bring_in(asked, options.preview, options.remove_missing)


def _add_backup(commands: Commands) -> None:
    backup = commands.add_parser("backup", help="copy all that is kept, while it runs", description=_backup.__doc__)
    backup.add_argument("to", metavar="TO", help="a new file, or a folder (or NAME/) that gets one named by the time")
    backup.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    backup.add_argument("--history", metavar="URL", help="as the collector's (default: the file beside the state)")
    backup.add_argument("--site", type=Path, metavar="SITE", help="site folder, to be in it too")
    backup.add_argument("--keep", type=_count, metavar="N", help="remove all but the newest N of the folder")
    backup.set_defaults(run=_backup, extra="collector")

    restore = commands.add_parser("restore", help="put a backup back", description=_restore.__doc__)
    restore.add_argument("file", type=Path, metavar="FILE", help="from `callpoint backup`")
    restore.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    restore.add_argument("--history", metavar="URL", help="sqlite:PATH (default: the file beside the state)")
    restore.add_argument("--site", type=Path, metavar="DIR", help="put the site folder here too (default: nowhere)")
    restore.add_argument("--force", action="store_true", help="move aside what is there already")
    restore.set_defaults(run=_restore, extra="collector")


def _backup(options: argparse.Namespace) -> int:
    """Copy state and history into one file while the collector runs. It holds secrets: keep it safe."""
    from collector.storage.backup import run_backup

    return run_backup(options.to, options.state, options.history, options.site, options.keep)


def _restore(options: argparse.Namespace) -> int:
    """Check a backup and put it back where the collector finds it. The collector must be stopped."""
    from collector.storage.backup import run_restore

    return run_restore(options.file, options.state, options.history, options.site, options.force)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return number
