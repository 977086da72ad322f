"""Smooth random fields, the raw matter of bark, leaf litter, clouds of light and fur."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cloud_noise", "look_up", "smooth_noise", "soften"]

Floats = NDArray[np.floating[Any]]


def soften(image: Floats, sigma_px: float) -> Floats:
    """Gaussian blur of (h, w) or (h, w, c)."""
    import cv2

    result: Floats = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)
    return result.reshape(image.shape)


def look_up(image: NDArray[Any], col: Floats, row: Floats) -> Floats:
    """Values of a picture at places between its pixels; mirrored beyond its edges."""
    import cv2

    at = np.asarray(col, np.float32), np.asarray(row, np.float32)
    got = cv2.remap(image, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(got, np.float32)


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, ...], *, cells: float, stretch: float = 1.0
) -> Floats:
    """One octave of noise (h, w), mean 0 and standard deviation near 1.

    `cells` is the number of grains across the width; `stretch` > 1 makes grains that many
    times taller than wide.
    """
    import cv2

    height, width = shape
    across = max(round(cells), 2)
    down = max(round(cells * height / width / stretch), 2)
    grain = rng.standard_normal((down + 3, across + 3), dtype=np.float32)
    size = (width + 2 * width // across, height + 2 * height // down)
    grown = cv2.resize(grain, size, interpolation=cv2.INTER_CUBIC)
    top, left = height // down, width // across
    result: Floats = np.ascontiguousarray(grown[top : top + height, left : left + width]) * np.float32(1.25)
    return result


def cloud_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    *,
    cells: float,
    octaves: int = 4,
    fall: float = 0.55,
    stretch: float = 1.0,
) -> Floats:
    """Octaves of `smooth_noise`, each twice as fine and `fall` times as strong; deviation near 1."""
    total = np.zeros(shape, np.float32)
    power = 0.0
    for octave in range(octaves):
        weight = fall**octave
        total += np.float32(weight) * smooth_noise(rng, shape, cells=cells * 2**octave, stretch=stretch)
        power += weight**2
    result: Floats = total / np.float32(np.sqrt(power))
    return result
