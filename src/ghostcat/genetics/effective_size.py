"""Effective size from linkage disequilibrium between unlinked loci of one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["LinkageNe", "effective_size_linkage", "ne_from_r2"]

_Array = NDArray[np.float64]

#: What an allele's share is of: all genes, or copies per animal (which lets in rarer alleles).
FrequencyBasis = Literal["genes", "animals"]

_FEWEST_ANIMALS = 5
_BLOCK = 512
#: Groups × columns² above which the jackknife takes minutes; its interval is then not given.
_JACKKNIFE_WORK = 4e8
#: Larger samples leave out groups of animals instead of single ones.
_GROUPS = 100


@dataclass(frozen=True, kw_only=True)
class LinkageNe:
    """Effective size by linkage disequilibrium; infinite where drift cannot be told from sampling.

    Parameters
    ----------
    ne, lower, upper : estimate and parametric interval (chi-square on the number of pairs of alleles).
    lower_jackknife, upper_jackknife : interval by leaving out animals, which allows for pairs of loci
        that are not independent; NaN where it was not worked out.
    mean_r2, expected_r2 : squared correlation of alleles, found and expected from sampling alone.
    sample_size : harmonic mean of the animals behind each pair of loci.
    n_pairs : independent comparisons of alleles.
    """

    ne: float
    lower: float
    upper: float
    lower_jackknife: float
    upper_jackknife: float
    mean_r2: float
    expected_r2: float
    sample_size: float
    n_pairs: int
    n_loci: int
    least_frequency: float
    level: float

    @property
    def infinite(self) -> bool:
        """No drift beyond what sampling gives: the population may be of any large size."""
        return bool(np.isinf(self.ne))


def effective_size_linkage(
    genotypes: Genotypes,
    *,
    least_frequency: float = 0.0,
    basis: FrequencyBasis = "genes",
    level: float = 0.95,
    jackknife: bool = True,
) -> LinkageNe:
    """Estimate Ne of the parents of one closed, randomly mating population with unlinked loci.

    Composite (Burrows) correlations of alleles, missing genotypes pair by pair.

    Parameters
    ----------
    least_frequency : alleles rarer than this are left out (Pcrit). Rare alleles draw Ne upward.
    basis : `genes`, the usual share; `animals`, copies per animal.

    Raises
    ------
    EstimateRefused : fewer than five animals (`few_animals`) or no two varying loci (`few_loci`).

    References
    ----------
    Waples (2006) Conservation Genetics 7:167–184; Waples & Do (2008) Molecular Ecology Resources
    8:753–756; Jones, Ovenden & Wang (2016) Heredity 117:217–223 (jackknife over animals).
    """
    if len(genotypes) < _FEWEST_ANIMALS:
        raise EstimateRefused(
            f"{len(genotypes)} animals are too few for an effective size",
            code="few_animals",
            fix=f"Sample at least {_FEWEST_ANIMALS}; some 30 give a useful interval.",
        )
    columns = _columns(genotypes, least_frequency, basis)
    if len(set(columns.locus.tolist())) < 2:
        raise EstimateRefused(
            "fewer than two loci vary enough to compare them",
            code="few_loci",
            fix="Type more loci, or lower the least frequency of alleles.",
        )
    mean_r2, sample_size, n_pairs = _mean_r2(columns)
    expected = _expected_r2(sample_size)
    lower, upper = _chi_square_interval(mean_r2, expected, sample_size, n_pairs, level)
    low_j = high_j = float("nan")
    work = min(len(genotypes), _GROUPS) * columns.values.shape[1] ** 2
    if jackknife and work <= _JACKKNIFE_WORK:
        freedom = _jackknife_freedom(columns, mean_r2)
        low_j, high_j = _chi_square_interval(mean_r2, expected, sample_size, freedom, level)
    return LinkageNe(
        ne=ne_from_r2(mean_r2 - expected, sample_size),
        lower=lower,
        upper=upper,
        lower_jackknife=low_j,
        upper_jackknife=high_j,
        mean_r2=mean_r2,
        expected_r2=expected,
        sample_size=sample_size,
        n_pairs=round(n_pairs),
        n_loci=len(set(columns.locus.tolist())),
        least_frequency=least_frequency,
        level=level,
    )


def ne_from_r2(r2_drift: float, sample_size: float) -> float:
    """Ne of r² beyond sampling, under random mating; infinite where that is not above 0.

    References
    ----------
    Waples (2006), table 2.

    >>> round(ne_from_r2(0.0279431745 - 0.0237975309, 45), 2)
    78.28
    """
    if r2_drift <= 0:
        return float("inf")
    if sample_size >= 30:
        first, second = 1 / 3, 2.76
    else:
        first, second = 0.308, 2.08
    # Beyond the largest r² of the quadratic its root is the smallest size it can tell.
    return (first + float(np.sqrt(max(first**2 - second * r2_drift, 0.0)))) / (2 * r2_drift)


def _expected_r2(s: float) -> float:
    return 1 / s + 3.19 / s**2 if s >= 30 else 0.0018 + 0.907 / s + 4.44 / s**2


def _chi_square_interval(
    mean_r2: float, expected: float, sample_size: float, freedom: float, level: float
) -> tuple[float, float]:
    from scipy.stats import chi2

    quantiles = chi2.ppf([(1 - level) / 2, (1 + level) / 2], freedom)
    highest, lowest = mean_r2 * freedom / quantiles
    return ne_from_r2(highest - expected, sample_size), ne_from_r2(lowest - expected, sample_size)


@dataclass(frozen=True, eq=False)
class _Columns:
    """Copies of each used allele: values (n, K) with 0 where missing, typed (n, K), and of each
    column its locus and the share of an independent comparison that it stands for."""

    values: _Array
    typed: _Array
    locus: NDArray[np.intp]
    weight: _Array


def _columns(genotypes: Genotypes, least: float, basis: FrequencyBasis) -> _Columns:
    values, typed, locus, weight = [], [], [], []
    for at in range(genotypes.n_loci):
        known = genotypes.typed[:, at]
        if known.sum() < 2:
            continue
        pair = genotypes.alleles[known, at]
        counts = np.bincount(pair.ravel(), minlength=len(genotypes.loci[at].alleles))
        total = (2 if basis == "genes" else 1) * known.sum()
        seen = np.flatnonzero(counts)
        used = seen[counts[seen] / total >= max(least, 1e-12)]
        if seen.size < 2 or not used.size:
            continue
        dropped = used.size < seen.size
        if seen.size == 2:
            # Both alleles of a SNP say the same; a dropped one takes its locus with it.
            if dropped:
                continue
            used, independent = used[1:], 1
        else:
            independent = used.size if dropped else used.size - 1
        for allele in used:
            column = np.zeros(len(genotypes))
            column[known] = (pair == allele).sum(axis=1)
            if np.ptp(column[known]) == 0:
                continue
            values.append(column)
            typed.append(known.astype(np.float64))
            locus.append(at)
            weight.append(independent / used.size)
    if not values:
        empty = np.empty((len(genotypes), 0))
        return _Columns(empty, empty, np.empty(0, dtype=np.intp), np.empty(0))
    return _Columns(
        np.stack(values, axis=1), np.stack(typed, axis=1), np.array(locus, dtype=np.intp), np.array(weight)
    )


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sums over animals typed at two columns: animals, values, products and squares (k, K)."""

    n: _Array
    one: _Array
    other: _Array
    product: _Array
    one_square: _Array
    other_square: _Array

    def without(self, part: _Moments) -> _Moments:
        return _Moments(
            self.n - part.n,
            self.one - part.one,
            self.other - part.other,
            self.product - part.product,
            self.one_square - part.one_square,
            self.other_square - part.other_square,
        )


