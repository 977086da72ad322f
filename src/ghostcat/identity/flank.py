"""From a photo to a flank: the one call that reads a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import InputError
from ghostcat.identity.body import Body, BodyModel, find_body, load_body_model
from ghostcat.identity.reading import FlankReading, Side
from ghostcat.identity.side import SideModel, load_side_model
from ghostcat.identity.usable import judge, view_coat

__all__ = ["Models", "load_models", "read_flank"]

#: P(side) from one photo above which the photo alone names its side.
NAMED_SIDE = 0.75
#: Photos are read at most this large; a coat holds no more than 640 px of a body.
LARGEST_PX = 1600


@dataclass(frozen=True, kw_only=True)
class Models:
    """The models at hand; None where one is missing. `missing` says what, for a person."""

    body: BodyModel | None
    side: SideModel | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Sentences for the survey's warnings."""
        return tuple(
            sentence
            for model, sentence in (
                (self.body, "No body mask model: the whole frame is compared, backgrounds may match."),
                (self.side, "No side model: flanks are told apart only by labels and by matches."),
            )
            if model is None
        )


def load_models(*, threads: int = 1, required: bool = False) -> Models:
    """Load what is installed. One set per process.

    Raises
    ------
    ModelMissing : with `required`, when a model is missing; always, when one is damaged.
    """
    return Models(
        body=load_body_model(threads=threads, required=required), side=load_side_model(required=required)
    )


def read_flank(
    rgb: NDArray[np.uint8],
    *,
    models: Models | None = None,
    caption: NDArray[np.bool_] | None = None,
    box: tuple[float, float, float, float] | None = None,
) -> FlankReading:
    """Read one photo: animal, flank, usable or why not.

    Parameters
    ----------
    rgb : (h, w, 3) uint8, upright.
    models : from `load_models`; None works on the whole frame (or on `box`) without a mask.
    caption : bool, any resolution, True where the camera writes (`constant_regions`).
    box : x, y, width, height as fractions, when a detector or a person drew one: only its
        surroundings are looked at.

    Returns
    -------
    FlankReading; `box` and `mask` in the photo given.

    Raises
    ------
    InputError : not an (h, w, 3) uint8 array.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise InputError(f"picture of shape {rgb.shape} and type {rgb.dtype}; (h, w, 3) uint8 is read")
    infrared = _without_colour(rgb)
    if min(rgb.shape[:2]) < 16:
        return _nothing("too_small", infrared)
    small = _reduced(rgb)
    area = _around(box, small.shape[1], small.shape[0])
    body = _body(small, models, caption, area)
    if body is None:
        return _nothing("no_animal", infrared)
    view = view_coat(small, body)
    if models is None or models.body is None:
        # The frame stands for the body: that it fills the frame says nothing.
        view = replace(view, touches_edge=False, touches_top=False)
    usable, reason, quality = judge(view)
    if reason == "no_animal":
        return _nothing(reason, infrared)
    right = 0.5
    if models is not None and models.body is not None and models.side is not None:
        right = models.side.right(body.mask)
    side: Side = "right" if right >= NAMED_SIDE else "left" if right <= 1 - NAMED_SIDE else "unknown"
    height, width = small.shape[:2]
    x0, y0, x1, y1 = body.box
    return FlankReading(
        box=(x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height),
        mask=body.mask if models is not None and models.body is not None else None,
        side=side,
        side_probability=right,
        usable=usable,
        reason=reason,
        quality=quality,
        infrared=infrared,
    )


def _body(
    rgb: NDArray[np.uint8],
    models: Models | None,
    caption: NDArray[np.bool_] | None,
    area: tuple[int, int, int, int],
) -> Body | None:
    """The body within `area` (x0, y0, x1, y1), in pixels of the whole picture."""
    x0, y0, x1, y1 = area
    if models is None or models.body is None:
        from ghostcat.identity.body import caption_rows

        top, bottom = caption_rows(rgb)
        y0, y1 = max(y0, top), min(y1, bottom)
        if y1 - y0 < 16 or x1 - x0 < 16:
            return None
        return Body(box=(x0, y0, x1, y1), mask=np.ones((y1 - y0, x1 - x0), bool), salience=1.0)
    part = None
    if caption is not None:
        import cv2

        size = (rgb.shape[1], rgb.shape[0])
        part = cv2.resize(caption.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)[y0:y1, x0:x1] > 0
    body = find_body(np.ascontiguousarray(rgb[y0:y1, x0:x1]), models.body, caption=part)
    if body is None:
        return None
    bx0, by0, bx1, by1 = body.box
    return Body(box=(bx0 + x0, by0 + y0, bx1 + x0, by1 + y0), mask=body.mask, salience=body.salience)


def _around(
    box: tuple[float, float, float, float] | None, width: int, height: int
) -> tuple[int, int, int, int]:
    """A drawn box, a fifth wider on each side, in pixels; the whole frame without one."""
    if box is None or box[2] <= 0 or box[3] <= 0:
        return 0, 0, width, height
    x, y, w, h = box
    x0, y0 = max(0.0, x - 0.2 * w), max(0.0, y - 0.2 * h)
    x1, y1 = min(1.0, x + 1.2 * w), min(1.0, y + 1.2 * h)
    area = int(x0 * width), int(y0 * height), round(x1 * width), round(y1 * height)
    return area if area[2] - area[0] >= 16 and area[3] - area[1] >= 16 else (0, 0, width, height)


def _reduced(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    scale = LARGEST_PX / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(16, round(rgb.shape[1] * scale)), max(16, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _without_colour(rgb: NDArray[np.uint8]) -> bool:
    """Infrared pictures are grey up to the noise of JPEG chroma."""
    thin = rgb[:: max(1, rgb.shape[0] // 200), :: max(1, rgb.shape[1] // 200)].astype(np.int16)
    return bool(np.percentile(thin.max(axis=2) - thin.min(axis=2), 95) < 12)


def _nothing(reason: str, infrared: bool) -> FlankReading:
    return FlankReading(
        box=None,
        mask=None,
        side="unknown",
        side_probability=0.5,
        usable=False,
        reason=reason,
        quality=0.0,
        infrared=infrared,
    )
