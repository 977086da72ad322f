"""Maximise a function whose gradient and Hessian are exact: Newton's method in a trust region.

A layout is searched on merged cells first, where an evaluation costs a small part of one on the mask
itself; the last few evaluations, and the proof of the maximum, are on the mask.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.scr.coarse import coarsen
from ghostcat.scr.hazard import DETECTION_FUNCTIONS
from ghostcat.scr.kernel import Prepared, evaluate, prepare
from ghostcat.scr.layout import Layout
from ghostcat.scr.links import log_values
from ghostcat.scr.results import Convergence, LogLikelihood

__all__ = ["Optimum", "maximise", "maximise_layout"]

Floats = NDArray[np.float64]

# Distance to the maximum, in standard errors, and largest slope, at which the search stops. Newton converges
# quadratically, so the last step leaves about the square of this.
_TOLERANCE = 5e-5
_SLOPE = 1e-3
# On merged cells: close enough for one last step to end where their own error is larger.
_ROUGH_TOLERANCE = 0.03
# A gain smaller than this part of the value drowns in its rounding; what the optimum may then be away.
_ROUNDING = 1e-14
_ROUNDED_TOLERANCE = 1e-4
# Beyond this the curvature says that some direction is not determined by the data.
_MAX_CONDITION = 1e10
# Curvature upwards beyond this part of the largest is more than rounding.
_SADDLE = 1e-9
# Cells are merged to about these widths, in σ, one after the other; fewer cells than this stay as they are.
_WIDTHS = (1.1, 0.55)
_FEW_CELLS = 400
_MANY_CELLS = 3000
# Cells are of one size when their areas differ by less than this part.
_EVEN = 1e-6

_FLAT = "the highest point is flat: some direction is not determined by the data"


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimum:
    """Where the search ended, and what it found there."""

    beta: Floats
    at: LogLikelihood
    convergence: Convergence


def maximise_layout(
    layout: Layout,
    start: ArrayLike | Sequence[Floats],
    *,
    lower: ArrayLike,
    upper: ArrayLike,
    workers: int = 1,
) -> Optimum:
    """Fit a layout: search on merged cells, finish and prove the maximum on its own cells.

    Parameters
    ----------
    layout : of the model.
    start : (P,) first β, or (k, P) several of them: all are followed on merged cells, the best to the end.
    lower, upper : (P,), or (k, P) one a start: the range. A search that leaves it is stopped and not called
        converged.

    workers : threads among which the sessions of a layout are divided.

    Returns
    -------
    Optimum : of the layout itself. `convergence.iterations` counts evaluations on its own cells.
    """
    starts = np.atleast_2d(np.asarray(start, dtype=np.float64))
    lowest = np.broadcast_to(np.asarray(lower, dtype=np.float64), starts.shape)
    highest = np.broadcast_to(np.asarray(upper, dtype=np.float64), starts.shape)
    points = list(starts)
    for rough in _merged(layout, points[0]):
        prepared = prepare(rough, workers=workers)
        found = [
            _search(_of(prepared), points[k], lowest[k], highest[k], tolerance=_ROUGH_TOLERANCE)
            for k in range(len(points))
        ]
        if len(points) > 1:
            best = max(range(len(found)), key=lambda k: _rank(found[k]))
            lowest, highest = lowest[best : best + 1], highest[best : best + 1]
            found = [found[best]]
        points = [_last_step(f) for f in found]
    prepared = prepare(layout, workers=workers)
    ended = [
        _search(_of(prepared), points[k], lowest[k], highest[k], tolerance=_TOLERANCE)
        for k in range(len(points))
    ]
    return max(ended, key=_rank)


def _rank(found: Optimum) -> tuple[bool, float, bool]:
    """A search that ran away climbs without end (a class of animals that nobody can detect), so a summit
    comes first, proven or flat, even where the other side is higher."""
    reason = found.convergence.reason
    value = found.at.value if math.isfinite(found.at.value) else -math.inf
    return not reason or reason == _FLAT, round(value, 6), found.convergence.converged


def _of(prepared: Prepared) -> Callable[[Floats], LogLikelihood]:
    return lambda beta: evaluate(prepared, beta)


def _merged(layout: Layout, beta: Floats) -> Iterator[Layout]:
    """The layout on wider and then less wide cells, as far as that saves work.

    A whole number of cells goes into a merged one, so that a regular mask stays regular: sums over regular
    cells are far better than those over uneven ones.
    """
    arrays = [array for session in layout.sessions for array in session.arrays]
    sigma_m = [
        float(np.exp(np.min(log_values(c.sigma, beta).value)))
        for array in arrays
        for c in array.classes
        if len(c.sigma.offset)
    ]
    cells = sum(len(s.cell_area_ha) for s in layout.sessions)
    area_m2 = sum(float(s.cell_area_ha.sum()) for s in layout.sessions) * 10_000.0
    if cells <= _FEW_CELLS or not sigma_m or not math.isfinite(min(sigma_m)):
        return
    side_m = math.sqrt(area_m2 / cells)
    # However small σ, the widest cells are few.
    least = math.sqrt(cells / (_MANY_CELLS * len(layout.sessions)))
    families = {DETECTION_FUNCTIONS[array.detectfn][0] for array in arrays}
    factors = [round(_WIDTHS[1] * min(sigma_m) / side_m)]
    if "hazard-rate" not in families:  # its edge makes maxima of its own on wide cells
        factors.insert(0, round(max(_WIDTHS[0] * min(sigma_m) / side_m, least)))
    if families != {"half-normal"} and max(factors) > 2:
        factors.append(2)  # a cusp needs narrower cells
    smooth = families == {"half-normal"} and not any(s.mixing for s in layout.sessions)
    before = math.inf
    for factor in factors:
        if 2 <= factor < before:
            before = factor
            rough = coarsen(layout, factor=factor)
            yield rough
            if smooth and all(np.ptp(s.cell_area_ha) < _EVEN * s.cell_area_ha[0] for s in rough.sessions):
                return  # even sums over a smooth surface: the next step is as good from here


def _last_step(found: Optimum) -> Floats:
    """The point that one more Newton step leads to, where the search has all but ended."""
    if not _decrement(found.at) < 3.0 * _ROUGH_TOLERANCE:
        return found.beta
    step, _ = _trust_step(found.at, 1.0)
    return np.asarray(found.beta + step)


def maximise(
    function: Callable[[Floats], LogLikelihood],
    start: Floats,
    *,
    lower: Floats,
    upper: Floats,
    max_iterations: int = 60,
) -> Optimum:
    """Find a maximum and prove it, or say why there is none.

    Parameters
    ----------
    function : log-likelihood with derivatives at β.
    start : (p,) first β.
    lower, upper : (p,) range; a search that leaves it is stopped and not called converged.
    max_iterations : evaluations of the function at most.

    Returns
    -------
    Optimum : converged only if the Newton decrement √(gᵀ(−H)⁻¹g) is below 5e-5 standard errors, no slope
        is above 1e-3, and −H is positive definite with a condition number below 1e10.
    """
    return _search(function, start, lower, upper, tolerance=_TOLERANCE, max_iterations=max_iterations)


def _search(
    function: Callable[[Floats], LogLikelihood],
    start: Floats,
    lower: Floats,
    upper: Floats,
    *,
    tolerance: float,
    max_iterations: int = 60,
) -> Optimum:
    beta, at = start, function(start)
    radius = 1.0
    reason = ""
    iterations = 1
    while not (_decrement(at) < tolerance and _size(at) < _SLOPE * tolerance / _TOLERANCE):
        if not math.isfinite(at.value):
            reason = "the likelihood is zero where the search started"
            break
        if iterations >= max_iterations:
            reason = f"no maximum within {max_iterations} evaluations"
            break
        step, gain = _trust_step(at, radius)
        if gain <= _ROUNDING * max(1.0, abs(at.value)):
            if not _decrement(at) < _ROUNDED_TOLERANCE:
                reason = _why_stuck(at)
            break
        trial = beta + step
        outside = (trial < lower) | (trial > upper)
        if outside.any():
            reason = f"coefficient {int(np.argmax(outside))} left its range"
            break
        there = function(trial)
        iterations += 1
        actual = there.value - at.value
        ratio = actual / gain if np.isfinite(there.value) else -1.0
        length = float(np.linalg.norm(step))
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.9 * radius:
            radius = min(2.0 * radius, 4.0)
        # Close to the top the values differ by rounding only, but the slope still tells.
        if ratio > 1e-3 or (abs(actual) < 1e-10 * abs(at.value) and _size(there) < _size(at)):
            beta, at = trial, there
    return Optimum(beta=beta, at=at, convergence=_convergence(at, iterations, reason))


def _why_stuck(at: LogLikelihood) -> str:
    if _size(at) < 1e-4:
        return _FLAT
    return "the log-likelihood cannot be improved, but its slope is not zero"


def _size(at: LogLikelihood) -> float:
    return float(np.abs(at.gradient).max())


def _decrement(at: LogLikelihood) -> float:
    """Distance to the maximum in standard errors; NaN where the surface is not curved downwards."""
    if not math.isfinite(at.value):
        return math.nan
    values, vectors = np.linalg.eigh(-at.hessian)
    if not values[0] > 0:
        return math.nan
    return float(np.sqrt((((vectors.T @ at.gradient) ** 2) / values).sum()))


def _trust_step(at: LogLikelihood, radius: float) -> tuple[Floats, float]:
    """Best step of the quadratic model within `radius`, and the gain that it promises."""
    values, vectors = np.linalg.eigh(-at.hessian)
    slope = vectors.T @ at.gradient

    def step(shift: float) -> Floats:
        return np.asarray(slope / (values + shift))

    floor = max(0.0, -float(values[0]) + 1e-8 * max(1.0, float(np.abs(values).max())))
    low, high = floor, floor + float(np.linalg.norm(slope)) / radius + 1e-12
    if floor == 0.0 and values[0] > 0 and np.linalg.norm(step(0.0)) <= radius:
        inner = step(0.0)
    else:
        for _ in range(60):
            middle = 0.5 * (low + high)
            if np.linalg.norm(step(middle)) > radius:
                low = middle
            else:
                high = middle
        inner = step(high)
        short = radius**2 - float(inner @ inner)
        if values[0] < -_SADDLE * float(np.abs(values).max()) and short > 0:
            # At a saddle the slope says nothing: leave it along the direction that curves upwards.
            inner[0] += math.copysign(math.sqrt(short), slope[0])
    gain = float(slope @ inner - 0.5 * (values * inner) @ inner)
    return vectors @ inner, gain


def _convergence(at: LogLikelihood, iterations: int, reason: str) -> Convergence:
    if not math.isfinite(at.value):
        return Convergence(
            converged=False,
            reason=reason,
            iterations=iterations,
            max_gradient=math.nan,
            newton_decrement=math.nan,
            smallest_curvature=math.nan,
            condition=math.inf,
        )
    values = np.linalg.eigvalsh(-at.hessian)
    decrement = _decrement(at)
    condition = float(values[-1] / values[0]) if values[0] > 0 else float("inf")
    if not reason and not (values[0] > 0 and condition <= _MAX_CONDITION):
        reason = _FLAT
    return Convergence(
        converged=not reason,
        reason=reason,
        iterations=iterations,
        max_gradient=_size(at),
        newton_decrement=decrement,
        smallest_curvature=float(values[0]),
        condition=condition,
    )
