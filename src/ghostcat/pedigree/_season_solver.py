"""Solving the integer programme of a season: rounds of tangents and cuts, moves, and partners."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.pedigree._season_programme import Limits, Programme, Row, places_bind
from ghostcat.pedigree.suitability import PairScores

__all__ = ["Answer", "most_litters", "solve"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Stop when no plan can beat the one found by more gene diversity than this.
PROVEN = 1e-7


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Chosen pairs with what proves them."""

    pairs: Integers
    """Positions of the chosen pairs in the scores."""
    places: Integers
    """Where each meets; 0 throughout when nothing limits places."""
    moves: tuple[tuple[int, int], ...]
    """(animal, institution) of each transfer."""
    objective: float
    bound: float
    """No choice can have a smaller objective."""
    rounds: int
    seconds: float


def solve(scores: PairScores, limits: Limits, *, seconds: float, hint: Floats | None = None) -> Answer | None:
    """Best litters, then cheap moves and the pairs with the best scores; None: impossible in this time.

    Where places bind, the season is first solved as if they did not. Often the same litters can be
    had under the limits too, and are then the best there are; if not, the search goes on among the
    animals of that answer and the next best, and the answer without limits stays the bound. `hint`
    are litters of each animal that are known to be possible, taken when nothing better is found in time.
    """
    started = time.perf_counter()
    free = Programme(scores, limits, placed=False)
    binding = places_bind(scores, limits)
    best = _search(free, seconds=0.5 * seconds if binding else seconds)
    if best is None:
        return None
    if binding:
        left = seconds - (time.perf_counter() - started)
        found = _under_limits(scores, limits, best, hint, seconds=left)
        if found is None:
            return None
        best = found
    pairs, places = _pair_up(best)
    return Answer(
        pairs=pairs,
        places=places,
        moves=best.moves(),
        objective=best.objective,
        bound=min(best.bound, best.objective),
        rounds=best.rounds,
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    programme: Programme
    point: Floats
    objective: float
    bound: float
    rounds: int

    @property
    def y(self) -> Floats:
        first = self.programme.y
        return np.asarray(np.rint(self.point[first : first + self.programme.n]))

    def moves(self) -> tuple[tuple[int, int], ...]:
        """Moves of animals that have a litter where they go."""
        programme = self.programme
        made = self.point[programme.z : programme.z + len(programme.moves)] > 0.5
        return tuple(
            move
            for move, yes in zip(programme.moves, made, strict=True)
            if yes and self.point[programme.entry[move]] > 0.5
        )


def _under_limits(
    scores: PairScores, limits: Limits, free: _Found, hint: Floats | None, *, seconds: float
) -> _Found | None:
    """The season with places, starting from its answer without them."""
    full = Programme(scores, limits, placed=True)
    same = _cheapest_moves(full, free.y, seconds=max(0.3 * seconds, 2.0))
    if same is not None:
        return _Found(
            programme=full, point=same, objective=free.objective, bound=free.bound, rounds=free.rounds
        )
    gradient = full.slope + 2.0 * full.bend * (scores.stock.kinship @ free.y)
    among = free.y > 0
    for sex in (full.female, ~full.female):
        others = np.flatnonzero(sex & (full.most > 0) & ~among)
        among[others[np.argsort(gradient[others])][: limits.litters]] = True
    near = Programme(scores, limits, placed=True, among=among)
    found = _search(near, seconds=max(0.5 * seconds, 2.0))
    best = None
    if found is not None:
        cheap = _cheapest_moves(near, found.y, seconds=max(0.2 * seconds, 2.0))
        best = replace(found, point=found.point if cheap is None else cheap)
    if hint is not None and hint[full.female].sum() == limits.litters:
        value = full.objective(hint)
        known = None
        if best is None or value < best.objective:
            known = _cheapest_moves(full, hint, seconds=max(0.3 * seconds, 2.0))
        if known is not None:
            best = _Found(programme=full, point=known, objective=value, bound=free.bound, rounds=0)
    if best is None:
        best = _search(full, seconds=max(0.3 * seconds, 2.0))
    # what was found among some animals is no bound for all of them
    return None if best is None else replace(best, bound=free.bound, rounds=free.rounds + best.rounds)


def _search(programme: Programme, *, seconds: float) -> _Found | None:
    """Outer approximation: first of the relaxed programme, which is quick, then of the whole one."""
    started = time.perf_counter()
    scale = (programme.n + programme.scores.litter * programme.limits.litters) ** 2
    cuts = programme.tangents(_start(programme))
    bound, best, kept, rounds, whole = -np.inf, np.inf, None, 0, False
    while kept is None or time.perf_counter() - started < seconds:
        rounds += 1
        left = max(seconds - (time.perf_counter() - started), 0.2 * seconds, 1.0)
        found = _milp(programme, programme.costs(), cuts, whole=whole, seconds=left)
        if found is None:
            if kept is None:
                return None
            break
        point, below = found
        bound = max(bound, below)
        y = point[programme.y : programme.y + programme.n]
        y = np.rint(y) if whole else y
        missing = _missing_pairs(programme, point, whole=whole)
        cuts += missing
        if whole and not missing and programme.objective(y) < best:
            best, kept = programme.objective(y), point
        if best - bound <= PROVEN * scale:
            break
        cuts += programme.tangents(y)
        if not whole and not missing:
            spent = time.perf_counter() - started
            whole = programme.linearised(point) <= PROVEN * scale or spent > 0.3 * seconds
    assert kept is not None
    return _Found(programme=programme, point=kept, objective=best, bound=bound, rounds=rounds)


def _cheapest_moves(programme: Programme, y: Floats, *, seconds: float) -> Floats | None:
    """Where the animals that have these litters should be, for the least cost; None: not possible."""
    if (y > programme.most + 0.5).any():
        return None
    c = np.zeros(programme.size)
    dearest = float(programme.move_cost.max(initial=0.0)) or 1.0
    c[programme.z : programme.z + len(programme.moves)] = 0.02 + programme.move_cost / dearest
    cuts: list[Row] = []
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        found = _milp(programme, c, cuts, whole=True, seconds=seconds, y=y)
        if found is None:
            return None
        missing = _missing_pairs(programme, found[0], whole=True)
        if not missing:
            return found[0]
        cuts += missing
    return None


def most_litters(scores: PairScores, limits: Limits, *, seconds: float) -> Floats:
    """Litters of each animal when there are as many as the limits allow, up to those wanted."""
    programme = Programme(scores, limits, placed=places_bind(scores, limits))
    c = np.zeros(programme.size)
    c[programme.y + np.flatnonzero(programme.female)] = -1.0
    cuts = [(values, columns, -np.inf, upper) for values, columns, _, upper in programme.wanted]
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        found = _milp(programme, c, cuts, whole=True, seconds=seconds, litters=False)
        if found is None:
            break
        missing = _missing_pairs(programme, found[0], whole=True)
        if not missing:
            return np.asarray(np.rint(found[0][programme.y : programme.y + programme.n]))
        cuts += missing
    return np.zeros(programme.n)


def _missing_pairs(programme: Programme, point: Floats, *, whole: bool) -> list[Row]:
    """Cuts that `point` violates, where the open pairs cannot carry the litters at a place."""
    rows: list[Row] = []
    litters = point[: len(programme.at)]
    for s in range(programme.places):
        amount = np.zeros(programme.n)
        for k, (i, place) in enumerate(programme.at):
            if place == s:
                amount[i] = litters[k]
        side = _short_side(programme, amount, grain=1 if whole else 10**5)
        if side is not None:
            dams = np.flatnonzero(programme.female & side & (programme.most > 0))
            sires = np.flatnonzero(~programme.female & side & (programme.most > 0))
            dam, sire = programme.scores.dam[programme.open], programme.scores.sire[programme.open]
            rows += programme.cut(dams, sires, int((side[dam] & ~side[sire]).sum()))
    return rows


def _short_side(programme: Programme, amount: Floats, *, grain: int) -> NDArray[np.bool_] | None:
    """(n,) the source side of a smallest cut when litters of dams cannot all flow to sires, else None."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n = programme.n
    dam, sire = programme.scores.dam[programme.open], programme.scores.sire[programme.open]
    room = np.rint(amount * grain).astype(np.int32)
    mothers = np.flatnonzero(programme.female & (room > 0))
    fathers = np.flatnonzero(~programme.female & (room > 0))
    if not len(mothers):
        return None
    start = np.concatenate([np.full(len(mothers), n), dam, fathers])
    end = np.concatenate([mothers, sire, np.full(len(fathers), n + 1)])
    rooms = np.concatenate([room[mothers], np.full(len(dam), grain), room[fathers]]).astype(np.int32)
    graph = csr_array((rooms, (start, end)), shape=(n + 2, n + 2))
    flow = maximum_flow(graph, n, n + 1)
    if flow.flow_value >= int(room[mothers].sum()) - (0 if grain == 1 else 4 * n):
        return None
    residual = csr_array(graph - flow.flow)
    residual.eliminate_zeros()
    reached = np.zeros(n + 2, dtype=bool)
    reached[breadth_first_order(residual, n, return_predecessors=False)] = True
    return reached[:n]


def _start(programme: Programme) -> Floats:
    """A first point for a tangent: litters spread evenly over those who may have them."""
    share = programme.most.copy()
    for mine in (programme.female, ~programme.female):
        total = float(share[mine].sum())
        if total:
            share[mine] *= programme.limits.litters / total
    return share


def _milp(
    programme: Programme,
    costs: Floats,
    cuts: Sequence[Row],
    *,
    whole: bool,
    seconds: float,
    y: Floats | None = None,
    litters: bool = True,
) -> tuple[Floats, float] | None:
    """Solution and its lower bound; None when there is none."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    rows = [*programme.rows, *(programme.wanted if litters else ()), *cuts]
    starts = np.concatenate([[0], np.cumsum([len(row[1]) for row in rows])])
    matrix = csr_array(
        (np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows]), starts),
        shape=(len(rows), programme.size),
    )
    lower, upper = programme.bounds(y)
    with _nothing_printed():
        answer = milp(
            costs,
            integrality=programme.integral() if whole else None,
            bounds=Bounds(lower, upper),
            constraints=LinearConstraint(matrix, [row[2] for row in rows], [row[3] for row in rows]),
            options={"time_limit": seconds, "mip_rel_gap": 1e-9},
        )
    if answer.x is None:
        return None
    below = answer.mip_dual_bound if whole and answer.mip_dual_bound is not None else answer.fun
    return np.asarray(answer.x), float(below)


