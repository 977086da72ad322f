"""Large surveys: each tile of cells sees only the detectors and animals that matter there.

A detector is left out of a tile where its hazard, times all its effort, stays below 1e-18 of the largest
(9 σ away for a half-normal). An animal is left out of a tile where its captures have less than 1e-18 of the
probability that they have at the cell nearest to them: an upper bound over the tile, from the nearest point
of the tile's box to each detector, against a lower bound at that cell. Both are proven by bounds and not by
distance, so they hold for any detection function and for an animal caught far from its other captures; what
is cut stays below 1e-14 of every sum.

The choice is made with a margin, so that it serves the next β as well; each β checks it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ghostcat.scr.block import catch_log_probability, hazard_of
from ghostcat.scr.collars import collar_log_density
from ghostcat.scr.density import DensityDesign, density_values
from ghostcat.scr.hazard import fall_off, separation
from ghostcat.scr.layout import ArrayLayout, ClassLayout, Predictor, SessionLayout
from ghostcat.scr.rows import RowValues, prepare_rows, row_values
from ghostcat.scr.tiles import Part, Tile, Tiling, part_of

__all__ = ["LocalTiling", "local_tiling"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_CELLS = 700
_CUT = 41.4  # −ln 1e-18
_MARGIN = 14.0
_KEEP_DISTANCES = 16_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalTiling:
    """Cells in square tiles, and what matters in each at the last β."""

    session: SessionLayout
    density: DensityDesign
    whole: tuple[Part, ...]
    """One a class: every row and history."""
    cells: tuple[Ints, ...]
    """Cells of each tile."""
    nearest_m2: tuple[Floats, ...]
    """One an array: (detectors, tiles) squared distance to the nearest point of the tile."""
    home: Ints
    """(n,) the cell nearest to the captures of each history, and below the tile that it is in."""
    home_tile: Ints
    last: list[tuple[_Needs, Tiling]] = field(default_factory=list)

    def at(self, beta: Floats) -> Tiling:
        """The tiles for one β."""
        needs = _needs(self, beta, margin=0.0)
        if needs is None:
            return self.last[0][1] if self.last else Tiling(tiles=(), elements=0)
        if self.last and needs.within(self.last[0][0]):
            return self.last[0][1]
        wider = _needs(self, beta, margin=_MARGIN)
        assert wider is not None
        made = _tiles(self, wider)
        self.last[:] = [(wider, made)]
        return made


@dataclass(frozen=True, eq=False)
class _Needs:
    """What matters where."""

    rows: tuple[tuple[Flags, ...], ...]
    """By class and array: (R, tiles)."""
    histories: tuple[Flags, ...]
    """By class: (n, tiles)."""

    def within(self, wider: _Needs) -> bool:
        """Whether `wider` has everything that is needed here."""
        pairs = zip(self.histories, wider.histories, strict=True)
        return not any((mine & ~other).any() for mine, other in pairs) and not any(
            (mine & ~other).any()
            for a, b in zip(self.rows, wider.rows, strict=True)
            for mine, other in zip(a, b, strict=True)
        )


def local_tiling(session: SessionLayout, density: DensityDesign, whole: tuple[Part, ...]) -> LocalTiling:
    """Cut the cells into square tiles of about 700."""
    side_m = float(np.sqrt(np.median(session.cell_area_ha) * 10_000.0 * _CELLS))
    corner = session.cells_xy_m.min(axis=0)
    column, row = np.floor((session.cells_xy_m - corner) / side_m).astype(np.int64).T
    _, tile = np.unique(row * (int(column.max()) + 1) + column, return_inverse=True)
    order = np.argsort(tile, kind="stable")
    cells = tuple(np.split(order, np.flatnonzero(np.diff(tile[order])) + 1))
    home = _homes(session)
    return LocalTiling(
        session=session,
        density=density,
        whole=whole,
        cells=cells,
        nearest_m2=tuple(_nearest(session, array, cells) for array in session.arrays),
        home=home,
        home_tile=tile[home],
    )


def _nearest(session: SessionLayout, array: ArrayLayout, cells: tuple[Ints, ...]) -> Floats:
    if array.distance_m is not None:
        return np.stack([array.distance_m[:, c].min(axis=1) ** 2 for c in cells], axis=1)
    low = np.array([session.cells_xy_m[c].min(axis=0) for c in cells])
    high = np.array([session.cells_xy_m[c].max(axis=0) for c in cells])
    return _to_boxes(array.xy_m, low, high)


def _to_boxes(xy_m: Floats, low: Floats, high: Floats) -> Floats:
    """(points, boxes) squared distance to the nearest point of each box."""
    outside = np.maximum(low[None] - xy_m[:, None], xy_m[:, None] - high[None])
    return np.asarray((np.maximum(outside, 0.0) ** 2).sum(axis=2))


def _homes(session: SessionLayout) -> Ints:
    """(n,) the cell nearest to the mean place of each history's captures, or else of its fixes."""
    from scipy.spatial import cKDTree

    n = len(session.naive_group)
    place, weight = np.zeros((n, 2)), np.zeros(n)
    for array in session.arrays:
        laid = array.classes[0]
        place += laid.caught @ array.xy_m[laid.detector[laid.catch_row]] if laid.caught.nnz else 0.0
        weight += np.asarray(laid.caught.sum(axis=1)).reshape(-1)
    if session.collars is not None:
        collars = session.collars
        bare = weight[collars.history] == 0
        np.add.at(place, collars.history[bare], collars.mean_xy_m[bare])
        np.add.at(weight, collars.history[bare], 1.0)
    centre = session.cells_xy_m.mean(axis=0)
    place = np.where(weight[:, None] > 0, place / np.maximum(weight, 1e-300)[:, None], centre)
    return np.asarray(cKDTree(session.cells_xy_m).query(place)[1], dtype=np.int64)


