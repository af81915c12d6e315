"""`callpoint why`: why an incident called whom. Reads the store, also beside a collector that runs; changes nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from collector.book.book import entries_in, fitting
from collector.messages.reasons import Why, explain, lines
from collector.storage.store import Store, StoreFailed, StoreRefused, open_store
from config.document import Mistakes
from config.endpoint import EndpointError, default_state
from config.loader import load_site
from config.site import Site, roll_of

ENTRIES_MAX = 10_000  # lines of one incident's timeline, the newest
LATEST = "latest"


def run(incident: str, state_url: str | None, folder: Path | None, person: str | None, as_json: bool) -> int:
    """Print why. 0: told, 1: no such incident or no such site, 2: the store cannot be read."""
    try:
        site = load_site(folder) if folder is not None else None
        why = asyncio.run(_read(incident, state_url or default_state(), site, person))
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return 1
    except (EndpointError, StoreRefused, StoreFailed) as error:
        print(f"callpoint why: {error}", file=sys.stderr)
        return 2
    if why is None:
        what = "no incident yet" if incident == LATEST else f"no incident {incident!r}"
        print(f"callpoint why: the store has {what}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(asdict(why), indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines(why, site.zone if site is not None else None)))
    return 0


async def _read(incident: str, state_url: str, site: Site | None, person: str | None) -> Why | None:
    store = await open_store(state_url, read_only=True)
    try:
        return await why_of(store, incident, site, person)
    finally:
        await store.close()


async def why_of(store: Store, incident: str, site: Site | None, person: str | None = None) -> Why | None:
    """Why an incident is as it is, by id or the latest; None if there is none. Raises StoreFailed."""
    if incident == LATEST:
        found = next(iter(await store.incidents(1)), None)
    else:
        found = await store.incident(incident)
    if found is None:
        return None
    kept = await store.restore()
    if site is not None:
        site.adopt(roll_of(fitting(site.file, entries_in(kept.kept))[0].file))
    alarms = [alarm for alarm in kept.alarms if alarm.incident == found.id]
    entries = await store.entries(found.id, ENTRIES_MAX)
    notices = [(notice, await store.attempts(notice.id)) for notice in await store.notices(found.id)]
    return explain(found, alarms, entries, notices, site, person)
