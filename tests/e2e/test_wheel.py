"""What `pip install` gives: the wheel alone, in an environment without the sources, with strangers around."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `callpoint` command of a clean environment with only the wheel and the pinned dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    source = folder / "source"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*build, str(source)], check=True)
    (wheel,) = folder.glob("callpoint-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    (packages,) = environment.glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python"), "install", "--quiet"]
    subprocess.run([*install, "--no-index", "--no-deps", str(wheel)], check=True)
    # Dependencies come from the environment the tests run in; a plain path line does not bring its own .pth files.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return environment / "bin" / "callpoint"


@pytest.fixture
def strangers(tmp_path: Path) -> dict[str, str]:
    """A folder, also on PYTHONPATH, whose modules have our folders' names and fail when imported."""
    for name in ("config", "gateway", "collector", "simulator"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('a foreign {name} was imported')\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": ""}


def _run(command: Path, *arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([command, *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=150)


def test_an_installed_callpoint_checks_its_demo_site(
    installed: Path, strangers: dict[str, str], tmp_path: Path
) -> None:
    (site,) = installed.parent.parent.glob("lib/python*/site-packages/config/sites/demo")

    done = _run(installed, "check", str(site), cwd=tmp_path, env=strangers)

    assert (done.returncode, done.stderr) == (0, "")
    assert "6 buildings, 2 gateways" in done.stdout


def test_an_installed_callpoint_plays_its_demo(installed: Path, strangers: dict[str, str], tmp_path: Path) -> None:
    report = tmp_path / "fire.json"

    done = _run(installed, "demo", "--story", "fire", "--exit", "--json", str(report), cwd=tmp_path, env=strangers)

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(report.read_text())["ok"] is True
