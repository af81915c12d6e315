"""Errors in the two forms people and programs read: a plain page, or problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from collector.alerter.catalogue import knows
from collector.alerter.front import Front
from collector.alerter.models import FieldError, Problem
from collector.commands import Refused
from collector.storage.store import StoreFailed

PROBLEM_JSON = "application/problem+json"
FOUND_CHARACTERS_MAX = 80
ERRORS_MAX = 20
_EXPECTED = {
    "missing": "a value",
    "extra_forbidden": "no such field",
    "json_invalid": "JSON",
    "model_attributes_type": "a JSON object, as Content-Type: application/json",
}
_NOT_FOUND = (  # refusals of the engine; all others are conflicts
    *("unknown-incident", "unknown-drill"),
    *("unknown-disablement", "unknown-walk-test"),
    *("unknown-absence", "unknown-entry"),
)
_STATUS = {"not-yourself": 403, "changed-meanwhile": 412, "bad-book": 422}
_REASONS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "wrong-media-type"}


def problem(
    status: int, reason: str, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Problem details as a response."""
    body = Problem(title=phrase(status), status=status, detail=detail, reason=reason, errors=list(errors))
    text = body.model_dump_json(exclude=None if errors else {"errors"})
    return Response(text, status, headers, PROBLEM_JSON)


def status_of(refused: Refused) -> int:
    """The status of the engine's refusal."""
    if refused.reason in _NOT_FOUND:
        return 404
    return _STATUS.get(refused.reason, 409)


class Rejected(Exception):
    """A request that cannot be served; says so as problem details."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(detail)


def said(request: Request, answer: Response, reason: str, front: Front | None = None) -> Response:
    """The same in words on a page, for who asked for a page. `front`: where the request has not reached its app."""
    if not _wants_page(request):
        return answer
    front = front or request.app.state.front
    assert front is not None
    title = reason if knows(f"{reason}-text") else "not-done"
    text = f"refused-{reason}" if title == "not-done" and knows(f"refused-{reason}") else f"{title}-text"
    page = front.pages.plain(front.language(request), front.now(), answer.status_code, title, text)
    kept = ("allow", "retry-after", "www-authenticate")
    page.headers.update({name: answer.headers[name] for name in kept if name in answer.headers})
    return page


def answer_errors(app: FastAPI) -> None:
    """Teach an app to answer every error in these forms."""

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reason = _REASONS.get(error.status_code, phrase(error.status_code).lower().replace(" ", "-"))
        return said(
            request, problem(error.status_code, reason, _sentence(request, error), headers=error.headers), reason
        )

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [_field_error(each) for each in error.errors()[:ERRORS_MAX]]
        detail = "; ".join(f"{each.field}: found {each.found}, expected {each.expected}" for each in errors)
        return said(request, problem(422, "invalid", detail, errors), "bad-request")

    async def on_refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return said(request, problem(status_of(error), error.reason, str(error)), error.reason)

    async def on_rejected(request: Request, error: Exception) -> Response:
        assert isinstance(error, Rejected)
        return said(request, problem(error.status, error.reason, str(error)), error.reason)

    async def on_store(request: Request, error: Exception) -> Response:
        detail = f"it could not be read or written; nothing was changed ({error})"
        return said(request, problem(503, "store-failed", detail), "not-read")

    async def on_failure(request: Request, error: Exception) -> Response:
        return said(
            request, problem(500, "failure", "the collector failed on this request; it is in its log"), "failure"
        )

    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(Rejected, on_rejected)
    app.add_exception_handler(StoreFailed, on_store)
    app.add_exception_handler(Exception, on_failure)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")


def _sentence(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"there is nothing at {request.url.path[:200]}"
    if error.status_code == 405:
        return f"{request.method} is not possible here, only {(error.headers or {}).get('Allow', 'other methods')}"
    return str(error.detail)


def _field_error(error: Mapping[str, object]) -> FieldError:
    location = error.get("loc")
    place = [str(part) for part in location] if isinstance(location, tuple) else []
    kind, message = str(error.get("type")), str(error.get("msg"))
    found = "nothing" if kind == "missing" else repr(error.get("input"))
    expected = _EXPECTED.get(kind, message)
    return FieldError(
        field=".".join(place),
        found=found if len(found) <= FOUND_CHARACTERS_MAX else found[: FOUND_CHARACTERS_MAX - 1] + "…",
        expected=expected.removeprefix("Input should be "),
    )


def phrase(status: int) -> str:
    """The title of a status, in the words of RFC 9110 whatever the Python version."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(status).phrase
