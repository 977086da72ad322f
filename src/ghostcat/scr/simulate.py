"""Draw captures from the model that the engine fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.scr.checks import Detector, check_metres
from ghostcat.scr.data import ScrData
from ghostcat.scr.hazard import half_normal_hazard
from ghostcat.scr.mask import Mask

__all__ = ["SimulatedCaptures", "simulate_captures"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedCaptures:
    """Simulated data and the truth behind them."""

    data: ScrData
    centres_xy_m: Floats
    """(N, 2) activity centres of all animals, seen or not."""
    seen: NDArray[np.int64]
    """(n,) which of them are the rows of `data`."""


def simulate_captures(
    traps_xy_m: ArrayLike,
    usage: ArrayLike,
    *,
    mask: Mask,
    density_per_100km2: float,
    lambda0: float,
    sigma_m: float,
    rng: np.random.Generator,
    detector: Detector = "count",
) -> SimulatedCaptures:
    """Poisson number of animals, uniform centres on the mask, hazard half-normal detection.

    Parameters
    ----------
    traps_xy_m : (n_stations, 2) metres.
    usage : (n_stations,) station-days; whole days for "proximity".
    mask : where animals live; centres are uniform within cells.
    density_per_100km2, lambda0, sigma_m : truth.
    rng : source of randomness.
    detector : "count" draws Poisson counts, "proximity" at most one detection a day.

    Returns
    -------
    SimulatedCaptures
    """
    traps = check_metres(traps_xy_m, what="traps_xy_m")
    effort = np.asarray(usage, dtype=np.float64)
    number = rng.poisson(density_per_100km2 / 100.0 * mask.area_km2)
    cell = rng.choice(mask.cells, size=number, p=mask.cell_area_km2 / mask.area_km2)
    side = 1000.0 * np.sqrt(mask.cell_area_km2[cell])[:, None]
    centres = mask.xy_m[cell] + side * rng.uniform(-0.5, 0.5, size=(number, 2))
    distance = np.hypot(centres[:, None, 0] - traps[None, :, 0], centres[:, None, 1] - traps[None, :, 1])
    hazard = half_normal_hazard(distance, lambda0, sigma_m)
    if detector == "count":
        counts = rng.poisson(hazard * effort)
    else:
        counts = rng.binomial(np.rint(effort).astype(np.int64), -np.expm1(-hazard))
    seen = np.flatnonzero(counts.sum(axis=1))
    data = ScrData(
        counts[seen], effort, traps, detector=detector, animal_ids=tuple(f"A{i + 1}" for i in seen)
    )
    return SimulatedCaptures(data=data, centres_xy_m=centres, seen=seen)
