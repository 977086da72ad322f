"""The real parameters of a model: which there are, on which link, and how values go there and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.layout import Link, Predictor

__all__ = [
    "DETECTION_FUNCTIONS",
    "Intercept",
    "default_link",
    "detection_function",
    "from_link",
    "intercept_name",
    "link_slope",
    "model_parameters",
    "predicted_values",
    "to_link",
]

Intercept = Literal["g0", "lambda0", "a0"]

#: Name of each detection function, by the field's number.
DETECTION_FUNCTIONS = {0: "HN", 1: "HR", 2: "EX", 14: "HHN", 15: "HHR", 16: "HEX", 18: "HCG"}
_SHAPED = (1, 15, 18)
_ON_PROBABILITY = (0, 1, 2)
_LINKS: dict[str, Link] = {"g0": "logit", "pmix": "logit"}


def detection_function(given: int | str) -> int:
    """Number of a detection function given by number or name.

    >>> detection_function("hhn"), detection_function(0)
    (14, 0)
    """
    if isinstance(given, str) and not given.strip().isdigit():
        for number, name in DETECTION_FUNCTIONS.items():
            if name == given.strip().upper():
                return number
    elif int(given) in DETECTION_FUNCTIONS:
        return int(given)
    names = ", ".join(f"{number} {name}" for number, name in DETECTION_FUNCTIONS.items())
    raise ParameterError(f"detection function {given!r} is not known", fix=f"Known are {names}.")


def intercept_name(detectfn: int, named: Mapping[str, object]) -> Intercept:
    """Which parameter sets the level of detection: a0 where it is named, else g0 or lambda0."""
    if "a0" in named:
        return "a0"
    return "g0" if detectfn in _ON_PROBABILITY else "lambda0"


def model_parameters(detectfn: int, named: Mapping[str, object], *, conditional: bool) -> tuple[str, ...]:
    """Names of the parameters of density and detection, in the order of the coefficients.

    >>> model_parameters(1, {}, conditional=False)
    ('D', 'g0', 'sigma', 'z')
    """
    shape = ("z",) if detectfn in _SHAPED else ()
    return (*(() if conditional else ("D",)), intercept_name(detectfn, named), "sigma", *shape)


def default_link(parameter: str) -> Link:
    """Log, but for probabilities."""
    return _LINKS.get(parameter, "log")


def to_link(value: float, link: Link) -> float:
    """Value on the link scale."""
    if link == "log":
        if not value > 0:
            raise ParameterError(f"a parameter on the log link is {value}, expected more than 0")
        return math.log(value)
    if link == "logit":
        if not 0 < value < 1:
            raise ParameterError(f"a parameter on the logit link is {value}, expected between 0 and 1")
        return math.log(value) - math.log1p(-value)
    return value


def from_link(value: float, link: Link) -> float:
    """Value on the natural scale."""
    if link == "log":
        return math.exp(min(value, 700.0))
    if link == "logit":
        return 1.0 / (1.0 + math.exp(-value)) if value > -700 else 0.0
    return value


def link_slope(value: float, link: Link) -> float:
    """Derivative of the natural value with respect to the linked one, at a natural `value`."""
    if link == "log":
        return value
    return value * (1.0 - value) if link == "logit" else 1.0


def predicted_values(
    predictor: Predictor, beta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) natural values of a predictor at β, and their slopes with respect to the linked value."""
    linked = predictor.offset + predictor.design @ beta[predictor.columns]
    if predictor.link == "log":
        value = np.exp(np.minimum(linked, 700.0))
        return value, value
    if predictor.link == "logit":
        value = 1.0 / (1.0 + np.exp(-np.maximum(linked, -700.0)))
        return value, value * (1.0 - value)
    return linked, np.ones(len(linked))
