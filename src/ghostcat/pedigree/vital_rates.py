"""How this population was born and died, as its studbook tells: survival and litters with their n."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ghostcat.pedigree.pedigree import Pedigree

__all__ = ["ObservedRate", "observed_rates"]

#: Fewer than these carry no rate: the default is used and said to be assumed.
_YOUNG, _ANIMAL_YEARS, _DEATHS, _LITTERS = 30, 100, 10, 15


@dataclass(frozen=True, kw_only=True)
class ObservedRate:
    """One rate with its 95 % interval and what it rests on."""

    name: str
    """A field of `Demography`."""
    estimate: float
    lower: float
    upper: float
    n: int
    """Young, animal-years, or litters."""


def observed_rates(pedigree: Pedigree, season: int) -> tuple[ObservedRate, ...]:
    """Rates that the studbook can carry; those it cannot are left out.

    Survival counts whole calendar years: an animal that dies in the year of its birth has not lived
    to its first birthday. Animals of which neither death nor life is told are left out, and so are
    founders, whose youth nobody watched. Young that were never registered are not in it: survival of
    young is then too high and litters too small, in a way that leaves the number of recruits right.
    Intervals: Wilson for survival, Student's t for litters.

    >>> from ghostcat.pedigree import make_pedigree
    >>> observed_rates(make_pedigree(["a"], [""], [""]), 2026)
    ()
    """
    born = np.floor(pedigree.birth)
    died = np.floor(pedigree.death)
    lives = (pedigree.alive == 1) & ~np.isfinite(died)
    told = np.isfinite(born) & (born <= season) & (np.isfinite(died) | lives) & ~pedigree.implied
    end = np.where(np.isfinite(died), np.minimum(died, season), season)
    gone = np.isfinite(died) & (died <= season)
    age = end - born
    captive = told & (pedigree.dam >= 0)
    found: list[ObservedRate] = []
    young = captive & ((age >= 1) | gone)
    n, lived = int(young.sum()), int((young & (age >= 1)).sum())
    if n >= _YOUNG and gone.any():
        found.append(_share("young_survival", lived, n))
    older = told & (age >= 1)
    deaths = int((older & gone).sum())
    # each full year after the first birthday is a trial, and so is the year of death
    years = int((age[older] - 1).sum()) + deaths
    if years >= _ANIMAL_YEARS and deaths >= _DEATHS:
        found.append(_share("adult_survival", years - deaths, years))
    known = captive & np.isfinite(born)
    keys = np.column_stack([pedigree.dam[known], born[known]])
    if len(keys):
        sizes = np.unique(keys, axis=0, return_counts=True)[1].astype(np.float64)
        if len(sizes) >= _LITTERS and sizes.max() > 1:
            found.append(_litters(sizes))
            found.append(_whole("largest_litter", sizes))
    return tuple(found)


def _share(name: str, k: int, n: int) -> ObservedRate:
    z = 1.959964
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return ObservedRate(
        name=name, estimate=p, lower=max(middle - reach, 0.0), upper=min(middle + reach, 1.0), n=n
    )


def _litters(sizes: NDArray[np.float64]) -> ObservedRate:
    from scipy.stats import t

    mean, n = float(sizes.mean()), len(sizes)
    reach = float(t.ppf(0.975, n - 1)) * float(sizes.std(ddof=1)) / math.sqrt(n)
    return ObservedRate(name="litter", estimate=mean, lower=max(mean - reach, 1.0), upper=mean + reach, n=n)


def _whole(name: str, sizes: NDArray[np.float64]) -> ObservedRate:
    most = float(sizes.max())
    return ObservedRate(name=name, estimate=most, lower=most, upper=most, n=len(sizes))
