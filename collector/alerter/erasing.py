"""Erase somebody: off the list, out of what the engine holds, out of every row of the store, out of its file's log."""

from __future__ import annotations

import asyncio
import secrets
from functools import partial

from collector.access.actor import Actor, Right
from collector.access.audit import Change as AuditRow
from collector.alerter.book import change
from collector.alerter.front import Front
from collector.alerter.pages.bookforms import without
from collector.alerter.peopleshapes import AskedBy
from collector.alerter.problems import Rejected
from collector.book.entries import Section
from collector.commands import ErasePerson
from collector.storage.auditlog import write_changes
from collector.storage.erasure import erase, identity

LOG_TRIES_MAX = 20  # a reader of the file is gone after milliseconds
LOG_AGAIN_S = 0.25


async def erase_person(front: Front, actor: Actor, person: str, asked_by: AskedBy) -> dict[str, int]:
    """Erase somebody for good; how many rows were changed or removed, by table.

    Raises Rejected 403, Refused, or StoreFailed: then it can be asked for again, and what is left goes.
    """
    if not actor.may(Right.PEOPLE) or actor.buildings is not None:
        raise Rejected(403, "not-authorised", "this needs the right 'people' in all buildings")
    desk = front.desk
    desk.engine.erasures.check(person)
    listed = desk.engine.roll.people.get(person)
    known = () if listed is None else (listed.name, *(each.to for each in listed.channels if each.to))
    who = await desk.store.read(partial(identity, person=person, known=known))
    pseudonym = f"erased-{secrets.token_hex(4)}"
    if desk.engine.book.value(Section.PERSON, person) is not None:
        await change(front, actor, without(desk.engine.book, person))
    await front.act(ErasePerson(person, pseudonym))
    counts = await erase(desk.store, who, pseudonym)
    facts = {"asked-by": asked_by.value, **counts}
    account, by, name = (pseudonym,) * 3 if actor.person == person else (actor.account, actor.person, actor.name)
    row = AuditRow(front.clock(), account, by, name, "person-erased", f"person:{pseudonym}", facts)
    await desk.store.write(partial(write_changes, changes=[row]))
    for _ in range(LOG_TRIES_MAX):
        if await desk.store.empty_log():
            break
        await asyncio.sleep(LOG_AGAIN_S)
    return counts
