"""What `pip install` gives: the wheel alone, in an environment without the sources, with strangers around."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from collector.storage.store import open_store

ROOT = Path(__file__).resolve().parents[2]


# What only the collector, the demo or the tests need: a Pi must not have to carry it.
NOT_FOR_A_PI = {
    "babel",
    "fastapi",
    "uvicorn",
    "jinja2",
    "apprise",
    "httpx",
    "influxdb-client",
    "amqtt",
    "itsdangerous",
    "pytest",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sources as they lie here."""
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
    return wheel


def _environment(folder: Path, wheel: Path) -> Path:
    """A clean environment with nothing but the wheel in it; returns its site-packages."""
    venv.create(folder, with_pip=False)
    install = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet"]
    subprocess.run([*install, "--no-index", "--no-deps", str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    return packages


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The `callpoint` command of a clean environment with the wheel and everything that is pinned."""
    packages = _environment(wheel.parent / "environment", wheel)
    # Dependencies come from the environment the tests run in; a plain path line does not bring its own .pth files.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return wheel.parent / "environment/bin/callpoint"


@pytest.fixture(scope="module")
def on_a_pi(wheel: Path) -> Path:
    """The `callpoint` command of an environment as `pip install .` makes it: without the extras."""
    packages = _environment(wheel.parent / "pi", wheel)
    for name in _needed_by_a_gateway():
        for top in {file.parts[0] for file in metadata.distribution(name).files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(sysconfig.get_paths()["purelib"]) / top)
    return wheel.parent / "pi/bin/callpoint"


def _needed_by_a_gateway() -> set[str]:
    """The names of all distributions that callpoint without extras draws in."""
    found: set[str] = set()
    waiting = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            found.add(name)
            waiting += metadata.requires(name) or []
    return found


@pytest.fixture
def strangers(tmp_path: Path) -> dict[str, str]:
    """A folder, also on PYTHONPATH, whose modules have our folders' names and fail when imported."""
    for name in ("config", "gateway", "collector", "simulator"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('a foreign {name} was imported')\n")
    own = {"XDG_STATE_HOME": str(tmp_path / "state")}  # not what a collector of this machine has left
    return {**os.environ, **own, "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": ""}


def _run(command: Path, *arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([command, *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=150)


def test_an_installed_callpoint_checks_its_demo_site(
    installed: Path, strangers: dict[str, str], tmp_path: Path
) -> None:
    (site,) = installed.parent.parent.glob("lib/python*/site-packages/config/sites/demo")

    done = _run(installed, "check", str(site), cwd=tmp_path, env=strangers)

    assert (done.returncode, done.stderr) == (0, "")
    assert "6 buildings, 2 gateways" in done.stdout


def test_an_installed_callpoint_hands_out_all_that_the_guides_put_in_place(
    installed: Path, strangers: dict[str, str], tmp_path: Path
) -> None:
    (site,) = installed.parent.parent.glob("lib/python*/site-packages/config/sites/demo")
    words = ("enroll", "gw-east", "--site", str(site), "--broker", "server.lan", "--ca", "ca", "--to", "enrolled")

    done = _run(installed, *words, cwd=tmp_path, env=strangers)

    assert done.returncode == 0, done.stderr
    for name in (
        "gw-east/callpoint-gateway@.service",
        "collector/callpoint-collector.service",
        "broker/callpoint.conf",
    ):
        assert (tmp_path / "enrolled" / name).is_file(), name
    for name in ("gw-east", "collector", "broker"):
        assert os.access(tmp_path / "enrolled" / name / "install.sh", os.X_OK), name
    shipped = {path.name for path in (site.parents[1] / "deploy").iterdir()}
    assert {"compose.yaml", "Dockerfile", "Dockerfile.dockerignore", "mosquitto.acl", "callpoint.sysusers"} <= shipped


def test_an_installed_callpoint_plays_its_demo(installed: Path, strangers: dict[str, str], tmp_path: Path) -> None:
    report = tmp_path / "fire.json"

    done = _run(installed, "demo", "--story", "fire", "--exit", "--json", str(report), cwd=tmp_path, env=strangers)

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(report.read_text())["ok"] is True


def test_a_pi_gets_nothing_that_only_the_collector_needs() -> None:
    needed = _needed_by_a_gateway()

    assert {"paho-mqtt", "pymodbus", "protobuf", "pydantic"} <= needed
    assert not needed & NOT_FOR_A_PI
    assert len(needed) <= 14, f"a Pi's install grows: {sorted(needed)}"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("check", "SITE"), 0, "6 buildings, 2 gateways"),
        (("gateway", "SITE", "--id", "nobody", "--mqtt", "mqtt://127.0.0.1:1"), 2, "it has gw-east, gw-west"),
        (("tap", "--mqtt", "mqtt://127.0.0.1:1"), 1, "no broker"),
        (("probe", "scan", "/nowhere/ttyUSB0"), 1, "there is no such port"),
        (("collector", "SITE", "--mqtt", "mqtt://127.0.0.1:1"), 1, "'.[collector]'"),
        (("doctor", "SITE", "--json"), 1, "'.[collector]'"),
        (("ledger", "--state", "STATE", "--history", "influxdb://127.0.0.1:1/x"), 1, "'.[collector]'"),
        (("demo",), 1, "'.[demo]'"),
        (("broker",), 1, "'.[demo]'"),
        (("bench", "alarm"), 1, "'.[demo]'"),
    ],
)
def test_a_pi_s_install_does_a_gateway_s_work_and_names_what_the_rest_needs(
    on_a_pi: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (site,) = on_a_pi.parent.parent.glob("lib/python*/site-packages/config/sites/demo")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["XDG_STATE_HOME"] = str(tmp_path / "state")  # not what a collector of this machine has left

    asyncio.run(_make_store(tmp_path / "state.db"))

    known = {"SITE": str(site), "STATE": f"sqlite:{tmp_path / 'state.db'}"}
    given = [known.get(argument, argument) for argument in arguments]
    done = _run(on_a_pi, *given, cwd=tmp_path, env=environment)

    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("\n") == 1


async def _make_store(path: Path) -> None:
    store = await open_store(f"sqlite:{path}")
    await store.close()
