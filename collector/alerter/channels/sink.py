"""The test sink: a channel that every collector has and no site names. Pulses end here, and nobody is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from collector.alerter.channels.channel import Letter
from collector.commands import PulseHandedOver, PulseStored
from collector.storage.records import Record
from config.pulse import BEAT
from config.words import PULSE

SINK = f"{PULSE}:sink"  # as no channel of a site can be called


class SinkChannel:
    """`tell` takes what the engine must hear of a pulse: that it is stored, and that it has come all the way."""

    def __init__(self, tell: Callable[[PulseStored | PulseHandedOver], None]) -> None:
        self._tell = tell

    async def send(self, letter: Letter) -> None:
        """Takes every letter."""
        self._tell(PulseHandedOver(str(letter.facts["gateway"]), int(letter.facts["beat"])))

    def stored(self, records: Iterable[Record]) -> None:
        """These records are committed."""
        for report in (record.report for record in records):
            if report.device == PULSE and not report.historical:
                beats = [reading.value for reading in report.readings if reading.name == BEAT]
                if beats and isinstance(beats[0], int):
                    self._tell(PulseStored(report.edge.node, beats[0]))
