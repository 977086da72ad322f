"""Stations, cameras and deployments of a Camtrap DP package."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ghostcat.errors import FormatError
from ghostcat.formats.camtrap_dp_descriptor import Package
from ghostcat.formats.camtrap_dp_extra import read_failures, with_covariates, with_stations
from ghostcat.formats.columns import Columns
from ghostcat.formats.coordinates import check_degrees, distance_m
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.moments import moment
from ghostcat.formats.numbers import parse_number
from ghostcat.formats.spelling import id_text
from ghostcat.survey.evidence import Camera, Deployment, Failure, Finding, Station

__all__ = ["PackageDeployments", "read_package_deployments", "tags"]

_SAME_PLACE_M = 100.0
#: Coarser than this, a position says little about distances between stations a few kilometres apart.
_BLURRED_M = 1000.0
_SLOT_AFTER_LOCATION = re.compile(r"[-_ ]?([A-Za-z]|\d{1,2})(?:$|[-_ ])")
_COVARIATES = (
    "habitat", "featureType", "baitUse", "cameraDelay", "cameraDepth", "cameraTilt", "detectionDistance",
    "coordinateUncertainty", "deploymentTags", "deploymentGroups",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PackageDeployments:
    """Where and when: what the deployments table holds."""

    stations: tuple[Station, ...]
    cameras: tuple[Camera, ...]
    deployments: tuple[Deployment, ...]


def tags(text: str) -> dict[str, str]:
    """`key:value` pairs of a list separated by `|`; a tag without a key is its own value.

    >>> tags("camera:A | stationCameras:2 | bridge")
    {'camera': 'A', 'stationCameras': '2', 'bridge': 'bridge'}
    """
    pairs = {}
    for tag in filter(None, (part.strip() for part in text.split("|"))):
        key, separator, value = tag.partition(":")
        pairs[key.strip()] = value.strip() if separator else tag
    return pairs


def read_package_deployments(
    package: Package, *, prefix: str, utc_offset_minutes: int | None
) -> tuple[PackageDeployments, list[Finding]]:
    """Read the deployments table and the failures beside it.

    Raises
    ------
    FormatError : ids missing or repeated, coordinates or times that are none; every such row is named.
    """
    columns = package.tables["deployments"]
    table = columns.table
    if not table.rows:
        raise FormatError(
            "the table has a heading but no rows",
            where=table.file,
            fix="A package needs at least one deployment.",
        )
    failures = read_failures(package)
    faults, made = RowFaults(), []
    stations: dict[str, Station] = {}
    cameras: dict[str, Camera] = {}
    first_rows: dict[str, str] = {}
    moved: dict[str, list[str]] = {}
    for row in range(len(table.rows)):
        with faults.collecting():
            name, where = id_text(columns.text(row, "deploymentID")), table.where(row)
            _check_id(name, first_rows, where=where, what="deployment")
            station = _station(columns, row, prefix=prefix)
            known = stations.setdefault(station.id, station)
            if distance_m((known.lon, known.lat), (station.lon, station.lat)) > _SAME_PLACE_M:
                moved.setdefault(station.id, []).append(prefix + name)
            camera = _camera(columns, row, prefix=prefix)
            if camera:
                cameras.setdefault(camera.id, camera)
            made.append(
                _deployment(
                    columns,
                    row,
                    id=prefix + name,
                    station_id=station.id,
                    camera_id=camera.id if camera else "",
                    failures=failures.get(name, ()),
                    default_offset=utc_offset_minutes,
                )
            )
    faults.raise_if_any()
    findings = _findings(columns, made, moved, prefix=prefix)
    return (
        PackageDeployments(
            stations=with_stations(package, tuple(stations.values()), prefix=prefix),
            cameras=tuple(cameras.values()),
            deployments=with_covariates(package, made, prefix=prefix),
        ),
        findings,
    )


def _check_id(name: str, first_rows: dict[str, str], *, where: str, what: str) -> None:
    if not name:
        raise FormatError(f"the row has no {what} id", where=where, fix="Give every row an id of its own.")
    if name in first_rows:
        raise FormatError(
            f"the {what} id {name!r} is already used in {first_rows[name]}",
            where=where,
            fix="Ids are unique in a table: rename one, or delete the repeated row.",
        )
    first_rows[name] = where


def _station(columns: Columns, row: int, *, prefix: str) -> Station:
    where = columns.table.where(row)
    numbers = {}
    for name in ("longitude", "latitude"):
        text = columns.text(row, name)
        value = parse_number(text)
        if value is None:
            fault = f"the {name} {text!r} is no number" if text else f"there is no {name}"
            raise FormatError(fault, where=where, fix="Write decimal degrees, for example 131.0779.")
        numbers[name] = value
    lon, lat = numbers["longitude"], numbers["latitude"]
    check_degrees(lon, lat, where=where)
    groups = tags(columns.text(row, "deploymentGroups"))
    return Station(
        id=prefix + (id_text(columns.text(row, "locationID")) or f"{lat:.5f},{lon:.5f}"),
        lon=lon,
        lat=lat,
        name=columns.text(row, "locationName"),
        group=groups.get("country") or columns.text(row, "deploymentGroups"),
    )


def _camera(columns: Columns, row: int, *, prefix: str) -> Camera | None:
    name = id_text(columns.text(row, "cameraID"))
    if not name:
        return None
    make, _, model = columns.text(row, "cameraModel").partition("-")
    return Camera(id=prefix + name, make=make.strip(), model=model.strip(), serial=name)


def _deployment(
    columns: Columns,
    row: int,
    *,
    id: str,
    station_id: str,
    camera_id: str,
    failures: tuple[Failure, ...],
    default_offset: int | None,
) -> Deployment:
    where = columns.table.where(row)
    times = {}
    for name in ("deploymentStart", "deploymentEnd"):
        text = columns.text(row, name)
        read = moment(text, default_offset=default_offset) if text else None
        if read is None:
            fault = f"{text!r} in column {name} is no date and time" if text else f"there is no {name}"
            raise FormatError(fault, where=where, fix="Write it as 2025-04-03T14:12:05+10:00.")
        times[name] = read
    (start, offset), (end, _) = times["deploymentStart"], times["deploymentEnd"]
    if end <= start:
        raise FormatError(
            f"the deployment ends ({columns.text(row, 'deploymentEnd')}) before it starts "
            f"({columns.text(row, 'deploymentStart')})",
            where=where,
            fix="Correct the times.",
        )
    height, facing = (parse_number(columns.text(row, name)) for name in ("cameraHeight", "cameraHeading"))
    covariates = {name: value for name in _COVARIATES if (value := columns.text(row, name))}
    return Deployment(
        id=id,
        station_id=station_id,
        start=start,
        end=end,
        camera_id=camera_id,
        slot=_slot(columns, row),
        utc_offset_minutes=offset,
        failures=failures,
        height_m=height,
        facing_deg=facing,
        setup_by=columns.text(row, "setupBy"),
        comments=columns.text(row, "deploymentComments"),
        covariates={**covariates, **columns.others(row)},
    )


def _slot(columns: Columns, row: int) -> str:
    """Which camera of the station: said by a tag, else what the deployment or camera id adds to the place."""
    if tagged := tags(columns.text(row, "deploymentTags")).get("camera"):
        return tagged
    place = columns.text(row, "locationID")
    for name in ("deploymentID", "cameraID"):
        text = columns.text(row, name)
        if place and text.startswith(place) and (match := _SLOT_AFTER_LOCATION.match(text[len(place) :])):
            return match[1]
    return ""


def _findings(
    columns: Columns, made: Sequence[Deployment], moved: Mapping[str, Sequence[str]], *, prefix: str
) -> list[Finding]:
    file = columns.table.file
    rows = range(len(columns.table.rows))
    ids = [prefix + id_text(columns.text(row, "deploymentID")) for row in rows]
    uncertain = [
        ids[row]
        for row in rows
        if (parse_number(columns.text(row, "coordinateUncertainty")) or 0) > _BLURRED_M
    ]
    issues = [ids[row] for row in rows if columns.text(row, "timestampIssues").casefold() in ("true", "1")]
    unknown = [deployment.id for deployment in made if deployment.utc_offset_minutes is None]
    findings = [
        Finding(
            code="station_coordinates_differ",
            severity="warning",
            message=f"station {station} has deployments more than {_SAME_PLACE_M:.0f} m apart; "
            "the first position is used",
            fix="Give the places different locationIDs if they are different.",
            ids=tuple(deployments),
            where=file,
        )
        for station, deployments in moved.items()
    ]
    told = (
        (
            "coordinates_blurred",
            uncertain,
            f"positions are uncertain by more than {_BLURRED_M:,.0f} m: "
            "distances between stations are not to be trusted",
            "Ask the owner of the data for exact positions before estimating density.",
        ),
        (
            "timestamp_issues",
            issues,
            "the package says that their times are wrong",
            "Correct the clock (a clock decision) or leave them out of the estimate.",
        ),
        (
            "utc_offset_unknown",
            unknown,
            "times have no UTC offset; they are kept as if the clocks ran on UTC",
            "Say --utc-offset, or add the offset to the times.",
        ),
    )
    return findings + [
        Finding(
            code=code,
            severity="warning",
            message=f"{len(of)} deployments: {message}",
            fix=fix,
            ids=tuple(of),
            where=file,
        )
        for code, of, message, fix in told
        if of
    ]
