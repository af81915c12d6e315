"""The page of the audit log: who has changed what, when, and how it was before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right
from collector.access.audit import LoggedChange
from collector.alerter.access import changes, thing
from collector.alerter.front import Front, InFront
from collector.alerter.rights import InActor, needs
from collector.storage.auditlog import Sought
from collector.storage.records import STAMP_MS_MAX

ROWS_ON_PAGE = 50
VALUE_CHARACTERS_MAX = 200

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.AUDIT)])


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a thing: what it was and what it is, None where there was none."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the page shows it."""

    number: int
    at: datetime
    name: str
    account: str
    what: str
    target: str
    differences: list[Difference]
    facts: list[Difference]


@router.api_route("/audit", methods=["GET", "HEAD"])
async def audit(request: Request, front: InFront, actor: InActor) -> Response:
    """Filtered by person, words and days; the newest first."""
    asked = request.query_params
    who, about = (asked.get(name, "")[:80].strip() for name in ("who", "about"))
    since, until = (_day(asked.get(name, "")) for name in ("from", "until"))
    before = asked.get("before", "")
    sought = Sought(
        who,
        about,
        _begin_ms(front, since),
        None if until is None else _begin_ms(front, until + timedelta(days=1)),
        int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None,
        actor.buildings,
    )
    found = await changes(front, sought, ROWS_ON_PAGE + 1)
    return front.pages.page(
        "audit.html",
        front.language(request),
        front.now(),
        rows=[_row(front, each) for each in found[:ROWS_ON_PAGE]],
        who=who,
        about=about,
        since=since.isoformat() if since else "",
        until=until.isoformat() if until else "",
        older=found[ROWS_ON_PAGE - 1].number if len(found) > ROWS_ON_PAGE else None,
    )


def _row(front: Front, each: LoggedChange) -> Row:
    was, now_is = thing(each.before), thing(each.after)
    differences = []
    if isinstance(was, dict | None) and isinstance(now_is, dict | None):
        old, new = _flat(was or {}), _flat(now_is or {})
        fields = [name for name in {**old, **new} if name != "id" and old.get(name) != new.get(name)]
        differences = [Difference(name, _short(front, old, name), _short(front, new, name)) for name in fields]
    facts = [
        Difference(name, None, _short(front, each.facts, name)) for name in each.facts if each.facts[name] is not None
    ]
    return Row(
        each.number, front.view.stamp(each.at_ms), each.name, each.account, each.what, each.target, differences, facts
    )


def _flat(values: Mapping[str, Any], deep: int = 3) -> dict[str, Any]:
    """What lies inside of something beside what lies around it: the fields of a book's entry are in its `value`."""
    found = {name: value for name, value in values.items() if not (isinstance(value, dict) and deep)}
    for value in values.values():
        if isinstance(value, dict) and deep:
            found |= _flat(value, deep - 1)  # the name of a person rather than that of their entry
    return found


def _short(front: Front, values: Mapping[str, Any], name: str) -> str | None:
    """A value in one line; what is a time, in the site's."""
    value = values.get(name)
    if value is None:
        return None
    if name.endswith(("at_ms", "from_ms", "until_ms")) and isinstance(value, int) and 0 < value < STAMP_MS_MAX:
        return f"{front.view.stamp(value):%Y-%m-%d %H:%M:%S}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[: VALUE_CHARACTERS_MAX - 1]}…"


def _day(typed: str) -> date | None:
    try:
        found = date.fromisoformat(typed.strip())
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def _begin_ms(front: Front, day: date | None) -> int | None:
    if day is None:
        return None
    return int(datetime.combine(day, time(), front.desk.site.zone).timestamp() * 1000)
