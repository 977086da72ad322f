"""Where should the stations be? Search among candidate sites for the set that promises most under a budget.

The hazards of stations add up, so adding or exchanging one station needs one pass over the mask:
E(n) = Σ D a (1 − e^−H), detections = Σ D a H. Greedy additions give a first set, exchanges of one
station for another improve it until no exchange helps; several starts and random kicks guard against poor
local optima.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.scr.checks import check_metres
from ghostcat.scr.detection import detection_hazard
from ghostcat.scr.mask import Mask, Polygon, polygon
from ghostcat.scr.study import Animals, ExpectedSurvey, expected_survey, planning_mask

__all__ = ["StationOption", "StationPlan", "search_stations"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Criterion = Literal["min_n_r", "animals", "recaptures"]

_MAX_CELLS = 6_000
_ROUNDS = 30
# How often a set is kicked out of its local optimum: by the work of a round, within limits.
_KICK_WORK, _KICKS = 1e9, (2, 60)


@dataclass(frozen=True, kw_only=True)
class StationOption:
    """A way to equip a site: one camera, or a pair."""

    name: str
    cost: float
    """In the unit of the budget."""
    detection: float = 1.0
    """Factor on the detection rate against that of the assumptions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StationPlan:
    """The set that was found, what it promises, and what the best regular grid would for the same money."""

    chosen: Ints
    """Indices of the candidate sites."""
    options: tuple[str, ...]
    """How each chosen site is equipped."""
    cost: float
    expected: ExpectedSurvey = field(repr=False)
    score: float
    grid_chosen: Ints
    """The best regular grid that the same budget allows, as candidate sites."""
    grid_options: tuple[str, ...]
    grid_cost: float
    grid_expected: ExpectedSurvey | None = field(repr=False)
    grid_score: float
    left_out: Ints
    """Candidates inside excluded areas, never considered."""
    exchanges: int
    criterion: Criterion
    ways: tuple[StationOption, ...]
    """The ways to equip a site that were offered."""

    @property
    def gain(self) -> float:
        """Relative gain of the criterion over the best regular grid; infinite where no grid fits."""
        return self.score / self.grid_score - 1.0 if self.grid_score > 0 else math.inf


