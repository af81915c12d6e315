"""How people of a site sign in, beside a message to their own address and a password: by a provider they have."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from config.profile import Strict

# https, or plain http on this machine, where it can be tried out.
_ISSUER = re.compile(r"(https://[^/?#\s@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?)(/[^?#\s]*)?")


def _issuer(url: str) -> str:
    if not _ISSUER.fullmatch(url):
        raise ValueError("an https URL without query, as the provider's own configuration says it")
    return url


class Oidc(Strict):
    """A provider of OpenID Connect 1.0. `claim` is what it calls people by: an account of that name is theirs.

    The secret is never here: `secret_env` names an environment variable, or `<name>_FILE` a file; without one the
    client is a public one. Its redirect address is the board's URL and `/sign-in/provider/back`.
    """

    name: Annotated[str, Field(min_length=1, max_length=60)]  # on the button
    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    secret_env: str | None = None
    claim: Annotated[str, Field(min_length=1, max_length=60)] = "preferred_username"
    scope: str = "openid profile"


class SignIn(Strict):
    """What the plan says of signing in."""

    oidc: Oidc | None = None
