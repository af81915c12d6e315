"""A row of the figures by its shape, which stands in `config/figures.py`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from collector.storage.series import Row
from config.figures import MEASUREMENTS

Plain = float | int | str | bool | None
CONDITIONS = ("alarm", "pre_alarm", "supervisory", "trouble", "disabled", "test")
KINDS = ("fire", "entrapment", "water", "equipment", "fault")


def figure(measurement: str, time_ns: int, tags: Mapping[str, str | None], fields: Mapping[str, Plain]) -> Row:
    """A row of a measurement without what is not known. Raises KeyError for a name that its shape does not have."""
    shape = MEASUREMENTS[measurement]
    told: dict[str, float | int | str] = {}
    for name, value in fields.items():
        if name in shape.words:
            if value not in (None, ""):
                told[name] = str(value)
        elif name not in shape.numbers:
            raise KeyError(f"{measurement} has no field {name}")
        elif value is not None:
            told[name] = float(value)
    if unknown := tags.keys() - set(shape.tags):
        raise KeyError(f"{measurement} has no tags {unknown}")
    return Row({name: tag for name, tag in tags.items() if tag}, time_ns, told, measurement)


def named(name: str, identity: str) -> dict[str, Plain]:
    """What people call a thing, and the same with its id behind, by which a list of them is told apart."""
    return {"name": name or identity, "label": f"{name or identity} · {identity}"}


def moment_ns(at_ms: int) -> int:
    """The time of a row that tells of a moment."""
    return at_ms * 1_000_000


def thing_ns(at_ms: int, name: str) -> int:
    """The time of a row that is of one thing: two of one millisecond stay apart, and the same thing has the same."""
    return at_ms * 1_000_000 + crc32(name.encode()) % 1_000_000
