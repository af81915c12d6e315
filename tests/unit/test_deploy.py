"""What ships to install with: units, scripts, the compose file; looked at by others' tools where these are here."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import socket
import subprocess
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import callpoint
from collector.enrolment import command
from collector.enrolment.command import Asked
from config.supervisor import attend, tell

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "config" / "deploy"
DEMO = ROOT / "config" / "sites" / "demo"
UNITS = ["callpoint-gateway@.service", "callpoint-collector.service"]
PROGRAM = "/opt/callpoint/.venv/bin/callpoint"
EXPOSED_MAX = 2.5  # of `systemd-analyze security`, 0 to 10: "OK", and little more than a network service must have
HOME = "CALLPOINT_HOME"


def _tool(name: str, package: str) -> str:
    return shutil.which(name) or pytest.skip(f"{name} is not installed (apt-get install {package})")


def _unit(name: str) -> dict[str, list[str]]:
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    told: dict[str, list[str]] = {}
    for key, _, value in (line.partition("=") for line in lines if re.match(r"\w+=", line)):
        told.setdefault(key, []).append(value)
    return told


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    analyze = _tool("systemd-analyze", "systemd")
    unit = tmp_path / name
    unit.write_text((DEPLOY / name).read_text(encoding="utf-8").replace(PROGRAM, shutil.which("true") or "/bin/true"))

    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    command = [analyze, "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    (exposed,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert float(exposed) <= EXPOSED_MAX


@pytest.mark.parametrize("name", UNITS)
def test_what_a_unit_starts_is_what_the_program_takes(name: str) -> None:
    told = _unit(name)
    (line,) = told["ExecStart"]
    words = shlex.split(re.sub(r"\$\{CALLPOINT_\w+}", "mqtts://server", line).replace("%i", "gw-east"))

    options = callpoint.parser().parse_args(words[1:])
    assert words[0] == PROGRAM and options.site == Path("/etc/callpoint/site")
    assert (
        str(options.state).removeprefix("sqlite:").startswith(f"/var/lib/{told['StateDirectory'][0]}".partition("%")[0])
    )
    assert told["Type"] == ["notify"] and told["Restart"] == ["always"]
    assert int(told["TimeoutStopSec"][0]) > 4.5  # what a stop may take by itself


def test_a_gateway_s_unit_leaves_it_what_it_needs_of_a_pi() -> None:
    told = _unit(UNITS[0])

    # adjtimex(2) is told through any of these, by the C library's mood: without it no Pi's clock is ever believed.
    assert {"adjtimex", "clock_adjtime", "clock_adjtime64"} <= set(told["SystemCallFilter"][-1].split())
    # These shut out serial converters that are plugged in later, or hide the boot's id.
    assert not {"ProtectClock", "PrivateDevices", "DevicePolicy", "DeviceAllow", "ProcSubset"} & set(told)
    assert "m callpoint dialout" in (DEPLOY / "callpoint.sysusers").read_text()
    assert not [each for key in ("Wants", "Requires", "After") for each in told.get(key, []) if "online" in each]


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_read_without_a_mistake_by_the_plainest_shell(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    assert subprocess.run([shell, "-n", str(script)], capture_output=True, text=True).stderr == ""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder like a machine's root, with Callpoint and Mosquitto in it."""
    if os.getuid() != 0:
        pytest.skip("only root can give files to the services' users")
    _tool("systemd-sysusers", "systemd")
    image = tmp_path / "image"
    for folder in ("etc/mosquitto/conf.d", "opt/callpoint/.venv/bin"):
        (image / folder).mkdir(parents=True)
    (image / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\nmosquitto:x:117:120::/:/bin/false\n")
    (image / "etc" / "group").write_text("root:x:0:\ndialout:x:20:\nmosquitto:x:120:\n")
    (image / PROGRAM[1:]).touch(0o755)
    return image


def _install(folder: Path, image: Path, **told: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "INTO": str(image), **told}
    return subprocess.run(
        ["sh", "install.sh"], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )


def test_what_is_handed_out_installs_itself_and_keys_are_for_the_services_alone(image: Path, tmp_path: Path) -> None:
    first = Asked(("gw-east",), DEMO, tmp_path / "ca", tmp_path / "out", ("server.lan",))
    assert command.run(first, datetime.now(UTC)) == 0
    for name in ("gw-east", "collector", "broker"):
        done = _install(tmp_path / "out" / name, image)
        assert done.returncode == 0, done.stderr

    etc = image / "etc"
    (line,) = [line for line in (etc / "passwd").read_text().splitlines() if line.startswith("callpoint:")]
    uid, gid = (int(word) for word in line.split(":")[2:4])
    assert "dialout:x:20:callpoint" in (etc / "group").read_text()
    for file, owner in (
        ("callpoint/gw-east/gateway.key", uid),
        ("callpoint/collector/collector.key", uid),
        ("mosquitto/callpoint/broker.key", 117),
        ("mosquitto/callpoint/callpoint.acl", 117),
    ):
        told = (etc / file).stat()
        assert (told.st_uid, told.st_mode & 0o777) == (owner, 0o400), file
    people = (etc / "callpoint/site/people.yaml").stat()
    assert (people.st_uid, people.st_gid, people.st_mode & 0o777) == (0, gid, 0o640)
    for unit in UNITS:
        assert (etc / "systemd/system" / unit).read_bytes() == (DEPLOY / unit).read_bytes()
    environment = dict(
        line.split("=", 1)
        for line in (etc / "callpoint/gw-east/gateway.env").read_text().splitlines()
        if line[0] != "#"
    )
    assert all((image / path[1:]).is_file() for name, path in environment.items() if name.endswith("_FILE"))

    # Again: what somebody has added stays, what was renewed is new, and the broker keeps a key that is not renewed.
    secrets = etc / "callpoint/collector/collector.env"
    with secrets.open("a") as file:
        file.write("SMTP_PASSWORD=secret\n")
    broker_key = (etc / "mosquitto/callpoint/broker.key").read_bytes()
    old = (etc / "callpoint/collector/collector.key").read_bytes()
    shutil.rmtree(tmp_path / "out")
    again = replace(first, names=("collector",), hosts=(), renew=True)
    assert command.run(again, datetime.now(UTC)) == 0
    for name in ("collector", "collector", "broker"):
        assert _install(tmp_path / "out" / name, image).returncode == 0
    assert secrets.read_text().count("SMTP_PASSWORD=secret\n") == secrets.read_text().count("MQTT_URL=") == 1
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert (etc / "callpoint/collector/collector.key").read_bytes() != old
    assert (etc / "mosquitto/callpoint/broker.key").read_bytes() == broker_key


def test_another_authority_is_put_over_the_broker_s_only_on_demand(image: Path, tmp_path: Path) -> None:
    for place in ("old", "new"):
        asked = Asked(("gw-east",), DEMO, tmp_path / place / "ca", tmp_path / place, ("server.lan",))
        assert command.run(asked, datetime.now(UTC)) == 0
    assert _install(tmp_path / "old/broker", image).returncode == 0
    believed = image / "etc/mosquitto/callpoint/ca.crt"

    refused = _install(tmp_path / "new/broker", image)

    assert refused.returncode == 1 and "would be shut out" in refused.stderr
    assert believed.read_bytes() == (tmp_path / "old/broker/ca.crt").read_bytes()
    assert _install(tmp_path / "new/broker", image, NEW_AUTHORITY="yes").returncode == 0
    assert believed.read_bytes() == (tmp_path / "new/broker/ca.crt").read_bytes()


def test_who_is_no_longer_let_in_is_named(image: Path, tmp_path: Path) -> None:
    """Also where an older folder is put over a newer one by mistake."""
    first = Asked(("gw-east",), DEMO, tmp_path / "ca", tmp_path / "out", ("server.lan",))
    command.run(first, datetime.now(UTC))
    shutil.copytree(tmp_path / "out/broker", tmp_path / "older")
    command.run(replace(first, names=("gw-west",)), datetime.now(UTC))
    assert "no longer" not in _install(tmp_path / "out/broker", image).stderr

    assert _install(tmp_path / "older", image).stderr == "callpoint: no longer let in: gw-west\n"


def test_a_site_that_was_changed_where_it_is_used_is_kept_beside_the_new_one(image: Path, tmp_path: Path) -> None:
    first = Asked(("gw-east",), DEMO, tmp_path / "ca", tmp_path / "out", ("server.lan",))
    command.run(first, datetime.now(UTC))
    assert "kept" not in _install(tmp_path / "out/collector", image).stderr
    assert "kept" not in _install(tmp_path / "out/collector", image).stderr
    people = image / "etc/callpoint/site/people.yaml"
    changed = people.read_text() + "# a new number\n"
    people.write_text(changed)

    assert "kept in /etc/callpoint/site.before" in _install(tmp_path / "out/collector", image).stderr
    assert (image / "etc/callpoint/site.before/people.yaml").read_text() == changed
    assert people.read_text() != changed


def test_an_install_without_the_program_or_the_broker_says_what_is_missing(image: Path, tmp_path: Path) -> None:
    command.run(Asked(("gw-east",), DEMO, tmp_path / "ca", tmp_path / "out", ("h",)), datetime.now(UTC))
    (image / PROGRAM[1:]).unlink()
    (image / "etc/mosquitto/conf.d").rmdir()

    for name, words in (("gw-east", "install Callpoint into /opt/callpoint"), ("broker", "apt-get install mosquitto")):
        done = _install(tmp_path / "out" / name, image)
        assert done.returncode == 1 and words in done.stderr
    assert not (image / "etc/callpoint").exists()


async def _heard(line: socket.socket, turns: int) -> list[str]:
    loop = asyncio.get_running_loop()
    return [(await asyncio.wait_for(loop.sock_recv(line, 100), 10)).decode() for _ in range(turns)]


@pytest.mark.parametrize("name", ["a-path", "@abstract"])
def test_a_service_says_that_it_is_ready_and_that_it_goes_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{name}-{tmp_path}" if name[0] == "@" else str(tmp_path / name)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "30000")

    async def play(line: socket.socket) -> list[str]:
        attending = asyncio.create_task(attend())
        heard = await _heard(line, 3)
        attending.cancel()
        tell("STOPPING=1")
        while heard[-1] == "WATCHDOG=1":
            heard += await _heard(line, 1)
        return heard

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind("\0" + address[1:] if address[0] == "@" else address)
        line.setblocking(False)
        heard = asyncio.run(play(line))
    assert heard[:3] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"] and heard[-1] == "STOPPING=1"


def test_a_supervisor_that_is_gone_stops_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    asyncio.run(asyncio.wait_for(attend(), 10))
    monkeypatch.delenv("NOTIFY_SOCKET")
    asyncio.run(asyncio.wait_for(attend(), 10))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "deaf"))
        for _ in range(1000):  # more than lie in any queue
            tell("WATCHDOG=1")


