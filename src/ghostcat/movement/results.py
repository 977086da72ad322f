"""What movement results share: an estimate with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Estimate", "chi_square_interval", "log_interval"]

_Z = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An estimate with the limits of its 95 % interval, in the unit its name says."""

    estimate: float
    lower: float
    upper: float

    def times(self, factor: float) -> Estimate:
        """The same in another unit."""
        return Estimate(estimate=self.estimate * factor, lower=self.lower * factor, upper=self.upper * factor)


def log_interval(estimate: float, relative_error: float) -> Estimate:
    """Log-normal limits: estimate · exp(∓ 1.96 relative standard error); open where it is not finite."""
    if not math.isfinite(relative_error):
        return Estimate(estimate=estimate, lower=0.0, upper=math.inf)
    reach = math.exp(min(_Z * relative_error, 700.0))
    return Estimate(estimate=estimate, lower=estimate / reach, upper=estimate * reach)


def chi_square_interval(estimate: float, degrees: float) -> Estimate:
    """Limits of a quantity whose estimate is χ²-distributed around it with `degrees` degrees of freedom.

    >>> chi_square_interval(403.46, 36.27)  # doctest: +ELLIPSIS
    Estimate(estimate=403.46, lower=239.6..., upper=609.2...)
    """
    if not degrees > 0:
        return Estimate(estimate=estimate, lower=0.0, upper=math.inf)
    from scipy.stats import chi2

    low, high = chi2.ppf([0.025, 0.975], degrees) / degrees
    return Estimate(estimate=estimate, lower=estimate * float(low), upper=estimate * float(high))
