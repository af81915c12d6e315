"""Promises of the REST API, on a real desk and store."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.alerter.metrics import Sample, metrics_text
from collector.alerter.road import ChannelStatus
from collector.commands import SystemTrouble
from collector.session.effects import Counts
from collector.storage.influx import InfluxHistory
from collector.storage.records import Attempt
from collector.storage.series import Row
from config.words import Edge, Lane, Quality
from tests.web.scene import BEARER, SPIKED, START_MS, Clock, Scene, eventually, scene

Play = Callable[[Scene], Awaitable[Any]]


def played(folder: Path, play: Play, **more: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, **more) as stage:
            return await play(stage)

    return asyncio.run(run())


async def send(stage: Scene, incident: str, what: str, **body: Any) -> httpx.Response:
    return await stage.client.post(f"/api/v1/incidents/{incident}/{what}", json=body, headers=BEARER)


def test_a_fire_is_listed_with_what_and_where_to_the_flat(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await stage.fire()
        return (await stage.client.get("/api/v1/incidents")).json()

    (incident,) = played(tmp_path, play)["incidents"]
    (condition,) = incident["conditions"]

    assert (incident["kind"], incident["open"], incident["quorum"]) == ("fire", True, 2)
    assert (condition["condition"], condition["phase"]) == ("alarm", "active")
    assert (condition["where"]["building_name"], condition["where"]["floor"]) == ("Plum Court", 5)
    assert condition["where"]["flat"] == "502"


def test_stamps_are_iso_8601_in_the_sites_zone(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await stage.fire()
        return (await stage.client.get("/api/v1/incidents")).json()["incidents"][0]["cause_at"]

    at = datetime.fromisoformat(played(tmp_path, play))

    assert at.utcoffset() == timedelta(hours=8)
    assert round(at.timestamp() * 1000) == START_MS


def test_an_answer_is_recorded_before_it_is_confirmed_and_repeating_it_is_harmless(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        first = await send(stage, incident.id, "answers", person="nora", answer="going")
        on_disk = await stage.desk.store.incident(incident.id)
        again = await send(stage, incident.id, "answers", person="nora", answer="going")
        return first, on_disk, again

    first, on_disk, again = played(tmp_path, play)

    assert first.status_code == again.status_code == 200
    assert [(each.person, each.answer.value) for each in on_disk.responses] == [("nora", "going")]
    assert first.json() == again.json()


def test_an_incident_is_answered_acknowledged_reset_and_closed(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        stage.gateway_is_back()
        incident = await stage.fire()
        await send(stage, incident.id, "acknowledgement", person="ned")
        await send(stage, incident.id, "answers", person="ned", answer="arrived")
        stage.hear(value=False)
        closed = await send(stage, incident.id, "reset", person="ned")
        late = await send(stage, incident.id, "answers", person="ned", answer="going")
        listed = (await stage.client.get("/api/v1/incidents")).json()["incidents"]
        kept = (await stage.client.get("/api/v1/incidents?state=all")).json()["incidents"]
        return closed, late, listed, kept

    closed, late, listed, kept = played(tmp_path, play)

    assert closed.status_code == 200, closed.text
    assert closed.json()["closed_at"] is not None
    assert {"incident-opened", "answered", "reset", "incident-closed"} <= {
        entry["event"] for entry in closed.json()["timeline"]
    }
    assert (late.status_code, late.json()["reason"]) == (409, "closed")
    assert listed == []
    assert [each["open"] for each in kept] == [False]


@pytest.mark.parametrize(
    ("what", "body", "reason"),
    [
        ("reset", {"person": "nora"}, "source-in-alarm"),
        ("reset", {"person": "sue"}, "not-authorised"),
        ("stand-down", {"person": "ned"}, "not-authorised"),
        ("answers", {"person": "nobody", "answer": "going"}, "unknown-person"),
        ("acknowledgement", {"person": "nobody"}, "unknown-person"),
    ],
)
def test_what_the_engine_refuses_is_a_conflict_with_its_reason(
    tmp_path: Path, what: str, body: dict[str, str], reason: str
) -> None:
    async def play(stage: Scene) -> httpx.Response:
        return await send(stage, (await stage.fire()).id, what, **body)

    answer = played(tmp_path, play)

    assert (answer.status_code, answer.json()["reason"]) == (409, reason)
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_leader_stands_down(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return (await send(stage, (await stage.fire()).id, "stand-down", person="nora")).json()

    assert played(tmp_path, play)["stood_down_by"]["id"] == "nora"


def test_notices_name_their_reason_and_every_attempt(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        notice = (await stage.desk.store.notices(incident.id))[0]
        await stage.desk.store.record_attempt(Attempt(notice.id, 1, "console", START_MS, None, "refused", False))
        await stage.desk.store.record_attempt(Attempt(notice.id, 1, "console", START_MS + 900, START_MS + 950))
        return (await stage.client.get(f"/api/v1/incidents/{incident.id}")).json()["notices"][0]

    notice = played(tmp_path, play)

    assert (notice["reason"], notice["ring"], notice["channel"]) == ("own-team", 0, "console")
    assert [(each["error"], each["handed_over_at"]) for each in notice["attempts"]] == [
        ("refused", None),
        (None, "2026-03-02T14:03:23.075000+08:00"),
    ]


def test_conditions_of_a_device_are_flags_beside_each_other(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        await stage.fire()
        stage.hear(point="fault")
        stage.hear(point="disabled")
        return (await stage.client.get("/api/v1/devices/smoke-1")).json()

    device = played(tmp_path, play)

    assert device["flags"] == {
        "alarm": True,
        "pre_alarm": False,
        "supervisory": False,
        "trouble": True,
        "disabled": True,
        "test": False,
    }
    assert device["online"] is True


def test_a_value_that_is_absent_is_null_with_its_cause_and_its_age(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        stage.hear(point="temperature_c", value=21.5)
        stage.hear(point="fire", value=None, quality=Quality.BAD, cause="sensor fault")
        assert isinstance(stage.clock, Clock)
        stage.clock.now_ms += 4_500
        values = (await stage.client.get("/api/v1/devices/smoke-1")).json()["values"]
        return {value["point"]: value for value in values}

    values = played(tmp_path, play)

    assert (values["temperature_c"]["value"], values["temperature_c"]["unit"]) == (21.5, "°C")
    assert values["temperature_c"]["age_s"] == 4.5
    assert (values["fire"]["value"], values["fire"]["quality"], values["fire"]["cause"]) == (
        None,
        "bad",
        "sensor fault",
    )
    assert (values["heat"]["value"], values["heat"]["cause"]) == (None, "not heard yet")


def test_the_history_of_a_point_comes_from_the_history_oldest_first(tmp_path: Path) -> None:
    def row(minutes_ago: int, degrees: float) -> Row:
        at_ms = START_MS - minutes_ago * 60_000
        return Row({"device": "smoke-1", "epoch": "e1"}, at_ms * 1_000_000, {"temperature_c": degrees})

    async def play(stage: Scene) -> Any:
        await stage.desk.history.write([row(90, 19.0), row(30, 21.5), row(5, 40.0)])
        told = await stage.client.get("/api/v1/devices/smoke-1/history?point=temperature_c")
        await stage.desk.history.close()
        stage.desk.history = InfluxHistory("http://127.0.0.1:1", "nowhere", {}, None, None)  # nobody listens there
        down = await stage.client.get("/api/v1/devices/smoke-1/history?point=temperature_c")
        return told.json(), down

    told, down = played(tmp_path, play)

    assert (told["device"], told["point"], told["unit"]) == ("smoke-1", "temperature_c", "°C")
    assert [value["value"] for value in told["values"]] == [21.5, 40.0]
    assert told["values"][1]["at"] == "2026-03-02T13:58:22.125000+08:00"
    assert (down.status_code, down.json()["reason"]) == (503, "history-down")


def test_the_list_of_devices_leaves_a_panels_detectors_to_the_panel(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        listed = (await stage.client.get("/api/v1/devices")).json()["devices"]
        panel = (await stage.client.get("/api/v1/devices/panel-1")).json()
        return listed, panel

    listed, panel = played(tmp_path, play)

    assert [each["id"] for each in listed] == ["smoke-1", "smoke-2", "ext-1", "lift-1", "smoke-3", "panel-1"]
    assert not any("detector/" in value["point"] for each in listed for value in each["values"])
    assert any(value["point"] == "detector/3/fire" for value in panel["values"])


@pytest.mark.parametrize("at_ms", [0, -1, 2**62, START_MS + 10**10])
def test_a_source_that_has_no_idea_of_the_time_breaks_no_page(tmp_path: Path, at_ms: int) -> None:
    async def play(stage: Scene) -> Any:
        stage.hear("smoke-2", at_ms=at_ms)
        board = await stage.client.get("/")
        return board.status_code, (await stage.client.get("/api/v1/incidents")).status_code

    assert played(tmp_path, play) == (200, 200)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "/api/v1/incidents/none", None, 404, "unknown-incident"),
        ("POST", "/api/v1/incidents/none/reset", {"person": "nora"}, 404, "unknown-incident"),
        ("GET", "/api/v1/devices/none", None, 404, "unknown-device"),
        ("GET", "/api/v1/devices/none/history?point=fire", None, 404, "unknown-device"),
        ("GET", "/api/v1/devices/smoke-1/history?point=none", None, 404, "unknown-point"),
        ("GET", "/api/v1/devices/smoke-1/history", None, 422, "invalid"),
        ("GET", "/api/v1/devices/smoke-1/history?point=fire&minutes=0", None, 422, "invalid"),
        ("GET", "/api/v1/nothing", None, 404, "not-found"),
        ("DELETE", "/api/v1/incidents", None, 405, "method-not-allowed"),
        ("GET", "/api/v1/incidents?limit=0", None, 422, "invalid"),
        ("GET", "/api/v1/incidents?state=some", None, 422, "invalid"),
        ("GET", f"/api/v1/incidents/{'x' * 65}", None, 422, "invalid"),
        ("POST", "/api/v1/incidents/none/answers", {"person": "nora"}, 422, "invalid"),
        ("POST", "/api/v1/incidents/none/answers", {"person": "nora", "answer": "maybe"}, 422, "invalid"),
        ("POST", "/api/v1/incidents/none/answers", {"person": "nora", "answer": "going", "x": 1}, 422, "invalid"),
        ("POST", "/api/v1/incidents/none/reset", {"person": ["nora"]}, 422, "invalid"),
        ("POST", "/api/v1/incidents/none/reset", {"person": ""}, 422, "invalid"),
        ("POST", "/api/v1/incidents/none/reset", {"person": "x" * 70_000}, 413, "too-large"),
    ],
)
def test_every_error_is_problem_details(
    tmp_path: Path, method: str, path: str, body: Any, status: int, reason: str
) -> None:
    async def play(stage: Scene) -> httpx.Response:
        return await stage.client.request(method, path, json=body, headers=BEARER)

    answer = played(tmp_path, play)
    problem = answer.json()

    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["type"], problem["reason"]) == ("about:blank", reason)
    assert problem["title"] and problem["detail"]


def test_a_wrong_field_is_named_with_what_was_expected(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return (await send(stage, "none", "answers", answer="maybe")).json()["errors"]

    assert played(tmp_path, play) == [
        {"field": "body.person", "found": "nothing", "expected": "a value"},
        {"field": "body.answer", "found": "'maybe'", "expected": "'going', 'arrived' or 'cannot'"},
    ]


def test_a_body_without_a_length_is_bounded_too(tmp_path: Path) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 4096

    async def play(stage: Scene) -> httpx.Response:
        return await stage.client.post("/api/v1/incidents/x/reset", content=endless(), headers=BEARER)

    assert played(tmp_path, play).status_code == 413


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[1]", b"\xff\xfe", b'{"person": "nora"'])
def test_a_body_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    async def play(stage: Scene) -> httpx.Response:
        headers = {**BEARER, "Content-Type": "application/json"}
        return await stage.client.post("/api/v1/incidents/x/reset", content=content, headers=headers)

    answer = played(tmp_path, play)

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_health_is_well_while_every_critical_part_is(tmp_path: Path) -> None:
    async def play(stage: Scene) -> httpx.Response:
        stage.gateway_is_back("gw-1")
        stage.gateway_is_back("gw-2")
        return await stage.client.get("/api/v1/health")

    answer = played(tmp_path, play, channels=lambda: {"console": ChannelStatus(3, 0, 0, None)})
    parts = {part["name"]: part for part in answer.json()["parts"]}

    assert answer.status_code == 200
    pulses = {"pulse:gw-1", "pulse:gw-2"}
    assert set(parts) == {"store", "broker", "history", "gateways", "channel:console"} | pulses
    assert answer.json()["degraded"] is False


def test_health_is_503_without_the_broker_and_says_how_old_that_is(tmp_path: Path) -> None:
    async def play(stage: Scene) -> httpx.Response:
        stage.desk.tell(SystemTrouble("broker", True, "connection refused"))
        assert isinstance(stage.clock, Clock)
        stage.clock.now_ms += 12_500
        return await stage.client.get("/api/v1/health")

    answer = played(tmp_path, play)
    broker = next(part for part in answer.json()["parts"] if part["name"] == "broker")

    assert answer.status_code == 503
    assert (broker["ok"], broker["text"], broker["age_s"]) == (False, "connection refused", 12.5)


def test_health_is_503_when_no_channel_works_any_more(tmp_path: Path) -> None:
    async def play(stage: Scene) -> int:
        return (await stage.client.get("/api/v1/health")).status_code

    broken, works = ChannelStatus(0, 9, 0, "refused"), ChannelStatus(1, 0, 0, None)

    assert played(tmp_path, play, channels=lambda: {"a": broken, "b": broken}) == 503
    assert played(tmp_path, play, channels=lambda: {"a": broken, "b": works}) == 200


def test_health_does_not_tell_everybody_whose_address_a_channel_refuses(tmp_path: Path) -> None:
    async def play(stage: Scene) -> str:
        return (await stage.client.get("/api/v1/health")).text

    broken = ChannelStatus(0, 9, 0, "the mail server said 550 <li@example.org> unknown")
    text = played(tmp_path, play, channels=lambda: {"mail": broken})

    assert "channel:mail" in text and "fails" in text and "li@example.org" not in text


def test_a_store_that_fails_is_503_and_the_board_still_shows_the_fire(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        incident = await stage.fire()
        with sqlite3.connect(tmp_path / "state.db") as other:
            other.executescript("DROP TABLE incidents; DROP TABLE notices;")
        other.close()
        detail = await stage.client.get(f"/api/v1/incidents/{incident.id}")
        health = await stage.client.get("/api/v1/health")
        return detail, health, await stage.client.get("/")

    detail, health, board = played(tmp_path, play)

    assert (detail.status_code, detail.json()["reason"]) == (503, "store-failed")
    assert health.status_code == 503
    assert board.status_code == 200
    assert "Plum Court" in board.text


def test_metrics_speak_prometheus_and_escape_what_devices_say(tmp_path: Path) -> None:
    async def play(stage: Scene) -> str:
        await stage.fire()
        return (await stage.client.get("/metrics")).text

    text = played(tmp_path, play, counters=lambda: {"inbox": {'seq"gap\\\n': 2, "waiting": 7}})

    assert '\ncallpoint_incidents_open{kind="fire"} 1\n' in text
    assert 'callpoint_events_total{part="inbox",event="seq\\"gap\\\\\\n"} 2\n' in text
    assert '# TYPE callpoint_waiting gauge\ncallpoint_waiting{part="inbox"} 7\n' in text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_a_series_is_there_before_and_after_what_it_counts(tmp_path: Path) -> None:
    """A gauge that vanishes at 0 keeps its last value for a while, and an alert on it never ends."""

    async def play(stage: Scene) -> tuple[str, str]:
        before = (await stage.client.get("/metrics")).text
        await stage.fire()
        return before, (await stage.client.get("/metrics")).text

    before, after = (_series(text) for text in played(tmp_path, play))

    assert set(before) == set(after)
    assert before['callpoint_incidents_open{kind="fire"}'] == before['callpoint_conditions{class="alarm"}'] == 0
    assert after['callpoint_incidents_open{kind="fire"}'] == after['callpoint_conditions{class="alarm"}'] == 1


def _series(text: str) -> dict[str, float]:
    """Reads Prometheus' text format strictly: every series once, under the HELP and TYPE of its name."""
    series: dict[str, float] = {}
    name = kind = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, kind = line.split(" ", 3)[2], ""
        elif line.startswith("# TYPE "):
            _, _, typed, kind = line.split(" ")
            assert typed == name and kind in ("gauge", "counter")
        else:
            match = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)', line)
            assert match is not None and match[1] == name and (kind == "counter") is name.endswith("_total"), line
            key = name + (match[2] or "")
            assert key not in series
            series[key] = float(match[3])
    return series


