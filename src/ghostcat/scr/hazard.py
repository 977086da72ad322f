"""How detection falls off with distance from an animal's activity centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError

__all__ = ["half_normal_hazard"]

Floats = NDArray[np.float64]

# Below this hazard 1 − exp(−h) equals h to the last digit, and h itself may have underflowed to 0.
_TINY = 1e-290


def half_normal_hazard(distance_m: ArrayLike, lambda0: float, sigma_m: float) -> Floats:
    """Expected detections per unit of effort of an animal whose centre lies `distance_m` away.

    λ(d) = λ0 · exp(−d² / 2σ²)

    Parameters
    ----------
    distance_m : array of any shape, metres.
    lambda0 : hazard at distance 0, detections per station-day, > 0.
    sigma_m : spatial scale of movement, metres, > 0.

    Returns
    -------
    Array of hazards, the shape of `distance_m`.

    Raises
    ------
    ParameterError : `lambda0` or `sigma_m` is not positive.

    References
    ----------
    Borchers & Efford (2008) Biometrics 64:377–385.

    >>> half_normal_hazard(np.array([0.0, 100.0]), lambda0=0.2, sigma_m=100.0).round(4).tolist()
    [0.2, 0.1213]
    """
    for name, value in (("lambda0", lambda0), ("sigma_m", sigma_m)):
        if not value > 0:
            raise ParameterError(f"{name} is {value}, expected a number above 0")
    distance = np.asarray(distance_m, dtype=np.float64)
    return np.asarray(lambda0 * np.exp(-(distance**2) / (2 * sigma_m**2)))


def log_expm1(log_hazard: Floats, hazard: Floats) -> Floats:
    """ln(exp(h) − 1) from ln h and h, without loss where h is 1e-13 or has underflowed.

    Forming 1 − exp(−h) by subtraction loses every digit there; an animal caught far from its other
    captures then has no likelihood at all.
    """
    safe = np.maximum(hazard, _TINY)
    return np.where(hazard > _TINY, hazard + np.log(-np.expm1(-safe)), log_hazard)


def binary_slopes(hazard: Floats) -> tuple[Floats, Floats]:
    """First and second derivative of ln(exp(h) − 1) with respect to ln h."""
    safe = np.maximum(hazard, _TINY)
    first = safe / -np.expm1(-safe)
    return first, first * (1.0 - first * np.exp(-safe))
