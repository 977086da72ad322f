"""Inbreeding coefficients, and how much is known of each animal's ancestry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ghostcat.pedigree.lineage import ONE_OF
from ghostcat.pedigree.pedigree import WILD, Pedigree

__all__ = ["equivalent_generations", "inbreeding", "known_fraction", "log_determinant"]

Floats = NDArray[np.float64]


def inbreeding(pedigree: Pedigree) -> Floats:
    """Inbreeding coefficient F of every animal: the chance that its two alleles are one founder's.

    Uncertain parents are averaged over; founders whose kinship is known from DNA keep it.

    Returns
    -------
    (n,) array, in the order of `pedigree.ids`.

    Raises
    ------
    InputError : an animal is its own ancestor.

    References
    ----------
    Wright (1922) Am Nat 56:330; Meuwissen & Luo (1992) Genet Sel Evol 24:305 for large pedigrees.

    >>> from ghostcat.pedigree import make_pedigree
    >>> inbreeding(make_pedigree(["a", "b", "c"], ["", "m", "b"], ["", "a", "a"])).tolist()
    [0.0, 0.0, 0.25, 0.0]
    """
    lineage = pedigree.lineage
    return lineage.diagonal[lineage.node] - 1.0


def log_determinant(pedigree: Pedigree) -> float:
    """Natural logarithm of the determinant of the relationship matrix A: Σ ln D (Henderson 1976).

    −∞ when A is singular, as it is with clones or complete selfing of one line.
    """
    lineage = pedigree.lineage
    if (lineage.kind == ONE_OF).any():
        # A litter's unknown sire is no row of A, so its animals are not a triangular system.
        table = lineage.table[np.ix_(lineage.node, lineage.node)]
        return float(np.linalg.slogdet(table)[1])
    with np.errstate(divide="ignore"):
        return float(np.log(np.maximum(lineage.own_variance[lineage.node], 0.0)).sum())


def equivalent_generations(pedigree: Pedigree) -> Floats:
    """Equivalent complete generations t: Σ (½)^generation over all known ancestors (Maignel 1996).

    Uncertain parents count with their probability.

    Returns
    -------
    (n,) array; founders 0.

    >>> from ghostcat.pedigree import make_pedigree
    >>> equivalent_generations(make_pedigree(["c", "d"], ["m", "c"], ["f", ""])).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    dams, sires = _named(pedigree)
    return _inherited(pedigree, 0.5 * (dams + sires))


def known_fraction(pedigree: Pedigree) -> Floats:
    """Share of each animal's genome that descends from founders rather than from unknown ancestry.

    A founder, and a parent known to be wild, is 1; a parent of which nothing is known is 0.

    Returns
    -------
    (n,) array in 0…1.

    >>> from ghostcat.pedigree import make_pedigree
    >>> known_fraction(make_pedigree(["a", "c"], ["", "a"], ["", ""], sire_unknown=[1, 2])).tolist()
    [1.0, 0.5]
    """
    codes = (pedigree.dam_unknown, pedigree.sire_unknown)
    own = sum(0.5 * (1 - named) * (code == WILD) for named, code in zip(_named(pedigree), codes, strict=True))
    return _inherited(pedigree, np.asarray(own))


def _named(pedigree: Pedigree) -> tuple[Floats, Floats]:
    """Probability that dam and sire are animals of the pedigree."""
    named = ((pedigree.dam >= 0).astype(float), (pedigree.sire >= 0).astype(float))
    for entry in pedigree.odds:
        named[entry.role == "sire"][entry.child] += entry.probability
    return named


def _inherited(pedigree: Pedigree, own: Floats) -> Floats:
    """Σ over ancestors, through parents alone: kinship among founders from DNA is no descent."""
    lineage = (
        replace(pedigree, founder_kinship=None).lineage if pedigree.founder_kinship else pedigree.lineage
    )
    carried = np.zeros(len(lineage))
    carried[lineage.node] = own
    return lineage.up(carried)[lineage.node]
