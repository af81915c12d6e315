"""Where servers are (URLs) and what opens them (secrets from the environment or a file, never from an argument)."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_TLS_FILES = ("CA", "CERT", "KEY")


class EndpointError(ValueError):
    """A URL or secret given by the operator cannot be used; str() says which and what was expected."""


@dataclass(frozen=True, slots=True)
class Broker:
    """An MQTT broker. `ca_file` (PEM) is who vouches for its certificate; None means the system's authorities.

    `cert_file` and `key_file` (PEM) are what we show it ourselves; both or neither.
    """

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def context(self) -> ssl.SSLContext:
        """TLS for connections to it. Raises EndpointError for a file that cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # an SSLError, for what is no certificate, is one too
            name = f"CALLPOINT_MQTT_CA_FILE: {self.ca_file}"
            raise EndpointError(f"{name}: expected a file with PEM certificates: {error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is None:
            return context
        try:
            # Without an answer to the question for a passphrase OpenSSL would ask the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, password=lambda: "")
        except OSError as error:
            name = f"CALLPOINT_MQTT_CERT_FILE and _KEY_FILE: {self.cert_file} and {self.key_file}"
            expected = "expected a PEM certificate and its own key, without a passphrase"
            raise EndpointError(f"{name}: {expected}: {error}") from error
        return context


def parse_mqtt(url: str) -> Broker:
    """`mqtt://host[:port]` or `mqtts://host[:port]`. Raises EndpointError; a password in the URL is refused.

    From the environment: CALLPOINT_MQTT_USERNAME, CALLPOINT_MQTT_PASSWORD[_FILE], and with TLS CALLPOINT_MQTT_CA_FILE,
    CALLPOINT_MQTT_CERT_FILE and CALLPOINT_MQTT_KEY_FILE, whose files are looked at.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EndpointError(f"MQTT URL {url!r}: {error}") from error
    if parts.scheme not in _MQTT_PORTS or not parts.hostname:
        raise EndpointError(f"MQTT URL {url!r}: expected mqtt://host:port or mqtts://host:port")
    if parts.username or parts.password:
        raise EndpointError("MQTT URL: put the password into CALLPOINT_MQTT_PASSWORD or CALLPOINT_MQTT_PASSWORD_FILE")
    tls = parts.scheme == "mqtts"
    ca_file, cert_file, key_file = (os.environ.get(f"CALLPOINT_MQTT_{which}_FILE") or None for which in _TLS_FILES)
    if tls and (cert_file is None) != (key_file is None):
        raise EndpointError("CALLPOINT_MQTT_CERT_FILE and CALLPOINT_MQTT_KEY_FILE: expected both or neither")
    broker = Broker(
        parts.hostname,
        port or _MQTT_PORTS[parts.scheme],
        tls,
        read_secret("CALLPOINT_MQTT_USERNAME"),
        read_secret("CALLPOINT_MQTT_PASSWORD"),
        *((ca_file, cert_file, key_file) if tls else ()),
    )
    if tls:
        broker.context()
    return broker


def parse_listen(text: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPv6]:PORT`, port 0 for any free one. Raises EndpointError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535 or not host or (":" in host and host[0] != "["):
        raise EndpointError(f"{text!r}: expected HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080")
    return host.strip("[]"), int(port)


def sqlite_path(url: str) -> Path | None:
    """The file of `sqlite:PATH` or `sqlite:///absolute/path`; None if `url` is of another kind."""
    if not url.startswith("sqlite:"):
        return None
    path = url.removeprefix("sqlite:")
    path = path.removeprefix("//") if path.startswith("///") else path
    if not path or path.endswith("/"):
        raise EndpointError(f"URL {url!r}: expected sqlite:PATH of a file")
    return Path(path)


def state_folder() -> Path:
    """Where things are kept that must outlive a restart, unless told otherwise (XDG Base Directory)."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "callpoint"


def default_state() -> str:
    """The collector's store where none is named."""
    return f"sqlite:{state_folder() / 'collector.db'}"


def history_beside(state_url: str) -> str:
    """The history where none is named: a SQLite file beside the store."""
    path = sqlite_path(state_url)
    return f"sqlite:{(path.parent if path else state_folder()) / 'history.db'}"


def read_secret(name: str) -> str | None:
    """The secret in the environment variable `name`, or in the file that `name`_FILE names; None if neither is set."""
    if value := os.environ.get(name):
        return value
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise EndpointError(f"{name}_FILE: {error}") from error
