"""Is the score what it says, and is the plan the best one? Checked by hand and by trying everything."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.pedigree._season_programme import Limits, removable_diagonal
from ghostcat.pedigree.matchups import greedy_pairs, plan_season
from ghostcat.pedigree.suitability import (
    COMPONENTS,
    BreedingStock,
    FertileYears,
    Institutions,
    PairVeto,
    diversity_with_offspring,
    score_pairs,
)


def grown_kinship(n_founders: int, n_young: int, seed: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Kinship of a random pedigree by the tabular method, rows in birth order."""
    rng = np.random.default_rng(seed)
    parents: list[tuple[int, int]] = [(-1, -1)] * n_founders
    for i in range(n_founders, n_founders + n_young):
        dam = int(rng.integers(0, i // 2 + 1)) * 2 % i
        sire = int(rng.integers(0, i))
        parents.append((dam, sire if sire != dam else (sire + 1) % i))
    return tabular(parents), parents


def tabular(parents: list[tuple[int, int]]) -> np.ndarray:
    size = len(parents)
    f = np.zeros((size, size))
    for i, (a, b) in enumerate(parents):
        for j in range(i):
            f[i, j] = f[j, i] = 0.5 * ((f[a, j] if a >= 0 else 0) + (f[b, j] if b >= 0 else 0))
        f[i, i] = 0.5 * (1 + (f[a, b] if min(a, b) >= 0 else 0))
    return f


def a_stock(n: int = 12, *, founders: int = 5, seed: int = 1, **changes: object) -> BreedingStock:
    f, _ = grown_kinship(founders, n + 6, seed)
    keep = np.arange(founders + 6, founders + 6 + n)
    given_: dict[str, object] = {
        "ids": tuple(f"a{k}" for k in range(n)),
        "sex": tuple("female" if k % 2 else "male" for k in range(n)),
        "kinship": f[np.ix_(keep, keep)],
        "age_years": np.full(n, 6.0),
        "known": np.ones(n),
    }
    return BreedingStock(**(given_ | changes))  # type: ignore[arg-type]


@given(seed=st.integers(0, 500), young=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_gene_diversity_after_a_season_is_that_of_the_grown_pedigree(seed, young):
    """The formula against a pedigree to which the young are really added."""
    f, parents = grown_kinship(5, 9, seed)
    rng = np.random.default_rng(seed)
    size = len(f)
    pairs = np.array([rng.choice(size, 2, replace=False) for _ in range(3)])
    counts = rng.integers(0, young + 1, 3)
    grown = list(parents)
    for (a, b), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        grown += [(a, b)] * count
    expected = 1 - tabular(grown).mean()
    assert diversity_with_offspring(f, counts.astype(float), pairs) == pytest.approx(expected, abs=1e-12)


def test_change_of_one_pair_is_the_difference_of_two_diversities():
    stock = a_stock()
    scores = score_pairs(stock, litter=1.7)
    for p in range(0, len(scores.dam), 5):
        pair = np.array([[scores.dam[p], scores.sire[p]]])
        after = diversity_with_offspring(stock.kinship, np.array([1.7]), pair)
        assert scores.diversity_change[p] == pytest.approx(after - stock.gene_diversity, abs=1e-13)


def test_components_by_hand():
    """Two unrelated founders and their son, litter of one; every value worked out on paper."""
    f = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.25], [0.25, 0.25, 0.5]])
    places = Institutions(
        names=("X", "Y"), cost=np.array([[0.0, 10.0], [30.0, 0.0]]), space=np.full(2, np.inf)
    )
    stock = BreedingStock(
        ids=("ma", "pa", "son"),
        sex=("female", "male", "male"),
        kinship=f,
        age_years=np.array([5.0, np.nan, 4.0]),
        known=np.array([1.0, 0.5, 0.75]),
        site=("X", "X", "Y"),
    )
    scores = score_pairs(stock, litter=1.0, lethal_equivalents=4.0, institutions=places)
    assert scores.offspring_inbreeding.tolist() == [0.0, 0.25]
    # GD now 1 − 2.5/9; with a full sib of the son: 2.5 + 2·(0.25 + 0.25 + 0.25) + 0.5 over 16
    assert scores.diversity_change[0] == pytest.approx((1 - 4.5 / 16) - (1 - 2.5 / 9))
    # with a young of mother and son: kinship 0.375 to each of them, 0.125 to the father, itself 0.625
    after = 1 - (2.5 + 2 * (0.375 + 0.125 + 0.375) + 0.625) / 16
    assert scores.diversity_change[1] == pytest.approx(after - (1 - 2.5 / 9))
    largest = np.abs(scores.diversity_change).max()
    assert scores.values[:, 0] == pytest.approx(0.5 + 0.5 * scores.diversity_change / largest)
    assert scores.values[:, 1] == pytest.approx([1.0, np.exp(-2.0 * 0.25)])
    assert scores.values[:, 2] == pytest.approx([1.0, 0.0])
    assert scores.values[:, 3] == pytest.approx([0.75, 0.875])
    assert scores.values[:, 4].tolist() == [0.5, 1.0]
    assert scores.transfer_cost.tolist() == [0.0, 10.0]
    assert scores.values[:, 5].tolist() == [1.0, 0.0]
    weights = np.array([0.4, 0.3, 0.1, 0.1, 0.05, 0.05])
    assert scores.score == pytest.approx(100 * scores.values @ weights)
    assert list(scores.weights) == list(COMPONENTS)


