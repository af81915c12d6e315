"""The command `enroll`: certificates for gateways, the collector and the broker; renewed, taken back, listed."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.enrolment.authority import Authority

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

OK, FAILED, USAGE = 0, 1, 2
DAYS, DAYS_MAX = 1826, 3650
NEW_AUTHORITY = (
    "callpoint enroll: a new authority of {!r} was made in {}. If this community has one already, stop here, remove"
    " that folder and use the one that it has: its gateways would be shut out"
)
# What may stand in a certificate, an ACL, a unit's name and a path, and never means anything else there.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    names: tuple[str, ...] = ()
    site: Path | None = None
    ca: Path | None = None
    to: Path = Path("enrolled")
    hosts: tuple[str, ...] = ()
    every: bool = False
    renew: bool = False
    revoke: bool = False
    listed: bool = False
    days: int | None = None


class WrongUse(Exception):
    """What was asked for does not go together; str() says what was expected."""


def add_parser(commands: Commands) -> None:
    """Add `enroll` to the command line."""
    enroll = commands.add_parser("enroll", help="certificates for gateways and the broker", description=_run.__doc__)
    enroll.add_argument("names", nargs="*", metavar="GW", help="gateway of the site; also: collector, broker")
    enroll.add_argument("--all", action="store_true", help="every gateway of the site that holds no good certificate")
    enroll.add_argument("--site", type=Path, metavar="SITE", help="site folder; a copy is handed out")
    enroll.add_argument(
        "--broker",
        action="append",
        default=[],
        metavar="HOST",
        help="name or address by which gateways reach the broker; again for others; those said before stay good",
    )
    enroll.add_argument("--ca", type=Path, metavar="DIR", help="the authority's folder (default: XDG state folder)")
    enroll.add_argument(
        "--to", type=Path, default=Path("enrolled"), metavar="DIR", help="hand out here (default: %(default)s)"
    )
    enroll.add_argument(
        "--days",
        type=_days,
        metavar="N",
        help=f"how long they are good (default: a gateway's {DAYS}, the broker's and the collector's as the authority)",
    )
    do = enroll.add_mutually_exclusive_group()
    do.add_argument("--renew", action="store_true", help="make another; the old one is good until its end")
    do.add_argument("--revoke", action="store_true", help="take back: the broker refuses it from then on")
    do.add_argument("--list", action="store_true", help="who holds what until when, and change nothing")
    enroll.set_defaults(run=_run, extra="collector")


def _run(options: argparse.Namespace) -> int:
    """Make a gateway's key and certificate, signed by the community's own authority, and what the broker must know. The
    first time the authority, the broker's certificate and the collector's are made too. Keep the authority's folder off
    the broker and off the Pis."""
    asked = Asked(
        names=tuple(dict.fromkeys(options.names)),
        site=options.site,
        ca=options.ca,
        to=options.to,
        hosts=tuple(options.broker),
        every=options.all,
        renew=options.renew,
        revoke=options.revoke,
        listed=options.list,
        days=options.days,
    )
    return run(asked, datetime.now(UTC))


def run(asked: Asked, now: datetime) -> int:
    """0: done, 1: it cannot be done, 2: wrong use. What was made is told on stdout, what to do with it on stderr."""
    from collector.enrolment.authority import AuthorityError, opened
    from collector.findings import EARLIEST_YEAR
    from config.document import Mistakes
    from config.endpoint import state_folder

    folder = asked.ca or state_folder() / "authority"
    if now.year < EARLIEST_YEAR:
        print(f"callpoint enroll: this machine's clock says {now:%Y-%m-%d}: set it first", file=sys.stderr)
        return FAILED
    try:
        _check(asked)
        community, known = _site(asked)
        with opened(folder, community, asked.hosts, now) as authority:
            if asked.listed:
                return _list(authority, now)
            if asked.revoke:
                return _revoke(authority, asked, now)
            if not authority.issued:
                print(NEW_AUTHORITY.format(authority.community, folder), file=sys.stderr)
            return _enroll(authority, asked, known, now)
    except WrongUse as error:
        print(f"callpoint enroll: {error}", file=sys.stderr)
        return USAGE
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
    except (AuthorityError, OSError) as error:
        print(f"callpoint enroll: {error}", file=sys.stderr)
    return FAILED


def _check(asked: Asked) -> None:
    for host in asked.hosts:
        if not _HOST.fullmatch(host):
            raise WrongUse(f"--broker {host}: expected a name or an address, without a port")
    if asked.listed:
        return
    if not asked.names and not asked.every and (asked.revoke or not asked.hosts):
        raise WrongUse("expected the name of a gateway" + ("" if asked.revoke else ", or --all"))
    if asked.revoke and asked.every:
        raise WrongUse("--revoke: name whom, one by one")
    if asked.site is None and not asked.revoke and (asked.every or asked.names):
        raise WrongUse("expected --site, the folder of the gateway's community")
    if asked.site is not None and asked.to.resolve().is_relative_to(asked.site.resolve()):
        raise WrongUse(f"--to {asked.to}: lies in the site folder, of which every machine gets a copy; name another")


def _site(asked: Asked) -> tuple[str | None, tuple[str, ...]]:
    """The community and its gateways. Raises Mistakes, and WrongUse for a name that is none of them."""
    from collector.enrolment.authority import BROKER, COLLECTOR
    from collector.enrolment.handout import SITE
    from config.loader import load_site

    if asked.site is None:
        return None, ()
    site = load_site(asked.site)
    known = tuple(site.gateways)
    for name in known:
        if not _PLAIN.fullmatch(name) or name in (BROKER, COLLECTOR, SITE):
            expected = f"letters, digits, dots, dashes, and none of {COLLECTOR!r}, {BROKER!r}, {SITE!r}"
            raise WrongUse(f"gateway {name!r} of {asked.site}: its name goes into its certificate: expected {expected}")
    for name in asked.names:
        if name not in (*known, BROKER, COLLECTOR) and not asked.revoke:
            raise WrongUse(f"found {name!r}, expected one of {', '.join((*known, COLLECTOR, BROKER))}")
    return site.community.id, known


def _enroll(authority: Authority, asked: Asked, known: Sequence[str], now: datetime) -> int:
    from collector.enrolment.authority import BROKER, COLLECTOR
    from collector.enrolment.handout import tell_broker

    hosts = tuple(dict.fromkeys((*asked.hosts, *authority.hosts)))  # a Pi in the field knows the broker by an old one
    moved = hosts != authority.hosts
    names = [*asked.names, *(each for each in known if asked.every and each not in asked.names)]
    firsts = [each for each in (BROKER, COLLECTOR) if authority.good(each, now) is None or (each == BROKER and moved)]
    refused = 0
    for name in dict.fromkeys((*firsts, *names)):
        held = authority.good(name, now)
        if held is not None and not asked.renew and not (name == BROKER and moved):
            if name in asked.names:
                print(
                    f"callpoint enroll: {name} holds one until {held.until[:10]}: --renew makes another",
                    file=sys.stderr,
                )
                refused += 1
            continue
        folder, until = _hand_out(authority, name, hosts, asked, now)
        print(f"{name}: {folder}, good until {until:%Y-%m-%d}")
    print(f"{BROKER}: {tell_broker(authority, None, asked.to, now)}, rules and revocations")
    _say_strangers(authority, known, now)
    print("copy each folder to its machine and run there: sudo sh install.sh; then remove it here", file=sys.stderr)
    return FAILED if refused else OK


def _hand_out(
    authority: Authority, name: str, hosts: tuple[str, ...], asked: Asked, now: datetime
) -> tuple[Path, datetime]:
    """Make a certificate and write its folder. One that cannot be written is taken back: asked again, another is made,
    instead of none because the register knows one that nobody has."""
    from collector.enrolment.authority import BROKER, COLLECTOR
    from collector.enrolment.handout import hand_out, tell_broker

    before = authority.hosts
    if name == BROKER:
        authority.serve(hosts)
    # When the broker's or the collector's has ended, every building is silent at once.
    days = DAYS if asked.days is None and name not in (BROKER, COLLECTOR) else asked.days
    made = authority.issue(name, days, now)
    try:
        if name == BROKER:
            folder = tell_broker(authority, made, asked.to, now)
        else:
            folder = hand_out(authority, name, made, asked.to, asked.site)
    except OSError:
        authority.serve(before)
        authority.withdraw(made, now)
        raise
    return folder, made.until


def _say_strangers(authority: Authority, known: Sequence[str], now: datetime) -> None:
    for name in authority.gateways(now):
        if known and name not in known:
            said = f"{name} holds a certificate and is not in the site: callpoint enroll {name} --revoke"
            print(f"callpoint enroll: {said}", file=sys.stderr)


def _revoke(authority: Authority, asked: Asked, now: datetime) -> int:
    from collector.enrolment.handout import tell_broker

    refused = 0
    for name in asked.names:
        count = authority.revoke(name, now)
        if count:
            print(f"{name}: {count} certificate{'s' if count > 1 else ''} revoked")
        else:
            refused += 1
            print(f"callpoint enroll: {name} holds no certificate that is good", file=sys.stderr)
    folder = tell_broker(authority, None, asked.to, now)
    print(f"{folder}: copy it to the broker's machine and run there: sudo sh install.sh", file=sys.stderr)
    return FAILED if refused else OK


def _list(authority: Authority, now: datetime) -> int:
    for each in sorted(authority.issued, key=lambda each: (each.name, each.since)):
        ended = "" if each.revoked or each.is_good(now) else " ended"
        state = f" revoked {each.revoked}" if each.revoked else ended
        print(f"{each.name}\t{each.until}\t{each.serial}{state}")
    return OK


def _days(text: str) -> int:
    number = int(text)
    if not 1 <= number <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 to {DAYS_MAX}")
    return number
