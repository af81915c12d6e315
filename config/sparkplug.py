"""Sparkplug B payload bytes. The rule of this file: nothing outside it touches protobuf.

The schema is built here from the field numbers of the Sparkplug 3.0 specification
(ISO/IEC 20237, chapter 6), so that no generated or copied .proto travels with the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

Value = bool | int | float | str | bytes
NO_PROPERTIES: Mapping[str, Value] = MappingProxyType({})
PAYLOAD_BYTES_MAX = 256 * 1024  # far above our largest birth; a larger payload is somebody's mistake


class WireError(ValueError):
    """The bytes or the topic are not what Sparkplug B 3.0 allows: the sender's fault, never retried."""


class DataType(IntEnum):
    """Sparkplug metric data types (specification §6.4.16); arrays, data sets and templates are not used."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    BYTES = 17


_IN_INT = {DataType.INT8, DataType.INT16, DataType.INT32, DataType.UINT8, DataType.UINT16, DataType.UINT32}
_IN_LONG = {DataType.INT64, DataType.UINT64, DataType.DATETIME}
_IN_STRING = {DataType.STRING, DataType.TEXT, DataType.UUID}
_SIGNED_BITS = {DataType.INT8: 32, DataType.INT16: 32, DataType.INT32: 32, DataType.INT64: 64}
_RANGE = {
    DataType.INT8: (-(2**7), 2**7 - 1),
    DataType.INT16: (-(2**15), 2**15 - 1),
    DataType.INT32: (-(2**31), 2**31 - 1),
    DataType.INT64: (-(2**63), 2**63 - 1),
    DataType.UINT8: (0, 2**8 - 1),
    DataType.UINT16: (0, 2**16 - 1),
    DataType.UINT32: (0, 2**32 - 1),
    DataType.UINT64: (0, 2**64 - 1),
    DataType.DATETIME: (0, 2**64 - 1),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it travels. `value` None is sent as is_null; `datatype` None means "as in the birth"."""

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: DataType | None = None
    value: Value | None = None
    historical: bool = False
    properties: Mapping[str, Value] = field(default_factory=lambda: NO_PROPERTIES)


@dataclass(frozen=True, slots=True)
class Payload:
    """A Sparkplug payload; `seq` None is left out (NDEATH, commands)."""

    timestamp_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def encode_payload(payload: Payload, datatypes: bool) -> bytes:
    """Payload -> bytes. `datatypes`: in births and commands, not in DATA (`payloads-metric-datatype-not-req`)."""
    out = _PAYLOAD()
    if payload.timestamp_ms is not None:
        out.timestamp = payload.timestamp_ms
    if payload.seq is not None:
        out.seq = payload.seq
    for metric in payload.metrics:
        _put_metric(out.metrics.add(), metric, datatypes)
    return bytes(out.SerializeToString(deterministic=True))


def decode_payload(data: bytes) -> Payload:
    """Bytes -> payload. Raises WireError. Values without a datatype stay raw until `typed` is called."""
    if len(data) > PAYLOAD_BYTES_MAX:
        raise WireError(f"payload of {len(data)} bytes, expected at most {PAYLOAD_BYTES_MAX}")
    message = _PAYLOAD()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise WireError(f"payload is not a Sparkplug B protobuf: {error}") from error
    return Payload(
        timestamp_ms=message.timestamp if message.HasField("timestamp") else None,
        seq=message.seq if message.HasField("seq") else None,
        metrics=tuple(_get_metric(metric) for metric in message.metrics),
    )


def typed(value: Value | None, datatype: DataType) -> Value | None:
    """Give a raw decoded value its declared type: signed integers travel as two's complement. Raises WireError."""
    if value is None:
        return None
    if datatype in _SIGNED_BITS and isinstance(value, int) and not isinstance(value, bool):
        bits = _SIGNED_BITS[datatype]
        value = value - (1 << bits) if value >= 1 << (bits - 1) else value
    return checked(value, datatype)


def checked(value: Value, datatype: DataType) -> Value:
    """The value itself if it fits its data type, else WireError naming both."""
    if datatype is DataType.BOOLEAN:
        fits = isinstance(value, bool)
    elif datatype in _RANGE:
        low, high = _RANGE[datatype]
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    elif datatype in (DataType.FLOAT, DataType.DOUBLE):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif datatype is DataType.BYTES:
        fits = isinstance(value, bytes)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise WireError(f"value {repr(value)[:40]} is not a {datatype.name}")
    return value


def _put_metric(out: Any, metric: Metric, datatypes: bool) -> None:
    if metric.name is not None:
        out.name = metric.name
    if metric.alias is not None:
        out.alias = metric.alias
    if metric.timestamp_ms is not None:
        out.timestamp = metric.timestamp_ms
    if datatypes and metric.datatype is not None:
        out.datatype = metric.datatype
    if metric.historical:
        out.is_historical = True
    for key, value in metric.properties.items():
        out.properties.keys.append(key)
        _put_property(out.properties.values.add(), value)
    if metric.value is None:
        out.is_null = True
    elif metric.datatype is None:
        raise WireError(f"metric {metric.name or metric.alias} has a value but no data type")
    else:
        _put_value(out, checked(metric.value, metric.datatype), metric.datatype)


def _put_value(out: Any, value: Value, datatype: DataType) -> None:
    if datatype in _IN_INT:
        out.int_value = int(value) & 0xFFFFFFFF
    elif datatype in _IN_LONG:
        out.long_value = int(value) & 0xFFFFFFFFFFFFFFFF
    elif datatype is DataType.FLOAT:
        out.float_value = float(value)
    elif datatype is DataType.DOUBLE:
        out.double_value = float(value)
    elif datatype is DataType.BOOLEAN:
        out.boolean_value = value
    elif datatype in _IN_STRING:
        out.string_value = value
    else:
        out.bytes_value = value


