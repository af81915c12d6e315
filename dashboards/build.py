"""`callpoint dashboards build`: every dashboard in each language as JSON, and what provisions them; always the same.

What is built is committed in `built/`, so that an installation needs neither the SDK nor this command.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from config.people import Language
from dashboards import building, callouts, cylinders, detectors, device, drills, elevators, gateways, overview
from dashboards.words import LANGUAGES, Words

HERE = Path(__file__).resolve().parent
BUILT = HERE / "built"
PROVISIONING = HERE / "provisioning"
MAKERS = {
    "overview": overview.build,  # home
    "building": building.build,
    "elevators": elevators.build,
    "cylinders": cylinders.build,
    "detectors": detectors.build,
    "gateways": gateways.build,
    "callouts": callouts.build,
    "drills": drills.build,
    "device": device.build,
}

_HEADS: Mapping[Language, tuple[str, str, str]] = {
    "zh": ("面板", "显示什么", "没有数据时"),
    "en": ("panel", "what it shows", "without data"),
}


def run(to: Path | None, languages: Sequence[Language], check: bool) -> int:
    """Write the files into a folder, or say which of its files are not as they would be built. 0, or 1."""
    folder, wanted = to or BUILT, files(languages)
    stale = [name for name, text in wanted.items() if _read(folder / name) != text]
    extra = [name for name in _json_in(folder) if name not in wanted and name.partition("/")[0] in languages]
    if check:
        for name in stale:
            print(f"{folder / name}: not as it would be built")
        for name in extra:
            print(f"{folder / name}: of a dashboard that is no more")
        return 1 if stale or extra else 0
    try:
        for name in stale:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        for name in extra:
            (folder / name).unlink()
    except OSError as error:
        print(f"callpoint dashboards build: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{folder}: {len(wanted)} files, {len(stale)} written, {len(extra)} removed", file=sys.stderr)
    return 0


def show(languages: Sequence[Language]) -> int:
    """Print every dashboard with its panels and what they show, as Markdown. 0."""
    for language in languages:
        print(tables(language), end="")
    return 0


def tables(language: Language) -> str:
    """A section for each dashboard: what it answers, and a table of its panels."""
    words = Words(language)
    parts = []
    for name, make in MAKERS.items():
        made = make(words)
        rows = [_HEADS[language], ("---",) * 3]
        for panel in made.panels or []:
            if isinstance(panel, models.Panel) and panel.field_config is not None:
                assert panel.field_config.defaults is not None  # every panel says what it shows without data
                rows.append((panel.title or "", panel.description or "", panel.field_config.defaults.no_value or ""))
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts.append(f"### {made.title}\n\n`{language}/{name}.json` {made.description}\n\n{table}\n")
    return "\n".join(parts)


def files(languages: Sequence[Language] = LANGUAGES) -> dict[str, str]:
    """Every file of a build, by its path beneath the folder."""
    made = {
        f"{language}/{name}.json": as_json(make(Words(language)))
        for language in languages
        for name, make in MAKERS.items()
    }
    return {**made, **_provisioning(languages)}


def as_json(dashboard: models.Dashboard) -> str:
    """As it is committed: sorted, in the characters of its language."""
    return JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False).encode(dashboard) + "\n"


def _provisioning(languages: Sequence[Language]) -> Mapping[str, str]:
    """The data source, a folder for each language, and the environment that they want; home is the first language's."""
    names = ["datasources/callpoint.yaml", *(f"dashboards/callpoint-{language}.yaml" for language in languages)]
    found = {f"provisioning/{name}": (PROVISIONING / name).read_text(encoding="utf-8") for name in names}
    home = "zh" if "zh" in languages else languages[0]
    environment = (PROVISIONING / "grafana.env.example").read_text(encoding="utf-8")
    return {**found, "grafana.env.example": environment.replace("/zh/overview.json", f"/{home}/overview.json")}


def _json_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.json"))


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