def search_stations(
    candidates_xy_m: ArrayLike,
    usage: ArrayLike,
    *,
    animals: Animals | Sequence[Animals],
    rng: np.random.Generator,
    stations: int | None = None,
    budget: float | None = None,
    cost: ArrayLike = 1.0,
    options: Sequence[StationOption] = (),
    min_spacing_m: float = 0.0,
    excluded: Polygon | None = None,
    fixed: Sequence[int] = (),
    mask: Mask | None = None,
    criterion: Criterion = "min_n_r",
    starts: int = 4,
) -> StationPlan:
    """Find a good set of stations among candidate sites.

    Parameters
    ----------
    candidates_xy_m : (K, 2) sites where a station could stand, metres.
    usage : (K,) station-days of each site if chosen, or one number.
    animals : assumptions, as in `expected_survey`.
    rng : decides the random starts; one seed, one answer.
    stations : at most this many.
    budget : total cost at most this; at least one of `stations` and `budget` is needed.
    cost : (K,) cost of using each site (access), or one number; the cost of the option comes on top.
    options : ways to equip a site, of which at most one is used at each; by default one, free.
    min_spacing_m : no two stations closer than this.
    excluded : area where no station may stand.
    fixed : indices of sites that must be in the set (with the first option).
    mask : where animals live; by default within reach of a candidate.
    criterion : "min_n_r" maximises min(E(n), E(r)), which minimises the planning RSE; "animals" and
        "recaptures" maximise one of the two.
    starts : greedy, regular grid, and `starts − 2` random sets are each improved by exchanges.

    Returns
    -------
    StationPlan

    Raises
    ------
    ParameterError : nothing limits the set, no candidate is left, or the fixed sites break a limit.

    Notes
    -----
    The expectations are those of independent detections (`count`). Local search: no proof that no
    better set exists; the gain over the best regular grid shows what it brought.

    References
    ----------
    Durbach, Borchers, Sutherland & Sharma (2021) Methods in Ecology and Evolution 12:1030–1041
    (min(n, r) as criterion).
    """
    xy = check_metres(candidates_xy_m, what="candidates")
    classes = (animals,) if isinstance(animals, Animals) else tuple(animals)
    effort = np.array(np.broadcast_to(np.asarray(usage, dtype=np.float64), (len(xy),)))
    allowed = _allowed(xy, excluded)
    ways = tuple(options) or (StationOption(name="station", cost=0.0),)
    price = _prices(cost, ways, len(xy))
    if stations is None and budget is None:
        raise ParameterError("nothing limits the set", fix="Give a number of stations or a budget.")
    if criterion not in ("min_n_r", "animals", "recaptures"):
        raise ParameterError(f"criterion is {criterion!r}", fix='Use "min_n_r", "animals" or "recaptures".')
    cells = mask or _thinned(planning_mask(xy[allowed], classes), xy[allowed], classes)
    field_ = _Field(xy, effort, classes, cells, ways, price, allowed, min_spacing_m, criterion)
    limit = _Limit(stations or len(xy), budget if budget is not None else math.inf, tuple(fixed))
    field_.check_fixed(limit)
    grid = _best_grid(field_, limit)
    found = [field_.improve(field_.greedy(field_.begin(limit), limit), limit)]
    if grid is not None and starts > 1:
        found.append(field_.improve(field_.greedy(_with_fixed(grid, limit, field_), limit), limit))
    for _ in range(max(0, starts - 2)):
        found.append(field_.improve(field_.random(limit, rng), limit))
    best, exchanges = max(found, key=lambda pair: field_.score(pair[0]))
    best, more = field_.kicked(best, limit, rng)
    exchanges += more
    chosen = sorted(best)
    return StationPlan(
        chosen=np.array([k for k, _ in chosen], dtype=np.int64),
        options=tuple(ways[o].name for _, o in chosen),
        cost=field_.cost(best),
        expected=field_.expected(best),
        score=field_.score(best),
        grid_chosen=np.array([k for k, _ in sorted(grid or ())], dtype=np.int64),
        grid_options=tuple(ways[o].name for _, o in sorted(grid or ())),
        grid_cost=field_.cost(grid) if grid else 0.0,
        grid_expected=field_.expected(grid) if grid else None,
        grid_score=field_.score(grid) if grid else 0.0,
        left_out=np.flatnonzero(~allowed),
        exchanges=exchanges,
        criterion=criterion,
        ways=ways,
    )


#: A set of stations: (site, option) pairs.
_Set = frozenset[tuple[int, int]]


@dataclass(frozen=True)
class _Limit:
    stations: int
    budget: float
    fixed: tuple[int, ...]


