"""Sparkplug payloads, byte by byte, written by hand from the field numbers of the 3.0 specification."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from config.wire import (
    Birth,
    Command,
    Commit,
    Committed,
    Data,
    Death,
    Declared,
    Edge,
    HostState,
    Lane,
    Quality,
    Reading,
    Report,
    UnknownMetric,
    WireError,
    decode,
    encode_birth,
    encode_commit,
    encode_death,
    encode_question,
    encode_rebirth,
    encode_report,
    encode_state,
    resolve,
    topic_of,
)
from config.words import DataType

EDGE = Edge("old-town", "gw-1")
CROSS = Path(sys.prefix) / "cross"  # where `make test` puts the independent decoder


def b(text: str) -> bytes:
    """Bytes from hex with comments after `|`."""
    return bytes.fromhex("".join(line.partition("|")[0] for line in text.splitlines()))


NDEATH = b("""
08 e8 07               | timestamp = 1000
12 0e                  | metric, 14 bytes
   0a 05 62 64 53 65 71   | name "bdSeq"
   18 e8 07 20 04         | timestamp 1000, datatype Int64
   58 07                  | long_value 7
""")


def test_a_node_death_is_one_metric_without_seq() -> None:
    death = Death(EDGE, None, 1000, bd_seq=7)

    assert encode_death(death) == NDEATH
    assert decode("spBv1.0/old-town/NDEATH/gw-1", NDEATH) == death


def test_a_fire_record_is_read_from_hand_written_bytes() -> None:
    raw = b("""
    08 e8 07 | timestamp 1000
    12 09 10 00 18 e7 07 28 01 70 01 | alias 0, timestamp 999, historical, boolean true
    12 1b 10 05 18 e7 07 28 01 4a 10 | alias 5, timestamp 999, historical, 16 bytes of properties
       0a 05 43 68 65 63 6b 12 07 08 03 18 d2 85 d8 04 | Check: Int32, varint 0x9602d2
       58 2a | long 42
    18 00 | seq 0
    """)
    aliases = {0: Declared("fire", DataType.BOOLEAN), 5: Declared("Journal/Alarm", DataType.UINT64)}

    data = decode("spBv1.0/old-town/DDATA/gw-1/sm-502", raw)
    assert isinstance(data, Data)
    report = resolve(data, aliases, "e1")

    assert report == Report(
        EDGE, "sm-502", Lane.ALARM, "e1", 42, 0x9602D2, 999, True, (Reading("fire", True, DataType.BOOLEAN),)
    )
    assert encode_report(report, {"fire": 0, "Journal/Alarm": 5}, 0, 1000) == raw


def test_a_negative_int16_travels_as_twos_complement_of_32_bits() -> None:
    raw = b("08 01 12 0a 10 01 18 01 50 f6 ff ff ff 0f 18 05")
    data = decode("spBv1.0/old-town/DDATA/gw-1/ep-1", raw)
    assert isinstance(data, Data)

    report = resolve(data, {1: Declared("temperature_c", DataType.INT16)}, None)

    assert report.readings[0].value == -10


def test_an_absent_value_is_none_with_its_cause_and_never_zero() -> None:
    report = Report(
        EDGE,
        "ep-1",
        Lane.TELEMETRY,
        "e1",
        9,
        1,
        5,
        False,
        (Reading("pressure_kpa", None, DataType.DOUBLE, Quality.BAD, "no answer within 300 ms"),),
    )
    aliases = {3: Declared("pressure_kpa", DataType.DOUBLE), 4: Declared("Journal/Telemetry", DataType.UINT64)}
    raw = encode_report(report, {name.name: alias for alias, name in aliases.items()}, 1, 6)
    data = decode("spBv1.0/old-town/DDATA/gw-1/ep-1", raw)
    assert isinstance(data, Data)

    assert b("38 01") in raw  # is_null
    assert struct.pack("<d", 0.0) not in raw
    assert resolve(data, aliases, "e1") == report


def test_a_birth_names_everything_and_its_data_needs_only_aliases() -> None:
    birth = Birth(
        EDGE,
        None,
        1000,
        0,
        (Reading("Clock/Offset", 1.5, DataType.DOUBLE),),
        {0: Declared("Clock/Offset", DataType.DOUBLE), 1: Declared("Journal/Alarm", DataType.UINT64)},
        bd_seq=3,
        epoch="e1",
        floors={Lane.ALARM: 1, Lane.TELEMETRY: 7},
        clock_synchronized=True,
    )

    heard = decode(topic_of(EDGE, "NBIRTH"), encode_birth(birth))

    assert isinstance(heard, Birth)
    assert (heard.bd_seq, heard.epoch, heard.floors, heard.clock_synchronized) == (3, "e1", birth.floors, True)
    assert heard.readings == birth.readings
    assert {a: d for a, d in heard.aliases.items() if a >= 0} == dict(birth.aliases)


def test_a_commit_says_what_is_committed_and_a_rebirth_is_asked_for() -> None:
    commit = Commit("e1", {Lane.ALARM: Committed(5, ((7, 7), (9, 12)))})

    assert decode("spBv1.0/old-town/NCMD/gw-1", encode_commit(commit, 1)) == Command(EDGE, None, commit=commit)
    assert decode("spBv1.0/old-town/NCMD/gw-1", encode_rebirth(1)) == Command(EDGE, None, rebirth=True)
    assert decode("spBv1.0/old-town/NCMD/gw-1", encode_question("sm-502", 1)) == Command(EDGE, None, question="sm-502")
    too_long = decode("spBv1.0/old-town/NCMD/gw-1", encode_question("x" * 201, 1))
    assert too_long == Command(EDGE, None, strange=("Diagnostics/Device",))
    assert [p for p in range(1, 14) if p in commit.lanes[Lane.ALARM]] == [1, 2, 3, 4, 5, 7, 9, 10, 11, 12]


def test_a_host_state_is_json() -> None:
    assert json.loads(encode_state(True, 17)) == {"online": True, "timestamp": 17}
    assert decode("spBv1.0/STATE/host-1", b'{"online":false,"timestamp":17}') == HostState("host-1", False, 17)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("spBv1.0/g/NDATA/n", b"\xff\xff\xff\xff"),  # not protobuf
        ("spBv1.0/g/NDATA/n", b""),  # no timestamp, no seq
        ("spBv1.0/g/NDATA/n", b("08 01 18 80 02")),  # seq 256
        ("spBv1.0/g/NDATA", b""),  # no node
        ("spBv1.0/g/DDATA/n", b("08 01 18 00")),  # no device
        ("spBv1.0/g/NDATA/n/d", b("08 01 18 00")),  # a device too many
        ("spBv1.0/g/XDATA/n", b("08 01 18 00")),
        ("spAv1.0/g/NDATA/n", b("08 01 18 00")),
        ("spBv1.0/g/NDEATH/n", b("08 01")),  # no bdSeq
        ("spBv1.0/g/NBIRTH/n", b("08 01 18 00 12 02 10 01")),  # a metric without name
        ("spBv1.0/g/NBIRTH/n", b("08 01 18 00 12 05 0a 01 61 20 63")),  # data type 99
        ("spBv1.0/STATE/h", b"ONLINE"),  # Sparkplug 2
        ("spBv1.0/STATE/h", b'{"online":1,"timestamp":true}'),
        ("spBv1.0/g/NDATA/n", b"\x08" * 300_000),  # too large
        ("spBv1.0/g/NCMD/n", b("12 03 0a 01 ff")),  # a name that is no UTF-8
        ("spBv1.0/g/NDATA/n", b("08 01 18 00 12 03 7a 01 ff")),  # a text that is none
        ("spBv1.0/g/NDATA/n", b("08 01 18 00 12 09 4a 07 0a 01 ff 12 02 18 05")),  # a property's name that is none
    ],
)
def test_garbage_is_refused_in_words(topic: str, payload: bytes) -> None:
    with pytest.raises(WireError, match=r"\w+ .+"):
        decode(topic, payload)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"epoch":"","alarm":{"upto":1,"ranges":[]}}',
        '{"epoch":"e","alarm":{"upto":-1,"ranges":[]}}',
        '{"epoch":"e","alarm":{"upto":5,"ranges":[[5,6]]}}',
        '{"epoch":"e","alarm":{"upto":5,"ranges":[[8,7]]}}',
        '{"epoch":"e","alarm":{"upto":true,"ranges":[]}}',
        '{"epoch":"e","alarm":{"upto":1.5,"ranges":[]}}',
        '{"epoch":"e","smoke":{"upto":1,"ranges":[]}}',
        '{"epoch":"e","alarm":{"upto":1,"ranges":' + str([[2 * i + 3, 2 * i + 3] for i in range(9)]) + "}}",
        '{"epoch":"e","alarm":' + "[" * 100_000,
    ],
)
def test_a_malformed_commit_is_refused(text: str) -> None:
    from config.commit import read_commit

    with pytest.raises(WireError):
        read_commit(text)


def test_an_alias_that_no_birth_declared_asks_for_a_rebirth() -> None:
    data = decode("spBv1.0/g/NDATA/n", b("08 01 12 04 10 63 70 01 18 00"))
    assert isinstance(data, Data)

    with pytest.raises(UnknownMetric, match="99"):
        resolve(data, {0: Declared("fire", DataType.BOOLEAN)}, None)


def test_a_value_that_does_not_fit_its_declared_type_is_refused() -> None:
    data = decode("spBv1.0/g/NDATA/n", b("08 01 12 05 10 00 7a 01 78 18 00"))  # a string for a boolean
    assert isinstance(data, Data)

    with pytest.raises(WireError, match="BOOLEAN"):
        resolve(data, {0: Declared("fire", DataType.BOOLEAN)}, None)


@pytest.mark.skipif(not (CROSS / "pysparkplug").is_dir(), reason="pysparkplug is not installed beside the environment")
def test_an_independent_package_reads_our_births_and_data_alike() -> None:
    birth = Birth(
        EDGE,
        "sm-502",
        1000,
        1,
        (Reading("fire", False, DataType.BOOLEAN), Reading("obscuration_db_m", 0.12, DataType.DOUBLE)),
        {
            0: Declared("fire", DataType.BOOLEAN),
            1: Declared("obscuration_db_m", DataType.DOUBLE),
            2: Declared("Journal/Alarm", DataType.UINT64),
        },
    )
    fire = Reading("fire", True, DataType.BOOLEAN)
    report = Report(EDGE, "sm-502", Lane.ALARM, "e1", 42, 0x9602D2, 999, False, (fire,))
    script = """
import json, sys, pysparkplug as other
birth, data, death = (bytes.fromhex(line) for line in sys.stdin.read().split())
born = other.DBirth.decode(birth)
told = other.DData.decode(data, birth=born)
died = other.NDeath.decode(death)
print(json.dumps({
    "seq": born.seq,
    "born": {m.name: [m.alias, m.value] for m in born.metrics},
    "told": {m.name: m.value for m in told.metrics},
    "bd_seq": died.bd_seq_metric.value,
}))
"""
    lines = [
        encode_birth(birth),
        encode_report(report, {"fire": 0, "Journal/Alarm": 2}, 2, 1001),
        encode_death(Death(EDGE, None, 1000, bd_seq=7)),
    ]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        input="\n".join(line.hex() for line in lines),
        env={"PYTHONPATH": str(CROSS)},
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)

    assert said["seq"] == 1
    assert said["born"] == {"fire": [0, False], "obscuration_db_m": [1, 0.12], "Journal/Alarm": [2, None]}
    assert said["told"] == {"fire": True, "Journal/Alarm": 42}
    assert said["bd_seq"] == 7
