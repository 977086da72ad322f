"""Parents found in families of known truth."""

from dataclasses import replace

import numpy as np
import pytest

from ghostcat.errors import EstimateRefused, ParameterError
from ghostcat.genetics.genotypes import Genotypes
from ghostcat.genetics.parentage import assign_parents, mismatches
from ghostcat.genetics.parentage_candidates import CandidateRules, LifeHistory, find_candidates
from ghostcat.genetics.parentage_inference import infer
from ghostcat.genetics.parentage_model import TypingErrors
from ghostcat.genetics.parentage_thresholds import SimulatedParents, critical_value
from ghostcat.genetics.simulate_families import breed_population, drop_genes, type_animals

RULES = CandidateRules(min_age_dam=2, min_age_sire=2)


def wild(seed, *, loci=150, typed=0.7, missing=0.1, false_allele=0.005):
    """Animals of a population with overlapping generations, some of them never typed."""
    rng = np.random.default_rng(seed)
    bred = breed_population(rng=rng, founders=20, years=8)
    minor = rng.uniform(0.2, 0.5, loci)
    alleles = drop_genes(bred.dam, bred.sire, np.c_[1 - minor, minor], rng=rng)
    keep = np.sort(rng.choice(len(bred.dam), int(typed * len(bred.dam)), replace=False))
    genotypes = type_animals(
        alleles[keep], [f"t{i}" for i in keep], rng=rng, false_allele=false_allele, missing=missing
    )
    place = np.full(len(bred.dam) + 1, -1)
    place[keep] = np.arange(len(keep))
    birth = bred.birth_year[keep].astype(float)
    life = replace(
        LifeHistory.unknown(len(keep)),
        female=bred.female[keep].astype(float),
        first_birth=birth,
        last_birth=birth.copy(),
    )
    return genotypes, life, place[bred.dam[keep]], place[bred.sire[keep]]


@pytest.fixture(scope="module")
def found():
    genotypes, life, dams, sires = wild(3)
    result = assign_parents(
        genotypes, life, rng=np.random.default_rng(1), rules=RULES, confidence=0.95, replicates=3
    )
    return genotypes, life, dams, sires, result


def test_parents_are_found_and_strangers_are_not(found):
    genotypes, _, dams, sires, result = found
    right = wrong = 0
    for row, dam, sire in zip(result.assignments, dams, sires, strict=True):
        for given, true in ((row.dam, dam), (row.sire, sire)):
            if given is not None:
                hit = true >= 0 and given == genotypes.samples[true]
                right, wrong = right + hit, wrong + (not hit)
    true = int((dams >= 0).sum() + (sires >= 0).sum())
    assert right > 0.9 * true
    assert wrong <= 0.05 * (right + wrong)


def test_every_parent_comes_with_its_odds_and_the_rate_of_its_rule(found):
    result = found[-1]
    rules = {c.side: c for c in result.critical if c.confidence == result.confidence}
    assert all(c.interval[0] <= c.false_assignment_rate <= 0.05 for c in rules.values())
    for row in result.assignments:
        if row.dam:
            assert row.dam_probability >= rules["dam"].probability
            assert row.llr_dam is not None and row.oh_dam is not None and row.delta_dam is not None
        else:
            assert row.llr_dam is None and row.llr_pair is None


def test_sampling_fraction_lies_in_its_interval(found):
    _, life, dams, _, result = found
    candidates = find_candidates(life, RULES).dam.sum(axis=1) > 0
    true = float((dams[candidates] >= 0).mean())
    low, high = result.dams_sampled.interval
    assert 0 <= low <= true <= high <= 1


def test_sibship_groups_are_full_sibs(found):
    genotypes, _, dams, sires, result = found
    place = {name: at for at, name in enumerate(genotypes.samples)}
    checked = 0
    for group in result.groups:
        rows = [place[m] for m in group.members]
        if group.dam_typed and group.sire_typed and len(rows) > 1:
            checked += 1
            assert len({(dams[r], sires[r]) for r in rows}) == 1
    assert checked >= 3


def test_same_seed_same_answer_and_order_does_not_matter(found):
    genotypes, life, _, _, result = found
    again = assign_parents(
        genotypes, life, rng=np.random.default_rng(1), rules=RULES, confidence=0.95, replicates=3
    )
    assert again.assignments == result.assignments
    order = np.random.default_rng(0).permutation(len(genotypes))
    moved = LifeHistory(**{k: getattr(life, k)[order] for k in LifeHistory.__dataclass_fields__})
    errors = TypingErrors(false_allele=0.005)
    here = infer(genotypes, life, find_candidates(life, RULES), errors=errors)
    there = infer(genotypes.select(order), moved, find_candidates(moved, RULES), errors=errors)
    # joining families best first breaks ties by order; an unsure animal may end in another family
    moved_much = np.abs(there.dam_probability - here.dam_probability[order]) > 0.02
    assert moved_much.mean() < 0.05
    sure = (here.dam_probability > 0.95)[order]
    assert (order[there.dam[sure]] == here.dam[order][sure]).all()


