"""What a called person reads: everything they need, in their language, and nothing a name or value could smuggle in."""

from __future__ import annotations

import itertools
import re
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Answer, Incident, Response
from collector.alarms.route import Mode, Route
from collector.alarms.verification import Cause, FirstHit, Hit, Stage
from collector.calls.dispatch import Reason
from collector.equipment.rescue import Rescue
from collector.locale.catalogues import say as catalogued
from collector.messages.advice import advice
from collector.messages.evidence import witnesses
from collector.messages.message import SMS_UNITS_MAX, Words, describe, describe_unrecorded, sms_units
from collector.messages.nearby import near
from collector.messages.phrases import PHRASES, Phrases
from collector.messages.roundup import describe_many
from collector.messages.wording import alarm_place, describe_condition, moment, one_line, place_words
from config.people import Language
from config.profile import Condition, Kind
from config.site import Site
from tests.letters import FIRE, INCIDENT, NOTICE, NOW_MS, SECOND_FIRE, site_with
from tests.sites import site_data, small_site

URL = "https://board.example.org/a/token"
DAY_MS = 86_400_000
INFORMATION = (
    *(Reason.FREED, Reason.RESCUE_DUE, Reason.RESCUE_MISSED, Reason.NOBODY_COMES),
    Reason.QUORUM_REACHED,
    Reason.STAND_DOWN,
    Reason.CLOSED,
    Reason.DRILL_OVER,
    Reason.DRILL_OVERTAKEN,
    *(Reason.ENDS_SOON, Reason.WALK_TEST, Reason.HANDED_OVER, Reason.RESTORED),
)
SITE = site_with()


def told(
    site: Site = SITE, person: str = "li", alarms: tuple[Alarm, ...] = (FIRE,), reason: Reason = Reason.OWN_TEAM
) -> Words:
    notice = replace(NOTICE, person=person, reason=reason, expects_answer=reason not in INFORMATION)
    return describe(site, INCIDENT, alarms, notice, URL, NOW_MS)


def one_sms(text: str) -> bool:
    return len(text) <= 160 if text.isascii() else sms_units(text) <= SMS_UNITS_MAX == 70


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_kind_and_condition_has_words_in_both_languages(language: Language) -> None:
    say = PHRASES[language]

    assert set(say.reasons) == set(Reason)
    assert set(say.kinds) == set(say.kinds_brief) == set(Kind)
    assert set(say.conditions) == set(Condition)
    assert set(say.news) == set(say.news_brief) == {*INFORMATION, Reason.ASKED_AGAIN}
    for field in fields(Phrases):
        phrase = getattr(say, field.name)
        for words in phrase.values() if isinstance(phrase, dict) else [phrase]:
            assert words.strip() and "\n" not in words


def test_the_languages_take_the_same_blanks() -> None:
    """A phrase whose braces differ between languages would raise, or lose a fact, in one of them."""
    for field in fields(Phrases):
        zh, en = getattr(PHRASES["zh"], field.name), getattr(PHRASES["en"], field.name)
        pairs = [(zh[key], en[key]) for key in zh] if isinstance(zh, dict) else [(zh, en)]
        for one, other in pairs:
            if field.name != "headline_brief":  # English leaves "alarm" out of an SMS
                assert _blanks(one) == _blanks(other), field.name


def _blanks(phrase: str) -> set[str]:
    return {part.partition("}")[0] for part in phrase.split("{")[1:]}


@pytest.mark.parametrize(("person", "sentence"), [("li", "请您自己拨打119"), ("chen", "Call 119 yourself")])
def test_a_call_says_what_where_since_when_and_to_call_119(person: str, sentence: str) -> None:
    words = told(person=person)

    assert sentence in words.body and PHRASES["en" if person == "chen" else "zh"].supplement in words.body
    for fact in ("梧桐里3号楼", "梧桐路12号", "502", "厨房", "22:13:18", "2580#", "东侧大门夜间上锁", URL, "n-1"):
        assert fact in words.body
    for text in (words.subject, words.short):
        assert "梧桐里3号楼" in text and "502" in text
    assert "119" in words.short and "22:13" in words.short and URL not in words.short


