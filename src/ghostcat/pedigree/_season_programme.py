"""The integer programme of a season: which litters of which parents give the most gene diversity.

With y_i the litters of animal i, ℓ young a litter and f the kinship of the living, the sum of all
kinships after the season is constant + J(y),

    J(y) = Σ_i ℓ (f_i· + ¼ − ¼ f_ii) y_i + ¼ ℓ² yᵀ f y,

so gene diversity depends on who breeds how often and not on who breeds with whom. J is convex:
it is minimised by outer approximation (Kelley 1960; Duran & Grossmann 1986). Each round solves a
linear integer programme in which J stands below its tangents so far, which bounds the optimum, and
adds the tangent at the answer. Before that, as much of the diagonal of f as leaves it positive
semidefinite is taken out and put back as Σ d_i y_i², which is linear for y in {0, 1} and piecewise
linear between whole numbers above: the tangents then lie closer (Billionnet et al. 2009, Math. Program.).
What is left is split into its strongest directions, each with tangents of its own, and the rest.

Pairs are no variables. v_is are the litters of animal i at place s, in balance between the sexes at
each place; a cut between dams and sires that the open pairs cannot carry (Hall; Ford & Fulkerson) is
added when it is met. Where nothing limits places there is one place and nobody moves. When the litters
of each animal are settled, moves are chosen by their cost and pairs at each place by their score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.pedigree.suitability import Institutions, PairScores

__all__ = ["Limits", "Programme", "Row", "homes", "places_bind", "removable_diagonal"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Directions of the quadratic form that get tangents of their own.
DIRECTIONS = 40

Row = tuple[Floats, Integers, float, float]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a season has to keep to; see `plan_season`."""

    litters: int
    pairs_per_female: int
    pairs_per_male: int
    transfer_budget: float | None
    max_transfers: int | None


