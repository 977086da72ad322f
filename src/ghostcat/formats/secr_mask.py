"""The habitat mask of a secr problem: centres of equal cells on a regular grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.secr_text import Rows, column, number, read_rows

__all__ = ["read_mask"]

#: Share of the spacing by which a centre may miss the grid; rounding to whole metres stays below it.
TOLERANCE = 0.02


def read_mask(
    path: Path, traps_xy_m: NDArray[np.float64], *, session: str = "", cell_area_ha: float | None = None
) -> tuple[NDArray[np.float64], float]:
    """Read cell centres and find the area of a cell.

    Parameters
    ----------
    path : table with columns `x`, `y` (metres), or classic lines `x y`; may be gzipped.
    traps_xy_m : (K, 2) metres; the mask has to lie around them.
    session : keep only rows of this session, where the table names sessions.
    cell_area_ha : area that the source states; checked against the spacing.

    Returns
    -------
    (M, 2) metres, hectares of one cell.

    Raises
    ------
    FormatError : no rows, a cell twice, centres off the grid, an area that contradicts the spacing,
        a mask elsewhere than the detectors.
    """
    rows = read_rows(path)
    xy_m, lines = _centres(rows, session)
    _refuse_repeated(rows, xy_m, lines)
    spacing = _spacing(rows, xy_m, lines)
    area_ha = _cell_area(path, spacing, cell_area_ha, len(xy_m))
    low, high = xy_m.min(axis=0), xy_m.max(axis=0)
    if not ((traps_xy_m >= low) & (traps_xy_m <= high)).all(axis=1).any():
        raise FormatError(
            f"no detector lies inside the mask (x {low[0]:g}…{high[0]:g}, y {low[1]:g}…{high[1]:g} m)",
            where=path.name,
            fix="Give mask and detectors in the same projected coordinate system.",
        )
    return xy_m, area_ha


def _cell_area(path: Path, spacing: tuple[float, float] | None, stated_ha: float | None, cells: int) -> float:
    if spacing is None:
        if stated_ha is None:
            raise FormatError(
                f"the area of a cell cannot be told from {cells} centre(s)",
                where=path.name,
                fix="State mask_cell_area_ha in the .meta.json file.",
            )
        return stated_ha
    area_ha = spacing[0] * spacing[1] / 1e4
    if stated_ha is None:
        return area_ha
    if abs(stated_ha - area_ha) > 2 * TOLERANCE * area_ha:
        raise FormatError(
            f"centres lie {spacing[0]:g} × {spacing[1]:g} m apart, which is {area_ha:g} ha, "
            f"but mask_cell_area_ha says {stated_ha:g}",
            where=path.name,
            fix="Correct the area in the .meta.json file, or give the full mask.",
        )
    return stated_ha


def _centres(rows: Rows, session: str) -> tuple[NDArray[np.float64], list[int]]:
    ix, iy, isession = 0, 1, None
    if rows.names:
        found_x, found_y, isession = column(rows, "x"), column(rows, "y"), column(rows, "session")
        if found_x is None or found_y is None:
            raise FormatError(
                f"no columns x and y among {', '.join(rows.names)}",
                where=rows.path.name,
                fix="Name the columns of the cell centres x and y, in metres.",
            )
        ix, iy = found_x, found_y
    values, lines = [], []
    for row in rows.rows:
        if isession is not None and session and row.fields[isession] != session:
            continue
        if len(row.fields) < 2:
            raise FormatError("a cell needs x and y", where=rows.where(row))
        values.append((number(row.fields[ix], rows, row, "x"), number(row.fields[iy], rows, row, "y")))
        lines.append(row.line)
    if not values:
        raise FormatError(f"no cell belongs to session {session}", where=rows.path.name)
    return np.array(values, dtype=np.float64), lines


def _refuse_repeated(rows: Rows, xy_m: NDArray[np.float64], lines: list[int]) -> None:
    _, first, inverse = np.unique(xy_m, axis=0, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(first[inverse.reshape(-1)] != np.arange(len(xy_m)))
    if len(repeated):
        i = int(repeated[0])
        raise FormatError(
            f"the cell at x {xy_m[i, 0]:g}, y {xy_m[i, 1]:g} occurs twice",
            where=f"{rows.path.name} row {lines[i]}",
            fix="Remove repeated cells.",
        )


def _spacing(rows: Rows, xy_m: NDArray[np.float64], lines: list[int]) -> tuple[float, float] | None:
    """Grid steps in x and y; None when one row or one column of cells does not tell."""
    steps = [_step(xy_m[:, axis]) for axis in (0, 1)]
    known = [step for step in steps if step is not None]
    if not known or len(xy_m) < 3:
        return None
    # One row or one column of cells: take them as squares.
    dx, dy = (known[0] if step is None else step for step in steps)
    off = (xy_m - xy_m[0]) / (dx, dy)
    miss = np.abs(off - np.round(off)).max(axis=1)
    if miss.max() > TOLERANCE:
        i = int(np.argmax(miss > TOLERANCE))
        raise FormatError(
            f"the centre x {xy_m[i, 0]:g}, y {xy_m[i, 1]:g} is not on the grid of {dx:g} × {dy:g} m "
            "of the other cells",
            where=f"{rows.path.name} row {lines[i]}",
            fix="Give the centres of equal cells on one regular grid.",
        )
    return dx, dy


def _step(values: NDArray[np.float64]) -> float | None:
    """Spacing of a regular series with holes: the middle of the steps near the most common one."""
    levels = np.unique(values)
    if len(levels) < 2:
        return None
    gaps = np.diff(levels)
    # Rounded coordinates of one grid line may differ a little; those gaps are no steps.
    gaps = gaps[gaps > 0.01 * np.median(gaps)]
    smallest = np.median(gaps)
    whole = gaps[gaps < 1.5 * smallest]
    multiples = np.round(gaps / np.median(whole))
    return float(gaps.sum() / multiples.sum())
