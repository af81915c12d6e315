"""What a page's form brings back: bounded, and proven to come from a page that we gave to the same person.

A browser sends a session's cookie with whatever asks it to. So each form of a page carries the session's own secret
word in a hidden field, `<input type="hidden" name="csrf" value="{{ csrf }}">`, which no other site can read.
"""

from __future__ import annotations

import hmac

from fastapi import Request
from starlette.datastructures import FormData

from collector.access.actor import Actor
from collector.alerter.problems import Rejected

FIELD = "csrf"
FIELDS_MAX = 60


async def read_form(request: Request, actor: Actor, *, fields_max: int = FIELDS_MAX, files_max: int = 0) -> FormData:
    """The fields of a form, urlencoded or multipart; more than so many are a 400.

    Raises Rejected 403 `bad-form` unless the form brings back `actor.csrf`. Where that is "" nothing is asked: the
    request bears a token, which a browser sends for nobody else.
    """
    form = await request.form(max_fields=fields_max + 1, max_files=files_max)
    brought = form.get(FIELD, "")
    if actor.csrf and not (isinstance(brought, str) and hmac.compare_digest(brought.encode(), actor.csrf.encode())):
        raise Rejected(
            403, "bad-form", "this form is not of a page that was opened while signed in as now: open it anew"
        )
    return form
