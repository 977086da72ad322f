"""Kinship, mean kinship, dominance and X-linked kinship, without a dense matrix of the whole pedigree.

Kinship f is half the additive relationship A. The kinship of some animals with some others takes one
product with T D Tᵀ per animal over their ancestors alone (Colleau 2002, Genet Sel Evol 34:409), and the mean
kinship of everybody takes a single product.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ghostcat.errors import ParameterError
from ghostcat.pedigree.lineage import Lineage, tabulate
from ghostcat.pedigree.pedigree import FEMALE, MALE, Pedigree

__all__ = [
    "dominance",
    "kinship",
    "kinship_blocks",
    "kinship_sums",
    "mean_kinship",
    "relationship_product",
    "x_kinship",
]

Floats = NDArray[np.float64]


def kinship(
    pedigree: Pedigree,
    animals: ArrayLike | None = None,
    *,
    others: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
) -> Floats:
    """Kinship coefficients among chosen animals.

    Parameters
    ----------
    animals : positions or a mask; all by default.
    others : the columns; the same animals by default.
    dtype : float32 halves the memory of large answers.

    Returns
    -------
    (m, k) array; the diagonal is ½(1 + F).

    >>> from ghostcat.pedigree import make_pedigree
    >>> kinship(make_pedigree(["a", "b", "c"], ["", "", "b"], ["", "", "a"])).tolist()
    [[0.5, 0.0, 0.25], [0.0, 0.5, 0.25], [0.25, 0.25, 0.5]]
    """
    rows = positions(pedigree, animals)
    columns = rows if others is None else positions(pedigree, others)
    lineage = pedigree.lineage
    if lineage.small:
        return (0.5 * lineage.table[np.ix_(lineage.node[rows], lineage.node[columns])]).astype(dtype)
    out = np.empty((len(rows), len(columns)), dtype=dtype)
    for part, block in kinship_blocks(pedigree, columns, others=rows):
        out[:, part] = block.T
    return out


def kinship_blocks(
    pedigree: Pedigree,
    animals: ArrayLike | None = None,
    *,
    others: ArrayLike | None = None,
    height: int = 256,
) -> Iterator[tuple[slice, Floats]]:
    """The same, a block of rows at a time, for answers larger than the memory.

    Yields
    ------
    slice of `animals`, and their (≤ height, k) kinship with `others`.
    """
    rows = positions(pedigree, animals)
    columns = rows if others is None else positions(pedigree, others)
    whole = pedigree.lineage
    kept = whole.ancestors(np.union1d(whole.node[rows], whole.node[columns]).astype(np.int64))
    lineage = whole.restricted(kept)
    at = np.searchsorted(kept, whole.node[columns])
    chosen = np.searchsorted(kept, whole.node[rows])
    pieces = [chosen[begin : begin + height] for begin in range(0, len(chosen), height)]
    make = _by_shares if _few_ancestors(lineage, at) else _by_products
    begin = 0
    for block in make(lineage, pieces, at):
        yield slice(begin, begin + len(block)), block
        begin += len(block)


def _few_ancestors(lineage: Lineage, nodes: NDArray[np.int64]) -> bool:
    """Do single animals descend from so few of all that rows of T are mostly empty?"""
    sample = nodes[:: max(1, len(nodes) // 16)][:16]
    mean = np.mean([len(lineage.ancestors(node[None])) for node in sample])
    return bool(mean < 0.02 * len(lineage) and mean * len(nodes) < 1e8)


def _by_shares(lineage: Lineage, pieces: list[NDArray[np.int64]], at: NDArray[np.int64]) -> Iterator[Floats]:
    """½ T D Tᵀ from sparse rows of T."""
    from ghostcat.pedigree._compiled import shares_product

    columns = lineage.shares_of_ancestors(at).tocsc()
    whole = lineage.shares_of_ancestors(np.concatenate(pieces))
    begin = 0
    for piece in pieces:
        rows = whole[begin : begin + len(piece)]
        begin += len(piece)
        shares = 0.5 * rows.data * lineage.own_variance[rows.indices]
        yield shares_product(
            rows.indptr, rows.indices, shares, columns.indptr, columns.indices, columns.data, len(at)
        )


def _by_products(
    lineage: Lineage, pieces: list[NDArray[np.int64]], at: NDArray[np.int64]
) -> Iterator[Floats]:
    """½ A e for each animal, some at a time."""
    for piece in pieces:
        weights = np.zeros((len(lineage), len(piece)))
        weights[piece, np.arange(len(piece))] = 0.5
        yield lineage.product(weights)[at].T


def relationship_product(pedigree: Pedigree, weights: Floats) -> Floats:
    """A·w for weights of the animals, (n,) or (n, columns), without forming A."""
    if weights.shape[0] != len(pedigree):
        raise ParameterError(f"{weights.shape[0]} weights for {len(pedigree)} animals")
    lineage = pedigree.lineage
    carried = np.zeros((len(lineage), *weights.shape[1:]))
    carried[lineage.node] = weights
    return lineage.product(carried)[lineage.node]


def mean_kinship(
    pedigree: Pedigree,
    animals: ArrayLike | None = None,
    *,
    reference: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Floats:
    """Mean kinship of animals with the reference set, self included.

    Parameters
    ----------
    animals : positions or a mask; all by default.
    reference : positions or a mask of the set; the marked one or all animals with rows by default.
    weights : (n,) share of each animal in the mean instead of equal ones, for instance reproductive
        values; only those of the reference set count.

    References
    ----------
    Ballou & Lacy (1995), in Population Management for Survival and Recovery; one product A·w.

    >>> from ghostcat.pedigree import make_pedigree
    >>> mean_kinship(make_pedigree(["a", "b"], ["", ""], ["", ""])).tolist()
    [0.25, 0.25]
    """
    shares = reference_shares(pedigree, reference, weights)
    return 0.5 * relationship_product(pedigree, shares)[positions(pedigree, animals)]


def kinship_sums(pedigree: Pedigree, reference: ArrayLike | None = None) -> float:
    """Average of the kinship matrix of the reference set: its mean mean kinship."""
    shares = reference_shares(pedigree, reference, None)
    return 0.5 * float(shares @ relationship_product(pedigree, shares))


def reference_shares(pedigree: Pedigree, reference: ArrayLike | None, weights: ArrayLike | None) -> Floats:
    """(n,) shares that add up to 1 over the reference set.

    Raises
    ------
    ParameterError : nobody is in the set, or all its weights are 0.
    """
    chosen = positions(pedigree, pedigree.reference_set if reference is None else reference)
    shares = np.zeros(len(pedigree))
    given = np.ones(len(pedigree)) if weights is None else np.asarray(weights, dtype=np.float64)
    shares[chosen] = given[chosen]
    if not shares.sum() > 0:
        raise ParameterError(
            "the reference set is empty" if not len(chosen) else "the weights of the reference set are all 0",
            fix="Name living animals, or mark them in a column `target`.",
        )
    return np.asarray(shares / shares.sum())


def dominance(pedigree: Pedigree, animals: ArrayLike | None = None) -> Floats:
    """Dominance relationships D_ij = ¼(A_dd′ A_ss′ + A_ds′ A_sd′), D_ii = 1 − F_i.

    Exact without inbreeding; with inbreeding the usual approximation, which ignores identity within animals.

    Returns
    -------
    (m, m) array.

    References
    ----------
    Cockerham (1954) Genetics 39:859; Ovaskainen et al. (2008) Proc R Soc B 275:669 on the approximation.
    """
    rows = positions(pedigree, animals)
    parents = np.r_[pedigree.dam[rows], pedigree.sire[rows]]
    known = np.flatnonzero(parents >= 0)
    table = np.zeros((len(parents), len(parents)))
    if len(known):
        unique, back = np.unique(parents[known], return_inverse=True)
        table[np.ix_(known, known)] = 2 * kinship(pedigree, unique)[np.ix_(back, back)]
    m = len(rows)
    dams, sires, cross = table[:m, :m], table[m:, m:], table[:m, m:]
    out = 0.25 * (dams * sires + cross * cross.T)
    lineage = pedigree.lineage
    np.fill_diagonal(out, 2.0 - lineage.diagonal[lineage.node[rows]])
    return out


def x_kinship(pedigree: Pedigree, animals: ArrayLike | None = None) -> Floats:
    """Kinship of X chromosomes: a son has his mother's alone, and is 1 with himself.

    Returns
    -------
    (m, m) array; NaN for an animal whose sex is not known and that is nobody's parent.
    """
    rows = positions(pedigree, animals)
    if pedigree.odds or pedigree.founder_kinship:
        raise ParameterError("X-linked kinship is not defined here for uncertain parents or DNA kinship")
    whole = pedigree.lineage
    kept = whole.ancestors(whole.node[rows].astype(np.int64))
    sex = _sex_by_role(pedigree)[np.argsort(whole.node)][kept]
    part = whole.restricted(kept)
    weights_b = np.where(sex == FEMALE, 0.5, 0.0)
    # `a` is the dam: all of a son's X, half of a daughter's.
    x = Lineage(
        node=part.node,
        a=part.a,
        b=part.b,
        wa=1.0 - weights_b,
        wb=weights_b,
        kind=part.kind,
        given=part.given,
        starts=part.starts,
    )

    def own(nodes: slice, table: Floats) -> Floats:
        a, b = x.a[nodes], x.b[nodes]
        both = np.where((a >= 0) & (b >= 0), table[a, b], 0.0)
        return np.where(sex[nodes] == FEMALE, 0.5 * (1 + both), 1.0)

    table = tabulate(x, own)
    unknown = (sex != FEMALE) & (sex != MALE)  # parents have one by their role, so nobody inherits this
    table[unknown] = np.nan
    table[:, unknown] = np.nan
    at = np.searchsorted(kept, whole.node[rows])
    return table[np.ix_(at, at)]


def _sex_by_role(pedigree: Pedigree) -> NDArray[np.int8]:
    """Sex as written; of animals without one, what their being a dam or a sire tells."""
    sex = pedigree.sex.copy()
    for parents, code in ((pedigree.dam, FEMALE), (pedigree.sire, MALE)):
        known = np.unique(parents[parents >= 0])
        sex[known[sex[known] == 0]] = code
    return sex


def positions(pedigree: Pedigree, animals: ArrayLike | None) -> NDArray[np.int64]:
    """Positions from positions, a mask, or None for all.

    Raises
    ------
    ParameterError : a position outside the pedigree.
    """
    if animals is None:
        return np.arange(len(pedigree))
    given = np.asarray(animals)
    if given.dtype == np.bool_:
        if given.shape != (len(pedigree),):
            raise ParameterError(f"a mask of {given.size} for {len(pedigree)} animals")
        return np.flatnonzero(given)
    found = given.astype(np.int64).reshape(-1)
    if len(found) and (found.min() < 0 or found.max() >= len(pedigree)):
        raise ParameterError(f"positions run from 0 to {len(pedigree) - 1}")
    return found
