"""The mask: cells over which activity centres are summed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.checks import check_metres

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["Mask", "Polygon", "make_mask", "suggest_buffer"]

Floats = NDArray[np.float64]

#: A shapely polygon, one ring (n, 2) in metres, or several rings (their union).
Polygon: TypeAlias = "BaseGeometry | ArrayLike | Sequence[ArrayLike]"

MAX_CELLS = 20_000


@dataclass(frozen=True, eq=False)
class Mask:
    """Habitat cells.

    Parameters
    ----------
    xy_m : (n_cells, 2) cell centres, metres.
    cell_area_km2 : (n_cells,) or one number for all, km².
    cell_m : width of a whole cell, metres; by default the root of the largest area.
    buffer_m : how far the mask reaches beyond the stations; NaN if it was not made that way.
    clipped : the mask ends at the border of a habitat and cannot be enlarged.

    Raises
    ------
    ParameterError : wrong shapes, missing values, no cells, areas not positive, degrees.

    >>> Mask([[500.0, 500.0], [1500.0, 500.0]], 1.0).area_km2
    2.0
    """

    xy_m: Floats
    cell_area_km2: Floats
    cell_m: float = math.nan
    buffer_m: float = math.nan
    clipped: bool = False

    def __post_init__(self) -> None:
        xy = check_metres(self.xy_m, what="mask")
        if not len(xy):
            raise ParameterError("the mask has no cells", fix="Check that the region covers the stations.")
        area = np.array(np.broadcast_to(np.asarray(self.cell_area_km2, dtype=np.float64), (len(xy),)))
        if not (np.isfinite(area) & (area > 0)).all():
            raise ParameterError("a mask cell has no positive area", fix="Give areas in km².")
        area.setflags(write=False)
        cell = self.cell_m if self.cell_m > 0 else 1000.0 * math.sqrt(float(area.max()))
        object.__setattr__(self, "xy_m", xy)
        object.__setattr__(self, "cell_area_km2", area)
        object.__setattr__(self, "cell_m", cell)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.xy_m)

    @property
    def area_km2(self) -> float:
        """Area of all cells."""
        return float(self.cell_area_km2.sum())


def make_mask(
    traps_xy_m: ArrayLike,
    *,
    buffer_m: float | None = None,
    cell_m: float | None = None,
    sigma_m: float | None = None,
    region: Mask | Polygon | None = None,
    max_cells: int = MAX_CELLS,
) -> Mask:
    """Cells within `buffer_m` of a station, clipped to `region`.

    Parameters
    ----------
    traps_xy_m : (n_stations, 2) metres.
    buffer_m : reach beyond the stations; by default 4 · `sigma_m`, where the half-normal hazard is
        0.0003 of λ0. Without a sigma, four times the median distance between neighbouring stations
        stands in for it.
    cell_m : cell width; by default half of sigma, at most.  Made wider if more than `max_cells`
        cells would result; the width that was used is in the result.
    region : where animals can live. A polygon (shapely, or rings of (n, 2) metres): border cells
        count with the part of their area that lies inside. A `Mask`: its cells as they are.
    max_cells : upper limit, not applied to a region given as cells or to an explicit `cell_m`.

    Returns
    -------
    Mask

    Raises
    ------
    ParameterError : a width is not positive; no cell is left.

    >>> mask = make_mask([[0, 0], [4000, 0]], sigma_m=2000.0)
    >>> mask.buffer_m, mask.cell_m
    (8000.0, 1000.0)
    """
    traps = check_metres(traps_xy_m, what="traps_xy_m")
    for name, value in (("buffer_m", buffer_m), ("cell_m", cell_m), ("sigma_m", sigma_m)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ParameterError(f"{name} is {value}, expected metres above 0")
    if isinstance(region, Mask):
        return _cells_near(region, traps, buffer_m)
    scale = sigma_m or (buffer_m / 4.0 if buffer_m and cell_m else neighbour_distance(traps))
    reach = buffer_m or 4.0 * scale
    width = cell_m or min(scale / 2.0, reach / 4.0)
    xy = _lattice(traps, reach, width)
    if cell_m is None and len(xy) > max_cells:
        width *= math.sqrt(1.02 * len(xy) / max_cells)
        xy = _lattice(traps, reach, width)
    area = np.full(len(xy), (width / 1000.0) ** 2)
    if region is not None:
        import shapely

        # A cell whose centre is outside still counts the part of it that is inside.
        area = shapely.area(shapely.intersection(squares(xy, width), polygon(region))) / 1e6
        xy, area = xy[area > 0], area[area > 0]
        if not len(xy):
            raise ParameterError(
                "the region does not touch the surroundings of the stations",
                fix="Check that region and stations are in the same projection.",
            )
    return Mask(xy, area, cell_m=width, buffer_m=reach, clipped=False)


def suggest_buffer(
    traps_xy_m: ArrayLike, usage: ArrayLike, *, lambda0: float, sigma_m: float, tolerance: float = 0.001
) -> float:
    """Smallest buffer that leaves out less than `tolerance` of the effective sampling area.

    D̂ = n / esa, so the part of esa that the mask misses is the relative bias of density.

    Parameters
    ----------
    traps_xy_m : (n_stations, 2) metres.
    usage : (n_stations,) effort.
    lambda0, sigma_m : hazard half-normal parameters.
    tolerance : share of esa that may be lost.

    Returns
    -------
    Buffer in metres, a multiple of σ/4.

    >>> suggest_buffer([[0.0, 0.0]], [90.0], lambda0=0.01, sigma_m=1000.0)
    4000.0
    """
    traps = check_metres(traps_xy_m, what="traps_xy_m")
    effort = np.asarray(usage, dtype=np.float64)
    # Nothing is left where the summed hazard is 1e-6.
    total = max(lambda0 * float(effort.sum()), 1e-6)
    reach = sigma_m * math.sqrt(2.0 * math.log(total / 1e-6) + 1.0)
    xy = _lattice(traps, reach, sigma_m / 2.0)
    if len(xy) > 4 * MAX_CELLS:
        xy = _lattice(traps, reach, sigma_m / 2.0 * math.sqrt(len(xy) / (4 * MAX_CELLS)))
    nearest = np.empty(len(xy))
    caught = np.empty(len(xy))
    for part, squared in _squared_by_block(xy, traps):
        nearest[part] = np.sqrt(squared.min(axis=0))
        caught[part] = -np.expm1(-(effort * lambda0) @ np.exp(squared / (-2.0 * sigma_m**2)))
    order = np.argsort(nearest)
    beyond = 1.0 - np.cumsum(caught[order]) / caught.sum()
    last = nearest[order][min(int(np.argmax(beyond < tolerance)), len(order) - 1)]
    return float(math.ceil(last / (sigma_m / 4.0)) * sigma_m / 4.0)


def neighbour_distance(traps: Floats) -> float:
    """Median distance from a station to the nearest other one, metres."""
    places = np.unique(traps, axis=0)
    if len(places) < 2:
        raise ParameterError(
            "one station alone says nothing about the scale of movement",
            fix="Give buffer_m and cell_m, or sigma_m.",
        )
    nearest = np.empty(len(places))
    for part, squared in _squared_by_block(places, places):
        squared[np.arange(part.start, part.stop), np.arange(part.stop - part.start)] = np.inf
        nearest[part] = np.sqrt(squared.min(axis=0))
    return float(np.median(nearest))


def nearest_station_m(xy: Floats, traps: Floats) -> Floats:
    """(n,) distance of each point to its nearest station, metres."""
    nearest = np.empty(len(xy))
    for part, squared in _squared_by_block(xy, traps):
        nearest[part] = np.sqrt(squared.min(axis=0))
    return nearest


def polygon(region: Polygon) -> BaseGeometry:
    """One valid shapely geometry from whatever a region may be given as."""
    import shapely
    from shapely.geometry.base import BaseGeometry

    if isinstance(region, BaseGeometry):
        shape = region
    else:
        first = np.asarray(cast(Sequence[ArrayLike], region)[0])
        rings = [region] if first.ndim == 1 else list(cast(Sequence[ArrayLike], region))
        corners = [check_metres(cast(ArrayLike, ring), what="region") for ring in rings]
        shape = shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in corners])
    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    if not shape.area > 0:
        raise ParameterError("the region has no area", fix="Give a polygon in metres, not a line or a point.")
    return shape


def _cells_near(region: Mask, traps: Floats, buffer_m: float | None) -> Mask:
    if buffer_m is None:
        return Mask(region.xy_m, region.cell_area_km2, cell_m=region.cell_m, clipped=True)
    near = nearest_station_m(region.xy_m, traps) <= buffer_m
    if not near.any():
        raise ParameterError(
            f"no cell of the region lies within {buffer_m:.0f} m of a station",
            fix="Check that region and stations are in the same projection.",
        )
    return Mask(
        region.xy_m[near],
        region.cell_area_km2[near],
        cell_m=region.cell_m,
        buffer_m=buffer_m,
        clipped=bool(near.all()),
    )


def _lattice(traps: Floats, reach: float, width: float) -> Floats:
    """Centres of all cells within `reach` of a station, on a lattice laid around the stations."""
    low, high = traps.min(axis=0) - reach, traps.max(axis=0) + reach
    steps = np.maximum(np.ceil((high - low) / width), 1).astype(int)
    origin = (low + high) / 2.0 - (steps - 1) * width / 2.0
    x, y = (origin[i] + width * np.arange(steps[i]) for i in (0, 1))
    xy = np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2)
    return np.ascontiguousarray(xy[nearest_station_m(xy, traps) <= reach])


def squares(xy: Floats, width: float) -> NDArray[np.object_]:
    import shapely

    half = width / 2.0
    boxes = shapely.box(xy[:, 0] - half, xy[:, 1] - half, xy[:, 0] + half, xy[:, 1] + half)
    return np.asarray(boxes, dtype=object)


def _squared_by_block(xy: Floats, traps: Floats) -> Iterator[tuple[slice, Floats]]:
    """Squared distances (n_stations, block): no matrix of all stations × all points is ever whole."""
    size = max(1, 250_000 // max(len(traps), 1))
    for start in range(0, len(xy), size):
        part = slice(start, min(start + size, len(xy)))
        dx = traps[:, :1] - xy[part, 0]
        dy = traps[:, 1:] - xy[part, 1]
        yield part, dx * dx + dy * dy
