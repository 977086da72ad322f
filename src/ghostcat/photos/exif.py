"""What a camera wrote beside the picture: when, with which device, and which way up.

Cameras write EXIF times without an offset, and some write zeros, blanks or a date that does not exist
when their battery was changed. A time that cannot be read is no time, with a note that says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ExifReading", "parse_exif_time", "read_exif"]

_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
#: Times in order of trust: shutter, digitising (the same moment in a camera), last change of the file.
_TIMES = (
    ("DateTimeOriginal", 0x9003, 0x9291),
    ("DateTimeDigitized", 0x9004, 0x9292),
    ("DateTime", 0x0132, 0x9290),
)
#: Pointers and blobs that say nothing to a reader, and the position: it stays in the original alone.
_LEFT_OUT = {0x8769, 0x8825, 0xA005, 0x014A, 0x927C, 0xA000, 0xEA1C}
_LONGEST_VALUE = 300
_TIME = re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})\D+(\d{1,2})\D(\d{1,2})(?:\D(\d{1,2}))?")


@dataclass(frozen=True, kw_only=True)
class ExifReading:
    """EXIF as far as it could be read. `orientation` is 1…8; 1 when nothing is said."""

    camera_time: datetime | None = None
    orientation: int = 1
    tags: dict[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_exif(image: Image.Image) -> ExifReading:
    """Read the EXIF block of an opened image; a damaged block gives notes, never an error."""
    try:
        exif = image.getexif()
        sub = exif.get_ifd(_EXIF_IFD)
        main, detail = dict(exif), dict(sub)
    except Exception as fault:  # a hostile or cut EXIF block fails in many ways, none of them ours
        return ExifReading(notes=(f"the EXIF block cannot be read ({_short(fault)})",))
    camera_time, notes = _camera_time({**main, **detail})
    orientation = main.get(_ORIENTATION, 1)
    if orientation not in range(1, 9):
        notes += (f"the EXIF orientation {orientation!r} does not exist; shown as stored",)
        orientation = 1
    return ExifReading(
        camera_time=camera_time, orientation=orientation, tags=_named({**main, **detail}), notes=notes
    )


def parse_exif_time(text: str, subsecond: str = "") -> datetime | None:
    """Read `2025:04:09 15:29:09` and its near misses; None when it is no moment that ever was.

    >>> parse_exif_time("2025:04:09 15:29:09", "25")
    datetime.datetime(2025, 4, 9, 15, 29, 9, 250000)
    >>> parse_exif_time("0000:00:00 00:00:00") is None
    True
    """
    match = _TIME.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    second = int(match.group(6) or 0)
    digits = re.match(r"\d+", subsecond.strip())
    microsecond = int(digits.group()[:6].ljust(6, "0")) if digits else 0
    try:
        # A leap second, or the 60 that some firmware writes, is the last moment of its minute.
        return datetime(year, month, day, hour, minute, min(second, 59), microsecond)
    except ValueError:
        return None


def _camera_time(tags: dict[int, object]) -> tuple[datetime | None, tuple[str, ...]]:
    notes: list[str] = []
    for name, tag, subsecond_tag in _TIMES:
        text = _text(tags.get(tag, "")).strip()
        if not re.search(r"\w", text):
            continue
        moment = parse_exif_time(text, _text(tags.get(subsecond_tag, "")))
        if moment is None:
            notes.append(f"the EXIF date {text!r} ({name}) is no date: no capture time")
            continue
        if name != "DateTimeOriginal":
            notes.append(f"capture time from EXIF {name}: there is no usable DateTimeOriginal")
        return moment, tuple(notes)
    return None, tuple(notes) or ("no EXIF date: no capture time",)


def _named(tags: dict[int, object]) -> dict[str, object]:
    from PIL.ExifTags import TAGS

    named: dict[str, object] = {}
    for tag, value in tags.items():
        plain = None if tag in _LEFT_OUT else _plain(value)
        if plain not in (None, ""):
            named[TAGS.get(tag, f"0x{tag:04X}")] = plain
    return named


def _plain(value: object) -> object:
    """The value as JSON knows it; None when it is binary or too long to be a remark."""
    if isinstance(value, str):
        text = value.replace("\0", " ").strip()
        return text if len(text) <= _LONGEST_VALUE else None
    if isinstance(value, bytes):
        text = _text(value).strip()
        return text if text.isprintable() and len(text) <= _LONGEST_VALUE else None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, tuple | list):
        parts = [_plain(part) for part in value[:16]]
        return None if any(part is None for part in parts) else parts
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if number == number and abs(number) != float("inf") else None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        # UserComment carries eight bytes that name its character code.
        body = value[8:] if value[:8] in (b"ASCII\0\0\0", b"UNICODE\0", b"\0" * 8) else value
        return body.decode("utf-8", errors="replace").replace("\0", " ").strip()
    return value.replace("\0", " ") if isinstance(value, str) else ""


def _short(fault: Exception) -> str:
    return str(fault).splitlines()[0][:120] if str(fault) else type(fault).__name__
