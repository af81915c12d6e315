"""What a look at a machine finds, and the judgements that need no machine. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FREE_WANTED_BYTES = 2_000_000_000  # a year of a community and one copy of it while a backup is made
FREE_NEEDED_BYTES = 300_000_000  # below, journals and stores begin to refuse what is less than an alarm
EARLIEST_YEAR = 2026  # a clock that says less was never set
RENEW_WITHIN = timedelta(days=21)  # usual certificates are renewed 30 days before they end
RENEW_SERVER = "renew the certificate, and let the server load it"


class Standing(StrEnum):
    """How a part is."""

    WELL = "ok"
    DOUBTFUL = "doubt"  # it works now, and will not for ever
    WRONG = "wrong"
    UNKNOWN = "unknown"  # it was not looked at, or nobody says


@dataclass(frozen=True, slots=True)
class Finding:
    """`part` is what was looked at, `said` what was found, `mend` what to do about it."""

    part: str
    standing: Standing
    said: str
    mend: str = ""


def of_disk(folder: str, free_bytes: int) -> Finding:
    """Whether there is room where things are kept."""
    said = f"{free_bytes / 1e9:.1f} GB free in {folder}"
    mend = "remove old backups and logs, or take a larger disk"
    if free_bytes < FREE_NEEDED_BYTES:
        return Finding("disk", Standing.WRONG, said, mend)
    if free_bytes < FREE_WANTED_BYTES:
        return Finding("disk", Standing.DOUBTFUL, f"{said}, {FREE_WANTED_BYTES / 1e9:.0f} GB wanted", mend)
    return Finding("disk", Standing.WELL, said)


def of_clock(now: datetime, synchronized: bool | None) -> Finding:
    """Whether the clock can be believed. `synchronized`: what the system says of it, None if it says nothing."""
    said = f"{now:%Y-%m-%d %H:%M:%S %z}"
    mend = "install systemd-timesyncd or chrony; a Pi without a network at its start needs a clock module as well"
    if now.year < EARLIEST_YEAR:
        return Finding("clock", Standing.WRONG, f"{said}: it was never set", mend)
    if synchronized is None:
        return Finding("clock", Standing.UNKNOWN, f"{said}; this system does not say whether somebody keeps it right")
    if not synchronized:
        return Finding("clock", Standing.DOUBTFUL, f"{said}; no time server keeps it right", mend)
    return Finding("clock", Standing.WELL, f"{said}, kept right by a time server")


def of_certificate(
    part: str, ends: datetime, now: datetime, which: str = "its certificate", mend: str = RENEW_SERVER
) -> Finding:
    """How long a certificate is good."""
    if ends <= now:
        return Finding(part, Standing.WRONG, f"{which} ended on {ends:%Y-%m-%d}", mend)
    days = (ends - now).days
    said = f"{which} is good until {ends:%Y-%m-%d}, {days} day{'' if days == 1 else 's'}"
    if ends - now < RENEW_WITHIN:
        return Finding(part, Standing.DOUBTFUL, said, mend)
    return Finding(part, Standing.WELL, said)


def of_mode(path: str, mode: int) -> Finding:
    """Whether others on this machine can read what holds secrets. `mode` as of stat(2)."""
    if mode & 0o077:
        return Finding(
            "permissions", Standing.WRONG, f"{path} can be read by others ({mode & 0o777:03o})", f"chmod 600 {path}"
        )
    return Finding("permissions", Standing.WELL, f"{path} is for its owner alone")
