"""How many animals lived in a region: limits from the predictive distribution of that number."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["realised_limits"]

Floats = NDArray[np.float64]

_NODES = 61
_TAIL = 0.025


def realised_limits(inside: Floats, unseen: float, variance: float) -> tuple[float, float]:
    """95 % limits, whole animals, of (coin tosses of the detected) + (a Poisson number of the unseen).

    Parameters
    ----------
    inside : (n,) probability that each detected animal's centre lies in the region.
    unseen : expected number of animals there that nobody detected.
    variance : variance of the expected total from the uncertainty of the parameters; it is laid on
        the unseen number as a log-normal factor with median 1.

    Returns
    -------
    (lower, upper) : the probability of fewer than `lower` and that of more than `upper` are at most
        0.025 each. In a region where nearly everything was seen both are close to what was seen,
        and the lower limit can be that number, which a log-normal interval never allows.

    >>> realised_limits(np.array([1.0, 1.0, 1.0]), 0.01, 0.0)
    (3.0, 3.0)
    """
    tosses = _sum_of_tosses(inside)
    spread = math.sqrt(math.log1p(variance / unseen**2)) if unseen > 0 else 0.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    rates = np.maximum(unseen * np.exp(spread * nodes), 1e-300)
    shares = weights / weights.sum()
    likely = np.flatnonzero(tosses > 1e-12)

    def at_most(number: int) -> float:
        from scipy.special import gammaincc

        left = number - likely
        left, chance = left[left >= 0], tosses[likely[likely <= number]]
        if not len(left):
            return 0.0
        return float(chance @ (gammaincc(left[:, None] + 1.0, rates[None, :]) @ shares))

    top = len(inside) + int(unseen * math.exp(6.0 * spread) + 10.0 * math.sqrt(unseen) + 50.0)
    lower = _first(lambda x: at_most(x) > _TAIL, top)
    upper = _first(lambda x: at_most(x) >= 1.0 - _TAIL, top)
    return float(lower), float(upper)


def _sum_of_tosses(chances: Floats) -> Floats:
    """Distribution of the number of heads among unequal coins."""
    distribution = np.ones(1)
    for chance in chances:
        grown = np.zeros(len(distribution) + 1)
        grown[:-1] = distribution * (1.0 - chance)
        grown[1:] += distribution * chance
        distribution = grown
    return distribution


def _first(holds: Callable[[int], bool], top: int) -> int:
    """Smallest number from 0 to `top` at which a statement that stays true becomes true."""
    low, high = 0, top
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
