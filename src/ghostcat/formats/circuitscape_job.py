"""Read Circuitscape jobs (`.ini`) as they are, with every file they name."""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import FormatError
from ghostcat.formats.grids import read_grid
from ghostcat.landscape.grid import Grid

__all__ = ["CircuitJob", "Places", "read_circuit_job", "read_included_pairs", "read_numbers",
           "read_places", "read_reclass_table", "reclassify"]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NOTHING = {"", "none", "not entered", "(browse for a file)", "null"}
_YES = {"true", "yes", "1", "on"}
_NO = {"false", "no", "0", "off", ""}


@dataclass(frozen=True, kw_only=True)
class CircuitJob:
    """Settings of a job; what it does not say is as Circuitscape has it."""

    path: Path
    values: Mapping[str, str]

    def text(self, key: str, default: str = "") -> str:
        """A setting as written, lower case."""
        value = self.values.get(key, default).strip()
        return default if value.lower() in _NOTHING else value

    def flag(self, key: str, default: bool = False) -> bool:
        """A setting that is true or false."""
        value = self.values.get(key, str(default)).strip().lower()
        if value not in _YES | _NO | _NOTHING:
            raise FormatError(f"{key} is {value!r}", where=self.path.name, fix="Write True or False.")
        return value in _YES

    def number(self, key: str, default: float) -> float:
        """A setting that is a number."""
        value = self.text(key)
        try:
            return float(value) if value else default
        except ValueError:
            raise FormatError(f"{key} is {value!r}", where=self.path.name, fix="Write a number.") from None

    def file(self, key: str) -> Path | None:
        """A file that the job names, relative to the job; None where it names none."""
        name = self.text(key)
        if not name:
            return None
        path = self.path.parent / name.replace("\\", "/")
        if not path.exists():
            path = self.path.parent / Path(name.replace("\\", "/")).name
        if not path.exists():
            raise FormatError(
                f"{key} = {name}: there is no such file", where=self.path.name, fix="Correct the path."
            )
        return path

    def demand_file(self, key: str) -> Path:
        """As `file`, but the job cannot do without it."""
        path = self.file(key)
        if path is None:
            raise FormatError(
                f"the job names no {key}", where=self.path.name, fix=f"Add a line {key} = FILE."
            )
        return path


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Cells with a number: focal points and regions (ids), sources or grounds (strengths)."""

    rows: Ints
    columns: Ints
    values: Floats


def read_circuit_job(path: str | Path) -> CircuitJob:
    """Read a job. Section names mean nothing; a key that occurs twice is an error."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as fault:
        raise FormatError(
            f"the job cannot be read ({fault.strerror})", where=str(path), fix="Check the path."
        ) from None
    values: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line or line[0] in "#;[":
            continue
        key, sign, value = line.partition("=")
        if not sign:
            raise FormatError(
                f"{line!r} is no setting", where=f"{path.name} row {number}", fix="Write key = value."
            )
        key = key.strip().lower()
        if key in values and values[key] != value.strip():
            raise FormatError(
                f"{key} is given twice", where=f"{path.name} row {number}", fix="Keep one of them."
            )
        values[key] = value.strip()
    if not values:
        raise FormatError(
            "no settings are in this file", where=path.name, fix="Give a Circuitscape .ini job."
        )
    return CircuitJob(path=path, values=values)


def read_numbers(path: Path) -> list[list[float]]:
    """Lines of numbers of a text file, words kept out: network edges, focal nodes, strengths."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    rows = []
    for number, line in enumerate(content.decode("utf-8-sig", errors="replace").splitlines(), start=1):
        cells = line.replace(",", " ").split()
        if not cells or line.lstrip().startswith("#"):
            continue
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            raise FormatError(f"{line.strip()!r} is not a row of numbers", where=f"{path.name} row {number}",
                              fix="Write numbers only.") from None  # fmt: skip
    return rows


def read_places(path: Path, grid: Grid, *, value_first: bool = True) -> Places:
    """Read numbered cells from a raster on the same grid, or from lines `value x y`.

    Raises
    ------
    FormatError : a place lies outside the landscape; a line has other than three numbers.
    """
    if path.name.lower().removesuffix(".gz").endswith((".txt", ".csv")):
        return _read_listed(path, grid)
    raster = read_grid(path)
    grid.demand_same_cells(raster, name="the landscape", other_name=path.name)
    rows, columns = np.nonzero(~np.isnan(raster.values))
    return Places(rows=rows, columns=columns, values=raster.values[rows, columns])


def _read_listed(path: Path, grid: Grid) -> Places:
    rows, columns, values = [], [], []
    for line, cells in enumerate(read_numbers(path), start=1):
        if len(cells) != 3:
            raise FormatError(
                f"{len(cells)} numbers instead of three",
                where=f"{path.name} line {line}",
                fix="Write: id x y.",
            )
        place = grid.cell_of(cells[1], cells[2])
        if place is None:
            raise FormatError(
                f"the place ({cells[1]:g}, {cells[2]:g}) lies outside the landscape",
                where=f"{path.name} line {line}",
                fix="Check the coordinates and their projection.",
            )
        rows.append(place[0])
        columns.append(place[1])
        values.append(cells[0])
    return Places(rows=np.array(rows, dtype=np.int64), columns=np.array(columns, dtype=np.int64),
                  values=np.array(values))  # fmt: skip


def read_included_pairs(path: Path, ids: list[int]) -> tuple[list[int], set[tuple[int, int]]]:
    """Ids and pairs (smaller id first) that a job includes: a list with `mode`, a matrix with `min`, `max`.

    Ids that an including file does not mention take no part.
    """
    lines = [line.replace(",", " ").split() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    lines = [cells for cells in lines if cells]
    everything = {(a, b) for a in ids for b in ids if a < b}
    first = lines[0][0].lower()
    if first == "mode":
        listed = {tuple(sorted((int(float(a)), int(float(b))))) for a, b, *_ in lines[1:]}
        if lines[0][1].lower() != "include":
            return ids, everything - listed
        named = {number for pair in listed for number in pair}
        return [number for number in ids if number in named], everything & listed
    if first == "min":
        low, high = float(lines[0][1]), float(lines[1][1])
        heading = [int(float(cell)) for cell in lines[2][1:]]
        found = set()
        for cells in lines[3:]:
            one = int(float(cells[0]))
            for other, cell in zip(heading, cells[1:], strict=False):
                if one != other and low <= float(cell) <= high:
                    found.add((min(one, other), max(one, other)))
        return [number for number in ids if number in heading], everything & found
    raise FormatError(
        f"the first line is {' '.join(lines[0])!r}",
        where=path.name,
        fix="Start with `mode include` or `min` and `max`.",
    )


def read_reclass_table(path: Path) -> list[tuple[float, float]]:
    """Pairs of an old and a new value; `missing` makes no-data."""
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        cells = line.replace(",", " ").split()
        if not cells:
            continue
        try:
            new = math.nan if "missing" in cells[1].lower() else float(cells[1])
            pairs.append((float(cells[0]), new))
        except (ValueError, IndexError):
            raise FormatError(
                f"{line.strip()!r} is no pair of values",
                where=f"{path.name} row {number}",
                fix="Write: old new.",
            ) from None
    return pairs


def reclassify(values: Floats, table: list[tuple[float, float]]) -> Floats:
    """Values with every old one replaced by its new one."""
    changed = values.copy()
    for old, new in table:
        changed[values == old] = new
    return changed
