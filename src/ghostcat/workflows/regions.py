"""Read the region that an abundance is for: polygons, or the cells of a habitat mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError, InputError, ParameterError

__all__ = ["Region", "read_region"]

X_NAMES = ("x", "x_m", "easting", "utm_x", "utmx")
Y_NAMES = ("y", "y_m", "northing", "utm_y", "utmy")
LON_NAMES = ("lon", "longitude", "lng", "decimallongitude")
LAT_NAMES = ("lat", "latitude", "decimallatitude")


@dataclass(frozen=True, kw_only=True)
class Region:
    """Where animals may live, or where they are to be counted, in the survey's projected metres.

    Cells (a habitat mask) are both: activity centres are looked for in them and nowhere else.
    A polygon only says where to count; the state space still reaches a buffer beyond the stations.
    """

    name: str
    area_km2: float
    cells_xy_m: NDArray[np.float64] | None = None
    cell_area_km2: NDArray[np.float64] | None = None
    polygon: object | None = None
    """A shapely geometry."""


def read_region(path: str | Path, *, survey_crs: str, region_crs: str | None = None) -> Region:
    """Read a polygon layer (GeoJSON, GeoPackage, shapefile) or a table of mask cells (CSV).

    Parameters
    ----------
    path : the file. A CSV has cell centres in `x`, `y` (metres) or `lon`, `lat`, and may have `area_km2`.
    survey_crs : projected coordinate system of the survey, to which the region is brought.
    region_crs : of the file; by default what the file says, WGS 84 for `lon`, `lat`, and the
        survey's own system for `x`, `y`.

    Raises
    ------
    InputError, FormatError : no file, no polygon, no coordinates, an empty region.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file", where=str(path), fix="Check the path of --region.")
    if path.suffix.lower() in (".csv", ".txt", ".gz"):
        return _read_cells(path, survey_crs=survey_crs, region_crs=region_crs)
    return _read_polygons(path, survey_crs=survey_crs, region_crs=region_crs)


def _read_polygons(path: Path, *, survey_crs: str, region_crs: str | None) -> Region:
    import geopandas

    try:
        layer = geopandas.read_file(path)
    except Exception as error:  # pyogrio raises its own many kinds
        raise FormatError(
            f"not a map layer that can be read ({error})",
            where=str(path),
            fix="Give a GeoJSON, GeoPackage or shapefile with polygons, or a CSV of mask cells.",
        ) from error
    if region_crs:
        layer = layer.set_crs(region_crs, allow_override=True)
    if layer.crs is None:
        raise FormatError(
            "the layer does not say its coordinate system",
            where=str(path),
            fix="Give it with --region-crs EPSG:…",
        )
    polygons = layer[layer.geometry.geom_type.isin(["Polygon", "MultiPolygon"])].to_crs(survey_crs)
    if polygons.empty:
        kinds = ", ".join(sorted(set(layer.geometry.geom_type.astype(str)))) or "nothing"
        raise FormatError(
            f"there is no polygon, only {kinds}",
            where=str(path),
            fix="Give the outline of the region as polygons.",
        )
    outline = polygons.geometry.make_valid().union_all()
    return Region(name=path.stem, area_km2=outline.area / 1e6, polygon=outline)


def _read_cells(path: Path, *, survey_crs: str, region_crs: str | None) -> Region:
    import pandas as pd
    from pyproj import Transformer

    try:
        table = pd.read_csv(path, sep=None, engine="python", encoding="utf-8-sig")
    except Exception as error:  # pandas and the csv sniffer raise many kinds
        raise FormatError(
            f"not a table that can be read ({error})", where=str(path), fix="Save it as CSV."
        ) from error
    names = {str(column).strip().lower(): column for column in table.columns}
    x, y = _first(names, X_NAMES), _first(names, Y_NAMES)
    lon, lat = _first(names, LON_NAMES), _first(names, LAT_NAMES)
    if x and y:
        crs, columns = region_crs or survey_crs, (x, y)
    elif lon and lat:
        crs, columns = region_crs or "EPSG:4326", (lon, lat)
    else:
        raise FormatError(
            f"no cell coordinates among the columns {', '.join(map(str, table.columns))}",
            where=str(path),
            fix="A mask needs x and y in metres, or lon and lat.",
        )
    centres = table[list(columns)].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(centres).all(axis=1))
    if len(bad):
        raise FormatError(
            f"{len(bad)} cells have no coordinates",
            where=f"{path} row {bad[0] + 2}",
            fix="Remove or mend the rows.",
        )
    if len(centres) < 2:
        raise FormatError(
            "a mask of fewer than two cells", where=str(path), fix="Give every cell of the habitat."
        )
    to_survey = Transformer.from_crs(crs, survey_crs, always_xy=True)
    cells = np.column_stack(to_survey.transform(centres[:, 0], centres[:, 1]))
    area_column = _first(names, ("area_km2",))
    areas = (
        table[area_column].to_numpy(dtype=float)
        if area_column
        else np.full(len(cells), (_spacing_m(cells, path) / 1000.0) ** 2)
    )
    return Region(name=path.stem, area_km2=float(areas.sum()), cells_xy_m=cells, cell_area_km2=areas)


def _first(names: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _spacing_m(cells: NDArray[np.float64], path: Path) -> float:
    from scipy.spatial import cKDTree

    nearest = cKDTree(cells).query(cells, k=2)[0][:, 1]
    spacing = float(np.median(nearest))
    if spacing <= 0:
        raise ParameterError("several cells lie on one place", where=str(path), fix="Remove repeated cells.")
    return spacing
