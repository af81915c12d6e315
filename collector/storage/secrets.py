"""What a collector makes for itself at its first start and keeps in its store: secrets, and its name as a host."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from collector.storage.store import Store
from config import logs
from config.endpoint import read_secret

log = logs.of(__name__)


@dataclass(frozen=True, slots=True)
class Secrets:
    """`links` signs answer links, `token` opens the API, `host_id` is the Sparkplug host application's.

    `push` is the private key by which push services know us (RFC 8292): another one, and every phone subscribes anew.
    """

    links: str
    token: str
    host_id: str
    push: str

    @classmethod
    async def of(cls, store: Store) -> Secrets:
        """Read or make them. The token may be given (CALLPOINT_API_TOKEN); else it is also in a file by the store."""
        links = await store.setting("links-secret", lambda: secrets.token_urlsafe(32))
        host_id = await store.setting("host-id", lambda: f"callpoint-{secrets.token_hex(4)}")
        push = await store.setting("push-key", _make_push_key)
        token = read_secret("CALLPOINT_API_TOKEN")
        if token is None:
            token = await store.setting("api-token", lambda: secrets.token_urlsafe(24))
            _write(store.path.with_name(store.path.name + ".token"), token)
        return cls(links, token, host_id, push)


def _make_push_key() -> str:
    """A private key on P-256: its number, 32 bytes in base64url."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def _write(path: Path, secret: str) -> None:
    try:
        path.touch(0o600)
        if path.read_text() != secret + "\n":
            path.write_text(secret + "\n")
    except OSError as error:  # a full disk must not keep the collector from starting
        log.warning("token-not-written", f"the API token cannot be written: {error}", error=error)
    else:
        log.info("token-file", f"the API token is in {path}", file=path)
