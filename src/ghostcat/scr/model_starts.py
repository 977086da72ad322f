"""Starting values of any model, from its captures alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.captures import DetectorArray, ScrSession, captures_scale_m
from ghostcat.scr.hazard import DETECTION_FUNCTIONS
from ghostcat.scr.laid_out import LaidOut
from ghostcat.scr.parameters import to_link

__all__ = ["model_starts"]

Floats = NDArray[np.float64]

_CELLS = 500
# Scale of each detection function that spreads captures as a half-normal of scale 1 does.
_RELATIVE_SCALE = {0: 1.0, 14: 1.0, 1: 1.3, 15: 1.3, 2: 0.7, 16: 0.7, 18: 1.3}
_SHAPE = 5.0
# How far apart two classes start, on the link scale: rate and scale trade off against each other.
_CLASS_STARTS = ((1.0, 0.0), (0.8, -0.4), (-0.8, 0.4), (0.02, 0.02))


def model_starts(laid: LaidOut) -> list[Floats]:
    """β to start from; several where classes are latent, since their likelihood has several maxima."""
    model = laid.model
    natural = _natural_start(laid)
    base = np.zeros(len(laid.names))
    for parameter, value in natural.items():
        columns = laid.columns.get(parameter)
        if columns is None or parameter == "pmix":
            continue
        link = model.link_of(parameter)
        if link == "logit":
            value = min(max(value, 0.01), 0.9)
        start = to_link(value, link)
        design = laid.designs[parameter]
        if "" in design.names:
            base[columns[design.names.index("")]] = start
        else:
            base[columns] = start
    if model.classes == 1 or model.hcov is not None:
        return [base]
    return [_spread(laid, base, rate, scale) for rate, scale in _CLASS_STARTS]


def _spread(laid: LaidOut, base: Floats, rate: float, scale: float) -> Floats:
    beta = base.copy()
    variable = laid.model.class_variable
    for parameter, columns in laid.columns.items():
        if parameter == "pmix":
            continue
        step = scale if parameter == "sigma" else rate
        if parameter == "sigma" and scale == 0.0:
            step = 0.3  # classes that differ in nothing are a saddle
        intercept = None
        for column, name in zip(columns, laid.designs[parameter].names, strict=True):
            if name == "":
                intercept = column
            if name.startswith(variable) and ":" not in name:
                level = laid.class_levels.index(name.removeprefix(variable))
                beta[column] = step * level / max(len(laid.class_levels) - 1, 1)
                if intercept is not None and level == 1:
                    beta[intercept] -= step / 2.0
    return beta


def _natural_start(laid: LaidOut) -> dict[str, float]:
    model = laid.model
    scale = float(model.fixed["sigma"]) if "sigma" in model.fixed else _scale_m(model.sessions)
    sigma = scale * _RELATIVE_SCALE[model.function]
    # The curve itself where its σ is all there is to know; with a shape, the half-normal stands for it.
    exponential = DETECTION_FUNCTIONS[model.function][0] == "exponential"
    fall = partial(_exponential, sigma=sigma) if exponential else partial(_half_normal, sigma=scale)
    expected: list[tuple[Floats, ScrSession, DetectorArray]] = []
    for session in model.sessions:
        cells, area = _thinned(session)
        for array in session.arrays:
            unit = _unit_hazard(array, cells, fall)
            expected.append((np.stack([unit, np.full(len(unit), area)]), session, array))
    detections = sum(float(array.counts.sum()) for _, _, array in expected)
    animals = sum(float(session.detected.sum()) for session in model.sessions)
    rate = _matching_rate(expected, detections / max(animals, 1.0)) if animals else 0.01
    esa = sum(
        float((area * -np.expm1(-rate * unit)).sum())
        for (unit, area), _, array in expected
        if array is _session_of(expected, array).arrays[0]
    )
    density = max(animals, 0.5) / max(esa, 1e-300)
    if model.groups:
        density /= max(len(laid.group_levels), 1)
    return {
        "D": density,
        "lambda0": rate,
        "g0": -math.expm1(-rate),
        "a0": rate * 2.0 * math.pi * scale**2 / 10_000.0,
        "sigma": sigma,
        "z": _SHAPE,
    }


def _session_of(expected: list[tuple[Floats, ScrSession, DetectorArray]], array: DetectorArray) -> ScrSession:
    return next(session for _, session, other in expected if other is array)


def _scale_m(sessions: tuple[ScrSession, ...]) -> float:
    """Pooled spread of captures; half the spacing of detectors where nothing was caught twice."""
    found = [(captures_scale_m(s), max(len(s.animals), 1)) for s in sessions]
    used = [(scale, weight) for scale, weight in found if scale > 0]
    if used:
        return math.sqrt(sum(w * s * s for s, w in used) / sum(w for _, w in used))
    xy = np.concatenate([a.xy_m for s in sessions for a in s.arrays])
    return max(float(np.ptp(xy, axis=0).max()) / max(math.sqrt(len(xy)), 1.0) / 2.0, 1e-3)


def _thinned(session: ScrSession) -> tuple[Floats, float]:
    """Cells spread over the mask without pattern, and the area in ha that each stands for."""
    total = session.mask.cells
    area = float(session.mask.cell_area_km2.sum()) * 100.0
    if total <= _CELLS:
        return session.mask.xy_m, area / total
    # Multiples of the golden ratio fill a row of cells evenly, without a period that meets its rows.
    index = np.unique((np.modf(np.arange(_CELLS) * 0.6180339887498949)[0] * total).astype(np.int64))
    return session.mask.xy_m[index], area / len(index)


def _unit_hazard(array: DetectorArray, cells: Floats, fall: Callable[[Floats], Floats]) -> Floats:
    """(cells,) total hazard of an animal centred there at a rate of 1."""
    if array.kind == "polygonX":
        import shapely

        outlines = [shapely.Polygon(ring) for ring in array.polygons]
        near = np.stack([shapely.distance(o, shapely.points(cells)) for o in outlines])
        return np.asarray(array.usage.sum(axis=1) @ fall(near**2))
    effort = array.usage.sum(axis=1) if array.trials is None else (array.usage * array.trials).sum(axis=1)
    squared = (array.xy_m[:, :1] - cells[:, 0]) ** 2 + (array.xy_m[:, 1:] - cells[:, 1]) ** 2
    return np.asarray(effort @ fall(squared))


def _half_normal(squared_m2: Floats, sigma: float) -> Floats:
    return np.asarray(np.exp(squared_m2 / (-2.0 * sigma**2)))


def _exponential(squared_m2: Floats, sigma: float) -> Floats:
    return np.asarray(np.exp(np.sqrt(squared_m2) / -sigma))


def _matching_rate(expected: list[tuple[Floats, ScrSession, DetectorArray]], per_animal: float) -> float:
    """λ0 at which a detected animal is expected to be detected `per_animal` times."""
    low, high = math.log(1e-8), math.log(1e3)
    top = max(float(unit.max()) for (unit, _), _, _ in expected)
    low, high = low - math.log(max(top, 1e-300)), high - math.log(max(top, 1e-300))
    for _ in range(14):  # to 0.2 %
        middle = 0.5 * (low + high)
        rate = math.exp(middle)
        caught = seen = 0.0
        for (unit, area), _, array in expected:
            total = rate * unit
            each = array.occasions * -np.expm1(-total / array.occasions) if array.exclusive else total
            caught += float(area @ each)
            seen += float(area @ -np.expm1(-total))
        if caught < per_animal * seen:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))