def test_every_notice_even_information_tells_of_119_and_of_the_supplement() -> None:
    for person, reason in itertools.product(("li", "chen"), Reason):
        words = told(person=person, reason=reason)

        assert "119" in words.body and "119" in words.short
        assert PHRASES[SITE.language_of(SITE.people[person])].supplement in words.body
        assert PHRASES[SITE.language_of(SITE.people[person])].reasons[reason] in words.body


def test_information_is_not_a_call() -> None:
    call, closed = told(person="chen"), told(person="chen", reason=Reason.CLOSED)

    assert closed.subject.startswith("Incident closed: ") and not call.subject.startswith("Incident closed")
    assert "Call 119 yourself!" not in closed.body and "If there is danger, call 119 yourself." in closed.body
    assert "Answer here" not in closed.body
    assert "2580#" not in closed.body  # nobody needs the gate any more


def test_news_that_took_another_channel_are_still_news() -> None:
    second = replace(NOTICE, person="chen", reason=Reason.CHANNEL_FAILED, channel=1, expects_answer=False)
    fates = {
        "Enough people are going": replace(INCIDENT, quorum_at_ms=NOW_MS),
        "Call-out ended": replace(INCIDENT, quorum_at_ms=NOW_MS, stood_down_by="li"),
        "Incident closed": replace(INCIDENT, stood_down_by="li", closed_at_ms=NOW_MS),
    }
    for news, incident in fates.items():
        assert describe(SITE, incident, (FIRE,), second, URL, NOW_MS).subject.startswith(f"{news}: FIRE")
    call = describe(SITE, INCIDENT, (FIRE,), replace(second, expects_answer=True), URL, NOW_MS)
    assert call.subject.startswith("FIRE alarm") and PHRASES["en"].reasons[Reason.CHANNEL_FAILED] in call.body


def test_a_person_is_written_to_in_their_language_and_others_in_the_communitys() -> None:
    assert told(person="chen").subject.startswith("FIRE alarm: ")
    assert told(person="li").subject.startswith("火灾报警: ")


def test_a_late_report_shows_both_times_and_a_prompt_one_only_the_source() -> None:
    late = replace(FIRE, raised_at_ms=NOW_MS - 2 * DAY_MS)

    assert "2026-09-19 22:13:20" in told(alarms=(late,)).body and "22:13:18 收到" in told(alarms=(late,)).body
    assert "收到" not in told().body


def test_a_second_device_leads_when_it_is_the_reason_of_the_call() -> None:
    both = (FIRE, SECOND_FIRE)

    assert "502" in told(alarms=both).subject
    assert "401" in told(alarms=both, reason=Reason.NEW_DEVICE).subject
    assert "502" in told(alarms=both, reason=Reason.NEW_DEVICE).body


def test_the_worst_condition_leads() -> None:
    trouble = replace(FIRE, key="smoke-401:fault", device="smoke-401", point="fault", condition=Condition.TROUBLE)

    assert told(person="chen", alarms=(trouble, FIRE)).subject.startswith("FIRE alarm: 梧桐里3号楼 5F 502")


def test_a_condition_is_named_by_device_detector_limit_or_silence() -> None:
    def named(key: str, point: str, value: str | None = None) -> str:
        return describe_condition(
            SITE, replace(FIRE, key=key, device=key.split(":")[0], point=point, value=value), "en"
        )

    assert named("smoke-502:fire", "fire") == "Smoke detector SM-1, Fire"
    assert named("panel:detector/7/fire", "detector/7/fire") == "Fire panel FP-1, detector 7, Fire"
    limit = named("ext-1:pressure_at_20c_kpa:below_limit", "pressure_at_20c_kpa", "880 kPa")
    assert limit == "Extinguisher pressure sensor EP-1, Extinguisher below its usable pressure (880 kPa)"
    assert named("smoke-502:silent", "silent") == "Smoke detector SM-1, silent"
    assert named("smoke-502:quality", "quality", "2 points") == "Smoke detector SM-1, no usable value (2 points)"
    assert named("gw-1:silent", "silent") == "gateway gw-1 silent (devices: 5, buildings: 1)"
    stale = named("smoke-502:stale", "stale", "obscuration_db_m, temperature_c")
    assert stale == "Smoke detector SM-1, some values are no longer told (Smoke obscuration, Temperature)"
    assert named("gw-1:clock", "clock") == "gateway gw-1 clock not synchronised"
    assert named("system:channel:mail", "channel:mail", "refused") == "part of the system: channel:mail (refused)"
    assert named("smoke-502:gone", "gone") == "Smoke detector SM-1, gone"


