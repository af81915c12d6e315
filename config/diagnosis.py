"""What a gateway says about one of its devices when it is asked: the words on the bus, and what went wrong.

Asked by the metric `Diagnostics/Device` of an NCMD, answered by `Diagnostics/Answer`: JSON of at most
`ANSWER_BYTES_MAX`. What is told is what the gateway remembers: nobody asks the device for it.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.sparkplug import WireError

ASK, ANSWER = "Diagnostics/Device", "Diagnostics/Answer"
ANSWERED, REFUSED = "Diagnostics/Answered", "Diagnostics/Refused"  # since the gateway's start
VERSION = "Properties/Version"
ANSWER_BYTES_MAX = 48_000  # a device of a thousand registers fits
DEVICE_CHARACTERS_MAX = 200
ERRORS_MAX = 8  # of one device, the newest
CAUSE_CHARACTERS_MAX = 200

_STRICT: ConfigDict = {"frozen": True, "extra": "ignore", "allow_inf_nan": False}


class ReadBlock(BaseModel):
    """One read of the device: where, how often, and what it brought last."""

    model_config = _STRICT
    table: str
    address: int
    count: int
    lane: str
    period_s: float
    due_ms: int = Field(description="UTC when it is asked next, unless others come first")
    misses: int = Field(description="in a row")
    heard_ms: int | None = Field(default=None, description="UTC of the last answer")
    words: tuple[int, ...] | None = Field(default=None, description="of the last answer: registers, or bits")


class ReadError(BaseModel):
    """A question that brought no values."""

    model_config = _STRICT
    at_ms: int
    table: str
    address: int
    count: int
    cause: str


class Diagnosis(BaseModel):
    """One device as its gateway sees it."""

    model_config = _STRICT
    device: str
    told_ms: int = Field(description="UTC of the gateway when it told this")
    known: bool = Field(default=True, description="False: the gateway has no such device")
    bus: str | None = None
    unit: int | None = None
    live: bool | None = Field(default=None, description="False: not known to answer")
    misses: int | None = Field(default=None, description="questions in a row without a sound answer")
    next_ms: int | None = Field(default=None, description="UTC when the device is asked next")
    blocks: tuple[ReadBlock, ...] = ()
    blocks_left_out: int = Field(default=0, description="reads that did not fit into the answer")
    errors: tuple[ReadError, ...] = Field(default=(), description="newest first")


def write_diagnosis(found: Diagnosis) -> str:
    """The JSON of an answer; what does not fit is left out from its end, and counted."""
    text = found.model_dump_json(exclude_none=True)
    while len(text.encode()) > ANSWER_BYTES_MAX and found.blocks:
        keep = len(found.blocks) // 2
        left_out = found.blocks_left_out + len(found.blocks) - keep
        found = found.model_copy(update={"blocks": found.blocks[:keep], "blocks_left_out": left_out})
        text = found.model_dump_json(exclude_none=True)
    return text


def read_diagnosis(text: str) -> Diagnosis:
    """The answer of a gateway. Raises WireError for anything else."""
    if len(text) > ANSWER_BYTES_MAX:
        raise WireError(f"{ANSWER}: {len(text)} characters, expected at most {ANSWER_BYTES_MAX}")
    try:
        return Diagnosis.model_validate_json(text)
    except ValidationError as error:
        first: Any = error.errors()[0]
        raise WireError(f"{ANSWER}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
