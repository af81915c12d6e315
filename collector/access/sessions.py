"""How long somebody stays signed in, what a sign-in by message may and may not do, and API tokens. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from collector.access.actor import Actor, Right

SESSION_MS = 180 * 86_400_000  # since it was last seen: a volunteer's phone stays signed in from alarm to alarm
SEEN_EVERY_MS = 3_600_000  # a session's last use is written down no more often
SESSIONS_MAX = 20  # of an account; the one not seen for longest gives way
SIGN_IN_MS = 600_000  # NIST SP 800-63B-4 sec. 3.1.3.1: a secret sent to an address is valid for at most 10 minutes
ASKED_MS = 7 * 86_400_000  # of a link that a command or a manager has made: it is handed over, not sent
CODE_DIGITS = 8
CODE_TRIES_MAX = 5
SENT_PER_HOUR_MAX = 9  # to one person, whoever asks: a stranger in their name must not use up what they need at night
SENT_PER_DAY_MAX = 20
TOKENS_MAX = 200
TOKEN_DAYS_MAX = 730


@dataclass(frozen=True, slots=True)
class Session:
    """A device that is signed in. Its secret is with the device alone."""

    id: str
    account: str
    device: str
    made_at_ms: int
    seen_at_ms: int
    until_ms: int


class Fault(StrEnum):
    """Why a link, code, cookie or token is refused; each is counted and logged by this word."""

    FORGED = "forged"  # it is none of ours
    EXPIRED = "expired"
    REPLAYED = "replayed"  # used already
    TRIED_OUT = "tried-out"  # too many wrong codes
    CLOSED = "closed"  # the account is disabled, or its person has left


class SignInRefused(ValueError):
    """Nobody is signed in. `.fault` says why, for the log; people are told as much as helps them."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.value)


@dataclass(frozen=True, slots=True)
class Token:
    """An API token. `buildings` None: the whole community. `person`: in whose name it may speak, None: in nobody's."""

    id: str
    name: str
    rights: tuple[Right, ...]
    buildings: tuple[str, ...] | None
    person: str | None
    made_at_ms: int
    made_by: str
    until_ms: int

    def actor(self) -> Actor:
        """Who a request is that bears it."""
        return Actor(
            account=f"token:{self.id}",
            name=self.name,
            rights=frozenset(self.rights),
            person=self.person,
            buildings=None if self.buildings is None else frozenset(self.buildings),
        )


def may_end(actor: Actor, token: Token) -> bool:
    """True if a token is of nothing beyond the actor's own buildings: theirs to see and to end."""
    return actor.buildings is None or (token.buildings is not None and set(token.buildings) <= actor.buildings)


def may_give(actor: Actor, token: Token) -> bool:
    """True if nothing of a token goes beyond whoever makes it."""
    if not set(token.rights) <= actor.rights:
        return False
    if token.person not in (None, actor.person) and not actor.speaks_for_all:
        return False
    return may_end(actor, token)


def device_name(user_agent: str) -> str:
    """A browser in the words by which somebody knows their phone again: "Android · Chrome"."""
    agent = user_agent[:400]
    systems = (
        *(("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS")),
        *(("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux")),
    )
    programs = (
        *(("MicroMessenger", "WeChat"), ("DingTalk", "DingTalk"), ("HuaweiBrowser", "Huawei Browser")),
        *(("MiuiBrowser", "Mi Browser"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("FxiOS", "Firefox")),
        *(("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari")),
    )
    found = [next((name for mark, name in kinds if mark in agent), "") for kinds in (systems, programs)]
    return " · ".join(each for each in found if each) or "?"
