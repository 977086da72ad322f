"""Read encounter and trap deployment tables of oSCR: one edf, and one tdf a session.

edf: session, individual, occasion, detector and perhaps sex, one row a detection. tdf: detector, X, Y,
columns of trap operation (1 = working, or effort), then perhaps a column of "/" and covariates of the
detectors; a covariate `name.1 … name.K` varies over occasions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.capture_tables import (
    CaptureRows,
    CaptureTables,
    Kind,
    build_tables,
    one_sex,
    read_sex,
)
from ghostcat.formats.columns import Columns, match_columns, plain_heading
from ghostcat.formats.numbers import parse_number
from ghostcat.formats.spelling import id_text, name_key, nearest
from ghostcat.formats.tables import Table, is_missing, read_table
from ghostcat.survey.evidence import Finding

__all__ = ["read_oscr"]

Floats = NDArray[np.float64]

_EDF = {
    "session": ("sess", "year", "primary", "сессия"),
    "individual": ("id", "ind", "animal", "animal id", "individual id", "особь", "个体"),
    "occasion": ("occ", "sample", "secondary", "случай", "取样时段"),
    "detector": ("trap", "trap id", "trapid", "station", "site", "станция", "位点"),
    "sex": ("пол", "性别"),
    "number": ("n", "count", "detections"),
}
_TDF = {
    "detector": ("trap", "trap id", "trapid", "station", "site", "станция", "位点"),
    "x": ("easting", "utm x", "x coord", "xcoord"),
    "y": ("northing", "utm y", "y coord", "ycoord"),
}


@dataclass(frozen=True)
class _Traps:
    table: Table
    names: tuple[str, ...]
    xy: Floats
    usage: Floats | None
    covariates: dict[str, NDArray[np.float64] | list[str]]


def read_oscr(
    edf: Path | str,
    tdf: Path | str | Sequence[Path | str],
    *,
    occasions: int | Sequence[int] | None = None,
    kind: Kind | None = None,
    unit_m: float = 1.0,
    crs: str = "",
) -> tuple[CaptureTables, ...]:
    """Read all sessions.

    Parameters
    ----------
    edf : encounter table (.csv, .xlsx).
    tdf : trap deployment table of each session, in the order of the sessions; one for all of them too.
    occasions : number of occasions (of each session) where a tdf has no operation columns; by default
        the last occasion on which anything was detected.
    kind : of the detectors; by default "count" when an animal occurs twice at one detector on one
        occasion, else "proximity".
    unit_m : metres in a unit of X and Y; 1000 where they are kilometres.
    crs : projected system of X and Y, for maps.

    Returns
    -------
    One `CaptureTables` a session.

    Raises
    ------
    FormatError : a column, detector, coordinate or occasion that is not what it should be; names the row.

    References
    ----------
    Sutherland, Royle & Linden (2019) Ecography 42:1459–1469; documentation of data2oscr.
    """
    records = read_table(Path(edf))
    columns = match_columns(records, _EDF, required=("individual", "occasion", "detector"))
    files = [tdf] if isinstance(tdf, str | Path) else list(tdf)
    sessions = _sessions(columns, len(files))
    stated = _stated(occasions, len(sessions))
    traps = [_read_traps(Path(files[i if len(files) > 1 else 0]), unit_m) for i in range(len(sessions))]
    return tuple(
        _session(columns, name, rows, traps[i], stated[i], kind, crs)
        for i, (name, rows) in enumerate(sessions)
    )


def _session(
    columns: Columns,
    name: str,
    rows: list[int],
    traps: _Traps,
    stated: int | None,
    kind: Kind | None,
    crs: str,
) -> CaptureTables:
    table = columns.table
    index = {name_key(n): k for k, n in enumerate(traps.names)}
    animals, detectors, occasions, places = [], [], [], []
    sexes = []
    for i in rows:
        where = table.where(i)
        animal = id_text(columns.text(i, "individual"))
        if is_missing(animal):
            raise FormatError("a detection has no individual", where=where, fix="Fill it or remove the row.")
        key = name_key(columns.text(i, "detector"))
        if key not in index:
            near = nearest(key, traps.names)
            raise FormatError(
                f"detector {columns.text(i, 'detector')!r} is not in {traps.table.file}",
                where=where,
                fix=f"Did you mean {near!r}?" if near else "Write detectors exactly alike in both tables.",
            )
        times = _whole(columns, i, "number", least=1) if columns.value(i, "number") else 1
        occasion = _whole(columns, i, "occasion", least=1) - 1
        sexes.append((animal, read_sex(columns.text(i, "sex"), where=where), where))
        for _ in range(times):
            animals.append(animal)
            detectors.append(index[key])
            occasions.append(occasion)
            places.append(where)
    found = CaptureRows(
        animal=tuple(animals), detector=tuple(detectors), occasion=tuple(occasions), where=tuple(places)
    )
    usage, notes = _usage(traps, stated, max(occasions, default=0) + 1, name)
    return build_tables(
        found,
        name=name or "1",
        detector_names=traps.names,
        xy_m=traps.xy,
        usage=usage,
        kind=kind,
        sex=one_sex(sexes) if "sex" in columns.index else {},
        crs=crs,
        detector_covariates=_covariates(traps, usage.shape[1]),
        method="detector",
        findings=(*table.findings, *traps.table.findings, *notes),
    )


def _sessions(columns: Columns, tables: int) -> list[tuple[str, list[int]]]:
    """Sessions in the order of their numbers, else of their first row, with the rows of each."""
    rows = range(len(columns.table.rows))
    if "session" not in columns.index:
        if tables > 1:
            raise FormatError(
                f"{tables} trap tables are given, and there is no column for the session",
                where=columns.table.file,
                fix="Name the column session.",
            )
        return [("1", list(rows))]
    found: dict[str, list[int]] = {}
    for i in rows:
        found.setdefault(id_text(columns.text(i, "session")) or "1", []).append(i)
    numbered = all(re.fullmatch(r"\d+", name) for name in found)
    if numbered:
        # A session in which nothing was detected has a trap table, and no row here.
        if tables > 1 and set(map(int, found)) <= set(range(1, tables + 1)):
            return [(str(s), found.get(str(s), [])) for s in range(1, tables + 1)]
        found = dict(sorted(found.items(), key=lambda item: int(item[0])))
    if tables not in (1, len(found)):
        raise FormatError(
            f"{len(found)} sessions ({', '.join(found)}) and {tables} trap tables",
            where=columns.table.file,
            fix="Give one trap table a session, or one for all of them.",
        )
    return list(found.items())


def _stated(occasions: int | Sequence[int] | None, sessions: int) -> list[int | None]:
    if occasions is None or isinstance(occasions, int):
        return [occasions] * sessions
    if len(occasions) != sessions:
        raise FormatError(f"{len(occasions)} numbers of occasions for {sessions} sessions", where="occasions")
    return list(occasions)


def _read_traps(path: Path, unit_m: float) -> _Traps:
    table = read_table(path)
    at = _own_columns(table)
    separator = _separator(table, after=max(at.values()))
    names = [id_text(row[at["detector"]]) for row in table.rows]
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        if name_key(name) in seen:
            raise FormatError(
                f"detector {name} occurs twice", where=table.where(i), fix="Keep one row of it."
            )
        seen[name_key(name)] = i
    if not names:
        raise FormatError("the table has a heading but no rows", where=table.file, fix="Add the detectors.")
    xy = np.array([[_number(table, i, at[c]) * unit_m for c in ("x", "y")] for i in range(len(table.rows))])
    operation = [
        c for c in range(len(table.header)) if c not in at.values() and (separator is None or c < separator)
    ]
    usage = None
    if operation:
        usage = np.array([[_number(table, i, c) for c in operation] for i in range(len(table.rows))])
        bad = np.argwhere(usage < 0)
        if len(bad):
            raise FormatError(
                "effort is negative", where=table.where(int(bad[0][0])), fix="0 is not working."
            )
    covariates: dict[str, NDArray[np.float64] | list[str]] = {}
    if separator is not None:
        for c in range(separator + 1, len(table.header)):
            covariates[table.header[c]] = _column(table, c)
    return _Traps(table, tuple(names), xy, usage, covariates)


def _own_columns(table: Table) -> dict[str, int]:
    """Detector, X and Y: by name, else the first three columns as data2oscr takes them."""
    headings = [plain_heading(h) for h in table.header]
    at: dict[str, int] = {}
    for name, others in _TDF.items():
        accepted = {plain_heading(n) for n in (name, *others)}
        found = [c for c, heading in enumerate(headings) if heading in accepted]
        if found:
            at[name] = found[0]
    if len(at) < 3:
        if len(table.header) < 3:
            raise FormatError(
                f"{len(table.header)} columns where detector, X and Y are needed",
                where=f"{table.file} heading",
            )
        at = {"detector": 0, "x": 1, "y": 2}
    return at


def _separator(table: Table, *, after: int) -> int | None:
    """The column that holds nothing but the sign between operation and covariates."""
    for c in range(after + 1, len(table.header)):
        values = {row[c] for row in table.rows}
        if len(values) == 1 and re.fullmatch(r"[^\w\s.]+", next(iter(values))):
            return c
    return None


def _number(table: Table, row: int, column: int) -> float:
    text = table.rows[row][column]
    value = parse_number(text)
    if value is None:
        raise FormatError(
            f"{table.header[column]} {text!r} is not a number",
            where=table.where(row),
            fix="Write a plain number; 0 for a detector that did not work.",
        )
    return value


def _column(table: Table, column: int) -> NDArray[np.float64] | list[str]:
    texts = [row[column] for row in table.rows]
    values = [math.nan if is_missing(t) else parse_number(t) for t in texts]
    if any(v is None for v in values):
        return ["" if is_missing(t) else t for t in texts]
    return np.array(values, dtype=np.float64)


def _whole(columns: Columns, row: int, name: str, *, least: int) -> int:
    text = columns.text(row, name)
    value = parse_number(text)
    if value is None or value != int(value) or value < least:
        raise FormatError(
            f"{columns.heading(name)} {text!r} is no whole number from {least}",
            where=columns.table.where(row),
        )
    return int(value)


def _usage(traps: _Traps, stated: int | None, last: int, session: str) -> tuple[Floats, tuple[Finding, ...]]:
    if traps.usage is not None:
        given = traps.usage.shape[1]
        if stated is not None and stated != given:
            raise FormatError(
                f"{given} operation columns and {stated} occasions",
                where=traps.table.file,
                fix='Put a column of "/" between operation and covariates, or correct the number.',
            )
        return traps.usage, ()
    note = Finding(
        code="usage_not_given",
        severity="warning",
        message=f"session {session}: no operation columns; every detector counts as working on all "
        f"{stated or last} occasions",
        fix="Add a column of operation for every occasion.",
        where=traps.table.file,
    )
    return np.ones((len(traps.names), stated or last)), (note,)


def _covariates(traps: _Traps, occasions: int) -> dict[str, NDArray[np.float64] | list[str]]:
    """Numbered columns that make a whole series become one covariate over occasions."""
    series: dict[str, dict[int, str]] = {}
    for name in traps.covariates:
        if match := re.fullmatch(r"(.+)\.(\d+)", name):
            series.setdefault(match[1], {})[int(match[2])] = name
    found = dict(traps.covariates)
    for name, columns in series.items():
        values = [found[c] for c in columns.values()]
        if set(columns) == set(range(1, occasions + 1)) and all(isinstance(v, np.ndarray) for v in values):
            for c in columns.values():
                del found[c]
            found[name] = np.stack([traps.covariates[columns[s + 1]] for s in range(occasions)], axis=1)
    return found
