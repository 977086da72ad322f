"""A raster: values on square cells, with its place on the map."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

__all__ = ["Grid"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Values on square cells; row 0 is the northernmost."""

    values: Floats
    """(rows, columns); NaN where there are no data."""
    left: float
    """x of the western border."""
    bottom: float
    """y of the southern border."""
    cell: float
    """Width of a cell, in the unit of the projection."""
    crs: str = ""
    """As pyproj reads it; empty where the file does not say."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def top(self) -> float:
        """y of the northern border."""
        return float(self.bottom + self.cell * self.values.shape[0])

    def with_values(self, values: Floats) -> Grid:
        """The same cells with other values."""
        return replace(self, values=values)

    def cell_of(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of a place; None outside the grid.

        A place on a border belongs to the cell on its left and above, as Circuitscape has it.
        """
        row = math.ceil(self.values.shape[0] - (y - self.bottom) / self.cell) - 1
        column = math.ceil((x - self.left) / self.cell) - 1
        inside = 0 <= row < self.values.shape[0] and 0 <= column < self.values.shape[1]
        return (row, column) if inside else None

    def centres(self) -> tuple[Floats, Floats]:
        """x of columns and y of rows."""
        rows, columns = self.values.shape
        x = np.asarray(self.left + self.cell * (np.arange(columns) + 0.5), dtype=np.float64)
        y = np.asarray(self.top - self.cell * (np.arange(rows) + 0.5), dtype=np.float64)
        return x, y

    def demand_same_cells(self, other: Grid, *, name: str, other_name: str) -> None:
        """Check that two grids lie on each other.

        Raises
        ------
        ParameterError : naming both shapes, or corners.
        """
        if self.shape != other.shape:
            raise ParameterError(
                f"{name} has {self.shape[0]} × {self.shape[1]} cells, "
                f"{other_name} {other.shape[0]} × {other.shape[1]}",
                fix="Bring both rasters to the same grid.",
            )
        far = max(abs(self.left - other.left), abs(self.bottom - other.bottom), abs(self.cell - other.cell))
        if far > 0.01 * self.cell:
            raise ParameterError(
                f"{name} starts at ({self.left:g}, {self.bottom:g}) with cells of {self.cell:g}, "
                f"{other_name} at ({other.left:g}, {other.bottom:g}) with {other.cell:g}",
                fix="Bring both rasters to the same grid.",
            )
