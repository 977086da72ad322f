"""The numbers of the report for programs: one JSON document and one CSV per table.

Names and units are the same in every language; see `docs/report.md` for each key.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

from ghostcat.portrait.portrait import DensitySurface, Effort, Estimate, Interval, Portrait, Refusal
from ghostcat.survey.evidence import Finding

__all__ = ["CSV_NAMES", "portrait_numbers", "write_csv_files", "write_json_file"]

CSV_NAMES = ("catalogue.csv", "stations.csv", "sightings.csv", "density.csv", "left_out.csv")

Cell = str | float | bool | date | None


def portrait_numbers(portrait: Portrait) -> dict[str, object]:
    """Everything that the report says, as plain JSON values at full precision.

    The cells of the density surface are left to `density.csv`.
    """
    return {
        "format": "ghostcat portrait 1",
        "title": portrait.title,
        "survey": portrait.snapshot.name,
        "made_at": portrait.made_at.isoformat(),
        "synthetic": portrait.synthetic,
        "minimum_count": {
            "count": portrait.minimum_count,
            "rule": portrait.minimum_count_rule,
            "is_estimate": False,
        },
        "estimate": _estimate(portrait.estimate) if isinstance(portrait.estimate, Estimate) else None,
        "refusal": asdict(portrait.estimate) if isinstance(portrait.estimate, Refusal) else None,
        "effort": _effort(portrait.effort),
        "catalogue": [_plain(asdict(entry)) for entry in portrait.catalogue],
        "questions": portrait.questions,
        "left_out": [_plain(asdict(finding)) for finding in portrait.left_out],
        "findings": [_plain(asdict(finding)) for finding in portrait.findings],
        "provenance": dict(portrait.provenance),
    }


def write_json_file(portrait: Portrait, path: Path) -> None:
    """Write `portrait_numbers` to `path` as UTF-8; a number that is not finite becomes null."""
    text = json.dumps(portrait_numbers(portrait), ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def write_csv_files(portrait: Portrait, folder: Path) -> tuple[Path, ...]:
    """Write every table of `CSV_NAMES` into `folder`, also those without a row."""
    surface = portrait.estimate.surface if isinstance(portrait.estimate, Estimate) else None
    tables = (
        _catalogue(portrait),
        _stations(portrait),
        _sightings(portrait),
        _density(surface),
        _left_out(portrait),
    )
    paths = tuple(folder / name for name in CSV_NAMES)
    for path, (header, rows) in zip(paths, tables, strict=True):
        _write_csv(path, [*header, "synthetic"], ([*row, portrait.synthetic] for row in rows))
    return paths


Table = tuple[Sequence[str], Iterable[Sequence[Cell]]]


def _catalogue(portrait: Portrait) -> Table:
    header = (
        "individual_id",
        "name",
        "sex",
        "passes",
        "stations",
        "first_seen_utc",
        "last_seen_utc",
        "left_known",
        "right_known",
        "joined",
        "counted",
        "left_photo",
        "right_photo",
    )
    return header, (
        (
            e.individual_id,
            e.name,
            e.sex,
            e.passes,
            ";".join(e.stations),
            e.first_seen,
            e.last_seen,
            bool(e.left_photo),
            bool(e.right_photo),
            e.joined,
            e.counted,
            e.left_photo,
            e.right_photo,
        )
        for e in portrait.catalogue
    )


def _stations(portrait: Portrait) -> Table:
    header = (
        "station_id",
        "lon",
        "lat",
        "group",
        "cameras",
        "station_days",
        "camera_days",
        "dead_camera_days",
        "sampled",
        "photos",
        "passes",
        "individuals",
    )

    return header, (
        (
            s.station_id,
            s.lon,
            s.lat,
            s.group,
            s.cameras,
            s.station_days,
            s.camera_days,
            s.dead_camera_days,
            s.station_days > 0,
            # what was not sampled has no count, not a count of zero
            *((s.photos, s.passes, s.individuals) if s.station_days > 0 else (None, None, None)),
        )
        for s in portrait.effort.lines
    )


def _sightings(portrait: Portrait) -> Table:
    places = {line.station_id: (line.lon, line.lat) for line in portrait.effort.lines}
    return ("individual_id", "name", "time_utc", "station_id", "lon", "lat"), (
        (e.individual_id, e.name, time, station, *places.get(station, (None, None)))
        for e in portrait.catalogue
        for station, time in e.sightings
    )


def _density(surface: DensitySurface | None) -> Table:
    header = ("lon", "lat", "x_m", "y_m", "cell_m", "crs", "animals_per_100km2")
    if surface is None:
        return header, ()
    columns = (surface.lon, surface.lat, surface.x_m, surface.y_m, surface.per_100km2)
    return header, (
        (lon, lat, x, y, surface.cell_m, surface.crs, density)
        for lon, lat, x, y, density in zip(*(column.tolist() for column in columns), strict=True)
    )


def _left_out(portrait: Portrait) -> Table:
    return ("code", "severity", "message", "fix", "ids", "where"), (
        (f.code, f.severity, f.message, f.fix, ";".join(f.ids), f.where) for f in portrait.left_out
    )


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    # The mark at the start lets spreadsheets read Cyrillic and Chinese.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Cell) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        # A spreadsheet would run a name that starts like a formula.
        return "'" + value if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return repr(value)


def _effort(effort: Effort) -> object:
    numbers = asdict(effort)
    numbers["failures"] = [
        {"deployment_id": deployment, "cause": cause, "start": start, "end": end}
        for deployment, cause, start, end in effort.failures
    ]
    for line in numbers["lines"]:
        line["sampled"] = line["station_days"] > 0
        if not line["sampled"]:
            line.update(photos=None, passes=None, individuals=None)
    numbers["station_lines"] = numbers.pop("lines")
    return _plain(numbers)


def _estimate(estimate: Estimate) -> object:
    numbers = {name: getattr(estimate, name) for name in estimate.__dataclass_fields__ if name != "surface"}
    numbers["diagnostics"] = [asdict(finding) for finding in estimate.diagnostics]
    return _plain(numbers)


def _plain(value: object) -> object:
    """`value` in the words of JSON."""
    if isinstance(value, Interval | Finding):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
