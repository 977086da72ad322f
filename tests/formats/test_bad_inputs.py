"""The table of bad inputs: each gets a clear word about what, where and what to do, and nothing is lost.

A case builds its input in an empty folder, and says which error it must give or which finding. Every
case also proves that no file was changed, and every case that is read proves that all its photos, rows
and results are accounted for.
"""

# One case a line: the table is to be read down the names.
# ruff: noqa: E501

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import stat
import struct
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ghostcat.errors import FormatError, GhostcatError, InputError, ParameterError
from ghostcat.formats import read_detections, read_evidence
from ghostcat.survey.evidence import Evidence, Media

# --- what a good input looks like -----------------------------------------------------------------

STATIONS = [
    ["station", "lon", "lat", "utc_offset_h"],
    ["ST01", 131.08, 43.16, 10],
    ["ST02", 131.12, 43.17, 10],
]
DEPLOYMENTS = [
    ["station", "camera", "serial", "setup", "retrieval"],
    ["ST01", "A", "H1", "2025-04-03 14:12", "2025-07-02 10:41"],
    ["ST01", "B", "H2", "2025-04-03 14:12", "2025-07-02 10:41"],
    ["ST02", "A", "H3", "2025-04-03 13:31", "2025-07-02 15:52"],
]
PHOTOS = (
    "ST01/A/IMG_0001.JPG",
    "ST01/A/IMG_0002.JPG",
    "ST01/B/DCIM/100RECNX/IMG_0001.JPG",
    "ST02/A/IMG_0001.JPG",
)

Rows = Sequence[Sequence[object]]


def csv_bytes(rows: Rows, *, delimiter: str = ",", encoding: str = "utf-8", end: str = "\n") -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=end).writerows(rows)
    return buffer.getvalue().encode(encoding)


def changed(rows: Rows, row: int, **cells: object) -> list[list[object]]:
    """The table with cells of one row (1 is the first below the heading) written anew."""
    copy = [list(each) for each in rows]
    for name, value in cells.items():
        copy[row][copy[0].index(name)] = value
    return copy


def with_column(rows: Rows, name: str, values: Sequence[object]) -> list[list[object]]:
    return [[*row, value] for row, value in zip(rows, [name, *values], strict=True)]


def without_column(rows: Rows, name: str) -> list[list[object]]:
    at = list(rows[0]).index(name)
    return [[cell for i, cell in enumerate(row) if i != at] for row in rows]


def renamed(rows: Rows, **names: str) -> list[list[object]]:
    return [[names.get(str(cell), cell) for cell in rows[0]], *map(list, rows[1:])]


def folder(
    root: Path,
    *,
    stations: bytes | Rows | None = STATIONS,
    deployments: bytes | Rows | None = DEPLOYMENTS,
    photos: Sequence[str] = PHOTOS,
    names: tuple[str, str] = ("stations.csv", "deployments.csv"),
) -> Path:
    root = root / "cards"
    root.mkdir()
    for name, content in zip(names, (stations, deployments), strict=True):
        if content is not None:
            (root / name).write_bytes(content if isinstance(content, bytes) else csv_bytes(content))
    for photo in photos:
        write(root / photo, photo.encode())
    return root


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


DP_DEPLOYMENTS = [
    ["deploymentID", "locationID", "latitude", "longitude", "deploymentStart", "deploymentEnd", "deploymentTags", "coordinateUncertainty", "timestampIssues"],
    ["d1", "ST01", 43.16, 131.08, "2025-04-03T14:12:05+10:00", "2025-07-02T10:41:25+10:00", "camera:A", 10, "false"],
    ["d2", "ST01", 43.16, 131.08, "2025-04-03T14:12:05+10:00", "2025-07-02T10:41:25+10:00", "camera:B", 10, "false"],
]  # fmt: skip
DP_MEDIA = [
    ["mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileMediatype"],
    [
        "m1",
        "d1",
        "activityDetection",
        "2025-04-09T15:29:09+10:00",
        "photos/ST01/A/IMG_0001.JPG",
        "true",
        "image/jpeg",
    ],
    [
        "m2",
        "d1",
        "activityDetection",
        "2025-04-09T15:29:11+10:00",
        "photos/ST01/A/IMG_0002.JPG",
        "true",
        "image/jpeg",
    ],
    [
        "m3",
        "d2",
        "activityDetection",
        "2025-04-09T15:29:10+10:00",
        "photos/ST01/B/IMG_0001.JPG",
        "true",
        "image/jpeg",
    ],
]
DP_OBSERVATIONS = [
    ["observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel", "observationType", "sex", "bboxX", "bboxY", "bboxWidth", "bboxHeight"],
    ["o1", "d1", "m1", "e1", "2025-04-09T15:29:09+10:00", "2025-04-09T15:29:11+10:00", "media", "animal", "male", 0.1, 0.1, 0.5, 0.5],
    ["o2", "d1", "m2", "e1", "2025-04-09T15:29:09+10:00", "2025-04-09T15:29:11+10:00", "media", "animal", "male", 0.1, 0.1, 0.5, 0.5],
    ["o3", "d2", "m3", "e2", "2025-04-09T15:29:10+10:00", "2025-04-09T15:29:10+10:00", "media", "animal", "", "", "", "", ""],
]  # fmt: skip
DESCRIPTOR: dict[str, Any] = {
    "name": "small",
    "profile": "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/camtrap-dp-profile.json",
    "created": "2026-01-15T00:00:00Z",
    "contributors": [{"title": "nobody"}],
    "project": {
        "title": "small",
        "samplingDesign": "targeted",
        "captureMethod": ["activityDetection"],
        "individualAnimals": True,
        "observationLevel": ["media"],
    },
    "spatial": {"type": "Point", "coordinates": [131.08, 43.16]},
    "temporal": {"start": "2025-04-03", "end": "2025-07-02"},
    "taxonomic": [{"scientificName": "Panthera pardus"}],
    "resources": [
        {
            "name": name,
            "path": f"{name}.csv",
            "profile": "tabular-data-resource",
            "schema": f"https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/{name}-table-schema.json",
        }
        for name in ("deployments", "media", "observations")
    ],
}


