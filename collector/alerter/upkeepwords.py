"""What a trend says, in a sentence or two of each language."""

from __future__ import annotations

from datetime import date

from collector.equipment.pressure import Leak, Verdict
from collector.equipment.smoke import Drift, Level
from collector.locale.catalogues import LANGUAGES, say
from config.people import Text

_GAP = {"zh": "", "en": " "}  # between sentences


def leak_words(leak: Leak, below: tuple[float, date] | None) -> Text:
    """What the slope of a pressure says. `below`: the limit that it will be below, and when."""
    slope, error = leak.slope_kpa_per_month or 0.0, leak.uncertainty_kpa_per_month or 0.0
    none_yet = leak.verdict is Verdict.UNKNOWN and not leak.days_of_data
    name = "first-day" if none_yet else leak.verdict.value
    parts = [_said(name, slope=f"{slope:.0f}", error=f"{error:.0f}", n=leak.days_of_data)]
    if leak.verdict in (Verdict.OPEN, Verdict.UNKNOWN) and leak.days_needed:
        parts.append(_said("more", n=leak.days_needed))
    if leak.verdict is Verdict.LEAK and below is not None:
        parts.append(_said("below", limit=f"{below[0]:g}", on=below[1]))
    return _joined(parts)


def drift_words(level: Level | None, drift: Drift, clean_by: date | None) -> Text:
    """What the dirt in a chamber says."""
    parts = [_said("learning" if level is None else level.name.lower().replace("_", "-"))]
    if drift.percent_per_month is not None:
        slope, error = drift.percent_per_month, drift.uncertainty_per_month or 0.0
        parts.append(_said("drift", slope=f"{slope:.1f}", error=f"{error:.1f}", n=drift.days_of_data))
    if clean_by is not None:
        parts.append(_said("clean", on=clean_by))
    return _joined(parts)


def _said(name: str, **facts: object) -> Text:
    return {language: say(language, f"trend/{name}", **facts) for language in LANGUAGES}


def _joined(parts: list[Text]) -> Text:
    return {language: _GAP[language].join(part[language] for part in parts) for language in LANGUAGES}
