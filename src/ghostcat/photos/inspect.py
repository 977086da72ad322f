"""One look at a photo file: what it is, when it was taken, and a small picture of it.

The file is read once, never written. Hash, EXIF, thumbnail, damage and infra-red all come from the same
bytes; a JPEG is decoded at an eighth of its size, which still reads the whole stream and so finds where
a cut file ends.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np

from ghostcat.photos.exif import ExifReading, read_exif
from ghostcat.photos.infrared import is_colourless
from ghostcat.photos.load import to_rgb, upright
from ghostcat.photos.opening import PictureTooLarge, UnknownContent, open_picture, sniff

if TYPE_CHECKING:
    from PIL import Image, ImageFile

__all__ = ["PhotoFacts", "PhotoState", "inspect_photo"]

PhotoState = Literal["ok", "unreadable", "not_an_image", "empty_file", "missing"]

#: A picture file larger than this is not a photo; it is hashed in pieces and not decoded.
_LARGEST_FILE = 512 * 2**20
_CHUNK = 2**20
#: Stands for the count of rows until it is known.
_ROWS = "{rows}"
_EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "PNG": {".png"},
    "TIFF": {".tif", ".tiff"},
    "GIF": {".gif"},
    "BMP": {".bmp", ".dib"},
    "WEBP": {".webp"},
}
_OTHER_CONTENT: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "a video or HEIC file"),
    (8, b"AVI ", "an AVI video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\0" * 16, "only zero bytes, as a card leaves when the power fails"),
)


@dataclass(frozen=True, kw_only=True)
class PhotoFacts:
    """What one look at a photo file found.

    `width_px` and `height_px` are those of the upright picture. `reason` says why a state is not `ok`;
    on an `ok` photo it holds remarks (grey, CMYK, wrong extension, no capture time …). A damaged photo
    may still have a thumbnail of the part that could be decoded.
    """

    state: PhotoState
    reason: str = ""
    sha256: str = ""
    size_bytes: int | None = None
    width_px: int | None = None
    height_px: int | None = None
    camera_time: datetime | None = None
    exif: dict[str, object] = field(default_factory=dict)
    infrared: bool | None = None
    thumbnail_jpeg: bytes | None = None


def inspect_photo(path: str | Path, *, thumbnail_px: int = 320) -> PhotoFacts:
    """Hash, date, measure and shrink one photo; never raises for a bad file, never modifies it.

    Parameters
    ----------
    path : the file; its name decides nothing, its content does.
    thumbnail_px : longest side of the thumbnail, pixels.

    Returns
    -------
    PhotoFacts with state `ok`, `unreadable`, `not_an_image`, `empty_file` or `missing`.

    >>> inspect_photo("no such file.jpg").state
    'missing'
    """
    path = Path(path)
    try:
        content, sha256, size = _read_once(path)
    except (FileNotFoundError, NotADirectoryError):
        return PhotoFacts(state="missing", reason="there is no file here")
    except IsADirectoryError:
        return PhotoFacts(state="not_an_image", reason="this is a folder")
    except PermissionError as fault:
        if path.is_dir():  # what Windows says of a folder
            return PhotoFacts(state="not_an_image", reason="this is a folder")
        return PhotoFacts(state="unreadable", reason=f"the file may not be read ({fault.strerror})")
    except (OSError, ValueError) as fault:
        return PhotoFacts(state="unreadable", reason=f"the file cannot be read ({fault})")
    known = PhotoFacts(state="unreadable", sha256=sha256, size_bytes=size)
    if size == 0:
        return _with(known, state="empty_file", reason="the file has no content (0 bytes)")
    if not sniff(content[:16]):
        return _with(known, state="not_an_image", reason=f"no picture: the file holds {_content(content)}")
    if size > _LARGEST_FILE:
        return _with(known, reason=f"{size / 2**20:.0f} MB is more than a photo has; not decoded")
    return _look(known, content, path=path, thumbnail_px=thumbnail_px)


def _read_once(path: Path) -> tuple[bytes, str, int]:
    """Read and hash together; what cannot be a picture is hashed in pieces and not kept."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        head = file.read(_CHUNK)
        digest.update(head)
        keep = bool(sniff(head[:16]))
        content, size = _rest(file, head, digest, keep=keep)
    return content, digest.hexdigest(), size


def _rest(file: BinaryIO, head: bytes, digest: hashlib._Hash, *, keep: bool) -> tuple[bytes, int]:
    pieces, size = [head], len(head)
    while piece := file.read(_CHUNK if not keep else 4 * _CHUNK):
        digest.update(piece)
        size += len(piece)
        if keep and size <= _LARGEST_FILE:
            pieces.append(piece)
    return b"".join(pieces), size


