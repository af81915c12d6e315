"""What gateway and collector say to each other, and nothing about how it is sent.

Sparkplug B 3.0 topics and payloads <-> Birth, Report, Death, Commit. On top of Sparkplug every
journalled report carries its lane's position and a check value, and the host answers with
`Journal/Commit`: Sparkplug alone publishes data at QoS 0 and cannot promise that nothing is lost.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from config.commit import COMMIT_RANGES_MAX, read_commit, write_commit
from config.diagnosis import ASK, DEVICE_CHARACTERS_MAX
from config.sparkplug import (
    NO_PROPERTIES,
    DataType,
    Metric,
    Payload,
    Value,
    WireError,
    decode_payload,
    encode_payload,
    typed,
)
from config.words import (
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
    Message,
    Quality,
    Reading,
    Report,
)

__all__ = [
    "BD_SEQ",
    "CLOCK",
    "COMMIT",
    "COMMIT_RANGES_MAX",
    "EPOCH",
    "NAMESPACE",
    "REBIRTH",
    "Birth",
    "Command",
    "Commit",
    "Committed",
    "Data",
    "Death",
    "Declared",
    "Edge",
    "HostState",
    "Lane",
    "Message",
    "Quality",
    "Reading",
    "Report",
    "UnknownMetric",
    "WireError",
    "check_value",
    "decode",
    "encode_birth",
    "encode_commit",
    "encode_death",
    "encode_question",
    "encode_rebirth",
    "encode_report",
    "encode_state",
    "is_name",
    "resolve",
    "state_topic",
    "topic_of",
]

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
BD_SEQ = "bdSeq"
EPOCH = "Journal/Epoch"
COMMIT = "Journal/Commit"
CLOCK = "Clock/Synchronized"


# --- topics ---------------------------------------------------------------------------------------


def topic_of(edge: Edge, verb: str, device: str | None = None) -> str:
    """`spBv1.0/<group>/<verb>/<node>[/<device>]`."""
    return "/".join([NAMESPACE, edge.group, verb, edge.node] + ([device] if device is not None else []))


def state_topic(host_id: str) -> str:
    """Where a host application announces itself (`host-topic-phid-birth-topic`)."""
    return f"{NAMESPACE}/STATE/{host_id}"


def is_name(text: str) -> bool:
    """True if `text` may be a Sparkplug id: not empty and without `+`, `/`, `#` (`topic-structure-namespace-*`)."""
    return bool(text) and text.isprintable() and not set(text) & set("+/#")


# --- encoding -------------------------------------------------------------------------------------


def encode_birth(birth: Birth) -> bytes:
    """NBIRTH or DBIRTH bytes: every metric with name, alias, data type and value."""
    at_ms = birth.at_ms
    metrics: list[Metric] = []
    if birth.device is None:
        metrics.append(Metric(BD_SEQ, None, at_ms, DataType.INT64, birth.bd_seq))
        metrics.append(Metric(REBIRTH, None, at_ms, DataType.BOOLEAN, False))
        if birth.epoch is not None:
            metrics.append(Metric(EPOCH, None, at_ms, DataType.STRING, birth.epoch))
            metrics.append(Metric(COMMIT, None, at_ms, DataType.STRING, None))
            metrics.append(Metric(ASK, None, at_ms, DataType.STRING, None))
        if birth.clock_synchronized is not None:
            metrics.append(Metric(CLOCK, None, at_ms, DataType.BOOLEAN, birth.clock_synchronized))
    alias_of = {declared.name: alias for alias, declared in birth.aliases.items()}
    floors = {lane.floor_metric: floor for lane, floor in (birth.floors or {}).items()}
    for name, floor in floors.items():
        metrics.append(Metric(name, alias_of.get(name), at_ms, DataType.UINT64, floor))
    values = {reading.name: reading for reading in birth.readings}
    for alias, declared in birth.aliases.items():
        if declared.name in floors:
            continue
        reading = values.get(declared.name)
        properties = NO_PROPERTIES if reading is None else _properties_of(reading)
        value = None if reading is None else reading.value
        metrics.append(Metric(declared.name, alias, at_ms, declared.datatype, value, False, properties))
    return encode_payload(Payload(at_ms, birth.seq, tuple(metrics)), datatypes=True)


def encode_report(report: Report, aliases: Mapping[str, int], seq: int, sent_ms: int) -> bytes:
    """NDATA or DDATA bytes, aliases only. Raises KeyError if a name has no alias (a bug: births come first)."""
    metrics = [
        Metric(
            None,
            aliases[reading.name],
            report.at_ms,
            reading.datatype,
            reading.value,
            report.historical,
            _properties_of(reading),
        )
        for reading in report.readings
    ]
    if report.lane is not None and report.position is not None:
        check = NO_PROPERTIES if report.check is None else {"Check": report.check}
        alias = aliases[report.lane.metric]
        position = Metric(None, alias, report.at_ms, DataType.UINT64, report.position, report.historical, check)
        metrics.append(position)
    return encode_payload(Payload(sent_ms, seq, tuple(metrics)), datatypes=False)


def encode_death(death: Death) -> bytes:
    """NDEATH (single metric bdSeq, no seq) or DDEATH (seq and timestamp, no metrics) bytes."""
    if death.device is None:
        metric = Metric(BD_SEQ, None, death.at_ms, DataType.INT64, death.bd_seq)
        return encode_payload(Payload(death.at_ms, None, (metric,)), datatypes=True)
    return encode_payload(Payload(death.at_ms, death.seq, ()), datatypes=True)


def encode_rebirth(at_ms: int) -> bytes:
    """The NCMD that asks an edge node for its births again."""
    metric = Metric(REBIRTH, None, at_ms, DataType.BOOLEAN, True)
    return encode_payload(Payload(at_ms, None, (metric,)), datatypes=True)


def encode_commit(commit: Commit, at_ms: int) -> bytes:
    """The NCMD that writes `Journal/Commit`. Raises ValueError for more than eight ranges in a lane."""
    metric = Metric(COMMIT, None, at_ms, DataType.STRING, write_commit(commit))
    return encode_payload(Payload(at_ms, None, (metric,)), datatypes=True)


def encode_question(device: str, at_ms: int) -> bytes:
    """The NCMD that asks a gateway what it knows of a device."""
    metric = Metric(ASK, None, at_ms, DataType.STRING, device)
    return encode_payload(Payload(at_ms, None, (metric,)), datatypes=True)


def encode_state(online: bool, at_ms: int) -> bytes:
    """STATE payload (`payloads-state-birth-payload`): UTF-8 JSON."""
    return json.dumps({"online": online, "timestamp": at_ms}, separators=(",", ":")).encode()


def check_value(device: str | None, lane: Lane, position: int, readings: tuple[Reading, ...]) -> int:
    """CRC-32 over what a record says. A repeat must carry the same one.

    The time is left out on purpose: a clock learned later may correct it before the first sending.
    """
    said = [[r.name, int(r.datatype), _plain(r.value), int(r.quality), r.cause] for r in readings]
    text = json.dumps([device, lane.value, position, said], ensure_ascii=True, separators=(",", ":"))
    return zlib.crc32(text.encode())


# --- decoding -------------------------------------------------------------------------------------


def decode(topic: str, data: bytes) -> Message:
    """Any message of the namespace. Raises WireError saying what is wrong with topic or payload."""
    parts = topic.split("/")
    if parts[0] != NAMESPACE or len(parts) < 3:
        raise WireError(f"topic {topic!r} is not of {NAMESPACE}")
    if parts[1] == "STATE":
        return _decode_state(parts, data)
    verb, device_expected = parts[2], parts[2].startswith("D")
    if verb not in _DECODERS or len(parts) != (5 if device_expected else 4) or not all(map(is_name, parts[1:])):
        raise WireError(f"topic {topic!r}: expected group/verb/node, and /device with a D verb")
    edge = Edge(parts[1], parts[3])
    device = parts[4] if device_expected else None
    message: Message = _DECODERS[verb](edge, device, decode_payload(data))
    return message


def resolve(data: Data, aliases: Mapping[int, Declared], epoch: str | None) -> Report:
    """Turn heard data into a report by its birth's aliases. Raises UnknownMetric, or WireError if a value misfits."""
    by_name = {declared.name: declared for declared in aliases.values()}
    readings: list[Reading] = []
    lane: Lane | None = None
    position: int | None = None
    check: int | None = None
    at_ms: int | None = None
    historical = False
    for metric in data.metrics:
        declared = aliases.get(metric.alias) if metric.alias is not None else by_name.get(metric.name or "")
        if declared is None:
            raise UnknownMetric(f"metric {metric.name or metric.alias} is not in the birth of {data.device or 'node'}")
        historical = historical or metric.historical
        if declared.name in _LANE_OF_METRIC:
            if position is not None:
                raise WireError("one DATA message carries two journal positions, expected one record")
            lane = _LANE_OF_METRIC[declared.name]
            position, check = _position(metric, declared)
            at_ms = metric.timestamp_ms
        else:
            readings.append(_reading(metric, declared))
            at_ms = metric.timestamp_ms if at_ms is None else at_ms
    return Report(
        edge=data.edge,
        device=data.device,
        lane=lane,
        epoch=epoch if position is not None else None,
        position=position,
        check=check,
        at_ms=data.at_ms if at_ms is None else at_ms,
        historical=historical,
        readings=tuple(readings),
    )


