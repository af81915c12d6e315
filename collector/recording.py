"""The lines of a recorded stream, JSON: what was heard, what people did, and that time passed. Each has its time.

    {"at_ms": 1750000000000, "topic": "spBv1.0/lane/DDATA/gw-1/smoke-1", "payload": "<base64>"}
    {"at_ms": 1750000010000, "person": "nora", "does": "going", "kind": "fire", "building": "b-1"}
    {"at_ms": 1750000060000}

`at_ms` is the time of receipt, UTC. A person does: going, arrived, cannot, acknowledge, reset, stand-down. One
incident of a kind is open in a building at a time, so that kind and building name it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from collector.storage.records import STAMP_MS_MAX
from config.profile import Kind

Stamp = Annotated[int, Field(ge=0, le=STAMP_MS_MAX, strict=True)]


def _from_base64(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("expected base64")
    return b64decode(text, validate=True)


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    at_ms: Stamp


class Message(_Line):
    """A message of the broker, undecoded."""

    topic: str
    payload: Annotated[bytes, BeforeValidator(_from_base64)]


class Act(_Line):
    """What a person did."""

    person: str
    does: Literal["going", "arrived", "cannot", "acknowledge", "reset", "stand-down"]
    kind: Kind
    building: str


class Tick(_Line):
    """Time passed."""


Line = Message | Act | Tick
_LINE: TypeAdapter[Line] = TypeAdapter(Line)


class BadLine(ValueError):
    """A line that is none of a recording: the file's fault. str() says what was expected."""


def read_line(text: str) -> Line:
    """One line. Raises BadLine."""
    try:
        return _LINE.validate_json(text)
    except ValidationError as error:
        expected = "expected at_ms alone, or with topic and payload, or with person, does, kind and building"
        raise BadLine(f"{text.strip()[:60]!r}: {expected}; {error.errors()[0]['msg']}") from error


def write_message(at_ms: int, topic: str, payload: bytes) -> str:
    """The line of a message, with its end."""
    said = {"at_ms": at_ms, "topic": topic, "payload": b64encode(payload).decode()}
    return json.dumps(said, ensure_ascii=False) + "\n"


def write_tick(at_ms: int) -> str:
    """The line that says that time has passed, with its end."""
    return json.dumps({"at_ms": at_ms}) + "\n"
