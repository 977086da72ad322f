"""How much of each mask cell lies in a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.mask import Mask, Polygon, polygon, squares

__all__ = ["RegionShare", "region_share"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionShare:
    """A region as seen from a mask."""

    share: Floats
    """(n_cells,) part of each cell's area that lies in the region, 0…1."""
    area_km2: float
    """Area of the region, inside and outside the mask."""
    outside_km2: float
    """Area of the region that no mask cell covers."""


def region_share(mask: Mask, region: Mask | Polygon | None = None) -> RegionShare:
    """Lay a region over a mask.

    Parameters
    ----------
    mask : cells of a fit.
    region : None for the whole mask; (n_cells,) booleans that pick its cells; another `Mask`, whose
        cells may have any size; or a polygon (shapely, or rings of (n, 2) metres).

    Returns
    -------
    RegionShare

    Raises
    ------
    ParameterError : booleans of another length; a polygon without area; no overlap with the mask.

    >>> mask = Mask([[500.0, 500.0], [1500.0, 500.0]], 1.0)
    >>> region_share(mask, [[1000, 0], [2500, 0], [2500, 1000], [1000, 1000]]).share.round(6).tolist()
    [0.0, 1.0]
    """
    if region is None:
        return RegionShare(share=np.ones(mask.cells), area_km2=mask.area_km2, outside_km2=0.0)
    if isinstance(region, Mask):
        covered, area = _covered_by_cells(mask, region), region.area_km2
    elif isinstance(region, np.ndarray) and region.dtype == np.bool_:
        if region.shape != (mask.cells,):
            raise ParameterError(f"region has shape {region.shape}, the mask has {mask.cells} cells")
        covered = np.where(region, mask.cell_area_km2, 0.0)
        area = float(covered.sum())
    else:
        covered, area = _covered_by_polygon(mask, region)
    share = np.clip(covered / mask.cell_area_km2, 0.0, 1.0)
    inside = float(share @ mask.cell_area_km2)
    if not inside > 0:
        raise ParameterError(
            "the region does not touch the mask",
            fix="Check that region and stations are in the same projection.",
        )
    outside = area - inside
    return RegionShare(share=share, area_km2=area, outside_km2=outside if outside > 1e-6 * area else 0.0)


def _covered_by_polygon(mask: Mask, region: Polygon) -> tuple[Floats, float]:
    import shapely

    shape = polygon(region)
    whole = (mask.cell_m / 1000.0) ** 2
    part = shapely.area(shapely.intersection(squares(mask.xy_m, mask.cell_m), shape)) / 1e6
    # A cell that was clipped when the mask was made has less area than its square.
    covered = np.minimum(part, mask.cell_area_km2)
    covered = np.where(part >= whole * (1 - 1e-9), mask.cell_area_km2, covered)
    return covered, float(shape.area) / 1e6


def _covered_by_cells(mask: Mask, region: Mask) -> Floats:
    """Area of each mask cell that the cells of another mask cover: overlaps of squares."""
    import shapely

    tree = shapely.STRtree(squares(mask.xy_m, mask.cell_m))
    theirs, ours = tree.query(squares(region.xy_m, region.cell_m))
    apart = np.abs(region.xy_m[theirs] - mask.xy_m[ours])
    narrower = min(region.cell_m, mask.cell_m)
    overlap = np.clip((region.cell_m + mask.cell_m) / 2.0 - apart, 0.0, narrower).prod(axis=1)
    # A cell with less area than its square was clipped; its part is spread over the square.
    part = overlap / region.cell_m**2 * region.cell_area_km2[theirs]
    return np.asarray(np.bincount(ours, weights=part, minlength=mask.cells), dtype=np.float64)
