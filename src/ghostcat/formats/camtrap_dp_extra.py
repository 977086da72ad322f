"""Tables of our own in a Camtrap DP package: failures, stations and covariates.

The standard has no place for them; ghostcat writes them beside its tables, and reads them back here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ghostcat.errors import FormatError
from ghostcat.formats.camtrap_dp_descriptor import Package
from ghostcat.formats.columns import Columns, match_columns
from ghostcat.formats.coordinates import check_degrees
from ghostcat.formats.faults import RowFaults
from ghostcat.formats.moments import moment
from ghostcat.formats.numbers import parse_number
from ghostcat.formats.spelling import id_text
from ghostcat.survey.evidence import Deployment, Failure, Station

__all__ = ["read_failures", "with_covariates", "with_stations"]


def read_failures(package: Package) -> Mapping[str, tuple[Failure, ...]]:
    """Failures by deployment id, without the prefix, in the order of time.

    Raises
    ------
    FormatError : a row names no deployment of the package, or no interval.
    """
    table = package.extra.get("deployment-failures")
    if table is None:
        return {}
    columns = match_columns(
        table,
        {"deploymentID": (), "start": (), "end": (), "cause": ()},
        required=("deploymentID", "start", "end"),
    )
    deployments = package.tables["deployments"]
    known = {id_text(deployments.text(row, "deploymentID")) for row in range(len(deployments.table.rows))}
    faults, found = RowFaults(), dict[str, list[Failure]]()
    for row in range(len(table.rows)):
        with faults.collecting():
            name, where = id_text(columns.text(row, "deploymentID")), table.where(row)
            start, end = (moment(columns.text(row, part), default_offset=None) for part in ("start", "end"))
            if name not in known or start is None or end is None or end[0] <= start[0]:
                raise FormatError(
                    f"the failure of {name!r} from {columns.text(row, 'start')!r} "
                    f"to {columns.text(row, 'end')!r} names no deployment or no interval",
                    where=where,
                    fix="Name a deployment of the package, a start, and an end after it.",
                )
            found.setdefault(name, []).append(
                Failure(start=start[0], end=end[0], cause=columns.text(row, "cause"))
            )
    faults.raise_if_any()
    return {name: tuple(sorted(of, key=lambda failure: failure.start)) for name, of in found.items()}


def with_stations(package: Package, stations: Sequence[Station], *, prefix: str) -> tuple[Station, ...]:
    """Stations with what `stations.csv` says of them, and those at which no camera ever stood.

    Raises
    ------
    FormatError : a row without an id, with coordinates that are none, or with covariates that are no JSON.
    """
    table = package.extra.get("stations")
    if table is None:
        return tuple(stations)
    known = ("stationID", "name", "latitude", "longitude", "group", "covariates")
    columns = match_columns(table, {name: () for name in known}, required=known[:1])
    found = {station.id: station for station in stations}
    faults = RowFaults()
    for row in range(len(table.rows)):
        with faults.collecting():
            name = prefix + id_text(columns.text(row, "stationID"))
            station = found.get(name) or _station(columns, row, id=name)
            found[name] = replace(
                station,
                name=columns.text(row, "name") or station.name,
                group=columns.text(row, "group") or station.group,
                covariates=_covariates(columns.text(row, "covariates"), where=table.where(row)),
            )
    faults.raise_if_any()
    return tuple(found.values())


def with_covariates(
    package: Package, deployments: Sequence[Deployment], *, prefix: str
) -> tuple[Deployment, ...]:
    """Deployments with the covariates of `deployment-covariates.csv`.

    Raises
    ------
    FormatError : a row names no deployment of the package.
    """
    table = package.extra.get("deployment-covariates")
    if table is None:
        return tuple(deployments)
    known = ("deploymentID", "name", "value")
    columns = match_columns(table, {name: () for name in known}, required=known)
    found = {deployment.id: deployment for deployment in deployments}
    faults = RowFaults()
    for row in range(len(table.rows)):
        with faults.collecting():
            deployment = found.get(prefix + id_text(columns.text(row, "deploymentID")))
            if deployment is None:
                raise FormatError(
                    f"{columns.text(row, 'deploymentID')!r} is no deployment of the package",
                    where=table.where(row),
                    fix="Name a deployment of the package.",
                )
            found[deployment.id] = _with_value(
                deployment, columns.text(row, "name"), columns.text(row, "value")
            )
    faults.raise_if_any()
    return tuple(found.values())


def _with_value(deployment: Deployment, name: str, value: str) -> Deployment:
    exact = parse_number(value) if name == "facing_deg" else None
    if exact is not None:
        return replace(deployment, facing_deg=exact)
    return replace(deployment, covariates={**deployment.covariates, name: value})


def _station(columns: Columns, row: int, *, id: str) -> Station:
    where = columns.table.where(row)
    lon, lat = (parse_number(columns.text(row, name)) for name in ("longitude", "latitude"))
    if lon is None or lat is None:
        raise FormatError(
            f"the station {id!r} has no position", where=where, fix="Write longitude and latitude."
        )
    check_degrees(lon, lat, where=where)
    return Station(id=id, lon=lon, lat=lat)


def _covariates(text: str, *, where: str) -> Mapping[str, object]:
    try:
        read = json.loads(text or "{}")
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise FormatError(
            f"the covariates {text[:60]!r} are no JSON object", where=where, fix="Export the package again."
        )
    return read
