"""Whether a coat can be compared, and if not, why: so that nothing is dropped without a word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.identity.body import SALIENT, Body

__all__ = ["CoatView", "judge", "view_coat"]

#: The measurements are made with the body's long side scaled to this many pixels.
VIEW_PX = 640
#: Share of the body burnt out (some colour channel ≥ 250) above which stripes and rosettes are lost.
BURNT_OUT = 0.30
#: Edge strength (90th percentile of the gradient) over the body's contrast; motion blur stays below.
SHARP = 0.13
#: Grey level and contrast under which a body is a shadow.
DARK_MEAN = 14.0
DARK_CONTRAST = 7.0
#: Long side of the body in pixels of the photo.
LEAST_BODY_PX = 110
#: A body that runs out of the frame and shows less than this share of the frame's width is a rest of one.
CUT_WIDTH = 0.25
#: What runs out of the frame above and beside, spans this share of its width and fills this share of its
#: own box is scenery: cats in tight crops run out too, but legs and back leave more of the box empty.
FILLS_FRAME = 0.6
FILLS_BOX = 0.8
#: A body much taller than wide is seen from the front or from behind.
UPRIGHT = 0.62


@dataclass(frozen=True, kw_only=True)
class CoatView:
    """What was measured on one body: the thresholds above are in these units."""

    burnt_out: float
    sharpness: float
    mean: float
    contrast: float
    long_side_px: int
    aspect: float
    touches_edge: bool
    """Left or right."""
    touches_top: bool
    fill: float
    """Share of the box that is body."""
    frame_share: float
    salience: float


def view_coat(rgb: NDArray[np.uint8], body: Body) -> CoatView:
    """Measure light, sharpness, size and position of a body in its photo (h, w, 3) uint8."""
    import cv2

    x0, y0, x1, y1 = body.box
    height, width = rgb.shape[:2]
    scale = VIEW_PX / max(x1 - x0, y1 - y0)
    size = (max(2, round((x1 - x0) * scale)), max(2, round((y1 - y0) * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    crop = cv2.resize(rgb[y0:y1, x0:x1], size, interpolation=how)
    mask = cv2.resize(body.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(mask, np.ones((9, 9), np.uint8)) > 0
    if inside.sum() < 50:
        inside = mask > 0
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    soft = cv2.GaussianBlur(grey, (0, 0), 1.5)
    slope = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)) / 8
    contrast = float(grey[inside].std())
    return CoatView(
        burnt_out=float((crop.max(axis=2)[inside] > 250).mean()),
        sharpness=float(np.percentile(slope[inside], 90)) / max(contrast, 1.0),
        mean=float(grey[inside].mean()),
        contrast=contrast,
        long_side_px=max(x1 - x0, y1 - y0),
        aspect=(x1 - x0) / (y1 - y0),
        touches_edge=x0 <= 0.004 * width or x1 >= 0.996 * width,
        touches_top=y0 <= 0.01 * height,
        fill=float(body.mask.mean()),
        frame_share=(x1 - x0) / width,
        salience=body.salience,
    )


def judge(view: CoatView) -> tuple[bool, str, float]:
    """Usable or not, the reason if not, and quality 0…1.

    Reasons, the first that holds: `no_animal`, `cut_off`, `too_small`, `over_exposed`, `dark`,
    `blurred`, `not_side_on`.
    """
    quality = (
        float(np.clip((view.sharpness - SHARP / 2) / 0.15, 0, 1))
        * float(np.clip(1 - view.burnt_out / (2 * BURNT_OUT), 0, 1))
        * float(np.clip(view.long_side_px / 400, 0.2, 1))
        * float(np.clip(view.contrast / 25, 0.1, 1))
        * float(np.clip(view.aspect / 1.3, 0.3, 1))
    )
    return (reason := _fault(view)) == "", reason, round(quality if not reason else quality / 2, 4)


def _fault(view: CoatView) -> str:
    if view.touches_edge and view.frame_share < CUT_WIDTH and view.aspect < 1.1:
        return "cut_off"
    if view.touches_edge and view.touches_top and view.frame_share > FILLS_FRAME and view.fill > FILLS_BOX:
        return "no_animal"
    if view.salience < SALIENT:
        return "no_animal"
    if view.long_side_px < LEAST_BODY_PX:
        return "too_small"
    if view.burnt_out > BURNT_OUT:
        return "over_exposed"
    if view.contrast < DARK_CONTRAST and view.mean < DARK_MEAN * 3:
        return "dark"
    if view.sharpness < SHARP:
        return "blurred"
    if view.aspect < UPRIGHT:
        return "not_side_on"
    return ""
