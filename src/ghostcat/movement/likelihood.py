"""Exact log-likelihood of a track under IID, OU and OUF, with the mean estimated along.

A Markov process is a Gaussian with banded precision: the log-density of what was seen is that of everything,
less that of what was not seen given what was. So

    ln p(x) = ln p(x, v̂) − ln p(v̂ | x)

with v̂ the best velocities, and each term costs O(n) by a banded Cholesky factor: the Kalman filter's answer
without its loop. With location errors the true positions are unseen too, and the band is wider.

Both coordinates and the mean's own column of ones go through the same factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.movement.motion import Motion, transitions

__all__ = ["Quadratic", "TrackLikelihood", "quadratic", "track_likelihood"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Quadratic:
    """−2 ln p of columns z under unit variance = log_det + zᵀ R⁻¹ z + n ln 2π, R the correlation matrix."""

    log_det: float
    products: Floats
    """(k, k) zᵀ R⁻¹ z of the columns."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackLikelihood:
    """Log-likelihood at a covariance, and where the mean and the covariance would be best."""

    value: float
    mean_xy_m: Floats
    mean_covariance_m2: Floats
    best_covariance_m2: Floats
    """(2, 2) maximum-likelihood covariance at these time constants."""


def quadratic(motion: Motion, time_s: Floats, columns: Floats, error: Floats | None = None) -> Quadratic:
    """Quadratic form of a unit-variance process.

    Parameters
    ----------
    time_s : (n,) increasing, seconds.
    columns : (n, k) values in any unit.
    error : (n,) variances of location error relative to the process variance; none by default.
    """
    if motion.kind == "IID":
        scale = np.ones(len(columns)) if error is None else 1.0 + error
        return Quadratic(log_det=float(np.log(scale).sum()), products=(columns.T / scale) @ columns)
    if error is not None and error.any():
        return _unseen_positions(motion, time_s, columns, error)
    if motion.kind == "OU":
        return _ou(motion, time_s, columns)
    return _unseen_velocities(motion, time_s, columns)


def _ou(motion: Motion, time_s: Floats, columns: Floats) -> Quadratic:
    slow, _ = motion.rates_per_s
    lag = slow * np.diff(time_s)
    variance = -np.expm1(-2.0 * lag)
    fresh = columns[1:] - np.exp(-lag)[:, None] * columns[:-1]
    first = columns[:1]
    return Quadratic(
        log_det=float(np.log(variance).sum()),
        products=first.T @ first + (fresh.T / variance) @ fresh,
    )


def _unseen_velocities(motion: Motion, time_s: Floats, columns: Floats) -> Quadratic:
    from scipy.linalg import cholesky_banded, solve_banded

    step = transitions(motion, np.diff(time_s))
    whiten, half_log_det = _whiten(step.noise)
    # Residual of a step, whitened: at + before·v_k + after·v_{k+1}, two components each.
    position = columns[1:, None, :] * np.array([1.0, 0.0])[None, :, None] - (
        step.carry[:, :, 0, None] * columns[:-1, None, :]
    )
    at = np.einsum("nij,njk->nik", whiten, position)
    before = -np.einsum("nij,nj->ni", whiten, step.carry[:, :, 1])
    after = whiten[:, :, 1]
    n, k = columns.shape
    band = np.zeros((2, n))
    band[1, 0] = 1.0
    band[1, :-1] += np.einsum("ni,ni->n", before, before)
    band[1, 1:] += np.einsum("ni,ni->n", after, after)
    band[0, 1:] = np.einsum("ni,ni->n", before, after)
    pull = np.zeros((n, k))
    pull[:-1] -= np.einsum("ni,nik->nk", before, at)
    pull[1:] -= np.einsum("ni,nik->nk", after, at)
    factor = cholesky_banded(band, check_finite=False)
    # With the factor's transpose solved once, zᵀAz is a plain sum of squares: no cancellation to fear.
    lower = np.zeros((2, n))
    lower[0], lower[1, :-1] = factor[1], factor[0, 1:]
    half = solve_banded((1, 0), lower, pull, check_finite=False)
    upper = factor
    velocity = solve_banded((0, 1), upper, half, check_finite=False)
    residual = at + before[:, :, None] * velocity[:-1, None, :] + after[:, :, None] * velocity[1:, None, :]
    flat = residual.reshape(-1, k)
    products = flat.T @ flat + columns[:1].T @ columns[:1] + velocity[:1].T @ velocity[:1]
    log_det = 2.0 * half_log_det + 2.0 * float(np.log(factor[1]).sum())
    return Quadratic(log_det=log_det, products=products)


def _whiten(noise: Floats) -> tuple[Floats, float]:
    """(n, 2, 2) inverse Cholesky factors, and the sum of half log determinants."""
    a = np.sqrt(noise[:, 0, 0])
    b = noise[:, 0, 1] / a
    c = np.sqrt(noise[:, 1, 1] - b * b)
    inverse = np.zeros_like(noise)
    inverse[:, 0, 0] = 1.0 / a
    inverse[:, 1, 0] = -b / (a * c)
    inverse[:, 1, 1] = 1.0 / c
    return inverse, float(np.log(a).sum() + np.log(c).sum())


