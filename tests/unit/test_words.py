"""Promises of the catalogues: complete in both languages, nothing unused, blanks that agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from collector.locale.catalogues import LANGUAGES, catalogue_files, knows, read_catalogue, say, texts
from config.people import Language

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


def test_facts_in_a_message_are_not_read_as_blanks() -> None:
    assert say("en", "of-needed", n="{of}", of="2") == "{of} of 2 needed"
    assert say("en", "of-needed", n="1") == "1 of {of} needed"


def test_a_message_that_does_not_exist_is_no_message() -> None:
    assert knows("of-needed") and not knows("of-neede")
    with pytest.raises(KeyError):
        say("en", "of-neede")
    assert texts("zh", "advice/fire/").keys() == {"1", "2"}


def test_every_message_that_a_template_asks_for_exists() -> None:
    folder = Path(__file__).parents[2] / "collector/alerter/pages/templates"
    asked = {key for path in folder.iterdir() for key in re.findall(r"\bt\(\"([a-z0-9-]+)\"[,)]", path.read_text())}

    assert len(asked) > 40
    assert [key for key in sorted(asked) if not knows(key)] == []