def _look(known: PhotoFacts, content: bytes, *, path: Path, thumbnail_px: int) -> PhotoFacts:
    try:
        image = open_picture(content)
    except UnknownContent:
        return _with(known, state="not_an_image", reason="no picture format that is read")
    except PictureTooLarge as size:
        return _with(known, reason=f"the header claims {size}: more than any camera makes; not decoded")
    except Exception as fault:  # decoders fail in many ways on damaged headers
        return _with(known, reason=f"the header is damaged ({_short(fault)})")
    exif = read_exif(image)
    width, height = image.size[::-1] if exif.orientation >= 5 else image.size
    known = _with(known, width_px=width, height_px=height, camera_time=exif.camera_time, exif=exif.tags)
    remarks = _remarks(image, path=path, exif=exif)
    stored_height = image.size[1]
    damage = _decode(image, content, thumbnail_px=thumbnail_px)
    try:
        small = _thumbnail(image, exif.orientation, thumbnail_px=thumbnail_px)
        infrared, thumbnail = is_colourless(np.asarray(small)), _jpeg(small)
        rows = _rows_decoded(image, stored_height) if damage else stored_height
    except Exception as fault:  # nothing of the picture could be decoded
        infrared, thumbnail, rows = None, None, 0
        damage = damage or f"the picture cannot be decoded ({_short(fault)})"
    return _with(
        known,
        state="unreadable" if damage else "ok",
        reason="; ".join(
            ([damage.replace(_ROWS, f"{rows} of {stored_height} rows")] if damage else []) + remarks
        ),
        infrared=infrared,
        thumbnail_jpeg=thumbnail,
    )


def _decode(image: ImageFile.ImageFile, content: bytes, *, thumbnail_px: int) -> str:
    """Decode in place, small where the format can; returns what is damaged, empty when nothing is."""
    is_jpeg = image.format in ("JPEG", "MPO")
    if is_jpeg:
        image.draft("RGB", (thumbnail_px, thumbnail_px))
    try:
        image.load()
    except Exception as fault:  # decoders fail in many ways on damaged data
        image.tile = []  # what has been decoded so far can then still be looked at
        if "truncated" in str(fault):
            return f"truncated after {len(content):,} bytes: {_ROWS} can be decoded"
        return f"the picture cannot be decoded ({_short(fault)})"
    if is_jpeg and not _ends(content):
        zeros = len(content) - len(content.rstrip(b"\0"))
        if zeros > 64:
            return f"damaged: the last {zeros:,} of {len(content):,} bytes are zero, the picture breaks off"
        return f"truncated: the JPEG stream has no end marker after {len(content):,} bytes"
    return ""


def _ends(content: bytes) -> bool:
    """Is there an end marker after the start of the scan? Before it lie thumbnails with their own."""
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker == 0xDA:
            return content.rfind(b"\xff\xd9", position) >= 0
        if marker == 0xFF:
            position += 1
            continue
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return content.rfind(b"\xff\xd9") >= 0


def _rows_decoded(image: Image.Image, stored_height: int) -> int:
    """Rows of the stored picture above the first of those that the decoder never reached (all zero)."""
    pixels = np.asarray(image)
    filled = np.flatnonzero(pixels.reshape(pixels.shape[0], -1).any(axis=1))
    return round((int(filled[-1]) + 1) * stored_height / pixels.shape[0]) if filled.size else 0


def _thumbnail(image: Image.Image, orientation: int, *, thumbnail_px: int) -> Image.Image:
    from PIL.Image import Resampling

    small = to_rgb(image)
    scale = min(1.0, thumbnail_px / max(small.size))
    size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
    small = small.resize(size, Resampling.BILINEAR, reducing_gap=2.0) if size != small.size else small
    return upright(small, orientation)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _remarks(image: ImageFile.ImageFile, *, path: Path, exif: ExifReading) -> list[str]:
    remarks = []
    kind = "JPEG" if image.format == "MPO" else image.format or ""
    if path.suffix.lower() not in _EXTENSIONS.get(kind, {""}):
        remarks.append(f"{kind} content in a file named {path.suffix or 'without extension'}")
    if image.mode == "CMYK":
        remarks.append("CMYK colours converted to RGB")
    elif image.mode.startswith(("I", "F")):
        remarks.append("deep grey values scaled to 8 bit")
    if exif.orientation != 1:
        remarks.append(f"shown upright (EXIF orientation {exif.orientation})")
    if getattr(image, "n_frames", 1) > 1:
        remarks.append("only the first of several frames is used")
    return remarks + list(exif.notes)


def _content(content: bytes) -> str:
    for start, magic, name in _OTHER_CONTENT:
        if content[start : start + len(magic)] == magic:
            return name
    head = content[:512]
    if b"\0" not in head:
        return "text" if head.isascii() or _is_utf8(head) else "unknown data"
    return "unknown data"


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as fault:
        return fault.start > len(head) - 4
    return True


def _short(fault: Exception) -> str:
    return str(fault).splitlines()[0][:120] if str(fault) else type(fault).__name__


def _with(facts: PhotoFacts, **changes: object) -> PhotoFacts:
    from dataclasses import replace

    return replace(facts, **changes)  # type: ignore[arg-type]
