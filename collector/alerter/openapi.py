"""The API's description of itself: examples for every answer, problem details for every error, one security scheme."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from collector.alerter.models import FieldError, Problem
from collector.alerter.problems import PROBLEM_JSON, phrase

_PROBLEMS: dict[int, tuple[str, str, list[dict[str, str]]]] = {
    400: ("bad-request", "There was an error parsing the body", []),
    401: ("token-needed", "what changes state needs the token: Authorization: Bearer <token>", []),
    403: ("cross-site", "a page of another site may not change anything here", []),
    404: ("unknown-incident", "there is no incident '01K0T3V9ZD'", []),
    409: ("source-in-alarm", "the source is still in alarm", []),
    412: ("changed-meanwhile", "Somebody has changed person/li-mei meanwhile: look at it again.", []),
    428: ("no-precondition", "a change needs If-Match with the etag that you have seen, or If-None-Match: *", []),
    413: ("too-large", "the body is larger than 65536 bytes", []),
    422: (
        "invalid",
        "body.answer: found 'maybe', expected 'going', 'arrived' or 'cannot'",
        [{"field": "body.answer", "found": "'maybe'", "expected": "'going', 'arrived' or 'cannot'"}],
    ),
    429: ("too-many", "too many tests; wait a minute", []),
    502: ("not-taken", "the push service answered 503", []),
    503: ("store-failed", "it could not be read or written; nothing was changed (disk I/O error)", []),
}


def answers(status: int, said: dict[str, Any], *problems: int) -> dict[int | str, dict[str, Any]]:
    """An operation's responses: one with its example, and the problems it may end in."""
    described: dict[int | str, dict[str, Any]] = {status: {"content": {"application/json": {"example": said}}}}
    for code in problems:
        reason, detail, errors = _PROBLEMS[code]
        title = phrase(code)
        example: dict[str, Any] = {
            "type": "about:blank",
            "title": title,
            "status": code,
            "detail": detail,
            "reason": reason,
        }
        if errors:
            example["errors"] = errors
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        described[code] = {"description": title, "content": {PROBLEM_JSON: content}}
    return described


def _complete(operation: dict[str, Any], responses: dict[int | str, dict[str, Any]]) -> None:
    """Say who may, and put back the nulls that the framework takes out of examples."""
    if 401 in responses:
        operation["security"] = [{"token": []}]
    for status, described in responses.items():
        for media_type, content in described["content"].items():
            operation["responses"][str(status)]["content"][media_type]["example"] = content["example"]


def describe(app: FastAPI, described: Iterable[APIRouter]) -> dict[str, Any]:
    """The OpenAPI document, made once. `described` are the routers whose every route is in it."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        for model in (Problem, FieldError):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for route in (route for router in described for route in router.routes):
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in route.methods or ():
                    _complete(document["paths"][route.path_format][method.lower()], route.responses)
        app.openapi_schema = document
    return app.openapi_schema
