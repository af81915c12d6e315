"""Numbers for Prometheus, in its text format (version 0.0.4)."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable

from fastapi import APIRouter
from starlette.responses import Response

from collector.alerter.front import Counter, Front, InFront

PREFIX = "callpoint_"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(front: InFront) -> Response:
    """Counters of every part, and gauges of what is open."""
    return Response(metrics_text([*_own(front), *front.counters()]), media_type=MEDIA_TYPE)


def metrics_text(counters: Iterable[Counter]) -> str:
    """One block per name, with HELP and TYPE once, as the format wants it."""
    blocks: dict[str, list[str]] = {}
    for each in counters:
        name = PREFIX + each.name
        block = blocks.setdefault(name, [f"# HELP {name} {_escaped(each.help)}", f"# TYPE {name} {each.type}"])
        labels = ",".join(f'{label}="{_quoted(value)}"' for label, value in each.labels)
        block.append(f"{name}{{{labels}}} {each.value:.17g}" if labels else f"{name} {each.value:.17g}")
    return "".join(line + "\n" for block in blocks.values() for line in block)


def _own(front: Front) -> Iterable[Counter]:
    engine = front.desk.engine
    open_by_kind = Tally(incident.kind.value for incident in engine.incidents.values())
    for kind, number in sorted(open_by_kind.items()):
        yield Counter("incidents_open", "gauge", "Open incidents.", number, (("kind", kind),))
    by_class = Tally(alarm.condition.value for alarm in engine.alarms.values())
    for condition, number in sorted(by_class.items()):
        yield Counter("conditions", "gauge", "Conditions that hold or are latched.", number, (("class", condition),))
    online = Tally(state.online for state in engine.devices.values())
    yield Counter("devices_online", "gauge", "Devices that are online.", online[True])
    yield Counter("devices_installed", "gauge", "Devices of the site.", len(front.desk.site.devices))
    yield Counter("pages_listening", "gauge", "Pages that listen for changes.", front.subscribers)
    yield Counter(
        "pages_refused_total", "counter", "Pages refused: too many were listening.", front.subscribers_refused
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
