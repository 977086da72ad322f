"""The cumulative gamma detection function k = Q(z, z d/σ), with derivatives in its shape.

Libraries give the upper tail Q(a, x) of a gamma distribution, but not ∂Q/∂a. Here it is summed from the
series of the lower tail below x = a + 1, and from Legendre's continued fraction above (Abramowitz & Stegun
6.5.29 and 6.5.31), both differentiated term by term.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.hazard import Curve, Slopes

__all__ = ["log_gamma_tail"]

Floats = NDArray[np.float64]

_MOST_TERMS = 2_000
_FRACTION_TERMS = 120


def log_gamma_tail(log_distance: Floats, log_sigma: Floats, log_shape: Floats) -> Curve:
    """ln k and its derivatives in ln σ and ln z.

    Parameters
    ----------
    log_distance : (K, m) ln metres.
    log_sigma, log_shape : (K, 1).

    >>> curve = log_gamma_tail(np.log([[2.0]]), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> round(float(curve.log[0, 0]), 12)  # z = 1 is the exponential
    -2.0
    """
    from scipy.special import digamma, gammaln

    a = np.broadcast_to(np.exp(log_shape), log_distance.shape)
    u = log_distance - log_sigma + log_shape
    x = np.exp(u)
    value, first, second = np.empty_like(u), np.empty_like(u), np.empty_like(u)
    below = x < a + 1.0
    for part, method in ((below, _series), (~below, _fraction)):
        if part.any():
            value[part], first[part], second[part] = method(a[part], x[part], u[part])
    ratio = np.exp(a * u - x - gammaln(a) - value)  # −∂ ln Q/∂ ln x
    uu = -ratio * (a - x + ratio)
    ua = -ratio * (u - digamma(a) - first)
    derivatives = Slopes(
        ratio,
        0.0,
        ss=uu,
        z=a * first - ratio,
        sz=-uu - a * ua,
        zz=uu + 2.0 * a * ua + a * a * second + a * first,
    )
    return Curve(value, 0.0, slopes=lambda: derivatives)


def _series(a: Floats, x: Floats, u: Floats) -> tuple[Floats, Floats, Floats]:
    """ln Q and its derivatives in a, from P = x^a exp(−x) / Γ(a + 1) · Σ x^n / (a + 1)…(a + n)."""
    from scipy.special import digamma, gammaln, polygamma

    term, slope, bend = np.ones_like(x), np.zeros_like(x), np.zeros_like(x)
    total, total_slope, total_bend = term.copy(), slope.copy(), bend.copy()
    for n in range(1, _MOST_TERMS):
        step = 1.0 / (a + n)
        factor = x * step
        # The factor x/(a + n) has derivatives −factor·step and 2 factor·step² in a.
        bend = factor * (bend - 2.0 * step * slope + 2.0 * step**2 * term)
        slope = factor * (slope - step * term)
        term = factor * term
        total += term
        total_slope += slope
        total_bend += bend
        if n > 3 and np.abs(bend).max() < 1e-18 and term.max() < 1e-18:
            break
    lower = np.exp(a * u - x - gammaln(a + 1.0)) * total
    log_slope = u - digamma(a + 1.0) + total_slope / total
    log_bend = -polygamma(1, a + 1.0) + total_bend / total - (total_slope / total) ** 2
    upper = 1.0 - lower
    first = -lower * log_slope / upper
    return np.log1p(-lower), first, -lower * (log_bend + log_slope**2) / upper - first**2


def _fraction(a: Floats, x: Floats, u: Floats) -> tuple[Floats, Floats, Floats]:
    """ln Q and its derivatives in a, from x^a exp(−x) / Γ(a) / (x+1−a − 1(1−a)/(x+3−a − 2(2−a)/(…)))."""
    from scipy.special import digamma, gammaln, polygamma

    tail = x + 2.0 * _FRACTION_TERMS + 1.0 - a
    slope, bend = -np.ones_like(x), np.zeros_like(x)
    for n in range(_FRACTION_TERMS, 0, -1):
        above = n * (n - a)
        inverse = 1.0 / tail
        part = above * inverse
        part_slope = (-n - part * slope) * inverse
        bend = -(-2.0 * part_slope * slope - part * bend) * inverse
        slope = -1.0 - part_slope
        tail = x + 2.0 * n - 1.0 - a - part
    value = a * u - x - gammaln(a) - np.log(tail)
    ratio = slope / tail
    return value, u - digamma(a) - ratio, -polygamma(1, a) - bend / tail + ratio**2
