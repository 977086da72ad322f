"""Inbreeding of ancestors: how much of it selection may have seen, and what purging leaves."""

from __future__ import annotations

import itertools
import re

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError
from ghostcat.pedigree.inbreeding import inbreeding
from ghostcat.pedigree.pedigree import Pedigree, generations

__all__ = ["ancestral_inbreeding", "purged_inbreeding"]

Floats = NDArray[np.float64]


def ancestral_inbreeding(pedigree: Pedigree) -> Floats:
    """Ancestral inbreeding Fa: the chance that an allele was homozygous by descent in an ancestor.

    Fa = ½ Σ over the parents of Fa_p + (1 − Fa_p) F_p; a parent that is not known adds nothing, an
    uncertain one its expectation.

    Returns
    -------
    (n,) array.

    References
    ----------
    Ballou (1997) J Hered 88:169, formula for alleles taken as independent of earlier exposure.
    """
    f = inbreeding(pedigree)
    out = np.zeros(len(pedigree))
    level = generations(pedigree)
    order = np.argsort(level, kind="stable")
    bounds = np.searchsorted(level[order], np.arange(level.max(initial=0) + 2))
    by_child = _odds_by_child(pedigree)
    for begin, end in itertools.pairwise(bounds):
        animals = order[begin:end]
        total = np.zeros(len(animals))
        for parents in (pedigree.dam[animals], pedigree.sire[animals]):
            seen = out[parents] + (1 - out[parents]) * f[parents]
            total += np.where(parents >= 0, 0.5 * seen, 0.0)
        out[animals] = total
        for animal in by_child.keys() & set(animals.tolist()) if by_child else ():
            for parent, probability in by_child[animal]:
                out[animal] += 0.5 * probability * (out[parent] + (1 - out[parent]) * f[parent])
    return out


def _odds_by_child(pedigree: Pedigree) -> dict[int, list[tuple[int, float]]]:
    found: dict[int, list[tuple[int, float]]] = {}
    for entry in pedigree.odds:
        found.setdefault(entry.child, []).append((entry.parent, entry.probability))
    return found


def purged_inbreeding(pedigree: Pedigree, *, purging: float = 0.25) -> Floats:
    """Purged inbreeding g: inbreeding for a recessive deleterious allele that selection removes as it shows.

    g is the purged kinship γ of the parents. With itself an animal has γ = ½(1 + g)(1 − 2dF). Two animals
    of one generation have the mean γ of their parents times 1 − d(F_x + F_y); an animal and an earlier one
    have the mean γ of the younger one's parents with the earlier one times 1 − dF of the younger. A
    generation is a run of animals, in birth order, of which none is the parent of another.

    Parameters
    ----------
    purging : purging coefficient d, 0 (none: g = F) to 0.5 (lethal recessives).

    Returns
    -------
    (n,) array.

    Raises
    ------
    ParameterError : d outside 0…0.5, or parents that are uncertain (g is not linear in them).

    References
    ----------
    García-Dorado (2012) Genetics 190:1461; García-Dorado, Wang & López-Cortegano (2016) G3 6:3593.
    """
    if not 0 <= purging <= 0.5:
        raise ParameterError(f"the purging coefficient {purging:g} is outside 0…0.5")
    if pedigree.odds:
        raise ParameterError(
            "purged inbreeding needs certain parents",
            fix="Draw pedigrees with sample_parents and average over them.",
        )
    order = _birth_order(pedigree)
    n = len(order)
    place = np.full(n + 1, n, dtype=np.int64)  # the last row stands for parents that are not known
    place[order] = np.arange(n)
    dam, sire = place[pedigree.dam[order]], place[pedigree.sire[order]]
    f = inbreeding(pedigree)[order]
    gamma = np.zeros((n + 1, n + 1))
    purged = np.zeros(n)
    start = 0
    for i in range(n):
        a, b = dam[i], sire[i]
        if any(start <= p < n for p in (a, b)):
            start = i
        purged[i] = gamma[a, b]
        row = 0.5 * (gamma[a, :i] + gamma[b, :i]) * (1 - purging * f[i])
        if start < i:
            c, e = dam[start:i], sire[start:i]
            mean = 0.25 * (gamma[a, c] + gamma[a, e] + gamma[b, c] + gamma[b, e])
            row[start:] = mean * (1 - purging * (f[i] + f[start:i]))
        gamma[i, :i] = row
        gamma[:i, i] = row
        gamma[i, i] = 0.5 * (1 + purged[i]) * (1 - 2 * purging * f[i])
    out = np.empty(n)
    out[order] = purged
    return out


def _birth_order(pedigree: Pedigree) -> NDArray[np.int64]:
    """The order of the file where parents come first in it; else of ids, of births, of generations."""
    index = np.arange(len(pedigree))
    # Parents that were added at the end of the file are founders: they come first.
    added = ~pedigree.implied
    keys = [index]
    numbers = [re.search(r"(\d{1,15})$", name) for name in pedigree.ids]
    if all(numbers):
        keys.append(np.array([int(found[1]) for found in numbers if found]))
    if np.isfinite(pedigree.birth[added]).all():
        keys.append(np.where(np.isfinite(pedigree.birth), pedigree.birth, -np.inf))
    for key in keys:
        order = np.lexsort((index, key, added))
        place = np.empty(len(index) + 1, dtype=np.int64)
        place[order] = index
        place[-1] = -1
        if all((place[parents[order]] < index).all() for parents in (pedigree.dam, pedigree.sire)):
            return order
    return pedigree.order()
