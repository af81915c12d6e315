"""A photo from somebody's phone, made harmless: read by what it is and not by its name, turned upright, at most 1600
pixels, and written anew as JPEG, so that nothing of where and with what it was taken goes with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps

PHOTO_BYTES_MAX = 10 * 1024 * 1024
EDGE_PIXELS_MAX = 1_600
PIXELS_MAX = 60_000_000  # 200 MB once decoded, where the decoder cannot do it smaller
WAITING_MAX = 6  # photos, the one that is read included
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 80
# What decoders raise on files that are truncated, or made to break them.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)


class PhotoFault(StrEnum):
    """Why a file is not taken. The messages `photo-<fault>` say it to people."""

    MISSING = "missing"
    NOT_A_PHOTO = "not-a-photo"
    MOVES = "moves"
    TOO_LARGE = "too-large"
    BUSY = "busy"


class PhotoRefused(ValueError):
    """The file is not taken; `.fault` says why."""

    def __init__(self, fault: PhotoFault) -> None:
        self.fault = fault
        super().__init__(fault.value)


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture fit to be kept. `id`: the same for the same picture."""

    id: str
    jpeg: bytes


class Darkroom:
    """Reads one photo at a time, in a thread of its own, so that it takes a Pi's memory once. A few may wait."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._inside = 0

    async def read(self, file: BinaryIO) -> Photo:
        """See `read_photo`; also raises PhotoRefused where too many wait already."""
        if self._inside >= WAITING_MAX:
            raise PhotoRefused(PhotoFault.BUSY)
        self._inside += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(read_photo, file)
        finally:
            self._inside -= 1


def read_photo(file: BinaryIO) -> Photo:
    """The photo in a file. Takes a second of a Pi's time: not for the event loop. Raises PhotoRefused."""
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise PhotoRefused(PhotoFault.TOO_LARGE)
            if getattr(picture, "is_animated", False) and picture.format != "MPO":  # a phone's JPEG with its depth
                raise PhotoRefused(PhotoFault.MOVES)
            picture.draft("RGB", (EDGE_PIXELS_MAX, EDGE_PIXELS_MAX))
            return _written_anew(picture)
    except PhotoRefused:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoRefused(PhotoFault.TOO_LARGE) from error
    except _BROKEN as error:
        raise PhotoRefused(PhotoFault.NOT_A_PHOTO) from error


def _written_anew(picture: Image.Image) -> Photo:
    picture.thumbnail((EDGE_PIXELS_MAX, EDGE_PIXELS_MAX))
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        clear = upright.convert("RGBA")
        upright = Image.new("RGB", clear.size, "white")
        upright.paste(clear, mask=clear.getchannel("A"))
    plain = Image.new("RGB", upright.size)  # a picture of its own: pixels, and nothing that came with them
    plain.paste(upright.convert("RGB"))
    jpeg = _jpeg(plain)
    return Photo(hashlib.sha256(jpeg).hexdigest()[:16], jpeg)


def _jpeg(picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return written.getvalue()