def test_a_panels_detector_has_its_own_place() -> None:
    detector = replace(FIRE, key="panel:detector/7/fire", device="panel", point="detector/7/fire")
    place, panel = alarm_place(SITE, detector), alarm_place(SITE, replace(detector, point="main_power_fault"))

    assert place is not None and place_words(place, "en") == "basement 1 B区车库"
    assert panel is not None and place_words(panel, "zh") == "1楼（值班室）"
    assert alarm_place(SITE, replace(FIRE, device="broker")) is None


def test_a_lifts_registration_number_is_told() -> None:
    stuck = replace(FIRE, key="lift-1:entrapment", device="lift-1", point="entrapment", kind=Kind.ENTRAPMENT)

    assert "31101010" in told(alarms=(stuck,)).body


def test_an_entrapment_never_gives_the_floor_of_the_box_for_that_of_the_car() -> None:
    data = site_data()
    lift = next(each for each in data["gateways"][0]["buses"][0]["devices"] if each["id"] == "lift-1")
    lift["place"] |= {"floor": 1, "note": "东侧电梯"}
    site = small_site(data)
    stuck = replace(FIRE, key="lift-1:trapped", device="lift-1", point="trapped", kind=Kind.ENTRAPMENT)
    incident = replace(INCIDENT, building="b-1", kind=Kind.ENTRAPMENT)

    words = describe(site, incident, [stuck], replace(NOTICE, person="nora"), URL, NOW_MS)

    for text in (words.subject, words.short, words.body):
        assert "东侧电梯" in text and "1楼" not in text


def test_an_entrapment_tells_where_the_car_is_and_how_long_rescuers_have() -> None:
    stuck = replace(FIRE, key="lift-1:entrapment", device="lift-1", point="entrapment", kind=Kind.ENTRAPMENT)
    incident = replace(INCIDENT, kind=Kind.ENTRAPMENT)
    rescue = Rescue("i-1:lift-1", incident.id, "lift-1", NOW_MS - 600_000, floor=3.0)

    def body(rescue: Rescue, now: int = NOW_MS) -> str:
        return describe(SITE, incident, [stuck], replace(NOTICE, person="chen"), URL, now, [rescue]).body

    assert "The car shows floor 3" in body(rescue) and "in 20 min" in body(rescue)
    assert "5 min ago" in body(rescue, NOW_MS + 25 * 60_000)
    assert "Rescuers" not in body(replace(rescue, arrived_at_ms=NOW_MS))
    assert "The car" not in body(replace(rescue, freed_at_ms=NOW_MS))


def test_only_a_fire_or_an_entrapment_tells_people_to_call_119_at_once() -> None:
    """A low extinguisher is not for the fire brigade: there the sentence is for those who see danger."""
    low = replace(FIRE, condition=Condition.SUPERVISORY, kind=Kind.EQUIPMENT)
    equipment = replace(INCIDENT, kind=Kind.EQUIPMENT, condition=Condition.SUPERVISORY)
    words = describe(SITE, equipment, (low,), replace(NOTICE, person="chen"), URL, NOW_MS)

    assert "Call 119 yourself!" not in words.body and "If there is danger, call 119 yourself." in words.body
    assert "Answer here" in words.body and "2580#" in words.body
    assert "Call 119 yourself!" in told(person="chen").body