class _Field:
    """Hazards of all candidates over the mask, and what a set of them promises."""

    def __init__(
        self,
        xy: Floats,
        effort: Floats,
        classes: Sequence[Animals],
        mask: Mask,
        ways: Sequence[StationOption],
        price: Floats,
        allowed: NDArray[np.bool_],
        spacing: float,
        criterion: Criterion,
    ) -> None:
        self.xy, self.effort, self.classes, self.mask, self.ways = xy, effort, classes, mask, ways
        self.price, self.allowed, self.spacing, self.criterion = price, allowed, spacing, criterion
        distance = np.hypot(xy[:, :1] - mask.xy_m[:, 0], xy[:, 1:] - mask.xy_m[:, 1])
        layers, weights = [], []
        for kind in classes:
            hazard = detection_hazard(
                distance, kind.lambda0, kind.sigma_m, detectfn=kind.detectfn, shape=kind.shape
            )
            layers.append(effort[:, None] * hazard)
            weights.append(kind.density_per_100km2 / 100.0 * mask.cell_area_km2)
        self.exposure = np.concatenate(layers, axis=1)  # (K, classes × cells)
        self.weight = np.concatenate(weights)
        self.detections = self.exposure @ self.weight  # (K,) expected detections at full rate
        self.missed = [-np.expm1(-way.detection * self.exposure) for way in ways]

    def total(self, chosen: _Set) -> Floats:
        """(cells,) summed hazard of a set."""
        total = np.zeros(len(self.weight))
        for site, way in chosen:
            total += self.ways[way].detection * self.exposure[site]
        return total

    def cost(self, chosen: _Set) -> float:
        return float(sum(self.price[site, way] for site, way in chosen))

    def value(self, animals: Floats, detections: Floats) -> Floats:
        """The criterion; a thousandth of the other number decides where the least one does not."""
        recaptures = detections - animals
        if self.criterion == "animals":
            return animals
        if self.criterion == "recaptures":
            return recaptures
        return np.asarray(np.minimum(animals, recaptures) + 1e-3 * np.maximum(animals, recaptures))

    def score(self, chosen: _Set) -> float:
        """min(n, r), n or r of a set."""
        total = self.total(chosen)
        n = float(self.weight @ -np.expm1(-total))
        r = float(self.weight @ total) - n
        return {"min_n_r": min(n, r), "animals": n, "recaptures": r}[self.criterion]

    def free(self, chosen: _Set) -> NDArray[np.bool_]:
        """(K,) sites that could be added: allowed, not taken, and far enough from all in the set."""
        free = self.allowed.copy()
        sites = [site for site, _ in chosen]
        if sites:
            free[sites] = False
            if self.spacing > 0:
                gap = np.hypot(
                    self.xy[:, None, 0] - self.xy[sites, 0], self.xy[:, None, 1] - self.xy[sites, 1]
                )
                free &= (gap >= self.spacing * (1 - 1e-9)).all(axis=1)
        return free

    def best_addition(
        self, chosen: _Set, total: Floats, limit: _Limit, *, per_cost: bool
    ) -> tuple[tuple[int, int], float] | None:
        """The (site, option) that raises the criterion most, and the value of the set with it."""
        if len(chosen) >= limit.stations:
            return None
        left = limit.budget - self.cost(chosen)
        free = self.free(chosen)
        n, seen = float(self.weight @ -np.expm1(-total)), float(self.weight @ total)
        now = float(self.value(np.array([n]), np.array([seen]))[0])
        unseen = self.weight * np.exp(-total)
        best: tuple[tuple[int, int], float] | None = None
        best_rank = -math.inf
        for way, option in enumerate(self.ways):
            sites = np.flatnonzero(free & (self.price[:, way] <= left + 1e-9))
            if not sites.size:
                continue
            gained = (self.missed[way] @ unseen)[sites]
            value = self.value(n + gained, seen + option.detection * self.detections[sites])
            rank = (value - now) / np.maximum(self.price[sites, way], 1e-12) if per_cost else value
            at = int(np.argmax(rank))
            if rank[at] > best_rank:
                best, best_rank = ((int(sites[at]), way), float(value[at])), float(rank[at])
        return best

    def begin(self, limit: _Limit) -> _Set:
        return frozenset((site, 0) for site in limit.fixed)

    def greedy(self, chosen: _Set, limit: _Limit) -> _Set:
        """Add what helps most for its cost until nothing more fits."""
        total = self.total(chosen)
        spend = math.isfinite(limit.budget)
        while (found := self.best_addition(chosen, total, limit, per_cost=spend)) is not None:
            (site, way), _ = found
            chosen = chosen | {(site, way)}
            total = total + self.ways[way].detection * self.exposure[site]
        return chosen

    def random(self, limit: _Limit, rng: np.random.Generator) -> _Set:
        chosen = self.begin(limit)
        for site in rng.permutation(len(self.xy)):
            way = int(rng.integers(len(self.ways)))
            if len(chosen) >= limit.stations:
                break
            fits = self.cost(chosen) + self.price[site, way] <= limit.budget + 1e-9
            if fits and self.free(chosen)[site]:
                chosen = chosen | {(int(site), way)}
        return chosen

    def improve(self, chosen: _Set, limit: _Limit) -> tuple[_Set, int]:
        """Exchange stations, one for one (and add where money is left), until nothing helps."""
        total = self.total(chosen)
        exchanges = 0
        for _ in range(_ROUNDS):
            before = exchanges
            for site, way in sorted(chosen):
                if site in limit.fixed:
                    continue
                fewer = chosen - {(site, way)}
                rest = total - self.ways[way].detection * self.exposure[site]
                found = self.best_addition(fewer, rest, limit, per_cost=False)
                if found is not None and found[0] != (site, way):
                    now = self._value_of(total)
                    if found[1] > now * (1 + 1e-9):
                        chosen = self.greedy(fewer | {found[0]}, limit)
                        total = self.total(chosen)
                        exchanges += 1
                        continue
            if exchanges == before:
                break
        return chosen, exchanges

    def kicked(self, chosen: _Set, limit: _Limit, rng: np.random.Generator) -> tuple[_Set, int]:
        """Take two or three stations out at random and mend the set; keep what is better.

        Exchanges of one station get stuck where n and r hold each other in balance. Small problems are
        kicked often, large ones as often as a few seconds allow.
        """
        work = self.exposure.size * max(len(chosen), 1)
        exchanges, score = 0, self.score(chosen)
        for _ in range(int(np.clip(_KICK_WORK / work, *_KICKS))):
            free = sorted(pair for pair in chosen if pair[0] not in limit.fixed)
            if len(free) < 2:
                break
            out = rng.choice(len(free), size=min(int(rng.integers(2, 4)), len(free)), replace=False)
            rest = chosen - {free[i] for i in out}
            # One of the new ones at random, or the old set would come back.
            sites = np.flatnonzero(self.free(rest))
            site, way = int(rng.choice(sites)), int(rng.integers(len(self.ways)))
            if self.cost(rest) + self.price[site, way] <= limit.budget + 1e-9:
                rest = rest | {(site, way)}
            other, steps = self.improve(self.greedy(rest, limit), limit)
            if self.score(other) > score * (1 + 1e-9):
                chosen, score = other, self.score(other)
                exchanges += steps + 1
        return chosen, exchanges

    def _value_of(self, total: Floats) -> float:
        n, seen = float(self.weight @ -np.expm1(-total)), float(self.weight @ total)
        return float(self.value(np.array([n]), np.array([seen]))[0])

    def expected(self, chosen: _Set) -> ExpectedSurvey:
        """The full account of a set; the option of a site enters as effort."""
        pairs = sorted(chosen)
        sites = [site for site, _ in pairs]
        factor = np.array([self.ways[way].detection for _, way in pairs])
        found = expected_survey(
            self.xy[sites], self.effort[sites] * factor, animals=self.classes, mask=self.mask
        )
        return replace(found, station_days=float(self.effort[sites].sum()))

    def check_fixed(self, limit: _Limit) -> None:
        for site in limit.fixed:
            if not 0 <= site < len(self.xy) or not self.allowed[site]:
                raise ParameterError(f"fixed site {site} is no candidate, or lies in an excluded area")
        start = self.begin(limit)
        if len(start) > limit.stations or self.cost(start) > limit.budget + 1e-9:
            raise ParameterError("the fixed sites alone break the limit", fix="Raise the limit or fix fewer.")
        cheapest = float(self.price[self.allowed].min())
        if not start and cheapest > limit.budget:
            raise ParameterError(
                f"the cheapest site costs {cheapest:g} and the budget is {limit.budget:g}",
                fix="Raise the budget.",
            )


