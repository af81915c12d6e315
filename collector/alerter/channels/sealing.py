"""What a push message is wrapped in: sealed for one browser (RFC 8291 over RFC 8188), vouched for by us (RFC 8292).

The push service carries it and can read nothing of it.
"""

from __future__ import annotations

import base64
import json
import os

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096  # RFC 8188 §2.1; a push service takes at least as much (RFC 8291 §4)
PLAIN_BYTES_MAX = RECORD_BYTES - 16 - 4 - 1 - 65 - 1 - 16  # without the header, the delimiter and the tag
VOUCHER_VALID_S = 12 * 3600  # at most 24 hours (RFC 8292 §2)
_CURVE = ec.SECP256R1()


def decode(text: str) -> bytes:
    """Base64url without padding, as browsers and RFCs write keys. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def encode(plain: bytes) -> str:
    """The inverse of `decode`."""
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def check_keys(p256dh: str, auth: str) -> None:
    """Raise ValueError unless these are a browser's keys: a point on P-256 and 16 bytes (RFC 8291 §2)."""
    if len(decode(auth)) != 16:
        raise ValueError("auth: expected 16 bytes in base64url")
    _point(decode(p256dh))


def seal(
    plain: bytes, p256dh: str, auth: str, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The body of a push message that only the owner of these keys can open. Raises ValueError for keys that are none.

    `own` and `salt` are made anew for each message, unless a test vector gives them.
    """
    if len(plain) > PLAIN_BYTES_MAX:
        raise ValueError(f"a push message holds at most {PLAIN_BYTES_MAX} bytes")
    own, salt = own or ec.generate_private_key(_CURVE), salt or os.urandom(16)
    theirs = _point(decode(p256dh))
    their_bytes, own_bytes = _bytes_of(theirs), _bytes_of(own.public_key())
    shared = own.exchange(ec.ECDH(), theirs)
    # RFC 8291 §3.4: the secret of both, bound to the browser's secret; then RFC 8188 §2.2 and §2.3.
    secret = _derive(shared, decode(auth), b"WebPush: info\0" + their_bytes + own_bytes, 32)
    key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(own_bytes)]) + own_bytes
    return header + AESGCM(key).encrypt(nonce, plain + b"\x02", None)  # 2: the last record


class Voucher:
    """Says to a push service who sends, so that nobody else can send to our subscriptions (VAPID, RFC 8292)."""

    def __init__(self, private: str, contact: str) -> None:
        """`private`: the key's number, 32 bytes in base64url.

        `contact`: whom the push service may ask, a mailto: or https: URL.
        """
        self._key = ec.derive_private_key(int.from_bytes(decode(private), "big"), _CURVE)
        self._contact = contact
        self.public = encode(_bytes_of(self._key.public_key()))  # what browsers subscribe with

    def header(self, origin: str, now_s: int) -> str:
        """The Authorization header for a push service at `origin`, scheme and host."""
        head = _part({"typ": "JWT", "alg": "ES256"})
        said = _part({"aud": origin, "exp": now_s + VOUCHER_VALID_S, "sub": self._contact})
        signed = self._key.sign(f"{head}.{said}".encode(), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(signed)
        signature = encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))  # RFC 7515 §A.3
        return f"vapid t={head}.{said}.{signature}, k={self.public}"


def _part(said: dict[str, str | int]) -> str:
    return encode(json.dumps(said, separators=(",", ":")).encode())


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def _point(encoded: bytes) -> ec.EllipticCurvePublicKey:
    try:
        if len(encoded) != 65:
            raise ValueError
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, encoded)
    except (ValueError, InvalidKey) as error:
        raise ValueError("p256dh: expected a point on P-256, 65 bytes in base64url") from error


def _bytes_of(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