def test_the_aunt_is_not_taken_for_the_mother():
    """Mother never typed, her full sister a candidate: what fools odds against strangers."""
    wrong = offered = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        # 0, 1 grandparents; 2 mother, 3 aunt; 4…11 fathers; 12…19 cubs; 20…49 other animals of all ages
        dam = [-1, -1, 0, 0, *[-1] * 8, *[2] * 8, *[-1] * 30]
        sire = [-1, -1, 1, 1, *[-1] * 8, *range(4, 12), *[-1] * 30]
        minor = rng.uniform(0.3, 0.5, 40)
        alleles = drop_genes(dam, sire, np.c_[1 - minor, minor], rng=rng)
        keep = np.array([3, *range(4, 50)])
        genotypes = type_animals(alleles[keep], [str(i) for i in keep], rng=rng, false_allele=0.02)
        born = np.array([2000.0] + [2000.0] * 8 + [2005.0] * 8 + [2000.0] * 30)
        female = np.array([1.0] + [0.0] * 8 + [0.5] * 8 + [1.0, 0.0] * 15)
        life = replace(LifeHistory.unknown(47), first_birth=born, last_birth=born.copy(), female=female)
        result = assign_parents(
            genotypes, life, rng=np.random.default_rng(seed), confidence=0.95, replicates=2
        )
        cubs = result.assignments[9:17]
        offered += sum(row.best_dam == "3" and row.lod_dam > 0 for row in cubs)
        wrong += sum(row.dam is not None for row in cubs)
    # odds against strangers alone would have given her these cubs
    assert offered >= 5
    assert wrong <= 1


def test_known_mother_is_used_and_her_contradiction_seen(found):
    genotypes, life, dams, _, _ = found
    cub = int(np.flatnonzero(dams >= 0)[0])
    known = np.full(len(genotypes), -1)
    known[cub] = dams[cub]
    fact = replace(life, known_dam=known)
    result = infer(genotypes, fact, find_candidates(fact, RULES), errors=TypingErrors(false_allele=0.005))
    assert result.dam[cub] == dams[cub]
    assert result.dam_probability[cub] > 0.999


def test_mismatches_by_hand():
    # cub AB AA AB --; dam AA BB AA AA; sire AA AA AA AA
    cub, dam, sire = [1, 0, 1, -1], [0, 2, 0, 0], [0, 0, 0, 0]
    genotypes = Genotypes.from_dosage(["c", "d", "s"], list("wxyz"), np.array([cub, dam, sire]))
    nobody = np.full(3, -1)
    dams, sires = nobody.copy(), nobody.copy()
    dams[0], sires[0] = 1, 2
    oh_dam, oh_sire, pair, with_dam, with_sire = (x[0] for x in mismatches(genotypes, dams, sires))
    assert (oh_dam, oh_sire, with_dam, with_sire) == (1, 0, 3, 3)
    assert pair == 3  # AB of AA × AA twice, and AA of BB × AA


def test_critical_value_is_the_least_that_keeps_the_share():
    probability = np.linspace(0.5, 1.0, 101)
    right = probability > 0.7
    simulated = SimulatedParents(
        probability={"dam": probability},
        delta={"dam": probability},
        right={"dam": right},
        typed_share={"dam": np.zeros(1)},
        replicates=1,
    )
    rule = critical_value(simulated, "dam", 0.9)
    kept = probability >= rule.probability
    assert (~right[kept]).mean() <= 0.1 < (~right[probability >= rule.probability - 0.02]).mean()
    assert rule.false_assignment_rate == pytest.approx((~right[kept]).mean())
    none = critical_value(replace(simulated, right={"dam": np.zeros(101, dtype=bool)}), "dam", 0.9)
    assert none.probability > 1 and none.false_assignment_rate is None


def test_nothing_to_say_is_said():
    one = Genotypes.from_dosage(["a"], ["x"], np.array([[1]]))
    with pytest.raises(EstimateRefused, match="at least two"):
        assign_parents(one, rng=np.random.default_rng(1))
    same = Genotypes.from_dosage(["a", "b"], ["x"], np.array([[0], [0]]), allele_names=[("0", "1")])
    with pytest.raises(ParameterError, match="confidence"):
        assign_parents(same, rng=np.random.default_rng(1), confidence=1.0)
    twice = Genotypes.from_dosage(["a", "a"], ["x"], np.array([[0], [1]]))
    with pytest.raises(ParameterError, match="more than one row"):
        assign_parents(twice, rng=np.random.default_rng(1))
