"""Could two surveys tell that a population changed? Power, and the change that could just be seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ghostcat.errors import ParameterError

__all__ = ["ChangePower", "detectable_change", "power_to_detect_change"]


@dataclass(frozen=True, kw_only=True)
class ChangePower:
    """The chance to find a change of density between two surveys of one plan."""

    change: float
    """Relative: −0.5 is half of the animals gone."""
    power: float
    significance: float
    first_rse: float
    second_rse: float
    """RSE of the second survey: first / √(1 + change), because there are fewer or more animals to see."""


def power_to_detect_change(
    change: float, relative_standard_error: float, *, significance: float = 0.05
) -> ChangePower:
    """Power of a two-sided test that density changed between two surveys.

    The difference of ln D̂ is normal with variance ln(1 + RSE₁²) + ln(1 + RSE₂²), RSE₂ = RSE₁/√(1 + change).

    Parameters
    ----------
    change : relative change, above −1 and not 0; −0.5 for a halving.
    relative_standard_error : RSE of density in the first survey.
    significance : of the test.

    Raises
    ------
    ParameterError : a number is outside its range.

    References
    ----------
    Efford, secrdesign documentation (power of two independent surveys); RSE ∝ 1/√n as in Efford &
    Boulanger (2019) Methods in Ecology and Evolution 10:1529–1535.

    >>> round(power_to_detect_change(-0.5, 0.2).power, 2), round(power_to_detect_change(0.5, 0.2).power, 2)
    (0.53, 0.35)
    """
    if not (math.isfinite(change) and change > -1.0 and change != 0.0):
        raise ParameterError(
            f"change is {change}, expected a number above −1 and not 0", fix="−0.5 is a halving."
        )
    if not relative_standard_error > 0.0:
        raise ParameterError(f"RSE is {relative_standard_error}, expected a number above 0")
    if not 0.0 < significance < 1.0:
        raise ParameterError(f"significance is {significance}, expected a number between 0 and 1")
    second = relative_standard_error / math.sqrt(1.0 + change)
    power = 0.0
    if math.isfinite(relative_standard_error):
        spread = math.sqrt(math.log1p(relative_standard_error**2) + math.log1p(second**2))
        effect = math.log1p(change) / spread
        limit = -_quantile(significance / 2.0)
        power = _normal(effect - limit) + _normal(-effect - limit)
    return ChangePower(
        change=change,
        power=power,
        significance=significance,
        first_rse=relative_standard_error,
        second_rse=second,
    )


def detectable_change(
    relative_standard_error: float, *, power: float = 0.8, significance: float = 0.05
) -> tuple[float, float]:
    """The smallest decline and the smallest increase that two surveys would find with this power.

    Returns
    -------
    (decline, increase) : relative changes; decline is −1 where not even a loss of 99.9 % would be found.

    >>> [round(c, 2) for c in detectable_change(0.1)]
    [-0.36, 0.44]
    """
    if not significance < power < 1.0:
        raise ParameterError(f"power is {power}, expected a number between the significance and 1")

    def reached(log_ratio: float) -> bool:
        found = power_to_detect_change(
            math.expm1(log_ratio), relative_standard_error, significance=significance
        )
        return found.power >= power

    return _smallest(reached, -1.0), _smallest(reached, 1.0)


def _smallest(reached: Callable[[float], bool], sign: float) -> float:
    """Walk outwards in ln(1 + change) until the power is there, then halve the step."""
    near, far = 0.0, 0.01
    while not reached(sign * far):
        near, far = far, far * 1.2
        if far > 7.0:
            return -1.0 if sign < 0 else math.inf
    for _ in range(50):
        middle = (near + far) / 2.0
        near, far = (near, middle) if reached(sign * middle) else (middle, far)
    return math.expm1(sign * far)


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
