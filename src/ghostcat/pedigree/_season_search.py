"""Plans made step by step under the limits of a season: at random, by habit, and improved by exchange."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ghostcat.pedigree._season_programme import Limits, homes, places_bind
from ghostcat.pedigree._season_solver import Answer
from ghostcat.pedigree.suitability import PairScores

__all__ = ["greedy_pairs", "improved_pairs", "litters_of", "random_pairs", "stepwise_answer"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Improving exchanges of one pair that are tried for their place in the limits, best first.
_TRIED = 60


def random_pairs(scores: PairScores, limits: Limits, *, rng: np.random.Generator) -> Integers:
    """Positions of open pairs, drawn one after the other at random while the limits allow."""
    return _fill(scores, rng.permutation(np.flatnonzero(scores.open)), limits)


def greedy_pairs(scores: PairScores, limits: Limits) -> Integers:
    """The lowest mean kinships paired: dam by dam in order, each with the lowest sire that is open to her.

    This is how a studbook is planned by hand: both sexes are listed by mean kinship and read from the top.
    """
    mean = scores.stock.mean_kinship
    open_pairs = np.flatnonzero(scores.open)
    order = np.lexsort((mean[scores.sire[open_pairs]], mean[scores.dam[open_pairs]]))
    return _fill(scores, open_pairs[order], limits)


def improved_pairs(
    scores: PairScores, limits: Limits, *, rng: np.random.Generator, seconds: float
) -> Integers:
    """The best of several stepwise plans after exchanging single pairs while gene diversity rises.

    Starts: the lowest mean kinships in turn, the pairs with the lowest sum of mean kinships, those at one
    place first, and disturbed orders while time is left. Every plan keeps to the limits.
    """
    started = time.perf_counter()
    mean = scores.stock.mean_kinship
    open_pairs = np.flatnonzero(scores.open)
    both = mean[scores.dam[open_pairs]] + mean[scores.sire[open_pairs]]
    away = np.nan_to_num(scores.transfer_cost[open_pairs], nan=0.0, posinf=0.0) > 0
    spread = float(both.std()) or 1.0
    best, best_key = greedy_pairs(scores, limits), (-1, np.inf)
    turn = 0
    while turn < 4 or time.perf_counter() - started < seconds:
        if turn == 0:
            plan = best
        else:
            stay = (turn % 4) * 0.5 * spread
            noise = 0.15 * spread * (turn > 3) * rng.standard_normal(len(both))
            plan = _fill(scores, open_pairs[np.argsort(both + stay * away + noise, kind="stable")], limits)
        plan = _exchanged(scores, limits, plan, until=started + seconds)
        key = (len(plan), _sum_of_kinships(scores, litters_of(scores, plan)))
        if key[0] > best_key[0] or (key[0] == best_key[0] and key[1] < best_key[1] - 1e-12):
            best, best_key = plan, key
        turn += 1
        if turn >= 24:
            break
    return best


def _sum_of_kinships(scores: PairScores, y: Floats) -> float:
    """J of the integer programme: what litters add to the sum of all kinships."""
    slope, bend = _terms(scores)
    return float(slope @ y + bend * (y @ scores.stock.kinship @ y))


def _terms(scores: PairScores) -> tuple[Floats, float]:
    f = scores.stock.kinship
    return scores.litter * (f.sum(axis=1) + 0.25 - 0.25 * np.diag(f)), 0.25 * scores.litter**2


def _exchanged(scores: PairScores, limits: Limits, plan: Integers, *, until: float) -> Integers:
    """One pair out, one in, as long as that lowers the sum of kinships and the limits allow it."""
    slope, bend = _terms(scores)
    f = scores.stock.kinship
    own = np.diag(f)
    open_pairs = np.flatnonzero(scores.open)
    dam, sire = scores.dam[open_pairs], scores.sire[open_pairs]
    fixed = slope[dam] + slope[sire] + bend * (own[dam] + own[sire] + 2.0 * f[dam, sire])
    current = plan.tolist()
    changed = True
    while changed and time.perf_counter() < until:
        changed = False
        for position in range(len(current)):
            rest = current[:position] + current[position + 1 :]
            pull = 2.0 * bend * (f @ litters_of(scores, np.array(rest, dtype=np.int64)))
            value = fixed + pull[dam] + pull[sire]
            now = value[np.searchsorted(open_pairs, current[position])]
            for k in np.argsort(value, kind="stable")[:_TRIED].tolist():
                if value[k] >= now - 1e-12:
                    break
                other = int(open_pairs[k])
                if other not in rest and _keeps(scores, limits, [*rest, other]):
                    current, changed = [*rest, other], True
                    break
            if time.perf_counter() >= until:
                break
    return np.array(current, dtype=np.int64)


def _keeps(scores: PairScores, limits: Limits, plan: Sequence[int]) -> bool:
    """Whether all pairs of `plan` fit under the limits, one after the other."""
    return len(_fill(scores, np.array(plan, dtype=np.int64), limits)) == len(plan)


def _fill(scores: PairScores, order: Integers, limits: Limits) -> Integers:
    left = np.array(
        [limits.pairs_per_female if sex == "female" else limits.pairs_per_male for sex in scores.stock.sex],
        dtype=np.int64,
    )
    places = _Places(scores, limits)
    chosen: list[int] = []
    for p in order.tolist():
        i, j = int(scores.dam[p]), int(scores.sire[p])
        if left[i] and left[j] and places.take(p):
            left[i] -= 1
            left[j] -= 1
            chosen.append(p)
            if len(chosen) == limits.litters:
                break
    return np.array(chosen, dtype=np.int64)


def litters_of(scores: PairScores, pairs: Integers) -> Floats:
    """Litters of each animal in a plan."""
    both = np.concatenate([scores.dam[pairs], scores.sire[pairs]])
    return np.bincount(both, minlength=len(scores.stock.ids)).astype(np.float64)


class _Places:
    """Where animals are while pairs are added: budget, transfers and space that are left.

    The cheaper partner travels, once; an animal that has a pair stays where that pair is.
    """

    def __init__(self, scores: PairScores, limits: Limits) -> None:
        self.scores, self.limits = scores, limits
        self.institutions = scores.institutions if places_bind(scores, limits) else None
        self.meet: list[int] = []
        if self.institutions is None:
            return
        self.home = homes(scores.stock.site, self.institutions)
        self.at = self.home.copy()
        self.fixed = np.zeros(len(self.home), dtype=bool)
        self.load = np.array([float((self.home == s).sum()) for s in range(len(self.institutions.names))])
        self.room = np.maximum(self.institutions.space, self.load)
        self.cost, self.moves = 0.0, 0

    def take(self, pair: int) -> bool:
        """Add a pair if it fits."""
        if self.institutions is None:
            self.meet.append(0)
            return True
        i, j = int(self.scores.dam[pair]), int(self.scores.sire[pair])
        for cost, mover, target in sorted(self._ways(i, j)):
            if not self._fits(cost, mover, target):
                continue
            self.cost += cost
            if mover >= 0:
                self.moves += 1
                self.load[self.at[mover]] -= 1
                self.load[target] += 1
                self.at[mover] = target
            if target >= 0:
                self.load[target] += self.scores.litter
            self.fixed[i] = self.fixed[j] = True
            self.meet.append(target)
            return True
        return False

    def _ways(self, i: int, j: int) -> list[tuple[float, int, int]]:
        """(cost, who travels or -1, where to) for two animals to meet."""
        assert self.institutions is not None
        a, b = int(self.at[i]), int(self.at[j])
        if a == b or a < 0 or b < 0:
            return [(0.0, -1, max(a, b))]
        ways = [(float(self.institutions.cost[a, b]), i, b), (float(self.institutions.cost[b, a]), j, a)]
        return [way for way in ways if not self.fixed[way[1]] and np.isfinite(way[0])]

    def _fits(self, cost: float, mover: int, target: int) -> bool:
        limits, travels = self.limits, mover >= 0
        if limits.transfer_budget is not None and self.cost + cost > limits.transfer_budget:
            return False
        if limits.max_transfers is not None and self.moves + travels > limits.max_transfers:
            return False
        return target < 0 or self.load[target] + self.scores.litter + travels <= self.room[target] + 1e-9


def stepwise_answer(scores: PairScores, limits: Limits, plan: Integers) -> Answer:
    """A stepwise plan with its places and moves, and a bound from the linear part alone."""
    places = _Places(scores, limits)
    for p in plan.tolist():
        places.take(p)
    slope, _ = _terms(scores)
    bound = 0.0
    for sex, most in (("female", limits.pairs_per_female), ("male", limits.pairs_per_male)):
        mine = np.repeat(np.sort(slope[[s == sex for s in scores.stock.sex]]), most)
        bound += float(np.sort(mine)[: len(plan)].sum())
    moved = () if places.institutions is None else np.flatnonzero(places.at != places.home).tolist()
    value = _sum_of_kinships(scores, litters_of(scores, plan))
    return Answer(
        pairs=plan,
        places=np.array(places.meet, dtype=np.int64),
        moves=tuple((i, int(places.at[i])) for i in moved),
        objective=value,
        bound=min(bound, value),
        rounds=0,
        seconds=0.0,
    )
