"""Connectivity everywhere to everywhere: a circuit solved in a window that moves over the land.

Each block of cells with sources is a target: its centre is grounded, the sources within the radius share as
much current as the block's own sources sum to, and the currents of all targets add up. Flow potential is the
same on land without resistance; normalised current, their ratio, shows where the land channels movement
(above 1) or spreads it. McRae et al. (2016) The Nature Conservancy; Landau et al. (2021) Journal of Open
Source Software 6:2829.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.landscape.circuits import ground_circuit
from ghostcat.landscape.graph import raster_network

__all__ = ["Condition", "Omnidirectional", "Window", "moving_window", "sources_from_conductance"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Condition:
    """Sources serve a target only where a layer resembles the layer at the target."""

    present: Floats
    """At the sources."""
    future: Floats
    """At the target; the same as `present` unless the question is about change."""
    low: float = -np.inf
    high: float = np.inf
    """Difference source − target that is allowed."""
    equal: bool = False
    """The layer holds classes: source and target must be of the same class."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """The moving window, in cells."""

    radius: int
    block: int = 1
    """Width of a target block, odd."""
    buffer: int = 0
    """Land beyond the radius that conducts but holds no sources."""
    correct_artifacts: bool = True
    """Undo the pattern that blocks leave in the current."""
    conditions: tuple[Condition, ...] = ()
    four_neighbours: bool = False
    average_resistances: bool = False

    def __post_init__(self) -> None:
        if self.radius < 1 or self.block < 1 or self.buffer < 0:
            raise ParameterError(
                f"radius {self.radius}, block {self.block}, buffer {self.buffer}",
                fix="Give a radius of 1 cell or more, a block of 1, 3, 5 … and a buffer of 0 or more.",
            )
        if self.block % 2 == 0:
            raise ParameterError(f"a block of {self.block} cells has no centre", fix="Give an odd number.")

    @property
    def reach(self) -> int:
        """Cells from the centre to the edge of the window."""
        return self.radius + self.buffer

    @property
    def arm(self) -> int:
        """Cells from the centre of a block to its edge."""
        return (self.block - 1) // 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Omnidirectional:
    """Sums over all targets, ampere; NaN where nothing was asked for."""

    current: Floats
    potential: Floats | None
    targets: int

    @property
    def normalised(self) -> Floats | None:
        """Current over flow potential, 0 where neither flows."""
        if self.potential is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num(self.current / self.potential, nan=0.0, posinf=0.0)


def sources_from_conductance(conductance: Floats, *, least: float = 0.0) -> Floats:
    """Source strength equal to conductance, where that is at least `least`; 0 elsewhere."""
    strength = np.nan_to_num(conductance)
    return np.where(strength < least, 0.0, strength)


def moving_window(
    conductance: Floats,
    source: Floats,
    window: Window,
    *,
    potential: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Omnidirectional:
    """Omnidirectional current.

    Parameters
    ----------
    conductance : (rows, columns) 1/resistance; NaN or 0 where nothing passes.
    source : (rows, columns) strength, 0 where no animal starts.
    potential : also the flow potential.
    progress : called with the targets done and their number.

    Raises
    ------
    ParameterError : grids of different shape, or no sources at all.
    """
    if conductance.shape != source.shape:
        raise ParameterError(
            f"conductance has shape {conductance.shape}, sources {source.shape}",
            fix="Bring both to the same grid.",
        )
    strength = np.nan_to_num(source)
    targets = _targets(strength, window)
    if not len(targets):
        raise ParameterError("no block holds a source", fix="Lower the source threshold, or give sources.")
    shape = strength.shape
    sums = _Sums(np.zeros(shape), np.zeros(shape) if potential else None)
    correction = _correction(window) if window.correct_artifacts and window.block > 1 else None
    for done, (row, column, amperes) in enumerate(targets):
        around = _Around(row, column, window.reach, shape)
        given = _sources(strength, around, window, amperes)
        factor = 1.0 if correction is None else correction[around.part]
        inside = _disc(around, window.reach)
        local = np.where(inside, np.nan_to_num(conductance[around.rows, around.columns]), 0.0)
        sums.current[around.rows, around.columns] += factor * _flow(local, given, around, window)
        if sums.potential is not None:
            sums.potential[around.rows, around.columns] += factor * _flow(
                np.ones(around.shape), given, around, window
            )
        progress(done + 1, len(targets))
    return Omnidirectional(current=sums.current, potential=sums.potential, targets=len(targets))


@dataclass(frozen=True, eq=False)
class _Sums:
    current: Floats
    potential: Floats | None


class _Around:
    """The window around a target, cut off at the edge of the land."""

    def __init__(self, row: int, column: int, reach: int, shape: tuple[int, ...]) -> None:
        top, left = max(row - reach, 0), max(column - reach, 0)
        bottom, right = min(row + reach + 1, shape[0]), min(column + reach + 1, shape[1])
        self.row, self.column, self.reach = row, column, reach
        self.rows, self.columns = slice(top, bottom), slice(left, right)
        self.shape = bottom - top, right - left
        self.centre = row - top, column - left
        # The same part of a whole window's array.
        offset = reach - self.centre[0], reach - self.centre[1]
        self.part = (
            slice(offset[0], offset[0] + self.shape[0]),
            slice(offset[1], offset[1] + self.shape[1]),
        )


def _targets(strength: Floats, window: Window) -> list[tuple[int, int, float]]:
    """Centres of whole blocks with what their sources sum to, column by column."""
    arm = window.arm
    rows = range(arm, strength.shape[0] - arm, window.block)
    columns = range(arm, strength.shape[1] - arm, window.block)
    found = []
    for column in columns:
        for row in rows:
            amperes = float(strength[row - arm : row + arm + 1, column - arm : column + arm + 1].sum())
            if amperes > 0:
                found.append((row, column, amperes))
    return found


def _disc(around: _Around, radius: float) -> NDArray[np.bool_]:
    y, x = np.ogrid[: around.shape[0], : around.shape[1]]
    return np.asarray((y - around.centre[0]) ** 2 + (x - around.centre[1]) ** 2 <= radius**2)


def _sources(strength: Floats, around: _Around, window: Window, amperes: float) -> Floats:
    """What each cell of the window gives: together `amperes`, before conditions take cells out."""
    given = np.where(_disc(around, window.radius), strength[around.rows, around.columns], 0.0)
    # The published program clears the target's block where it lies in a whole window, also when the window is
    # cut off at the northern or western edge; the target's own cell is then left out by being grounded.
    block = slice(window.reach - window.arm, window.reach + window.arm + 1)
    given[block, block] = 0.0
    total = given.sum()
    if total > 0:
        given *= amperes / total
    arm = window.arm
    for condition in window.conditions:
        own = condition.future[
            max(around.row - arm, 0) : around.row + arm + 1,
            max(around.column - arm, 0) : around.column + arm + 1,
        ]
        near = condition.present[around.rows, around.columns]
        given[_differs(condition, near, own.T[~np.isnan(own.T)])] = 0.0
    return given


def _differs(condition: Condition, near: Floats, own: Floats) -> NDArray[np.bool_]:
    if not len(own):
        return np.ones(near.shape, dtype=bool)
    if condition.equal:
        return np.asarray((near != _mode(own)) & ~np.isnan(near))
    difference = near - np.median(own)
    return np.asarray((difference > condition.high) | (difference < condition.low))


def _mode(values: Floats) -> float:
    """The commonest value; of several, the one that was the first to be seen so often."""
    counts: dict[float, int] = {}
    best, most = float(values[0]), 1
    for value in values.tolist():
        counts[value] = counts.get(value, 0) + 1
        if counts[value] > most:
            best, most = value, counts[value]
    return best


def _flow(local: Floats, given: Floats, around: _Around, window: Window) -> Floats:
    """Current map of one target."""
    if local[around.centre] <= 0:
        return np.zeros(local.shape)
    network = raster_network(
        local, four_neighbours=window.four_neighbours, average_resistances=window.average_resistances
    )
    present = network.node_of >= 0
    nodes = network.node_of[present]
    source, ground = np.zeros(network.nodes), np.zeros(network.nodes)
    source[nodes] = given[present]
    centre = network.node_of[around.centre]
    source[centre], ground[centre] = 0.0, np.inf
    out = np.zeros(local.shape)
    out[present] = ground_circuit(network, source, ground).current[nodes]
    return out


def _correction(window: Window) -> Floats:
    """On even land: current of each cell of a block as its own target, over that of the block at once."""
    size = 2 * window.reach + 1
    around = _Around(window.reach, window.reach, window.reach, (size, size))
    even = np.ones((size, size))
    plain = Window(radius=window.radius, block=window.block, buffer=window.buffer)
    blocked = _sources(even, around, plain, float(window.block**2))
    single = np.where(_disc(around, window.radius), 1.0, 0.0)
    single[around.centre] = 0.0
    single /= single.sum()
    land = np.where(_disc(around, window.reach), 1.0, 0.0)
    of_block = _flow(land, blocked, around, window)
    of_one = _flow(land, single, around, window)
    arm = window.arm
    total = np.zeros((size + window.block - 1, size + window.block - 1))
    for down in range(window.block):
        for right in range(window.block):
            total[down : down + size, right : right + size] += of_one
    total = total[arm : arm + size, arm : arm + size]
    total[of_block == 0] = 0.0
    return np.where(total == 0, 1.0, total) / np.where(of_block == 0, 1.0, of_block)
