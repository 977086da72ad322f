"""Maximise a function whose gradient and Hessian are exact: Newton's method in a trust region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.likelihood import LogLikelihood
from ghostcat.scr.results import Convergence

__all__ = ["Optimum", "maximise"]

Floats = NDArray[np.float64]

# Distance to the maximum, in standard errors, at which the search stops. Newton converges
# quadratically, so the last step leaves about the square of this.
_TOLERANCE = 1e-5
# A gain smaller than this part of the value drowns in its rounding; what the optimum may then be away.
_ROUNDING = 1e-14
_ROUNDED_TOLERANCE = 1e-4
# Beyond this the curvature says that some direction is not determined by the data.
_MAX_CONDITION = 1e10


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimum:
    """Where the search ended, and what it found there."""

    beta: Floats
    at: LogLikelihood
    convergence: Convergence


def maximise(
    evaluate: Callable[[Floats], LogLikelihood],
    start: Floats,
    *,
    lower: Floats,
    upper: Floats,
    max_iterations: int = 60,
) -> Optimum:
    """Find a maximum and prove it, or say why there is none.

    Parameters
    ----------
    evaluate : log-likelihood with derivatives at β.
    start : (p,) first β.
    lower, upper : (p,) range; a search that leaves it is stopped and not called converged.
    max_iterations : evaluations of the function at most.

    Returns
    -------
    Optimum : converged only if the Newton decrement √(gᵀ(−H)⁻¹g) is below 1e-5 standard errors and −H
        is positive definite with a condition number below 1e10.
    """
    beta, at = start, evaluate(start)
    radius = 1.0
    reason = ""
    iterations = 1
    while not _decrement(at) < _TOLERANCE:
        if iterations >= max_iterations:
            reason = f"no maximum within {max_iterations} evaluations"
            break
        step, gain = _trust_step(at, radius)
        if gain <= _ROUNDING * max(1.0, abs(at.value)):
            if not _decrement(at) < _ROUNDED_TOLERANCE:
                reason = "the log-likelihood cannot be improved, but its slope is not zero"
            break
        trial = beta + step
        outside = (trial < lower) | (trial > upper)
        if outside.any():
            reason = f"coefficient {int(np.argmax(outside))} left its range"
            break
        there = evaluate(trial)
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


def _size(at: LogLikelihood) -> float:
    return float(np.abs(at.gradient).max())


def _decrement(at: LogLikelihood) -> float:
    """Distance to the maximum in standard errors; NaN where the surface is not curved downwards."""
    values, vectors = np.linalg.eigh(-at.hessian)
    if not values[0] > 0:
        return float("nan")
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
    gain = float(slope @ inner - 0.5 * (values * inner) @ inner)
    return vectors @ inner, gain


def _convergence(at: LogLikelihood, iterations: int, reason: str) -> Convergence:
    values = np.linalg.eigvalsh(-at.hessian)
    decrement = _decrement(at)
    condition = float(values[-1] / values[0]) if values[0] > 0 else float("inf")
    if not reason and not values[0] > 0:
        reason = "the log-likelihood is not curved downwards in every direction"
    if not reason and condition > _MAX_CONDITION:
        reason = "some direction is not determined by the data"
    return Convergence(
        converged=not reason,
        reason=reason,
        iterations=iterations,
        max_gradient=_size(at),
        newton_decrement=decrement,
        smallest_curvature=float(values[0]),
        condition=condition,
    )
