"""Partly known ancestry: kinship and gene diversity of the genes whose founders are known.

By default an unknown parent counts as one more unrelated founder, which flatters an animal of unknown
ancestry. Here genes of unknown origin are left out of the gene pool instead (Ballou & Lacy 1995, in
Population Management for Survival and Recovery).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.pedigree.inbreeding import known_fraction
from ghostcat.pedigree.kinship import positions, reference_shares
from ghostcat.pedigree.lineage import Lineage, build_lineage
from ghostcat.pedigree.pedigree import Pedigree

__all__ = ["known_gene_diversity", "known_kinship", "known_mean_kinship", "well_known"]

Floats = NDArray[np.float64]


def known_kinship(pedigree: Pedigree, animals: ArrayLike | None = None) -> Floats:
    """Kinship of the known parts: chance of identity of two genes, given that both have known founders.

    f*_ij/(k_i k_j), where f* counts identity through known founders alone and k is the known fraction.

    Parameters
    ----------
    animals : positions or a mask; all by default.

    Returns
    -------
    (m, m) array; NaN for animals of which nothing is known.
    """
    chosen = positions(pedigree, animals)
    known = known_fraction(pedigree)
    lineage = build_lineage(pedigree, known=known)
    weights = np.zeros((len(lineage), len(chosen)))
    weights[lineage.node[chosen], np.arange(len(chosen))] = 0.5
    shared = lineage.product(weights)[lineage.node[chosen]]
    share = np.where(known[chosen] > 0, known[chosen], np.nan)
    return np.asarray(shared / np.outer(share, share))


def known_mean_kinship(
    pedigree: Pedigree, animals: ArrayLike | None = None, *, reference: ArrayLike | None = None
) -> Floats:
    """Mean kinship of the known parts: Σ_j f*_ij/(k_i Σ_j k_j) over the reference set.

    Returns
    -------
    (m,) array; NaN for animals of which nothing is known.

    Raises
    ------
    EstimateRefused : `nothing_known`, no ancestry of the reference set is known.
    """
    chosen = positions(pedigree, animals)
    known, product, total = _pool(pedigree, reference)
    share = np.where(known > 0, known, np.nan)
    return np.asarray((product / (share * total))[chosen])


def known_gene_diversity(pedigree: Pedigree, reference: ArrayLike | None = None) -> float:
    """Gene diversity of the genes whose founders are known: 1 − Σ f*_ij/(Σ k)²."""
    shares = reference_shares(pedigree, reference, None)
    _, product, total = _pool(pedigree, reference)
    return float(1 - shares @ product / total**2)


def well_known(
    pedigree: Pedigree, minimum: float, *, reference: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Animals of the reference set of whose genome at least the given share is known."""
    chosen = positions(pedigree, pedigree.reference_set if reference is None else reference)
    return chosen[known_fraction(pedigree)[chosen] >= minimum - 1e-12]


def _pool(pedigree: Pedigree, reference: ArrayLike | None) -> tuple[Floats, Floats, float]:
    """Known fractions; each animal's mean f* with the reference set; the set's mean known fraction."""
    shares = reference_shares(pedigree, reference, None)
    known = known_fraction(pedigree)
    total = float(shares @ known)
    if total <= 0:
        raise EstimateRefused(
            "no ancestry of the reference set is known",
            code="nothing_known",
            fix="Count unknown parents as founders, or give their kinship from DNA.",
        )
    lineage: Lineage = build_lineage(pedigree, known=known)
    carried = np.zeros(len(lineage))
    carried[lineage.node] = shares
    return known, 0.5 * lineage.product(carried)[lineage.node], total
