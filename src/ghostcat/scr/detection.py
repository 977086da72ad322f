"""Detection functions: how the hazard of detection falls with distance, for drawing and for planning."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError

__all__ = ["DetectionFunction", "detection_hazard", "detection_reach_m"]

Floats = NDArray[np.float64]

#: The field's names: half-normal, hazard rate and exponential on the scale of probability (g0) and of
#: hazard (lambda0), and the cumulative gamma hazard.
DetectionFunction = Literal["HN", "HR", "EX", "HHN", "HHR", "HEX", "HCG"]

_ON_HAZARD = ("HHN", "HHR", "HEX", "HCG")
_SHAPED = ("HR", "HHR", "HCG")
# ln of the least hazard, relative to that at distance 0, that can still matter to a plan.
_NEGLIGIBLE = 1e-4


def detection_hazard(
    distance_m: ArrayLike,
    intercept: ArrayLike,
    sigma_m: ArrayLike,
    *,
    detectfn: DetectionFunction = "HHN",
    shape: ArrayLike = math.nan,
) -> Floats:
    """Expected detections per unit of effort at a distance from the activity centre.

    Parameters
    ----------
    distance_m : array of any shape, metres.
    intercept : λ0 > 0, or g0 between 0 and 1 for HN, HR and EX; broadcast against `distance_m`.
    sigma_m : spatial scale, metres, > 0; broadcast.
    shape : z of HR, HHR (steepness) and HCG (shape of the gamma distribution).

    Returns
    -------
    Hazards; for HN, HR and EX −ln(1 − g).

    Raises
    ------
    ParameterError : a parameter is outside its range.

    References
    ----------
    Borchers & Efford (2008) Biometrics 64:377–385.

    >>> detection_hazard([0.0, 1000.0], 0.02, 1000.0).round(4).tolist()
    [0.02, 0.0121]
    >>> detection_hazard([0.0, 1000.0], 0.5, 1000.0, detectfn="EX").round(4).tolist()
    [0.6931, 0.2033]
    """
    if detectfn not in get_args(DetectionFunction):
        raise ParameterError(
            f"detection function {detectfn!r} is not known",
            fix=f"Use one of {', '.join(get_args(DetectionFunction))}.",
        )
    top = np.asarray(intercept, dtype=np.float64)
    scale = np.asarray(sigma_m, dtype=np.float64)
    name = "lambda0" if detectfn in _ON_HAZARD else "g0"
    if not (top > 0).all() or (name == "g0" and not (top < 1).all()):
        limits = "above 0" if name == "lambda0" else "between 0 and 1"
        raise ParameterError(f"{name} is {top}, expected a number {limits}")
    if not (scale > 0).all():
        raise ParameterError(f"sigma_m is {scale}, expected metres above 0")
    form = np.asarray(shape, dtype=np.float64)
    if detectfn in _SHAPED and not (form > 0).all():
        raise ParameterError(f"z is {form}, expected a number above 0", fix=f"{detectfn} needs its shape z.")
    fall = _fall(np.asarray(distance_m, dtype=np.float64) / scale, detectfn, form)
    return np.asarray(top * fall if name == "lambda0" else -np.log1p(-top * fall))


def detection_reach_m(
    sigma_m: float, *, detectfn: DetectionFunction = "HHN", shape: float = math.nan
) -> float:
    """Distance beyond which detection is less than 1/10,000 of that at distance 0; at most 30 σ.

    >>> round(detection_reach_m(1000.0))
    4300
    """
    steps = np.arange(0.1, 30.05, 0.1)
    beyond = np.flatnonzero(_fall(steps, detectfn, np.asarray(shape)) < _NEGLIGIBLE)
    return float(sigma_m * (steps[beyond[0]] if beyond.size else steps[-1]))


def _fall(relative: Floats, detectfn: DetectionFunction, shape: Floats) -> Floats:
    """Detection relative to distance 0, at distances in units of σ."""
    if detectfn in ("HN", "HHN"):
        return np.asarray(np.exp(-0.5 * relative**2))
    if detectfn in ("EX", "HEX"):
        return np.asarray(np.exp(-relative))
    if detectfn == "HCG":
        from scipy.special import gammaincc

        return np.asarray(gammaincc(shape, shape * relative))
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(-(relative ** (-shape))))
