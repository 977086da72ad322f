"""What relatives among the sampled animals say about the genotype of one more animal.

An animal that nobody has seen yet is a stranger to those sampled, or a half-sib, parent, offspring or
full sib of one of them, or the offspring of two. Its readings have, against a stranger's, the ratio

    q_0 + Σ_r q_r · mean over animals (or pairs) of the likelihood ratio of relationship r

The shares q are estimated by EM from the animals as they are grouped. A panel of few alleles makes a
look-alike likely only among relatives: that is what this ratio brings in.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ghostcat.genetics.matching import Population, Summaries, inverse, pair_log_ratios, paired_log_ratios
from ghostcat.genetics.reactions import Floats, Ints

__all__ = ["KIN", "draw_shares", "kin_ratios", "parent_log_factor"]

#: What a new animal can be to those sampled.
KIN = ("stranger", "half_sib", "parent_offspring", "full_sib", "offspring_of_two")

#: Parents of two are looked for among this many animals: those that fit best alone.
_CANDIDATE_PARENTS = 6
_CANDIDATE_MATES = 3
_LARGEST_EXPONENT = 300.0


def kin_ratios(
    subjects: Summaries,
    animals: Summaries,
    population: Population,
    *,
    own: Ints,
    without: Summaries | None = None,
    left: Ints | None = None,
) -> Floats:
    """(5, n) mean likelihood ratios of each kind of `KIN` against a stranger.

    Parameters
    ----------
    own : (n,) the animal that each subject belongs to.
    without : (n) that animal without the subject; it does not count where `left` (n,) samples of it
        are 0, nor when None.
    """
    n, m = len(subjects.evidence), len(animals.evidence)
    rows = np.arange(n)
    _, related = pair_log_ratios(subjects, animals, population)
    passed = animals.passed_on
    if without is None:
        others = np.full(n, m - 1.0)
        related[:, rows, own] = -np.inf
    else:
        assert left is not None
        others = m - 1.0 + (left > 0)
        related[:, rows, own] = np.where(
            left > 0, paired_log_ratios(subjects, without, population)[1], -np.inf
        )
    single = np.exp(np.minimum(related[1:], _LARGEST_EXPONENT)).sum(axis=2) / np.maximum(others, 1.0)
    found = np.empty((5, n))
    found[0], found[1:4] = 1.0, single
    found[4] = _of_two(subjects, passed, related[2], population, own, without) / np.maximum(
        others * (others - 1.0) / 2.0, 1.0
    )
    return found


def _of_two(
    subjects: Summaries,
    passed: Floats,
    as_parent: Floats,
    population: Population,
    own: Ints,
    without: Summaries | None,
) -> Floats:
    """(n,) sum over pairs of candidate parents of the ratio that the subject is their offspring."""
    n, m = as_parent.shape
    most = min(_CANDIDATE_PARENTS, m)
    best = np.argpartition(-as_parent, most - 1, axis=1)[:, :most]
    can = np.isfinite(np.take_along_axis(as_parent, best, axis=1))
    fits = _by_alleles(subjects.genotype * inverse(population.expected), population)
    given = [_passed_by(best[:, at], passed, own, without) for at in range(most)]
    needs = [np.einsum("nlab,nlb->nla", fits, one) for one in given]
    total = np.zeros(n)
    for i, j in combinations(range(most), 2):
        with np.errstate(divide="ignore"):
            ratio = np.log((given[i] * needs[j]).sum(axis=2)).sum(axis=1)
        total += np.where(can[:, i] & can[:, j], np.exp(np.minimum(ratio, _LARGEST_EXPONENT)), 0.0)
    return total


def _by_alleles(fits: Floats, population: Population) -> Floats:
    """(…, L, A, A) what fits a genotype, by the allele from one parent and from the other."""
    table = population.table
    square = np.zeros((*fits.shape[:-1], table.n_alleles, table.n_alleles))
    square[..., table.first, table.second] = fits
    square[..., table.second, table.first] = fits
    return square


def _passed_by(chosen: Ints, passed: Floats, own: Ints, without: Summaries | None) -> Floats:
    given = passed[chosen]
    if without is None:
        return np.asarray(given)
    return np.asarray(np.where((chosen == own)[:, None, None], without.passed_on, given))


def parent_log_factor(
    subjects: Summaries,
    animals: Summaries,
    population: Population,
    *,
    own: Ints,
    without: Summaries,
    left: Ints,
    shares: Floats,
    ratios: Floats,
) -> tuple[Floats, Floats]:
    """How much better the genotypes of all animals are explained if the subject is a parent.

    Given both parents the genotypes of cubs are independent, so that every cub counts: the factor is
    Π over animals of what explains the animal with the subject among its possible parents, to what
    explains it without. One more possible parent makes each of the others a little less likely.

    Parameters
    ----------
    ratios : (5, m) `kin_ratios` of the animals.

    Returns
    -------
    (n,) log factor over all animals but the subject's own; (n,) what being a parent of its own animal
    is worth, to be added to its other relationships with it: it cannot be sib and parent at once.
    """
    n, m = len(subjects.evidence), len(animals.evidence)
    if m < 3:
        return np.zeros(n), np.zeros(n)
    per_pair = inverse(population.expected)
    _, related = pair_log_ratios(animals, animals, population)
    as_parent = related[2]
    np.fill_diagonal(as_parent, -np.inf)
    mates = min(_CANDIDATE_MATES, m - 1)
    best = np.argpartition(-as_parent, mates - 1, axis=1)[:, :mates]
    explained = shares @ ratios
    prior = shares[4] * 2.0 / (m * (m + 1.0))
    thinner = shares[4] * ratios[4] * 2.0 / (m + 1.0)
    log_factor = np.zeros(n)
    for cub in range(m):
        mine = own == cub
        fits = animals.genotype[cub] * per_pair
        gain = sum(
            np.where(
                own == mate,
                0.0,
                _as_other_parent(subjects.passed_on, fits, animals.passed_on[mate], population),
            )
            for mate in best[cub]
        )
        log_factor += np.where(mine, 0.0, np.log1p((prior * gain - thinner[cub]) / explained[cub]))
    fits = without.genotype * per_pair
    gain = sum(
        _as_other_parent(subjects.passed_on, fits, animals.passed_on[best[own, at]], population)
        for at in range(mates)
    )
    of_own = np.maximum(prior * gain - thinner[own], 0.0) / explained[own]
    return log_factor, np.asarray(np.where(left > 0, of_own, 0.0))


def _as_other_parent(passed: Floats, fits: Floats, mate: Floats, population: Population) -> Floats:
    """(n,) ratio that a cub with `fits` = w/P, (L, G) or (n, L, G), is of each subject and the mate."""
    # What the subject must pass on, (…, L, A), given what the mate does.
    needs = (_by_alleles(fits, population) @ mate[..., None])[..., 0]
    with np.errstate(divide="ignore"):
        logs = np.log((passed * needs).sum(axis=-1)).sum(axis=-1)
    return np.asarray(np.exp(np.minimum(logs, _LARGEST_EXPONENT)))


def draw_shares(
    ratios: Floats, prior: Floats, *, weight: float, rng: np.random.Generator, steps: int = 15
) -> Floats:
    """(5,) shares q drawn around their EM estimate from the ratios of n animals.

    Parameters
    ----------
    prior : (5,) where EM starts; it weighs `weight` animals.
    """
    n = ratios.shape[1]
    share, counts = prior, np.zeros_like(prior)
    for _ in range(steps):
        post = share[:, None] * ratios
        counts = (post / post.sum(axis=0)).sum(axis=1)
        share = (weight * prior + counts) / (weight + n)
    return np.asarray(rng.dirichlet(np.maximum(weight * prior + counts, 1e-3)))
