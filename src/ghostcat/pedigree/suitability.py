"""How well would this female and this male go together? The match score of every possible pair.

The published mate suitability index of zoo software has no published thresholds, so this is a score
of our own, under its own name, with every component shown apart in its unit:

| component | unit | value between 0 and 1 |
|---|---|---|
| gene diversity | change of GD by one expected litter | ½ + ½ change / largest change of any pair |
| inbreeding | F of the offspring | exp(−B F), survival against non-inbred young |
| mean kinship | difference between the two parents | 1 − difference / range of the living |
| ancestry | share of the offspring's genome with known founders | that share |
| age | both within the fertile years | 1 known and inside, ½ for each age not known |
| transfer | cost of bringing the two together | 1 − cost / dearest allowed transfer |

The score is 100 times the weighted mean of the values. A veto is no component: it overrides the score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COMPONENTS",
    "DEFAULT_WEIGHTS",
    "BreedingStock",
    "FertileYears",
    "Institutions",
    "PairScores",
    "PairVeto",
    "diversity_with_offspring",
    "score_pairs",
    "season_diversities",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COMPONENTS = ("gene_diversity", "inbreeding", "mean_kinship", "ancestry", "age", "transfer")

#: Our choice (an assumption): diversity first, then inbreeding, then everything that only tips the balance.
DEFAULT_WEIGHTS: Mapping[str, float] = {
    "gene_diversity": 0.40,
    "inbreeding": 0.30,
    "mean_kinship": 0.10,
    "ancestry": 0.10,
    "age": 0.05,
    "transfer": 0.05,
}

#: Survival of inbred young: exp(−B F) with B half the diploid lethal equivalents used in tiger studies.
LETHAL_EQUIVALENTS_DIPLOID = 6.29


@dataclass(frozen=True, kw_only=True)
class FertileYears:
    """Ages between which an animal may be paired, years, both ends included."""

    youngest: float = 3.0
    oldest: float = 15.0

    def __post_init__(self) -> None:
        if not 0 <= self.youngest <= self.oldest:
            raise ParameterError(
                f"fertile years {self.youngest:g}–{self.oldest:g} are no window",
                fix="Give the youngest age first, both in years and not negative.",
            )


@dataclass(frozen=True, kw_only=True)
class PairVeto:
    """No to one animal, or to one pair when `partner` is given. It overrides every score."""

    animal: str
    partner: str = ""
    kind: str = "other"
    """What it rests on: health, behaviour, law, other."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Institutions:
    """Where animals are kept: what moving one costs, and how many have room.

    Parameters
    ----------
    names : each place once.
    cost : (n, n) cost of one animal from row to column, in any one unit; inf where it may not go.
    space : (n,) animals that fit, young of the season included; inf where nothing limits.
    """

    names: tuple[str, ...]
    cost: Floats
    space: Floats

    def __post_init__(self) -> None:
        size = len(self.names)
        if len(set(self.names)) != size:
            raise ParameterError("an institution is listed twice", fix="Give each institution one row.")
        if self.cost.shape != (size, size) or self.space.shape != (size,):
            raise ParameterError(
                f"{size} institutions need a {size} × {size} cost table and {size} spaces",
                fix="Give a cost for each way and a space for each institution.",
            )
        if np.isnan(self.cost).any() or (self.cost < 0).any():
            raise ParameterError("a transfer cost is missing or negative", fix="Costs are 0 or more.")


@dataclass(frozen=True, kw_only=True)
class BreedingStock:
    """The living animals whose gene diversity counts, one entry each, in one order.

    Parameters
    ----------
    ids : names of the n animals.
    sex : "female", "male" or "" (not known).
    kinship : (n, n) kinship, with ½(1 + F) on the diagonal.
    age_years : (n,) age in the season; NaN where not known.
    known : (n,) share of the animal's genome that traces to known founders, 0 to 1.
    site : where each is kept; "" where not known.
    """

    ids: tuple[str, ...]
    sex: tuple[str, ...]
    kinship: Floats
    age_years: Floats
    known: Floats
    site: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        n = len(self.ids)
        if n == 0:
            raise ParameterError("no living animal is given", fix="Mark which animals are alive.")
        if len(set(self.ids)) != n:
            raise ParameterError("an animal is listed twice among the living", fix="Give each animal once.")
        if not self.site:
            object.__setattr__(self, "site", ("",) * n)
        lengths = (len(self.sex), len(self.age_years), len(self.known), len(self.site))
        if self.kinship.shape != (n, n) or set(lengths) != {n}:
            raise ParameterError(
                f"{n} animals, but a {self.kinship.shape[0]} × {self.kinship.shape[-1]} kinship matrix",
                fix="Give one row, sex, age and place for each animal.",
            )
        if not np.isfinite(self.kinship).all() or not np.allclose(self.kinship, self.kinship.T, atol=1e-12):
            raise ParameterError(
                "the kinship matrix is not symmetric or has gaps", fix="Compute it from one pedigree."
            )

    @property
    def mean_kinship(self) -> Floats:
        """(n,) mean kinship of each to all living, itself included."""
        return np.asarray(self.kinship.mean(axis=1))

    @property
    def gene_diversity(self) -> float:
        """1 minus the mean of all kinships."""
        return float(1.0 - self.kinship.mean())

    @property
    def inbreeding(self) -> Floats:
        """(n,) inbreeding coefficient of each."""
        return np.asarray(2.0 * np.diag(self.kinship) - 1.0)


