"""Probability of identity: how often would two different animals show one genotype?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.frequencies import AlleleFrequencies

__all__ = ["IdentityProbability", "identity_probability", "locus_pid", "locus_pid_sib", "locus_pid_unbiased"]


@dataclass(frozen=True, eq=False)
class IdentityProbability:
    """PID of a panel in one population.

    Parameters
    ----------
    loci : (L,) names of the loci that were typed there; the others are in `left_out`.
    per_locus, per_locus_unbiased, per_locus_sib : (L,) per locus.
    pid, pid_unbiased, pid_sib : products over loci. `pid_unbiased` is corrected for the size of the
        sample and is NaN where fewer than two animals were typed at a locus.
    n_typed : (L,) animals behind each locus.
    """

    population: str
    loci: tuple[str, ...]
    left_out: tuple[str, ...]
    per_locus: NDArray[np.float64]
    per_locus_unbiased: NDArray[np.float64]
    per_locus_sib: NDArray[np.float64]
    n_typed: NDArray[np.int64]

    @property
    def pid(self) -> float:
        """Two unrelated animals share a genotype over the whole panel."""
        return float(np.prod(self.per_locus))

    @property
    def pid_unbiased(self) -> float:
        """The same, corrected for the size of the sample."""
        return float(np.prod(self.per_locus_unbiased))

    @property
    def pid_sib(self) -> float:
        """Two full sibs share a genotype over the whole panel."""
        return float(np.prod(self.per_locus_sib))

    def loci_needed(self, level: float = 0.01, *, sibs: bool = True) -> int | None:
        """How many loci, the most informative first, bring PID(sib) to `level`; None if all do not."""
        values = np.cumprod(np.sort(self.per_locus_sib if sibs else self.per_locus))
        enough = np.flatnonzero(values <= level)
        return int(enough[0]) + 1 if enough.size else None


def locus_pid(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance that two unrelated animals share a genotype: 2(Σp²)² − Σp⁴.

    Parameters
    ----------
    frequencies : (..., A) allele frequencies that sum to 1.

    References
    ----------
    Paetkau & Strobeck (1994) Molecular Ecology 3:489–495.

    >>> round(float(locus_pid(np.array([0.5, 0.5]))), 3)
    0.375
    """
    p = np.asarray(frequencies, dtype=np.float64)
    return np.asarray(2 * (p**2).sum(-1) ** 2 - (p**4).sum(-1))


def locus_pid_sib(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance that two full sibs share a genotype: ¼ + ½Σp² + ½(Σp²)² − ¼Σp⁴.

    References
    ----------
    Waits, Luikart & Taberlet (2001) Molecular Ecology 10:249–256.

    >>> round(float(locus_pid_sib(np.array([0.5, 0.5]))), 5)
    0.59375
    """
    p = np.asarray(frequencies, dtype=np.float64)
    s = (p**2).sum(-1)
    return np.asarray(0.25 + 0.5 * s + 0.5 * s**2 - 0.25 * (p**4).sum(-1))


def locus_pid_unbiased(frequencies: NDArray[np.float64], n_genes: NDArray[np.integer]) -> NDArray[np.float64]:
    """PID without the bias of a small sample; NaN below four genes.

    [n³(2a₂² − a₄) − 2n²(a₃ + 2a₂) + n(9a₂ + 2) − 6] / [(n−1)(n−2)(n−3)], n genes, a_k = Σpᵏ.

    References
    ----------
    Paetkau et al. (1998) Molecular Ecology 7:1283–1290.
    """
    p = np.asarray(frequencies, dtype=np.float64)
    n = np.asarray(n_genes, dtype=np.float64)
    a2, a3, a4 = ((p**k).sum(-1) for k in (2, 3, 4))
    top = n**3 * (2 * a2**2 - a4) - 2 * n**2 * (a3 + 2 * a2) + n * (9 * a2 + 2) - 6
    bottom = np.where(n >= 4, (n - 1) * (n - 2) * (n - 3), np.nan)
    return np.asarray(top / bottom)


def identity_probability(frequencies: AlleleFrequencies) -> tuple[IdentityProbability, ...]:
    """PID, its unbiased form and PIDsib of each population; for all as one, give `.pooled()`.

    Loci at which nobody of a population was typed are left out of its products and named.
    """
    found = []
    p, n_typed = frequencies.frequencies, frequencies.n_typed
    for at, population in enumerate(frequencies.populations):
        typed = n_typed[at] > 0
        mine, n = p[at][typed], n_typed[at][typed]
        found.append(
            IdentityProbability(
                population=population,
                loci=tuple(name for name, used in zip(frequencies.loci, typed, strict=True) if used),
                left_out=tuple(name for name, used in zip(frequencies.loci, typed, strict=True) if not used),
                per_locus=locus_pid(mine),
                per_locus_unbiased=locus_pid_unbiased(mine, 2 * n),
                per_locus_sib=locus_pid_sib(mine),
                n_typed=n,
            )
        )
    return tuple(found)
