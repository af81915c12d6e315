"""The folders that are handed out: what a Pi, the collector's machine and the broker's machine need, and how to put
it there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from collector.enrolment.authority import BROKER, COLLECTOR, Authority, Pair, write
from collector.enrolment.mosquitto import TLS_PORT, configuration, rules

DEPLOY = Path(__file__).resolve().parents[2] / "config" / "deploy"
MOSQUITTO_FOLDER = "/etc/mosquitto/callpoint"
ETC = "/etc/callpoint"
SITE = "site"  # the copy's folder, beside those of gateways and collector


@dataclass(frozen=True, slots=True)
class _Kind:
    """`stem` names certificate, key and environment; `files` are copied as they ship."""

    stem: str
    files: tuple[str, ...]


_GATEWAY = _Kind("gateway", ("callpoint-gateway@.service", "callpoint.sysusers", "install-service.sh"))
_COLLECTOR = _Kind("collector", ("callpoint-collector.service", "callpoint.sysusers", "install-service.sh"))


def hand_out(authority: Authority, name: str, pair: Pair, to: Path, site: Path | None) -> Path:
    """The folder of a gateway or of the collector, new or renewed: certificate, key (for its owner alone), environment,
    unit, the site, and `install.sh`, which puts all that in its place."""
    kind = _COLLECTOR if name == COLLECTOR else _GATEWAY
    folder = _folder(to / name)
    write(folder / f"{kind.stem}.key", pair.key, 0o600)
    write(folder / f"{kind.stem}.crt", pair.certificate, 0o644)
    write(folder / "ca.crt", authority.certificate_pem, 0o644)
    write(folder / f"{kind.stem}.env", _environment(authority, name, kind.stem).encode(), 0o600)
    for file in kind.files:
        _ship(file, folder)
    if site is not None:
        copy = folder / SITE
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(site, copy, ignore=shutil.ignore_patterns(".*", "*~", "*.key"))
    return folder


def tell_broker(authority: Authority, pair: Pair | None, to: Path, now: datetime) -> Path:
    """The broker's folder: with `pair` its own certificate anew; always its rules and what was taken back."""
    folder = _folder(to / BROKER)
    if pair is not None:
        write(folder / "broker.key", pair.key, 0o600)
        write(folder / "broker.crt", pair.certificate, 0o644)
    write(folder / "ca.crt", authority.certificate_pem, 0o644)
    write(folder / "crl.pem", authority.revocations(now), 0o644)
    write(folder / "callpoint.acl", rules(authority.community, authority.gateways(now), COLLECTOR).encode(), 0o644)
    write(folder / "callpoint.conf", configuration(MOSQUITTO_FOLDER).encode(), 0o644)
    _ship("install-broker.sh", folder)
    return folder


def _folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _ship(file: str, folder: Path) -> None:
    install = file.startswith("install-")
    write(folder / ("install.sh" if install else file), (DEPLOY / file).read_bytes(), 0o755 if install else 0o644)


def _environment(authority: Authority, name: str, stem: str) -> str:
    own = f"{ETC}/{name}"
    host = authority.hosts[0]
    shown = f"[{host}]" if ":" in host else host
    secrets = "" if name != COLLECTOR else "# The channels' secrets go here too, each as NAME=… or NAME_FILE=/path.\n"
    return (
        f"# Made by `callpoint enroll`; read by systemd.\n"
        f"CALLPOINT_MQTT_URL=mqtts://{shown}:{TLS_PORT}\n"
        f"CALLPOINT_MQTT_CA_FILE={own}/ca.crt\n"
        f"CALLPOINT_MQTT_CERT_FILE={own}/{stem}.crt\n"
        f"CALLPOINT_MQTT_KEY_FILE={own}/{stem}.key\n"
        f"{secrets}"
    )
