"""Whatever a client sends, the API answers as its description says and never with a failure of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from tests.web.everypage import prepare
from tests.web.live import Live
from tests.web.scene import BEARER

EXAMPLES = 12  # of each operation, allowed ones and others
WITHOUT_MISTAKES = ("GET /api/v1/health",)  # it takes nothing
load_all_checks()
# What is well-formed may still be refused: an incident that nobody knows, a person who may not.
STATE = CHECKS.get_one("positive_data_acceptance")
# A query may say more than is asked for, and any text is a spreadsheet, if a bad one.
TOLERANT = CHECKS.get_one("negative_data_rejection")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """In public, where reading needs the token as well."""
    collector = Live(tmp_path, listen_host="0.0.0.0")
    collector.start()
    yield collector
    collector.stop()


def numbers_without_bounds(document: Any, schema: Any, where: str) -> Iterator[str]:
    """Whatever takes a number as large as one likes: no store and no clock holds one."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") in ("integer", "number") and not (
        schema.keys() & {"minimum", "exclusiveMinimum"} and schema.keys() & {"maximum", "exclusiveMaximum"}
    ):
        yield where
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from numbers_without_bounds(document, each, where)
    for name, each in schema.get("properties", {}).items():
        yield from numbers_without_bounds(document, each, f"{where}.{name}")
    if "items" in schema:
        yield from numbers_without_bounds(document, schema["items"], f"{where}[]")


def test_every_number_that_a_client_may_send_has_bounds(live: Live) -> None:
    document = httpx.get(f"{live.url}/api/v1/openapi.json", headers=BEARER, timeout=60).json()
    wrong, numbers = [], 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            taken = [(each["name"], each["schema"]) for each in operation.get("parameters", ())]
            taken += [("body", each["schema"]) for each in operation.get("requestBody", {}).get("content", {}).values()]
            for name, schema in taken:
                numbers += 1
                wrong += numbers_without_bounds(document, schema, f"{method} {path} {name}")

    assert numbers > 50
    assert wrong == []


def keep_to_it(operation: schemathesis.APIOperation, mode: schemathesis.GenerationMode) -> None:
    """Raises FailureGroup with what an answer lacks."""
    tolerant = operation.method == "get" or "/csv/" in operation.path
    excluded = [STATE, TOLERANT] if tolerant else [STATE]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps(case: schemathesis.Case) -> None:
        case.validate_response(case.call(headers=BEARER), headers=BEARER, excluded_checks=excluded)

    keeps()


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: str(mode.value))
def test_every_operation_keeps_its_description(live: Live, mode: schemathesis.GenerationMode) -> None:
    live.do(prepare)
    schema = schemathesis.openapi.from_url(f"{live.url}/api/v1/openapi.json", headers=BEARER)
    called, wrong = 0, []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.label in WITHOUT_MISTAKES and mode is schemathesis.GenerationMode.NEGATIVE:
            continue
        called += 1
        try:
            keep_to_it(operation, mode)
        except FailureGroup as failures:
            wrong += [f"{operation.label}: {failure}" for failure in failures.exceptions]

    assert called > 50
    assert not wrong, "\n".join(wrong)
