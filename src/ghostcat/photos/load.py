"""Pixels as the animal stood: upright, three channels, eight bits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.photos.exif import read_exif
from ghostcat.photos.opening import PictureTooLarge, UnknownContent, open_picture

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["load_rgb", "to_rgb", "upright"]

#: EXIF orientation → the turn or flip that sets the stored pixels upright (EXIF 2.32, table 4.6.4 A).
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def load_rgb(path: str | Path) -> NDArray[np.uint8]:
    """Load a photo as it is to be looked at.

    The EXIF orientation is applied, mirrored ones too: a mirrored flank would be the wrong flank.
    Grey, CMYK, palette and 16-bit pictures become RGB; 16 bits and floats are scaled to their own range.

    Parameters
    ----------
    path : a JPEG, PNG, TIFF, BMP, GIF or WebP file, whatever its name ends in.

    Returns
    -------
    (height, width, 3) uint8 array.

    Raises
    ------
    FormatError : the file is missing, is no picture, or is damaged.
    """
    path = Path(path)
    try:
        image = open_picture(path.read_bytes())
        orientation = read_exif(image).orientation
        return np.asarray(upright(to_rgb(image), orientation), dtype=np.uint8)
    except UnknownContent:
        fault = "this is no picture that can be read"
    except PictureTooLarge as size:
        fault = f"the picture claims {size}: more than any camera makes"
    except Exception as error:  # decoders fail in many ways on damaged files
        fault = f"the picture cannot be decoded ({error or type(error).__name__})"
    raise FormatError(
        fault, where=str(path), fix="Open the file in a picture viewer; copy it from the card again."
    )


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB without losing the range of deep pictures."""
    from PIL import Image as pil

    if image.mode == "RGB":
        return image
    if image.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        # A 16-bit file may hold 8, 10 or 12 bits: its own range is what a viewer would show.
        scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
        return pil.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")
    if image.mode in ("PA", "P", "LA", "La", "RGBa"):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        canvas = pil.new("RGB", image.size, (255, 255, 255))
        canvas.paste(image, mask=image.getchannel("A"))
        return canvas
    return image.convert("RGB")


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn or mirror stored pixels as the EXIF orientation (1…8) asks."""
    from PIL.Image import Transpose

    turn = _TURNS.get(orientation)
    return image.transpose(Transpose[turn]) if turn else image
