"""The small frozen answers that the other modules of this room hand out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Z95", "Abundance", "Convergence", "Diagnostic", "Interval", "LogLikelihood", "MaskCheck"]

Floats = NDArray[np.float64]

#: Two-sided 95 % point of the normal distribution.
Z95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True, eq=False)
class LogLikelihood:
    """Value and, as far as asked for, derivatives with respect to β."""

    value: float
    gradient: Floats
    hessian: Floats


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate that never travels without its 95 % interval."""

    estimate: float
    standard_error: float
    lower: float
    upper: float

    @property
    def relative_standard_error(self) -> float:
        """Standard error divided by the estimate."""
        return self.standard_error / self.estimate

    def times(self, factor: float) -> Interval:
        """The same quantity in another unit.

        >>> Interval(estimate=2.0, standard_error=1.0, lower=1.0, upper=4.0).times(10).upper
        40.0
        """
        return Interval(
            estimate=self.estimate * factor,
            standard_error=self.standard_error * factor,
            lower=self.lower * factor,
            upper=self.upper * factor,
        )


def log_link_interval(log_estimate: float, log_variance: float) -> Interval:
    """Interval of exp(b) where b is normal: SE = value · √(exp(var) − 1), limits exp(b ± 1.96 SE_b).

    These are the log-normal limits value/C and value·C with C = exp(1.96 √ln(1 + CV²)).
    """
    value = math.exp(log_estimate)
    if not 0.0 <= log_variance < 100.0:  # beyond exp(±20): no interval at all
        return Interval(estimate=value, standard_error=math.nan, lower=math.nan, upper=math.nan)
    reach = math.exp(Z95 * math.sqrt(log_variance))
    spread = math.sqrt(math.expm1(log_variance))
    return Interval(estimate=value, standard_error=value * spread, lower=value / reach, upper=value * reach)


def shifted_interval(certain: float, uncertain: float, variance: float) -> Interval:
    """Log-normal interval of `certain + uncertain`, in which only the second part can vary."""
    total = certain + uncertain
    if not uncertain > 0.0:
        return Interval(estimate=total, standard_error=0.0, lower=total, upper=total)
    reach = math.exp(Z95 * math.sqrt(math.log1p(variance / uncertain**2)))
    return Interval(
        estimate=total,
        standard_error=math.sqrt(variance),
        lower=certain + uncertain / reach,
        upper=certain + uncertain * reach,
    )


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """Something a reader of the estimate must know, and what could be done about it."""

    code: str
    severity: Literal["warning", "note"]
    message: str
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """What proves that the optimiser stopped at a maximum, or why it did not."""

    converged: bool
    reason: str
    """Empty when converged."""
    iterations: int
    max_gradient: float
    """Largest absolute derivative of the log-likelihood on the link scale."""
    newton_decrement: float
    """√(gᵀ (−H)⁻¹ g): distance to the maximum in standard errors."""
    smallest_curvature: float
    """Smallest eigenvalue of −H; positive at a maximum."""
    condition: float
    """Largest divided by smallest eigenvalue of −H."""


@dataclass(frozen=True, kw_only=True)
class MaskCheck:
    """How log D would move on a better mask, from one Newton step there."""

    buffer_change: float
    """Relative change of D when the mask reaches 2 σ farther out."""
    cell_change: float
    """Relative change of D when cells are half as wide."""
    enlarged: int
    """How many times the engine had to enlarge its first mask."""


@dataclass(frozen=True, kw_only=True)
class Abundance:
    """Animals of a region.

    `expected` is D × area: what a survey of the same population in another year is drawn from.
    `realised` is the number that lived there during this survey: the animals that were seen
    enter with the probability that their activity centre lies inside. Its limits are whole numbers,
    from the predictive distribution. `realised_log_normal` has the limits that other programs give,
    n + (N − n)/C and n + (N − n)·C.
    """

    expected: Interval
    realised: Interval
    realised_log_normal: Interval
    area_km2: float
    outside_mask_km2: float
    """Part of the region that the mask does not cover; the mean density is carried there."""
    detected_inside: float
    """Expected number of the detected animals whose activity centre lies in the region."""