def test_metrics_put_the_samples_of_a_name_together() -> None:
    text = metrics_text([Sample("a", "A.", 1), Sample("b_total", "B.", 2.5), Sample("a", "A.", 3, (("x", "y"),))])

    assert text == (
        "# HELP callpoint_a A.\n# TYPE callpoint_a gauge\ncallpoint_a 1\n"
        'callpoint_a{x="y"} 3\n'
        "# HELP callpoint_b_total B.\n# TYPE callpoint_b_total counter\ncallpoint_b_total 2.5\n"
    )


def test_the_ledger_is_shown_per_gateway_and_lane(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        stage.desk.book(_counts())

        async def rows() -> Any:
            return (await stage.client.get("/api/v1/ledger")).json()["rows"]

        return await eventually(rows)

    (row,) = played(tmp_path, play)

    assert (row["gateway"], row["lane"], row["appended"], row["dropped"]) == ("gw-1", "alarm", 7, 1)
    assert (row["in_journal"], row["committed"]) == (2, 0)


def test_names_of_people_are_data_and_not_html_in_json(tmp_path: Path) -> None:
    async def play(stage: Scene) -> httpx.Response:
        return await send(stage, (await stage.fire()).id, "answers", person="nora", answer="going")

    answer = played(tmp_path, play)

    assert answer.json()["responses"][0]["person"]["name"] == f"Nora {SPIKED}"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def _listen(stage: Scene, plays: list[Callable[[], Any]]) -> list[str]:
    """What a page hears: after each `change` or `values` the next of `plays` is played, then the server closes."""
    said: list[str] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        text = message.get("body", b"").decode()
        said.extend(line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: "))
        if said and said[-1] != "beat" and "event: " in text:
            if plays:
                plays.pop(0)()
            else:
                stage.app.state.front.closing.set()

    headers = [(b"host", b"127.0.0.1:8080")]
    scope = {"type": "http", "method": "GET", "path": "/events", "raw_path": b"/events", "query_string": b""}
    scope |= {"headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080), "scheme": "http"}
    async with asyncio.timeout(10):
        await stage.app(scope, receive, send)
    assert "127.0.0.1" not in stage.app.state.front.subscribers
    return said


def test_a_page_hears_of_alarms_at_once_and_of_values_apart(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[str]:
        stage.hear(value=False)
        stage.hear(point="temperature_c", value=20.0)
        await stage.fire("smoke-2")
        return await _listen(stage, [lambda: stage.hear("smoke-1"), lambda: stage.desk.book(_counts())])

    assert played(tmp_path, play) == ["hello", "beat", "change", "change", "values"]


def test_more_pages_than_there_is_room_for_are_told_so(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        stage.app.state.front.subscribers["192.0.2.7"] = 200
        answer = await stage.client.get("/events")
        return answer.status_code, answer.json()["reason"], (await stage.client.get("/metrics")).text

    status, reason, metrics = played(tmp_path, play)

    assert (status, reason) == (503, "too-many-subscribers")
    assert "\ncallpoint_pages_refused_total 1\n" in metrics


def _counts() -> Counts:
    return Counts(Edge("lane", "gw-1"), "e1", Lane.ALARM, 7, 1, 2, START_MS)


def test_one_address_cannot_take_the_streams_of_everybody_else(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        listening = stage.app.state.front.subscribers
        listening["127.0.0.1"] = 50
        refused = await stage.client.get("/events")
        del listening["127.0.0.1"]
        listening["192.0.2.7"] = 50
        return refused.status_code, refused.json()["reason"], await _listen(stage, [])

    status, reason, said = played(tmp_path, play)

    assert (status, reason) == (503, "too-many-subscribers")
    assert said[0] == "hello"  # whoever comes from another address has room


def test_health_answers_a_head_as_it_answers_a_get(tmp_path: Path) -> None:
    async def play(stage: Scene) -> Any:
        return await stage.client.head("/api/v1/health"), await stage.client.get("/api/v1/health")

    head, get = played(tmp_path, play)

    assert head.status_code == get.status_code == 200
    assert head.headers["content-type"] == get.headers["content-type"]
