"""Does the mask of a fit reach far enough?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.captures import DetectorArray
from ghostcat.scr.detection import detection_hazard
from ghostcat.scr.layout import ArrayLayout
from ghostcat.scr.parameters import DETECTION_FUNCTIONS, predicted_values

if TYPE_CHECKING:
    from ghostcat.scr.fitting import ModelFit

__all__ = ["edge_share"]

Floats = NDArray[np.float64]

# Hazard at the edge of the mask below which nothing of the effective area lies beyond it.
_NEGLIGIBLE = 5e-4
_LATTICE = 26.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Detection:
    """One array as the class of animals that moves farthest meets it, before it was ever caught."""

    traps: Floats
    effort: Floats
    level: float
    sigma: float
    shape: float
    detectfn: int

    def total_hazard(self, distance: Floats) -> Floats:
        """(n,) from (n, traps) distances."""
        with np.errstate(over="ignore"):  # (d/σ)^−z of a hazard rate is infinite at distance 0, and harmless
            hazard = detection_hazard(
                distance,
                self.level,
                self.sigma,
                detectfn=DETECTION_FUNCTIONS[self.detectfn],  # type: ignore[arg-type]
                shape=self.shape,
            )
        return np.asarray(hazard @ self.effort)


def edge_share(fit: ModelFit, session: int) -> tuple[float, float]:
    """Part of the effective sampling area that lies beyond the mask, and how far the mask reaches, metres.

    From a lattice of points around the detectors: those outside the convex outline of the mask against all.
    """
    mask = fit.model.sessions[session].mask
    along = _directions()
    support = (mask.xy_m @ along).max(axis=0) + 0.5 * mask.cell_m
    share, least = 0.0, math.inf
    arrays = zip(fit.model.sessions[session].arrays, fit.laid.layout.sessions[session].arrays, strict=True)
    for own, array in arrays:
        if array.distance_m is not None or not own.usage.any():
            continue
        seen = _detection(fit, own, array)
        reach = float((support - (seen.traps @ along).max(axis=0)).min())
        least = min(least, reach)
        # Even if all detectors stood at the edge, nobody beyond it would be detected.
        edge = np.full((1, len(seen.traps)), max(reach, 0.0))
        if float(seen.total_hazard(edge)[0]) < _NEGLIGIBLE:
            continue
        low, high = seen.traps.min(axis=0), seen.traps.max(axis=0)
        outer = max(reach, 0.0) + 4.0 * seen.sigma
        step = (float((high - low).max()) + 2.0 * outer) / _LATTICE
        axes = [np.arange(lo - outer, hi + outer + step, step) for lo, hi in zip(low, high, strict=True)]
        points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        distance = np.sqrt((points[:, :1] - seen.traps[:, 0]) ** 2 + (points[:, 1:] - seen.traps[:, 1]) ** 2)
        caught = -np.expm1(-seen.total_hazard(distance))
        beyond = (points @ along > support).any(axis=1)
        share = max(share, float(caught[beyond].sum() / max(caught.sum(), 1e-300)))
    return share, least


def _detection(fit: ModelFit, own: DetectorArray, array: ArrayLayout) -> _Detection:
    latent = max(array.classes, key=lambda c: float(predicted_values(c.sigma, fit.beta)[0].max()))
    sigma = float(np.median(predicted_values(latent.sigma, fit.beta)[0]))
    level = float(np.median(predicted_values(latent.intercept, fit.beta)[0]))
    shape = math.nan
    if latent.shape is not None:
        shape = float(np.median(predicted_values(latent.shape, fit.beta)[0]))
    if own.kind == "polygonX":
        corners = np.concatenate(own.polygons)
        effort = np.full(len(corners), float(own.usage.sum()) / len(corners))
        return _Detection(
            traps=corners, effort=effort, level=level, sigma=sigma, shape=shape, detectfn=array.detectfn
        )
    if array.intercept_name == "a0":
        level *= 10_000.0 / (2.0 * math.pi * sigma**2)
        if array.detectfn < 14:
            level = -math.expm1(-level)
    effort = own.usage.sum(axis=1) if own.trials is None else (own.usage * own.trials).sum(axis=1)
    return _Detection(
        traps=own.xy_m, effort=effort, level=level, sigma=sigma, shape=shape, detectfn=array.detectfn
    )


def _directions() -> Floats:
    """(2, 16) unit vectors all around."""
    angle = np.arange(16) * (2.0 * math.pi / 16)
    return np.stack([np.cos(angle), np.sin(angle)])
