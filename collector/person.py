"""`callpoint person`: everything that is held on one person, as JSON (PIPL art. 45, GDPR art. 15 and 20), or its end.

`export` reads the store, also beside a collector that runs; it changes nothing. What concerns others too is shown
without them, and no secret is in it: it can be handed to the person. `erase` asks the collector.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from collector.asking import DEFAULT_URL, token_of
from collector.storage.store import StoreFailed, StoreRefused, open_store
from config.document import Mistakes
from config.endpoint import EndpointError, default_state
from config.loader import load_site

OK, NOTHING, FAILED = 0, 1, 2
ERASED_WITHIN_S = 300.0  # a store of many years, and the collector goes on with its work meanwhile
SOMEBODY_ELSE = "(somebody else)"
NOTE = (
    "Stamps that end in _ms are milliseconds since 1970-01-01 UTC. Photos are named, their pictures are on the board."
)
# Where erasure looks for somebody, by what an export calls it; None: nothing of a person that can be handed out.
HELD_IN: Mapping[str, str | None] = {
    **{name: name for name in ("accounts", "sessions", "tokens", "kept", "incidents", "notices", "attempts", "photos")},
    **{"subscriptions": "phones", "entries": "timeline", "audit": "audit"},
    "sign_ins": None,  # secrets that are good for minutes
    "alarms": None,  # what devices said
    "refused": None,  # reports that the history would not take
}
_SECRET = ("secret", "password", "hash", "endpoint", "p256dh", "auth", "link", "code")

Rows = list[dict[str, Any]]


def run(person: str, state_url: str | None, folder: Path | None) -> int:
    """Print what is held. 0: printed, 1: nothing is held or the site is no site, 2: the store cannot be read."""
    try:
        site = load_site(folder) if folder is not None else None
        found = asyncio.run(_read(person, state_url or default_state(), () if site is None else tuple(site.people)))
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return NOTHING
    except (EndpointError, StoreRefused, StoreFailed) as error:
        print(f"callpoint person: {error}", file=sys.stderr)
        return FAILED
    listed = None if site is None else site.people.get(person)
    if listed is None and not any(found.values()):
        print(f"callpoint person: nothing is held on {person!r}", file=sys.stderr)
        return NOTHING
    entry = None if listed is None else listed.model_dump(mode="json")
    print(json.dumps({"person": person, "note": NOTE, "site": entry, **found}, indent=2, ensure_ascii=False))
    return OK


def erase(person: str, asked_by: str, url: str | None, state_url: str | None) -> int:
    """Have a running collector erase somebody. 0: erased, 1: refused, 2: the collector or its token is not there."""
    base = (url or DEFAULT_URL).rstrip("/")
    try:
        token = token_of(state_url)
        answer = httpx.post(
            f"{base}/api/v1/people/{quote(person, safe='')}/erase",
            json={"asked_by": asked_by},
            headers={"Authorization": f"Bearer {token}"},
            timeout=ERASED_WITHIN_S,
        )
        said = answer.json()
    except (EndpointError, OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
        print(f"callpoint person: {base}: {error}", file=sys.stderr)
        return FAILED
    if answer.status_code != httpx.codes.OK or not isinstance(said, dict) or "rows" not in said:
        detail = said.get("detail") if isinstance(said, dict) else None
        print(f"callpoint person: not erased: {detail or answer.status_code}", file=sys.stderr)
        return NOTHING
    print(f"{person}: erased, {said['rows']} rows; backups made before still hold them")
    return OK


async def _read(person: str, state_url: str, others: Collection[str]) -> dict[str, Rows]:
    store = await open_store(state_url, read_only=True)
    try:
        return await store.read(partial(held, person=person, others=others))
    finally:
        await store.close()


def held(connection: sqlite3.Connection, person: str, others: Collection[str] = ()) -> dict[str, Rows]:
    """Every row that names the person by their id, by what it is. `others`: people whose ids are not shown."""
    names = {row[0] for row in connection.execute("SELECT DISTINCT json_extract(body, '$.person') FROM notices")}
    names |= {row[0] for row in connection.execute("SELECT person FROM accounts WHERE person IS NOT NULL")}
    hidden = frozenset({*names, *others} - {person, None, ""})
    quoted = json.dumps(person, ensure_ascii=False)

    def rows(sql: str, *values: object) -> Rows:
        cursor = connection.execute(sql, values)
        columns = [each[0] for each in cursor.description]
        return [_shown(dict(zip(columns, row, strict=True)), hidden) for row in cursor]

    theirs = "SELECT id FROM notices WHERE json_extract(body, '$.person') = ?"
    mine = "(SELECT id FROM accounts WHERE person = ?)"
    kept = rows("SELECT kind, body FROM kept WHERE instr(body, ?)", quoted)
    incidents = rows("SELECT body FROM incidents WHERE instr(body, ?) ORDER BY id", quoted)
    changes = (
        "SELECT at_ms, account, person, name, what, target, facts, before, after FROM audit"
        " WHERE person = ?1 OR target = ?1 OR account IN (SELECT id FROM accounts WHERE person = ?1) ORDER BY number"
    )
    return {
        "accounts": rows("SELECT id, body FROM accounts WHERE person = ?", person),
        "sessions": rows(
            f"SELECT device, made_at_ms, seen_at_ms, until_ms FROM sessions WHERE account IN {mine}", person
        ),
        "phones": rows("SELECT device, made_at_ms, ok_at_ms, failed_at_ms FROM subscriptions WHERE person = ?", person),
        "kept": [each for each in kept if person in _strings(each)],
        "incidents": [_part_in(each["body"], person) for each in incidents if person in _strings(each)],
        "notices": rows("SELECT body FROM notices WHERE json_extract(body, '$.person') = ? ORDER BY id", person),
        "attempts": rows(
            "SELECT notice, sending, channel, at_ms, handed_over_at_ms, error FROM attempts"
            f" WHERE notice IN ({theirs}) ORDER BY number",
            person,
        ),
        "timeline": rows("SELECT body FROM entries WHERE json_extract(body, '$.person') = ? ORDER BY number", person),
        "tokens": rows("SELECT id, body FROM tokens WHERE json_extract(body, '$.person') = ?", person),
        "photos": rows("SELECT incident, id, at_ms, bytes FROM photos WHERE person = ? ORDER BY at_ms", person),
        "audit": [_unsigned(each, person) for each in rows(changes, person)],
    }


def _part_in(incident: dict[str, Any], person: str) -> dict[str, Any]:
    """Of an incident: what it was, and what the person said of it."""
    what = {name: incident.get(name) for name in ("id", "building", "kind", "opened_at_ms", "closed_at_ms")}
    said = {
        name: [each for each in incident.get(name, ()) if isinstance(each, dict) and each.get("person") == person]
        for name in ("responses", "remarks")
    }
    acknowledged = person in incident.get("acknowledged_by", ())
    return {**what, **said, "acknowledged": acknowledged, "stood_down": incident.get("stood_down_by") == person}


def _unsigned(change: dict[str, Any], person: str) -> dict[str, Any]:
    """A line of the audit log; who made it is told only where that was the person."""
    return change if change["person"] == person else change | {"account": SOMEBODY_ELSE, "name": SOMEBODY_ELSE}


def _shown(row: dict[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """A row with its JSON opened, without other people and without secrets."""
    opened = {}
    for name, value in row.items():
        if name in ("body", "facts", "before", "after") and isinstance(value, str):
            with suppress(ValueError):
                value = json.loads(value)
        opened[name] = _without(value, hidden)
    return opened


def _without(value: Any, hidden: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {
            SOMEBODY_ELSE if name in hidden else name: _without(each, hidden)
            for name, each in value.items()
            if not any(word in name for word in _SECRET)
        }
    if isinstance(value, list):
        return [_without(each, hidden) for each in value]
    return SOMEBODY_ELSE if isinstance(value, str) and value in hidden else value


def _strings(value: Any) -> Iterator[str]:
    """Every text in it, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