def _needs(plan: LocalTiling, beta: Floats, *, margin: float) -> _Needs | None:
    """What matters at β; None where β is outside the domain of the parameters."""
    density = density_values(plan.density, beta)
    values = [[row_values(rows, beta) for rows in part.arrays] for part in plan.whole]
    if not density.possible or not all(v.possible for by_class in values for v in by_class):
        return None
    session = plan.session
    population = session.population[session.naive_group]
    tile_mass = np.stack([density.mass[:, c].sum(axis=1) for c in plan.cells], axis=1)
    rows_needed, histories_needed = [], []
    for u, part in enumerate(plan.whole):
        who = part.histories
        upper = np.log(np.maximum(tile_mass, 1e-300))[population[who]]
        lower = density.log_mass[population[who], plan.home[who]]
        by_array = []
        for a, rows in enumerate(part.arrays):
            array, laid = session.arrays[a], session.arrays[a].classes[u]
            reach, bound = _hazard_bounds(plan, a, u, values[u][a])
            by_array.append(np.log(np.maximum(reach, 1e-300)) > min(0.0, _top(reach)) - _CUT - margin)
            caught = laid.caught[who]
            nearest = plan.nearest_m2[a][laid.detector[laid.catch_row]]
            kinds = np.arange(len(laid.catch_row))
            if len(kinds):
                upper = upper + caught @ catch_log_probability(rows, values[u][a], kinds, nearest)
            entry, kind = np.repeat(np.arange(len(who)), np.diff(caught.indptr)), caught.indices
            squared = _squared_to_home(
                session, array, laid.detector[laid.catch_row[kind]], plan.home[who[entry]]
            )
            at_home = catch_log_probability(rows, values[u][a], kind, squared[:, None])[:, 0]
            lower = lower + np.bincount(entry, caught.data * at_home, len(who))
            # Every survival counted in full, and competition not at all.
            exposed = abs(laid.survived[who]) @ (abs(laid.profiles) @ bound)
            lower = lower - exposed[np.arange(len(who)), plan.home_tile[who]]
        if part.collars is not None and session.collars is not None and len(part.collars):
            upper, lower = _with_collars(plan, part, u, beta, upper, lower)
        rows_needed.append(tuple(by_array))
        histories_needed.append(upper >= lower[:, None] - _CUT - margin)
    return _Needs(tuple(rows_needed), tuple(histories_needed))