def package(
    root: Path,
    *,
    deployments: Rows | bytes = DP_DEPLOYMENTS,
    media: Rows | bytes = DP_MEDIA,
    observations: Rows | bytes = DP_OBSERVATIONS,
    descriptor: Mapping[str, Any] | bytes | None = None,
    extra: Mapping[str, Rows] | None = None,
    photos: Sequence[str] = ("ST01/A/IMG_0001.JPG", "ST01/A/IMG_0002.JPG", "ST01/B/IMG_0001.JPG"),
) -> Path:
    root = root / "package"
    root.mkdir()
    described: Mapping[str, Any] | bytes = DESCRIPTOR if descriptor is None else descriptor
    if extra and isinstance(described, Mapping):
        more = [{"name": name, "path": f"{name}.csv"} for name in extra]
        described = {**described, "resources": [*described["resources"], *more]}
    write(
        root / "datapackage.json",
        described if isinstance(described, bytes) else json.dumps(described).encode(),
    )
    tables: dict[str, Rows | bytes] = {
        "deployments": deployments,
        "media": media,
        "observations": observations,
    }
    for name, rows in {**tables, **(extra or {})}.items():
        write(root / f"{name}.csv", rows if isinstance(rows, bytes) else csv_bytes(rows))
    for photo in photos:
        write(root / "photos" / photo, photo.encode())
    return root


def zipped(root: Path, entries: Mapping[str, bytes] | None = None, *, name: str = "package.zip") -> Path:
    """A zip of the package, with more entries; the package folder itself is removed."""
    import shutil

    source, target = package(root), root / name
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(source).as_posix())
        for entry, content in (entries or {}).items():
            archive.writestr(entry, content)
    shutil.rmtree(source)
    return target


def workbook(rows: Rows, *, sheets: Mapping[str, Rows] | None = None) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    for title, more in (sheets or {}).items():
        sheet = book.create_sheet(title)
        for row in more:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


# --- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    """What an input must give: an error of this kind, or a finding with this code (or neither)."""

    build: Callable[[Path], Path]
    error: type[GhostcatError] | None = None
    code: str = ""
    says: str = ""
    where: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    photos: int = 4
    """Photos that evidence must hold, whatever their state."""
    prove: Callable[[Evidence], bool] = lambda evidence: True


CASES: dict[str, Case] = {}


def error(
    name: str,
    build: Callable[[Path], Path],
    says: str,
    *,
    where: str = "",
    kind: type[GhostcatError] = FormatError,
    **options: Any,
) -> None:
    assert name not in CASES, name
    CASES[name] = Case(build=build, error=kind, says=says, where=where, options=options)


def finding(
    name: str,
    build: Callable[[Path], Path],
    code: str,
    says: str = "",
    *,
    photos: int = 4,
    prove: Callable[[Evidence], bool] = lambda evidence: True,
    **options: Any,
) -> None:
    assert name not in CASES, name
    CASES[name] = Case(build=build, code=code, says=says, photos=photos, prove=prove, options=options)


def accepted(
    name: str,
    build: Callable[[Path], Path],
    prove: Callable[[Evidence], bool],
    *,
    photos: int = 4,
    **options: Any,
) -> None:
    assert name not in CASES, name
    CASES[name] = Case(build=build, prove=prove, photos=photos, options=options)


def stations(content: bytes | Rows, *, name: str = "stations.csv") -> Callable[[Path], Path]:
    return lambda root: folder(root, stations=content, names=(name, "deployments.csv"))


def deployments(content: bytes | Rows, *, name: str = "deployments.csv") -> Callable[[Path], Path]:
    return lambda root: folder(root, deployments=content, names=("stations.csv", name))


def both_stations(evidence: Evidence) -> bool:
    return [(round(s.lon, 2), round(s.lat, 2)) for s in evidence.stations] == [
        (131.08, 43.16),
        (131.12, 43.17),
    ]


# fmt: off
# Tables that are not there, or are no tables
error("no tables", lambda r: folder(r, stations=None, deployments=None), "no table of stations", where="cards")
error("no stations table", lambda r: folder(r, stations=None), "stations.csv is missing")
error("no deployments table", lambda r: folder(r, deployments=None), "deployments.csv is missing")
error("nothing at the path", lambda r: r / "nowhere", "there is nothing here", where="nowhere", kind=InputError)
error("a lone photo instead of a folder", lambda r: _file(r / "IMG.JPG", b"x"), "no reader recognises this")
error("a ghostcat survey as a source", lambda r: _file(r / "x" / "survey.db", b"x").parent, "is a ghostcat survey")
error("unknown kind of source", folder, "there is no reader 'movebank'", asked_kind="movebank")
error("empty stations table", stations(b""), "the table is empty", where="stations.csv")
error("table of blank lines", stations(b"\r\n  \r\n\r\n"), "the table is empty", where="stations.csv")
error("stations with a heading only", stations(STATIONS[:1]), "no rows", where="stations.csv")
error("deployments with a heading only", deployments(DEPLOYMENTS[:1]), "no rows", where="deployments.csv")
error("binary in a csv", stations(b"station,lon\0\x01\x02,lat\n" * 3), "binary data", where="stations.csv")
error("old excel workbook", stations(b"\xd0\xcf\x11\xe0\xa1\xb1" + b"x" * 99, name="stations.xls"), "old Excel workbook")
error("pdf instead of a table", stations(b"%PDF-1.7 table"), "a PDF document")
error("two tables of stations", lambda r: _second_table(folder(r)), "sites.csv or stations.csv")
error("letters of no known encoding", stations(b"station,lon,lat\n\x81\x8d\x81,1,2\n\xffa\xfe\x01b,1,2\n"), "encoding")
error("utf-16 cut in the middle of a letter", stations(csv_bytes(STATIONS, encoding="utf-16") + b"\0"), "does not fit")
error("workbook cut short", stations(workbook(STATIONS)[:2000], name="stations.xlsx"), "workbook is damaged")
error("zip that is no workbook", lambda r: _plain_zip_table(r), "no .xlsx workbook")
error("workbook bomb", lambda r: _workbook_bomb(r), "unpacks to", where="stations.xlsx")
error("formula that was never computed", stations(workbook([*STATIONS[:2], ["ST02", "=B2+0.04", 43.17, 10]]), name="stations.xlsx"), "'=B2+0.04'", where="row 3")
error("formula with an error", stations(workbook([*STATIONS[:2], ["ST02", "#REF!", 43.17, 10]]), name="stations.xlsx"), "#REF!", where="row 3")
error("workbook without content", stations(workbook([]), name="stations.xlsx"), "no filled sheet")