def test_a_trouble_of_the_whole_community_names_the_community() -> None:
    trouble = replace(FIRE, key="system:broker", device="system", point="broker", building="", kind=Kind.FAULT)
    trouble = replace(trouble, condition=Condition.TROUBLE, value="connection refused")
    incident = replace(INCIDENT, building="", kind=Kind.FAULT, condition=Condition.TROUBLE)
    words = describe(SITE, incident, (trouble,), replace(NOTICE, person="chen", expects_answer=False), URL, NOW_MS)

    assert words.subject == "MONITORING trouble: Wutong Lane"
    assert "part of the system: broker (devices: 5, buildings: 1) (connection refused)" in words.body
    assert "Meanwhile nobody watches these devices (5) and buildings (1): 梧桐里3号楼." in words.body
    assert "Where: Wutong Lane\n" in words.body


def test_who_is_going_and_who_is_there_are_named() -> None:
    responses = (
        Response("wang", Answer.GOING, 1),
        Response("chen", Answer.ARRIVED, 2),
        Response("he", Answer.CANNOT, 3),
    )
    words = describe(SITE, replace(INCIDENT, responses=responses), (FIRE,), NOTICE, URL, NOW_MS)

    assert "正在前往：王芳\n" in words.body and "已到现场：Chen Jie\n" in words.body
    assert "何秀英" not in words.body
    assert "目前还没有人回复前往" in told().body


def test_a_notice_whose_alarms_are_gone_still_says_where() -> None:
    words = told(alarms=(), reason=Reason.CLOSED)

    assert "梧桐里3号楼" in words.subject and "22:13:18" in words.body


def test_many_alarms_make_a_bounded_message() -> None:
    alarms = tuple(replace(FIRE, key=f"smoke-502:fire{i}") for i in range(500))

    assert len(told(alarms=alarms).body.splitlines()) < 25 and "另有495项" in told(alarms=alarms).body


def test_an_unrecorded_fire_is_marked_in_subject_body_and_short() -> None:
    for person, mark in (("he", "未记录"), ("chen", "UNRECORDED")):
        words = describe_unrecorded(SITE, INCIDENT, (FIRE,), person, NOW_MS)

        assert mark in words.subject and mark in words.body and mark in words.short
        assert "119" in words.body and "502" in words.body and "2580#" in words.body


def test_a_short_form_fits_one_sms_and_keeps_place_and_119() -> None:
    site = site_with(name="梧桐里小区北片第十二号居民住宅楼东单元")
    reasons = set(Reason) - {Reason.TEST}  # which tells of no place
    for person, reason, kind, condition in itertools.product(("li", "chen"), reasons, Kind, Condition):
        alarm = replace(FIRE, condition=condition, kind=kind, raised_at_ms=NOW_MS - DAY_MS)
        notice = replace(NOTICE, person=person, reason=reason)
        words = describe(site, replace(INCIDENT, kind=kind), (alarm,), notice, URL, NOW_MS)

        assert one_sms(words.short)
        assert "119" in words.short and "22:13" in words.short
        if person == "li":
            assert "梧桐里小区北" in words.short
        if person == "li" and reason is not Reason.DRILL_OVERTAKEN:  # which is not about the drill's place
            assert "5楼 502" in words.short


@pytest.mark.parametrize("person", ["li", "chen"])
def test_a_short_form_never_names_half_a_flat_nor_forgets_the_building_after_a_drill(person: str) -> None:
    for length in range(1, 40):
        site = site_with(name="梧桐里" + "北" * length)
        for reason in (Reason.OWN_TEAM, Reason.DRILL_OVERTAKEN):
            incident = replace(INCIDENT, not_the_drill=True)
            short = describe(site, incident, (FIRE,), replace(NOTICE, person=person, reason=reason), URL, NOW_MS).short
            assert one_sms(short) and "梧桐里" in short
            assert reason is Reason.DRILL_OVERTAKEN or "502" in short


