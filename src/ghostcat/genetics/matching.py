"""Are two (groups of) samples the same animal, or two relatives that look alike?

Every relationship is three numbers: the chances k0, k1, k2 that two animals share no, one or two
alleles by descent at a locus. With readings A and B and allele frequencies p,

    P(A, B | k) / P(A) P(B) = Π over loci of  k0 + k1 Σ_a u_A(a) u_B(a) / p_a + k2 Σ_g w_A(g) w_B(g) / P(g)

where w(g) is the posterior of the genotype and u(a) that of an allele passed on. "The same animal"
is k2 = 1. A background kinship θ (drift in a small population) shifts every relationship: unrelated
animals share one allele with probability 4θ − 4θ², two with 2θ². Nothing is counted as a mismatch:
dropout, false alleles and missing loci are in P(A).

References
----------
Evett & Weir (1998) Interpreting DNA Evidence. Creel et al. (2003) Molecular Ecology 12:2003–2009.
Johnson & Haydon (2007) Genetics 175:827–842.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ghostcat.errors import ParameterError
from ghostcat.genetics.reactions import Floats, GenotypeTable

__all__ = [
    "RELATIONSHIPS",
    "Population",
    "Relationship",
    "Summaries",
    "pair_log_ratios",
    "paired_log_ratios",
    "summarise",
]

Relationship = Literal["unrelated", "half_sibs", "parent_offspring", "full_sibs"]

#: (k0, k1, k2) of distinct animals.
RELATIONSHIPS: dict[Relationship, tuple[float, float, float]] = {
    "unrelated": (1.0, 0.0, 0.0),
    "half_sibs": (0.5, 0.5, 0.0),
    "parent_offspring": (0.0, 1.0, 0.0),
    "full_sibs": (0.25, 0.5, 0.25),
}


def shared_by_descent(theta: float) -> Floats:
    """(4, 3) k0, k1, k2 of each relationship in `RELATIONSHIPS`, with the background kinship `theta`.

    >>> shared_by_descent(0.0)[3].tolist()
    [0.25, 0.5, 0.25]
    """
    if not 0.0 <= theta <= 0.2:
        raise ParameterError(f"theta is {theta}", fix="Give a background kinship in 0…0.2; 0.01 is usual.")
    k2 = 2.0 * theta**2
    k1 = 4.0 * theta - 2.0 * k2
    unrelated = np.array([1.0 - k1 - k2, k1, k2])
    rows = []
    for none, one, two in RELATIONSHIPS.values():
        # Where one allele is shared already, the other two are drawn from the population.
        with_one = np.array([0.0, 1.0 - theta, theta])
        rows.append(none * unrelated + one * with_one + two * np.array([0.0, 0.0, 1.0]))
    return np.stack(rows)


@dataclass(frozen=True, eq=False)
class Population:
    """Allele frequencies (L, A) and the genotype frequencies (L, G) that follow from them."""

    table: GenotypeTable
    frequencies: Floats
    theta: float = 0.0

    @property
    def expected(self) -> Floats:
        """(L, G) Hardy–Weinberg frequencies."""
        return self.table.expected(self.frequencies)

    @property
    def shares(self) -> Floats:
        """(4, 3) see `shared_by_descent`."""
        return shared_by_descent(self.theta)


@dataclass(frozen=True, eq=False)
class Summaries:
    """What a likelihood knows of n samples or groups: see the head of the module."""

    evidence: Floats
    """(n, L) log probability of the readings, in the population."""
    genotype: Floats
    """(n, L, G) posterior w."""
    passed_on: Floats
    """(n, L, A) posterior u."""


def summarise(log_likelihood: Floats, population: Population) -> Summaries:
    """Posterior genotypes of (n, L, G) log likelihoods in a population."""
    top = log_likelihood.max(axis=2, keepdims=True)
    weight = np.exp(log_likelihood - top) * population.expected
    total = weight.sum(axis=2, keepdims=True)
    posterior = weight / total
    return Summaries(
        evidence=(top + np.log(total))[:, :, 0],
        genotype=posterior,
        passed_on=posterior @ (0.5 * population.table.copies),
    )


def inverse(p: Floats) -> Floats:
    """1/p, and 0 where p is 0."""
    return np.asarray(np.divide(1.0, p, out=np.zeros_like(p), where=p > 0))


def pair_log_ratios(first: Summaries, second: Summaries, population: Population) -> tuple[Floats, Floats]:
    """Log likelihood ratios against two animals drawn independently, of every pair.

    Returns
    -------
    same : (n, m) of one and the same animal.
    related : (4, n, m) of the `RELATIONSHIPS`, background kinship included.
    """
    n, m = len(first.evidence), len(second.evidence)
    same = np.zeros((n, m))
    related = np.zeros((4, n, m))
    per_allele, per_pair = inverse(population.frequencies), inverse(population.expected)
    shares = population.shares
    for at in range(population.frequencies.shape[0]):
        one = (first.passed_on[:, at] * per_allele[at]) @ second.passed_on[:, at].T
        two = (first.genotype[:, at] * per_pair[at]) @ second.genotype[:, at].T
        two = np.maximum(two, 1e-300)
        same += np.log(two)
        for r in range(4):
            related[r] += np.log(shares[r, 0] + shares[r, 1] * one + shares[r, 2] * two)
    return same, related


def paired_log_ratios(first: Summaries, second: Summaries, population: Population) -> tuple[Floats, Floats]:
    """The same as `pair_log_ratios`, of the first with the first, the second with the second …

    Returns
    -------
    same (n,) and related (4, n).
    """
    one = (first.passed_on * inverse(population.frequencies) * second.passed_on).sum(axis=2)
    two = (first.genotype * inverse(population.expected) * second.genotype).sum(axis=2)
    k = population.shares[:, :, None, None]
    related = np.log(k[:, 0] + k[:, 1] * one + k[:, 2] * two).sum(axis=2)
    return np.log(np.maximum(two, 1e-300)).sum(axis=1), np.asarray(related)
