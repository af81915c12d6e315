"""The pages of spreadsheets: template, export, a preview that names every mistake, and one button that imports it all.

Between preview and button the file waits in memory, a few of them for a few minutes, each for whoever sent it alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Right
from collector.alerter.book import exported, import_all, previewed, whole_community
from collector.alerter.bookwords import fault_words
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.pages.people import done_of
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs
from collector.book.columns import Table, columns_of
from collector.book.importing import Preview
from collector.commands import Refused

WAITING_MAX = 8
WAITING_MS = 15 * 60_000
SHOWN_MAX = 50  # ids of one kind of change


async def _table(table: str) -> Table:
    """The table of a path."""
    if table not in set(Table):
        raise Rejected(404, "not-found", "there is no such table")
    return Table(table)


InTable = Annotated[Table, Depends(_table)]
router = APIRouter(include_in_schema=False, dependencies=[needs(Right.PEOPLE)])


@dataclass(slots=True)
class Waiting:
    """Previews that somebody may still confirm; the oldest give way."""

    _kept: OrderedDict[str, tuple[str, int, Preview]] = field(default_factory=OrderedDict)

    def keep(self, account: str, preview: Preview, now: int) -> str:
        """Under which it can be taken."""
        name = token_urlsafe(16)
        self._kept[name] = (account, now, preview)
        while len(self._kept) > WAITING_MAX:
            self._kept.popitem(last=False)
        return name

    def take(self, name: str, account: str, now: int) -> Preview | None:
        """Once, by whoever it was made for, and not long after."""
        known = self._kept.get(name)
        if known is None or known[0] != account:
            return None
        del self._kept[name]
        return known[2] if 0 <= now - known[1] <= WAITING_MS else None


@router.api_route("/book/{table}", methods=["GET", "HEAD"])
async def sheet(request: Request, front: InFront, actor: InActor, table: InTable) -> Response:
    """What a spreadsheet of a table looks like, and where to send one."""
    whole_community(actor)
    return _page(request, front, table)


@router.get("/book/{table}/file")
async def file(request: Request, front: InFront, actor: InActor, table: InTable, template: bool = False) -> Response:
    """The table, or its template, with headers in the reader's language."""
    whole_community(actor)
    return exported(front, table, template, front.language(request) == "zh")


@router.post("/book/{table}")
async def show_preview(request: Request, front: InFront, actor: InActor, table: InTable) -> Response:
    """Compare a file with the book. Nothing is changed."""
    whole_community(actor)
    form = await read_form(request, actor, files_max=1)
    sent = form.get("file")
    content = await sent.read() if isinstance(sent, UploadFile) else b""
    removes = form.get("remove_missing") == "on"
    await form.close()
    try:
        seen = await previewed(front, table, content, removes)
    except Rejected as error:
        return _page(request, front, table, problem=error.reason, status=422)
    name = None if seen.faults else _waiting(request).keep(actor.account, seen, front.clock())
    return _page(request, front, table, seen, name, status=422 if seen.faults else 200)


@router.post("/book/{table}/apply")
async def apply(request: Request, front: InFront, actor: InActor, table: InTable) -> Response:
    """Import what a preview has shown, all of it or nothing."""
    whole_community(actor)
    form = await read_form(request, actor)
    name = form.get("preview")
    seen = _waiting(request).take(name if isinstance(name, str) else "", actor.account, front.clock())
    if seen is None or seen.table is not table:
        return _page(request, front, table, problem="preview-gone", status=409)
    try:
        await import_all(front, actor, seen)
    except Refused as refused:
        return _page(request, front, table, problem=refused.reason, status=409)
    return RedirectResponse(f"/book/{table.value}?done=imported", 303)


def _waiting(request: Request) -> Waiting:
    """The app's one; made at the first preview."""
    state = request.app.state
    if not hasattr(state, "previews"):
        state.previews = Waiting()
    waiting: Waiting = state.previews
    return waiting


def _page(
    request: Request,
    front: Front,
    table: Table,
    seen: Preview | None = None,
    preview: str | None = None,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    language = front.language(request)
    faults = []
    for fault in seen.faults if seen is not None else ():
        faults.append((fault.line, fault.column, fault_words(language, fault.found, fault.expected)))
    return front.pages.page(
        "sheet.html",
        language,
        front.now(),
        status,
        table=table.value,
        tables=[each.value for each in Table],
        columns=[each.chinese if language == "zh" else each.name for each in columns_of(table)],
        seen=seen,
        faults=faults,
        preview=preview,
        problem=problem,
        removes=table in (Table.PEOPLE, Table.TEAMS),
        shown_max=SHOWN_MAX,
        done=done_of(request),
    )
