"""What a provider of SMS or voice calls tells us of replies: which fields hold what, and how it proves itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.profile import Strict

Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]


class Inbound(Strict):
    """One provider's webhook. `secret_env` names an environment variable, or `<name>_FILE` a file.

    `proof` secret: the header holds the secret itself. hmac-sha256: it holds the hexadecimal HMAC of `<stamp>.<body>`,
    where the header `stamp_header` holds the UTC seconds of sending; one that is older than five minutes is refused.
    `message_id` is the field with the provider's own number of a message: what it delivers again changes nothing.
    """

    secret_env: Annotated[str, Field(min_length=1)]
    proof: Literal["secret", "hmac-sha256"] = "secret"
    header: Name = "X-Callpoint-Secret"
    stamp_header: Name = "X-Callpoint-Stamp"
    number: Name = "from"  # the field with the caller's phone number
    text: Name = "text"  # the field with what was written, or with the pressed keys
    message_id: Name | None = None
    reply: Literal["json", "text", "twiml"] = "json"
