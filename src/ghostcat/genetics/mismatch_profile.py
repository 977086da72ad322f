"""How many animals a fixed number of allowed mismatches would make of the samples: a diagnostic.

The answer depends on the number allowed, which is why ghostcat does not decide by it. The procedure
is that of Galpern et al. (2012): alleles are compared one by one (both in order of size), an allele
that only one sample has counts half a mismatch; samples nearer than the number allowed are joined
(complete linkage), each group is represented by its most typical sample, and this is repeated until
no two representatives are that near. A sample that matches two of them is a multiple match.

References
----------
Galpern, Manseau, Hettinga, Smith & Wilson (2012) Molecular Ecology Resources 12:771–778.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.reactions import Floats

__all__ = ["MismatchCount", "allele_distances", "mismatch_profile"]

#: Distances are multiples of one half; anything smaller than this is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class MismatchCount:
    """What a number of mismatching alleles would make of the samples."""

    allele_mismatch: int
    n_samples: int
    n_unique: int
    n_unclassified: int
    n_multiplematch: int


def allele_distances(alleles: NDArray[np.integer]) -> Floats:
    """(S, S) mismatching alleles from (S, L, 2) sorted codes, −1 missing.

    Examples
    --------
    >>> allele_distances(np.array([[[0, 1], [0, 0]], [[0, 2], [-1, -1]]]))[0, 1]
    np.float64(2.0)
    """
    flat = np.asarray(alleles).reshape(len(alleles), -1)
    distance = np.zeros((len(flat), len(flat)))
    for column in flat.T:
        seen = column >= 0
        both = seen[:, None] & seen[None, :]
        one = seen[:, None] ^ seen[None, :]
        distance += (both & (column[:, None] != column[None, :])) + 0.5 * one
    return distance


def mismatch_profile(alleles: NDArray[np.integer], *, most: int = 8) -> tuple[MismatchCount, ...]:
    """Counts at 0, 1, … `most` allowed mismatches, from (S, L, 2) consensus genotypes.

    The larger the plateau, the less the number matters; a fall without one says that a fixed number
    decides the answer.
    """
    distance = allele_distances(alleles)
    return tuple(_count(distance, allowed) for allowed in range(most + 1))


def _count(distance: Floats, allowed: int) -> MismatchCount:
    unique = _representatives(distance, allowed)
    matches = (distance[:, unique] <= allowed + _ROUNDING).sum(axis=1)
    return MismatchCount(
        allele_mismatch=allowed,
        n_samples=len(distance),
        n_unique=len(unique),
        n_unclassified=int((matches == 0).sum()),
        n_multiplematch=int((matches > 1).sum()),
    )


def _representatives(distance: Floats, allowed: int) -> NDArray[np.intp]:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    kept = np.arange(len(distance))
    # Equal genotypes are one whatever is allowed; beyond that, nearer than allowed.
    cut = max(allowed - 0.25, 0.0) + _ROUNDING
    while len(kept) > 1:
        own = distance[np.ix_(kept, kept)]
        tree = linkage(squareform(own, checks=False), method="complete")
        group = fcluster(tree, cut, criterion="distance")
        typical = []
        for number in np.unique(group):
            members = np.flatnonzero(group == number)
            total = own[np.ix_(members, members)].sum(axis=1)
            typical.append(int(kept[members[int(np.argmin(total))]]))
        if len(typical) == len(kept):
            break
        kept = np.array(sorted(typical))
    return kept
