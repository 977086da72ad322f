"""How detection falls off with distance from an animal's activity centre.

Every detection function is a hazard per unit of effort h = F(y) of y = ln (intercept) + ln k(d; σ, z):

- on the hazard scale F(y) = exp(y), the intercept is λ0;
- on the probability scale g = exp(y), F(y) = −ln(1 − g), the intercept is g0.

=====  ======================  ==========================================
 no.   name                    k(d)
=====  ======================  ==========================================
0, 14  half-normal             exp(−d²/2σ²)
1, 15  hazard rate             1 − exp(−(d/σ)^−z)
2, 16  exponential             exp(−d/σ)
18     cumulative gamma        Q(z, z d/σ), the upper tail of a gamma
=====  ======================  ==========================================

Numbers below 14 are on the probability scale. Derivatives are with respect to ln σ and ln z; formulas are
written so that no digit is lost where hazards are 1e-13 or have underflowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError

__all__ = [
    "DETECTION_FUNCTIONS",
    "Curve",
    "binary_catch",
    "catch_slopes",
    "fall_off",
    "half_normal_hazard",
    "separation",
]

Floats = NDArray[np.float64]

# Below this hazard 1 − exp(−h) equals h to the last digit, and h itself may have underflowed to 0.
TINY_HAZARD = 1e-290
# exp of ±700 still is a number.
_EXPONENT = 700.0

#: number: (family, whether on the hazard scale, whether it has a shape z)
DETECTION_FUNCTIONS: dict[int, tuple[str, bool, bool]] = {
    0: ("half-normal", False, False),
    1: ("hazard-rate", False, True),
    2: ("exponential", False, False),
    14: ("half-normal", True, False),
    15: ("hazard-rate", True, True),
    16: ("exponential", True, False),
    18: ("cumulative-gamma", True, True),
}


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


@dataclass(frozen=True, eq=False)
class Curve:
    """k or ln k over distances, and the derivatives of ln k with respect to s = ln σ and ζ = ln z.

    Where ∂²/∂s² is a multiple of ∂/∂s, as in the half-normal, `bend` holds the factor and `ss` nothing.
    """

    log: Floats | None
    """ln k; None where `value` is what comes first."""
    bend: float
    value: Floats | None = None
    tail: Floats | None = None
    """What ln k tends to where `value` underflows."""
    slopes: Callable[[], Slopes] | None = None
    """None where ∂ ln k/∂s = `bend` · ln k."""

    def values(self) -> Floats:
        """k, in memory that may be overwritten unless `value` is given."""
        if self.value is not None:
            return self.value
        assert self.log is not None
        return np.asarray(np.exp(self.log))

    def log_at(self, kernels: NDArray[np.int64] | slice) -> Floats:
        """ln k of some rows, a copy."""
        if self.log is not None:
            return np.array(self.log[kernels])
        assert self.value is not None
        value = self.value[kernels]
        if value.min(initial=1.0) > TINY_HAZARD or self.tail is None:
            return np.asarray(np.log(value))
        tiny = value <= TINY_HAZARD
        return np.where(tiny, self.tail[kernels], np.log(np.where(tiny, 1.0, value)))

    def derivatives(self) -> Slopes:
        """Of ln k."""
        if self.slopes is not None:
            return self.slopes()
        assert self.log is not None
        return Slopes(self.bend * self.log, self.bend)


@dataclass(frozen=True, eq=False)
class Slopes:
    """Derivatives of ln k. ∂²/∂s² = `bend` · ∂/∂s + `ss`."""

    s: Floats
    bend: float
    ss: Floats | None = None
    z: Floats | None = None
    sz: Floats | None = None
    zz: Floats | None = None


def separation(family: str, squared_m2: Floats) -> Floats:
    """What `fall_off` takes: d² for the half-normal, d for the exponential, ln d for the others."""
    if family == "half-normal":
        return squared_m2
    if family == "exponential":
        return np.asarray(np.sqrt(squared_m2))
    log_distance = np.log(np.maximum(squared_m2, 1e-300))
    log_distance *= 0.5
    return np.asarray(log_distance)


def fall_off(family: str, apart: Floats, log_sigma: Floats, log_shape: Floats | None) -> Curve:
    """k and its derivatives.

    Parameters
    ----------
    family : of `DETECTION_FUNCTIONS`.
    apart : (K, m) from `separation`.
    log_sigma, log_shape : (K, 1) ln σ in metres, and ln z where the family has a shape.

    >>> curve = fall_off("half-normal", np.array([[4.0]]), np.array([[0.0]]), None)
    >>> curve.log.tolist(), curve.derivatives().s.tolist()
    ([[-2.0]], [[4.0]])
    """
    if family == "half-normal":
        return Curve(apart * (-0.5 * np.exp(-2.0 * log_sigma)), -2.0)
    if family == "exponential":
        return Curve(apart * -np.exp(-log_sigma), -1.0)
    if log_shape is None:
        raise ParameterError(f"a {family} detection function needs a shape z")
    if family == "hazard-rate":
        return _hazard_rate(apart, log_sigma, log_shape)
    from ghostcat.scr.gamma_tail import log_gamma_tail

    return log_gamma_tail(apart, log_sigma, log_shape)


def _hazard_rate(log_distance: Floats, log_sigma: Floats, log_shape: Floats) -> Curve:
    """k = 1 − exp(−y), ln y = −z (ln d − ln σ)."""
    shape = np.exp(log_shape)
    log_y = log_distance * -shape
    log_y += shape * log_sigma
    bounded = log_y
    if log_y.size and (log_y.max() > _EXPONENT or log_y.min() < -_EXPONENT):
        bounded = np.clip(log_y, -_EXPONENT, _EXPONENT)
    y = np.exp(bounded)
    k = np.negative(y)
    np.expm1(k, out=k)
    np.negative(k, out=k)

    def slopes() -> Slopes:
        slope = y * (1.0 - k)  # y exp(−y) / (1 − exp(−y)) = d ln k / d ln y
        slope /= k
        bend = slope * (1.0 - y - slope)
        s = slope * shape
        z = slope * bounded
        bent = bend * bounded
        sz = bent * shape
        sz += s
        bent *= bounded
        bent += z
        bend *= shape**2
        return Slopes(s, 0.0, ss=bend, z=z, sz=sz, zz=bent)

    return Curve(None, 0.0, value=k, tail=log_y, slopes=slopes)


def log_expm1(log_hazard: Floats, hazard: Floats) -> Floats:
    """ln(exp(h) − 1) from ln h and h, without loss where h is 1e-13 or has underflowed.

    Forming 1 − exp(−h) by subtraction loses every digit there; an animal caught far from its other
    captures then has no likelihood at all.
    """
    safe = np.maximum(hazard, TINY_HAZARD)
    return np.where(hazard > TINY_HAZARD, hazard + np.log(-np.expm1(-safe)), log_hazard)


def binary_slopes(hazard: Floats) -> tuple[Floats, Floats]:
    """First and second derivative of ln(exp(h) − 1) with respect to ln h."""
    safe = np.maximum(hazard, TINY_HAZARD)
    first = safe / -np.expm1(-safe)
    return first, first * (1.0 - first * np.exp(-safe))


def binary_catch(hazard: Floats) -> Floats:
    """ln(exp(h) − 1) of hazards above `TINY_HAZARD`."""
    return np.asarray(hazard + np.log(-np.expm1(-hazard)))


def catch_slopes(hazard: Floats, first: Floats, second: Floats, *, binary: bool) -> tuple[Floats, Floats]:
    """First and second derivative of what one detection adds, in y, from those of its hazard.

    Parameters
    ----------
    hazard, first, second : (T, m) h = F(y), F'(y) and F''(y); times the effort for binary detectors.
    binary : the detection adds ln(exp(h) − 1), else ln h.
    """
    if hazard.size and hazard.min() <= TINY_HAZARD:
        tiny = hazard <= TINY_HAZARD
        hazard = np.where(tiny, 1.0, hazard)
        along, across = np.where(tiny, 1.0, first / hazard), np.where(tiny, 1.0, second / hazard)
        hazard = np.where(tiny, TINY_HAZARD, hazard)
    else:
        along, across = first / hazard, second / hazard
    if not binary:
        across -= along * along
        return along, across
    caught = -np.expm1(-hazard)
    rho = hazard / caught
    first = rho * along
    return first, rho * across - first * (1.0 - caught) * first


def multi_catch(total: Floats) -> Floats:
    """ψ(G) = ln((exp(G) − 1)/G): what a catch in one of many traps with total hazard G adds."""
    safe = np.maximum(total, TINY_HAZARD)
    return np.asarray(safe + np.log(-np.expm1(-safe) / safe))


# Coefficients B_2k/(2k)! of ψ'(G) = 1/2 + Σ_k c_k G^(2k−1), by powers of G².
_BERNOULLI = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
    -3617 / 10670622842880000,
    43867 / 5109094217170944000,
    -174611 / 802857662698291200000,
)


def multi_catch_slopes(total: Floats) -> tuple[Floats, Floats]:
    """ψ'(G) and ψ''(G); by series below 1, where the closed form cancels."""
    small = np.minimum(total, 1.0)
    square = small * small
    first = np.full_like(total, _BERNOULLI[-1])
    second = np.full_like(total, (2 * len(_BERNOULLI) - 1) * _BERNOULLI[-1])
    for k in range(len(_BERNOULLI) - 2, -1, -1):
        first *= square
        first += _BERNOULLI[k]
        second *= square
        second += (2 * k + 1) * _BERNOULLI[k]
    first *= small
    first += 0.5
    large = total > 1.0
    if large.any():
        g = total[large]
        caught = -np.expm1(-g)
        first[large] = 1.0 / caught - 1.0 / g
        second[large] = 1.0 / g**2 - (1.0 - caught) / caught**2
    return first, second