# Columns
error("no station column", stations(renamed(STATIONS, station="label")), "no column for the station", where="stations.csv heading")
error("only one coordinate column", stations(without_column(STATIONS, "lat")), "only 'lon' of a pair")
error("no coordinates at all", stations(without_column(without_column(STATIONS, "lat"), "lon")), "no column with coordinates")
error("misspelt heading", deployments(renamed(DEPLOYMENTS, retrieval="retreival")), "no column for the retrieval")
error("two columns for one thing", stations(with_column(renamed(STATIONS, lat="latitude"), "Широта", [1, 2])), "'latitude' or 'Широта'")
error("two numbered columns for one thing", deployments(with_column(with_column(DEPLOYMENTS, "problem1_from", [""] * 3), "Problem 1 from", [""] * 3)), "two columns could be one")
error("unclosed quotation mark", stations(b'station,lon,lat\nST01,131.08,43.16\n"ST02,131.12,43.17\n'), "quotation mark", where="row 3")
error("decimal commas in a comma table", stations(b"station,lon,lat\nST01,131,08,43,16\nST02,131,12,43,17\n"), "beyond the last column", where="row 2")

# Coordinates
error("swapped coordinates", stations(renamed(STATIONS, lon="lat", lat="lon")), "The columns may be swapped; longitude is 43.1", where="stations.csv row 2")
error("latitude beyond the pole", stations(changed(STATIONS, 2, lat=95.2, lon=131.0)), "latitude 95.2 is outside", where="stations.csv row 3")
error("coordinate in words", stations(changed(STATIONS, 1, lat="by the river")), "'by the river'", where="stations.csv row 2")
error("coordinate missing", stations(changed(STATIONS, 2, lat="")), "'ST02' has no lat", where="stations.csv row 3")
error("minutes above sixty", stations(changed(STATIONS, 1, lat="43°75'10\"N")), "is no coordinate", where="row 2")
error("metres under degrees", stations(changed(STATIONS, 1, lon=668929.1, lat=4780789.3)), "look like metres", where="row 2")
PROJECTED = [["station", "x", "y", "utc_offset_h"], ["ST01", 668929.1, 4780789.3, 10], ["ST02", 672211.6, 4781965.0, 10]]
error("projection not named", stations(PROJECTED), "--crs EPSG:32652", where="stations.csv")
error("projection that does not exist", stations(PROJECTED), "no coordinate system", kind=ParameterError, crs="EPSG:999999")
error("x and y swapped", stations(renamed(PROJECTED, x="y", y="x")), "x and y are swapped", where="row 2", crs="EPSG:32652")
error("degrees with a projection", stations(renamed(STATIONS, lon="x", lat="y")), "look like degrees", where="row 2", crs="UTM 52N")
error("stations in two projections", stations(with_column(PROJECTED, "epsg", [32652, 32653])), "several projections")
error("one station in two places", stations([*STATIONS, ["ST01", 131.3, 43.16, 10]]), "also in row 2", where="stations.csv row 4")
error("station without a name", stations(changed(STATIONS, 2, station="  ")), "no station", where="stations.csv row 3")
error("offset that is none", stations(changed(STATIONS, 1, utc_offset_h="Vladivostok")), "no offset from UTC", where="row 2")
error("offset of a day", stations(changed(STATIONS, 1, utc_offset_h=24)), "no offset from UTC", where="row 2")
finding("lon and lat against x and y", stations(with_column(with_column(STATIONS, "x", [669100, 600000]), "y", [4780678, 4781965])), "coordinates_disagree", "1 stations lie elsewhere", prove=both_stations)
finding("wrong zone by the clocks", stations(PROJECTED), "longitude_against_clock", "far from where clocks run", crs="EPSG:32637")
finding("stations at zero", stations(changed(STATIONS, 2, lon=0, lat=0)), "coordinates_zero", "only sea")
finding("station repeated", stations([*STATIONS, STATIONS[1]]), "station_repeated", prove=both_stations)
finding("station without deployment", stations([*STATIONS, ["ST03", 131.2, 43.2, 10]]), "station_without_deployment", prove=lambda e: len(e.stations) == 3)

# Dates and effort
error("date that does not exist", deployments(changed(DEPLOYMENTS, 1, setup="31.02.2025")), "'31.02.2025'", where="deployments.csv row 2")
error("date in words", deployments(changed(DEPLOYMENTS, 3, setup="early spring")), "'early spring'", where="row 4")
error("day or month first, nobody knows", deployments([DEPLOYMENTS[0], ["ST01", "A", "H1", "03/04/2025", "02/07/2025"]]), "could be day/month or month/day", where="deployments.csv")
error("both orders in one table", deployments([DEPLOYMENTS[0], ["ST01", "A", "H1", "23/04/2025", "07/28/2025"]]), "two orders", where="deployments.csv")
error("year of another century", deployments(changed(DEPLOYMENTS, 1, setup="1925-04-03")), "1925", where="row 2")
error("no set-up date", deployments(changed(DEPLOYMENTS, 2, setup="")), "there is no setup", where="row 3")
error("no pick-up date", deployments(changed(DEPLOYMENTS, 2, retrieval="NA")), "there is no retrieval", where="row 3")
error("ends before it starts", deployments(changed(DEPLOYMENTS, 1, retrieval="2025-03-01")), "before it starts", where="row 2")
error("unknown station", deployments(changed(DEPLOYMENTS, 3, station="ST2")), "'ST2' is not in stations.csv", where="deployments.csv row 4")
error("deployment without a station", deployments(changed(DEPLOYMENTS, 3, station="")), "no station", where="row 4")
error("one camera in two deployments at once", deployments([*DEPLOYMENTS, ["ST01", "A", "H1", "2025-06-01", "2025-08-01"]]), "at the same time", where="row 5")
error("height in words", deployments(with_column(DEPLOYMENTS, "height_m", ["knee", "", ""])), "'knee'", where="row 2")
error("many faulty rows at once", deployments(changed(changed(DEPLOYMENTS, 1, setup="x"), 3, station="Q")), "1 more rows have faults: deployments.csv row 4", where="row 2")