def _moments(columns: _Columns, rows: slice, animals: slice | NDArray[np.intp]) -> _Moments:
    x, m = columns.values[animals], columns.typed[animals]
    a, ma = x[:, rows], m[:, rows]
    return _Moments(ma.T @ m, a.T @ m, ma.T @ x, a.T @ x, (a**2).T @ m, ma.T @ (x**2))


def _sums(columns: _Columns, rows: slice, moments: _Moments) -> _Array:
    """Σ weight·n²·r², Σ weight·n², Σ weight and Σ weight/n of the columns `rows` with those of later loci."""
    n = moments.n
    with np.errstate(invalid="ignore", divide="ignore"):
        cov = moments.product - moments.one * moments.other / n
        variances = (moments.one_square - moments.one**2 / n) * (moments.other_square - moments.other**2 / n)
        good = (columns.locus[rows][:, None] < columns.locus[None, :]) & (n > 2) & (variances > 1e-9)
        r2 = np.where(good, cov**2 / variances * (n / (n - 1)) ** 2, 0.0)
    weight = np.where(good, columns.weight[rows][:, None] * columns.weight[None, :], 0.0)
    # Pairs typed in more animals say more: weights go with the square of the sample.
    precision = weight * n**2
    inverse = weight / np.where(n > 0, n, 1.0)
    return np.array([(precision * r2).sum(), precision.sum(), weight.sum(), inverse.sum()])


def _mean_r2(columns: _Columns) -> tuple[float, float, float]:
    """Weighted mean r², harmonic mean of sample sizes, and the number of independent comparisons."""
    total = np.zeros(4)
    for start in range(0, columns.values.shape[1], _BLOCK):
        rows = slice(start, start + _BLOCK)
        total += _sums(columns, rows, _moments(columns, rows, slice(None)))
    top, bottom, comparisons, inverse = total.tolist()
    if bottom <= 0:
        raise EstimateRefused(
            "no two loci were typed in the same animals",
            code="few_loci",
            fix="Type the same animals at several loci.",
        )
    return top / bottom, comparisons / inverse, comparisons


def _jackknife_freedom(columns: _Columns, mean_r2: float) -> float:
    """Degrees of freedom that make chi-square as wide as the jackknife over animals says."""
    n = len(columns.values)
    groups = min(n, _GROUPS)
    sums = np.zeros((groups, 4))
    for start in range(0, columns.values.shape[1], _BLOCK):
        rows = slice(start, start + _BLOCK)
        total = _moments(columns, rows, slice(None))
        for group in range(groups):
            part = _moments(columns, rows, np.arange(group, n, groups))
            sums[group] += _sums(columns, rows, total.without(part))
    without = sums[:, 0] / sums[:, 1]
    variance = (groups - 1) / groups * float(((without - without.mean()) ** 2).sum())
    return 2 * mean_r2**2 / variance if variance > 0 else float("inf")