def test_a_veto_overrides_every_score_and_says_why():
    stock = a_stock(8, age_years=np.array([6.0, 1.0, 6, 6, 6, 6, 30, 6]))
    vetoes = [
        PairVeto(animal="a3", kind="health", reason="kidneys"),
        PairVeto(animal="a5", partner="a0", kind="law", reason="no permit"),
    ]
    scores = score_pairs(stock, vetoes=vetoes, max_inbreeding=1.0)
    table = scores.table()
    forbidden = table[table.score.isna()]
    assert set(forbidden.dam) >= {"a1", "a3"} and set(forbidden[forbidden.sire == "a6"].dam) == {
        "a1", "a3", "a5", "a7"
    }  # fmt: skip
    assert "law: no permit" in set(table[(table.dam == "a5") & (table.sire == "a0")].vetoed_by)
    assert table.score.isna().to_list() == sorted(table.score.isna())
    plan = plan_season(scores, litters=2, rng=np.random.default_rng(1), draws=100)
    assert {m.dam for m in plan.matches} == {"a5", "a7"}
    assert not {("a5", "a0")} & {(m.dam, m.sire) for m in plan.matches}


def test_a_veto_of_a_stranger_is_an_error_with_its_name():
    with pytest.raises(ParameterError, match="'nobody'"):
        score_pairs(a_stock(), vetoes=[PairVeto(animal="nobody")])


def best_by_trying_all(scores, litters: int) -> float:
    """Every set of `litters` pairs in which nobody breeds twice."""
    females = sorted(set(scores.dam[scores.open].tolist()))
    males = sorted(set(scores.sire[scores.open].tolist()))
    allowed = set(zip(scores.dam[scores.open].tolist(), scores.sire[scores.open].tolist(), strict=True))
    best = -np.inf
    for dams in combinations(females, litters):
        for sires in permutations(males, litters):
            pairs = list(zip(dams, sires, strict=True))
            if set(pairs) <= allowed:
                young = np.full(litters, scores.litter)
                best = max(best, diversity_with_offspring(scores.stock.kinship, young, np.array(pairs)))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_the_plan_is_the_best_of_all_plans(seed):
    stock = a_stock(12, seed=seed)
    limit = float(np.quantile(stock.kinship, 0.55))
    scores = score_pairs(stock, litter=2.0, max_inbreeding=limit)
    plan = plan_season(scores, litters=3, rng=np.random.default_rng(0), draws=100)
    assert plan.diversity_after == pytest.approx(best_by_trying_all(scores, 3), abs=1e-7)
    assert plan.gap <= 2e-7 and plan.diversity_bound >= plan.diversity_after
    assert all(m.offspring_inbreeding <= limit + 1e-12 for m in plan.matches)
    for other in plan.comparisons:
        assert other.gain >= -1e-7 or other.litters < 3
        assert other.lower <= other.expected_diversity <= other.upper or other.name == "random"
        assert other.gain_lower <= other.gain <= other.gain_upper