def problems(begun: str, ended: str, note: str = "") -> Callable[[Path], Path]:
    rows: Rows = DEPLOYMENTS
    for name, value in (("problem1_from", begun), ("problem1_to", ended), ("problem1_note", note)):
        rows = with_column(rows, name, [value, "", ""])
    return deployments(rows)


error("problem ends before it starts", problems("2025-05-10", "2025-05-01"), "ends before it starts", where="row 2")
error("problem outside the deployment", problems("2025-09-10", "2025-09-12"), "outside the deployment", where="row 2")
error("problem without a beginning", problems("", "2025-05-01"), "has no beginning", where="row 2")
error("problem without a time", problems("", "", "battery"), "'battery' has no time", where="row 2")
finding("problem without an end", problems("2025-05-10", ""), "failure_without_end", prove=lambda e: e.deployments[0].failures[0].end == e.deployments[0].end)
finding("clock offset not stated", stations(without_column(STATIONS, "utc_offset_h")), "utc_offset_unknown", "kept as if they ran on UTC")
finding("clock offset stated twice", deployments(changed(DEPLOYMENTS, 1, setup="2025-04-03T14:12+08:00")), "utc_offset_differs", prove=lambda e: e.deployments[0].utc_offset_minutes == 480)
finding("dates without clock", deployments(changed(DEPLOYMENTS, 1, setup="2025-04-03", retrieval="2025-04-03")), "dates_without_clock", prove=lambda e: (e.deployments[0].end - e.deployments[0].start).total_seconds() == 86400)
finding("excel serial dates", deployments(changed(DEPLOYMENTS, 1, setup="45750.5917", retrieval="45840,25")), "dates_from_serial", prove=lambda e: e.deployments[0].start.isoformat() == "2025-04-03T04:12:03+00:00")
finding("deployment row repeated", deployments([*DEPLOYMENTS, DEPLOYMENTS[2]]), "deployment_repeated", prove=lambda e: len(e.deployments) == 3)
finding("camera replaced", deployments([*DEPLOYMENTS, ["ST02", "A", "H9", "2025-07-03", "2025-08-01"]]), "camera_replaced", "H3, H9", prove=lambda e: e.deployments[2].failures[0].cause == "not deployed")

# Spreadsheets of every kind, accepted
accepted("byte order mark", stations(csv_bytes(STATIONS, encoding="utf-8-sig")), both_stations)
accepted("semicolons and decimal commas", stations(b"station;lon;lat;utc\r\nST01;131,08;43,16;10\r\nST02;131,12;43,17;10\r\n"), both_stations)
accepted("tabs", stations(csv_bytes(STATIONS, delimiter="\t")), both_stations)
accepted("pipes", stations(csv_bytes(STATIONS, delimiter="|")), both_stations)
accepted("excel's separator line", stations(b"sep=;\n" + csv_bytes(STATIONS, delimiter=";")), both_stations)
accepted("utf-16", stations(csv_bytes(STATIONS, encoding="utf-16")), both_stations)
accepted("bare carriage returns", stations(csv_bytes(STATIONS, end="\r")), both_stations)
accepted("blank lines and empty columns", stations(b"station,lon,lat,utc,,\n,,,,,\nST01,131.08,43.16,10,,\n\nST02,131.12,43.17,10,,\n"), both_stations)
accepted("degrees and minutes", stations([["station", "lon", "lat", "utc"], ["ST01", "131°04'48\"E", "43°09'36\"N", 10], ["ST02", "131 07.2 E", "N43 10 12", 10]]), both_stations)
accepted("workbook with real dates", lambda r: folder(r, stations=workbook(STATIONS), deployments=workbook(_dated()), names=("stations.xlsx", "deployments.xlsx")), both_stations)
accepted("units and capitals in headings", stations(renamed(STATIONS, station="Station ID", lon="Longitude (°)", lat="LATITUDE [deg]", utc_offset_h="UTC offset")), both_stations)
accepted("projected with a named system", stations(PROJECTED), both_stations, crs="utm52n")
accepted("one table for both, as in camtrapR", lambda r: _camtrapr(r), both_stations)
accepted("month first, by another date of the table", deployments(changed(changed(DEPLOYMENTS, 1, setup="4/3/2025 2:12 PM"), 1, retrieval="7/28/2025 10:00 AM")), lambda e: e.deployments[0].start.isoformat() == "2025-04-03T04:12:00+00:00")
accepted("order of dates said", deployments([DEPLOYMENTS[0], ["ST01", "A", "H1", "03/04/2025", "02/07/2025"]]), lambda e: e.deployments[0].start.month == 4, date_order="dmy")
finding("windows-1251", stations(csv_bytes([["станция", "долгота", "широта", "utc"], ["Кедровая падь", 131.08, 43.16, 10], ["ST01", 131.08, 43.16, 10], ["ST02", 131.12, 43.17, 10]], delimiter=";", encoding="cp1251")), "encoding_guessed", "cp1251", prove=lambda e: e.stations[0].id == "Кедровая падь")
finding("gb 18030", stations(csv_bytes([["相机位点", "经度", "纬度", "时区"], ["大荒沟1号", 131.08, 43.16, 8], ["ST01", 131.08, 43.16, 10], ["ST02", 131.12, 43.17, 10]], encoding="gb18030")), "encoding_guessed", "gb18030", prove=lambda e: e.stations[0].id == "大荒沟1号")
finding("title above the heading", stations(b"Stations of spring 2025,,,\n" + csv_bytes(STATIONS)), "title_line", prove=both_stations)
finding("second sheet", stations(workbook(STATIONS, sheets={"2024": STATIONS}), name="stations.xlsx"), "sheet_chosen", "'Sheet'", prove=both_stations)

