"""Effective size from how often two animals of one generation share parents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.pair_sums import pair_indices, pair_sums

__all__ = ["SibshipNe", "effective_size_sibship"]

_Array = NDArray[np.float64]

#: Identity states Δ7, Δ8, Δ9 of strangers, half sibs, full sibs and cousins. Cousins are not asked
#: for; without a place of their own they would be taken for half sibs, and Ne come out too small.
_KIN = np.array([[0.0, 0.0, 1.0], [0.0, 0.5, 0.5], [0.25, 0.5, 0.25], [0.0, 0.25, 0.75]])
_FEWEST_ANIMALS = 8
_GROUPS = 40
_STEPS, _STEPS_LEFT_OUT = 400, 100
#: Steps of log-likelihoods, and the least that matters beside the best kind.
_LOG_STEP, _LEAST_LOG = 0.1, -14.0


@dataclass(frozen=True, kw_only=True)
class SibshipNe:
    """Effective size by sibship frequencies.

    Parameters
    ----------
    ne, lower, upper : estimate and interval; infinite where no sibs are needed to explain the sample.
    full_sibs, half_sibs : share of pairs that are full sibs, and half sibs, with standard errors.
    information : how sharply the panel tells the kinds of kin apart: the mean posterior of the pairs
        in the kind they were given (1 would be certain).
    """

    ne: float
    lower: float
    upper: float
    full_sibs: float
    full_sibs_se: float
    half_sibs: float
    half_sibs_se: float
    information: float
    n_animals: int
    n_pairs: int
    level: float


def effective_size_sibship(genotypes: Genotypes, *, error: float = 0.01, level: float = 0.95) -> SibshipNe:
    """Estimate Ne of the parents of a sample of one generation, under random mating.

    Every pair is a mixture of strangers, half sibs and full sibs; the shares are found by (composite)
    maximum likelihood over all pairs, without giving any single pair a verdict. Then

        1/Ne = (Q_half + 2·Q_full) / 4.

    The interval is by jackknife over animals, on the scale of 1/Ne. Parents and offspring in one
    sample count as sibs do and must be left out beforehand.

    Parameters
    ----------
    error : share of genotypes read wrongly, as a genotype drawn at random.

    Raises
    ------
    EstimateRefused : fewer than eight animals (`few_animals`); no locus varies (`no_variation`).

    References
    ----------
    Wang (2009) Molecular Ecology 18:2148–2164, eq. 10 with no departure from random mating; there the
    shares come from a partition of the sample into families, here from the mixture of pairs.
    """
    n = len(genotypes)
    if n < _FEWEST_ANIMALS:
        raise EstimateRefused(
            f"{n} animals are too few for an effective size",
            code="few_animals",
            fix=f"Sample at least {_FEWEST_ANIMALS} of one generation; some 30 give a useful interval.",
        )
    likelihood, kind = _likelihoods(genotypes, error)
    first, second = pair_indices(n)
    times = np.bincount(kind, minlength=len(likelihood)).astype(np.float64)
    shares = _mixture(likelihood, times)
    without = _leave_out(likelihood, kind, times, shares, first, second, n)
    inverse = _inverse_ne(shares)
    groups = len(without)
    spread = (groups - 1) / groups * ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    inverses = np.array([_inverse_ne(part) for part in without])
    error_inverse = float(np.sqrt((groups - 1) / groups * ((inverses - inverses.mean()) ** 2).sum()))
    low, high = _interval(inverse, error_inverse, level)
    posterior = likelihood * shares
    posterior /= posterior.sum(axis=1, keepdims=True)
    return SibshipNe(
        ne=1 / inverse if inverse > 1e-9 else float("inf"),
        lower=low,
        upper=high,
        full_sibs=float(shares[2]),
        full_sibs_se=float(np.sqrt(spread[2])),
        half_sibs=float(shares[1]),
        half_sibs_se=float(np.sqrt(spread[1])),
        information=float(np.average(posterior.max(axis=1), weights=times)),
        n_animals=n,
        n_pairs=len(first),
        level=level,
    )


def _interval(inverse: float, error: float, level: float) -> tuple[float, float]:
    from scipy.stats import norm

    z = float(norm.ppf((1 + level) / 2))
    high = inverse + z * error
    low = inverse - z * error
    return (1 / high if high > 1e-9 else float("inf")), (1 / low if low > 1e-9 else float("inf"))


def _inverse_ne(shares: _Array) -> float:
    return float((shares[1] + 2 * shares[2]) / 4)


def _likelihoods(genotypes: Genotypes, error: float) -> tuple[_Array, NDArray[np.intp]]:
    """(k, 4) different likelihoods as strangers, half sibs, full sibs, cousins; and which each pair has.

    Log-likelihoods are rounded to steps so small that pairs can be counted instead of kept.
    """
    counts = genotypes.allele_counts()
    used = np.flatnonzero((counts > 0).sum(axis=1) > 1).tolist()
    if not used:
        raise EstimateRefused(
            "no locus varies, so nothing tells sibs from strangers",
            code="no_variation",
            fix="Type loci that vary in this population.",
        )

    def table(at: int, pairs: NDArray[np.int64]) -> _Array:
        ratio = np.tensordot(_KIN[1:], _state_ratios(pairs, counts[at]), axes=1)
        return np.asarray(np.log((1 - error) ** 2 * ratio + 1 - (1 - error) ** 2))

    log = np.concatenate([np.zeros((1, _n_pairs(genotypes))), pair_sums(genotypes, used, table)])
    log = np.maximum(log - log.max(axis=0), _LEAST_LOG)
    different, kind = np.unique(np.rint(log / _LOG_STEP).astype(np.int32), axis=1, return_inverse=True)
    return np.exp(different.T * _LOG_STEP), kind.ravel()


def _n_pairs(genotypes: Genotypes) -> int:
    return len(genotypes) * (len(genotypes) - 1) // 2


def _state_ratios(pairs: NDArray[np.integer], counts: NDArray[np.int64]) -> _Array:
    """(3, k, k) probability of two genotypes in states Δ7, Δ8, Δ9 relative to strangers.

    Allele frequencies are those of the rest of the sample: with the two animals among them, every
    pair looks less related than it is, by as much as a few sibs among strangers would make up for.
    """
    a, b = pairs[:, 0][:, None], pairs[:, 1][:, None]
    c, d = pairs[:, 0][None, :], pairs[:, 1][None, :]
    seen = int((counts > 0).sum())

    def frequency(allele: NDArray[np.integer]) -> _Array:
        own = sum((allele == other).astype(np.int64) for other in (a, b, c, d))
        return np.asarray((np.maximum(counts[allele] - own, 0) + 1 / seen) / (max(counts.sum() - 4, 0) + 1))

    pc, pd = frequency(c), frequency(d)
    two = ((a == c) & (b == d)) / (pc * pd) / 2 + ((a == d) & (b == c)) / (pc * pd) / 2
    one = ((a == c) * 1.0 + (b == c)) / pc / 4 + ((a == d) * 1.0 + (b == d)) / pd / 4
    return np.stack([two, one, np.ones_like(one)])


def _mixture(likelihood: _Array, times: _Array, start: _Array | None = None) -> _Array:
    """Shares of the kinds of kin, by EM; from `start` it is not far."""
    shares = np.array([0.8, 0.06, 0.02, 0.12]) if start is None else np.maximum(start, 1e-6)
    for _ in range(_STEPS if start is None else _STEPS_LEFT_OUT):
        posterior = likelihood * shares
        posterior *= (times / posterior.sum(axis=1))[:, None]
        new = posterior.sum(axis=0) / times.sum()
        if np.abs(new - shares).max() < 1e-6:
            return np.asarray(new)
        shares = new
    return np.asarray(shares)


def _leave_out(
    likelihood: _Array,
    kind: NDArray[np.intp],
    times: _Array,
    shares: _Array,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    n: int,
) -> _Array:
    """(groups, 4) shares without the animals of each group."""
    groups = min(n, _GROUPS)
    one, two = first % groups, second % groups
    found = []
    for number in range(groups):
        gone = kind[(one == number) | (two == number)]
        left = times - np.bincount(gone, minlength=len(times))
        kept = left > 0
        found.append(_mixture(likelihood[kept], left[kept], start=shares))
    return np.array(found)
