"""The gateway as a process on a real Mosquitto, seen by a host that acknowledges, or does not."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.wire import CLOCK, encode_rebirth
from config.words import Birth, Committed, Data, Lane, Quality
from gateway.catalogue import COMMITS_ACCEPTED, device_online
from tests.gateway_house import EDGE, Gateway, Heads, Host, breaches, heads_on_tcp, wait_for, write_site
from tests.servers import Server, mosquitto

pytestmark = pytest.mark.servers


@pytest.fixture
def broker() -> Iterator[Server]:
    with mosquitto() as server:
        yield server


@pytest.fixture
def heads() -> Iterator[tuple[Heads, int]]:
    with heads_on_tcp() as (found, slave):
        yield found, slave.port


@pytest.fixture
def gateway(broker: Server, heads: tuple[Heads, int], tmp_path: Path) -> Iterator[Gateway]:
    found = Gateway(write_site(tmp_path / "site", heads[1]), broker.port, tmp_path / "state")
    yield found
    found.kill()


def born(host: Host, gateway: Gateway) -> None:
    devices = {None, "smoke-1", "smoke-2", "smoke-3"}
    wait_for(lambda: set(host.births) == devices, "all births", gateway)


def drained(host: Host, gateway: Gateway) -> None:
    def is_empty() -> bool:
        counts = host.counts()
        return [counts.get(lane.count_metric("InJournal")) for lane in Lane] == [0, 0]

    wait_for(is_empty, "the journal drained", gateway)


def test_births_data_and_a_clean_stop_keep_every_rule_and_the_journal_drains(
    broker: Server, heads: tuple[Heads, int], gateway: Gateway
) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        heads[0].words[2][0] = 0b11
        wait_for(lambda: True in host.values("smoke-2", "fire"), "the fire", gateway)
        heads[0].words[2][0] = 0b01
        wait_for(lambda: host.values("smoke-2", "fire")[-1:] == [False], "the fire is over", gateway)
        host.ask("smoke-2")
        wait_for(host.diagnoses, "what the gateway knows of the detector", gateway)
        assert gateway.stop() == 0
        wait_for(lambda: "NDEATH" in host.verbs(), "the farewell", gateway)

        assert breaches(host.messages) == []
        assert host.verbs()[-1] == "NDEATH" and host.verbs()[-2] == "NDATA", "the counts, then the farewell"
        counts = host.counts()
        for lane in Lane:
            heard = host.heard[host.births[None].epoch or "", lane]
            assert counts[lane.count_metric("InJournal")] == 0
            assert counts[lane.count_metric("Appended")] == len(heard) == max(heard)
        assert host.values("smoke-2", "fire") == [False, True, False]
        (diagnosis,) = host.diagnoses()
        assert (diagnosis.device, diagnosis.bus, diagnosis.unit, diagnosis.live) == ("smoke-2", "bus", 2, True)
        assert (diagnosis.blocks[0].words or ())[0] == 0b01, "the word itself, as it came over the bus"
        assert host.values(None, CLOCK)[:1] == [True]


def test_a_rebirth_is_answered_with_every_birth_and_the_same_bdseq(broker: Server, gateway: Gateway) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        first, start = host.births[None], len(host.messages)

        host.rebirth()

        wait_for(lambda: host.verbs(start).count("DBIRTH smoke-3") == 1, "the births again", gateway)
        verbs = [verb for verb in host.verbs(start) if "BIRTH" in verb]
        assert verbs == ["NBIRTH", "DBIRTH smoke-1", "DBIRTH smoke-2", "DBIRTH smoke-3"]
        assert host.births[None].bd_seq == first.bd_seq and host.births[None].aliases == first.aliases
        assert breaches(host.messages) == []


def test_a_numbered_stream_survives_kills_of_gateway_and_broker_and_every_record_arrives(
    broker: Server, heads: tuple[Heads, int], gateway: Gateway
) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        number = 0
        for victim in ("gateway", "broker", "gateway", "broker"):
            for _ in range(3):
                number += 1
                heads[0].words[1][5] = number  # the alarm counter, read every 0.5 s
                heads[0].words[3][0] = 0b01 | (number & 1) << 1
                seen = number
                wait_for(lambda seen=seen: host.values("smoke-1", "alarm_count")[-1:] == [seen], f"{seen}", gateway)
            start = len(host.messages)
            if victim == "gateway":
                gateway.kill()
                gateway.start()
            else:
                broker.kill()
                heads[0].words[1][5] = number = number + 1
                heads[0].words[2][0] ^= 0b10  # a fire, or its end, while nobody can be told
                broker.start()
            wait_for(lambda start=start: "NBIRTH" in host.verbs(start), "born again", gateway)
        assert gateway.stop() == 0
        drained(host, gateway)

        counts = host.counts()
        for lane in Lane:
            heard = host.heard[host.births[None].epoch or "", lane]
            assert heard == set(range(1, counts[lane.count_metric("Appended")] + 1))
            assert counts[lane.count_metric("Dropped")] == 0
        assert {birth.epoch for _, _, birth in host.messages if isinstance(birth, Birth) and birth.device is None} == {
            host.births[None].epoch
        }
        checks: dict[tuple[Lane | None, int | None], set[int | None]] = {}
        for report in host.reports:
            if report.position is not None:
                checks.setdefault((report.lane, report.position), set()).add(report.check)
        assert all(len(found) == 1 for found in checks.values()), "one position said two things"
        counted = list(dict.fromkeys(host.values("smoke-1", "alarm_count")))
        assert sorted(counted) == list(range(number + 1)), "every number of the stream arrived"
        bd_seqs = [said.bd_seq for _, _, said in host.messages if isinstance(said, Birth) and said.device is None]
        assert sorted(set(bd_seqs)) == list(dict.fromkeys(bd_seqs)), "bdSeq goes up with every CONNECT"


def test_a_power_cut_is_told_by_the_will_of_the_same_bdseq(broker: Server, gateway: Gateway) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        gateway.kill()
        wait_for(lambda: host.verbs()[-1] == "NDEATH", "the will", gateway)
        gateway.start()
        wait_for(lambda: host.verbs().count("NBIRTH") == 2, "born again", gateway)

        assert breaches(host.messages) == []
        births = [said for _, _, said in host.messages if isinstance(said, Birth) and said.device is None]
        assert [birth.bd_seq for birth in births] == [0, 1]


def test_a_device_that_falls_silent_dies_and_comes_back_with_its_fire_at_once(
    broker: Server, heads: tuple[Heads, int], gateway: Gateway
) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        heads[0].silent.add(2)
        wait_for(lambda: "DDEATH smoke-2" in host.verbs(), "the device's death", gateway)
        lost = [r for report in host.reports if report.device == "smoke-2" for r in report.readings if r.name == "fire"]
        assert (lost[-1].value, lost[-1].quality, lost[-1].cause) == (None, Quality.STALE, "no answer within 300 ms")
        assert host.values(None, device_online("smoke-2"))[-1] is False
        start = len(host.messages)
        heads[0].words[2][0] = 0b11
        heads[0].silent.clear()

        wait_for(lambda: True in host.values("smoke-2", "fire"), "the fire", gateway)

        births = [verb for verb in host.verbs(start) if "BIRTH" in verb]
        assert births == ["NBIRTH", "DBIRTH smoke-1", "DBIRTH smoke-2", "DBIRTH smoke-3"]
        assert {reading.name: reading.value for reading in host.births["smoke-2"].readings}["fire"] is True
        assert breaches(host.messages) == []


@pytest.mark.parametrize("kind", ["epoch", "beyond", "noise"])
def test_a_commit_that_cannot_be_frees_nothing_and_is_a_trouble_of_the_node(
    broker: Server, gateway: Gateway, kind: str
) -> None:
    with Host(broker.port, acknowledges=False) as host:
        gateway.start()
        born(host, gateway)
        epoch = host.births[None].epoch or ""
        if kind == "epoch":
            host.commit("another epoch", {Lane.ALARM: Committed(3)})
        elif kind == "beyond":
            host.commit(epoch, {Lane.ALARM: Committed(10_000)})
        else:
            host.client.publish(f"spBv1.0/{EDGE.group}/NCMD/{EDGE.node}", b"\x00\xff not protobuf", qos=1)

        wait_for(lambda: False in host.values(None, COMMITS_ACCEPTED), "the trouble", gateway)

        counts = host.counts()
        assert counts[Lane.ALARM.count_metric("InJournal")] == counts[Lane.ALARM.count_metric("Appended")]


def test_a_host_that_never_acknowledges_is_served_and_sent_again_and_nothing_is_lost(
    broker: Server, heads: tuple[Heads, int], gateway: Gateway
) -> None:
    with Host(broker.port, acknowledges=False) as host:
        gateway.start()
        born(host, gateway)
        heads[0].words[1][0] = 0b11
        wait_for(lambda: host.values("smoke-1", "fire").count(True) >= 2, "the fire, and the fire again", gateway)
        repeats = [
            report
            for report in host.reports
            if report.device == "smoke-1" and any(r.name == "fire" and r.value is True for r in report.readings)
        ]
        assert [report.historical for report in repeats[:2]] == [False, True]
        assert repeats[0].position == repeats[1].position and repeats[0].at_ms == repeats[1].at_ms

        host.acknowledges = True
        host.rebirth()

        drained(host, gateway)
        assert breaches(host.messages) == []


def test_a_best_effort_gateway_asks_for_no_acknowledgement(
    broker: Server, heads: tuple[Heads, int], tmp_path: Path
) -> None:
    site = write_site(tmp_path / "site", heads[1], delivery="best-effort")
    gateway = Gateway(site, broker.port, tmp_path / "state")
    try:
        with Host(broker.port, acknowledges=False) as host:
            gateway.start()
            born(host, gateway)
            drained(host, gateway)
            positions = [report.position for report in host.reports if report.position is not None]
            assert len(positions) == len({(r.lane, r.position) for r in host.reports if r.position is not None})
    finally:
        gateway.kill()


def test_two_gateways_never_share_a_journal(broker: Server, gateway: Gateway) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        second = Gateway(gateway.site, gateway.port, gateway.state)
        second.start()

        assert second.process is not None and second.process.wait(15) == 1
        assert "another gateway runs in" in gateway.log.read_text()


def test_a_second_signal_stops_at_once_though_nobody_acknowledges(broker: Server, gateway: Gateway) -> None:
    with Host(broker.port, acknowledges=False) as host:
        gateway.start()
        born(host, gateway)
        gateway.signal(signal.SIGINT)
        wait_for(lambda: "stopping" in gateway.log.read_text(), "it stops", gateway)
        gateway.signal(signal.SIGINT)
        assert gateway.process is not None
        try:
            assert gateway.process.wait(1.5) == 1
        except subprocess.TimeoutExpired:
            pytest.fail("it went on waiting for acknowledgements")


def test_data_goes_to_nobody_before_the_devices_are_known(broker: Server, gateway: Gateway) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        wait_for(lambda: bool(host.reports), "data", gateway)

        first = next(index for index, (_, _, said) in enumerate(host.messages) if isinstance(said, Data))
        assert host.verbs()[:first] == ["NBIRTH", "DBIRTH smoke-1", "DBIRTH smoke-2", "DBIRTH smoke-3"]


@pytest.mark.parametrize("log_too", [False, True], ids=["file", "file and log"])
def test_a_journal_damaged_by_a_power_cut_loses_nothing_its_log_has_or_begins_anew(
    log_too: bool, broker: Server, heads: tuple[Heads, int], gateway: Gateway
) -> None:
    """Every page of a young journal is still in its write-ahead log, so that its file alone may be noise."""
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        drained(host, gateway)
        first = host.births[None]
        gateway.kill()
        damaged = [gateway.state / "journal.db", *([gateway.state / "journal.db-wal"] if log_too else [])]
        for path in damaged:
            path.write_bytes(b"\xa5" * path.stat().st_size)
        heads[0].words[1][0] = 0b11

        gateway.start()
        wait_for(lambda: host.births[None].bd_seq != first.bd_seq or log_too, "a second birth", gateway)
        wait_for(lambda: (host.births[None].epoch != first.epoch) == log_too, "the right epoch", gateway)
        wait_for(lambda: True in host.values("smoke-1", "fire"), "the fire", gateway)

        assert bool(list(gateway.state.glob("journal.db.damaged-*"))) == log_too
        drained(host, gateway)


def test_commands_left_on_the_broker_are_not_obeyed_and_are_a_trouble(broker: Server, gateway: Gateway) -> None:
    with Host(broker.port) as host:
        host.client.publish("spBv1.0/lane/NCMD/gw", encode_rebirth(1), qos=1, retain=True).wait_for_publish(10)
        gateway.start()
        wait_for(lambda: False in host.values(None, COMMITS_ACCEPTED), "the trouble", gateway)
        assert host.verbs().count("NBIRTH") == 1
        assert "must not be retained" in gateway.log.read_text()


LONG_TEXT_FOR_A_NUMBER = bytes.fromhex("7a a0 8d 06") + b"n" * 100_000  # field 15, string_value


@pytest.mark.parametrize(
    "garbage",
    [
        b"x",
        bytes.fromhex("12 03 0a 01 ff"),  # a name that is no UTF-8
        b"n" * 300_000,
        bytes.fromhex("12 a9 8d 06") + bytes.fromhex("0a 01 78 20 03") + LONG_TEXT_FOR_A_NUMBER,  # an Int32
    ],
)
def test_garbage_for_a_command_is_a_trouble_in_few_words_and_ends_nothing(
    broker: Server, heads: tuple[Heads, int], gateway: Gateway, garbage: bytes
) -> None:
    with Host(broker.port) as host:
        gateway.start()
        born(host, gateway)
        host.client.publish("spBv1.0/lane/NCMD/gw", garbage, qos=1)
        wait_for(lambda: False in host.values(None, COMMITS_ACCEPTED), "the trouble", gateway)
        heads[0].words[1][0] = 0b11
        wait_for(lambda: True in host.values("smoke-1", "fire"), "the fire", gateway)
        assert max(len(payload) for topic, payload, _ in host.messages if "DATA" in topic) < 1_000
        assert "Traceback" not in gateway.log.read_text()


@contextlib.contextmanager
def broker_of_bytes(site: Path, modbus_port: int) -> Iterator[tuple[socket.socket, Gateway]]:
    """A socket where a gateway believes its broker to be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        gateway = Gateway(write_site(site, modbus_port), server.getsockname()[1], site.with_name("state"))
        gateway.start()
        try:
            yield server, gateway
        finally:
            gateway.kill()