# Photos and their folders
finding("photos of no camera", lambda r: folder(r, photos=[*PHOTOS, "ST09/A/IMG_0001.JPG", "loose.jpg"]), "photo_without_deployment", "2 photos", photos=6, prove=lambda e: sum(not m.deployment_id for m in e.media) == 2)
finding("paired station without camera folders", lambda r: folder(r, photos=[*PHOTOS, "ST01/IMG_0009.JPG"]), "photo_without_deployment", photos=5)
finding("videos among the photos", lambda r: folder(r, photos=[*PHOTOS, "ST01/A/VID_0001.MP4"]), "video_not_read")
finding("other files among the photos", lambda r: folder(r, photos=[*PHOTOS, "ST01/A/notes.docx"]), "file_not_photo", "1 .docx")
accepted("litter of operating systems", lambda r: folder(r, photos=[*PHOTOS, "ST01/A/Thumbs.db", "ST01/A/._IMG_0001.JPG", ".Trashes/x.jpg"]), lambda e: not e.findings)
accepted("cyrillic and chinese names", lambda r: _foreign(r), lambda e: {m.deployment_id for m in e.media} == {"Кедровая падь-А", "大荒沟 1号-左"}, photos=2)
accepted("accents stored apart", lambda r: _decomposed(r), lambda e: e.media[0].deployment_id == "Ёлкин ключ-A" and unicodedata.is_normalized("NFC", e.media[0].id), photos=1)
accepted("station and camera in one folder name", lambda r: folder(r, photos=["ST01_A/1.jpg", "st01-b/1.jpg", "ST02A/1.jpg", "ST01/Cam B/2.jpg"]), lambda e: all(m.deployment_id for m in e.media))
if sys.platform == "linux":
    accepted("two names that differ in stored accents alone", lambda r: folder(r, photos=["ST01/A/й.jpg", "ST01/A/" + unicodedata.normalize("NFD", "й") + ".jpg"]), lambda e: len({m.id for m in e.media}) == 2, photos=2)
    finding("a name that is no unicode", lambda r: _bytes_name(folder(r)), "name_not_unicode", photos=5)
if os.name == "posix":
    finding("a link that leads round", lambda r: _loop(folder(r)), "link_not_followed")

# Camtrap DP
error("description is no json", lambda r: package(r, descriptor=b'{"resources": [,]}'), "no valid JSON", where="datapackage.json line 1 column 16")
error("description is a list", lambda r: package(r, descriptor=b"[]"), "not the description of a package")
error("description in no encoding", lambda r: package(r, descriptor=b'{"name": "\xff\xfe\xfa"}'), "cannot be read", where="datapackage.json")
error("no resources", lambda r: package(r, descriptor={**DESCRIPTOR, "resources": []}), "lists no resources")
error("no media table", lambda r: package(r, descriptor=_resources(lambda x: x["name"] != "media")), "no resource 'media'")
error("old version", lambda r: package(r, descriptor={**DESCRIPTOR, "profile": "https://x/tdwg/camtrap-dp/0.4/camtrap-dp-profile.json"}), "Camtrap DP 0.4")
error("table listed twice", lambda r: package(r, descriptor={**DESCRIPTOR, "resources": DESCRIPTOR["resources"] * 2}), "listed twice")
error("table not in the package", lambda r: package(r, descriptor=_paths("media", "elsewhere.csv")), "'elsewhere.csv' is not in the package")
error("table on a server", lambda r: package(r, descriptor=_paths("media", "https://example.org/media.csv")), "nothing is fetched")
error("table outside the package", lambda r: package(r, descriptor=_paths("media", "../media.csv")), "leads out of the package")
error("rows inside the description", lambda r: package(r, descriptor=_inline()), "rows lie in the description")
error("package without deployments", lambda r: package(r, deployments=DP_DEPLOYMENTS[:1]), "no rows", where="deployments.csv")
error("package column missing", lambda r: package(r, deployments=without_column(DP_DEPLOYMENTS, "latitude")), "no column for the latitude", where="deployments.csv heading")
error("package coordinates swapped", lambda r: package(r, deployments=renamed(DP_DEPLOYMENTS, latitude="longitude", longitude="latitude")), "may be swapped", where="deployments.csv row 2")
error("package coordinate missing", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 2, latitude="")), "no latitude", where="row 3")
error("deployment id twice", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 2, deploymentID="d1")), "'d1' is already used in deployments.csv row 2", where="row 3")
error("deployment id missing", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 2, deploymentID="")), "no deployment id", where="row 3")
error("package deployment ends before it starts", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 1, deploymentEnd="2025-01-01T00:00:00Z")), "before it starts", where="row 2")
error("package time that is none", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 1, deploymentStart="April")), "'April'", where="row 2")
error("media id twice", lambda r: package(r, media=changed(DP_MEDIA, 2, mediaID="m1")), "'m1' is already used in media.csv row 2", where="media.csv row 3")
error("media id missing", lambda r: package(r, media=changed(DP_MEDIA, 2, mediaID="")), "no media id", where="media.csv row 3")
for _name, _path in {"parent": "../../etc/passwd", "inner parent": "photos/../../x.jpg", "absolute": "/etc/passwd", "drive": "C:\\Users\\x.jpg", "backslash": "photos\\..\\..\\x.jpg", "home": "~/x.jpg"}.items():
    error(f"media path: {_name}", lambda r, p=_path: package(r, media=changed(DP_MEDIA, 2, filePath=p)), "out of the package" if ".." in _path else "is absolute", where="media.csv row 3")  # type: ignore[misc]