class UnknownMetric(WireError):
    """DATA names an alias or metric that no birth declared: ask for a rebirth."""


def _properties_of(reading: Reading) -> Mapping[str, Value]:
    if reading.quality is Quality.GOOD and reading.cause is None:
        return NO_PROPERTIES
    cause = {} if reading.cause is None else {"Cause": reading.cause}
    return {"Quality": int(reading.quality), **cause}


def _plain(value: Value | None) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _reading(metric: Metric, declared: Declared) -> Reading:
    raw = metric.properties.get("Quality", int(Quality.GOOD))
    quality = Quality(raw) if isinstance(raw, int) and raw in set(Quality) else Quality.BAD
    cause = metric.properties.get("Cause")
    value = typed(metric.value, declared.datatype)
    if value is None and cause is None:
        cause = "the sender gave no value and no cause"
        quality = Quality.STALE if quality is Quality.GOOD else quality
    return Reading(declared.name, value, declared.datatype, quality, None if cause is None else str(cause))


def _position(metric: Metric, declared: Declared) -> tuple[int, int | None]:
    position = typed(metric.value, declared.datatype)
    if not isinstance(position, int) or isinstance(position, bool) or position < 1:
        raise WireError(f"{declared.name} is {position!r}, expected a position from 1")
    check = metric.properties.get("Check")
    return position, check & 0xFFFFFFFF if isinstance(check, int) else None


