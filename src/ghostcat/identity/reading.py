"""What one photo says about a coat, before anything is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["FlankReading", "Side"]

Side = Literal["left", "right", "unknown"]


@dataclass(frozen=True, kw_only=True)
class FlankReading:
    """The animal in one photo: where it is, which flank it shows, and whether that can be used.

    Attributes
    ----------
    box : x, y, width, height as fractions of the frame; None when no animal was found.
    mask : bool array over the box (its own resolution), True on the body; None without a mask model.
    side : the flank the photo alone suggests; `unknown` when it cannot tell.
    side_probability : P(the right flank is shown), 0.5 when nothing is known.
    usable, reason : whether the coat can be compared, or why not.
    quality : 0…1, comparable within one engine: share of good conditions, used to choose the best photos.
    infrared : no colour in the picture.
    """

    box: tuple[float, float, float, float] | None
    mask: NDArray[np.bool_] | None
    side: Side
    side_probability: float
    usable: bool
    reason: str
    quality: float
    infrared: bool
