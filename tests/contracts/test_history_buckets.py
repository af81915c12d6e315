"""What `callpoint history init` asks of the API of InfluxDB 2.x, against a small front that keeps what it is told.

No server of 2.x is at hand: whether one carries the Flux out is not tried here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import callpoint
from collector.storage.influxql import VERSION_HEADER

ORG = {"id": "0000000000000001", "name": "lane"}


class Front(BaseHTTPRequestHandler):
    """The parts of the API that `init` uses. `version`, `kept` and `written` are the test's."""

    version = "v2.7.10"
    kept: dict[str, list[dict[str, Any]]]
    written: list[tuple[str, str]]

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/ping":
            return self._answer(204, None)
        if self.headers["Authorization"] != "Token secret":
            return self._answer(401, {"code": "unauthorized", "message": "unauthorized access"})
        if path == "/api/v2/orgs":
            return self._answer(200, {"orgs": [ORG] if query.get("org", ["lane"]) == ["lane"] else []})
        name = path.rpartition("/")[2]
        found = [each for each in self.kept[name] if query.get("name", [each.get("name")]) == [each.get("name")]]
        return self._answer(200, {"content" if name == "dbrps" else name: found})

    def do_POST(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        name = path.rpartition("/")[2]
        if name in ("write", "delete"):
            self.written.append((name, f"{query['bucket'][0]} {body}"))
            return self._answer(204, None)
        item = json.loads(body) | {"id": f"{len(self.kept[name]) + 16:016x}"}
        if name == "tasks":
            item["name"] = item["flux"].partition('name: "')[2].partition('"')[0]
        self.kept[name].append(item)
        return self._answer(201, item)

    def do_PATCH(self) -> None:
        name, item = urlsplit(self.path).path.split("/")[-2:]
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = next(each for each in self.kept[name] if each["id"] == item)
        known.update(told)
        self._answer(200, known)

    def _answer(self, status: int, body: Any) -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header(VERSION_HEADER, self.version)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Front]]:
    kept: dict[str, list[dict[str, Any]]] = {"buckets": [], "dbrps": [], "tasks": []}
    handler = type("Handler", (Front,), {"kept": kept, "written": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("CALLPOINT_INFLUXDB_TOKEN", "secret")
    handler.url = f"influxdb2://127.0.0.1:{server.server_port}/lane/callpoint"  # type: ignore[attr-defined]
    try:
        yield handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def init(front: Any, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = callpoint.main(["history", "init", "--history", front.url, *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_buckets_names_and_tasks_are_made_once_and_found_after_that(
    front: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, error = init(front, capsys, "--dry-run")
    assert code == 0 and "would make  bucket callpoint/figures" in said, error
    assert not any(front.kept.values()) and not front.written

    code, said, error = init(front, capsys)
    assert code == 0, error
    days = {
        each["name"]: [rule["everySeconds"] // 86_400 for rule in each["retentionRules"]]
        for each in front.kept["buckets"]
    }
    assert days == {
        "callpoint": [90],
        "callpoint/hourly": [1826],
        "callpoint/figures": [1826],
        "callpoint/forever": [],
    }
    names = {(each["database"], each["retention_policy"], each["default"]) for each in front.kept["dbrps"]}
    assert names == {("callpoint", name, name == "raw") for name in ("raw", "hourly", "figures", "forever")}
    assert [each["name"] for each in front.kept["tasks"]] == [
        "callpoint_hourly callpoint",
        "callpoint_hourly_late callpoint",
    ]
    assert [what for what, _ in front.written] == ["delete", "write"]
    assert all(text.startswith("callpoint/forever ") and "retention_choice" in text for _, text in front.written)

    code, said, _ = init(front, capsys, "--raw-days", "30")
    assert code == 0 and "changed  bucket callpoint, kept 30 days, was kept 90 days" in said
    assert "made" not in said and said.count("found  ") == 9, said


def test_other_versions_and_tokens_are_refused_in_words(front: Any, capsys: pytest.CaptureFixture[str]) -> None:
    front.version = "3.0.1"
    code, _, error = init(front, capsys)
    assert code == 1 and "InfluxDB 3.0.1" in error and "neither retention policies nor tasks" in error
    front.version = ""
    assert "does not name its version" in init(front, capsys)[2]


def test_a_token_without_the_right_is_told(
    front: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLPOINT_INFLUXDB_TOKEN", "guess")
    code, _, error = init(front, capsys)
    assert code == 1 and "401" in error and "CALLPOINT_INFLUXDB_TOKEN" in error