def _top(reach: Floats) -> float:
    return float(np.log(max(float(reach.max(initial=0.0)), 1e-300)))


def _hazard_bounds(plan: LocalTiling, a: int, u: int, values: RowValues) -> tuple[Floats, Floats]:
    """(R, tiles) upper bound of each row's hazard, times all its effort and by itself."""
    rows, laid = plan.whole[u].arrays[a], plan.session.arrays[a].classes[u]
    shape = None if values.log_shape is None else values.log_shape[:, None]
    apart = separation(rows.family, plan.nearest_m2[a])[laid.detector]
    curve = fall_off(rows.family, apart, values.log_sigma[:, None], shape)
    hazard = hazard_of(curve.log_at(slice(None)) + values.log_intercept[:, None], rows.on_hazard_scale)
    most = np.zeros(laid.profiles.shape[0])
    for matrix in (laid.survived, laid.naive):
        if matrix.nnz:
            most = np.maximum(most, abs(matrix).max(axis=0).toarray().reshape(-1))
    if laid.crowds is not None and laid.crowds.nnz:
        most = np.maximum(most, abs(laid.crowds).max(axis=0).toarray().reshape(-1))
    if laid.crowds is None and laid.competed.nnz:
        most = np.maximum(most, abs(laid.competed).max(axis=0).toarray().reshape(-1))
    effort = abs(laid.profiles).T @ most
    return effort[:, None] * hazard, hazard


def _squared_to_home(session: SessionLayout, array: ArrayLayout, detector: Ints, cell: Ints) -> Floats:
    if array.distance_m is not None:
        return np.asarray(array.distance_m[detector, cell] ** 2)
    return np.asarray(((array.xy_m[detector] - session.cells_xy_m[cell]) ** 2).sum(axis=1))


def _with_collars(
    plan: LocalTiling, part: Part, u: int, beta: Floats, upper: Floats, lower: Floats
) -> tuple[Floats, Floats]:
    session = plan.session
    collars, chosen = session.collars, part.collars
    assert collars is not None and chosen is not None
    low = np.array([session.cells_xy_m[c].min(axis=0) for c in plan.cells])
    high = np.array([session.cells_xy_m[c].max(axis=0) for c in plan.cells])
    mean = collars.mean_xy_m[chosen]
    upper, lower = upper.copy(), lower.copy()
    nearest = collar_log_density(collars, chosen, _to_boxes(mean, low, high), u, beta)
    home = plan.home[part.histories[part.collar_places]]
    squared = ((mean - session.cells_xy_m[home]) ** 2).sum(axis=1)[:, None]
    np.add.at(upper, part.collar_places, nearest)
    np.add.at(lower, part.collar_places, collar_log_density(collars, chosen, squared, u, beta)[:, 0])
    return upper, lower


def _tiles(plan: LocalTiling, needs: _Needs) -> Tiling:
    """Tiles with the rows and histories that they need; tiles that need nothing are left out."""
    made = list(_make(plan, needs))
    distances = sum(t.pairs for t in made)
    tiles = tuple(t.tile(distances <= _KEEP_DISTANCES) for t in made)
    return Tiling(tiles=tiles, elements=sum(t.elements for t in made))


@dataclass(frozen=True, eq=False)
class _Made:
    cells: Ints
    parts: tuple[Part, ...]
    detectors: tuple[Ints, ...]

    @property
    def pairs(self) -> int:
        return len(self.cells) * sum(len(d) for d in self.detectors)

    @property
    def elements(self) -> int:
        return len(self.cells) * sum(
            len(p.histories) + sum(a.units + a.profiles for a in p.arrays) for p in self.parts
        )

    def tile(self, keep: bool) -> Tile:
        return Tile(cells=self.cells, parts=self.parts, detectors=self.detectors, keep=keep)


