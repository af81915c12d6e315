"""Promises of answer links: they say who and what, for a time, and nobody can make one up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.alerter.links import AnswerLink, LinkFault, LinkRefused, Links

NOW_MS = 1_772_431_402_125
LINKS = Links("a secret", "https://board.example/", 3600)


def _token(links: Links = LINKS) -> str:
    return links.answer_url("0123456789abcdef", "p-li", NOW_MS).rpartition("/")[2]


def _fault(token: str, now_ms: int = NOW_MS) -> LinkFault:
    with pytest.raises(LinkRefused) as refused:
        LINKS.read(token, now_ms)
    return refused.value.reason


def test_a_link_says_who_may_answer_what() -> None:
    assert LINKS.read(_token(), NOW_MS) == AnswerLink("0123456789abcdef", "p-li")


def test_a_link_begins_with_the_sites_board_url_and_survives_a_chat_program() -> None:
    url = LINKS.answer_url("i-1", "p-li", NOW_MS)

    assert re.fullmatch(r"https://board\.example/a/[A-Za-z0-9._-]+[A-Za-z0-9]", url)


def test_a_link_holds_until_its_time_and_not_longer() -> None:
    until_ms = (NOW_MS + 3_600_000) // 1000 * 1000

    assert LINKS.read(_token(), until_ms - 1) == AnswerLink("0123456789abcdef", "p-li")
    assert _fault(_token(), until_ms) is LinkFault.EXPIRED


def test_a_link_of_another_secret_is_forged() -> None:
    assert _fault(_token(Links("another secret", "https://board.example", 3600))) is LinkFault.FORGED


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_a_link_with_one_changed_character_is_refused(place: int) -> None:
    token = _token()
    place %= len(token)
    changed = token[:place] + ("A" if token[place] != "A" else "E") + token[place + 1 :]

    assert _fault(changed) in (LinkFault.FORGED, LinkFault.MALFORMED)


def test_a_link_has_one_spelling() -> None:
    # The last character of a signature carries two unused bits: the same bytes, spelt otherwise.
    token = _token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    assert _fault(token[:-1] + alphabet[alphabet.index(token[-1]) + 1]) is LinkFault.MALFORMED


@pytest.mark.parametrize("token", ["", "x", ".", "..", "a.b", "é" * 60, "A" * 5000, "../../etc/passwd", "a\n.b"])
def test_what_is_no_link_at_all_is_malformed(token: str) -> None:
    assert _fault(token) is LinkFault.MALFORMED


def test_a_link_cut_short_is_malformed() -> None:
    assert _fault(_token()[:-4]) is LinkFault.MALFORMED


@given(st.text(max_size=200))
def test_no_text_opens_anything_or_breaks_the_reader(token: str) -> None:
    _fault(token)
