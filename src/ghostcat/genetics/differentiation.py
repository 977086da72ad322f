"""How different are populations? F-statistics of Weir & Cockerham and of Nei, overall and pairwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.diversity import nei_statistics
from ghostcat.genetics.frequencies import AlleleFrequencies

__all__ = ["WeirCockerham", "pairwise_nei_fst", "pairwise_weir_cockerham", "weir_cockerham"]

_Array = NDArray[np.float64]

#: What becomes of a locus that was typed in one of the compared populations only. It says nothing
#: about what lies between them: `left_out` leaves it out; `within` adds its variance within to the
#: denominator, as hierfstat does, which draws FST towards 0.
Unshared = Literal["left_out", "within"]


@dataclass(frozen=True, eq=False)
class WeirCockerham:
    """Variance components per locus, summed over alleles: between populations, individuals, genes.

    Parameters
    ----------
    between, within, genes : (L,) components a, b, c of Weir & Cockerham (1984).
    """

    loci: tuple[str, ...]
    between: _Array
    within: _Array
    genes: _Array
    n_populations: int

    @property
    def fst(self) -> float:
        """θ over loci; NaN for one population."""
        if self.n_populations < 2:
            return float("nan")
        return _share(self.between.sum(), (self.between + self.within + self.genes).sum())

    @property
    def fis(self) -> float:
        """f over loci."""
        return _share(self.within.sum(), (self.within + self.genes).sum())

    @property
    def fit(self) -> float:
        """F over loci."""
        return _share((self.between + self.within).sum(), (self.between + self.within + self.genes).sum())

    @property
    def fst_per_locus(self) -> _Array:
        """(L,) θ; NaN where a locus does not vary, or for one population."""
        if self.n_populations < 2:
            return np.full(len(self.loci), np.nan)
        return _shares(self.between, self.between + self.within + self.genes)

    @property
    def fis_per_locus(self) -> _Array:
        """(L,) f; NaN where a locus does not vary."""
        return _shares(self.within, self.within + self.genes)

    def fst_interval(
        self, rng: np.random.Generator, *, level: float = 0.95, draws: int = 5000
    ) -> tuple[float, float]:
        """Interval of θ by bootstrap over loci; NaN with fewer than four varying loci."""
        total = self.between + self.within + self.genes
        at = np.flatnonzero(total > 0)
        if at.size < 4 or self.n_populations < 2:
            return float("nan"), float("nan")
        drawn = at[rng.integers(at.size, size=(draws, at.size))]
        fst = self.between[drawn].sum(axis=1) / total[drawn].sum(axis=1)
        low, high = np.quantile(fst, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def weir_cockerham(frequencies: AlleleFrequencies, *, unshared: Unshared = "left_out") -> WeirCockerham:
    """Weir & Cockerham's estimators for unequal samples.

    Parameters
    ----------
    unshared : what becomes of loci that only one population was typed at (see `Unshared`).

    Of one population only FIS can be known; FST is NaN.

    References
    ----------
    Weir & Cockerham (1984) Evolution 38:1358–1370, eq. 2–4.
    """
    if len(frequencies.populations) < 2:
        unshared = "within"
    parts = _components(frequencies, unshared)
    return WeirCockerham(frequencies.loci, *parts, n_populations=len(frequencies.populations))


def pairwise_weir_cockerham(frequencies: AlleleFrequencies, *, unshared: Unshared = "left_out") -> _Array:
    """(P, P) θ of each pair of populations, NaN on the diagonal."""

    def theta(pair: list[int]) -> float:
        a, b, c = _components(frequencies.take(pair), unshared)
        return _share(a.sum(), (a + b + c).sum())

    return _pairwise(len(frequencies.populations), theta)


def pairwise_nei_fst(frequencies: AlleleFrequencies) -> _Array:
    """(P, P) Nei's Fst of each pair, free of the number of populations (Dst'/Ht'), NaN on the diagonal."""

    def fst(pair: list[int]) -> float:
        return nei_statistics(frequencies.take(pair)).overall()["Fstp"]

    return _pairwise(len(frequencies.populations), fst)


def _pairwise(n: int, statistic: Callable[[list[int]], float]) -> _Array:
    found = np.full((n, n), np.nan)
    for i in range(n):
        for j in range(i):
            found[i, j] = found[j, i] = statistic([i, j])
    return found


def _components(frequencies: AlleleFrequencies, unshared: Unshared) -> tuple[_Array, _Array, _Array]:
    """a, b, c per locus; 0 where they cannot be known."""
    n_typed, counts, homozygotes = frequencies.n_typed, frequencies.counts, frequencies.homozygotes
    used = n_typed > 0
    r = used.sum(axis=0).astype(np.float64)
    n = n_typed.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        n_bar = n.sum(axis=0) / r
        between = np.maximum(r - 1, 1)  # with one population s² is 0 whatever it is divided by
        n_c = (n.sum(axis=0) - (n**2).sum(axis=0) / n.sum(axis=0)) / between
        weight = n[:, :, None]
        p = np.where(weight > 0, counts / np.where(weight > 0, 2 * weight, 1.0), 0.0)
        total = n.sum(axis=0)[:, None]
        p_bar = counts.sum(axis=0) / (2 * total)
        s2 = (weight * (p - p_bar) ** 2).sum(axis=0) / (between * n_bar)[:, None]
        h_bar = (counts - 2 * homozygotes).sum(axis=0) / total
        n_bar_, n_c_, r_ = n_bar[:, None], n_c[:, None], r[:, None]
        spread = p_bar * (1 - p_bar) - (r_ - 1) / r_ * s2
        a = n_bar_ / n_c_ * (s2 - (spread - h_bar / 4) / (n_bar_ - 1))
        b = n_bar_ / (n_bar_ - 1) * (spread - (2 * n_bar_ - 1) / (4 * n_bar_) * h_bar)
        c = h_bar / 2
    shared = (r >= 2) & (n_bar > 1)
    kept = shared if unshared == "left_out" else (r >= 1) & (n_bar > 1)
    sums = [
        np.where(use, np.where(np.isfinite(part), part, 0.0).sum(axis=1), 0.0)
        for use, part in ((shared, a), (kept, b), (kept, c))
    ]
    return sums[0], sums[1], sums[2]


def _share(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom > 0 else float("nan")


def _shares(top: _Array, bottom: _Array) -> _Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)