def _best_grid(field_: _Field, limit: _Limit) -> _Set | None:
    """The best set of candidates nearest to a square lattice, over spacings and offsets."""
    xy = field_.xy[field_.allowed]
    sites = np.flatnonzero(field_.allowed)
    low, high = xy.min(axis=0), xy.max(axis=0)
    way = int(np.argmin([w.cost for w in field_.ways]))
    ways = {way, int(np.argmax([w.detection for w in field_.ways]))}
    extent = float(np.ptp(xy, axis=0).max())
    narrow = max(field_.spacing, 0.5 * min(a.sigma_m for a in field_.classes))
    best: _Set | None = None
    for spacing in np.geomspace(narrow, max(extent, narrow * 1.01), 24):
        for offset in (0.0, 0.5):
            axes = [np.arange(low[i] + offset * spacing, high[i] + spacing / 2, spacing) for i in (0, 1)]
            lattice = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
            for option in ways:
                chosen = _snapped(field_, limit, sites, lattice, spacing, option)
                if chosen and (best is None or field_.score(chosen) > field_.score(best)):
                    best = chosen
    return best


def _snapped(
    field_: _Field, limit: _Limit, sites: Ints, lattice: Floats, spacing: float, way: int
) -> _Set | None:
    """Candidates nearest to lattice points; the compact part of the lattice round the middle if too many."""
    from scipy.spatial import cKDTree

    gap, nearest = cKDTree(field_.xy[sites]).query(lattice)
    middle = field_.xy[sites].mean(axis=0)
    order = np.lexsort((lattice[:, 1], lattice[:, 0], np.abs(lattice - middle).max(axis=1).round(3)))
    chosen: _Set = frozenset()
    spent = 0.0
    free = field_.allowed.copy()
    for point in order:
        site = int(sites[nearest[point]])
        if gap[point] > spacing / 2 or not free[site] or len(chosen) >= limit.stations:
            continue
        if spent + field_.price[site, way] > limit.budget + 1e-9:
            continue
        chosen = chosen | {(site, way)}
        spent += float(field_.price[site, way])
        free[site] = False
        if field_.spacing > 0:
            free &= np.hypot(*(field_.xy - field_.xy[site]).T) >= field_.spacing * (1 - 1e-9)
    return chosen or None


