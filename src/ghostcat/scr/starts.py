"""Starting values from the captures alone, so that nobody has to guess them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.data import ScrData
from ghostcat.scr.likelihood import Problem, effective_area_ha, log_likelihood
from ghostcat.scr.mask import nearest_station_m

__all__ = ["captures_spread_m", "starting_beta"]

Floats = NDArray[np.float64]

# The array cuts movements short, so sigma is more often above than below the observed spread.
_FACTORS = (0.7, 1.0, 1.5, 2.3)


def captures_spread_m(data: ScrData) -> float:
    """Root pooled spatial variance of the captures about each animal's mean capture place, metres.

    A first guess of σ: √(Σ_i Σ_j |x_ij − x̄_i|² / 2 Σ_i (n_i − 1)), after Calhoun & Casby (1958).

    >>> data = ScrData([[1, 1]], [90.0, 90.0], [[0.0, 0.0], [2000.0, 0.0]])
    >>> captures_spread_m(data)
    1000.0
    """
    counts = data.station_counts.astype(np.float64)
    number = counts.sum(axis=1)
    centre = counts @ data.traps_xy_m / number[:, None]
    offset = data.traps_xy_m[None, :, :] - centre[:, None, :]
    squares = float((counts * (offset**2).sum(axis=2)).sum())
    recaptures = float((number - 1.0).sum())
    return math.sqrt(squares / (2.0 * recaptures)) if recaptures > 0 else 0.0


def starting_beta(data: ScrData, problem: Problem) -> Floats:
    """(3,) ln D, ln λ0, ln σ: the most likely of a few σ, each with λ0 and D by moments."""
    spread = captures_spread_m(data)
    thinned = _thin(problem, 1500)
    candidates = []
    for factor in _FACTORS:
        log_sigma = math.log(spread * factor)
        log_lambda0 = _matching_lambda0(thinned, log_sigma, data.detections / data.animals)
        esa, _ = effective_area_ha(thinned, [log_lambda0, log_sigma])
        beta = np.array([math.log(data.animals / max(esa, 1e-300)), log_lambda0, log_sigma])
        candidates.append((log_likelihood(thinned, beta, derivatives=False).value, factor, beta))
    return max(candidates)[2]


def _matching_lambda0(problem: Problem, log_sigma: float, per_animal: float) -> float:
    """ln λ0 at which a detected animal is expected to be detected `per_animal` times."""

    def expected(log_lambda0: float) -> float:
        total = math.exp(log_lambda0) * unit
        return float(total.sum() / max(float(-np.expm1(-total).sum()), 1e-300))

    squared = ((problem.rows_xy_m[:, None, :] - problem.cells_xy_m[None, :, :]) ** 2).sum(axis=2)
    unit = problem.effort @ np.exp(-0.5 * squared * math.exp(-2.0 * log_sigma))
    low = -25.0 - math.log(max(float(unit.max()), 1e-300))
    high = low + 35.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        if expected(middle) < per_animal:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _thin(problem: Problem, cells: int) -> Problem:
    """The problem on a spread-out part of its mask: good enough for a start."""
    from dataclasses import replace

    total = len(problem.cells_xy_m)
    if total <= cells:
        return problem
    # Cells near stations carry the likelihood; far ones carry next to nothing.
    step = math.ceil(total / cells)
    near = nearest_station_m(problem.cells_xy_m, problem.rows_xy_m)
    keep = np.sort(np.argsort(near, kind="stable")[::step])
    return replace(
        problem,
        cells_xy_m=problem.cells_xy_m[keep],
        cell_area_ha=problem.cell_area_ha[keep] * step,
        design_density=problem.design_density[keep],
    )
