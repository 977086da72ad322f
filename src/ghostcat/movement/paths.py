"""Where an animal went between its fixes: draws of whole paths from the fitted movement model.

Given the fixes, the states of a Markov model at any set of times are jointly Gaussian with banded precision;
a draw costs one banded triangular solve. Nothing is assumed about straight lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.movement.fit import MotionFit
from ghostcat.movement.likelihood import prior_precision
from ghostcat.movement.motion import Motion
from ghostcat.movement.track import Track

__all__ = ["Paths", "draw_paths", "most_likely_path", "occurrence"]

Floats = NDArray[np.float64]

# Fixes without a known error are taken as right to this share of the range's standard deviation.
_EXACT = 1e-5


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """Draws of one path at given times."""

    time_s: Floats
    """(n,)."""
    xy_m: Floats
    """(draws, n, 2)."""


def draw_paths(
    track: Track, fit: MotionFit, time_s: Floats, *, draws: int, rng: np.random.Generator
) -> Paths:
    """Draw paths that the animal may have taken.

    Parameters
    ----------
    track : fixes. fit : movement model of this track, OU or OUF.
    time_s : (n,) increasing times at which to draw, within or around the track.
    draws : number of paths. rng : seeded generator.

    Raises
    ------
    EstimateRefused : `no_continuity`: under IID the place between two fixes is anywhere in the range.
    """
    return Paths(time_s=time_s, xy_m=_posterior(track, fit, time_s, draws, rng)[1])


def most_likely_path(track: Track, fit: MotionFit, time_s: Floats) -> tuple[Floats, Floats]:
    """Mean path and its standard deviation.

    Returns
    -------
    (n, 2) metres, and (n,) metres: root of half the total variance, from 64 draws.
    """
    mean, drawn = _posterior(track, fit, time_s, 64, np.random.default_rng(0))
    return mean, np.sqrt(((drawn - mean) ** 2).sum(axis=2).mean(axis=0) / 2.0)


def occurrence(
    track: Track, fit: MotionFit, *, cell_m: float, draws: int = 100, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Occurrence distribution: share of the tracked time spent in each cell (Brownian-bridge-like, Kriged).

    Says where the animal was while it was tracked; a range says where it lives.

    Returns
    -------
    x (nx,), y (ny,) centres of cells, metres, and (ny, nx) shares that sum to 1.

    References
    ----------
    Fleming et al. (2016) Ecology 97:576–582.
    """
    if not cell_m > 0:
        raise ParameterError(f"cells of {cell_m} m", fix="Give a width above 0.")
    step = max(float(np.median(np.diff(track.time_s))) / 8.0, 1.0)
    span = float(track.time_s[-1] - track.time_s[0])
    time_s = np.linspace(track.time_s[0], track.time_s[-1], max(2, min(int(span / step), 200_000)))
    drawn = _posterior(track, fit, time_s, draws, rng)[1].reshape(-1, 2)
    low = np.floor(drawn.min(axis=0) / cell_m)
    shape = (np.floor(drawn.max(axis=0) / cell_m) - low).astype(int) + 1
    index = (np.floor(drawn / cell_m) - low).astype(np.int64)
    counts = np.bincount(index[:, 1] * shape[0] + index[:, 0], minlength=int(shape.prod()))
    x, y = (low[k] + 0.5 + np.arange(shape[k]) for k in (0, 1))
    return x * cell_m, y * cell_m, counts.reshape(shape[1], shape[0]) / len(drawn)


def _posterior(
    track: Track, fit: MotionFit, time_s: Floats, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mean (n, 2) and draws (draws, n, 2) of the positions at `time_s`."""
    if fit.motion.kind == "IID":
        raise EstimateRefused(
            "the fixes are so far apart in time that they say nothing about the way between them (model IID)",
            code="no_continuity",
            fix="Use a range instead of a path, or a collar programme with shorter intervals.",
        )
    if (np.diff(time_s) <= 0).any():
        raise ParameterError("the times of a path do not increase", fix="Sort them and drop repetitions.")
    every = np.union1d(track.time_s, time_s)
    at_fix = np.searchsorted(every, track.time_s)
    wanted = np.searchsorted(every, time_s)
    variances, axes = np.linalg.eigh(fit.covariance_m2)
    turned = (track.xy_m - fit.mean_xy_m) @ axes
    mean = np.empty((len(time_s), 2))
    drawn = np.empty((draws, len(time_s), 2))
    for axis, variance in enumerate(variances):
        deviation = math.sqrt(float(variance))
        error = np.full(len(track), _EXACT) if track.error_m is None else track.error_m / deviation
        middle, noise = _one_axis(
            fit.motion,
            every,
            at_fix,
            turned[:, axis] / deviation,
            np.maximum(error, _EXACT),
            wanted,
            draws,
            rng,
        )
        mean[:, axis] = deviation * middle
        drawn[:, :, axis] = deviation * (middle + noise)
    return fit.mean_xy_m + mean @ axes.T, fit.mean_xy_m + drawn @ axes.T


def _one_axis(
    motion: Motion,
    every: Floats,
    at_fix: NDArray[np.int64],
    seen: Floats,
    error: Floats,
    wanted: NDArray[np.int64],
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Posterior mean (n,) and centred draws (draws, n) of a unit-variance coordinate."""
    from scipy.linalg import cho_solve_banded, cholesky_banded, solve_banded

    band, _ = prior_precision(motion, every)
    states = band.shape[1] // len(every)
    weight = 1.0 / error**2
    band[-1, states * at_fix] += weight
    factor = cholesky_banded(band, check_finite=False)
    pull = np.zeros(band.shape[1])
    pull[states * at_fix] = weight * seen
    mean = cho_solve_banded((factor, False), pull, check_finite=False)[states * wanted]
    noise = np.empty((draws, len(wanted)))
    for start in range(0, draws, 32):
        size = min(32, draws - start)
        raw = rng.standard_normal((band.shape[1], size))
        solved = solve_banded((0, len(factor) - 1), factor, raw, check_finite=False)
        noise[start : start + size] = solved[states * wanted].T
    return mean, noise
