"""A browser and its push service on loopback: opens what it was sent with its own keys, and looks at who vouches.

Written from the RFCs, beside the code that it tests: nothing of it is the collector's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.sinks import Request, WebSink

VAPID_PRIVATE = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"  # bytes 1 to 32
CONTACT = "mailto:duty@example.org"
CURVE = ec.SECP256R1()


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def mac(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


@dataclass
class Phone:
    """One subscription. `sink` is its push service."""

    sink: WebSink
    name: str = "phone"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = bytes(range(16))

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.sink.port}/push/{self.name}"

    def given(self) -> dict[str, Any]:
        """What a browser gives a page."""
        keys = {"p256dh": b64(self.public), "auth": b64(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def requests(self) -> list[Request]:
        return [each for each in self.sink.requests if each.path == f"/push/{self.name}"]

    def opened(self) -> list[dict[str, Any]]:
        """Every message that came, in plain."""
        return [json.loads(open_sealed(each.body, self.key, self.auth)) for each in self.requests()]


def open_sealed(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """RFC 8188 §2.1 for the header and the record, RFC 8291 §3.4 for the keys."""
    salt, record_size, id_length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, sealed = body[21 : 21 + id_length], body[21 + id_length :]
    assert len(sender) == 65 and len(sealed) <= record_size
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
    own = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    material = mac(mac(auth, shared), b"WebPush: info\0", own, sender, b"\1")
    secret = mac(salt, material)
    content_key = mac(secret, b"Content-Encoding: aes128gcm\0", b"\1")[:16]
    nonce = mac(secret, b"Content-Encoding: nonce\0", b"\1")[:12]
    plain = AESGCM(content_key).decrypt(nonce, sealed, None).rstrip(b"\0")
    assert plain[-1:] == b"\2", "not the last record"
    return plain[:-1]


def vouched(request: Request) -> dict[str, Any]:
    """What the JWT of a request claims (RFC 8292 §2), its signature checked with the key beside it (§3)."""
    scheme, _, rest = request.headers["authorization"].partition(" ")
    said = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid" and set(said) == {"t", "k"}
    head, claims, signature = said["t"].split(".")
    assert json.loads(unpadded(head))["alg"] == "ES256"
    raw = unpadded(signature)
    assert len(raw) == 64
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, unpadded(said["k"]))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    return {**json.loads(unpadded(claims)), "k": said["k"]}
