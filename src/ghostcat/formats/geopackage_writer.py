"""Write stations, sightings and density as a GeoPackage for maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.formats.sightings import display_name, individual_sightings
from ghostcat.formats.text_output import iso_utc
from ghostcat.survey.effort import EffortRow, effort_table
from ghostcat.survey.evidence import Snapshot

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["DensityCells", "write_geopackage"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DensityCells:
    """A density surface: square cells of one size."""

    xy_m: NDArray[np.float64]
    """(M, 2) centres, metres in `crs`."""
    density_per_100km2: NDArray[np.float64]
    """(M,)"""
    cell_m: float
    crs: str


def write_geopackage(snapshot: Snapshot, path: Path | str, *, density: DensityCells | None = None) -> Path:
    """Write the layers `stations`, `sightings` and, when given, `density`, in WGS 84.

    A station that never watched has NULL sightings, not 0: nobody looked.

    Parameters
    ----------
    path : the file; `.gpkg` is added when it has no suffix. A file that is there is replaced.
    density : cells of an estimated density surface.

    Returns
    -------
    The file written.

    Raises
    ------
    ParameterError : another suffix, or density cells that do not fit together.
    """
    target = Path(path)
    if target.suffix.lower() not in ("", ".gpkg"):
        raise ParameterError(f"'{target.name}' does not end in .gpkg", fix="Name the file something.gpkg.")
    target = target if target.suffix else target.with_suffix(".gpkg")
    target.parent.mkdir(parents=True, exist_ok=True)
    layers = {"stations": (_stations(snapshot), "Point"), "sightings": (_sightings(snapshot), "Point")}
    if density is not None:
        layers["density"] = (_density(density), "Polygon")
    target.unlink(missing_ok=True)
    for name, (layer, geometry) in layers.items():
        layer.to_file(target, layer=name, driver="GPKG", engine="pyogrio", geometry_type=geometry)
    return target


def _stations(snapshot: Snapshot) -> GeoDataFrame:
    import pandas as pd

    effort = {row.station_id: row for row in effort_table(snapshot) if row.level == "station"}
    seen: dict[str, list[str]] = {name: [] for name in snapshot.stations}
    for sighting in individual_sightings(snapshot):
        seen[sighting.encounter.station_id].append(sighting.individual.id)
    rows = [
        {
            "station": s.id,
            "name": s.name,
            "group": s.group,
            "cameras": effort[s.id].cameras,
            "working_days": round(effort[s.id].working_days, 4),
            "dead_days": round(effort[s.id].dead_days, 4),
            "dead_causes": "; ".join(effort[s.id].causes),
            "first_utc": iso_utc(effort[s.id].first),
            "last_utc": iso_utc(effort[s.id].last),
            "sightings": _unless_idle(effort[s.id], len(seen[s.id])),
            "individuals": _unless_idle(effort[s.id], len(set(seen[s.id]))),
            "synthetic": snapshot.synthetic,
        }
        for s in snapshot.stations.values()
    ]
    table = pd.DataFrame(rows)
    for column in ("sightings", "individuals"):
        table[column] = table[column].astype("Int64") if rows else None
    return _points(table, [(s.lon, s.lat) for s in snapshot.stations.values()])


def _unless_idle(effort: EffortRow, count: int) -> int | None:
    return count if effort.working_days > 0 or count else None


def _sightings(snapshot: Snapshot) -> GeoDataFrame:
    import pandas as pd

    sightings = individual_sightings(snapshot)
    columns = ["individual", "name", "sex", "species", "station", "time_utc", "flank", "photos", "encounter"]
    rows: list[tuple[Any, ...]] = [
        (
            s.individual.id,
            display_name(s.individual),
            s.individual.sex,
            s.species,
            s.encounter.station_id,
            iso_utc(s.time),
            s.side,
            len(s.media),
            s.encounter.id,
        )
        for s in sightings
    ]
    places = [snapshot.stations[s.encounter.station_id] for s in sightings]
    return _points(pd.DataFrame(rows, columns=columns), [(p.lon, p.lat) for p in places])


def _points(table: Any, lonlat: list[tuple[float, float]]) -> GeoDataFrame:
    import geopandas

    lon, lat = np.array(lonlat, dtype=np.float64).reshape(-1, 2).T
    return geopandas.GeoDataFrame(table, geometry=geopandas.points_from_xy(lon, lat), crs="EPSG:4326")


def _density(cells: DensityCells) -> GeoDataFrame:
    import geopandas
    import shapely

    xy = np.asarray(cells.xy_m, dtype=np.float64)
    values = np.asarray(cells.density_per_100km2, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1:] != (2,) or values.shape != xy.shape[:1] or not cells.cell_m > 0:
        raise ParameterError(
            f"density cells of shape {xy.shape}, {values.shape} densities, {cells.cell_m} m wide",
            fix="Give (M, 2) centres, M densities and a positive width.",
        )
    half = cells.cell_m / 2.0
    squares = shapely.box(xy[:, 0] - half, xy[:, 1] - half, xy[:, 0] + half, xy[:, 1] + half)
    table = {"density_per_100km2": values}
    return geopandas.GeoDataFrame(table, geometry=squares, crs=cells.crs).to_crs("EPSG:4326")
