"""Who was born elsewhere? First-generation migrants between sampled populations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["Assignment", "MigrantCriterion", "detect_migrants"]

_Array = NDArray[np.float64]

#: `home`: likelihood at home alone, where not all source populations were sampled; `ratio`: home
#: against the best population; `others`: home against the best other one, if all were sampled.
MigrantCriterion = Literal["home", "ratio", "others"]

_FEWEST_ANIMALS = 4


@dataclass(frozen=True)
class Assignment:
    """One animal.

    Parameters
    ----------
    home : where it was sampled. likeliest : the population that explains its genotype best.
    log10_likelihood : population → log₁₀ likelihood, the animal left out of its own population.
    probability : population → share of simulated residents of that population whose genotype is as
        unlikely there: small means that the animal was probably not born there.
    statistic, p : the criterion and the share of simulated residents of home with one as large.
    n_loci : loci the verdict rests on.
    """

    sample: str
    home: str
    likeliest: str
    log10_likelihood: dict[str, float]
    statistic: float
    p: float
    n_loci: int


def detect_migrants(
    genotypes: Genotypes,
    rng: np.random.Generator,
    *,
    criterion: MigrantCriterion = "ratio",
    simulations: int = 10_000,
) -> tuple[Assignment, ...]:
    """Give every animal the chance that a resident of its population looks so foreign.

    Likelihoods with the Bayesian frequencies of Rannala & Mountain (1997), prior weight 1/k per
    allele. Residents are simulated from gametes of sampled animals, which keeps loci that were
    inherited together together (Paetkau et al. 2004); missing loci are those of the animal tested,
    for the number of loci decides how extreme chance can be.

    Raises
    ------
    EstimateRefused : fewer than two populations of four animals or more (`one_population`).

    References
    ----------
    Rannala & Mountain (1997) PNAS 94:9197–9201; Paetkau et al. (2004) Molecular Ecology 13:55–65.
    """
    names = tuple(
        name for name in genotypes.population_names if len(genotypes.rows_of(name)) >= _FEWEST_ANIMALS
    )
    if len(names) < 2:
        raise EstimateRefused(
            f"{len(names)} population(s) have {_FEWEST_ANIMALS} or more animals; migration needs two",
            code="one_population",
            fix="Give a column with populations (option --by).",
        )
    rows = [genotypes.rows_of(name) for name in names]
    counts = np.stack([genotypes.select(mine).allele_counts() for mine in rows])
    seen = counts.sum(axis=0) > 0
    prior = np.where(seen, 1 / np.maximum(seen.sum(axis=1, keepdims=True), 1), 0.0)
    everyone = np.concatenate(rows)
    home = np.repeat(np.arange(len(names)), [len(mine) for mine in rows])
    own = _log_likelihood(genotypes.alleles[everyone], counts, prior, leave_out=home)
    found: list[Assignment | None] = [None] * len(everyone)
    for at in range(len(names)):
        mine = np.flatnonzero(home == at)
        null = _simulated(genotypes.alleles[rows[at]], counts, prior, at, rng, simulations)
        for i in mine:
            typed = genotypes.typed[everyone[i]]
            total = own[i][:, typed].sum(axis=1)
            statistic = float(_statistic(total[None, :], at, criterion)[0])
            chance = _statistic(null[:, :, typed].sum(axis=2), at, criterion)
            p = float(((chance >= statistic - 1e-9).sum() + 1) / (len(chance) + 1)) if typed.any() else 1.0
            found[i] = Assignment(
                sample=genotypes.samples[everyone[i]],
                home=names[at],
                likeliest=names[int(np.argmax(total))],
                log10_likelihood=dict(zip(names, total.tolist(), strict=True)),
                statistic=statistic,
                p=p,
                n_loci=int(typed.sum()),
            )
    return tuple(item for item in found if item is not None)


def _statistic(total: _Array, home: int, criterion: MigrantCriterion) -> _Array:
    """(m,) the larger, the more foreign; from (m, P) log-likelihoods."""
    if criterion == "home":
        return -total[:, home]
    if criterion == "ratio":
        return np.asarray(total.max(axis=1) - total[:, home])
    return np.asarray(np.delete(total, home, axis=1).max(axis=1) - total[:, home])


def _log_likelihood(
    alleles: NDArray[np.int16],
    counts: NDArray[np.int64],
    prior: _Array,
    *,
    leave_out: NDArray[np.intp],
) -> _Array:
    """(m, P, L) log₁₀ probability of each genotype in each population, 0 where missing.

    The animal's own genes are taken out of the population `leave_out` it was sampled in.
    """
    m, n_loci, _ = alleles.shape
    locus = np.arange(n_loci)
    typed = (alleles >= 0).all(axis=2)
    a, b = np.maximum(alleles[:, :, 0], 0), np.maximum(alleles[:, :, 1], 0)
    same = (a == b).astype(float)
    found = np.zeros((m, len(counts), n_loci))
    for at in range(len(counts)):
        mine = ((leave_out == at)[:, None] & typed).astype(float)
        total = counts[at].sum(axis=1)[None, :] - 2 * mine
        count_a = counts[at][locus, a] - mine * (1 + same)
        count_b = counts[at][locus, b] - mine * (1 + same)
        alpha_a = np.maximum(count_a, 0) + prior[locus, a]
        alpha_b = np.maximum(count_b, 0) + prior[locus, b]
        top = np.where(same > 0, alpha_a * (alpha_a + 1), 2 * alpha_a * alpha_b)
        found[:, at] = np.where(typed, np.log10(np.maximum(top, 1e-300) / ((total + 1) * (total + 2))), 0.0)
    return found


def _simulated(
    residents: NDArray[np.int16],
    counts: NDArray[np.int64],
    prior: _Array,
    home: int,
    rng: np.random.Generator,
    simulations: int,
) -> _Array:
    """(simulations, P, L) log-likelihoods of offspring of two gametes of residents.

    Each offspring takes the place of a resident, whose genes leave the population, so that it is as
    little represented there as a left-out animal. Missing genes are filled from the population.
    """
    n, n_loci, _ = residents.shape
    filled = residents.copy()
    for at in range(n_loci):
        gone = filled[:, at] < 0
        known = filled[:, at][~gone]
        if gone.any() and known.size:
            filled[:, at][gone] = rng.choice(known, size=int(gone.sum()))
    first = rng.integers(n, size=simulations)
    parents = np.stack([first, (first + rng.integers(1, n, size=simulations)) % n])
    side = rng.integers(2, size=(2, simulations, n_loci))
    locus = np.arange(n_loci)
    gametes = [filled[parents[k][:, None], locus, side[k]] for k in (0, 1)]
    offspring = np.stack(gametes, axis=2).astype(np.int16)
    empty = counts[home].sum(axis=1) == 0
    offspring[:, empty] = -1
    # The genes that the offspring got are in the counts once; taking them out leaves the others.
    return _log_likelihood(offspring, counts, prior, leave_out=np.full(simulations, home))
