"""What the checks of the book find, in people's words: by what they expected, which each says in its own way."""

from __future__ import annotations

import re

from collector.alerter.catalogue import say
from config.people import Language

# How a check says what it expected -> the message; named groups fill its blanks. The first that fits counts.
_WANTED = tuple(
    (re.compile(pattern), key)
    for pattern, key in (
        (r"one line of text", "book/wants/line"),
        (r"at most (?P<most>\d+)", "book/wants/at-most"),
        (r"each (?:member|address|person|once)|it once", "book/wants/once"),
        (r"a mail address|the person's mail address", "book/wants/mail"),
        (r"an Apprise URL", "book/wants/address"),
        (r"the id of a person|the id or name of a person", "book/wants/person"),
        (r"the id of a team|the id or name of a team", "book/wants/team"),
        (r"the id of a building|the id or name of a building", "book/wants/building"),
        (r"the id of a cell|the id or name of a cell", "book/wants/cell"),
        (r"the id of a channel|a channel of the site", "book/wants/channel"),
        (r"an id of its own", "book/wants/own-id"),
        (r"an id of 1 to 64", "book/wants/id"),
        (r"an id", "book/wants/which"),
        (r"one channel that makes a phone ring", "book/wants/ringing"),
        (r"somebody whom a ring calls", "book/wants/task"),
        (r"the leader or a member", "book/wants/member"),
        (r"somebody at every hour", "book/wants/every-hour"),
        (r"members to call", "book/wants/members"),
        (r"groups that take turns|values that fit together", "book/wants/first-day"),
        (r"a name; of a merged cell", "book/wants/name"),
        (r"at least one channel", "book/wants/a-channel"),
        (r"the channel that it is for", "book/wants/its-channel"),
        (r"all its digits", "book/wants/digits"),
        (r"(?P<before>.+), as before: the spreadsheet", "book/wants/beginning"),
        (r"(?P<before>'.+'): the spreadsheet has lost", "book/wants/beginning"),
        (r"of these: (?P<these>.+)", "book/wants/these"),
        (r"one of (?P<these>.+)", "book/wants/columns"),
        (r"zh, en or nothing", "book/wants/language"),
        (r"leader \(", "book/wants/role"),
        (r"a team; below it", "book/wants/team-above"),
        (r"one leader|one; ", "book/wants/one-leader"),
        (r"no cell where there is no header", "book/wants/no-cell"),
        (r"a time|(?:in )?a valid time", "book/wants/time"),
        (r"(?:in )?a valid date", "book/wants/date"),
        (r"(?P<these>.+ or .+)", "book/wants/these"),
    )
)


def wanted_words(language: Language, expected: str) -> str:
    """What was expected; for what has no words of its own, that it does not fit."""
    for pattern, key in _WANTED:
        if (match := pattern.match(expected)) is not None:
            return say(language, key, **match.groupdict())
    return say(language, "book/wants/other")


def fault_words(language: Language, found: str, expected: str) -> str:
    """One sentence: what was found, where it can be shown as it is, and what was expected."""
    shown = found if re.match(r"['\"\d]", found) and found != "''" else ""
    wanted = wanted_words(language, expected)
    return say(language, "book/found", found=shown, wanted=wanted) if shown else wanted
