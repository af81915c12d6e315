"""What a collector makes for itself at its first start and keeps in its store: secrets, and its name as a host."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from collector.storage.store import Store
from config.endpoint import read_secret

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Secrets:
    """`links` signs answer links, `token` opens the API, `host_id` is the Sparkplug host application's."""

    links: str
    token: str
    host_id: str

    @classmethod
    async def of(cls, store: Store) -> Secrets:
        """Read or make them. The token may be given (CALLPOINT_API_TOKEN); else it is also in a file by the store."""
        links = await store.setting("links-secret", lambda: secrets.token_urlsafe(32))
        host_id = await store.setting("host-id", lambda: f"callpoint-{secrets.token_hex(4)}")
        token = read_secret("CALLPOINT_API_TOKEN")
        if token is None:
            token = await store.setting("api-token", lambda: secrets.token_urlsafe(24))
            _write(store.path.with_name(store.path.name + ".token"), token)
        return cls(links, token, host_id)


def _write(path: Path, secret: str) -> None:
    try:
        path.touch(0o600)
        if path.read_text() != secret + "\n":
            path.write_text(secret + "\n")
    except OSError as error:  # a full disk must not keep the collector from starting
        log.warning("the API token cannot be written: %s", error)
    else:
        log.info("the API token is in %s", path)
