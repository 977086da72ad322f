"""Read collar fixes: Movebank, EarthRanger, Vectronic and Lotek exports, plain tables, GPX.

All are tables with other headings, but GPX. Times without a zone are UTC, as collars write them.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.coordinates import check_degrees
from ghostcat.formats.dates import DateOrder, find_date_order, parse_time
from ghostcat.formats.numbers import parse_degrees, parse_number
from ghostcat.formats.tables import is_missing, parse_table
from ghostcat.movement.cleaning import RawFixes
from ghostcat.survey.evidence import ColumnMatch, Finding

__all__ = ["TRACK_COLUMNS", "ReadTracks", "read_tracks"]

Floats = NDArray[np.float64]

TRACK_COLUMNS: Mapping[str, Sequence[str]] = {
    "t": (),
    "timestamp": (
        "time", "t_", "date time", "datetime", "date & time", "date/time", "fixtime", "fix time",
        "recorded at", "acquisition time", "acq. time",
        "utc datetime", "gmt time stamp", "study-timestamp utc",
        "дата и время", "время", "时间", "日期时间",
    ),
    "date": ("utc date", "gmt date", "fix date", "дата", "日期"),
    "clock": ("utc time", "gmt time", "time of day"),
    "longitude": ("location-long", "location_long", "lon", "long", "lng", "location.longitude", "долгота",
                  "经度"),
    "latitude": ("location-lat", "location_lat", "lat", "location.latitude", "широта", "纬度"),
    "x": ("x_", "easting", "utm x", "utm-easting", "utm_easting"),
    "y": ("y_", "northing", "utm y", "utm-northing", "utm_northing"),
    "individual": (
        "individual-local-identifier", "individual_local_identifier", "individual local identifier", "animal",
        "animal id", "animals_id", "subject_name", "subject name", "individual id", "животное", "особь",
        "个体",
    ),
    "tag": ("tag-local-identifier", "tag_local_identifier", "collar id", "collar", "device id", "device name",
            "ошейник", "项圈"),
    "id": (),
    "hdop": ("gps:hdop", "gps hdop"),
    "dop": ("gps:dop", "gps dop", "pdop"),
    "error": ("location-error-numerical", "eobs:horizontal-accuracy-estimate", "horizontal accuracy",
              "error m"),
    "visible": (),
    "outlier": ("manually-marked-outlier", "manually_marked_outlier", "algorithm-marked-outlier"),
}  # fmt: skip
_YES = {"true", "1", "yes", "y", "да", "是"}


@dataclass(frozen=True, kw_only=True)
class ReadTracks:
    """What a file of fixes holds."""

    tracks: tuple[RawFixes, ...]
    """One an animal, in the order they first appear."""
    findings: tuple[Finding, ...]
    columns: tuple[ColumnMatch, ...]
    kind: str
    """`table` or `gpx`."""


def read_tracks(path: str | Path, *, crs: str = "") -> ReadTracks:
    """Read the fixes of one or several animals.

    Parameters
    ----------
    path : CSV (any separator and encoding, also gzipped), .xlsx or GPX.
    crs : projection of x and y, or the projection degrees are to be brought into.

    Raises
    ------
    FormatError : no times or no places, a latitude beyond ±90, dates that could be read two ways.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise FormatError(
            f"the file cannot be read ({fault.strerror})",
            where=path.name,
            fix="Check the path and your rights.",
        ) from None
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if b"<gpx" in content[:2000].lower():
        return _read_gpx(content, path.name, crs)
    table = parse_table(content.replace(b"\r\r\n", b"\n"), file=path.name)
    columns = match_columns(table, TRACK_COLUMNS)
    _demand(columns)
    fixes = _Table(columns)
    names = fixes.names(path.name.split(".")[0])
    time_s = fixes.times()
    places = fixes.places()
    numbers = np.asarray(table.numbers, dtype=np.int64)
    parts = {name: [] for name in names}  # type: dict[str, list[int]]
    for row, name in enumerate(names):
        parts[name].append(row)
    precision, error, marked = fixes.precision(), fixes.numbers("error"), fixes.marked()
    tracks = []
    for name, rows in parts.items():
        take = np.asarray(rows)
        tracks.append(
            RawFixes(
                name=name,
                time_s=time_s[take],
                lon=None if places.lon is None else places.lon[take],
                lat=None if places.lat is None else places.lat[take],
                xy_m=None if places.xy_m is None else places.xy_m[take],
                crs=crs,
                dop=None if precision is None else precision[take],
                error_m=None if error is None else error[take],
                marked=None if marked is None else marked[take],
                rows=numbers[take],
            )
        )
    return ReadTracks(
        tracks=tuple(tracks),
        findings=(*table.findings, *fixes.findings),
        columns=columns.matches(),
        kind="table",
    )


def _demand(columns: Columns) -> None:
    have = set(columns.index)
    file = columns.table.file
    heading = ", ".join(columns.table.header)
    if not have & {"t", "timestamp", "date"}:
        raise FormatError(
            f"no column holds the time of a fix (the headings are: {heading})",
            where=file,
            fix="Name it timestamp (UTC, YYYY-MM-DD HH:MM:SS), or t for seconds.",
        )
    if not ({"x", "y"} <= have or {"longitude", "latitude"} <= have):
        raise FormatError(
            f"no columns hold the place of a fix (the headings are: {heading})",
            where=file,
            fix="Name them longitude and latitude (degrees), or x and y (metres).",
        )


