"""Read the table of stations that somebody proposes, or of the sites where a station could stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.coordinates import check_degrees, read_crs
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.field_stations import STATION_COLUMNS
from ghostcat.formats.numbers import parse_degrees, parse_number
from ghostcat.formats.tables import read_table
from ghostcat.survey.evidence import Finding
from ghostcat.survey.history import utm_crs

__all__ = ["ProposedStations", "read_proposed_stations"]

Floats = NDArray[np.float64]

_COLUMNS: Mapping[str, Sequence[str]] = {
    **{name: STATION_COLUMNS[name] for name in ("station", "lon", "lat", "x", "y")},
    "days": ("effort", "usage", "station days", "trap nights", "ловушко-сутки", "сутки", "工作日"),
    "cost": ("price", "стоимость", "成本"),
    "detection": ("detection factor",),
    "fixed": ("keep", "must", "существующая", "固定"),
}
_YES = frozenset({"1", "true", "yes", "y", "x", "да", "是"})


@dataclass(frozen=True, kw_only=True, eq=False)
class ProposedStations:
    """K places in metres of one projection."""

    names: tuple[str, ...]
    xy_m: Floats
    """(K, 2)."""
    crs: str
    """Projected system of `xy_m`; empty where the table holds metres of a system it does not name."""
    days: Floats
    """(K,) planned station-days; NaN where not given."""
    cost: Floats
    """(K,) cost of using the site; NaN where not given."""
    detection: Floats
    """(K,) detection of the station against that of the assumptions; 1 where not given."""
    fixed: tuple[int, ...]
    """Rows of sites that must be kept (column `fixed`)."""
    findings: tuple[Finding, ...]


def read_proposed_stations(path: Path | str, *, crs: str | None = None) -> ProposedStations:
    """Read stations from CSV or .xlsx: `x`, `y` in metres or `lon`, `lat` in degrees.

    Parameters
    ----------
    path : the table. Columns `station` (a name), `days`, `cost`, `detection` and `fixed` may be there.
    crs : projected system of x and y, or the one to bring lon and lat to; by default the UTM zone of
        the middle of the stations.

    Raises
    ------
    FormatError : no coordinates, a coordinate or number that is none, the same name twice.
    """
    table = read_table(Path(path))
    columns = match_columns(table, _COLUMNS)
    if not table.rows:
        raise FormatError("the table has a heading but no rows", where=table.file, fix="Add the stations.")
    if {"x", "y"} <= set(columns.index):
        xy = _pairs(columns, "x", "y")
        system = _metric(crs, table.file) if crs else ""
    elif {"lon", "lat"} <= set(columns.index):
        xy, system = _projected(_pairs(columns, "lon", "lat"), columns, crs)
    else:
        raise FormatError(
            f"no coordinates among the columns {', '.join(table.header)}",
            where=f"{table.file} heading",
            fix="Name the columns x and y (metres), or lon and lat (degrees).",
        )
    fixed = [columns.value(i, "fixed").casefold() in _YES for i in range(len(table.rows))]
    return ProposedStations(
        names=_names(columns),
        xy_m=xy,
        crs=system,
        days=_numbers(columns, "days"),
        cost=_numbers(columns, "cost"),
        detection=np.nan_to_num(_numbers(columns, "detection"), nan=1.0),
        fixed=tuple(i for i, yes in enumerate(fixed) if yes),
        findings=(*table.findings, *_not_used(columns)),
    )


def _names(columns: Columns) -> tuple[str, ...]:
    table = columns.table
    if "station" not in columns.index:
        return tuple(str(i + 1) for i in range(len(table.rows)))
    names = [columns.text(i, "station") or str(i + 1) for i in range(len(table.rows))]
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        if name in seen:
            raise FormatError(
                f"station {name} occurs twice; the first is {table.where(seen[name])}",
                where=table.where(i),
                fix="Give every station its own name; two cameras at one place are one station.",
            )
        seen[name] = i
    return tuple(names)


def _pairs(columns: Columns, first: str, second: str) -> Floats:
    table, faults = columns.table, RowFaults()
    values = np.full((len(table.rows), 2), math.nan)
    parse = parse_degrees if first == "lon" else parse_number
    for i in range(len(table.rows)):
        with faults.collecting():
            for j, name in enumerate((first, second)):
                number = parse(columns.value(i, name))
                if number is None:
                    raise FormatError(
                        f"{columns.heading(name)} {columns.text(i, name)!r} is not a number",
                        where=table.where(i),
                        fix="Give every station a coordinate, or leave the row out.",
                    )
                values[i, j] = number
            if first == "lon":
                check_degrees(float(values[i, 0]), float(values[i, 1]), where=table.where(i))
    faults.raise_if_any()
    return values


def _numbers(columns: Columns, name: str) -> Floats:
    table, faults = columns.table, RowFaults()
    values = np.full(len(table.rows), math.nan)
    for i in range(len(table.rows)):
        text = columns.value(i, name)
        if not text:
            continue
        with faults.collecting():
            number = parse_number(text)
            if number is None or number < 0:
                raise FormatError(
                    f"{columns.heading(name)} {text!r} is no number of 0 or more", where=table.where(i)
                )
            values[i] = number
    faults.raise_if_any()
    return values


def _metric(crs: str, file: str) -> str:
    system = read_crs(crs)
    if not system.is_projected:
        raise FormatError(
            f"{system.name} is in degrees, and x and y are metres",
            where=file,
            fix="Give a projected system (--crs EPSG:326zz), or name the columns lon and lat.",
        )
    return f"EPSG:{system.to_epsg()}" if system.to_epsg() else str(crs)


def _projected(degrees: Floats, columns: Columns, crs: str | None) -> tuple[Floats, str]:
    from pyproj import Transformer

    system = _metric(crs, columns.table.file) if crs else utm_crs(degrees[:, 0], degrees[:, 1])
    x, y = Transformer.from_crs("EPSG:4326", system, always_xy=True).transform(degrees[:, 0], degrees[:, 1])
    xy = np.column_stack([x, y])
    bad = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if bad.size:
        raise FormatError(
            f"the place has no coordinates in {system}",
            where=columns.table.where(int(bad[0])),
            fix="Check longitude and latitude, and --crs.",
        )
    return xy, system


def _not_used(columns: Columns) -> tuple[Finding, ...]:
    names = [columns.table.header[i] for i in columns.kept_aside]
    if not names:
        return ()
    return (
        Finding(
            code="columns_not_used",
            severity="note",
            message=f"columns that are not used: {', '.join(names)}",
            fix="Columns that are used: station, x, y, lon, lat, days, cost, detection, fixed.",
            where=columns.table.file,
            ids=tuple(names),
        ),
    )
