"""A recorded stream leads to the same decisions again, each with its reason, without a broker, a store or a wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import replay
from collector.calls.dispatch import Reason
from collector.recording import Act, BadLine, Message, Tick, read_line, write_message, write_tick
from collector.replay import Decided, Replay
from config.profile import Kind
from config.sparkplug import DataType
from config.wire import check_value, encode_birth, encode_death, encode_report, topic_of
from config.words import Birth, Death, Declared, Edge, Lane, Reading, Report
from tests.sites import GROUP, small_site

DEMO = Path(__file__).parents[2] / "config" / "sites" / "demo"
START_MS = 1_750_000_000_000


class Voice:
    """A gateway with one smoke detector; says, as bytes, what it is told to say."""

    def __init__(self, edge: Edge, device: str) -> None:
        self.edge, self.device = edge, device
        self._seq = 0
        names = ("Journal/Alarm", "Journal/Telemetry", "fire", "fault")
        types = (DataType.UINT64, DataType.UINT64, DataType.BOOLEAN, DataType.BOOLEAN)
        self._declared = {n + 10: Declared(name, kind) for n, (name, kind) in enumerate(zip(names, types, strict=True))}

    def births(self, at_ms: int) -> Iterator[tuple[str, bytes]]:
        readings = tuple(Reading(name, False, DataType.BOOLEAN) for name in ("fire", "fault"))
        floors = {Lane.ALARM: 1, Lane.TELEMETRY: 1}
        node = {n: Declared(lane.metric, DataType.UINT64) for n, lane in enumerate(Lane)}
        birth = Birth(self.edge, None, at_ms, 0, (), node, 0, "epoch-1", floors, True)
        yield topic_of(self.edge, "NBIRTH"), encode_birth(birth)
        self._seq = 1
        born = Birth(self.edge, self.device, at_ms, 1, readings, self._declared)
        yield topic_of(self.edge, "DBIRTH", self.device), encode_birth(born)

    def says(self, at_ms: int, position: int, point: str, value: bool) -> tuple[str, bytes]:
        self._seq = (self._seq + 1) % 256
        readings = (Reading(point, value, DataType.BOOLEAN),)
        check = check_value(self.device, Lane.ALARM, position, readings)
        report = Report(self.edge, self.device, Lane.ALARM, "epoch-1", position, check, at_ms, False, readings)
        aliases = {declared.name: alias for alias, declared in self._declared.items()}
        return topic_of(self.edge, "DDATA", self.device), encode_report(report, aliases, self._seq, at_ms)

    def dies(self, at_ms: int) -> tuple[str, bytes]:
        return topic_of(self.edge, "NDEATH"), encode_death(Death(self.edge, None, at_ms, 0))


def kitchen_fire(voice: Voice) -> list[tuple[str, bytes]]:
    """Births, a fault, a fire, a repeat of it, and its return."""
    said = [*voice.births(START_MS), voice.says(START_MS + 1000, 1, "fault", True)]
    said += [voice.says(START_MS + 2000, 2, "fire", True), voice.says(START_MS + 2000, 2, "fire", True)]
    return [*said, voice.says(START_MS + 3000, 3, "fire", False)]


def act(at_s: int, person: str, does: str) -> str:
    said = {"at_ms": START_MS + at_s * 1000, "person": person, "does": does, "kind": "fire", "building": "b-1"}
    return json.dumps(said) + "\n"


def recorded(*more: str) -> list[str]:
    """A fire in b-1 of the small site as a recording, and more lines after it."""
    said = kitchen_fire(Voice(Edge(GROUP, "gw-1"), "smoke-1"))
    return [write_message(START_MS + 500 * n, *each) for n, each in enumerate(said)] + list(more)


def replayed(lines: list[str]) -> list[Decided]:
    replay = Replay(small_site(), START_MS)
    return [decided for line in lines for decided in replay.take(read_line(line))]


def test_the_same_recording_leads_to_the_same_decisions() -> None:
    lines = recorded(act(10, "nora", "going"), act(40, "sam", "arrived"), act(41, "sam", "reset"), write_tick(START_MS))

    once, again = replayed(lines), replayed(lines)
    assert once == again
    reasons = [
        notice.reason for decided in once for notice in decided.decision.notices if notice.superseded_at_ms is None
    ]
    for reason in (Reason.OWN_TEAM, Reason.NEIGHBOUR_TEAM, Reason.QUORUM_REACHED, Reason.CLOSED):
        assert reason in reasons
    closed = [i for decided in once for i in decided.decision.incidents if i.kind is Kind.FIRE and not i.open]
    assert [incident.closed_at_ms for incident in closed] == [START_MS + 41_000]


def test_time_passes_between_lines_as_it_did_and_no_further() -> None:
    ring_calls = {
        entry.at_ms - START_MS: dict(entry.facts)["who"]
        for decided in replayed(recorded(write_tick(START_MS + 62_100)))
        for entry in decided.decision.entries
        if entry.event == "ring-called"
    }

    assert ring_calls == {1500: "team", 31_500: "neighbours", 61_500: "manager"}


def test_a_repeat_counts_once_and_an_act_that_is_not_allowed_is_told() -> None:
    decided = replayed(recorded(act(5, "ned", "reset"), act(6, "nora", "reset")))

    raised = [
        e for d in decided for e in d.decision.entries if e.event == "alarm-raised" and ("class", "alarm") in e.facts
    ]
    assert len(raised) == 1
    first, second = [each.refused or "" for each in decided if each.refused is not None]
    assert first.startswith("ned reset: Reset is for") and second.startswith("nora reset: Nobody has acknowledged")


def test_what_cannot_be_judged_is_counted() -> None:
    stranger, ours = Voice(Edge(GROUP, "gw-9"), "smoke-9"), Voice(Edge(GROUP, "gw-1"), "smoke-1")
    replay = Replay(small_site(), START_MS)
    heard = [*stranger.births(START_MS), ours.says(START_MS, 1, "fire", True), ("spBv1.0/lane/NDATA/gw-1", b"\xff")]
    for topic, payload in heard:
        assert not list(replay.take(read_line(write_message(START_MS, topic, payload))))

    assert replay.odd == {"unknown-node": 2, "data-before-birth": 1, "garbage": 1}
    assert not replay.engine.incidents


def test_a_gateway_that_dies_in_the_recording_is_a_trouble_and_a_clock_set_back_is_no_end() -> None:
    death = Voice(Edge(GROUP, "gw-1"), "smoke-1").dies(START_MS)
    lines = recorded(write_tick(START_MS + 9000), write_message(START_MS + 100, *death), write_tick(START_MS + 9500))

    offline = [e for d in replayed(lines) for e in d.decision.entries if e.event == "gateway-offline"]
    assert [(entry.device, entry.at_ms) for entry in offline] == [("gw-1", START_MS + 9000)]


def test_lines_are_read_as_they_were_written() -> None:
    assert read_line(write_message(5, "spBv1.0/a/NDATA/b", b"\x00\xff")) == Message(
        at_ms=5, topic="spBv1.0/a/NDATA/b", payload="AP8="
    )
    assert read_line(write_tick(6)) == Tick(at_ms=6)
    assert read_line(act(1, "nora", "cannot")) == Act(
        at_ms=START_MS + 1000, person="nora", does="cannot", kind=Kind.FIRE, building="b-1"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fire!",
        "[]",
        "{}",
        '{"at_ms": "now"}',
        '{"at_ms": -1}',
        '{"at_ms": 9e99}',
        '{"at_ms": 1, "topic": "t"}',
        '{"at_ms": 1, "topic": "t", "payload": "%"}',
        '{"at_ms": 1, "person": "nora", "does": "jumps", "kind": "fire", "building": "b-1"}',
        '{"at_ms": 1, "more": true}',
    ],
)
def test_a_line_that_is_none_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadLine, match="expected at_ms alone, or with topic and payload"):
        read_line(text)


def test_the_command_prints_decisions_with_reasons_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "night.jsonl"
    said = kitchen_fire(Voice(Edge("wutong-lane", "gw-east"), "smoke-b3-502"))
    file.write_text("".join(write_message(START_MS + 500 * n, *each) for n, each in enumerate(said)), encoding="utf-8")

    assert replay.run(file, DEMO, as_json=False) == 0
    text = capsys.readouterr().out
    assert "opened: fire (alarm) in b-3, by smoke-b3-502" in text
    assert "li-guoqiang is told, call 1, ring 3: neighbour-team" in text
    assert "open at the end: fire in b-3" in text

    assert replay.run(file, DEMO, as_json=True) == 0
    decided = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {notice["reason"] for each in decided for notice in each["decision"]["notices"]} >= {"neighbour-team"}


def test_a_recording_or_site_that_cannot_be_used_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "night.jsonl"
    file.write_text(write_tick(1) + "\nfire!\n", encoding="utf-8")
    for recording, site, words in (
        (file, DEMO, "line 3: 'fire!'"),
        (tmp_path / "none", DEMO, "none"),
        (file, tmp_path / "nowhere", "a site folder"),
    ):
        assert replay.run(recording, site, as_json=False) == 1
        assert words in capsys.readouterr().err


def test_pulses_in_a_recording_count_as_handed_over_and_are_no_trouble(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edge = Edge("wutong-lane", "gw-east")
    voice = Voice(edge, "pulse")
    names = ("Journal/Alarm", "beat", "changed_at_s")
    declared = {n + 10: Declared(name, DataType.INT64) for n, name in enumerate(names)}
    lines = [write_message(START_MS, *said) for said in voice.births(START_MS)][:1]
    born = Birth(edge, "pulse", START_MS, 1, (), declared | {10: Declared(names[0], DataType.UINT64)})
    lines.append(write_message(START_MS, topic_of(edge, "DBIRTH", "pulse"), encode_birth(born)))
    for beat in range(1, 4):
        at_ms = START_MS + beat * 1_000
        readings = (
            Reading("beat", beat, DataType.INT64),
            Reading("changed_at_s", at_ms // 1000, DataType.INT64),
        )
        check = check_value("pulse", Lane.ALARM, beat, readings)
        report = Report(edge, "pulse", Lane.ALARM, "epoch-1", beat, check, at_ms, False, readings)
        aliases = {each.name: alias for alias, each in declared.items()}
        data = encode_report(report, aliases, beat + 1, at_ms)
        lines.append(write_message(at_ms, topic_of(edge, "DDATA", "pulse"), data))
    file = tmp_path / "pulses"
    file.write_text("".join([*lines, write_tick(START_MS + 29_000)]))

    assert replay.run(file, DEMO, as_json=False) == 0
    said = capsys.readouterr().out
    assert "pulse" not in said and "\n\n" not in said
    assert replay.run(file, DEMO, as_json=True) == 0
    handed_over = [
        kept["beat"]
        for line in capsys.readouterr().out.splitlines()
        for kept in json.loads(line)["decision"]["kept"]
        if kept.get("handed_over_at_ms")
    ]
    assert handed_over == [1, 2, 3]