@dataclass(frozen=True, eq=False)
class _Places:
    lon: Floats | None
    lat: Floats | None
    xy_m: Floats | None


class _Table:
    """Columns of fixes as arrays, with a finding for each cell that could not be read."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.rows = range(len(columns.table.rows))
        self.findings: list[Finding] = []

    def names(self, fallback: str) -> list[str]:
        wanted = next((name for name in ("individual", "id", "tag") if name in self.columns.index), None)
        if wanted is None:
            return [fallback] * len(self.rows)
        return [self.columns.text(row, wanted) or fallback for row in self.rows]

    def numbers(self, name: str) -> Floats | None:
        """The column as numbers; NaN where there is none, with a finding where something else is written."""
        if name not in self.columns.index:
            return None
        position = self.columns.index[name]
        cells = [row[position] for row in self.columns.table.rows]
        try:
            return np.array([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            pass
        reader = parse_degrees if name in ("longitude", "latitude") else parse_number
        values = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            if is_missing(cell):
                continue
            value = reader(cell)
            if value is None:
                self._unreadable(row, name, cell)
            else:
                values[row] = value
        return values

    def _unreadable(self, row: int, name: str, cell: str) -> None:
        self.findings.append(
            Finding(
                code="unreadable_cell",
                severity="warning",
                message=f"{self.columns.heading(name)} is {cell!r}",
                where=self.columns.table.where(row),
                fix="The fix is left out. Correct the cell if the fix matters.",
            )
        )

    def precision(self) -> Floats | None:
        horizontal = self.numbers("hdop")
        return self.numbers("dop") if horizontal is None else horizontal

    def marked(self) -> NDArray[np.bool_] | None:
        index = self.columns.index
        if not index.keys() & {"visible", "outlier"}:
            return None
        hidden = [self.columns.value(row, "visible").casefold() in ("false", "0", "no") for row in self.rows]
        called = [self.columns.value(row, "outlier").casefold() in _YES for row in self.rows]
        return np.array([a or b for a, b in zip(hidden, called, strict=True)])

    def places(self) -> _Places:
        lon, lat = self.numbers("longitude"), self.numbers("latitude")
        x, y = self.numbers("x"), self.numbers("y")
        if lon is not None and lat is not None:
            for row in np.flatnonzero((np.abs(lat) > 90) | (np.abs(lon) > 360))[:1]:
                check_degrees(float(lon[row]), float(lat[row]), where=self.columns.table.where(int(row)))
        return _Places(lon, lat, None if x is None or y is None else np.column_stack([x, y]))

    def times(self) -> Floats:
        heading = "t" if "t" in self.columns.index else "timestamp"
        first = next((cell for row in self.rows if (cell := self.columns.value(row, heading))), "")
        if heading == "t" and parse_number(first) is not None:
            seconds = self.numbers("t")
            assert seconds is not None
            return seconds
        if heading in self.columns.index:
            texts = [self.columns.value(row, heading) for row in self.rows]
        else:
            texts = [
                f"{self.columns.value(row, 'date')} {self.columns.value(row, 'clock')}".strip()
                for row in self.rows
            ]
        return self._moments(texts)

    def _moments(self, texts: list[str]) -> Floats:
        try:  # what most files hold, a thousand times faster
            plain = [text.replace(" ", "T").removesuffix("Z") for text in texts]
            moments = np.array(plain, dtype="datetime64[ms]")
            return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1000.0)
        except ValueError:
            pass
        order = find_date_order(texts, where=self.columns.table.file)
        values = np.full(len(texts), np.nan)
        for row, text in enumerate(texts):
            values[row] = _seconds(text, order)
            if text and np.isnan(values[row]):
                self._unreadable(row, "timestamp", text)
        return values


def _seconds(text: str, order: DateOrder | None) -> float:
    """Seconds since 1970; NaN where there is no time. Without a zone it is UTC."""
    found = parse_time(text, order=order) if text else None
    if found is None:
        return float("nan")
    whole = float(np.datetime64(found.local, "ms").astype(np.int64)) / 1000.0
    return whole - 60.0 * (found.utc_offset_minutes or 0)


def _read_gpx(content: bytes, file: str, crs: str) -> ReadTracks:
    """Track points of a GPX file; each <trk> is an animal."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as fault:
        raise FormatError(f"not a whole GPX file ({fault})", where=file, fix="Export it again.") from None
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    tracks = []
    number = 0
    for k, trail in enumerate(root.iter(f"{space}trk")):
        points = list(trail.iter(f"{space}trkpt"))
        texts = [(point.findtext(f"{space}time") or "").strip() for point in points]
        tracks.append(
            RawFixes(
                name=trail.findtext(f"{space}name") or f"{Path(file).stem} {k + 1}",
                time_s=np.array([_seconds(text, None) for text in texts]),
                lon=np.array([float(point.get("lon", "nan")) for point in points]),
                lat=np.array([float(point.get("lat", "nan")) for point in points]),
                dop=np.array([float(point.findtext(f"{space}hdop") or "nan") for point in points]),
                crs=crs,
                rows=np.arange(number + 1, number + len(points) + 1),
            )
        )  # fmt: skip
        number += len(points)
    if not tracks:
        raise FormatError("the GPX file holds no track", where=file, fix="Export tracks, not only waypoints.")
    return ReadTracks(tracks=tuple(tracks), findings=(), columns=(), kind="gpx")
