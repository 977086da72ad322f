"""Surveys of any size, for the benchmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.captures import DetectorArray, ScrSession
from ghostcat.scr.mask import Mask

Floats = NDArray[np.float64]


def simulated_survey(
    traps_xy_m: Floats,
    cells_xy_m: Floats,
    *,
    cell_m: float,
    days: int,
    density_per_100km2: float,
    lambda0: float,
    sigma_m: float,
    learned: float = 0.0,
    rng: np.random.Generator,
) -> ScrSession:
    """A camera survey of `days` occasions, binary per day; `learned` is added to ln λ0 of a camera after it
    caught the animal once."""
    centres = rng.poisson(len(cells_xy_m) * (cell_m / 1000.0) ** 2 * density_per_100km2 / 100.0)
    home = cells_xy_m[rng.integers(0, len(cells_xy_m), centres)]
    home = home + rng.uniform(-0.5, 0.5, home.shape) * cell_m
    animal, detector, occasion = [], [], []
    for one in home:
        hazard = lambda0 * np.exp(-((traps_xy_m - one) ** 2).sum(axis=1) / (2 * sigma_m**2))
        near = np.flatnonzero(hazard > 1e-9)
        caught = rng.random((len(near), days)) < -np.expm1(-hazard[near])[:, None]
        if learned:
            later = np.cumsum(caught, axis=1) - caught > 0
            again = rng.random(caught.shape) < -np.expm1(-hazard[near] * np.exp(learned))[:, None]
            caught = np.where(later, again, caught)
        where, when = np.nonzero(caught)
        if len(where):
            number = 0 if not animal else animal[-1][0] + 1
            animal.append(np.full(len(where), number))
            detector.append(near[where])
            occasion.append(when)
    n = animal[-1][0] + 1 if animal else 0
    array = DetectorArray(
        xy_m=traps_xy_m,
        kind="proximity",
        usage=np.ones((len(traps_xy_m), days)),
        animal=np.concatenate(animal),
        detector=np.concatenate(detector),
        occasion=np.concatenate(occasion),
    )
    return ScrSession(
        mask=Mask(cells_xy_m, (cell_m / 1000.0) ** 2),
        arrays=(array,),
        animals=tuple(f"a{i}" for i in range(n)),
    )


def grid(columns: int, rows: int, step_m: float) -> Floats:
    """Points of a regular grid around the origin."""
    x = (np.arange(columns) - (columns - 1) / 2) * step_m
    y = (np.arange(rows) - (rows - 1) / 2) * step_m
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
