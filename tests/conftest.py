"""Every test that is left out is named, with the reason: nobody may take a machine without servers for a full run.

The seeds of the simulations are printed too, so that a bad day can be lived again.
"""

from __future__ import annotations

import re

import pytest

SEED = re.compile(r"(tests/simulation/\S+::\w+)\[(\d+)\]$")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a test; pytest's own summary folds those of one reason into a number."""
    _tell_seeds(terminalreporter)
    _tell_commands_not_run(terminalreporter)
    left_out: dict[str, list[str]] = {}
    for report in terminalreporter.getreports("skipped"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        left_out.setdefault(reason.removeprefix("Skipped: "), []).append(report.nodeid)
    if left_out:
        terminalreporter.section(f"left out: {sum(map(len, left_out.values()))} tests")
    for reason, tests in sorted(left_out.items()):
        terminalreporter.write_line(f"because {reason}:")
        for test in tests:
            terminalreporter.write_line(f"  {test}")


def _tell_commands_not_run(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed")
    told = sorted({str(why) for report in reports for name, why in report.user_properties if name == "not run"})
    if told:
        terminalreporter.section(f"shown in the documents and not run: {len(told)} blocks")
    for each in told:
        terminalreporter.write_line(each)


def _tell_seeds(terminalreporter: pytest.TerminalReporter) -> None:
    seeds: dict[str, list[int]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if (found := SEED.match(report.nodeid)) and report.when == "call":
                seeds.setdefault(found[1], []).append(int(found[2]))
    if seeds:
        terminalreporter.section("simulated seeds")
    for test, numbers in sorted(seeds.items()):
        terminalreporter.write_line(f"{test}: {min(numbers)} to {max(numbers)}, {len(numbers)} of them")
