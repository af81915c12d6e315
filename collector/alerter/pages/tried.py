"""What a form asks the engine for: carried out, or its refusal as a sentence beside the field that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.alerter.catalogue import say
from collector.alerter.front import Front
from collector.alerter.pages.bookforms import Wrong
from collector.commands import Command, Refused
from collector.state import Decision

CHARACTERS_MAX = 2_000  # of one field; no field of these forms wants more


async def tried(
    front: Front, command: Command, wrong: Wrong, beside: Mapping[str, str], words: Mapping[str, str]
) -> Decision | None:
    """Carry out a command of whoever sends the form; None once refused, with the sentence in `wrong`.

    `beside`: reason -> the field that it is about; `words`: reason -> a message that says it better here.
    """
    try:
        return await front.act(command)
    except Refused as error:
        if error.reason in words:
            wrong.say(beside.get(error.reason, ""), say(wrong.language, words[error.reason]))
        elif error.reason in beside:
            wrong.say(beside[error.reason], say(wrong.language, f"refused-{error.reason}"))
        else:
            wrong.refused(error)
        return None


def text_in(form: Mapping[str, Any], name: str) -> str:
    """What was typed in a field, on one line; "" for a field that is not there, or for a file."""
    value = form.get(name, "")
    return " ".join(value[:CHARACTERS_MAX].split()) if isinstance(value, str) else ""


def chosen(form: Mapping[str, Any], name: str, choices: tuple[int, ...], wrong: Wrong) -> int:
    """The number of a list of choices; noted as a mistake where it is none of them."""
    text = text_in(form, name)
    if text not in {str(each) for each in choices}:
        wrong.say(name, say(wrong.language, "choose-one"))
        return choices[0]
    return int(text)
