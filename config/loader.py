"""Site folders and profiles from disk: read, checked, and refused with every mistake named by file and line.

Every *.yaml of a folder is read; sections may be spread over files as one likes. Of the profiles that devices
name, the site's own in `profiles/` win over those that ship.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from config.document import Document, Mistakes, merge
from config.limits import check_limits
from config.mapcheck import read_map
from config.profile import Profile
from config.references import check_references
from config.site import Site, SiteFile
from config.yamlfile import read_document

SHIPPED_PROFILES = Path(__file__).parent / "profiles"


def load_site(folder: Path | str) -> Site:
    """Read and check a site folder. Raises Mistakes with everything that is wrong; warnings do not stop it."""
    site, document = read_site(Path(folder))
    if site is None:
        raise Mistakes(document.mistakes)
    return site


def read_site(folder: Path) -> tuple[Site | None, Document]:
    """The site if it can be used, and the document with all mistakes and warnings, for `callpoint check`."""
    found = "no *.yaml file"
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".yaml")
    except PermissionError:
        files, found = [], "a place where this user may not look"
    except OSError:
        files = []
    if not files:
        nothing = Document(places={(): (str(folder), 1)})
        nothing.mistake((), found, "a site folder")
        return None, nothing
    document = merge([read_document(path) for path in files])
    profiles = _read_profiles(folder, document)
    try:
        file = SiteFile.model_validate(document.value)
    except ValidationError as error:
        document.take_errors(error)
        return None, document
    check_references(file, profiles, document)
    picture = read_map(file, folder, document)
    if any(not mistake.warning for mistake in document.mistakes):
        return None, document
    site = Site(file, {name: profile for name, profile in profiles.items() if profile is not None})
    site.map_picture = picture
    return site, document


def load_profiles(folder: Path | None = None) -> dict[str, Profile]:
    """The profiles that ship, and those of a site folder over them. Raises Mistakes."""
    document = Document()
    profiles = _read_profiles(folder, document)
    if any(not mistake.warning for mistake in document.mistakes):
        raise Mistakes(document.mistakes)
    return {name: profile for name, profile in profiles.items() if profile is not None}


def _read_profiles(folder: Path | None, document: Document) -> dict[str, Profile | None]:
    """Shipped profiles, and the site's own over them; None for one with mistakes, which go to the site's document."""
    profiles: dict[str, Profile | None] = {}
    own = [] if folder is None else sorted((folder / "profiles").glob("*.yaml"))
    for path in [*sorted(SHIPPED_PROFILES.glob("*.yaml")), *own]:
        shown = str(path) if path in own else f"profiles/{path.name}"
        profiles[path.stem] = read_profile(path, document, shown)
    return profiles


def read_profile(path: Path, into: Document, shown: str | None = None) -> Profile | None:
    """One profile file, or None with its mistakes noted in `into`."""
    document = read_document(path, shown)
    profile = None
    if not document.mistakes:
        try:
            profile = Profile.model_validate(document.value)
        except ValidationError as error:
            document.take_errors(error)
    if profile is not None:
        check_limits(profile, document)
        profile = None if document.mistakes else profile
    if profile is not None and profile.profile != path.stem:
        document.mistake(("profile",), repr(profile.profile), f"the file's own name, {path.stem!r}")
        profile = None
    into.mistakes.extend(document.mistakes)
    return profile
