"""Who is what, sees which buildings, may rule whom; passwords, slow-down, devices: the decisions, as tables."""

from __future__ import annotations

import asyncio

import pytest

from collector.access.accounts import (
    Account,
    Area,
    BadAccount,
    actor_of,
    buildings_of,
    check_name,
    find_person,
    may_rule,
    role_of,
    tidy_name,
)
from collector.access.actor import RIGHTS, Actor, Right, Role
from collector.access.passwords import Passwords, check_password
from collector.access.sessions import Token, device_name, may_give
from collector.access.slowdown import FIRST_WAIT_MS, FORGOTTEN_MS, WAIT_MAX_MS, Slowdown
from collector.access.speaking import check_speaks
from collector.alarms.incident import Answer
from collector.commands import Answered, Refused, SayAway, SystemTrouble, TestReach
from config.site import Site
from tests.sites import site_data, small_site


def site() -> Site:
    data = site_data()
    data["people"] += [
        {"id": "li-1", "name": "李伟", "channels": [{"channel": "phone", "to": "+86 138 0013-8000"}], "home": "b-2"},
        {"id": "li-2", "name": "李伟", "channels": [{"channel": "mail", "to": "Li@Example.org"}]},
    ]
    return small_site(data)


def own(person: str | None, role: Role | None = None, **area: object) -> Account:
    return Account("a", "A", role, person, Area(**area))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("account", "role"),
    [
        (own("ned"), Role.RESPONDER),
        (own("nora"), Role.LEADER),  # leads a team
        (own("mona"), Role.LEADER),  # manages a building
        (own("carl"), Role.LEADER),  # an emergency contact
        (own("gina"), Role.RESPONDER),  # answers for a grid cell
        (own("gone"), None),
        (own(None), None),
        (own("ned", Role.ENGINEER), Role.ENGINEER),
        (own("gone", Role.VIEWER), Role.VIEWER),
    ],
)
def test_the_book_makes_of_a_person_what_nobody_has_said(account: Account, role: Role | None) -> None:
    assert role_of(site(), account) == role


@pytest.mark.parametrize(
    ("account", "buildings"),
    [
        (own("ned"), {"b-1", "b-2"}),  # own team's building, and those that name it as their neighbour
        (own("mona"), {"b-1"}),
        (own("gina"), {"b-1", "b-2", "b-3"}),  # everything in the cells below hers
        (own("li-1"), {"b-2"}),  # lives there
        (own("li-2"), set()),
        (own("carl"), None),
        (own(None, Role.VIEWER), set()),
        (own(None, Role.VIEWER, whole=True), None),
        (own(None, Role.VIEWER, buildings=("b-2", "gone")), {"b-2"}),
        (own(None, Role.VIEWER, cells=("block",)), {"b-1", "b-2", "b-3"}),
        (own("mona", Role.MANAGER, buildings=("b-2",)), {"b-1", "b-2"}),
    ],
)
def test_people_see_the_buildings_they_answer_for(account: Account, buildings: set[str] | None) -> None:
    assert buildings_of(site(), account) == (None if buildings is None else frozenset(buildings))


def test_a_shut_account_and_one_whose_person_has_left_are_nobody() -> None:
    assert actor_of(site(), own("gone")) is None
    assert actor_of(site(), Account("a", "A", Role.MANAGER, disabled_at_ms=5)) is None
    left = actor_of(site(), own("gone", Role.VIEWER))
    assert left is not None and left.person is None  # looks on, and speaks for nobody


MANAGER = Actor("m", "M", RIGHTS[Role.MANAGER], role=Role.MANAGER)
OF_B1 = Actor("m", "M", RIGHTS[Role.MANAGER], role=Role.MANAGER, buildings=frozenset({"b-1"}))


@pytest.mark.parametrize(
    ("actor", "account", "may"),
    [
        (MANAGER, own("ned"), True),
        (MANAGER, own(None, Role.MANAGER, whole=True), True),
        (MANAGER, own(None, Role.ENGINEER, whole=True), False),  # tokens and buses are not theirs to give
        (OF_B1, own(None, Role.VIEWER, whole=True), False),
        (OF_B1, own(None, Role.VIEWER, buildings=("b-2",)), False),
        (OF_B1, own(None, Role.LEADER, buildings=("b-1",)), True),
        (OF_B1, own("mona"), True),
        (OF_B1, own("carl"), False),
    ],
)
def test_nobody_gives_rights_or_buildings_beyond_their_own(actor: Actor, account: Account, may: bool) -> None:
    assert may_rule(actor, site(), account) is may


@pytest.mark.parametrize(
    ("token", "may"),
    [
        (Token("t", "T", (Right.SEE,), ("b-1",), None, 0, "m", 1), True),
        (Token("t", "T", (Right.SEE,), None, None, 0, "m", 1), False),
        (Token("t", "T", (Right.TOKENS,), ("b-1",), None, 0, "m", 1), False),
        (Token("t", "T", (Right.ANSWER,), ("b-1",), "ned", 0, "m", 1), False),
    ],
)
def test_a_token_is_never_more_than_its_maker(token: Token, may: bool) -> None:
    assert may_give(OF_B1, token) is may


