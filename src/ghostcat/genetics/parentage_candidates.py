"""Who could be whose parent: sex, age, death, place and known crosses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

__all__ = ["CandidateRules", "Candidates", "LifeHistory", "find_candidates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Ages above this share one class; the class after it is for pairs of which a birth year is unknown.
OLDEST_CLASS = 25


@dataclass(frozen=True, eq=False, kw_only=True)
class LifeHistory:
    """What is known of each typed animal apart from its genotype.

    Parameters
    ----------
    female : (n,) probability of being female: 1, 0, or 0.5 where the sex is unknown.
    first_birth, last_birth : (n,) earliest and latest possible birth year, NaN unknown.
    last_alive : (n,) last year in which the animal can have lived, NaN unknown.
    xy_m : (n, 2) place in metres, NaN unknown.
    known_dam, known_sire : (n,) row of a parent known from the field, −1 unknown.
    """

    female: Floats
    first_birth: Floats
    last_birth: Floats
    last_alive: Floats
    xy_m: Floats
    known_dam: Ints
    known_sire: Ints

    @classmethod
    def unknown(cls, n: int) -> LifeHistory:
        """Nothing known of n animals."""
        gap = np.full(n, np.nan)
        nobody = np.full(n, -1, dtype=np.int64)
        return cls(
            female=np.full(n, 0.5),
            first_birth=gap,
            last_birth=gap.copy(),
            last_alive=gap.copy(),
            xy_m=np.full((n, 2), np.nan),
            known_dam=nobody,
            known_sire=nobody.copy(),
        )

    def __len__(self) -> int:
        return len(self.female)


@dataclass(frozen=True, kw_only=True)
class CandidateRules:
    """Limits on candidates.

    Parameters
    ----------
    min_age_dam, min_age_sire : youngest age at which an offspring can be born, years.
    max_age_dam, max_age_sire : oldest age, years; None is no limit.
    max_distance_m : farthest that a parent's place can lie from the offspring's, metres.
    """

    min_age_dam: float = 1.0
    min_age_sire: float = 1.0
    max_age_dam: float | None = None
    max_age_sire: float | None = None
    max_distance_m: float | None = None

    def __post_init__(self) -> None:
        for low, high, name in (
            (self.min_age_dam, self.max_age_dam, "mothers"),
            (self.min_age_sire, self.max_age_sire, "fathers"),
        ):
            if low < 0 or (high is not None and high < low):
                raise ParameterError(
                    f"{name} of {low} to {high} years",
                    fix="The least age is 0 or more, the greatest above it.",
                )
        if self.max_distance_m is not None and self.max_distance_m <= 0:
            raise ParameterError(
                f"the greatest distance is {self.max_distance_m} m", fix="Give a positive number."
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidates:
    """Pairs that are possible.

    Parameters
    ----------
    dam, sire : (n, n) weight of column animal as the mother, the father of row animal: 0 impossible, 1
        possible, in between where its sex is uncertain.
    gap : (n, n) age class of the column animal when the row animal was born.
    sibs : (n, n) may the two be full sibs?
    sib_class : (n, n) class of the difference of birth years, for how common full sibs are.
    reverse : (n, n) may the column animal be the offspring of the row animal, as well as its parent?
    n_gaps, n_sib_classes : numbers of classes.
    """

    dam: NDArray[np.float32]
    sire: NDArray[np.float32]
    gap: NDArray[np.int8]
    sibs: NDArray[np.bool_]
    sib_class: NDArray[np.int8]
    reverse: NDArray[np.bool_]
    n_gaps: int
    n_sib_classes: int


def find_candidates(life: LifeHistory, rules: CandidateRules) -> Candidates:
    """Which animal can be the mother, the father or a full sib of which.

    A pair is possible unless something known speaks against it: an unknown birth year, sex or place
    never excludes anybody.
    """
    n = len(life)
    # age of the column animal at the birth of the row animal: the least and the greatest it can have been
    least = life.first_birth[:, None] - life.last_birth[None, :]
    greatest = life.last_birth[:, None] - life.first_birth[None, :]
    apart = ~np.eye(n, dtype=bool)
    if rules.max_distance_m is not None:
        far = np.hypot(*(life.xy_m[:, None] - life.xy_m[None, :]).transpose(2, 0, 1)) > rules.max_distance_m
        apart &= ~far
    # A mother lives when her cub is born; a father may die in the year before.
    born = life.first_birth[:, None]
    dam = apart & ~(born > life.last_alive[None, :])
    sire = apart & ~(born > life.last_alive[None, :] + 1)
    dam &= _of_age(least, greatest, rules.min_age_dam, rules.max_age_dam)
    sire &= _of_age(least, greatest, rules.min_age_sire, rules.max_age_sire)
    possible = (dam & (life.female > 0)[None, :]) | (sire & (life.female < 1)[None, :])
    dam_weight = np.where(dam, life.female[None, :], 0.0).astype(np.float32)
    sire_weight = np.where(sire, 1.0 - life.female[None, :], 0.0).astype(np.float32)
    _keep_known(dam_weight, life.known_dam)
    _keep_known(sire_weight, life.known_sire)
    middle = (least + greatest) / 2.0
    unknown = ~np.isfinite(middle)
    gap = np.where(unknown, OLDEST_CLASS + 1, np.clip(np.nan_to_num(middle), 0, OLDEST_CLASS))
    difference = np.abs(np.nan_to_num(middle))
    span = max(rules.max_age_dam or OLDEST_CLASS, rules.max_age_sire or OLDEST_CLASS)
    return Candidates(
        dam=dam_weight,
        sire=sire_weight,
        gap=gap.astype(np.int8),
        sibs=~np.eye(n, dtype=bool) & (unknown | (difference <= span)),
        sib_class=np.where(unknown, 5, np.minimum(np.round(difference), 4)).astype(np.int8),
        reverse=possible & possible.T,
        n_gaps=OLDEST_CLASS + 2,
        n_sib_classes=6,
    )


def _of_age(least: Floats, greatest: Floats, youngest: float, oldest: float | None) -> NDArray[np.bool_]:
    fits = ~(greatest < youngest)
    if oldest is not None:
        fits &= ~(least > oldest)
    return fits


def _keep_known(weight: NDArray[np.float32], known: Ints) -> None:
    rows = np.flatnonzero(known >= 0)
    weight[rows] = 0.0
    weight[rows, known[rows]] = 1.0