def _with_fixed(grid: _Set, limit: _Limit, field_: _Field) -> _Set:
    """Fixed sites first, then as much of the grid as still fits."""
    chosen = field_.begin(limit)
    for site, way in sorted(grid):
        fits = len(chosen) < limit.stations and field_.cost(chosen) + field_.price[site, way] <= limit.budget
        if fits and field_.free(chosen)[site]:
            chosen = chosen | {(site, way)}
    return chosen


def _allowed(xy: Floats, excluded: Polygon | None) -> NDArray[np.bool_]:
    if not len(xy):
        raise ParameterError("there is no candidate site")
    if excluded is None:
        return np.ones(len(xy), dtype=bool)
    import shapely

    inside = shapely.contains_xy(polygon(excluded), xy[:, 0], xy[:, 1])
    if inside.all():
        raise ParameterError(
            "every candidate lies in an excluded area", fix="Check the projection of the area."
        )
    return np.asarray(~inside)


def _prices(cost: ArrayLike, ways: Sequence[StationOption], n: int) -> Floats:
    site = np.array(np.broadcast_to(np.asarray(cost, dtype=np.float64), (n,)))
    price = site[:, None] + np.array([w.cost for w in ways])
    if not (np.isfinite(price) & (price >= 0)).all():
        raise ParameterError("a cost is missing or negative", fix="Give every site a cost of 0 or more.")
    if any(not w.detection > 0 for w in ways):
        raise ParameterError("an option detects nothing", fix="Give a detection factor above 0.")
    return np.asarray(price)


def _thinned(mask: Mask, xy: Floats, classes: Sequence[Animals]) -> Mask:
    """Wider cells where the candidates need very many; σ is still covered by at least one cell."""
    if mask.cells <= _MAX_CELLS:
        return mask
    from ghostcat.scr.mask import make_mask

    width = min(min(a.sigma_m for a in classes), mask.cell_m * math.sqrt(mask.cells / _MAX_CELLS))
    return make_mask(xy, buffer_m=mask.buffer_m, cell_m=width)