@given(seed=st.integers(0, 300), per_male=st.integers(1, 3), litters=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_limits_of_pairs_are_kept_and_nobody_is_paired_twice_with_one(seed, per_male, litters):
    scores = score_pairs(a_stock(10, seed=seed))
    plan = plan_season(
        scores, litters=litters, pairs_per_male=per_male, rng=np.random.default_rng(seed), draws=100
    )
    dams, sires = [m.dam for m in plan.matches], [m.sire for m in plan.matches]
    assert len(plan.matches) == litters and len(set(dams)) == litters
    assert max(sires.count(sire) for sire in sires) <= per_male
    greedy = greedy_pairs(
        scores,
        Limits(
            litters=litters,
            pairs_per_female=1,
            pairs_per_male=per_male,
            transfer_budget=None,
            max_transfers=None,
        ),
    )
    pairs = np.column_stack([scores.dam[greedy], scores.sire[greedy]])
    young = np.full(len(greedy), scores.litter)
    assert plan.diversity_after >= diversity_with_offspring(scores.stock.kinship, young, pairs) - 1e-7


def test_the_order_of_the_animals_does_not_matter():
    stock = a_stock(14, seed=5)
    turn = np.random.default_rng(3).permutation(14)
    turned = BreedingStock(
        ids=tuple(stock.ids[k] for k in turn),
        sex=tuple(stock.sex[k] for k in turn),
        kinship=stock.kinship[np.ix_(turn, turn)],
        age_years=stock.age_years[turn],
        known=stock.known[turn],
    )
    plans = [
        plan_season(score_pairs(s), litters=4, rng=np.random.default_rng(1), draws=100)
        for s in (stock, turned)
    ]
    assert plans[0].diversity_after == pytest.approx(plans[1].diversity_after, abs=2e-7)


def placed_stock(seed: int = 2) -> tuple[BreedingStock, Institutions]:
    stock = a_stock(12, seed=seed, site=tuple("AABBCCAABBCC"))
    cost = np.array([[0.0, 5.0, 9.0], [5.0, 0.0, 4.0], [9.0, 4.0, 0.0]])
    return stock, Institutions(names=("A", "B", "C"), cost=cost, space=np.full(3, np.inf))


def test_transfers_keep_to_budget_number_and_space():
    stock, places = placed_stock()
    tight = Institutions(names=places.names, cost=places.cost, space=np.array([5.0, 7.0, 9.0]))
    scores = score_pairs(stock, litter=1.0, institutions=tight)
    plan = plan_season(
        scores, litters=4, transfer_budget=9.0, max_transfers=2, rng=np.random.default_rng(1), draws=100
    )
    assert len(plan.matches) == 4
    assert len(plan.transfers) <= 2 and sum(t.cost for t in plan.transfers) <= 9.0
    home = dict(zip(stock.ids, stock.site, strict=True))
    now = home | {t.animal: t.target for t in plan.transfers}
    for match in plan.matches:
        assert now[match.dam] == now[match.sire] == match.meet_at
        assert set(match.moves) == {n for n in (match.dam, match.sire) if now[n] != home[n]}
    for name, space in zip(tight.names, tight.space, strict=True):
        kept = sum(place == name for place in now.values()) + sum(m.meet_at == name for m in plan.matches)
        assert kept <= space


def test_no_transfer_means_pairs_at_home_and_costs_diversity():
    stock, places = placed_stock()
    scores = score_pairs(stock, institutions=places)
    home = dict(zip(stock.ids, stock.site, strict=True))
    stay = plan_season(scores, litters=3, max_transfers=0, rng=np.random.default_rng(1), draws=100)
    free = plan_season(scores, litters=3, rng=np.random.default_rng(1), draws=100)
    assert not stay.transfers and all(home[m.dam] == home[m.sire] for m in stay.matches)
    assert stay.diversity_after <= free.diversity_after + 1e-9
    assert stay.diversity_bound >= stay.diversity_after


def test_a_way_that_is_closed_is_a_veto():
    stock, places = placed_stock()
    closed = places.cost.copy()
    closed[0, 1:] = closed[1:, 0] = np.inf
    scores = score_pairs(
        stock, institutions=Institutions(names=places.names, cost=closed, space=places.space)
    )
    away = np.array(
        [
            (stock.site[i] == "A") != (stock.site[j] == "A")
            for i, j in zip(scores.dam, scores.sire, strict=True)
        ]
    )
    assert (~scores.open == away).all()
    assert {v.kind for standing in scores.vetoes for v in standing} == {"no_way"}


def test_more_litters_than_can_be_gives_as_many_as_can_be():
    scores = score_pairs(a_stock(8), max_inbreeding=1.0)
    plan = plan_season(scores, litters=40, rng=np.random.default_rng(1), draws=100)
    assert len(plan.matches) == 4 and plan.litters_wanted == 40


def test_no_pair_is_refused_with_its_reason():
    stock = a_stock(6, age_years=np.full(6, 1.0))
    with pytest.raises(EstimateRefused, match="all 9 possible pairs are vetoed") as refused:
        plan_season(score_pairs(stock), litters=1, rng=np.random.default_rng(1))
    assert refused.value.code == "no_pair"
    with pytest.raises(EstimateRefused):
        plan_season(score_pairs(a_stock(4, sex=("male",) * 4)), litters=1, rng=np.random.default_rng(1))


def test_an_animal_without_a_sex_is_named_and_in_no_pair():
    scores = score_pairs(a_stock(4, sex=("female", "", "male", "female")))
    assert scores.sex_unknown == ("a1",)
    assert 1 not in scores.dam and 1 not in scores.sire and len(scores.dam) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"litter": 0.0}, "litter of 0 young"),
        ({"weights": {"beauty": 1.0}}, "beauty"),
        ({"weights": {"age": -1.0}}, "weights"),
        ({"max_inbreeding": 1.5}, "outside 0…1"),
        ({"lethal_equivalents": -1.0}, "lethal"),
    ],
)
def test_what_cannot_be_is_said(arguments, words):
    with pytest.raises(ParameterError, match=words):
        score_pairs(a_stock(), **arguments)