def test_a_drill_that_a_real_alarm_ends_tells_nothing_of_its_own_alarm_nor_who_was_going() -> None:
    incident = replace(INCIDENT, route=Route(Mode.DRILL, "d-1"), closed_at_ms=NOW_MS)
    notice = replace(NOTICE, reason=Reason.DRILL_OVERTAKEN, expects_answer=False, created_at_ms=NOW_MS)

    body = describe(SITE, incident, (FIRE,), notice, URL, NOW_MS).body

    assert "感烟" not in body and "尚未复位" not in body and "还没有人" not in body
    assert "时间：22:13:20 起" in body


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        (NOW_MS, "22:13:20"),
        (NOW_MS - DAY_MS, "2026-09-20 22:13:20"),
        (NOW_MS + 7_200_000, "2026-09-22 00:13:20"),  # the date turns in the site's zone, not in UTC
        (0, "1970-01-01 08:00:00"),
        (2**63, None),
        (-(2**63), None),
    ],
)
def test_a_stamp_is_shown_in_the_sites_zone_with_its_date_when_not_today(at_ms: int, expected: str | None) -> None:
    assert moment(at_ms, NOW_MS, SITE.zone) == expected


def test_a_stamp_that_no_calendar_holds_does_not_stop_a_notice() -> None:
    assert "时间不明" in told(alarms=(replace(FIRE, raised_at_ms=2**63, heard_at_ms=2**63),)).body


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: everybody@example.org", "a Bcc: everybody@example.org"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("\x1b[31mred\x07", "[31mred"),
        ("pay\u202eload", "pay load"),
        ("a\ud800b", "a b"),
        ("  ", ""),
        ("楼" * 200, "楼" * 119 + "…"),
    ],
)
def test_text_from_outside_becomes_one_bounded_line(text: str, line: str) -> None:
    assert one_line(text) == line


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300), st.integers(-(2**64), 2**64))
def test_no_name_value_or_stamp_can_break_a_message(name: str, value: str, point: str, at_ms: int) -> None:
    site = site_with(name=name, address=value, access=point, gate_code=name)
    alarm = replace(FIRE, value=value, point=point, key=f"smoke-502:{point}", raised_at_ms=at_ms)
    calm = told(site_with(name="x", address="x", access="x", gate_code="x"), alarms=(replace(FIRE, value="x"),))
    words = told(site, alarms=(alarm,))

    assert words.subject.isprintable() and words.short.isprintable()
    assert all(line.isprintable() for line in words.body.split("\n"))
    assert len(words.body.split("\n")) <= len(calm.body.split("\n"))  # no line can be added from outside
    assert one_sms(words.short)
    assert len(words.body) < 3_000


@pytest.mark.parametrize(("person", "mark"), [("li", "【迟报】"), ("chen", "[LATE] ")])
def test_a_late_report_is_marked_where_it_is_read_first(person: str, mark: str) -> None:
    late, prompt = told(person=person, reason=Reason.LATE_REPORT), told(person=person)

    assert late.subject.startswith(mark) and late.short.startswith(mark) and late.body.startswith(mark)
    assert mark not in prompt.subject + prompt.short + prompt.body
    assert one_sms(late.short)


@pytest.mark.parametrize(("person", "more"), [("li", "另有2人"), ("chen", "2 more")])
def test_people_who_are_too_many_to_name_are_counted_as_people(person: str, more: str) -> None:
    going = tuple(Response(f"volunteer-{number}", Answer.GOING, NOW_MS) for number in range(10))
    words = describe(SITE, replace(INCIDENT, responses=going), [FIRE], replace(NOTICE, person=person), URL, NOW_MS)

    assert more in words.body and "项" not in words.body


def _verified(cause: Cause | None, stage: Stage = Stage.WAITING) -> Incident:
    hit = Hit("smoke-1", "stairs", NOW_MS, NOW_MS)
    first = FirstHit(stage, "stairs", NOW_MS, (hit,), cause=cause)
    return replace(INCIDENT, full_call=cause is not None, first_hit=first)