error("media path missing", lambda r: package(r, media=changed(DP_MEDIA, 2, filePath="")), "no filePath", where="media.csv row 3")
error("failure of no deployment", lambda r: package(r, extra={"deployment-failures": [["deploymentID", "start", "end", "cause"], ["d9", "2025-05-01T00:00:00Z", "2025-05-02T00:00:00Z", "bear"]]}), "'d9'", where="deployment-failures.csv row 2")
error("covariate of no deployment", lambda r: package(r, extra={"deployment-covariates": [["deploymentID", "name", "value"], ["d9", "mood", "wet"]]}), "'d9' is no deployment", where="deployment-covariates.csv row 2")
error("station covariates that are no json", lambda r: package(r, extra={"stations": [["stationID", "covariates"], ["ST01", "slope=12"]]}), "'slope=12'", where="stations.csv row 2")
error("extra station without a position", lambda r: package(r, extra={"stations": [["stationID", "covariates"], ["ST09", ""]]}), "no position", where="stations.csv row 2")
finding("photo at an address on another computer", lambda r: package(r, media=changed(DP_MEDIA, 2, filePath="file:///C:/cards/2.jpg")), "media_outside", photos=3, prove=lambda e: e.media[1].state == "missing")
finding("a table of somebody else", lambda r: package(r, extra={"weather": [["day", "rain"], [1, 2]], "stations": [["name"], ["x"]]}), "resource_not_read", "weather, stations", photos=3)
finding("not called camtrap dp", lambda r: package(r, descriptor={**DESCRIPTOR, "profile": "data-package"}), "camtrap_dp_version", photos=3)
finding("description incomplete", lambda r: package(r, descriptor={k: v for k, v in DESCRIPTOR.items() if k != "project"}), "camtrap_dp_profile", "'project' is a required property", photos=3)
finding("media on a server", lambda r: package(r, media=changed(DP_MEDIA, 2, filePath="https://example.org/2.jpg")), "media_remote", photos=3, prove=lambda e: (e.media[1].state, e.media[1].reason[:11]) == ("missing", "remote file"))
finding("media not in the package", lambda r: package(r, photos=["ST01/A/IMG_0001.JPG"]), "media_absent", "2 photos", photos=3)
finding("media of no deployment", lambda r: package(r, media=changed(DP_MEDIA, 3, deploymentID="d9")), "media_without_deployment", photos=3, prove=lambda e: e.media[2].deployment_id == "")
finding("media time that is none", lambda r: package(r, media=changed(DP_MEDIA, 3, timestamp="soon")), "media_time_unreadable", photos=3, prove=lambda e: e.media[2].camera_time is None)
finding("media row repeated", lambda r: package(r, media=[*DP_MEDIA, DP_MEDIA[1]]), "media_row_repeated", photos=3)
finding("video as media", lambda r: package(r, media=changed(DP_MEDIA, 3, fileMediatype="video/mp4")), "video_not_read", photos=3, prove=lambda e: e.media[2].state == "not_an_image")
finding("word outside a vocabulary", lambda r: package(r, observations=changed(DP_OBSERVATIONS, 1, sex="tom")), "camtrap_dp_schema", "in sex", photos=3, prove=lambda e: len(e.detections) == 3)
finding("observation of no photo", lambda r: package(r, observations=changed(DP_OBSERVATIONS, 3, mediaID="m9")), "observation_without_media", photos=3, prove=lambda e: len(e.detections) == 2)
finding("box beyond the frame", lambda r: package(r, observations=changed(DP_OBSERVATIONS, 1, bboxWidth=0.95)), "box_unusable", photos=3, prove=lambda e: len(e.detections) == 3 and e.detections[0].box is None)
finding("observation id twice", lambda r: package(r, observations=changed(DP_OBSERVATIONS, 2, observationID="o1")), "observation_id_repeated", photos=3, prove=lambda e: len({d.id for d in e.detections}) == 3)
finding("one location in two places", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 2, longitude=131.2)), "station_coordinates_differ", photos=3)
finding("blurred positions", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 2, coordinateUncertainty=5000)), "coordinates_blurred", photos=3)
finding("times known to be wrong", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 2, timestampIssues="true")), "timestamp_issues", photos=3)
finding("package times without offset", lambda r: package(r, deployments=changed(DP_DEPLOYMENTS, 2, deploymentStart="2025-04-03T14:12:05", deploymentEnd="2025-07-02T10:41:25"), media=changed(DP_MEDIA, 3, timestamp="2025-04-09T15:29:10")), "utc_offset_unknown", photos=3)
accepted("package with nobody's observations", lambda r: package(r, observations=DP_OBSERVATIONS[:1]), lambda e: not e.detections, photos=3)
accepted("package written by a spreadsheet", lambda r: package(r, media=csv_bytes(DP_MEDIA, delimiter=";", encoding="utf-8-sig", end="\r\n")), lambda e: len(e.detections) == 3, photos=3)
accepted("paths of another system", lambda r: package(r, media=changed(DP_MEDIA, 3, filePath="Photos\\st01\\b\\img_0001.jpg")), lambda e: not e.findings, photos=3)
if os.name == "posix":
    finding("link out of the package", lambda r: _linked(package(r)), "media_link", photos=3, prove=lambda e: e.media[0].state == "missing")

# Zip files
error("zip and nowhere to unpack", zipped, "unpacked somewhere", kind=ParameterError)
UNPACK = {"extract_to": "unpacked"}
error("zip bomb", lambda r: zipped(r, {"photos/big.jpg": b"\0" * (24 * 2**20)}), "unpacks from", where="package.zip", **UNPACK)
error("zip of overlapping entries", lambda r: _overlapping(zipped(r)), "overlap", **UNPACK)
error("zip path: parent", lambda r: zipped(r, {"../evil.csv": b"x"}), "'../evil.csv' leads out", **UNPACK)
error("zip path: windows parent", lambda r: zipped(r, {"photos\\..\\..\\evil.csv": b"x"}), "leads out", **UNPACK)
error("zip path: absolute", lambda r: zipped(r, {"/etc/evil.csv": b"x"}), "absolute path", **UNPACK)
error("zip path: drive", lambda r: zipped(r, {"C:/evil.csv": b"x"}), "absolute path", **UNPACK)
error("zip with a link", lambda r: _zip_link(zipped(r)), "is a link", **UNPACK)
error("zip with a password", lambda r: _encrypted(zipped(r)), "is encrypted", **UNPACK)
error("zip with two names for one file", lambda r: zipped(r, {"DEPLOYMENTS.csv": b"x"}), "would be one file", **UNPACK)
error("zip cut short", lambda r: _cut(zipped(r)), "damaged", where="package.zip", **UNPACK)
error("zip with a flipped bit", lambda r: _flipped(zipped(r)), "damaged", where="package.zip", **UNPACK)
error("zip that is text", lambda r: _file(r / "package.zip", b"not a zip"), "damaged", **UNPACK)
error("zip without entries", lambda r: _empty_zip(r), "is empty", **UNPACK)
error("zip without a package", lambda r: _photo_zip(r), "no datapackage.json", **UNPACK)
accepted("zip of a good package", zipped, lambda e: len(e.detections) == 3, photos=3, **UNPACK)

