"""Do the futures follow the rules they state, and do simple ones have the answer of theory?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree import make_pedigree
from ghostcat.pedigree.projection import Demography, project_diversity
from ghostcat.pedigree.suitability import BreedingStock, FertileYears
from ghostcat.pedigree.vital_rates import observed_rates

#: Nobody lives to a second season: generations do not overlap, and numbers stay.
YEARLINGS = {
    "litter": 4.0,
    "largest_litter": 4,
    "young_survival": 1.0,
    "adult_survival": 1e-9,
    "female_years": FertileYears(youngest=1, oldest=2),
    "male_years": FertileYears(youngest=1, oldest=2),
    "litter_interval_years": 1,
    "longest_life_years": 3.0,
}


def founders(n: int, **changes: object) -> BreedingStock:
    given: dict[str, object] = {
        "ids": tuple(f"f{k}" for k in range(n)),
        "sex": tuple("female" if k % 2 else "male" for k in range(n)),
        "kinship": 0.5 * np.eye(n),
        "age_years": np.full(n, 1.0),
        "known": np.ones(n),
    }
    return BreedingStock(**(given | changes))  # type: ignore[arg-type]


def test_genes_dropped_beside_tell_the_same_diversity_as_the_kinship():
    """1 − Σp² over dropped founder genes against 1 − mean kinship, in every strategy."""
    n, loci = 20, 400
    genes = np.broadcast_to(np.arange(2 * n).reshape(n, 2, 1), (n, 2, loci))
    from ghostcat.pedigree.projection import _Herd

    for strategy in ("plan", "random", "nothing"):
        rng = np.random.default_rng(11)
        herd = _Herd(founders(n), Demography(young_survival=0.8, adult_survival=0.85), rng, genes)
        for _ in range(12):
            herd.live_a_year(strategy, ())
        alive = np.flatnonzero(herd.alive)
        assert 5 < len(alive) <= n
        kinship = herd.kinship[np.ix_(alive, alive)]
        drop = herd.genes[alive].reshape(2 * len(alive), loci)
        counts = np.apply_along_axis(np.bincount, 0, drop, minlength=2 * n) / (2 * len(alive))
        diversity = 1 - (counts**2).sum(axis=0)
        error = diversity.std(ddof=1) / math.sqrt(loci)
        assert abs(diversity.mean() - (1 - kinship.mean())) < 4.5 * error
        assert np.allclose(kinship, kinship.T)


def test_random_mating_loses_what_theory_says():
    """Discrete generations of N/2 females, each with 4 young by a drawn male, N kept at random."""
    n, years = 40, 12
    found = project_diversity(
        founders(n),
        strategy="random",
        rng=np.random.default_rng(5),
        demography=Demography(**YEARLINGS),
        years=years,
        runs=60,
    )
    per_year = (found.diversity_by_run[:, -1].mean() / found.diversity_by_run[:, 2].mean()) ** (
        1 / (years - 2)
    )
    ne = 0.5 / (1 - per_year)
    # 10 litters of 4 a year from 10 dams and 10 sires: between 4·10·10/20 and twice that
    assert 0.5 * 20 < ne < 2.0 * 20
    assert found.animals[-1] == n


def test_planned_pairs_keep_more_than_random_ones_and_those_more_than_none():
    arguments = {
        "demography": Demography(young_survival=0.8, adult_survival=0.85),
        "years": 60,
        "runs": 40,
    }
    ends = {
        strategy: project_diversity(
            founders(24), strategy=strategy, rng=np.random.default_rng(3), **arguments
        )
        for strategy in ("plan", "random", "nothing")
    }
    last = {name: found.diversity[-1] for name, found in ends.items()}
    assert last["plan"] > last["random"] > last["nothing"]
    assert ends["plan"].falls_under_goal.year > ends["nothing"].falls_under_goal.year
    for found in ends.values():
        assert (found.diversity_lower <= found.diversity + 1e-12).all()
        assert (found.diversity <= found.diversity_upper + 1e-12).all()
        assert (found.animals_upper <= 24).all()
        assert found.diversity[0] == pytest.approx(1 - 1 / 48)


def test_the_year_of_the_fall_is_that_of_the_runs():
    found = project_diversity(
        founders(16),
        strategy="random",
        rng=np.random.default_rng(8),
        demography=Demography(**YEARLINGS),
        years=30,
        runs=41,
    )
    under = found.diversity_by_run < 0.9
    first = np.sort(np.where(under.any(axis=1), under.argmax(axis=1), np.inf))
    assert found.falls_under_goal.year == first[20]
    assert found.falls_under_goal.share_of_runs == under.any(axis=1).mean()
    assert found.falls_under_goal.lower <= found.falls_under_goal.year <= found.falls_under_goal.upper


def test_planned_pairs_of_the_first_year_are_the_parents():
    from ghostcat.pedigree.projection import _Herd

    herd = _Herd(founders(10), Demography(**YEARLINGS), np.random.default_rng(2), None)
    herd.live_a_year("plan", [(1, 0), (3, 0)])
    young = herd.kinship[np.ix_(herd.alive, herd.alive)]
    assert herd.alive.sum() == 8
    assert sorted(set(young.ravel().round(6).tolist())) == [0.125, 0.25, 0.5]  # half sibs, full sibs, self


def test_same_seed_same_future_and_numbers_never_exceed_the_room():
    arguments = {"strategy": "nothing", "years": 15, "runs": 20}
    rules = Demography(capacity=15, young_survival=0.9)
    a, b = (
        project_diversity(founders(12), rng=np.random.default_rng(4), demography=rules, **arguments)
        for _ in range(2)
    )
    assert np.array_equal(a.diversity_by_run, b.diversity_by_run, equal_nan=True)
    assert a.animals_upper.max() <= 15


def test_inbreeding_that_costs_lives_leaves_fewer_animals():
    stock = founders(12, kinship=0.4 + 0.2 * np.eye(12))
    ends = [
        project_diversity(
            stock,
            strategy="random",
            rng=np.random.default_rng(6),
            demography=Demography(young_survival=0.7, lethal_equivalents=cost),
            years=25,
            runs=30,
        )
        for cost in (0.0, 12.0)
    ]
    assert ends[1].animals[-1] < ends[0].animals[-1]


def test_growth_is_that_of_a_life_table_worked_by_hand():
    """One age of breeding: λ² = daughters at age 2."""
    rules = Demography(
        litter=2.0,
        largest_litter=2,
        young_survival=1.0,
        adult_survival=0.5,
        female_years=FertileYears(youngest=2, oldest=2),
        litter_interval_years=1,
        longest_life_years=2.0,
    )
    assert rules.growth == pytest.approx(math.sqrt(0.5 * 2.0 * 1.0 * 0.5))
    assert Demography(young_survival=0.9, adult_survival=0.95).growth > 1.0 > Demography().growth


def test_assumptions_are_those_left_at_their_defaults():
    assert "young_survival" in Demography().assumed
    given = Demography(young_survival=0.6, capacity=30, lethal_equivalents=6.29)
    assert not {"young_survival", "capacity", "lethal_equivalents"} & set(given.assumed)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"litter": 5.0}, "largest litter"),
        ({"young_survival": 1.2}, "young_survival"),
        ({"litter_interval_years": 0}, "interval"),
        ({"capacity": 1}, "room"),
        ({"lethal_equivalents": -1.0}, "lethal"),
    ],
)
def test_rates_that_cannot_be_are_said(wrong, words):
    with pytest.raises(ParameterError, match=words):
        Demography(**wrong)


def test_one_sex_has_no_future_and_few_runs_no_interval():
    with pytest.raises(EstimateRefused) as refused:
        project_diversity(founders(3, sex=("male",) * 3), strategy="plan", rng=np.random.default_rng(1))
    assert refused.value.code == "one_sex"
    with pytest.raises(ParameterError, match="interval"):
        project_diversity(founders(4), strategy="plan", rng=np.random.default_rng(1), runs=3)


def studbook_of(survival: tuple[float, float], *, dams: int, seed: int):
    """Litters of two every year with known fates; nobody older than 12."""
    rng = np.random.default_rng(seed)
    ids = [f"m{k}" for k in range(dams)] + ["pa"]
    birth = [1990.5] * (dams + 1)
    death: list[float] = [2019.5] * (dams + 1)
    parents: list[tuple[str, str]] = [("", "")] * (dams + 1)
    for year in range(1995, 2015):
        for k in range(dams):
            for _ in range(2):
                ids.append(f"c{len(ids)}")
                parents.append((f"m{k}", "pa"))
                birth.append(year + 0.5)
                age = 0
                while age < 12 and rng.random() < survival[min(age, 1)]:
                    age += 1
                death.append(year + age + 0.5)
    known = np.array(death)
    return make_pedigree(
        ids,
        [p[0] for p in parents],
        [p[1] for p in parents],
        birth=np.array(birth),
        death=np.where(known < 2020, known, np.nan),
        alive=(known >= 2020).astype(np.int8),
    )


def test_rates_of_a_studbook_are_found_again():
    rates = {r.name: r for r in observed_rates(studbook_of((0.6, 0.8), dams=12, seed=3), 2020)}
    assert rates["young_survival"].lower < 0.6 < rates["young_survival"].upper
    assert rates["young_survival"].n == 12 * 20 * 2
    assert abs(rates["adult_survival"].estimate - 0.8) < 0.03
    assert rates["litter"].estimate == 2.0 and rates["litter"].n == 240


def test_a_small_studbook_carries_no_rates():
    assert observed_rates(studbook_of((0.6, 0.8), dams=1, seed=3), 1996) == ()