def _unseen_positions(motion: Motion, time_s: Floats, columns: Floats, error: Floats) -> Quadratic:
    from scipy.linalg import cho_solve_banded, cholesky_banded

    band, log_det_prior = prior_precision(motion, time_s)
    states = 1 if motion.kind == "OU" else 2
    weight = 1.0 / error
    band[-1, ::states] += weight
    factor = cholesky_banded(band, check_finite=False)
    pull = np.zeros((band.shape[1], columns.shape[1]))
    pull[::states] = weight[:, None] * columns
    best = cho_solve_banded((factor, False), pull, check_finite=False)
    log_det = -log_det_prior + 2.0 * float(np.log(factor[-1]).sum()) + float(np.log(error).sum())
    # z·W·(z − x̂) = zᵀ(R + E)⁻¹z
    products = (columns * weight[:, None]).T @ (columns - best[::states])
    return Quadratic(log_det=log_det, products=0.5 * (products + products.T))


def prior_precision(motion: Motion, time_s: Floats) -> tuple[Floats, float]:
    """Upper banded precision of the states (position, or position and velocity interleaved), unit variance,
    and its log determinant."""
    n = len(time_s)
    if motion.kind == "OU":
        slow, _ = motion.rates_per_s
        lag = slow * np.diff(time_s)
        keep, variance = np.exp(-lag), -np.expm1(-2.0 * lag)
        band = np.zeros((2, n))
        band[1, 0] = 1.0
        band[1, 1:] += 1.0 / variance
        band[1, :-1] += keep**2 / variance
        band[0, 1:] = -keep / variance
        return band, -float(np.log(variance).sum())
    step = transitions(motion, np.diff(time_s))
    whiten, half_log_det = _whiten(step.noise)
    after = whiten
    before = -np.einsum("nij,njk->nik", whiten, step.carry)
    here = np.zeros((n, 2, 2))
    here[0] = np.eye(2)
    here[:-1] += np.einsum("nji,njk->nik", before, before)
    here[1:] += np.einsum("nji,njk->nik", after, after)
    across = np.einsum("nji,njk->nik", before, after)
    band = np.zeros((4, 2 * n))
    band[3, 0::2], band[3, 1::2] = here[:, 0, 0], here[:, 1, 1]
    band[2, 1::2] = here[:, 0, 1]
    band[2, 2::2] = across[:, 1, 0]
    band[1, 2::2] = across[:, 0, 0]
    band[1, 3::2] = across[:, 1, 1]
    band[0, 3::2] = across[:, 0, 1]
    return band, -2.0 * half_log_det


def track_likelihood(
    motion: Motion,
    time_s: Floats,
    xy_m: Floats,
    covariance_m2: Floats | None = None,
    *,
    error_m: Floats | None = None,
    isotropic: bool = False,
    restricted: bool = False,
) -> TrackLikelihood:
    """Log-likelihood of a track; the mean is estimated by generalised least squares.

    Parameters
    ----------
    time_s : (n,) increasing. xy_m : (n, 2).
    covariance_m2 : (2, 2) stationary covariance; the best one by default (without location error).
    error_m : (n,) standard deviation of location error in each coordinate.
    isotropic : the best covariance is a multiple of the identity.
    restricted : residual likelihood (REML), which also divides by n − 1.

    Notes
    -----
    Includes the 2π terms of both coordinates.
    """
    n = len(time_s)
    if error_m is not None and error_m.any():
        assert covariance_m2 is not None
        return _with_error(motion, time_s, xy_m, covariance_m2, error_m, restricted)
    z = np.column_stack([xy_m - xy_m.mean(axis=0), np.ones(n)])
    form = quadratic(motion, time_s, z)
    information = float(form.products[2, 2])
    shift = form.products[2, :2] / information
    scatter = form.products[:2, :2] - np.outer(shift, shift) * information
    best = scatter / (n - 1 if restricted else n)
    if isotropic:
        best = np.eye(2) * 0.5 * np.trace(best)
    covariance = best if covariance_m2 is None else covariance_m2
    chi2 = float(np.trace(np.linalg.solve(covariance, scatter)))
    log_det_covariance = float(np.linalg.slogdet(covariance)[1])
    terms = n - 1 if restricted else n
    value = -0.5 * (
        2.0 * terms * math.log(2.0 * math.pi) + 2.0 * form.log_det + terms * log_det_covariance + chi2
    )
    if restricted:
        value -= math.log(information)
    return TrackLikelihood(
        value=value,
        mean_xy_m=xy_m.mean(axis=0) + shift,
        mean_covariance_m2=covariance / information,
        best_covariance_m2=best,
    )


def _with_error(
    motion: Motion, time_s: Floats, xy_m: Floats, covariance: Floats, error_m: Floats, restricted: bool
) -> TrackLikelihood:
    """Circular errors keep their size in the principal axes of the covariance, which are independent."""
    variances, axes = np.linalg.eigh(covariance)
    n = len(time_s)
    middle = xy_m.mean(axis=0)
    turned = (xy_m - middle) @ axes
    value = 0.0
    mean, spread, best = np.empty(2), np.empty(2), np.empty(2)
    for axis, variance in enumerate(variances):
        z = np.column_stack([turned[:, axis], np.ones(n)])
        form = quadratic(motion, time_s, z, error_m**2 / variance)
        information = float(form.products[1, 1]) / variance
        mean[axis] = form.products[0, 1] / form.products[1, 1]
        chi2 = (form.products[0, 0] - mean[axis] * form.products[0, 1]) / variance
        terms = n - 1 if restricted else n
        value -= 0.5 * (terms * math.log(2.0 * math.pi) + form.log_det + n * math.log(variance) + chi2)
        if restricted:
            value -= 0.5 * math.log(information)
        spread[axis] = 1.0 / information
        best[axis] = variance * chi2 / n
    return TrackLikelihood(
        value=value,
        mean_xy_m=middle + axes @ mean,
        mean_covariance_m2=axes @ np.diag(spread) @ axes.T,
        best_covariance_m2=axes @ np.diag(best) @ axes.T,
    )