class Programme:
    """Variables v (litters of an animal at a place), y (litters of an animal), z (moves), w (y² where y may
    exceed 1), u (directions), q (their squares from below), t (tangents of the rest).
    """

    def __init__(
        self,
        scores: PairScores,
        limits: Limits,
        *,
        placed: bool,
        among: NDArray[np.bool_] | None = None,
    ) -> None:
        self.scores, self.limits = scores, limits
        stock, institutions = scores.stock, scores.institutions
        self.n = len(stock.ids)
        self.placed = placed
        self.home = homes(stock.site, institutions)
        self.female = np.array([sex == "female" for sex in stock.sex])
        self.open = np.flatnonzero(scores.open)
        self.most = np.where(self.female, limits.pairs_per_female, limits.pairs_per_male).astype(np.float64)
        paired = np.zeros(self.n, dtype=bool)
        paired[scores.dam[self.open]] = paired[scores.sire[self.open]] = True
        self.most[~paired] = 0.0
        if among is not None:
            self.most[~among] = 0.0
        self._lay_out()
        self._prepare_objective()
        self.rows: list[Row] = []
        self.wanted: list[Row] = []
        """The two rows that ask for the number of litters."""
        self._constrain()

    def _lay_out(self) -> None:
        """Which animal can be where, and what it costs to bring it there."""
        breeders = np.flatnonzero(self.most > 0).tolist()
        institutions = self.scores.institutions
        self.moves: list[tuple[int, int]] = []
        costs: list[float] = []
        if not self.placed or institutions is None:
            self.places = 1
            self.at = [(i, 0) for i in breeders]
        else:
            self.places = len(institutions.names)
            self.at = []
            for i in breeders:
                here = int(self.home[i])
                for s in range(self.places):
                    cost = 0.0 if here < 0 else float(institutions.cost[here, s])
                    if s != here and np.isfinite(cost):
                        self.moves.append((i, s))
                        costs.append(cost)
                    if s == here or np.isfinite(cost):
                        self.at.append((i, s))
        self.move_cost = np.array(costs)
        self.entry = {key: k for k, key in enumerate(self.at)}

    def _prepare_objective(self) -> None:
        f = self.scores.stock.kinship
        litter = self.scores.litter
        own = np.diag(f)
        self.slope = litter * (f.sum(axis=1) + 0.25 - 0.25 * own)
        self.bend = 0.25 * litter**2
        chosen = np.flatnonzero(self.most > 0)
        self.diagonal = np.zeros(self.n)
        if len(chosen):
            self.diagonal[chosen] = removable_diagonal(f[np.ix_(chosen, chosen)])
        rest = np.zeros_like(f)
        rest[np.ix_(chosen, chosen)] = (f - np.diag(self.diagonal))[np.ix_(chosen, chosen)]
        values, vectors = np.linalg.eigh(rest)
        strong = np.flatnonzero(values > 1e-9)[::-1][:DIRECTIONS]
        self.strength, self.direction = values[strong], vectors[:, strong].T.copy()
        self.rest = rest - (self.direction.T * self.strength) @ self.direction
        self.several = np.flatnonzero(self.most > 1)
        sizes = (len(self.at), self.n, len(self.moves), len(self.several), len(strong), len(strong), 1)
        ends = np.cumsum(sizes)
        self.y, self.z, self.w, self.u, self.q, self.t = (int(end) for end in ends[:6])
        self.size = int(ends[-1])

    def _row(self, columns: Sequence[int], values: Sequence[float], lower: float, upper: float) -> None:
        self.rows.append(
            (np.asarray(values, dtype=np.float64), np.asarray(columns, dtype=np.int64), lower, upper)
        )

    def _constrain(self) -> None:
        limits = self.limits
        litters = float(limits.litters)
        of_animal: dict[int, list[int]] = {}
        for k, (i, _) in enumerate(self.at):
            of_animal.setdefault(i, []).append(k)
        for i, columns in of_animal.items():
            self._row([*columns, self.y + i], [1.0] * len(columns) + [-1.0], 0.0, 0.0)
        for sex in (self.female, ~self.female):
            breeders = self.y + np.flatnonzero(sex & (self.most > 0))
            self.wanted.append((np.ones(len(breeders)), breeders, litters, litters))
        for s in range(self.places):
            mine = [k for k, (_, place) in enumerate(self.at) if place == s]
            sign = [1.0 if self.female[self.at[k][0]] else -1.0 for k in mine]
            self._row(mine, sign, 0.0, 0.0)
        for d, direction in enumerate(self.direction):
            columns = [*range(self.y, self.y + self.n), self.u + d]
            self._row(columns, [*direction.tolist(), -1.0], 0.0, 0.0)
        for k, i in enumerate(self.several.tolist()):
            for v in range(int(self.most[i])):
                self._row([self.w + k, self.y + i], [1.0, -(2.0 * v + 1.0)], -v * (v + 1.0), np.inf)
        if self.placed:
            self._constrain_places()

    def _constrain_places(self) -> None:
        """Litters only where the animal is; transfers within budget and number; animals within space."""
        limits, institutions = self.limits, self.scores.institutions
        assert institutions is not None
        ways: dict[int, list[int]] = {}
        for m, (i, s) in enumerate(self.moves):
            ways.setdefault(i, []).append(self.z + m)
            self._row([self.entry[i, s], self.z + m], [1.0, -float(self.most[i])], -np.inf, 0.0)
        for i, mine in ways.items():
            self._row(mine, [1.0] * len(mine), -np.inf, 1.0)
            stays = self.entry.get((i, int(self.home[i])))
            if stays is not None:
                most = float(self.most[i])
                self._row([stays, *mine], [1.0] + [most] * len(mine), -np.inf, most)
        every = [self.z + m for m in range(len(self.moves))]
        if limits.transfer_budget is not None and every:
            self._row(every, self.move_cost.tolist(), -np.inf, limits.transfer_budget)
        if limits.max_transfers is not None and every:
            known = [self.z + m for m, (i, _) in enumerate(self.moves) if self.home[i] >= 0]
            self._row(known, [1.0] * len(known), -np.inf, float(limits.max_transfers))
        for s, space in enumerate(institutions.space.tolist()):
            if np.isfinite(space):
                self._constrain_space(s, space)

    def _constrain_space(self, s: int, space: float) -> None:
        """Animals that stay, come, and are born at `s` fit; a place that is too full already only shrinks."""
        here = float((self.home == s).sum())
        columns = [self.z + m for m, (i, to) in enumerate(self.moves) if to == s or self.home[i] == s]
        values = [1.0 if self.moves[c - self.z][1] == s else -1.0 for c in columns]
        born = [k for k, (i, place) in enumerate(self.at) if place == s and self.female[i]]
        self._row(columns + born, values + [self.scores.litter] * len(born), -np.inf, max(space, here) - here)

    def objective(self, y: Floats) -> float:
        """J at whole numbers of litters."""
        return float(self.slope @ y + self.bend * (y @ self.scores.stock.kinship @ y))

    def tangents(self, y: Floats) -> list[Row]:
        """The convex parts of J linearised at `y`, one row each."""
        rows: list[Row] = []
        for d, at in enumerate((self.direction @ y).tolist()):
            height = self.bend * float(self.strength[d])
            columns = np.array([self.q + d, self.u + d])
            rows.append((np.array([1.0, -2.0 * height * at]), columns, -height * at * at, np.inf))
        columns = np.append(np.arange(self.y, self.y + self.n), self.t)
        slope = -2.0 * self.bend * (self.rest @ y)
        rows.append((np.append(slope, 1.0), columns, float(-self.bend * (y @ self.rest @ y)), np.inf))
        return rows

    def linearised(self, point: Floats) -> float:
        """How far the tangents lie below J at `point`."""
        y = point[self.y : self.y + self.n]
        whole = self.rest + (self.direction.T * self.strength) @ self.direction
        return self.bend * float(y @ whole @ y) - float(point[self.q : self.t + 1].sum())

    def costs(self) -> Floats:
        """Coefficients of the linear objective of stage one."""
        c = np.zeros(self.size)
        c[self.y : self.y + self.n] = self.slope
        single = np.setdiff1d(np.arange(self.n), self.several)
        c[self.y + single] += self.bend * self.diagonal[single]
        c[self.w : self.w + len(self.several)] = self.bend * self.diagonal[self.several]
        c[self.q : self.t + 1] = 1.0
        return c

    def bounds(self, y: Floats | None = None) -> tuple[Floats, Floats]:
        """Lower and upper bounds of all variables; `y` fixes the litters of each animal."""
        lower, upper = np.zeros(self.size), np.ones(self.size)
        upper[: self.y] = [self.most[i] for i, _ in self.at]
        upper[self.y : self.y + self.n] = self.most
        if y is not None:
            lower[self.y : self.y + self.n] = upper[self.y : self.y + self.n] = y
        upper[self.w : self.w + len(self.several)] = self.most[self.several] ** 2
        lower[self.u : self.q] = -np.inf
        upper[self.u :] = np.inf
        lower[self.t] = -np.inf
        return lower, upper

    def integral(self) -> Floats:
        """1 where a variable is whole: litters and moves."""
        whole = np.zeros(self.size)
        whole[: self.w] = 1.0
        return whole

    def cut(self, dams: Integers, sires: Integers, between: int) -> list[Row]:
        """At each place: litters of `dams` ≤ litters of `sires` + open pairs of dams with other sires."""
        rows: list[Row] = []
        for s in range(self.places):
            plus = [self.entry[i, s] for i in sires.tolist() if (i, s) in self.entry]
            minus = [self.entry[i, s] for i in dams.tolist() if (i, s) in self.entry]
            if minus:
                values = np.array([1.0] * len(plus) + [-1.0] * len(minus))
                rows.append((values, np.array(plus + minus, dtype=np.int64), -float(between), np.inf))
        return rows


