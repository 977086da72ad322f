"""Real parameters from β: a `Predictor` as the logarithm of its value, with slopes in β's direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.layout import Predictor

__all__ = ["LogValues", "log_values"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LogValues:
    """ln of a real parameter over n places, and its derivatives with respect to the linear predictor."""

    value: Floats
    """(n,); NaN where the parameter is outside its domain."""
    first: Floats | float
    """(n,) or one number: d ln v / dη."""
    second: Floats | float
    """(n,) or one number: d² ln v / dη²."""


def log_values(predictor: Predictor, beta: Floats) -> LogValues:
    """ln v and its derivatives: v = exp(η), 1/(1 + exp(−η)) or η.

    Parameters
    ----------
    predictor : of n places.
    beta : (P,) all coefficients.

    Returns
    -------
    LogValues

    >>> p = Predictor(design=np.ones((1, 1)), columns=np.array([0]), offset=np.zeros(1), link="logit")
    >>> values = log_values(p, np.array([0.0]))
    >>> np.exp(values.value).tolist(), values.first.tolist(), values.second.tolist()
    ([0.5], [0.5], [-0.25])
    """
    eta = predictor.offset
    if len(predictor.columns):
        eta = eta + predictor.design @ beta[predictor.columns]
    if predictor.link == "log":
        return LogValues(eta, 1.0, 0.0)
    if predictor.link == "logit":
        value = -np.logaddexp(0.0, -eta)
        rest = np.exp(-np.logaddexp(0.0, eta))
        return LogValues(value, rest, -rest * np.exp(value))
    inside = eta > 0
    safe = np.where(inside, eta, 1.0)
    return LogValues(np.where(inside, np.log(safe), math.nan), 1.0 / safe, -1.0 / safe**2)
