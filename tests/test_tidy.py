"""The house rules, enforced: who may import whom, what is pure, how long things may be."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "gateway", "collector", "simulator", "dashboards")
MAY_IMPORT = {
    "config": {"config"},
    "gateway": {"gateway", "config"},
    "collector": {"collector", "config"},
    "simulator": {"simulator", "config"},
    "dashboards": {"dashboards", "config"},
}
PURE = {
    "collector/access/actor.py",
    "collector/findings.py",
    "collector/enrolment/mosquitto.py",
    "collector/alerter/incidentreport.py",
    "collector/alerter/steptimes.py",
    "collector/alerter/curves.py",
    "collector/alerter/sightings.py",
    "collector/alerter/sketch.py",
    "collector/drawings/coordinates.py",
    "collector/drawings/curve.py",
    "collector/drawings/section.py",
    "collector/alerter/bookrights.py",
    "collector/alerter/bookshapes.py",
    "collector/alerter/bookwords.py",
    "collector/alerter/pages/bookforms.py",
    "collector/book/book.py",
    "collector/book/bounds.py",
    "collector/book/entries.py",
    "collector/book/columns.py",
    "collector/book/importing.py",
    "collector/book/erasure.py",
    "collector/book/keeper.py",
    "collector/book/rows.py",
    "collector/book/sheet.py",
    "collector/calls/turnover.py",
    "config/document.py",
    "config/peoplecheck.py",
    "config/rollcheck.py",
    "collector/access/audit.py",
    "collector/access/speaking.py",
    "collector/access/accounts.py",
    "collector/access/sessions.py",
    "collector/access/slowdown.py",
    "config/busfigures.py",
    "config/diagnosis.py",
    "config/sparkplug.py",
    "config/words.py",
    "config/wire.py",
    "config/commit.py",
    "config/profile.py",
    "config/profilepage.py",
    "config/calendar.py",
    "config/pulse.py",
    "config/people.py",
    "config/upkeep.py",
    "config/zone.py",
    "config/retention.py",
    "config/figures.py",
    "config/signin.py",
    "config/inbound.py",
    "config/site.py",
    "config/sitemap.py",
    "gateway/schedule.py",
    "gateway/blocks.py",
    "gateway/decode.py",
    "gateway/report.py",
    "gateway/session.py",
    "gateway/tally.py",
    "gateway/catalogue.py",
    "gateway/record.py",
    "gateway/window.py",
    "gateway/link.py",
    "gateway/probe/course.py",
    "gateway/probe/difference.py",
    "gateway/probe/doubts.py",
    "gateway/probe/draft.py",
    "gateway/probe/likeness.py",
    "gateway/probe/overheard.py",
    "gateway/probe/registers.py",
    "gateway/probe/sample.py",
    "gateway/probe/verdict.py",
    "collector/session/account.py",
    "collector/equipment/chamber.py",
    "collector/equipment/chambers.py",
    "collector/messages/conditionwords.py",
    "collector/equipment/cylinder.py",
    "collector/equipment/cylinders.py",
    "collector/equipment/duedates.py",
    "collector/equipment/pressure.py",
    "collector/equipment/smoke.py",
    "collector/equipment/trend.py",
    "collector/alarms/aside.py",
    "collector/alerter/pages/navigation.py",
    "collector/alarms/firsthit.py",
    "collector/calls/remarks.py",
    "collector/calls/responses.py",
    "collector/calls/sightings.py",
    "collector/alarms/verification.py",
    "collector/alarms/disablement.py",
    "collector/alarms/measures.py",
    "collector/alarms/walktest.py",
    "collector/calls/authority.py",
    "collector/calls/belated.py",
    "collector/calls/drill.py",
    "collector/storage/kept.py",
    "collector/calls/pulse.py",
    "collector/calls/responsetimes.py",
    "collector/part.py",
    "collector/calls/preflight.py",
    "collector/calls/reach.py",
    "collector/alerter/allowance.py",
    "collector/alerter/outbox.py",
    "collector/alarms/route.py",
    "collector/calls/roster.py",
    "collector/calls/absences.py",
    "collector/calls/quiet.py",
    "collector/calls/quorum.py",
    "collector/calls/pursuit.py",
    "collector/session/edge.py",
    "collector/session/tellings.py",
    "collector/messages/reasons.py",
    "collector/alarms/reports.py",
    "collector/commands.py",
    "collector/session/waiting.py",
    "collector/alarms/watch.py",
    "collector/alarms/heard.py",
    "collector/alarms/staleness.py",
    "collector/alarms/extent.py",
    "collector/messages/advice.py",
    "collector/messages/evidence.py",
    "collector/messages/nearby.py",
    "collector/messages/onsite.py",
    "collector/messages/roundup.py",
    "collector/calls/callout.py",
    "collector/calls/clockback.py",
    "collector/calls/notices.py",
    "collector/calls/rings.py",
    "collector/alarms/conditions.py",
    "collector/state.py",
    "collector/agenda.py",
    "collector/session/effects.py",
    "collector/session/journal.py",
    "collector/alarms/rules.py",
    "collector/alarms/alarm.py",
    "collector/alarms/buses.py",
    "collector/alarms/chart.py",
    "collector/alarms/incident.py",
    "collector/calls/digest.py",
    "collector/calls/dispatch.py",
    "collector/engine.py",
    "collector/recording.py",
    "collector/storage/records.py",
    "collector/storage/series.py",
    "collector/figures/community.py",
    "collector/figures/equipment.py",
    "collector/figures/gateways.py",
    "collector/figures/happenings.py",
    "collector/figures/places.py",
    "collector/figures/shapes.py",
    "collector/storage/policies.py",
    "collector/equipment/signals.py",
    "collector/equipment/elevator.py",
    "collector/equipment/hindsight.py",
    "collector/equipment/keepers.py",
    "collector/equipment/liftlog.py",
    "collector/equipment/lifts.py",
    "collector/equipment/lostcars.py",
    "collector/equipment/rescue.py",
    "collector/equipment/service.py",
    "collector/storage/tables.py",
    "collector/alerter/catalogue.py",
    "collector/alerter/elevatorshapes.py",
    "collector/alerter/examples.py",
    "collector/alerter/links.py",
    "collector/alerter/models.py",
    "collector/alerter/technicalexamples.py",
    "collector/alerter/technicalshapes.py",
    "collector/alerter/view.py",
    "collector/messages/message.py",
    "collector/messages/phrases.py",
    "collector/messages/sounds.py",
    "collector/messages/wording.py",
    "dashboards/building.py",
    "dashboards/callouts.py",
    "dashboards/cylinders.py",
    "dashboards/detectors.py",
    "dashboards/device.py",
    "dashboards/drills.py",
    "dashboards/elevators.py",
    "dashboards/frame.py",
    "dashboards/gateways.py",
    "dashboards/influxql.py",
    "dashboards/madeup.py",
    "dashboards/meanings.py",
    "dashboards/overview.py",
    "dashboards/palette.py",
    "dashboards/panels.py",
    "dashboards/tables.py",
    "simulator/actions.py",
    "simulator/faults.py",
    "simulator/models.py",
    "simulator/responder.py",
    "simulator/things.py",
    "simulator/world.py",
}
# Part of the program like a table in Python, and read once, when it is loaded: the words. Nothing of the world is.
READ_WITH_THE_PROGRAM = {"collector/locale/catalogues.py", "dashboards/words.py"}
IMPURE_MODULES = {
    *("time", "random", "secrets", "uuid", "logging", "os", "io", "pathlib", "shutil", "tempfile", "glob", "socket"),
    *("threading", "asyncio", "multiprocessing", "subprocess", "concurrent", "signal", "select", "sqlite3", "ssl"),
    *("httpx", "requests", "urllib", "http", "smtplib", "paho", "pymodbus", "serial", "influxdb_client", "fastapi"),
    *("aiohttp", "apprise", "uvicorn", "jinja2", "amqtt", "sys"),
}
IMPURE_CALLS = {"open", "print", "input"}
# What is made up is random on purpose, but from its own seed only.
SEEDED = {"simulator/world.py": {"random"}, "dashboards/madeup.py": {"random"}}
FUNCTION_LINES_MAX = 70
LINE_CHARACTERS_MAX = 120
MODULE_LINES_MAX = 400
WRITES = re.compile(r"\bwrite_(coil|coils|register|registers)\b|mask_write|readwrite_registers|write_file_record")


def _modules() -> Iterator[tuple[str, ast.Module, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield path.relative_to(ROOT).as_posix(), ast.parse(text), text


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            module = node.module or ""
            yield module
            if module in PACKAGES:
                yield from (f"{module}.{alias.name}" for alias in node.names)


def _file_of(module: str) -> str | None:
    path = module.replace(".", "/")
    for candidate in (f"{path}.py", f"{path}/__init__.py"):
        if (ROOT / candidate).is_file():
            return candidate
    return None


def test_packages_import_only_what_their_place_allows() -> None:
    wrong = [
        f"{name} imports {module}"
        for name, tree, _ in _modules()
        for module in _imports(tree)
        if (top := module.partition(".")[0]) in (*PACKAGES, "callpoint") and top not in MAY_IMPORT[name.split("/")[0]]
    ]

    assert not wrong


def test_pure_modules_touch_neither_clock_nor_world() -> None:
    wrong = []
    for name, tree, _ in _modules():
        if name not in PURE:
            continue
        for module in _imports(tree):
            top = module.partition(".")[0]
            if top in IMPURE_MODULES - SEEDED.get(name, set()):
                wrong.append(f"{name} imports {module}")
            file = _file_of(module) if top in PACKAGES else None
            if file and file not in PURE | READ_WITH_THE_PROGRAM and not file.endswith("__init__.py"):
                wrong.append(f"{name}, pure, imports {file}, which is not")
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
                wrong.append(f"{name}:{node.lineno} calls {node.func.id}")
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
                owner = ast.unparse(node.value)
                if owner in {"datetime", "date", "datetime.datetime", "datetime.date"}:
                    wrong.append(f"{name}:{node.lineno} reads the clock")

    assert not wrong


def test_every_pure_module_exists() -> None:
    assert not [name for name in PURE if not (ROOT / name).is_file()]


def test_functions_fit_a_screen_and_modules_stay_small() -> None:
    wrong = []
    for name, tree, text in _modules():
        lines = text.splitlines()
        if len(lines) > MODULE_LINES_MAX:
            wrong.append(f"{name} has {len(lines)} lines; what second thing does it do?")
        wrong += [f"{name}:{i} is too long" for i, line in enumerate(lines, 1) if len(line) > LINE_CHARACTERS_MAX]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    wrong.append(f"{name}:{node.lineno} {node.name} has {length} lines")

    assert not wrong


def test_every_module_opens_with_its_rule() -> None:
    assert not [name for name, tree, _ in _modules() if not ast.get_docstring(tree)]


def test_only_the_wiring_is_imported_by_nobody() -> None:
    wrong = [
        f"{name} imports {module}"
        for name, tree, _ in _modules()
        for module in _imports(tree)
        if module.endswith("__main__")
    ]

    assert not wrong


def test_nothing_in_the_gateway_can_write_to_a_device() -> None:
    assert not [name for name, _, text in _modules() if name.startswith("gateway/") and WRITES.search(text)]


def test_a_broad_except_raises_again_or_says_why() -> None:
    wrong = []
    for name, tree, text in _modules():
        lines = text.splitlines()
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if broad and not again and "noqa: BLE001 - " not in lines[node.lineno - 1]:
                wrong.append(f"{name}:{node.lineno}")

    assert not wrong


def test_the_project_names_no_registry_and_no_leftovers() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    words = re.compile("|".join(["FIX" + "ME", "TO" + "DO:", "XX" + "X ", "index" + "-url", "registry" + "="]))
    wrong = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".png", ".ico", ".woff2"} or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if words.search(line):
                wrong.append(f"{name}:{number}")

    assert not wrong