def _decode_birth(edge: Edge, device: str | None, payload: Payload) -> Birth:
    at_ms, seq = _stamped(payload)
    aliases: dict[int, Declared] = {}
    readings: list[Reading] = []
    special: dict[str, Value | None] = {}
    names: set[str] = set()
    for index, metric in enumerate(payload.metrics):
        if metric.name is None or metric.datatype is None:
            raise WireError(f"birth metric {index}: expected a name and a data type")
        if metric.name in names or metric.alias in aliases:
            raise WireError(f"birth metric {metric.name!r}: its name or alias is used twice")
        names.add(metric.name)
        declared = Declared(metric.name, metric.datatype)
        # A metric without an alias is resolved by name; give it a key no wire alias can have.
        aliases[metric.alias if metric.alias is not None else -1 - index] = declared
        if metric.name in _BIRTH_ONLY:
            special[metric.name] = metric.value
        elif metric.name not in _LANE_OF_METRIC:
            readings.append(_reading(metric, declared))
    floors = {lane: int(floor) for lane in Lane if isinstance(floor := special.get(lane.floor_metric), int)}
    bd_seq, epoch, clock = special.get(BD_SEQ), special.get(EPOCH), special.get(CLOCK)
    return Birth(
        edge=edge,
        device=device,
        at_ms=at_ms,
        seq=seq,
        readings=tuple(readings),
        aliases=aliases,
        bd_seq=bd_seq if isinstance(bd_seq, int) else None,
        epoch=epoch if isinstance(epoch, str) else None,
        floors=floors or None,
        clock_synchronized=clock if isinstance(clock, bool) else None,
    )


def _decode_data(edge: Edge, device: str | None, payload: Payload) -> Data:
    at_ms, seq = _stamped(payload)
    return Data(edge, device, at_ms, seq, payload.metrics)


def _decode_death(edge: Edge, device: str | None, payload: Payload) -> Death:
    if device is not None:
        at_ms, seq = _stamped(payload)
        return Death(edge, device, at_ms, None, seq)
    bd_seq = next((metric.value for metric in payload.metrics if metric.name == BD_SEQ), None)
    if not isinstance(bd_seq, int):
        raise WireError("NDEATH without a bdSeq")
    return Death(edge, None, payload.timestamp_ms, bd_seq)


def _decode_command(edge: Edge, device: str | None, payload: Payload) -> Command:
    rebirth, commit, question, strange = False, None, None, []
    for metric in payload.metrics:
        if metric.name == REBIRTH and metric.value is True:
            rebirth = True
        elif metric.name == COMMIT and isinstance(metric.value, str):
            commit = read_commit(metric.value)
        elif metric.name == ASK and isinstance(metric.value, str) and len(metric.value) <= DEVICE_CHARACTERS_MAX:
            question = metric.value
        else:
            strange.append(metric.name or f"alias {metric.alias}")
    return Command(edge, device, rebirth, commit, tuple(strange), question)


def _decode_state(parts: list[str], data: bytes) -> HostState:
    try:
        said = json.loads(data.decode())
        online, at_ms = said["online"], said["timestamp"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError("STATE is not JSON with online and timestamp") from error
    if len(parts) != 3 or not isinstance(online, bool) or type(at_ms) is not int:
        raise WireError("STATE: expected spBv1.0/STATE/<host>, online true or false, timestamp in ms")
    return HostState(parts[2], online, at_ms)


def _stamped(payload: Payload) -> tuple[int, int]:
    if payload.timestamp_ms is None or payload.seq is None or not 0 <= payload.seq <= 255:
        raise WireError(f"expected a timestamp and a seq of 0 to 255, found {payload.timestamp_ms} and {payload.seq}")
    return payload.timestamp_ms, payload.seq


_LANE_OF_METRIC = {lane.metric: lane for lane in Lane}
_BIRTH_ONLY = {BD_SEQ, REBIRTH, EPOCH, COMMIT, ASK, CLOCK, *(lane.floor_metric for lane in Lane)}
_DECODERS: Mapping[str, Any] = {
    "NBIRTH": _decode_birth,
    "DBIRTH": _decode_birth,
    "NDATA": _decode_data,
    "DDATA": _decode_data,
    "NDEATH": _decode_death,
    "DDEATH": _decode_death,
    "NCMD": _decode_command,
    "DCMD": _decode_command,
}
