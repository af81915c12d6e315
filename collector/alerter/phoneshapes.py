"""The shapes of the phones that take push messages, with their examples. Never an endpoint or a key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from collector.alerter.channels.endpoints import ENDPOINT_CHARACTERS_MAX
from collector.alerter.models import Shape

_Key = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+=*$")]


GIVEN: dict[str, Any] = {
    "endpoint": "https://push.example.net/p/3f8a",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
    "expirationTime": None,
}


class Keys(Shape):
    """A browser's keys, base64url: its public key, and its secret (RFC 8291)."""

    p256dh: _Key
    auth: _Key


class SubscriptionGiven(Shape):
    """As `PushSubscription.toJSON()` of a browser gives it."""

    endpoint: str = Field(
        min_length=1,
        max_length=ENDPOINT_CHARACTERS_MAX,
        description="of the browser's push service",
        examples=["https://push.example.net/p/3f8a"],
    )
    keys: Keys = Field(
        examples=[
            {
                "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                "auth": "BTBZMqHH6r4Tts7J_aSIgg",
            }
        ]
    )
    expirationTime: float | None = Field(
        None, ge=0, le=1e15, description="as the browser says it; not needed", examples=[None]
    )


class PhoneShown(Shape):
    """A phone or computer of yours that takes push messages. `ok_at` null: nothing has been sent to it yet."""

    id: str
    device: str = Field(description="what its browser calls itself")
    made_at: datetime
    ok_at: datetime | None = Field(description="when its push service last took a message")
    failed_at: datetime | None
    failures: int = Field(description="since the last success")


class PhoneList(Shape):
    """`key`: the server's key that a browser subscribes with (RFC 8292), base64url."""

    key: str
    phones: list[PhoneShown]


PHONES: dict[str, Any] = {
    "key": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
    "phones": [
        {
            "id": "9f86d081884c7d65",
            "device": "Android · Firefox",
            "made_at": "2026-03-01T10:00:00+08:00",
            "ok_at": "2026-03-01T10:00:02.310000+08:00",
            "failed_at": None,
            "failures": 0,
        }
    ],
}