def _make(plan: LocalTiling, needs: _Needs) -> Iterator[_Made]:
    session = plan.session
    classes = range(len(plan.whole))
    for b, cells in enumerate(plan.cells):
        active = [np.flatnonzero(needs.histories[u][:, b]) for u in classes]
        rows = [
            [_rows_of(plan, needs, u, a, b, active[u]) for a in range(len(session.arrays))] for u in classes
        ]
        if not any(len(r) for by_class in rows for r in by_class) and not any(len(x) for x in active):
            continue
        detectors = tuple(
            np.unique(np.concatenate([array.classes[u].detector[rows[u][a]] for u in classes]))
            for a, array in enumerate(session.arrays)
        )
        parts = []
        for u in classes:
            who = plan.whole[u].histories[active[u]]
            arrays = tuple(
                prepare_rows(
                    replace(array, xy_m=array.xy_m[detectors[a]]),
                    _restricted(array.classes[u], rows[u][a], needs.rows[u][a][:, b], who, detectors[a]),
                    None,
                )
                for a, array in enumerate(session.arrays)
            )
            parts.append(part_of(session, u, who, arrays, plan.density.columns))
        yield _Made(cells, tuple(parts), detectors)


def _rows_of(plan: LocalTiling, needs: _Needs, u: int, a: int, b: int, active: Ints) -> Ints:
    """Rows that expose the tile, and those at which its animals were caught, however far."""
    laid = plan.session.arrays[a].classes[u]
    needed = needs.rows[u][a][:, b].copy()
    caught = laid.caught[plan.whole[u].histories[active]]
    needed[laid.catch_row[np.unique(caught.indices)]] = True
    return np.flatnonzero(needed)


def _restricted(laid: ClassLayout, rows: Ints, exposing: Flags, who: Ints, detectors: Ints) -> ClassLayout:
    """A class with some of its rows and histories, and the profiles and catches that these use."""
    place = np.full(len(laid.detector), -1)
    place[rows] = np.arange(len(rows))
    survived, competed, caught = laid.survived[who], laid.competed[who], laid.caught[who]
    used = np.union1d(survived.indices, laid.naive.indices)
    crowds = laid.crowds
    if crowds is None:
        used = np.union1d(used, competed.indices)
    else:
        chosen = np.unique(competed.indices)
        crowds, competed = crowds[chosen], competed[:, chosen]
        used = np.union1d(used, crowds.indices)
        crowds = crowds[:, used]
    used = used.astype(np.int64)
    profiles = laid.profiles[used]
    entry = exposing[profiles.indices]
    profile = np.repeat(np.arange(len(used)), np.diff(profiles.indptr))
    kinds = np.unique(caught.indices)
    return ClassLayout(
        detector=np.searchsorted(detectors, laid.detector[rows]),
        intercept=_rows_of_predictor(laid.intercept, rows),
        sigma=_rows_of_predictor(laid.sigma, rows),
        shape=None if laid.shape is None else _rows_of_predictor(laid.shape, rows),
        profiles=csr_array(
            (profiles.data[entry], (profile[entry], place[profiles.indices[entry]])),
            shape=(len(used), len(rows)),
        ),
        survived=survived[:, used],
        competed=competed[:, used] if crowds is None else competed,
        catch_row=place[laid.catch_row[kinds]],
        catch_effort=laid.catch_effort[kinds],
        caught=caught[:, kinds],
        naive=laid.naive[:, used],
        crowds=crowds,
    )


def _rows_of_predictor(predictor: Predictor, rows: Ints) -> Predictor:
    return replace(predictor, design=predictor.design[rows], offset=predictor.offset[rows])
