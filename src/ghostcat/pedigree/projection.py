"""What is left of the gene diversity in a hundred years, if pairs are chosen, drawn, or left to themselves?

Genes are dropped through simulated years of births and deaths that start from the living animals. Given
who was born to whom, the chance that two genes are copies of one founder gene is known exactly (the
kinship), so each run gives gene diversity without the noise of a sample of loci; loci are dropped beside
it to count the founder genes that survive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree.suitability import BreedingStock, FertileYears

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GOAL", "Demography", "Falls", "Projection", "Strategy", "project_diversity"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

Strategy = Literal["plan", "random", "nothing"]

#: The usual goal of managed populations: nine tenths of the gene diversity of the founders.
GOAL = 0.90


@dataclass(frozen=True, kw_only=True)
class Demography:
    """How animals are born and die. Defaults are those of the Amur leopard; `assumed` names the unchecked.

    Parameters
    ----------
    litter : mean young of a litter, between 1 and `largest_litter`.
    young_survival : chance to live to the first birthday, which is when an animal counts.
    adult_survival : chance of every later animal to live through a year.
    female_years, male_years : ages at which they breed.
    litter_interval_years : years from a litter of which young live to the next; one that loses all her
        young breeds again the year after.
    longest_life_years : nobody grows older.
    capacity : animals that can be kept; the number living now when None.
    lethal_equivalents : diploid; survival of young falls as exp(−½ lethal_equivalents · F). 0: not at all.
    """

    litter: float = 2.1
    largest_litter: int = 4
    young_survival: float = 0.45
    adult_survival: float = 0.82
    female_years: FertileYears = field(default_factory=lambda: FertileYears(youngest=3.0, oldest=15.0))
    male_years: FertileYears = field(default_factory=lambda: FertileYears(youngest=3.0, oldest=15.0))
    litter_interval_years: int = 2
    longest_life_years: float = 20.0
    capacity: int | None = None
    lethal_equivalents: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.litter <= self.largest_litter:
            raise ParameterError(
                f"litters of {self.litter:g} young on average and {self.largest_litter} at most",
                fix="The mean lies between 1 and the largest litter.",
            )
        for name in ("young_survival", "adult_survival"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ParameterError(f"{name} {value:g} is outside 0…1", fix="Give a share of 1.")
        if self.litter_interval_years < 1 or self.longest_life_years < self.female_years.youngest:
            raise ParameterError(
                f"{self.litter_interval_years} years between litters in a life of "
                f"{self.longest_life_years:g} years",
                fix="Give an interval of at least 1 and a life that reaches breeding age.",
            )
        if self.capacity is not None and self.capacity < 2:
            raise ParameterError(f"room for {self.capacity} animals", fix="Give room for at least 2.")
        if not self.lethal_equivalents >= 0:
            raise ParameterError(f"{self.lethal_equivalents:g} lethal equivalents", fix="Give 0 or more.")

    @property
    def assumed(self) -> tuple[str, ...]:
        """Names of values left at a default that nobody has checked for this population."""
        plain = Demography()
        return tuple(name for name in _UNCHECKED if getattr(self, name) == getattr(plain, name))

    @property
    def growth(self) -> float:
        """Yearly growth λ without limits of room or partners: 1 = Σ λ^−a l_a m_a (Euler–Lotka)."""
        from scipy.optimize import brentq

        spread = max(self.largest_litter - 1, 1)
        chance = (self.litter - 1.0) / spread
        lost = (1.0 - self.young_survival) * (1.0 - chance * self.young_survival) ** spread
        litters = 1.0 / (self.litter_interval_years * (1.0 - lost) + lost)
        daughters = 0.5 * self.litter * self.young_survival * litters
        ages = np.arange(math.ceil(self.female_years.youngest), int(self.female_years.oldest) + 1)
        ages = ages[ages <= self.longest_life_years]
        alive = self.adult_survival ** (ages - 1.0)
        # young born to dams aged a are 1 when the dam is a + 1
        return float(brentq(lambda rate: float((daughters * alive * rate**-ages).sum()) - 1.0, 0.01, 20.0))


_UNCHECKED = (
    "young_survival",
    "female_years",
    "male_years",
    "litter_interval_years",
    "longest_life_years",
    "capacity",
    "lethal_equivalents",
)


@dataclass(frozen=True, kw_only=True)
class Falls:
    """When gene diversity falls under a threshold, over the runs that have animals left."""

    threshold: float
    year: float
    """Median over runs, counted from today; inf when half of them never do, 0 when it is under today."""
    lower: float
    upper: float
    """Central 95 % of runs; inf where they never do."""
    share_of_runs: float
    """Runs that fall under it within the horizon."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """One way of pairing, year by year. Lower and upper are the central 95 % of runs with animals left."""

    strategy: Strategy
    runs: int
    years: Integers
    """0 is today."""
    diversity: Floats
    """(years,) median gene diversity."""
    diversity_lower: Floats
    diversity_upper: Floats
    inbreeding: Floats
    """(years,) median of the mean F of the living."""
    inbreeding_lower: Floats
    inbreeding_upper: Floats
    animals: Floats
    animals_lower: Floats
    animals_upper: Floats
    founder_genes: Floats
    """(years,) mean number of founder genes a locus that are left; NaN where no genes were given."""
    falls_under_goal: Falls
    falls_under_nine_tenths_of_today: Falls
    extinct: float
    """Share of runs without an animal (or without one of each sex) at the end."""
    diversity_by_run: Floats
    """(runs, years)."""

    def table(self) -> pd.DataFrame:
        """One row a year."""
        import pandas as pd

        names = (
            "diversity",
            "diversity_lower",
            "diversity_upper",
            "inbreeding",
            "inbreeding_lower",
            "inbreeding_upper",
            "animals",
            "animals_lower",
            "animals_upper",
            "founder_genes",
        )
        columns: dict[str, object] = {"strategy": self.strategy, "year": self.years}
        return pd.DataFrame(columns | {name: getattr(self, name) for name in names})


def project_diversity(
    stock: BreedingStock,
    *,
    strategy: Strategy,
    rng: np.random.Generator,
    demography: Demography | None = None,
    years: int = 100,
    runs: int = 100,
    first_pairs: Sequence[tuple[int, int]] = (),
    genes: NDArray[np.integer] | None = None,
) -> Projection:
    """Gene diversity, inbreeding and numbers over the years under one way of pairing.

    Parameters
    ----------
    stock : the living.
    strategy : `plan`: as many litters as fill the places, from the females and males that share least
        with the others, litter by litter, close kin avoided. `random`: as many litters, partners drawn.
        `nothing`: every female that is due breeds, and some males far more often than others (success
        exponentially distributed: an assumption).
    rng : random numbers.
    demography : births and deaths; defaults of the Amur leopard when None.
    years, runs : horizon and number of simulated futures.
    first_pairs : positions (dam, sire) of the litters of the first year under `plan`.
    genes : (n, 2, loci) founder genes of the living, to count those that survive.

    Raises
    ------
    EstimateRefused : no female or no male is alive (`one_sex`).
    ParameterError : years or runs out of range.

    Notes
    -----
    An animal whose sex is not known gets one at random in each run; one whose age is not known gets a
    random age between 1 and the oldest breeding age.
    """
    rules = demography or Demography()
    if years < 1 or runs < 20:
        raise ParameterError(
            f"{years} years in {runs} runs", fix="Use at least 1 year, and 20 runs for an interval."
        )
    known = set(stock.sex)
    if "" not in known and not {"female", "male"} <= known:
        raise EstimateRefused(
            f"all {len(stock.ids)} living animals are {stock.sex[0]}s",
            code="one_sex",
            fix="Mark the living animals of the other sex, or bring one in.",
        )
    diversity = np.full((runs, years + 1), np.nan)
    inbreeding = np.full_like(diversity, np.nan)
    animals = np.zeros_like(diversity)
    left = np.full_like(diversity, np.nan)
    for run in range(runs):
        herd = _Herd(stock, rules, rng, genes)
        herd.record(run, 0, diversity, inbreeding, animals, left)
        for year in range(1, years + 1):
            herd.live_a_year(strategy, first_pairs if year == 1 and strategy == "plan" else ())
            if not herd.record(run, year, diversity, inbreeding, animals, left):
                break
    return _summary(strategy, diversity, inbreeding, animals, left, years)


class _Herd:
    """The living of one run in fixed slots; young take the slots of the dead."""

    def __init__(
        self,
        stock: BreedingStock,
        rules: Demography,
        rng: np.random.Generator,
        genes: NDArray[np.integer] | None,
    ) -> None:
        n = len(stock.ids)
        self.rules, self.rng = rules, rng
        self.capacity = n if rules.capacity is None else rules.capacity
        slots = max(n, self.capacity)
        self.kinship = np.zeros((slots, slots))
        self.kinship[:n, :n] = stock.kinship
        self.alive = np.arange(slots) < n
        self.female = np.zeros(slots, dtype=bool)
        self.female[:n] = [sex == "female" for sex in stock.sex]
        unknown = np.flatnonzero([sex not in ("female", "male") for sex in stock.sex])
        self.female[unknown] = rng.random(len(unknown)) < 0.5
        self.age = np.zeros(slots)
        self.age[:n] = stock.age_years
        missing = np.flatnonzero(np.isnan(self.age))
        self.age[missing] = rng.integers(1, max(int(rules.female_years.oldest), 2) + 1, len(missing))
        self.rested = np.full(slots, 99)
        self.success = rng.exponential(size=slots)
        self.genes = None
        if genes is not None:
            self.genes = np.zeros((slots, 2, genes.shape[2]), dtype=genes.dtype)
            self.genes[:n] = genes

    def record(
        self, run: int, year: int, diversity: Floats, inbreeding: Floats, animals: Floats, left: Floats
    ) -> bool:
        """Write one year down; False when nobody can follow."""
        n = int(self.alive.sum())
        animals[run, year] = n
        if n == 0:
            return False
        living = self.alive.astype(np.float64)
        diversity[run, year] = 1.0 - float(living @ self.kinship @ living) / n**2
        inbreeding[run, year] = 2.0 * float(np.diag(self.kinship)[self.alive].mean()) - 1.0
        if self.genes is not None and (year % 10 == 0):
            kept = np.sort(self.genes[self.alive].reshape(2 * n, -1), axis=0)
            left[run, year] = 1.0 + float((kept[1:] != kept[:-1]).sum(axis=0).mean())
        return True

    def live_a_year(self, strategy: Strategy, planned: Sequence[tuple[int, int]]) -> None:
        """Litters of those alive, deaths of a year, and the young that lived through it."""
        rules, rng = self.rules, self.rng
        litters = list(planned) or self._litters(strategy)
        survive = (rng.random(len(self.alive)) < rules.adult_survival) & (self.age < rules.longest_life_years)
        self.alive &= survive
        self.rested += 1
        dams, sires = self._young(litters)
        self.age[self.alive] += 1.0
        self._be_born(dams, sires)

    def _litters(self, strategy: Strategy) -> list[tuple[int, int]]:
        rules, rng = self.rules, self.rng
        years = rules.female_years
        due = self.alive & self.female & (self.age >= years.youngest) & (self.age <= years.oldest)
        dams = np.flatnonzero(due & (self.rested >= rules.litter_interval_years))
        years = rules.male_years
        fit = self.alive & ~self.female & (self.age >= years.youngest) & (self.age <= years.oldest)
        sires = np.flatnonzero(fit)
        if not len(dams) or not len(sires):
            return []
        room = self.capacity - rules.adult_survival * int(self.alive.sum())
        wanted = math.ceil(max(room, 0) / (rules.litter * rules.young_survival))
        if strategy == "nothing":
            weight = self.success[sires]
            return list(
                zip(
                    dams.tolist(),
                    rng.choice(sires, len(dams), p=weight / weight.sum()).tolist(),
                    strict=True,
                )
            )
        wanted = min(wanted, len(dams))
        if strategy == "random":
            turns = np.concatenate([rng.permutation(sires) for _ in range(-(-max(wanted, 1) // len(sires)))])
            return list(zip(rng.permutation(dams)[:wanted].tolist(), turns[:wanted].tolist(), strict=True))
        return self._least_shared(dams, sires, wanted)

    def _least_shared(self, dams: Integers, sires: Integers, wanted: int) -> list[tuple[int, int]]:
        """Litter by litter the dam and the sire that share least with the living and the litters so far."""
        young = self.rules.litter * self.rules.young_survival
        shared = self.kinship @ self.alive.astype(np.float64)
        middle = float(shared[self.alive].mean()) / max(int(self.alive.sum()), 1)
        litters: list[tuple[int, int]] = []
        times = np.zeros(len(self.alive), dtype=np.int64)
        left = dams.copy()
        for _ in range(wanted):
            dam = int(left[np.argmin(shared[left])])
            turn = sires[times[sires] == times[sires].min()]
            kin = self.kinship[dam, turn]
            far = turn[kin <= max(middle, float(kin.min()))]
            sire = int(far[np.argmin(shared[far])])
            times[sire] += 1
            left = left[left != dam]
            litters.append((dam, sire))
            shared = shared + 0.5 * young * (self.kinship[dam] + self.kinship[sire])
        return litters

    def _young(self, litters: list[tuple[int, int]]) -> tuple[Integers, Integers]:
        """Dam and sire of each young that lives to its first birthday and finds room."""
        rules, rng = self.rules, self.rng
        if not litters:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        pairs = np.array(litters, dtype=np.int64)
        spread = rules.largest_litter - 1
        size = np.ones(len(pairs), dtype=np.int64)
        if spread:
            size += rng.binomial(spread, (rules.litter - 1.0) / spread, len(pairs))
        cost = np.exp(-0.5 * rules.lethal_equivalents * self.kinship[pairs[:, 0], pairs[:, 1]])
        living = rng.binomial(size, rules.young_survival * cost)
        self.rested[pairs[living > 0, 0]] = 0
        every = np.repeat(np.arange(len(pairs)), living)
        room = max(self.capacity - int(self.alive.sum()), 0)
        if len(every) > room:
            every = rng.permutation(every)[:room]
        return pairs[every, 0], pairs[every, 1]

    def _be_born(self, dams: Integers, sires: Integers) -> None:
        if not len(dams):
            return
        rng = self.rng
        slots = np.flatnonzero(~self.alive)[: len(dams)]
        rows = 0.5 * (self.kinship[dams] + self.kinship[sires])
        own = 0.5 * (1.0 + self.kinship[dams, sires])
        among = 0.5 * (rows[:, dams] + rows[:, sires])
        np.fill_diagonal(among, own)
        self.kinship[slots] = rows
        self.kinship[:, slots] = rows.T
        self.kinship[np.ix_(slots, slots)] = among
        self.alive[slots] = True
        self.female[slots] = rng.random(len(slots)) < 0.5
        self.age[slots] = 1.0
        self.rested[slots] = 99
        self.success[slots] = rng.exponential(size=len(slots))
        if self.genes is not None:
            loci = self.genes.shape[2]
            which = np.arange(loci)
            drawn = [
                self.genes[parents[:, None], rng.integers(0, 2, (len(slots), loci)), which[None, :]]
                for parents in (dams, sires)
            ]
            self.genes[slots] = np.stack(drawn, axis=1)


def _summary(
    strategy: Strategy, diversity: Floats, inbreeding: Floats, animals: Floats, left: Floats, years: int
) -> Projection:
    def middle(values: Floats, q: float) -> Floats:
        result = np.full(values.shape[1], np.nan)
        some = ~np.isnan(values).all(axis=0)
        result[some] = np.nanquantile(values[:, some], q, axis=0)
        return result

    kept = np.full(left.shape[1], np.nan)
    some = ~np.isnan(left).all(axis=0)
    kept[some] = np.nanmean(left[:, some], axis=0)
    today = float(diversity[0, 0])
    return Projection(
        strategy=strategy,
        runs=len(diversity),
        years=np.arange(years + 1),
        diversity=middle(diversity, 0.5),
        diversity_lower=middle(diversity, 0.025),
        diversity_upper=middle(diversity, 0.975),
        inbreeding=middle(inbreeding, 0.5),
        inbreeding_lower=middle(inbreeding, 0.025),
        inbreeding_upper=middle(inbreeding, 0.975),
        animals=middle(animals, 0.5),
        animals_lower=middle(animals, 0.025),
        animals_upper=middle(animals, 0.975),
        founder_genes=kept,
        falls_under_goal=_falls(diversity, GOAL),
        falls_under_nine_tenths_of_today=_falls(diversity, GOAL * today),
        extinct=float((animals[:, -1] == 0).mean()),
        diversity_by_run=diversity,
    )


def _falls(diversity: Floats, threshold: float) -> Falls:
    """First year under the threshold, over runs; a run that dies out keeps what it had seen."""
    under = np.nan_to_num(diversity, nan=1.0) < threshold
    ever = under.any(axis=1)
    first = np.where(ever, under.argmax(axis=1).astype(np.float64), np.inf)
    ranks = np.sort(first)
    at = [ranks[min(int(q * len(ranks)), len(ranks) - 1)] for q in (0.5, 0.025, 0.975)]
    return Falls(
        threshold=threshold,
        year=float(at[0]),
        lower=float(at[1]),
        upper=float(at[2]),
        share_of_runs=float(ever.mean()),
    )
