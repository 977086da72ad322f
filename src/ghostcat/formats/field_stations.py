"""Read the table of stations that a field team keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ghostcat.errors import FormatError
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.coordinates import (
    check_degrees,
    distance_m,
    offset_findings,
    project_to_degrees,
    read_crs,
    utm_hint,
)
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.numbers import parse_degrees, parse_number
from ghostcat.formats.spelling import id_text, name_key
from ghostcat.formats.tables import Table
from ghostcat.survey.evidence import Finding, Station

__all__ = ["STATION_COLUMNS", "FieldStations", "has_coordinates", "parse_offset", "read_stations"]

STATION_COLUMNS: Mapping[str, Sequence[str]] = {
    "station": (
        "station id", "site", "site id", "location", "location id", "point", "trap", "trap id",
        "camera station", "станция", "точка", "номер станции", "код станции", "номер точки", "место",
        "位点", "相机位点", "站点", "点位", "位点编号", "相机位点编号", "样点",
    ),
    "name": ("station name", "location name", "site name", "название", "名称", "位点名称"),
    "lon": ("longitude", "long", "lng", "decimal longitude", "долгота", "经度"),
    "lat": ("latitude", "decimal latitude", "широта", "纬度"),
    "x": ("easting", "utm x", "utm e", "utm easting", "east", "x utm", "coord x", "横坐标"),
    "y": ("northing", "utm y", "utm n", "utm northing", "north", "y utm", "coord y", "纵坐标"),
    "crs": ("epsg", "projection", "utm zone", "coordinate system", "проекция", "зона utm", "坐标系", "投影"),
    "group": ("stratum", "группа", "участок", "分组"),
    "country": ("страна", "国家"),
    "park": ("reserve", "protected area", "парк", "заповедник", "保护区"),
    "utc_offset_h": ("utc offset", "utc", "timezone", "time zone", "tz", "часовой пояс", "utc сдвиг", "时区"),
}  # fmt: skip
#: Two descriptions of one place that differ by more than this are two places.
_SAME_PLACE_M = 100.0


@dataclass(frozen=True, kw_only=True)
class FieldStations:
    """Stations by the key of their name, and the clock offsets that their rows state."""

    stations: Mapping[str, Station]
    offsets_minutes: Mapping[str, int]
    findings: tuple[Finding, ...]
    columns: Columns


def has_coordinates(columns: Columns) -> bool:
    """Does the table say where its stations are?"""
    return {"lon", "lat"} <= set(columns.index) or {"x", "y"} <= set(columns.index)


def read_stations(
    table: Table, *, prefix: str = "", crs: str | None = None, utc_offset_minutes: int | None = None
) -> FieldStations:
    """Read stations with WGS 84 or projected coordinates.

    Parameters
    ----------
    prefix : put before every id.
    crs : system of the columns x and y; not needed where lon and lat are given.
    utc_offset_minutes : offset of the clocks where the table has none; only a hint here.

    Raises
    ------
    FormatError : missing columns or ids, coordinates that are none, one station in two places, no CRS.
    """
    columns = match_columns(table, STATION_COLUMNS, required=("station",))
    if not has_coordinates(columns):
        raise _no_coordinates(columns)
    if not table.rows:
        raise FormatError(
            "the table has a heading but no rows", where=table.file, fix="Add one row for each station."
        )
    offsets = _offsets(columns)
    places, findings = _places(columns, crs=crs, offset_hint=_common(offsets, utc_offset_minutes))
    stations, duplicates = _stations(columns, places, prefix=prefix)
    degrees = {station.id: (station.lon, station.lat) for station in stations.values()}
    by_id = {stations[key].id: offset for key, offset in offsets.items()}
    findings += [*table.findings, *duplicates, *offset_findings(degrees, by_id, where=table.file)]
    findings += _at_zero(stations.values(), file=table.file)
    return FieldStations(
        stations=stations, offsets_minutes=offsets, findings=tuple(findings), columns=columns
    )


def parse_offset(text: str, *, where: str) -> int:
    """Read an offset from UTC in hours (`10`, `+5:30`, `UTC+8`) as minutes.

    Raises
    ------
    FormatError : not an offset, or more than 14 hours.
    """
    bare = text.upper().replace("UTC", "").replace("GMT", "").replace("−", "-").strip()
    sign = -1 if bare.startswith("-") else 1
    hours, _, minutes = bare.lstrip("+-").partition(":")
    whole, part = parse_number(hours), parse_number(minutes or "0")
    total = None if whole is None or part is None else sign * (whole * 60 + part)
    if total is None or abs(total) > 14 * 60 or total != int(total):
        raise FormatError(
            f"{text!r} is no offset from UTC",
            where=where,
            fix="Write hours ahead of UTC, for example 10 or +5:30.",
        )
    return int(total)


def _no_coordinates(columns: Columns) -> FormatError:
    half = [name for name in ("lon", "lat", "x", "y") if name in columns.index]
    found = f"only {columns.heading(half[0])!r} of a pair" if half else "no column with coordinates"
    return FormatError(
        f"there is {found}; the columns are {', '.join(columns.table.header)}",
        where=f"{columns.table.file} heading",
        fix="Name the columns lon and lat (WGS 84 degrees), or x and y with --crs EPSG:….",
    )


def _offsets(columns: Columns) -> dict[str, int]:
    faults, offsets = RowFaults(), {}
    for row in range(len(columns.table.rows)):
        if text := columns.value(row, "utc_offset_h"):
            with faults.collecting():
                offsets[name_key(columns.text(row, "station"))] = parse_offset(
                    text, where=columns.table.where(row)
                )
    faults.raise_if_any()
    return offsets


def _common(offsets: Mapping[str, int], given: int | None) -> int | None:
    return next(iter(offsets.values())) if len(set(offsets.values())) == 1 else given


def _places(
    columns: Columns, *, crs: str | None, offset_hint: int | None
) -> tuple[list[tuple[float, float]], list[Finding]]:
    in_degrees = _numbers(columns, "lon", "lat") if {"lon", "lat"} <= set(columns.index) else None
    projected = _numbers(columns, "x", "y") if {"x", "y"} <= set(columns.index) else None
    table, crs = columns.table, crs or _crs_column(columns)
    wheres = [table.where(row) for row in range(len(table.rows))]
    if in_degrees is None and projected is not None:
        eastings, northings = [xy[0] for xy in projected], [xy[1] for xy in projected]
        if crs is None and not all(abs(x) <= 180 and abs(y) <= 90 for x, y in projected):
            raise FormatError(
                f"x and y are projected (first row {eastings[0]:g}, {northings[0]:g}), "
                "and nothing says in which system",
                where=table.file,
                fix=utm_hint(eastings, northings, utc_offset_minutes=offset_hint),
            )
        if crs is not None:
            return project_to_degrees(eastings, northings, crs=crs, places=wheres), []
    in_degrees = in_degrees or projected or []
    faults = RowFaults()
    for (lon, lat), where in zip(in_degrees, wheres, strict=True):
        with faults.collecting():
            check_degrees(lon, lat, where=where)
    faults.raise_if_any()
    return in_degrees, _cross_check(columns, in_degrees, projected, crs=crs)


def _numbers(columns: Columns, first: str, second: str) -> list[tuple[float, float]]:
    faults, pairs = RowFaults(), []
    parse = parse_degrees if first == "lon" else parse_number
    for row in range(len(columns.table.rows)):
        values = []
        for name in (first, second):
            text = columns.value(row, name)
            with faults.collecting():
                value = parse(text)
                if value is None:
                    fault = (
                        f"{text!r} in column {columns.heading(name)!r} is no coordinate"
                        if text
                        else (f"the station {columns.text(row, 'station')!r} has no {columns.heading(name)}")
                    )
                    raise FormatError(
                        fault, where=columns.table.where(row), fix="Write one number, for example 131.0779."
                    )
                values.append(value)
        if len(values) == 2:
            pairs.append((values[0], values[1]))
    faults.raise_if_any()
    return pairs


def _crs_column(columns: Columns) -> str | None:
    said = {columns.value(row, "crs") for row in range(len(columns.table.rows))} - {""}
    if len(said) > 1:
        raise FormatError(
            f"the stations are in several projections: {', '.join(sorted(said))}",
            where=columns.table.file,
            fix="Give longitude and latitude, or one projection for all stations.",
        )
    return said.pop() if said else None


def _cross_check(
    columns: Columns,
    degrees: Sequence[tuple[float, float]],
    projected: Sequence[tuple[float, float]] | None,
    *,
    crs: str | None,
) -> list[Finding]:
    """Longitude and latitude count; x and y beside them must mean the same places."""
    if projected is None:
        return []
    if crs is None:
        middle = degrees[len(degrees) // 2]
        crs = f"EPSG:{326 if middle[1] >= 0 else 327}{int((middle[0] + 180) // 6) % 60 + 1:02d}"
    table = columns.table
    try:
        again = project_to_degrees(
            [x for x, _ in projected],
            [y for _, y in projected],
            crs=crs,
            places=[table.where(row) for row in range(len(table.rows))],
        )
    except FormatError as fault:
        return [_disagree([], f"x and y cannot be places of {crs} ({fault.what})", file=table.file)]
    off = [
        columns.text(row, "station")
        for row, (a, b) in enumerate(zip(degrees, again, strict=True))
        if distance_m(a, b) > _SAME_PLACE_M
    ]
    if not off:
        return []
    name = read_crs(crs).name
    return [
        _disagree(
            off,
            f"{len(off)} stations lie elsewhere by lon and lat than by x and y in {name}",
            file=table.file,
        )
    ]


def _disagree(stations: Sequence[str], message: str, *, file: str) -> Finding:
    return Finding(
        code="coordinates_disagree",
        severity="warning",
        message=f"{message}; lon and lat are used",
        fix="Correct the pair that is wrong, or give --crs for x and y.",
        ids=tuple(stations),
        where=file,
    )


def _stations(
    columns: Columns, places: Sequence[tuple[float, float]], *, prefix: str
) -> tuple[dict[str, Station], list[Finding]]:
    table, faults = columns.table, RowFaults()
    stations: dict[str, Station] = {}
    first_rows: dict[str, int] = {}
    repeated: list[str] = []
    for row, (lon, lat) in enumerate(places):
        name, key = id_text(columns.text(row, "station")), name_key(columns.text(row, "station"))
        with faults.collecting():
            if not key:
                raise FormatError(
                    "the row has no station", where=table.where(row), fix="Write the name of the station."
                )
            if key in stations:
                here = (stations[key].lon, stations[key].lat)
                if distance_m(here, (lon, lat)) > _SAME_PLACE_M:
                    raise FormatError(
                        f"the station {name!r} is also in row {table.numbers[first_rows[key]]}, "
                        f"{distance_m(here, (lon, lat)):,.0f} m away",
                        where=table.where(row),
                        fix="Give one of them another name, or correct its coordinates.",
                    )
                repeated.append(table.where(row))
                continue
            first_rows[key] = row
            stations[key] = _station(columns, row, id=prefix + name, lon=lon, lat=lat)
    faults.raise_if_any()
    if not repeated:
        return stations, []
    return stations, [
        Finding(
            code="station_repeated",
            severity="note",
            message=f"{len(repeated)} rows repeat a station at the same place; the first row of each counts",
            fix="Nothing to do unless the rows differ in something else.",
            ids=tuple(repeated),
            where=table.file,
        )
    ]


def _station(columns: Columns, row: int, *, id: str, lon: float, lat: float) -> Station:
    group = columns.value(row, "group") or columns.value(row, "country") or columns.value(row, "park")
    covariates = columns.others(row)
    for name in ("country", "park"):
        if (value := columns.value(row, name)) and value != group:
            covariates[name] = value
    return Station(
        id=id, lon=lon, lat=lat, name=columns.value(row, "name"), group=group, covariates=covariates
    )


def _at_zero(stations: Iterable[Station], *, file: str) -> list[Finding]:
    zero = [s.id for s in stations if abs(s.lon) < 0.01 and abs(s.lat) < 0.01]
    if not zero:
        return []
    return [
        Finding(
            code="coordinates_zero",
            severity="error",
            message=f"{len(zero)} stations lie at longitude 0, latitude 0, where there is only sea",
            fix="Write their real coordinates.",
            ids=tuple(zero),
            where=file,
        )
    ]