def connected(server: socket.socket, granted: bytes) -> socket.socket:
    """CONNACK, and SUBACK with the QoS granted (0x80: refused)."""
    connection = server.accept()[0]
    connection.settimeout(20)
    connection.recv(4096)
    connection.sendall(bytes.fromhex("20 02 00 00"))
    subscribe = connection.recv(4096)
    connection.sendall(bytes.fromhex("90 03") + subscribe[2:4] + granted)
    return connection


def test_a_broker_that_lets_nobody_command_the_gateway_gets_its_births_and_it_is_a_trouble(
    heads: tuple[Heads, int], tmp_path: Path
) -> None:
    with broker_of_bytes(tmp_path / "site", heads[1]) as (server, gateway):
        with connected(server, b"\x80") as connection:
            heard = bytearray()

            def told() -> bool:
                heard.extend(connection.recv(65536))
                return b"lets nobody command" in heard

            wait_for(told, "the trouble, to whom it may concern", gateway)
        assert b"/NBIRTH/" in heard
        assert "lets nobody command this gateway" in gateway.log.read_text()


def test_bytes_that_break_the_network_thread_cost_a_connection_and_not_the_gateway(
    heads: tuple[Heads, int], tmp_path: Path
) -> None:
    """A broker that delivers a topic which is no UTF-8, as none should."""
    with broker_of_bytes(tmp_path / "site", heads[1]) as (server, gateway):
        with connected(server, b"\1") as first:
            first.sendall(bytes.fromhex("30 06 00 02 ff fe 00 00"))
            connected(server, b"\1").close()
        assert "stumbled" in gateway.log.read_text()