@contextmanager
def _nothing_printed() -> Iterator[None]:
    """Close standard output to the solver: HiGHS 1.12 prints a debugging line past every option."""
    try:
        sys.stdout.flush()
        kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError, AttributeError):  # no such output, as in a window without a console
        yield
        return
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _pair_up(found: _Found) -> tuple[Integers, Integers]:
    """Pairs with the best scores at each place, and the places."""
    programme = found.programme
    litters = np.rint(found.point[: len(programme.at)])
    pairs: list[int] = []
    places: list[int] = []
    for s in range(programme.places):
        amount = np.zeros(programme.n)
        for k, (i, place) in enumerate(programme.at):
            if place == s:
                amount[i] = litters[k]
        chosen = _best_pairs(programme, amount)
        pairs += chosen
        places += [s] * len(chosen)
    return np.array(pairs, dtype=np.int64), np.array(places, dtype=np.int64)


def _best_pairs(programme: Programme, amount: Floats) -> list[int]:
    """Pairs with the highest total score in which animal i has `amount[i]` litters: a transport problem."""
    from scipy.optimize import LinearConstraint, milp
    from scipy.sparse import csr_array

    dam, sire = programme.scores.dam[programme.open], programme.scores.sire[programme.open]
    mine = np.flatnonzero((amount[dam] > 0) & (amount[sire] > 0))
    if not len(mine):
        return []
    ends = np.concatenate([dam[mine], sire[mine]])
    columns = np.tile(np.arange(len(mine)), 2)
    matrix = csr_array((np.ones(len(ends)), (ends, columns)), shape=(programme.n, len(mine)))
    with _nothing_printed():
        answer = milp(
            -programme.scores.score[programme.open[mine]],
            integrality=np.ones(len(mine)),
            bounds=(0, 1),
            constraints=LinearConstraint(matrix, amount, amount),
        )
    assert answer.x is not None  # no cut stood in the way
    return [int(programme.open[k]) for k in mine[answer.x > 0.5]]