@dataclass(frozen=True, kw_only=True)
class PairScores:
    """Every female with every male: components in their units, values, score, vetoes.

    Arrays have one entry per pair. `values` is (pairs, components) between 0 and 1. `score` is NaN
    where a veto stands.
    """

    stock: BreedingStock
    institutions: Institutions | None
    litter: float
    lethal_equivalents: float
    weights: Mapping[str, float]
    female_years: FertileYears
    male_years: FertileYears
    max_inbreeding: float | None
    dam: Integers
    sire: Integers
    offspring_inbreeding: Floats
    diversity_change: Floats
    mean_kinship_difference: Floats
    known_share: Floats
    ages_unknown: Integers
    transfer_cost: Floats
    """0 when both are at one place, inf when neither may move, NaN when a place is not known."""
    values: Floats
    score: Floats
    vetoes: tuple[tuple[PairVeto, ...], ...]
    sex_unknown: tuple[str, ...]
    """Living animals that no pair can hold because their sex is not known."""

    @property
    def open(self) -> NDArray[np.bool_]:
        """(pairs,) True where no veto stands."""
        return np.array([not vetoes for vetoes in self.vetoes], dtype=bool)

    def table(self) -> pd.DataFrame:
        """One row a pair, best score first, vetoed pairs last with their reasons."""
        import pandas as pd

        ids = np.array(self.stock.ids, dtype=object)
        columns: dict[str, object] = {
            "dam": ids[self.dam],
            "sire": ids[self.sire],
            "score": self.score,
            "offspring_inbreeding": self.offspring_inbreeding,
            "gene_diversity_change": self.diversity_change,
            "mean_kinship_difference": self.mean_kinship_difference,
            "known_ancestry_share": self.known_share,
            "dam_age_years": self.stock.age_years[self.dam],
            "sire_age_years": self.stock.age_years[self.sire],
            "transfer_cost": self.transfer_cost,
        }
        columns |= {f"value_{name}": self.values[:, k] for k, name in enumerate(COMPONENTS)}
        columns["vetoed_by"] = [
            "; ".join(f"{v.kind}: {v.reason}".rstrip(": ") for v in vetoes) for vetoes in self.vetoes
        ]
        return (
            pd.DataFrame(columns)
            .sort_values("score", ascending=False, kind="stable", na_position="last")
            .reset_index(drop=True)
        )


def diversity_with_offspring(kinship: Floats, offspring: Floats, pairs: Integers) -> float:
    """Gene diversity of the living together with the expected offspring of the pairs given.

    Young of parents (i, j) have kinship ½(f_ik + f_jk) with k, ½(1 + f_ij) with themselves and
    ¼(f_ii + f_jj + 2 f_ij) with a full sib. With c the expected parental contributions (half an
    offspring for each parent), the sum of all kinships is

        (1 + c)ᵀ f (1 + c) + Σ_p n_p (½ − ¼ (f_ii + f_jj)),

    where the last part is what an animal is more related to itself than to a full sib.

    Parameters
    ----------
    kinship : (n, n) kinship of the living.
    offspring : (pairs,) expected young of each pair.
    pairs : (pairs, 2) positions of dam and sire.

    >>> f = np.eye(2) / 2
    >>> round(diversity_with_offspring(f, np.array([1.0]), np.array([[0, 1]])), 6)
    0.722222
    """
    return float(season_diversities(kinship, np.asarray(offspring, dtype=np.float64)[None], pairs)[0])


def season_diversities(kinship: Floats, young: Floats, pairs: Integers) -> Floats:
    """(draws,) gene diversity for each row of `young`, (draws, pairs); see `diversity_with_offspring`."""
    n = len(kinship)
    share = np.zeros((n, len(pairs)))
    np.add.at(share, (pairs[:, 0], np.arange(len(pairs))), 0.5)
    np.add.at(share, (pairs[:, 1], np.arange(len(pairs))), 0.5)
    weight = 1.0 + young @ share.T
    own = np.diag(kinship)
    extra = 0.5 - 0.25 * (own[pairs[:, 0]] + own[pairs[:, 1]])
    total = np.einsum("rn,rn->r", weight @ kinship, weight) + young @ extra
    return np.asarray(1.0 - total / (n + young.sum(axis=1)) ** 2)