# fmt: on

# --- builders of the odder ones -------------------------------------------------------------------


def _file(path: Path, content: bytes) -> Path:
    write(path, content)
    return path


def _second_table(root: Path) -> Path:
    (root / "sites.csv").write_bytes(csv_bytes(STATIONS))
    return root


def _plain_zip_table(root: Path) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("notes.txt", "x")
    return folder(root, stations=buffer.getvalue(), names=("stations.xlsx", "deployments.csv"))


def _workbook_bomb(root: Path) -> Path:
    content = bytearray(workbook(STATIONS))
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 2**31)
    return folder(root, stations=bytes(content), names=("stations.xlsx", "deployments.csv"))


def _dated() -> list[list[object]]:
    from datetime import datetime

    rows = [list(row) for row in DEPLOYMENTS]
    for row in rows[1:]:
        row[3:5] = [datetime.fromisoformat(str(cell)) for cell in row[3:5]]
    return rows


def _camtrapr(root: Path) -> Path:
    rows = [
        ["Station", "utm_y", "utm_x", "Setup_date", "Retrieval_date", "Problem1_from", "Problem1_to"],
        ["ST01", 4780789.3, 668929.1, "03.04.2025", "02.07.2025", "", ""],
        ["ST02", 4781965.0, 672211.6, "03.04.2025", "02.07.2025", "01.05.2025", "03.05.2025"],
    ]
    rows = with_column(rows, "EPSG", [32652, 32652])
    return folder(root, stations=None, deployments=rows, names=("stations.csv", "CTtable.csv"))


def _foreign(root: Path) -> Path:
    stations = [
        ["station", "lon", "lat", "utc"],
        ["Кедровая падь", 131.08, 43.16, 10],
        ["大荒沟 1号", 130.9, 43.2, 8],
    ]
    deployed = [
        ["станция", "камера", "дата установки", "дата снятия"],
        ["кедровая Падь", "А", "3 апреля 2025 14:00", "02.07.2025 10:00"],
        ["大荒沟 1号", "左", "2025年4月3日 14时05分", "2025/7/2 9:00"],
    ]
    photos = ["Кедровая падь/А/фото 1.JPG", "大荒沟 1号/左/照片 1.JPG"]
    return folder(root, stations=stations, deployments=deployed, photos=photos)


def _decomposed(root: Path) -> Path:
    stations = [["station", "lon", "lat", "utc"], ["Ёлкин ключ", 131.08, 43.16, 10]]
    deployed = [
        ["station", "camera", "setup", "retrieval"],
        ["Ёлкин ключ", "A", "2025-04-03 10:00", "2025-07-02 10:00"],
    ]
    apart = unicodedata.normalize("NFD", "Ёлкин ключ/A/йод.jpg")
    return folder(root, stations=stations, deployments=deployed, photos=[apart])


def _bytes_name(root: Path) -> Path:
    with open(os.fsencode(root) + b"/ST01/A/\xff\xfe.jpg", "wb") as file:
        file.write(b"x")
    return root


def _loop(root: Path) -> Path:
    (root / "ST01" / "round").symlink_to(root, target_is_directory=True)
    return root


def _linked(root: Path) -> Path:
    outside = root.parent / "secret.jpg"
    outside.write_bytes(b"secret")
    photo = root / "photos" / "ST01" / "A" / "IMG_0001.JPG"
    photo.unlink()
    photo.symlink_to(outside)
    return root


