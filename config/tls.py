"""TLS with a broker that asks for certificates: until when ours is good, and why we were turned away."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from config.endpoint import Broker, EndpointError

ALERT_WITHIN_S = 3.0  # TLS 1.3: a server looks at our certificate after our side of the handshake is over
_MEANT = {  # of a TLS alert (RFC 8446 section 6.2), as OpenSSL words it
    "certificate expired": "the broker says that our certificate has ended: make another, callpoint enroll --renew",
    "certificate revoked": "the broker says that our certificate was revoked: make another with callpoint enroll",
    "unknown ca": "the broker does not know who has signed our certificate: is it of this community's authority?",
    "certificate required": "the broker wants a certificate: set CALLPOINT_MQTT_CERT_FILE and CALLPOINT_MQTT_KEY_FILE",
    "bad certificate": "the broker does not take our certificate: its own log says why",
}


def refusal(broker: Broker) -> str | None:
    """Why the broker's TLS turns us away, in words; None if it does not. Blocks for ALERT_WITHIN_S or little more.

    An MQTT library tells no more than that the line was cut: so the line is made once more, and listened to.
    """
    try:
        with (
            socket.create_connection((broker.host, broker.port), ALERT_WITHIN_S) as line,
            broker.context().wrap_socket(line, server_hostname=broker.host) as sealed,
        ):
            sealed.recv(1)
    except ssl.SSLError as error:
        return in_words(str(error))
    except (OSError, UnicodeError, EndpointError):
        return None
    return None


def in_words(said: str) -> str | None:
    """What an error of OpenSSL means that tells of a server's alert; None if it tells of none."""
    return next((words for alert, words in _MEANT.items() if alert in said.lower()), None)


def ends_of(cert_file: str) -> datetime:
    """Until when the first certificate of a PEM file is good. Raises EndpointError.

    Read by hand (RFC 5280 section 4.1: the validity is the fifth part of what is signed): Python's own library shows
    it of servers only, and a Pi has no other.
    """
    try:
        pem = Path(cert_file).read_text(encoding="ascii")
        first = pem[pem.index("-----BEGIN CERTIFICATE-----") :].partition("-----END CERTIFICATE-----")
        signed = _parts(_parts(_parts(ssl.PEM_cert_to_DER_cert(first[0] + first[1]))[0][1])[0][1])
        signed = signed[1:] if signed[0][0] == 0xA0 else signed  # a version, which is left out of the oldest kind
        kind, text = _parts(signed[3][1])[1]
        form = "%y%m%d%H%M%SZ" if kind == 0x17 else "%Y%m%d%H%M%SZ"
        return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)
    except (OSError, ValueError, IndexError) as error:
        raise EndpointError(f"CALLPOINT_MQTT_CERT_FILE: {cert_file}: expected a PEM certificate: {error}") from error


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each element that stands in `der` (ITU-T X.690)."""
    parts = []
    while der:
        length, start = der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        if len(der) < start + length:
            raise ValueError("it is cut off")
        parts.append((der[0], der[start : start + length]))
        der = der[start + length :]
    return parts
