"""How much an autocorrelated track should be smoothed, and how much each fix should weigh.

For Gaussian kernels of covariance h²Σ the mean integrated squared error of a range estimated from fixes with
weights w is, up to a factor and a constant,

    MISE(h², w) = Σ_ij w_i w_j / (2h² + 2(1 − ρ_ij)) − 2/(2 + h²)

with ρ_ij the autocorrelation between the times of two fixes. Lags are counted on a fine regular clock, so
that sums over all pairs cost one Fourier transform. Fleming et al. (2015) Ecology 96:1182–1188; weights:
Fleming et al. (2018) Methods in Ecology and Evolution 9:1161–1172.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.movement.motion import Motion, autocorrelation

__all__ = ["Bandwidth", "choose_bandwidth"]

Floats = NDArray[np.float64]

# Ticks of the clock on which lags are counted: steps of seconds for a track of months.
_TICKS = 2**20
# For the weights, where each product costs a transform, about four ticks a fix are enough.
_TICKS_A_FIX = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Bandwidth:
    """Smoothing of a kernel range."""

    squared: float
    """h²: kernel covariance over range covariance."""
    weights: Floats
    """(n,) sum to 1."""
    bias: float
    """Expected covariance of the estimate over the true one: 1 + h² − Σ w_i w_j ρ_ij."""


def choose_bandwidth(motion: Motion, time_s: Floats, *, weighted: bool = False) -> Bandwidth:
    """The smoothing with the smallest expected error, with equal or with optimal weights.

    Parameters
    ----------
    time_s : (n,) increasing. weighted : weigh fixes by what they add, for tracks with gaps and bursts.
    """
    n = len(time_s)
    weights = np.full(n, 1.0 / n)
    clock = _Clock(motion, time_s, _TICKS)
    squared = _minimise(clock.pairs(weights))
    if weighted and motion.kind != "IID":
        coarse = _Clock(motion, time_s, min(_TICKS, _TICKS_A_FIX * n))
        for _ in range(3):  # weights and smoothing settle together within two rounds
            weights = _best_weights(coarse, squared, weights)
            squared = _minimise(clock.pairs(weights))
    correlation, count = clock.pairs(weights)
    return Bandwidth(squared=squared, weights=weights, bias=1.0 + squared - float(correlation @ count))


def _minimise(pairs: tuple[Floats, Floats]) -> float:
    from scipy.optimize import minimize_scalar

    correlation, count = pairs
    spread = 2.0 * (1.0 - correlation)

    def error(log_squared: float) -> float:
        squared = float(np.exp(log_squared))
        return float((count / (2.0 * squared + spread)).sum()) - 2.0 / (2.0 + squared)

    found = minimize_scalar(error, bounds=(-14.0, 3.0), method="bounded", options={"xatol": 1e-7})
    return float(np.exp(found.x))


class _Clock:
    """Times rounded to ticks, and the autocorrelation at every whole number of ticks."""

    def __init__(self, motion: Motion, time_s: Floats, ticks: int) -> None:
        span = float(time_s[-1] - time_s[0])
        tick = max(span / (ticks - 1), 1e-9)
        self.index = np.rint((time_s - time_s[0]) / tick).astype(np.int64)
        self.length = int(self.index[-1]) + 1
        self.correlation = autocorrelation(motion, np.asarray(tick * np.arange(self.length)))

    def pairs(self, weights: Floats) -> tuple[Floats, Floats]:
        """Autocorrelation at each lag that occurs, and Σ w_i w_j of the pairs that have it."""
        from scipy.fft import irfft, next_fast_len, rfft

        size = next_fast_len(2 * self.length, real=True)
        line = np.bincount(self.index, weights, self.length)
        power = irfft(np.abs(rfft(line, size)) ** 2, size)[: self.length]
        power[1:] *= 2.0
        # A fix is at lag 0 with itself only; two that share a tick stay at their true, short, lag.
        power[0] = float((weights**2).sum())
        kept = np.flatnonzero(power > 1e-13 / len(weights) ** 2)
        return self.correlation[kept], power[kept]

    def operator(self, squared: float) -> Floats:
        """Fourier transform of the symmetric kernel 1/(2h² + 2(1 − ρ)), for products."""
        from scipy.fft import next_fast_len, rfft

        size = next_fast_len(2 * self.length, real=True)
        kernel = np.zeros(size)
        values = 1.0 / (2.0 * squared + 2.0 * (1.0 - self.correlation))
        kernel[: self.length] = values
        kernel[-self.length + 1 :] = values[:0:-1]
        return np.asarray(rfft(kernel))


def _regular_inverse(clock: _Clock, squared: float, count: int) -> Callable[[Floats], Floats]:
    """Inverse of G as it would be on a regular, circular clock: close enough to speed up the search."""
    from scipy.fft import irfft, rfft

    lag = np.rint(np.linspace(0, clock.length - 1, count)).astype(np.int64)
    line = 1.0 / (2.0 * squared + 2.0 * (1.0 - clock.correlation[lag]))
    k = np.arange(count)
    round_trip = ((count - k) * line + k * np.roll(line[::-1], 1)) / count
    spectrum = rfft(round_trip).real
    spectrum = np.maximum(spectrum, 1e-9 * spectrum.max())
    return lambda values: np.asarray(irfft(rfft(values) / spectrum, count))


def _best_weights(clock: _Clock, squared: float, start: Floats) -> Floats:
    """Weights of the smallest error: G w ∝ 1 on those above zero, by conjugate gradients."""
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.sparse.linalg import LinearOperator, cg

    size = next_fast_len(2 * clock.length, real=True)
    transform = clock.operator(squared)
    active = np.ones(len(start), dtype=bool)

    def product(values: Floats) -> Floats:
        line = np.bincount(clock.index[active], values, clock.length)
        smooth = irfft(transform * rfft(line, size), size)
        # Fixes that share a tick differ a little: the ridge keeps them apart.
        return np.asarray(smooth[clock.index[active]] + 1e-9 * transform[0].real * values)

    weights = start
    for _ in range(20):
        count = int(active.sum())
        operator = LinearOperator((count, count), matvec=product, dtype=np.float64)
        undo = LinearOperator(
            (count, count), matvec=_regular_inverse(clock, squared, count), dtype=np.float64
        )
        found, _ = cg(
            operator, np.ones(count), x0=weights[active] * len(start), rtol=1e-5, maxiter=300, M=undo
        )
        weights = np.zeros(len(start))
        weights[active] = found / found.sum()
        if (weights >= 0).all():
            break
        active &= weights > 0
    kept: Floats = np.maximum(weights, 0.0)
    return np.asarray(kept / kept.sum())
