"""The OpenAPI document: complete, with an example for every body and answer, and examples that are true."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.alerter import (
    accessshapes,
    bookshapes,
    drillshapes,
    elevatorshapes,
    measureshapes,
    models,
    peopleshapes,
    phoneshapes,
    rostershapes,
    technicalshapes,
    upkeepshapes,
)
from collector.book.sheet import read_sheet
from tests.web.scene import BEARER, scene

OPERATIONS = {
    ("get", "/api/v1/incidents"): models.IncidentList,
    ("get", "/api/v1/incidents/{incident_id}"): models.IncidentDetail,
    ("post", "/api/v1/incidents/{incident_id}/answers"): models.IncidentDetail,
    ("post", "/api/v1/incidents/{incident_id}/acknowledgement"): models.IncidentDetail,
    ("post", "/api/v1/incidents/{incident_id}/reset"): models.IncidentDetail,
    ("post", "/api/v1/incidents/{incident_id}/stand-down"): models.IncidentDetail,
    ("post", "/api/v1/incidents/{incident_id}/false-alarm"): models.IncidentDetail,
    ("post", "/api/v1/incidents/{incident_id}/need-more"): models.IncidentDetail,
    ("get", "/api/v1/devices"): models.DeviceList,
    ("get", "/api/v1/devices/{device_id}"): models.DeviceShown,
    ("get", "/api/v1/devices/{device_id}/history"): models.PointHistory,
    ("get", "/api/v1/ledger"): models.LedgerList,
    ("get", "/api/v1/gateways"): technicalshapes.GatewayList,
    ("get", "/api/v1/gateways/{gateway_id}"): technicalshapes.GatewayTechnical,
    ("get", "/api/v1/devices/{device_id}/technical"): technicalshapes.DeviceTechnical,
    ("get", "/api/v1/decisions"): technicalshapes.DecisionList,
    ("get", "/api/v1/elevators"): elevatorshapes.ElevatorList,
    ("get", "/api/v1/devices/{device_id}/elevator"): elevatorshapes.ElevatorShown,
    ("post", "/api/v1/devices/{device_id}/services"): elevatorshapes.ElevatorShown,
    ("post", "/api/v1/incidents/{incident_id}/freed"): models.IncidentDetail,
    ("get", "/api/v1/health"): models.HealthShown,
    ("get", "/api/v1/people"): peopleshapes.PeopleList,
    ("post", "/api/v1/people/{person_id}/test"): peopleshapes.PersonShown,
    ("post", "/api/v1/people/{person_id}/erase"): peopleshapes.Erased,
    ("get", "/api/v1/me/subscriptions"): phoneshapes.PhoneList,
    ("post", "/api/v1/me/subscriptions"): phoneshapes.PhoneList,
    ("post", "/api/v1/me/subscriptions/{subscription_id}/test"): phoneshapes.PhoneList,
    ("delete", "/api/v1/me/subscriptions/{subscription_id}"): phoneshapes.PhoneList,
    ("get", "/api/v1/audit"): accessshapes.ChangeList,
    ("get", "/api/v1/tokens"): accessshapes.TokenList,
    ("post", "/api/v1/tokens"): accessshapes.TokenMade,
    ("post", "/api/v1/tokens/{token_id}/end"): accessshapes.TokenList,
    ("get", "/api/v1/roster"): rostershapes.RosterShown,
    ("get", "/api/v1/absences"): rostershapes.AbsenceList,
    ("post", "/api/v1/absences"): rostershapes.AbsenceShown,
    ("post", "/api/v1/absences/{absence_id}/end"): rostershapes.AbsenceList,
    ("get", "/api/v1/drills"): drillshapes.DrillList,
    ("post", "/api/v1/drills"): drillshapes.DrillShown,
    ("post", "/api/v1/drills/{drill_id}/end"): drillshapes.DrillShown,
    ("get", "/api/v1/response-times"): drillshapes.ResponseTimesList,
    ("get", "/api/v1/disablements"): measureshapes.DisablementList,
    ("post", "/api/v1/disablements"): measureshapes.DisablementShown,
    ("post", "/api/v1/disablements/{disablement_id}/renewal"): measureshapes.DisablementShown,
    ("post", "/api/v1/disablements/{disablement_id}/end"): measureshapes.DisablementShown,
    ("get", "/api/v1/walk-tests"): measureshapes.WalkTestList,
    ("post", "/api/v1/walk-tests"): measureshapes.WalkTestShown,
    ("post", "/api/v1/walk-tests/{walk_test_id}/end"): measureshapes.WalkTestShown,
    ("get", "/api/v1/devices/{device_id}/trend"): upkeepshapes.TrendShown,
    ("get", "/api/v1/devices/{device_id}/inspection"): upkeepshapes.InspectionShown,
    ("post", "/api/v1/devices/{device_id}/inspection"): upkeepshapes.InspectionShown,
    ("get", "/api/v1/due"): upkeepshapes.DueList,
    ("get", "/api/v1/book/people"): bookshapes.PersonEntries,
    ("get", "/api/v1/book/people/{name}"): bookshapes.PersonEntry,
    ("put", "/api/v1/book/people/{name}"): bookshapes.PersonEntry,
    ("delete", "/api/v1/book/people/{name}"): None,
    ("get", "/api/v1/book/teams"): bookshapes.TeamEntries,
    ("get", "/api/v1/book/teams/{name}"): bookshapes.TeamEntry,
    ("put", "/api/v1/book/teams/{name}"): bookshapes.TeamEntry,
    ("delete", "/api/v1/book/teams/{name}"): None,
    ("get", "/api/v1/book/cells"): bookshapes.CellEntries,
    ("put", "/api/v1/book/cells/{name}"): bookshapes.CellEntry,
    ("delete", "/api/v1/book/cells/{name}"): None,
    ("get", "/api/v1/book/buildings"): bookshapes.BuildingEntries,
    ("put", "/api/v1/book/buildings/{name}"): bookshapes.BuildingEntry,
    ("delete", "/api/v1/book/buildings/{name}"): None,
    ("get", "/api/v1/book/contacts"): bookshapes.ContactsEntry,
    ("put", "/api/v1/book/contacts"): bookshapes.ContactsEntry,
    ("get", "/api/v1/book/csv/{table}"): None,
    ("post", "/api/v1/book/csv/{table}"): bookshapes.PreviewShown,
}


WITHOUT_BODY = {
    ("post", "/api/v1/me/subscriptions/{subscription_id}/test"),
    ("post", "/api/v1/tokens/{token_id}/end"),
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    async def run() -> Any:
        async with scene(tmp_path_factory.mktemp("scene")) as stage:
            return (await stage.client.get("/api/v1/openapi.json")).json()

    return asyncio.run(run())


def _operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method, path, operation


def test_the_description_names_every_operation_and_no_other(document: Any) -> None:
    assert {(method, path) for method, path, _ in _operations(document)} == set(OPERATIONS)
    assert document["openapi"].startswith("3.")


def test_every_reference_leads_somewhere(document: Any) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                yield reference
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    found = set(references(document))

    assert found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_every_answer_has_a_true_example(document: Any) -> None:
    for method, path, operation in _operations(document):
        assert operation["summary"] and operation["description"]
        for status, answer in operation["responses"].items():
            if status == "204":
                assert OPERATIONS[method, path] is None and not answer.get("content")
                continue
            ((media_type, content),) = answer["content"].items()
            example = content["example"]
            if media_type == "application/json":
                shape = OPERATIONS[method, path]
                assert shape is not None, path
                shape.model_validate_json(json.dumps(example))
            elif media_type == "text/csv":
                assert read_sheet(example.encode()).rows
            else:
                assert media_type == "application/problem+json", (path, status)
                assert models.Problem.model_validate(example).status == int(status)


def test_every_body_has_an_example_for_each_field(document: Any) -> None:
    bodies = [operation["requestBody"] for _, _, operation in _operations(document) if "requestBody" in operation]

    changing = {(method, path) for method, path in OPERATIONS if method in ("post", "put")}
    assert changing > WITHOUT_BODY and len(bodies) == len(changing - WITHOUT_BODY)
    for body in bodies:
        ((_, content),) = body["content"].items()
        if "example" in content or "examples" in content:
            continue
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for field in document["components"]["schemas"][name]["properties"].values():
            assert field["examples"]


def test_every_change_asks_for_the_token(document: Any) -> None:
    for method, _, operation in _operations(document):
        if method in ("post", "put", "delete"):
            assert operation["security"] == [{"token": []}]
            assert {"401", "403", "404", "409", "413", "422"} <= set(operation["responses"])


def test_an_answer_of_the_real_api_fits_its_description(tmp_path: Path) -> None:
    async def run() -> tuple[bytes, bytes]:
        async with scene(tmp_path) as stage:
            incident = await stage.fire()
            detail = await stage.client.get(f"/api/v1/incidents/{incident.id}")
            return detail.content, (await stage.client.get("/api/v1/devices")).content

    detail, devices = asyncio.run(run())

    models.IncidentDetail.model_validate_json(detail)
    models.DeviceList.model_validate_json(devices)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Host": "evil.example"}, b"{}"),
        ({"Authorization": "Bearer wrong"}, b"{}"),
        ({}, b"\xff"),
        ({}, b"x" * 70_000),
        ({"Origin": "http://evil.example"}, b"{}"),
    ],
)
def test_every_operation_ends_only_as_described(
    tmp_path: Path, document: Any, headers: dict[str, str], body: bytes
) -> None:
    async def run() -> list[tuple[str, set[str], httpx.Response]]:
        async with scene(tmp_path) as stage:
            sent = {"Content-Type": "application/json", **BEARER, **headers}
            ended = []
            for method, path, operation in _operations(document):
                content = body if method in ("post", "put") else None
                response = await stage.client.request(method, path, content=content, headers=sent)
                ended.append((f"{method} {path}", set(operation["responses"]), response))
            return ended

    for operation, described, response in asyncio.run(run()):
        assert str(response.status_code) in described, operation
        if response.status_code >= 400:
            assert response.headers["content-type"] in ("application/problem+json", "application/json"), operation
