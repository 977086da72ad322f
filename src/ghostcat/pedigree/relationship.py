"""How two animals are related in full: nine condensed identity states, and kappa without inbreeding."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree.pedigree import Pedigree, generations

__all__ = ["Relationship", "relationship"]

Floats = NDArray[np.float64]

#: Rows: 1, 2φ_aa, 2φ_bb, 4φ_ab, 8φ_aab, 8φ_abb, 16φ_aabb, 4φ_aa,bb, 16φ_ab,ab as sums of Δ1…Δ9 (Karigl 1981).
_SYSTEM = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1, 1, 1],
        [2, 2, 2, 2, 1, 1, 1, 1, 1],
        [2, 2, 1, 1, 2, 2, 1, 1, 1],
        [4, 0, 2, 0, 2, 0, 2, 1, 0],
        [8, 0, 4, 0, 2, 0, 2, 1, 0],
        [8, 0, 2, 0, 4, 0, 2, 1, 0],
        [16, 0, 4, 0, 4, 0, 2, 1, 0],
        [4, 4, 2, 2, 2, 2, 1, 1, 1],
        [16, 0, 4, 0, 4, 0, 4, 1, 0],
    ],
    dtype=np.float64,
)
#: Generalised kinships that are kept before the pair counts as too deep in one family.
_LARGEST = 3_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Relationship:
    """Identity by descent between two animals.

    Attributes
    ----------
    kinship : the kinship coefficient.
    states : (9,) condensed identity coefficients Δ1…Δ9 of Jacquard.
    kappa : (3,) chances to share 0, 1, 2 alleles; NaN when one of the two is inbred.
    """

    kinship: float
    states: Floats
    kappa: Floats


def relationship(pedigree: Pedigree, one: int, other: int) -> Relationship:
    """Condensed identity coefficients of two animals, exactly.

    Parameters
    ----------
    one, other : positions of two different animals.

    Raises
    ------
    ParameterError : one animal twice, or uncertain parents.
    EstimateRefused : `too_deep`, the recursion is too large.

    References
    ----------
    Karigl (1981) Ann Hum Genet 45:299; Jacquard (1974).

    >>> from ghostcat.pedigree import make_pedigree
    >>> sibs = make_pedigree(["a", "b"], ["m", "m"], ["f", "f"])
    >>> relationship(sibs, 0, 1).kappa.tolist()
    [0.25, 0.5, 0.25]
    """
    if one == other:
        raise ParameterError("a relationship is between two animals")
    if pedigree.odds or pedigree.founder_kinship is not None:
        raise ParameterError("identity states need certain parents and unrelated founders")
    phi = _Karigl(pedigree)
    a, b = one, other
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    try:
        sides = np.array(
            [
                1.0,
                2 * phi.pair(a, a),
                2 * phi.pair(b, b),
                4 * phi.pair(a, b),
                8 * phi.among((a, a, b)),
                8 * phi.among((a, b, b)),
                16 * phi.among((a, a, b, b)),
                4 * phi.two_pairs((a, a), (b, b)),
                16 * phi.two_pairs((a, b), (a, b)),
            ]
        )
    finally:
        sys.setrecursionlimit(limit)
    states = np.linalg.solve(_SYSTEM, sides)
    states[np.abs(states) < 1e-12] = 0.0
    inbred = states[:6].sum() > 1e-12
    kappa = np.full(3, np.nan) if inbred else states[[8, 7, 6]]
    return Relationship(kinship=phi.pair(a, b), states=states, kappa=kappa)


class _Karigl:
    """Chances that alleles drawn from several animals are identical; -1 is nobody."""

    def __init__(self, pedigree: Pedigree) -> None:
        level = generations(pedigree)
        rank = np.empty(len(pedigree), dtype=np.int64)
        rank[np.argsort(level, kind="stable")] = np.arange(len(pedigree))
        self.rank = [*rank.tolist(), -1]
        self.parents = [*zip(pedigree.dam.tolist(), pedigree.sire.tolist(), strict=True)]
        self.known: dict[tuple[tuple[int, ...], ...], float] = {}

    def pair(self, a: int, b: int) -> float:
        return self.among((a, b))

    def among(self, group: tuple[int, ...]) -> float:
        """All alleles drawn, one an entry, are identical."""
        if -1 in group:
            return 0.0
        if len(group) == 1:
            return 1.0
        group = tuple(sorted(group, key=self.rank.__getitem__, reverse=True))
        key = (group,)
        found = self.known.get(key)
        if found is not None:
            return found
        youngest = group[0]
        k = group.count(youngest)
        rest = group[k:]
        m, f = self.parents[youngest]
        # k draws from the youngest: all the dam's allele, all the sire's, or some of both.
        same = 0.5**k
        if k == 1:
            value = 0.5 * (self.among((m, *rest)) + self.among((f, *rest)))
        else:
            alone = 2 * same * (self.among((youngest, *rest)) if rest else 1.0)
            value = alone + (1 - 2 * same) * self.among((m, f, *rest))
        return self._keep(key, value)

    def two_pairs(self, one: tuple[int, int], other: tuple[int, int]) -> float:
        """The alleles of each pair are identical, the pairs not necessarily with each other."""
        if -1 in one or -1 in other:
            return 0.0
        rank = self.rank.__getitem__
        one = (max(one, key=rank), min(one, key=rank))
        other = (max(other, key=rank), min(other, key=rank))
        if (rank(other[0]), rank(other[1])) > (rank(one[0]), rank(one[1])):
            one, other = other, one
        key = (one, other)
        found = self.known.get(key)
        if found is not None:
            return found
        a, b = one
        m, f = self.parents[a]
        times = (one + other).count(a)
        if times == 1:
            value = 0.5 * (self.two_pairs((m, b), other) + self.two_pairs((f, b), other))
        elif a == b and times == 2:
            value = 0.5 * (self.among(other) + self.two_pairs((m, f), other))
        elif times == 2:
            c = other[1]  # a is in each pair once
            apart = self.two_pairs((m, b), (f, c)) + self.two_pairs((f, b), (m, c))
            value = 0.5 * self.among((a, b, c)) + 0.25 * apart
        elif times == 3:
            c = other[1] if a == b else b
            value = 0.5 * (self.among((a, c)) + self.among((m, f, c)))
        else:
            value = 0.25 * (1 + 3 * self.among((m, f)))
        return self._keep(key, value)

    def _keep(self, key: tuple[tuple[int, ...], ...], value: float) -> float:
        if len(self.known) >= _LARGEST:
            raise EstimateRefused(
                "the two animals have too many common ancestors for exact identity states",
                code="too_deep",
                fix="Use their kinship, or drop genes through the pedigree.",
            )
        self.known[key] = value
        return value
