"""How related are two animals? Moment estimators of every pair, and of each animal's inbreeding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.pair_sums import Pairs, PairTable, pair_indices, pair_sums

__all__ = [
    "Estimator",
    "MomentInbreeding",
    "PairRelatedness",
    "moment_inbreeding",
    "reference_frequencies",
    "relatedness",
]

_Array = NDArray[np.float64]

#: Wang (2002), Li et al. (1993), Lynch & Ritland (1999), Ritland (1996), Queller & Goodnight (1989).
Estimator = Literal["wang", "lynchli", "lynchrd", "ritland", "quellergt"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)


@dataclass(frozen=True, eq=False)
class PairRelatedness:
    """Relatedness of pairs: 1 for clones, ½ for full sibs and parent and cub, 0 for strangers.

    Parameters
    ----------
    first, second : (m,) row numbers of the two animals.
    values : estimator → (m,) relatedness. Estimates of moments may be negative or above 1.
    standard_errors : estimator → (m,) by jackknife over loci; empty if not asked for.
    n_loci : (m,) loci typed in both.
    """

    samples: tuple[str, ...]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    values: Mapping[str, _Array]
    standard_errors: Mapping[str, _Array]
    n_loci: NDArray[np.int64]

    def matrix(self, estimator: Estimator) -> _Array:
        """(n, n) symmetric matrix of one estimator, NaN on the diagonal and where nothing is known."""
        found = np.full((len(self.samples), len(self.samples)), np.nan)
        found[self.first, self.second] = found[self.second, self.first] = self.values[estimator]
        return found


@dataclass(frozen=True, eq=False)
class MomentInbreeding:
    """Inbreeding of each animal, by moments (n,)."""

    ritland: _Array
    lynch_ritland: _Array
    n_loci: NDArray[np.int64]


def reference_frequencies(genotypes: Genotypes) -> tuple[_Array, ...]:
    """Allele frequencies per locus, counted in the sample; loci that do not vary give an empty array."""
    counts = genotypes.allele_counts()
    found = []
    for at, locus in enumerate(genotypes.loci):
        mine = counts[at, : len(locus.alleles)].astype(np.float64)
        varies = (mine > 0).sum() > 1
        found.append(mine / mine.sum() if varies else np.empty(0))
    return tuple(found)


def relatedness(
    genotypes: Genotypes,
    *,
    estimators: Sequence[Estimator] = ESTIMATORS,
    frequencies: Sequence[_Array] | None = None,
    pairs: Pairs | None = None,
    jackknife: bool = False,
) -> PairRelatedness:
    """Estimate the relatedness of pairs of animals.

    Parameters
    ----------
    frequencies : per locus the allele frequencies of the population that relatedness refers to;
        those of the sample when None.
    pairs : row numbers of the two animals; all pairs when None.
    jackknife : also standard errors, by leaving out one locus after the other.

    Raises
    ------
    EstimateRefused : no locus varies (code `no_variation`).

    References
    ----------
    Wang (2002) Genetics 160:1203–1215; Li, Weeks & Chakravarti (1993) Human Heredity 43:45–52;
    Lynch & Ritland (1999) Genetics 152:1753–1766; Ritland (1996) Genetical Research 67:175–185;
    Queller & Goodnight (1989) Evolution 43:258–275. Ritland's loci have equal weights, and Wang's
    moments are those of the given frequencies, as in COANCESTRY (Wang 2011).
    """
    unknown = [name for name in estimators if name not in ESTIMATORS]
    if unknown:
        raise ParameterError(
            f"there is no estimator {unknown[0]!r}", fix=f"Known are {', '.join(ESTIMATORS)}."
        )
    p = tuple(frequencies) if frequencies is not None else reference_frequencies(genotypes)
    used = [at for at in range(genotypes.n_loci) if p[at].size > 1]
    if not used:
        raise EstimateRefused(
            "no locus varies, so nothing tells relatives from strangers",
            code="no_variation",
            fix="Type loci that vary in this population.",
        )
    first, second = pairs if pairs is not None else pair_indices(len(genotypes))
    totals: dict[str, _Array] = {
        name: pair_sums(genotypes, used, _table_of(name, p), pairs=pairs)
        for name in dict.fromkeys(estimators)
    }
    known = pair_sums(genotypes, used, _both_typed, pairs=pairs)[0]
    values: dict[str, _Array] = {name: _FINISH[name](total) for name, total in totals.items()}
    errors: dict[str, _Array] = (
        {name: _jackknife(genotypes, used, p, name, totals[name], (first, second)) for name in totals}
        if jackknife
        else {}
    )
    return PairRelatedness(genotypes.samples, first, second, values, errors, np.rint(known).astype(np.int64))


def moment_inbreeding(
    genotypes: Genotypes, *, frequencies: Sequence[_Array] | None = None
) -> MomentInbreeding:
    """Inbreeding of each animal by Ritland's and by Lynch & Ritland's moments.

    Negative: fewer homozygous loci than random mating gives.

    References
    ----------
    Ritland (1996) Genetical Research 67:175–185; Lynch & Ritland (1999) Genetics 152:1753–1766.
    """
    p = tuple(frequencies) if frequencies is not None else reference_frequencies(genotypes)
    n = len(genotypes)
    top_r, bottom_r, top_l, bottom_l = (np.zeros(n) for _ in range(4))
    n_loci = np.zeros(n, dtype=np.int64)
    for at in range(genotypes.n_loci):
        if p[at].size < 2:
            continue
        known = genotypes.typed[:, at]
        pair = np.maximum(genotypes.alleles[:, at], 0)
        hom = (known & (pair[:, 0] == pair[:, 1])).astype(np.float64)
        with np.errstate(divide="ignore"):
            inverse = np.where(p[at] > 0, 1 / p[at], 0.0)
        one, two = inverse[pair[:, 0]], inverse[pair[:, 1]]
        top_r += np.where(known, hom * one - 1, 0.0)
        bottom_r += np.where(known, (p[at] > 0).sum() - 1, 0)
        top_l += np.where(known, hom * (one + two) - 2, 0.0)
        bottom_l += np.where(known, one + two - 2, 0.0)
        n_loci += known
    with np.errstate(invalid="ignore", divide="ignore"):
        return MomentInbreeding(
            np.where(bottom_r > 0, top_r / bottom_r, np.nan),
            np.where(bottom_l > 0, top_l / bottom_l, np.nan),
            n_loci,
        )


# What one locus adds. Each part takes the alleles (a, b) of one animal and (c, d) of the other, for
# every pair of genotypes of the locus, with the frequencies, and gives (terms, genotypes, genotypes).
_Part = Callable[[NDArray[np.int64], _Array], _Array]


def _table_of(name: str, p: Sequence[_Array]) -> PairTable:
    return lambda at, pairs: _PARTS[name](pairs, p[at])


def _both_typed(_: int, pairs: NDArray[np.int64]) -> _Array:
    return np.ones((1, len(pairs), len(pairs)))


def _matches(pairs: NDArray[np.int64]) -> tuple[NDArray[np.bool_], ...]:
    """Which of the four comparisons a=c, a=d, b=c, b=d hold, for every two genotypes."""
    a, b = pairs[:, 0][:, None], pairs[:, 1][:, None]
    c, d = pairs[:, 0][None, :], pairs[:, 1][None, :]
    return a == c, a == d, b == c, b == d


def _queller_goodnight(pairs: NDArray[np.int64], p: _Array) -> _Array:
    ac, ad, bc, bd = _matches(pairs)
    shared = 0.5 * (ac.astype(float) + ad + bc + bd)
    own = p[pairs].sum(axis=1)
    possible = 1.0 + (pairs[:, 0] == pairs[:, 1]) - own
    top = 2 * shared - own[:, None] - own[None, :]
    return np.stack([top, possible[:, None] + possible[None, :]])


def _lynch_ritland(pairs: NDArray[np.int64], p: _Array) -> _Array:
    ac, ad, bc, bd = _matches(pairs)
    pa, pb = p[pairs[:, 0]][:, None], p[pairs[:, 1]][:, None]
    same = (pairs[:, 0] == pairs[:, 1])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        top = (pa * (bc.astype(float) + bd) + pb * (ac.astype(float) + ad) - 4 * pa * pb) / (2 * pa * pb)
        weight = ((1 + same) * (pa + pb) - 4 * pa * pb) / (2 * pa * pb)
    weight = np.broadcast_to(weight, top.shape)
    top, weight = np.nan_to_num(top, posinf=0, neginf=0), np.nan_to_num(weight, posinf=0, neginf=0)
    return np.stack([top, weight, top.T, weight.T])


def _ritland(pairs: NDArray[np.int64], p: _Array) -> _Array:
    ac, ad, bc, bd = _matches(pairs)
    with np.errstate(divide="ignore"):
        inverse = np.where(p > 0, 1 / p, 0.0)
    pa, pb = inverse[pairs[:, 0]][:, None], inverse[pairs[:, 1]][:, None]
    excess = 0.25 * ((ac.astype(float) + ad) * pa + (bc.astype(float) + bd) * pb) - 1
    alleles = max(int((p > 0).sum()) - 1, 1)
    return np.stack([2 * excess / alleles, np.ones_like(excess)])


def _similarity(pairs: NDArray[np.int64]) -> tuple[_Array, _Array, _Array]:
    """Which genotypes are alike (AA,AA; AB,AB), share with a homozygote (AA,AB), share one (AB,AC)?"""
    ac, ad, bc, bd = _matches(pairs)
    same = (ac & bd) | (ad & bc)
    hom = pairs[:, 0] == pairs[:, 1]
    share = (ac | ad | bc | bd) & ~same
    with_hom = share & (hom[:, None] | hom[None, :])
    return same.astype(float), with_hom.astype(float), (share & ~with_hom).astype(float)


def _li(pairs: NDArray[np.int64], p: _Array) -> _Array:
    same, with_hom, one = _similarity(pairs)
    chance = 2 * (p**2).sum() - (p**3).sum()
    return np.stack([same + 0.75 * with_hom + 0.5 * one, np.full_like(same, chance), np.ones_like(same)])


def _wang(pairs: NDArray[np.int64], p: _Array) -> _Array:
    a2, a3, a4 = ((p**k).sum() for k in (2, 3, 4))
    weight = 1 / (2 * a2 - a3)
    expected = (
        2 * a2**2 - a4,
        a2 - 2 * a2**2 + a4,
        4 * (a3 - a4),
        2 * (a2 - 3 * a3 + 2 * a4),
        4 * (a2 - a2**2 - 2 * a3 + 2 * a4),
        1 - 7 * a2 + 4 * a2**2 + 10 * a3 - 8 * a4,
    )
    seen = _similarity(pairs)
    ones = np.ones_like(seen[0])
    return np.asarray(weight * np.stack([*seen, *(value * ones for value in expected), ones]))


def _ratio(total: _Array) -> _Array:
    return np.where(total[1] != 0, total[0] / np.where(total[1] != 0, total[1], 1.0), np.nan)


def _finish_lynch_ritland(total: _Array) -> _Array:
    return np.asarray((_ratio(total[:2]) + _ratio(total[2:])) / 2)


def _finish_li(total: _Array) -> _Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[2] > 0, (total[0] - total[1]) / (total[2] - total[1]), np.nan)


def _finish_wang(total: _Array) -> _Array:
    """Eq. 9–11 of Wang (2002): two-gene (φ) and four-gene (Δ) coefficients, r = φ/2 + Δ."""
    with np.errstate(invalid="ignore", divide="ignore"):
        p1, p2, p3, b, c, d, e, f, g = total[:9] / np.where(total[9] > 0, total[9], np.nan)
        u, v = 1 - b, e**2 * f + d * g**2
        w = e * f - d * g
        volume = u**2 * v - u * w**2 + 2 * c * d * f * u * (g + e) + c**2 * d * f * (d + f)
        phi = (
            d * f * ((e + g) * u + c * (d + f)) * (p1 - 1)
            + d * u * (g * (u - d) + f * (c + e)) * p3
            + f * u * (e * (u - f) + d * (c + g)) * p2
        ) / volume
        delta = (
            c * d * f * (e + g) * (p1 + 1 - 2 * b)
            + (u * v - w**2) * (p1 - b)
            - c * w * (d * p3 - f * p2)
            - c**2 * d * f * (p3 + p2 - d - f)
            - c * u * (d * g * p3 + e * f * p2)
        ) / volume
    found: _Array = phi / 2 + delta
    return found


_PARTS: dict[str, _Part] = {
    "wang": _wang,
    "lynchli": _li,
    "lynchrd": _lynch_ritland,
    "ritland": _ritland,
    "quellergt": _queller_goodnight,
}
_FINISH: dict[str, Callable[[_Array], _Array]] = {
    "wang": _finish_wang,
    "lynchli": _finish_li,
    "lynchrd": _finish_lynch_ritland,
    "ritland": _ratio,
    "quellergt": _ratio,
}


def _jackknife(
    genotypes: Genotypes, used: Sequence[int], p: Sequence[_Array], name: str, total: _Array, pairs: Pairs
) -> _Array:
    """Standard error by leaving out one locus after the other; NaN below three loci."""
    n, mean, spread = (np.zeros(len(pairs[0])) for _ in range(3))
    for at in used:
        without = _FINISH[name](total - pair_sums(genotypes, [at], _table_of(name, p), pairs=pairs))
        typed = genotypes.typed[:, at]
        counted = typed[pairs[0]] & typed[pairs[1]] & np.isfinite(without)
        n += counted
        step = np.where(counted, without - mean, 0.0)
        mean += step / np.maximum(n, 1)
        spread += step * np.where(counted, without - mean, 0.0)
    return np.where(n >= 3, np.sqrt((n - 1) / np.maximum(n, 1) * spread), np.nan)