def _put_property(out: Any, value: Value) -> None:
    if isinstance(value, bool):
        out.type, out.boolean_value = DataType.BOOLEAN, value
    elif isinstance(value, int) and -(2**31) <= value < 2**31:
        out.type, out.int_value = DataType.INT32, value & 0xFFFFFFFF
    elif isinstance(value, int):
        out.type, out.long_value = DataType.UINT64, value
    elif isinstance(value, str):
        out.type, out.string_value = DataType.STRING, value
    else:
        out.type, out.double_value = DataType.DOUBLE, float(value)


def _get_metric(message: Any) -> Metric:
    which = message.WhichOneof("value")
    value: Value | None = None
    if not message.is_null and which is not None:
        if which not in _PLAIN_VALUES:
            raise WireError(f"metric {message.name or message.alias}: {which} is not supported")
        value = _text(message.string_value) if which == "string_value" else getattr(message, which)
    datatype = _datatype(message.datatype) if message.HasField("datatype") else None
    return Metric(
        name=_text(message.name) if message.HasField("name") else None,
        alias=message.alias if message.HasField("alias") else None,
        timestamp_ms=message.timestamp if message.HasField("timestamp") else None,
        datatype=datatype,
        value=value if datatype is None else typed(value, datatype),
        historical=message.is_historical,
        properties=_get_properties(message.properties) if message.HasField("properties") else NO_PROPERTIES,
    )


def _datatype(number: int) -> DataType:
    try:
        return DataType(number)
    except ValueError:
        raise WireError(f"data type {number} is not supported") from None


def _get_properties(message: Any) -> Mapping[str, Value]:
    if len(message.keys) != len(message.values):
        raise WireError(f"property set has {len(message.keys)} keys and {len(message.values)} values")
    found: dict[str, Value] = {}
    for key, value in zip(message.keys, message.values, strict=True):
        which = value.WhichOneof("value")
        if which in _PLAIN_VALUES and not value.is_null:
            raw = _text(value.string_value) if which == "string_value" else getattr(value, which)
            # A property of a type we do not use is somebody else's business: keep it raw.
            signed = value.type in (DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64)
            found[_text(key)] = typed(raw, DataType(value.type)) if signed else raw  # type: ignore[assignment]
    return found


def _text(found: str | bytes) -> str:
    """The library gives a text that is no UTF-8 as its bytes."""
    if isinstance(found, bytes):
        raise WireError(f"a text is not UTF-8: {found[:40].hex(' ')}")
    return found


_PLAIN_VALUES = {
    "int_value",
    "long_value",
    "float_value",
    "double_value",
    "boolean_value",
    "string_value",
    "bytes_value",
}


def _build_schema() -> type[Message]:
    """Declare Payload, Metric, PropertySet and PropertyValue by their field numbers (proto2)."""
    kinds = descriptor_pb2.FieldDescriptorProto
    u32, u64, text, raw = kinds.TYPE_UINT32, kinds.TYPE_UINT64, kinds.TYPE_STRING, kinds.TYPE_BYTES
    real, wide, flag, nested = kinds.TYPE_FLOAT, kinds.TYPE_DOUBLE, kinds.TYPE_BOOL, kinds.TYPE_MESSAGE
    file = descriptor_pb2.FileDescriptorProto(name="callpoint/sparkplug_b.proto", package="callpoint.sparkplug")

    def declare(name: str, fields: list[tuple[str, int, Any]], oneof: set[str], repeated: dict[str, str]) -> None:
        message = file.message_type.add(name=name)
        if oneof:
            message.oneof_decl.add(name="value")
        for field_name, number, kind in fields:
            added = message.field.add(name=field_name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
            if field_name in repeated:
                added.label = kinds.LABEL_REPEATED
            if kind == nested:
                added.type_name = f".callpoint.sparkplug.{repeated.get(field_name, 'PropertySet')}"
            if field_name in oneof:
                added.oneof_index = 0

    declare(
        "PropertyValue",
        [
            *[("type", 1, u32), ("is_null", 2, flag), ("int_value", 3, u32), ("long_value", 4, u64)],
            *[("float_value", 5, real), ("double_value", 6, wide), ("boolean_value", 7, flag)],
            ("string_value", 8, text),
        ],
        oneof={"int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value"},
        repeated={},
    )
    declare("PropertySet", [("keys", 1, text), ("values", 2, nested)], set(), {"keys": "", "values": "PropertyValue"})
    declare(
        "Metric",
        [
            *[("name", 1, text), ("alias", 2, u64), ("timestamp", 3, u64), ("datatype", 4, u32)],
            *[("is_historical", 5, flag), ("is_transient", 6, flag), ("is_null", 7, flag)],
            *[("properties", 9, nested), ("int_value", 10, u32), ("long_value", 11, u64)],
            *[("float_value", 12, real), ("double_value", 13, wide), ("boolean_value", 14, flag)],
            *[("string_value", 15, text), ("bytes_value", 16, raw), ("dataset_value", 17, raw)],
            ("template_value", 18, raw),
        ],
        oneof=_PLAIN_VALUES | {"dataset_value", "template_value"},
        repeated={},
    )
    declare(
        "Payload",
        [("timestamp", 1, u64), ("metrics", 2, nested), ("seq", 3, u64), ("uuid", 4, text), ("body", 5, raw)],
        set(),
        {"metrics": "Metric"},
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("callpoint.sparkplug.Payload"))


_PAYLOAD: Any = _build_schema()
