"""Secrets of sessions, links, codes and tokens: made here, and kept as hashes only.

Each is 256 bits from the operating system, so one SHA-256 is enough for its hash: there is nothing to guess. A code
that people type is short; its hash is keyed with a secret that is with the asking browser alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from collector.access.sessions import CODE_DIGITS

LONGEST = 200  # characters; what is longer is none of ours


def new_id() -> str:
    """A short public id."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """A secret for a URL, cookie or header."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A code that somebody reads from one device and types into another."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def code_digest(asked: str, code: str) -> str:
    """What is kept of a code; `asked` is the secret of the browser that has asked for it."""
    return hmac.new(asked.encode(), code.encode(), hashlib.sha256).hexdigest()


def csrf_of(secret: str) -> str:
    """The word that the forms of a session bring back."""
    return hmac.new(secret.encode(), b"callpoint.csrf", hashlib.sha256).hexdigest()[:32]


def same(one: str, other: str) -> bool:
    """Compares in the same time wherever they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
