"""Families as one large offspring: joint likelihoods of full sibs over the genotypes of their two parents.

The offspring of one pair share both parents, so what all of them say about the parents is a product over
siblings of Mendel's tables. A family of four says far more about a parent than one cub, which is what
tells a mother from her unsampled sister's sibling.

References
----------
Thompson & Meagher (1987) Biometrics 43:585–600; Wang (2004) Genetics 166:1963–1979.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.parentage_model import MarkerModel

__all__ = ["ParentStates", "log_total", "one_parent", "parent_states", "without_family"]

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]

#: With more alleles than this the rarest are pooled for families, so that tables of two parents stay small.
MOST_ALLELES = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class ParentStates:
    """Genotypes a parent can have, and what offspring say about them.

    Parameters
    ----------
    prior : (L, S) Hardy–Weinberg shares of the S unordered genotypes.
    child : (L, K, S·S) log P(offspring of class k | genotypes of dam and sire) / P(class k).
    typed : (L, K, S) P(true genotype | own typing of class k).
    steps : (L, S, S) P(genotype of a child | genotype of one parent), the other drawn at random.
    gamete : (S, W) share of each (pooled) allele among the gametes of a genotype.
    pool : (L, A, W) which alleles were pooled into which.
    first, second : (S,) the two (pooled) alleles of each genotype.
    """

    prior: Floats32
    child: Floats32
    typed: Floats32
    steps: Floats32
    gamete: Floats
    pool: Floats
    first: Ints
    second: Ints


def parent_states(model: MarkerModel) -> ParentStates:
    """Tables over parental genotypes for every locus and typing class."""
    freq, reading, pool = _pooled(model)
    width = freq.shape[1]
    first, second = np.triu_indices(width)
    gamete = np.zeros((len(first), width))
    gamete[np.arange(len(first)), first] += 0.5
    gamete[np.arange(len(first)), second] += 0.5
    prior = _hardy_weinberg(freq, first, second)
    child = np.einsum("sa,lkab,tb->lkst", gamete, reading, gamete, optimize=True)
    n_loci, n_classes = child.shape[:2]
    child = child / model.base[:, :, None, None]
    child[:, 0] = 1.0
    flat = np.log(np.maximum(child.reshape(n_loci, n_classes, -1), 1e-12))
    typed = reading[:, :, first, second] * prior[:, None, :]
    typed /= np.maximum(typed.sum(axis=2, keepdims=True), 1e-300)
    return ParentStates(
        prior=prior.astype(np.float32),
        child=flat.astype(np.float32),
        typed=typed.astype(np.float32),
        steps=_steps(freq, gamete, first, second).astype(np.float32),
        gamete=gamete,
        pool=pool,
        first=first,
        second=second,
    )


def _hardy_weinberg(freq: Floats, first: Ints, second: Ints) -> Floats:
    """(..., S) shares of the genotypes from (..., W) frequencies."""
    shares: Floats = freq[..., first] * freq[..., second] * np.where(first == second, 1.0, 2.0)
    return shares


def _steps(freq: Floats, gamete: Floats, first: Ints, second: Ints) -> Floats:
    """(..., S, S) a child's genotypes given one parent's; `freq` (..., W) is of the other gamete."""
    both = gamete[:, first] * freq[..., None, second]
    other = gamete[:, second] * freq[..., None, first] * (first != second)
    steps: Floats = both + other
    return steps


def without_family(
    model: MarkerModel, states: ParentStates, family: Ints, count: int
) -> tuple[Floats32, Floats32]:
    """Prior and steps of each family from the alleles of everybody else.

    A family's own alleles are in the sample's frequencies and would make strangers look more likely as its
    parents than they are, the more so the smaller the sample.

    Returns
    -------
    (F, L, S) prior and (F, L, S, S) steps.
    """
    members = np.flatnonzero(family >= 0)
    counts = np.repeat(model.counts[None], count, axis=0)
    locus = np.arange(model.n_loci)[None, :]
    np.subtract.at(counts, family[members], model.copies[locus, model.classes[members]])
    counts = np.maximum(counts, np.where(model.counts > 0, 0.5, 0.0))
    freq = np.einsum("fla,law->flw", counts / counts.sum(axis=2, keepdims=True), states.pool)
    prior = _hardy_weinberg(freq, states.first, states.second)
    steps = _steps(freq, states.gamete, states.first, states.second)
    return prior.astype(np.float32), steps.astype(np.float32)


def _pooled(model: MarkerModel) -> tuple[Floats, Floats, Floats]:
    """Frequencies and reading tables with rare alleles pooled into the last one, and the pooling."""
    freq, reading = model.frequencies, model.reading
    n_loci, width = freq.shape
    if width <= MOST_ALLELES:
        return freq, reading, np.repeat(np.eye(width)[None], n_loci, axis=0)
    rank = np.argsort(np.argsort(-freq, axis=1, kind="stable"), axis=1, kind="stable")
    pool = (np.minimum(rank, MOST_ALLELES - 1)[:, :, None] == np.arange(MOST_ALLELES)).astype(np.float64)
    pooled = np.einsum("la,law->lw", freq, pool)
    # what a pooled allele is, in terms of those pooled into it
    within = pool * freq[:, :, None] / np.where(pooled > 0, pooled, 1.0)[:, None, :]
    tables = np.einsum("lac,lkab,lbd->lkcd", within, reading, within, optimize=True)
    return pooled, tables, pool


#: Tables are exponentiated as they are while their largest entry stays below this; single precision holds 88.
_SAFE_LOG = 60.0


def _exponent(tables: Floats32) -> tuple[Floats32, Floats32 | None]:
    """exp of tables, and the logs (..., L) that had to be taken out of them first, if any."""
    if float(tables.max(initial=0.0)) < _SAFE_LOG:
        return np.exp(tables), None
    top = tables.max(axis=-1, keepdims=True)
    return np.exp(tables - top), top[..., 0]


def log_total(tables: Floats32, states: ParentStates) -> Floats:
    """log of a family's likelihood with two unknown parents, over that of unrelated singles. (..., L, S·S)"""
    pair = (states.prior[:, :, None] * states.prior[:, None, :]).reshape(len(states.prior), -1)
    split, top = _exponent(tables)
    per_locus = np.log(np.maximum(np.einsum("...ls,ls->...l", split, pair), 1e-35))
    if top is not None:
        per_locus += top
    total: Floats = per_locus.sum(axis=-1, dtype=np.float64)
    return total


def one_parent(tables: Floats32, states: ParentStates) -> tuple[Floats32, Floats]:
    """What a family says about one parent when the other is unknown.

    Returns
    -------
    (..., L, S) likelihood of each genotype, and the logs (...) to be added to its total.
    """
    n_states = states.prior.shape[1]
    split, top = _exponent(tables)
    message = np.einsum(
        "...lst,lt->...ls", split.reshape(*tables.shape[:-1], n_states, n_states), states.prior
    )
    logs = np.zeros(tables.shape[:-2]) if top is None else top.sum(axis=-1, dtype=np.float64)
    return message, logs
