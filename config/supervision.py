"""What the collector's own names and the supervised way of an alarm ask of a site."""

from __future__ import annotations

from config.document import Document
from config.pulse import BUS, READ_EVERY_S
from config.site import SiteFile
from config.words import DRILL, PULSE, SYSTEM

RESERVED = (SYSTEM, DRILL, PULSE)  # conditions stand under these names whose source is no device


def check_supervision(file: SiteFile, document: Document) -> None:
    """Note names that would be taken for the collector's own, and a pulse that could never come in time."""
    for i, gateway in enumerate(file.gateways):
        for j, bus in enumerate(gateway.buses):
            if bus.id.casefold() == BUS:
                expected = f"another id; {BUS!r} is the gateway's own link"
                document.mistake(("gateways", i, "buses", j, "id"), repr(bus.id), expected)
            for k, device in enumerate(bus.devices):
                if device.id.casefold() in RESERVED:
                    expected = f"another id; {', '.join(RESERVED)} are the collector's own names"
                    document.mistake(("gateways", i, "buses", j, "devices", k, "id"), repr(device.id), expected)
    pulse = file.plan.pulse
    if pulse is not None and pulse.within_s <= READ_EVERY_S:
        found = f"{pulse.within_s:g} s"
        document.mistake(("plan", "pulse", "within_s"), found, f"more than {READ_EVERY_S:g} s; so often it is read")
    if pulse is not None and pulse.within_s >= pulse.every_s:
        found = f"{pulse.within_s:g} s"
        document.mistake(("plan", "pulse", "within_s"), found, f"less than every_s, {pulse.every_s:g} s")