def _resources(keep: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    return {**DESCRIPTOR, "resources": [each for each in DESCRIPTOR["resources"] if keep(each)]}


def _paths(name: str, path: str) -> dict[str, Any]:
    return {
        **DESCRIPTOR,
        "resources": [
            {**each, "path": path} if each["name"] == name else each for each in DESCRIPTOR["resources"]
        ],
    }


def _inline() -> dict[str, Any]:
    resources = [
        {k: v for k, v in each.items() if k != "path"} | {"data": []} for each in DESCRIPTOR["resources"]
    ]
    return {**DESCRIPTOR, "resources": resources}


def _overlapping(archive: Path) -> Path:
    """Many entries of the directory point at the same packed data, as in a bomb without layers."""
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("photos/one.jpg", os.urandom(50_000))
        first = opened.getinfo("photos/one.jpg")
        for number in range(20):
            copy = zipfile.ZipInfo(f"photos/copy{number}.jpg")
            for name in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(copy, name, getattr(first, name))
            opened.filelist.append(copy)
            opened.NameToInfo[copy.filename] = copy
        opened._didModify = True  # type: ignore[attr-defined]
    return archive


def _zip_link(archive: Path) -> Path:
    link = zipfile.ZipInfo("photos/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(link, "../../secret")
    return archive


def _encrypted(archive: Path) -> Path:
    content = bytearray(archive.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    archive.write_bytes(content)
    return archive


def _cut(archive: Path) -> Path:
    archive.write_bytes(archive.read_bytes()[:-200])
    return archive


def _flipped(archive: Path) -> Path:
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as opened:
        entry = opened.getinfo("media.csv")
    content[entry.header_offset + 30 + len("media.csv") + 12] ^= 0x55
    archive.write_bytes(content)
    return archive


def _empty_zip(root: Path) -> Path:
    with zipfile.ZipFile(root / "package.zip", "w"):
        pass
    return root / "package.zip"


def _photo_zip(root: Path) -> Path:
    with zipfile.ZipFile(root / "photos.zip", "w") as archive:
        archive.writestr("ST01/A/1.jpg", "x")
    return root / "photos.zip"


# --- the proofs -----------------------------------------------------------------------------------


def contents(root: Path) -> dict[bytes, str]:
    """Every file below a folder with the hash of its bytes."""
    found = {}
    for below, _, files in os.walk(os.fsencode(root)):
        for name in files:
            path = os.path.join(below, name)
            with open(path, "rb") as file:
                found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


def test_there_are_enough_cases() -> None:
    assert len(CASES) + len(DETECTIONS) >= 70


def test_a_package_larger_than_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    archive = zipped(tmp_path)
    nearly_full = shutil.disk_usage(tmp_path)._replace(free=600 * 2**20 // 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: nearly_full)
    with pytest.raises(FormatError, match="GiB are free") as caught:
        read_evidence(archive, extract_to=tmp_path / "unpacked")
    assert caught.value.where == "package.zip" and caught.value.fix
    assert not (tmp_path / "unpacked").exists()


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    sources = tmp_path / "sources"
    sources.mkdir()
    path = case.build(sources)
    before = contents(sources)
    options = dict(case.options)
    if "asked_kind" in options:
        options["kind"] = options.pop("asked_kind")
    if "extract_to" in options:
        options["extract_to"] = tmp_path / options["extract_to"]
    if case.error is not None:
        with pytest.raises(case.error) as caught:
            read_evidence(path, **options)
        assert type(caught.value) is case.error
        assert case.says in caught.value.what + caught.value.fix
        assert case.where in caught.value.where and caught.value.where
        assert caught.value.fix
        assert not [p for p in (tmp_path / "unpacked").rglob("*.part")]
    else:
        evidence = read_evidence(path, **options)
        told = [found for found in evidence.findings if found.code == case.code]
        assert bool(told) is bool(case.code), [found.code for found in evidence.findings]
        assert all(found.fix and found.message for found in evidence.findings)
        assert case.says in "".join(found.message for found in told)
        assert len(evidence.media) == len({media.id for media in evidence.media}) == case.photos
        assert {media.deployment_id for media in evidence.media} <= {d.id for d in evidence.deployments} | {
            ""
        }
        assert {d.station_id for d in evidence.deployments} <= {station.id for station in evidence.stations}
        assert case.prove(evidence)
    assert contents(sources) == before


MEDIA = {
    name: Media(id=name, deployment_id="d", path=f"/survey/photos/{name}")
    for name in ("ST01/A/IMG_0001.JPG", "ST01/B/IMG_0001.JPG", "ST02/Кедр 老虎/IMG_0002.JPG")
}


def megadetector(*images: Mapping[str, Any]) -> bytes:
    return json.dumps(
        {
            "images": list(images),
            "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
            "info": {"detector": "md_v5a.0.0.pt", "format_version": "1.4"},
        }
    ).encode()


def image(file: str, *boxes: Mapping[str, Any]) -> dict[str, Any]:
    return {"file": file, "detections": list(boxes)}


BOX = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]}
GOOD = image("ST01/A/IMG_0001.JPG", BOX)

# fmt: off
#: name → content, expected error or finding code, fragment, detections kept
DETECTIONS: dict[str, tuple[bytes, type[GhostcatError] | str, str, int]] = {
    "results cut short": (megadetector(GOOD)[:60], FormatError, "no valid JSON", 0),
    "results empty": (b"", FormatError, "the file is empty", 0),
    "results are a list": (b"[1, 2]", FormatError, "no result of MegaDetector", 0),
    "results of something else": (b'{"features": []}', FormatError, "no result of MegaDetector", 0),
    "results in no encoding": (b'{"images": "\xff\xfa"}', FormatError, "no readable JSON", 0),
    "result without a file": (megadetector({"detections": []}), FormatError, "names no file", 0),
    "results nested without end": (b'{"images": ' + b"[" * 100_000, FormatError, "JSON", 0),
    "result for another photo": (megadetector(GOOD, image("ST07/A/IMG_0009.JPG", BOX)), "result_without_photo", "1 of 2", 1),
    "result for a folder of another station": (megadetector(image("ST09/A/IMG_0002.JPG", BOX)), "result_without_photo", "1 of 1", 0),
    "result that fits two photos": (megadetector(image("IMG_0001.JPG", BOX)), "result_ambiguous", "1 of 1", 0),
    "result twice": (megadetector(GOOD, GOOD), "result_repeated", "1 of 2", 1),
    "photo the detector could not read": (megadetector({"file": "ST01/A/IMG_0001.JPG", "failure": "Failure image access"}), "detector_failed", "1 of 1", 0),
    "result without detections": (megadetector({"file": "ST01/A/IMG_0001.JPG", "detections": None}), "detector_failed", "1 of 1", 0),
    "box in pixels": (megadetector(image("ST01/A/IMG_0001.JPG", {**BOX, "bbox": [100, 200, 300, 400]})), "detection_unusable", "1 of 1", 1),
    "box of three numbers": (megadetector(image("ST01/A/IMG_0001.JPG", {**BOX, "bbox": [0.1, 0.2, 0.3]})), "detection_unusable", "", 1),
    "confidence above one": (megadetector(image("ST01/A/IMG_0001.JPG", {**BOX, "conf": 1.7})), "detection_unusable", "", 1),
    "confidence that is no number": (megadetector(image("ST01/A/IMG_0001.JPG", {**BOX, "conf": float("nan")})), "detection_unusable", "", 1),
    "detection that is no record": (megadetector({"file": "ST01/A/IMG_0001.JPG", "detections": ["x", BOX]}), "detection_unusable", "", 1),
    "windows path": (megadetector(image("D:\\cards\\ST01\\B\\IMG_0001.JPG", BOX)), "", "", 1),
    "path with other letters": (megadetector(image("st02/Кедр 老虎/img_0002.jpg", BOX)), "", "", 1),
    "byte order mark": (b"\xef\xbb\xbf" + megadetector(GOOD), "", "", 1),
    "utf-16 results": (megadetector(GOOD).decode().encode("utf-16"), "", "", 1),
}
# fmt: on


@pytest.mark.parametrize("name", DETECTIONS)
def test_bad_detections(name: str, tmp_path: Path) -> None:
    content, expected, says, kept = DETECTIONS[name]
    path = tmp_path / "results.json"
    path.write_bytes(content)
    if isinstance(expected, type):
        with pytest.raises(expected) as caught:
            read_detections(path, MEDIA)
        assert says in caught.value.what
        assert caught.value.where and caught.value.fix
    else:
        evidence = read_detections(path, MEDIA)
        told = [found for found in evidence.findings if found.code == expected]
        assert bool(told) is bool(expected), evidence.findings
        assert says in "".join(found.message for found in told)
        assert all(found.ids and found.fix for found in told)
        assert len(evidence.detections) == kept
    assert path.read_bytes() == content
