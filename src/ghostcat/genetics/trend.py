"""Is diversity falling? Heterozygosity of animals over the years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.genetics.genotypes import Genotypes

__all__ = ["HeterozygosityTrend", "PeriodDiversity", "heterozygosity_trend"]

_FEWEST_ANIMALS = 8


@dataclass(frozen=True)
class PeriodDiversity:
    """Diversity of the animals of one year; intervals by bootstrap over animals."""

    year: float
    n: int
    ho: float
    ho_lower: float
    ho_upper: float
    he: float


@dataclass(frozen=True, kw_only=True)
class HeterozygosityTrend:
    """Change of individual heterozygosity per year, by regression, with its interval.

    Heterozygosity of an animal is standardised: its heterozygous loci over what is expected of the
    loci that it was typed at, so that missing loci do not make a trend.

    Parameters
    ----------
    slope, lower, upper : change per year (1 is the mean heterozygosity), interval by bootstrap.
    p : two-sided, by permutation of the years.
    ne_if_drift : Ne that would lose diversity at this rate, from the slope and `generation_years`;
        NaN where it does not fall.
    """

    slope: float
    lower: float
    upper: float
    p: float
    n_animals: int
    first_year: float
    last_year: float
    periods: tuple[PeriodDiversity, ...]
    ne_if_drift: float
    level: float


def heterozygosity_trend(
    genotypes: Genotypes,
    years: Sequence[float] | NDArray[np.float64],
    rng: np.random.Generator,
    *,
    generation_years: float | None = None,
    level: float = 0.95,
    draws: int = 4000,
) -> HeterozygosityTrend:
    """Regress individual heterozygosity on the year of sampling or birth.

    Parameters
    ----------
    years : (n,) year of each animal; NaN leaves it out.
    generation_years : length of a generation, for `ne_if_drift`.

    Raises
    ------
    ParameterError : as many years as animals are needed.
    EstimateRefused : fewer than eight animals with a year and genotypes (`few_animals`), or one year only
        (`one_year`).

    References
    ----------
    Coltman et al. (1999) Evolution 53:1259–1267 (standardised heterozygosity); loss by drift
    (1 − 1/2Ne) per generation, Wright (1931).
    """
    when = np.asarray(years, dtype=np.float64)
    if when.shape != (len(genotypes),):
        raise ParameterError(f"{when.size} years for {len(genotypes)} animals")
    typed, het = genotypes.typed, genotypes.heterozygous
    with np.errstate(invalid="ignore", divide="ignore"):
        per_locus = het.sum(axis=0) / typed.sum(axis=0)
        expected = np.where(typed, np.nan_to_num(per_locus), 0.0).sum(axis=1)
        value = het.sum(axis=1) / expected
    used = np.isfinite(when) & np.isfinite(value)
    if used.sum() < _FEWEST_ANIMALS:
        raise EstimateRefused(
            f"{int(used.sum())} animals have a year and genotypes; a trend needs {_FEWEST_ANIMALS}",
            code="few_animals",
            fix="Add the year of sampling or birth of more animals.",
        )
    if np.ptp(when[used]) == 0:
        raise EstimateRefused(
            f"all animals are of the year {when[used][0]:g}",
            code="one_year",
            fix="Sample more than one year.",
        )
    x, y = when[used], value[used]
    slope = _slope(x, y)
    lower, upper = _interval(x, y, rng, level, draws)
    shuffled = np.array([_slope(x, rng.permutation(y)) for _ in range(draws)])
    yearly = -slope / y.mean()
    return HeterozygosityTrend(
        slope=slope,
        lower=lower,
        upper=upper,
        p=float(((np.abs(shuffled) >= abs(slope) - 1e-12).sum() + 1) / (draws + 1)),
        n_animals=int(used.sum()),
        first_year=float(x.min()),
        last_year=float(x.max()),
        periods=tuple(_period(genotypes, when, year, rng, level) for year in np.unique(x)),
        ne_if_drift=1 / (2 * yearly * generation_years) if generation_years and yearly > 0 else float("nan"),
        level=level,
    )


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))


def _interval(
    x: NDArray[np.float64], y: NDArray[np.float64], rng: np.random.Generator, level: float, draws: int
) -> tuple[float, float]:
    at = rng.integers(len(x), size=(draws, len(x)))
    drawn_x, drawn_y = x[at], y[at]
    centred = drawn_x - drawn_x.mean(axis=1, keepdims=True)
    spread = (centred**2).sum(axis=1)
    slopes = (centred * drawn_y).sum(axis=1)[spread > 0] / spread[spread > 0]
    low, high = np.quantile(slopes, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _period(
    genotypes: Genotypes, when: NDArray[np.float64], year: float, rng: np.random.Generator, level: float
) -> PeriodDiversity:
    from ghostcat.genetics.diversity import diversity
    from ghostcat.genetics.frequencies import allele_frequencies

    mine = genotypes.select(when == year)
    found = diversity(allele_frequencies(mine).pooled())
    share = mine.heterozygous.sum(axis=1) / np.maximum(mine.typed.sum(axis=1), 1)
    drawn = rng.choice(share, size=(2000, len(share))).mean(axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    he = found.he[0][np.isfinite(found.he[0])]
    ho = found.ho[0][np.isfinite(found.ho[0])]
    few = len(share) < 3
    return PeriodDiversity(
        year=float(year),
        n=len(mine),
        ho=float(ho.mean()) if ho.size else float("nan"),
        ho_lower=float("nan") if few else float(low),
        ho_upper=float("nan") if few else float(high),
        he=float(he.mean()) if he.size else float("nan"),
    )
