"""Taking evidence in: everything or nothing, and nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, Table, func, select

from ghostcat.errors import EvidenceConflict, FormatError
from ghostcat.survey import _schema
from ghostcat.survey._fingerprint import shift
from ghostcat.survey._rows import (
    Row,
    camera_row,
    deployment_row,
    detection_row,
    failure_rows,
    media_row,
    path_of,
    sample_row,
    source_row,
    station_row,
    storable,
)
from ghostcat.survey.database import fetch_by_id, fill, write
from ghostcat.survey.evidence import Evidence
from ghostcat.survey.records import AddReport

__all__ = ["take_in"]

_TABLES = (
    _schema.station,
    _schema.camera,
    _schema.deployment,
    _schema.media,
    _schema.detection,
    _schema.sample,
)

#: What the source says of a photo; the rest of the row is what opening the file told.
_SAID_OF_MEDIA = ("deployment_id", "path", "camera_time", "source_event")

#: (table, column, table it points to)
_POINTERS = (
    ("deployment", "station_id", "station"),
    ("deployment", "camera_id", "camera"),
    ("media", "deployment_id", "deployment"),
    ("detection", "media_id", "media"),
)

_NAMED_IN_MESSAGE = 5

Given = Mapping[str, Mapping[str, Row]]


@dataclass(frozen=True)
class _Difference:
    table: str
    id: str
    column: str
    here: object
    given: object

    def __str__(self) -> str:
        return f"{self.table} {self.id}: {self.column} is {self.here!r} here and {self.given!r} there"


class _PathsDiffer(Exception):
    """Some photos are the same but for their path: look at the files, without the write lock."""

    def __init__(self, photos: list[tuple[str, str, str, str]]) -> None:
        super().__init__()
        self.photos = photos


def take_in(engine: Engine, folder: Path, evidence: Evidence) -> AddReport:
    """Store what is new of `evidence`; see `Survey.add_evidence`."""
    given = _prepare(evidence, folder)
    brought_by = source_row(
        evidence.source,
        findings=[asdict(one) for one in evidence.findings],
        columns=[asdict(one) for one in evidence.columns],
    )
    try:
        with write(engine) as connection:
            return _store(connection, given, brought_by, same_files=None)
    except _PathsDiffer as told:
        same_files = dict(_same_files(folder, told.photos))
    with write(engine) as connection:
        return _store(connection, given, brought_by, same_files=same_files)


def _prepare(evidence: Evidence, folder: Path) -> Given:
    home = folder.resolve()
    given: dict[str, dict[str, Row]] = {
        "station": _by_id("station", evidence.stations, station_row, evidence),
        "camera": _by_id("camera", evidence.cameras, camera_row, evidence),
        "deployment": _by_id(
            "deployment",
            evidence.deployments,
            lambda one: deployment_row(one) | {"failures": failure_rows(one)},
            evidence,
        ),
        "media": _by_id("media", evidence.media, media_row, evidence),
        "detection": _by_id("detection", evidence.detections, detection_row, evidence),
        "sample": _by_id("sample", evidence.samples, sample_row, evidence),
    }
    inside = str(home)
    for row in given["media"].values():
        if row["path"].startswith(inside):
            path = Path(path_of(row["path"]))
            if path.is_relative_to(home):
                row["path"] = storable(path.relative_to(home).as_posix())
    return given


One = TypeVar("One")


def _by_id(
    table: str, ones: Iterable[One], to_row: Callable[[One], Row], evidence: Evidence
) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    differences: list[_Difference] = []
    for one in ones:
        row = to_row(one)
        if not row["id"]:
            raise FormatError(
                f"a {table} has no id", where=evidence.source.name, fix="Give every row an id of its own."
            )
        before = rows.setdefault(row["id"], row)
        if before is not row:
            differences += _differences(table, before, row, row)
    if differences:
        raise _conflict(evidence.source.name, differences, fix="Make the ids in the source unique.")
    return rows


def _differences(table: str, here: Row, given: Row, columns: Iterable[str]) -> Iterator[_Difference]:
    for column in columns:
        if here[column] != given[column]:
            yield _Difference(table, given["id"], column, here[column], given[column])


def _conflict(where: str, differences: Sequence[_Difference], *, fix: str) -> EvidenceConflict:
    first: dict[tuple[str, str], _Difference] = {}
    for one in differences:
        first.setdefault((one.table, one.id), one)
    named = "; ".join(str(one) for one in islice(first.values(), _NAMED_IN_MESSAGE))
    more = f"; and {len(first) - _NAMED_IN_MESSAGE} more" if len(first) > _NAMED_IN_MESSAGE else ""
    return EvidenceConflict(
        f"{len(first)} id(s) stand for two different things: {named}{more}", where=where, fix=fix
    )


def _store(
    connection: Connection, given: Given, brought_by: Row, *, same_files: Mapping[str, bool] | None
) -> AddReport:
    where = brought_by["name"] or brought_by["id"]
    here = {table.name: _stored(connection, table, given[table.name]) for table in _TABLES}
    differences = [
        difference
        for name, stored in here.items()
        for key, row in stored.items()
        for difference in _differences(
            name, row, given[name][key], _SAID_OF_MEDIA if name == "media" else given[name][key]
        )
    ]
    _check_pointers(connection, given, where)
    elsewhere = [one for one in differences if one.table == "media" and one.column == "path"]
    serious = [one for one in differences if one.column != "path" or one.id not in (same_files or {})]
    if same_files is None and elsewhere and len(elsewhere) == len(differences):
        raise _PathsDiffer(
            [(one.id, str(one.here), str(one.given), here["media"][one.id]["sha256"]) for one in elsewhere]
        )
    if serious:
        raise _conflict(
            where,
            serious,
            fix=(
                "Nothing was imported. If this is another survey that uses the same ids, import it with "
                "--prefix NAME; if a table was corrected, import it into a new survey."
            ),
        )
    added = {"source": _add_source(connection, brought_by)}
    for table in _TABLES:
        new = [row for key, row in given[table.name].items() if key not in here[table.name]]
        _insert(connection, table, new, brought_by["id"])
        added[table.name] = len(new)
    moved = [one for one in elsewhere if same_files and same_files[one.id]]
    rows = [here["media"][one.id] | {"path": one.given} for one in moved]
    fill(connection, _schema.media, rows, replace=True)
    unchanged = {name: len(rows) - added[name] for name, rows in given.items()}
    return AddReport(
        source_id=brought_by["id"],
        added=added,
        unchanged={"source": 1 - added["source"], **unchanged},
        moved=len(moved),
    )


def _stored(connection: Connection, table: Table, given: Mapping[str, Row]) -> dict[str, Row]:
    """The rows of `table` that stand under the given ids."""
    names = [column.name for column in table.columns]
    rows = {row.id: dict(zip(names, row, strict=True)) for row in fetch_by_id(connection, table, given)}
    if table is _schema.deployment:
        for row in rows.values():
            row["failures"] = []
        failures = fetch_by_id(connection, _schema.deployment_failure, rows, column="deployment_id")
        for row in sorted(failures, key=lambda one: one.n):
            rows[row.deployment_id]["failures"].append(dict(row._mapping))
    return rows


def _check_pointers(connection: Connection, given: Given, where: str) -> None:
    for table, column, target in _POINTERS:
        pointed = {row[column] for row in given[table].values()} - given[target].keys() - {None}
        if pointed:
            known = fetch_by_id(connection, _schema.metadata.tables[target], pointed)
            pointed -= {row.id for row in known}
        if pointed:
            some = ", ".join(sorted(pointed)[:_NAMED_IN_MESSAGE])
            raise FormatError(
                f"{len(pointed)} {target} id(s) named in the {table} table are not there: {some}",
                where=where,
                fix=f"Add the missing {target} rows, or correct the column {column}.",
            )


def _add_source(connection: Connection, row: Row) -> int:
    table = _schema.source
    there = select(table.c.n).where(table.c.id == row["id"], table.c.fingerprint == row["fingerprint"])
    if connection.execute(there).first() is not None:
        return 0
    last = connection.execute(select(func.max(table.c.n))).scalar() or 0
    fill(connection, table, [{"n": last + 1, **row}])
    shift(connection, table, added=[row])
    return 1


def _insert(connection: Connection, table: Table, rows: Sequence[Row], source_id: str) -> None:
    failures: list[Row] = []
    if table is _schema.deployment:
        failures = [failure for row in rows for failure in row["failures"]]
        rows = [{key: value for key, value in row.items() if key != "failures"} for row in rows]
    shift(connection, table, added=rows)
    fill(connection, table, [{**row, "source_id": source_id} for row in rows])
    shift(connection, _schema.deployment_failure, added=failures)
    fill(connection, _schema.deployment_failure, failures)


def _same_files(folder: Path, photos: Iterable[tuple[str, str, str, str]]) -> Iterator[tuple[str, bool]]:
    """Ids whose file at the new path has the very same content, and whether the old file is gone."""
    for media_id, before, now, sha256 in photos:
        if sha256 and _sha256(folder / path_of(now)) == sha256:
            yield media_id, not (folder / path_of(before)).exists()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
