"""Passwords: what one must be, and its hash. Argon2id by pwdlib, in a thread, one at a time: each takes 64 MiB.

A password stands alone here, so it has at least 15 characters; no kinds of characters are demanded, it never has to be
changed for its age, and one that is easily guessed is refused (NIST SP 800-63B-4 sec. 3.1.1.2). There is no default.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

from pwdlib import PasswordHash

from collector.access.accounts import BadAccount

T = TypeVar("T")
CHARACTERS_MIN = 15
CHARACTERS_MAX = 128  # at least 64 must be allowed
FAILURES_MAX = 100  # in a row, then only a link signs in: NIST SP 800-63B-4 sec. 3.2.2
_DISTINCT_MIN = 6  # a few characters again and again are soon guessed
_COMMON = ("password", "passwort", "callpoint", "qwertyuiop", "1234567890", "0987654321", "letmein", "mima")


class Passwords:
    """Makes and compares hashes."""

    def __init__(self) -> None:
        self._hash = PasswordHash.recommended()
        self._thread = ThreadPoolExecutor(1, "password")
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """A salted hash of a password that `check_password` has let pass."""
        return await self._run(lambda: self._hash.hash(_normal(password)))

    async def matches(self, password: str, kept: str | None) -> bool:
        """True for the password of a hash. Without one the same work is done, so that nobody learns who has one."""
        if len(password) > CHARACTERS_MAX:
            password, kept = "", None

        def compare() -> bool:
            if self._nobodys is None:
                self._nobodys = self._hash.hash("nobody's password")
            return self._hash.verify(_normal(password), kept or self._nobodys) and kept is not None

        return await self._run(compare)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def check_password(password: str, words: Iterable[str]) -> None:
    """Raises BadAccount for one that is too short, too long or easily guessed. `words`: names that are known to all."""
    normal = _normal(password)
    if len(normal) < CHARACTERS_MIN:
        raise BadAccount("password", "password-short", f"at least {CHARACTERS_MIN} characters")
    if len(normal) > CHARACTERS_MAX:
        raise BadAccount("password", "password-long", f"at most {CHARACTERS_MAX} characters")
    plain = normal.casefold()
    for word in (*_COMMON, *(_normal(each).casefold() for each in words)):
        if len(word) >= 4:
            plain = plain.replace(word, "")
    if len(set(plain)) < _DISTINCT_MIN or _runs(plain):
        raise BadAccount("password", "password-easy", "one that is not easily guessed, such as four or five words")


def _runs(text: str) -> bool:
    """True for characters that mostly follow each other or repeat."""
    steps = sum(abs(ord(after) - ord(before)) <= 1 for before, after in pairwise(text))
    return steps > len(text) * 0.7


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
