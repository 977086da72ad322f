"""Fixes of collared animals: independent normal draws around the activity centre.

A history with J fixes, their mean c and scatter q adds, for a centre m,

    −J ln(2π) − 2 J s − (J |m − c|² + q) exp(−2 s) / 2,    s = ln σ
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.layout import CollarLayout, Predictor
from ghostcat.scr.links import LogValues, log_values

if TYPE_CHECKING:
    from ghostcat.scr.tiles import Part

__all__ = [
    "CollarValues",
    "add_collars",
    "collar_curvature",
    "collar_log_density",
    "collar_slopes",
    "collar_values",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CollarValues:
    """Collared animals over a block of cells."""

    predictor: Predictor
    chosen: Ints
    link: LogValues
    fixes: Floats
    """(A, 1)."""
    scaled: Floats
    """(A, m) (J |m − c|² + q) / σ²."""
    log_sigma: Floats
    """(A, 1)."""


def collar_values(
    collars: CollarLayout, chosen: Ints, cells_xy_m: Floats, u: int, beta: Floats
) -> CollarValues:
    """Squared distances of `chosen` collared animals to the cells, in units of σ."""
    predictor = collars.sigma[u]
    link = log_values(predictor, beta)
    log_sigma = link.value[chosen][:, None]
    mean, fixes = collars.mean_xy_m[chosen], collars.fixes[chosen][:, None]
    dx = mean[:, :1] - cells_xy_m[:, 0]
    dy = mean[:, 1:] - cells_xy_m[:, 1]
    scaled = fixes * (dx * dx + dy * dy) + collars.scatter_m2[chosen][:, None]
    return CollarValues(predictor, chosen, link, fixes, scaled * np.exp(-2.0 * log_sigma), log_sigma)


def collar_log_density(
    collars: CollarLayout, chosen: Ints, squared_m2: Floats, u: int, beta: Floats
) -> Floats:
    """(A, m) log-density of the fixes, given squared distances of their mean from the centre."""
    log_sigma = log_values(collars.sigma[u], beta).value[chosen][:, None]
    fixes = collars.fixes[chosen][:, None]
    spread = fixes * squared_m2 + collars.scatter_m2[chosen][:, None]
    constant = fixes * (math.log(2.0 * math.pi) + 2.0 * log_sigma)
    return np.asarray(-0.5 * spread * np.exp(-2.0 * log_sigma) - constant)


def add_collars(values: CollarValues, log_joint: Floats, places: Ints) -> None:
    """Add the log-density of the fixes to rows `places` of `log_joint`."""
    constant = values.fixes * (math.log(2.0 * math.pi) + 2.0 * values.log_sigma)
    np.add.at(log_joint, places, -0.5 * values.scaled - constant)


def _slope(values: CollarValues) -> tuple[Floats, Floats]:
    """(A, columns) ∂s, and (A, m) derivative in s."""
    first = values.link.first
    design = values.predictor.design[values.chosen]
    factor = first if isinstance(first, float) else first[values.chosen][:, None]
    return design * factor, values.scaled - 2.0 * values.fixes


def collar_slopes(values: CollarValues, into: list[Floats], part: Part) -> None:
    """Add first derivatives to `into`, J matrices (X, m)."""
    design, along = _slope(values)
    for j, place in enumerate(part.collar_columns):
        np.add.at(into[place], part.collar_places, design[:, j : j + 1] * along)


def collar_curvature(values: CollarValues, local: Floats, part: Part, weights: Floats) -> None:
    """Add weighted second derivatives to `local` (J, J)."""
    design, along = _slope(values)
    w = weights[part.collar_places]
    bend = -2.0 * np.einsum("am,am->a", w, values.scaled)
    places = np.ix_(part.collar_columns, part.collar_columns)
    inner = (design.T * bend) @ design
    second = values.link.second
    if not isinstance(second, float):
        plain = values.predictor.design[values.chosen]
        inner = inner + (plain.T * (np.einsum("am,am->a", w, along) * second[values.chosen])) @ plain
    np.add.at(local, places, inner)