# --- compose ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return told


def test_docker_compose_takes_the_compose_file(tmp_path: Path) -> None:
    """Debian's docker-compose reads it as it would to start it; it needs no engine for that."""
    compose = _tool("docker-compose", "docker-compose")
    for folder in ("site", "enrolled/broker", "enrolled/collector", "secrets"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "enrolled/collector/collector.env").touch()
    (tmp_path / "secrets/grafana-admin-password").touch()
    read = [compose, "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet"]

    done = subprocess.run(read, capture_output=True, text=True, check=False, env=os.environ | {HOME: str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    surroundings = {name: value for name, value in os.environ.items() if name != HOME}
    done = subprocess.run(read, capture_output=True, text=True, check=False, env=surroundings)
    assert done.returncode != 0 and "a folder with site, enrolled and secrets" in done.stderr


def test_every_service_is_pinned_bounded_watched_and_comes_back(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        repository, _, tag = service["image"].partition(":")
        assert re.fullmatch(r"\d+\.\d+\.\d+", tag), f"{name}: {service['image']}"
        assert repository.count("/") <= 1 and "." not in repository, f"{name} names a registry's host"
        assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"]
        assert service["logging"]["options"]["max-size"] and service["logging"]["options"]["max-file"]
        assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
        assert not service.get("privileged") and "docker.sock" not in str(service)


def test_only_the_broker_is_reached_from_outside(composed: dict[str, Any]) -> None:
    ports = {port for service in composed["services"].values() for port in service.get("ports", [])}

    assert {port for port in ports if not port.startswith("127.0.0.1:")} == {"8883:8883"}
    assert not composed["services"]["influxdb"].get("ports")


def test_what_is_kept_is_in_volumes_and_what_is_mounted_is_there(composed: dict[str, Any]) -> None:
    used = set()
    for service in composed["services"].values():
        for volume in service.get("volumes", []):
            source, target, *mode = re.split(r":(?=/|ro$)", volume)
            if source.startswith("${"):
                assert source.rpartition("}/")[2].split("/")[0] in ("site", "enrolled", "secrets") and mode == ["ro"]
            elif source.startswith("."):
                assert (DEPLOY / source).resolve().is_relative_to(ROOT) and mode == ["ro"]
                assert (DEPLOY / source).is_dir(), f"{source} for {target}"
            else:
                used.add(source)
    assert used == set(composed["volumes"])


def test_grafana_finds_in_its_container_what_ships_for_it(composed: dict[str, Any]) -> None:
    service = composed["services"]["grafana"]
    (mounted,) = [volume for volume in service["volumes"] if volume.startswith(".")]
    source, target, _ = mounted.split(":")
    shipped = (ROOT / "dashboards" / "built" / "grafana.env.example").read_text(encoding="utf-8")
    told = dict(line.split("=", 1) for line in shipped.splitlines() if line and line[0] != "#")

    for name, path in service["environment"].items():
        if str(path).startswith(target):
            assert (DEPLOY / source / path.removeprefix(target).lstrip("/")).exists(), f"{name}={path}"
    # InfluxDB asks nobody among the containers, so that the reader and its password are left empty.
    assert set(told) - set(service["environment"]) == {
        "CALLPOINT_HISTORY_READER",
        "CALLPOINT_HISTORY_READER_PASSWORD",
    }


def test_no_secret_stands_in_the_compose_file(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        for variable, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable)
            assert not secret or variable.endswith("_FILE"), f"{name}: {variable}={value}"
    assert all(set(told) == {"file"} for told in composed["secrets"].values())


def test_the_collector_of_the_compose_file_starts_with_words_that_the_program_takes(composed: dict[str, Any]) -> None:
    service = composed["services"]["collector"]
    options = callpoint.parser().parse_args(service["command"])
    (network,) = composed["networks"]["default"]["ipam"]["config"]

    assert options.mqtt == "mqtts://mosquitto:8883" and options.site == Path("/etc/callpoint/site")
    # Whom the collector believes what a browser's address is: this machine's end of the network alone.
    assert service["environment"]["FORWARDED_ALLOW_IPS"] == network["gateway"]
    assert (ROOT / "config" / "deploy" / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_the_image_is_built_from_every_package_and_from_nothing_else_of_this_folder() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.partition(".")[0] for name in project["tool"]["setuptools"]["packages"]}
    needed = packages | {"pyproject.toml", "constraints.txt", "README.md", "callpoint.py"}

    assert kept[1] == "*" and needed <= {line[1:] for line in kept if line.startswith("!")}
    text = (DEPLOY / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(bases) == {"python:3.11.14-slim-bookworm"}
    assert re.search(r"^USER 10001", text, re.MULTILINE) and "--constraint constraints.txt" in text
