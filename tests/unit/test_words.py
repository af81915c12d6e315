"""Promises of the catalogues: complete in both languages, nothing unused, blanks that agree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from babel.messages.catalog import Message

from collector.alarms.alarm import Phase
from collector.alarms.measures import Scope
from collector.alarms.verification import Cause
from collector.alerter.pages.render import day_text
from collector.calls.dispatch import Reason
from collector.locale.catalogues import LANGUAGES, catalogue_files, knows, read_catalogue, say, texts
from collector.messages.reasons import SENTENCES
from config.people import Language

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [path.read_text(encoding="utf-8") for path in (ROOT / "collector").rglob("templates/*")]
MODULES = [path.read_text(encoding="utf-8") for path in (ROOT / "collector").rglob("*.py")]

FORMS = {"zh": 1, "en": 2}
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def messages(language: Language) -> dict[tuple[str, str], Message]:
    """Every message by its subject and key."""
    found = {}
    for file in catalogue_files(language):
        for message in read_catalogue(file, language):
            key = message.id if isinstance(message.id, str) else message.id[0]
            if key:
                found[file.name, key] = message
    return found


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def blanks(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


ALL = {language: messages(language) for language in LANGUAGES}


def test_every_message_is_there_in_both_languages() -> None:
    assert set(ALL["zh"]) == set(ALL["en"])
    assert len({key for _, key in ALL["zh"]}) == len(ALL["zh"]), "a key stands in two subjects"
    assert len(ALL["zh"]) > 500
    for language in LANGUAGES:
        assert [key for key, message in ALL[language].items() if not all(forms(message))] == []


def test_a_message_with_a_number_has_every_form_of_its_language() -> None:
    for key, message in ALL["en"].items():
        assert message.pluralizable == ALL["zh"][key].pluralizable, key
        for language in LANGUAGES if message.pluralizable else ():
            assert len(forms(ALL[language][key])) == FORMS[language], key


def test_the_languages_take_the_same_blanks() -> None:
    """Blanks that differ would show a brace, or lose a fact, in one language."""
    shorter = "notice/headline_brief/alarm"  # English leaves "alarm" out of an SMS
    wrong = [
        key
        for key in ALL["en"]
        if key[1] != shorter
        and len({frozenset(blanks(form)) for language in LANGUAGES for form in forms(ALL[language][key])}) != 1
    ]

    assert wrong == []


def test_no_language_stands_in_the_others_catalogue() -> None:
    own_name = "other-language"  # each language calls the other by that one's own name
    chinese = [key for key, message in ALL["en"].items() if any(map(CHINESE.search, forms(message)))]
    latin = re.compile(r"[a-z]{4,}")
    english = [
        key
        for key, message in ALL["zh"].items()
        if any(latin.search(re.sub(r"\{\w+\}|https?://\S+", "", form)) for form in forms(message))
    ]

    assert [key for _, key in chinese] == [own_name]
    assert {key for _, key in english} <= {own_name, "route-osm"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogues_are_whole_and_finished(language: Language) -> None:
    for file in catalogue_files(language):
        catalogue = read_catalogue(file, language)
        written = re.findall(r'^msgid "(.+)"$', file.read_text(encoding="utf-8"), re.MULTILINE)

        assert not catalogue.obsolete and not catalogue.fuzzy, file.name
        assert not [message.id for message in catalogue if message.id and message.fuzzy], file.name
        assert len(written) == len(set(written)), f"{file.name}: a key stands there twice"
        assert len(written) == len(catalogue), f"{file.name}: a key that was not read"
        assert catalogue.num_plurals == FORMS[language], file.name
        assert str(catalogue.locale) == language, file.name


def test_a_number_chooses_its_form() -> None:
    assert say("en", "trend/more", n=1) == "1 more day is needed to be sure."
    assert say("en", "trend/more", n=0) == "0 more days are needed to be sure."
    assert say("en", "trend/more", n=7) == "7 more days are needed to be sure."
    assert say("zh", "trend/more", n=1) == "还需要1天数据才能确定。"


def test_a_day_to_plan_for_has_its_weekday_and_its_year_if_it_is_another() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")  # still the day before in UTC
    at, later = datetime(2026, 3, 2, 7, 5, tzinfo=shanghai), datetime(2027, 1, 1, 20, 0, tzinfo=shanghai)

    assert [day_text(language, at, at) for language in LANGUAGES] == ["Mon, Mar 2 07:05", "3月2日周一 07:05"]
    assert day_text("zh", at, later) == "2027年1月1日周五 20:00"


def test_facts_in_a_message_are_not_read_as_blanks() -> None:
    assert say("en", "of-needed", n="{of}", of="2") == "{of} of 2 needed"
    assert say("en", "of-needed", n="1") == "1 of {of} needed"


def test_a_message_that_does_not_exist_is_no_message() -> None:
    assert knows("of-needed") and not knows("of-neede")
    with pytest.raises(KeyError):
        say("en", "of-neede")
    assert texts("zh", "advice/fire/").keys() == {"1", "2"}


def test_every_message_that_a_page_asks_for_exists() -> None:
    asked = {key for text in TEMPLATES for key in re.findall(r"\bt\(\"([a-z0-9/-]+)\"[,)]", text)}
    asked |= {key for text in MODULES for key in re.findall(r"\b(?:say|catalogued)\(\w+, \"([a-z0-9/_-]+)\"[,)]", text)}

    assert len(asked) > 100
    assert [key for key in sorted(asked) if not knows(key)] == []


def test_nothing_in_the_catalogues_is_unused() -> None:
    """A key stands in a template or module as it is, or begins as a key that one of them puts together."""
    literal = {each for text in TEMPLATES for each in re.findall(r"\"([^\"\n{}]+)\"", text)}
    literal |= {
        node.value
        for text in MODULES
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    beginnings = {each for each in literal if re.fullmatch(r"[a-z][a-z/-]*[-/]", each)}
    unused = {
        key
        for _, key in ALL["zh"]
        if key not in literal and not key.startswith(tuple(beginnings)) and key.removesuffix("-text") not in literal
    }

    assert unused - {f"for-{unit}" for unit in ("s", "min", "h", "d")} == set()  # put together in `render.py`
    assert {"reason-", "event-", "refused-", "phase-"} <= beginnings


def test_whatever_the_engine_says_by_a_word_has_its_words_and_no_others_are_there() -> None:
    known = texts("zh", "")
    said = {
        "reason-": set(Reason),
        "because/": set(Reason),
        "phase-": set(Phase),
        "why-": set(Cause),
        "event-": set(SENTENCES),
        "scope-": set(Scope),
    }
    for beginning, words in said.items():
        assert {key.removeprefix(beginning) for key in known if key.startswith(beginning)} == words, beginning


def test_every_refusal_has_words() -> None:
    words = {word for text in MODULES for word in re.findall(r"\bRefused\(\s*\"([a-z-]+)\"", text)}

    assert len(words) > 40
    assert sorted(word for word in words if not knows(f"refused-{word}")) == []


def test_every_point_of_a_shipped_profile_has_words_in_both_languages() -> None:
    profiles = sorted((ROOT / "config/profiles").glob("*.yaml"))
    assert len(profiles) > 5
    for path in profiles:
        for where, text in texts_in(yaml.safe_load(path.read_text(encoding="utf-8")), path.stem):
            assert set(text) == set(LANGUAGES) and all(text.values()), where
            assert not CHINESE.search(text["en"]), where


def texts_in(found: object, where: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Whatever of a file is a text by language, with where it stands."""
    if isinstance(found, dict):
        if set(found) & set(LANGUAGES):
            yield where, found
        else:
            for key, value in found.items():
                yield from texts_in(value, f"{where}.{key}")
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from texts_in(value, f"{where}[{number}]")
