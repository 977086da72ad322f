"""Tables of kinship between named animals: square, as programs print them, or one pair a row."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.columns import plain_heading
from ghostcat.formats.spelling import id_text
from ghostcat.formats.tables import Table, is_missing, read_table

__all__ = ["read_kinship_table"]

_ONE = {"id1", "ind1", "individual1", "animal1", "sample1"}
_OTHER = {"id2", "ind2", "individual2", "animal2", "sample2"}
#: Heading of a pair's value → what it must be multiplied with to be a kinship coefficient.
_VALUES = {
    **dict.fromkeys(("kinship", "kin", "coancestry", "phi", "theta", "f"), 1.0),
    **dict.fromkeys(("relatedness", "relationship", "r", "rxy", "wang", "estimate"), 0.5),
}


def read_kinship_table(
    path: str | Path, *, scale: Literal["kinship", "relatedness"] = "kinship"
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Read kinship coefficients among animals, estimated from DNA.

    Parameters
    ----------
    path : square (names in the heading and the first column), or pairs with columns `id1`, `id2` and
        `kinship` or `relatedness` (twice the kinship); a pair of an animal with itself gives its diagonal,
        ½ for the others.
    scale : what a square table holds; a table of pairs says it in its heading.

    Returns
    -------
    names, and the (n, n) kinship coefficients.

    Raises
    ------
    FormatError : no such table, a pair twice with different values, or pairs missing.
    """
    table = read_table(Path(path))
    plain = [plain_heading(heading) for heading in table.header]
    one = next((i for i, heading in enumerate(plain) if heading in _ONE), None)
    other = next((i for i, heading in enumerate(plain) if heading in _OTHER), None)
    if one is not None and other is not None:
        return _pairs(table, plain, one, other)
    return _square(table, 1.0 if scale == "kinship" else 0.5)


def _square(table: Table, factor: float) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    names = tuple(id_text(heading) for heading in table.header[1:])
    rows = [id_text(row[0]) for row in table.rows]
    if sorted(names) != sorted(rows) or len(set(names)) != len(names):
        strange = sorted(set(names) ^ set(rows))[:3]
        raise FormatError(
            "the names of rows and columns are not the same"
            + (f" ({', '.join(strange)} in one only)" if strange else ""),
            where=table.file,
            fix="Give a square table with the names in the heading and in the first column, "
            "or pairs with the columns id1, id2 and kinship.",
        )
    values = np.array([[_number(table, i, cell) for cell in row[1:]] for i, row in enumerate(table.rows)])
    order = [rows.index(name) for name in names]
    return names, factor * values[order]


def _pairs(
    table: Table, plain: list[str], one: int, other: int
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    value = next((i for i, heading in enumerate(plain) if heading in _VALUES), None)
    if value is None:
        raise FormatError(
            "there is no column `kinship` or `relatedness`",
            where=f"{table.file} heading",
            fix="Name the column of the values.",
        )
    factor = _VALUES[plain[value]]
    names = tuple(dict.fromkeys(id_text(row[c]) for row in table.rows for c in (one, other)))
    at = {name: i for i, name in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    for i, row in enumerate(table.rows):
        a, b = at[id_text(row[one])], at[id_text(row[other])]
        found = factor * _number(table, i, row[value])
        if np.isfinite(matrix[a, b]) and abs(matrix[a, b] - found) > 1e-9:
            raise FormatError(
                f"{names[a]} and {names[b]} have two different values",
                where=table.where(i),
                fix="Keep one row a pair.",
            )
        matrix[a, b] = matrix[b, a] = found
    lonely = np.flatnonzero(np.isnan(np.diag(matrix)))
    matrix[lonely, lonely] = 0.5
    if np.isnan(matrix).any():
        i, j = (int(k) for k in np.argwhere(np.isnan(matrix))[0])
        raise FormatError(
            f"the pair {names[i]} and {names[j]} is missing",
            where=table.file,
            fix="Give every pair of the animals once.",
        )
    return names, matrix


def _number(table: Table, row: int, text: str) -> float:
    try:
        return float("nan" if is_missing(text) else text.replace(",", "."))
    except ValueError:
        raise FormatError(
            f"{text!r} is no kinship coefficient", where=table.where(row), fix="Write a number."
        ) from None
