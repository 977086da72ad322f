"""Which flank one outline shows: a small network that has only ever seen drawn cats.

An animal whose head points to the right edge of the photo shows its right flank. The network reads the
upper part of the body's outline (tail, back, head); legs were found to mislead. It was trained on
silhouettes drawn by `benchmarks/make_side_model.py`, on no photograph. One outline is weak evidence
(see docs/identity.md); `sides.settle_sides` adds up the photos of a pass, of facing cameras and of
everything that matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.identity.model_files import MODEL_FOLDER, verified_model

__all__ = ["SideModel", "load_side_model", "outline_grid"]

#: Rows and columns to which the body's box is stretched.
GRID = (24, 36)
#: Drawn cats are easier than real ones: the network's log odds are divided by this …
OVERCONFIDENCE = 2.0
#: … and never exceed this.
MOST_LOG_ODDS = 1.7


@dataclass(frozen=True)
class SideModel:
    """One hidden layer of rectified units over the grid of the outline and its aspect."""

    rows: int
    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]

    def right(self, mask: NDArray[np.bool_]) -> float:
        """P(right flank) from a body mask (its box, any resolution): `right(mask) + right(flipped) = 1`."""
        grid, aspect = outline_grid(mask)
        there = self._evidence(grid, aspect)
        back = self._evidence(grid[:, ::-1], aspect)
        odds = np.clip((there - back) / 2 / OVERCONFIDENCE, -MOST_LOG_ODDS, MOST_LOG_ODDS)
        return float(1 / (1 + np.exp(-odds)))

    def _evidence(self, grid: NDArray[np.float32], aspect: float) -> float:
        x = np.append(grid[: self.rows].ravel(), np.float32(aspect))
        return float(np.maximum(x @ self.w1 + self.b1, 0) @ self.w2)


def outline_grid(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
    """The mask stretched to `GRID`, −½…½, and log(width / height)."""
    import cv2

    height, width = mask.shape
    grid = cv2.resize(mask.astype(np.float32), (GRID[1], GRID[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(grid - 0.5, dtype=np.float32), float(np.log(width / height))


def load_side_model(folder: Path = MODEL_FOLDER, *, required: bool = False) -> SideModel | None:
    """The network's weights; None when the file is not there.

    Raises
    ------
    ModelMissing : with `required`, when the file is missing; always, when it is not that of the manifest.
    """
    found = verified_model("side_silhouettes", folder, required=required)
    if found is None:
        return None
    with np.load(found[0]) as file:
        return SideModel(
            rows=int(file["rows"]),
            w1=file["w1"].astype(np.float32),
            b1=file["b1"].astype(np.float32),
            w2=file["w2"].astype(np.float32),
        )
