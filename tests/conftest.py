"""Every test that is left out is named, with the reason: nobody may take a machine without servers for a full run."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a test; pytest's own summary folds those of one reason into a number."""
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
