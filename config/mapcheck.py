"""What `check` says of a site's map: the picture is there and is one, and every building stands on it."""

from __future__ import annotations

from pathlib import Path

from config.document import Document
from config.site import SiteFile

BYTES_MAX = 1_000_000  # each board loads it
_PNG = b"\x89PNG\r\n\x1a\n"


def read_map(file: SiteFile, folder: Path, document: Document) -> bytes | None:
    """The picture, None if the site has no map or one with mistakes, which are noted."""
    drawn = file.community.map
    if drawn is None:
        return None
    if drawn.south >= drawn.north or drawn.west >= drawn.east:
        expected = "south below north and west below east"
        document.mistake(("community", "map"), "a rectangle that is turned round", expected)
        return None
    for number, building in enumerate(file.buildings):
        if not drawn.holds(building.latitude, building.longitude):
            found = f"{building.id!r} at {building.latitude}, {building.longitude}, off the map"
            document.mistake(("buildings", number), found, "a place within community.map")
    try:
        picture = (folder / drawn.file).read_bytes()
    except OSError:
        document.mistake(("community", "map", "file"), repr(drawn.file), "a file in the site folder")
        return None
    is_one = picture.startswith(_PNG) if drawn.file.endswith(".png") else b"<svg" in picture[:4096]
    if not is_one or len(picture) > BYTES_MAX:
        expected = f"an SVG or PNG as its name says, at most {BYTES_MAX} bytes"
        document.mistake(("community", "map", "file"), f"{drawn.file!r} of {len(picture)} bytes", expected)
        return None
    return picture