def test_windows_and_stocks_that_cannot_be():
    with pytest.raises(ParameterError, match="no window"):
        FertileYears(youngest=9, oldest=3)
    with pytest.raises(ParameterError, match="not symmetric"):
        a_stock(2, kinship=np.array([[0.5, 0.1], [0.2, 0.5]]))
    with pytest.raises(ParameterError, match="listed twice"):
        a_stock(2, ids=("a", "a"))
    scores = score_pairs(a_stock())
    for wrong in (
        {"litters": 0},
        {"breeding_chance": 0.0},
        {"draws": 5},
        {"seconds": 0.0},
        {"max_transfers": 1},
    ):
        with pytest.raises(ParameterError):
            plan_season(scores, rng=np.random.default_rng(1), **({"litters": 1} | wrong))  # type: ignore[arg-type]


@given(seed=st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_the_diagonal_taken_out_leaves_a_positive_matrix(seed):
    f, _ = grown_kinship(4, 10, seed)
    diagonal = removable_diagonal(f)
    assert (diagonal >= 0).all()
    assert np.linalg.eigvalsh(f - np.diag(diagonal))[0] > -1e-9


def test_out_of_time_is_not_impossible(monkeypatch):
    """Where no programme ends in time, the plan made step by step stands, within the limits, with its gap."""
    stock, places = placed_stock()
    tight = Institutions(names=places.names, cost=places.cost, space=np.array([5.0, 7.0, 9.0]))
    scores = score_pairs(stock, litter=1.0, institutions=tight)
    monkeypatch.setattr("ghostcat.pedigree._season_solver._milp", lambda *a, **k: None)
    plan = plan_season(scores, litters=3, transfer_budget=9.0, rng=np.random.default_rng(1), draws=100)
    home = dict(zip(stock.ids, stock.site, strict=True))
    now = home | {t.animal: t.target for t in plan.transfers}
    assert len(plan.matches) == 3 and sum(t.cost for t in plan.transfers) <= 9.0
    assert all(now[m.dam] == now[m.sire] == m.meet_at for m in plan.matches)
    assert 0 < plan.gap < 0.2 and plan.diversity_bound > plan.diversity_after
