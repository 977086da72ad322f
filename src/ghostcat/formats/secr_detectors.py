"""Detectors of a secr problem: where they stood, and on which occasions they worked."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.secr_text import MISSING, Row, Rows, column, number

__all__ = ["Detectors", "read_detectors", "settle_usage"]


@dataclass(frozen=True)
class Detectors:
    """K detectors; `index` finds one by number or name, `where` is its place for messages."""

    index: dict[str, int]
    names: tuple[str, ...]
    xy_m: NDArray[np.float64]
    usage: NDArray[np.float64] | None
    codes: tuple[str, ...] | None
    """Unseparated usage codes such as `11011`, which only the number of occasions can explain."""
    where: tuple[str, ...]


def read_detectors(rows: Rows, session: str, *, metres_stated: bool) -> Detectors:
    """The detectors of one session; coordinates in degrees are refused unless metres are stated."""
    read = _named(rows, session) if rows.names else _classic(rows)
    xy_m = read.xy_m
    in_degree_range = bool((np.abs(xy_m) <= (180.0, 90.0)).all())
    if in_degree_range and not metres_stated and _closest(xy_m) < 1.0:
        raise FormatError(
            f"coordinates such as {xy_m[0, 0]:g}, {xy_m[0, 1]:g} look like degrees",
            where=read.where[0],
            fix="Give metres: project longitude and latitude, for example to UTM.",
        )
    return read


def _closest(xy_m: NDArray[np.float64]) -> float:
    """Distance of the farthest nearest neighbour; 0 for a single detector.

    Traps of a grid for mice may lie at 0…30 m, which would pass for degrees, but no camera
    survey in degrees has all its stations more than one degree (111 km) apart.
    """
    if len(xy_m) < 2:
        return 0.0
    from scipy.spatial import cKDTree

    return float(cKDTree(xy_m).query(xy_m, k=2)[0][:, 1].max())


def _named(rows: Rows, session: str) -> Detectors:
    if column(rows, "polyid", "polygon") is not None:
        raise FormatError(
            "these are polygons, not points", where=rows.path.name, fix="Only point detectors can be read."
        )
    at = {
        "detector": column(rows, "detector", "trap", "trapid", "name", "station"),
        "x": column(rows, "x"),
        "y": column(rows, "y"),
    }
    missing = [name for name, index in at.items() if index is None]
    if missing:
        degrees = {"lon", "longitude", "lat", "latitude"} & set(rows.names)
        raise FormatError(
            f"no column {' or '.join(missing)} among {', '.join(rows.names)}",
            where=rows.path.name,
            fix="Project longitude and latitude to x and y in metres."
            if degrees
            else "Name the columns detector, x, y.",
        )
    i_detector, ix, iy = (cast("int", at[name]) for name in ("detector", "x", "y"))
    i_name, i_session = column(rows, "name"), column(rows, "session")
    i_usage = _usage_columns(rows)
    index: dict[str, int] = {}
    names: list[str] = []
    xy: list[tuple[float, float]] = []
    usage: list[list[float]] = []
    where: list[str] = []
    for row in rows.rows:
        if i_session is not None and session and row.fields[i_session] != session:
            continue
        _add_detector(index, row.fields[i_detector], rows, row)
        names.append(row.fields[i_name] if i_name is not None else row.fields[i_detector])
        xy.append((number(row.fields[ix], rows, row, "x"), number(row.fields[iy], rows, row, "y")))
        usage.append([number(row.fields[i], rows, row, rows.names[i]) for i in i_usage])
        where.append(rows.where(row))
    if not names:
        raise FormatError(f"no detector belongs to session '{session}'", where=rows.path.name)
    for k, name in enumerate(names):
        index.setdefault(name, k)
    table = np.array(usage, dtype=np.float64) if i_usage else None
    return Detectors(index, tuple(names), np.array(xy, dtype=np.float64), table, None, tuple(where))


def _usage_columns(rows: Rows) -> list[int]:
    numbered = {int(name[1:]): i for i, name in enumerate(rows.names) if re.fullmatch(r"o[0-9]+", name)}
    if sorted(numbered) != list(range(1, len(numbered) + 1)):
        present = ", ".join(f"o{n}" for n in sorted(numbered))
        raise FormatError(
            f"the usage columns have holes: {present}",
            where=rows.path.name,
            fix="Name them o1, o2, … without a gap.",
        )
    return [numbered[n] for n in sorted(numbered)]


def _classic(rows: Rows) -> Detectors:
    index: dict[str, int] = {}
    xy: list[tuple[float, float]] = []
    usage: list[tuple[str, ...]] = []
    for row in rows.rows:
        if len(row.fields) < 3:
            raise FormatError(
                f"{len(row.fields)} field(s) where a detector needs an id, x and y", where=rows.where(row)
            )
        _add_detector(index, row.fields[0], rows, row)
        xy.append((number(row.fields[1], rows, row, "x"), number(row.fields[2], rows, row, "y")))
        # Between two slashes stands usage; after a single one, covariates.
        between = row.parts[0] if len(row.parts) >= 2 else ()
        usage.append(row.fields[3:] or between)
    lengths = Counter(len(values) for values in usage)
    common = lengths.most_common(1)[0][0]
    where = tuple(rows.where(row) for row in rows.rows)
    for place, values in zip(where, usage, strict=True):
        if len(values) != common:
            raise FormatError(
                f"{len(values)} usage value(s) where other detectors have {common}",
                where=place,
                fix="Give each detector one value per occasion.",
            )
    names, positions = tuple(index), np.array(xy, dtype=np.float64)
    codes = [values[0] for values in usage] if common == 1 else []
    if codes and len({len(c) for c in codes}) == 1 and all(re.fullmatch(r"[01]{2,}", c) for c in codes):
        return Detectors(index, names, positions, None, tuple(codes), where)
    table = None
    if common:
        table = np.array(
            [
                [number(v, rows, row, "usage") for v in values]
                for row, values in zip(rows.rows, usage, strict=True)
            ],
            dtype=np.float64,
        )
    return Detectors(index, names, positions, table, None, where)


def _add_detector(index: dict[str, int], name: str, rows: Rows, row: Row) -> None:
    if name.lower() in MISSING:
        raise FormatError("a detector has no id", where=rows.where(row), fix="Give each detector its own id.")
    if name in index:
        raise FormatError(
            f"detector {name} occurs twice",
            where=rows.where(row),
            fix="Give each detector one row and its own id.",
        )
    index[name] = len(index)


def settle_usage(traps: Detectors, occasions: int, file: str) -> NDArray[np.float64] | None:
    """(K, S) usage once the number of occasions is known; None when the table gives none."""
    usage = traps.usage
    if traps.codes is not None:
        # `11011` for five occasions; but `10` for a single occasion means ten days.
        split = [[float(c) for c in code] if occasions > 1 else [float(code)] for code in traps.codes]
        usage = np.array(split, dtype=np.float64)
    if usage is None:
        return None
    if (usage < 0).any():
        k, s = np.argwhere(usage < 0)[0]
        raise FormatError(
            f"usage of detector {traps.names[k]} on occasion {s + 1} is {usage[k, s]:g}",
            where=traps.where[k],
            fix="Effort is 0 where a detector did not operate, else positive.",
        )
    if not usage.any():
        raise FormatError(
            "no detector ever operated: all usage is 0", where=file, fix="Give the real effort."
        )
    return usage