@pytest.mark.parametrize(
    ("typed", "person"),
    [
        ("ned", "ned"),
        (" NED ", "ned"),
        ("13800138000", "li-1"),
        ("+86 138-0013 8000", "li-1"),
        ("０13800138000", None),
        ("１３８００１３８０００", "li-1"),  # full-width digits of a Chinese keyboard
        ("li@example.ORG", "li-2"),
        ("李伟", None),  # two of that name
        ("", None),
        ("8000", None),  # the end of a number is nobody's
        ("console", None),
    ],
)
def test_people_are_found_by_what_they_know_of_themselves(typed: str, person: str | None) -> None:
    assert find_person(site(), typed) == person


@pytest.mark.parametrize(
    "name",
    ["", "token", "link", "a:b", "x" * 65, "a\nb", "a\u202eb", "Li", " li", "a\u0000", "new", "a/b", "a?b", "100%"],
)
def test_a_name_that_cannot_be_told_from_another_is_refused(name: str) -> None:
    with pytest.raises(BadAccount):
        check_name(name)


def test_one_name_has_one_form() -> None:
    assert tidy_name(" Ｌi ") == tidy_name("LI") == "li"
    check_name(tidy_name("王芳"))


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("fourteen chars", "password-short"),
        ("x" * 129, "password-long"),
        ("aaaaaaaaaaaaaaaaaaaa", "password-easy"),
        ("123456789012345678", "password-easy"),
        ("passwordpassword", "password-easy"),
        ("wangfangwangfang", "password-easy"),
        ("four words of rain and plum", None),
        ("梅雨 巷子 三号 楼道 灯笼 石榴 水井", None),
    ],
)
def test_a_password_is_long_and_not_easily_guessed(password: str, reason: str | None) -> None:
    """NIST SP 800-63B-4 sec. 3.1.1.2: 15 characters where it stands alone, no rule about their kinds."""
    try:
        check_password(password, ("wangfang",))
    except BadAccount as bad:
        assert bad.reason == reason
    else:
        assert reason is None


def test_a_password_is_the_same_however_it_was_typed_and_without_one_nothing_fits() -> None:
    async def run() -> list[bool]:
        passwords = Passwords()
        kept = await passwords.hash("café of the rainy lane")
        assert kept.startswith("$argon2id$")
        return [
            await passwords.matches("cafe\u0301 of the rainy lane", kept),
            await passwords.matches("cafe of the rainy lane", kept),
            await passwords.matches("nobody's password", None),
            await passwords.matches("x" * 100_000, kept),
        ]

    assert asyncio.run(run()) == [True, False, False, False]


def test_failures_slow_down_ever_more_and_are_forgotten() -> None:
    slow = Slowdown(free=2)
    waits = []
    for _ in range(12):
        slow.failed("li", 0)
        waits.append(slow.wait_ms("li", 0))

    assert waits[:3] == [0, FIRST_WAIT_MS, 2 * FIRST_WAIT_MS]
    assert max(waits) == waits[-1] == WAIT_MAX_MS
    assert slow.wait_ms("li", WAIT_MAX_MS) == 0 == slow.wait_ms("wang", 0)
    slow.failed("li", FORGOTTEN_MS + WAIT_MAX_MS)
    assert slow.wait_ms("li", FORGOTTEN_MS + WAIT_MAX_MS) == 0
    for number in range(20_000):
        slow.failed(f"guess {number}", 0)
    assert len(slow._failures) == 10_000


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Linux; Android 13; ALI-AN00) AppleWebKit/537.36 Chrome/110 Mobile Safari/537.36",
            "Android · Chrome",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Safari/604",
            "iPhone · Safari",
        ),
        ("Mozilla/5.0 (Linux; Android 12) Chrome/107 MicroMessenger/8.0", "Android · WeChat"),
        ("<script>", "?"),
        ("", "?"),
    ],
)
def test_a_device_has_a_name_that_its_owner_knows(agent: str, name: str) -> None:
    assert device_name(agent) == name


def test_each_speaks_in_their_own_name() -> None:
    ned = Actor("ned", "Ned", RIGHTS[Role.LEADER], person="ned")
    check_speaks(ned, Answered("i", "ned", Answer.GOING))
    check_speaks(ned, TestReach("nora", by="ned"))
    check_speaks(ned, SystemTrouble("x", True, ""))
    for command in (Answered("i", "nora", Answer.GOING), SayAway("ned", "nora", 0, 1), TestReach("ned", by="nora")):
        with pytest.raises(Refused) as refused:
            check_speaks(ned, command)
        assert refused.value.reason == "not-yourself"
    with pytest.raises(Refused):
        check_speaks(Actor("e", "E", RIGHTS[Role.ENGINEER]), Answered("i", "ned", Answer.GOING))
