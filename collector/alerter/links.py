"""Answer links: who may answer which incident until when, signed, so that nothing about them is kept.

A link is all its holder needs, and all it gives: one person's answer to one incident.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from itsdangerous import BadData, BadPayload, URLSafeSerializer

# Payload and SHA-256 signature in URL-safe base64. A 32-byte signature ends in one of 16 characters only;
# the others would decode to the same bytes, and one link must have one spelling.
_SHAPE = re.compile(r"\.?[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


class LinkFault(StrEnum):
    """Why a link is refused."""

    FORGED = "forged"
    EXPIRED = "expired"
    MALFORMED = "malformed"


class LinkRefused(ValueError):
    """The link cannot be used; `.reason` says why. Trying again does not help."""

    def __init__(self, reason: LinkFault) -> None:
        self.reason = reason
        super().__init__(f"the answer link is {reason.value}")


@dataclass(frozen=True, slots=True)
class AnswerLink:
    """What a valid link says: this person may answer this incident."""

    incident: str
    person: str


class Links:
    """Makes and reads answer links under one secret. A link opens for `valid_s` seconds from its making."""

    def __init__(self, secret: str, base_url: str, valid_s: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._valid_ms = int(valid_s * 1000)
        self._serializer = URLSafeSerializer(
            secret,
            salt="callpoint.answer",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def answer_url(self, incident: str, person: str, now_ms: int) -> str:
        """The URL that this person opens to answer this incident."""
        until_s = (now_ms + self._valid_ms) // 1000
        return f"{self._base_url}/a/{self._serializer.dumps([incident, person, until_s])}"

    def read(self, token: str, now_ms: int) -> AnswerLink:
        """What the last part of an answer URL says. Raises LinkRefused."""
        if not _SHAPE.fullmatch(token):
            raise LinkRefused(LinkFault.MALFORMED)
        try:
            said = self._serializer.loads(token)
        except BadPayload as error:
            raise LinkRefused(LinkFault.MALFORMED) from error
        except BadData as error:
            raise LinkRefused(LinkFault.FORGED) from error
        match said:
            case [str(incident), str(person), int(until_s)]:
                if now_ms >= until_s * 1000:
                    raise LinkRefused(LinkFault.EXPIRED)
                return AnswerLink(incident, person)
        raise LinkRefused(LinkFault.MALFORMED)
