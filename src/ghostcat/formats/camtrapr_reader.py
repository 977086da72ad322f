"""Read the tables that camtrapR users keep: camera stations with their dates, and individual records.

Stations (`CTtable`): Station, coordinates, Setup_date, Retrieval_date, perhaps Camera and pairs
Problem1_from, Problem1_to. Records (`recordTableIndividual`): Station, Individual, DateTimeOriginal and
perhaps Species. A date without a time counts as camtrapR counts it: set up and picked up at noon;
problem days are lost from the first to the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError, ParameterError
from ghostcat.formats.capture_tables import (
    CaptureRows,
    CaptureTables,
    Kind,
    build_tables,
    one_sex,
    read_sex,
)
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.coordinates import check_degrees, read_crs
from ghostcat.formats.dates import DateOrder, find_date_order, parse_time
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.field_stations import STATION_COLUMNS
from ghostcat.formats.numbers import parse_degrees, parse_number
from ghostcat.formats.spelling import id_text, name_key, nearest
from ghostcat.formats.tables import is_missing, read_table
from ghostcat.survey.evidence import Finding
from ghostcat.survey.history import utm_crs
from ghostcat.survey.intervals import (
    DAY,
    Interval,
    overlap_with_bins,
    subtract,
    to_datetime,
    to_microseconds,
    union,
)

__all__ = ["read_camtrapr"]

Floats = NDArray[np.float64]

_STATIONS: Mapping[str, Sequence[str]] = {
    **{name: STATION_COLUMNS[name] for name in ("station", "lon", "lat", "x", "y")},
    "camera": ("camera id", "cam", "камера", "相机"),
    "session": ("season", "сессия"),
    "setup_date": ("setup", "start", "start date", "дата установки", "布设日期"),
    "retrieval_date": ("retrieval", "end", "end date", "дата снятия", "回收日期"),
}
_PROBLEMS = {"problem#_from": (), "problem#_to": ()}
_RECORDS: Mapping[str, Sequence[str]] = {
    "station": STATION_COLUMNS["station"],
    "individual": ("individual id", "animal", "animal id", "id", "особь", "个体"),
    "species": ("вид", "物种"),
    "datetimeoriginal": ("date time original", "datetime", "date time", "timestamp"),
    "date": ("дата", "日期"),
    "time": ("время", "时间"),
    "sex": ("пол", "性别"),
    "session": ("season", "сессия"),
}
_NOON = timedelta(hours=12)
_UNIDENTIFIED = frozenset({"unidentified", "unknown", "unid", "no id", "?"})


@dataclass(frozen=True)
class _Station:
    name: str
    place: tuple[float, float]
    working: list[Interval]
    row: int


def read_camtrapr(
    stations: Path | str,
    records: Path | str,
    *,
    species: str | None = None,
    occasion_days: int = 1,
    kind: Kind | None = "proximity",
    crs: str | None = None,
    date_order: DateOrder | None = None,
    whole_days: bool = False,
    session: str | None = None,
) -> CaptureTables:
    """Read stations with their effort and the records of identified animals.

    Parameters
    ----------
    stations, records : tables (.csv, .xlsx).
    species : which species; needed where the records hold several.
    occasion_days : length of an occasion; the last one may be shorter. Occasions begin at midnight of
        the first set-up.
    kind : "proximity" keeps one record an animal, station and occasion; "count" keeps all.
    crs : projected system of x and y, or the one to bring lon and lat to.
    date_order : "dmy" or "mdy" where dates such as 03/04/2025 leave it open.
    whole_days : set-up and retrieval days without a time count as whole days, as camtrapR did before 2.1.
    session : which session, where the tables hold several.

    Returns
    -------
    CaptureTables : usage is in station-days; several cameras of a station work as one.

    Raises
    ------
    FormatError : dates, coordinates, stations or species that are not what they should be; names the row.

    References
    ----------
    Niedballa et al. (2016) Methods in Ecology and Evolution 7:1457–1462; documentation of
    cameraOperation and spatialDetectionHistory.
    """
    if occasion_days < 1:
        raise ParameterError(f"occasion_days is {occasion_days}, expected at least 1")
    places = match_columns(
        read_table(Path(stations)),
        _STATIONS,
        required=("station", "setup_date", "retrieval_date"),
        numbered=_PROBLEMS,
    )
    seen = match_columns(read_table(Path(records)), _RECORDS, required=("station", "individual"))
    found, system = _read_stations(places, crs, date_order, whole_days, session)
    edges = _edges([s.working for s in found], occasion_days)
    usage = np.array([overlap_with_bins(s.working, edges) for s in found], dtype=np.float64) / DAY
    rows, sexes, notes = _read_records(seen, found, edges, species, date_order, session)
    if kind == "proximity":
        rows, more = _once(rows)
        notes += more
    return build_tables(
        rows,
        name=session or "1",
        detector_names=[s.name for s in found],
        xy_m=np.array([s.place for s in found]),
        usage=usage,
        kind=kind,
        sex=sexes,
        crs=system,
        findings=(*places.table.findings, *seen.table.findings, *notes),
    )


def _read_stations(
    columns: Columns, crs: str | None, order: DateOrder | None, whole_days: bool, session: str | None
) -> tuple[list[_Station], str]:
    table = columns.table
    rows = _of_session(columns, session)
    dates = [columns.value(i, c) for i in rows for c in ("setup_date", "retrieval_date")]
    problems = sorted(set(columns.numbered["problem#_from"]) | set(columns.numbered["problem#_to"]))
    dates += [
        columns.numbered_value(i, f"problem#_{end}", n)
        for i in rows
        for n in problems
        for end in ("from", "to")
    ]
    order = order or find_date_order(dates, where=table.file)
    xy, system = _places(columns, rows, crs)
    faults = RowFaults()
    by_name: dict[str, _Station] = {}
    for i, place in zip(rows, xy, strict=True):
        with faults.collecting():
            name = id_text(columns.text(i, "station"))
            if not name:
                raise FormatError("a camera has no station", where=table.where(i), fix="Fill it in.")
            working = _working(columns, i, problems, order, whole_days)
            before = by_name.get(name_key(name))
            if before is not None:
                if np.hypot(*(np.subtract(before.place, place))) > 100.0:
                    raise FormatError(
                        f"station {name} stands elsewhere in {table.where(before.row)}",
                        where=table.where(i),
                        fix="Correct the coordinates, or give the second place its own name.",
                    )
                # A station works while any of its cameras works.
                working, place = union([*before.working, *working]), before.place
            by_name[name_key(name)] = _Station(name, place, working, before.row if before else i)
    faults.raise_if_any()
    return list(by_name.values()), system


def _working(
    columns: Columns, row: int, problems: Sequence[int], order: DateOrder | None, whole_days: bool
) -> list[Interval]:
    setup, setup_clock = _moment(columns.value(row, "setup_date"), columns, row, "setup_date", order)
    last, last_clock = _moment(columns.value(row, "retrieval_date"), columns, row, "retrieval_date", order)
    if not setup_clock and not whole_days:
        setup += _NOON
    if not last_clock:
        last += timedelta(days=1) if whole_days else _NOON
    if last <= setup:
        raise FormatError(
            f"retrieval {columns.value(row, 'retrieval_date')} is not after setup "
            f"{columns.value(row, 'setup_date')}",
            where=columns.table.where(row),
            fix="Correct the dates.",
        )
    holes: list[Interval] = []
    for number in problems:
        texts = [columns.numbered_value(row, f"problem#_{end}", number) for end in ("from", "to")]
        if not any(texts):
            continue
        if not all(texts):
            raise FormatError(
                f"problem {number} has only one of its two dates",
                where=columns.table.where(row),
                fix="Give both; the retrieval date where it lasted to the end.",
            )
        start, _ = _moment(texts[0], columns, row, f"problem{number}_from", order)
        end, clock = _moment(texts[1], columns, row, f"problem{number}_to", order)
        if end < start:
            raise FormatError(f"problem {number} ends before it starts", where=columns.table.where(row))
        # A day is lost whole.
        holes.append((_us(start), _us(end if clock else end + timedelta(days=1))))
    return subtract([(_us(setup), _us(last))], holes)


def _read_records(
    columns: Columns,
    stations: Sequence[_Station],
    edges: NDArray[np.int64],
    species: str | None,
    order: DateOrder | None,
    session: str | None,
) -> tuple[CaptureRows, dict[str, str], list[Finding]]:
    table = columns.table
    rows = _of_species(columns, _of_session(columns, session), species)
    clock = "datetimeoriginal" if "datetimeoriginal" in columns.index else "date"
    if clock not in columns.index:
        raise FormatError(
            "there is no column for the time of a record",
            where=f"{table.file} heading",
            fix="Name it DateTimeOriginal (or Date and Time).",
        )
    order = order or find_date_order([columns.value(i, clock).split(" ")[0] for i in rows], where=table.file)
    index = {name_key(s.name): k for k, s in enumerate(stations)}
    faults = RowFaults()
    animals, detectors, occasions, places, sexes = [], [], [], [], []
    nameless: list[str] = []
    for i in rows:
        animal = id_text(columns.text(i, "individual"))
        if is_missing(animal) or name_key(animal) in _UNIDENTIFIED:
            nameless.append(table.where(i))
            continue
        with faults.collecting():
            station = index.get(name_key(columns.text(i, "station")))
            if station is None:
                raise _unknown_station(columns, i, stations)
            moment = _record_time(columns, i, clock, order)
            occasion = int(np.searchsorted(edges, _us(moment), side="right")) - 1
            if not any(a <= _us(moment) < b for a, b in stations[station].working):
                raise FormatError(
                    f"animal {animal} was recorded at {stations[station].name} on {moment}, when no camera "
                    f"worked there ({_spans(stations[station].working)})",
                    where=table.where(i),
                    fix="Correct the dates of the station or the clock of the camera.",
                )
            animals.append(animal)
            detectors.append(station)
            occasions.append(occasion)
            places.append(table.where(i))
            sexes.append((animal, read_sex(columns.text(i, "sex"), where=table.where(i)), table.where(i)))
    faults.raise_if_any()
    notes = _nameless(nameless, table.file)
    found = CaptureRows(
        animal=tuple(animals), detector=tuple(detectors), occasion=tuple(occasions), where=tuple(places)
    )
    return found, one_sex(sexes) if "sex" in columns.index else {}, notes


def _nameless(rows: list[str], file: str) -> list[Finding]:
    if not rows:
        return []
    return [
        Finding(
            code="records_without_individual",
            severity="warning",
            message=f"{len(rows)} record(s) show an animal that nobody identified; they are left out",
            fix="Identify them: leaving them out is only right when it happens regardless of the animal.",
            ids=tuple(rows),
            where=file,
        )
    ]


def _record_time(columns: Columns, row: int, clock: str, order: DateOrder | None) -> datetime:
    text = columns.value(row, clock)
    moment, has_clock = _moment(text, columns, row, clock, order)
    if not has_clock and clock == "date" and columns.value(row, "time"):
        moment, has_clock = _moment(f"{text} {columns.value(row, 'time')}", columns, row, "time", order)
    # Without a time the record lies within the day.
    return moment if has_clock else moment + _NOON


def _once(rows: CaptureRows) -> tuple[CaptureRows, list[Finding]]:
    """One record an animal, station and occasion."""
    first: dict[tuple[str, int, int], int] = {}
    for i, key in enumerate(zip(rows.animal, rows.detector, rows.occasion, strict=True)):
        first.setdefault(key, i)
    keep = sorted(first.values())
    left = len(rows.animal) - len(keep)
    if not left:
        return rows, []
    kept = CaptureRows(
        animal=tuple(rows.animal[i] for i in keep),
        detector=tuple(rows.detector[i] for i in keep),
        occasion=tuple(rows.occasion[i] for i in keep),
        where=tuple(rows.where[i] for i in keep),
    )
    note = Finding(
        code="repeated_records",
        severity="note",
        message=f"{left} record(s) repeat an animal at the same station and occasion; yes or no counts once",
        fix='Read them as kind "count" to use them all.',
    )
    return kept, [note]


def _of_session(columns: Columns, session: str | None) -> list[int]:
    rows = list(range(len(columns.table.rows)))
    if "session" not in columns.index:
        return rows
    names = [id_text(columns.text(i, "session")) for i in rows]
    present = list(dict.fromkeys(names))
    if session is None and len(present) > 1:
        raise FormatError(
            f"{len(present)} sessions: {', '.join(present)}", where=columns.table.file, fix="Choose one."
        )
    if session is not None and session not in present:
        raise FormatError(
            f"no session {session!r}", where=columns.table.file, fix=f"Sessions here: {', '.join(present)}."
        )
    return [i for i in rows if session is None or names[i] == session]


def _of_species(columns: Columns, rows: list[int], species: str | None) -> list[int]:
    if "species" not in columns.index:
        return rows
    present = {name_key(columns.text(i, "species")): columns.text(i, "species") for i in rows}
    if species is None:
        if len(present) > 1:
            raise FormatError(
                f"records of {len(present)} species: {', '.join(present.values())}",
                where=columns.table.file,
                fix="Choose one species.",
            )
        return rows
    if name_key(species) not in present:
        raise FormatError(
            f"no record of {species!r}",
            where=columns.table.file,
            fix=f"Species here: {', '.join(present.values())}.",
        )
    return [i for i in rows if name_key(columns.text(i, "species")) == name_key(species)]


def _places(columns: Columns, rows: list[int], crs: str | None) -> tuple[list[tuple[float, float]], str]:
    table, faults = columns.table, RowFaults()
    names = ("x", "y") if {"x", "y"} <= set(columns.index) else ("lon", "lat")
    if not set(names) <= set(columns.index):
        raise FormatError(
            f"no coordinates among the columns {', '.join(table.header)}",
            where=f"{table.file} heading",
            fix="Name the columns utm_x and utm_y (metres), or longitude and latitude.",
        )
    parse = parse_number if names[0] == "x" else parse_degrees
    pairs = []
    for i in rows:
        with faults.collecting():
            values = [parse(columns.value(i, n)) for n in names]
            if values[0] is None or values[1] is None:
                raise FormatError(
                    f"station {columns.text(i, 'station')} has no coordinates", where=table.where(i)
                )
            if names[0] == "lon":
                check_degrees(values[0], values[1], where=table.where(i))
            pairs.append((values[0], values[1]))
    faults.raise_if_any()
    if names[0] == "x":
        return pairs, str(crs or "")
    from pyproj import Transformer

    lon, lat = zip(*pairs, strict=True)
    system = str(crs) if crs else utm_crs(lon, lat)
    to_metres = Transformer.from_crs("EPSG:4326", read_crs(system), always_xy=True)
    x, y = to_metres.transform(lon, lat)
    return list(zip(map(float, x), map(float, y), strict=True)), system


def _edges(working: Sequence[list[Interval]], occasion_days: int) -> NDArray[np.int64]:
    """Midnights at which occasions begin, and the end of the last."""
    spans = [span for spans in working for span in spans]
    if not spans:
        raise FormatError(
            "no camera ever worked", where="stations", fix="Correct setup, retrieval, problems."
        )
    first = min(s for s, _ in spans) // DAY * DAY
    last = max(e for _, e in spans)
    steps = -(-(last - first) // (occasion_days * DAY))
    return np.asarray(first + np.arange(steps + 1, dtype=np.int64) * occasion_days * DAY)


def _moment(
    text: str, columns: Columns, row: int, name: str, order: DateOrder | None
) -> tuple[datetime, bool]:
    found = parse_time(text, order=order) if text else None
    if found is None:
        raise FormatError(
            f"{columns.heading(name)} {text!r} is no date",
            where=columns.table.where(row),
            fix="Write YYYY-MM-DD or YYYY-MM-DD HH:MM:SS.",
        )
    return found.local, found.has_clock


def _unknown_station(columns: Columns, row: int, stations: Sequence[_Station]) -> FormatError:
    name = columns.text(row, "station")
    near = nearest(name, [s.name for s in stations])
    return FormatError(
        f"station {name!r} is not in the table of stations",
        where=columns.table.where(row),
        fix=f"Did you mean {near!r}?" if near else "Write stations alike in both tables.",
    )


def _us(moment: datetime) -> int:
    """All times are on one local clock; a zone would only move them together."""
    return to_microseconds(moment.replace(tzinfo=UTC))


def _spans(working: list[Interval]) -> str:
    text = [f"{to_datetime(a):%Y-%m-%d %H:%M} to {to_datetime(b):%Y-%m-%d %H:%M}" for a, b in working]
    return ", ".join(text) or "never"
