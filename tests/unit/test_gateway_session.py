"""The Sparkplug edge node, message by message, as a host would see it. Test names quote the specification's ids."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from config.sparkplug import DataType, decode_payload
from config.wire import COMMIT, decode
from config.words import (
    Birth,
    Command,
    Commit,
    Committed,
    Data,
    Death,
    Declared,
    Edge,
    Lane,
    Quality,
    Reading,
)
from gateway.catalogue import Catalogue, LaneAccount, device_online, metrics_of
from gateway.record import Record
from gateway.session import Outgoing, Session
from gateway.window import Window
from tests.gateway_parts import FIRE, point, register

EDGE = Edge("lane", "gw")
EPOCH = "e1"
START_MS = 1_700_000_000_000
FIRE_POINT = point(register(0, bits={"fire": FIRE}), "fire")


@dataclass
class Node:
    """A session with two devices, and everything that it has published, decoded."""

    devices: tuple[str, ...] = ("smoke-1", "smoke-2")
    sent: list[Outgoing] = field(default_factory=list)
    heard: list[Any] = field(default_factory=list)
    now_ms: int = 0
    disk: dict[tuple[Lane, int], Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        metrics = metrics_of({device: [FIRE_POINT] for device in self.devices}, ["bus"])
        metrics["smoke-gone", "fire"] = DataType.BOOLEAN  # retired: no longer configured, still in the journal
        catalogue = Catalogue({key: (number, kind) for number, (key, kind) in enumerate(metrics.items(), 1)})
        windows = {Lane.ALARM: Window(None, 0, 64, 2_000), Lane.TELEMETRY: Window(None, 0, 64, 10_000)}
        self.last = dict.fromkeys(Lane, 0)
        self.values: dict[str, object] = {}
        self.session = Session(EDGE, EPOCH, catalogue, windows, self.present, lambda mono_ms: START_MS + mono_ms)
        self.count()

    def present(self, device: str | None) -> tuple[Reading, ...]:
        value = self.values.get(device or "")
        return () if device is None else (Reading("fire", value, DataType.BOOLEAN),)  # type: ignore[arg-type]

    def count(self, floor: int = 1) -> None:
        self.session.count({lane: LaneAccount(floor, self.last[lane], 0, self.last[lane]) for lane in Lane})

    def open(self, bd_seq: int = 0, owing: set[str] | None = None) -> None:
        self.session.opened(bd_seq, self.now_ms, self.now_ms, owing or set())
        self.flow()

    def flow(self, until_ms: int | None = None) -> list[Any]:
        """Let it send, and let time pass until `until_ms`; returns what was new."""
        before = len(self.heard)
        while True:
            while (message := self.session.next(self.now_ms)) is not None or self.fetch():
                if message is not None:
                    self.sent.append(message)
                    self.heard.append(decode(message.topic, message.payload))
                assert len(self.heard) < 5_000, "it never falls silent"
            wake_ms = self.session.wake_at()
            if until_ms is None or wake_ms is None or wake_ms > until_ms:
                self.now_ms = max(self.now_ms, until_ms or 0)
                return self.heard[before:]
            assert wake_ms > self.now_ms, "woken without anything to send"
            self.now_ms = wake_ms

    def fetch(self) -> bool:
        """Bring backlog from the disk, as the shell does."""
        for lane, window in self.session.windows.items():
            if (wanted := window.wanted()) is not None:
                positions = range(wanted[0], wanted[1] + 1)
                window.fetched(*wanted, [self.disk[lane, position] for position in positions])
                return True
        return False

    def record(self, device: str | None, lane: Lane = Lane.ALARM, **values: object) -> Record:
        """Append a record and hand it to the session."""
        self.last[lane] += 1
        readings = tuple(Reading(name, value, DataType.BOOLEAN) for name, value in values.items())  # type: ignore[arg-type]
        record = Record(lane, self.last[lane], device, START_MS, 99, readings)
        self.disk[lane, record.position] = record
        self.session.appended(record, self.now_ms)
        return record

    def comes(self, device: str) -> None:
        self.record(None, **{device_online(device): True})

    def goes(self, device: str) -> None:
        self.record(None, **{device_online(device): False})

    def command(self, rebirth: bool = False, commit: Commit | None = None, strange: tuple[str, ...] = ()):
        return self.session.command(Command(EDGE, None, rebirth, commit, strange), self.now_ms)

    def story(self) -> list[str]:
        """What was sent in short: NBIRTH, DBIRTH smoke-1, DDATA smoke-1 alarm 3 …"""
        return [_short(message, heard) for message, heard in zip(self.sent, self.heard, strict=True)]


def _short(message: Outgoing, heard: Any) -> str:
    verb, device = message.topic.split("/")[2], heard.device
    record = message.record
    words = [verb, device or "", f"{record.lane.value} {record.position}" if record is not None else ""]
    return " ".join(word for word in words if word)


def born(*devices: str) -> Node:
    """A connected node whose devices all answer, its births sent."""
    node = Node()
    for device in devices or node.devices:
        node.comes(device)
    node.open()
    return node


def seqs(node: Node) -> list[int]:
    return [heard.seq for heard in node.heard if not (isinstance(heard, Death) and heard.device is None)]


def test_nothing_is_sent_before_the_broker_is_there_and_births_come_before_any_data() -> None:
    """principles-birth-certificates-order, payloads-ndata-order, payloads-dbirth-order."""
    node = Node()
    node.comes("smoke-1")
    node.record("smoke-1", fire=True)
    assert node.flow() == []

    node.open()

    assert node.story()[:2] == ["NBIRTH", "DBIRTH smoke-1"]
    assert node.story()[2:] == ["NDATA alarm 1", "DDATA smoke-1 alarm 2"]


def test_the_will_carries_the_bdseq_of_the_birth_and_no_seq() -> None:
    """message-flow-edge-node-birth-publish-will-message, topics-ndeath-payload, topics-ndeath-seq."""
    node = Node()
    will = node.session.will(41, START_MS)
    payload = decode_payload(will.payload)

    assert (will.topic, will.qos) == ("spBv1.0/lane/NDEATH/gw", 1)
    assert payload.seq is None and [metric.name for metric in payload.metrics] == ["bdSeq"]
    assert payload.metrics[0].value == 41 and payload.metrics[0].datatype is DataType.INT64
    node.open(bd_seq=41)
    birth = node.heard[0]
    assert isinstance(birth, Birth) and birth.bd_seq == 41


def test_nbirth_has_seq_zero_and_everything_after_it_counts_on_modulo_256() -> None:
    """topics-nbirth-seq-num, payloads-sequence-num-incrementing: one counter for the node and its devices."""
    node = born()
    for number in range(300):
        node.record("smoke-1" if number % 2 else None, **({"fire": True} if number % 2 else {"Bus/bus/Online": True}))
        node.flow()

    assert seqs(node)[:3] == [0, 1, 2]
    assert [(a + 1) % 256 for a in seqs(node)[:-1]] == seqs(node)[1:]


def test_births_declare_every_metric_with_name_type_and_value_or_null() -> None:
    """topics-nbirth-metric-reqs, topics-nbirth-rebirth-metric, payloads-alias-uniqueness."""
    node = born()
    node.values["smoke-1"] = True
    node.command(rebirth=True)
    node.now_ms += 1_000
    births = [heard for heard in node.flow() if isinstance(heard, Birth)]

    nbirth = decode_payload([message for message in node.sent if "NBIRTH" in message.topic][-1].payload)
    by_name = {metric.name: metric for metric in nbirth.metrics}
    assert by_name["Node Control/Rebirth"].value is False and by_name["Node Control/Rebirth"].alias is None
    assert by_name[COMMIT].alias is None and by_name[COMMIT].value is None
    assert by_name["Journal/Epoch"].value == EPOCH
    assert all(metric.datatype is not None and metric.timestamp_ms for metric in nbirth.metrics)
    aliases = [alias for birth in births for alias in birth.aliases if alias > 0]
    assert len(aliases) == len(set(aliases))
    assert [reading.value for reading in births[1].readings] == [True]
    assert births[1].floors == {Lane.ALARM: 1, Lane.TELEMETRY: 1}
    assert Declared("Journal/Alarm", DataType.UINT64) in births[1].aliases.values()


def test_data_carries_aliases_only_and_a_time_on_every_metric() -> None:
    """payloads-alias-data-cmd-requirement, payloads-name-birth-data-requirement, payloads-metric-datatype-not-req."""
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()

    payload = decode_payload(node.sent[-1].payload)
    assert all(metric.name is None and metric.alias and metric.datatype is None for metric in payload.metrics)
    assert all(metric.timestamp_ms == START_MS for metric in payload.metrics)
    assert not any(metric.historical for metric in payload.metrics)


def test_a_rebirth_keeps_the_bdseq_stops_data_and_sends_every_birth_again() -> None:
    """operational-behavior-data-commands-rebirth-action-1, -2, -3."""
    node = born()
    node.record("smoke-1", fire=True)
    node.command(rebirth=True)
    start = len(node.sent)

    node.flow()

    assert node.story()[start:][:3] == ["NBIRTH", "DBIRTH smoke-1", "DBIRTH smoke-2"]
    birth = node.heard[start]
    assert (birth.bd_seq, birth.seq) == (0, 0)
    assert "DDATA smoke-1 alarm 3" in node.story()[start + 3 :], "what may be lost goes again"


def test_rebirth_requests_in_a_burst_are_answered_twice_at_most() -> None:
    """The first at once; the others, which may have come too late to see all of it, together a second later."""
    node = born()
    start = len(node.sent)
    for _ in range(50):
        node.command(rebirth=True)
        node.flow()

    node.flow(until_ms=60_000)

    births = [heard for heard in node.heard[start:] if isinstance(heard, Birth) and heard.device is None]
    assert [birth.at_ms - START_MS for birth in births] == [0, 1_000]


def test_a_storm_of_rebirth_requests_is_answered_every_second_and_holds_up_no_data() -> None:
    node = born()
    start = len(node.sent)
    for moment_ms in range(0, 5_000, 10):
        node.flow(until_ms=moment_ms)
        node.command(rebirth=True)
        if moment_ms == 2_500:
            node.record("smoke-1", fire=True)
            node.flow()
            assert node.story()[-1] == "DDATA smoke-1 alarm 3"

    births = [heard for heard in node.heard[start:] if isinstance(heard, Birth)]
    assert [birth.device for birth in births] == [None, "smoke-1", "smoke-2"] * 5
    assert [birth.at_ms - START_MS for birth in births[::3]] == [0, 1_000, 2_000, 3_000, 4_000]


def test_a_device_that_never_answered_is_not_born() -> None:
    node = born("smoke-1")

    assert [heard.device for heard in node.heard if isinstance(heard, Birth)] == [None, "smoke-1"]


def test_a_lost_device_dies_after_what_its_alarm_lane_owes() -> None:
    """operational-behavior-device-ddeath, topics-ddeath-seq-num."""
    node = born()
    start = len(node.sent)
    node.record("smoke-1", fire=None)
    node.goes("smoke-1")

    node.flow()

    assert node.story()[start:] == ["DDATA smoke-1 alarm 3", "NDATA alarm 4", "DDEATH smoke-1"]
    assert isinstance(node.heard[-1], Death) and node.heard[-1].seq == seqs(node)[-2] + 1


def test_no_data_of_a_device_follows_its_death_before_its_next_birth() -> None:
    node = born()
    node.goes("smoke-1")
    node.flow()
    node.record("smoke-1", fire=False)
    node.record("smoke-1", Lane.TELEMETRY, fire=False)
    start = len(node.sent)

    node.flow(until_ms=node.now_ms + 60_000)

    words = [word for word in node.story()[start:] if "smoke-1" in word]
    assert words[0] == "DBIRTH smoke-1"
    assert "DDATA smoke-1 alarm 4" in words


def test_devices_that_return_quietly_are_born_together_within_ten_seconds() -> None:
    node = born()
    node.goes("smoke-1")
    node.goes("smoke-2")
    node.flow()
    start = len(node.sent)
    node.comes("smoke-1")
    node.flow(until_ms=1_500)
    node.comes("smoke-2")

    node.flow(until_ms=9_000)

    births = [word for word in node.story()[start:] if "BIRTH" in word]
    assert births == ["NBIRTH", "DBIRTH smoke-1", "DBIRTH smoke-2"]
    assert {heard.bd_seq for heard in node.heard[start:] if isinstance(heard, Birth) and heard.device is None} == {0}


def test_a_device_that_keeps_returning_does_not_put_off_the_births_for_ever() -> None:
    node = born()
    for device in node.devices:
        node.goes(device)
    node.flow()
    start, first_ms = len(node.sent), node.now_ms
    while "DBIRTH smoke-1" not in node.story()[start:]:
        node.comes("smoke-1")
        node.flow(until_ms=node.now_ms + 500)
        assert node.now_ms <= first_ms + 10_500


def test_a_device_that_returns_in_alarm_is_born_at_once() -> None:
    node = born()
    node.goes("smoke-1")
    node.flow()
    start = len(node.sent)
    node.comes("smoke-1")
    node.values["smoke-1"] = True
    node.record("smoke-1", fire=True)

    node.flow()

    story = node.story()[start:]
    assert story[:3] == ["NBIRTH", "DBIRTH smoke-1", "DBIRTH smoke-2"]
    assert "DDATA smoke-1 alarm 5" in story


def test_a_device_that_is_gone_but_owes_records_is_born_without_values_drains_and_dies() -> None:
    node = Node()
    node.comes("smoke-2")
    node.open(owing={"smoke-1", "smoke-gone"})
    births = {heard.device: heard for heard in node.heard if isinstance(heard, Birth)}
    for device in ("smoke-1", "smoke-gone"):
        reading = births[device].readings[0]
        assert (reading.value, reading.quality) == (None, Quality.STALE)
    assert node.session.draining == {"smoke-1", "smoke-gone"}

    node.session.drained("smoke-gone")
    node.flow()

    assert node.story()[-1] == "DDEATH smoke-gone"
    assert node.session.draining == {"smoke-1"}


def test_an_alarm_passes_telemetry_and_live_telemetry_passes_what_is_sent_again() -> None:
    node = born()
    node.record("smoke-1", Lane.TELEMETRY, fire=False)
    node.flow()
    node.now_ms += 10_000  # not committed
    start = len(node.sent)
    node.record("smoke-1", Lane.TELEMETRY, fire=True)
    node.record("smoke-1", Lane.ALARM, fire=True)

    node.flow()

    data = [word for word in node.story()[start:] if word.startswith("DDATA")]
    assert data == ["DDATA smoke-1 alarm 3", "DDATA smoke-1 telemetry 2", "DDATA smoke-1 telemetry 1"]


def test_an_alarm_sent_again_keeps_position_and_time_has_a_new_seq_and_says_historical() -> None:
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()
    first = node.heard[-1]

    node.flow(until_ms=node.now_ms + 2_000)

    again = [heard for heard in node.heard if isinstance(heard, Data) and heard.device == "smoke-1"][-1]
    assert again is not first and again.seq != first.seq
    assert [metric.value for metric in again.metrics] == [metric.value for metric in first.metrics]
    assert [metric.timestamp_ms for metric in again.metrics] == [metric.timestamp_ms for metric in first.metrics]
    assert all(metric.historical for metric in again.metrics)
    assert dict(again.metrics[-1].properties) == {"Check": 99}


def test_committed_records_are_not_sent_again() -> None:
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()

    freed = node.command(commit=Commit(EPOCH, {Lane.ALARM: Committed(3)}))
    start = len(node.sent)
    node.flow(until_ms=node.now_ms + 60_000)

    assert freed.ranges == ((Lane.ALARM, 1, 3),) and freed.refused is None
    assert [word for word in node.story()[start:] if "alarm" in word] == []


@pytest.mark.parametrize(
    ("commit", "refused"),
    [
        (Commit("other", {Lane.ALARM: Committed(1)}), "epoch 'other'"),
        (Commit(EPOCH, {Lane.ALARM: Committed(99)}), "never published"),
        (Commit(EPOCH, {Lane.TELEMETRY: Committed(0, ((5, 6),))}), "never published"),
    ],
)
def test_a_commit_that_cannot_be_is_refused_and_frees_nothing(commit: Commit, refused: str) -> None:
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()

    freed = node.command(commit=commit)

    assert freed.ranges == () and freed.refused is not None and refused in freed.refused


def test_a_command_that_would_write_something_is_refused() -> None:
    freed = born().command(strange=("Outputs/Siren",))

    assert freed.refused == "a command for Outputs/Siren"


def test_counts_are_sent_without_a_position_when_they_changed_and_as_a_pulse_every_ten_seconds() -> None:
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()
    node.count()
    start = len(node.sent)

    node.flow(until_ms=node.now_ms + 30_000)

    accounts = [
        len(heard.metrics)
        for message, heard in zip(node.sent[start:], node.heard[start:], strict=True)
        if message.record is None and "NDATA" in message.topic
    ]
    assert accounts == [8, 8, 8]


def test_a_fire_that_cannot_be_written_down_is_seen_in_births_at_once() -> None:
    node = born()
    node.values["smoke-2"] = True
    start = len(node.sent)

    node.session.unrecorded(node.now_ms)
    node.flow()

    births = [heard for heard in node.heard[start:] if isinstance(heard, Birth)]
    assert [birth.device for birth in births] == [None, "smoke-1", "smoke-2"]
    assert births[2].readings[0].value is True


def test_after_a_new_connection_everything_begins_with_births_again() -> None:
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()
    node.session.closed()
    assert node.flow(until_ms=node.now_ms + 5_000) == []
    start = len(node.sent)

    node.open(bd_seq=1)

    assert node.story()[start:][:3] == ["NBIRTH", "DBIRTH smoke-1", "DBIRTH smoke-2"]
    assert (node.heard[start].bd_seq, node.heard[start].seq) == (1, 0)
    assert "DDATA smoke-1 alarm 3" in node.story()[start + 3 :]


def test_a_stop_between_a_rebirth_request_and_its_births_still_tells_the_last_counts() -> None:
    """operational-behavior-data-commands-rebirth-action-1 forbids DATA there."""
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()
    node.command(rebirth=True)
    node.record("smoke-1", fire=False)
    node.count()

    told = node.session.last_counts(node.now_ms)

    assert told is not None and told.topic == "spBv1.0/lane/NBIRTH/gw"
    counts = {reading.name: reading.value for reading in decode(told.topic, told.payload).readings}  # type: ignore[union-attr]
    assert counts[Lane.ALARM.count_metric("Appended")] == node.last[Lane.ALARM]


def test_a_stop_tells_counts_that_the_host_does_not_have_and_no_others() -> None:
    node = born()
    node.record("smoke-1", fire=True)
    node.flow()
    node.count()
    told = node.session.last_counts(node.now_ms)
    assert told is not None and told.topic == "spBv1.0/lane/NDATA/gw"
    assert node.session.last_counts(node.now_ms) is None
    node.session.closed()
    assert node.session.last_counts(node.now_ms) is None


def test_the_farewell_is_the_will_of_the_present_session() -> None:
    """operational-behavior-edge-node-intentional-disconnect-ndeath."""
    node = born()

    farewell = node.session.farewell(START_MS)

    assert farewell is not None and farewell.topic == "spBv1.0/lane/NDEATH/gw"
    assert decode(farewell.topic, farewell.payload).bd_seq == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("recorded", "value", "declared", "sent"),
    [
        (DataType.INT32, 5, DataType.DOUBLE, 5),
        (DataType.INT32, 5, DataType.INT64, 5),
        (DataType.DOUBLE, 5.5, DataType.INT32, None),
        (DataType.BOOLEAN, True, DataType.INT32, None),
        (DataType.INT32, None, DataType.BOOLEAN, None),
    ],
)
def test_a_record_outlives_a_change_of_its_metrics_type(
    recorded: DataType, value: Any, declared: DataType, sent: object
) -> None:
    catalogue = Catalogue({("d", "level"): (1, declared)})

    reading = catalogue.as_declared("d", Reading("level", value, recorded))

    assert (reading.value, reading.datatype) == (sent, declared)
    assert (reading.cause is not None) == (value is not None and sent is None)


def test_what_the_node_tells_of_itself_waits_for_the_births_and_ends_with_the_connection() -> None:
    """payloads-sequence-num-incrementing."""
    node = Node()
    told = Reading("Bus/bus/Requests", 5, DataType.UINT64)
    node.session.tell([told])
    node.open()
    assert not [heard for heard in node.heard if isinstance(heard, Data)], "said before there was anybody to hear it"

    node.session.tell([told])
    node.session.tell([replace(told, value=6)])
    node.record("smoke-1", fire=True)
    node.comes("smoke-1")
    node.flow()

    values = [metric.value for heard in node.heard if isinstance(heard, Data) for metric in heard.metrics]
    assert values.count(6) == 1 and 5 not in values, "the newest of each, once"
    assert seqs(node) == list(range(len(node.heard)))
