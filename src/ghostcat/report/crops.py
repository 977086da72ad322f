"""Flank pictures for the catalogue: cut from the photo, small enough to travel inside the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import GhostcatError
from ghostcat.survey.evidence import Box, Snapshot

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["LoadPhoto", "Picture", "flank_pictures"]

LoadPhoto = Callable[[str], NDArray[np.uint8]]

_BUDGET_BYTES = 3_300_000
"""For all pictures of one page, before base64 adds a third."""
_MOST_BYTES = 60_000
_SIZES = ((600, 82), (600, 72), (480, 76), (480, 64), (360, 70), (300, 62), (220, 58))
"""(width in pixels, JPEG quality), best first."""
_SHAPE = 3 / 2
_AROUND = 0.08


@dataclass(frozen=True)
class Picture:
    """A JPEG as a data address, with its size in pixels."""

    address: str
    width: int
    height: int


def flank_pictures(
    media_ids: Iterable[str], snapshot: Snapshot, load_photo: LoadPhoto
) -> Mapping[str, Picture | None]:
    """A picture of each photo, cut to the animal in it; None where the photo cannot be read.

    Parameters
    ----------
    load_photo : gives the upright (h, w, 3) uint8 photo of a media id.

    All pictures together stay under a fixed size: the more animals, the smaller each.
    """
    wanted = list(dict.fromkeys(media_ids))
    allowance = min(_MOST_BYTES, _BUDGET_BYTES // max(len(wanted), 1))
    pictures: dict[str, Picture | None] = {}
    for media_id in wanted:
        try:
            photo = load_photo(media_id)
        except (GhostcatError, OSError, ValueError, KeyError):
            pictures[media_id] = None  # the card says that this photo is not available
            continue
        pictures[media_id] = _picture(photo, _animal_box(media_id, snapshot), allowance)
    return pictures


def _animal_box(media_id: str, snapshot: Snapshot) -> Box | None:
    flank = snapshot.flanks.get(media_id)
    if flank is not None and flank.box is not None:
        return flank.box
    boxes = [
        (detection.confidence or 0.0, detection.box)
        for detection in snapshot.detections
        if detection.media_id == media_id and detection.category == "animal" and detection.box is not None
    ]
    return max(boxes)[1] if boxes else None


def _picture(photo: NDArray[np.uint8], box: Box | None, allowance: int) -> Picture:
    from PIL import Image

    height, width = photo.shape[:2]
    left, top, right, bottom = _window(box or (0.0, 0.0, 1.0, 1.0), width, height)
    cut = Image.fromarray(np.ascontiguousarray(photo[top:bottom, left:right]))
    for pixels, quality in _SIZES:
        small = _scaled(cut, pixels)
        jpeg = BytesIO()
        small.save(jpeg, "JPEG", quality=quality, optimize=True)
        if jpeg.tell() <= allowance:
            break
    address = "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode()
    return Picture(address, small.width, small.height)


def _scaled(cut: Image, pixels: int) -> Image:
    from PIL import Image

    if cut.width <= pixels:
        return cut
    size = (pixels, max(1, round(cut.height * pixels / cut.width)))
    return cut.resize(size, Image.Resampling.LANCZOS)


def _window(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Pixels around `box`, widened to 3 : 2 as far as the photo reaches."""
    x, y, w, h = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    centre_x, centre_y = x + w / 2, y + h / 2
    w, h = w * (1 + 2 * _AROUND), h * (1 + 2 * _AROUND)
    w, h = max(w, h * _SHAPE), max(h, w / _SHAPE)
    w, h = min(max(w, 2.0), width), min(max(h, 2.0), height)
    left = min(max(centre_x - w / 2, 0.0), width - w)
    top = min(max(centre_y - h / 2, 0.0), height - h)
    return round(left), round(top), max(round(left + w), round(left) + 1), max(round(top + h), round(top) + 1)
