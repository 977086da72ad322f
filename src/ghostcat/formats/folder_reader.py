"""Read a plain folder: photos in `station/camera/`, with a table of stations and one of deployments.

The tables may lie in the folder, in `field_tables/` below it, or elsewhere when named. One table that
holds both places and dates (the camera-trap table of camtrapR) is enough.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from ghostcat.errors import FormatError
from ghostcat.formats.columns import match_columns
from ghostcat.formats.dates import DateOrder
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.field_deployments import (
    DEPLOYMENT_COLUMNS,
    PROBLEM_COLUMNS,
    DeploymentRow,
    FieldDeployments,
    read_deployments,
)
from ghostcat.formats.field_stations import STATION_COLUMNS, FieldStations, has_coordinates, read_stations
from ghostcat.formats.photo_tree import CameraFolders, find_photos, photo_media
from ghostcat.formats.reader import Reader, source_id
from ghostcat.formats.spelling import name_key, tight_key
from ghostcat.formats.tables import read_table
from ghostcat.survey.evidence import (
    Camera,
    ColumnMatch,
    Deployment,
    Evidence,
    Failure,
    Finding,
    Source,
    Station,
)

__all__ = ["READER", "read_folder"]

_STATION_TABLES = (
    "stations", "station", "sites", "locations", "camerastations", "traps",
    "станции", "точки", "位点", "相机位点", "站点",
)  # fmt: skip
_DEPLOYMENT_TABLES = (
    "deployments", "deployment", "cameras", "effort", "cttable", "cameratraps", "camtraps", "cameratraptable",
    "установки", "камеры", "布设", "相机布设", "相机",
)  # fmt: skip
_TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")
_TABLE_FOLDERS = ("field_tables", "tables", "")


def read_folder(
    path: str | Path,
    *,
    stations: str | Path | None = None,
    deployments: str | Path | None = None,
    prefix: str = "",
    crs: str | None = None,
    utc_offset_minutes: int | None = None,
    date_order: DateOrder | None = None,
) -> Evidence:
    """Read a folder of photos and the tables that say where and when its cameras stood.

    Parameters
    ----------
    path : folder with photos at any depth below folders named like stations and cameras.
    stations, deployments : the tables, where they are not found by their names.
    prefix : put before every id, for two sources that use the same ones.
    crs : system of projected coordinates (`EPSG:32652`, `UTM 52N`); not needed with lon and lat.
    utc_offset_minutes : offset of the camera clocks where the tables do not say.
    date_order : `dmy` or `mdy`, for dates such as 03/04/2025 when no date of the table tells.

    Returns
    -------
    Evidence. Photos of no known camera have an empty `deployment_id` and a finding.

    Raises
    ------
    FormatError : no tables, or tables that cannot be understood; every faulty row is named.
    """
    root = Path(path)
    tables = _find_tables(root, stations=stations, deployments=deployments)
    station_table = read_table(tables.stations, name=_shown(tables.stations, root))
    field_stations = read_stations(
        station_table, prefix=prefix, crs=crs, utc_offset_minutes=utc_offset_minutes
    )
    if tables.deployments == tables.stations:
        deployment_table = replace(station_table, findings=())
    else:
        deployment_table = read_table(tables.deployments, name=_shown(tables.deployments, root))
    field_deployments = read_deployments(
        deployment_table, field_stations, utc_offset_minutes=utc_offset_minutes, date_order=date_order
    )
    made, cameras, merged = _merge(field_deployments, prefix=prefix)
    tree = find_photos(root, known_tables=(tables.stations, tables.deployments))
    serials = {d.id: row.serial for d, row in _first_rows(made, field_deployments.rows, prefix)}
    folders = CameraFolders(
        [s.id.removeprefix(prefix) for s in field_stations.stations.values()],
        [replace(d, station_id=d.station_id.removeprefix(prefix)) for d in made],
        serials,
    )
    media, photo_findings = photo_media(tree, folders, prefix=prefix)
    fingerprint = _fingerprint(tables, [(f.path, f.size_bytes) for f in tree.photos])
    return Evidence(
        source=Source(
            id=source_id("folder", root.resolve().name, fingerprint, prefix=prefix),
            kind="folder",
            name=root.resolve().name,
            location=str(root.resolve()),
            fingerprint=fingerprint,
            metadata=_metadata(root),
        ),
        stations=tuple(field_stations.stations.values()),
        cameras=cameras,
        deployments=made,
        media=media,
        findings=(
            *field_stations.findings,
            *field_deployments.findings,
            *merged,
            *_unused_stations(field_stations.stations.values(), made, file=station_table.file),
            *tree.findings,
            *photo_findings,
        ),
        columns=_column_report(field_stations, field_deployments),
    )


@dataclass(frozen=True, kw_only=True)
class _Tables:
    stations: Path
    deployments: Path


def _find_tables(root: Path, *, stations: str | Path | None, deployments: str | Path | None) -> _Tables:
    if not root.is_dir():
        raise FormatError("this is no folder", where=str(root), fix="Give the folder that holds the photos.")
    found_stations = Path(stations) if stations else _find(root, _STATION_TABLES)
    found_deployments = Path(deployments) if deployments else _find(root, _DEPLOYMENT_TABLES)
    if found_stations and found_deployments:
        return _Tables(stations=found_stations, deployments=found_deployments)
    only = found_stations or found_deployments
    if only is None:
        raise FormatError(
            "there is no table of stations and none of deployments",
            where=str(root),
            fix="Put stations.csv (station, lon, lat) and deployments.csv (station, camera, setup, "
            "retrieval) into the folder or into field_tables/ below it.",
        )
    table = read_table(only)
    columns = match_columns(table, {**STATION_COLUMNS, **DEPLOYMENT_COLUMNS}, numbered=PROBLEM_COLUMNS)
    if has_coordinates(columns) and {"station", "setup", "retrieval"} <= set(columns.index):
        return _Tables(stations=only, deployments=only)
    missing = "stations.csv (station, lon, lat)"
    if found_stations:
        missing = "deployments.csv (station, camera, setup, retrieval)"
    raise FormatError(
        f"there is {only.name}, but {missing.split(' ')[0]} is missing and {only.name} does not hold both",
        where=str(root),
        fix=f"Put {missing} beside it.",
    )


def _find(root: Path, names: Sequence[str]) -> Path | None:
    """The table that goes by one of these names, nearest first: `field_tables/`, `tables/`, the folder."""
    for below in _TABLE_FOLDERS:
        folder = root / below
        if not folder.is_dir():
            continue
        files = [
            entry
            for entry in sorted(folder.iterdir())
            if entry.suffix.lower() in _TABLE_SUFFIXES and tight_key(entry.stem) in names and entry.is_file()
        ]
        if len(files) > 1:
            listed = " or ".join(file.name for file in files)
            raise FormatError(
                f"two tables could be meant: {listed}",
                where=str(folder),
                fix="Keep one, or name it (stations=…, deployments=…).",
            )
        if files:
            return files[0]
    return None


def _merge(
    table: FieldDeployments, *, prefix: str
) -> tuple[tuple[Deployment, ...], tuple[Camera, ...], list[Finding]]:
    """One deployment for each camera of a station: rows of the same camera follow each other.

    The folders of photos cannot tell the rows of one camera apart, so the time between two rows becomes
    a failure of one deployment. Effort is the same; a device that was replaced is told.
    """
    groups: dict[tuple[str, str], list[DeploymentRow]] = {}
    for row in table.rows:
        groups.setdefault((row.station_key, name_key(row.slot)), []).append(row)
    faults = RowFaults()
    made: list[Deployment] = []
    cameras: dict[str, Camera] = {}
    findings: list[Finding] = []
    for rows in groups.values():
        with faults.collecting():
            rows.sort(key=lambda row: row.start)
            rows, repeated = _without_repeats(rows)
            findings += repeated
            camera = _camera(rows[0], prefix=prefix)
            if camera:
                cameras.setdefault(camera.id, camera)
            made.append(_deployment(rows, camera.id if camera else "", prefix=prefix))
            findings += _replaced(rows)
    faults.raise_if_any()
    return tuple(made), tuple(cameras.values()), findings


def _without_repeats(rows: Sequence[DeploymentRow]) -> tuple[list[DeploymentRow], list[Finding]]:
    kept, repeated = [rows[0]], []
    for row in rows[1:]:
        if replace(row, where=kept[-1].where) == kept[-1]:
            repeated.append(row.where)
        elif row.start < kept[-1].end:
            camera = f" camera {row.slot!r}" if row.slot else ""
            raise FormatError(
                f"station {row.station!r}{camera} is also deployed in {kept[-1].where}, at the same time",
                where=row.where,
                fix="Correct the dates, or name the cameras of the station in a column camera (A, B).",
            )
        else:
            kept.append(row)
    finding = Finding(
        code="deployment_repeated",
        severity="note",
        message=f"{len(repeated)} rows repeat the row before them and count once",
        fix="Delete them.",
        ids=tuple(repeated),
    )
    return kept, [finding] if repeated else []


def _deployment(rows: Sequence[DeploymentRow], camera_id: str, *, prefix: str) -> Deployment:
    first, last = rows[0], rows[-1]
    own = first.station.removeprefix(prefix)
    name = first.deployment or (f"{own}-{first.slot}" if first.slot else own)
    failures = [failure for row in rows for failure in row.failures]
    for before, after in pairwise(rows):
        failures.extend(_gap(before.end, after.start))
    return Deployment(
        id=prefix + name,
        station_id=first.station,
        start=first.start,
        end=last.end,
        camera_id=camera_id,
        slot=first.slot,
        utc_offset_minutes=first.utc_offset_minutes,
        failures=tuple(sorted(failures, key=lambda failure: failure.start)),
        height_m=first.height_m,
        facing_deg=first.facing_deg,
        setup_by=first.setup_by,
        comments="; ".join(dict.fromkeys(row.comments for row in rows if row.comments)),
        covariates=dict(first.covariates),
    )


def _gap(start: datetime, end: datetime) -> list[Failure]:
    return [Failure(start=start, end=end, cause="not deployed")] if end > start else []


def _camera(row: DeploymentRow, *, prefix: str) -> Camera | None:
    if not (row.serial or row.slot or row.make or row.model):
        return None
    own = row.station.removeprefix(prefix)
    return Camera(
        id=prefix + (row.serial or (f"{own}-{row.slot}" if row.slot else own)),
        make=row.make,
        model=row.model,
        serial=row.serial,
    )


def _replaced(rows: Sequence[DeploymentRow]) -> list[Finding]:
    serials = list(dict.fromkeys(row.serial for row in rows if row.serial))
    offsets = {row.utc_offset_minutes for row in rows}
    if len(serials) < 2 and len(offsets) < 2:
        return []
    what = "the offset of the clock changed"
    if len(serials) > 1:
        what = f"cameras {', '.join(serials)} followed each other"
    return [
        Finding(
            code="camera_replaced",
            severity="warning",
            message=f"station {rows[0].station} {rows[0].slot}: {what}; the rows are kept as one deployment",
            fix="Give each its own name in the column camera, and its own folder, if their clocks differ.",
            ids=tuple(row.where for row in rows),
        )
    ]


def _first_rows(
    made: Sequence[Deployment], rows: Sequence[DeploymentRow], prefix: str
) -> list[tuple[Deployment, DeploymentRow]]:
    first: dict[tuple[str, str], DeploymentRow] = {}
    for row in sorted(rows, key=lambda row: row.start):
        first.setdefault((row.station, name_key(row.slot)), row)
    return [(deployment, first[deployment.station_id, name_key(deployment.slot)]) for deployment in made]


def _unused_stations(
    stations: Iterable[Station], deployments: Sequence[Deployment], *, file: str
) -> list[Finding]:
    used = {deployment.station_id for deployment in deployments}
    unused = [s.id for s in stations if s.id not in used]
    if not unused:
        return []
    return [
        Finding(
            code="station_without_deployment",
            severity="warning",
            message=f"{len(unused)} stations have no deployment: no effort is counted there",
            fix="Add their rows to the deployments table if cameras stood there.",
            ids=tuple(unused),
            where=file,
        )
    ]


def _column_report(stations: FieldStations, deployments: FieldDeployments) -> tuple[ColumnMatch, ...]:
    if stations.columns.table.file != deployments.columns.table.file:
        return (*stations.columns.matches(), *deployments.columns.matches())
    # One table for both: a column is told once, with whichever use it has.
    return tuple(
        a if a.used_as else b
        for a, b in zip(stations.columns.matches(), deployments.columns.matches(), strict=True)
    )


def _fingerprint(tables: _Tables, photos: Sequence[tuple[str, int]]) -> str:
    digest = hashlib.sha256()
    for table in dict.fromkeys((tables.stations, tables.deployments)):
        digest.update(hashlib.sha256(table.read_bytes()).digest())
    for name, size in photos:
        digest.update(f"{name}\0{size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _metadata(root: Path) -> dict[str, object]:
    """A folder says that it was simulated by a file named so, or by a package description beside it."""
    from ghostcat.formats.reader import says_synthetic

    marked = any((root / name).exists() for name in ("SYNTHETIC", "SYNTHETIC.txt", "synthetic.txt"))
    return {"synthetic": True} if marked or says_synthetic(root / "datapackage.json") else {}


def _shown(table: Path, root: Path) -> str:
    """Name a table as the user sees it: below the folder, or by its own path."""
    try:
        return table.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return os.fspath(table)


def _recognises(path: Path) -> bool:
    return path.is_dir()


READER = Reader(
    kind="folder",
    title="folder of photos with tables of stations and deployments",
    recognises=_recognises,
    read=read_folder,
    rank=90,
)
