"""Expected animals per cell at β, for each population of a session, with what moves them.

A coefficient on the log link whose column is the same in every cell moves ln D everywhere alike: it is
*flat*, shifts no centre, and its derivatives are known without looking at cells. The others are *spatial*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.layout import Predictor, SessionLayout
from ghostcat.scr.links import log_values

__all__ = ["DensityDesign", "DensityValues", "density_design", "density_values"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class DensityDesign:
    """Densities of the populations, sorted into flat and spatial coefficients."""

    predictors: tuple[Predictor, ...]
    """Empty: relative density 1."""
    log_area: Floats
    """(M,) ln hectares."""
    flat: Floats
    """(populations, P) slope of ln D."""
    columns: Ints
    """(J,) positions in β of the spatial coefficients."""
    designs: tuple[Floats, ...]
    """One a population, (J, M)."""


def density_design(session: SessionLayout, parameters: int) -> DensityDesign:
    """Sort the coefficients of a session's densities."""
    predictors = session.density or ()
    populations = max(len(session.constant), len(predictors), 1)
    flat = np.zeros((populations, parameters))
    spatial: set[int] = set()
    for p in predictors:
        for column, values in zip(p.columns, p.design.T, strict=True):
            if p.link != "log" or (len(values) and (values != values[0]).any()):
                spatial.add(int(column))
    columns = np.array(sorted(spatial), dtype=np.int64)
    designs = []
    for k, p in enumerate(predictors):
        design = np.zeros((len(columns), len(session.cell_area_ha)))
        for column, values in zip(p.columns, p.design.T, strict=True):
            if int(column) in spatial:
                design[np.searchsorted(columns, column)] += values
            elif len(values):
                flat[k, column] += values[0]
        designs.append(design)
    return DensityDesign(
        predictors=predictors,
        log_area=np.log(session.cell_area_ha),
        flat=flat,
        columns=columns,
        designs=tuple(designs),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class DensityValues:
    """ln (a D) and its spatial derivatives."""

    log_mass: Floats
    """(populations, M) ln expected animals of a cell."""
    mass: Floats
    slopes: tuple[Floats, ...] | None
    """One a population, (J, M) ∂ ln D; None where no coefficient is spatial."""
    bends: tuple[Floats | None, ...]
    """One a population, (M,) d² ln D / dη², None on the log link."""
    possible: bool


def density_values(design: DensityDesign, beta: Floats) -> DensityValues:
    """Densities at β."""
    if not design.predictors:
        log_mass = np.broadcast_to(design.log_area, (len(design.flat), len(design.log_area)))
        return DensityValues(
            log_mass=log_mass,
            mass=np.exp(log_mass),
            slopes=None,
            bends=(None,) * len(log_mass),
            possible=True,
        )
    values = [log_values(p, beta) for p in design.predictors]
    log_mass = np.stack([v.value for v in values]) + design.log_area
    slopes = None
    if len(design.columns):
        slopes = tuple(d * v.first for d, v in zip(design.designs, values, strict=True))
    return DensityValues(
        log_mass=log_mass,
        mass=np.exp(log_mass),
        slopes=slopes,
        bends=tuple(None if isinstance(v.second, float) else v.second for v in values),
        possible=bool(np.isfinite(log_mass).all()),
    )


def number_of_animals(design: DensityDesign, values: DensityValues, population: int) -> tuple[Floats, Floats]:
    """Gradient (P,) and Hessian (P, P) of N = Σ_m a D of one population."""
    mass = values.mass[population]
    total = float(mass.sum())
    flat = design.flat[population]
    parameters = len(flat)
    gradient = total * flat
    hessian = total * np.outer(flat, flat)
    if values.slopes is None:
        return gradient, hessian
    slope, bend = values.slopes[population], values.bends[population]
    spatial = np.zeros(parameters)
    spatial[design.columns] = slope @ mass
    gradient = gradient + spatial
    hessian += np.outer(flat, spatial) + np.outer(spatial, flat)
    inner = (slope * mass) @ slope.T
    if bend is not None:
        inner += (design.designs[population] * (mass * bend)) @ design.designs[population].T
    hessian[np.ix_(design.columns, design.columns)] += inner
    return gradient, hessian