@pytest.mark.parametrize(("person", "mark"), [("li", "【请先核实】"), ("chen", "[CHECK FIRST] ")])
def test_who_is_asked_to_look_is_not_told_to_call_119_for_one_detector(person: str, mark: str) -> None:
    notice = replace(NOTICE, person=person, reason=Reason.FIRST_HIT)
    said = describe(SITE, _verified(None), (FIRE,), notice, URL, NOW_MS)

    say = PHRASES["en" if person == "chen" else "zh"]
    assert said.subject.startswith(mark) and said.short.startswith(mark)
    assert say.danger_119 in said.body and say.call_119 not in said.body and URL in said.body
    assert one_sms(said.short)


@pytest.mark.parametrize(("person", "mark"), [("li", "【真实报警，非演练】【请先核实】"), ("chen", "[REAL, CHECK] ")])
def test_who_is_asked_to_look_in_a_drill_still_reads_in_which_building(person: str, mark: str) -> None:
    site = site_with(name="梧桐里小区北片第十二号居民住宅楼东单元")
    notice = replace(NOTICE, person=person, reason=Reason.FIRST_HIT)
    for raised_at_ms in (NOW_MS, NOW_MS - DAY_MS):  # with the date as well
        fire = replace(FIRE, raised_at_ms=raised_at_ms)
        said = describe(site, replace(_verified(None), not_the_drill=True), (fire,), notice, URL, NOW_MS)

        assert said.short.startswith(mark) and "梧桐里小" in said.short and one_sms(said.short)
        assert PHRASES[site.language_of(site.people[person])].danger_119_brief in said.short


def test_a_short_form_never_names_half_a_buildings_number() -> None:
    for length in range(1, 40):
        name = f"{'梧桐里' * length}"[:length] + "112号楼"
        for person in ("li", "chen"):
            short = describe(site_with(name=name), INCIDENT, (FIRE,), replace(NOTICE, person=person), URL, NOW_MS).short
            assert one_sms(short) and ("112" in short or not re.search("[梧桐里]1", short)), short


@pytest.mark.parametrize("cause", Cause)
def test_a_first_hit_that_became_loud_says_why_and_to_call_119(cause: Cause) -> None:
    for person in ("li", "chen"):
        said = describe(SITE, _verified(cause, Stage.LOUD), (FIRE,), replace(NOTICE, person=person), URL, NOW_MS)
        language = SITE.language_of(SITE.people[person])

        assert catalogued(language, f"why-{cause.value}") in said.body and PHRASES[language].call_119 in said.body
        assert one_sms(said.short)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_to_do_is_two_lines_for_every_kind_and_class_and_names_no_telephone(language: Language) -> None:
    """In a drill nobody may be told to call 119, and these lines stand in a drill too."""
    for kind, condition in itertools.product(Kind, Condition):
        one, two = advice(kind, condition, language)
        assert one.strip() != two.strip() and "119" not in one + two
        assert len(one) < 160 and len(two) < 160


def test_one_detector_is_called_unconfirmed_and_two_name_each_other() -> None:
    one, two = told().body, told(alarms=(FIRE, SECOND_FIRE)).body

    assert "尚未印证，目前只有一个探测器报警：5楼 502 火警 22:13:18" in one
    assert "已相互印证：5楼 502 火警 22:13:18、4楼 401 火警" in two


def test_a_panels_general_flag_beside_its_detector_confirms_nothing() -> None:
    detector = replace(FIRE, key="panel:detector/7/fire", device="panel", point="detector/7/fire")
    general = replace(FIRE, key="panel:zone", device="panel", point="zone")

    assert witnesses(SITE, (general, detector)) == [detector]


def test_a_call_to_a_fire_names_the_hydrants_and_extinguishers_near_it_and_what_is_wrong_with_them() -> None:
    key = "ext-1:pressure_at_20c_kpa:below_limit"
    low = replace(FIRE, key=key, device="ext-1", point="pressure_at_20c_kpa", condition=Condition.SUPERVISORY)
    notice = replace(NOTICE, person="chen")

    well = describe(SITE, INCIDENT, (FIRE,), notice, URL, NOW_MS).body
    ill = describe(SITE, INCIDENT, (FIRE,), notice, URL, NOW_MS, around=(FIRE, low)).body

    assert "Extinguishers near: floor 2 (nothing wrong is known)" in well
    assert "Extinguishers near: floor 2 (Extinguisher below its usable pressure)" in ill


