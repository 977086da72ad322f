"""Profile-likelihood intervals: what values of one coefficient the data allow when all others may adapt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.fitting import ModelFit, fit_model

__all__ = ["ProfileInterval", "limits_of_profile", "profile_interval"]

Floats = NDArray[np.float64]

_STEPS = 12
# A limit farther than this many standard errors from the estimate is reported as not found.
_FARTHEST = 8.0
_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class ProfileInterval:
    """Interval of one coefficient, on its link scale; infinite where the likelihood sets no limit."""

    name: str
    estimate: float
    lower: float
    upper: float
    level: float
    wald: tuple[float, float]
    """Limits from the curvature alone, for comparison."""
    values: Floats = field(repr=False)
    """Where the profile was computed, ascending."""
    log_likelihood: Floats = field(repr=False)
    """The profile there."""
    higher: float = 0.0
    """How far the profile rose above the fitted maximum: above 0.001 the fit was not the best."""


def profile_interval(fit: ModelFit, name: str, *, level: float = 0.95) -> ProfileInterval:
    """Values of a coefficient that a likelihood-ratio test does not reject.

    Parameters
    ----------
    fit : a converged fit.
    name : one of `fit.names`, for example "D" or "sigma.h2M".
    level : of confidence.

    Returns
    -------
    ProfileInterval : on the link scale; for a log link the limits of the value are their exponentials.

    Raises
    ------
    ParameterError : no such coefficient, or a level outside 0 to 1.
    EstimateRefused : the fit did not converge (`not_converged`).

    Notes
    -----
    Limits solve 2(l̂ − l_p(v)) = χ²₁(level). The signed root of the left side is nearly straight in v,
    so a few fits by false position suffice; each starts from the last along the ridge.
    """
    if name not in fit.names:
        raise ParameterError(f"{name!r} is no coefficient", fix="They are " + ", ".join(fit.names) + ".")
    if name in fit.held:
        raise ParameterError(f"coefficient {name} was held fixed and has no interval")
    j = fit.names.index(name)
    error = math.sqrt(fit.covariance[j, j]) if fit.covariance[j, j] > 0 else math.nan
    if not fit.converged or not math.isfinite(error):
        raise EstimateRefused(
            f"the fit has no proven maximum, so {name} has no profile",
            code="not_converged",
            fix="Simplify the model.",
        )
    ridge = fit.covariance[:, j] / fit.covariance[j, j]

    def profile(value: float) -> float:
        start = fit.beta + ridge * (value - fit.beta[j])
        held = {**fit.held, name: value}
        return fit_model(fit.laid, start=start, held=held, checked=False).log_likelihood

    return limits_of_profile(
        profile,
        name=name,
        estimate=float(fit.beta[j]),
        log_likelihood=fit.log_likelihood,
        standard_error=error,
        level=level,
    )


def limits_of_profile(
    profile: Callable[[float], float],
    *,
    name: str,
    estimate: float,
    log_likelihood: float,
    standard_error: float,
    level: float = 0.95,
) -> ProfileInterval:
    """Limits from any profile log-likelihood; see `profile_interval`.

    >>> found = limits_of_profile(lambda v: -((v - 2.0) ** 2) / 2.0, name="mean", estimate=2.0,
    ...                           log_likelihood=0.0, standard_error=1.0)
    >>> round(found.lower, 3), round(found.upper, 3)
    (0.04, 3.96)
    """
    from scipy.stats import norm

    if not 0.0 < level < 1.0:
        raise ParameterError(f"level is {level}, expected a number between 0 and 1")
    z = float(norm.ppf((1.0 + level) / 2.0))
    points: dict[float, float] = {estimate: log_likelihood}

    def root(value: float) -> float:
        """√ of twice the drop; below 0 where the profile rises above the maximum it was given."""
        if value not in points:
            points[value] = profile(value)
        drop = 2.0 * (log_likelihood - points[value])
        return math.copysign(math.sqrt(abs(drop)), drop)

    lower, upper = (_limit(root, estimate, sign * standard_error, z) for sign in (-1.0, 1.0))
    values = np.array(sorted(points))
    heights = np.array([points[v] for v in values])
    return ProfileInterval(
        name=name,
        estimate=estimate,
        lower=lower,
        upper=upper,
        level=level,
        wald=(estimate - z * standard_error, estimate + z * standard_error),
        values=values,
        log_likelihood=heights,
        higher=max(0.0, float(heights.max()) - log_likelihood),
    )


def _limit(root: Callable[[float], float], estimate: float, step: float, z: float) -> float:
    """Where the root reaches z on one side: bracket it, then false position (Illinois)."""
    near, low = estimate, -z
    far = estimate + z * step
    high = root(far) - z
    while high < 0:
        near, low = far, high
        far = estimate + (far - estimate) * 1.5
        if abs(far - estimate) > _FARTHEST * abs(step) * z / 1.96:
            return math.copysign(math.inf, step)
        high = root(far) - z
    side = 0
    for _ in range(_STEPS):
        if high < _TOLERANCE and side >= 0 and abs(high) < abs(low):
            return far
        middle = near + (far - near) * low / (low - high)
        value = root(middle) - z
        if abs(value) < _TOLERANCE:
            return middle
        if value < 0:
            near, low = middle, value
            high = high / 2.0 if side == -1 else high
            side = -1
        else:
            far, high = middle, value
            low = low / 2.0 if side == 1 else low
            side = 1
    return far