def score_pairs(
    stock: BreedingStock,
    *,
    litter: float = 2.1,
    lethal_equivalents: float = LETHAL_EQUIVALENTS_DIPLOID,
    weights: Mapping[str, float] = DEFAULT_WEIGHTS,
    female_years: FertileYears | None = None,
    male_years: FertileYears | None = None,
    max_inbreeding: float | None = None,
    vetoes: Sequence[PairVeto] = (),
    institutions: Institutions | None = None,
) -> PairScores:
    """Score every possible pair of a living female and a living male.

    Parameters
    ----------
    stock : the living.
    litter : expected young of a litter that live to be counted, > 0.
    lethal_equivalents : diploid; survival of young falls as exp(−½ lethal_equivalents · F).
    weights : share of each of `COMPONENTS` in the score; need not add up to 1.
    female_years, male_years : fertile ages; an animal outside is vetoed, an unknown age is not.
    max_inbreeding : pairs whose young would exceed it are vetoed.
    vetoes : of people: health, behaviour, law.
    institutions : where animals may go and at what cost; None where place plays no part.

    Raises
    ------
    ParameterError : a weight, litter or limit is out of range, or a veto names an unknown animal.

    Notes
    -----
    Change of gene diversity is exact for the expected litter: see `diversity_with_offspring`.
    Survival against inbreeding after Morton, Crow & Muller (1956).

    >>> f = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.25], [0.25, 0.25, 0.5]])
    >>> stock = BreedingStock(ids=("a", "b", "c"), sex=("female", "male", "male"), kinship=f,
    ...                       age_years=np.full(3, 5.0), known=np.ones(3))
    >>> score_pairs(stock).table()[["dam", "sire", "offspring_inbreeding"]].values.tolist()
    [['a', 'b', 0.0], ['a', 'c', 0.25]]
    """
    _check(litter, lethal_equivalents, weights, max_inbreeding)
    years = (female_years or FertileYears(), male_years or FertileYears())
    females = [i for i, sex in enumerate(stock.sex) if sex == "female"]
    males = [i for i, sex in enumerate(stock.sex) if sex == "male"]
    dam = np.repeat(np.array(females, dtype=np.int64), len(males))
    sire = np.tile(np.array(males, dtype=np.int64), len(females))
    inbreeding = stock.kinship[dam, sire]
    mean = stock.mean_kinship
    cost = _transfer_cost(stock, institutions, dam, sire)
    unknown = np.isnan(stock.age_years)
    ages_unknown = unknown[dam].astype(np.int64) + unknown[sire]
    change = _diversity_change(stock.kinship, dam, sire, litter)
    difference = np.abs(mean[dam] - mean[sire])
    known = 0.5 * (stock.known[dam] + stock.known[sire])
    values = np.column_stack(
        [
            0.5 + 0.5 * change / max(float(np.abs(change).max(initial=0.0)), 1e-300),
            np.exp(-0.5 * lethal_equivalents * inbreeding),
            1.0 - difference / (float(np.ptp(mean)) or 1.0),
            known,
            0.5**ages_unknown,
            _transfer_value(cost),
        ]
    ).clip(0.0, 1.0)
    share = np.array([float(weights.get(name, 0.0)) for name in COMPONENTS])
    standing = _vetoes(stock, years, max_inbreeding, vetoes, dam, sire, inbreeding, cost)
    score = 100.0 * values @ (share / share.sum())
    score[[bool(found) for found in standing]] = np.nan
    return PairScores(
        stock=stock,
        institutions=institutions,
        litter=float(litter),
        lethal_equivalents=float(lethal_equivalents),
        weights=dict(zip(COMPONENTS, (share / share.sum()).tolist(), strict=True)),
        female_years=years[0],
        male_years=years[1],
        max_inbreeding=max_inbreeding,
        dam=dam,
        sire=sire,
        offspring_inbreeding=inbreeding,
        diversity_change=change,
        mean_kinship_difference=difference,
        known_share=known,
        ages_unknown=ages_unknown,
        transfer_cost=cost,
        values=values,
        score=score,
        vetoes=standing,
        sex_unknown=tuple(
            name for name, sex in zip(stock.ids, stock.sex, strict=True) if sex not in ("female", "male")
        ),
    )


