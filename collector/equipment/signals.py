"""A profile's signals found in what a device said: moving, door closed, somebody inside, a pressure …

Only a good value is a signal. A stale, bad, absent or unheard one is None, which is neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from collector.alarms.heard import Heard
from config.profile import Profile, Signal, SignalName
from config.words import Quality, Reading


def signal(profile: Profile, values: Mapping[str, Heard], name: SignalName) -> float | bool | None:
    """What the signal is now, by the newest of its point (`DeviceState.values`).

    A bool where the point is a bit or the profile names codes or a mask, else the number in the point's unit. None
    where the profile has no such signal or its point has no good value. A device that is gone keeps its last values:
    the caller asks whether it is online.
    """
    source = profile.signals.get(name)
    if source is None:
        return None
    heard = values.get(source.point)
    return None if heard is None else meaning(source, heard.reading)


def meaning(source: Signal, reading: Reading) -> float | bool | None:
    """What one reading of a signal's point says; None if it is not good or is no number."""
    value = reading.value
    if value is None or reading.quality is not Quality.GOOD or isinstance(value, (str, bytes)) or not isfinite(value):
        return None
    if source.codes is not None:
        return (value in source.codes) is not source.inverted
    if source.mask is not None:
        return bool(int(value) & source.mask) is not source.inverted
    if isinstance(value, bool) or source.inverted:
        return bool(value) is not source.inverted
    return value


def signals(profile: Profile, values: Mapping[str, Heard]) -> dict[SignalName, float | bool]:
    """Every signal of a profile that is known now, each as `signal` tells it."""
    known: dict[SignalName, float | bool] = {}
    for name, source in profile.signals.items():
        heard = values.get(source.point)
        said = None if heard is None else meaning(source, heard.reading)
        if said is not None:
            known[name] = said
    return known


def signal_number(profile: Profile, values: Mapping[str, Heard], name: SignalName) -> float | None:
    """A signal that is a number; a bit is none."""
    return as_number(signal(profile, values, name))


def as_number(said: float | bool | None) -> float | None:
    """What a signal says, if that is a number; a bit is none."""
    return None if said is None or isinstance(said, bool) else float(said)
