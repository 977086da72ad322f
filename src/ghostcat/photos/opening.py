"""Which picture formats are opened, and how: by their content, never by their name."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageFile

__all__ = ["LARGEST_PIXELS", "PictureTooLarge", "UnknownContent", "open_picture", "sniff"]

#: 200 megapixels: four times the largest frame that trail cameras interpolate to. A header that claims
#: more would fill the memory; such files are made to do so.
LARGEST_PIXELS = 200_000_000

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
)


class UnknownContent(Exception):
    """The bytes are none of the picture formats that are read."""


class PictureTooLarge(Exception):
    """The header claims more pixels than any camera has."""


def sniff(head: bytes) -> str:
    """Name the picture format of a file's first bytes, or return an empty string.

    >>> sniff(bytes([0xFF, 0xD8, 0xFF, 0xE1]))
    'JPEG'
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def open_picture(content: bytes) -> ImageFile.ImageFile:
    """Open a picture without decoding it.

    The decoder of the sniffed format is called directly: `Image.open` would try every plug-in, among
    them some that start other programs, and warns through global state about large pictures.

    Raises
    ------
    UnknownContent : no format that is read.
    PictureTooLarge : more than `LARGEST_PIXELS`.
    SyntaxError, OSError … : whatever the decoder makes of a damaged header.
    """
    from PIL import (
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    decoders: dict[str, type[ImageFile.ImageFile]] = {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
    }
    kind = sniff(content[:16])
    if not kind:
        raise UnknownContent
    image = decoders[kind](io.BytesIO(content))
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        raise PictureTooLarge(f"{width} × {height} pixels")
    return image