def _check(
    litter: float, lethal_equivalents: float, weights: Mapping[str, float], max_inbreeding: float | None
) -> None:
    if not (np.isfinite(litter) and litter > 0):
        raise ParameterError(f"a litter of {litter:g} young", fix="Give the expected young, above 0.")
    if not (np.isfinite(lethal_equivalents) and lethal_equivalents >= 0):
        raise ParameterError(
            f"{lethal_equivalents:g} lethal equivalents", fix="Give the diploid number, 0 or more."
        )
    strange = sorted(set(weights) - set(COMPONENTS))
    if strange:
        raise ParameterError(
            f"weight of {', '.join(strange)}", fix=f"Components are {', '.join(COMPONENTS)}."
        )
    if not all(np.isfinite(w) and w >= 0 for w in weights.values()) or not sum(weights.values()) > 0:
        raise ParameterError("weights must be 0 or more, at least one above 0")
    if max_inbreeding is not None and not 0 <= max_inbreeding <= 1:
        raise ParameterError(f"largest inbreeding {max_inbreeding:g} is outside 0…1")


def _diversity_change(kinship: Floats, dam: Integers, sire: Integers, litter: float) -> Floats:
    """Exact change of GD when one litter of the pair joins the living."""
    n = len(kinship)
    rows = kinship.sum(axis=1)
    own = np.diag(kinship)
    sibs = 0.25 * (own[dam] + own[sire] + 2.0 * kinship[dam, sire])
    alone = 0.5 * (1.0 + kinship[dam, sire])
    total = kinship.sum() + litter * (rows[dam] + rows[sire]) + litter**2 * sibs + litter * (alone - sibs)
    return np.asarray(kinship.mean() - total / (n + litter) ** 2)


def _transfer_cost(
    stock: BreedingStock, institutions: Institutions | None, dam: Integers, sire: Integers
) -> Floats:
    if institutions is None:
        return np.zeros(len(dam))
    at = {name: k for k, name in enumerate(institutions.names)}
    place = np.array([at.get(name, -1) for name in stock.site], dtype=np.int64)
    padded = np.pad(institutions.cost, (0, 1), constant_values=np.nan)
    np.fill_diagonal(padded[:-1, :-1], 0.0)
    return np.asarray(np.minimum(padded[place[dam], place[sire]], padded[place[sire], place[dam]]))


def _transfer_value(cost: Floats) -> Floats:
    known = cost[np.isfinite(cost)]
    dearest = float(known.max(initial=0.0)) or 1.0
    value = np.where(np.isfinite(cost), 1.0 - np.where(np.isfinite(cost), cost, 0.0) / dearest, 0.0)
    return np.asarray(np.where(np.isnan(cost), 0.5, value))


def _vetoes(
    stock: BreedingStock,
    years: tuple[FertileYears, FertileYears],
    max_inbreeding: float | None,
    vetoes: Sequence[PairVeto],
    dam: Integers,
    sire: Integers,
    inbreeding: Floats,
    cost: Floats,
) -> tuple[tuple[PairVeto, ...], ...]:
    """Why each pair may not be: of people first, then of age, inbreeding and way."""
    known = set(stock.ids)
    of_animal: dict[str, list[PairVeto]] = {}
    of_pair: dict[frozenset[str], list[PairVeto]] = {}
    for veto in vetoes:
        for name in filter(None, (veto.animal, veto.partner)):
            if name not in known:
                raise ParameterError(
                    f"a veto names {name!r}, which is no living animal here",
                    fix="Use the ids of the pedigree; leave out animals that have died.",
                )
        if veto.partner:
            of_pair.setdefault(frozenset((veto.animal, veto.partner)), []).append(veto)
        else:
            of_animal.setdefault(veto.animal, []).append(veto)
    for k, name in enumerate(stock.ids):
        if stock.sex[k] in ("female", "male"):
            window = years[0] if stock.sex[k] == "female" else years[1]
            age = float(stock.age_years[k])
            if age < window.youngest or age > window.oldest:
                which = "too_young" if age < window.youngest else "too_old"
                of_animal.setdefault(name, []).append(
                    PairVeto(animal=name, kind=which, reason=f"{name} is {age:g} years old")
                )
    found: list[tuple[PairVeto, ...]] = []
    for i, j, f, way in zip(dam, sire, inbreeding, cost, strict=True):
        a, b = stock.ids[i], stock.ids[j]
        standing = [*of_animal.get(a, ()), *of_animal.get(b, ()), *of_pair.get(frozenset((a, b)), ())]
        if max_inbreeding is not None and f > max_inbreeding + 1e-12:
            standing.append(
                PairVeto(animal=a, partner=b, kind="inbreeding", reason=f"young would have F {f:.3f}")
            )
        if np.isinf(way):
            standing.append(
                PairVeto(animal=a, partner=b, kind="no_way", reason="neither may go to the other's place")
            )
        found.append(tuple(standing))
    return tuple(found)
