"""Effective population size from a pedigree: realised by inbreeding, and from the numbers of offspring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ghostcat.errors import EstimateRefused
from ghostcat.pedigree.inbreeding import equivalent_generations, inbreeding
from ghostcat.pedigree.kinship import positions
from ghostcat.pedigree.pedigree import FEMALE, MALE, Pedigree

__all__ = ["EffectiveSize", "family_size_ne", "realised_ne"]

_Z95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class EffectiveSize:
    """An effective size with its standard error and 95 % interval (∞ where there is no upper limit)."""

    estimate: float
    standard_error: float
    lower: float
    upper: float
    n: int
    method: str


def realised_ne(pedigree: Pedigree, animals: ArrayLike | None = None) -> EffectiveSize:
    """Realised effective size from individual increases in inbreeding.

    ΔF_i = 1 − (1 − F_i)^(1/(t_i − 1)), Ne = 1/(2 mean ΔF), over animals with t > 1. The standard
    error takes animals as independent, which relatives are not: read the interval as the least there is.

    Parameters
    ----------
    animals : positions or a mask; all by default.

    Raises
    ------
    EstimateRefused : `too_shallow`, fewer than two animals with ancestors two generations deep;
        `no_inbreeding`, no animal is inbred, so that only "large" could be said.

    References
    ----------
    Gutiérrez et al. (2008) Genet Sel Evol 40:359; (2009) J Anim Breed Genet 126:327.
    """
    chosen = positions(pedigree, animals)
    f, t = inbreeding(pedigree)[chosen], equivalent_generations(pedigree)[chosen]
    used = t > 1  # an inbred animal with t = 1 is a founder's own: no generation to divide by
    if used.sum() < 2:
        raise EstimateRefused(
            f"{int(used.sum())} animals have ancestors known beyond their parents; two are needed",
            code="too_shallow",
            fix="Add earlier generations.",
        )
    increase = 1 - (1 - f[used]) ** (1 / (t[used] - 1))
    mean = float(increase.mean())
    if mean <= 0:
        raise EstimateRefused(
            f"none of {int(used.sum())} animals is inbred, so the effective size has no upper limit",
            code="no_inbreeding",
            fix="Add earlier generations, or use the effective size from family sizes.",
        )
    error = float(increase.std(ddof=1) / np.sqrt(used.sum()))
    ne = 1 / (2 * mean)
    low, high = mean - _Z95 * error, mean + _Z95 * error
    return EffectiveSize(
        estimate=ne,
        standard_error=2 * ne**2 * error,
        lower=1 / (2 * high),
        upper=1 / (2 * low) if low > 0 else np.inf,
        n=int(used.sum()),
        method="individual increase in inbreeding",
    )


def family_size_ne(
    pedigree: Pedigree,
    parents: ArrayLike,
    *,
    offspring: ArrayLike | None = None,
    rng: np.random.Generator,
    resamples: int = 2000,
) -> EffectiveSize:
    """Effective size from the mean and variance of family size of a set of breeders, by sex.

    Ne_s = (N_s k̄ − 1)/(k̄ − 1 + V/k̄) for each sex with N_s animals of k̄ offspring and variance V, and
    Ne = 4 Ne_m Ne_f/(Ne_m + Ne_f). The interval resamples the animals of each sex.

    Parameters
    ----------
    parents : animals that could have bred, with and without offspring.
    offspring : those that are counted; all by default.
    rng : for the interval.

    Raises
    ------
    EstimateRefused : `one_sex`, fewer than two animals of a sex; `no_offspring` of a sex.

    References
    ----------
    Crow & Denniston (1988) Evolution 42:482; Lande & Barrowclough (1987), in Viable Populations for
    Conservation.
    """
    chosen = positions(pedigree, parents)
    counted = positions(pedigree, offspring)
    families = []
    for code, role, name in ((MALE, pedigree.sire, "males"), (FEMALE, pedigree.dam, "females")):
        animals = chosen[pedigree.sex[chosen] == code]
        if len(animals) < 2:
            raise EstimateRefused(
                f"{len(animals)} {name} among the possible parents; two are needed",
                code="one_sex",
                fix="Give the sex of the animals, and all that could have bred.",
            )
        named = role[counted]
        sizes = np.bincount(named[named >= 0], minlength=len(pedigree))[animals]
        if sizes.sum() < 2:
            raise EstimateRefused(f"the {name} have {sizes.sum()} offspring", code="no_offspring")
        families.append(sizes.astype(np.float64))
    ne = float(_ne_of(families[0][None], families[1][None])[0])
    draws = _ne_of(*(sizes[rng.integers(0, len(sizes), (resamples, len(sizes)))] for sizes in families))
    draws = draws[np.isfinite(draws) & (draws > 0)]
    lower, upper = np.quantile(draws, [0.025, 0.975]) if len(draws) else (np.nan, np.nan)
    return EffectiveSize(
        estimate=ne,
        standard_error=float(draws.std(ddof=1)) if len(draws) > 1 else np.nan,
        lower=float(lower),
        upper=float(upper),
        n=sum(len(sizes) for sizes in families),
        method="mean and variance of family size",
    )


def _ne_of(males: NDArray[np.float64], females: NDArray[np.float64]) -> NDArray[np.float64]:
    sexes = []
    for sizes in (males, females):
        n, mean = sizes.shape[1], sizes.mean(axis=1)
        variance = sizes.var(axis=1, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            sexes.append((n * mean - 1) / (mean - 1 + variance / mean))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(4 * sexes[0] * sexes[1] / (sexes[0] + sexes[1]))
