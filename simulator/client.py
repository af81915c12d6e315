"""The demo's eyes and hands on the collector: its REST API, as any other program would use it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from config.profile import Kind
from simulator.story import Expect, Says, Then

_TIMEOUT_S = 5.0
Json = dict[str, Any]


class Client:
    """Reads incidents and speaks for people. Network errors are httpx's own; an API error is ApiRefused."""

    def __init__(self, base_url: str, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(
            base_url=f"{base_url}/api/v1", headers=headers, timeout=_TIMEOUT_S, trust_env=False
        )

    async def get(self, path: str) -> Json:
        """The JSON at a path; raises ApiRefused for a problem."""
        return _body(await self._http.get(path))

    async def is_up(self) -> bool:
        """Whether the API answers at all."""
        try:
            return (await self._http.get("/health")).status_code in (200, 503)
        except httpx.HTTPError:
            return False

    async def incident(self, kind: Kind, building: str, since: datetime) -> Json | None:
        """The newest incident of a kind and building that was opened since then, with all its details."""
        for incident in (await self.get("/incidents?state=all"))["incidents"]:
            if (incident["kind"], incident["where"]["building"]) == (kind.value, building):
                if datetime.fromisoformat(incident["opened_at"]) < since:
                    return None
                return await self.get(f"/incidents/{incident['id']}")
        return None

    async def do(self, incident: str, deed: Then) -> None:
        """Carry out what a person of a story does; raises ApiRefused with the collector's own words."""
        await self.post(incident, *_request(deed))

    async def post(self, incident: str, what: str, body: Json) -> None:
        """Change something of an incident; raises ApiRefused."""
        _body(await self._http.post(f"/incidents/{incident}/{what}", json=body))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class ApiRefused(RuntimeError):
    """The collector answered with a problem; str() is its detail."""


def holds(expected: Expect, incident: Mapping[str, Any] | None) -> bool:
    """Whether an expectation is true of the story's incident as the API shows it (None: there is none)."""
    if incident is None:
        return False
    if expected.incident is not None:
        return bool(incident["open"] == (expected.incident == "open"))
    handed_over = [notice for notice in incident["notices"] if handed_over_at(notice) is not None]
    if expected.told is not None:
        told = (expected.told.person, expected.told.reason)
        return any((notice["person"]["id"], notice["reason"]) == told for notice in handed_over)
    if expected.ring is not None:
        return any(notice["ring"] == expected.ring for notice in handed_over)
    if expected.answered is not None:
        return _answered(expected.answered, incident)
    if expected.quorum is not None:
        return incident["quorum_at"] is not None
    phases = [condition["phase"] for condition in incident["conditions"]]
    if expected.source is not None:
        active = any(phase in ("active", "acknowledged") for phase in phases)
        return active == (expected.source == "active")
    return not any(phase in ("active", "returned") for phase in phases)


def handed_over_at(notice: Mapping[str, Any]) -> str | None:
    """When a channel first accepted a notice, None if none has."""
    stamps = [attempt["handed_over_at"] for attempt in notice["attempts"] if attempt["handed_over_at"]]
    return min(stamps, default=None)


def _answered(said: Says, incident: Mapping[str, Any]) -> bool:
    return any(
        (response["person"]["id"], response["answer"]) == (said.person, said.says) for response in incident["responses"]
    )


def _request(deed: Then) -> tuple[str, Json]:
    if deed.answer is not None:
        return "answers", {"person": deed.answer.person, "answer": deed.answer.says}
    if deed.acknowledge is not None:
        return "acknowledgement", {"person": deed.acknowledge.person}
    if deed.reset is not None:
        return "reset", {"person": deed.reset.person}
    if deed.freed is not None:
        return "freed", {"person": deed.freed.person}
    assert deed.stand_down is not None
    return "stand-down", {"person": deed.stand_down.person}


def _body(response: httpx.Response) -> Json:
    if response.is_success:
        return dict(response.json())
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.text[:200]
    raise ApiRefused(f"{response.request.method} {response.request.url.path}: {response.status_code}: {detail}")
