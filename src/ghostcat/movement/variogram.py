"""The variogram of a track: how far apart fixes are, by the time between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.movement.motion import Motion, autocorrelation
from ghostcat.movement.track import Track

__all__ = ["Variogram", "model_variogram", "variogram"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Variogram:
    """Semi-variance by lag; levels off at the variance of the range if the animal has one."""

    lag_s: Floats
    semivariance_m2: Floats
    """Half the mean squared displacement, averaged over both coordinates."""
    pairs: NDArray[np.int64]
    independent: Floats
    """About how many of these pairs do not overlap in time: what the intervals rest on."""


def variogram(track: Track, *, bin_s: float | None = None, longest: float = 0.5) -> Variogram:
    """Empirical variogram.

    Parameters
    ----------
    bin_s : width of a lag class, seconds; the median interval by default.
    longest : longest lag as a share of the track's duration.
    """
    width = bin_s or float(np.median(np.diff(track.time_s)))
    duration = float(track.time_s[-1] - track.time_s[0])
    bins = int(longest * duration / width) + 1
    total, count = np.zeros(bins + 1), np.zeros(bins + 1, dtype=np.int64)
    for start in range(len(track) - 1):
        lag = track.time_s[start + 1 :] - track.time_s[start]
        kept = int(np.searchsorted(lag, (bins + 0.5) * width))
        index = np.rint(lag[:kept] / width).astype(np.int64)
        moved = ((track.xy_m[start + 1 : start + 1 + kept] - track.xy_m[start]) ** 2).sum(axis=1)
        total += np.bincount(index, moved, bins + 1)[: bins + 1]
        count += np.bincount(index, minlength=bins + 1)[: bins + 1]
    seen = np.flatnonzero(count)
    lag = np.asarray(seen * width, dtype=np.float64)
    return Variogram(
        lag_s=lag,
        semivariance_m2=total[seen] / (4.0 * count[seen]),
        pairs=count[seen],
        independent=np.minimum(count[seen], duration / np.maximum(lag, width)),
    )


def model_variogram(motion: Motion, covariance_m2: Floats, lag_s: Floats) -> Floats:
    """Semi-variance of a model, average of both coordinates, m²."""
    return np.asarray(0.5 * np.trace(covariance_m2) * (1.0 - autocorrelation(motion, lag_s)))