def places_bind(scores: PairScores, limits: Limits) -> bool:
    """Whether anything limits where animals can be."""
    return scores.institutions is not None and (
        limits.transfer_budget is not None
        or limits.max_transfers is not None
        or bool(np.isfinite(scores.institutions.space).any())
    )


def removable_diagonal(matrix: Floats) -> Floats:
    """A diagonal that can be taken from a positive semidefinite matrix and leave it so.

    Proportional to 1/(M⁻¹)_ii, the most that each could lose alone. Zeros where the matrix is singular.

    >>> removable_diagonal(np.diag([0.5, 0.25])).round(6)
    array([0.5 , 0.25])
    """
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 1e-9 * max(float(values[-1]), 1e-300):
        return np.zeros(len(matrix))
    inverse = (vectors / values) @ vectors.T
    alone = 1.0 / np.diag(inverse)
    root = np.sqrt(alone)
    largest = float(np.linalg.eigvalsh(root[:, None] * inverse * root[None, :])[-1])
    return np.asarray(alone / largest * (1.0 - 1e-9))


def homes(sites: Sequence[str], institutions: Institutions | None) -> Integers:
    at = {name: k for k, name in enumerate(institutions.names)} if institutions else {}
    return np.array([at.get(site, -1) for site in sites], dtype=np.int64)
