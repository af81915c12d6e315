"""Numbers for Prometheus, in its text format (version 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from collector.access.actor import Right
from collector.alarms.route import Mode
from collector.alerter.front import Front, InFront
from collector.alerter.rights import needs
from collector.calls.pulse import HOPS, Pulsed
from config.profile import Condition, Kind

PREFIX = "callpoint_"
WAITING = "waiting"  # the one count that may also fall
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter()


class Sample(NamedTuple):
    """One number: a name without prefix (counters end in `_total`), a sentence, labels."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@router.get("/metrics", dependencies=[needs(Right.TECHNICAL)], include_in_schema=False)
async def metrics(front: InFront) -> Response:
    """What is open, how channels fare, and how often anything odd happened."""
    return Response(metrics_text(_samples(front)), media_type=MEDIA_TYPE)


def metrics_text(samples: Iterable[Sample]) -> str:
    """One block per name, with HELP and TYPE once, as the format wants it."""
    blocks: dict[str, list[str]] = {}
    for each in samples:
        name = PREFIX + each.name
        kind = "counter" if name.endswith("_total") else "gauge"
        block = blocks.setdefault(name, [f"# HELP {name} {_escaped(each.help)}", f"# TYPE {name} {kind}"])
        labels = ",".join(f'{label}="{_quoted(value)}"' for label, value in each.labels)
        block.append(f"{name}{{{labels}}} {each.value:.17g}" if labels else f"{name} {each.value:.17g}")
    return "".join(line + "\n" for block in blocks.values() for line in block)


def _samples(front: Front) -> Iterator[Sample]:
    engine = front.desk.engine
    kinds = Counter(each.kind for each in engine.incidents.values() if each.route.mode is not Mode.DRILL)
    for kind in Kind:
        yield Sample("incidents_open", "Open incidents, drills left out.", kinds[kind], (("kind", kind.value),))
    drilled = sum(each.route.mode is Mode.DRILL for each in engine.incidents.values())
    yield Sample("drills_open", "Buildings in which a drill is under way.", drilled)
    conditions = Counter(each.condition for each in engine.alarms.values() if each.route.mode is not Mode.DRILL)
    for flag in (each for each in Condition if each.is_flag):
        yield Sample("conditions", "Conditions that hold or are latched.", conditions[flag], (("class", flag.value),))
    online = sum(engine.devices[device].online is True for device in front.desk.site.devices)
    yield Sample("devices_online", "Devices of the site that are online.", online)
    yield Sample("devices_installed", "Devices of the site.", len(front.desk.site.devices))
    yield Sample("history_waiting", "Rows that wait for the history.", front.desk.store.spooled)
    yield from _pulses(front)
    for name, channel in front.channels().items():
        label = (("channel", name),)
        yield Sample("channel_handed_over_total", "Notices handed over to a channel.", channel.handed_over, label)
        yield Sample("channel_failed_total", "Sendings that failed.", channel.failed, label)
        yield Sample("channel_limited_total", "Notices that a provider's limit has stopped.", channel.limited, label)
        yield Sample("channel_under_way", "Sendings under way.", channel.under_way, label)
    for part, counts in sorted(front.counters().items()):
        for event, number in sorted(counts.items()):
            if event == WAITING:
                yield Sample("waiting", "What waits at a part now.", number, (("part", part),))
            else:
                labels = (("part", part), ("event", event))
                yield Sample("events_total", "What happened, by part and event.", number, labels)
    yield Sample("pages_listening", "Pages that listen for changes.", front.subscribers.total())
    yield Sample("pages_refused_total", "Pages refused because too many listened.", front.subscribers_refused)


def _pulses(front: Front) -> Iterator[Sample]:
    """Of each gateway that has sent a pulse: whether its way is well, how old the last is and how long it took."""
    alarms, now = front.desk.engine.alarms, front.clock()
    for gateway, kept in sorted(front.desk.engine.kept(Pulsed).items()):
        label = (("gateway", gateway),)
        well = not any(f"{gateway}:{hop}" in alarms for hop in HOPS)
        yield Sample("pulse_well", "1 while pulses come all the way in time.", well, label)
        if kept.handed_over_at_ms is not None:
            age_s = max(0, now - kept.handed_over_at_ms) / 1000
            yield Sample("pulse_age_seconds", "Since the newest pulse came all the way.", age_s, label)
        if kept.took_ms is not None:
            took_s = kept.took_ms / 1000
            yield Sample("pulse_seconds", "From register to test sink, the newest pulse.", took_s, label)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