def test_a_hydrant_of_a_neighbour_is_named_with_its_building_where_the_own_has_none() -> None:
    data = site_data()
    hydrant = data["gateways"][0]["buses"][0]["devices"][2] | {"upkeep": {"contents": "hydrant"}}
    data["gateways"][0]["buses"][0]["devices"][2] = hydrant
    site = small_site(data)

    assert [(each.device.id, each.hydrant) for each in near(site, "b-2", 1, ())] == [("ext-1", True)]


@pytest.mark.parametrize(("person", "head"), [("li", "3项故障，涉及1处"), ("chen", "3 x trouble (places: 1)")])
def test_a_notice_of_many_incidents_says_how_many_where_the_first_are_and_since_when(person: str, head: str) -> None:
    faults = [
        replace(FIRE, key=f"smoke-502:{n}", condition=Condition.TROUBLE, kind=Kind.FAULT, incident=f"i-{n}")
        for n in range(3)
    ]
    incidents = [
        replace(INCIDENT, id=f"i-{n}", kind=Kind.FAULT, condition=Condition.TROUBLE, full_call=False) for n in range(3)
    ]
    notice = replace(NOTICE, person=person, expects_answer=False, others=("i-1", "i-2", "i-9"))
    words = describe_many(SITE, incidents, faults, notice, URL, NOW_MS)

    assert words.subject.startswith(head) and "梧桐里3号楼" in words.subject
    assert words.body.count("22:13:18") == 3 and URL in words.body
    assert ("其中1起" if person == "li" else "1 of these") in words.body  # one is over and no longer at hand
    assert one_sms(words.short) and "119" in words.short and "22:13" in words.short


def test_a_notice_of_hundreds_of_incidents_is_bounded_and_fits_one_sms() -> None:
    names = tuple(f"i-{n}" for n in range(400))
    faults = [replace(FIRE, key=f"d:{n}", condition=Condition.TROUBLE, incident=name) for n, name in enumerate(names)]
    incidents = [replace(INCIDENT, id=name, kind=Kind.FAULT, condition=Condition.TROUBLE) for name in names]
    for reason, person in itertools.product((Reason.OWN_TEAM, Reason.CLOSED), ("li", "chen")):
        notice = replace(NOTICE, person=person, reason=reason, expects_answer=False, others=names[1:])
        words = describe_many(SITE, incidents, faults, notice, URL, NOW_MS)

        assert len(words.body.splitlines()) < 20 and len(words.body) < 3_000
        assert one_sms(words.short) and "400" in words.short


@pytest.mark.parametrize(
    ("person", "reason", "subject", "short"),
    [
        ("li", Reason.ASKED_AGAIN, "还缺人手：火灾报警", "还缺人手：火灾报警: 梧桐里3号楼"),
        ("li", Reason.NOBODY_COMES, "已叫不到人：火灾报警", "已叫不到人：火灾: 梧桐里3号楼"),
        ("chen", Reason.ASKED_AGAIN, "Still too few people: FIRE", "Again: FIRE: 梧桐里3号楼"),
        ("chen", Reason.NOBODY_COMES, "Nobody more is coming: FIRE", "Nobody more: FIRE: 梧桐里3号楼"),
    ],
)
def test_who_is_asked_again_and_who_hears_that_nobody_comes_read_so_first_and_to_call_119(
    person: str, reason: Reason, subject: str, short: str
) -> None:
    said = told(person=person, reason=reason)

    assert said.subject.startswith(subject) and said.short.startswith(short)
    assert PHRASES[SITE.language_of(SITE.people[person])].call_119 in said.body and "119" in said.short
    assert one_sms(said.short)
