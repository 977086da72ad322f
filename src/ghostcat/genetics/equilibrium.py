"""Hardy–Weinberg equilibrium: chi-square, and exact tests by enumeration or by permutation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.genetics.genotypes import Genotypes

__all__ = ["HweTest", "benjamini_hochberg", "hardy_weinberg", "holm", "snp_exact_p", "sum_over_cells"]

_Array = NDArray[np.float64]

#: Exact p-values by permutation handle this many alleles at a time, to bound memory.
_BLOCK = 4_000_000
_Orders = dict[tuple[int, int], NDArray[np.int16]]


@dataclass(frozen=True)
class HweTest:
    """One locus in one population.

    Parameters
    ----------
    chi2, df, p_chi2 : Pearson's test; unreliable with rare alleles. NaN where nothing varies.
    p_exact : exact test: share of tables that are no likelier than the observed one. 1 where
        nothing varies.
    p_exact_strict : share of the tables that are less likely. The two differ where several tables
        are exactly as likely as the observed one.
    method : how `p_exact` was found: `enumeration` has no sampling error.
    p_exact_error : Monte-Carlo standard error of `p_exact`.
    """

    population: str
    locus: str
    n: int
    n_alleles: int
    chi2: float
    df: int
    p_chi2: float
    p_exact: float
    p_exact_strict: float
    p_exact_error: float
    method: Literal["enumeration", "permutation", "none"]


def hardy_weinberg(
    genotypes: Genotypes, rng: np.random.Generator, *, permutations: int = 20_000, pooled: bool = False
) -> tuple[HweTest, ...]:
    """Test every locus of every population.

    Two alleles: all tables are enumerated (Wigginton et al. 2005). More: genes are shuffled over
    animals and the probabilities of the tables compared (Guo & Thompson 1992).

    Parameters
    ----------
    permutations : shuffles per test.
    pooled : take all populations as one.

    References
    ----------
    Guo & Thompson (1992) Biometrics 48:361–372; Wigginton, Cutler & Abecasis (2005) AJHG 76:887–893;
    Louis & Dempster (1987) Biometrics 43:805–811.
    """
    groups = [("all", np.arange(len(genotypes)))] if pooled else _groups(genotypes)
    found = []
    for name, rows in groups:
        # Loci of a population share their shuffles where as many animals were typed: each test by
        # itself is as good as with its own, and shuffling is most of the work.
        orders: _Orders = {}
        for at, locus in enumerate(genotypes.loci):
            pairs = genotypes.alleles[rows, at]
            pairs = pairs[(pairs >= 0).all(axis=1)]
            found.append(_test(pairs, name, locus.name, rng, permutations, orders))
    return tuple(found)


def snp_exact_p(hom_first: int, het: int, hom_second: int) -> float:
    """Exact p-value of a locus with two alleles.

    >>> round(snp_exact_p(17, 10, 13), 5)  # of the tables with as many genes, those no likelier
    0.0017
    """
    n = hom_first + het + hom_second
    return _snp_tail(n, min(2 * hom_first, 2 * hom_second) + het, het)[0]


def holm(p_values: NDArray[np.floating]) -> _Array:
    """Holm's adjusted p-values; NaN stays NaN and does not count.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def benjamini_hochberg(p_values: NDArray[np.floating]) -> _Array:
    """Benjamini & Hochberg's adjusted p-values (false discovery rate).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")[::-1]]
    adjusted = np.full(p.shape, np.nan)
    m = len(order)
    factors = m / np.arange(m, 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _groups(genotypes: Genotypes) -> list[tuple[str, NDArray[np.intp]]]:
    return [(name, genotypes.rows_of(name)) for name in genotypes.population_names]


def _test(
    pairs: NDArray[np.int16],
    population: str,
    locus: str,
    rng: np.random.Generator,
    permutations: int,
    orders: _Orders,
) -> HweTest:
    from scipy.stats import chi2 as chi2_distribution

    n = len(pairs)
    names, codes = np.unique(pairs, return_inverse=True)
    codes, k = codes.reshape(-1, 2), len(names)
    if n == 0 or k < 2:
        nan = float("nan")
        p = 1.0 if n else nan
        return HweTest(population, locus, n, k, nan, 0, nan, p, p, 0.0, "none")
    chi2, df = _chi2(codes, k), k * (k - 1) // 2
    method: Literal["enumeration", "permutation"] = "enumeration" if k == 2 else "permutation"
    if k == 2:
        het = int((codes[:, 0] != codes[:, 1]).sum())
        minor = int(min((codes == 0).sum(), (codes == 1).sum()))
        p, strict = _snp_tail(n, minor, het)
        error = 0.0
    else:
        p, strict = _permuted(codes, k, rng, permutations, orders)
        error = float(np.sqrt(p * (1 - p) / permutations))
    tail = float(chi2_distribution.sf(chi2, df))
    return HweTest(population, locus, n, k, chi2, df, tail, p, strict, error, method)


def _chi2(codes: NDArray[np.intp], k: int) -> float:
    n = len(codes)
    p = np.bincount(codes.ravel(), minlength=k) / (2 * n)
    low, high = codes.min(axis=1), codes.max(axis=1)
    observed = np.bincount(low * k + high, minlength=k * k).reshape(k, k)
    expected = n * np.outer(p, p) * np.where(np.eye(k, dtype=bool), 1.0, 2.0)
    upper = np.triu_indices(k)
    return float((((observed - expected) ** 2)[upper] / expected[upper]).sum())


def _snp_tail(n: int, minor: int, het: int) -> tuple[float, float]:
    """Probability of all tables that are no likelier, and less likely, than the observed one."""
    from scipy.special import gammaln

    hets = np.arange(minor % 2, minor + 1, 2)
    first, second = (minor - hets) // 2, n - hets - (minor - hets) // 2
    log_p = hets * np.log(2.0) - gammaln(hets + 1) - gammaln(first + 1) - gammaln(second + 1)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    seen = p[hets == het][0]
    return float(min(p[p <= seen * (1 + 1e-9)].sum(), 1.0)), float(p[p < seen * (1 - 1e-9)].sum())


def _permuted(
    codes: NDArray[np.intp], k: int, rng: np.random.Generator, permutations: int, orders: _Orders
) -> tuple[float, float]:
    """Share of shuffles whose table is no likelier, and less likely, than the observed one.

    The probability of a table given the genes is, up to a constant, 2^heterozygotes / Π n_ij!.
    """
    genes = codes.ravel().astype(np.int16)
    seen = _log_weight(genes[None, :], k)[0]
    block = max(1, min(permutations, _BLOCK // len(genes)))
    no_likelier = less_likely = done = 0
    while done < permutations:
        size = min(block, permutations - done)
        if (len(genes), done) not in orders:
            places = np.broadcast_to(np.arange(len(genes), dtype=np.int16), (size, len(genes)))
            orders[len(genes), done] = rng.permuted(places, axis=1)
        weight = _log_weight(genes[orders[len(genes), done]], k)
        # Equal tables give equal sums up to rounding; without a tolerance, ties fall to either side.
        no_likelier += int((weight <= seen + 1e-9).sum())
        less_likely += int((weight < seen - 1e-9).sum())
        done += size
    return no_likelier / permutations, less_likely / permutations


def _log_weight(genes: NDArray[np.int16], k: int) -> _Array:
    one, two = genes[:, ::2], genes[:, 1::2]
    place = np.minimum(one, two) * np.int16(k) + np.maximum(one, two)
    log_factorials = sum_over_cells(place, np.log(np.arange(1, place.shape[1] + 1)))
    found: _Array = (one != two).sum(axis=1) * np.log(2.0) - log_factorials
    return found


def sum_over_cells(cells: NDArray[np.integer], increments: _Array) -> _Array:
    """Σ over the cells of each row's table of f(count), f(m) = increments[0] + … + increments[m−1].

    Parameters
    ----------
    cells : (rows, n) the cell that each of n things falls into. Sorting them is cheaper than
        filling tables that are mostly empty.
    """
    ordered = np.sort(cells, axis=1)
    position = np.arange(ordered.shape[1], dtype=np.int32)
    begins = np.ones(ordered.shape, dtype=bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rank = position - np.maximum.accumulate(np.where(begins, position, 0), axis=1)
    total: _Array = increments[rank].sum(axis=1)
    return total
