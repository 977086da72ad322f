"""How much two ranges overlap: Bhattacharyya's coefficient, with its interval.

For Gaussian ranges −ln BC = D = ⅛ δᵀ Σ̄⁻¹ δ + ½ ln(det Σ̄ / √(det Σ₁ det Σ₂)). D is corrected for the bias of
its second order, and its interval is χ² with the variance of the first order. Winner et al. (2018) Methods in
Ecology and Evolution 9:1679–1691. Overlap of kernel ranges is read from the grids and keeps the relative
doubt of the Gaussian one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.movement.fit import MotionFit
from ghostcat.movement.ranges import KernelRange
from ghostcat.movement.results import Estimate, chi_square_interval

__all__ = ["gaussian_overlap", "kernel_overlap"]

Floats = NDArray[np.float64]


def gaussian_overlap(one: MotionFit, other: MotionFit) -> Estimate:
    """Bhattacharyya coefficient of two Gaussian ranges, 0 (apart) to 1 (the same)."""
    value, bias, variance = _distance(one, other)
    return _coefficient(max(value - bias, 0.0), variance)


def kernel_overlap(one: KernelRange, other: KernelRange, fits: tuple[MotionFit, MotionFit]) -> Estimate:
    """Bhattacharyya coefficient ∫√(pq) of two kernel ranges.

    Parameters
    ----------
    fits : movement models of the two, in one projection; they carry the interval.

    Raises
    ------
    ParameterError : the ranges are in different projections.
    """
    if one.crs != other.crs:
        raise ParameterError(
            f"one range is in {one.crs or 'unknown'} and the other in {other.crs or 'unknown'} coordinates",
            fix="Read both tracks into one projection: give --crs.",
        )
    second = _on_grid(one, other)
    product = float(np.sqrt(one.density_per_m2 * second).sum()) * one.cell_m2
    value = -math.log(min(max(product, 1e-300), 1.0))
    gaussian, bias, variance = _distance(*fits)
    share = value / gaussian if gaussian > 0 else 1.0
    return _coefficient(max(value - bias * min(share, 1.0), 0.0), variance * share**2)


def _on_grid(one: KernelRange, other: KernelRange) -> Floats:
    from scipy.interpolate import RegularGridInterpolator

    read = RegularGridInterpolator(
        (other.y_m, other.x_m), other.density_per_m2, bounds_error=False, fill_value=0.0
    )
    y, x = np.meshgrid(one.y_m, one.x_m, indexing="ij")
    return np.asarray(read((y, x)))


def _coefficient(distance: float, variance: float) -> Estimate:
    if distance <= 0 or not math.isfinite(variance) or variance <= 0:
        return Estimate(
            estimate=math.exp(-distance), lower=0.0 if variance else math.exp(-distance), upper=1.0
        )
    limits = chi_square_interval(distance, 2.0 * distance**2 / variance)
    return Estimate(
        estimate=math.exp(-distance), lower=math.exp(-limits.upper), upper=math.exp(-limits.lower)
    )


def _distance(one: MotionFit, other: MotionFit) -> tuple[float, float, float]:
    """D, its bias of second order and its variance of first order, by differences along the axes of doubt."""
    at = np.concatenate([_parameters(one), _parameters(other)])
    doubt = np.zeros((10, 10))
    doubt[:5, :5], doubt[5:, 5:] = _doubt(one), _doubt(other)
    values, axes = np.linalg.eigh(_scaled(doubt, at))
    scale = _scale(at)
    middle = _of(at)
    bias = variance = 0.0
    for value, axis in zip(values, axes.T, strict=True):
        if value <= 0:
            continue
        step = 1e-3 * axis * scale
        up, down = _of(at + step), _of(at - step)
        variance += value * ((up - down) / 2e-3) ** 2
        bias += 0.5 * value * (up - 2.0 * middle + down) / 1e-6
    return middle, bias, variance


def _scale(at: Floats) -> Floats:
    """Sizes that make the parameters comparable: deviations for means, variances for covariances."""
    out = np.empty(10)
    for k in (0, 5):
        size = math.sqrt(at[k + 2] * at[k + 4])
        out[k : k + 2], out[k + 2 : k + 5] = math.sqrt(size), size
    return out


def _scaled(doubt: Floats, at: Floats) -> Floats:
    scale = _scale(at)
    return np.asarray(doubt / np.outer(scale, scale))


def _parameters(fit: MotionFit) -> Floats:
    s = fit.covariance_m2
    return np.array([*fit.mean_xy_m, s[0, 0], s[0, 1], s[1, 1]])


def _doubt(fit: MotionFit) -> Floats:
    """Covariance of mean and covariance entries, these as of a Wishart with the area's effective size."""
    s = fit.covariance_m2
    out = np.zeros((5, 5))
    out[:2, :2] = fit.mean_covariance_m2
    pairs = ((0, 0), (0, 1), (1, 1))
    for a, (i, j) in enumerate(pairs):
        for b, (k, m) in enumerate(pairs):
            out[2 + a, 2 + b] = (s[i, k] * s[j, m] + s[i, m] * s[j, k]) / max(fit.dof_area, 1e-9)
    return out


def _of(p: Floats) -> float:
    first = np.array([[p[2], p[3]], [p[3], p[4]]])
    second = np.array([[p[7], p[8]], [p[8], p[9]]])
    middle = 0.5 * (first + second)
    apart = p[:2] - p[5:7]
    logs = [float(np.linalg.slogdet(m)[1]) for m in (middle, first, second)]
    return float(apart @ np.linalg.solve(middle, apart)) / 8.0 + 0.5 * (logs[0] - 0.5 * (logs[1] + logs[2]))
