"""Searches of polygons: the detection function integrated over the searched ground.

An animal whose range has the bivariate density f(u; m) around its centre m is found in a polygon at the rate
λ0 T ∫ f(u; m) du, at most once an occasion; the place of the find is a draw from f within the polygon (Royle
& Young 2008, Ecology 89:2281–2289; Efford 2011, Ecology 92:2202–2207). The integral is a Gauss–Legendre sum
over nodes, and the nodes are detectors whose effort is their weight, so that the likelihood needs to know
nothing of polygons.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.scr.captures import DetectorArray

__all__ = ["search_as_points"]

Floats = NDArray[np.float64]

#: a0 is in hectares, weights of nodes are in square metres.
_M2_PER_HA = 10_000.0
_NODES_PER_SIGMA = 2.6
_LEAST_NODES = 8
_MOST_NODES = 20_000


def search_as_points(array: DetectorArray, sigma_m: float) -> DetectorArray:
    """The nodes of the searched polygons, then the places of detection, as detectors.

    Parameters
    ----------
    array : of kind polygonX.
    sigma_m : scale of movement that the nodes must resolve, metres; a first guess will do.

    Raises
    ------
    EstimateRefused : `caught_outside_search`: a place of detection lies outside its polygon.
    ParameterError : the polygons are so large against `sigma_m` that there would be too many nodes.
    """
    import shapely

    assert array.place_xy_m is not None  # checked when the array was made
    nodes, weights, owner = [], [], []
    for index, ring in enumerate(array.polygons):
        outline = shapely.Polygon(ring)
        places = array.place_xy_m[array.detector == index]
        distance = shapely.distance(outline, shapely.points(places)) if len(places) else np.zeros(0)
        # Places on the border may lie outside it by the rounding of their coordinates.
        if (distance > 1e-6 * max(float(np.ptp(ring, axis=0).max()), 1.0)).any():
            x, y = places[int(np.argmax(distance))]
            raise EstimateRefused(
                f"a detection at {x:.1f}, {y:.1f} lies {distance.max():.1f} m outside the polygon searched",
                code="caught_outside_search",
                where=f"polygon {array.detector_names[index]}",
                fix="Correct the place or the polygon.",
            )
        xy, weight = _polygon_nodes(np.asarray(ring, dtype=np.float64), sigma_m)
        nodes.append(xy)
        weights.append(weight)
        owner.append(np.full(len(xy), index))
    total = sum(map(len, nodes))
    if total > _MOST_NODES:
        raise ParameterError(
            f"the searched polygons need {total} nodes at a σ of {sigma_m:.0f} m, more than {_MOST_NODES}",
            fix="Divide the search into smaller parts that are fitted as sessions.",
        )
    polygon = np.concatenate([*owner, array.detector])
    weight = np.concatenate([*weights, np.zeros(len(array.animal))])
    return replace(
        array,
        kind="points",
        xy_m=np.concatenate([*nodes, array.place_xy_m]),
        usage=array.usage[polygon] * weight[:, None] / _M2_PER_HA,
        detector=total + np.arange(len(array.animal)),
        covariates={
            name: np.asarray(values, dtype=object)[polygon] for name, values in array.covariates.items()
        },
        detector_names=tuple(str(i + 1) for i in range(len(polygon))),
        polygons=(),
        place_xy_m=None,
    )


def log_search_effort(array: DetectorArray) -> Floats:
    """(C,) ln of the effort of each detection, per square metre as places are given."""
    effort = array.usage[array.detector, array.occasion]
    return np.log(effort) - math.log(_M2_PER_HA)


def _polygon_nodes(ring: Floats, sigma_m: float) -> tuple[Floats, Floats]:
    """Nodes and weights for smooth functions over any simple polygon: slabs between heights of vertices."""
    if not np.array_equal(ring[0], ring[-1]):
        ring = np.concatenate([ring, ring[:1]])
    heights = np.unique(ring[:, 1])
    xy, weights = [], []
    for low, high in pairwise(heights.tolist()):
        y_nodes, y_weights = _line_nodes(low, high, sigma_m)
        for y, wy in zip(y_nodes, y_weights, strict=True):
            a, b = ring[:-1], ring[1:]
            crossing = (a[:, 1] <= y) != (b[:, 1] <= y)
            part = (y - a[crossing, 1]) / (b[crossing, 1] - a[crossing, 1])
            ends = np.sort(a[crossing, 0] + part * (b[crossing, 0] - a[crossing, 0]))
            for left, right in zip(ends[0::2], ends[1::2], strict=True):
                x_nodes, x_weights = _line_nodes(left, right, sigma_m)
                xy.append(np.stack([x_nodes, np.full(len(x_nodes), y)], axis=1))
                weights.append(wy * x_weights)
    return np.concatenate(xy), np.concatenate(weights)


def _line_nodes(low: float, high: float, sigma_m: float) -> tuple[Floats, Floats]:
    number = max(_LEAST_NODES, math.ceil(_NODES_PER_SIGMA * (high - low) / sigma_m) + 4)
    nodes, weights = np.polynomial.legendre.leggauss(min(number, 400))
    half = 0.5 * (high - low)
    return low + half * (nodes + 1.0), half * weights
