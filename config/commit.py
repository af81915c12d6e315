"""The text of `Journal/Commit`: what the host has committed, per lane, in one journal's epoch.

{"epoch":"...","alarm":{"upto":12,"ranges":[[14,20]]},"telemetry":{"upto":900,"ranges":[]}}
"""

from __future__ import annotations

import json
from typing import Any

from config.sparkplug import WireError
from config.words import Commit, Committed, Lane

COMMIT_RANGES_MAX = 8  # ranges beyond the contiguous part that one commit may name
UINT64_MAX = 2**64 - 1


def write_commit(commit: Commit) -> str:
    """Commit -> text. Raises ValueError for more than eight ranges in a lane."""
    lanes: dict[str, Any] = {}
    for lane, committed in commit.lanes.items():
        if len(committed.ranges) > COMMIT_RANGES_MAX:
            raise ValueError(f"{len(committed.ranges)} ranges in lane {lane}, expected at most {COMMIT_RANGES_MAX}")
        lanes[lane.value] = {"upto": committed.upto, "ranges": [list(pair) for pair in committed.ranges]}
    return json.dumps({"epoch": commit.epoch, **lanes}, separators=(",", ":"))


def read_commit(text: str) -> Commit:
    """The text of `Journal/Commit`. Raises WireError unless it is exactly what `write_commit` may say."""
    try:
        said = json.loads(text)
        epoch = said.pop("epoch")
        lanes = {Lane(name): _decode_committed(lane) for name, lane in said.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"Journal/Commit is malformed: {text[:80]!r}") from error
    if not isinstance(epoch, str) or not epoch:
        raise WireError("Journal/Commit has no epoch")
    return Commit(epoch, lanes)


def _decode_committed(said: Any) -> Committed:
    ranges = tuple((first, last) for first, last in said["ranges"])
    upto = said["upto"]
    numbers = [upto, *(number for pair in ranges for number in pair)]
    if len(ranges) > COMMIT_RANGES_MAX or any(type(number) is not int for number in numbers):
        raise ValueError("ranges")
    # Ascending, apart from each other, and beyond `upto`: anything else is not an account of a lane.
    end = upto
    for first, last in ranges:
        if not end < first <= last:
            raise ValueError("order")
        end = last
    if upto < 0 or end > UINT64_MAX:
        raise ValueError("size")
    return Committed(upto, ranges)
