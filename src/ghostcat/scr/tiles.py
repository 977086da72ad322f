"""Blocks of cells, each with the detectors and animals that matter there."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ghostcat.scr.hazard import DETECTION_FUNCTIONS, separation
from ghostcat.scr.layout import ArrayLayout, SessionLayout
from ghostcat.scr.rows import Rows, prepare_rows

__all__ = ["Part", "Tile", "Tiling", "part_of", "whole_parts", "whole_tiling", "work"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Elements of the largest matrix of a block: a few of them fit the cache of a processor.
_BLOCK = 200_000
_SMALLEST_BLOCK = 64
# Squared distances up to here are kept between evaluations (128 MB).
_KEEP_DISTANCES = 16_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One class of animals on a tile."""

    histories: Ints
    """(n,) those that may belong to the class and matter here."""
    columns: Ints
    """(J,) positions in β of the coefficients that differ between cells."""
    arrays: tuple[Rows, ...]
    places: tuple[Ints, ...]
    """Where each array's own columns are among `columns`."""
    density_places: Ints
    collars: Ints | None
    """Collared animals among `histories`, and which rows they are; None without collars."""
    collar_places: Ints
    collar_columns: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """A block of cells."""

    cells: slice | Ints
    parts: tuple[Part, ...]
    """One a class."""
    detectors: tuple[Ints | None, ...]
    """One an array: the detectors that its rows refer to; None for all."""
    keep: bool
    kept: list[tuple[Floats, ...]] = field(default_factory=list)

    def apart(self, session: SessionLayout) -> tuple[Floats, ...]:
        """(detectors, m) distances as `hazard.separation` gives them, one matrix an array."""
        if self.kept:
            return self.kept[0]
        apart = tuple(
            separation(
                DETECTION_FUNCTIONS[array.detectfn][0],
                squared_distances(session, array, self.cells, detectors),
            )
            for array, detectors in zip(session.arrays, self.detectors, strict=True)
        )
        if self.keep:
            self.kept.append(apart)
        return apart


@dataclass(frozen=True, kw_only=True, eq=False)
class Tiling:
    """All cells that matter, in blocks."""

    tiles: tuple[Tile, ...]
    elements: int
    """Of the blocks that one evaluation goes through."""

    def at(self, beta: Floats) -> Tiling:
        """The tiles for one β: always these."""
        return self


def squared_distances(
    session: SessionLayout, array: ArrayLayout, cells: slice | Ints, detectors: Ints | None
) -> Floats:
    """(detectors, m) squared distances, Euclidean unless the array has its own."""
    if array.distance_m is not None:
        distance = array.distance_m[:, cells] if detectors is None else array.distance_m[detectors][:, cells]
        return np.asarray(distance * distance)
    xy = array.xy_m if detectors is None else array.xy_m[detectors]
    x, y = np.ascontiguousarray(session.cells_xy_m[cells].T)
    squared: Floats = xy[:, :1] - x
    squared *= squared
    dy = xy[:, 1:] - y
    dy *= dy
    squared += dy
    return squared


def whole_parts(session: SessionLayout, density_columns: Ints) -> tuple[Part, ...]:
    """Each class with all its rows and histories."""
    return tuple(_part(session, u, density_columns) for u in range(len(session.mixing) + 1))


def work(session: SessionLayout, parts: tuple[Part, ...]) -> int:
    """Elements of the matrices that one evaluation fills."""
    return len(session.cell_area_ha) * sum(_width(p) for p in parts)


def whole_tiling(session: SessionLayout, parts: tuple[Part, ...]) -> Tiling:
    """Cut the cells of a session into blocks with everything in each."""
    cells = len(session.cell_area_ha)
    widest = max([1, *(_width(p) for p in parts)])
    size = max(_SMALLEST_BLOCK, _BLOCK // widest)
    blocks = max(1, round(cells / size))
    bounds = np.linspace(0, cells, blocks + 1).astype(int)
    detectors = sum(len(a.xy_m) for a in session.arrays)
    tiles = tuple(
        Tile(
            cells=slice(int(a), int(b)),
            parts=parts,
            detectors=(None,) * len(session.arrays),
            keep=detectors * cells <= _KEEP_DISTANCES,
        )
        for a, b in pairwise(bounds)
    )
    return Tiling(tiles=tiles, elements=work(session, parts))


def _width(part: Part) -> int:
    """Rows of the matrices that a block of this part needs."""
    return max(len(part.histories), 1) + sum(a.units + a.profiles for a in part.arrays)


def _part(session: SessionLayout, u: int, density_columns: Ints) -> Part:
    """One class with all its rows and histories."""
    everyone = np.arange(len(session.naive_group), dtype=np.int64)
    may = (session.known_class < 0) | (session.known_class == u)
    histories = everyone[may]
    arrays = tuple(
        prepare_rows(a, a.classes[u], None if bool(may.all()) else histories) for a in session.arrays
    )
    return part_of(session, u, histories, arrays, density_columns)


def part_of(
    session: SessionLayout, u: int, histories: Ints, arrays: tuple[Rows, ...], density_columns: Ints
) -> Part:
    """Find out which coefficients matter to a class."""
    collars = session.collars
    chosen = None if collars is None else np.flatnonzero(np.isin(collars.history, histories))
    own = [] if collars is None else [collars.sigma[u].columns]
    columns = np.unique(np.concatenate([density_columns, *own, *(a.columns for a in arrays)])).astype(
        np.int64
    )
    return Part(
        histories=histories,
        columns=columns,
        arrays=arrays,
        places=tuple(np.searchsorted(columns, a.columns) for a in arrays),
        density_places=np.searchsorted(columns, density_columns),
        collars=chosen,
        collar_places=np.empty(0, dtype=np.int64)
        if collars is None or chosen is None
        else np.searchsorted(histories, collars.history[chosen]),
        collar_columns=np.searchsorted(columns, collars.sigma[u].columns)
        if collars is not None
        else np.empty(0, dtype=np.int64),
    )
